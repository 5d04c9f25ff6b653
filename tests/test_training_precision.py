"""The trainers' arithmetic is what was measured to be faster, not what a processor claims."""

import os
import sys

import pytest
import torch
from pytest import MonkeyPatch

from training import precision


class Machine:
    """A clock, and work that takes as long as the machine needs for each kind of number."""

    def __init__(
        self, float32: float, bf16: float, disturbed: frozenset[int] = frozenset()
    ) -> None:
        self.now, self.calls, self.seconds = 0.0, 0, {False: float32, True: bf16}
        self.disturbed = disturbed  # calls that something else held up

    def clock(self) -> float:
        return self.now

    def work(self, reduced: bool) -> None:
        self.now += self.seconds[reduced] + (10.0 if self.calls in self.disturbed else 0.0)
        self.calls += 1


@pytest.mark.parametrize(("float32", "bf16", "faster"), [(4.0, 1.0, True), (1.0, 4.0, False)])
def test_the_faster_kind_is_found(float32: float, bf16: float, faster: bool) -> None:
    machine = Machine(float32, bf16)
    assert precision.is_faster(machine.work, machine.clock) is faster


def test_neither_a_first_call_nor_a_disturbance_decides() -> None:
    """The first call of each kind sets things up; later ones can be held up by others."""
    machine = Machine(2.0, 1.0, frozenset({1, 3, 5}))  # all of bf16 but its last
    assert precision.is_faster(machine.work, machine.clock)


def test_what_is_timed_is_a_convolution_forward_and_back_in_both_kinds(
    monkeypatch: MonkeyPatch,
) -> None:
    seen = []
    real = torch.nn.functional.conv2d

    def spied(x: torch.Tensor, *args: object, **facts: object) -> torch.Tensor:
        y = real(x, *args, **facts)
        seen.append(y.dtype)
        return y

    monkeypatch.setattr(precision.F, "conv2d", spied)
    precision.convolve(False)
    precision.convolve(True)
    assert seen == [torch.float32, torch.bfloat16]


@pytest.mark.parametrize("faster", [True, False])
def test_autocast_follows_the_measurement_made_once(monkeypatch: MonkeyPatch, faster: bool) -> None:
    asked = []
    monkeypatch.setattr(precision, "is_faster", lambda work: asked.append(work) or faster)
    precision.prefers_bf16.cache_clear()
    a = torch.ones(2, 2)
    with precision.autocast("cpu"):
        assert (a @ a).dtype == (torch.bfloat16 if faster else torch.float32)
    with precision.autocast(torch.device("cpu")):
        assert (a @ a).dtype == (torch.bfloat16 if faster else torch.float32)
    assert asked == [precision.convolve]
    precision.prefers_bf16.cache_clear()


def test_a_trainer_starts_itself_once_more_where_pages_are_not_kept(
    monkeypatch: MonkeyPatch,
) -> None:
    started = []
    monkeypatch.setattr(precision.os, "execve", lambda *args: started.append(args))
    monkeypatch.setattr(precision.sys, "platform", "linux")
    for name in precision.ALLOCATION:
        monkeypatch.delenv(name, raising=False)
    precision.keep_pages()
    program, command, environment = started.pop()
    assert (program, command) == (sys.executable, sys.orig_argv)
    assert precision.ALLOCATION.items() <= environment.items() and "PATH" in environment
    for name, value in precision.ALLOCATION.items():
        monkeypatch.setitem(os.environ, name, value)
    precision.keep_pages()
    assert not started
