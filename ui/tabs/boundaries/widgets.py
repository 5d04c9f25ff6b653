"""Widgets of the workshop: a pad for two directions, pictures to pick, strips to keep."""

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from ui.runtime.markup import Html, html_box, tag

PAD_JS = """
let held = false;
const at = (event) => {
  const box = element.querySelector('.pad').getBoundingClientRect();
  const part = (p, from, size) => Math.min(Math.max((p - from) / size, 0), 1);
  const x = part(event.clientX, box.left, box.width);
  const y = part(event.clientY, box.top, box.height);
  const dot = element.querySelector('.pad-dot');
  dot.style.left = 100 * x + '%';
  dot.style.top = 100 * y + '%';
  return { x: 2 * x - 1, y: 1 - 2 * y };
};
element.addEventListener('pointerdown', (event) => {
  if (!event.target.closest('.pad')) return;
  held = true;
  event.preventDefault();
  trigger('drag', at(event));
});
document.addEventListener('pointermove', (event) => { if (held) trigger('drag', at(event)); });
document.addEventListener('pointerup', (event) => {
  if (!held) return;
  held = false;
  trigger('drop', at(event));
});
element.addEventListener('keydown', (event) => {
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  if (!step[event.key]) return;
  event.preventDefault();
  const dot = element.querySelector('.pad-dot');
  const x = parseFloat(dot.style.left) / 50 - 1 + 0.1 * step[event.key][0];
  const y = 1 - parseFloat(dot.style.top) / 50 + 0.1 * step[event.key][1];
  const inside = (v) => Math.min(Math.max(v, -1), 1);
  dot.style.left = 50 * (inside(x) + 1) + '%';
  dot.style.top = 50 * (1 - inside(y)) + '%';
  trigger('drop', { x: inside(x), y: inside(y) });
});
"""

PICKS_JS = """
element.addEventListener('click', (event) => {
  const pick = event.target.closest('[data-index]');
  if (pick) trigger('pick', { index: Number(pick.dataset.index) });
});
"""

STRIPS_JS = """
element.addEventListener('click', (event) => {
  const keep = event.target.closest('.strips-keep');
  if (keep) trigger('keep', { index: Number(keep.dataset.index) });
});
"""

# Functions, not subclasses; see ui.components.widgets.


def pad(**options: Any) -> gr.HTML:
    """A square to drag in: ``drag`` and ``drop`` fire with x and y in -1..1."""
    return html_box(pad_html(), script=PAD_JS, **options)


def pad_html(x: str = "", y: str = "", tip: str = "", at: tuple[float, float] = (0, 0)) -> Html:
    """The pad with words on its axes, and its dot ``at`` (-1..1, -1..1)."""
    return tag(
        "div",
        tag("span", x, class_="pad-x"),
        tag("span", y, class_="pad-y"),
        tag("i", class_="pad-dot", style=f"left:{50 * (at[0] + 1)}%;top:{50 * (1 - at[1])}%"),
        class_="pad", tabindex=0, role="application", aria_label=tip, title=tip,
    )  # fmt: skip


def picks(**options: Any) -> gr.HTML:
    """Pictures to mark as more or less; ``pick`` fires with an ``index``."""
    return html_box(picks_html(()), script=PICKS_JS, **options)


def picks_html(items: Sequence[Mapping[str, str]]) -> Html:
    """The pictures, of {"src": data URI, "side": "", "more" or "less", "word": str}."""
    buttons = [
        tag(
            "button", tag("img", src=item["src"], alt=""), tag("b"),
            class_=f"pick {item['side']}".strip(), data_index=index, role="listitem",
            aria_label=item["word"], title=item["word"],
        )
        for index, item in enumerate(items)
    ]  # fmt: skip
    return tag("div", buttons, class_="picks", role="list")


def strips(**options: Any) -> gr.HTML:
    """Rows of pictures with a name; ``keep`` fires with an ``index``."""
    return html_box(strips_html((), ""), script=STRIPS_JS, **options)


def strips_html(items: Sequence[Mapping[str, Any]], keep: str) -> Html:
    """The rows, of {"name", "note", "pictures": [data URI]}; ``keep`` is on their buttons."""
    rows = [
        tag(
            "div",
            tag("span", item["name"], tag("em", item["note"]), class_="strips-name"),
            tag("span", [tag("img", src=p, alt="") for p in item["pictures"]], class_="strips-row"),
            tag("button", keep, class_="strips-keep sm secondary", data_index=index),
            class_="strips-item",
            role="listitem",
        )
        for index, item in enumerate(items)
    ]
    return tag("div", rows, class_="strips", role="list")
