"""What the page benchmarks share: Chromium, a free port, and a table."""

import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

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


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, ["-" * width for width in widths], *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
