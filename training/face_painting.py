"""The features painted on a face: brows, eyes, mouth and beard, each with its visibility mask."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.geometry import (
    EYE_X,
    MOUTH_Y,
    Shape,
    jaw_drop,
    mouth_half_width,
    mouth_lift,
    smoothstep,
)
from training.painting import (
    Detail,
    Surface,
    hair_colour,
    line,
    over,
    paint_skin,
    palette,
    rgb,
    shade,
    skin_colour,
)


def beard_mask(s: Shape, x: Tensor, y: Tensor) -> Tensor:
    """Where a beard grows, 0..1."""
    ax = x.abs()
    top = -0.345 - 0.10 * smoothstep(0.10, 0.24, ax) + 0.42 * smoothstep(0.27, 0.56, ax)
    return smoothstep(-0.03, 0.045, top - y) * smoothstep(-1.12, -0.90, y)


def paint_brows(
    s: Shape, detail: Detail, colour: Tensor, x: Tensor, y: Tensor, aa: float
) -> tuple[Tensor, Tensor]:
    f = s.factors
    u = (x.abs() - 0.245) / 0.155
    arch = (
        0.150
        + 0.052 * f["brow_height"]
        + 0.030 * (1 - u * u)
        - 0.012 * f["gender"]
        + 0.046 * f["brow_angle"] * u
    )
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
    scale = 1 + 0.19 * f["eye_size"] - 0.04 * f["age"]
    ex = (x - side * EYE_X) * side  # + towards the temple
    w = 0.122 * scale
    u = (ex / w).clamp(-1, 1)
    squint = 0.014 * f["smile"].clamp_min(0)
    height = (0.012 + 0.066 * s.amount("eye_openness")) * scale
    tilt = 0.014 * u - 0.010 * f["age"] * u
    upper = height * (1 - u.abs() ** 2.3) + tilt
    lower = -(0.042 * scale - squint + 0.010 * f["eye_openness"]) * (1 - u * u) + tilt
    return ex, w, upper, torch.minimum(lower, upper)


def paint_eyes(
    s: Shape, colour: Tensor, x: Tensor, y: Tensor, aa: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Eyes with iris, lids and lashes; returns colour, the mask of the open eye, and its gloss."""
    f = s.factors
    side = x.sign()
    ex, w, upper, lower = eye_lids(s, x)
    within = smoothstep(1.5 * aa, -0.5 * aa, ex.abs() - w)
    open_eye = (
        smoothstep(-0.5 * aa, 1.2 * aa, upper - y)
        * smoothstep(-0.5 * aa, 1.2 * aa, y - lower)
        * within
    )
    scale = 1 + 0.19 * f["eye_size"] - 0.04 * f["age"]
    gaze_x = -0.052 * f["pose"]
    gaze_y = -0.018 * f["pitch"] + 0.006
    ix, iy = x - side * EYE_X - gaze_x, y - gaze_y
    r = (ix * ix + iy * iy + 1e-9).sqrt()
    radius = 0.062 * scale
    white = rgb(x, (0.95, 0.94, 0.93)) * (1 - 0.10 * (ex / w).square()).unsqueeze(-1)
    iris = palette(
        f["eye_colour"],
        (0.22, 0.12, 0.07),
        (0.40, 0.24, 0.12),
        (0.44, 0.46, 0.26),
        (0.35, 0.55, 0.68),
        (0.42, 0.66, 0.86),
    )
    spokes = 1 + 0.16 * (14 * torch.atan2(iy, ix)).sin() * smoothstep(0.3, 0.9, r / radius)
    glow = (0.75 + 0.55 * smoothstep(0.03, -0.05, iy)) * spokes
    eye = over(white, iris * glow.unsqueeze(-1), smoothstep(0.7 * aa, -0.7 * aa, r - radius))
    eye = shade(eye, 1 - 0.55 * line(r - radius, 0.005, 0.012 + aa))
    eye = over(
        eye,
        rgb(x, (0.03, 0.02, 0.03)).expand_as(eye),
        smoothstep(0.7 * aa, -0.7 * aa, r - 0.44 * radius),
    )
    eye = shade(eye, 1 - 0.45 * smoothstep(0.045, 0.0, upper - y))
    lx = 0.022 * (0.5 + f["light_direction"])
    spark = ((ix - lx).square() + (iy - 0.024).square() + 1e-9).sqrt()
    eye = over(
        eye,
        rgb(x, (1.0, 1.0, 1.0)).expand_as(eye),
        0.95 * smoothstep(0.8 * aa, -0.8 * aa, spark - 0.0135),
    )
    # Lids: shadow in the crease, then the lash line.
    lid = smoothstep(1.25, 0.8, ex.abs() / w)
    crease = (
        line(y - upper - 0.026 - 0.008 * f["eye_openness"], 0.003, 0.020) * lid * (1 - open_eye)
    )
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
    full = 1.12 + 0.62 * f["lip_fullness"] - 0.12 * f["smile"] - 0.10 * f["age"]
    bow = (
        1
        - 0.28 * torch.exp(-((u / 0.20) ** 2))
        + 0.12 * torch.exp(-(((u.abs() - 0.33) / 0.2) ** 2))
    )
    upper = middle + 0.30 * gap * arc
    lower = middle - 0.85 * gap * arc
    top = upper + 0.032 * full * bow * arc**0.75
    bottom = lower - 0.043 * full * arc**0.6
    return MouthLines(u, top, upper, lower, bottom)


def paint_mouth(
    s: Shape, colour: Tensor, x: Tensor, y: Tensor, aa: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Lips, teeth, tongue; returns colour, the mask of the mouth and its gloss."""
    m = mouth_lines(s, x)
    ends = smoothstep(1.0 + aa * 4, 1.0 - aa * 4, m.u.abs())

    def between(low: Tensor, high: Tensor) -> Tensor:
        return (
            smoothstep(-0.7 * aa, 0.7 * aa, high - y)
            * smoothstep(-0.7 * aa, 0.7 * aa, y - low)
            * ends
        )

    skin = skin_colour(s)
    pale = skin * rgb(x, (0.93, 0.80, 0.80))
    rose = skin * rgb(x, (0.92, 0.62, 0.62)) + 0.02
    red = skin * 0.25 + rgb(x, (0.78, 0.14, 0.20)) * 0.75
    tint = s.amount("lip_colour").unsqueeze(-1)
    lip = torch.lerp(pale, rose, (2 * tint).clamp(0, 1))
    lip = torch.lerp(lip, red, (2 * tint - 1).clamp(0, 1))
    whole = between(m.bottom, m.top)
    roundness = 0.80 + 0.30 * smoothstep(m.top, m.upper - 0.01, y) * smoothstep(
        m.lower - 0.045, m.lower, y
    )
    creases = 1 + 0.03 * (150 * x).sin()
    colour = over(colour, shade(lip.expand_as(colour), roundness * creases), 0.96 * whole)
    under = torch.exp(-(((y - m.bottom + 0.022) / 0.018) ** 2)) * (1 - (m.u * m.u).clamp(0, 1))
    colour = shade(colour, 1 - 0.20 * under * (1 - whole))
    inside = between(m.lower, m.upper)
    depth = ((m.upper - y) / (m.upper - m.lower + 1e-3)).clamp(0, 1)
    dark = rgb(x, (0.30, 0.07, 0.08)) * (1.1 - 0.75 * depth).unsqueeze(-1)
    tongue = torch.exp(-((x / 0.075) ** 2) - ((y - m.lower - 0.004) / 0.036) ** 2)
    dark = over(
        dark,
        rgb(x, (0.78, 0.34, 0.36)).expand_as(colour),
        0.9 * tongue.clamp(0, 1) * smoothstep(0.05, 0.10, m.upper - m.lower),
    )
    teeth = smoothstep(0.45, 1.0, s.amount("teeth"))
    edge = m.upper - 0.058 * teeth * (1 - 0.35 * m.u.square())
    row = (
        smoothstep(-0.8 * aa, 0.8 * aa, y - edge)
        * teeth.clamp(0, 1)
        * smoothstep(1.0, 0.90, m.u.abs())
    )
    gaps = 1 - 0.16 * line((x.abs() % 0.044) - 0.022 + 0.022, 0.002, 1.2 * aa) * smoothstep(
        0, 0.3, teeth
    )
    ivory = shade(
        rgb(x, (0.97, 0.96, 0.93)).expand_as(colour),
        gaps * (1 - 0.28 * m.u.square()) * (0.72 + 0.28 * smoothstep(0.0, 0.012, m.upper - y)),
    )
    mouth = over(dark, ivory, row)
    colour = over(colour, mouth, inside)
    closed = line(y - 0.5 * (m.upper + m.lower), 0.0025, 1.3 * aa) * smoothstep(
        1.12, 0.9, m.u.abs()
    )
    colour = shade(colour, 1 - 0.62 * closed * (1 - smoothstep(0.01, 0.03, m.upper - m.lower)))
    corner = torch.exp(
        -((m.u.abs() - 1.0) / 0.10).square()
        - ((y - MOUTH_Y - 0.70 * mouth_lift(s)) / 0.018).square()
    )
    colour = shade(colour, 1 - 0.35 * corner)
    lip_only = whole * (1 - inside)
    return colour, whole, lip_only


def paint_beard(
    s: Shape, detail: Detail, colour: Tensor, x: Tensor, y: Tensor, z: Tensor
) -> tuple[Tensor, Tensor]:
    amount = smoothstep(-0.05, 0.85, s.factors["beard"])
    where = beard_mask(s, x, y) * smoothstep(-0.25, 0.05, z)
    grain = (
        0.5 * (140 * x + 6 * (31 * y).sin() + detail.phase(4)).sin()
        + 0.5 * (63 * x - 41 * y + detail.phase(5)).sin()
    )
    edge = smoothstep(0.15, 0.75, where + 0.16 * grain)
    mask = edge * (amount * (1.12 + 0.22 * grain)).clamp(0, 0.96)
    tone = hair_colour(s) * 0.80
    return over(colour, shade(tone.expand_as(colour), 1 + 0.35 * grain), mask), mask


def paint_head(
    s: Shape, detail: Detail, x: Tensor, y: Tensor, z: Tensor, aa: float
) -> tuple[Surface, dict[str, Tensor]]:
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
