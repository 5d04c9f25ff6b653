"""Latents: W+ of optimisers and encoders, W, Z, and StyleCLIP's lists of styles.

[18, 512] of Puzer-style tools, [1, 18, 512] of StyleGAN_LatentEditor and PTI, [N, 18, 512] of
StyleCLIP and idinvert, [N, 512] of InterFaceGAN, ``projected_w.npz`` of NVIDIA, ReStyle's dict by
file name (the last of its steps), rosinality's projector, one array of styles per layer, or any of
them in a list or beside other arrays. Which array it is and what its axes are, ``latent_shapes``
says, with the generator at hand.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from editing.formats.arrays import Array, plain
from editing.formats.directions import numbers
from editing.formats.pickles import Refused
from editing.formats.torch_files import StoredTensor

MAX_ROWS = 64  # of ws
MIN_WIDTH, MAX_WIDTH = 4, 4096  # of w
MAX_AXES = 4
FEWEST_LAYERS = 5  # of a list of styles: 8 px
MAX_BESIDE = 16  # arrays in a file of latents
# What programs call the array of latents, the likeliest first.
KEYS = ("w", "ws", "w_plus", "wp", "w+", "latent", "latents", "latent_code", "latent_codes",
        "dlatent", "dlatents", "code", "codes", "z")  # fmt: skip


@dataclass(frozen=True, eq=False)
class ForeignLatents:
    """Latents of another system: ``arrays`` or ``styles``, one of them."""

    system: str
    names: tuple[str, ...] = ()  # of each latent, or empty
    arrays: Mapping[str, Array] = field(default_factory=dict)  # as stored, float32, by key; one: ""
    styles: tuple[Array, ...] = ()  # per layer in the order of the generator's, [N, C]


def find_latents(content: Any) -> ForeignLatents | None:
    """The latents in what ``read_content`` gave; None if it is another kind of file.

    Raises:
        Refused: it is such a file, but its numbers are no latents.
    """
    if isinstance(content, StoredTensor):
        content = numbers(content)
    content = plain(content)
    if isinstance(content, np.ndarray):
        return _single("a latent array", content)
    if isinstance(content, list | tuple):
        return _from_list(content)
    if not isinstance(content, dict) or not content:
        return None
    if set(content) == {"w"} and _is_array(content["w"]):
        return _single("NVIDIA projector", numbers(content["w"]))
    values = list(content.values())
    if all(isinstance(v, dict) and {"latent", "noise"} <= set(v) for v in values):
        return _named({k: numbers(v["latent"]) for k, v in content.items()}, "rosinality")
    if all(isinstance(v, list | tuple) and v for v in values):
        steps = {k: v[-1] for k, v in content.items()}
        if all(_is_array(v) for v in steps.values()):
            return _named({k: numbers(v) for k, v in steps.items()}, "ReStyle")
    if not any(str(key).lower() in KEYS for key in content) and all(
        isinstance(v, np.ndarray) and v.ndim in (2, 3) for v in values
    ):
        return _named(content, "HyperStyle or ReStyle")
    return _beside(content)


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray | StoredTensor)


def _named(arrays: Mapping[Any, Array], system: str) -> ForeignLatents | None:
    """One latent per file name."""
    single = {str(k): a if a.ndim < 3 else a[-1] for k, a in arrays.items()}
    rows = [np.atleast_2d(a) for a in single.values()]
    if len({a.shape for a in rows}) != 1 or rows[0].ndim != 2 or not _fits(rows[0]):
        return None
    return ForeignLatents(system, tuple(single), {"": _finite(np.stack(rows))})


def _single(system: str, array: Array) -> ForeignLatents | None:
    return ForeignLatents(system, (), {"": _finite(array)}) if _fits(array) else None


def _beside(content: Mapping[Any, Any]) -> ForeignLatents | None:
    """The arrays among other things in a dict that is no state dict."""
    if len(content) > MAX_BESIDE or any("." in str(key) for key in content):
        return None
    opened = {
        str(key): v[0] if isinstance(v, list | tuple) and len(v) == 1 else v
        for key, v in content.items()
    }
    arrays = {key: numbers(v) for key, v in opened.items() if _is_array(v) and _is_float(v)}
    known = any(key.lower() in KEYS for key in arrays)
    found = {key: _finite(a) for key, a in arrays.items() if _fits(a) and (known or a.ndim > 1)}
    return ForeignLatents("an array beside others", (), found) if found else None


def _is_float(value: Any) -> bool:
    if isinstance(value, StoredTensor):
        return value.dtype.is_floating_point
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def _fits(array: Array) -> bool:
    """Whether an array could hold latents of some generator."""
    if array.dtype.kind != "f" or not array.size or not 1 <= array.ndim <= MAX_AXES:
        return False
    rows = array.shape[-2] if array.ndim > 2 else 1
    most = MAX_WIDTH if rows > 1 else MAX_WIDTH * MAX_ROWS
    return rows <= MAX_ROWS and MIN_WIDTH <= array.shape[-1] <= most


def _from_list(content: list[Any] | tuple[Any, ...]) -> ForeignLatents | None:
    """Latents of one shape, or styles: arrays [N, C] or [C] per layer, perhaps behind a list of the
    layers' names."""
    layers = content
    if len(content) == 2 and isinstance(content[0], list) and isinstance(content[1], list):
        if not all(isinstance(name, str) for name in content[0]):
            return None
        layers = content[1]
    if not layers or not all(_is_array(v) for v in layers):
        return None
    arrays = [np.asarray(numbers(v), np.float32) for v in layers]
    if len({a.shape for a in arrays}) == 1:
        return _single("a list of latents", _stacked(arrays))
    if len(layers) < FEWEST_LAYERS:
        return None
    arrays = [a.reshape(-1, a.shape[-1]) if a.ndim else a for a in arrays]
    if any(a.ndim != 2 or not a.size for a in arrays) or len({len(a) for a in arrays}) != 1:
        raise Refused("its styles are not one row of numbers per latent and layer")
    return ForeignLatents("StyleCLIP", styles=tuple(_finite(a) for a in arrays))


def _stacked(arrays: list[Array]) -> Array:
    """One array of latents as it is; several along their first axis, which may be there already."""
    if len(arrays) == 1:
        return arrays[0]
    if arrays[0].ndim > 1 and len(arrays[0]) == 1:
        return np.concatenate(arrays)
    return np.stack(arrays)


def _finite(array: Array) -> Array:
    """float32, writable.

    Raises:
        Refused: numbers that are not finite.
    """
    array = array.astype(np.float32)
    if not np.isfinite(array).all():
        raise Refused("it has latents that are not finite")
    return array
