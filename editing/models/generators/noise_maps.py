"""The noise maps of a generator as something to search in (Image2StyleGAN++, the projector)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from editing.models.generators.generator import Generator

SMALLEST = 8  # pixels: the regulariser's pyramid ends here
OFF = 1e-6  # a noise strength below this adds nothing that could be seen


def noise_maps(generator: Generator) -> dict[str, Tensor]:
    """The stored maps by layer name, [R, R] each; empty where a family has none."""
    suffix = ".noise_const"
    return {
        name.removesuffix(suffix): buffer
        for name, buffer in generator.synthesis.named_buffers()
        if name.endswith(suffix)
    }


def noise_strengths(generator: Generator) -> dict[str, float]:
    """By layer: what a map's unit adds to the activations; layers that add nothing are absent."""
    suffix = ".noise_strength"
    strengths = {
        name.removesuffix(suffix): float(parameter.detach().square().mean().sqrt())
        for name, parameter in generator.synthesis.named_parameters()
        if name.endswith(suffix)
    }
    return {name: strength for name, strength in strengths.items() if strength > OFF}


def autocorrelation(maps: Mapping[str, Tensor]) -> Tensor:
    """The projector's noise regulariser (Karras et al. 2020, appendix D), a scalar; 0 = white.

    Squared correlation of each map with itself one pixel to the right and below, at its own size
    and every halved one from 8 pixels.
    """
    total = torch.zeros(())
    for each in maps.values():
        level = each[None, None]
        while True:
            for axis in (2, 3):
                total = total + (level * level.roll(1, axis)).mean().square()
            if level.shape[-1] <= SMALLEST:
                break
            level = functional.avg_pool2d(level, 2)
    return total


def whiten_(maps: Mapping[str, Tensor]) -> None:
    """Bring every map back to mean 0 and variance 1, in place."""
    for each in maps.values():
        each -= each.mean()
        each *= each.square().mean().clamp(min=1e-12).rsqrt()
