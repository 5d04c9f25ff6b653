"""The cartoon style of the same people: flat colours in two tones under drawn outlines.

Factors, traits, masks and keypoints are the portrait's; only colours and lines are other ones.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from training.face_painting import (
    BROW_HALF,
    BROW_X,
    IRIS,
    beard_density,
    beard_strands,
    brow_curve,
    eye_lids,
    eye_scale,
    gaze,
    mouth_lines,
)
from training.geometry import EYE_X, MOUTH_Y, Shape, mouth_half_width, smoothstep, to_space
from training.glasses import draw_glasses
from training.painting import (
    RGB,
    clothes_colour,
    eye_colour,
    hair_colour,
    light_direction,
    line,
    lip_colour,
    over,
    rgb,
    segment,
    shade,
    skin_colour,
    strands,
    wall_colour,
)
from training.tracing import FAR_Z, Hits, Rays

INK: RGB = (0.17, 0.10, 0.11)
STROKE = 0.020  # width of an outline, of the picture's [-1, 1]
STEP = 0.11  # of depth, from which a line is drawn


def flat(like: Tensor, colour: RGB) -> Tensor:
    return rgb(like, colour).expand(*like.shape, 3)


def youth(s: Shape) -> Tensor:
    """1: young, 0: old."""
    return smoothstep(0.6, -0.6, s.factors["age"])


def grace(s: Shape) -> Tensor:
    """1: feminine, 0: masculine."""
    return smoothstep(0.5, -0.5, s.factors["gender"])


def two_tone(base: Tensor, lit: Tensor, dark: RGB) -> Tensor:
    """Base colour [B, *, 3] where lit [B, P] is 1, multiplied by ``dark`` where it is 0."""
    return base * (rgb(lit, dark) + (1 - rgb(lit, dark)) * lit.unsqueeze(-1))


def draw_lines(s: Shape, x: Tensor, y: Tensor, aa: float) -> Tensor:
    """Nose, creases of age and laughter: strokes on the skin, 0..1."""
    ax = x.abs()
    size = 1 + 0.28 * s.factors["nose_size"]
    under = y + 0.268 - 0.35 * (ax / size).square() * 8
    nose = line(under, 0.004, 2 * aa) * smoothstep(0.085, 0.06, ax / size)
    old = 1 - youth(s)
    corner = mouth_half_width(s)
    fold = segment(ax, y, (0.125, -0.25), (corner + 0.055, MOUTH_Y + 0.04))
    fold = line(fold, 0.003, 2 * aa) * (0.9 * old + 0.5 * s.factors["smile"].clamp_min(0))
    bag = line(y + 0.115 - 0.9 * (ax - EYE_X).square(), 0.003, 2 * aa)
    bag = bag * smoothstep(0.09, 0.06, (ax - EYE_X).abs()) * old
    brow = line((y - 0.36 + 0.02 * (7 * x).cos()).abs() - 0.035, 0.003, 2 * aa)
    brow = brow * smoothstep(0.24, 0.18, ax) * smoothstep(0.3, 0.9, s.factors["age"])
    return torch.maximum(torch.maximum(nose, fold), torch.maximum(bag, brow)).clamp(0, 1)


def draw_brows(s: Shape, x: Tensor, y: Tensor, aa: float) -> Tensor:
    u = (x.abs() - BROW_X) / BROW_HALF
    arch, thick = brow_curve(s, u)
    thick = thick * (0.95 + 0.25 * (1 - grace(s))) * smoothstep(1.05, 0.55, u.abs() ** 1.5)
    return smoothstep(aa, -aa, (y - arch).abs() - thick) * smoothstep(1.03, 0.97, u.abs())


def draw_eyes(s: Shape, colour: Tensor, x: Tensor, y: Tensor, aa: float) -> Tensor:
    """Large irises in two tones with two highlights, heavy upper lids, lashes."""
    side = x.sign()
    ex, w, upper, lower = eye_lids(s, x)
    within = smoothstep(aa, -aa, ex.abs() - w)
    is_open = smoothstep(-aa, aa, upper - y) * smoothstep(-aa, aa, y - lower) * within
    gaze_x, gaze_y = gaze(s)
    ix, iy = x - side * EYE_X - gaze_x, y - gaze_y
    radius = IRIS * eye_scale(s) * (1.16 + 0.12 * youth(s) + 0.06 * grace(s))
    r = (ix.square() + (iy / 1.08).square() + 1e-9).sqrt()
    iris = two_tone(eye_colour(s), smoothstep(-aa, aa, 0.010 - iy), (0.62, 0.60, 0.66))
    eye = over(flat(x, (0.99, 0.98, 0.97)), iris.expand_as(colour), smoothstep(aa, -aa, r - radius))
    eye = shade(eye, 1 - 0.80 * line(r - radius + 0.006, 0.006, 2 * aa))
    eye = over(eye, flat(x, INK), smoothstep(aa, -aa, r - 0.46 * radius))
    eye = shade(eye, 1 - 0.28 * smoothstep(0.024 + aa, 0.024 - aa, upper - y))
    lx = 0.022 * (0.5 + s.factors["light_direction"])
    ly = torch.minimum(0.026 + 0 * upper, 0.5 * upper)
    room = (upper / 0.055).clamp(0.30, 1)  # narrowed eyes have small highlights
    big = ((ix - lx).square() + (iy - ly).square() + 1e-9).sqrt()
    big = big - (0.018 + 0.004 * youth(s)) * room
    small = ((ix + lx).square() + (iy + 0.030).square() + 1e-9).sqrt() - 0.009 * room
    eye = over(eye, flat(x, (1.0, 1.0, 1.0)), smoothstep(aa, -aa, torch.minimum(big, small)))
    colour = over(colour, eye, is_open)
    fem = grace(s)
    heavy = 0.007 + 0.006 * fem
    wing = smoothstep(1.02 + 0.26 * fem, 0.95, ex / w) * smoothstep(-1.08, -0.95, ex / w)
    lift = 0.10 * fem * (ex - 0.75 * w).clamp_min(0)
    lash = line(y - upper - 0.5 * heavy - lift, heavy, 2 * aa) * wing
    crease = 0.55 * line(y - upper - 0.040, 0.0025, 2 * aa) * smoothstep(0.85, 0.6, ex.abs() / w)
    low = 0.7 * line(y - lower, 0.003, 2 * aa) * smoothstep(0.9, 0.5, ex.abs() / w)
    return over(colour, flat(x, INK), torch.maximum(lash, torch.maximum(low, crease)).clamp(0, 1))


def draw_mouth(s: Shape, colour: Tensor, x: Tensor, y: Tensor, aa: float) -> Tensor:
    m = mouth_lines(s, x)
    ends = smoothstep(1.0 + 3 * aa, 1.0 - 3 * aa, m.u.abs())

    def between(low: Tensor, high: Tensor) -> Tensor:
        return smoothstep(-aa, aa, high - y) * smoothstep(-aa, aa, y - low) * ends

    painted = 0.40 + 0.55 * torch.maximum(grace(s), s.amount("lip_colour"))
    lips = two_tone(lip_colour(s), smoothstep(-aa, aa, m.lower - y + 0.002), (0.82, 0.72, 0.74))
    colour = over(colour, lips.expand_as(colour), painted * between(m.bottom, m.top))
    inside = between(m.lower, m.upper)
    tongue = smoothstep(
        aa, -aa, ((x / 0.085).square() + ((y - m.lower) / 0.045).square()).sqrt() * 0.05 - 0.05
    )
    dark = over(flat(x, (0.42, 0.10, 0.13)), flat(x, (0.88, 0.42, 0.44)), tongue)
    shown = smoothstep(0.45, 1.0, s.amount("teeth"))
    edge = m.upper - 0.058 * shown * (1 - 0.35 * m.u.square())
    row = smoothstep(-aa, aa, y - edge) * shown * smoothstep(1.0, 0.92, m.u.abs())
    colour = over(colour, over(dark, flat(x, (1.0, 0.99, 0.97)), row), inside)
    closed = line(y - 0.5 * (m.upper + m.lower), 0.0045, 2 * aa) * smoothstep(1.10, 0.98, m.u.abs())
    rims = torch.maximum(line(y - m.upper, 0.003, 2 * aa), line(y - m.lower, 0.003, 2 * aa))
    parted = smoothstep(0.006, 0.02, m.upper - m.lower)
    return over(colour, flat(x, INK), torch.lerp(closed, rims * ends, parted) * 0.85)


def draw_beard(s: Shape, colour: Tensor, x: Tensor, y: Tensor, z: Tensor, lit: Tensor) -> Tensor:
    """A flat patch with a frayed edge; the stubble of a short one lets skin through."""
    amount = smoothstep(-0.05, 0.85, s.factors["beard"])
    hairs = beard_strands(s, x, y)
    stands = beard_density(s, x, y, z) + 0.10 * hairs
    patch = smoothstep(0.40, 0.48, stands) * smoothstep(0.02, 0.12, amount)
    opaque = 0.28 + 0.72 * smoothstep(0.15, 0.55, amount)
    tone = two_tone(hair_colour(s) * 0.85, lit, (0.66, 0.62, 0.66))
    tone = shade(tone.expand_as(colour), 1 - 0.22 * smoothstep(0.45, 0.60, -hairs))
    return over(colour, tone, patch * opaque)


def draw_skin(s: Shape, x: Tensor, y: Tensor, z: Tensor, lit: Tensor, aa: float) -> Tensor:
    """The whole head without hair, linear [B, P, 3]."""
    ax = x.abs()
    colour = two_tone(skin_colour(s), lit, (0.78, 0.66, 0.68))
    front = smoothstep(0.10, 0.25, z)
    cheek = ((ax - 0.315) / 0.115).square() + ((y + 0.245) / 0.075).square()
    blush = smoothstep(1.15, 0.75, cheek) * front * (0.04 + 0.32 * youth(s) * (0.30 + grace(s)))
    colour = colour * (1 - blush.unsqueeze(-1) * rgb(x, (0.12, 0.80, 0.72)))
    bare = draw_beard(s, colour, x, y, z, lit)
    ink = skin_colour(s) * rgb(x, (0.55, 0.42, 0.42))
    drawn = over(bare, ink.expand_as(bare), draw_lines(s, x, y, aa))
    brow = hair_colour(s) * 0.50 + rgb(x, (0.14, 0.08, 0.07)) * 0.5
    drawn = over(drawn, brow.expand_as(bare), draw_brows(s, x, y, aa))
    drawn = draw_mouth(s, draw_eyes(s, drawn, x, y, aa), x, y, aa)
    return over(bare, drawn, front)


def draw_hair(s: Shape, x: Tensor, y: Tensor, z: Tensor, lit: Tensor) -> Tensor:
    """Two tones, a few strokes along the strands, and a band of light that is everyone's own."""
    colour = two_tone(hair_colour(s), lit, (0.68, 0.64, 0.70))
    tone = strands(s, x, y, z)
    colour = shade(colour, 1 - 0.26 * smoothstep(0.85, 0.95, -tone))
    around = torch.atan2(x, z + 0.20)
    light = 0.5 * s.factors["light_direction"]
    height = 0.50 + 0.16 * s.traits["waves"] + 0.10 * light * x + 0.06 * s.traits["sweep"] * x
    teeth = (12 + 3 * s.amount("hair_curl")) * around + s.phase("strands")
    sharp = 0.022 + 0.018 * s.traits["locks"]  # from hardly any teeth to long ones
    jag = sharp * (teeth.sin() + 0.6 * (2.3 * teeth + 1.0).sin())
    wide = (0.030 + 0.020 * s.amount("hair_volume")) * (1 + 0.5 * s.traits["layers"])
    gap = (y - height - jag).abs() - wide
    band = smoothstep(0.008, -0.008, gap) * smoothstep(-0.75, -0.60, (3 * around + light).cos())
    shine = hair_colour(s) * 1.9 + rgb(x, (0.24, 0.20, 0.20))
    dull = 1 - 0.6 * smoothstep(0.3, 0.95, s.factors["grey_hair"])
    return over(colour, shine.expand_as(colour), 0.85 * band * dull)


def paint_cartoon(
    s: Shape, rays: Rays, hits: Hits, shadow: Tensor, masks: dict[str, Tensor], resolution: int
) -> Tensor:
    """Flat colours for what the portrait's masks say is there; sRGB [B, P, 3] in 0..1."""
    pixel = 2.0 / resolution
    p = rays.at(hits.t)
    head = to_space(s.head, *p)
    light = light_direction(s)
    key = sum(a * b for a, b in zip(hits.normal, light, strict=True))
    lit = smoothstep(0.10, 0.17, key) * smoothstep(0.30, 0.45, shadow)
    skin = draw_skin(s, *head, lit, pixel)
    hair = draw_hair(s, *head, lit)
    cloth = two_tone(clothes_colour(s), lit, (0.70, 0.68, 0.74)).expand_as(skin)
    plain = smoothstep(-0.2, 0.4, s.factors["background_lightness"]).unsqueeze(-1)
    wall = torch.lerp(wall_colour(s), rgb(key, (1.0, 1.0, 1.0)), 0.92 * plain).expand_as(skin)
    glasses = draw_glasses(s, rays, torch.where(hits.inside > 0, hits.t, 99.0), pixel)
    rim = (glasses.colour * 0.8 + 0.005).expand_as(skin)
    layers = {"skin": skin, "hair": hair, "clothes": cloth, "background": wall, "eyeglasses": rim}
    whole = sum(masks[name] for name in layers).clamp_min(1e-3)
    picture = sum(masks[name].unsqueeze(-1) * layer for name, layer in layers.items())
    picture = picture / whole.unsqueeze(-1)
    glint = (glasses.glint > 0.4).to(picture) * 0.45 + 0.10 * glasses.lens
    return over(picture, flat(key, (1.0, 1.0, 1.0)), glint * (1 - glasses.frame)).clamp(0, 1).sqrt()


def outlines(masks: dict[str, Tensor], depth: Tensor) -> Tensor:
    """Lines along the borders of things and along steps of depth, 0..1; maps [B, H, W]."""
    side = depth.shape[-1]
    reach = 2 * max(1, round(STROKE * side / 4)) + 1

    def widest(a: Tensor) -> Tensor:
        return F.max_pool2d(a, reach, stride=1, padding=reach // 2)

    things = torch.stack([masks[n] for n in ("hair", "skin", "clothes", "background")], 1)
    border = (widest(things) + widest(-things)).amax(dim=1)
    near = torch.where(depth > FAR_Z, depth, FAR_Z)[:, None]
    step = smoothstep(STEP, 1.6 * STEP, widest(near) - near)[:, 0]
    lines = torch.maximum(smoothstep(0.35, 0.95, border), step)
    return lines * (1 - masks["eyeglasses"])


def ink_over(picture: Tensor, lines: Tensor) -> Tensor:
    """Draw lines [B, H, W] over a picture [B, 3, H, W] in 0..1, tinted by what they bound."""
    dark = 0.28 * picture + 0.5 * picture.new_tensor(INK).view(1, 3, 1, 1)
    return torch.lerp(picture, dark, lines[:, None])
