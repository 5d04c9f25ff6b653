"""Where the current portrait comes from: one place above the canvas, used by every tab."""

from typing import Any, NamedTuple

import gradio as gr

from ui.components.localized import Words
from ui.components.widgets import strip, uploads_only

MAX_SEED = 2**32 - 1  # NumPy's legacy seeds


class Source(NamedTuple):
    photo: gr.Image
    crop: gr.Button
    examples: gr.HTML
    seed: gr.Number
    dice: gr.Button
    file: gr.UploadButton
    label: gr.Dropdown | None  # of a generator with classes

    @property
    def person(self) -> list[Any]:
        """What names an invented person: the seed, and the class where there are classes."""
        return [self.seed] if self.label is None else [self.seed, self.label]


def build_source(
    words: Words, examples: list[dict[str, Any]], seed: int, classes: int = 0, label: int = 0
) -> Source:
    """Photo box, examples, seed and saved work; the crop button waits until it is offered.

    Args:
        classes, label: how many the generator has, and which one comes first.
    """
    with gr.Row(elem_id="source", equal_height=True):
        with gr.Column(scale=4, min_width=260, elem_id="source-photo"):
            photo = words.make(
                gr.Image,
                {"label": "photo", "placeholder": "photo.drop"},
                sources=["upload", "webcam", "clipboard"],
                height=112,
                show_label=False,
                buttons=[],
                elem_id="photo",
            )
            crop = words.make(
                gr.Button, {"value": "centre_crop"}, visible=False, size="sm", elem_id="crop"
            )
        with gr.Column(scale=7, min_width=300, elem_id="source-examples"):
            words.caption("examples")
            thumbnails = strip(examples, elem_id="examples")
        with gr.Column(scale=3, min_width=200, elem_id="source-seed"):
            number = words.make(
                gr.Number,
                {"label": "seed"},
                value=seed,
                precision=0,
                minimum=0,
                maximum=MAX_SEED,
                elem_id="seed",
            )
            chooser = None
            if classes:
                chooser = words.make(
                    gr.Dropdown,
                    {"label": "class"},
                    choices=[str(number) for number in range(classes)],
                    value=str(label),
                    elem_id="class",
                )
            dice = words.make(gr.Button, {"value": "dice"}, size="sm", elem_id="dice")
            file = words.make(
                gr.UploadButton,
                {"label": "open"},
                file_types=[".studio", ".npz", ".png"],
                size="sm",
                elem_id="open",
            )
    return Source(uploads_only(photo), crop, thumbnails, number, dice, uploads_only(file), chooser)
