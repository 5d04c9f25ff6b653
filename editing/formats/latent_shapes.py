"""Which axes of an array of latents are what, with the generator at hand.

[N, w_dim] is N latents of W, unless N is the generator's number of rows; [.., num_ws, w_dim] is W+.
Where two readings fit, one is taken, and a note says which and how to have the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from editing.errors import BadInput, BadLatent, UnknownName
from editing.formats.arrays import Array
from editing.formats.directions import ROWS
from editing.formats.latents import KEYS, MAX_ROWS

SPACES = ("w", "w+", "z")
WIDEST = 1024  # w of which no generator says otherwise
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Sizes:
    """What the generator at hand takes."""

    name: str  # of its domain
    num_ws: int
    w_dim: int
    z_dim: int

    @property
    def wanted(self) -> str:
        """For messages."""
        return (
            f"{self.name} takes [{self.num_ws}, {self.w_dim}] (W+), [{self.w_dim}] (W) or, with "
            f"--space z, [{self.z_dim}] (Z)"
        )


@dataclass(frozen=True, eq=False)
class Codes:
    """Latents with known axes."""

    values: Array  # [N, num_ws, w_dim] in w+, [N, 1, w_dim] in w, [N, 1, z_dim] in z
    space: str
    notes: tuple[str, ...] = ()


def read_codes(
    name: str,
    arrays: Mapping[str, Array],
    sizes: Sizes | None = None,
    space: str | None = None,
    key: str | None = None,
) -> Codes:
    """The latents among the ``arrays`` of a file.

    Args:
        name: of the file, for messages.
        sizes: of the generator at hand; None = none is.
        space: as somebody says; one of ``SPACES``.
        key: of the array, as somebody says.

    Raises:
        UnknownName: there is no such space or array.
        BadLatent: nothing fits; says what the file has and what is needed.
        BadInput: without a generator it cannot be told what the axes are.
    """
    if space is not None and space not in SPACES:
        raise UnknownName.among("space of latents", space, SPACES)
    if key is not None:
        if key not in arrays:
            raise UnknownName.among(f"array in {name}", key, [k for k in arrays if k])
        arrays = {key: arrays[key]}
    fitting = {k: f for k, a in _ordered(arrays).items() if (f := _readings(a.shape, sizes, space))}
    if not fitting:
        raise _misfit(name, arrays, sizes, space)
    chosen, readings = next(iter(fitting.items()))
    notes = []
    if len(fitting) > 1:
        others = ", ".join(list(fitting)[1:])
        notes.append(f"Read from {chosen} of {name}; {others} would fit, too: --array NAME.")
    if sizes is None and len(readings) > 1:
        count = arrays[chosen].shape[-2]
        raise BadInput(
            f"{name} is {list(arrays[chosen].shape)}: {count} latents of W, or one of {count} "
            "rows; say --space w or --space w+, or name the domain with --domain."
        )
    (found, shape), *rest = readings.items()
    values = arrays[chosen].reshape(shape)
    if found == "w+" and bool((values == values[:, :1]).all()):
        found, values, rest = "w", values[:, :1], []
    notes += [_other(name, found, len(values), other, like[0]) for other, like in rest]
    if space == "w" and found == "w+":
        raise BadLatent(
            f"The rows of {name} differ, so it is of W+ and not of W; leave --space out."
        )
    if sizes and found == "w" and space is None:
        notes += _doubts(name, arrays[chosen].shape, sizes)
    return Codes(values, found, tuple(notes))


def _ordered(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The likeliest name first."""
    places = {key: place for place, key in enumerate(KEYS)}
    names = sorted(arrays, key=lambda key: places.get(key.lower(), len(KEYS)))
    return {key: arrays[key] for key in names}


def _readings(shape: Shape, sizes: Sizes | None, space: str | None) -> dict[str, Shape]:
    """Space -> the shape with all axes of ``Codes``, the likelier first."""
    if space == "z":
        return _as_z(shape, sizes)
    found = _unknown(shape) if sizes is None else _known(shape, sizes.num_ws, sizes.w_dim)
    if space == "w+":
        return {s: like for s, like in found.items() if s == "w+"}
    if space == "w" and "w" in found:
        return {"w": found["w"]}
    return found  # rows that are all equal are of W, too


def _as_z(shape: Shape, sizes: Sizes | None) -> dict[str, Shape]:
    if sizes is None:
        raise BadInput(
            "Latents of Z become latents of W by their generator's mapping; name its domain with "
            "--domain, or convert the generator into the folder first."
        )
    fits = shape[-1] == sizes.z_dim and prod(shape[1:-1]) == 1
    return {"z": (prod(shape[:-1]), 1, sizes.z_dim)} if fits else {}


def _doubts(name: str, shape: Shape, sizes: Sizes) -> list[str]:
    """What else latents of W could be: z where both are as wide, rows of another generator."""
    notes = []
    if sizes.z_dim == sizes.w_dim and _as_z(shape, sizes):
        notes.append(f"{name} is read as W; if its numbers are z, say --space z.")
    if len(shape) == 2 and shape[0] in ROWS and shape[0] != sizes.num_ws:
        notes.append(
            f"{name} is read as {shape[0]} latents of W; one latent of {shape[0]} rows would be of "
            f"another generator, as {sizes.name} takes {sizes.num_ws}."
        )
    return notes


def _without(shape: Shape) -> Shape:
    """Without the axes of size 1 at the front."""
    while len(shape) > 1 and shape[0] == 1:
        shape = shape[1:]
    return shape


def _known(shape: Shape, rows: int, width: int) -> dict[str, Shape]:
    inner, last = _without(shape), shape[-1]
    if last == rows * width and prod(inner[1:-1]) == 1:  # flat, of one latent or of several
        return {"w+": (prod(inner) // last, rows, width)}
    if last != width:
        return {}
    if len(shape) == 2 and shape[0] == rows:
        return {"w+": (1, rows, width), "w": (rows, 1, width)}
    if len(shape) > 2 and shape[-2] == rows:
        return {"w+": (prod(shape[:-2]), rows, width)}
    if len(inner) <= 2 or prod(inner[1:-1]) == 1:
        wide = len(shape) > 2 and shape[-2] != 1
        return {} if wide else {"w": (prod(inner[:-1]), 1, width)}
    return {}


def _unknown(shape: Shape) -> dict[str, Shape]:
    """Without a generator: two axes with few rows may be either."""
    width = shape[-1]
    if width > WIDEST:  # rows one behind the other
        return {}
    if len(shape) <= 2:
        count = prod(shape[:-1])
        one = {"w+": (1, count, width)} if 1 < count <= MAX_ROWS else {}
        return {**one, "w": (count, 1, width)}
    space = "w" if shape[-2] == 1 else "w+"
    return {space: (prod(shape[:-2]), shape[-2], width)}


def _other(name: str, taken: str, count: int, other: str, others: int) -> str:
    kinds = {"w": "latents of W", "w+": "latent of W+" if count == 1 else "latents of W+"}
    return (
        f"{name} is read as {count} {kinds[taken]}, a row for each layer; if it is {others} "
        f"{kinds[other]}, say --space {other}."
    )


def _misfit(
    name: str, arrays: Mapping[str, Array], sizes: Sizes | None, space: str | None
) -> BadLatent:
    shown = ", ".join(
        f"{list(a.shape)}{f' ({k})' if k else ''}" for k, a in list(arrays.items())[:6]
    )
    if sizes is None:
        return BadLatent(
            f"{name} holds {shown}, which is not {space or 'W or W+'} of any generator; name the "
            "domain with --domain."
        )
    if space is None and any(_as_z(a.shape, sizes) for a in arrays.values()):
        return BadLatent(
            f"{name} holds {shown}, which is as wide as z of {sizes.name} and not as its w "
            f"({sizes.w_dim}); say --space z to have it mapped."
        )
    said = f" as {space.upper()}" if space else ""
    return BadLatent(
        f"{name} holds {shown}, which does not fit{said}: {sizes.wanted}; open it with the domain "
        "of its own generator."
    )
