"""How long an inversion takes on this machine: seconds per step, learnt as it runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from editing.inversion.options import InversionOptions

STAGES = ("latent", "noise", "tune")
# Cost of one step against one of the latent, until a stage has been seen here.
USUAL = {"latent": 1.0, "noise": 0.9, "tune": 2.0}
RECENT = 25  # steps of a stage whose median counts: one that had to wait changes nothing
FIRST = 3  # the first steps of a stage load and warm things up; until then the shortest counts


class Pace:
    """Seconds per step, by stage."""

    def __init__(self) -> None:
        self._recent: dict[str, deque[float]] = {}

    def note(self, stage: str, seconds: float) -> None:
        """One step of ``stage`` has taken ``seconds``."""
        self._recent.setdefault(stage, deque(maxlen=RECENT)).append(seconds)

    @property
    def known(self) -> bool:
        """Whether any step has been seen."""
        return bool(self._recent)

    def per_step(self, stage: str) -> float:
        """Seconds of one step; from other stages where this one was not seen; 0 = nothing was."""
        if stage in self._recent:
            recent = self._recent[stage]
            return min(recent) if len(recent) <= FIRST else median(recent)
        others = [self.per_step(name) / USUAL[name] for name in self._recent]
        return USUAL[stage] * sum(others) / len(others) if others else 0.0

    def seconds(self, steps: Mapping[str, int]) -> float:
        """Seconds of so many steps of each stage."""
        return sum(count * self.per_step(stage) for stage, count in steps.items())

    def of(self, options: InversionOptions) -> float:
        """Seconds of a whole inversion, its start not counted."""
        return self.seconds(
            {"latent": options.steps, "noise": options.noise.steps, "tune": options.tune.steps}
        )
