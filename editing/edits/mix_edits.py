"""Edits that bring other portraits in: crossover, morph, transfer, grain, regions.

Each is a small frozen value like any other edit: it can be reordered, switched off, undone and
written down (``mix_values``). The other portrait travels inside it, as a seed or as a latent.

Edits that bring other portraits in, as the plain values of a recipe, and back.

    {cross: {name: "seed:7"}, layers: "0-3*0.5", weight: 0.8}
    {morph: {name: me, latent: BASE64}, amount: 0.5, space: w}
    {transfer: {name: "seed:1"}, to: {name: "seed:2"}, amount: 1.0, along: [smile]}
    {grain: 7, layers: "7-11*0.5"}
    {patch: copy, from: {name: "seed:7"}, mask: BASE64, shift: [0.1, 0.0]}

A portrait without a ``latent`` is the seed of its name. A mask written by hand may be a box:
``[left, top, right, bottom]``, shares of the picture's side.
"""

from __future__ import annotations

import base64
import binascii
import io
import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from editing.directions.direction import boundary
from editing.edits.mixing import between, crossover, grained, row_strengths, transfer
from editing.edits.regions import shifted
from editing.edits.stack import latent_of, state_of
from editing.errors import BadInput, BadRecipe, shown
from editing.io.codec import Settings
from editing.io.images import MAX_PAINTED, encode_png, load_picture, to_pil, to_tensor
from editing.models.domain import Domain
from editing.models.generators.layers import (
    MAX_ROWS,
    format_strengths,
    layer_resolutions,
    parse_strengths,
    rows_by_layer,
)
from editing.models.latents import MAX_SEED, Latent, latent_from_bytes, latent_to_bytes, parse_seed
from editing.models.states import EditState, Region
from editing.pictures.masks import box_mask, checked_mask

MAX_AMOUNT = 5.0  # of a transfer
MAX_GRAIN = 5.0  # times the noise that the generator has learnt
OPERATIONS = ("copy", "move")
PLACED_FROM = 16  # pixels: coarser activations cannot be moved by less than a face
Rows = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Other:
    """Another portrait, as it travels inside an edit or a walk."""

    name: str  # "seed:7@0.5", or what people call it
    latent: Latent | None = None  # None = the seed of that name

    def state(self, domain: Domain) -> EditState:
        """Raises BadInput or BadLatent where it is no seed, or of another generator."""
        return state_of(self.name if self.latent is None else self.latent, domain)


def other_of(name: str, state: EditState, domain: Domain) -> Other:
    """A state, with its edits, as something that can travel; regions and composites cannot."""
    return Other(name, latent_of(state, domain))


@dataclass(frozen=True)
class Crossover:
    """Rows from another portrait; with ``strengths`` between 0 and 1 softly."""

    other: Other
    layers: Rows | None = None  # None = all
    weight: float = 1.0  # 1 = the other's rows whole
    strengths: tuple[float, ...] = ()  # a factor for each of ``layers``; () = all 1

    def __post_init__(self) -> None:
        factors = self.strengths or (1.0,)
        if not all(0 <= self.weight * factor <= 1 for factor in factors):
            raise BadInput(
                f"A crossover of {self.weight:g} with the strengths {list(factors)} is not "
                "possible; choose shares from 0 (none of the other) to 1 (all)."
            )
        _check_strengths(self.layers, self.strengths)

    def apply(self, state: EditState, domain: Domain) -> EditState:
        shares = row_strengths(domain.generator, self.layers, self.strengths, self.weight)
        return crossover(state, self.other.state(domain), shares, domain)


@dataclass(frozen=True)
class Morph:
    """Part of the way to another portrait."""

    other: Other
    amount: float = 0.5  # 0 = not at all, 1 = the other
    space: str = "w+"  # of mixing.SPACES

    def apply(self, state: EditState, domain: Domain) -> EditState:
        target = self.other.state(domain)
        mixed = between(state, target, self.amount, domain, self.space)
        return replace(mixed, regions=state.regions, composites=state.composites)


@dataclass(frozen=True)
class Transfer:
    """w1 + λ (w3 − w2): the way from one picture of a person to another, for this portrait."""

    before: Other  # w2
    after: Other  # w3
    amount: float = 1.0  # λ
    layers: Rows | None = None
    along: tuple[str, ...] = ()  # attributes; only the change along them is transferred

    def __post_init__(self) -> None:
        if not (math.isfinite(self.amount) and abs(self.amount) <= MAX_AMOUNT):
            raise BadInput(
                f"A transfer of {self.amount:g} is not possible; choose from -{MAX_AMOUNT:g} to "
                f"{MAX_AMOUNT:g}, usually 1."
            )

    def apply(self, state: EditState, domain: Domain) -> EditState:
        along = [boundary(domain, name) for name in self.along]
        ends = self.before.state(domain), self.after.state(domain)
        state = replace(state, ws=state.ws.to(domain.device))
        return transfer(state, *ends, domain, self.amount, self.layers, along)


@dataclass(frozen=True)
class Grain:
    """Other noise maps, or other strengths of them, at some layers."""

    seed: int | None = None  # None keeps the maps there are
    layers: Rows | None = None  # None = all
    strengths: tuple[float, ...] = ()  # a factor for each of ``layers``; () = all ``amount``
    amount: float = 1.0

    def __post_init__(self) -> None:
        if self.seed is not None and not 0 <= self.seed <= MAX_SEED:
            raise BadInput(f"The seed {self.seed} is not possible; choose from 0 to {MAX_SEED}.")
        if not all(0 <= self.amount * f <= MAX_GRAIN for f in self.strengths or (1.0,)):
            raise BadInput(f"Noise takes strengths from 0 (none) to {MAX_GRAIN:g}; 1 is as learnt.")
        _check_strengths(self.layers, self.strengths)

    def apply(self, state: EditState, domain: Domain) -> EditState:
        generator = domain.generator
        factors = row_strengths(generator, self.layers, self.strengths, self.amount, 1.0)
        made = grained(state, self.seed, factors, domain)
        if self.layers is None:
            return made
        rows, chosen = rows_by_layer(generator), set(self.layers)
        kept = {name: maps for name, maps in made.noise.items() if rows[name] in chosen}
        return replace(state, noise={**state.noise, **kept})


@dataclass(frozen=True)
class Patch:
    """A region of the picture from another portrait, or from another place of this one.

    "copy" puts the other's activations into the mask; "move" takes the portrait's own along, mask
    and all, by ``shift``.
    """

    mask: bytes  # a PNG, white = the region
    other: Other | None = None  # None = the portrait itself
    layers: Rows | None = None  # rows whose layers take part; None = all that know places
    operation: str = "copy"
    shift: tuple[float, float] = (0.0, 0.0)  # right and down, shares of the picture's side

    def __post_init__(self) -> None:
        if self.operation not in OPERATIONS:
            raise BadInput(
                f"There is no operation {self.operation!r} for a region; choose from "
                f"{', '.join(OPERATIONS)}."
            )
        if not all(math.isfinite(each) and abs(each) <= 1 for each in self.shift):
            raise BadInput(
                f"A shift by {self.shift} leaves the picture; choose shares of its side, from -1 "
                "to 1."
            )
        if self.other is None and self.shift == (0.0, 0.0):
            raise BadInput(
                "A region of the portrait itself has to go somewhere; give a shift, or another "
                "portrait to take the region from."
            )

    def apply(self, state: EditState, domain: Domain) -> EditState:
        mask = mask_from(self.mask, domain.generator.img_resolution)
        there = shifted(mask, self.shift)
        if self.operation == "move":  # what lies behind comes after, so that no hole is left
            there = torch.maximum(mask, there)
        rows = rows_by_layer(domain.generator)
        chosen = set(self._rows(domain) if self.layers is None else self.layers)
        names = tuple(name for name, row in rows.items() if row in chosen and name != "input")
        other = None if self.other is None else self.other.state(domain)
        region = Region(there, names, other, self.shift)
        return replace(state, regions=(*state.regions, region))

    def _rows(self, domain: Domain) -> Rows:
        """All, of a copy; of a move those that are fine enough to know one place from the next."""
        sizes = layer_resolutions(domain.generator)
        least = PLACED_FROM if self.operation == "move" else 0
        return tuple(row for row, size in enumerate(sizes) if size >= least)


def mask_bytes(mask: Tensor) -> bytes:
    """A mask [1, 1, R, R] in [0, 1] as a grey PNG.

    Raises:
        BadInput: nothing in it is white.
    """
    checked_mask(mask, "The region")
    picture = to_pil(mask.expand(1, 3, -1, -1) * 2 - 1).convert("L")
    return encode_png(picture)


@lru_cache(maxsize=16)
def mask_from(data: bytes, resolution: int) -> Tensor:
    """The inverse of ``mask_bytes``, at the generator's size.

    Raises:
        BadPicture, BadInput: it is no picture, or empty.
    """
    image = load_picture(io.BytesIO(data), MAX_PAINTED, "The mask in the edit")
    mask = (to_tensor(image, resolution).mean(1, keepdim=True) + 1) / 2
    return checked_mask(mask, "The region")


def _check_strengths(layers: Rows | None, strengths: tuple[float, ...]) -> None:
    if strengths and len(strengths) != len(layers or ()):
        raise BadInput(
            f"{len(strengths)} strengths were given for {len(layers or ())} layers; give one for "
            "each layer named."
        )


BOXED = 128  # pixels a side of the picture that a box becomes
Mix = Crossover | Morph | Transfer | Grain | Patch


def mix_values(edit: Mix) -> dict[str, Any]:
    """An edit as the values of a recipe."""
    values: dict[str, Any]
    if isinstance(edit, Crossover):
        values = {"cross": other_values(edit.other), "weight": float(edit.weight)}
    elif isinstance(edit, Morph):
        return {
            "morph": other_values(edit.other),
            "amount": float(edit.amount),
            "space": edit.space,
        }
    elif isinstance(edit, Transfer):
        values = {"transfer": other_values(edit.before), "to": other_values(edit.after)}
        values["amount"] = float(edit.amount)
        values |= {"along": list(edit.along)} if edit.along else {}
    elif isinstance(edit, Grain):
        values = {"grain": -1 if edit.seed is None else edit.seed, "amount": float(edit.amount)}
    else:
        values = {"patch": edit.operation, "mask": base64.b64encode(edit.mask).decode()}
        values |= {} if edit.other is None else {"from": other_values(edit.other)}
        values["shift"] = [float(each) for each in edit.shift]
    strengths = edit.strengths if isinstance(edit, Crossover | Grain) else ()
    if edit.layers is not None:
        values["layers"] = format_strengths(edit.layers, strengths)
    return values


def mix_from(settings: Settings) -> Mix | None:
    """The edit that a recipe's values describe; None where they describe none of these.

    Raises:
        BadRecipe, BadInput: what is wrong with them.
    """
    if (other := settings.part("cross")) is not None:
        rows, strengths = _rows(settings)
        weight = settings.take("weight", float, 1.0)
        return Crossover(other_from(other), rows, weight, strengths)
    if (other := settings.part("morph")) is not None:
        amount = settings.take("amount", float, 0.5)
        return Morph(other_from(other), amount, settings.take("space", str, "w+"))
    if (other := settings.part("transfer")) is not None:
        after = settings.part("to")
        if after is None:
            raise BadRecipe(f"{settings.name} lacks to: the portrait whose expression is taken.")
        amount, along = settings.take("amount", float, 1.0), settings.texts("along")
        return Transfer(other_from(other), other_from(after), amount, _rows(settings)[0], along)
    if (seed := settings.take("grain", int)) is not None:
        amount = settings.take("amount", float, 1.0)
        return Grain(None if seed < 0 else seed, *_rows(settings), amount)
    if (operation := settings.take("patch", str)) is not None:
        source = settings.part("from")
        mask = mask_value(settings)
        if not mask:
            raise BadRecipe(
                f"{settings.name} lacks mask: the region, such as [0.3, 0.3, 0.7, 0.8]."
            )
        shift = settings.take("shift", list, [0.0, 0.0])
        if len(shift) != 2 or not all(type(each) in (int, float) for each in shift):
            raise BadRecipe(f"{settings.name} has shift: {shown(shift)}; it needs two numbers.")
        from_ = None if source is None else other_from(source)
        return Patch(mask, from_, _rows(settings)[0], operation, (shift[0], shift[1]))
    return None


def other_values(other: Other) -> dict[str, Any]:
    """A portrait inside an edit or a walk."""
    values: dict[str, Any] = {"name": other.name}
    if other.latent is not None:
        values["latent"] = base64.b64encode(latent_to_bytes(other.latent)).decode()
    return values


def other_from(settings: Settings) -> Other:
    """The inverse of ``other_values``; takes all of ``settings``."""
    name, text = settings.need("name", str), settings.take("latent", str)
    settings.end()
    if text is not None:
        what = f"The latent of {shown(name)} in the recipe"
        return Other(name, latent_from_bytes(decoded(text, what), what, settings.allowance))
    if parse_seed(name) is None:
        raise BadRecipe(f"{settings.name} is {shown(name)} without a latent; write seed:123.")
    return Other(name)


def mask_value(settings: Settings) -> bytes:
    """The ``mask`` of a recipe as a PNG: base64, or a box by hand; empty where there is none.

    Raises:
        BadRecipe, BadInput: what is wrong with it.
    """
    text = settings.take_if_text("mask")
    box = settings.take("mask", list)
    if text is not None:
        return decoded(text, f"The mask of {settings.name}")
    if box is None:
        return b""
    if len(box) != 4 or not all(type(each) in (int, float) for each in box):
        raise BadRecipe(f"{settings.name} has mask: {shown(box)}; it needs four numbers.")
    return mask_bytes(box_mask([float(each) for each in box], BOXED))


def decoded(text: str, name: str) -> bytes:
    """Base64 -> bytes."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRecipe(f"{name} is damaged; save the recipe again.") from error


def _rows(settings: Settings) -> tuple[Rows | None, tuple[float, ...]]:
    text = settings.take("layers", str)
    if text is None:
        return None, ()
    if any(letter.isalpha() for letter in text):
        raise BadRecipe(f"{settings.name} has layers: {shown(text)}; write rows such as 0-3,7.")
    return parse_strengths(text, MAX_ROWS)
