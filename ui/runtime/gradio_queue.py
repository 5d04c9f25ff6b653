"""What the page needs of Gradio and its queue, and Gradio has no public way to ask or say."""

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ui.server.presence import presence_of
from ui.server.visitors import address_of

LONG_LANE = "long"  # the concurrency id of searches, films and the like
SHORT_LANE = "short"  # of calls of programs that take some pictures, and touch no session
QUICK_LANE = "interactive"  # of what a person waits for; its limit is one at a time
OVERLAPPING = 4  # quick actions at once, all of different visitors
LOOK_EVERY = 0.004  # seconds between looks for work; Gradio's one takes a twelfth of a core, idle


def pending(blocks: Any) -> list[Any]:
    """The events that wait or run."""
    queue = blocks._queue
    waiting = [e for lane in queue.event_queue_per_concurrency_id.values() for e in lane.queue]
    return [*waiting, *_running(queue)]


def save_work(blocks: Any) -> None:
    """Look for work less often, and sum up no statistics, which nobody can see here.

    Gradio would go through all past events after each one: 2 ms for every frame of a drag, 7 ms
    after ten thousand.
    """
    queue = blocks._queue
    queue.ANALYTICS_MAX_EVENTS = 1
    queue.ANAYLTICS_CACHE_FREQUENCY = sys.maxsize  # spelt so
    queue.sleep_when_free = max(queue.sleep_when_free, LOOK_EVERY)


def track_no_spinners(blocks: Any) -> None:
    """Let the browser keep no account of spinners that are never shown.

    Gradio's page keeps one for every widget that an action ever gave something to, and goes through
    the whole page for each, ten times for each frame of a drag. A change of language gives
    something to 300 widgets: after it a frame took several times as long.
    """
    for action in blocks.fns.values():
        if action.show_progress == "hidden" and action.show_progress_on is None:
            action.show_progress_on = []


@dataclass(frozen=True)
class Places:
    """How many events of a lane run at once."""

    free: int  # whoever they are of
    crowd: int  # and up to these, the first one of any address that has none
    one_each: bool = False  # of a visitor one at a time


# An action reads its visitor's session first and writes it last, so two of one visitor must not
# run at once. Long work goes step by step, in turns of addresses (``ui.runtime.scheduler``): a
# place is only the right to take part in them, so that whoever holds many keeps nobody out.
LANES: Mapping[str, Places] = {
    QUICK_LANE: Places(OVERLAPPING, 12, one_each=True),
    SHORT_LANE: Places(3, 8),
    LONG_LANE: Places(4, 16),
}


def share_places(blocks: Any) -> None:
    """Let events of different visitors overlap, and let no address keep another one out.

    Gradio takes the event that has waited longest, and so many of a lane at once, whoever asks:
    four films of one visitor would be all the films there are. This takes events out of a lane
    before Gradio looks, which on its own goes on to take one where there is room for anybody.
    """
    queue, presence = blocks._queue, presence_of(blocks)
    usual: Callable[[], Any] = queue.get_events

    def get_events() -> Any:
        for name, places in LANES.items():
            lane = queue.event_queue_per_concurrency_id.get(name)
            if lane and lane.queue:
                running = [event for event in _running(queue) if event.concurrency_id == name]
                if (ready := _next(lane.queue, running, places)) is not None:
                    lane.queue.remove(ready)
                    presence.begun(ready)
                    return [ready], False, name
        return usual()

    queue.get_events = get_events


def _next(waiting: Sequence[Any], running: Sequence[Any], places: Places) -> Any | None:
    """Of the address that has least running, of its visitor who has least, who waits longest."""
    visitors = Counter(event.session_hash for event in running)
    addresses = Counter(address_of(event.request.scope) for event in running)

    def share(event: Any) -> tuple[int, int]:
        return addresses[address_of(event.request.scope)], visitors[event.session_hash]

    ready = [e for e in waiting if not (places.one_each and visitors[e.session_hash])]
    first = min(ready, key=share, default=None)
    if first is None or len(running) < places.free:
        return first
    return first if share(first)[0] == 0 and len(running) < places.crowd else None


def _running(queue: Any) -> list[Any]:
    return [event for job in queue.active_jobs if job for event in job]
