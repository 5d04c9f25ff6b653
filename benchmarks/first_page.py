"""First page: seconds from the start command to a page whose sliders answer.

python -m benchmarks.first_page [--domain portraits] [--runs 3]
"""

import argparse
import os
import subprocess
import sys
import time
import urllib.request

from benchmarks.browser import free_port, open_page, print_table

PATIENCE = 120  # seconds


def wait_for_server(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            raise SystemExit(f"The app ended with {process.returncode} before it served a page.")
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"There was no page within {PATIENCE} s.")


def measure(domain: str) -> list[float]:
    """Seconds until: the server answers, the picture is there, a slider has changed it."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    started = time.perf_counter()
    command = [sys.executable, "app.py", "--domain", domain, "--port", str(port)]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    try:
        wait_for_server(url, process)
        times = [time.perf_counter() - started]
        with open_page(url) as page:
            page.wait_for_selector("#canvas img")
            times.append(time.perf_counter() - started)
            before = page.locator("#canvas img").nth(1).get_attribute("src")
            page.locator("#slider-smile input[type=number]").fill("-1")
            page.wait_for_function(
                "(before) => document.querySelectorAll('#canvas img')[1].src !== before", arg=before
            )
            times.append(time.perf_counter() - started)
    finally:
        process.terminate()
        process.wait()
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--domain", default="portraits")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    rows = []
    for run in range(options.runs):
        rows.append([str(run + 1), *(f"{seconds:.1f}" for seconds in measure(options.domain))])
    print_table(["run", "server answers (s)", "picture shown (s)", "slider answers (s)"], rows)


if __name__ == "__main__":
    main()
