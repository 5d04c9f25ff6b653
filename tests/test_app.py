"""The front door: imports that do nothing, flags, and a README that tells the truth."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import app

ROOT = Path(__file__).parents[1]


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)


def test_importing_the_app_loads_nothing():
    heavy = "torch, gradio, numpy, skimage, dlib, transformers".split(", ")
    result = run(f"import app, sys; print([m for m in {heavy} if m in sys.modules])")
    assert result.stdout.strip() == "[]", result.stderr


def test_flags_have_working_defaults():
    options = app.parse([])
    assert (options.domain, options.host, options.port, options.share) == (
        "portraits",
        None,
        None,
        False,
    )


@pytest.mark.parametrize("flags", [["--domain", "nowhere"], ["--device", "abacus"]])
def test_refusals_are_one_sentence_and_exit_code_2(flags, capsys):
    if flags[0] == "--device" and not (ROOT / "weights/portraits/domain.yaml").exists():
        pytest.skip("the bundled weights are not here")
    assert app.main(flags) == 2
    error = capsys.readouterr().err
    assert flags[1] in error and len(error.strip().splitlines()) == 1


def test_the_readme_names_every_module():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    tree = re.search(r"## Files\n+```\n(.*?)```", readme, re.S)
    assert tree, "README.md has no file tree under '## Files'"
    named = set(re.findall(r"[\w./-]+\.(?:py|css|js|yaml|md)", tree[1]))
    for folder in ("editing", "ui", "training", "benchmarks"):
        modules = {p.name for p in (ROOT / folder).glob("*.py")} - {"__init__.py"}
        missing = sorted(name for name in modules if name not in named)
        assert not missing, f"README.md does not mention {folder}/: {missing}"


def test_the_readme_commands_exist():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for goal in ("start", "test"):
        assert f"python3 make.py {goal}" in readme
    assert "\npython3 make.py test" in (ROOT / ".ci/run").read_text(encoding="utf-8")
