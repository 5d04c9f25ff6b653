"""Directions in W or Z: load, save, move along and move to.

A direction is a unit vector n with a ``step``: alpha = 1 moves by step·n. A domain's own directions
have the standard deviation of n·w over many latents as step; imported ones have step 1, so that
published formulae hold exactly. (Shen et al. 2020, "InterFaceGAN", sections 3.1-3.3.)
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from editing.domains import Domain
from editing.errors import BadInput, UnknownName, UnsafeFile
from editing.formats.contents import read_content
from editing.formats.directions import find_directions
from editing.formats.pickles import refusing
from editing.generator import FAMILIES
from editing.layers import MAX_ROWS
from editing.tensors import is_tensor_file, read_tensors, write_tensors

FORMAT = "latent-studio direction 1"
SPACES = ("w", "z")
TOLERANCE = 1e-3  # of a unit vector: what is left below counts as nothing
MAX_ALPHA = 100.0  # steps, where no safe range is known
HARD = 2.0  # times the safe range: beyond, nothing is left of the picture


@dataclass(frozen=True, eq=False)
class Direction:
    """A way to move in W, or in Z."""

    name: str
    vector: Tensor  # [w_dim], or [num_ws, w_dim] with a vector per row; unit norm (each row)
    layers: tuple[int, ...] | None = None  # rows of ws that move; None = all
    step: float = 1.0  # distance in W of alpha = 1
    space: str = "w"  # "z": before the mapping, where the latent's z is known
    meta: Mapping[str, Any] = field(default_factory=dict)  # how it was made, how good it is
    origin: float | None = None  # n·(mean of W): ``absolute`` counts steps from there (GANSpace)
    strengths: tuple[float, ...] = ()  # a factor per row of ws; () = all 1
    family: str | None = None  # of the generators it is for; None = those of its domain
    anchor: int | None = None  # the row whose coordinate ``absolute`` takes for all; None = its own

    def __post_init__(self) -> None:
        norms = self.vector.norm(dim=-1)
        if self.vector.ndim not in (1, 2) or not bool(((norms - 1).abs() < TOLERANCE).all()):
            raise BadInput(
                f"The direction {self.name} has the shape {list(self.vector.shape)} and norms "
                f"up to {float(norms.max()):.3g}; it needs unit vectors [w_dim] or "
                "[num_ws, w_dim], so divide it by its norm."
            )
        if not (math.isfinite(self.step) and self.step > 0):
            raise BadInput(
                f"The direction {self.name} has the step {self.step}; "
                "it needs a positive number, such as 1."
            )
        if self.space not in SPACES or (self.space == "z" and self.vector.ndim == 2):
            raise BadInput(
                f"The direction {self.name} is of the space {self.space!r} with a vector of shape "
                f"{list(self.vector.shape)}; use w, or z with a single vector."
            )
        safe, residual = self.meta.get("range"), self.meta.get("residual", 1.0)
        if safe and not (_are_numbers(safe) and len(safe) == 2 and safe[0] < safe[1]):
            raise BadInput(
                f"The direction {self.name} has the safe range {str(safe)[:40]!r}; it needs two "
                "numbers, the lower first, such as [-3, 3]."
            )
        if not (_are_numbers([residual]) and residual >= 0):
            raise BadInput(
                f"The direction {self.name} has the residual {str(residual)[:40]!r}; it needs a "
                "number from 0 to 1, so condition it anew."
            )

    @property
    def safe_range(self) -> tuple[float, float] | None:
        """alpha from and to, between which its attribute follows it; None = never measured."""
        found = self.meta.get("range")
        return (float(found[0]), float(found[1])) if found else None

    @property
    def limits(self) -> tuple[float, float]:
        """alpha from and to, where every move ends."""
        low, high = self.safe_range or (-MAX_ALPHA / HARD, MAX_ALPHA / HARD)
        return HARD * low, HARD * high


def _are_numbers(values: Any) -> bool:
    return isinstance(values, list | tuple) and all(
        isinstance(value, int | float) and math.isfinite(value) for value in values
    )


def unit(name: str, vector: Tensor, **facts: Any) -> Direction:
    """The direction of a vector [w_dim] or [num_ws, w_dim] of any length.

    Raises:
        BadInput: a (row of the) vector is zero or not finite.
    """
    lengths = vector.norm(dim=-1, keepdim=True)
    if not bool((lengths.isfinite() & (lengths > 1e-12)).all()):
        raise BadInput(
            f"The vector of {name} is zero or not finite, so it points nowhere; choose another one."
        )
    return Direction(name, vector / lengths, **facts)


FACTS = (
    "name",
    "layers",
    "step",
    "space",
    "meta",
    "origin",
    "strengths",
    "family",
    "anchor",
)  # in a file, beside the vector


def save_direction(path: Path | str, direction: Direction, family: str | None = None) -> None:
    """Write a direction as safetensors with its facts as metadata.

    Args:
        family: of the generators it is for, where the direction does not say: a file may be taken
            to any domain.

    Raises:
        CannotWrite: folder or disk refuse.
    """
    facts = {key: getattr(direction, key) for key in FACTS}
    facts["family"] = direction.family or family
    write_tensors(path, {"vector": direction.vector}, FORMAT, facts)


def load_direction(path: Path | str) -> Direction:
    """Read a file of ``save_direction``.

    Raises:
        MissingFile, UnsafeFile: it is not there, or no such file.
        BadInput: what it holds is no direction.
    """
    tensors, facts = read_tensors(path, FORMAT)
    try:
        layers = facts["layers"]
        if layers is not None and len(layers) > MAX_ROWS:
            raise ValueError(f"it names {len(layers)} layers, and no generator has so many")
        return Direction(
            name=str(facts["name"]),
            vector=tensors["vector"],
            layers=None if layers is None else tuple(int(row) for row in layers),
            step=float(facts["step"]),
            space=str(facts["space"]),
            meta=dict(facts["meta"]),
            origin=None if facts.get("origin") is None else float(facts["origin"]),
            strengths=tuple(float(factor) for factor in facts.get("strengths", ())),
            family=facts.get("family"),
            anchor=None if facts.get("anchor") is None else int(facts["anchor"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        reason = str(error)[:200]
        raise BadInput(f"{path} is a damaged direction file ({reason}); make it again.") from error


def read_directions(
    path: Path | str, family: str | None = None, space: str | None = None
) -> list[Direction]:
    """The directions in a file of ours or of another system (see ``formats.directions``).

    Imported ones keep step 1 (GANSpace: a standard deviation), so that published formulae hold.

    Args:
        family, space: of the generator, where the file does not say; "stylegan2", "w".

    Raises:
        MissingFile, UnsafeFile: it is not there, damaged, or holds no directions.
        BadInput: neither the file nor the caller says family and space.
    """
    path = Path(path)
    if path.is_file() and is_tensor_file(path):
        return [load_direction(path)]
    content = read_content(path)
    with refusing(path):
        found = find_directions(content, path.stem)
    if found is None:
        raise UnsafeFile(f"{path} can be read, but holds no directions; pass a file of boundaries.")
    family, space = found.family or family, found.space or space
    if family is None or space is None:
        raise BadInput(
            f"{path} does not say for which generators it is, or in Z or W; pass --family "
            f"{'|'.join(FAMILIES)} and --space w|z."
        )
    return [
        Direction(
            one.name,
            torch.from_numpy(one.vector).float(),
            one.layers,
            one.step,
            space,
            {"source": found.system, "file": path.name},
            one.origin,
            one.strengths,
            family,
            one.anchor,
        )
        for one in found.directions
    ]


def check_fits(direction: Direction, domain: Domain) -> None:
    """Refuse a direction of another family or width.

    Raises:
        BadInput: says what the direction is for, and what the domain has.
    """
    if direction.family not in (None, domain.family):
        raise BadInput(
            f"The direction {direction.name} is for {direction.family}, but the domain "
            f"{domain.name} is {domain.family}, where it means nothing; use one made for it."
        )
    generator = domain.generator
    if direction.space == "z":
        shapes = [[generator.z_dim]]
    else:
        shapes = [[generator.w_dim], [generator.num_ws, generator.w_dim]]
    if list(direction.vector.shape) not in shapes:
        raise BadInput(
            f"The direction {direction.name} has the shape {list(direction.vector.shape)}, but the "
            f"domain {domain.name} needs {' or '.join(map(str, shapes))}; use one made for it."
        )


def boundary(domain: Domain, attribute: str) -> Direction:
    """A domain's own direction for an attribute, loaded once.

    Raises:
        UnknownName: the message lists the attributes that the domain has.
        MissingFile, UnsafeFile: its file is not there, or another than promised.
    """
    loaded = _loaded.setdefault(domain, {})
    if attribute not in loaded:
        if attribute not in domain.boundaries:
            raise UnknownName.among("attribute", attribute, domain.boundaries)
        path = domain.path_of(domain.boundaries[attribute])
        with torch.inference_mode(False):  # whoever asks first, it must serve autograd later
            found = read_directions(path, domain.family, "w")
            if len(found) > 1:
                raise BadInput(
                    f"{path} holds {len(found)} directions, not the one of {attribute}; convert it "
                    "with 'weights convert' and name one of them."
                )
            check_fits(found[0], domain)
            vector = found[0].vector.to(domain.device)
            loaded[attribute] = replace(found[0], vector=vector)
    return loaded[attribute]


_loaded: WeakKeyDictionary[Domain, dict[str, Direction]] = WeakKeyDictionary()


def rows_of(ws: Tensor, layers: Sequence[int] | None) -> list[int]:
    """The rows of ws [N, num_ws, w_dim] that ``layers`` names; None = all.

    Raises:
        BadInput: a row that ws does not have.
    """
    rows = list(range(ws.shape[1]) if layers is None else layers)
    check_rows(rows, ws.shape[1])
    return rows


def check_rows(rows: Sequence[int], num_ws: int) -> None:
    """Refuse rows of ws that a generator of ``num_ws`` rows does not have."""
    if rows and not 0 <= min(rows) <= max(rows) < num_ws:
        raise BadInput(
            f"The layers {list(rows)} do not all exist; this generator has rows 0 to {num_ws - 1}."
        )


def move(
    ws: Tensor,
    direction: Direction,
    alpha: float,
    layers: Sequence[int] | None = None,
    strengths: Sequence[float] = (),
) -> Tensor:
    """ws + alpha·step·s·n on the given rows; the others stay bit-equal.

    Args:
        ws: [N, num_ws, w_dim].
        alpha: in steps; 0 changes nothing.
        layers: rows that move; None = the direction's own.
        strengths: s, one factor per row of ``layers`` (idinvert's layerwise strength); () = all 1.
    """
    rows = rows_of(ws, direction.layers if layers is None else layers)
    moved = ws.clone()
    if alpha:
        moved[:, rows] += (
            alpha
            * direction.step
            * factors_of(ws, rows, direction, strengths)
            * _vectors(ws, direction)[rows]
        )
    return moved


def absolute(
    ws: Tensor,
    direction: Direction,
    distance: float,
    layers: Sequence[int] | None = None,
    strengths: Sequence[float] = (),
) -> Tensor:
    """ws + s·(distance − n·ws)·n on the given rows: InterFaceGAN's move *to* a signed distance.

    The distance is in W, from the parallel of the boundary through the origin, without ``step``;
    for a direction with an ``origin`` it is GANSpace's coordinate, in steps from the mean of W.
    A direction with an ``anchor`` makes one change for all rows, by what that row lacks (e4e).

    Raises:
        BadInput: the latents have no row ``anchor``.
    """
    rows = rows_of(ws, direction.layers if layers is None else layers)
    vectors, moved = _vectors(ws, direction), ws.clone()
    if direction.origin is not None:
        distance = direction.origin + distance * direction.step
    read = rows if direction.anchor is None else rows_of(ws, [direction.anchor])
    missing = distance - (ws[:, read] * vectors[read]).sum(-1, keepdim=True)
    n = vectors[rows]
    moved[:, rows] += missing * factors_of(ws, rows, direction, strengths) * n
    return moved


def factors_of(
    ws: Tensor, rows: Sequence[int], direction: Direction, strengths: Sequence[float] = ()
) -> Tensor:
    """How far each of these rows goes, [len(rows), 1]: ``strengths`` times the direction's own.

    Raises:
        BadInput: another number of strengths than of ``rows``, or of the direction's than of ws.
    """
    if strengths and len(strengths) != len(rows):
        raise BadInput(
            f"{len(strengths)} strengths were given for {len(rows)} layers; give one for each."
        )
    own = direction.strengths or (1.0,) * ws.shape[1]
    if len(own) != ws.shape[1]:
        raise BadInput(
            f"The direction {direction.name} has strengths for {len(own)} rows, but the "
            f"latents have {ws.shape[1]}; use a direction of this generator."
        )
    given, known = (
        torch.tensor(factors, device=ws.device, dtype=ws.dtype)
        for factors in (strengths or [1.0] * len(rows), [own[row] for row in rows])
    )
    return (given * known)[:, None]


def _vectors(ws: Tensor, direction: Direction) -> Tensor:
    """One vector per row, [num_ws, w_dim]."""
    if direction.vector.shape[-1] != ws.shape[2] or (
        direction.vector.ndim == 2 and len(direction.vector) != ws.shape[1]
    ):
        raise BadInput(
            f"The direction {direction.name} has the shape {list(direction.vector.shape)}, "
            f"but the latents have {list(ws.shape[1:])}; use a direction of this generator."
        )
    return direction.vector.to(ws).expand(ws.shape[1], -1)


def clamp(direction: Direction, alpha: float) -> float:
    """alpha within the direction's hard limits."""
    low, high = direction.limits
    return min(max(alpha, low), high)
