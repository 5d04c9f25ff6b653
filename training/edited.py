"""Portraits again with one factor changed: the true answers to edits of them.

Only a rendered world can give these. The deghosting network learns from them what a composite of
an edit should have looked like.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from training.factors import INDEX

CHANGE = 0.8  # of a factor in [-1, 1]
EDITED = (  # factors with a boundary of their own that leave the rest of the picture where it is
    "smile", "age", "gender", "eyeglasses", "mouth_open", "eye_openness", "brow_height",
    "jaw_width", "nose_size", "hair_lightness", "grey_hair", "hair_length", "fringe", "baldness",
    "beard", "lip_colour", "eye_colour", "eye_size",
)  # fmt: skip


def factor_edited(seed: int) -> tuple[str, int]:
    """(factor, sign) of what was changed in the picture of a seed."""
    rng = np.random.RandomState([int(seed), 2])
    return EDITED[rng.randint(len(EDITED))], int(rng.choice([-1, 1]))


def edited_factors(factors: Tensor, seeds: np.ndarray | Iterable[int]) -> Tensor:
    """Factors [N, F] of the unedited pictures of these seeds -> with one changed in each."""
    rows = []
    for row, seed in zip(factors, seeds, strict=True):
        name, sign = factor_edited(seed)
        moved = row.clone()
        moved[INDEX[name]] = changed_factor(float(row[INDEX[name]]), name, sign)
        rows.append(moved)
    return torch.stack(rows)


def changed_factor(value: float, factor: str, sign: int) -> float:
    """A factor moved by CHANGE towards ``sign``, or back where there is no room; glasses toggle."""
    if factor == "eyeglasses":
        return -1.0 if value > 0 else 1.0
    if sign * value > 1 - CHANGE:
        sign = -sign
    return value + sign * CHANGE
