"""Latents: W+ of optimisers and encoders, W, and StyleCLIP's lists of styles.

[18, 512] of Puzer-style tools, [1, 18, 512] of StyleGAN_LatentEditor and PTI, [N, 18, 512] of
StyleCLIP and idinvert, ``projected_w.npz`` of NVIDIA, ReStyle's dict by file name (the last of its
steps), rosinality's projector, or one array of styles per layer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from editing.models.formats.containers.numpy_files import Array, plain
from editing.models.formats.containers.pickles import Refused
from editing.models.formats.containers.torch_files import StoredTensor
from editing.models.formats.directions import numbers

MAX_ROWS = 64  # of ws
MIN_WIDTH, MAX_WIDTH = 4, 4096  # of w
FEWEST_LAYERS = 5  # of a list of styles: 8 px


@dataclass(frozen=True, eq=False)
class ForeignLatents:
    """Latents of another system: ``ws`` or ``styles``, one of them."""

    system: str
    names: tuple[str, ...]  # of each, or empty
    ws: Array | None = None  # [N, num_ws, w_dim], or [N, 1, w_dim] in W; float32
    styles: tuple[Array, ...] = ()  # per layer in the order of the generator's, [N, C]

    @property
    def count(self) -> int:
        return len(self.ws) if self.ws is not None else len(self.styles[0])


def find_latents(content: Any) -> ForeignLatents | None:
    """The latents in what ``read_content`` gave; None if it is another kind of file.

    Raises:
        Refused: it is such a file, but its numbers are no latents.
    """
    if isinstance(content, StoredTensor):
        content = content.load().float().numpy()
    content = plain(content)
    if isinstance(content, np.ndarray):
        return _from_array("a latent array", content)
    if isinstance(content, list | tuple):
        return _from_list(content)
    if not isinstance(content, dict):
        return None
    if set(content) == {"w"}:
        return _from_array("NVIDIA projector", numbers(content["w"]))
    values = list(content.values())
    if values and all(isinstance(v, dict) and {"latent", "noise"} <= set(v) for v in values):
        return _named(content, {k: numbers(v["latent"]) for k, v in content.items()}, "rosinality")
    if values and all(isinstance(v, list | tuple) and v for v in values):
        steps = {k: v[-1] for k, v in content.items()}
        if all(isinstance(v, np.ndarray | StoredTensor) for v in steps.values()):
            return _named(content, {k: numbers(v) for k, v in steps.items()}, "ReStyle")
    if values and all(isinstance(v, np.ndarray) and v.ndim in (2, 3) for v in values):
        return _named(content, content, "HyperStyle or ReStyle")
    return None


def _named(
    content: Mapping[Any, Any], arrays: Mapping[Any, Array], system: str
) -> ForeignLatents | None:
    """One latent per file name."""
    single = {str(k): a if a.ndim < 3 else a[-1] for k, a in arrays.items()}
    rows = [np.atleast_2d(a) for a in single.values()]
    if len({a.shape for a in rows}) != 1 or rows[0].ndim != 2 or not _fits(rows[0].shape):
        return None
    return ForeignLatents(system, tuple(single), _finite(np.stack(rows)))


def _fits(shape: tuple[int, ...]) -> bool:
    return 1 <= shape[-2] <= MAX_ROWS and MIN_WIDTH <= shape[-1] <= MAX_WIDTH


def _from_array(system: str, array: Array) -> ForeignLatents | None:
    if array.dtype.kind != "f" or array.ndim not in (2, 3) or not array.size:
        return None
    if array.ndim == 2:  # rows of one latent, unless there are too many
        array = array[None] if len(array) <= MAX_ROWS else array[:, None]
    if not _fits(array.shape):
        return None
    return ForeignLatents(system, (), _finite(array))


def _from_list(content: list[Any] | tuple[Any, ...]) -> ForeignLatents | None:
    """Styles: arrays [N, C] or [C] per layer, perhaps behind a list of the layers' names."""
    layers = content
    if len(content) == 2 and isinstance(content[0], list) and isinstance(content[1], list):
        if not all(isinstance(name, str) for name in content[0]):
            return None
        layers = content[1]
    if len(layers) < FEWEST_LAYERS or not all(
        isinstance(v, np.ndarray | StoredTensor) for v in layers
    ):
        return None
    arrays = [np.asarray(numbers(v), np.float32) for v in layers]
    arrays = [a.reshape(-1, a.shape[-1]) if a.ndim else a for a in arrays]
    if any(a.ndim != 2 or not a.size for a in arrays) or len({len(a) for a in arrays}) != 1:
        raise Refused("its styles are not one row of numbers per latent and layer")
    return ForeignLatents("StyleCLIP", (), styles=tuple(_finite(a) for a in arrays))


def _finite(array: Array) -> Array:
    """float32, writable.

    Raises:
        Refused: numbers that are not finite.
    """
    array = array.astype(np.float32)
    if not np.isfinite(array).all():
        raise Refused("it has latents that are not finite")
    return array
