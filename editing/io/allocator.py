"""Memory: let the C library keep large blocks instead of giving them back after every tensor.

glibc maps every block from 32 MiB on anew and unmaps it when it is freed, so each large tensor pays
for its pages again: at 1024 px that is longer than the arithmetic on them. Kept blocks are reused.
It also gives every thread an arena of its own, and what one has kept is of no use to the others: a
server's dozens of threads share one.
"""

from __future__ import annotations

import ctypes
import gc
import mmap
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

M_TRIM_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -4, -8  # of malloc.h
KEPT = 2**31 - 1  # bytes of freed memory that stay until ``give_back``
WIDE = 512  # pixels a side from which on work leaves hundreds of megabytes behind
LARGE = 2**23  # numbers of a map whose makings are computed again instead of kept: 32 MiB


def keep_large_blocks() -> bool:
    """Tell the allocator of this process so; False where it is not glibc's.

    A process calls this once, when it begins: memory that it has used stays until ``give_back``.
    """
    mallopt = _glibc("mallopt")
    wanted = {M_MMAP_MAX: 0, M_TRIM_THRESHOLD: KEPT, M_ARENA_MAX: 1}
    return mallopt is not None and all(bool(mallopt(*each)) for each in wanted.items())


def keep_pages(module: Module, pages: mmap.mmap) -> None:
    """Remember the map of a file in which all weights of a module lie, for ``let_go``."""
    _pages[module] = pages


def let_go(module: Module) -> None:
    """Free what a module's weights take, where they lie in a map of their file.

    They are read from there again when the module is used next; a copy of the file that the system
    still has makes that fast.
    """
    pages = _pages.get(module)
    if pages is not None and hasattr(mmap, "MADV_DONTNEED"):
        pages.madvise(mmap.MADV_DONTNEED)


_pages: WeakKeyDictionary[Module, mmap.mmap] = WeakKeyDictionary()


def recomputed(function: Callable[..., Tensor], *inputs: Any) -> Tensor:
    """``function(*inputs)``; what a gradient needs of its makings is computed again for it.

    For a function that gives ``LARGE`` maps: a search at 1024 px keeps those between the layers
    alone. The results are the same.
    """
    import torch
    from torch.utils.checkpoint import checkpoint

    if not torch.is_grad_enabled():
        return function(*inputs)
    found: Tensor = checkpoint(function, *inputs, use_reentrant=False, preserve_rng_state=False)
    return found


def give_back() -> bool:
    """Return what is free to the system, between what is in use, too; False where it cannot.

    Work of several threads leaves holes between blocks that live longer, and what is kept grows by
    them. Finding the free pages takes some 10 ms, and taking them again a little longer.
    """
    trim = _glibc("malloc_trim")
    return trim is not None and bool(trim(0))


def tidy(resolution: int) -> None:
    """``give_back`` between two pieces of work on pictures of ``resolution`` pixels, if large.

    What one of them leaves free hardly fits the next, and would stand beside what that takes.
    """
    if resolution >= WIDE:
        gc.collect()  # a search's parts refer to each other
        give_back()


def _glibc(name: str) -> Any:
    """A function of this process's C library; None where that is not glibc."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        return getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError):
        return None
