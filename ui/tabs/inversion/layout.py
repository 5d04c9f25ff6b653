"""The Inversion tab: how long to search for the photo's place in this world, where, and how."""

from typing import Any, NamedTuple

import gradio as gr

from editing.inversion.options import METHODS, SPACES
from ui.components.choices import LEVELS
from ui.components.localized import Words
from ui.components.widgets import painter, uploads_only
from ui.runtime.markup import html_box
from ui.tabs.inversion.options import LOSSES, SEARCH, STARTS, choices_of

FIRST_METHOD = "standard"  # what the Advanced panel opens with


class InversionTab(NamedTuple):
    levels: dict[str, gr.Button]
    level: gr.Radio
    stop: gr.Button
    resume: gr.Button
    progress: gr.HTML
    result: gr.HTML
    film: gr.Button
    untune: gr.Button
    region: gr.Accordion
    painted: gr.ImageEditor
    method: gr.Dropdown
    given: gr.File  # a latent to start from
    choices: list[Any]  # space, start, steps of the stages, weights of the losses
    search: gr.Button


def build_inversion_tab(words: Words, labels: dict[str, str]) -> InversionTab:
    """``labels`` are the texts of the three level buttons."""
    words.make(gr.Markdown, {"value": "inversion.intro"}, elem_classes="intro")
    with gr.Row(elem_id="levels"):
        buttons = {
            name: gr.Button(
                labels[name],
                min_width=140,
                elem_id=f"level-{name}",
            )
            for name in LEVELS
        }
    # Says to the API, in one place, which of the three buttons was pressed.
    level = gr.Radio(LEVELS, value="quick", label="level", visible=False)
    words.make(gr.Markdown, {"value": "inversion.idle"}, elem_classes="hint")
    progress = html_box(elem_id="progress")
    with gr.Row(elem_id="running"):
        stop, resume, film, untune = (
            words.make(gr.Button, {"value": key}, interactive=False, elem_id=key, **SMALL)
            for key in ("stop", "resume", "film", "untune")
        )
    result = html_box(elem_id="result")
    words.make(gr.Markdown, {"value": "inversion.two"}, elem_classes="hint")
    with words.make(gr.Accordion, {"label": "region"}, open=False, elem_id="region") as region:
        words.make(gr.Markdown, {"value": "region.tip"}, elem_classes="hint")
        painted = painter("painted")
    with words.make(gr.Accordion, {"label": "advanced"}, open=False, elem_id="advanced"):
        method, choices = _build_advanced(words)
        given = _build_given(words)
        search = words.make(gr.Button, {"value": "search"}, size="sm", elem_id="search")
    return InversionTab(
        buttons, level, stop, resume, progress, result, film, untune, region, painted, method,
        given, choices, search,
    )  # fmt: skip


def _build_given(words: Words) -> gr.File:
    words.make(gr.Markdown, {"value": "start.file.tip"}, elem_classes="hint")
    given = words.make(
        gr.File, {"label": "start.file"}, file_types=[".npz", ".png"], height=90,
        elem_id="start-file",
    )  # fmt: skip
    return uploads_only(given)


def _build_advanced(words: Words) -> tuple[gr.Dropdown, list[Any]]:
    space, start, *numbers = choices_of(FIRST_METHOD)
    steps, weights, settings = numbers[:3], numbers[3:][: len(LOSSES)], numbers[3 + len(LOSSES) :]
    with gr.Row():
        method = words.make(
            gr.Dropdown, {"label": "method", "info": "method.tip"},
            choices=list(METHODS), value=FIRST_METHOD, min_width=150,
        )  # fmt: skip
        spaces = words.make(
            gr.Dropdown, {"label": "space", "info": "space.tip"},
            choices=list(SPACES), value=space, min_width=110,
        )  # fmt: skip
        starts = words.make(
            gr.Dropdown, {"label": "start", "info": "start.tip"},
            choices=["", *STARTS], value=start, allow_custom_value=True, min_width=130,
        )  # fmt: skip
    with gr.Row():
        stages = [
            words.make(gr.Number, {"label": key}, value=value, precision=0, minimum=0, **NARROW)
            for key, value in zip(("steps.latent", "steps.noise", "steps.tune"), steps, strict=True)
        ]
    words.make(gr.Markdown, {"value": "losses.tip"}, elem_classes="hint")
    with gr.Row(elem_id="losses"):
        losses = [
            words.make(gr.Number, {"label": f"loss.{name}"}, value=value, minimum=0, **NARROW)
            for name, value in zip(LOSSES, weights, strict=True)
        ]
    with gr.Row(elem_id="searching"):
        searching = [
            words.make(
                gr.Number, {"label": key, "info": f"{key}.tip"}, value=value, minimum=0,
                min_width=150,
            )
            for key, value in zip(SEARCH.values(), settings, strict=True)
        ]  # fmt: skip
    return method, [spaces, starts, *stages, *losses, *searching]


SMALL: dict[str, Any] = {"size": "sm", "min_width": 80}
NARROW: dict[str, Any] = {"min_width": 96}
