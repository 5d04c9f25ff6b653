"""What no training picture shows: accessories, for the out-of-domain tests of the world.

``render(factors, seeds, accessories={"hat"})`` puts them on. Solid ones (``wearables``) join the
parts of ``geometry`` as signed distances; painted ones are masks on the skin; the patterned
background replaces the wall. Each is a mask in ``Render.masks`` under its own name. Colours
follow from the portrait's seed: the same seed always wears the same hat.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import reduce

import torch
from torch import Tensor

from training.geometry import Distances, Shape, distances, smooth_max, smoothstep, to_space
from training.painting import Detail, Surface, line, over, rgb, segment, shade
from training.wearables import SOLID, Point, above_hat_edge, accent, flat, hat_dome

Worn = frozenset[str]
NOTHING: Worn = frozenset()


# --- painted on the skin --------------------------------------------------------------------


def star(x: Tensor, y: Tensor, size: float) -> Tensor:
    """Approximate signed distance to a five-pointed star."""
    angle = torch.atan2(x, y)
    radius = (x * x + y * y + 1e-9).sqrt()
    return radius - size * (0.72 + 0.30 * (5 * angle).cos())


def heart(x: Tensor, y: Tensor, size: float) -> Tensor:
    """Approximate signed distance to a heart."""
    px, py = x.abs() / size, y / size + 0.1
    lift = py - 0.75 * px.clamp_min(1e-4).sqrt() * (1 - 0.15 * px)
    return ((px * px + lift * lift + 1e-6).sqrt() - 1.0) * size * 0.7


def face_paint(detail: Detail, x: Tensor, y: Tensor, aa: float) -> tuple[Tensor, Tensor]:
    """A band across the eyes, three strokes on either cheek; colour [B, P, 3] and mask."""
    ax = x.abs()
    base = accent(detail, 3, (0.10, 0.34, 0.72), (0.76, 0.10, 0.16), (0.10, 0.50, 0.34))
    light = accent(detail, 10, (0.97, 0.84, 0.24), (0.96, 0.96, 0.96), (0.98, 0.58, 0.18))
    edge = 0.012 * (31 * x + detail.phase(7)).sin() + 0.006 * (67 * x + detail.phase(8)).sin()
    top = 0.175 + 0.10 * smoothstep(0.12, 0.48, ax) + edge
    bottom = (
        -0.115 - 0.05 * smoothstep(0.20, 0.45, ax) + 0.05 * torch.exp(-((x / 0.10) ** 2)) - edge
    )
    band = smoothstep(-aa, aa, top - y) * smoothstep(-aa, aa, y - bottom)
    strokes = torch.zeros_like(x)
    for i in range(3):
        a, b = (0.20 + 0.02 * i, -0.23 - 0.085 * i), (0.43 - 0.03 * i, -0.20 - 0.105 * i)
        strokes = torch.maximum(strokes, line(segment(ax, y, a, b), 0.022 - 0.003 * i, 2 * aa))
    forehead = smoothstep(aa, -aa, star(x, y - 0.33, 0.075))
    marks = torch.maximum(strokes, forehead)
    brush = 1 - 0.05 * (45 * y + 9 * (8 * x).sin() + detail.phase(9)).sin()
    colour = over(flat(x, base), flat(x, light), marks)
    return colour, 0.90 * brush * torch.maximum(band, marks)


def stickers(detail: Detail, x: Tensor, y: Tensor, aa: float) -> tuple[Tensor, Tensor]:
    """A star and a heart on the cheeks, a smiling disc on the forehead, all with white rims."""
    gold = accent(detail, 3, (0.98, 0.78, 0.12), (0.20, 0.62, 0.90), (0.42, 0.78, 0.30))
    pink = accent(detail, 10, (0.93, 0.18, 0.36), (0.62, 0.26, 0.78), (0.98, 0.46, 0.20))
    tilt = 0.35 * detail.phase(0).sin()
    shapes = (
        (star(*turned(x + 0.335, y + 0.27, tilt), 0.098), gold),
        (heart(*turned(x - 0.325, y + 0.29, -tilt), 0.082), pink),
        ((x - 0.10).square().add((y - 0.335).square()).add(1e-9).sqrt() - 0.082, gold),
    )
    colour, mask = flat(x, rgb(x, (0.98, 0.98, 0.97))), torch.zeros_like(x)
    for distance, ink in shapes:
        mask = torch.maximum(mask, smoothstep(aa, -aa, distance - 0.016))
        colour = over(colour, flat(x, ink), smoothstep(aa, -aa, distance))
    fx, fy = (x - 0.10).abs(), y - 0.335
    eyes = smoothstep(aa, -aa, ((fx - 0.028).square() + (fy - 0.02).square() + 1e-9).sqrt() - 0.011)
    grin = line(((x - 0.10).square() + fy.square() + 1e-9).sqrt() - 0.048, 0.004, 1.5 * aa)
    ink = torch.maximum(eyes, grin * smoothstep(-0.005, -0.02, fy))
    return over(colour, flat(x, rgb(x, (0.12, 0.09, 0.10))), ink), mask


def turned(x: Tensor, y: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    c, s = angle.cos(), angle.sin()
    return c * x - s * y, s * x + c * y


PAINTED = {"face_paint": face_paint, "stickers": stickers}
PATTERNED = "patterned_background"
ACCESSORIES: tuple[str, ...] = (*SOLID, *PAINTED, PATTERNED)


# --- putting them on ------------------------------------------------------------------------


def check_accessories(names: Iterable[str]) -> Worn:
    """The names as a set; ValueError for one there is not."""
    worn = frozenset(names)
    unknown = sorted(worn - set(ACCESSORIES))
    if unknown:
        raise ValueError(f"no accessory {unknown[0]!r}: there are {', '.join(ACCESSORIES)}")
    return worn


def dressed_distances(
    worn: Worn, s: Shape, x: Tensor, y: Tensor, z: Tensor
) -> tuple[Distances, dict[str, Tensor]]:
    """Distances from world points to the portrait's parts and to each solid accessory."""
    parts = distances(s, x, y, z)
    if worn.isdisjoint(SOLID):
        return parts, {}
    head, body = to_space(s.head, x, y, z), to_space(s.body, x, y, z)
    if "hat" in worn:  # no hair comes through it
        hx, hy, hz = head
        held = smooth_max(hat_dome(s, hx, hy, hz, 0.20), -above_hat_edge(hy, hz), 0.03)
        parts = replace(parts, hair=smooth_max(parts.hair, -held, 0.03))
    return parts, {name: SOLID[name][0](s, head, body) for name in SOLID if name in worn}


def dressed_nearest(worn: Worn, s: Shape, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """Distance to the nearest part or accessory."""
    parts, solids = dressed_distances(worn, s, x, y, z)
    return reduce(torch.minimum, solids.values(), parts.nearest())


def solid_covers(parts: Distances, solids: dict[str, Tensor], soft: float) -> dict[str, Tensor]:
    """How much a hit point is each accessory, 0..1 with a seam of width ``soft``."""
    covers = {}
    for name, distance in solids.items():
        others = [d for other, d in solids.items() if other != name]
        nearest = reduce(torch.minimum, others, parts.nearest())
        covers[name] = smoothstep(-soft, soft, nearest - distance)
    return covers


def dress(
    covers: dict[str, Tensor], s: Shape, detail: Detail, base: Surface, head: Point, body: Point
) -> tuple[Tensor, Tensor]:
    """Colour and gloss of the base with the solid accessories before it."""
    colour, gloss = base.colour, base.gloss
    for name, cover in covers.items():
        surface = SOLID[name][1](s, detail, head, body)
        colour = over(colour, surface.colour, cover)
        gloss = gloss + (surface.gloss - gloss) * cover
    return colour, gloss


def paint_on_skin(
    worn: Worn,
    detail: Detail,
    skin: Surface,
    masks: dict[str, Tensor],
    head: Point,
    aa: float,
) -> tuple[Surface, dict[str, Tensor]]:
    """Face paint and stickers on the skin, around eyes and mouth; the masks with theirs added."""
    x, y, z = head
    front = smoothstep(0.12, 0.28, z) * (1 - masks["eyes"]) * (1 - masks["mouth"])
    colour, gloss, added = skin.colour, skin.gloss, {}
    for name in PAINTED:
        if name not in worn:
            continue
        top, mask = PAINTED[name](detail, x, y, aa)
        mask = mask * front
        if name == "face_paint":  # brows and beards grow through it
            mask = mask * (1 - 0.85 * masks["brows"]) * (1 - 0.7 * masks["beard"])
        else:
            gloss = gloss + (0.30 - gloss) * mask
        colour = over(colour, top, mask)
        added[name] = mask
    return Surface(colour, gloss), masks | added


def paint_pattern(detail: Detail, wall: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """A papered wall in the wall's own light: ringed discs, linear [B, P, 3]."""
    ink = accent(detail, 11, (0.86, 0.24, 0.26), (0.12, 0.40, 0.56), (0.96, 0.76, 0.20))
    a, b = (u + v) * 3.2 + detail.phase(1), (u - v) * 3.2 + detail.phase(5)
    cell = ((a - a.round()).square() + (b - b.round()).square() + 1e-9).sqrt()
    light = (1.5 * wall.mean(dim=-1)).clamp(0.15, 1)
    pale = shade(flat(cell, rgb(cell, (0.97, 0.95, 0.90))), light)
    paper = over(wall, pale, 0.8 * line(cell - 0.41, 0.02, 0.04))
    return over(paper, shade(flat(cell, ink), light), smoothstep(0.32, 0.28, cell))
