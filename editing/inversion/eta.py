"""How long an inversion takes on this machine: seconds per step, learnt as it runs, and kept.

What was learnt lies in the user's cache (LATENT_STUDIO_CACHE, XDG_CACHE_HOME or ~/.cache), a small
file per generator and device. A machine that has searched before says at once how long a search
takes; one that has not says nothing, instead of searching only to find out.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from editing.errors import CannotWrite
from editing.io.images import write_atomically

if TYPE_CHECKING:
    from editing.inversion.options import InversionOptions
    from editing.models.domain import Domain

STAGES = ("latent", "noise", "tune")
# Cost of one step against one of the latent, until a stage has been seen here.
USUAL = {"latent": 1.0, "noise": 0.9, "tune": 2.0}
RECENT = 25  # steps of a stage whose median counts: one that had to wait changes nothing
FIRST = 3  # the first steps of a stage load and warm things up; until then the shortest counts
MAX_BYTES, LONGEST = 4096, 3600.0  # of a file, and seconds of a step that are believed


class Pace:
    """Seconds per step, by stage.

    Args:
        before: what an earlier process has found, by stage.
    """

    def __init__(self, before: Mapping[str, float] | None = None) -> None:
        self._recent: dict[str, deque[float]] = {}
        self._before = dict(before or {})

    def note(self, stage: str, seconds: float) -> None:
        """One step of ``stage`` has taken ``seconds``."""
        self._recent.setdefault(stage, deque(maxlen=RECENT)).append(seconds)

    @property
    def known(self) -> bool:
        """Whether any step has been seen."""
        return bool(self._recent or self._before)

    def per_step(self, stage: str) -> float:
        """Seconds of one step; from other stages where this one was not seen; 0 = nothing was."""
        if stage in self._recent:
            recent = self._recent[stage]
            return min(recent) if len(recent) <= FIRST else median(recent)
        if stage in self._before:
            return self._before[stage]
        seen = self._recent.keys() | self._before.keys()
        others = [self.per_step(name) / USUAL[name] for name in seen]
        return USUAL[stage] * sum(others) / len(others) if others else 0.0

    def seconds(self, steps: Mapping[str, int]) -> float:
        """Seconds of so many steps of each stage."""
        return sum(count * self.per_step(stage) for stage, count in steps.items())

    def of(self, options: InversionOptions) -> float:
        """Seconds of a whole inversion, its start not counted."""
        return self.seconds(
            {"latent": options.steps, "noise": options.noise.steps, "tune": options.tune.steps}
        )

    def found(self) -> dict[str, float]:
        """Seconds of one step of every stage that was seen here or before, for ``keep_pace``."""
        return {stage: self.per_step(stage) for stage in self._recent.keys() | self._before.keys()}


def pace_file(domain: Domain) -> Path:
    """Where the pace of a domain on this machine is kept; nothing need be there."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    cache = Path(os.environ.get("LATENT_STUDIO_CACHE") or Path(home) / "latent-studio")
    device = str(domain.device).replace(":", "")
    return cache / "pace" / f"{domain.fingerprint}-{device}-{os.cpu_count() or 1}.json"


def known_pace(path: Path) -> Pace:
    """The pace that a file holds; one that knows nothing where there is none, or no good one."""
    try:
        text = path.read_bytes()[: MAX_BYTES + 1]
        said = json.loads(text) if len(text) <= MAX_BYTES else {}
    except (OSError, ValueError, RecursionError):
        said = {}
    said = said if isinstance(said, dict) else {}
    numbers = {stage: said[stage] for stage in STAGES if type(said.get(stage)) in (int, float)}
    return Pace({stage: n for stage, n in numbers.items() if 0 < n <= LONGEST})


def keep_pace(pace: Pace, path: Path) -> None:
    """Keep what was found for the next process; a cache that cannot be written is done without."""
    data = json.dumps(pace.found()).encode()
    with contextlib.suppress(CannotWrite):
        write_atomically(path, lambda file: file.write(data))
