"""How events run: their queues, what Gradio shows meanwhile, and what tabs need of the page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ui.runtime.gradio_queue import LONG_LANE, QUICK_LANE, SHORT_LANE

# One interactive action of a visitor at a time, so that they never overtake each other; the limit
# is for all visitors until ``share_places`` lifts it.
INTERACTIVE: dict[str, Any] = {
    "concurrency_id": QUICK_LANE,
    "concurrency_limit": 1,
    "show_progress": "hidden",
}
# Gradio drops what is triggered while the same handler runs. Of pictures the last one counts,
# of a visitor's actions every one.
LAST: dict[str, Any] = {"trigger_mode": "always_last"}
EVERY: dict[str, Any] = {"trigger_mode": "multiple"}
LONG: dict[str, Any] = {"concurrency_id": LONG_LANE, "concurrency_limit": 4}
SHORT: dict[str, Any] = {"concurrency_id": SHORT_LANE, "concurrency_limit": 3}
MEASURE: dict[str, Any] = {
    "concurrency_id": "measure",
    "concurrency_limit": 1,
    "show_progress": "hidden",
}
PRIVATE: dict[str, Any] = {"api_visibility": "private", "api_name": "ui"}
INSTANT: dict[str, Any] = {"queue": False, "show_progress": "hidden", **PRIVATE}

Action = Callable[..., Any]  # trigger, handler, inputs, api_name -> the event, session drawn after


@dataclass(frozen=True)
class Wire:
    """How the page runs things: see ``ui.page``."""

    action: Action  # an instant change of the session
    then_show: Action  # draws the session after an event
    interactive: dict[str, Any]
    long: dict[str, Any]
    private: dict[str, Any]
    instant: dict[str, Any]
