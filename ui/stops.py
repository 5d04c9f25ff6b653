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

    def begin(self, visitor: str) -> Event:
        """The event of new work; what the visitor had running is stopped."""
        self.stop(visitor)
        with self._lock:
            event = self._events[visitor] = Event()
            self._events.move_to_end(visitor)
            while len(self._events) > KEPT:
                self._events.popitem(last=False)
        return event

    def stop(self, visitor: str) -> None:
        """Ask the visitor's work to end; nothing where none runs."""
        with self._lock:
            event = self._events.get(visitor)
        if event is not None:
            event.set()
