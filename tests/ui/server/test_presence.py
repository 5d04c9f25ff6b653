"""Work ends where nobody waits for it any more, and places go round the addresses."""

import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from gradio.context import LocalContext

from tests.ui.runtime.test_scheduler import run, wait_until
from ui.runtime.scheduler import Lanes
from ui.server import presence
from ui.server.presence import Left, asker, presence_of


class Page:
    """Stands for Gradio's blocks with the events that it knows."""

    def __init__(self) -> None:
        self._queue = SimpleNamespace(event_ids_to_events={})

    def event(self, name: str, address: str = "10.0.0.1"):
        made = SimpleNamespace(
            _id=name, session_hash=f"session of {name}", alive=True, enqueue_time=time.monotonic(),
            request=SimpleNamespace(scope={"client": (address, 1)}),
        )  # fmt: skip
        self._queue.event_ids_to_events[name] = made
        presence_of(self).begun(made)
        return made


@pytest.fixture
def page():
    return Page()


@contextmanager
def working(page, name):
    """A handler's thread works for an event."""
    tokens = LocalContext.blocks.set(page), LocalContext.event_id.set(name)
    try:
        yield
    finally:
        LocalContext.blocks.reset(tokens[0])
        LocalContext.event_id.reset(tokens[1])


def test_what_nobody_asked_for_goes_on():
    assert asker().here and asker().address == ""
    assert Lanes().long(lambda: 1) == 1


def test_a_visitor_is_known_by_address_while_there(page):
    page.event("mine", "10.0.0.7")
    with working(page, "mine"):
        assert asker().here and asker().address == "address 10.0.0.7"


def closed(page):
    page._queue.event_ids_to_events["mine"].alive = False


def cancelled(page):
    del page._queue.event_ids_to_events["mine"]


@pytest.mark.parametrize("leave", [closed, cancelled])
def test_steps_end_once_their_visitor_has_left(page, leave):
    lanes, done = Lanes(), []
    page.event("mine")

    def steps():
        for number in range(100):
            done.append(number)
            yield number

    with working(page, "mine"):
        with pytest.raises(Left):
            for number in lanes.steps(steps()):
                if number == 2:
                    leave(page)
        with pytest.raises(Left), lanes.interactive():
            done.append("drawn for nobody")
    assert done == [0, 1, 2]
    assert lanes.long(lambda: "others go on") == "others go on"


def test_a_step_that_lets_others_pass_ends_there(page):
    lanes, done = Lanes(), []
    page.event("mine")

    def pieces():
        closed(page)
        lanes.let_pass()
        done.append("the second piece")

    with working(page, "mine"), pytest.raises(Left):
        lanes.long(pieces)
    assert not done and lanes.long(lambda: 1) == 1


def test_a_client_that_never_listens_has_left_after_a_while(page, monkeypatch):
    event = page.event("mine")
    with working(page, "mine"):
        assert asker().here, "it may be about to listen"
        event.enqueue_time -= presence.UNHEARD + 1
        assert not asker().here
        for name in (event.session_hash, event._id):  # a page listens by session, a program by call
            with presence_of(page).listening(name):
                assert asker().here
            assert not asker().here


def test_what_never_went_through_the_queue_is_nobodys_loss(page):
    with working(page, "an id that a client made up"):
        assert asker().here


def test_what_was_begun_is_remembered_within_bounds(page, monkeypatch):
    monkeypatch.setattr(presence, "REMEMBERED", 3)
    for number in range(5):
        page.event(str(number))
    known = [presence_of(page).has_begun(str(number)) for number in range(5)]
    assert known == [False, False, True, True, True]


def test_turns_go_round_the_addresses(page):
    lanes, order, end = Lanes(), [], threading.Event()

    def job(name: str, address: str, work):
        page.event(name, address)

        def go():
            with working(page, name):
                lanes.long(work)

        return run(go)

    jobs = [job("first", "10.0.0.1", lambda: end.wait(10))]
    wait_until(lambda: lanes._turn._taken)
    for number, (name, address) in enumerate(
        [("a1", "10.0.0.1"), ("a2", "10.0.0.1"), ("a3", "10.0.0.1"), ("b", "10.0.0.2")]
    ):
        jobs.append(job(name, address, lambda name=name: order.append(name)))
        wait_until(lambda n=number: len(lanes._turn._waiting) == n + 1)
    end.set()
    for each in jobs:
        each.join(10)
    assert order == ["b", "a1", "a2", "a3"], "who has had no turn yet comes first"
