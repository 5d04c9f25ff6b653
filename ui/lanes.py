"""Two lanes to one model: interactive work goes first, long work takes one step at a time.

A drag must not wait behind somebody's whole inversion, and an inversion must not be starved by
somebody who drags all day. So every piece of model work holds one lock, but only for one forward
pass or one optimisation step, and whoever waits in the interactive lane is served first.

The next frame of a drag comes some milliseconds after the last one was answered. A long step that
began in between would make every frame wait for it, so long work waits for a breath of quiet. It
also waits for what is on its way to the model: actions in the queue of the page, where the server
says so (``listen``).
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 1.0  # seconds after which a long step no longer lets interactive work pass
BREATH = 0.02  # seconds without interactive work before a long step begins
LOOK = 0.01  # seconds between two looks at what is on its way


class Lanes:
    """A lock with priority."""

    def __init__(self, patience: float = PATIENCE, breath: float = BREATH) -> None:
        self._turn = threading.Condition()
        self._busy = False
        self._interactive_waiting = 0
        self._tired = 0  # long steps whose patience is over: nobody passes them any more
        self._patience, self._breath = patience, breath
        self._quiet_from = 0.0  # time of the clock from which long work may begin
        self._coming: Callable[[], bool] = lambda: False

    def listen(self, coming: Callable[[], bool]) -> None:
        """Let ``coming`` say whether interactive work is on its way here."""
        self._coming = coming

    @contextmanager
    def interactive(self) -> Iterator[None]:
        """Hold the model for something a person is waiting for (milliseconds)."""
        with self._turn:
            self._interactive_waiting += 1
            try:
                self._turn.wait_for(lambda: not self._busy and not self._tired)
            finally:
                self._interactive_waiting -= 1
            self._busy = True
        try:
            yield
        finally:
            self._quiet_from = time.monotonic() + self._breath
            self._release()

    @contextmanager
    def long(self) -> Iterator[Callable[..., None]]:
        """Hold the model for one step of long work, after all waiting interactive work.

        Yields what lets others pass within a step that has pieces; it takes and ignores arguments,
        so that it can be a ``report``.
        """
        self._begin()
        try:
            yield self._let_pass
        finally:
            self._release()

    def _let_pass(self, *_: object) -> None:
        self._release()
        self._begin()

    def _begin(self) -> None:
        with self._turn:
            if not self._waited_for_quiet():
                self._tired += 1
                try:
                    self._turn.wait_for(lambda: not self._busy)
                finally:
                    self._tired -= 1
            self._busy = True

    def _waited_for_quiet(self) -> bool:
        """Wait until nobody works and nobody is about to; False when patience ended first."""
        end = time.monotonic() + self._patience
        while (now := time.monotonic()) < end:
            if self._busy or self._interactive_waiting:
                self._turn.wait(end - now)
            elif now < self._quiet_from:
                self._turn.wait(min(self._quiet_from, end) - now)
            elif self._coming():
                self._turn.wait(LOOK)
            else:
                return True
        return False

    def steps(self, work: Iterator[T]) -> Iterator[T]:
        """The items of ``work``, each computed in the long lane; the lock is free in between."""
        while True:
            with self.long():
                try:
                    item = next(work)
                except StopIteration:
                    return
            yield item

    def _release(self) -> None:
        with self._turn:
            self._busy = False
            self._turn.notify_all()
