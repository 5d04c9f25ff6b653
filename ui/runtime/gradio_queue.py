"""What the page needs of Gradio and its queue, and Gradio has no public way to ask or say."""

import sys
from collections.abc import Callable
from typing import Any

LONG_LANE = "long"  # the concurrency id of searches, films and the like
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


def overlap_visitors(blocks: Any) -> None:
    """Let quick actions of different visitors overlap; those of one still go one by one.

    An action reads its visitor's session first and writes it last, so two of one visitor must not
    run at once. Gradio's limit of one at a time guards that, but for all visitors together: while
    a picture travels to one of them, nobody's next is drawn. This takes events out of the lane
    before Gradio looks, which on its own goes on to take one where nobody is busy.
    """
    queue = blocks._queue
    usual: Callable[[], Any] = queue.get_events

    def get_events() -> Any:
        lane = queue.event_queue_per_concurrency_id.get(QUICK_LANE)
        if lane and lane.queue and lane.current_concurrency < OVERLAPPING:
            quick = (event for event in _running(queue) if event.concurrency_id == QUICK_LANE)
            busy = {event.session_hash for event in quick}
            ready = next((e for e in lane.queue if e.session_hash not in busy), None)
            if ready is not None:
                lane.queue.remove(ready)
                return [ready], False, QUICK_LANE
        return usual()

    queue.get_events = get_events


def _running(queue: Any) -> list[Any]:
    return [event for job in queue.active_jobs if job for event in job]
