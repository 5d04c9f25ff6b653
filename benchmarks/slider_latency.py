"""Slider latency: slider event -> new <img> in Chromium, median of 100 moves.

    python -m benchmarks.slider_latency [--domain portraits] [--moves 100]
        [--used] [--photo] [--text PROMPT]

"new <img>" is when the picture's address changes; "loaded" when the browser has decoded it. With
``--text``, the slider is that of a text edit, whose first drawing is timed as well.
"""

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.browser import open_page, print_table, served

MEASURE = """async ([selector, moves, pause]) => {
  const slider = document.querySelector(selector + ' input[type=range]');
  const canvas = document.querySelector('#canvas');
  const shown = () => [...canvas.querySelectorAll('img')].map((image) => image.src).join();
  const seen = [], loaded = [];
  for (let move = 0; move < moves; move++) {
    const before = shown();
    const value = 0.05 * ((move * 17) % 79 - 39);  // never the same twice running
    const started = performance.now();
    slider.value = value.toFixed(2);
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    await new Promise((resolve) => {
      const observer = new MutationObserver(() => {
        if (shown() === before) return;
        observer.disconnect();
        resolve();
      });
      observer.observe(canvas, { subtree: true, childList: true, attributeFilter: ['src'] });
    });
    seen.push(performance.now() - started);
    while (![...canvas.querySelectorAll('img')].every((image) => image.complete)) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    loaded.push(performance.now() - started);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  return { seen, loaded };
}"""


def row(name: str, values: list[float]) -> list[str]:
    ordered = sorted(values)
    return [
        name,
        f"{statistics.median(values):.0f}",
        f"{ordered[int(0.95 * (len(ordered) - 1))]:.0f}",
        f"{ordered[-1]:.0f}",
        str(len(values)),
    ]


def invert_example(page: Any) -> None:
    """Open the example photograph and wait until its inversion has ended."""
    page.click("#examples .strip-item >> nth=-1")
    page.wait_for_function(
        "[...document.querySelectorAll('#history .current')].some(e => e.title === 'inverted')",
        timeout=120_000,
    )


FIRST_TEXT = """async () => {
  const canvas = document.querySelector('#canvas');
  const shown = () => [...canvas.querySelectorAll('img')].map((image) => image.src).join();
  const before = shown(), started = performance.now();
  document.querySelector('#text-run').click();
  while (shown() === before) await new Promise((resolve) => setTimeout(resolve, 2));
  return performance.now() - started;
}"""


def first_text(page: Any, prompt: str) -> float:
    """Milliseconds from the first press of the Text tab's button to a new picture."""
    page.get_by_role("tab", name="Text").click()
    page.fill("#text-target input, #text-target textarea", prompt)
    page.wait_for_timeout(500)
    return float(page.evaluate(FIRST_TEXT))


def use(page: Any) -> None:
    """Another portrait, an edit and the other language: Gradio's page grows slower with use."""
    page.click("#examples .strip-item >> nth=2")
    page.wait_for_timeout(3000)
    page.locator("#slider-smile input[type=range]").click(position={"x": 60, "y": 5})
    page.wait_for_timeout(3000)
    page.locator("#language label").last.click()
    page.wait_for_timeout(4000)


def measured(page: Any, options: argparse.Namespace) -> dict[str, list[float]]:
    """Milliseconds of every move."""
    page.wait_for_selector("#canvas img")
    page.wait_for_timeout(2000)
    if options.used:
        use(page)
    if options.photo:
        invert_example(page)
    warm, moved = "#slider-smile", "#slider-age"
    if options.text:
        page.wait_for_timeout(1000 * options.warm)
        print(f"first edit by text after {first_text(page, options.text):.0f} ms")
        warm = moved = "#text-alpha"
    page.evaluate(MEASURE, [warm, 5, 100])  # warm up
    found: dict[str, list[float]] = page.evaluate(MEASURE, [moved, options.moves, 100])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--domain", default="portraits")
    parser.add_argument("--moves", type=int, default=100)
    parser.add_argument("--used", action="store_true", help="after some actions, in Chinese")
    parser.add_argument("--photo", action="store_true", help="measure with a photo: two outcomes")
    parser.add_argument("--text", metavar="PROMPT", help="such as 'a person with red hair'")
    parser.add_argument("--warm", type=float, default=30.0, help="seconds before the first text")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        with served(options.domain, Path(folder)) as (url, _), open_page(url) as page:
            times = measured(page, options)
    header = ["milliseconds", "median", "95 %", "worst", "moves"]
    print_table(
        header,
        [row("slider event -> new <img>", times["seen"]), row("... loaded", times["loaded"])],
    )


if __name__ == "__main__":
    main()
