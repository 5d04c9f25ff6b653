"""Image2StyleGAN++'s local edits: searches that change a region of a picture and leave the rest.

Abdal et al. 2020, algorithms 2 to 6, from masked searches of W+ (and of the noise maps after it),
and idinvert's semantic diffusion (Zhu et al. 2020, section 4.4). M is the region, x the picture,
y the other one, G the drawn one; a stage of noise holds G where nothing is compared::

    crossover   G near y in M, near x outside; then the noise maps likewise
    inpaint     G near x outside M, whatever the generator makes of M; then the noise outside
    scribble    rows up to 32 pixels move until G is near x with its strokes; then the noise outside
    style       G near x outside M, in M the style of y (Gram matrices); then the noise outside
    diffuse     y pasted into x, read by the encoder; G near y in M, within the encoder's domain

What is found is a latent with noise maps, which travels and mixes as any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from editing.errors import BadInput, UnknownName
from editing.inversion.invert import Search, Step, fitted
from editing.inversion.losses import Goal
from editing.inversion.optimizer import Memory
from editing.inversion.options import (
    LEVELS,
    METHODS,
    NOTHING,
    InversionOptions,
    NoiseOptions,
    TuneOptions,
)
from editing.inversion.stages import Point, Stage
from editing.pictures.masks import checked_mask

if TYPE_CHECKING:
    from editing.models.domain import Domain

LOCAL_EDITS = ("crossover", "inpaint", "scribble", "style", "diffuse")
ALONE = ("inpaint",)  # those that take nothing from another picture
NOISE_STEPS: Mapping[str, int] = {"quick": 40, "standard": 100, "best": 200}  # after the latent
NOISE_LR = 0.005  # the latent has come near already; a larger rate would leave grain
STROKES_TO = 32  # pixels of the rows that a scribble moves: shapes, but no texture of strokes
STYLE = 10.0  # weight of the style beside pixel and perceptual losses of 1


@dataclass(frozen=True, eq=False)
class LocalEdit:
    """What is to change where."""

    operation: str  # of LOCAL_EDITS
    picture: Tensor  # [1, 3, R, R] in [-1, 1]
    mask: Tensor  # [1, 1, R, R] in [0, 1]: 1 = the region
    other: Tensor | None = None  # what the region takes from; of "scribble" x with its strokes

    def __post_init__(self) -> None:
        if self.operation not in LOCAL_EDITS:
            raise UnknownName.among("local edit", self.operation, LOCAL_EDITS)
        checked_mask(self.mask, "The region")
        if self.other is None and self.operation not in ALONE:
            raise BadInput(
                f"The local edit {self.operation!r} needs another picture that it takes from; "
                "choose one."
            )

    @property
    def pasted(self) -> Tensor:
        """The other picture in the region, the picture outside; as cut with scissors."""
        if self.other is None:
            return self.picture
        return torch.lerp(self.picture, self.other.to(self.picture), self.mask.to(self.picture))


def local_options(operation: str, level: str = "standard") -> InversionOptions:
    """How long each stage of a local edit is searched.

    Raises:
        UnknownName: no such operation or level.
    """
    if operation not in LOCAL_EDITS:
        raise UnknownName.among("local edit", operation, LOCAL_EDITS)
    if level not in LEVELS:
        raise UnknownName.among("level of a local edit", level, LEVELS)
    steps = LEVELS[level].steps
    if operation == "diffuse":
        return replace(METHODS["idinvert"], steps=steps)
    plain = replace(LEVELS[level], half=0.0, tune=TuneOptions())
    options = replace(plain, noise=NoiseOptions(NOISE_STEPS[level], NOISE_LR))
    return replace(options, finest=STROKES_TO) if operation == "scribble" else options


def local_edit(
    edit: LocalEdit,
    start: Point,
    domain: Domain,
    options: InversionOptions,
    rng: torch.Generator | None = None,
    memory: Memory | None = None,
) -> Iterator[Step]:
    """Search the edited picture; yields before the first step and after each, as ``invert`` does.

    Args:
        start: the portrait that ``edit.picture`` shows, its weight delta and noise maps included;
            where the operation leaves it, the search begins anew from the encoder's reading.
        memory: of the same search, stopped before.

    Raises:
        BadInput: pictures or a mask of another size than the generator's; at a step, for a loss
            that is no number.
        MissingFile: at the first step, where the domain lacks a model that is needed.
    """
    _check_sizes(edit, domain.generator.img_resolution)
    options, notes = fitted(options, domain, False)
    start = _placed(start, domain.device)
    search = Search(
        domain, options, partial(_goal, edit, domain, options), rng, notes,
        partial(_noise_goal, edit, domain, options),
    )  # fmt: skip

    def first() -> Stage:
        return search.latent_stage(_beginning(edit, start, domain), start)

    return search.run(first, ("noise",), memory)


def _placed(start: Point, device: torch.device) -> Point:
    """The portrait where the generator is."""

    def there(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: tensor.to(device) for name, tensor in tensors.items()}

    noise, delta, offsets = map(there, (start.noise, start.weight_delta, start.s_delta))
    return Point(start.ws.to(device), noise, delta, offsets)


def _check_sizes(edit: LocalEdit, size: int) -> None:
    shapes = {
        "picture": (edit.picture, 3),
        "other picture": (edit.other, 3),
        "mask": (edit.mask, 1),
    }
    for name, (tensor, channels) in shapes.items():
        if tensor is not None and tensor.shape != (1, channels, size, size):
            raise BadInput(
                f"The {name} of the local edit has the shape {list(tensor.shape)}; it needs "
                f"[1, {channels}, {size}, {size}]."
            )


def _goal(edit: LocalEdit, domain: Domain, options: InversionOptions) -> Goal:
    """What the latent shall come near."""
    x, inside, outside = edit.picture, edit.mask, 1 - edit.mask
    if edit.operation == "crossover":
        rest = replace(NOTHING, pixel=options.weights.pixel, perceptual=options.weights.perceptual)
        also = {"outside": Goal(x, domain, rest, outside)}
        return Goal(_other(edit), domain, options.weights, inside, also=also)
    if edit.operation == "style":
        taken = Goal(_other(edit), domain, replace(NOTHING, style=STYLE), inside)
        return Goal(x, domain, options.weights, outside, also={"taken": taken})
    if edit.operation == "scribble":
        return Goal(edit.pasted, domain, options.weights)
    if edit.operation == "diffuse":
        return Goal(edit.pasted, domain, options.weights, inside)
    return Goal(x, domain, options.weights, outside)


def _noise_goal(edit: LocalEdit, domain: Domain, options: InversionOptions) -> Goal:
    """What the noise maps shall come near: both pictures of a crossover, else what is outside."""
    if edit.operation == "crossover":
        return Goal(edit.pasted, domain, options.weights)
    return Goal(edit.picture, domain, options.weights, 1 - edit.mask)


def _beginning(edit: LocalEdit, start: Point, domain: Domain) -> Tensor:
    """The ws from which the latent is searched."""
    if edit.operation in ("scribble", "style") or "encoder" not in domain.parts:
        return start.ws
    if edit.operation != "inpaint":
        return domain.encode(edit.pasted)
    # What is to go must not be read: the mean portrait stands in its place.
    generator = domain.generator
    mean = generator.synthesis(generator.mapping.w_avg.expand(1, generator.num_ws, -1))
    return domain.encode(torch.lerp(edit.picture.to(mean), mean, edit.mask.to(mean)))


def _other(edit: LocalEdit) -> Tensor:
    assert edit.other is not None  # LocalEdit has looked
    return edit.other
