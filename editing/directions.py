"""Directions in W or Z: load, save, move along and move to.

A direction is a unit vector n with a ``step`` and a ``length``: alpha = 1 moves by step·length·n. A
domain's own directions have the standard deviation of n·w over many latents as step; imported ones
have step 1 and the length that their file stores, so that published formulae hold exactly. (Shen et
al. 2020, "InterFaceGAN", sections 3.1-3.3.)
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
from editing.formats.directions import ForeignDirections, find_directions
from editing.formats.pickles import recognising
from editing.generator import FAMILIES
from editing.tensors import is_tensor_file, read_tensors, write_tensors

FORMAT = "latent-studio direction 1"
SPACES = ("w", "z")
TOLERANCE = 1e-3  # of a unit vector: what is left below counts as nothing
SHORTEST = 1e-12  # length of a vector that points somewhere
EQUAL = 1e-6  # relative: rows whose lengths differ by less, by rounding alone, are of one length
MAX_ALPHA = 100.0  # steps, where no safe range is known
HARD = 2.0  # times the safe range: beyond, nothing is left of the picture


@dataclass(frozen=True, eq=False)
class Direction:
    """A way to move in W, or in Z."""

    name: str
    vector: Tensor  # [w_dim], or [num_ws, w_dim] with a vector per row; unit norm (each row)
    layers: tuple[int, ...] | None = None  # rows of ws that move; None = all
    step: float = 1.0  # distance in W of alpha = 1, in units of ``length``
    space: str = "w"  # "z": before the mapping, where the latent's z is known
    meta: Mapping[str, Any] = field(default_factory=dict)  # how it was made, how good it is
    origin: float | None = None  # n·(mean of W): ``absolute`` counts steps from there (GANSpace)
    strengths: tuple[float, ...] = ()  # a factor per row of ws; () = all 1
    family: str | None = None  # of the generators it is for; None = those of its domain
    length: float = 1.0  # of the (longest row of the) vector as its file stores it
    anchor: int | None = None  # the row whose coordinate ``absolute`` takes for all; None = its own

    def __post_init__(self) -> None:
        norms = self.vector.norm(dim=-1)
        if self.vector.ndim not in (1, 2) or not bool(((norms - 1).abs() < TOLERANCE).all()):
            raise BadInput(
                f"The direction {self.name} has the shape {list(self.vector.shape)} and norms "
                f"up to {float(norms.max()):.3g}; it needs unit vectors [w_dim] or "
                "[num_ws, w_dim], so divide it by its norm."
            )
        for what, value in (("step", self.step), ("length", self.length)):
            if not (math.isfinite(value) and value > 0):
                raise BadInput(
                    f"The direction {self.name} has the {what} {value}; "
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
    def stride(self) -> float:
        """How far alpha = 1 goes, before strengths."""
        return self.step * self.length

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


def as_stored(name: str, vector: Tensor, **facts: Any) -> Direction:
    """The direction whose alpha adds alpha · vector, row by row, whatever the vector's length.

    Args:
        vector: [w_dim], or [num_ws, w_dim]; rows of zeros stay where they are.

    Raises:
        BadInput: it is zero or not finite.
    """
    rows = vector.detach().double().reshape(-1, vector.shape[-1])
    lengths = rows.norm(dim=1)
    longest, moved = float(lengths.max()), lengths > 0
    if not (bool(rows.isfinite().all()) and longest > SHORTEST):
        raise BadInput(
            f"The vector of {name} is zero or not finite, so it points nowhere; choose another one."
        )
    shares = lengths / longest
    kept = torch.where(moved[:, None], rows, rows[lengths.argmax()])  # still rows need a unit, too
    units = (kept / kept.norm(dim=1, keepdim=True)).float().reshape(vector.shape)
    if bool(((shares - 1).abs() > EQUAL).any()):
        facts["strengths"] = tuple(shares.tolist())
    return Direction(name, units, length=longest, **facts)


FACTS = (
    "name",
    "layers",
    "step",
    "space",
    "meta",
    "origin",
    "strengths",
    "family",
    "length",
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
            length=float(facts.get("length", 1.0)),
            anchor=None if facts.get("anchor") is None else int(facts["anchor"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path} is a damaged direction file ({error}); make it again.") from error


def read_directions(
    path: Path | str,
    family: str | None = None,
    space: str | None = None,
    domain: Domain | None = None,
    meant: bool = True,
) -> list[Direction]:
    """The directions in a file of ours or of another system (see ``formats.directions``).

    Imported ones keep the length they are stored with: alpha adds alpha · vector (GANSpace: alpha
    standard deviations). What is doubtful about the reading stands in ``meta["notes"]``.

    Args:
        family, space: as the caller says, "stylegan2" and "w"; they win over what the file says.
        domain: at hand: its family and W are taken where nobody says, and its rows tell several
            vectors from one with rows of its own.
        meant: the caller says that it is a file of directions; else what could as well be latents
            is none.

    Raises:
        MissingFile, UnsafeFile: it is not there, damaged, or holds no directions.
        BadInput: neither the file nor the caller says family and space, or a zero vector.
    """
    path = Path(path)
    if path.is_file() and is_tensor_file(path):
        return [load_direction(path)]
    content = read_content(path)
    num_ws = domain.generator.num_ws if domain else None
    with recognising(path):
        found = find_directions(content, path.stem, meant, num_ws)
    if found is None:
        raise UnsafeFile(f"{path} can be read, but holds no directions; pass a file of boundaries.")
    known = {
        "family": family or found.family or (domain and domain.family),
        "space": space or found.space or (domain and "w"),
    }
    if None in known.values():
        lacks = " and ".join(name for name, value in known.items() if value is None)
        raise BadInput(
            f"{path} does not say its {lacks} (for which generators it is, and whether it moves z "
            f"or w); pass --family {'|'.join(FAMILIES)} and --space w|z."
        )
    if known["family"] not in FAMILIES:
        raise UnknownName.among("family", known["family"], FAMILIES)
    if known["space"] not in SPACES:
        raise UnknownName.among("space of directions", known["space"], SPACES)
    meta: dict[str, Any] = {"source": found.system, "file": path.name}
    if notes := _notes(path.name, found, family, space, domain):
        meta["notes"] = notes
    return [
        as_stored(
            one.name,
            torch.from_numpy(one.vector),
            layers=one.layers,
            step=one.step,
            space=known["space"],
            meta=meta,
            origin=one.origin,
            family=known["family"],
            anchor=one.anchor,
        )
        for one in found.directions
    ]


def _notes(
    name: str,
    found: ForeignDirections,
    family: str | None,
    space: str | None,
    domain: Domain | None,
) -> list[str]:
    """What a person should know of how a file was read."""
    notes = []
    for what, said, stored in (("family", family, found.family), ("space", space, found.space)):
        if said and stored and said != stored:
            notes.append(f"{name} says that its {what} is {stored}; {said} is taken, as you say.")
    wide = domain is not None and domain.generator.z_dim == domain.generator.w_dim
    single = found.directions[0].vector.ndim == 1
    if domain and wide and single and not (space or found.space):
        notes.append(
            f"{name} does not say whether it moves z or w; it is read as a direction of W. For Z, "
            "write it with 'weights convert --space z' first."
        )
    if not found.sure:
        notes.append(
            f"The numbers of {name} could also be latents; they are read as "
            f"{'a direction' if len(found.directions) == 1 else 'directions'}, and added as stored."
        )
    return notes


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
            found = read_directions(path, domain=domain)
            if len(found) > 1:
                raise BadInput(
                    f"{path} holds {len(found)} directions, not the one of {attribute}; convert it "
                    "with 'weights convert' and name one of them."
                )
            check_fits(found[0], domain)
            vector = found[0].vector.to(domain.device)
            meta = {key: value for key, value in found[0].meta.items() if key != "notes"}
            loaded[attribute] = replace(found[0], vector=vector, meta=meta)
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
    """ws + alpha·step·length·s·n on the given rows; the others stay bit-equal.

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
            * direction.stride
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

    The distance is in W, from the parallel of the boundary through the origin, without ``step`` and
    ``length``;
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
