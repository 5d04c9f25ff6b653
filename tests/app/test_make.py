"""The set-up behind the two commands: when it runs, when it begins again, what it says."""

import subprocess
import sys
from pathlib import Path

import pytest

import make


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """A checkout whose set-up commands are only written down, in ``root/calls``."""
    monkeypatch.setattr(make, "ROOT", tmp_path)
    monkeypatch.setattr(make, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(make, "READY", tmp_path / ".venv/ready.json")
    monkeypatch.setattr(make, "PYTHON", tmp_path / ".venv/bin/python")
    monkeypatch.setattr(make, "reachable", lambda url: True)
    monkeypatch.setattr(make, "has_nvidia_gpu", lambda: False)
    monkeypatch.setattr(make.sys, "platform", "linux")
    for name in make.REQUIREMENTS:
        (tmp_path / name).write_text("torch>=2.6,<2.14\nnumpy\n")

    def run(command, **options):
        words = " ".join(map(str, command))
        if "-c" in command:
            return subprocess.CompletedProcess(command, 0, stdout="3 11\n")
        if "venv" in command:
            make.PYTHON.parent.mkdir(parents=True)
            make.PYTHON.touch()
        with (tmp_path / "calls").open("a") as calls:
            calls.write(words + "\n")
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(make.subprocess, "run", run)
    return tmp_path


def calls(root: Path) -> list[str]:
    text = (root / "calls").read_text()
    (root / "calls").write_text("")
    return text.splitlines()


def test_the_second_time_nothing_is_done(root):
    make.set_up("start")
    done = calls(root)
    assert "venv" in done[0] and make.CPU_WHEELS in done[1] and "requirements.txt" in done[2]
    make.set_up("start")
    assert calls(root) == []


def test_testing_adds_to_what_starting_made(root):
    make.set_up("start")
    calls(root)
    make.set_up("test")
    added = calls(root)
    assert not any("venv .venv" in line for line in added)
    assert added[-1].endswith("requirements-dev.txt")
    make.set_up("start")
    assert calls(root) == [], "what tests need includes what starting needs"


def test_changed_requirements_are_installed(root):
    make.set_up("start")
    calls(root)
    (root / "requirements.txt").write_text("torch>=2.6,<2.14\n")
    make.set_up("start")
    assert len(calls(root)) == 2


def test_an_interrupted_set_up_begins_again(root, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(make, "install_torch", interrupted)
        with pytest.raises(KeyboardInterrupt):
            make.set_up("start")
    half_made = make.VENV / "half-made"
    half_made.touch()
    make.set_up("start")
    assert not half_made.exists() and make.is_ready("start")


def test_without_the_cpu_index_plain_pip_is_used(root, monkeypatch):
    monkeypatch.setattr(make, "reachable", lambda url: False)
    make.install_torch()
    assert make.CPU_WHEELS not in calls(root)[0]


def test_a_machine_without_a_fitting_python_is_told_what_to_install(monkeypatch):
    monkeypatch.setattr(make.shutil, "which", lambda name: None)
    failed = subprocess.CompletedProcess([], 1, stdout="")
    monkeypatch.setattr(make.subprocess, "run", lambda *a, **o: failed)
    with pytest.raises(make.CannotSetUp, match="python3-venv"):
        make.find_python()


def test_an_unknown_goal_shows_both_commands():
    command = [sys.executable, "make.py", "fly"]
    result = subprocess.run(command, cwd=make.ROOT, capture_output=True, text=True)
    assert result.returncode == 2
    assert "make.py start" in result.stdout and "make.py test" in result.stdout
