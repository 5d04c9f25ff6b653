"""The two lanes: who waits for whom."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar

import pytest
import torch

from ui.runtime.scheduler import NICENESS, Lanes, share_cores


def run(work) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def wait_until(condition) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.001)


def test_interactive_work_does_not_wait_for_a_long_step():
    lanes, begun, end = Lanes(), threading.Event(), threading.Event()

    def long_step() -> bool:
        begun.set()
        return end.wait(5)

    job = run(lambda: lanes.long(long_step))
    assert begun.wait(5)
    with lanes.interactive():
        assert job.is_alive()
    end.set()
    job.join(5)
    assert not job.is_alive()


def test_only_so_many_pieces_of_interactive_work_run_at_once():
    lanes, inside, entered, leave = Lanes(abreast=2), [], threading.Semaphore(0), threading.Event()

    def piece(number: int) -> None:
        with lanes.interactive():
            inside.append(number)
            entered.release()
            leave.wait(5)

    pieces = [run(lambda n=n: piece(n)) for n in range(3)]
    assert entered.acquire(timeout=5) and entered.acquire(timeout=5)
    assert not entered.acquire(timeout=0.1), "a third one entered"
    leave.set()
    for each in pieces:
        each.join(5)
    assert sorted(inside) == [0, 1, 2]


def test_long_jobs_take_turns_in_the_order_in_which_they_asked():
    lanes, order, end = Lanes(), [], threading.Event()
    jobs = [run(lambda: lanes.long(lambda: end.wait(5)))]
    for number in range(4):
        wait_until(lambda n=number: lanes._turn._taken and len(lanes._turn._waiting) == n)
        jobs.append(run(lambda n=number: lanes.long(lambda: order.append(n))))
    wait_until(lambda: len(lanes._turn._waiting) == 4)
    end.set()
    for each in jobs:
        each.join(5)
    assert order == [0, 1, 2, 3]


def test_no_two_long_steps_run_at_once():
    lanes, running, most = Lanes(), [], []

    def step() -> None:
        running.append(1)
        most.append(len(running))
        time.sleep(0.01)
        running.pop()

    jobs = [run(lambda: [lanes.long(step) for _ in range(3)]) for _ in range(4)]
    for each in jobs:
        each.join(10)
    assert max(most) == 1 and len(most) == 12


def test_a_long_step_of_many_pieces_lets_others_take_their_turn():
    lanes, order, asked = Lanes(), [], threading.Event()

    def pieces() -> None:
        order.append("first piece")
        asked.set()
        wait_until(lambda: lanes._turn._waiting)
        lanes.let_pass(1, 2)
        order.append("second piece")

    def other() -> None:
        asked.wait(5)
        lanes.long(lambda: order.append("other"))

    jobs = [run(lambda: lanes.long(pieces)), run(other)]
    for each in jobs:
        each.join(5)
    assert order == ["first piece", "other", "second piece"]


def test_a_failing_step_gives_its_turn_back():
    lanes = Lanes()

    def work() -> Iterator[int]:
        yield 1
        raise ValueError("the second step fails")

    with pytest.raises(ValueError, match="the second step"):
        list(lanes.steps(work()))
    assert lanes.long(lambda: 2) == 2


def test_a_long_step_knows_whose_it_is():
    whose, lanes = ContextVar("whose", default="nobody"), Lanes()
    whose.set("me")
    assert lanes.long(whose.get) == "me"


@pytest.mark.skipif(sys.platform != "linux", reason="threads have priorities of their own there")
def test_long_work_steps_back_and_nobody_else_does():
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    before = niceness()
    assert Lanes().long(niceness) == NICENESS
    assert niceness() == before


@pytest.mark.parametrize(
    ("resolution", "asked", "threads"), [(256, None, 1), (1024, None, 2), (256, "2", 2)]
)
def test_small_pictures_take_one_thread(resolution, asked, threads, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if asked:
        monkeypatch.setenv("OMP_NUM_THREADS", asked)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        share_cores(resolution)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
