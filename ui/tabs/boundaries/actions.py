"""What the Boundaries tab makes: directions found, kept and measured; without any widget.

Everything long is an iterator whose every step takes the long lane for a moment only.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from editing.cli.arguments import parse_direction
from editing.directions import unsupervised
from editing.directions.direction import Direction, boundary, clamp, save_direction
from editing.directions.rescoring import Effect, RowEffect, by_row, rescore, trial_ws
from editing.directions.samples import moments
from editing.directions.stylespace import REGIONS, ChannelEffect, attribute_effects, region_effects
from editing.directions.subspaces import paired_differences, subspace_of, unrelated
from editing.edits.stack import ChannelMove, EditStack, Entry, Move
from editing.edits.sweeps import STRIP, sweep_cells, sweep_sheet
from editing.errors import BadInput
from editing.io.images import to_tensor, to_uint8
from editing.pictures.metrics import readings
from ui.components.widgets import Pixels, data_uri
from ui.studio import session as sessions
from ui.studio.session import Label, Session
from ui.studio.studio import Studio
from ui.studio.views import heat_map
from ui.tabs.boundaries.training import School, Step

CHANNEL_STRIP = (-10.0, -5.0, 0.0, 5.0, 10.0)
SUBSPACE_LATENTS = 24
LOOKED_AT = 6  # of them, by what else an axis changes
TRIALS = 24  # latents of a rescoring
TRIED_AT_ONCE = 4  # of them in one step of the long lane
MAX_SHELF = 40
METHODS = ("sefa", "pca", "basis", "axis", "channels")


class Truth(Protocol):
    """A renderer that can draw what an edit should have done."""

    names: tuple[str, ...]  # of its factors

    def draw(self, readings: Mapping[str, float]) -> Tensor:
        """The picture [1, 3, R, R] of a portrait with these readings, in σ of the world."""
        ...


@dataclass(frozen=True, eq=False)
class Found:
    """A direction, or a channel, with a strip of pictures that shows it."""

    edit: Move | ChannelMove
    note: str
    pictures: tuple[str, ...]  # data URIs


@dataclass(frozen=True, eq=False)
class Twin:
    """The renderer's own answer beside the edit's, [R, R, 3] each."""

    before: Pixels
    after: Pixels
    difference: Pixels


class Workshop:
    """Bound to one studio."""

    def __init__(self, studio: Studio, truth: Truth | None = None) -> None:
        self.studio, self.domain, self.truth = studio, studio.domain, truth
        scorer = "scorer" in self.domain.parts
        self.readings: tuple[str, ...] = self.domain.scorer.outputs if scorer else ()
        self.regions = tuple(REGIONS) if self.domain.alignment == "ffhq" else ()
        self.school = School(studio, self.readings)

    # -- the shelf

    def keep(self, session: Session, direction: Direction) -> Session:
        """Put a direction on the visitor's shelf, under a name that is not taken.

        Edits name what they move along, and carry it: what any of them carries is taken, too.
        """
        if len(session.shelf) >= MAX_SHELF:
            raise BadInput(f"Your shelf holds {MAX_SHELF} directions already; remove one first.")
        own = (d for moment in session.moments for d in _carried(moment.stack))
        taken = {*self.domain.boundaries, *(d.name for d in (*session.shelf, *own))}
        name, number = direction.name, 2
        while name in taken:
            name, number = f"{direction.name} ({number})", number + 1
        kept = replace(direction, name=name, vector=direction.vector.detach().cpu())
        return replace(session, shelf=(*session.shelf, kept), own=name)

    def remove(self, session: Session, name: str) -> Session:
        """Take a direction off the shelf; edits that use it carry it and stay."""
        shelf = tuple(d for d in session.shelf if d.name != name)
        return replace(session, shelf=shelf, own=shelf[-1].name if shelf else "")

    def flip(self, session: Session, name: str) -> Session:
        """Turn a direction of the shelf round, where its "more" is less; in the edits, too."""
        old = next((d for d in session.shelf if d.name == name), None)
        if old is None:
            return session
        new = unsupervised.flipped(old)
        session = replace(session, shelf=tuple(new if d is old else d for d in session.shelf))
        if not any(_same(d, old) for d in _carried(session.now.stack)):
            return session
        stack = EditStack(tuple(_turned(e, old, new) for e in session.now.stack.entries))
        return self._then(session, stack, Label("history.flipped", attribute=name))

    def imported(self, session: Session, path: Path) -> Session:
        """A direction file on the shelf.

        Raises:
            UnsafeFile, BadInput: it is none, or of another generator.
        """
        direction = parse_direction(str(path), self.domain)
        if direction.name.endswith(f"({path.name})") or not direction.name:
            direction = replace(direction, name=path.stem)
        return self.keep(session, direction)

    def exported(self, session: Session, name: str) -> tuple[str, bytes]:
        """(file name, contents) of a direction, of the shelf or of the domain."""
        direction = self.named(session, name)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "direction.safetensors"
            save_direction(path, direction, self.domain.family)
            safe = "".join(c if c.isalnum() else "-" for c in name).strip("-") or "direction"
            return f"{safe}.safetensors", path.read_bytes()

    def named(self, session: Session, name: str) -> Direction:
        """A direction by name.

        Raises:
            UnknownName: neither on the shelf nor the domain's.
        """
        own = next((d for d in session.shelf if d.name == name), None)
        return own or boundary(self.domain, name)

    # -- surgery

    def combined(self, session: Session, a: str, b: str, degrees: float, weight: float) -> Session:
        """a turned towards b by degrees, or where those are 0, a + weight·b; on the shelf."""
        first, second = self.named(session, a), self.named(session, b)
        if degrees:
            covariance = self.studio.lanes.long(lambda: moments(self.domain)).covariance
            return self.keep(session, unsupervised.rotated(first, second, degrees, covariance))
        num_ws = self.domain.generator.num_ws
        return self.keep(session, unsupervised.added(first, second, weight, num_ws))

    def without_rows(self, session: Session, name: str, rows: tuple[int, ...]) -> Session:
        """The direction with some rows zeroed, on the shelf."""
        num_ws = self.domain.generator.num_ws
        return self.keep(
            session, unsupervised.without_rows(self.named(session, name), rows, num_ws)
        )

    # -- channels and pads

    def add_channel(self, session: Session, edit: ChannelMove) -> Session:
        """One more edit on the stack: a channel moved."""
        stack = session.now.stack.add(edit)
        label = Label(
            "history.channel", {"channel": str(edit.channel), "alpha": f"{edit.alpha:+g}"}
        )
        return self._then(session, stack, label)

    def pad(self, session: Session, names: Sequence[str], at: Sequence[float]) -> Session:
        """Set two directions at once, as the pad does."""
        return self.studio.move(session, dict(zip(names, at, strict=True)))

    def variant(self, session: Session, name: str, given: str, alpha: float) -> Session:
        """An attribute without another: "smile without teeth"."""
        own = sessions.last_move(session.now.stack.entries, name)
        entries = list(session.now.stack.entries)
        if own is not None:
            del entries[own]
        move = Move(name, alpha, given=(given,))
        stack = EditStack((*entries, Entry(move)))
        return self._then(session, stack, Label(attribute=name, alpha=alpha))

    def _then(self, session: Session, stack: EditStack, label: Label) -> Session:
        return self.studio._then(session, stack, label)

    # -- exploring

    def explore(
        self, session: Session, method: str, what: str, count: int, first: int = 0
    ) -> Iterator[Found]:
        """Directions of a method with strips of the current portrait, one by one.

        Args:
            what: layer groups for SeFa, the seed of the basis, the attribute or region of channels.
            first: how many to pass over.
        """
        for edit, note in self._found(method, what, count, first):
            yield self._strip(session, edit, note)

    def _found(
        self, method: str, what: str, count: int, first: int
    ) -> Iterator[tuple[Move | ChannelMove, str]]:
        if method == "channels":
            for effect in self._channels(what)[first : first + count]:
                note = f"{effect.change:+.3f} · {100 * effect.share:.1f} %"
                yield ChannelMove(effect.channel, 0.0), note
            return
        for direction in self.studio.lanes.long(
            lambda: self._directions(method, what, count, first)
        ):
            share = direction.meta.get("share")
            note = "" if share is None else f"{100 * share:.1f} %"
            yield Move(direction.name, 0.0, own=(direction,)), note

    def _directions(self, method: str, what: str, count: int, first: int) -> list[Direction]:
        width = self.domain.generator.w_dim
        last = min(first + count, width)
        if method == "sefa":
            rows = None if what in ("", "all") else self.studio.groups[what]
            return unsupervised.sefa(self.domain, rows, last)[first:]
        if method == "pca":
            return unsupervised.ganspace(self.domain, last)[first:]
        if method == "basis":
            seed = int(what) if what.isdigit() else 0
            return [unsupervised.random_basis(self.domain, seed, i) for i in range(first, last)]
        return [unsupervised.axis(self.domain, i) for i in range(first, last)]

    def _channels(self, what: str) -> list[ChannelEffect]:
        ws = trial_ws(self.domain, 4)
        if what in REGIONS:
            rng = torch.Generator().manual_seed(0)
            work = region_effects(self.domain, REGIONS[what], ws, rng, probes=2)
        else:
            work = attribute_effects(self.domain, what, ws)
        *_, effects = self.studio.lanes.steps(work)
        return effects

    def _strip(self, session: Session, edit: Move | ChannelMove, note: str) -> Found:
        state = session.now.stack.apply(session.now.portrait.state, self.domain)
        alphas = CHANNEL_STRIP if isinstance(edit, ChannelMove) else STRIP
        pictures = [
            data_uri(np.asarray(cell), 88)
            for cell in self.studio.lanes.steps(sweep_cells(self.domain, state, edit, alphas))
        ]
        return Found(edit, note, tuple(pictures))

    def subspace(self, attribute: str, axes: int = 3) -> Iterator[Step | list[Direction]]:
        """The axes of an attribute's subspace; steps first, the list last."""
        ws, pairs = trial_ws(self.domain, SUBSPACE_LATENTS), []
        for pair in self.studio.lanes.steps(paired_differences(self.domain, attribute, ws)):
            pairs.append(pair)
            yield Step(len(pairs), len(ws))
        some = ws[:LOOKED_AT]
        others = self.studio.lanes.long(lambda: unrelated(self.domain, attribute, some))
        found = subspace_of(self.domain, attribute, torch.stack(pairs), axes, others)
        work = rescore(self.domain, found, some)
        yield [_looking(a, e) for a, e in zip(found, self.studio.lanes.steps(work), strict=True)]

    # -- measuring

    def rescoring(self, session: Session, given: Sequence[str]) -> Iterator[Effect | None]:
        """One ``Effect`` per direction of the domain and of the shelf; None for steps between."""
        names = [*self.studio.attributes, *(d.name for d in session.shelf)]
        names = [name for name in names if self.named(session, name).space == "w"]
        moves = [
            sessions.with_own(Move(name, 0.0, given=tuple(given)), session.shelf) for name in names
        ]
        for direction in [move.direction(self.domain) for move in moves]:
            yield from self._rescored(direction)

    def _rescored(self, direction: Direction) -> Iterator[Effect | None]:
        """``rescore`` of one direction, a few latents in each step of the lane."""
        parts: list[Effect] = []
        for ws in torch.split(trial_ws(self.domain, TRIALS), TRIED_AT_ONCE):
            yield None
            parts += self.studio.lanes.steps(rescore(self.domain, [direction], ws))
        yield mean_effect(parts)

    def rows(self, session: Session, name: str, alpha: float) -> Iterator[RowEffect]:
        """What a direction changes on the current portrait, row by row."""
        state = session.now.stack.apply(session.now.portrait.state, self.domain)
        direction = self.named(session, name)
        attribute = str(direction.meta.get("from", name))
        return self.studio.lanes.steps(by_row(self.domain, direction, state.ws, alpha, attribute))

    def sweep(
        self, session: Session, along: str, across: str, first: float, last: float, count: int
    ) -> Iterator[Step | Image.Image]:
        """A sheet of strengths over the current portrait; steps first, the sheet last."""
        moves = [
            sessions.with_own(Move(name, 0.0), session.shelf) if name else None
            for name in (along, across)
        ]
        if moves[0] is None:
            raise BadInput("A sweep needs an attribute; choose one.")
        alphas = np.linspace(first, last, count).round(2).tolist()
        betas = alphas if moves[1] else [0.0]
        state = session.now.stack.apply(session.now.portrait.state, self.domain)
        self.studio.budget.check_pictures(len(alphas) * len(betas), state)
        work = sweep_cells(self.domain, state, moves[0], alphas, moves[1], betas)
        cells = []
        for cell in self.studio.lanes.steps(work):
            cells.append(cell)
            yield Step(len(cells), len(alphas) * len(betas))
        yield sweep_sheet(cells, moves[0], alphas, moves[1], betas)

    def twin(self, session: Session) -> Twin:
        """What the renderer itself makes of the moved attributes.

        The scorer reads the portrait before the edits; the attributes that a move names get the
        reading they have after them, everything else stays; both are drawn by the renderer.
        """
        if self.truth is None:
            raise BadInput("This domain has no renderer to ask; open portraits.")
        moment = session.now
        moved = {e.edit.attribute for e in moment.stack.entries
                 if e.on and isinstance(e.edit, Move)}  # fmt: skip
        moved &= set(self.truth.names)
        if not moved:
            raise BadInput("Move an attribute of this world first; then see what it should do.")
        truth = self.truth

        def drawn() -> list[Pixels]:
            pictures = (to_tensor(pixels) for pixels in (moment.portrait.before, moment.after))
            before, after = (readings(self.domain.scorer, picture) for picture in pictures)
            wanted = {**before, **{name: after[name] for name in moved}}
            return [to_uint8(truth.draw(each))[0] for each in (before, wanted)]

        still, edited = self.studio.lanes.long(drawn)
        return Twin(still, edited, heat_map(still, edited))


def _carried(stack: EditStack) -> list[Direction]:
    """The directions that edits carry."""
    return [d for entry in stack.entries if isinstance(entry.edit, Move) for d in entry.edit.own]


def _same(a: Direction, b: Direction) -> bool:
    return a.name == b.name and torch.equal(a.vector, b.vector)


def _turned(entry: Entry, old: Direction, new: Direction) -> Entry:
    """The entry with ``new`` for ``old``, where its edit carries that."""
    if not isinstance(entry.edit, Move):
        return entry
    own = tuple(new if _same(d, old) else d for d in entry.edit.own)
    return replace(entry, edit=replace(entry.edit, own=own))


def mean_effect(parts: Sequence[Effect]) -> Effect:
    """The effect over all latents, from those over equally many each."""

    def mean(values: Sequence[float]) -> float:
        return sum(values) / len(values)

    identities = [part.identity for part in parts if part.identity is not None]
    return Effect(
        parts[0].name,
        {name: mean([part.change[name] for part in parts]) for name in parts[0].change},
        mean(identities) if identities else None,
        mean([part.perceptual for part in parts]),
        mean([part.background for part in parts]),
    )


def _looking(direction: Direction, effect: Effect) -> Direction:
    """The direction, knowing what it changes most: attribute -> σ of a step."""
    most = sorted(effect.change.items(), key=lambda item: -abs(item[1]))[:2]
    return replace(direction, meta={**direction.meta, "changes": dict(most)})


def reachable(direction: Direction) -> tuple[float, float]:
    """Where a slider of the direction may go."""
    return clamp(direction, -10.0), clamp(direction, 10.0)
