"""The Inversion tab: how long to search for the photo's place in this world."""

from typing import NamedTuple

import gradio as gr

from ui.drawing import note_html
from ui.messages import say
from ui.words import Words

LEVELS = ("quick", "standard", "best")


class InversionTab(NamedTuple):
    levels: dict[str, gr.Button]
    level: gr.Radio
    stop: gr.Button
    progress: gr.HTML


def build_inversion_tab(words: Words) -> InversionTab:
    words.make(gr.Markdown, {"value": "inversion.intro"}, elem_classes="intro")
    with gr.Row(elem_id="levels"):
        buttons = {
            name: words.make(
                gr.Button,
                {"value": f"level.{name}"},
                variant="primary" if name == "quick" else "secondary",
                min_width=140,
                elem_id=f"level-{name}",
            )
            for name in LEVELS
        }
    # Says to the API, in one place, which of the three buttons was pressed.
    level = gr.Radio(LEVELS, value="quick", label="level", visible=False)
    progress = gr.HTML(note_html(say("inversion.idle", words.lang)), elem_id="progress")
    stop = words.make(gr.Button, {"value": "stop"}, interactive=False, size="sm", elem_id="stop")
    words.make(gr.Markdown, {"value": "inversion.two"}, elem_classes="hint")
    words.make(gr.Markdown, {"value": "level.times"}, elem_classes="hint")
    return InversionTab(buttons, level, stop, progress)
