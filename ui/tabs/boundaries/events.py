"""What the workshop's widgets call: values -> one action of the workshop -> values."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from editing.directions.direction import Direction, boundary
from editing.directions.svm import cosines
from editing.edits.stack import ChannelMove, Move
from editing.errors import BadInput
from editing.models.generators.layers import parse_layers
from ui.components.html import note_html, progress_html
from ui.locales import attribute_name, note, say
from ui.panels.refresh import Display
from ui.runtime.cancellation import Stops
from ui.runtime.markup import Html
from ui.runtime.toasts import polite, tell
from ui.studio.session import Session
from ui.tabs.boundaries.actions import Workshop
from ui.tabs.boundaries.layout import AMOUNTS, name_choices, what_choices
from ui.tabs.boundaries.sliders import FIRST
from ui.tabs.boundaries.training import FIRST_PICK, PICKS, SOURCES, Step, Training
from ui.tabs.boundaries.widgets import (
    heat_html,
    pad_html,
    picks_html,
    rows_html,
    strips_html,
    trained_html,
)

PAGE = 6  # strips shown at once
PAD_REACH = 3.0  # steps at the pad's edges
KEPT_ALPHA = 5.0  # σ of a channel that was kept
SIDES = {1: "more", -1: "less"}


class WorkshopHandlers:
    """Bound to one workshop; knows nothing of any visitor."""

    def __init__(self, workshop: Workshop, display: Display) -> None:
        self.workshop, self.display, self.studio = workshop, display, workshop.studio
        self.training, self.measuring = Stops(), Stops()

    # -- the shelf

    @polite
    def choose(self, session: Session, lang: str, name: str | None) -> tuple[Any, ...]:
        """Take another direction of the shelf into the own slider."""
        chosen = replace(session, own=name or "")
        return chosen, self.display.own_slider(chosen), self.display.marks(chosen)

    @polite
    def move_own(self, session: Session, lang: str, value: float) -> tuple[Any, ...]:
        """Move along the chosen direction of the shelf."""
        if session.own:
            session = self.studio.move(session, {session.own: value})
        return session, self.display.status(session)

    def preview_own(self, session: Session, look: str, value: float) -> tuple[Any, Any]:
        if not session.own:
            return gr.skip(), gr.skip()
        return self.display.drag(session, look, {session.own: value})

    @polite
    def flip(self, session: Session, lang: str) -> tuple[Any, ...]:
        """Turn the chosen direction round."""
        session = self.workshop.flip(session, session.own)
        return session, self.display.status(session)

    @polite
    def remove(self, session: Session, lang: str) -> tuple[Any, ...]:
        """Take the chosen direction off the shelf; edits that use it stay."""
        session = self.workshop.remove(session, session.own)
        return session, self.display.status(session)

    @polite
    def import_direction(self, session: Session, lang: str, file: str | None) -> tuple[Any, ...]:
        """Put a direction file on the shelf."""
        if file is not None:
            session = self.workshop.imported(session, Path(file))
        return session, self.display.status(session)

    @polite
    def export_direction(self, session: Session, lang: str, name: str | None) -> str:
        """A direction of the shelf or of the domain as a file."""
        if not (name or session.own):
            raise BadInput("There is no direction to save; find, train or open one first.")
        file, data = self.workshop.exported(session, name or session.own)
        return save_bytes_to_cache(data, file, get_upload_folder())

    def export_chosen(self, session: Session, lang: str) -> str:
        return str(self.export_direction(session, lang, None))

    # -- rows of the selected edit

    @polite
    def set_rows(self, session: Session, lang: str, text: str) -> tuple[Any, ...]:
        """Rows and strengths of the selected edit, or of the next one: 2,4-6 or 0-3*0.5,7."""
        session = self.studio.set_rows(session, text.strip() or "all")
        return session, self.display.status(session)

    @polite
    def set_absolute(self, session: Session, lang: str, absolute: bool) -> tuple[Any, ...]:
        """Whether the selected edit's strength is a distance from the boundary, not steps."""
        session = self.studio.set_absolute(session, absolute)
        return session, self.display.status(session)

    def show_more(self, names: list[str]) -> Any:
        """Which of the sliders beyond the first are there."""
        extra = self.extra_names
        shown = [gr.update(visible=name in (names or [])) for name in extra]
        return shown[0] if len(shown) == 1 else shown

    @property
    def extra_names(self) -> list[str]:
        return list(self.studio.attributes[FIRST:])

    # -- variants

    @polite
    def find_variants(self, session: Session, lang: str, attribute: str) -> Iterator[Any]:
        """Find an attribute's variants; yields (None, at last the variants; progress)."""
        for step in self.workshop.subspace(attribute):
            if isinstance(step, Step):
                yield None, self._progress("work.running", step, lang)
            else:
                yield step, gr.skip()

    @polite
    def shelve_variants(
        self, session: Session, lang: str, found: list[Direction] | None
    ) -> tuple[Any, ...]:
        """Put found variants on the shelf: (session, progress, pad, its two directions)."""
        if not found:
            return session, gr.skip(), gr.skip(), gr.skip()
        names = []
        for axis in found:
            session = self.workshop.keep(session, axis)
            names.append(session.own)
        tip, looks = say("variants.pad", lang), [_looks(axis.meta, lang) for axis in found]
        value = gr.update(value=pad_html(looks[1], looks[2], tip), visible=True)
        words = [f"{attribute_name(n, lang)}: {w}" for n, w in zip(names, looks, strict=True)]
        return session, note_html(" · ".join(words)), value, names[1:3]

    @polite
    def find_variants_whole(self, session: Session, lang: str, attribute: str) -> tuple[Any, ...]:
        """Find an attribute's variants, and put them on the shelf."""
        *_, (found, _) = self.find_variants(session, lang, attribute)
        shelved: tuple[Any, ...] = self.shelve_variants(session, lang, found)
        return shelved

    @polite
    def pad_drag(
        self, session: Session, lang: str, look: str, names: list[str], event: gr.EventData
    ) -> tuple[Any, Any]:
        return self.display.drag(session, look, dict(zip(names, self._at(event), strict=True)))

    @polite
    def pad_drop(
        self, session: Session, lang: str, names: list[str], event: gr.EventData
    ) -> tuple[Any, ...]:
        session = self.workshop.pad(session, names, self._at(event))
        return session, self.display.status(session)

    def _at(self, event: gr.EventData) -> tuple[float, float]:
        x, y = (float(event._data[key]) for key in ("x", "y"))
        return round(PAD_REACH * x, 2), round(PAD_REACH * y, 2)

    @polite
    def smile_without_teeth(self, session: Session, lang: str) -> tuple[Any, ...]:
        """A smile that leaves the teeth as they are."""
        session = self.workshop.variant(session, "smile", "teeth", 2.0)
        return session, self.display.status(session)

    # -- measuring

    @polite
    def sweep(
        self, session: Session, lang: str, along: str, across: str | None, first: float | None,
        last: float | None, count: float,
    ) -> Iterator[Any]:  # fmt: skip
        """A labelled sheet of strengths; yields (progress, picture)."""
        if first is None or last is None or not (math.isfinite(first) and math.isfinite(last)):
            raise BadInput(
                "A sweep needs two strengths to go from and to; write numbers, usually -3 and 3."
            )
        work = self.workshop.sweep(session, along, across or "", first, last, int(count))
        for step in work:
            if isinstance(step, Step):
                yield self._progress("work.running", step, lang), gr.skip()
            else:
                yield "", gr.update(value=step, visible=True)

    @polite
    def rescore(
        self, session: Session, lang: str, given: list[str], request: gr.Request
    ) -> Iterator[str]:
        """The rescoring table, growing row by row."""
        effects = []
        stop = self.measuring.begin(str(request.session_hash))
        for effect in self.workshop.rescoring(session, given):
            if effect is not None:
                effects.append(effect)
                yield heat_html(effects, lang)
            if stop.is_set():
                return

    @polite
    def rows(self, session: Session, lang: str, name: str) -> Iterator[str]:
        """What a direction changes row by row."""
        effects = []
        for effect in self.workshop.rows(session, name, 2.0):
            effects.append(effect)
            yield rows_html(effects, lang)

    @polite
    def truth(self, session: Session, lang: str) -> tuple[Any, ...]:
        """The renderer's own answer to the moved attributes: before, after, difference."""
        twin = self.workshop.twin(session)
        pictures = (twin.before, twin.after, twin.difference)
        return tuple(gr.update(value=picture, visible=True) for picture in pictures)

    # -- training

    def show_source(self, source: str) -> list[Any]:
        return [gr.update(visible=source == each) for each in SOURCES]

    def gallery(self, lang: str, page: int, picked: dict[int, int]) -> tuple[Any, Any]:
        """(pictures of a page, what the widget shows)."""
        shown = self.workshop.school.candidates(page)
        return shown, self._picks(shown, picked, lang)

    def first_gallery(
        self, source: str, lang: str, shown: list[Any], picked: dict[int, int]
    ) -> tuple[Any, Any]:
        """The gallery when it is first needed."""
        if shown or source != "pictures":
            return gr.skip(), gr.skip()
        return self.gallery(lang, 0, picked)

    def next_gallery(self, lang: str, shown: list[Any], picked: dict[int, int]) -> tuple[Any, Any]:
        page = (shown[0][0] - FIRST_PICK) // PICKS + 1 if shown else 0
        return self.gallery(lang, page, picked)

    def pick(
        self, lang: str, shown: list[Any], picked: dict[int, int], event: gr.EventData
    ) -> tuple[Any, Any]:
        """One click: not picked -> more -> less -> not picked."""
        seed = int(shown[int(event._data["index"])][0])
        picked = {**picked, seed: {0: 1, 1: -1, -1: 0}[picked.get(seed, 0)]}
        picked = {seed: side for seed, side in picked.items() if side}
        return picked, self._picks(shown, picked, lang)

    def _picks(self, shown: list[Any], picked: dict[int, int], lang: str) -> Html:
        items = []
        for seed, src in shown:
            side = SIDES.get(picked.get(int(seed), 0), "")
            word = say(f"train.side.{side or 'none'}", lang)
            items.append({"src": src, "side": side, "word": word})
        return picks_html(items)

    @polite
    def train(
        self, session: Session, lang: str, name: str, source: str, reading: str, less: str,
        more: str, labels: str | None, picked: dict[int, int], count: float, request: gr.Request,
    ) -> Iterator[Any]:  # fmt: skip
        """Train a direction; yields (None, at last the direction; progress or result)."""
        names = {"reading": reading, "text": more, "labels": Path(labels or "").stem}
        wanted = Training(
            name.strip() or (names.get(source) or "").strip() or say("train.unnamed", lang),
            source,
            reading,
            (less, more),
            labels or "",
            {int(seed): side for seed, side in picked.items()},
            int(count),
        )
        stop = self.training.begin(str(request.session_hash))
        for step in self.workshop.school.train(wanted):
            if stop.is_set():
                yield None, note_html(say("train.stopped", lang))
                return
            if step.direction is None:
                yield None, self._progress("train.running", step, lang)
                continue
            for sentence in step.notes:
                tell(note(sentence, lang))
            domain = self.workshop.domain
            others = [boundary(domain, each) for each in self.studio.attributes]
            result = trained_html(step.direction, cosines(step.direction, others), lang)
            yield step.direction, result

    @polite
    def shelve(self, session: Session, lang: str, found: Direction | None) -> tuple[Any, ...]:
        """Put what a training has found on the shelf, as it is now."""
        if found is not None:
            session = self.workshop.keep(session, found)
        return session, self.display.status(session)

    @polite
    def train_whole(
        self, session: Session, lang: str, name: str, source: str, reading: str, less: str,
        more: str, labels: str | None, picked: dict[int, int], count: float, request: gr.Request,
    ) -> tuple[Any, ...]:  # fmt: skip
        """Train a direction, and put it on the shelf."""
        wish = (name, source, reading, less, more, labels, picked, count, request)
        *_, (found, result) = self.train(session, lang, *wish)
        session, _ = self.shelve(session, lang, found)
        return session, result

    def stop_training(self, request: gr.Request) -> None:
        """End this visitor's training; what was scored is kept."""
        self.training.stop(str(request.session_hash))

    def stop_rescoring(self, request: gr.Request) -> None:
        """End this visitor's rescoring; the rows so far stay."""
        self.measuring.stop(str(request.session_hash))

    def expect_training(self, request: gr.Request) -> tuple[Any, Any]:
        """(the button that began, the one that stops) while something runs or waits to."""
        self.training.expect(str(request.session_hash))
        return gr.update(interactive=False), gr.update(interactive=True)

    def expect_rescoring(self, request: gr.Request) -> tuple[Any, Any]:
        """The same for a rescoring."""
        self.measuring.expect(str(request.session_hash))
        return gr.update(interactive=False), gr.update(interactive=True)

    def idle(self) -> tuple[Any, Any]:
        """The same when nothing does."""
        return gr.update(interactive=True), gr.update(interactive=False)

    # -- exploring

    def whats(self, lang: str, method: str) -> Any:
        """What the method can be pointed at, in another language."""
        return gr.update(choices=what_choices(self.workshop, method, lang))

    def methods(self, lang: str, method: str) -> Any:
        """What another method can be pointed at."""
        choices = what_choices(self.workshop, method, lang)
        value = choices[0][1] if choices else None
        return gr.update(choices=choices, value=value, visible=bool(choices))

    @polite
    def explore(
        self, session: Session, lang: str, method: str, what: str | None, first: int
    ) -> Iterator[Any]:
        """Strips of a method, growing; yields (widget, the edits behind them, how many)."""
        found = []
        for each in self.workshop.explore(session, method, what or "", PAGE, first):
            found.append(each)
            items = [
                {"name": _title(f.edit, lang), "note": f.note, "pictures": list(f.pictures)}
                for f in found
            ]
            edits = [f.edit for f in found]
            yield strips_html(items, say("explore.keep", lang)), edits, first + len(found)

    def explore_first(self, session: Session, lang: str, method: str, what: str | None) -> Any:
        """The first directions that a method finds: SeFa, GANSpace, a basis, or channels."""
        yield from self.explore(session, lang, method, what, 0)

    @polite
    def keep(
        self, session: Session, lang: str, found: list[Any], event: gr.EventData
    ) -> tuple[Any, ...]:
        """Put a found direction on the shelf, a channel on the stack."""
        edit = found[int(event._data["index"])]
        if isinstance(edit, ChannelMove):
            session = self.workshop.add_channel(session, ChannelMove(edit.channel, KEPT_ALPHA))
        else:
            session = self.workshop.keep(session, edit.own[0])
        return session, self.display.status(session)

    @polite
    def combine(
        self, session: Session, lang: str, a: str | None, b: str | None, how: str,
        amount: float | None,
    ) -> tuple[Any, ...]:  # fmt: skip
        """Turn a direction towards another, or add it; the result goes on the shelf."""
        if not a or not b:
            raise BadInput("Two directions are needed; choose both.")
        if not amount:
            raise BadInput("Nothing would change by 0; write how far to turn or how much to add.")
        degrees, weight = (amount, 0.0) if how == "turn" else (0.0, amount)
        session = self.workshop.combined(session, a, b, degrees, weight)
        return session, self.display.status(session)

    def usual_amount(self, how: str) -> float:
        """How far at first."""
        return AMOUNTS[how]

    @polite
    def zero(self, session: Session, lang: str, a: str | None, rows: str) -> tuple[Any, ...]:
        """A direction without some rows; the result goes on the shelf."""
        if not a:
            raise BadInput("There is no direction to change; choose one.")
        found = parse_layers(rows, self.workshop.domain.generator)
        session = self.workshop.without_rows(session, a, found)
        return session, self.display.status(session)

    # -- what follows the session

    def choices(self, session: Session, lang: str) -> list[Any]:
        """Every list of directions, with those of the shelf."""
        names = [*self.studio.attributes, *(d.name for d in session.shelf)]
        return [gr.update(choices=name_choices(names, lang))] * 5

    def _progress(self, key: str, step: Step, lang: str) -> str:
        text = say(key, lang, done=step.done, total=step.total)
        return progress_html(text, step.done / max(step.total, 1), [], lang)


def _looks(meta: Mapping[str, Any], lang: str) -> str:
    """What a step of a direction changes most, in words."""
    changes = meta.get("changes", {}).items()
    return ", ".join(f"{attribute_name(name, lang)} {value:+.1f}" for name, value in changes)


def _title(edit: Move | ChannelMove, lang: str) -> str:
    return (
        str(edit.channel) if isinstance(edit, ChannelMove) else attribute_name(edit.attribute, lang)
    )
