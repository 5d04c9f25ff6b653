"""Easing: how something gets from 0 to 1."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from editing.errors import UnknownName

OVERSHOOT = 1.70158  # of "back": a tenth beyond its end (Penner 2002)


def _back(t: float) -> float:
    """A little back first, and a little too far, in and out."""
    s = OVERSHOOT * 1.525
    if t < 0.5:
        return 2 * t * t * ((s + 1) * 2 * t - s)
    x = 2 * t - 2
    return (x * x * ((s + 1) * x + s) + 2) / 2


def _bounce(t: float) -> float:
    """Falls on its end and springs up three times, lower and lower."""
    width = 2.75
    for start, middle, floor in ((2.5, 2.625, 63 / 64), (2, 2.25, 15 / 16), (1, 1.5, 3 / 4)):
        if t >= start / width:
            return width**2 * (t - middle / width) ** 2 + floor
    return width**2 * t * t


EASINGS: Mapping[str, Callable[[float], float]] = {
    "linear": lambda t: t,
    "sine": lambda t: 0.5 - 0.5 * math.cos(math.pi * t),
    "cubic": lambda t: 4 * t**3 if t < 0.5 else 1 - 4 * (1 - t) ** 3,
    "back": _back,
    "bounce": _bounce,
    "step": lambda t: 0.0,  # holds until the end
}


def check_easing(name: str) -> None:
    """Raises UnknownName, listing the easings there are."""
    if name not in EASINGS:
        raise UnknownName.among("easing", name, EASINGS)


def ease(name: str, t: float) -> float:
    """Where something is at t; exactly 0 at 0 and 1 at 1, "back" a tenth beyond between.

    Raises:
        UnknownName: there is no such easing.
    """
    check_easing(name)
    if t <= 0 or t >= 1:
        return 0.0 if t <= 0 else 1.0
    return EASINGS[name](t)
