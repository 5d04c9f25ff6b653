"""The same people again: under other pose, light, expression, glasses, clothes and background.

What identity networks learn from, and are held to: pictures of a person share what does not change
from one day to the next, and nothing else; chance details (weave, grain) differ too.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from training.factors import (
    INDEX,
    NUM_FACTORS,
    NUM_TRAITS,
    TRAITS,
    bound,
    bound_traits,
    couple,
)

PICTURES = 4  # of every person, neighbours by seed
CHANGING = (
    "smile", "pose", "pitch", "eyeglasses", "glasses_shape", "mouth_open", "teeth", "eye_openness",
    "brow_height", "brow_angle", "background_hue", "background_lightness", "light_direction",
    "clothes_hue", "clothes_lightness",
)  # fmt: skip

CHANGING_TRAITS = ("creases", "neckline", "neckline_cut")


def person_of(seeds: np.ndarray | Iterable[int]) -> np.ndarray:
    """Number of the person in the pictures of these seeds, [N]."""
    return np.asarray(list(seeds)) // PICTURES


def person_factors(seeds: np.ndarray | Iterable[int]) -> Tensor:
    """Factors [N, F] of the pictures of these seeds."""
    changing = [INDEX[name] for name in CHANGING]
    rows = []
    for seed in seeds:
        e = np.random.RandomState([int(seed) // PICTURES, 0]).randn(NUM_FACTORS)
        e[changing] = np.random.RandomState([int(seed), 1]).randn(len(changing))
        rows.append(e)
    return bound(couple(torch.from_numpy(np.stack(rows)).float()))


def person_traits(seeds: np.ndarray | Iterable[int]) -> Tensor:
    """Traits [N, T] of the pictures of these seeds: hair and beard stay, clothes do not."""
    changing = [TRAITS.index(name) for name in CHANGING_TRAITS]
    rows = []
    for seed in seeds:
        e = np.random.RandomState([int(seed) // PICTURES, 2]).randn(NUM_TRAITS)
        e[changing] = np.random.RandomState([int(seed), 3]).randn(len(changing))
        rows.append(e)
    return bound_traits(torch.from_numpy(np.stack(rows)).float())
