"""What can be put on or before a head as solid things: hat, headphones, scarf, hand, earrings.

Each is a signed distance [B, P] from points in head and body space, and a painter of its surface.
Colours follow from the portrait's seed. ``accessories`` puts them on.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from training.geometry import (
    Shape,
    bald_amount,
    capsule,
    ellipsoid,
    hair_reach,
    hair_thickness,
    smooth_max,
    smooth_min,
    smoothstep,
)
from training.painting import RGB, Detail, Surface, line, over, rgb, shade, skin_colour

Point = tuple[Tensor, ...]  # coordinates, each [B, P]

# Where the hat's edge runs: above the brows in front, towards the nape behind.
HAT_EDGE = (0.30, 0.28)  # height at z = 0, slope in z
# The hand: its knuckles, and the angle its fingers point in, in the picture's plane.
KNUCKLES, FINGERS_ANGLE = (0.10, -0.90, 0.67), math.radians(156)
# Per finger: place across the knuckles, how far those stand back, length, radius.
FINGERS = (
    (-0.138, 0.015, 0.35, 0.056),
    (-0.046, 0.0, 0.40, 0.059),
    (0.046, 0.01, 0.37, 0.056),
    (0.134, 0.04, 0.29, 0.049),
)


def accent(detail: Detail, i: int, *colours: RGB) -> Tensor:
    """The colour that chance i of a portrait picks, linear [B, 1, 3]."""
    table = torch.cat([rgb(detail.phases, colour) for colour in colours], dim=1)[0]
    pick = (detail.phase(i) / (2 * math.pi) * len(colours)).long().clamp(0, len(colours) - 1)
    return table[pick]


def flat(like: Tensor, colour: Tensor) -> Tensor:
    """One colour [B, 1, 3] on every point of [B, P]."""
    return colour.expand(*like.shape, 3)


# --- hat: a knitted beanie ------------------------------------------------------------------


def above_hat_edge(y: Tensor, z: Tensor) -> Tensor:
    return y - HAT_EDGE[0] - HAT_EDGE[1] * z


def hat_dome(s: Shape, x: Tensor, y: Tensor, z: Tensor, grow: Tensor | float = 0.0) -> Tensor:
    """The crown the hat sits on: the skull and the hair it presses flat, grown by ``grow``."""
    grow = 0.045 + 0.75 * hair_thickness(s) * (1 - bald_amount(s)) + grow
    wide = 0.585 + 0.03 * s.factors["face_width"] + grow
    return ellipsoid(x, y - 0.225, z + 0.155, wide, 0.65 + grow, 0.70 + grow)


def knit(x: Tensor, z: Tensor) -> Tensor:
    """Ribs running up to the crown, in +-1."""
    return (46 * torch.atan2(x, z + 0.155)).sin()


def hat(s: Shape, head: Point, body: Point) -> Tensor:
    x, y, z = head
    above = above_hat_edge(y, z)
    ribs = 0.006 * knit(x, z) * smoothstep(0.95, 0.60, y)
    dome = smooth_max(hat_dome(s, x, y, z), 0.02 - above, 0.03)
    cuff = smooth_max(hat_dome(s, x, y, z, 0.045), (above - 0.10).abs() - 0.10, 0.06)
    return smooth_min(dome, cuff, 0.02) - ribs


def hat_surface(s: Shape, detail: Detail, head: Point, body: Point) -> Surface:
    x, y, z = head
    above = above_hat_edge(y, z)
    wool = accent(
        detail, 2, (0.78, 0.16, 0.16), (0.13, 0.36, 0.58), (0.90, 0.66, 0.16), (0.16, 0.44, 0.32)
    )
    cream = rgb(x, (0.94, 0.90, 0.82))
    stripes = line(above - 0.36, 0.035, 0.012) + line(above - 0.50, 0.018, 0.012)
    colour = over(flat(x, wool), flat(x, cream), stripes)
    fold = 1 - 0.45 * torch.exp(-(((above - 0.205) / 0.016) ** 2))  # under the turned-up cuff
    return Surface(shade(colour, (1 + 0.16 * knit(x, z)) * fold), torch.full_like(x, 0.03))


# --- headphones -----------------------------------------------------------------------------


def cup_place(s: Shape) -> Tensor:
    """How far out the ear cups sit: on the ear, or on the hair over it."""
    fall = 0.24 + hair_thickness(s) + 0.03 * s.amount("hair_curl")
    curtain = 0.46 + hair_reach(s) * (1 - 0.5 * bald_amount(s)) * fall
    return torch.maximum(curtain, 0.655 + 0.03 * s.factors["face_width"]) + 0.03


def cup_local(s: Shape, head: Point) -> Point:
    """Head space -> a cup's own space: outward, up, forward."""
    x, y, z = head
    return x.abs() - cup_place(s) + 0.10 * (y + 0.03), y + 0.03, z + 0.09


def headphones(s: Shape, head: Point, body: Point) -> Tensor:
    x, y, z = head
    out, up, forward = cup_local(s, head)
    radial = (up * up / 1.15 + forward * forward + 1e-6).sqrt() - 0.20
    cup = smooth_max(radial, (out + 0.015).abs() - 0.09, 0.07)
    # The band: half an ellipse over the crown, straight down to the cups.
    half_width = cup_place(s) + 0.015
    hair = 1.15 * hair_thickness(s) + 0.035 * s.amount("hair_curl").square()
    top = 0.895 + hair * (1 - bald_amount(s))
    foot = 0.02
    px, py = x / half_width, (y - foot).clamp_min(0) / (top - foot)
    k0 = (px * px + py * py + 1e-6).sqrt()
    k1 = ((px / half_width).square() + (py / (top - foot)).square() + 1e-6).sqrt()
    arc = (k0 * (k0 - 1) / k1).abs() - 0.022
    band = smooth_max(smooth_max(arc, (z + 0.09).abs() - 0.065, 0.02), foot - y, 0.02)
    return smooth_min(cup, band, 0.03)


def headphones_surface(s: Shape, detail: Detail, head: Point, body: Point) -> Surface:
    x = head[0]
    out, up, forward = cup_local(s, head)
    shell = accent(
        detail, 4, (0.90, 0.90, 0.92), (0.80, 0.20, 0.22), (0.16, 0.16, 0.18), (0.22, 0.52, 0.60)
    )
    radial = (up * up / 1.15 + forward * forward + 1e-6).sqrt()
    pad = smoothstep(0.0, -0.02, out) * smoothstep(0.26, 0.22, radial)
    badge = line(radial - 0.10, 0.006, 0.01) * smoothstep(0.03, 0.05, out)
    dark = rgb(x, (0.10, 0.10, 0.11))
    colour = over(flat(x, shell), flat(x, dark), torch.maximum(pad, 0.5 * badge))
    return Surface(colour, 0.75 - 0.65 * pad)


# --- scarf ----------------------------------------------------------------------------------


def scarf_angle(body: Point) -> Tensor:
    return torch.atan2(body[0], body[2] + 0.20)


def scarf(s: Shape, head: Point, body: Point) -> Tensor:
    x, y, z = body
    around = scarf_angle(body)
    folds = 0.016 * (7 * around + 16 * y).sin() + 0.010 * (13 * around - 22 * y + 1.0).sin()
    radius = 0.405 + 0.045 * s.factors["gender"]

    def wrap(out: float, height: float, slope: float, thick: float) -> Tensor:
        rho = (x * x + (z + 0.20).square() + 1e-6).sqrt() - radius - out
        h = y - height - slope * (z + 0.2) - 0.03 * (2 * around + 0.6).sin()
        return ((rho / 0.8).square() + h.square() + 1e-6).sqrt() * 0.85 - thick

    d = smooth_min(wrap(0.0, -0.87, -0.12, 0.11), wrap(0.06, -1.04, -0.10, 0.12), 0.035)
    return d - folds * 0.8


def scarf_surface(s: Shape, detail: Detail, head: Point, body: Point) -> Surface:
    x, y, z = body
    around = scarf_angle(body)
    wool = accent(
        detail, 6, (0.66, 0.14, 0.20), (0.93, 0.74, 0.24), (0.18, 0.30, 0.56), (0.34, 0.46, 0.28)
    )
    bands = smoothstep(0.55, 0.75, (9 * around + 2 * y).sin())
    colour = over(flat(x, wool), flat(x, rgb(x, (0.93, 0.90, 0.84))), bands)
    stitch = (90 * around).sin() * (110 * y).sin()
    return Surface(shade(colour, 1 + 0.10 * stitch), torch.full_like(x, 0.03))


# --- hand before the chin -------------------------------------------------------------------


def hand_local(head: Point) -> Point:
    """Head space -> along the fingers, across them (the index at the negative end), forward."""
    x, y, z = head[0] - KNUCKLES[0], head[1] - KNUCKLES[1], head[2] - KNUCKLES[2]
    c, s = math.cos(FINGERS_ANGLE), math.sin(FINGERS_ANGLE)
    return c * x + s * y, -s * x + c * y, z


def hand(s: Shape, head: Point, body: Point) -> Tensor:
    u, v, w = hand_local(head)
    palm = ellipsoid(u + 0.21, v - 0.005, w + 0.01, 0.30, 0.215, 0.095)
    wrist = capsule(u, v, w * 1.25, (-0.30, 0.01, -0.02), (-1.3, 0.05, 0.0), 0.125)
    d = smooth_min(palm, wrist, 0.10)
    for across, back, length, radius in FINGERS:
        bend = -back + 0.52 * length
        near = capsule(u, v, w, (-back - 0.05, across, 0.0), (bend, 1.12 * across, 0.025), radius)
        far = capsule(
            u,
            v,
            w,
            (bend, 1.12 * across, 0.025),
            (length - back, 1.16 * across, -0.05),
            0.93 * radius,
        )
        finger = smooth_min(near, far, 0.02)
        knuckle = ellipsoid(u + back, v - across, w - 0.035, 0.06, 0.045, 0.045)
        d = smooth_min(d, smooth_min(finger, knuckle, 0.05), 0.022)
    thumb = capsule(u, v, w, (-0.30, -0.15, -0.02), (-0.10, -0.30, -0.05), 0.072)
    thumb = smooth_min(
        thumb, capsule(u, v, w, (-0.10, -0.30, -0.05), (0.06, -0.345, -0.10), 0.060), 0.04
    )
    return smooth_min(d, thumb, 0.07)


def hand_surface(s: Shape, detail: Detail, head: Point, body: Point) -> Surface:
    u, v, w = hand_local(head)
    colour = flat(u, skin_colour(s))
    tip = torch.zeros_like(u)
    nail = torch.zeros_like(u)
    crease = torch.zeros_like(u)
    for across, back, length, radius in FINGERS:
        du, dv = u - (length - back) - 0.01, v - 1.16 * across
        disc = (du / (0.62 * radius)).square() + (dv / (0.62 * radius)).square()
        nail = torch.maximum(nail, smoothstep(1.2, 0.8, disc) * smoothstep(-0.06, -0.03, w))
        near = smoothstep(1.0, 0.7, (dv / radius).abs())
        joint = line(u + back - 0.52 * length, 0.004, 0.02) * near
        crease = torch.maximum(crease, joint)
        tip = torch.maximum(tip, torch.exp(-((du / 0.06) ** 2) - (dv / 0.05) ** 2))
        red = torch.exp(-(((u + back) / 0.05) ** 2) - ((v - across) / 0.04) ** 2)
        tip = torch.maximum(tip, 0.7 * red)
    colour = colour * (1 - 0.22 * tip.unsqueeze(-1) * rgb(u, (0.20, 0.78, 0.74)))
    colour = shade(colour, 1 - 0.22 * crease)
    pale = torch.lerp(skin_colour(s), rgb(u, (1.0, 0.90, 0.88)), 0.45)
    colour = over(colour, flat(u, pale), 0.85 * nail)
    return Surface(colour, 0.12 + 0.45 * nail)


# --- earrings -------------------------------------------------------------------------------


def earrings(s: Shape, head: Point, body: Point) -> Tensor:
    """Hoops through both lobes; before the hair where it falls over the ears."""
    x, y, z = head
    out = x.abs() - 0.635 - 0.03 * s.factors["face_width"]
    lobe, forward = -0.185, -0.13 + 0.25 * hair_reach(s)
    ring = (out * out + (y - lobe + 0.09).square() + 1e-6).sqrt() - 0.088
    return (ring * ring + (z - forward + 0.3 * out).square() + 1e-6).sqrt() - 0.019


def earrings_surface(s: Shape, detail: Detail, head: Point, body: Point) -> Surface:
    x = head[0]
    metal = accent(detail, 9, (0.92, 0.70, 0.26), (0.80, 0.81, 0.84), (0.86, 0.52, 0.40))
    return Surface(flat(x, metal), torch.full_like(x, 1.0))


Distance = Callable[[Shape, Point, Point], Tensor]
Painter = Callable[[Shape, Detail, Point, Point], Surface]
SOLID: dict[str, tuple[Distance, Painter]] = {
    "hat": (hat, hat_surface),
    "headphones": (headphones, headphones_surface),
    "scarf": (scarf, scarf_surface),
    "hand": (hand, hand_surface),
    "earrings": (earrings, earrings_surface),
}
