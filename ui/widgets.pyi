"""Widgets Gradio lacks: a row of thumbnails, the chips of an edit stack, a safe photo box."""

import base64
import io
from typing import Any

import gradio as gr
import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]  # [H, W, 3]

STRIP = """
<div class="strip" role="list">
  {{#each value}}
  <button class="strip-item {{#if current}}current{{/if}}" data-index="{{@index}}" role="listitem"
          title="{{title}}" {{#if current}}aria-current="true"{{/if}}>
    <img src="{{src}}" alt=""><span>{{title}}</span>
  </button>
  {{/each}}
</div>
"""
STRIP_JS = """
element.addEventListener('click', (event) => {
  const item = event.target.closest('[data-index]');
  if (item) trigger('pick', { index: Number(item.dataset.index) });
});
watch('value', () => {
  const current = element.querySelector('.current');
  if (current) current.parentElement.scrollLeft = current.offsetLeft - 40;
});
"""

CHIPS = """
<div class="chips" role="list">
  {{#if value.items.length}}
  {{#each value.items}}
  <span class="chip {{#unless on}}off{{/unless}} {{#if current}}current{{/if}}" role="listitem"
        draggable="true" data-index="{{@index}}" title="{{../value.tip}}">
    <button class="chip-name" data-act="select">{{label}}</button>
    <button class="chip-act chip-toggle" data-act="toggle" aria-pressed="{{on}}"
            aria-label="{{../value.toggle}}: {{label}}" title="{{../value.toggle}}"></button>
    <button class="chip-act chip-remove" data-act="remove"
            aria-label="{{../value.remove}}: {{label}}" title="{{../value.remove}}"></button>
  </span>
  {{/each}}
  {{else}}
  <span class="chips-empty">{{value.empty}}</span>
  {{/if}}
</div>
"""
CHIPS_JS = """
let from = null;
const index = (event) => {
  const chip = event.target.closest('[data-index]');
  return chip ? Number(chip.dataset.index) : null;
};
element.addEventListener('click', (event) => {
  const act = event.target.closest('[data-act]');
  if (act) trigger('act', { act: act.dataset.act, index: index(event) });
});
element.addEventListener('dragstart', (event) => { from = index(event); });
element.addEventListener('dragover', (event) => { if (from !== null) event.preventDefault(); });
element.addEventListener('drop', (event) => {
  event.preventDefault();
  const to = index(event);
  const moved = from !== null && to !== null && to !== from;
  if (moved) trigger('act', { act: 'order', index: from, to });
  from = null;
});
"""

from gradio.events import Dependency

class Strip(gr.HTML):
    """Thumbnails with names in a row that scrolls sideways; ``pick`` fires with ``_data.index``.

    The value is a list of {"src": data URI, "title": str, "current": bool}.
    """

    def __init__(self, value: list[dict[str, Any]] | None = None, **options: Any) -> None:
        super().__init__(value or [], html_template=STRIP, js_on_load=STRIP_JS, **options)

    def get_block_name(self) -> str:
        return "html"
    from typing import Callable, Literal, Sequence, Any, TYPE_CHECKING
    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component


class Chips(gr.HTML):
    """An edit stack; ``act`` fires with ``_data`` act ("select" | "toggle" | "remove" | "order").

    The value is {"items": [{"label": str, "on": bool, "current": bool}], and the hover texts}.
    """

    def __init__(self, value: dict[str, Any] | None = None, **options: Any) -> None:
        super().__init__(
            value or {"items": []}, html_template=CHIPS, js_on_load=CHIPS_JS, **options
        )

    def get_block_name(self) -> str:
        return "html"
    from typing import Callable, Literal, Sequence, Any, TYPE_CHECKING
    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component


class PhotoBox(gr.Image):
    """An image input that hands over the path unopened.

    Gradio would decode the upload itself and answer a damaged file or an image bomb with a bare
    "Error"; ``editing.images.load_picture`` refuses them with a sentence instead.
    """

    def preprocess(self, payload: Any) -> str | None:
        return None if payload is None else str(payload.path)

    def get_block_name(self) -> str:
        return "image"
    from typing import Callable, Literal, Sequence, Any, TYPE_CHECKING
    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component


def data_uri(pixels: Pixels, size: int = 96) -> str:
    """A small JPEG of the picture as a data URI: thumbnails never touch the disk."""
    buffer = io.BytesIO()
    picture = Image.fromarray(pixels).resize((size, size), Image.Resampling.LANCZOS)
    picture.save(buffer, "jpeg", quality=88)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()