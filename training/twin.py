"""The truth twin: what the renderer makes of a portrait's readings, for edits to be held against.

A portrait of the world is read by the scorer (in σ), the readings become factors again, and the
renderer draws them: once as read and once with one of them changed. Their difference is what an
edit should have done.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from training.factors import NAMES, NUM_FACTORS, world_spread
from training.renderer import render

SEED = 3  # of what the factors leave open: traits, freckles, weave


def factors_of(readings: Tensor) -> Tensor:
    """Readings in σ [N, F] -> factors [N, F]: ``to_sigma`` undone, as far as a picture shows.

    What a picture does not show of a factor stays at the point from which it would.
    """
    mean, std = world_spread()
    return (readings * std.to(readings) + mean.to(readings)).clamp(-1, 1)


class RenderedTruth:
    """Draws readings; fits ``ui.workshop.Truth``."""

    names: tuple[str, ...] = NAMES

    def __init__(self, resolution: int, seed: int = SEED, compiled: bool = False) -> None:
        """compiled: draw with compiled kernels (``renderer.kernels``), where many are drawn."""
        self.resolution, self.seed, self.compiled = resolution, seed, compiled

    def draw(self, readings: Mapping[str, float]) -> Tensor:
        """The picture [1, 3, R, R] of a portrait with these readings; 0 where one is missing."""
        row = torch.tensor([[readings.get(name, 0.0) for name in NAMES]])
        assert row.shape == (1, NUM_FACTORS)
        drawn = render(factors_of(row), [self.seed], self.resolution, compiled=self.compiled)
        return drawn.pictures
