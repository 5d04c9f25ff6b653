"""What the page benchmarks share: the server, Chromium, and a table."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[1]
PATIENCE = 300  # seconds that a server may take to start

# Without these flags Chromium looks for its maker's servers at every start.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


@contextmanager
def open_page(url: str, width: int = 1366, height: int = 768) -> Iterator[Any]:
    """A Playwright page of Debian's Chromium at ``url``."""
    from playwright.sync_api import sync_playwright

    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        raise SystemExit("Chromium was not found; on Debian run 'apt install chromium'.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        page = browser.new_page(viewport={"width": width, "height": height}, locale="en-US")
        page.goto(url)
        yield page
        browser.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(domain: str, folder: Path, *flags: str) -> Iterator[tuple[str, int]]:
    """(address, process id) of ``python app.py``; its files and its log go to ``folder``."""
    port = free_port()
    environment = {**os.environ, "GRADIO_TEMP_DIR": str(folder / "files")}
    command = [sys.executable, "app.py", "--port", str(port), "--domain", domain, *flags]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=environment)
    url = f"http://127.0.0.1:{port}/"
    try:
        wait_for(url, server)
        yield url, server.pid
    finally:
        server.terminate()
        server.wait(20)
        errors = (folder / "log").read_text(encoding="utf-8")
        if "Traceback" in errors:
            print(errors[errors.index("Traceback") :][:3000], file=sys.stderr)


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if server.poll() is not None:
            raise SystemExit("The server ended while it was starting.")
        try:
            if httpx.get(f"{url}config", timeout=60).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.05)
    raise SystemExit(f"The server did not start within {PATIENCE} s.")


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, ["-" * width for width in widths], *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
