"""The generator's own weights as something to search in: PTI's pivotal tuning, kept small.

Roich et al. 2021 tune every weight around a latent found before (the pivot), so that the generator
draws what it could not. Here the generator itself never changes: what is searched is a *weight
delta*, parameter -> its change, which is added for one drawing and stored with the latent. Only
the convolutions change (as in HyperStyle, Alaluf et al. 2022): styles and their affine layers keep
their meaning, so that edits keep theirs. While it is tuned, the delta is rounded to few levels and
the gradient passes straight through (Bengio et al. 2013): what is stored is what was searched.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from editing.generator import Generator
from editing.networks import called_with
from editing.rounding import round_to_levels
from editing.whitening import whitening

Tensors = Mapping[str, Tensor]


def tuned_parameters(generator: Generator) -> dict[str, Tensor]:
    """Weights and biases of the convolutions, by the names that a weight delta uses."""
    return {
        name: parameter.detach()
        for name, parameter in generator.synthesis.named_parameters()
        if name.endswith((".weight", ".bias")) and ".affine." not in f".{name}"
    }


def draw(
    generator: Generator,
    ws: Tensor,
    noise: Tensors | None = None,
    delta: Tensors | None = None,
    max_resolution: int | None = None,
    s_delta: Tensors | None = None,
) -> Tensor:
    """The pictures [N, 3, R, R] of ws [N, num_ws, w_dim]; differentiable in all three.

    Args:
        noise: maps by layer name, instead of the stored ones.
        delta: changes of synthesis parameters.
        max_resolution: stop at this block, where the family has such pictures.
        s_delta: style offsets by layer name.
    """
    facts = {
        "noise": dict(noise) if noise else None,
        "max_resolution": max_resolution,
        "s_delta": dict(s_delta) if s_delta else None,
    }
    parameters = dict(generator.synthesis.named_parameters()) if delta else {}
    changed = {name: parameters[name].detach() + change for name, change in (delta or {}).items()}
    return called_with(generator.synthesis, changed, ws, **facts)


def rounded(delta: Tensors, levels: int) -> dict[str, Tensor]:
    """The delta in few levels, with the gradient of the delta itself; 0 levels change nothing."""
    return {name: _rounded(change, levels) if levels else change for name, change in delta.items()}


def _rounded(change: Tensor, levels: int) -> Tensor:
    plain = round_to_levels(change.detach(), levels)
    return change + (plain - change.detach()) if change.requires_grad else plain


def nearby(generator: Generator, ws: Tensor, rng: torch.Generator) -> Tensor:
    """Latents to hold still while tuning (PTI's locality regularisation), [1, num_ws, w_dim].

    From one of the pivots towards a random sample, as far as W is wide: PTI's own 30 is a length in
    the W of one generator.
    """
    pivot = ws[int(torch.randint(len(ws), (), generator=rng))][None]
    z = torch.randn(1, generator.z_dim, generator=rng).to(ws.device)
    sample = generator.mapping(z)
    away = sample - pivot
    length = away.square().mean().sqrt().clamp(min=1e-8)
    latent: Tensor = pivot + away * (whitening(generator).w_std / length)
    return latent
