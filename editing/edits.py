"""The edit stack: what is edited, the edits in order, undo, and the two ways to draw the result.

Everything here is an immutable value. An edit maps a state to a new state; a stack applies its
edits to one source again and again, so order, strength, layers and on/off stay changeable and undo
never touches pixels.
"""

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import Module

from editing.channels import Channel, delta
from editing.conditions import condition, doubts
from editing.directions import (
    MAX_ALPHA,
    Direction,
    absolute,
    boundary,
    clamp,
    factors_of,
    move,
    rows_of,
)
from editing.domains import Domain, has_fast_bf16
from editing.errors import BadInput
from editing.mapping import Touch, untouched
from editing.networks import called_with
from editing.regions import touch_of
from editing.samples import moments
from editing.states import Composite as Composite
from editing.states import EditState as EditState
from editing.states import Tensors, before_truncation, mapped_as
from editing.states import latent_of as latent_of
from editing.states import state_of as state_of

PLACE = "input.transform"  # StyleGAN3's buffer that moves and turns the picture


class Edit(Protocol):
    """A small frozen dataclass that maps a state to a new state."""

    def apply(self, state: EditState, domain: Domain) -> EditState: ...


@dataclass(frozen=True)
class Move:
    """Move along a direction.

    alpha is in steps (1 = one standard deviation of the attribute's coordinate) and ends at the
    direction's limits; with ``absolute`` it is the signed distance from the boundary to end at.
    """

    attribute: str
    alpha: float
    layers: tuple[int, ...] | None = None  # rows of ws; None = the direction's own
    given: tuple[str, ...] = ()  # attributes held still; the move's own is skipped
    absolute: bool = False
    strengths: tuple[float, ...] = ()  # a factor for each of ``layers``; () = all 1
    own: tuple[Direction, ...] = ()  # directions the domain does not have, found here by name

    def __post_init__(self) -> None:
        if not math.isfinite(self.alpha) or self.absolute and abs(self.alpha) > MAX_ALPHA:
            raise BadInput(
                f"{self.attribute}={self.alpha} is not possible; choose a strength from "
                f"{-MAX_ALPHA:g} to {MAX_ALPHA:g}, usually -3 to 3."
            )
        if self.strengths and len(self.strengths) != len(self.layers or ()):
            raise BadInput(
                f"{self.attribute} has {len(self.strengths)} strengths for "
                f"{len(self.layers or ())} layers; give one for each layer named."
            )

    def direction(self, domain: Domain) -> Direction:
        """What it moves along, conditions projected out.

        Raises:
            UnknownName: an attribute that the domain does not have.
            BadInput: nothing is left to move along.
        """
        direction = self._named(self.attribute, domain)
        others = [self._named(name, domain) for name in self.given]
        if not others:
            return direction
        covariance = moments(domain).covariance if direction.space == "w" else None
        return condition(direction, others, self.layers, covariance)

    def _named(self, name: str, domain: Domain) -> Direction:
        return next((d for d in self.own if d.name == name), None) or boundary(domain, name)

    def apply(self, state: EditState, domain: Domain) -> EditState:
        """The state with ws moved.

        Raises:
            UnknownName: an attribute that the domain does not have.
            BadInput: layers it does not have, nothing is left to move along, or a direction of Z
                on a latent whose z nobody knows.
        """
        direction = self.direction(domain)
        alpha = self.alpha if self.absolute else clamp(direction, self.alpha)
        along = absolute if self.absolute else move
        if direction.space == "z":
            return _moved_in_z(state, domain, self, along, direction, alpha)

        def moved(ws: Tensor) -> Tensor:
            return along(ws, direction, alpha, self.layers, self.strengths)

        return replace(state, ws=before_truncation(state, domain, moved))

    def doubts(self, domain: Domain) -> list[str]:
        """Sentences on a move that is possible but doubtful; see ``conditions.doubts``."""
        return doubts(self.direction(domain), self.alpha, self.absolute)


def _moved_in_z(
    state: EditState,
    domain: Domain,
    edit: Move,
    along: Callable[[Tensor, Direction, float], Tensor],
    direction: Direction,
    alpha: float,
) -> EditState:
    """z moved, and ws by what that changes in the mapping's answer, on the rows of the move."""
    if state.z is None:
        raise BadInput(
            f"{direction.name} is a direction of Z, and the z of this portrait is not known; "
            "use it on a seed, or take a direction of W."
        )
    free = replace(direction, layers=None, strengths=())  # they are of ws; z is one row
    z = along(state.z.to(domain.device)[:, None], free, alpha)[:, 0]
    before, after = (mapped_as(state, each, domain) for each in (state.z, z))
    change = after - before
    ws = state.ws.to(domain.device).clone()
    rows = rows_of(ws, direction.layers if edit.layers is None else edit.layers)
    ws[:, rows] += factors_of(ws, rows, direction, edit.strengths) * change[:, rows]
    return replace(state, ws=ws, z=z)


@dataclass(frozen=True)
class ChannelMove:
    """Move one channel of StyleSpace by alpha standard deviations."""

    channel: Channel
    alpha: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.alpha) and abs(self.alpha) <= MAX_ALPHA):
            raise BadInput(
                f"{self.channel}={self.alpha} is not possible; choose a strength from "
                f"{-MAX_ALPHA:g} to {MAX_ALPHA:g}, usually -10 to 10."
            )

    def apply(self, state: EditState, domain: Domain) -> EditState:
        """The state with the channel's s_delta changed.

        Raises:
            BadInput: a channel that the generator does not have.
        """
        change, layer = delta(domain, self.channel, self.alpha), self.channel.layer
        before = state.s_delta.get(layer)
        total = change if before is None else before.to(change) + change
        return replace(state, s_delta={**state.s_delta, layer: total})


@dataclass(frozen=True)
class Entry:
    """An edit in a stack, which may be switched off."""

    edit: Edit
    on: bool = True


@dataclass(frozen=True)
class EditStack:
    """Edits over one source, in order."""

    entries: tuple[Entry, ...] = ()

    def apply(self, state: EditState, domain: Domain) -> EditState:
        """The state after all edits that are on."""
        for entry in self.entries:
            if entry.on:
                state = entry.edit.apply(state, domain)
        return state

    def doubts(self, domain: Domain) -> list[str]:
        """Sentences on moves that are on and possible, but doubtful."""
        moves = [e.edit for e in self.entries if e.on and isinstance(e.edit, Move)]
        return [note for move in moves for note in move.doubts(domain)]

    def add(self, edit: Edit) -> "EditStack":
        return EditStack((*self.entries, Entry(edit)))


@dataclass(frozen=True)
class History:
    """The stacks so far and where in them we are."""

    present: EditStack = EditStack()
    past: tuple[EditStack, ...] = ()
    future: tuple[EditStack, ...] = ()

    def push(self, stack: EditStack) -> "History":
        """Go on from here; what was undone is given up."""
        return History(stack, (*self.past, self.present))

    def undo(self) -> "History":
        """One step back; at the start, nothing changes."""
        if not self.past:
            return self
        return History(self.past[-1], self.past[:-1], (self.present, *self.future))

    def redo(self) -> "History":
        """One step forward again; at the end, nothing changes."""
        if not self.future:
            return self
        return History(self.future[0], (*self.past, self.present), self.future[1:])


def render(state: EditState, domain: Domain) -> Tensor:
    """The canonical picture: float32, batch 1, noise const. [1, 3, R, R], not clamped.

    Every exported, compared or measured picture is made here. It is bit-equal on the same machine
    with the same versions and the same number of threads.
    """
    with torch.no_grad(), _exact(domain.device):
        return drawn(state, domain)


def preview(state: EditState, domain: Domain) -> Tensor:
    """A fast picture for the screen, bf16 where the processor has it; never saved or measured."""
    kind = domain.device.type
    with torch.no_grad(), torch.autocast(kind, torch.bfloat16, enabled=has_fast_bf16(kind)):
        return drawn(state, domain)


@contextmanager
def _exact(device: torch.device) -> Iterator[None]:
    """No reduced precision and no choice of algorithm by timing, whatever surrounds us."""
    with torch.autocast(device.type, enabled=False):
        if device.type != "cuda":
            yield
            return
        with (
            _flags,
            torch.backends.cudnn.flags(
                enabled=True, benchmark=False, deterministic=True, allow_tf32=False
            ),
        ):
            yield


_flags = threading.Lock()  # they are the process's: who ends first would take them from the others


def drawn(state: EditState, domain: Domain, touch: Touch = untouched) -> Tensor:
    """The picture of a state, in the caller's precision, with gradients where the caller wants."""
    if len(state.ws) != 1:
        raise BadInput(f"{len(state.ws)} latents cannot be one picture; draw them one by one.")
    synthesis, device = domain.generator.synthesis, domain.device
    facts: dict[str, object] = {
        "noise": _on(device, state.noise),
        "s_delta": _on(device, state.s_delta),
        "touch": touch,
    }
    if state.regions:
        facts["touch"] = touch_of(
            state, domain.generator, lambda other, look: drawn(other, domain, look), touch
        )
    changed = _changed(synthesis, state.weight_delta)
    img = called_with(synthesis, changed, state.ws.to(device), **facts)
    for composite in state.composites:
        img = composite.apply(img, domain)
    return img


def _on(device: torch.device, tensors: Tensors) -> dict[str, Tensor]:
    return {name: tensor.to(device) for name, tensor in tensors.items()}


def _changed(synthesis: Module, delta: Tensors) -> dict[str, Tensor]:
    """The parameters that ``delta`` names, changed; with them where StyleGAN3 places its input."""
    if not delta:
        return {}
    buffers = dict(synthesis.named_buffers())
    tensors: dict[str, Tensor] = dict(synthesis.named_parameters())
    tensors |= {PLACE: buffers[PLACE]} if PLACE in buffers else {}
    for name, change in delta.items():
        if name not in tensors or tensors[name].shape != change.shape:
            raise BadInput(
                f"The weight delta {name!r} of shape {list(change.shape)} does not fit this "
                "generator; open the latent with the domain it was made in."
            )
    return {name: tensors[name] + change.to(tensors[name]) for name, change in delta.items()}
