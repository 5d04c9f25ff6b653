"""Regions: a part of one portrait drawn with another's activations, layer by layer.

Suzuki et al. 2018, "Spatially controllable image synthesis with internal representation
collaging": where the mask is 1, a layer goes on with the other portrait's activations, so that what
follows blends the seam as the generator blends everything.

Regions lie over each other like sheets, and what is held of them is one sheet per layer, however
many there are: their activations as they cover one another, and the mask of all together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from editing.models.generators.generator import Generator
from editing.models.generators.mapping import Touch
from editing.models.generators.stylegan3 import StyleGAN3Synthesis, bands
from editing.models.states import EditState, Region

Draw = Callable[[EditState, Touch], Tensor]  # draws a state while a Touch looks on


@dataclass(frozen=True, eq=False)
class Sheet:
    """What regions put into one layer."""

    activations: Tensor  # [1, C, H, W]
    mask: Tensor  # [1, 1, H, W] in [0, 1]: how much of a place is theirs

    def under(self, upper: Sheet) -> Sheet:
        """This one covered by ``upper``: lerp(lerp(x, a, m), b, n) = lerp(x, sheet, mask)."""
        mask = self.mask + upper.mask - self.mask * upper.mask
        share = torch.where(mask > 0, upper.mask / mask.clamp(min=1e-12), torch.zeros_like(mask))
        below = self.activations  # previews differ in precision
        return Sheet(torch.lerp(below, upper.activations.to(below), share.to(below)), mask)


def touch_of(state: EditState, generator: Generator, draw: Draw, then: Touch) -> Touch:
    """What puts the regions of ``state`` into its activations while it is drawn, and ``then``."""
    sizes = picture_sizes(generator)
    sheets: dict[str, Sheet] = {}
    for region in state.regions:
        _lay(sheets, region, state, draw, sizes)

    def touch(name: str, x: Tensor) -> Tensor:
        if name in sheets:
            sheet = sheets[name]
            x = torch.lerp(x, sheet.activations.to(x), sheet.mask.to(x))
        return then(name, x)

    return touch


def _lay(
    sheets: dict[str, Sheet], region: Region, state: EditState, draw: Draw, sizes: dict[str, int]
) -> None:
    """Draw whose activations a region takes, and lay them over what is there."""

    def keep(name: str, x: Tensor) -> Tensor:
        if name in region.layers:
            inner = sizes.get(name, x.shape[-1])
            mask = mask_at(region.mask.to(x), x.shape[-1], inner)
            sheet = Sheet(shifted(x, region.shift, inner / x.shape[-1]), mask)
            sheets[name] = sheets[name].under(sheet) if name in sheets else sheet
        return x

    draw(replace(state, regions=(), composites=()) if region.other is None else region.other, keep)


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
