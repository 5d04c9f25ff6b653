"""Long work that a visitor may end: it looks at its event after every step and writes its own end.

Gradio can cancel a handler too, but only on the way to the page: what it has done is done, and the
page would say "stopped" while a result arrives.
"""

from collections import OrderedDict
from threading import Event, Lock

KEPT = 64  # visitors that are remembered


class Stops:
    """The running work of each visitor, by session hash."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._events: OrderedDict[str, Event] = OrderedDict()
        self._expected: set[str] = set()  # visitors whose work waits for its turn

    def expect(self, visitor: str) -> None:
        """Work waits for its turn; what the visitor stops from now on will stop it, too."""
        self._renew(visitor)
        with self._lock:
            self._expected.add(visitor)

    def begin(self, visitor: str) -> Event:
        """The event of new work; what the visitor had running is stopped."""
        with self._lock:
            event = self._events.get(visitor) if visitor in self._expected else None
            self._expected.discard(visitor)
        return event or self._renew(visitor)

    def _renew(self, visitor: str) -> Event:
        self.stop(visitor)
        with self._lock:
            event = self._events[visitor] = Event()
            self._events.move_to_end(visitor)
            while len(self._events) > KEPT:
                self._expected.discard(self._events.popitem(last=False)[0])
        return event

    def stop(self, visitor: str) -> None:
        """Ask the visitor's work to end; nothing where none runs."""
        with self._lock:
            event = self._events.get(visitor)
        if event is not None:
            event.set()
