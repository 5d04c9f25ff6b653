"""Widgets of the workshop: a pad for two directions, pictures to pick, strips to keep."""

from typing import Any

import gradio as gr

PAD = """
<div class="pad" tabindex="0" role="application" aria-label="{{value.tip}}" title="{{value.tip}}">
  <span class="pad-x">{{value.x}}</span><span class="pad-y">{{value.y}}</span>
  <i class="pad-dot" style="left:{{value.left}}%;top:{{value.top}}%"></i>
</div>
"""
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

PICKS = """
<div class="picks" role="list">
  {{#each value.items}}
  <button class="pick {{side}}" data-index="{{@index}}" role="listitem"
          aria-label="{{word}}" title="{{word}}"><img src="{{src}}" alt=""><b></b></button>
  {{/each}}
</div>
"""
PICKS_JS = """
element.addEventListener('click', (event) => {
  const pick = event.target.closest('[data-index]');
  if (pick) trigger('pick', { index: Number(pick.dataset.index) });
});
"""

STRIPS = """
<div class="strips" role="list">
  {{#each value.items}}
  <div class="strips-item" role="listitem">
    <span class="strips-name">{{name}}<em>{{note}}</em></span>
    <span class="strips-row">{{#each pictures}}<img src="{{this}}" alt="">{{/each}}</span>
    <button class="strips-keep sm secondary" data-index="{{@index}}">{{../value.keep}}</button>
  </div>
  {{/each}}
</div>
"""
STRIPS_JS = """
element.addEventListener('click', (event) => {
  const keep = event.target.closest('.strips-keep');
  if (keep) trigger('keep', { index: Number(keep.dataset.index) });
});
"""

# Functions, not subclasses; see ui.components.widgets.


def pad(value: dict[str, Any] | None = None, **options: Any) -> gr.HTML:
    """A square to drag in: ``drag`` and ``drop`` fire with x and y in -1..1.

    The value is {"x": word, "y": word, "tip": str, "left": percent, "top": percent}.
    """
    return gr.HTML(value or pad_value(), html_template=PAD, js_on_load=PAD_JS, **options)


def pad_value(x: str = "", y: str = "", tip: str = "", at: tuple[float, float] = (0, 0)) -> Any:
    """The pad's value with its dot ``at`` (-1..1, -1..1)."""
    return {"x": x, "y": y, "tip": tip, "left": 50 * (at[0] + 1), "top": 50 * (1 - at[1])}


def picks(value: dict[str, Any] | None = None, **options: Any) -> gr.HTML:
    """Pictures to mark as more or less; ``pick`` fires with an ``index``.

    The value is {"items": [{"src": data URI, "side": "", "more" or "less", "word": str}]}.
    """
    return gr.HTML(value or {"items": []}, html_template=PICKS, js_on_load=PICKS_JS, **options)


def strips(value: dict[str, Any] | None = None, **options: Any) -> gr.HTML:
    """Rows of pictures with a name; ``keep`` fires with an ``index``.

    The value is {"items": [{"name", "note", "pictures": [data URI]}], "keep": word}.
    """
    return gr.HTML(value or {"items": []}, html_template=STRIPS, js_on_load=STRIPS_JS, **options)
