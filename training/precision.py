"""Arithmetic and memory of the trainers: bfloat16 or float32 by measurement, and pages kept.

Some processors are four times faster with bfloat16, others four times slower though they have its
instructions, so what they claim decides nothing: a convolution is timed forward and back.
"""

from __future__ import annotations

import functools
import os
import sys
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F

SHAPE = (4, 64, 64, 64)  # of the pictures' maps: batch, channels, height, width
ROUNDS = 3  # of each kind, one after the other; the best counts
# Large blocks stay with the process once it has them. Either alone leaves most page faults.
ALLOCATION = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40)}


def convolve(reduced: bool) -> None:
    """One convolution of a trainer's size forward and back, in bfloat16 where ``reduced``."""
    x = torch.zeros(SHAPE).contiguous(memory_format=torch.channels_last).requires_grad_()
    weight = torch.zeros(SHAPE[1], SHAPE[1], 3, 3, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16, enabled=reduced):
        y = F.leaky_relu(F.conv2d(x, weight, padding=1), 0.2)
    torch.autograd.backward(y, torch.ones_like(y))


def is_faster(
    work: Callable[[bool], object], clock: Callable[[], float] = time.process_time
) -> bool:
    """Whether ``work(True)`` takes less time than ``work(False)``.

    Args:
        clock: seconds. The processor's own by default: other processes do not change it.
    """
    best = {False: float("inf"), True: float("inf")}
    for reduced in best:
        work(reduced)  # the first call sets up what the others find
    for _ in range(ROUNDS):
        for reduced in best:
            began = clock()
            work(reduced)
            best[reduced] = min(best[reduced], clock() - began)
    return best[True] < best[False]


@functools.cache
def prefers_bf16(kind: str) -> bool:
    """Whether networks are trained faster in bfloat16 on this kind of device; measured once."""
    if kind == "cpu":
        return is_faster(convolve)
    return kind == "cuda" and torch.cuda.is_bf16_supported()


def autocast(device: torch.device | str) -> torch.autocast:
    """The context of a trainer's forward pass: bfloat16 where that is faster, else float32."""
    kind = torch.device(device).type
    return torch.autocast(kind, torch.bfloat16, enabled=prefers_bf16(kind))


def keep_pages() -> None:
    """Start this program once more with an allocator that keeps large blocks; call it first.

    By default glibc gives every large block back to the system and has it zeroed anew, step after
    step. The setting is read when a program starts, so it cannot be changed from within.
    """
    if sys.platform == "linux" and not os.environ.keys() & ALLOCATION.keys():
        os.execve(sys.executable, sys.orig_argv, os.environ | ALLOCATION)
