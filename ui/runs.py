"""Inversions that go on, or have ended lately: what stops them, what goes on from them."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Event, Lock

from torch import Tensor

from editing.descent import Memory
from editing.inversion_options import InversionOptions
from ui.session import Portrait
from ui.widgets import Pixels

KEPT = 24  # visitors whose last search is remembered; a tuned one holds some 50 MB until it ends
MAX_FRAMES = 160  # of the film; when it is full every second one goes


@dataclass(eq=False)
class Run:
    """One search of one visitor."""

    portrait: Portrait  # as it was when the search began
    options: InversionOptions
    mask: Tensor | None = None
    memory: Memory | None = None  # where it stood when it was stopped; None = nothing to go on with
    losses: list[Mapping[str, float]] = field(default_factory=list)  # of every step
    frames: list[Pixels] = field(default_factory=list)  # pictures on the way, [R, R, 3]
    stop: Event = field(default_factory=Event)
    abandoned: bool = False

    def film(self, picture: Pixels) -> None:
        """One more picture on the way."""
        self.frames.append(picture)
        if len(self.frames) > MAX_FRAMES:
            del self.frames[1::2]

    def resumed(self) -> "Run":
        """The same search, about to go on."""
        return Run(self.portrait, self.options, self.mask, self.memory, self.losses, self.frames)


class Runs:
    """The last run of each visitor, by session hash."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._runs: OrderedDict[str, Run] = OrderedDict()

    def begin(self, visitor: str, run: Run) -> None:
        """Remember ``run``; a search of the same visitor that still goes on is given up."""
        with self._lock:
            before = self._runs.pop(visitor, None)
            if before is not None:
                before.abandoned = True
                before.stop.set()
            self._runs[visitor] = run
            while len(self._runs) > KEPT:
                self._runs.popitem(last=False)

    def of(self, visitor: str) -> Run | None:
        with self._lock:
            return self._runs.get(visitor)
