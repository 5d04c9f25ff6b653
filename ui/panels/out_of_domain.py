"""Keep what the model cannot draw: the switch, how the edit is put into the photo, what came of it.

Layout, what the widgets call, and which calls what.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import gradio as gr
import numpy as np
from PIL import Image

from editing.edits.out_of_domain import DEGHOSTING, USUAL, correction, correction_at
from ui.components.html import findings_html
from ui.components.localized import Words
from ui.components.widgets import CANVAS, Pixels, painter, upload_path, uploads_only
from ui.locales import note, say
from ui.runtime.markup import Html, html_box, joined, tag
from ui.runtime.toasts import polite
from ui.studio.renderer import View, enlarged
from ui.studio.session import Session
from ui.studio.studio import Studio

SHOWN = 240  # pixels of the small pictures
ADD, REMOVE, LEAVE = 255, 0, 128  # grey values of a correction


class Keeping(NamedTuple):
    switch: gr.Checkbox
    box: gr.Accordion
    parts: gr.HTML
    threshold: gr.Slider
    softness: gr.Slider
    deghost: gr.Radio
    painted: gr.ImageEditor
    use: gr.Button
    forget: gr.Button

    @property
    def follow(self) -> list[Any]:
        """What follows the session; see ``shown``."""
        return [self.switch, self.box, self.parts]


def build_keeping(words: Words) -> Keeping:
    """Hidden until there is a photo to put an edit into."""
    switch = words.make(
        gr.Checkbox, {"label": "keep", "info": "keep.tip"}, value=True, container=False,
        visible=False, elem_id="keep",
    )  # fmt: skip
    accordion = words.make(
        gr.Accordion, {"label": "keep.how"}, open=False, visible=False, elem_id="keep-how"
    )
    with accordion:
        parts = html_box(elem_id="parts")
        with gr.Row():
            threshold, softness = (
                words.make(
                    gr.Slider,
                    {"label": f"keep.{name}", "info": f"keep.{name}.info"},
                    minimum=low,
                    maximum=1,
                    step=0.01,
                    value=value,
                    buttons=[],
                    min_width=150,
                )  # fmt: skip
                for name, low, value in (
                    ("threshold", 0, USUAL.threshold),
                    ("softness", 0.01, USUAL.softness),
                )  # fmt: skip
            )
        deghost = words.make(
            gr.Radio, {"label": "keep.deghost", "choices": deghost_choices}, value=USUAL.deghost
        )
        words.make(gr.Markdown, {"value": "keep.brush"}, elem_classes="hint")
        painted = painter("correction", 24, ("#ffffff", "#000000"))
        with gr.Row():
            use, forget = (
                words.make(gr.Button, {"value": f"keep.{name}"}, size="sm", min_width=120)
                for name in ("use", "forget")
            )
    return Keeping(switch, accordion, parts, threshold, softness, deghost, painted, use, forget)


def deghost_choices(lang: str) -> list[tuple[str, str]]:
    return [(say(f"keep.deghost.{name}", lang), name) for name in DEGHOSTING]


def shown(session: Session, view: View, lang: str) -> list[Any]:
    """Values of ``Keeping.follow``."""
    photo = session.now.portrait.photo is not None
    return [
        gr.update(visible=photo, value=session.keep),
        gr.update(visible=photo and session.keep),
        parts_html(view.parts, view.misfit, view.notes, lang),
    ]


def parts_html(
    parts: Mapping[str, Pixels], misfit: float | None, notes: Sequence[str], lang: str
) -> Html:
    """I, I', T, M, F and the result side by side, the misfit, and what there is to say."""
    figures = [
        tag(
            "figure",
            tag("img", src=_jpeg(pixels), alt=""),
            tag("figcaption", say(f"keep.part.{name}", lang)),
        )
        for name, pixels in parts.items()
    ]
    number = None
    if misfit is not None:
        word = tag("abbr", say("keep.misfit", lang), title=say("keep.misfit.tip", lang))
        number = tag("div", word, tag("b", f"{100 * misfit:.0f} %"), class_="metrics")
    said = findings_html([note(sentence, lang) for sentence in notes])
    return joined(tag("div", figures, class_="parts"), number, said)


def _jpeg(pixels: Pixels) -> str:
    buffer = io.BytesIO()
    Image.fromarray(enlarged(pixels, SHOWN)).save(buffer, "jpeg", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def correction_of(painted: Any) -> bytes:
    """What was painted in an editor as ``Blend.brush`` keeps it; empty where nothing was."""
    layers = [np.asarray(layer) for layer in (painted or {}).get("layers") or []]
    grey: Any = None
    for layer in layers:
        if layer.ndim != 3 or layer.shape[2] != 4 or not layer[..., 3].any():
            continue
        grey = np.full(layer.shape[:2], LEAVE, np.uint8) if grey is None else grey
        bright = layer[..., :3].mean(axis=2) > 127
        grey[layer[..., 3] > 127] = np.where(bright, ADD, REMOVE)[layer[..., 3] > 127]
    if grey is None:
        return b""
    return correction(Image.fromarray(grey))


class KeepingHandlers:
    """Bound to one studio: (session, lang, values) -> (session, status)."""

    def __init__(self, studio: Studio, status: Callable[[Session], dict[str, Any]]) -> None:
        self.studio, self.status = studio, status

    @polite
    def keep(
        self, session: Session, lang: str, keep: bool, threshold: float, softness: float,
        deghost: str,
    ) -> tuple[Any, ...]:  # fmt: skip
        """Put the edit into the photo (or not), and how."""
        session = self.studio.keep(session, keep, threshold, softness, deghost)
        return session, self.status(session)

    @polite
    def paint(self, session: Session, lang: str, painted: Any) -> tuple[Any, ...]:
        """Correct the mask by hand: white adds, black takes away."""
        session = self.studio.correct(session, correction_of(painted))
        return session, self.status(session)

    @polite
    def correct(self, session: Session, lang: str, correction: Any) -> tuple[Any, ...]:
        """Correct the mask by a picture: white adds, black takes away; none = as it was found."""
        path = upload_path(correction)
        session = self.studio.correct(session, correction_at(path) if path else b"")
        return session, self.status(session)

    @polite
    def forget(self, session: Session, lang: str) -> tuple[Any, ...]:
        """Take the mask as it was found."""
        session = self.studio.correct(session, b"")
        return session, self.status(session)

    def canvas(self, session: Session) -> Any:
        """The photo with the mask over it, to paint on."""
        parts = self.studio.view(session).parts
        if not parts:
            return None
        return {"background": enlarged(parts["mask"], CANVAS), "layers": [], "composite": None}


def wire_keeping(
    page: Any, handlers: KeepingHandlers, action: Callable[..., Any], quietly: Mapping[str, Any]
) -> None:
    """``action`` wires (trigger, handler, inputs, api_name, sliders); ``quietly`` are options."""
    k: Keeping = page.keeping
    chosen = [k.switch, k.threshold, k.softness, k.deghost]

    def changed(*args: Any, **options: Any) -> Any:
        triggers = [k.switch.input, k.threshold.release, k.softness.release, k.deghost.input]
        return gr.on(triggers, *args, **options)

    action(changed, handlers.keep, chosen, "keep", sliders=False)
    action(k.use.click, handlers.paint, [k.painted], sliders=False)
    forgotten = action(k.forget.click, handlers.forget, sliders=False)
    for event in (k.box.expand, forgotten.then):
        event(handlers.canvas, [page.session], [k.painted], **quietly)
    # A browser paints in an editor; the API has a picture for it.
    picture = uploads_only(gr.Image(visible=False, label="correction"))
    hidden = partial(gr.Button(visible=False).click, preprocess=False)
    action(hidden, handlers.correct, [picture], "correct", sliders=False)
