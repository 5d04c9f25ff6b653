"""First page: seconds from the start command to a page whose sliders answer.

python -m benchmarks.first_page [--domain portraits] [--runs 3]
"""

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.browser import open_page, print_table, served


def measure(domain: str) -> list[float]:
    """Seconds until: the server answers, the picture is there, a slider has changed it."""
    started = time.perf_counter()
    with TemporaryDirectory() as folder, served(domain, Path(folder)) as (url, _):
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
