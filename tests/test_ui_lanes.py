"""The two lanes: who waits for whom."""

import threading
import time
from collections.abc import Iterator

import pytest

from ui.lanes import Lanes


def wait_until(condition, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.001)


def test_waiting_interactive_work_goes_before_a_long_step():
    lanes, order = Lanes(patience=60), []

    def worker(lane: str) -> None:
        with getattr(lanes, lane)():
            order.append(lane)

    with lanes.interactive():
        long = threading.Thread(target=worker, args=["long"])
        long.start()
        time.sleep(0.02)
        quick = threading.Thread(target=worker, args=["interactive"])
        quick.start()
        wait_until(lambda: lanes._interactive_waiting == 1)
    long.join(5)
    quick.join(5)
    assert order == ["interactive", "long"]


def test_a_long_step_does_not_begin_between_the_frames_of_a_drag():
    lanes, order = Lanes(patience=60, breath=0.5), []

    def one_step() -> None:
        with lanes.long():
            order.append("long")

    with lanes.interactive():
        long = threading.Thread(target=one_step)
        long.start()
    time.sleep(0.05)  # the next frame is on its way
    with lanes.interactive():
        order.append("frame")
    long.join(5)
    assert order == ["frame", "long"]


def test_a_long_step_waits_for_what_is_on_its_way():
    lanes, coming, begun = Lanes(patience=60, breath=0.0), threading.Event(), threading.Event()
    coming.set()
    lanes.listen(coming.is_set)

    def one_step() -> None:
        with lanes.long():
            begun.set()

    threading.Thread(target=one_step, daemon=True).start()
    assert not begun.wait(0.1)
    coming.clear()
    assert begun.wait(5)


def test_a_long_step_loses_its_patience():
    lanes, stop, done = Lanes(patience=0.05), threading.Event(), threading.Event()

    def drag_all_day() -> None:
        while not stop.is_set():
            with lanes.interactive():
                time.sleep(0.002)

    def one_step() -> None:
        with lanes.long():
            done.set()

    threads = [threading.Thread(target=drag_all_day) for _ in range(3)]
    threads.append(threading.Thread(target=one_step))
    for thread in threads:
        thread.start()
    assert done.wait(5)
    stop.set()
    for thread in threads:
        thread.join(5)


def test_the_lock_is_free_between_steps_and_held_within():
    lanes = Lanes()

    def work() -> Iterator[bool]:
        for _ in range(3):
            yield lanes._busy

    held = []
    for busy in lanes.steps(work()):
        held.append(busy)
        assert not lanes._busy
        with lanes.interactive():
            assert lanes._busy
    assert held == [True] * 3


def test_a_long_step_of_many_pieces_lets_others_pass():
    lanes, order = Lanes(patience=60, breath=0.0), []

    def frame() -> None:
        with lanes.interactive():
            order.append("frame")

    with lanes.long() as let_pass:
        quick = threading.Thread(target=frame)
        quick.start()
        wait_until(lambda: lanes._interactive_waiting == 1)
        let_pass(1, 2)
        order.append("second piece")
        assert lanes._busy
    quick.join(5)
    assert order == ["frame", "second piece"]


def test_a_failing_step_gives_the_lock_back():
    lanes = Lanes()

    def work() -> Iterator[int]:
        yield 1
        raise ValueError

    with pytest.raises(ValueError):
        list(lanes.steps(work()))
    with lanes.interactive():
        assert lanes._busy
