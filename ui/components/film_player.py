"""The screen of a tab: where its film or sheet appears while it is drawn, and afterwards."""

from typing import Any, NamedTuple

import gradio as gr

from ui.components.html import note_html
from ui.components.localized import Words
from ui.locales import say
from ui.runtime.markup import html_box

LOOK: dict[str, Any] = {
    "show_label": False,
    "interactive": False,
    "format": "jpeg",
    "buttons": [],
}
HEIGHT = 300  # pixels


class Screen(NamedTuple):
    picture: gr.Image
    progress: gr.HTML
    film: gr.Video
    still: gr.Image
    file: gr.DownloadButton
    recipe: gr.DownloadButton


def build_screen(words: Words, name: str, keys: str, **still: Any) -> Screen:
    """A screen of elements ``name``-…, whose words are the messages ``keys``.idle, .file, .recipe.

    ``still`` are options of the finished sheet.
    """
    idle = {"value": lambda lang: note_html(say(f"{keys}.idle", lang))}
    progress = words.make(html_box, idle, elem_id=f"{name}-progress")
    picture = gr.Image(visible=False, elem_id=f"{name}-picture", height=HEIGHT, **LOOK)
    film = words.make(
        gr.Video, {"label": "walk.film"}, visible=False, autoplay=True, loop=True, height=HEIGHT,
        buttons=[], elem_id=f"{name}-film",
    )  # fmt: skip
    finished = gr.Image(visible=False, elem_id=f"{name}-still", **{**LOOK, **still})
    with gr.Row():
        file, recipe = (
            words.make(
                gr.DownloadButton, {"label": f"{keys}.{which}"}, visible=False, size="sm",
                elem_id=f"{name}-{which}",
            )
            for which in ("file", "recipe")
        )  # fmt: skip
    return Screen(picture, progress, film, finished, file, recipe)
