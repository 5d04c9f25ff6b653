"""Portraits wearing what the generator never saw, and the true pictures of their edits.

The renderer draws every portrait twice: as it is, and with one factor changed and the accessory
kept. No other domain can do that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from editing.directions import boundary
from editing.domains import Domain, open_judge
from editing.edits import EditState, Move, render
from editing.images import to_tensor, to_uint8
from training.accessories import ACCESSORIES
from training.dataset import SPLITS, factors_of, traits_of
from training.factors import INDEX
from training.renderer import render as render_world

FIRST = SPLITS["held_out"] + 6_000  # seed; nothing else is measured on these
# What the paper edits, and the factor of this world: its brows have an angle, but no bushiness.
ATTRIBUTES = {
    "smile": ("smile", 1), "eyeglasses": ("eyeglasses", 1), "beard": ("beard", 1),
    "brows (angle)": ("brow_angle", 1), "mouth open": ("mouth_open", 1),
    "narrow eyes": ("eye_openness", -1), "age": ("age", 1),
}  # fmt: skip
CHANGE = 0.8  # of a factor in [-1, 1]
CLEAR = 8 / 255  # |Δ| > 4/255 of the range, on the [-1, 1] scale
DILATED = 2  # pixels
SMALLEST = 30  # pixels of a true region; a smaller one is hidden behind the accessory
BISECTIONS = 6


@dataclass(frozen=True, eq=False)
class Case:
    """One portrait and one edit of it."""

    attribute: str  # of ATTRIBUTES
    factor: str
    truth: Tensor  # the true edited picture, [1, 3, R, R] as saved
    region: Tensor  # where it differs, bool [1, 1, R, R]
    wanted: float  # the judge's reading of the truth minus that of the portrait, σ


@dataclass(frozen=True, eq=False)
class Worn:
    """A portrait that wears an accessory."""

    accessory: str
    picture: Tensor  # [1, 3, R, R] as saved
    where: Tensor  # the accessory, bool [1, 1, R, R]
    cases: tuple[Case, ...]


def attributes(domain: Domain) -> list[str]:
    """Those that the domain has a boundary for."""
    return [name for name, (factor, _) in ATTRIBUTES.items() if factor in domain.boundaries]


def portrait(number: int, domain: Domain) -> Worn:
    """The portrait of a number and its true edits."""
    seed, size = FIRST + number, domain.generator.img_resolution
    accessory = ACCESSORIES[number % len(ACCESSORIES)]
    factors = factors_of("held_out", range(seed, seed + 1))
    changed, names = [factors[0]], []
    for name in attributes(domain):
        factor, sign = ATTRIBUTES[name]
        moved = factors[0].clone()
        moved[INDEX[factor]] = changed_factor(float(factors[0, INDEX[factor]]), factor, sign)
        changed.append(moved)
        names.append((name, factor))
    seeds = [seed] * len(changed)
    traits = traits_of("held_out", range(seed, seed + 1)).expand(len(seeds), -1)
    drawn = render_world(
        torch.stack(changed), seeds, size, 1.25, True, accessories={accessory}, traits=traits
    )
    pictures = [to_tensor(pixels) for pixels in to_uint8(drawn.pictures)]
    read = open_judge(domain)
    with torch.no_grad():
        readings = torch.cat([read(picture) for picture in pictures])
    cases = []
    for i, (name, factor) in enumerate(names, 1):
        region = differs(pictures[0], pictures[i])
        if int(region.sum()) >= SMALLEST:
            own = read.outputs.index(factor)
            wanted = float(readings[i, own] - readings[0, own])
            cases.append(Case(name, factor, pictures[i], region, wanted))
    where = drawn.masks[accessory][:1, None] > 0.5
    return Worn(accessory, pictures[0], where, tuple(cases))


def changed_factor(value: float, factor: str, sign: int) -> float:
    """A factor moved by CHANGE towards ``sign``, or back where there is no room; glasses toggle."""
    if factor == "eyeglasses":
        return -1.0 if value > 0 else 1.0
    if sign * value > 1 - CHANGE:
        sign = -sign
    return value + sign * CHANGE


def differs(a: Tensor, b: Tensor) -> Tensor:
    """Where two pictures differ by more than 4/255, dilated by 2 px; bool [1, 1, R, R]."""
    apart = ((a - b).abs().amax(1, keepdim=True) > CLEAR).float()
    return functional.max_pool2d(apart, 2 * DILATED + 1, 1, DILATED) > 0.5


def matched(state: EditState, case: Case, domain: Domain) -> tuple[float, Tensor]:
    """(alpha, T as saved): the strength at which the judge sees the change of the truth.

    Where the direction cannot go that far, its end.
    """
    judge = open_judge(domain)
    own = judge.outputs.index(case.factor)

    def drawn(alpha: float) -> tuple[Tensor, float]:
        with torch.no_grad():
            edited = saved(render(Move(case.factor, alpha).apply(state, domain), domain))
            return edited, float(judge(edited)[0, own])

    start = drawn(0.0)[1]
    sign = 1.0 if case.wanted > 0 else -1.0
    low, high = 0.0, boundary(domain, case.factor).limits[sign > 0]
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if sign * (drawn(middle)[1] - start) < sign * case.wanted:
            low = middle
        else:
            high = middle
    alpha = (low + high) / 2
    return alpha, drawn(alpha)[0]


def saved(img: Tensor) -> Tensor:
    return to_tensor(to_uint8(img)[0])


def portraits(
    count: int, domain: Domain, skip: Callable[[int], bool] = lambda number: False
) -> Iterator[tuple[int, Worn]]:
    """Portraits by number, drawn when they are asked for."""
    for number in range(count):
        if not skip(number):
            yield number, portrait(number, domain)
