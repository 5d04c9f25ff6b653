"""Two lanes to one model: interactive work goes first, long work takes one step at a time.

A drag must not wait behind somebody's whole inversion, and an inversion must not be starved by
somebody who drags all day. So every piece of model work holds one lock, but only for one forward
pass or one optimisation step, and whoever waits in the interactive lane is served first.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 2.0  # seconds after which a long step no longer lets interactive work pass


class Lanes:
    """A lock with priority."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._turn = threading.Condition()
        self._busy = False
        self._interactive_waiting = 0
        self._tired = 0  # long steps whose patience is over: nobody passes them any more
        self._patience = patience

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
            self._release()

    @contextmanager
    def long(self) -> Iterator[None]:
        """Hold the model for one step of long work, after all waiting interactive work."""
        with self._turn:
            polite = self._turn.wait_for(
                lambda: not self._busy and not self._interactive_waiting, self._patience
            )
            if not polite:
                self._tired += 1
                try:
                    self._turn.wait_for(lambda: not self._busy)
                finally:
                    self._tired -= 1
            self._busy = True
        try:
            yield
        finally:
            self._release()

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
