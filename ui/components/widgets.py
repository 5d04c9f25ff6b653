"""Widgets Gradio lacks: a row of thumbnails, the chips of an edit stack, unopened uploads."""

import base64
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import gradio as gr
import numpy as np
import numpy.typing as npt
from PIL import Image

from ui.locales import say
from ui.runtime.markup import Html, classes, html_box, tag

C = TypeVar("C", bound=Any)
Pixels = npt.NDArray[np.uint8]  # [H, W, 3]
CANVAS = 384  # pixels a side of a picture that is painted on

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


# Functions, not subclasses: Gradio writes a .pyi file beside every module that subclasses one of
# its components.


def strip(value: Sequence[Mapping[str, Any]] = (), **options: Any) -> gr.HTML:
    """Thumbnails with names in a row that scrolls sideways; ``pick`` fires with an ``index``."""
    return html_box(strip_html(value), script=STRIP_JS, **options)


def strip_html(value: Sequence[Mapping[str, Any]]) -> Html:
    """The strip's HTML, of {"src": data URI, "title": str, "current": bool, "pinned": bool}."""
    items = [
        tag(
            "button",
            tag("img", src=each["src"], alt=""),
            tag("span", each["title"]),
            class_=classes("strip-item", current=each.get("current"), pinned=each.get("pinned")),
            data_index=index,
            role="listitem",
            title=each["title"],
            aria_current="true" if each.get("current") else None,
        )
        for index, each in enumerate(value)
    ]
    return tag("div", items, class_="strip", role="list")


def chips(value: Mapping[str, Any], **options: Any) -> gr.HTML:
    """An edit stack; ``act`` fires with an ``act`` (select, toggle, remove, order), ``index``."""
    return html_box(chips_html(value), script=CHIPS_JS, **options)


def chips_html(value: Mapping[str, Any]) -> Html:
    """The stack's HTML, of {"items": [{"label": str, "on": bool, "current": bool}], and words}."""
    items = [_chip(index, item, value) for index, item in enumerate(value["items"])]
    empty = tag("span", value["empty"], class_="chips-empty")
    return tag("div", items or empty, class_="chips", role="list")


def _chip(index: int, item: Mapping[str, Any], words: Mapping[str, Any]) -> Html:
    label = item["label"]

    def button(act: str, **options: object) -> Html:
        named = f"{words[act]}: {label}"
        look = f"chip-act chip-{act}"
        return tag(
            "button", class_=look, data_act=act, aria_label=named, title=words[act], **options
        )

    return tag(
        "span",
        tag("button", label, class_="chip-name", data_act="select"),
        button("toggle", aria_pressed="true" if item["on"] else "false"),
        button("remove"),
        class_=classes("chip", off=not item["on"], current=item["current"]),
        role="listitem",
        draggable="true",
        data_index=index,
        title=words["tip"],
    )


def upload_path(payload: Any) -> str | None:
    """The path of an image input whose event has ``preprocess=False``.

    Gradio would decode the upload itself and answer a damaged file or an image bomb with a bare
    "Error"; ``editing.io.images.load_picture`` refuses them with a sentence instead.
    """
    if payload is None:
        return None
    path = payload["path"] if isinstance(payload, dict) else payload.path
    return None if path is None else str(path)


def uploads_only(component: C) -> C:
    """Let a component of files take uploads alone.

    Gradio fetches whatever address an API caller names, of any size, and only then asks anyone.
    """
    whole = component.async_move_resource_to_block_cache

    async def local(path: Any) -> str | None:
        if str(path).lower().startswith(("http:", "https:")):
            raise gr.Error(say("error.address", "en"), print_exception=False)
        moved: str | None = await whole(path)
        return moved

    component.async_move_resource_to_block_cache = local
    return component


def unbounded(slider: C) -> C:
    """Let a slider's handler refuse what lies outside: it says how to get there all the same.

    Gradio would name the bound alone.
    """
    slider.preprocess = lambda payload: payload
    return slider


def data_uri(pixels: Pixels, size: int = 96) -> str:
    """A small JPEG of the picture as a data URI: thumbnails never touch the disk."""
    buffer = io.BytesIO()
    picture = Image.fromarray(pixels).resize((size, size), Image.Resampling.LANCZOS)
    picture.save(buffer, "jpeg", quality=88)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def painter(elem_id: str, brush: int = 36, colours: tuple[str, ...] = ("#ffffff",)) -> Any:
    """A picture to paint on: one layer, fixed in size, ``brush`` pixels wide."""
    return gr.ImageEditor(
        type="numpy",
        canvas_size=(CANVAS, CANVAS),
        fixed_canvas=True,
        transforms=(),
        sources=(),
        layers=False,
        brush=gr.Brush(default_size=brush, colors=list(colours), color_mode="fixed"),
        eraser=gr.Eraser(default_size=brush),
        show_label=False,
        height=CANVAS + 60,
        elem_id=elem_id,
    )


def edge_for(value: float, reach: float) -> float:
    """Where a slider ends that usually goes from -reach to reach, but has to hold ``value``."""
    return max(reach, float(math.ceil(abs(value))))


def standing(value: float, edge: float) -> Any:
    """A slider at ``value``, from -edge to edge: Gradio refuses an action with one beyond."""
    return gr.update(value=value, minimum=-edge, maximum=edge)
