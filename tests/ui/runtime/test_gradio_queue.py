"""Gradio's queue, as the page uses it: visitors overlap, the actions of one do not."""

import threading
from types import SimpleNamespace

import gradio as gr
import pytest
from gradio_client import Client

from ui.runtime.gradio_queue import (
    OVERLAPPING,
    QUICK_LANE,
    overlap_visitors,
    pending,
    save_work,
    track_no_spinners,
)


class Together:
    """A handler that notes who is in it at the same time."""

    def __init__(self, wait_for: int) -> None:
        self.inside: list[str] = []
        self.most, self.wait_for, self.full = 0, wait_for, threading.Event()
        self.lock = threading.Lock()

    def __call__(self, number: float, request: gr.Request) -> float:
        who = str(request.session_hash)
        with self.lock:
            assert who not in self.inside, "two actions of one visitor at once"
            self.inside.append(who)
            self.most = max(self.most, len(self.inside))
            if len(self.inside) == self.wait_for:
                self.full.set()
        self.full.wait(0.5)
        with self.lock:
            self.inside.remove(who)
        return number


@pytest.fixture
def served():
    """(handler, new client) of a page with one quick action."""
    pages = []

    def serve(wait_for: int):
        handler = Together(wait_for)
        with gr.Blocks() as blocks:
            box, button = gr.Number(), gr.Button()
            button.click(
                handler, box, box, api_name="act", concurrency_id=QUICK_LANE, concurrency_limit=1
            )
        blocks.queue()
        overlap_visitors(blocks)
        save_work(blocks)
        _, url, _ = blocks.launch(prevent_thread_lock=True, quiet=True)
        pages.append(blocks)
        return handler, lambda: Client(url, verbose=False)

    serve.pages = pages
    yield serve
    for page in pages:
        page.close()


def test_quick_actions_of_different_visitors_overlap(served):
    handler, client = served(wait_for=2)
    jobs = [client().submit(n, api_name="/act") for n in range(2)]
    assert [job.result(timeout=30) for job in jobs] == [0, 1]
    assert handler.full.is_set() and handler.most == 2


def test_those_of_one_visitor_run_one_by_one(served):
    handler, client = served(wait_for=99)
    me = client()
    jobs = [me.submit(n, api_name="/act") for n in range(4)]
    assert [job.result(timeout=30) for job in jobs] == [0, 1, 2, 3]
    assert handler.most == 1


def test_past_events_are_neither_kept_nor_summed_up(served):
    _, client = served(wait_for=1)
    me, queue = client(), served.pages[0]._queue
    for number in range(3):
        assert me.predict(number, api_name="/act") == number
    assert len(queue.event_analytics) == 1
    assert queue.cached_event_analytics_summary == {"functions": {}}


def test_the_browser_keeps_no_account_of_spinners_that_are_never_shown():
    with gr.Blocks() as blocks:
        box, button = gr.Number(), gr.Button()
        button.click(abs, box, box, show_progress="hidden")
        button.click(abs, box, box, show_progress="hidden", show_progress_on=[button])
        button.click(abs, box, box)
    track_no_spinners(blocks)
    found = [each["show_progress_on"] for each in blocks.get_config_file()["dependencies"]]
    assert found == [[], [button._id], None]


def queue_of(waiting: list[str], running: list[str]) -> SimpleNamespace:
    events = [SimpleNamespace(session_hash=who, concurrency_id=QUICK_LANE) for who in waiting]
    jobs = [[SimpleNamespace(session_hash=who, concurrency_id=QUICK_LANE)] for who in running]
    lane = SimpleNamespace(queue=events, current_concurrency=len(jobs))
    return SimpleNamespace(
        event_queue_per_concurrency_id={QUICK_LANE: lane},
        active_jobs=[*jobs, None],
        get_events=lambda: "as usual",
    )


@pytest.mark.parametrize(
    ("waiting", "running", "taken"),
    [
        (["a", "b"], [], "a"),
        (["a", "b"], ["a"], "b"),  # a's next waits for a's last
        (["a", "a"], ["a"], None),
        (["e"], [f"{n}" for n in range(OVERLAPPING)], None),
        ([], ["a"], None),
    ],
)
def test_the_next_quick_action_is_of_a_visitor_who_has_none_running(waiting, running, taken):
    blocks = SimpleNamespace(_queue=queue_of(waiting, running))
    overlap_visitors(blocks)
    found = blocks._queue.get_events()
    if taken is None:
        assert found == "as usual"  # Gradio's own limit holds this lane back
        assert len(pending(blocks)) == len(waiting) + len(running)
    else:
        (event,), batch, lane = found
        assert (event.session_hash, batch, lane) == (taken, False, QUICK_LANE)
        assert len(pending(blocks)) == len(waiting) + len(running) - 1
