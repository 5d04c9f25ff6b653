"""How long an inversion takes on this machine: seconds per step, learnt as it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from editing.inversion_options import InversionOptions

STAGES = ("latent", "noise", "tune")
# Cost of one step against one of the latent, until a stage has been seen here.
USUAL = {"latent": 1.0, "noise": 0.9, "tune": 2.0}
MEMORY = 0.9  # weight of what was known against a new step
FIRST = 2  # the first steps of a stage load and warm things up; they count less


class Pace:
    """Seconds per step, by stage."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._seen: dict[str, int] = {}

    def note(self, stage: str, seconds: float) -> None:
        """One step of ``stage`` has taken ``seconds``."""
        seen = self._seen.get(stage, 0)
        self._seen[stage] = seen + 1
        known = self._seconds.get(stage)
        if known is None or seen <= FIRST:
            self._seconds[stage] = seconds if known is None else min(known, seconds)
        else:
            self._seconds[stage] = MEMORY * known + (1 - MEMORY) * seconds

    @property
    def known(self) -> bool:
        """Whether any step has been seen."""
        return bool(self._seconds)

    def per_step(self, stage: str) -> float:
        """Seconds of one step; from other stages where this one was not seen; 0 = nothing was."""
        if stage in self._seconds:
            return self._seconds[stage]
        others = [seconds / USUAL[name] for name, seconds in self._seconds.items()]
        return USUAL[stage] * sum(others) / len(others) if others else 0.0

    def seconds(self, steps: Mapping[str, int]) -> float:
        """Seconds of so many steps of each stage."""
        return sum(count * self.per_step(stage) for stage, count in steps.items())

    def of(self, options: InversionOptions) -> float:
        """Seconds of a whole inversion, its start not counted."""
        return self.seconds(
            {"latent": options.steps, "noise": options.noise.steps, "tune": options.tune.steps}
        )
