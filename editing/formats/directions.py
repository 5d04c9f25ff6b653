"""Directions: InterFaceGAN, idinvert, e4e and PTI, GANSpace, rosinality, and bare arrays.

Vectors come out as they are stored: their length is data. What their numbers do not tell (the
family, Z or W) is taken from how their makers name files, and stays unknown where the name says
nothing. An array of which nothing says whether it holds directions or latents is told by its
numbers where that is possible: rows of length 1, or of zeros, are directions.
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
SMALL = 0.25  # root mean square of a row below which it may be a direction's; a w is larger
MIN_WIDTH = 4  # numbers of a vector
ROWS = range(4, 21, 2)  # of ws, of generators of 8 to 2048 px
HUGE = 1e30  # numbers whose squares are finite
MAX_PACK = 4096  # directions in one array
PCA = ("comp", "mean", "std")  # e4e's names; GANSpace's begin with "lat_"
# {model}_{attribute}[_c_{conditions}][_w]_boundary
INTERFACEGAN = re.compile(r"(stylegan\d?|pggan)_[a-z]+_(.+?)(_w)?_boundary$")
FAMILIES = {"stylegan": "stylegan1", "stylegan2": "stylegan2", "stylegan3": "stylegan3"}


@dataclass(frozen=True, eq=False)
class ForeignDirection:
    """A direction of another system: movement is alpha·step·vector."""

    name: str
    vector: Array  # [w_dim] or [num_ws, w_dim], as stored
    layers: tuple[int, ...] | None = None
    step: float = 1.0
    origin: float | None = None  # n·mean, from where absolute coordinates count
    anchor: int | None = None  # the row whose coordinate counts for all; None = each its own


@dataclass(frozen=True, eq=False)
class ForeignDirections:
    """What a file of directions holds; None = the file does not say."""

    system: str
    directions: tuple[ForeignDirection, ...]
    family: str | None
    space: str | None
    sure: bool = True  # False: its numbers could be latents as well


def find_directions(
    content: Any, stem: str, meant: bool = False, num_ws: int | None = None
) -> ForeignDirections | None:
    """The directions in what ``read_content`` gave; None if it is another kind of file.

    Args:
        stem: of the file's name.
        meant: somebody says that it holds directions; else what are latents by their size is none.
        num_ws: rows of the generator at hand. An array of as many, or of as many as a generator
            of another size has, is one direction with a vector for each.

    Raises:
        Refused: it is such a file, but its numbers are no directions.
    """
    if isinstance(content, dict):
        return _from_dict(content, stem)
    if isinstance(content, StoredTensor):
        return _from_array(numbers(content), stem, True, meant, num_ws)
    array = plain(content)
    if not isinstance(array, np.ndarray):
        return None
    return _from_array(array, stem, False, meant, num_ws)


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
    return _pack(content)


def _pack(content: Mapping[Any, Any]) -> ForeignDirections | None:
    """Directions by name: arrays of one shape, all of them unmistakable."""
    if not content or not all(isinstance(v, np.ndarray | StoredTensor) for v in content.values()):
        return None
    arrays = {str(name): _rows(numbers(value)) for name, value in content.items()}
    if len({a.shape if a is not None else None for a in arrays.values()}) != 1:
        return None
    found = tuple(
        _of_rows(name, rows)
        for name, rows in arrays.items()
        if rows is not None and kind_of(rows) == "directions"
    )
    if len(found) != len(arrays):
        return None
    return ForeignDirections("a pack of directions", found, None, None)


def numbers(value: Any) -> Array:
    """A tensor or array of a file as an array.

    Raises:
        Refused: it is something else.
    """
    array = value.load().float().numpy() if isinstance(value, StoredTensor) else plain(value)
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        raise Refused(f"it has a {type(value).__name__} where numbers belong")
    return array


def _checked(name: str, array: Array) -> Array:
    """[..., D] as float64, as long as it is stored.

    Raises:
        Refused: it is zero or not finite.
    """
    array = array.astype(np.float64)
    if not np.isfinite(array).all() or array.shape[-1] < MIN_WIDTH or not np.abs(array).max() > 0:
        raise Refused(f"the vector of {name} is zero, too short or not finite")
    return array


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
    direction = ForeignDirection(stem, _checked(stem, array[0]), rows)
    return ForeignDirections("idinvert", (direction,), "stylegan1", "w")


def _factor(content: Mapping[Any, Any]) -> ForeignDirections:
    """rosinality's closed-form factorisation: directions are columns."""
    vectors = numbers(content["eigvec"])
    if vectors.ndim != 2 or vectors.shape[1] > 4096:
        raise Refused(f"its eigvec is {list(vectors.shape)}, not a matrix")
    found = tuple(
        ForeignDirection(f"factor {i}", _checked(f"factor {i}", column))
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
    rows = _checked("the components", rows)
    lengths = np.linalg.norm(rows, axis=1)
    if (lengths < 1e-12).any():
        raise Refused("one of its components is zero")
    anchor = None if published else 0  # e4e's own edit reads row 0, and changes all rows alike
    found = tuple(
        ForeignDirection(f"pca {i}", n / length, step=float(s * length),
                         origin=float(n @ mean / length), anchor=anchor)
        for i, (n, s, length) in enumerate(zip(rows, std, lengths, strict=True))
    )  # fmt: skip
    if not published:
        return ForeignDirections("GANSpace (e4e)", found, "stylegan2", "w")
    return ForeignDirections("GANSpace", found, FAMILIES.get(stem.lower().partition("-")[0]), "w")


def _rows(array: Array) -> Array | None:
    """[D], [L, D], [1, D] and [1, ..., L, D] as [L, D]; None for what is no vector or table."""
    if array.dtype.kind != "f" or not array.size or not 1 <= array.ndim <= 8:
        return None
    if array.shape[-1] < MIN_WIDTH or any(size != 1 for size in array.shape[:-2]):
        return None
    return array.reshape(-1, array.shape[-1])


def kind_of(rows: Array) -> str | None:
    """What the lengths of rows [L, D] tell: "directions", "latents" or "either"; None = neither."""
    rows = rows.astype(np.float64)
    if not np.isfinite(rows).all() or not np.abs(rows).max() < HUGE:
        return None
    norms = np.linalg.norm(rows, axis=1)
    if not norms.max() > 0:
        return None
    still = norms == 0
    if still.any() or (np.abs(norms - 1) < UNIT).all():
        return "directions"
    return "either" if (norms < SMALL * np.sqrt(rows.shape[1])).all() else "latents"


def _from_array(
    array: Array, stem: str, from_torch: bool, meant: bool, num_ws: int | None
) -> ForeignDirections | None:
    """A bare vector, one per row of ws, or several, unless its numbers are those of latents."""
    rows = _rows(array)
    if rows is None or len(rows) > MAX_PACK or (kind := kind_of(rows)) is None:
        return None
    if kind == "latents" and not meant:
        return None
    if kind == "directions" and len(rows) not in (1, num_ws, *ROWS):
        found = tuple(_of_rows(f"{stem} {i}", row[None]) for i, row in enumerate(rows))
        return ForeignDirections("a table of directions", found, None, None)
    unit = kind == "directions" and bool((np.abs(np.linalg.norm(rows, axis=1) - 1) < UNIT).all())
    if from_torch and unit:
        return ForeignDirections("e4e or PTI", (_of_rows(stem, rows),), "stylegan2", "w")
    name, family, space = _interfacegan(stem)
    system = "InterFaceGAN" if unit and family else "an array"
    return ForeignDirections(system, (_of_rows(name, rows),), family, space, kind == "directions")


def _of_rows(name: str, rows: Array) -> ForeignDirection:
    """A vector [1, D], or one for each row of ws [L, D], of which those of zeros stay."""
    vector = _checked(name, rows[0] if len(rows) == 1 else rows)
    moved = np.flatnonzero(np.abs(rows).max(axis=1))
    return ForeignDirection(
        name, vector, None if len(moved) == len(rows) else tuple(map(int, moved))
    )


def _interfacegan(stem: str) -> tuple[str, str | None, str | None]:
    """Name, family and space by InterFaceGAN's way of naming files."""
    match = INTERFACEGAN.search(stem.lower())
    if match is None:
        return stem, None, None
    return match[2], FAMILIES.get(match[1], match[1]), "w" if match[3] else "z"
