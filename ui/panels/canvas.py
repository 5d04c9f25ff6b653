"""The canvas: source and current picture, what was measured, the way back and the way out."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import gradio as gr

from ui.components.localized import Words
from ui.components.widgets import Pixels, strip
from ui.locales import say
from ui.runtime.markup import html_box
from ui.studio.views import VIEWS

# kind of download -> message key; the outcomes have big buttons
OUTCOMES = {"png": "download", "photo": "download.photo"}
DOWNLOADS = {
    **OUTCOMES,
    "pasted": "download.pasted",
    "session": "download.session",
    "zip": "download.zip",
    "plain": "download.plain",
    "latent": "download.latent",
    "recipe": "download.recipe",
}


SOURCE, PINNED = "source", "pinned"


class Canvas(NamedTuple):
    view: gr.Radio
    against: gr.Dropdown
    pin: gr.Button
    picture: gr.ImageSlider
    outcome: gr.ImageSlider
    caveats: gr.HTML
    metrics: gr.HTML
    undo: gr.Button
    redo: gr.Button
    reset: gr.Button
    downloads: dict[str, gr.Button]
    file: gr.DownloadButton
    history: gr.HTML


def build_canvas(
    words: Words, pair: tuple[Pixels, Pixels], history: list[dict[str, Any]]
) -> Canvas:
    """The canvas, first showing ``pair`` (before, after)."""
    with gr.Column(elem_id="view"):
        view, against, pin = _looks(words)
        with gr.Row(elem_id="pictures"):
            picture = words.make(
                gr.ImageSlider, {"label": "canvas"}, value=pair, show_label=False, elem_id="canvas",
                **LOOK,
            )  # fmt: skip
            outcome = words.make(
                gr.ImageSlider, {"label": "composite"}, visible=False, elem_id="outcome", **LOOK
            )
        caveats = html_box(elem_id="caveats")
        metrics = html_box(elem_id="metrics")
        with gr.Row(elem_id="tools"):
            undo, redo, reset = (
                words.make(gr.Button, {"value": name}, elem_id=name, interactive=on, **TOOL)
                for name, on in (("undo", True), ("redo", False), ("reset", True))
            )
            downloads = {
                kind: _download(words, key, kind == "png", variant="primary")
                for kind, key in OUTCOMES.items()
            }
    thumbnails = strip(history, elem_id="history")
    with words.make(gr.Accordion, {"label": "download.more"}, open=False, elem_id="more"):
        with gr.Row(elem_id="more-row"):
            for kind, key in DOWNLOADS.items():
                if kind not in OUTCOMES:
                    downloads[kind] = _download(words, key, kind != "pasted")
    file = gr.DownloadButton(visible="hidden", elem_id="file")
    return Canvas(
        view=view, against=against, pin=pin, picture=picture, outcome=outcome, caveats=caveats,
        metrics=metrics, undo=undo, redo=redo, reset=reset, downloads=downloads, file=file,
        history=thumbnails,
    )  # fmt: skip


def _looks(words: Words) -> tuple[gr.Radio, gr.Dropdown, gr.Button]:
    """How the canvas is looked at: as what, compared with what, and the pin."""
    with gr.Row(elem_id="looks"):
        view = words.make(
            gr.Radio, {"choices": view_choices}, value="compare", show_label=False,
            container=False, elem_id="look",
        )  # fmt: skip
        against = words.make(
            gr.Dropdown, {"label": "against", "choices": against_choices}, value=SOURCE,
            show_label=False, container=False, filterable=False, min_width=120,
            elem_id="against",
        )  # fmt: skip
        return view, against, words.make(gr.Button, {"value": "pin"}, elem_id="pin", **TOOL)


def _download(words: Words, key: str, visible: bool, **more: Any) -> gr.Button:
    name = key.replace(".", "-")
    button: gr.Button = words.make(
        gr.Button, {"value": key}, visible=visible, elem_id=name, **more, **TOOL
    )
    return button


def view_choices(lang: str, whole: bool = False) -> list[tuple[str, str]]:
    """``whole``: there is a whole photo to look at, too."""
    return [(say(f"view.{name}", lang), name) for name in VIEWS if whole or name != "whole"]


def against_choices(lang: str, steps: Sequence[str] = (), pinned: bool = False) -> list[Any]:
    """What the canvas can compare with: the original, any of ``steps`` by its number, the pin."""
    named = enumerate(steps)
    choices = [(say("against.step", lang, step=n + 1, name=name), str(n)) for n, name in named]
    own = [(say("against.pinned", lang), PINNED)] if pinned else []
    return [(say("against.source", lang), SOURCE), *own, *choices]


LOOK: dict[str, Any] = {
    "format": "jpeg",
    "buttons": ["fullscreen"],
    "max_height": 380,
    "min_width": 200,
    "interactive": False,
}
TOOL: dict[str, Any] = {"size": "sm", "min_width": 60}
