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
    eye_colour,
    hair_colour,
    line,
    lip_colour,
    over,
    paint_skin,
    rgb,
    shade,
)

BROW_X, BROW_HALF = 0.245, 0.155  # middle and half length
IRIS = 0.068  # radius
PUPIL = 0.42  # of the iris


def beard_density(s: Shape, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """How thick a beard stands, 0..1: falls off softly to the cheeks and down the throat."""
    ax = x.abs()
    spread = s.traits["beard_spread"]
    top = (
        -0.350
        - 0.10 * smoothstep(0.10, 0.24, ax)
        + (0.40 + 0.05 * spread) * smoothstep(0.27, 0.58, ax)
    )
    soft = 0.035 + 0.13 * smoothstep(0.10, 0.34, ax)  # crisp over the lip, thin on the cheek
    above = smoothstep(-0.45, 1.0, (top - y) / soft)
    cheek = smoothstep(0.20, 0.46, ax) * smoothstep(-0.75, -0.45, y)
    above = above * (1 - 0.42 * (1 - spread) * cheek)
    return above * smoothstep(-1.10, -0.80, y) * smoothstep(-0.25, 0.10, z)


def beard_strands(s: Shape, x: Tensor, y: Tensor) -> Tensor:
    """Hairs running down and together to the chin, unevenly, about 0 +- 1."""
    shift = s.phase("beard_strands")
    across = x * (1 + 0.55 * (-y - 0.35).clamp(0, 0.6)) + 0.012 * (17 * y + 9 * x.abs()).sin()
    down = y + 0.25 * x.abs()
    a = (47 * across + 1.6 * (5.3 * down + shift).sin()).sin()
    b = (83 * across + 2.3 * (7.1 * down + 11 * x).sin() + 1.0).sin()
    c = (139 * across + 3.1 * (6.1 * down - 13 * x + shift).sin()).sin()
    ends = (31 * down + 2.4 * (29 * across).sin() + 2.0 * (11 * x).sin()).sin()
    return 0.36 * a + 0.36 * b + 0.30 * c + 0.22 * ends


def brow_curve(s: Shape, u: Tensor) -> tuple[Tensor, Tensor]:
    """Height of a brow's middle and half its thickness, u from the nose (-1) to the temple (1)."""
    f = s.factors
    arch = (
        0.150
        + 0.052 * f["brow_height"]
        + 0.030 * (1 - u * u)
        - 0.012 * f["gender"]
        + 0.046 * f["brow_angle"] * u
    )
    return arch, (0.022 + 0.008 * f["gender"]) * (1 - 0.62 * smoothstep(0.0, 1.05, u))


def paint_brows(s: Shape, colour: Tensor, x: Tensor, y: Tensor, aa: float) -> tuple[Tensor, Tensor]:
    """Brows as fans of hairs: upright beside the nose, lying down towards the temple."""
    u = (x.abs() - BROW_X) / BROW_HALF
    arch, thick = brow_curve(s, u)
    v = (y - arch) / thick
    lean = 0.10 + 0.34 * smoothstep(-0.9, 0.6, u)
    root = u - lean * v  # where on the brow the hair through this point grows
    hairs = (44 * root + 1.7 * (9 * root + 0.6).sin()).sin()
    hairs = 0.6 * hairs + 0.4 * (71 * root + 2.0 * (5 * u).sin() + 1.2 * v).sin()
    reach = 0.95 + 0.42 * hairs + 0.18 * (13 * root + 2.0).sin()  # hairs end at different heights
    across = smoothstep(0.65 + aa / thick, -0.35 - aa / thick, v.abs() - reach)
    along = smoothstep(-1.10, -0.72, u - 0.10 * hairs) * smoothstep(1.08, 0.62, u)
    tone = hair_colour(s) * 0.55 + rgb(x, (0.16, 0.10, 0.08)) * 0.35
    mask = across * along * (0.80 + 0.20 * hairs)
    return over(colour, shade(tone.expand_as(colour), 1 - 0.18 * hairs), mask), mask


def eye_lids(s: Shape, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Place across the eye ex and half width w, then heights of the upper and lower lid."""
    f = s.factors
    side = x.sign()
    scale = eye_scale(s)
    ex = (x - side * EYE_X) * side  # + towards the temple
    w = 0.122 * scale
    u = (ex / w).clamp(-1, 1)
    squint = 0.014 * f["smile"].clamp_min(0)
    height = (0.012 + 0.066 * s.amount("eye_openness")) * scale
    tilt = 0.014 * u - 0.010 * f["age"] * u
    upper = height * (1 - u.abs() ** 2.3) + tilt
    lower = -(0.042 * scale - squint + 0.010 * f["eye_openness"]) * (1 - u * u) + tilt
    return ex, w, upper, torch.minimum(lower, upper)


@dataclass(frozen=True, eq=False)
class Eyes:
    """Painted eyes: colour [B, P, 3], masks [B, P] of what lies open and of the iris in it."""

    colour: Tensor
    open: Tensor
    iris: Tensor


def eye_scale(s: Shape) -> Tensor:
    return 1 + 0.19 * s.factors["eye_size"] - 0.04 * s.factors["age"]


def gaze(s: Shape) -> tuple[Tensor, Tensor]:
    """Where the irises stand in the eyes: they stay with the camera a little."""
    return -0.052 * s.factors["pose"], -0.018 * s.factors["pitch"] + 0.004


def paint_eyes(s: Shape, colour: Tensor, x: Tensor, y: Tensor, aa: float) -> Eyes:
    """Eyes with iris, lids and lashes."""
    f = s.factors
    side = x.sign()
    ex, w, upper, lower = eye_lids(s, x)
    within = smoothstep(1.5 * aa, -0.5 * aa, ex.abs() - w)
    open_eye = (
        smoothstep(-0.5 * aa, 1.2 * aa, upper - y)
        * smoothstep(-0.5 * aa, 1.2 * aa, y - lower)
        * within
    )
    gaze_x, gaze_y = gaze(s)
    ix, iy = x - side * EYE_X - gaze_x, y - gaze_y
    r = (ix * ix + iy * iy + 1e-9).sqrt()
    radius = IRIS * eye_scale(s)
    white = rgb(x, (0.95, 0.94, 0.93)) * (1 - 0.14 * (ex / w).square()).unsqueeze(-1)
    iris = eye_colour(s)
    spokes = 1 + 0.16 * (14 * torch.atan2(iy, ix)).sin() * smoothstep(0.3, 0.9, r / radius)
    glow = (0.78 + 0.55 * smoothstep(0.03, -0.05, iy)) * spokes
    in_iris = smoothstep(0.7 * aa, -0.7 * aa, r - radius)
    eye = over(white, iris * glow.unsqueeze(-1), in_iris)
    eye = shade(eye, 1 - 0.70 * line(r - radius + 0.003, 0.005, 0.014 + aa))
    pupil = smoothstep(0.7 * aa, -0.7 * aa, r - PUPIL * radius)
    eye = over(eye, rgb(x, (0.03, 0.02, 0.03)).expand_as(eye), pupil)
    eye = shade(eye, 1 - 0.42 * smoothstep(0.042, 0.0, upper - y))
    lx = 0.022 * (0.5 + f["light_direction"])
    ly = torch.minimum(0.024 + 0 * upper, 0.55 * upper)  # in the open part of the eye
    spark = ((ix - lx).square() + (iy - ly).square() + 1e-9).sqrt()
    bright = 0.95 * smoothstep(0.8 * aa, -0.8 * aa, spark - 0.0145)
    eye = over(eye, rgb(x, (1.0, 1.0, 1.0)).expand_as(eye), bright)
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
    return Eyes(colour, open_eye, open_eye * in_iris)


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
    """Lips, teeth, tongue; returns colour, the mask of the mouth and of what is inside the lips."""
    m = mouth_lines(s, x)
    ends = smoothstep(1.0 + aa * 4, 1.0 - aa * 4, m.u.abs())

    def between(low: Tensor, high: Tensor) -> Tensor:
        return (
            smoothstep(-0.7 * aa, 0.7 * aa, high - y)
            * smoothstep(-0.7 * aa, 0.7 * aa, y - low)
            * ends
        )

    lip = lip_colour(s)
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
    return colour, whole, inside


def paint_beard(s: Shape, colour: Tensor, x: Tensor, y: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """Hairs thin out where the density falls, so the edge is frayed everywhere."""
    amount = smoothstep(-0.05, 0.85, s.factors["beard"])
    hairs = beard_strands(s, x, y)
    stands = beard_density(s, x, y, z) * (0.35 + 0.65 * amount)
    mask = smoothstep(0.22, 0.88, stands + 0.24 * hairs * (1.25 - stands))
    mask = mask * (amount * (1.10 + 0.12 * hairs)).clamp(0, 0.96)
    tone = hair_colour(s) * 0.80
    return over(colour, shade(tone.expand_as(colour), 1 + 0.26 * hairs), mask), mask


def paint_head(
    s: Shape, detail: Detail, x: Tensor, y: Tensor, z: Tensor, aa: float
) -> tuple[Surface, dict[str, Tensor]]:
    """The whole head without hair; also the masks of its features."""
    colour = paint_skin(s, detail, x, y, z, aa)
    front = smoothstep(0.10, 0.30, z)
    bearded, beard = paint_beard(s, colour, x, y, z)
    painted, brows = paint_brows(s, bearded, x, y, aa)
    eyes = paint_eyes(s, painted, x, y, aa)
    painted, mouth, inside = paint_mouth(s, eyes.colour, x, y, aa)
    colour = over(bearded, painted, front)
    open_eye, iris = eyes.open * front, eyes.iris * front
    mouth, inside, brows = mouth * front, inside * front, brows * front
    gloss = 0.14 * (1 - open_eye) + 0.9 * iris + 0.30 * mouth * (1 - inside)
    right = (x > 0).to(x.dtype)
    masks = {
        "brows": brows,
        "eyes": open_eye,
        "mouth": mouth,
        "beard": beard * (1 - mouth) * (1 - open_eye),
        "mouth_inside": inside,
        "left_brow": brows * (1 - right),
        "right_brow": brows * right,
        "left_eye": open_eye * (1 - right),
        "right_eye": open_eye * right,
        "left_iris": iris * (1 - right),
        "right_iris": iris * right,
    }
    return Surface(colour, gloss * (1 - 0.7 * beard)), masks
