"""The colours of a portrait: skin, hair, clothes, background, and the brushes that paint them.

Features are painted in head space on the traced surface, each as a soft mask [B, P] one pixel
wide at its edge. Colours are written as sRGB triples and mixed in linear light (gamma 2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from training.geometry import (
    EYE_X,
    MOUTH_Y,
    Shape,
    bald_amount,
    mouth_half_width,
    neckline,
    smoothstep,
)

RGB = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Detail:
    """Chance beyond factors and traits: phases [B, 12] in [0, 2 pi) of freckles and weave."""

    phases: Tensor

    def phase(self, i: int) -> Tensor:
        return self.phases[:, i : i + 1]


@dataclass(frozen=True, eq=False)
class Surface:
    """A painted surface: linear colour [B, P, 3], gloss [B, P]."""

    colour: Tensor
    gloss: Tensor


def rgb(like: Tensor, colour: RGB) -> Tensor:
    """sRGB triple -> linear [1, 1, 3]."""
    return torch.tensor([c * c for c in colour], device=like.device, dtype=like.dtype).view(1, 1, 3)


def palette(x: Tensor, *stops: RGB) -> Tensor:
    """Colour [..., 3] on a line of evenly spaced stops; x in [-1, 1] of shape [...]."""
    place = (x * 0.5 + 0.5).clamp(0, 1) * (len(stops) - 1)
    colour = rgb(x, stops[0]).expand(*x.shape, 3)
    for i in range(1, len(stops)):
        step = (place - (i - 1)).clamp(0, 1).unsqueeze(-1)
        colour = torch.lerp(colour, rgb(x, stops[i]).expand_as(colour), step)
    return colour


def over(base: Tensor, top: Tensor, mask: Tensor) -> Tensor:
    """``top`` painted over ``base`` [B, P, 3] where mask [B, P] is 1."""
    return base + (top - base) * mask.unsqueeze(-1)


def shade(base: Tensor, factor: Tensor) -> Tensor:
    return base * factor.unsqueeze(-1)


def line(distance: Tensor, width: Tensor | float, soft: Tensor | float) -> Tensor:
    """A stroke: 1 within ``width`` of distance 0, fading over ``soft``."""
    return 1 - smoothstep(0.0, 1.0, (distance.abs() - width) / soft + 0.5)


def segment(x: Tensor, y: Tensor, a, b) -> Tensor:  # type: ignore[no-untyped-def]
    """Distance in the plane to the segment a-b."""
    px, py, dx, dy = x - a[0], y - a[1], b[0] - a[0], b[1] - a[1]
    h = ((px * dx + py * dy) / (dx * dx + dy * dy)).clamp(0, 1)
    return ((px - h * dx).square() + (py - h * dy).square() + 1e-9).sqrt()


def hair_colour(s: Shape) -> Tensor:
    """Base colour of the hair, linear [B, 1, 3]."""
    f = s.factors
    brown = palette(
        f["hair_lightness"],
        (0.10, 0.08, 0.08),
        (0.20, 0.13, 0.10),
        (0.38, 0.24, 0.15),
        (0.66, 0.47, 0.27),
        (0.90, 0.76, 0.50),
    )
    red = palette(
        f["hair_lightness"],
        (0.20, 0.08, 0.06),
        (0.42, 0.15, 0.08),
        (0.62, 0.26, 0.11),
        (0.80, 0.40, 0.18),
    )
    colour = torch.lerp(brown, red, 0.85 * smoothstep(0.0, 1.0, f["hair_redness"]).unsqueeze(-1))
    grey = palette(f["hair_lightness"], (0.62, 0.62, 0.64), (0.86, 0.86, 0.87))
    return torch.lerp(colour, grey, 0.92 * smoothstep(0.30, 0.95, f["grey_hair"]).unsqueeze(-1))


def skin_colour(s: Shape) -> Tensor:
    """Base colour of the skin, linear [B, 1, 3]."""
    return palette(
        s.factors["skin_tone"],
        (0.98, 0.83, 0.75),
        (0.95, 0.75, 0.63),
        (0.85, 0.62, 0.48),
        (0.64, 0.42, 0.30),
        (0.42, 0.27, 0.20),
    )


def eye_colour(s: Shape) -> Tensor:
    """Base colour of the irises, linear [B, 1, 3]."""
    return palette(
        s.factors["eye_colour"],
        (0.22, 0.12, 0.07),
        (0.40, 0.24, 0.12),
        (0.44, 0.46, 0.26),
        (0.35, 0.55, 0.68),
        (0.42, 0.66, 0.86),
    )


def lip_colour(s: Shape) -> Tensor:
    """Base colour of the lips, linear [B, 1, 3]."""
    skin = skin_colour(s)
    pale = skin * rgb(skin, (0.93, 0.80, 0.80))
    rose = skin * rgb(skin, (0.92, 0.62, 0.62)) + 0.02
    red = skin * 0.25 + rgb(skin, (0.78, 0.14, 0.20)) * 0.75
    tint = s.amount("lip_colour").unsqueeze(-1)
    lip = torch.lerp(pale, rose, (2 * tint).clamp(0, 1))
    return torch.lerp(lip, red, (2 * tint - 1).clamp(0, 1))


def strands(s: Shape, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """Light and dark of single strands, about 0 +- 1, running down from the crown."""
    curl = s.amount("hair_curl")
    sweep = s.traits["sweep"]
    wave = curl * (0.10 * (16 * y + 0.6).sin() + 0.06 * (27 * y + 9 * z + s.phase("waves")).sin())
    a = torch.atan2(x, z + 0.35) + wave + 0.04 * (3.1 * y + 1.0).sin()
    a = a + 0.05 * sweep * (2.3 * y + 0.4).sin() + 0.03 * s.traits["strands"] * y
    # Tufts part and join on their way down: the phase of each wanders with height.
    broad = (19 * a + s.phase("strands") + 0.9 * (2.9 * y + 7 * a).sin()).sin()
    middle = (43 * a + 2.2 * (2.1 * y + 3 * a).sin()).sin()
    fine = (89 * a + 2.6 * (1.7 * y + 5 * a).sin()).sin()
    finest = (149 * a + 3.0 * (2.3 * y - 4 * a).sin()).sin()
    uneven = 0.65 + 0.35 * (13 * a - 1.1 * y + 0.8).sin()
    return 0.42 * broad + 0.34 * middle + uneven * (0.36 * fine + 0.26 * finest)


def paint_wrinkles(s: Shape, colour: Tensor, x: Tensor, y: Tensor, aa: float) -> Tensor:
    """Age and laughter: folds beside the nose, lines on the forehead, crow's feet, bags."""
    ax = x.abs()
    old = smoothstep(0.0, 0.95, s.factors["age"])
    smile = s.factors["smile"].clamp_min(0)
    corner = mouth_half_width(s)
    fold = segment(ax, y, (0.105, -0.235), (corner + 0.055, MOUTH_Y + 0.03))
    dark = (0.10 + 0.34 * old + 0.26 * smile) * torch.exp(-((fold / 0.022) ** 2))
    bend = 0.012 * (7 * x + s.phase("creases")).sin()
    brow_lines = (36 * (y + 0.10 * x * x + bend)).sin()
    zone = torch.exp(-(((y - 0.36) / 0.085) ** 2)) * torch.exp(-((x / 0.27) ** 4))
    dark = dark + old * 0.30 * zone * smoothstep(0.55, 1.0, brow_lines)
    rays = (11 * torch.atan2(y + 0.005, ax - 0.30)).sin()
    crow = torch.exp(-(((ax - 0.435) / 0.045) ** 2) - ((y + 0.005) / 0.07) ** 2)
    dark = dark + (0.30 * old + 0.12 * smile * (1 + s.factors["age"]) * 0.5) * crow * smoothstep(
        0.3, 1.0, rays
    )
    bag = (y + 0.105 - 0.55 * (ax - EYE_X).square()) / 0.022
    dark = dark + (0.05 + 0.28 * old) * torch.exp(-(bag**2)) * torch.exp(
        -(((ax - EYE_X) / 0.10) ** 2)
    )
    marionette = segment(ax, y, (corner + 0.015, MOUTH_Y - 0.03), (corner + 0.035, MOUTH_Y - 0.17))
    dark = dark + 0.26 * old * torch.exp(-((marionette / 0.02) ** 2))
    return shade(colour, 1 - dark.clamp(0, 0.75))


def paint_skin(s: Shape, detail: Detail, x: Tensor, y: Tensor, z: Tensor, aa: float) -> Tensor:
    """Skin with blush, freckles, nostrils and wrinkles, linear [B, P, 3]."""
    f = s.factors
    ax = x.abs()
    colour = skin_colour(s).expand(-1, x.shape[1], 3)
    warm = torch.exp(-(((ax - 0.31) / 0.13) ** 2) - ((y + 0.27) / 0.11) ** 2)
    warm = (
        warm
        + 0.8 * torch.exp(-((x / 0.075) ** 2) - ((y + 0.23) / 0.07) ** 2)
        + 0.9 * smoothstep(0.57, 0.65, ax)
    )
    blush = (0.20 - 0.06 * f["gender"]) * warm * smoothstep(-0.2, 0.2, z)
    colour = colour * (1 - blush.unsqueeze(-1) * rgb(x, (0.20, 0.78, 0.74)))
    spots = (61 * x + 3 * (9 * y).sin() + detail.phase(7)).sin() * (
        57 * y + 3 * (8 * x).sin() + detail.phase(8)
    ).sin()
    spots = spots * (23 * (x + y) + detail.phase(9)).sin()
    zone = torch.exp(-(((y + 0.20) / 0.16) ** 2)) * torch.exp(-((ax / 0.36) ** 4)) * (z > 0.1)
    amount = s.traits["freckles"].clamp_min(0) * smoothstep(0.6, -0.6, f["skin_tone"])
    colour = shade(colour, 1 - 0.40 * amount * zone * smoothstep(0.35, 0.75, spots))
    mottle = (19 * x + detail.phase(10)).sin() * (17 * y + detail.phase(11)).sin()
    colour = shade(colour, 1 + 0.015 * mottle)
    front = (z > 0.25).to(x.dtype)
    size = 1 + 0.28 * f["nose_size"]
    hole = ((ax - 0.038 * size) / (0.024 * size)).square() + (
        (y + 0.272 + 0.004 * size) / 0.013
    ).square()
    colour = shade(colour, 1 - 0.62 * front * smoothstep(1.6, 0.4, hole))
    painted = paint_wrinkles(s, colour, x, y, aa)
    return over(colour, painted, front)


def paint_hair(s: Shape, x: Tensor, y: Tensor, z: Tensor) -> Surface:
    """Strands, darker at the roots and in the depth between locks."""
    tone = strands(s, x, y, z)
    roots = 0.90 + 0.10 * smoothstep(0.72, 0.30, y) + 0.06 * smoothstep(-0.2, -0.9, y)
    colour = shade(
        hair_colour(s).expand(-1, x.shape[1], 3),
        (1 + 0.30 * tone) * roots * (0.94 + 0.06 * bald_amount(s)),
    )
    return Surface(colour, 0.25 + 0.10 * tone)


def clothes_colour(s: Shape) -> Tensor:
    """Linear [B, 1, 3]."""
    f = s.factors
    dark = palette(
        f["clothes_hue"],
        (0.10, 0.17, 0.34),
        (0.10, 0.26, 0.28),
        (0.24, 0.16, 0.30),
        (0.36, 0.10, 0.12),
    )
    light = palette(
        f["clothes_hue"],
        (0.56, 0.70, 0.92),
        (0.62, 0.86, 0.80),
        (0.82, 0.72, 0.90),
        (0.96, 0.66, 0.62),
    )
    return torch.lerp(dark, light, s.amount("clothes_lightness").unsqueeze(-1))


def paint_clothes(s: Shape, detail: Detail, x: Tensor, y: Tensor, z: Tensor) -> Surface:
    base = clothes_colour(s)
    weave = (85 * x + detail.phase(0)).sin() * (85 * y + detail.phase(1)).sin()
    below = neckline(s, x, z) - y
    seam = 1 - 0.28 * torch.exp(-((below - 0.055) / 0.010).square())
    ribs = (70 * torch.atan2(x, z + 0.22)).sin() * smoothstep(0.055, 0.045, below)
    seam = seam * (1 + 0.07 * ribs)
    return Surface(
        shade(base.expand(-1, x.shape[1], 3), (1 + 0.05 * weave) * seam), torch.full_like(x, 0.04)
    )


def wall_colour(s: Shape) -> Tensor:
    """Linear [B, 1, 3]."""
    f = s.factors
    dark = palette(
        f["background_hue"],
        (0.10, 0.18, 0.32),
        (0.16, 0.24, 0.28),
        (0.28, 0.22, 0.22),
        (0.36, 0.20, 0.14),
    )
    light = palette(
        f["background_hue"],
        (0.66, 0.80, 0.96),
        (0.74, 0.88, 0.88),
        (0.95, 0.88, 0.78),
        (0.98, 0.78, 0.62),
    )
    return torch.lerp(dark, light, s.amount("background_lightness").unsqueeze(-1))


def paint_background(s: Shape, u: Tensor, v: Tensor) -> Tensor:
    """A lit wall out of focus, linear [B, P, 3]; u, v in [-1, 1], v down."""
    f, base = s.factors, wall_colour(s)
    glow = torch.exp(-((u - 0.45 * f["light_direction"]).square() + (v + 0.25).square()) / 1.1)
    blur = (2.3 * u + s.phase("creases")).sin() * (2.1 * v + s.phase("waves")).sin()
    return shade(base.expand(-1, u.shape[1], 3), 0.72 + 0.42 * glow + 0.03 * blur)


def light_direction(s: Shape) -> tuple[Tensor, ...]:
    """Unit vector towards the key light, world space, each [B, 1]."""
    azimuth = math.radians(62) * s.factors["light_direction"]
    x, y, z = azimuth.sin() * 0.82, torch.full_like(azimuth, 0.50), azimuth.cos() * 0.82
    length = (x * x + y * y + z * z).sqrt()
    return x / length, y / length, z / length
