"""Edits that bring other portraits in: crossover, morph, transfer, grain, regions.

Each is a small frozen value like any other edit: it can be reordered, switched off, undone and
written down (``mix_values``). The other portrait travels inside it, as a seed or as a latent.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

from editing.directions.direction import boundary
from editing.edits.mixing import between, crossover, grained, row_strengths, transfer
from editing.edits.regions import shifted
from editing.edits.stack import latent_of, state_of
from editing.errors import BadInput
from editing.io.images import MAX_PAINTED, encode_png, load_picture, to_pil, to_tensor
from editing.models.domain import Domain
from editing.models.generators.layers import layer_resolutions, rows_by_layer
from editing.models.latents import MAX_SEED, Latent
from editing.models.states import EditState, Region
from editing.pictures.masks import checked_mask

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
