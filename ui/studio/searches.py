"""Inversions that go on, or have ended lately: what stops them, what goes on from them."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from threading import Event, Lock

from torch import Tensor

from editing.inversion.optimizer import Memory
from editing.inversion.options import InversionOptions
from ui.components.widgets import Pixels
from ui.studio.session import Portrait

KEPT = 24  # visitors whose last search is remembered
RESUMED = 6  # of them whose stopped search can be gone on with; a tuned one holds some 50 MB
MAX_FRAMES = 160  # of the film; when it is full every second one goes


@dataclass(eq=False)
class Run:
    """One search of one visitor."""

    portrait: Portrait  # as it was when the search began
    options: InversionOptions
    mask: Tensor | None = None
    given: Tensor | None = None  # ws to start from, instead of what the options say
    memory: Memory | None = None  # where it stood when it was stopped; None = nothing to go on with
    losses: list[Mapping[str, float]] = field(default_factory=list)  # of every step
    frames: list[Pixels] = field(default_factory=list)  # pictures on the way, [R, R, 3]
    stop: Event = field(default_factory=Event)
    abandoned: bool = False
    over: bool = False  # it has ended, in whatever way

    def film(self, picture: Pixels) -> None:
        """One more picture on the way."""
        self.frames.append(picture)
        if len(self.frames) > MAX_FRAMES:
            del self.frames[1::2]

    def resumed(self) -> "Run":
        """The same search, about to go on."""
        again = Run(self.portrait, self.options, self.mask, self.given, self.memory)
        return replace(again, losses=self.losses, frames=self.frames)


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
            self._make_room()

    def _make_room(self) -> None:
        """Forget the oldest searches, but none that goes on: it could not be stopped any more."""
        over = [name for name, run in self._runs.items() if run.over]
        for name in over[: max(len(self._runs) - KEPT, 0)]:
            del self._runs[name]
        stopped = [run for run in self._runs.values() if run.memory is not None]
        for run in stopped[:-RESUMED]:
            run.memory = None

    def of(self, visitor: str) -> Run | None:
        with self._lock:
            return self._runs.get(visitor)
