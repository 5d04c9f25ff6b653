"""Directions: InterFaceGAN, idinvert, e4e and PTI, GANSpace, Editing-Out-of-Domain, rosinality.

Most are bare arrays. What their numbers do not tell (the family, Z or W) is taken from how their
makers name files, and stays unknown where the name says nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from editing.formats.arrays import Array, plain
from editing.formats.pickles import Refused
from editing.formats.torch_files import StoredTensor

UNIT = 1e-2  # how far from 1 the norm of a unit vector may be
LONGEST = 5.0  # mean norm of a row of a direction that is no unit vector; a w is longer
MIN_WIDTH = 4  # numbers of a vector
PCA = ("comp", "mean", "std")  # e4e's names; GANSpace's begin with "lat_"
# {model}_{attribute}[_c_{conditions}][_w]_boundary
INTERFACEGAN = re.compile(r"(stylegan\d?|pggan)_[a-z]+_(.+?)(_w)?_boundary$")
FAMILIES = {"stylegan": "stylegan1", "stylegan2": "stylegan2", "stylegan3": "stylegan3"}


@dataclass(frozen=True, eq=False)
class ForeignDirection:
    """A direction of another system: movement is alpha·step·strengths·vector."""

    name: str
    vector: Array  # [w_dim] or [num_ws, w_dim], unit rows
    layers: tuple[int, ...] | None = None
    step: float = 1.0
    strengths: tuple[float, ...] = ()  # per row of ws
    origin: float | None = None  # n·mean, from where absolute coordinates count
    anchor: int | None = None  # the row whose coordinate counts for all; None = each its own


@dataclass(frozen=True, eq=False)
class ForeignDirections:
    """What a file of directions holds; None = the file does not say."""

    system: str
    directions: tuple[ForeignDirection, ...]
    family: str | None
    space: str | None


def find_directions(content: Any, stem: str) -> ForeignDirections | None:
    """The directions in what ``read_content`` gave; None if it is another kind of file.

    Args:
        stem: of the file's name.

    Raises:
        Refused: it is such a file, but its numbers are no directions.
    """
    if isinstance(content, dict):
        return _from_dict(content, stem)
    if isinstance(content, StoredTensor):
        return _from_array(content.load().float().numpy(), stem, from_torch=True)
    array = plain(content)
    return _from_array(array, stem, from_torch=False) if isinstance(array, np.ndarray) else None


def _from_dict(content: Mapping[Any, Any], stem: str) -> ForeignDirections | None:
    if "boundary" in content and "meta_data" in content:
        return _idinvert(content, stem)
    if "eigvec" in content:
        return _factor(content)
    for prefix in ("", "lat_"):
        names = [prefix + name.replace("std", "stdev" if prefix else "std") for name in PCA]
        if all(name in content for name in names):
            comp, mean, std = (numbers(content[name]).astype(np.float64) for name in names)
            return _components(comp, mean, std, stem, bool(prefix))
    return None


def numbers(value: Any) -> Array:
    """A tensor or array of a file as an array.

    Raises:
        Refused: it is something else.
    """
    array = value.load().float().numpy() if isinstance(value, StoredTensor) else plain(value)
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        raise Refused(f"it has a {type(value).__name__} where numbers belong")
    return array


def _units(name: str, array: Array) -> Array:
    """[..., D] -> float64 with rows of length 1.

    Raises:
        Refused: a row is zero or not finite.
    """
    array = array.astype(np.float64)
    norms = np.linalg.norm(array, axis=-1, keepdims=True)
    if not np.isfinite(array).all() or array.shape[-1] < MIN_WIDTH or (norms < 1e-12).any():
        raise Refused(f"the vector of {name} is zero, too short or not finite")
    units: Array = array / norms
    return units


def _idinvert(content: Mapping[Any, Any], stem: str) -> ForeignDirections:
    array = numbers(content["boundary"])
    facts = content["meta_data"] if isinstance(content["meta_data"], dict) else {}
    if array.ndim != 3 or len(array) != 1:
        raise Refused(f"its boundary is {list(array.shape)}, not [1, layers, numbers]")
    layers = facts.get("manipulate_layers")
    rows = None
    if layers:
        rows = tuple(sorted(int(row) for row in np.atleast_1d(np.asarray(plain(layers)))))
        if not 0 <= rows[0] <= rows[-1] < array.shape[1]:
            raise Refused(f"it moves the layers {list(rows)[:20]}, but has {array.shape[1]}")
    direction = ForeignDirection(stem, _units(stem, array[0]), rows)
    return ForeignDirections("idinvert", (direction,), "stylegan1", "w")


def _factor(content: Mapping[Any, Any]) -> ForeignDirections:
    """rosinality's closed-form factorisation: directions are columns."""
    vectors = numbers(content["eigvec"])
    if vectors.ndim != 2 or vectors.shape[1] > 4096:
        raise Refused(f"its eigvec is {list(vectors.shape)}, not a matrix")
    found = tuple(
        ForeignDirection(f"factor {i}", _units(f"factor {i}", column))
        for i, column in enumerate(vectors.T)
    )
    return ForeignDirections("rosinality closed_form_factorization", found, "stylegan2", "w")


def _components(
    comp: Array, mean: Array, std: Array, stem: str, published: bool
) -> ForeignDirections:
    """GANSpace: alpha counts standard deviations, and may be absolute."""
    rows, mean, std = comp.reshape(len(comp), -1), mean.reshape(-1), std.reshape(-1)
    if rows.shape != (len(std), len(mean)) or not (np.isfinite(std).all() and (std > 0).all()):
        raise Refused("its components, mean and deviations do not fit each other")
    lengths = np.linalg.norm(rows, axis=1)
    units = _units("the components", rows)
    anchor = None if published else 0  # e4e's own edit reads row 0, and changes all rows alike
    found = tuple(
        ForeignDirection(
            f"pca {i}", n, step=float(s * length), origin=float(n @ mean), anchor=anchor
        )
        for i, (n, s, length) in enumerate(zip(units, std, lengths, strict=True))
    )
    if not published:
        return ForeignDirections("GANSpace (e4e)", found, "stylegan2", "w")
    return ForeignDirections("GANSpace", found, FAMILIES.get(stem.lower().partition("-")[0]), "w")


def _from_array(array: Array, stem: str, from_torch: bool) -> ForeignDirections | None:
    """A bare vector, or one per row of ws, unless its numbers are those of latents."""
    if array.dtype.kind != "f" or array.ndim not in (1, 2, 3) or array.shape[-1] < MIN_WIDTH:
        return None
    rows = array.reshape(-1, array.shape[-1])
    norms = np.linalg.norm(rows.astype(np.float64), axis=1)
    if len(rows) > 64 or (array.ndim == 3 and len(array) != 1):
        return None
    if len(rows) and np.isfinite(norms).all() and (np.abs(norms - 1) < UNIT).all():
        vector = _units(stem, rows[0] if len(rows) == 1 else rows)
        if from_torch:
            return ForeignDirections("e4e or PTI", (ForeignDirection(stem, vector),),
                                     "stylegan2", "w")  # fmt: skip
        name, family, space = _interfacegan(stem)
        return ForeignDirections("InterFaceGAN", (ForeignDirection(name, vector),), family, space)
    if len(rows) > 1 and array.dtype == np.float64 and norms.mean() < LONGEST:
        strengths = tuple((norms / np.linalg.norm(norms)).tolist())
        direction = ForeignDirection(stem, _units(stem, rows), strengths=strengths)
        return ForeignDirections("Editing-Out-of-Domain", (direction,), "stylegan2", "w")
    return None


def _interfacegan(stem: str) -> tuple[str, str | None, str | None]:
    """Name, family and space by InterFaceGAN's way of naming files."""
    match = INTERFACEGAN.search(stem.lower())
    if match is None:
        return stem, None, None
    return match[2], FAMILIES.get(match[1], match[1]), "w" if match[3] else "z"
