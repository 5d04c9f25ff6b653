"""When work that goes on shows itself: now and then, and rarely where that takes long."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

EVERY = 0.3  # seconds between pictures
PAUSE = 5  # times as long as the last one took on its way to the page


class Showing:
    """Of one piece of work.

    Pictures of what is not there yet are drawn, packed and sent on the same cores as what others
    wait for.
    """

    def __init__(self) -> None:
        self._next = 0.0

    def due(self) -> bool:
        return monotonic() >= self._next

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Around drawing a picture and handing it over: ``with showing.shown(): yield picture``."""
        began = monotonic()
        try:
            yield
        finally:
            now = monotonic()
            self._next = now + max(EVERY, PAUSE * (now - began))
