"""How an optimisation runs: learning-rate ramps, noise on the latent, and when to end early."""

from __future__ import annotations

import math
from dataclasses import dataclass

SMALLEST_GAIN = 1e-3  # of the loss: less is no gain for ``Plateau``
JITTER_SHARE = 0.75  # of the steps: afterwards the latent is left alone


def ramp(index: int, steps: int, up: float = 0.05, down: float = 0.25) -> float:
    """The StyleGAN2 projector's schedule: linear up, then 1, then a cosine down to 0.

    Args:
        index: from 0 to steps - 1.
        up, down: shares of the steps; 0 leaves that ramp out.
    """
    t = (index + 0.5) / steps
    falling = 0.5 - 0.5 * math.cos(math.pi * min(1.0, (1 - t) / down)) if down else 1.0
    return falling * (min(1.0, t / up) if up else 1.0)


def jitter(index: int, steps: int, strength: float) -> float:
    """Strength of the noise on the latent: strength·(1 − t/0.75)², 0 from there on (projector)."""
    return strength * max(0.0, 1 - index / steps / JITTER_SHARE) ** 2


@dataclass
class Plateau:
    """Notices that a loss has stopped falling; its state is part of a checkpoint."""

    patience: int  # steps without gain; 0 = wait for ever
    lowest: float = math.inf
    waited: int = 0

    def reached(self, loss: float) -> bool:
        """Whether ``loss`` is one step too many without a gain of SMALLEST_GAIN."""
        if loss < self.lowest * (1 - SMALLEST_GAIN):
            self.lowest, self.waited = loss, 0
        else:
            self.waited += 1
        return 0 < self.patience <= self.waited
