"""The actions of the studio: typed calls from one session to the next, without any widget.

Its pictures are drawn by ``ui.studio.renderer``; lanes and inference modes are held as there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event

from editing.directions.direction import boundary
from editing.edits.out_of_domain import (
    Blend,
)
from editing.edits.stack import EditStack, EditState, Move
from editing.errors import BadInput
from editing.inversion.eta import STAGES, keep_pace, known_pace, pace_file
from editing.inversion.invert import Step, invert
from editing.inversion.options import InversionOptions
from editing.io.images import to_tensor
from editing.models.domain import Domain
from editing.models.generators.layers import format_strengths, layer_groups, parse_strengths
from editing.recipes.recipe import Inversion
from ui.components.widgets import Pixels
from ui.runtime.throttle import Showing
from ui.studio import session as sessions
from ui.studio.opening import Doors
from ui.studio.searches import Run
from ui.studio.session import Label, Portrait, Session, on_cpu, whole_at


class Studio(Doors):
    """What a visitor can do, on one domain that is shared by all and read only."""

    def __init__(self, domain: Domain) -> None:
        super().__init__(domain)
        self.pace = known_pace(pace_file(domain))
        self.groups = layer_groups(domain.generator)

    def safe_ranges(self) -> dict[str, tuple[float, float]]:
        """The measured ranges of the domain's boundaries, where there are any."""
        found = {name: boundary(self.domain, name).safe_range for name in self.attributes}
        return {name: ends for name, ends in found.items() if ends}

    # -- steps of the history

    def start(self, portrait: Portrait, wanted: Mapping[str, float] | None = None) -> Session:
        """A session that begins with ``portrait``, with the edits ``wanted`` already made."""
        first = Session((self._moment(portrait, EditStack(()), Label("history.start")),))
        return self.move(first, wanted) if wanted else first

    def replace(
        self, session: Session, portrait: Portrait, photo: str | Path | None = None
    ) -> Session:
        """Go on with another portrait, cut out of ``photo`` if it was, and no edits."""
        key = "history.estimate" if portrait.kind == "photo" else ""
        label = Label(key) if key else portrait.label
        portrait = sessions.sharing_photo(portrait, session)
        session = self.correct(session, b"")  # what was painted was of another photo
        whole = session.whole if photo is None else whole_at(Path(photo))
        session = replace(session, whole=whole, against=None)
        return session.add(self._moment(portrait, EditStack(()), label))

    def adopt(self, session: Session, portrait: Portrait) -> Session:
        """Take over an inversion that has ended; the edits made meanwhile stay.

        One that was stopped is left where the visitor's portrait is nearer to the photo already.
        """
        portrait = self._measured(portrait)
        stopped = portrait.inversion is not None and portrait.inversion.done is not None
        if stopped and is_nearer(session.now.portrait, portrait):
            return session
        moment = self._moment(portrait, session.now.stack, Label("history.inverted"))
        return session.add(moment)

    def move(self, session: Session, wanted: Mapping[str, float]) -> Session:
        """Commit the sliders; unchanged ones add nothing to the history."""
        stack, changed = self._stack(session, wanted)
        if changed is None:
            return session
        alpha = dict(wanted)[changed]
        index = sessions.last_move(stack.entries, changed)
        session = self._then(session, stack, Label(attribute=changed, alpha=alpha))
        return replace(session, selected=index)

    def keep(
        self, session: Session, keep: bool, threshold: float, softness: float, deghost: str
    ) -> Session:
        """Put edits into the photo (or not), and how.

        Raises:
            BadInput: a value out of range.
        """
        blend = Blend(float(threshold), float(softness), deghost, session.blend.brush)
        return replace(session, keep=bool(keep), blend=blend)

    def correct(self, session: Session, brush: bytes) -> Session:
        """Correct the mask by hand, as ``Blend.brush`` says; empty = not at all."""
        return replace(session, blend=replace(session.blend, brush=brush))

    def reset(self, session: Session) -> Session:
        if not session.now.stack.entries:
            return session
        return self._then(session, EditStack(()), Label("history.reset"))

    def act(self, session: Session, act: str, index: int, to: int = 0) -> Session:
        """ "select", "toggle", "remove" or "order" on one edit of the stack."""
        entries = session.now.stack.entries
        if not 0 <= index < len(entries) or not 0 <= to < len(entries):
            return session
        if act == "select":
            return session.select(index)
        move = entries[index].edit
        name = move.attribute if isinstance(move, Move) else ""
        key = {"remove": "history.removed", "order": "history.order"}.get(
            act, "history.off" if entries[index].on else "history.on"
        )
        stack = sessions.act_on(session.now.stack, act, index, to)
        return self._then(session, stack, Label(key, attribute=name))

    def set_details(
        self, session: Session, layers: Sequence[str] | None = None, given: Sequence[str] = ()
    ) -> Session:
        """Layers (groups) and conditions of the selected edit, or of the next new one.

        Raises:
            BadInput: no layer is left.
        """
        rows, move = self._rows(layers), self.selected_move(session)
        strengths: tuple[float, ...] = ()
        if list(layers or ()) == self.details(session)[1]:  # only the conditions have changed
            rows = session.next_layers if move is None else move.layers
            strengths = session.next_strengths if move is None else move.strengths
        return self._detailed(session, rows, strengths, tuple(given))

    def set_rows(self, session: Session, text: str) -> Session:
        """Layers of the selected edit, or of the next new one, as "2,4-6" or "0-3*0.5,7".

        Raises:
            BadInput: a row that does not exist, or text that names none.
        """
        rows, strengths = parse_strengths(text, self.domain.generator)
        _, _, given = self.details(session)
        return self._detailed(session, rows, strengths, tuple(given))

    def set_absolute(self, session: Session, absolute: bool) -> Session:
        """Whether the strength of the selected edit is a distance from the boundary to end at.

        Raises:
            BadInput: no edit along a direction is selected.
        """
        index, move = session.selected, self.selected_move(session)
        if index is None or move is None:
            raise BadInput("Click the chip of an edit first; then say what its strength means.")
        if move.absolute == absolute:
            return session
        entries = list(session.now.stack.entries)
        entries[index] = replace(entries[index], edit=replace(move, absolute=absolute))
        label = Label("history.absolute", attribute=move.attribute)
        return replace(self._then(session, EditStack(tuple(entries)), label), selected=index)

    def _detailed(
        self,
        session: Session,
        rows: tuple[int, ...] | None,
        strengths: tuple[float, ...],
        given: tuple[str, ...],
    ) -> Session:
        index = session.selected
        entries = list(session.now.stack.entries)
        if index is None or not isinstance(move := entries[index].edit, Move):
            return replace(
                session, next_layers=rows, next_strengths=strengths, next_given=tuple(given)
            )
        others = tuple(name for name in given if name != move.attribute)
        if (move.layers, move.strengths, move.given) == (rows, strengths, others):
            return session
        changed = replace(move, layers=rows, strengths=strengths, given=others)
        entries[index] = replace(entries[index], edit=sessions.with_own(changed, session.shelf))
        key = "history.layers" if move.given == others else "history.given"
        label = Label(key, attribute=move.attribute)
        return replace(self._then(session, EditStack(tuple(entries)), label), selected=index)

    def details(self, session: Session) -> tuple[str | None, list[str], list[str]]:
        """(attribute or None, layer groups, conditions) that the controls should show."""
        index = session.selected
        if index is None or not isinstance(move := session.now.stack.entries[index].edit, Move):
            return None, self.group_names(session.next_layers), list(session.next_given)
        return move.attribute, self.group_names(move.layers), list(move.given)

    def rows_text(self, session: Session) -> str:
        """The layers that the controls should show, as ``set_rows`` reads them; "" = all."""
        move = self.selected_move(session)
        rows = session.next_layers if move is None else move.layers
        strengths = session.next_strengths if move is None else move.strengths
        return "" if rows is None else format_strengths(rows, strengths)

    def selected_move(self, session: Session) -> Move | None:
        """The move whose layers and conditions are shown."""
        index = session.selected
        edit = None if index is None else session.now.stack.entries[index].edit
        return edit if isinstance(edit, Move) else None

    def _rows(self, groups: Sequence[str] | None) -> tuple[int, ...] | None:
        if groups is None or set(groups) >= set(self.groups):
            return None
        rows = tuple(sorted(row for name in groups for row in self.groups[name]))
        if not rows:
            raise BadInput("An edit needs at least one layer; choose coarse, middle or fine.")
        return rows

    def group_names(self, rows: tuple[int, ...] | None) -> list[str]:
        return [g for g, members in self.groups.items() if rows is None or set(members) & set(rows)]

    def step(self, session: Session, stack: EditStack, label: Label) -> Session:
        """The session with other edits, as one more moment of its history."""
        return self._then(session, stack, label)

    def _then(self, session: Session, stack: EditStack, label: Label) -> Session:
        return session.add(self._moment(session.now.portrait, stack, label))

    # -- inversion

    def seconds(self, options: InversionOptions) -> float | None:
        """How long a search takes here; None until one has been seen on this machine."""
        return self.pace.of(options) if self.pace.known else None

    def invert(self, run: Run) -> Iterator[tuple[Step, Pixels | None]]:
        """Search the latent of a photo; yields each step, now and then with a picture of it.

        ``run.stop`` ends the search after the step that runs: what was yielded last is the result,
        and ``run.memory`` is what it can go on from.
        """
        target = run.portrait.target
        if target is None:
            raise BadInput(
                "Inversion needs a photo: drop one above, or pick the photograph as an example."
            )
        self.budget.check_search(run.options)
        memory, run.memory = run.memory, None
        steps = invert(
            to_tensor(target), self.domain, run.options, given=run.given, mask=run.mask,
            memory=memory,
        )  # fmt: skip
        for step, picture in self.watched(steps, run.stop):
            self.pace.note(step.stage, step.cost)
            run.losses.append({**step.losses, "stage": STAGES.index(step.stage)})
            if picture is not None:
                run.film(picture)
                if step.done or run.stop.is_set():
                    keep_pace(self.pace, pace_file(self.domain))
                stopped = run.stop.is_set() and not step.done
                run.memory = step.memory() if stopped and not run.abandoned else None
            yield step, picture

    def watched(self, steps: Iterator[Step], stop: Event) -> Iterator[tuple[Step, Pixels | None]]:
        """The steps of a search, to its end or ``stop``; now and then, and last, with a picture."""
        showing = Showing()
        for step in self.lanes.steps(steps):
            ended = step.done or stop.is_set()
            if not (ended or showing.due()):
                yield step, None
                continue
            with showing.shown():
                yield step, self.draw(EditState(**vars(step.point)))
            if ended:
                return

    def inverted(self, run: Run, step: Step, picture: Pixels) -> Portrait:
        """The portrait at the point the search has found, whose picture is ``picture``."""
        done = None if step.done else step.index
        state = on_cpu(EditState(**vars(step.point)))
        # With a mask or a latent to start from, photo and options alone would not find it again.
        alone = run.mask is None and run.given is None
        inversion = Inversion(run.options, done) if alone else None
        return replace(
            run.portrait, state=state, before=picture, inversion=inversion, findings=step.notes
        )

    def untune(self, session: Session) -> Session:
        """The portrait without what was tuned beyond its latent; the edits stay."""
        portrait = session.now.portrait
        if not (portrait.state.weight_delta or portrait.state.noise):
            return session
        state = replace(portrait.state, weight_delta={}, noise={})
        plain = replace(portrait, state=state, before=self.draw(state), inversion=None)
        moment = self._moment(self._measured(plain), session.now.stack, Label("history.untuned"))
        return session.add(moment)


def is_nearer(a: Portrait, b: Portrait) -> bool:
    """Whether portrait ``a`` is nearer to its photo than ``b``, as far as both were measured."""
    if a.fit is None or b.fit is None:
        return False
    return float(a.fit["perceptual"] or 0) < float(b.fit["perceptual"] or 0)
