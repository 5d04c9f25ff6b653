"""How often work that goes on shows itself."""

import pytest

from ui.runtime import throttle as showing
from ui.runtime.throttle import EVERY, PAUSE, Showing


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(showing, "monotonic", lambda: now[0])
    return now


def test_the_first_picture_is_due_at_once_and_the_next_after_a_while(clock):
    each = Showing()
    assert each.due()
    with each.shown():
        clock[0] += 0.01
    assert not each.due()
    clock[0] += EVERY * 0.9
    assert not each.due()
    clock[0] += EVERY * 0.2
    assert each.due()


def test_pictures_that_take_long_come_rarely(clock):
    each = Showing()
    with each.shown():
        clock[0] += 2.0
    clock[0] += 2.0 * PAUSE - 0.1
    assert not each.due()
    clock[0] += 0.2
    assert each.due()


def test_it_counts_from_a_generator_that_is_closed(clock):
    each = Showing()

    def work():
        with each.shown():
            yield 1

    going = work()
    next(going)
    clock[0] += 1.0
    going.close()
    assert not each.due()
