"""What the Mixing tab makes: other portraits opened, edits with them tried and placed; no widget.

A slider changes the last edit of its kind with the same portrait, or puts a new one on top.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

import numpy as np
from torch import Tensor

from editing.edits.local_edits import LocalEdit, local_edit, local_options
from editing.edits.mix_edits import Crossover, Grain, Mix, Morph, Other, Patch, Transfer, other_of
from editing.edits.mixing import crossover, exchange
from editing.edits.stack import Edit, EditStack, Entry, render, state_of
from editing.errors import BadInput
from editing.inversion.invert import Step
from editing.inversion.stages import Point
from editing.io.images import load_picture, to_tensor, to_uint8
from editing.models.latents import MAX_SEED, SeedSpec, parse_seed
from editing.recipes.recipe import Source, make_recipe
from ui.components.widgets import Pixels
from ui.panels.refresh import mix_text
from ui.studio import exports as files
from ui.studio.renderer import View
from ui.studio.session import Label, Session
from ui.studio.studio import Studio

MAX_GRID = 64  # pictures of a grid on the page


@dataclass(frozen=True, eq=False)
class Mate:
    """Another portrait in a slot of the tab."""

    other: Other
    picture: Pixels
    photo: Pixels | None = None  # the aligned photo itself, [R, R, 3], where it is one

    @property
    def pixels(self) -> Pixels:
        """What a search looks at."""
        return self.picture if self.photo is None else self.photo


class MixingDesk:
    """Bound to one studio."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.domain = studio, studio.domain
        self.rows = self.domain.generator.num_ws

    # -- other portraits

    def of_seed(self, seed: float | None) -> Mate:
        number = int(seed or 0)
        if not 0 <= number <= MAX_SEED:
            raise BadInput(f"The seed {number} is not possible; choose from 0 to {MAX_SEED}.")
        return self._mate(Other(f"seed:{number}"))

    def of_file(self, path: Path) -> Mate:
        """A photo (as the encoder sees it), an exported PNG with its edits, or a latent file.

        Raises:
            EditingError: what is wrong with it.
        """
        work = files.read_work(path, self.domain)
        if work is None:
            portrait = self.studio.open_photo(path)
            mate = self._mate(other_of(path.name, portrait.state, self.domain))
            return replace(mate, photo=portrait.target)
        latent, recipe = work
        self.studio.budget.check_stack(recipe.stack)
        state = recipe.stack.apply(state_of(latent, self.domain), self.domain)
        return self._mate(other_of(path.name, state, self.domain))

    def of_session(self, session: Session) -> Mate:
        """The current portrait as it is now."""
        moment = session.now
        state = moment.stack.apply(moment.portrait.state, self.domain)
        name = moment.portrait.source.name
        return Mate(other_of(name, state, self.domain), moment.after, self.picture_of(session))

    def picture_of(self, session: Session) -> Pixels:
        """The current portrait for a search: the photo itself until it is edited."""
        moment = session.now
        edited = any(entry.on for entry in moment.stack.entries)
        photo = moment.portrait.target
        return moment.after if edited or photo is None else photo

    def picture_at(self, path: str | Path) -> Tensor:
        """A picture of the portrait in a file, as it is, [1, 3, R, R] in [-1, 1]."""
        return to_tensor(load_picture(path), self.domain.generator.img_resolution)

    def _mate(self, other: Other) -> Mate:
        return Mate(other, self.studio.draw(other.state(self.domain)))

    # -- edits

    def crossover(self, mate: Mate, shares: Sequence[float]) -> Crossover:
        """Shares per row -> the edit; rows of share 0 are left alone."""
        chosen = [row for row, share in enumerate(shares) if share > 0]
        strengths = tuple(min(float(shares[row]), 1.0) for row in chosen)
        plain = all(share == 1 for share in strengths)
        return Crossover(mate.other, tuple(chosen), 1.0, () if plain else strengths)

    def shares(self, groups: Sequence[str], weight: float) -> list[float]:
        """One share per row, for chosen groups of layers."""
        known = self.studio.groups
        rows = {row for group in groups if group in known for row in known[group]}
        return [float(weight) if row in rows else 0.0 for row in range(self.rows)]

    def rows_of(self, groups: Sequence[str]) -> tuple[int, ...] | None:
        """The rows of groups of layers; None = all.

        Raises:
            BadInput: no layer is left.
        """
        known = self.studio.groups
        rows = tuple(sorted(row for name in groups for row in known[name]))
        if not rows:
            raise BadInput("This needs at least one layer; choose coarse, middle or fine.")
        return None if len(rows) == self.rows else rows

    def _stack(self, session: Session, edit: Mix) -> tuple[EditStack, bool]:
        entries = list(session.now.stack.entries)
        found = [i for i, e in enumerate(entries) if e.on and same_kind(e.edit, edit)]
        if changes_nothing(edit):
            kept = [e for i, e in enumerate(entries) if not found or i != found[-1]]
            return EditStack(tuple(kept)), bool(found)
        if found:
            entries[found[-1]] = Entry(edit)
        else:
            entries.append(Entry(edit))
        return EditStack(tuple(entries)), True

    def preview(self, session: Session, edit: Mix, mask: bool = False) -> View:
        """The canvas while a slider is dragged."""
        return self.studio.preview_stack(session, self._stack(session, edit)[0], mask)

    def apply(self, session: Session, edit: Mix) -> Session:
        """One more step of the history; an edit that changes nothing is taken away."""
        stack, changed = self._stack(session, edit)
        if not changed:
            return session
        label = Label("history.mixed", {"text": mix_text(edit, "en")})
        return self.studio.step(session, stack, label)

    # -- searches

    def search(
        self, session: Session, edit: LocalEdit, level: str, stop: Event
    ) -> Iterator[tuple[Step, Pixels | None]]:
        """Steps of a local edit, now and then with a picture; ``stop`` ends it with the best."""
        moment, options = session.now, local_options(edit.operation, level)
        state = moment.stack.apply(moment.portrait.state, self.domain)
        start = Point(state.ws, state.noise, state.weight_delta, state.s_delta)
        return self.studio.watched(local_edit(edit, start, self.domain, options), stop)

    # -- both results of a crossover

    def exchange(self, session: Session, mate: Mate, shares: Sequence[float]) -> list[Pixels]:
        """The portrait with rows of B, and B with those of the portrait."""
        a, b = (each.other.state(self.domain) for each in (self.without(session, mate), mate))
        return [self.studio.draw(state) for state in exchange(a, b, shares, self.domain)]

    def without(self, session: Session, mate: Mate) -> Mate:
        """The current portrait before it took any layers of B."""
        kept = [
            entry for entry in session.now.stack.entries
            if not (isinstance(entry.edit, Crossover) and entry.edit.other.name == mate.other.name)
        ]  # fmt: skip
        state = EditStack(tuple(kept)).apply(session.now.portrait.state, self.domain)
        name = session.now.portrait.source.name
        return Mate(other_of(name, state, self.domain), session.now.after)

    # -- the grid

    def grid(
        self,
        rows: Sequence[Mate],
        columns: Sequence[Mate],
        shares: Sequence[float],
    ) -> Iterator[Pixels]:
        """The cells, row by row, beginning with the columns' own portraits and an empty one."""
        if (len(rows) + 1) * (len(columns) + 1) > MAX_GRID:
            raise BadInput(
                f"A grid of {len(rows)} x {len(columns)} portraits is too large for the page; "
                f"take fewer, or use the command grid."
            )
        yield np.full_like(columns[0].picture, 255)
        yield from (mate.picture for mate in columns)
        for row in rows:
            yield row.picture
            yield from self.studio.lanes.steps(self._mixed(row, columns, shares))

    def _mixed(
        self, row: Mate, columns: Sequence[Mate], shares: Sequence[float]
    ) -> Iterator[Pixels]:
        state = row.other.state(self.domain)
        for column in columns:
            mixed = crossover(state, column.other.state(self.domain), shares, self.domain)
            yield to_uint8(render(mixed, self.domain))[0]

    def adopt(
        self, session: Session, row: Mate, column: Mate | None, shares: Sequence[float]
    ) -> Session:
        """A cell of the grid as the current portrait: a crossover on it, or on another portrait."""
        here = row.picture is session.now.after
        if not here:
            session = self._replaced(session, row)
        return session if column is None else self.apply(session, self.crossover(column, shares))

    def _replaced(self, session: Session, mate: Mate) -> Session:
        if mate.other.latent is None:
            spec = parse_seed(mate.other.name) or SeedSpec(0)
            seeded = self.studio.open_seed(spec.seed, spec.psi, spec.cutoff, spec.label)
            return self.studio.replace(session, seeded)
        latent = mate.other.latent
        recipe = make_recipe(self.domain, Source("latent", mate.other.name), EditStack())
        portrait = files.portrait_of(latent, recipe, self.domain, mate.picture)
        return self.studio.replace(session, portrait)


def same_kind(a: Edit, b: Edit) -> bool:
    """Whether a slider changes the one into the other: one kind, with the same portraits."""
    if type(a) is not type(b) or isinstance(a, Patch):
        return False
    return [each.name for each in others_of(a)] == [each.name for each in others_of(b)]


def others_of(edit: Edit) -> tuple[Other, ...]:
    """The portraits inside an edit."""
    if isinstance(edit, Crossover | Morph):
        return (edit.other,)
    return (edit.before, edit.after) if isinstance(edit, Transfer) else ()


def changes_nothing(edit: Mix) -> bool:
    """An edit that a slider at its 0 makes."""
    if isinstance(edit, Crossover):
        return edit.layers == ()
    if isinstance(edit, Morph | Transfer):
        return edit.amount == 0
    return isinstance(edit, Grain) and edit.seed is None and all(s == 1 for s in edit.strengths)


def noise_rows(
    studio: Studio, strengths: dict[str, float]
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Strength per group of layers -> rows and a strength for each."""
    pairs = [(row, float(strengths[g])) for g, rows in studio.groups.items() for row in rows]
    pairs.sort()
    rows, factors = tuple(row for row, _ in pairs), tuple(f for _, f in pairs)
    return rows, () if all(f == 1 for f in factors) else factors
