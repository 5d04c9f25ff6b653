"""Memory: let the C library keep large blocks instead of giving them back after every tensor.

glibc maps every block from 32 MiB on anew and unmaps it when it is freed, so each large tensor pays
for its pages again: at 1024 px that is longer than the arithmetic on them. Kept blocks are reused.
It also gives every thread an arena of its own, and what one has kept is of no use to the others: a
server's dozens of threads share one.
"""

import ctypes
import sys
from typing import Any

M_TRIM_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -4, -8  # of malloc.h
KEPT = 2**31 - 1  # bytes of freed memory that stay until ``give_back``


def keep_large_blocks() -> bool:
    """Tell the allocator of this process so; False where it is not glibc's.

    A process calls this once, when it begins: memory that it has used stays until ``give_back``.
    """
    mallopt = _glibc("mallopt")
    wanted = {M_MMAP_MAX: 0, M_TRIM_THRESHOLD: KEPT, M_ARENA_MAX: 1}
    return mallopt is not None and all(bool(mallopt(*each)) for each in wanted.items())


def give_back() -> bool:
    """Return what is free to the system, between what is in use, too; False where it cannot.

    Work of several threads leaves holes between blocks that live longer, and what is kept grows by
    them. Finding the free pages takes some 10 ms, and taking them again a little longer.
    """
    trim = _glibc("malloc_trim")
    return trim is not None and bool(trim(0))


def _glibc(name: str) -> Any:
    """A function of this process's C library; None where that is not glibc."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        return getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError):
        return None
