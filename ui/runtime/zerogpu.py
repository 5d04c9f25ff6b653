"""ZeroGPU of Hugging Face: a GPU that is there only inside decorated calls, each in a fork.

Outside of them torch says that there is CUDA and cannot use it, so the studio stays on the
processor. What goes over is whole in itself: it takes plain values, opens a domain of its own on
the GPU, and yields tensors on the processor; nothing that it changes there is seen here.
"""

import os
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
SECONDS = 60  # that one call may hold the GPU


def on_zero_gpu() -> bool:
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "true")


def home_device(asked: str) -> str:
    """Where the studio itself computes."""
    return "cpu" if on_zero_gpu() and asked == "auto" else asked


def on_gpu(function: F) -> F:
    """``function`` as a call that gets a GPU, where the package spaces is there to give one."""
    try:
        import spaces
    except ImportError:
        return function
    decorated: F = spaces.GPU(duration=SECONDS)(function)
    return decorated


def seen_seeds(folder: str, count: int) -> Iterator[Any]:
    """``ranking.see_seeds`` of the first seeds; ``folder`` is the domain's."""
    from editing.models.domain import open_domain
    from editing.text.search import see_seeds

    yield from see_seeds(open_domain(folder, "auto"), range(count))
