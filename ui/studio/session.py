"""What one visitor has done so far: portraits, edits and the way back.

A session is an immutable value kept in the visitor's own ``gr.State``; nothing here is shared.
Tensors in it are detached and on the CPU, so that it can be copied and outlive any device.

The whole photo behind a portrait, kept as it was sent, to put the edited face back into it.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from editing.directions.direction import Direction
from editing.edits.out_of_domain import Blend
from editing.edits.stack import EditStack, EditState, Entry, Move
from editing.io.images import load_picture
from editing.models.domain import file_hash
from editing.pictures.alignment import Alignment, Photo
from editing.pictures.paste_back import paste_back
from editing.recipes.recipe import Inversion, Source
from ui.components.widgets import Pixels

MAX_MOMENTS = 50  # older ones are forgotten; the start stays
SMALLEST = 1e-6  # a slider this close to 0 is no edit


@dataclass(frozen=True)
class Label:
    """A name in any language: a message key, or an attribute with its strength."""

    key: str = ""
    values: Mapping[str, object] = field(default_factory=dict)
    attribute: str = ""
    alpha: float = 0.0


@dataclass(frozen=True, eq=False)
class Portrait:
    """Where the edits start: a point in the latent space and what it stands for."""

    kind: str  # "seed" | "photo" | "latent"
    label: Label
    state: EditState
    before: Pixels  # canonical picture of ``state``, [R, R, 3]
    source: Source  # as a recipe names it
    photo: Pixels | None = None  # the aligned photo for the eye, [P, P, 3]
    target: Pixels | None = None  # the same for the search, [R, R, 3]
    notes: tuple[str, ...] = ()  # what the alignment has to say
    inversion: Inversion | None = None  # how ``state`` was found
    quad: tuple[tuple[float, float], ...] | None = None  # where the photo was cut out
    fit: Mapping[str, float | None] | None = None  # how near ``before`` is to the photo
    findings: tuple[str, ...] = ()  # what the search has to say


@dataclass(frozen=True, eq=False)
class Moment:
    """One step of the history."""

    portrait: Portrait
    stack: EditStack
    label: Label
    after: Pixels  # canonical picture of the edited portrait, [R, R, 3]
    thumbnail: str  # data URI


@dataclass(frozen=True, eq=False)
class Session:
    """The history of one visitor and where in it they are."""

    moments: tuple[Moment, ...]
    position: int = 0
    selected: int | None = None  # the edit whose layers and conditions are shown
    next_layers: tuple[int, ...] | None = None  # layers of the next new edit, None = all
    next_strengths: tuple[float, ...] = ()  # of those layers, () = all 1
    next_given: tuple[str, ...] = ()
    shelf: tuple[Direction, ...] = ()  # the visitor's own directions
    own: str = ""  # the one of them that the own slider moves
    keep: bool = True  # show the edit in the photo, too
    blend: Blend = Blend()  # how it is put there
    whole: "Whole | None" = None  # the last photo that was opened
    against: Moment | None = None  # what the canvas compares with; None = without the edits
    opening: int = 0  # moments that the page opened with

    @property
    def now(self) -> Moment:
        return self.moments[self.position]

    @property
    def can_undo(self) -> bool:
        return self.position > 0

    @property
    def can_redo(self) -> bool:
        return self.position + 1 < len(self.moments)

    @property
    def is_fresh(self) -> bool:
        """Whether it is as the page opened it."""
        return len(self.moments) == self.opening

    def add(self, moment: Moment) -> "Session":
        """The session after one more step; steps that were undone are given up."""
        moments = (*self.moments[: self.position + 1], moment)
        if len(moments) > MAX_MOMENTS:
            moments = (moments[0], *moments[2:])
        return replace(self, moments=moments, position=len(moments) - 1, selected=None, opening=0)

    def go(self, position: int) -> "Session":
        """The session at another of its moments (clamped to those there are)."""
        position = min(max(position, 0), len(self.moments) - 1)
        return replace(self, position=position, selected=None)

    def compare(self, position: int | None) -> "Session":
        """Compare with another of its moments; None = with the portrait before the edits."""
        if position is None or not 0 <= position < len(self.moments):
            return replace(self, against=None)
        return replace(self, against=self.moments[position])

    def select(self, index: int | None) -> "Session":
        """Show the layers and conditions of edit ``index``; selecting it again lets it go."""
        fits = index is not None and 0 <= index < len(self.now.stack.entries)
        return replace(self, selected=index if fits and index != self.selected else None)


def sharing_photo(portrait: Portrait, session: Session) -> Portrait:
    """The portrait with the pixels of a photo that is in the session already, if it is that one."""
    for known in (moment.portrait for moment in session.moments):
        if _same(known.photo, portrait.photo) and _same(known.target, portrait.target):
            return replace(portrait, photo=known.photo, target=known.target)
    return portrait


def _same(a: Pixels | None, b: Pixels | None) -> bool:
    return a is not None and b is not None and np.array_equal(a, b)


def strengths(stack: EditStack, names: Sequence[str]) -> list[float]:
    """Where the sliders of ``names`` stand: the alpha of each one's last edit that is on."""
    found = {
        entry.edit.attribute: entry.edit.alpha
        for entry in stack.entries
        if entry.on and isinstance(entry.edit, Move)
    }
    return [found.get(name, 0.0) for name in names]


def with_strengths(
    stack: EditStack,
    wanted: Mapping[str, float],
    new: Move,
    shelf: Sequence[Direction] = (),
) -> tuple[EditStack, str | None]:
    """The stack whose sliders stand at ``wanted``, and the attribute that changed last.

    An attribute's edit keeps its place, layers and conditions; a new one goes last with those of
    ``new``; one set to 0 is taken away. ``shelf`` are directions that the domain does not have.
    """
    entries, changed = list(stack.entries), None
    present = dict(zip(wanted, strengths(stack, list(wanted)), strict=True))
    for name, alpha in wanted.items():
        if abs(alpha - present[name]) < SMALLEST:
            continue
        changed = name
        index = last_move(entries, name)
        move = None if index is None else entries[index].edit
        if index is not None and isinstance(move, Move):
            if abs(alpha) >= SMALLEST or move.absolute:  # there 0 is a place, not nothing
                entries[index] = Entry(replace(move, alpha=alpha))
            else:
                del entries[index]
        else:
            others = tuple(other for other in new.given if other != name)
            move = replace(new, attribute=name, alpha=alpha, given=others)
            entries.append(Entry(with_own(move, shelf)))
    return EditStack(tuple(entries)), changed


def with_own(move: Move, shelf: Sequence[Direction]) -> Move:
    """The move with those of ``shelf`` that it names; what it carried already stays."""
    named = (move.attribute, *move.given)
    carried = {d.name: d for d in (*shelf, *move.own) if d.name in named}
    return replace(move, own=tuple(carried.values()))


def last_move(entries: Sequence[Entry], name: str) -> int | None:
    """Index of the last move along ``name`` that is on, else of the last that is off."""
    found = [
        (entry.on, index)
        for index, entry in enumerate(entries)
        if isinstance(entry.edit, Move) and entry.edit.attribute == name
    ]
    return max(found)[1] if found else None


def act_on(stack: EditStack, act: str, index: int, to: int = 0) -> EditStack:
    """The stack after "toggle", "remove" or "order" (move ``index`` to ``to``) on one edit."""
    entries = list(stack.entries)
    entry = entries.pop(index)
    if act == "toggle":
        entries.insert(index, replace(entry, on=not entry.on))
    elif act == "order":
        entries.insert(to, entry)
    return EditStack(tuple(entries))


def on_cpu(state: EditState) -> EditState:
    """The state detached and off any accelerator, as a session keeps it."""

    def kept(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: tensor.detach().cpu() for name, tensor in tensors.items()}

    return replace(
        state,
        ws=state.ws.detach().cpu(),
        s_delta=kept(state.s_delta),
        noise=kept(state.noise),
        weight_delta=kept(state.weight_delta),
        z=None if state.z is None else state.z.detach().cpu(),
    )


SCREEN = 720  # pixels of the longer side, where the whole photo is only looked at


@dataclass(frozen=True, eq=False)
class Whole:
    """A photo file; a session holds the last one that was opened."""

    data: bytes
    name: str
    sha256: str
    small: Pixels  # for the screen, [H, W, 3]
    scale: float  # pixels of ``small`` for one of the photo

    def is_of(self, portrait: Portrait) -> bool:
        """Whether the portrait was cut out of this photo, and it is known where."""
        return portrait.quad is not None and portrait.source.sha256 == self.sha256

    def cut(self, portrait: Portrait) -> Photo:
        """The photo with the place of the face in it, in full size."""
        picture = load_picture(io.BytesIO(self.data), name=self.name)
        return Photo(picture, _frame(portrait, 1.0), self.name, self.sha256)

    def pasted(self, portrait: Portrait, before: Tensor, after: Tensor) -> tuple[Pixels, Pixels]:
        """The photo and what becomes of it, for the screen.

        Args:
            before: the aligned photo, [1, 3, P, P] in [-1, 1].
            after: the same edited.
        """
        frame = _frame(portrait, self.scale)
        made = paste_back(Image.fromarray(self.small), frame, before.cpu(), after.cpu())
        return self.small, np.asarray(made)


def whole_at(path: Path) -> Whole:
    """Keep the photo at ``path``.

    Raises:
        BadPicture: a sentence for the visitor.
    """
    picture = load_picture(path)
    small = picture.copy()
    small.thumbnail((SCREEN, SCREEN), Image.Resampling.LANCZOS)
    scale = small.width / picture.width
    return Whole(path.read_bytes(), path.name, file_hash(path), np.asarray(small), scale)


def _frame(portrait: Portrait, scale: float) -> Alignment:
    quad = np.array(portrait.quad, np.float64) * scale
    return Alignment(quad, found=portrait.source.aligned)
