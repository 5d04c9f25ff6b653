"""Changes of weights in few steps: small in a file, and exactly the same after it.

A tensor is rounded to whole multiples of one scale per output channel. The scale has a short
mantissa, so that every multiple is exact and ``pack`` finds the same numbers again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

MANTISSA = 12  # bits of a scale; with the 7 of a level this fits float32's 24
KNOWN_LEVELS = (7, 15, 31, 127)  # tried by ``pack``, smallest first

Array = np.ndarray[Any, Any]


def scales_of(x: Tensor, levels: int) -> Tensor:
    """One scale per entry of x's first axis (one in all for a vector): max |x| / levels, upwards.

    x [O, ...] -> [O, 1, ...], or [] for x [O] and x [].
    """
    largest = x.abs().amax() if x.ndim < 2 else x.abs().flatten(1).amax(1)
    mantissa, exponent = torch.frexp(largest / levels)
    scales = torch.ldexp((mantissa * 2**MANTISSA).ceil() / 2**MANTISSA, exponent)
    return scales.reshape(-1, *[1] * (x.ndim - 1)) if x.ndim > 1 else scales


def round_to_levels(x: Tensor, levels: int) -> Tensor:
    """x with every entry at one of 2·levels + 1 evenly spaced values (per output channel)."""
    scales = scales_of(x, levels)
    steps = (x / scales.clamp(min=torch.finfo(x.dtype).tiny)).round().clamp(-levels, levels)
    return steps * scales + 0.0  # no negative zero: it would have a hash of its own


def pack(x: Tensor) -> tuple[Array, Array] | None:
    """(int8 multiples, float32 scales) of a rounded tensor; None if x is not one."""
    for levels in KNOWN_LEVELS:
        scales = scales_of(x, levels)
        steps = (x / scales.clamp(min=torch.finfo(x.dtype).tiny)).round()
        if bool((steps.abs() <= levels).all()) and torch.equal(steps * scales, x):
            return steps.to(torch.int8).numpy(), scales.float().numpy()
    return None


def unpack(steps: Array, scales: Array) -> Tensor:
    """The inverse of ``pack``.

    Raises:
        ValueError: the two do not belong together.
    """
    fits = scales.ndim in (0, steps.ndim) and steps.dtype == np.int8
    if not fits or scales.dtype.kind != "f" or (scales.ndim and scales.size != len(steps)):
        raise ValueError(f"{steps.dtype} of shape {list(steps.shape)} with {scales.size} scales")
    values = torch.from_numpy(steps.astype(np.float32))
    return values.mul_(torch.from_numpy(scales.astype(np.float32)))
