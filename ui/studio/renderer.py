"""The pictures of a session: drawn, shown before and after, compared; without any widget.

Every method that touches the model holds a lane for as short as it can (see
``ui.runtime.scheduler``) and opens its own inference mode, so nothing depends on the thread a
handler happens to run in.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from editing.directions.rescoring import background_change
from editing.edits.out_of_domain import (
    USUAL,
    Blend,
    Outcome,
    activation,
    edit_names,
    shaped,
    without_deghosting,
)
from editing.edits.stack import EditStack, EditState, Move, preview, render, state_of
from editing.io.allocator import tidy
from editing.io.images import to_tensor, to_uint8
from editing.models.domain import Domain
from editing.models.latents import SeedSpec
from editing.pictures.metrics import compare, identity, perceptual, readings
from editing.recipes.replay import photo_outcome
from ui.components.widgets import Pixels, data_uri
from ui.runtime.scheduler import ABREAST, SMALL, Lanes
from ui.studio import session as sessions
from ui.studio.budget import Budget
from ui.studio.session import Label, Moment, Portrait, Session
from ui.studio.views import overlay

SHOWN = 512  # pixels; pictures are enlarged to this for the screen, never for a file
PREVIEWED = 256  # the same while a slider is dragged
EAGER = 64 * 2**20  # bytes of networks that are loaded before the page opens; more wait for a use
MEASURING = ("perceptual", "identity", "scorer")  # parts that compare pictures
CLASSIC = ("smile", "age", "gender", "pose", "eyeglasses")  # the order of the sliders
MORE_BARS, CLEAR = 5, 0.25  # bars beside the classics, and the σ from which they are worth one


@dataclass(frozen=True, eq=False)
class View:
    """What the canvas shows; the second pair only for a photo."""

    before: Pixels
    after: Pixels
    photo: Pixels | None = None
    edited: Pixels | None = None  # the photo with the edit in it
    plain: Pixels | None = None  # the portrait without the edits
    mask: Tensor | None = None  # where the edit is, [1, 1, P, P] in [0, 1]
    parts: Mapping[str, Pixels] = field(default_factory=dict)  # I, I', T, M, F, result, at rest
    misfit: float | None = None  # how badly the edited part was inverted, 0..1
    notes: tuple[str, ...] = ()  # what the composite has to say
    paste: Callable[[], tuple[Pixels, Pixels]] | None = None  # the whole photo, before and after


@dataclass(frozen=True)
class Measures:
    """The numbers below the canvas; None where the domain lacks the model."""

    identity: float | None
    perceptual: float | None
    moved: Mapping[str, float]  # attribute -> change of the scorer's reading, in sigma
    background: float  # mean change of a pixel behind the portrait, 0..1


class Easel:
    """One domain, shared by all visitors and read only, and the pictures it draws of them."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self.budget = Budget(domain.resolution)
        small = domain.resolution <= SMALL and domain.device.type == "cpu"
        self._opening, self._first = Lock(), dict[int, Measures]()
        self.lanes = Lanes(ABREAST if small else 1)  # a large picture takes all there is
        classic = [name for name in CLASSIC if name in domain.boundaries]
        self.attributes = (*classic, *(n for n in domain.boundaries if n not in classic))

    def draw(self, state: EditState) -> Pixels:
        """The canonical picture of a state, [R, R, 3]: what is saved, compared and measured."""
        with self.lanes.interactive(), torch.no_grad():
            return to_uint8(render(state, self.domain))[0]

    def glimpse(self, spec: SeedSpec) -> Pixels:
        """A fast picture of a seed for a thumbnail."""
        with self.lanes.interactive(), torch.no_grad():
            return to_uint8(preview(state_of(spec, self.domain), self.domain).float())[0]

    def view(self, session: Session, mask: bool = False) -> View:
        """The canvas at rest; ``mask`` also finds where the edit is, without a photo, too."""
        moment = session.now
        return self._view(session, moment.stack, to_tensor(moment.after), SHOWN, mask)

    def preview(self, session: Session, wanted: Mapping[str, float], mask: bool = False) -> View:
        """The canvas while a slider is dragged: fast, never saved."""
        return self.preview_stack(session, self._stack(session, wanted)[0], mask)

    def preview_stack(self, session: Session, stack: EditStack, mask: bool = False) -> View:
        """The canvas with other edits: fast, never saved."""
        portrait = session.now.portrait
        self.budget.check_stack(stack)
        with self.lanes.interactive(), torch.no_grad():
            after = preview(stack.apply(portrait.state, self.domain), self.domain).float()
        quick = replace(session, blend=without_deghosting(session.blend))
        return self._view(quick, stack, after, PREVIEWED, mask, parts=False)

    def _view(
        self,
        session: Session,
        stack: EditStack,
        after: Tensor,
        size: int,
        mask: bool,
        parts: bool = True,
    ) -> View:
        portrait = session.now.portrait
        before = enlarged(portrait.before, size)
        shown = enlarged(to_uint8(after)[0], size)
        view = View(_compared(session, size), shown, plain=before)
        photo = None if portrait.photo is None else enlarged(portrait.photo, size)
        if photo is None or not session.keep:
            found = self._reach(portrait, stack, after, size) if mask else None
            return replace(view, mask=found, paste=_paste(session, photo, shown))
        made = self._kept(portrait, stack, after, photo, session.blend)
        result = to_uint8(made.picture)[0]
        paste = _paste(session, photo, result)
        view = replace(view, photo=photo, edited=result, mask=made.mask, paste=paste)
        if not parts:
            return view
        pictures = {"photo": photo, "inverted": before, "edited": shown,
                    "mask": overlay(photo, made.mask), "fused": to_uint8(made.fused)[0],
                    "result": result}  # fmt: skip
        return replace(view, parts=pictures, misfit=made.misfit, notes=made.notes)

    def _kept(
        self, portrait: Portrait, stack: EditStack, after: Tensor, photo: Pixels, blend: Blend
    ) -> Outcome:
        """The edit in the photo."""
        device = self.domain.device
        large, before = (to_tensor(each).to(device) for each in (photo, portrait.before))
        with self.lanes.interactive(), torch.no_grad():
            return photo_outcome(large, before, after.to(device), self.domain, stack, blend)

    def _reach(self, portrait: Portrait, stack: EditStack, after: Tensor, size: int) -> Tensor:
        """Where an edit is, without a photo to put it into."""
        device = self.domain.device
        before, after = to_tensor(portrait.before).to(device), after.clamp(-1, 1).to(device)
        with self.lanes.interactive(), torch.no_grad():
            where = activation(self.domain, before, after, edit_names(stack))
            return shaped(where, USUAL, size)

    @property
    def measures_at_once(self) -> bool:
        """Whether what compares pictures is small enough to be loaded before the page opens."""
        return self.domain.bytes_of(*MEASURING) <= EAGER

    def measure(self, session: Session) -> Measures:
        """Compare the edited picture with the one before the edits, or another if one is chosen.

        All visitors begin with the same pictures, which are compared for the first of them.
        """
        if not session.is_fresh or session.against is not None:
            return self._compared(session)
        with self._opening:
            if session.position not in self._first:
                self._first[session.position] = self._compared(session)
            return self._first[session.position]

    def _compared(self, session: Session) -> Measures:
        moment, against = session.now, session.against
        a = to_tensor(moment.portrait.before if against is None else against.after)
        b = to_tensor(moment.after)
        measured = self.lanes.long(lambda: self._measures(a, b))
        tidy(self.domain.resolution)
        return measured

    @torch.no_grad()
    def _measures(self, a: Tensor, b: Tensor) -> Measures:
        parts = self.domain.parts
        return Measures(
            identity(self.domain, a, b),
            perceptual(self.domain, a, b) if "perceptual" in parts else None,
            self._moved(a, b) if "scorer" in parts else {},
            float(background_change(a, b)),
        )

    def _moved(self, a: Tensor, b: Tensor) -> dict[str, float]:
        """The classics, and of all else that is read what moved most."""
        then, now = (readings(self.domain.scorer, picture) for picture in (a, b))
        change = {name: now[name] - then[name] for name in now}
        first = [name for name in self.attributes[: len(CLASSIC)] if name in now]
        others = sorted(change.keys() - set(first), key=lambda name: -abs(change[name]))
        clear = [name for name in others[:MORE_BARS] if abs(change[name]) >= CLEAR]
        return {name: change[name] for name in (*first, *clear)}

    def _moment(self, portrait: Portrait, stack: EditStack, label: Label) -> Moment:
        self.budget.check_stack(stack)
        edited = any(entry.on for entry in stack.entries)
        after = self.draw(stack.apply(portrait.state, self.domain)) if edited else portrait.before
        return Moment(portrait, stack, label, after, data_uri(after))

    def _measured(self, portrait: Portrait) -> Portrait:
        """The portrait with how near it is to its photo."""
        if portrait.target is None or "perceptual" not in self.domain.parts:
            return portrait
        with self.lanes.interactive(), torch.no_grad():
            pictures = (to_tensor(pixels) for pixels in (portrait.before, portrait.target))
            fit = compare(self.domain, *pictures)
        return replace(portrait, fit=fit)

    def _stack(self, session: Session, wanted: Mapping[str, float]) -> tuple[EditStack, str | None]:
        new = Move(
            "",
            0.0,
            session.next_layers,
            session.next_given,
            strengths=session.next_strengths,
        )
        return sessions.with_strengths(session.now.stack, wanted, new, session.shelf)


def _compared(session: Session, size: int) -> Pixels:
    """The left side of the canvas."""
    portrait = session.now.portrait
    if session.against is not None:
        return enlarged(session.against.after, size)
    return enlarged(portrait.before if portrait.photo is None else portrait.photo, size)


def _paste(
    session: Session, photo: Pixels | None, edited: Pixels
) -> Callable[[], tuple[Pixels, Pixels]] | None:
    """What pastes an edited face back into the whole photo, where that is here."""
    portrait, whole = session.now.portrait, session.whole
    if photo is None or whole is None or not whole.is_of(portrait):
        return None
    return lambda: whole.pasted(portrait, to_tensor(photo), to_tensor(edited))


def enlarged(pixels: Pixels, size: int) -> Pixels:
    """[H, H, 3] at ``size`` pixels for the screen; browsers enlarge less smoothly."""
    if pixels.shape[0] == size:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.BICUBIC))
