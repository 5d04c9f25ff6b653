"""The edit stack: what is edited, the edits in order, undo, and the two ways to draw the result.

Everything here is an immutable value. An edit maps a state to a new state; a stack applies its
edits to one source again and again, so order, strength, layers and on/off stay changeable and undo
never touches pixels.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

import torch
from torch import Tensor
from torch.func import functional_call

from editing.directions import absolute, boundary, condition, move
from editing.domains import Domain
from editing.errors import BadInput
from editing.latents import Latent, SeedSpec, parse_seed, sample_z

MAX_ALPHA = 100.0  # steps; far beyond, nothing is left of the picture

Tensors = Mapping[str, Tensor]


class Composite(Protocol):
    """A change of pixels after synthesis: a mask, an out-of-domain blend, a paste-back."""

    def apply(self, img: Tensor, domain: Domain) -> Tensor:
        """[1, 3, R, R] -> a picture, both in [-1, 1]."""
        ...


@dataclass(frozen=True, eq=False)
class EditState:
    """What the stack works on, for one picture."""

    ws: Tensor  # [1, num_ws, w_dim], truncated
    s_delta: Tensors = field(default_factory=dict)  # layer -> [C]: S = affine(ws) + s_delta
    noise: Tensors = field(default_factory=dict)  # layer -> [R, R], instead of the stored maps
    weight_delta: Tensors = field(default_factory=dict)  # synthesis parameter -> its change
    composites: tuple[Composite, ...] = ()  # run last, after synthesis, in this order


class Edit(Protocol):
    """A small frozen dataclass that maps a state to a new state."""

    def apply(self, state: EditState, domain: Domain) -> EditState: ...


@dataclass(frozen=True)
class Move:
    """Move along a domain's boundary.

    alpha is in steps (1 = one standard deviation of the attribute's coordinate), or with
    ``absolute`` the signed distance from the boundary to end at.
    """

    attribute: str
    alpha: float
    layers: tuple[int, ...] | None = None  # rows of ws; None = the direction's own
    given: tuple[str, ...] = ()  # attributes held still
    absolute: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.alpha) and abs(self.alpha) <= MAX_ALPHA):
            raise BadInput(
                f"{self.attribute}={self.alpha} is not possible; choose a strength from "
                f"{-MAX_ALPHA:g} to {MAX_ALPHA:g}, usually -3 to 3."
            )
        if self.attribute in self.given:
            raise BadInput(
                f"{self.attribute} cannot move and be held still at once; "
                "leave it out of the given attributes."
            )

    def apply(self, state: EditState, domain: Domain) -> EditState:
        """The state with ws moved.

        Raises:
            UnknownName: an attribute that the domain does not have.
            BadInput: layers it does not have, or nothing is left to move along.
        """
        direction = boundary(domain, self.attribute)
        direction = condition(direction, [boundary(domain, name) for name in self.given])
        ws = state.ws.to(domain.device)
        moved = (absolute if self.absolute else move)(ws, direction, self.alpha, self.layers)
        return replace(state, ws=moved)


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


def state_of(source: str | SeedSpec | Latent, domain: Domain) -> EditState:
    """The unedited state of ``seed:N[@psi]`` or of a latent.

    Raises:
        BadInput: a text that is no seed.
        BadLatent: the latent belongs to another generator.
    """
    if isinstance(source, Latent):
        source.check(domain.generator, domain.fingerprint, domain.name)
        ws = source.ws.to(domain.device)
        return EditState(ws, source.s_delta, source.noise, source.weight_delta)
    spec = parse_seed(source) if isinstance(source, str) else source
    if spec is None:
        raise BadInput(f"{source!r} is no seed; write seed:123, or seed:123@0.5 for a psi.")
    generator = domain.generator
    z = sample_z([spec.seed], generator.z_dim).to(domain.device)
    label = torch.zeros(1, generator.c_dim, device=domain.device) if generator.c_dim else None
    with torch.no_grad():
        return EditState(generator.mapping(z, label, truncation_psi=spec.psi))


def latent_of(
    state: EditState,
    domain: Domain,
    quad: tuple[tuple[float, float], ...] | None = None,
    source_hash: str = "",
) -> Latent:
    """A state as a latent of this domain, on the CPU; its composites are not part of it."""
    same = bool((state.ws == state.ws[:, :1]).all())
    return Latent(
        ws=state.ws.detach().cpu(),
        domain=domain.name,
        fingerprint=domain.fingerprint,
        space="w" if same else "w+",
        s_delta=state.s_delta,
        noise=state.noise,
        weight_delta=state.weight_delta,
        quad=quad,
        source_hash=source_hash,
    )


def render(state: EditState, domain: Domain) -> Tensor:
    """The canonical picture: float32, batch 1, noise const. [1, 3, R, R], not clamped.

    Every exported, compared or measured picture is made here. It is bit-equal on the same machine
    with the same versions and the same number of threads.
    """
    with torch.no_grad(), _exact(domain.device):
        return _draw(state, domain)


def preview(state: EditState, domain: Domain) -> Tensor:
    """A fast picture for the screen, bf16 where the processor has it; never saved or measured."""
    kind = domain.device.type
    with torch.no_grad(), torch.autocast(kind, torch.bfloat16, enabled=has_fast_bf16(kind)):
        return _draw(state, domain)


def has_fast_bf16(kind: str) -> bool:
    """Whether bf16 is faster than float32 on this kind of device."""
    if kind == "cpu":
        supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
        return bool(supported and supported())
    return kind == "cuda" and torch.cuda.is_bf16_supported()


@contextmanager
def _exact(device: torch.device) -> Iterator[None]:
    """No reduced precision and no choice of algorithm by timing, whatever surrounds us."""
    with torch.autocast(device.type, enabled=False):
        if device.type != "cuda":
            yield
            return
        with torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=True, allow_tf32=False
        ):
            yield


def _draw(state: EditState, domain: Domain) -> Tensor:
    if len(state.ws) != 1:
        raise BadInput(f"{len(state.ws)} latents cannot be one picture; draw them one by one.")
    synthesis, device = domain.generator.synthesis, domain.device
    changed = _changed(dict(synthesis.named_parameters()), state.weight_delta)
    facts = {"noise": _on(device, state.noise), "s_delta": _on(device, state.s_delta)}
    img: Tensor = functional_call(synthesis, changed, (state.ws.to(device),), facts)
    for composite in state.composites:
        img = composite.apply(img, domain)
    return img


def _on(device: torch.device, tensors: Tensors) -> dict[str, Tensor]:
    return {name: tensor.to(device) for name, tensor in tensors.items()}


def _changed(parameters: Tensors, delta: Tensors) -> dict[str, Tensor]:
    """The parameters that ``delta`` names, changed."""
    for name, change in delta.items():
        if name not in parameters or parameters[name].shape != change.shape:
            raise BadInput(
                f"The weight delta {name!r} of shape {list(change.shape)} does not fit this "
                "generator; open the latent with the domain it was made in."
            )
    return {name: parameters[name] + change.to(parameters[name]) for name, change in delta.items()}
