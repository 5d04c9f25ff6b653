"""The front door: imports that do nothing, flags, and a README that tells the truth."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet

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


def test_a_password_is_asked_for_only_where_one_is_given():
    assert app.auth_of(None) is None
    assert app.auth_of("me:a:b") == ("me", "a:b")


@pytest.mark.parametrize("text", ["", "me", "me:", ":secret"])
def test_half_a_password_is_refused_and_not_shown(text, capsys):
    assert app.main(["--auth", text]) == 2
    error = capsys.readouterr().err
    assert "USER:PASSWORD" in error and "secret" not in error


def test_mcp_without_its_package_is_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr(app.importlib.util, "find_spec", lambda name: None)
    assert app.main(["--mcp"]) == 2
    assert "gradio[mcp]" in capsys.readouterr().err


def test_mcp_and_a_password_do_not_go_together(monkeypatch, capsys):
    monkeypatch.setattr(app.importlib.util, "find_spec", lambda name: None)
    for flags in (["--mcp", "--auth", "me:secret"], ["--auth", "me:secret"]):
        if "--mcp" not in flags:
            monkeypatch.setenv("GRADIO_MCP_SERVER", "True")
        assert app.main(flags) == 2
        error = capsys.readouterr().err
        assert "--mcp and --auth" in error and "secret" not in error


def test_the_readme_is_the_front_matter_of_a_space():
    facts = yaml.safe_load((ROOT / "README.md").read_text(encoding="utf-8").split("---")[1])
    assert facts["sdk"] == "gradio" and (ROOT / facts["app_file"]).is_file()
    minor = int(facts["python_version"].split(".")[1])
    assert 10 <= minor <= 13 and len(facts["short_description"]) <= 60
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert facts["sdk_version"] in SpecifierSet(next(x for x in lines if "gradio" in x)[6:])


def test_only_a_configured_proxy_is_believed(monkeypatch):
    for system, told, believed in (
        ("", None, ""),  # nobody: uvicorn alone would believe this machine
        ("spaces", None, "*"),
        ("", "10.0.0.1", "10.0.0.1"),
    ):
        monkeypatch.delenv("FORWARDED_ALLOW_IPS", raising=False)
        if told:
            monkeypatch.setenv("FORWARDED_ALLOW_IPS", told)
        monkeypatch.setenv("SYSTEM", system)
        app.prepare()
        assert os.environ.get("FORWARDED_ALLOW_IPS") == believed
    monkeypatch.delenv("FORWARDED_ALLOW_IPS")


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


def test_every_flag_is_documented(capsys):
    with pytest.raises(SystemExit):
        app.parse(["--help"])
    flags = set(re.findall(r"--[a-z]+", capsys.readouterr().out)) - {"--help"}
    page = (ROOT / "docs/hosting.md").read_text(encoding="utf-8")
    assert [flag for flag in sorted(flags) if f"`{flag}" not in page] == []


def test_a_port_is_looked_at_before_anything_is_loaded(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("the domain was opened")

    monkeypatch.setattr(app, "build_page", never)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        for words, sentence in (
            (["--port", str(taken.getsockname()[1])], "is in use; choose another --port"),
            (["--port", "0"], "--port 0 is not possible; choose from 1024 to 65535."),
            (["--port", "70000"], "--port 70000 is not possible"),
            (["--port", "7999", "--host", "192.0.2.1"], "is no address of this machine"),
            (["--port", "7999", "--host", "no such host"], "is no address"),
        ):
            assert app.main(words) == 2
            assert sentence in capsys.readouterr().err
    app.check_port(None, None)
