"""What the Text tab makes: text edits tried, placed on the stack and explained; without any widget.

The last edit of the stack is the one that the sliders change, as long as it has the texts of the
boxes; other texts begin an edit of their own, on top of what is there.
"""

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from PIL import Image

from editing.edits import EditStack, Entry, Move, render
from editing.errors import BadInput, EditingError
from editing.images import to_tensor, to_uint8
from editing.latents import parse_seed
from editing.layers import style_widths
from editing.ranking import Seen, rank, see_seeds
from editing.states import EditState
from editing.table_build import default_layers
from editing.templates import neutral_for
from editing.text import METHODS, StyleChange, TextEdit, is_known, relevance
from editing.text_descent import DescentOptions, DescentStep, descend
from editing.text_effects import (
    ALPHAS,
    Report,
    explain,
    follow,
    grid_betas,
    grid_cells,
    grid_sheet,
    safe_alphas,
)
from ui.easel import View
from ui.session import Label, Session
from ui.studio import Studio
from ui.widgets import Pixels
from ui.words import shortened
from ui.zerogpu import on_gpu, on_zero_gpu, seen_seeds

log = logging.getLogger(__name__)
FOUND = 12  # portraits of a search
WARM = TextEdit("a smiling person", 1.0, "a person")  # what is found while nobody waits


@dataclass(frozen=True, eq=False)
class Part:
    """How far some long work is, and in the end its picture."""

    done: int
    total: int
    sheet: Image.Image | None = None


@dataclass(frozen=True, eq=False)
class Hit:
    """A portrait that a search has found."""

    seed: int
    picture: Pixels


class TextDesk:
    """Bound to one studio."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.domain = studio, studio.domain
        entry = self.domain.parts.get("text_image_model")
        fetched = entry is not None and self.domain.is_present(entry)
        self.available = fetched or self.domain.hub_clip is not None
        table = self.domain.parts.get("global_directions")
        self.has_table = table is not None and self.domain.is_present(table)
        widths = style_widths(self.domain.generator)
        self._loading = threading.Lock()
        self.ready = threading.Event()  # set once nobody need wait for the models any more
        self._seen_elsewhere = on_gpu(seen_seeds)  # a Space looks for such calls when it starts
        self.total = sum(widths[name] for name in default_layers(self.domain))

    def warm_up(self) -> None:
        """Load the models and take the first steps, so that the first edit need not wait."""
        if not self.available:
            return

        def work() -> None:
            try:
                self._load()
                self._relevance(WARM)
            except EditingError as error:
                log.warning("The text-image model is not ready: %s", error)
            finally:
                self.ready.set()

        threading.Thread(target=work, daemon=True, name="text warm-up").start()

    def _load(self) -> None:
        """The text-image model, loaded once; whoever comes meanwhile waits.

        Raises:
            MissingFile, UnsafeFile: it is not there, or no CLIP.
        """
        with self._loading:
            _ = self.domain.clip

    # -- the edit

    def current(self, session: Session) -> int | None:
        """Which edit of the stack the sliders change: the last one by channels that is on."""
        found = [
            index
            for index, entry in enumerate(session.now.stack.entries)
            if entry.on and isinstance(entry.edit, TextEdit) and entry.edit.method in METHODS
        ]
        return found[-1] if found else None

    def edit(self, session: Session) -> TextEdit | None:
        """The edit that the sliders change."""
        index = self.current(session)
        found = None if index is None else session.now.stack.entries[index].edit
        return found if isinstance(found, TextEdit) else None

    def _stack(self, session: Session, wanted: TextEdit) -> EditStack:
        """The stack with ``wanted`` in the place of the edit of the same texts, or on top."""
        self.ask(wanted)
        with self.studio.lanes.interactive():
            found = wanted.resolved(self.domain)
        entries, index = list(session.now.stack.entries), self.current(session)
        if index is not None and self._has_texts_of(session, found):
            entries[index] = Entry(found)
        else:
            entries.append(Entry(found))
        return EditStack(tuple(entries))

    def knows(self, wanted: TextEdit) -> bool:
        """Whether it can be drawn at once; else ``ask`` comes first."""
        by_table = self.has_table and wanted.method != "jacobian"
        return by_table or wanted.change is not None or is_known(self.domain, wanted)

    def ask(self, wanted: TextEdit) -> None:
        """Learn what every channel does for a text; gradients are long work, a piece at a time.

        Raises:
            BadInput, MissingFile: as ``relevance``.
        """
        self._load()
        if not self.knows(wanted):
            self._relevance(wanted)

    def _relevance(self, wanted: TextEdit) -> None:
        lanes = self.studio.lanes
        lanes.long(lambda: relevance(self.domain, wanted, lanes.let_pass))

    def _has_texts_of(self, session: Session, wanted: TextEdit) -> bool:
        """Whether ``wanted`` would change the current edit instead of beginning one."""
        old, neutral = self.edit(session), wanted.neutral or neutral_for(wanted.target)
        return old is not None and (old.target, old.neutral) == (wanted.target, neutral)

    def preview(self, session: Session, wanted: TextEdit, mask: bool = False) -> View:
        """The canvas while a slider is dragged.

        Raises:
            BadInput: what is wrong with the texts, or no channel passes.
        """
        return self.studio.preview_stack(session, self._stack(session, wanted), mask)

    def apply(self, session: Session, wanted: TextEdit) -> Session:
        """One more step of the history; an edit that changes nothing adds none."""
        stack = self._stack(session, wanted)
        if stack == session.now.stack:
            return session
        text = shortened(wanted.target)
        label = Label("history.text", {"text": text, "alpha": f"{wanted.alpha:+.3g}"})
        return self.studio.step(session, stack, label)

    def alone(self, session: Session, channel: str, mask: bool = False) -> View:
        """The canvas with only one channel of the current edit moved.

        Raises:
            BadInput: there is no text edit, or it does not move this channel.
        """
        edit, index = self.edit(session), self.current(session)
        layer, _, number = channel.rpartition(":")
        steps = {
            (name, i): step
            for name, at, by in (edit.change.layers if edit and edit.change else ())
            for i, step in zip(at, by, strict=True)
        }
        key = (layer, int(number) if number.isdigit() else -1)
        if edit is None or index is None or key not in steps:
            raise BadInput(f"The text edit does not move {channel[:40]!r}; make it anew.")
        only = StyleChange(((layer, (key[1],), (steps[key],)),))
        entries = list(session.now.stack.entries)
        entries[index] = Entry(replace(edit, change=only))
        return self.studio.preview_stack(session, EditStack(tuple(entries)), mask)

    # -- what it has done

    def _without(self, session: Session) -> EditState:
        """The state of the portrait without the current edit."""
        index, entries = self.current(session), session.now.stack.entries
        kept = tuple(entry for i, entry in enumerate(entries) if i != index)
        return EditStack(kept).apply(session.now.portrait.state, self.domain)

    def report(self, session: Session) -> Report | None:
        """The current edit, explained; None where there is none."""
        edit = self.edit(session)
        if edit is None:
            return None
        state = self._without(session)

        @torch.no_grad()
        def work() -> Report:
            before = to_uint8(render(state, self.domain).cpu())[0]
            return explain(self.domain, edit, to_tensor(before), to_tensor(session.now.after))

        return self.studio.lanes.long(work)

    def safe(self, session: Session) -> tuple[float, float] | None:
        """How far alpha may go here; None where there is no edit that CLIP could follow."""
        edit = self.edit(session)
        if edit is None or not self.available or edit.change is None:
            return None
        work = follow(self.domain, self._without(session), edit)
        return safe_alphas(list(self.studio.lanes.steps(work)))

    def grid(self, session: Session, wanted: TextEdit) -> Iterator[Part]:
        """Strengths and thresholds on one sheet; parts first, the sheet last."""
        self.ask(wanted)
        with self.studio.lanes.interactive():
            betas = grid_betas(self.domain, wanted)
        if self._has_texts_of(session, wanted):
            state = self._without(session)
        else:
            state = session.now.stack.apply(session.now.portrait.state, self.domain)
        cells, total = list[Image.Image](), len(ALPHAS) * len(betas)
        work = grid_cells(self.domain, state, wanted, ALPHAS, betas)
        for cell in self.studio.lanes.steps(work):
            cells.append(cell)
            yield Part(len(cells), total)
        yield Part(total, total, grid_sheet(cells, ALPHAS, betas))

    # -- searching

    def optimise(
        self, session: Session, target: str, neutral: str, options: DescentOptions
    ) -> Iterator[DescentStep]:
        """Search a change of this portrait; not asking for more ends it."""
        self._load()
        stack = session.now.stack
        state = stack.apply(session.now.portrait.state, self.domain)
        return self.studio.lanes.steps(descend(self.domain, state, target, neutral, options))

    def optimised(self, session: Session, edit: Move | TextEdit, target: str) -> Session:
        """What a search has found, as one more edit of the stack."""
        label = Label("history.optimised", {"text": shortened(target)})
        return self.studio.step(session, session.now.stack.add(edit), label)

    def picture(self, session: Session, edit: Move | TextEdit) -> View:
        """The canvas with an edit that is not on the stack yet."""
        return self.studio.preview_stack(session, session.now.stack.add(edit))

    def search(self, text: str, count: int) -> Iterator[Part | list[Hit]]:
        """The portraits among the first seeds that show most of a text; parts first."""
        self._load()
        self.domain.clip.check_target(text)
        seen = []
        for part in self._see(count):
            seen.append(part)
            yield Part(sum(len(names) for names, _ in seen), count)
        hits = rank(self.domain, text, seen, top=FOUND)
        seeds = [spec.seed for hit in hits if (spec := parse_seed(hit.name))]
        yield [Hit(seed, self.studio.open_seed(seed).before) for seed in seeds]

    def _see(self, count: int) -> Iterator[Seen]:
        """Embeddings of the first seeds, elsewhere where a GPU is lent for a call."""
        if on_zero_gpu():
            return self._seen_elsewhere(str(self.domain.folder), count)
        return self.studio.lanes.steps(see_seeds(self.domain, range(count)))
