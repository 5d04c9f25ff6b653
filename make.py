#!/usr/bin/env python3
"""The two commands of Latent Studio. Needs only Python 3.10-3.13; everything else it sets up.

    python3 make.py start [flags of app.py]     set up, then open the studio
    python3 make.py test [arguments of pytest]  set up, then run every check
    python3 make.py setup                       set up for start, and stop there

The first run makes a virtual environment in .venv and installs requirements.txt into it; later
runs see from .venv/ready.json that nothing changed and go straight on. A set-up that was cut
short leaves no ready.json, so the next run begins it again instead of trusting half of it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
READY = VENV / "ready.json"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
OLDEST, NEWEST = (3, 10), (3, 13)
CPU_WHEELS = "https://download.pytorch.org/whl/cpu"
WORKERS = "2"  # processes of pytest; each holds models of its own
NONE_CHOSEN = 5  # what pytest ends with where its arguments leave no test
REQUIREMENTS = ("requirements.txt", "requirements-dev.txt")  # the second for tests only


class CannotSetUp(Exception):
    """The machine lacks something; the message says what to install."""


def find_python() -> str:
    """A supported interpreter that can make virtual environments; the one running this first."""
    minors = range(NEWEST[1], OLDEST[1] - 1, -1)
    candidates = [sys.executable, *(shutil.which(f"python3.{minor}") for minor in minors)]
    for candidate in filter(None, candidates):
        probe = "import ensurepip, sys; print(sys.version_info.major, sys.version_info.minor)"
        result = subprocess.run([candidate, "-c", probe], capture_output=True, text=True)
        if result.returncode == 0 and OLDEST <= tuple(map(int, result.stdout.split())) <= NEWEST:
            return candidate
    raise CannotSetUp(
        f"Found no Python 3.{OLDEST[1]}-3.{NEWEST[1]} that can make virtual environments (this is "
        f"{sys.version.split()[0]}); install one from python.org, or on Debian and Ubuntu run "
        "'apt install python3 python3-venv', and try again."
    )


def wanted(goal: str) -> dict[str, str]:
    """What .venv/ready.json says once ``goal`` is set up: a digest per requirements file."""
    names = REQUIREMENTS[: 2 if goal == "test" else 1]
    return {name: hashlib.sha256((ROOT / name).read_bytes()).hexdigest() for name in names}


def is_ready(goal: str) -> bool:
    try:
        installed = json.loads(READY.read_text())
    except (OSError, ValueError):
        return False
    return PYTHON.exists() and wanted(goal).items() <= installed.items()


def pip(*arguments: str) -> None:
    subprocess.run([PYTHON, "-m", "pip", "--disable-pip-version-check", *arguments], check=True)


def has_nvidia_gpu() -> bool:
    return shutil.which("nvidia-smi") is not None or Path("/proc/driver/nvidia/version").exists()


def reachable(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


def install_torch() -> None:
    """PyTorch without its gigabytes of CUDA where no NVIDIA GPU could use them.

    Only Linux wheels bring CUDA along, and PyTorch keeps the small ones on an index of its own;
    where that index cannot be reached plain pip does.
    """
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    torch = next(line for line in lines if line.startswith("torch"))
    if sys.platform == "linux" and not has_nvidia_gpu() and reachable(f"{CPU_WHEELS}/torch/"):
        try:
            return pip("install", "--quiet", "--index-url", CPU_WHEELS, torch)
        except subprocess.CalledProcessError:
            say("PyTorch's CPU index gave no wheel; taking the one of the default index.")
    pip("install", "--quiet", torch)


def set_up(goal: str) -> None:
    """Make or renew .venv so that it holds what ``goal`` needs; returns at once if it does."""
    if is_ready(goal):
        return
    started = time.monotonic()
    say("Setting up .venv (once; a few minutes, most of it PyTorch).")
    if not (PYTHON.exists() and READY.exists()):
        shutil.rmtree(VENV, ignore_errors=True)
        subprocess.run([find_python(), "-m", "venv", str(VENV)], check=True)
    READY.unlink(missing_ok=True)  # from here on an interruption starts afresh
    install_torch()
    pip("install", "--quiet", "-r", str(ROOT / list(wanted(goal))[-1]))
    READY.write_text(json.dumps(wanted(goal), indent=2))
    say(f"Set up in {time.monotonic() - started:.0f} s.")


def start(arguments: list[str]) -> int:
    try:
        return subprocess.run([PYTHON, "app.py", *arguments], cwd=ROOT).returncode
    except KeyboardInterrupt:  # Ctrl-C is how one stops a server
        return 0


def test(arguments: list[str]) -> int:
    """Every check, each run even if one before it failed, so that one round shows all there is."""
    checks = {
        "ruff": ["-m", "ruff", "check", "."],
        "mypy": ["-m", "mypy"],
        "pip check": ["-m", "pip", "check"],
        "pytest": ["-m", "pytest", "-n", WORKERS, "--dist=loadfile", "-m=not browser", *arguments],
        # One browser at a time: what a page shows after so many seconds is part of these.
        "pytest, in a browser": ["-m", "pytest", "-m=browser", *arguments],
    }
    failed = []
    for name, command in checks.items():
        say(f"== {name}")
        code = subprocess.run([PYTHON, *command], cwd=ROOT, stdin=subprocess.DEVNULL).returncode
        if code and not (arguments and code == NONE_CHOSEN):
            failed.append(name)
    say(f"Failed: {', '.join(failed)}." if failed else "All checks passed.")
    return 1 if failed else 0


def stop(_: list[str]) -> int:
    """Nothing more to do, as when an image of the studio is built."""
    return 0


def say(text: str) -> None:
    print(text, flush=True)


def main(arguments: list[str]) -> int:
    goals = {"start": start, "test": test, "setup": stop}
    if not arguments or arguments[0] not in goals:
        say(__doc__.strip() if __doc__ else "")
        return 2
    try:
        set_up(arguments[0])
    except CannotSetUp as error:
        say(str(error))
        return 1
    except subprocess.CalledProcessError as error:
        say(
            f"Set-up stopped at '{' '.join(map(str, error.cmd))}'; its message is above. "
            "Check the network and the free disk space (3 GB), then run the command again."
        )
        return 1
    return goals[arguments[0]](arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
