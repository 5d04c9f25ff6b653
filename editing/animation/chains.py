"""Random walks as tables of offsets, made row by row: cumulated steps, pieces, Metropolis.

Offsets are in the units of what they are added to; row 0 is always 0 (Metropolis: the start).

Standard coordinates around a portrait, in which random walks take their steps.

In "z" they are those of Z itself; in "w" the whitened ones of P space, W after the inverse of the
mapping's last leaky ReLU, where W is nearly Gaussian (``whitening``). Either way the generator was
trained on about N(0, I), and a length of √D is as far as another person.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from editing.errors import BadInput
from editing.models.domain import Domain
from editing.models.states import EditState, mapped
from editing.models.whitening import LEAK, whitening

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


SPACES = ("w", "z")


@dataclass(frozen=True, eq=False)
class Coordinates:
    """Of one portrait; offset 0 is exactly that portrait."""

    source: EditState
    domain: Domain
    space: str = "w"

    def __post_init__(self) -> None:
        if self.space not in SPACES:
            raise BadInput(f"A walk goes through {' or '.join(SPACES)}, not through {self.space}.")
        if self.space == "z" and self.source.z is None:
            raise BadInput("A walk through Z needs a portrait whose z is known, a seed; take w.")

    @property
    def size(self) -> int:
        """D."""
        generator = self.domain.generator
        return generator.z_dim if self.space == "z" else generator.w_dim

    @cached_property
    def origin(self) -> Floats:
        """Where the portrait is, [D]; of a portrait in W+ its mean row."""
        if self.space == "z":
            assert self.source.z is not None
            return _array(self.source.z[0])
        return _array(whitening(self.domain.generator)(self._ws.mean(1))[0])

    def at(self, offset: Floats) -> EditState:
        """The portrait moved by an offset [D]; all its rows move alike, before the leaky ReLU."""
        if not offset.any():
            return self.source
        moved = torch.from_numpy(offset).to(self._ws)
        if self.space == "z":
            return self._at_z(moved)
        inside = functional.leaky_relu(self._ws, LEAK) + moved @ self._inverse
        return replace(self.source, ws=functional.leaky_relu(inside, 1 / LEAK))

    def _at_z(self, moved: Tensor) -> EditState:
        source = self.source
        assert source.z is not None
        z = source.z.to(moved) + moved
        how = (source.psi, self.domain, source.cutoff, source.label)
        change = mapped(z, *how) - mapped(source.z, *how)
        return replace(source, ws=self._ws + change, z=z)

    @cached_property
    def _ws(self) -> Tensor:
        return self.source.ws.to(self.domain.device)

    @cached_property
    def _inverse(self) -> Tensor:
        matrix = whitening(self.domain.generator).matrix
        inverse: Tensor = torch.linalg.inv(matrix.double()).to(self._ws)
        return inverse


def _array(tensor: Tensor) -> Floats:
    values: Floats = tensor.detach().cpu().double().numpy()
    return values
