"""What edits work on: a state of one picture, from a seed or a latent and back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import torch
from torch import Tensor

from editing.domains import Domain
from editing.errors import BadInput
from editing.latents import Latent, SeedSpec, parse_seed, sample_z
from editing.mapping import one_hot

Tensors = Mapping[str, Tensor]


class Composite(Protocol):
    """A change of pixels after synthesis: a mask, an out-of-domain blend, a paste-back."""

    def apply(self, img: Tensor, domain: Domain) -> Tensor:
        """[1, 3, R, R] -> a picture, both in [-1, 1]."""
        ...


@dataclass(frozen=True, eq=False)
class Region:
    """A part of the picture whose activations come from elsewhere, at some layers."""

    mask: Tensor  # [1, 1, R, R] in [0, 1]: where they end up
    layers: tuple[str, ...]  # by name, as in the styles
    other: "EditState | None" = None  # whose they are; None = the portrait's own, without regions
    shift: tuple[float, float] = (0.0, 0.0)  # how far right and down they come, shares of the side


@dataclass(frozen=True, eq=False)
class EditState:
    """What the stack works on, for one picture."""

    ws: Tensor  # [1, num_ws, w_dim], truncated
    s_delta: Tensors = field(default_factory=dict)  # layer -> [C]: S = affine(ws) + s_delta
    noise: Tensors = field(default_factory=dict)  # layer -> [R, R], instead of the stored maps
    weight_delta: Tensors = field(default_factory=dict)  # synthesis parameter -> its change
    regions: tuple[Region, ...] = ()  # taken over while drawing, in this order
    composites: tuple[Composite, ...] = ()  # run last, after synthesis, in this order
    z: Tensor | None = None  # [1, z_dim], where it is known: for moves in Z
    psi: float = 1.0  # truncation with which z became ws
    label: int | None = None  # class with which it did; None = the domain's
    cutoff: int | None = None  # rows that it pulls, after the edits; None = all, before the edits


def state_of(source: str | SeedSpec | Latent, domain: Domain) -> EditState:
    """The unedited state of ``seed:N[@psi][/cutoff][#class]`` or of a latent.

    Raises:
        BadInput: a text that is no seed, a class that there is not, or more truncated rows than
            there are.
        BadLatent: the latent belongs to another generator.
    """
    if isinstance(source, Latent):
        source.check(domain.generator, domain.fingerprint, domain.name)
        ws = source.ws.to(domain.device)
        return EditState(ws, source.s_delta, source.noise, source.weight_delta)
    spec = parse_seed(source) if isinstance(source, str) else source
    if spec is None:
        raise BadInput(f"{source!r} is no seed; write seed:123, or seed:123@0.5 for a psi.")
    z = sample_z([spec.seed], domain.generator.z_dim).to(domain.device)
    rows = domain.generator.num_ws
    if spec.cutoff is not None and spec.cutoff > rows:
        raise BadInput(
            f"{spec} truncates {spec.cutoff} rows, but {domain.name} has {rows}; choose from 0 to "
            f"{rows}."
        )
    ws = mapped(z, spec.psi, domain, spec.label, spec.cutoff)
    return EditState(ws, z=z, psi=spec.psi, label=spec.label, cutoff=spec.cutoff)


def as_seeded(state: EditState, source: str, domain: Domain) -> EditState:
    """A state that came out of a file, with what only its seed knows: z, and how it became ws."""
    seeded = state_of(source, domain)
    return replace(state, z=seeded.z, psi=seeded.psi, label=seeded.label, cutoff=seeded.cutoff)


def before_truncation(
    state: EditState, domain: Domain, along: Callable[[Tensor], Tensor]
) -> Tensor:
    """The ws of a state after a change that comes before its truncation, if that has a cutoff.

    With c = 1 on the rows that are truncated and 0 on the others, and w the ws before that:
    ws + (1 − c + c·psi)·(along(w) − w). (genforce's interfacegan and idinvert truncate what they
    have moved.)

    Args:
        along: ws [1, num_ws, w_dim] -> the same changed.
    """
    ws = state.ws.to(domain.device)
    if state.cutoff is None:
        return along(ws)
    pulled = (torch.arange(ws.shape[1], device=ws.device) < state.cutoff)[:, None]
    mean = domain.generator.mapping.w_avg.to(ws)
    free = torch.where(pulled, mean + (ws - mean) / (state.psi or 1.0), ws)
    change = along(free) - free
    return ws + torch.where(pulled, state.psi * change, change)


def mapped_as(state: EditState, z: Tensor, domain: Domain) -> Tensor:
    """The ws of another z, mapped as the state's own was."""
    return mapped(z, state.psi, domain, state.label, state.cutoff)


def mapped(
    z: Tensor, psi: float, domain: Domain, label: int | None = None, cutoff: int | None = None
) -> Tensor:
    """z [N, z_dim] -> ws [N, num_ws, w_dim], truncated.

    Args:
        label: of a class; None = the domain's, where there are classes.
        cutoff: only so many rows are truncated; None = all.

    Raises:
        BadInput: there is no such class.
    """
    generator, z = domain.generator, z.to(domain.device)
    labels = None if label is None else one_hot(label, generator.c_dim, len(z)).to(z.device)
    with torch.no_grad():
        ws: Tensor = generator.mapping(z, labels, psi, cutoff)
    return ws


def named_seed(spec: SeedSpec, domain: Domain) -> str:
    """A seed as recipes name it: with its class where the generator has classes."""
    if domain.generator.c_dim and spec.label is None:
        spec = replace(spec, label=domain.label)
    return str(spec)


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
