"""Gradio's queue, as the page uses it: visitors overlap, the actions of one do not."""

import threading
from types import SimpleNamespace

import gradio as gr
import pytest
from gradio_client import Client

from ui.runtime.gradio_queue import (
    LANES,
    LONG_LANE,
    OVERLAPPING,
    QUICK_LANE,
    pending,
    save_work,
    share_places,
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
        share_places(blocks)
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


class Page:
    """Stands for Gradio's blocks: a queue with events that wait and run, as (visitor, address)."""

    def __init__(self, waiting, running, lane=QUICK_LANE) -> None:
        waits, runs = ([self.event(*each, lane) for each in each] for each in (waiting, running))
        queue = SimpleNamespace(queue=waits, current_concurrency=len(runs))
        self._queue = SimpleNamespace(
            event_queue_per_concurrency_id={lane: queue},
            active_jobs=[*([event] for event in runs), None],
            get_events=lambda: "as usual",
        )

    def event(self, who, address, lane):
        request = SimpleNamespace(scope={"client": (address, 1)})
        return SimpleNamespace(
            _id=f"{who} of {address}", session_hash=who, request=request, concurrency_id=lane
        )

    def next(self):
        """The visitor who is next; None where Gradio's own limit decides."""
        found = self._queue.get_events()
        return None if found == "as usual" else found[0][0].session_hash


def of_one(names: str, address: str = "10.0.0.1") -> list[tuple[str, str]]:
    return [(name, address) for name in names]


@pytest.mark.parametrize(
    ("waiting", "running", "taken"),
    [
        ("ab", "", "a"),
        ("ab", "a", "b"),  # a's next waits for a's last
        ("aa", "a", None),
        ("e", "0123"[:OVERLAPPING], None),
        ("", "a", None),
    ],
)
def test_the_next_quick_action_is_of_a_visitor_who_has_none_running(waiting, running, taken):
    page = Page(of_one(waiting), of_one(running))
    share_places(page)
    assert page.next() == taken
    left = len(waiting) + len(running) - (taken is not None)
    assert len(pending(page)) == left


@pytest.mark.parametrize("lane", list(LANES))
def test_an_address_that_holds_every_place_keeps_no_other_one_out(lane):
    places = LANES[lane]
    many = [f"tab {n}" for n in range(places.free + 4)]
    waiting = [*of_one(many[places.free :]), ("you", "10.0.0.2")]
    page = Page(waiting, of_one(many[: places.free]), lane)
    share_places(page)
    assert page.next() == "you", "the first of another address waits for nobody"
    assert page.next() is None, "and the first one's others wait for their own"


@pytest.mark.parametrize("lane", list(LANES))
def test_a_crowd_is_bounded(lane):
    crowd = [(f"visitor {n}", f"10.0.0.{n}") for n in range(LANES[lane].crowd)]
    page = Page([("one more", "10.0.1.1")], crowd, lane)
    share_places(page)
    assert page.next() is None


def test_long_work_goes_to_the_address_and_the_visitor_that_have_least():
    waiting = [("a", "10.0.0.1"), ("b", "10.0.0.1"), ("c", "10.0.0.2")]
    page = Page(waiting, [("a", "10.0.0.1")], LONG_LANE)
    share_places(page)
    assert [page.next() for _ in range(3)] == ["c", "b", "a"]
