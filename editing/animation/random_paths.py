"""Ways that chance decides: cumulated steps, pieces of out, back and hold, and Metropolis.

A step is a length in standard coordinates (``coordinates``): its entries are divided by √D, so that
it means the same in every generator. Along an attribute it is a change of alpha.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from editing.animation.chains import (
    Coordinates,
    check_pieces,
    cumulated,
    folded,
    metropolis,
    pieces,
)
from editing.animation.paths import Pace, Route, Table
from editing.directions.samples import output_of
from editing.edits.stack import EditState, Move, preview
from editing.errors import BadInput
from editing.models.domain import Domain

Floats = NDArray[np.float64]
BEST_STEP = 2.38  # length of Metropolis steps in many dimensions (Roberts et al. 1997)
MAX_STEP = 100.0


@dataclass(frozen=True)
class _Stepping(ABC):
    """What cumulated steps and pieces share: offsets 0, o1, o2, ... from a table."""

    step: float = 1.0
    along: str = ""  # an attribute; "" = every standard coordinate
    space: str = "w"
    reach: float = field(default=0.0, kw_only=True)  # offsets turn round at ±reach; 0 = never

    def __post_init__(self) -> None:
        if not 0 < self.step <= MAX_STEP:
            raise BadInput(
                f"A step of {self.step} is not possible; choose from above 0 to {MAX_STEP:g}."
            )
        if not 0 <= self.reach <= MAX_STEP:
            raise BadInput(
                f"A reach of {self.reach} is not possible; choose from above 0 to {MAX_STEP:g}, "
                "or 0 for a walk that never turns round."
            )

    @property
    def closed(self) -> bool:
        return False

    @abstractmethod
    def offsets(self, pace: Pace, size: int) -> Iterator[Floats]:
        """Rows [size], one per frame."""

    def begin(self, source: EditState, domain: Domain, pace: Pace) -> Route:
        if self.along:
            Move(self.along, 0.0).direction(domain)
            table = Table(self.offsets(pace, 1), pace.steps)

            def alpha(u: float) -> float:
                return float(table.at(u, lambda row: folded(row, self.reach))[0])

            return Route(
                lambda u: Move(self.along, alpha(u)).apply(source, domain) if alpha(u) else source,
                lambda u: f"{self.along} {alpha(u):+.2f}",
            )
        coordinates = Coordinates(source, domain, self.space)
        table = Table(self.offsets(pace, coordinates.size), pace.steps)
        unit = coordinates.size**-0.5
        return Route(
            lambda u: coordinates.at(unit * table.at(u, lambda row: folded(row, self.reach)))
        )


@dataclass(frozen=True)
class RandomSteps(_Stepping):
    """The running sum of uniform steps from -step to step."""

    bridge: bool = False  # comes back to its start

    @property
    def closed(self) -> bool:
        return self.bridge

    def offsets(self, pace: Pace, size: int) -> Iterator[Floats]:
        walked = cumulated(size, self.step, np.random.RandomState(pace.seed))
        if not self.bridge:
            return walked
        rows = [next(walked) for _ in range(pace.steps)]  # the end must be known to come back
        last = max(pace.steps - 1, 1)
        return iter([row - number / last * rows[-1] for number, row in enumerate(rows)])


@dataclass(frozen=True)
class Pieces(_Stepping):
    """Increments U(0, step) · flag of the piece: out (1), back (-1), hold (0)."""

    segments: tuple[float, ...] = (0.35, 0.58, 0.75, 0.85, 1.0)
    flags: tuple[int, ...] = (1, -1, 1, -1, 1)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_pieces(self.segments, self.flags)

    def offsets(self, pace: Pace, size: int) -> Iterator[Floats]:
        rng = np.random.RandomState(pace.seed)
        return pieces(pace.steps, size, self.step, self.segments, self.flags, rng)


@dataclass(frozen=True)
class Within:
    """A range of an attribute's reading, in σ; softly, its weight falls off outside."""

    attribute: str
    low: float
    high: float
    softness: float = 0.0  # σ of the fall; 0 = never outside

    def __post_init__(self) -> None:
        if not self.low < self.high or not self.softness >= 0:
            raise BadInput(
                f"{self.attribute} between {self.low:g} and {self.high:g} is no range; write the "
                "lower end first, such as smile=0.2..0.8."
            )

    def log_weight(self, reading: float) -> float:
        outside = max(self.low - reading, reading - self.high, 0.0)
        if outside == 0:
            return 0.0
        return -0.5 * (outside / self.softness) ** 2 if self.softness else -math.inf


@dataclass(frozen=True)
class Metropolis:
    """A Metropolis-Hastings walk whose long run is a known density.

    N(0, spread² I) in the standard coordinates of Z or W, times the weights of ``within``; a
    rejected step holds the frame.
    """

    step: float = BEST_STEP / 2
    space: str = "w"
    spread: float = 1.0  # 1 = as the generator was trained
    within: tuple[Within, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.step <= MAX_STEP or not 0 < self.spread <= 3:
            raise BadInput(
                f"A Metropolis walk with steps of {self.step} and a spread of {self.spread} is "
                f"not possible; choose steps up to {MAX_STEP:g} and a spread up to 3."
            )

    @property
    def closed(self) -> bool:
        return False

    def begin(self, source: EditState, domain: Domain, pace: Pace) -> Route:
        coordinates = Coordinates(source, domain, self.space)
        outputs = self._outputs(domain)

        def log_density(point: Floats) -> float:
            height = -0.5 * float(point @ point) / self.spread**2
            if outputs:
                state = coordinates.at(point - coordinates.origin)
                with torch.no_grad():
                    img = preview(state, domain).float().clamp(-1, 1)
                    found = domain.scorer(img)[0].tolist()
                height += sum(w.log_weight(found[i]) for w, i in outputs)
            return height

        rng = np.random.RandomState(pace.seed)
        chain = metropolis(log_density, coordinates.origin, self.step * coordinates.size**-0.5, rng)
        table = Table(chain, pace.steps)

        def notes() -> dict[str, float]:
            proposed = table.made[1:]
            return {"acceptance": sum(moved for _, moved in proposed) / max(len(proposed), 1)}

        def at(u: float) -> EditState:
            return coordinates.at(table.at(u, lambda row: row[0]) - coordinates.origin)

        table.row(0)  # refuses here where it cannot begin
        return Route(at, notes=notes)

    def _outputs(self, domain: Domain) -> list[tuple[Within, int]]:
        if not self.within:
            return []
        if "scorer" not in domain.parts:
            raise BadInput(f"{domain.name} has no scorer to read attributes; leave --where out.")
        return [(each, output_of(domain.scorer, each.attribute)) for each in self.within]
