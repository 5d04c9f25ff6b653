"""Regions: a part of one portrait drawn with another's activations, layer by layer.

Suzuki et al. 2018, "Spatially controllable image synthesis with internal representation
collaging": where the mask is 1, a layer goes on with the other portrait's activations, so that what
follows blends the seam as the generator blends everything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from editing.models.generators.generator import Generator
from editing.models.generators.mapping import Touch
from editing.models.generators.stylegan3 import StyleGAN3Synthesis, bands
from editing.models.states import EditState, Region

Draw = Callable[[EditState, Touch], Tensor]  # draws a state while a Touch looks on


def touch_of(state: EditState, generator: Generator, draw: Draw, then: Touch) -> Touch:
    """What puts the regions of ``state`` into its activations while it is drawn, and ``then``."""
    found = [(region, _activations(region, state, draw)) for region in state.regions]
    sizes = picture_sizes(generator)

    def touch(name: str, x: Tensor) -> Tensor:
        inner = sizes.get(name, x.shape[-1])
        for region, activations in found:
            if name in activations:
                mask = mask_at(region.mask.to(x), x.shape[-1], inner)
                taken = shifted(activations[name], region.shift, inner / x.shape[-1])
                x = torch.lerp(x, taken.to(x), mask)  # previews differ in precision
        return then(name, x)

    return touch


def _activations(region: Region, state: EditState, draw: Draw) -> dict[str, Tensor]:
    kept: dict[str, Tensor] = {}

    def keep(name: str, x: Tensor) -> Tensor:
        if name in region.layers:
            kept[name] = x
        return x

    draw(replace(state, regions=(), composites=()) if region.other is None else region.other, keep)
    return kept


def picture_sizes(generator: Generator) -> dict[str, int]:
    """Layers whose activations reach beyond the picture -> how many of their pixels it has."""
    synthesis = generator.synthesis
    if not isinstance(synthesis, StyleGAN3Synthesis):
        return {}
    spread = bands(synthesis.config)
    return {n: band.rate for n, band in zip(synthesis.layer_names, spread, strict=True)}


def mask_at(mask: Tensor, size: int, inner: int) -> Tensor:
    """A mask [1, 1, R, R] for activations of ``size`` pixels whose middle ``inner`` are seen."""
    if inner != mask.shape[-1]:
        mode = "area" if inner < mask.shape[-1] else "bilinear"
        mask = functional.interpolate(mask, (inner, inner), mode=mode)
    margin = size - inner
    if margin <= 0:
        return mask
    sides = [margin // 2, margin - margin // 2] * 2
    return functional.pad(mask, sides, mode="replicate")


def shifted(x: Tensor, shift: Sequence[float], extent: float = 1.0) -> Tensor:
    """x [1, C, H, W] moved right and down by shares of the picture, which is ``extent`` of it."""
    if not any(shift):
        return x
    right, down = (2 * extent * each for each in shift)
    theta = torch.tensor([[[1.0, 0.0, -right], [0.0, 1.0, -down]]]).to(x)
    places = functional.affine_grid(theta, list(x.shape), align_corners=False)
    return functional.grid_sample(x, places, padding_mode="border", align_corners=False)
