"""A region of the portrait: taken from B at once, or changed by a search of latent and noise.

Layout, what the widgets call, and which calls what.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from editing.edits.local_edits import ALONE, LOCAL_EDITS, LocalEdit
from editing.edits.mix_edits import OPERATIONS, Mix, Morph, Patch, mask_bytes, other_of
from editing.edits.stack import EditState
from editing.errors import BadInput
from editing.inversion.eta import STAGES
from editing.io.images import to_tensor
from editing.pictures.masks import brushed_mask, load_mask, strokes_on
from ui.components.choices import layer_choices
from ui.components.html import progress_html
from ui.components.localized import Words
from ui.components.widgets import CANVAS, painter, upload_path, uploads_only
from ui.components.wire import Wire
from ui.locales import say
from ui.panels.refresh import Display
from ui.runtime.cancellation import Stops
from ui.runtime.markup import html_box
from ui.runtime.toasts import polite
from ui.studio.renderer import enlarged
from ui.studio.session import Session
from ui.tabs.mixing.actions import Mate, MixingDesk

# Whatever the operation, the brush may be of any colour; a scribble is seen in its own.
COLOURS = ("#ffffff", "#000000", "#6b4226", "#d9b38c", "#f2c9a1", "#c0392b", "#e67e22", "#f1c40f",
           "#27ae60", "#2e86c1")  # fmt: skip
LEVELS = ("quick", "standard", "best")
SIZE = 512  # pixels of the preview


class Region(NamedTuple):
    shown: gr.Accordion
    tip: gr.Markdown
    painted: gr.ImageEditor
    operation: gr.Dropdown
    groups: gr.CheckboxGroup
    right: gr.Slider
    down: gr.Slider
    level: gr.Radio
    run: gr.Button  # at once
    search: gr.Button
    stop: gr.Button
    progress: gr.HTML
    found: gr.State  # (portrait, edit) of the last search

    @property
    def follow(self) -> list[Any]:
        """What an operation shows or hides; see ``RegionHandlers.show``."""
        return [self.tip, self.groups, self.right, self.down, self.level, self.run, self.search,
                self.stop]  # fmt: skip


def build_region(words: Words, groups: Sequence[str]) -> Region:
    """An accordion of the Mixing tab."""
    accordion = words.make(gr.Accordion, {"label": "mix.region"}, open=False, elem_id="mix-region")
    with accordion:
        operation = words.make(
            gr.Dropdown,
            {
                "label": "mix.operation",
                "choices": lambda lang: [
                    (say(f"local.{name}", lang), name) for name in (*OPERATIONS, *LOCAL_EDITS)
                ],
            },
            value="copy",
            elem_id="mix-operation",
        )
        tip = words.make(gr.Markdown, {"value": "local.copy.tip"}, elem_classes="hint")
        painted = painter("mix-painted", colours=COLOURS)
        chosen = words.make(
            gr.CheckboxGroup,
            {"label": "layers", "choices": lambda lang: layer_choices(groups, lang)},
            value=list(groups),
            elem_id="mix-region-layers",
        )
        with gr.Row():
            right, down = (
                words.make(
                    gr.Slider, {"label": f"mix.{way}"}, minimum=-0.5, maximum=0.5, step=0.01,
                    value=0, buttons=[], elem_id=f"mix-{way}",
                )
                for way in ("right", "down")
            )  # fmt: skip
        level = words.make(
            gr.Radio,
            {
                "label": "mix.level",
                "choices": lambda lang: [(say(f"level.{name}", lang), name) for name in LEVELS],
            },
            value="quick",
            visible=False,
            elem_id="mix-level",
        )
        run = words.make(gr.Button, {"value": "mix.region.run"}, elem_id="mix-region-run")
        with gr.Row():
            search, stop = (
                words.make(gr.Button, {"value": key}, visible=False, elem_id=f"mix-region-{name}")
                for name, key in (("search", "mix.region.search"), ("stop", "stop"))
            )
        progress = html_box(elem_id="mix-region-progress")
    return Region(accordion, tip, painted, operation, chosen, right, down, level, run, search, stop,
                  progress, gr.State(None))  # fmt: skip


class RegionHandlers:
    """Bound to one desk; holds nothing of any visitor but who asked to stop."""

    def __init__(self, desk: MixingDesk, display: Display) -> None:
        self.desk, self.display, self.studio = desk, display, desk.studio
        self.searches = Stops()
        self.size = desk.domain.generator.img_resolution

    def canvas(self, session: Session) -> Any:
        """The current portrait to brush a region on."""
        picture = enlarged(self.desk.picture_of(session), CANVAS)
        return {"background": picture, "layers": [], "composite": None}

    def show(self, operation: str, lang: str) -> list[Any]:
        """Only what an operation needs."""
        searched = operation in LOCAL_EDITS
        seen = [not searched] * 3 + [searched, not searched, searched, searched]
        return [say(f"local.{operation}.tip", lang), *(gr.update(visible=each) for each in seen)]

    # -- at once

    def patch(
        self, mate: Mate | None, painted: Any, operation: str, groups: list[str], right: float,
        down: float,
    ) -> Mix:  # fmt: skip
        """The region from B, or moved, as an edit."""
        mask = brushed_mask(_layers(painted), self.size)
        if mask is None:
            raise BadInput("There is no region yet; brush the place to change first.")
        rows = self.desk.rows_of(groups or ()) or tuple(range(self.desk.rows))
        other = None if operation == "move" else needed(mate, "B").other
        return Patch(mask_bytes(mask), other, rows, operation, (float(right), float(down)))

    # -- searched: (what was found, picture, progress)

    @polite
    def search(
        self, session: Session, lang: str, request: gr.Request, mate: Mate | None, painted: Any,
        operation: str, level: str,
    ) -> Iterator[tuple[Any, ...]]:  # fmt: skip
        """Search an edit of the brushed region; Stop keeps the best so far."""
        edit = self._local(session, mate, painted, operation)
        yield from self._searched(session, lang, request, edit, level)

    def _local(
        self, session: Session, mate: Mate | None, painted: Any, operation: str
    ) -> LocalEdit:
        layers = _layers(painted)
        mask = brushed_mask(layers, self.size)
        if mask is None:
            raise BadInput("There is no region yet; brush the place to change first.")
        picture = to_tensor(self.desk.picture_of(session))
        if operation in ALONE:
            return LocalEdit(operation, picture, mask)
        strokes = operation == "scribble"
        other = strokes_on(picture, layers) if strokes else to_tensor(needed(mate, "B").pixels)
        return LocalEdit(operation, picture, mask, other)

    def _searched(
        self, session: Session, lang: str, request: gr.Request, edit: LocalEdit, level: str
    ) -> Iterator[tuple[Any, ...]]:
        stop = self.searches.begin(str(request.session_hash))
        losses: list[dict[str, float]] = []
        before = enlarged(self.studio.view(session).before, SIZE)
        for step, picture in self.desk.search(session, edit, level, stop):
            losses.append({**step.losses, "stage": STAGES.index(step.stage)})
            if picture is None:
                continue
            text = say("mix.searching", lang, step=step.index, total=step.total)
            text += " · " + say("inversion.left", lang, seconds=f"{step.eta:.0f}")
            if step.done or stop.is_set():
                text = say("inversion.done", lang, seconds=f"{step.seconds:.0f}", steps=step.index)
            state = EditState(**vars(step.point))
            found = Morph(other_of(edit.operation, state, self.desk.domain), 1.0)
            shown = progress_html(text, step.index / max(step.total, 1), losses, lang)
            yield (session.now.portrait, found), (before, enlarged(picture, SIZE)), shown

    @polite
    def place(self, session: Session, lang: str, found: Any) -> tuple[Any, ...]:
        """What a search has found becomes an edit, unless the visitor has another portrait now."""
        if found is not None and found[0] is session.now.portrait:
            session = self.desk.apply(session, found[1])
        return session, self.display.status(session)

    def stop(self, request: gr.Request) -> None:
        """Stop this visitor's search; the best so far is kept."""
        self.searches.stop(str(request.session_hash))

    @polite
    def search_whole(
        self, session: Session, lang: str, request: gr.Request, operation: str, mask: Any,
        seed: float = 7, strokes: Any = None, level: str = "quick",
    ) -> tuple[Any, ...]:  # fmt: skip
        """Search an edit of a region: crossover, inpaint, scribble, style or diffuse.

        The mask is white where the portrait changes; what it takes comes from the portrait of a
        seed, a scribble from a picture of the portrait with strokes on it.
        """
        path, drawn = upload_path(mask), upload_path(strokes)
        if path is None:
            raise BadInput("There is no region yet; pass a mask, white where to change something.")
        picture = to_tensor(self.desk.picture_of(session))
        other = None if operation in ALONE else to_tensor(self.desk.of_seed(seed).pixels)
        if operation == "scribble":
            if drawn is None:
                raise BadInput("A scribble needs the picture with its strokes; pass it, too.")
            other = self.desk.picture_at(drawn)
        edit = LocalEdit(operation, picture, load_mask(path, self.size)[0], other)
        *_, (found, _, _) = self._searched(session, lang, request, edit, level)
        placed: tuple[Any, ...] = self.place(session, lang, found)
        return placed


def needed(mate: Mate | None, name: str) -> Mate:
    """The portrait of a slot.

    Raises:
        BadInput: the slot is empty.
    """
    if mate is None:
        raise BadInput(f"Choose portrait {name} first: a seed, a file or the current one.")
    return mate


def _layers(painted: Any) -> list[np.ndarray[Any, Any]]:
    return [np.asarray(layer) for layer in (painted or {}).get("layers") or []]


def wire_region(
    page: Any, r: Region, mate: gr.State, h: RegionHandlers, maker: Callable[..., Any], wire: Wire
) -> None:
    """``mate`` is portrait B; ``maker`` makes a handler of what makes an edit."""
    base, c = [page.session, page.language], page.canvas
    r.operation.change(h.show, [r.operation, page.language], r.follow, **wire.instant)
    relabelled = page.language.change
    relabelled(h.show, [r.operation, page.language], r.follow, **wire.instant)
    r.shown.expand(h.canvas, [page.session], [r.painted], **wire.instant)
    at_once = [mate, r.painted, r.operation, r.groups, r.right, r.down]
    wire.action(r.run.click, maker(h.patch), at_once, sliders=False)
    searched = r.search.click(
        h.search,
        [*base, mate, r.painted, r.operation, r.level],
        [r.found, c.picture, r.progress],
        **wire.long,
        **wire.private,
    )
    wire.action(searched.success, h.place, [r.found], sliders=False)
    r.stop.click(h.stop, None, None, **wire.instant)
    # A browser paints in an editor and follows the search; the API has pictures for it.
    mask, strokes = (
        uploads_only(gr.Image(visible=False, label=label)) for label in ("mask", "strokes")
    )
    operation = gr.Radio(list(LOCAL_EDITS), value="inpaint", visible=False, label="operation")
    seed = gr.Number(7, precision=0, visible=False, label="seed")
    level = gr.Radio(LEVELS, value="quick", visible=False, label="level")
    gr.Button(visible=False).click(
        h.search_whole,
        [*base, operation, mask, seed, strokes, level],
        [page.session, page.status],
        api_name="local_edit",
        preprocess=False,
        **wire.long,
    )
