"""Random walks as tables of offsets, made row by row: cumulated steps, pieces, Metropolis.

Offsets are in the units of what they are added to; row 0 is always 0 (Metropolis: the start).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from editing.errors import BadInput

Floats = NDArray[np.float64]
LogDensity = Callable[[Floats], float]  # up to a constant; -inf = never


def cumulated(size: int, step: float, rng: np.random.RandomState) -> Iterator[Floats]:
    """0, then the running sum of steps, every entry uniform from -step to step."""
    offset = np.zeros(size)
    while True:
        yield offset
        offset = offset + step * rng.uniform(-1, 1, size)


def folded(offset: Floats, reach: float) -> Floats:
    """Offsets that turn round at ±reach, as a ball between two walls; 0 = no walls."""
    if not reach:
        return offset
    along = np.mod(offset + reach, 4 * reach)
    turned: Floats = reach - np.abs(along - 2 * reach)
    return turned


def pieces(
    count: int,
    size: int,
    step: float,
    segments: Sequence[float],
    flags: Sequence[int],
    rng: np.random.RandomState,
) -> Iterator[Floats]:
    """``count`` offsets: 0, then the running sum of U(0, step) · flag of the piece.

    Args:
        segments: where each piece ends, as shares of the film, rising to 1.
        flags: one per piece: 1 goes out, -1 comes back, 0 holds.
    """
    check_pieces(segments, flags)
    offset = np.zeros(size)
    yield offset
    for number in range(1, count):
        place = number / (count - 1)
        piece = next(i for i, end in enumerate(segments) if place <= end + 1e-9)
        offset = offset + flags[piece] * rng.uniform(0, step, size)
        yield offset


def check_pieces(segments: Sequence[float], flags: Sequence[int]) -> None:
    """Refuse ends that do not rise to 1, and flags that do not fit them.

    Raises:
        BadInput: says which.
    """
    rising = all(a < b for a, b in zip([0.0, *segments], segments, strict=False))
    if not segments or not rising or not math.isclose(segments[-1], 1, abs_tol=1e-6):
        raise BadInput(
            f"The segments {list(segments)} must rise from above 0 to 1, such as 0.35,0.6,1."
        )
    if len(flags) != len(segments):
        raise BadInput(
            f"{len(flags)} flags were given for {len(segments)} segments; give one for each."
        )
    if not all(flag in (-1, 0, 1) for flag in flags):
        raise BadInput(f"The flags {list(flags)} can be 1 (out), -1 (back) or 0 (hold).")


def metropolis(
    log_density: LogDensity, start: Floats, step: float, rng: np.random.RandomState
) -> Iterator[tuple[Floats, bool]]:
    """A Metropolis chain (Metropolis et al. 1953) with N(0, step²) steps: (point, moved).

    The first is ``start`` (True). A rejected step yields the very same array again.

    Raises:
        BadInput: the start is where the density is 0.
    """
    here, height = start, log_density(start)
    if not math.isfinite(height):
        raise BadInput(
            "The walk cannot begin here: the portrait lies outside of what it may show; start "
            "from another one, or widen the range."
        )
    yield here, True
    while True:
        there = here + step * rng.standard_normal(here.shape)
        proposed = log_density(there)
        moved = math.log(1 - rng.uniform()) < proposed - height
        if moved:
            here, height = there, proposed
        yield here, moved


def effective_size(values: Floats) -> float:
    """Independent samples that a chain of numbers [N] is worth (Geyer 1992, initial positive sums).

    N / (1 + 2 Σ autocorrelation), the sum ended where two neighbours together are no longer
    positive.
    """
    centred = values - values.mean()
    count, variance = len(centred), float(centred @ centred)
    if variance == 0:
        return 1.0
    spectrum = np.abs(np.fft.rfft(centred, 2 * count)) ** 2
    correlation = np.fft.irfft(spectrum)[:count] / variance
    total = 0.0
    for lag in range(1, count - 1, 2):
        both = float(correlation[lag] + correlation[lag + 1])
        if both <= 0:
            break
        total += both
    return count / (1 + 2 * total)
