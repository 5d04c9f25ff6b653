"""Stopping long work: the newest of a visitor's, also while it waits for its turn."""

from ui.runtime.cancellation import KEPT, Stops


def test_new_work_stops_the_old_and_visitors_do_not_stop_each_other():
    stops = Stops()
    old, other = stops.begin("a"), stops.begin("b")
    new = stops.begin("a")
    assert old.is_set() and not new.is_set()
    stops.stop("a")
    assert new.is_set() and not other.is_set()


def test_work_that_waits_for_its_turn_can_be_stopped():
    stops = Stops()
    before = stops.begin("a")
    stops.expect("a")
    assert before.is_set()
    stops.stop("a")
    assert stops.begin("a").is_set(), "it was stopped before it began"
    assert not stops.begin("a").is_set(), "the next one was not"


def test_what_is_remembered_is_bounded():
    stops = Stops()
    for number in range(3 * KEPT):
        stops.expect(str(number))
    assert len(stops._events) == KEPT >= len(stops._expected)
