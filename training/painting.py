"""The colours of a portrait: skin, eyes, brows, mouth, beard, hair, clothes, glasses, background.

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
    jaw_drop,
    mouth_half_width,
    mouth_lift,
    smoothstep,
)

RGB = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Detail:
    """Chance beyond the factors: phases [B, 12] in [0, 2 pi), freckles [B, 1] in 0..1."""

    phases: Tensor
    freckles: Tensor

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
        f["hair_lightness"], (0.10, 0.08, 0.08), (0.20, 0.13, 0.10), (0.38, 0.24, 0.15), (0.66, 0.47, 0.27), (0.90, 0.76, 0.50)
    )
    red = palette(f["hair_lightness"], (0.20, 0.08, 0.06), (0.42, 0.15, 0.08), (0.62, 0.26, 0.11), (0.80, 0.40, 0.18))
    colour = torch.lerp(brown, red, 0.85 * smoothstep(0.0, 1.0, f["hair_redness"]).unsqueeze(-1))
    grey = palette(f["hair_lightness"], (0.62, 0.62, 0.64), (0.86, 0.86, 0.87))
    return torch.lerp(colour, grey, 0.92 * smoothstep(0.30, 0.95, f["grey_hair"]).unsqueeze(-1))


def skin_colour(s: Shape) -> Tensor:
    """Base colour of the skin, linear [B, 1, 3]."""
    return palette(
        s.factors["skin_tone"], (0.98, 0.83, 0.75), (0.95, 0.75, 0.63), (0.85, 0.62, 0.48), (0.64, 0.42, 0.30), (0.42, 0.27, 0.20)
    )


def strands(s: Shape, detail: Detail, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """Light and dark of single strands, about 0 +- 1, running down from the crown."""
    curl = s.amount("hair_curl")
    angle = torch.atan2(x, z + 0.35)
    wave = curl * (0.10 * (16 * y + 0.6).sin() + 0.06 * (27 * y + 9 * z + detail.phase(1)).sin())
    a = angle + wave + 0.04 * (3.1 * y + 1.0).sin()
    broad = 0.9 * (23 * a + 0.4).sin() + 0.7 * (41 * a + 2 * (2 * y).sin()).sin()
    fine = (71 * a + detail.phase(4)).sin() + (113 * a + detail.phase(5) + 3 * (1.7 * y + x).sin()).sin()
    return 0.40 * (broad + 0.9 * fine)


def beard_mask(s: Shape, x: Tensor, y: Tensor) -> Tensor:
    """Where a beard grows, 0..1."""
    ax = x.abs()
    top = -0.345 - 0.10 * smoothstep(0.10, 0.24, ax) + 0.42 * smoothstep(0.27, 0.56, ax)
    return smoothstep(-0.03, 0.045, top - y) * smoothstep(-1.12, -0.90, y)


def paint_wrinkles(s: Shape, detail: Detail, colour: Tensor, x: Tensor, y: Tensor, aa: float) -> Tensor:
    """Age and laughter: folds beside the nose, lines on the forehead, crow's feet, bags."""
    ax = x.abs()
    old = smoothstep(0.0, 0.95, s.factors["age"])
    smile = s.factors["smile"].clamp_min(0)
    corner = mouth_half_width(s)
    fold = segment(ax, y, (0.105, -0.235), (corner + 0.055, MOUTH_Y + 0.03))
    dark = (0.10 + 0.34 * old + 0.26 * smile) * torch.exp(-((fold / 0.022) ** 2))
    bend = 0.012 * (7 * x + detail.phase(6)).sin()
    brow_lines = (36 * (y + 0.10 * x * x + bend)).sin()
    zone = torch.exp(-(((y - 0.36) / 0.085) ** 2)) * torch.exp(-((x / 0.27) ** 4))
    dark = dark + old * 0.30 * zone * smoothstep(0.55, 1.0, brow_lines)
    rays = (11 * torch.atan2(y + 0.005, ax - 0.30)).sin()
    crow = torch.exp(-(((ax - 0.435) / 0.045) ** 2) - ((y + 0.005) / 0.07) ** 2)
    dark = dark + (0.30 * old + 0.12 * smile * (1 + s.factors["age"]) * 0.5) * crow * smoothstep(0.3, 1.0, rays)
    bag = (y + 0.105 - 0.55 * (ax - EYE_X).square()) / 0.022
    dark = dark + (0.05 + 0.28 * old) * torch.exp(-(bag**2)) * torch.exp(-(((ax - EYE_X) / 0.10) ** 2))
    marionette = segment(ax, y, (corner + 0.015, MOUTH_Y - 0.03), (corner + 0.035, MOUTH_Y - 0.17))
    dark = dark + 0.26 * old * torch.exp(-((marionette / 0.02) ** 2))
    return shade(colour, 1 - dark.clamp(0, 0.75))


def paint_skin(s: Shape, detail: Detail, x: Tensor, y: Tensor, z: Tensor, aa: float) -> Tensor:
    """Skin with blush, freckles, nostrils and wrinkles, linear [B, P, 3]."""
    f = s.factors
    ax = x.abs()
    colour = skin_colour(s).expand(-1, x.shape[1], 3)
    warm = torch.exp(-(((ax - 0.31) / 0.13) ** 2) - ((y + 0.27) / 0.11) ** 2)
    warm = warm + 0.8 * torch.exp(-((x / 0.075) ** 2) - ((y + 0.23) / 0.07) ** 2) + 0.9 * smoothstep(0.57, 0.65, ax)
    blush = (0.20 - 0.06 * f["gender"]) * warm * smoothstep(-0.2, 0.2, z)
    colour = colour * (1 - blush.unsqueeze(-1) * rgb(x, (0.20, 0.78, 0.74)))
    spots = (61 * x + 3 * (9 * y).sin() + detail.phase(7)).sin() * (57 * y + 3 * (8 * x).sin() + detail.phase(8)).sin()
    spots = spots * (23 * (x + y) + detail.phase(9)).sin()
    zone = torch.exp(-(((y + 0.20) / 0.16) ** 2)) * torch.exp(-((ax / 0.36) ** 4)) * (z > 0.1)
    amount = detail.freckles * smoothstep(0.6, -0.6, f["skin_tone"])
    colour = shade(colour, 1 - 0.40 * amount * zone * smoothstep(0.35, 0.75, spots))
    mottle = (19 * x + detail.phase(10)).sin() * (17 * y + detail.phase(11)).sin()
    colour = shade(colour, 1 + 0.015 * mottle)
    front = (z > 0.25).to(x.dtype)
    size = 1 + 0.28 * f["nose_size"]
    hole = ((ax - 0.038 * size) / (0.024 * size)).square() + ((y + 0.272 + 0.004 * size) / 0.013).square()
    colour = shade(colour, 1 - 0.62 * front * smoothstep(1.6, 0.4, hole))
    painted = paint_wrinkles(s, detail, colour, x, y, aa)
    return over(colour, painted, front)


def paint_brows(s: Shape, detail: Detail, colour: Tensor, x: Tensor, y: Tensor, aa: float) -> tuple[Tensor, Tensor]:
    f = s.factors
    u = (x.abs() - 0.245) / 0.155
    arch = 0.150 + 0.042 * f["brow_height"] + 0.030 * (1 - u * u) - 0.012 * f["gender"] + 0.036 * f["brow_angle"] * u
    thick = (0.019 + 0.007 * f["gender"]) * (1 - 0.55 * smoothstep(0.1, 1.0, u))
    hairs = 0.25 * (95 * x.abs() + 50 * y + detail.phase(3)).sin()
    mask = line(y - arch, thick * (1 + hairs * 0.5), 1.6 * aa + 0.006) * line(u, 0.94, 0.18)
    tone = hair_colour(s) * 0.55 + rgb(x, (0.16, 0.10, 0.08)) * 0.35
    mask = mask * (0.88 + 0.12 * hairs)
    return over(colour, tone.expand_as(colour), mask), mask


def eye_lids(s: Shape, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Place across the eye ex and half width w, then heights of the upper and lower lid."""
    f = s.factors
    side = x.sign()
    scale = 1 + 0.15 * f["eye_size"] - 0.04 * f["age"]
    ex = (x - side * EYE_X) * side  # + towards the temple
    w = 0.122 * scale
    u = (ex / w).clamp(-1, 1)
    squint = 0.014 * f["smile"].clamp_min(0)
    height = (0.012 + 0.066 * s.amount("eye_openness")) * scale
    tilt = 0.014 * u - 0.010 * f["age"] * u
    upper = height * (1 - u.abs() ** 2.3) + tilt
    lower = -(0.042 * scale - squint + 0.010 * f["eye_openness"]) * (1 - u * u) + tilt
    return ex, w, upper, torch.minimum(lower, upper)


def paint_eyes(s: Shape, colour: Tensor, x: Tensor, y: Tensor, aa: float) -> tuple[Tensor, Tensor, Tensor]:
    """Eyes with iris, lids and lashes; returns colour, the mask of the open eye, and its gloss."""
    f = s.factors
    side = x.sign()
    ex, w, upper, lower = eye_lids(s, x)
    within = smoothstep(1.5 * aa, -0.5 * aa, ex.abs() - w)
    open_eye = smoothstep(-0.5 * aa, 1.2 * aa, upper - y) * smoothstep(-0.5 * aa, 1.2 * aa, y - lower) * within
    scale = 1 + 0.15 * f["eye_size"] - 0.04 * f["age"]
    gaze_x = -0.052 * f["pose"]
    gaze_y = -0.018 * f["pitch"] + 0.006
    ix, iy = x - side * EYE_X - gaze_x, y - gaze_y
    r = (ix * ix + iy * iy + 1e-9).sqrt()
    radius = 0.062 * scale
    white = rgb(x, (0.95, 0.94, 0.93)) * (1 - 0.10 * (ex / w).square()).unsqueeze(-1)
    iris = palette(f["eye_colour"], (0.22, 0.12, 0.07), (0.40, 0.24, 0.12), (0.44, 0.46, 0.26), (0.35, 0.55, 0.68), (0.42, 0.66, 0.86))
    spokes = 1 + 0.16 * (14 * torch.atan2(iy, ix)).sin() * smoothstep(0.3, 0.9, r / radius)
    glow = (0.75 + 0.55 * smoothstep(0.03, -0.05, iy)) * spokes
    eye = over(white, iris * glow.unsqueeze(-1), smoothstep(0.7 * aa, -0.7 * aa, r - radius))
    eye = shade(eye, 1 - 0.55 * line(r - radius, 0.005, 0.012 + aa))
    eye = over(eye, rgb(x, (0.03, 0.02, 0.03)).expand_as(eye), smoothstep(0.7 * aa, -0.7 * aa, r - 0.44 * radius))
    eye = shade(eye, 1 - 0.45 * smoothstep(0.045, 0.0, upper - y))
    lx = 0.022 * (0.5 + f["light_direction"])
    spark = ((ix - lx).square() + (iy - 0.024).square() + 1e-9).sqrt()
    eye = over(eye, rgb(x, (1.0, 1.0, 1.0)).expand_as(eye), 0.95 * smoothstep(0.8 * aa, -0.8 * aa, spark - 0.0135))
    # Lids: shadow in the crease, then the lash line.
    lid = smoothstep(1.25, 0.8, ex.abs() / w)
    crease = line(y - upper - 0.026 - 0.008 * f["eye_openness"], 0.003, 0.020) * lid * (1 - open_eye)
    colour = shade(colour, 1 - (0.30 + 0.08 * f["age"]) * crease)
    colour = over(colour, eye, open_eye)
    fem = smoothstep(0.4, -0.8, f["gender"])
    lash_w = 0.0045 + 0.0065 * fem
    wing = smoothstep(1.02 + 0.22 * fem, 0.90, ex / w) * smoothstep(-1.08, -0.9, ex / w)
    lift = 0.05 * fem * (ex - 0.8 * w).clamp_min(0)
    lash = line(y - upper - 0.5 * lash_w - lift, lash_w, 1.3 * aa) * wing
    low = 0.35 * line(y - lower, 0.002, 1.5 * aa) * within
    dark = rgb(x, (0.10, 0.06, 0.05)).expand_as(colour)
    colour = over(colour, dark, torch.maximum((0.72 + 0.26 * fem) * lash, low).clamp(0, 1))
    gloss = open_eye * smoothstep(0.5 * aa, -0.5 * aa, r - radius)
    return colour, open_eye, gloss


@dataclass(frozen=True, eq=False)
class MouthLines:
    """Heights of the mouth's lines over x, and the place across, each [B, P]."""

    u: Tensor
    top: Tensor
    upper: Tensor
    lower: Tensor
    bottom: Tensor


def mouth_lines(s: Shape, x: Tensor) -> MouthLines:
    f = s.factors
    u = x / mouth_half_width(s)
    arc = (1 - (u * u).clamp(0, 1)).clamp_min(1e-4)
    lift = mouth_lift(s)
    middle = MOUTH_Y + lift * u * u - 0.30 * lift
    teeth = smoothstep(0.45, 1.0, s.amount("teeth"))
    gap = 0.050 * teeth + 0.95 * jaw_drop(s)
    full = 1 + 0.42 * f["lip_fullness"] - 0.12 * f["smile"] - 0.10 * f["age"]
    bow = 1 - 0.28 * torch.exp(-((u / 0.20) ** 2)) + 0.12 * torch.exp(-(((u.abs() - 0.33) / 0.2) ** 2))
    upper = middle + 0.30 * gap * arc
    lower = middle - 0.85 * gap * arc
    top = upper + 0.032 * full * bow * arc**0.75
    bottom = lower - 0.043 * full * arc**0.6
    return MouthLines(u, top, upper, lower, bottom)


def paint_mouth(s: Shape, colour: Tensor, x: Tensor, y: Tensor, aa: float) -> tuple[Tensor, Tensor, Tensor]:
    """Lips, teeth, tongue; returns colour, the mask of the mouth and its gloss."""
    f = s.factors
    m = mouth_lines(s, x)
    ends = smoothstep(1.0 + aa * 4, 1.0 - aa * 4, m.u.abs())

    def between(low: Tensor, high: Tensor) -> Tensor:
        return smoothstep(-0.7 * aa, 0.7 * aa, high - y) * smoothstep(-0.7 * aa, 0.7 * aa, y - low) * ends

    skin = skin_colour(s)
    pale = skin * rgb(x, (0.93, 0.80, 0.80))
    rose = skin * rgb(x, (0.92, 0.62, 0.62)) + 0.02
    red = skin * 0.25 + rgb(x, (0.78, 0.14, 0.20)) * 0.75
    tint = s.amount("lip_colour").unsqueeze(-1)
    lip = torch.lerp(pale, rose, (2 * tint).clamp(0, 1))
    lip = torch.lerp(lip, red, (2 * tint - 1).clamp(0, 1))
    whole = between(m.bottom, m.top)
    roundness = 0.80 + 0.30 * smoothstep(m.top, m.upper - 0.01, y) * smoothstep(m.lower - 0.045, m.lower, y)
    creases = 1 + 0.03 * (150 * x).sin()
    colour = over(colour, shade(lip.expand_as(colour), roundness * creases), 0.96 * whole)
    under = torch.exp(-(((y - m.bottom + 0.022) / 0.018) ** 2)) * (1 - (m.u * m.u).clamp(0, 1))
    colour = shade(colour, 1 - 0.20 * under * (1 - whole))
    inside = between(m.lower, m.upper)
    depth = ((m.upper - y) / (m.upper - m.lower + 1e-3)).clamp(0, 1)
    dark = rgb(x, (0.30, 0.07, 0.08)) * (1.1 - 0.75 * depth).unsqueeze(-1)
    tongue = torch.exp(-((x / 0.075) ** 2) - ((y - m.lower - 0.004) / 0.036) ** 2)
    dark = over(dark, rgb(x, (0.78, 0.34, 0.36)).expand_as(colour), 0.9 * tongue.clamp(0, 1) * smoothstep(0.05, 0.10, m.upper - m.lower))
    teeth = smoothstep(0.45, 1.0, s.amount("teeth"))
    edge = m.upper - 0.058 * teeth * (1 - 0.35 * m.u.square())
    row = smoothstep(-0.8 * aa, 0.8 * aa, y - edge) * teeth.clamp(0, 1) * smoothstep(1.0, 0.90, m.u.abs())
    gaps = 1 - 0.16 * line((x.abs() % 0.044) - 0.022 + 0.022, 0.002, 1.2 * aa) * smoothstep(0, 0.3, teeth)
    ivory = shade(rgb(x, (0.97, 0.96, 0.93)).expand_as(colour), gaps * (1 - 0.28 * m.u.square()) * (0.72 + 0.28 * smoothstep(0.0, 0.012, m.upper - y)))
    mouth = over(dark, ivory, row)
    colour = over(colour, mouth, inside)
    closed = line(y - 0.5 * (m.upper + m.lower), 0.0025, 1.3 * aa) * smoothstep(1.12, 0.9, m.u.abs())
    colour = shade(colour, 1 - 0.62 * closed * (1 - smoothstep(0.01, 0.03, m.upper - m.lower)))
    corner = torch.exp(-((m.u.abs() - 1.0) / 0.10).square() - ((y - MOUTH_Y - 0.70 * mouth_lift(s)) / 0.018).square())
    colour = shade(colour, 1 - 0.35 * corner)
    lip_only = whole * (1 - inside)
    return colour, whole, lip_only


def paint_beard(s: Shape, detail: Detail, colour: Tensor, x: Tensor, y: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    amount = smoothstep(-0.05, 0.85, s.factors["beard"])
    where = beard_mask(s, x, y) * smoothstep(-0.25, 0.05, z)
    grain = 0.5 * (140 * x + 6 * (31 * y).sin() + detail.phase(4)).sin() + 0.5 * (63 * x - 41 * y + detail.phase(5)).sin()
    edge = smoothstep(0.15, 0.75, where + 0.16 * grain)
    mask = edge * (amount * (1.12 + 0.22 * grain)).clamp(0, 0.96)
    tone = hair_colour(s) * 0.80
    return over(colour, shade(tone.expand_as(colour), 1 + 0.35 * grain), mask), mask


def paint_head(s: Shape, detail: Detail, x: Tensor, y: Tensor, z: Tensor, aa: float) -> tuple[Surface, dict[str, Tensor]]:
    """The whole head without hair; also the masks of its features."""
    colour = paint_skin(s, detail, x, y, z, aa)
    front = smoothstep(0.10, 0.30, z)
    bearded, beard = paint_beard(s, detail, colour, x, y, z)
    painted, brows = paint_brows(s, detail, bearded, x, y, aa)
    painted, eyes, eye_gloss = paint_eyes(s, painted, x, y, aa)
    painted, mouth, lip_gloss = paint_mouth(s, painted, x, y, aa)
    colour = over(bearded, painted, front)
    gloss = (0.14 + 0.9 * eye_gloss * front + 0.30 * lip_gloss * front) * (1 - 0.7 * beard)
    masks = {"brows": brows * front, "eyes": eyes * front, "mouth": mouth * front, "beard": beard}
    return Surface(colour, gloss), masks


def paint_hair(s: Shape, detail: Detail, x: Tensor, y: Tensor, z: Tensor) -> Surface:
    tone = strands(s, detail, x, y, z)
    colour = shade(hair_colour(s).expand(-1, x.shape[1], 3), (1 + 0.30 * tone) * (0.94 + 0.06 * bald_amount(s)))
    return Surface(colour, 0.25 + 0.10 * tone)


def paint_clothes(s: Shape, detail: Detail, x: Tensor, y: Tensor, z: Tensor) -> Surface:
    f = s.factors
    dark = palette(f["clothes_hue"], (0.10, 0.17, 0.34), (0.10, 0.26, 0.28), (0.24, 0.16, 0.30), (0.36, 0.10, 0.12))
    light = palette(f["clothes_hue"], (0.56, 0.70, 0.92), (0.62, 0.86, 0.80), (0.82, 0.72, 0.90), (0.96, 0.66, 0.62))
    base = torch.lerp(dark, light, s.amount("clothes_lightness").unsqueeze(-1))
    weave = (85 * x + detail.phase(0)).sin() * (85 * y + detail.phase(1)).sin()
    ring = ((x * x + (z + 0.22).square() + 1e-6).sqrt() - 0.40).abs()
    seam = 1 - 0.25 * torch.exp(-((ring - 0.075) / 0.012).square()) * smoothstep(-1.35, -1.1, y)
    return Surface(shade(base.expand(-1, x.shape[1], 3), (1 + 0.05 * weave) * seam), torch.full_like(x, 0.04))


def paint_background(s: Shape, detail: Detail, u: Tensor, v: Tensor) -> Tensor:
    """A lit wall out of focus, linear [B, P, 3]; u, v in [-1, 1], v down."""
    f = s.factors
    dark = palette(f["background_hue"], (0.10, 0.18, 0.32), (0.16, 0.24, 0.28), (0.28, 0.22, 0.22), (0.36, 0.20, 0.14))
    light = palette(f["background_hue"], (0.66, 0.80, 0.96), (0.74, 0.88, 0.88), (0.95, 0.88, 0.78), (0.98, 0.78, 0.62))
    base = torch.lerp(dark, light, s.amount("background_lightness").unsqueeze(-1))
    glow = torch.exp(-((u - 0.45 * f["light_direction"]).square() + (v + 0.25).square()) / 1.1)
    blur = (2.3 * u + detail.phase(2)).sin() * (2.1 * v + detail.phase(6)).sin()
    return shade(base.expand(-1, u.shape[1], 3), 0.72 + 0.42 * glow + 0.03 * blur)


def light_direction(s: Shape) -> tuple[Tensor, ...]:
    """Unit vector towards the key light, world space, each [B, 1]."""
    azimuth = math.radians(62) * s.factors["light_direction"]
    x, y, z = azimuth.sin() * 0.82, torch.full_like(azimuth, 0.50), azimuth.cos() * 0.82
    length = (x * x + y * y + z * z).sqrt()
    return x / length, y / length, z / length
