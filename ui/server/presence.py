"""Whether work still has somebody to go to: visitors whose answers nobody listens for have left.

Gradio notices that a page was closed, and goes on with what it had begun; of a client that asks
and never listens it notices nothing.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

from gradio.context import LocalContext

from editing.errors import EditingError
from ui.server.visitors import address_of

UNHEARD = 60.0  # seconds that work goes on for a client that does not listen for its answer
REMEMBERED = 4096  # events that the queue has begun
NOBODY = ""  # the address of what no visitor asked for


class Left(EditingError):
    """The visitor has gone, or has cancelled; nobody reads this."""


class Presence:
    """Whose answers are listened for, and what the queue has begun; of one server."""

    def __init__(self) -> None:
        self._listening: Counter[str] = Counter()
        self._begun: OrderedDict[str, None] = OrderedDict()

    @contextmanager
    def listening(self, name: str) -> Iterator[None]:
        """While somebody reads the stream of a session, or of an event."""
        self._listening[name] += 1
        try:
            yield
        finally:
            self._listening[name] -= 1
            if self._listening[name] <= 0:
                del self._listening[name]

    def begun(self, event: Any) -> None:
        """The queue has begun an event: from now on its end can be told from its absence."""
        self._begun[event._id] = None
        while len(self._begun) > REMEMBERED:
            self._begun.popitem(last=False)

    def has_begun(self, event_id: str) -> bool:
        return event_id in self._begun

    def is_heard(self, event: Any) -> bool:
        """Whether somebody listens for its answer, or may be about to."""
        names = (event.session_hash, event._id)
        young = monotonic() - event.enqueue_time < UNHEARD
        return young or any(self._listening[name] > 0 for name in names)


_presences: WeakKeyDictionary[Any, Presence] = WeakKeyDictionary()


def presence_of(blocks: Any) -> Presence:
    """The one of a page."""
    return _presences.setdefault(blocks, Presence())


@dataclass(frozen=True)
class Asker:
    """The visitor for whom this thread works."""

    address: str = NOBODY
    here: bool = True  # False: gone or cancelled

    def stay(self) -> None:
        """Go on only for somebody.

        Raises:
            Left: the visitor is not there any more.
        """
        if not self.here:
            raise Left("The visitor has left, so the work was given up.")


def asker() -> Asker:
    """Who asked for what runs here; somebody without an address where nobody did."""
    blocks, name = LocalContext.blocks.get(None), LocalContext.event_id.get(None)
    queue = getattr(blocks, "_queue", None)
    if queue is None or name is None:
        return Asker()
    presence, event = presence_of(blocks), queue.event_ids_to_events.get(name)
    if event is None:  # cancelled while it ran; or it never went through the queue
        return Asker(here=not presence.has_begun(name))
    here = bool(event.alive) and presence.is_heard(event)
    return Asker(address_of(event.request.scope), here)
