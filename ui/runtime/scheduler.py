"""Two lanes to one model: what a person waits for, and long work that takes turns beside it.

A drag must not wait behind somebody's whole inversion. So long work goes one step at a time, every
address in its turn, in threads that the system serves last; interactive work goes beside it, a few
pieces abreast. Models are read only (see ``networks.called_with``), so both can use them at once.

Before each piece it is asked whether its visitor is still there (``presence.Left`` is raised where
not): work that nobody waits for ends with the step that runs.
"""

import os
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import copy_context
from typing import TypeVar, cast

import torch

from editing.io.allocator import give_back
from ui.server.presence import NOBODY, asker

T = TypeVar("T")

ABREAST = 3  # pieces of interactive work at once; more only share the same processor cores
JOBS = 32  # long jobs that can be waiting for their turn
SERVED = 1024  # addresses of which it is known when they had theirs
NICENESS = 19  # of long work: beside usual threads it weighs 15 to 1024
SMALL = 256  # pixels up to which a second processor core gains a picture next to nothing
TIDY_EVERY = 20.0  # seconds of long work after which free memory goes back to the system
_END = object()


class Lanes:
    """Who may use the models now."""

    def __init__(self, abreast: int = ABREAST) -> None:
        self._quick = threading.BoundedSemaphore(abreast)
        self._turn = _Turn()
        self._tidy_from = 0.0  # time of the clock
        self._patient = ThreadPoolExecutor(JOBS, "long work", _step_back)

    @contextmanager
    def interactive(self) -> Iterator[None]:
        """Hold a place for something a person is waiting for (milliseconds).

        Raises:
            Left: nobody is any more.
        """
        with self._quick:
            asker().stay()
            yield

    def long(self, work: Callable[[], T]) -> T:
        """What ``work`` gives, one step of long work; it runs in another thread.

        So autograd's modes have to be set within. No step may wait for another.

        Raises:
            Left: its visitor is not there any more.
        """
        context = copy_context()
        return self._patient.submit(context.run, self._in_turn, work).result()

    def let_pass(self, *_: object) -> None:
        """Let others take their turn within a step that has pieces; as a ``report``, too."""
        self._turn.release()
        self._turn.acquire(asker().address)
        asker().stay()

    def steps(self, work: Iterator[T]) -> Iterator[T]:
        """The items of ``work``, each a step of long work."""
        while (item := self.long(lambda: next(work, _END))) is not _END:
            yield cast(T, item)

    def _in_turn(self, work: Callable[[], T]) -> T:
        self._turn.acquire(asker().address)
        try:
            asker().stay()
            return work()
        finally:
            if (now := time.monotonic()) > self._tidy_from:  # work of several threads leaves holes
                self._tidy_from = now + TIDY_EVERY
                give_back()
            self._turn.release()


class _Turn:
    """A lock that goes round the addresses that want it, and at each to who has waited longest."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[str, threading.Event]] = []  # addresses, in the order they came
        self._served: OrderedDict[str, None] = OrderedDict()  # addresses, the latest last
        self._taken = False

    def acquire(self, address: str = NOBODY) -> None:
        with self._lock:
            if not self._taken:
                self._taken = True
                self._serve(address)
                return
            mine = threading.Event()
            self._waiting.append((address, mine))
        mine.wait()

    def release(self) -> None:
        """Give it to the address that has not had it for longest."""
        with self._lock:
            if not self._waiting:
                self._taken = False
                return
            order = {address: place for place, address in enumerate(self._served)}
            first = min(self._waiting, key=lambda each: order.get(each[0], -1))
            self._waiting.remove(first)
            self._serve(first[0])
            first[1].set()

    def _serve(self, address: str) -> None:
        self._served[address] = None
        self._served.move_to_end(address)
        while len(self._served) > SERVED:
            self._served.popitem(last=False)


def share_cores(resolution: int) -> None:
    """Let every piece of work on small pictures have one thread; before any begins.

    Alone, a second thread takes a quarter of the time away at 256 px; with other visitors on the
    same cores the two wait for each other, and one leaves the second core to somebody else.
    ``OMP_NUM_THREADS`` decides where it is set.
    """
    if resolution <= SMALL and "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)


def _step_back() -> None:
    """Let all other threads go first; only Linux knows priorities of single threads."""
    if sys.platform == "linux":
        with suppress(OSError):  # a sandbox may forbid it
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
