"""The shape of a portrait: signed distances of head, hair and shoulders, and how rays meet them.

Units: the distance between the eyes is 0.5, so an aligned picture spans [-1, 1]. Head space has x
to the picture's right, y up, z towards the camera, its origin between the eyes. Everything is
elementwise on tensors [B, P] (portraits x rays) with portrait parameters [B, 1].
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from training.factors import INDEX, TRAITS

EYE_X, EYE_Z = 0.25, 0.52  # eye centres at (+-EYE_X, 0, EYE_Z)
MOUTH_Y, MOUTH_Z = -0.50, 0.56
CAMERA_Z = 6.0  # the camera stands at (0, 0, CAMERA_Z): a portrait lens
NECK = (0.0, -0.55, -0.15)  # the head turns about this point


def smoothstep(low: Tensor | float, high: Tensor | float, x: Tensor) -> Tensor:
    """0 below ``low``, 1 above ``high``, a cubic between."""
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def smooth_min(a: Tensor, b: Tensor, k: float) -> Tensor:
    """Minimum with a round seam of width k (polynomial)."""
    h = (k - (a - b).abs()).clamp_min(0) / k
    return torch.minimum(a, b) - h * h * (k * 0.25)


def smooth_max(a: Tensor, b: Tensor, k: float) -> Tensor:
    """Maximum with a round seam of width k."""
    return -smooth_min(-a, -b, k)


def ellipsoid(x: Tensor, y: Tensor, z: Tensor, rx, ry, rz) -> Tensor:  # type: ignore[no-untyped-def]
    """Approximate distance to an ellipsoid at the origin: k0 (k0 - 1) / k1."""
    ax, ay, az = x / rx, y / ry, z / rz
    k0 = (ax * ax + ay * ay + az * az).sqrt()
    bx, by, bz = ax / rx, ay / ry, az / rz
    k1 = (bx * bx + by * by + bz * bz).sqrt()
    return k0 * (k0 - 1) / (k1 + 1e-4)


def capsule(x: Tensor, y: Tensor, z: Tensor, a, b, radius) -> Tensor:  # type: ignore[no-untyped-def]
    """Distance to a segment a-b (triples) thickened by ``radius``."""
    px, py, pz = x - a[0], y - a[1], z - a[2]
    dx, dy, dz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    h = ((px * dx + py * dy + pz * dz) / (dx * dx + dy * dy + dz * dz)).clamp(0, 1)
    qx, qy, qz = px - h * dx, py - h * dy, pz - h * dz
    return (qx * qx + qy * qy + qz * qz + 1e-9).sqrt() - radius


@dataclass(frozen=True, eq=False)
class Shape:
    """Parameters of a batch of portraits, each [B, 1]; rotations as 9 entries [B, 1]."""

    factors: dict[str, Tensor]  # by name, in [-1, 1]
    head: tuple[Tensor, ...]  # world -> head rotation, row by row
    body: tuple[Tensor, ...]  # world -> body rotation
    traits: dict[str, Tensor]  # by name, in [-1, 1]

    def amount(self, name: str) -> Tensor:
        """The factor as 0..1."""
        return self.factors[name] * 0.5 + 0.5

    def phase(self, trait: str) -> Tensor:
        """The trait as an angle, [-pi, pi]."""
        return math.pi * self.traits[trait]


def rotation(yaw: Tensor, pitch: Tensor) -> tuple[Tensor, ...]:
    """World -> head rotation of a head turned by yaw (to the picture's right) and pitch (up)."""
    cy, sy, cp, sp = yaw.cos(), yaw.sin(), pitch.cos(), pitch.sin()
    zero = torch.zeros_like(cy)
    # Rows of (Ry(yaw) Rx(-pitch))^T.
    return (cy, zero, -sy, -sy * sp, cp, -cy * sp, sy * cp, sp, cy * cp)


def make_shape(factors: Tensor, traits: Tensor) -> Shape:
    """Shape of factors [B, F] and traits [B, T] (``factors.TRAITS``)."""
    named = {name: factors[:, i : i + 1] for name, i in INDEX.items()}
    yaw, pitch = 0.53 * named["pose"], 0.24 * named["pitch"]
    return Shape(
        named,
        rotation(yaw, pitch),
        rotation(0.45 * yaw, 0.0 * pitch),
        {name: traits[:, i : i + 1] for i, name in enumerate(TRAITS)},
    )


def to_space(rot: tuple[Tensor, ...], x: Tensor, y: Tensor, z: Tensor) -> tuple[Tensor, ...]:
    """World point -> head or body space (rotation about NECK)."""
    x, y, z = x - NECK[0], y - NECK[1], z - NECK[2]
    a, b, c, d, e, f, g, h, i = rot
    return (
        a * x + b * y + c * z + NECK[0],
        d * x + e * y + f * z + NECK[1],
        g * x + h * y + i * z + NECK[2],
    )


def to_world(rot: tuple[Tensor, ...], x: Tensor, y: Tensor, z: Tensor) -> tuple[Tensor, ...]:
    """The inverse of ``to_space``."""
    x, y, z = x - NECK[0], y - NECK[1], z - NECK[2]
    a, b, c, d, e, f, g, h, i = rot
    return (
        a * x + d * y + g * z + NECK[0],
        b * x + e * y + h * z + NECK[1],
        c * x + f * y + i * z + NECK[2],
    )


def eye_points(s: Shape) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """World positions of the eye centres, picture's left and right."""
    one = torch.ones_like(s.factors["age"])
    return (
        to_world(s.head, -EYE_X * one, 0 * one, EYE_Z * one),
        to_world(s.head, EYE_X * one, 0 * one, EYE_Z * one),
    )


def mouth_points(s: Shape) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """World positions of the mouth corners, picture's left and right."""
    half, lift = mouth_half_width(s), mouth_lift(s)
    z = MOUTH_Z - 0.05 + 0 * half
    return (
        to_world(s.head, -half, MOUTH_Y + lift, z),
        to_world(s.head, half, MOUTH_Y + lift, z),
    )


def mouth_half_width(s: Shape) -> Tensor:
    return 0.165 + 0.038 * s.factors["smile"] - 0.02 * s.amount("mouth_open")


def mouth_lift(s: Shape) -> Tensor:
    """Height of the mouth's corners over its middle."""
    return 0.052 * s.factors["smile"]


def jaw_drop(s: Shape) -> Tensor:
    """How far the lower jaw hangs below its place."""
    return 0.10 * smoothstep(0.45, 1.0, s.amount("mouth_open"))


def skull(s: Shape, x: Tensor, y: Tensor, z: Tensor, grow: Tensor | float = 0.0) -> Tensor:
    """The cranium, grown by ``grow``."""
    wide = 0.03 * s.factors["face_width"]
    return ellipsoid(x, y - 0.21, z + 0.14, 0.585 + wide + grow, 0.62 + grow, 0.70 + grow)


def face(s: Shape, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """Head without ears and hair, in head space."""
    f = s.factors
    ax = x.abs()
    wide, jaw, gender, age, smile = (
        f["face_width"],
        f["jaw_width"],
        f["gender"],
        f["age"],
        f["smile"],
    )
    drop = jaw_drop(s)
    d = skull(s, x, y, z)
    d = smooth_min(d, ellipsoid(x, y + 0.22, z - 0.02, 0.495 + 0.045 * wide, 0.60, 0.575), 0.14)
    jaw_r = 0.375 + 0.065 * jaw + 0.025 * wide + 0.02 * gender
    d = smooth_min(d, ellipsoid(x, y + 0.54 + drop, z - 0.07, jaw_r, 0.31, 0.43), 0.14)
    chin = ellipsoid(
        x,
        y + 0.76 + drop + 0.02 * gender,
        z - 0.35,
        0.175 + 0.05 * jaw + 0.025 * gender,
        0.12,
        0.13,
    )
    d = smooth_min(d, chin, 0.16)
    # Cheeks: rounder when young, raised by a smile, sagging with age.
    cheek = ellipsoid(
        ax - 0.275,
        y + 0.27 - 0.035 * smile + 0.03 * age,
        z - 0.36,
        0.17,
        0.15,
        0.175 + 0.015 * smile,
    )
    d = smooth_min(d, cheek - 0.012 * smile + 0.012 * age, 0.14)
    brow = ellipsoid(ax - 0.20, y - 0.14, z - 0.47, 0.19, 0.055, 0.085)
    d = smooth_min(d, brow - 0.012 * gender, 0.12)
    socket = ellipsoid(ax - EYE_X, y + 0.005, z - 0.66, 0.15, 0.095, 0.135)
    d = smooth_max(d, -socket, 0.10)
    eyeball = ellipsoid(ax - EYE_X, y, z - 0.395, 0.142, 0.142, 0.142)
    d = smooth_min(d, eyeball, 0.03)
    size = 1 + 0.28 * f["nose_size"] + 0.04 * gender
    bridge = capsule(ax, y, z, (0.0, 0.06, 0.53), (0.0, -0.20, 0.635 + 0.035 * size), 0.048 * size)
    d = smooth_min(d, bridge, 0.11)
    tip = ellipsoid(x, y + 0.225, z - 0.645, 0.078 * size, 0.066 * size, 0.085 * size)
    d = smooth_min(d, tip, 0.06)
    wing = ellipsoid(
        ax - 0.072 * size, y + 0.245, z - 0.585, 0.048 * size, 0.042 * size, 0.07 * size
    )
    d = smooth_min(d, wing, 0.035)
    lips = ellipsoid(x, y - MOUTH_Y + 0.4 * drop, z - 0.50, 0.15, 0.085 + 0.5 * drop, 0.095)
    return smooth_min(d, lips - 0.012 * f["lip_fullness"], 0.08)


def ears(s: Shape, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """Both ears, in head space: a dish that stands off the head, a rolled rim and a lobe."""
    out = x.abs() - 0.575 - 0.03 * s.factors["face_width"]
    up, back = y + 0.03, z + 0.13
    tilted = back - 0.20 * up  # the ear leans back
    off = out - 0.040 + 0.38 * tilted  # and opens forwards
    narrow = 1 - 0.9 * (-up).clamp(0, 0.4)
    ring = ((up / 0.150).square() + (tilted / (0.092 * narrow)).square() + 1e-6).sqrt()
    rim = (((ring - 1) * 0.10).square() + (off - 0.008).square() + 1e-6).sqrt() - 0.019
    dish = ellipsoid(off + 0.006, up, tilted, 0.026, 0.142, 0.088 * narrow)
    root = ellipsoid(out + 0.005, up, tilted - 0.015, 0.050, 0.105, 0.055)
    lobe = ellipsoid(off + 0.010, up + 0.130, tilted - 0.030, 0.024, 0.045, 0.040)
    fold = capsule(off, up, tilted, (0.0, 0.075, 0.015), (0.005, -0.055, -0.035), 0.015)
    d = smooth_min(smooth_min(dish, root, 0.03), smooth_min(rim, lobe, 0.02), 0.012)
    # Long hair covers them: pressed flat, they do not come through it.
    return smooth_min(d, fold, 0.012) + 0.08 * hair_reach(s)


def body(s: Shape, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """Neck and chest without clothes, in body space: cords, throat and collar bones."""
    g, ax = s.factors["gender"], x.abs()
    neck = capsule(x, y, z, (0.0, -0.5, -0.17), (0.0, -1.5, -0.26), 0.255 + 0.045 * g)
    torso = ellipsoid(x, y + 1.86, z + 0.25, 1.06 + 0.12 * g, 0.80 + 0.03 * g, 0.50)
    d = smooth_min(neck, torso, 0.22)
    cord = capsule(ax, y, z, (0.26, -0.50, -0.14), (0.07, -1.12, 0.035), 0.040)
    d = smooth_min(d, cord, 0.12)
    throat = ellipsoid(x, y + 0.86, z - 0.045 - 0.02 * g, 0.05, 0.09, 0.045)
    d = smooth_min(d, throat, 0.11)
    bone = capsule(ax, y, z, (0.10, -1.135, 0.040), (0.44, -1.11, -0.11), 0.022)
    return smooth_min(d, bone, 0.07)


def neckline(s: Shape, x: Tensor, z: Tensor) -> Tensor:
    """Height of the clothes' upper edge: from a deep cut, round or pointed, to a turtleneck."""
    high, pointed = s.traits["neckline"] * 0.5 + 0.5, s.traits["neckline_cut"] * 0.5 + 0.5
    ax = x.abs()
    rise = (1 - high) * (pointed * 1.0 * ax + (1 - pointed) * 1.5 * ax.square())
    return -1.17 + 0.25 * high + rise - 0.30 * (z + 0.22).clamp(-0.30, 0.40)


def clothes(s: Shape, x: Tensor, y: Tensor, z: Tensor, bare: Tensor) -> Tensor:
    """A shirt over the ``body`` at distance ``bare``, with a rolled edge; in body space."""
    above = 0.75 * (y - neckline(s, x, z))
    cloth = smooth_max(bare - 0.022, above, 0.015)
    roll = 0.017 + 0.035 * smoothstep(0.45, 0.95, s.traits["neckline"] * 0.5 + 0.5)
    edge = ((bare - 0.020).square() + above.square() + 1e-6).sqrt() - roll
    return smooth_min(cloth, edge, 0.025)


def hair_thickness(s: Shape) -> Tensor:
    return 0.065 + 0.035 * s.factors["hair_volume"] + 0.02 * s.amount("hair_curl")


def bald_amount(s: Shape) -> Tensor:
    """0: full hair; 1: a bare crown with a ring of hair."""
    return smoothstep(0.15, 0.95, s.factors["baldness"])


def hair_fall(s: Shape) -> Tensor:
    """Length of the hair, 0..1; the bald have shorter hair."""
    return s.amount("hair_length") * (1 - 0.6 * bald_amount(s))


def hair_reach(s: Shape) -> Tensor:
    """0: the ears are free; 1: hair falls over them."""
    return smoothstep(0.22, 0.60, hair_fall(s))


def curls(s: Shape, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """Displacement of the hair: long waves when straight, tight lumps when curly, in +-1."""
    curl = s.amount("hair_curl")
    k = 8 + 9 * curl
    wx = x + 0.05 * (5 * y + 0.7).sin()
    wy = y + 0.05 * (6 * z + 1.9).sin()
    wz = z + 0.05 * (5 * x + 3.1).sin()
    large = (k * wx + 0.4).sin() * (k * (0.35 + 0.65 * curl) * wy + s.phase("waves")).sin()
    small = (2.1 * k * wz + s.phase("curls")).sin() * (1.9 * k * wx + 2.0 * s.traits["waves"]).sin()
    return large + 0.5 * small


def face_opening(s: Shape, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """Distance to the room the hair leaves for the face.

    A fringe lowers its upper edge, baldness raises it.
    """
    f, bald = s.factors, bald_amount(s)
    lock = 0.5 + 0.9 * f["fringe"].clamp_min(0)
    ragged = 0.016 * lock * (21 * x + s.phase("locks")).sin()
    ragged = ragged + 0.010 * lock * (47 * x + s.phase("strands")).sin()
    fringe = (0.10 * f["fringe"] + 0.10 * smoothstep(0.1, 1.0, f["fringe"])) * (1 - bald)
    part = f["parting"] * (1 - bald)
    swoop = (
        0.16 * part * x - 0.05 * part.abs() + 0.06 * torch.exp(-((x - 0.22 * part) / 0.10).square())
    )
    return ellipsoid(
        x - 0.03 * part,
        y + 0.30,
        z - 0.74,
        0.535 + 0.03 * f["face_width"] + 0.06 * bald,
        0.765 - fringe + 0.25 * bald + ragged + swoop,
        0.62 + 0.15 * bald,
    )


def curtain(s: Shape, x: Tensor, y: Tensor, z: Tensor, around: Tensor) -> Tensor:
    """Long hair behind and beside the face: layers that taper and end in locks."""
    length, reach = hair_fall(s), hair_reach(s)
    shift = s.phase("locks")
    broad = (5 * around + shift).sin()
    narrow = (11 * around + 1.3 + 2 * s.traits["locks"] + 2.0 * y).sin()
    locks = 0.6 * broad + 0.4 * narrow
    end = 0.0 - 1.27 * length + reach * (0.05 * broad + 0.09 * (1 - narrow.abs()))
    low = smoothstep(0.30 + 0.30 * length, 0.0, y - end)  # 1 at the tips
    layer = end + 0.42 * length + 0.07 * locks + 0.06 * s.traits["layers"]
    step = smoothstep(-0.02, 0.07, y - layer)
    slim = 1 - (0.26 - 0.06 * s.traits["layers"]) * low
    clump = (0.010 + 0.016 * low) * locks * smoothstep(0.30, -0.20, y)
    wide = 0.44 + reach * (0.16 + 0.8 * hair_thickness(s))
    d = ellipsoid(x, 0 * y, z + 0.26, wide * slim, 1.0, (0.41 + 0.06 * reach) * slim)
    d = d - reach * (0.024 * step + clump)
    d = smooth_max(d, 0.8 * (end - y), 0.07)
    d = smooth_max(d, y - 0.35, 0.10)
    # It falls beside the throat, not over it.
    return smooth_max(d, -ellipsoid(x, 0 * y, z - 0.47, 0.34, 1.0, 0.60), 0.05)


def hair(s: Shape, x: Tensor, y: Tensor, z: Tensor, scalp: Tensor, ear: Tensor) -> Tensor:
    """All hair of the head, in head space; it lies close where it grows thin.

    ``scalp`` and ``ear`` are the distances of head and ears at these points.
    """
    thick, bald = hair_thickness(s), bald_amount(s)
    length, reach = hair_fall(s), hair_reach(s)
    around = torch.atan2(x, z + 0.20)
    wide = 0.575 + 0.03 * s.factors["face_width"] + thick
    cap = ellipsoid(x, y - 0.21, z + 0.16, wide, 0.60 + 0.95 * thick, 0.69 + thick)
    # Short hair ends above the ear in front and at the nape behind, frayed.
    fray = 0.020 * (9 * around + s.phase("locks")).sin() + 0.012 * (23 * around).sin()
    edge = -0.06 - 0.45 * length - 0.75 * (0.05 - z).clamp(0, 0.45) - 0.35 * reach + fray
    cover = scalp - 0.020 + 0.3 * smoothstep(0.15, -0.05, y)  # no bare scalp under full hair
    d = smooth_max(smooth_min(cap, cover, 0.03), edge - y, 0.06)
    d = smooth_min(d, curtain(s, x, y, z, around), 0.08)
    # No thicker over the scalp than the way to where it ends allows: no helmet, no ear-muffs.
    opening = face_opening(s, x, y, z)
    room = torch.minimum(
        0.012 + 0.55 * (y - edge).clamp(0, 1) + 0.5 * reach, 0.024 + 1.0 * opening.clamp(0, 1)
    )
    crown = smoothstep(-0.15, 0.10, y)
    room = room - crown * (room - 0.14).clamp_min(0)
    thin = 1 - (1 - bald).square()
    room = room + (0.016 - room) * thin * (1 - reach * (1 - crown))
    amplitude = (0.006 + 0.030 * s.amount("hair_curl").square()) * (1 - crown * thin)
    d = d - amplitude * (8 * room).clamp(0, 1) * (curls(s, x, y, z).clamp_min(-0.7) + 0.5)
    d = smooth_max(d, scalp - room, 0.03)
    d = smooth_max(d, 0.020 - 0.30 * reach - ear, 0.02)
    d = smooth_max(d, -opening, 0.05)
    # Going bald, it sinks into the scalp: first over the forehead, then the whole crown.
    return d + 0.24 * smoothstep(0.16, 0.52, y + 0.35 * z) * bald


@dataclass(frozen=True, eq=False)
class Distances:
    """Signed distances [B, P] of the parts at one point each."""

    skin: Tensor  # the nearest of the next three, seams rounded
    hair: Tensor
    clothes: Tensor
    face: Tensor
    ears: Tensor
    body: Tensor

    def nearest(self) -> Tensor:
        return torch.minimum(torch.minimum(self.skin, self.hair), self.clothes)


def distances(s: Shape, x: Tensor, y: Tensor, z: Tensor) -> Distances:
    """Distances from world points."""
    hx, hy, hz = to_space(s.head, x, y, z)
    bx, by, bz = to_space(s.body, x, y, z)
    head, ear, bare = face(s, hx, hy, hz), ears(s, hx, hy, hz), body(s, bx, by, bz)
    skin = smooth_min(smooth_min(head, ear, 0.025), bare, 0.05)
    return Distances(
        skin, hair(s, hx, hy, hz, head, ear), clothes(s, bx, by, bz, bare), head, ear, bare
    )
