"""Exact keypoints of rendered people: where each stands, and whether it is seen.

Points of the face are found on its surface along head space's depth; outlines are the farthest
place, in each of a fan of directions in the picture, at which a ray still meets the head.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from training.face_painting import (
    BROW_HALF,
    BROW_X,
    IRIS,
    brow_curve,
    eye_lids,
    eye_scale,
    gaze,
    mouth_lines,
)
from training.geometry import (
    CAMERA_Z,
    EYE_X,
    Shape,
    body,
    distances,
    ears,
    face,
    hair,
    make_shape,
    mouth_half_width,
    smoothstep,
    to_space,
    to_world,
)
from training.glasses import draw_glasses
from training.keypoints import GROUPS, HAIR_OUTLINE, HAIRLINE, LIPS, OUTLINE
from training.tracing import (
    FAR_Z,
    NEAR_Z,
    Nearest,
    Rays,
    march,
    project,
    to_pixels,
)

TOUCH = 0.002
STEPS = 28
BEHIND = 0.05  # what lies this far behind what the camera sees is hidden
# Outlines: a middle in head space, the widest angle to either side of down (jaw) or up (hair).
JAW_MIDDLE, JAW_ANGLE = (0.0, -0.25, 0.25), math.radians(105)
HAIR_MIDDLE, HAIR_ANGLE = (0.0, 0.10, -0.10), math.radians(125)
HAIRLINE_MIDDLE, HAIRLINE_ANGLE = (0.0, 0.02), math.radians(68)
FAN, REFINE = 28, 7  # places tried along a direction, and halvings between two of them
Point = tuple[Tensor, ...]  # coordinates, each [B, N]


def row(s: Shape, values: Sequence[float]) -> Tensor:
    """The same values for every portrait, [B, N]."""
    age = s.factors["age"]
    return torch.tensor(values, device=age.device, dtype=age.dtype).expand(len(age), -1)


def on_face(s: Shape, x: Tensor, y: Tensor) -> Point:
    """The face's surface at (x, y) of head space, seen from the front."""
    z = torch.full_like(x, NEAR_Z)
    for _ in range(STEPS):
        z = (z - 0.9 * face(s, x, y, z)).clamp_min(FAR_Z)
    return x, y, z


def brow_points(s: Shape, side: float) -> tuple[Tensor, Tensor]:
    u = row(s, [-0.92, -0.46, 0.0, 0.46, 0.92])
    arch, thick = brow_curve(s, u)
    x = side * (BROW_X + BROW_HALF * u)
    return torch.cat([x, x], 1), torch.cat([arch + thick, arch - thick], 1)


def lid_points(s: Shape, side: float) -> tuple[Tensor, Tensor]:
    """The corners and lids, once round the eye from its inner corner over the upper lid."""
    places = [-1 + i / 3 for i in range(7)]
    half = 0.122 * eye_scale(s)
    x = side * (EYE_X + half * row(s, places + places[-2:0:-1]))
    _, _, upper, lower = eye_lids(s, x)
    return x, torch.cat([upper[:, :7], lower[:, 7:]], 1)


def iris_points(s: Shape, side: float) -> tuple[Tensor, Tensor]:
    gaze_x, gaze_y = gaze(s)
    radius = IRIS * eye_scale(s)
    x = side * EYE_X + gaze_x + radius * row(s, [0, 0, side, 0, -side])
    return x, gaze_y + radius * row(s, [0, 1, 0, -1, 0])


def nose_points(s: Shape) -> tuple[Tensor, Tensor]:
    size = 1 + 0.28 * s.factors["nose_size"]
    x = size * row(s, [0, 0, 0, 0, 0, -0.038, 0.038, -0.115, 0.115])
    y = row(s, [0.06, -0.04, -0.13, -0.225, -0.290, -0.272, -0.272, -0.245, -0.245])
    return x, y - 0.004 * size * row(s, [0, 0, 0, 0, 1, 1, 1, 0, 0])


def lip_points(s: Shape) -> tuple[Tensor, Tensor]:
    """Outer edge, once round from the left corner over the top; then the inner edge, likewise."""
    inner = [-1 + 2 * i / (LIPS - 1) for i in range(1, LIPS - 1)]
    half = mouth_half_width(s)
    x = half * row(s, [-1.0, *inner, 1.0, *inner[::-1], *inner, *inner[::-1]])
    m = mouth_lines(s, x)
    n = LIPS - 2
    ends = 0.5 * (m.upper + m.lower)
    y = torch.cat(
        [
            ends[:, :1],
            m.top[:, 1 : n + 1],
            ends[:, n + 1 : n + 2],
            m.bottom[:, n + 2 : 2 * n + 2],
            m.upper[:, 2 * n + 2 : 3 * n + 2],
            m.lower[:, 3 * n + 2 :],
        ],
        1,
    )
    return x, y


def ear_points(s: Shape, side: float) -> Point:
    up, back = row(s, [0.150, 0.0, -0.165, 0.0]), row(s, [0.0, -0.092, 0.020, 0.070])
    out = 0.615 + 0.03 * s.factors["face_width"] - 0.38 * back
    return side * out, up - 0.03, back + 0.20 * up - 0.13


def hairline_points(s: Shape) -> tuple[Point, Tensor]:
    """Where, going up from between the eyes, hair begins; and whether it does, [B, HAIRLINE]."""
    angles = torch.linspace(-HAIRLINE_ANGLE, HAIRLINE_ANGLE, HAIRLINE)
    steps = torch.linspace(0.10, 0.85, 48)
    r = row(s, steps.repeat(HAIRLINE).tolist())
    x = r * row(s, angles.sin().repeat_interleave(len(steps)).tolist())
    y = HAIRLINE_MIDDLE[1] + r * row(s, angles.cos().repeat_interleave(len(steps)).tolist())
    z = torch.full_like(x, NEAR_Z)
    for _ in range(STEPS):
        skin = face(s, x, y, z)
        cut = hair(s, x, y, z, skin, ears(s, x, y, z))
        z = (z - 0.9 * torch.minimum(skin, cut)).clamp_min(FAR_Z)
    skin = face(s, x, y, z)
    cut = hair(s, x, y, z, skin, ears(s, x, y, z))
    there = (torch.minimum(skin, cut) < 0.02).view(len(x), HAIRLINE, -1)
    grown = (cut < skin).view(there.shape) & there
    found = grown.any(dim=2)
    last = there.sum(dim=2).sub(1).clamp_min(0)  # a bald head: the last place on it
    at = torch.where(found, grown.to(torch.uint8).argmax(dim=2), last)[..., None]
    return tuple(a.view(there.shape).gather(2, at)[..., 0] for a in (x, y, z)), found


def toward(px: Tensor, py: Tensor) -> Rays:
    """Rays through places of the picture plane z = 0, y up."""
    length = (px * px + py * py + CAMERA_Z**2).sqrt()
    return Rays(px / length, py / length, -CAMERA_Z / length)


def start_of(rays: Rays) -> Tensor:
    return (CAMERA_Z - NEAR_Z) / -rays.dz


def meets(nearest: Nearest, s: Shape, rays: Rays) -> Tensor:
    walk = march(nearest, s, rays, start_of(rays), STEPS, 0.0, TOUCH)
    return walk.closest < 2 * TOUCH


def outline(s: Shape, nearest: Nearest, middle: Sequence[float], angles: Tensor) -> Point:
    """The farthest places at which rays meet ``nearest``, per direction from up; on the surface."""
    centre = to_world(s.head, *(row(s, [a]) for a in middle))
    flat = project(centre)
    cx, cy = flat[:, :1], -flat[:, 1:]
    dx, dy = row(s, angles.sin().tolist()), row(s, angles.cos().tolist())
    reach = torch.linspace(0.15, 1.55, FAN)
    r = row(s, reach.repeat(len(angles)).tolist())
    wide_x, wide_y = dx.repeat_interleave(FAN, 1), dy.repeat_interleave(FAN, 1)
    hit = meets(nearest, s, toward(cx + r * wide_x, cy + r * wide_y))
    rank = torch.arange(FAN, device=hit.device)
    last = torch.where(hit.view(len(hit), -1, FAN), rank, 0).amax(dim=2)
    low = reach.to(cx)[last]
    high = low + (reach[1] - reach[0])
    for _ in range(REFINE):
        between = 0.5 * (low + high)
        on = meets(nearest, s, toward(cx + between * dx, cy + between * dy))
        low, high = torch.where(on, between, low), torch.where(on, high, between)
    rays = toward(cx + low * dx, cy + low * dy)
    walk = march(nearest, s, rays, start_of(rays), STEPS, 0.0, TOUCH)
    return rays.at(walk.t_closest)


def head_alone(s: Shape, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """Distance to the face without hair, ears and neck."""
    return face(s, *to_space(s.head, x, y, z))


def head_and_hair(s: Shape, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    d = distances(s, x, y, z)
    return torch.minimum(torch.minimum(d.face, d.ears), d.hair)


def neck_points(s: Shape) -> Point:
    """World places beside the neck and on the throat."""
    half = 0.92 * (0.255 + 0.045 * s.factors["gender"])
    x = half * row(s, [-1, 1, 0])
    y, z = row(s, [-0.93, -0.93, -0.97]), row(s, [0.6, 0.6, 0.6])
    for _ in range(STEPS):
        z = (z - 0.9 * body(s, x, y, z)).clamp_min(FAR_Z)
    return to_world(s.body, x, y, z)


def head_points(s: Shape) -> tuple[dict[str, Point], Tensor]:
    """Head-space points of every group that stands on the head; and whether a hairline is there."""
    flat = {
        "brows": [brow_points(s, side) for side in (-1.0, 1.0)],
        "eyes": [lid_points(s, side) for side in (-1.0, 1.0)],
        "irises": [iris_points(s, side) for side in (-1.0, 1.0)],
        "nose": [nose_points(s)],
        "lips": [lip_points(s)],
    }
    points: dict[str, Point] = {}
    for name, pairs in flat.items():
        points[name] = on_face(s, *(torch.cat(a, 1) for a in zip(*pairs, strict=True)))
    lips = points.pop("lips")
    outer = len(GROUPS["outer_lips"])
    points["outer_lips"] = tuple(a[:, :outer] for a in lips)
    points["inner_lips"] = tuple(a[:, outer:] for a in lips)
    points["hairline"], grown = hairline_points(s)
    sides = [ear_points(s, side) for side in (-1.0, 1.0)]
    points["ears"] = tuple(torch.cat(a, 1) for a in zip(*sides, strict=True))
    return points, grown


def world_points(s: Shape) -> tuple[dict[str, Point], Tensor]:
    """World places [B, N] of every group, and whether a hairline is there [B, HAIRLINE]."""
    on_head, grown = head_points(s)
    points = {name: to_world(s.head, *point) for name, point in on_head.items()}
    down = math.pi + torch.linspace(JAW_ANGLE, -JAW_ANGLE, OUTLINE)
    points["jaw"] = outline(s, head_alone, JAW_MIDDLE, down)
    up = torch.linspace(-HAIR_ANGLE, HAIR_ANGLE, HAIR_OUTLINE)
    points["hair_outline"] = outline(s, head_and_hair, HAIR_MIDDLE, up)
    points["neck"] = neck_points(s)
    return {name: points[name] for name in GROUPS}, grown


@dataclass(frozen=True, eq=False)
class View:
    """What the camera sees where points are, each [B, K]."""

    clear: Tensor  # how little stands before the point, 0..1
    clothes: Tensor  # whether clothes are met, not behind the point
    hair: Tensor  # whether hair is


def in_view(s: Shape, p: Point) -> View:
    x, y, z = p
    towards = CAMERA_Z / (CAMERA_Z - z)
    rays = toward(x * towards, y * towards)
    t = (CAMERA_Z - z) / -rays.dz

    def nearest(s: Shape, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        return distances(s, x, y, z).nearest()

    walk = march(nearest, s, rays, start_of(rays), STEPS, 0.0, TOUCH)
    first = torch.where(walk.d < 3 * TOUCH, walk.t, walk.t_closest)
    frame = draw_glasses(s, rays, first, 0.004).frame
    met = distances(s, *rays.at(first))
    before = first < t + 0.02
    return View(
        smoothstep(BEHIND, 0.5 * BEHIND, t - first) * (1 - frame),
        before & (met.clothes < 3 * TOUCH),
        before & (met.hair < met.face - 0.01),
    )


def visibility(s: Shape, points: dict[str, Point], grown: Tensor) -> Tensor:
    """0..1 for every point [B, K]; the frame's edges are not asked."""
    view = in_view(s, tuple(torch.cat([p[i] for p in points.values()], 1) for i in range(3)))
    sizes = [p[0].shape[1] for p in points.values()]
    seen, clothes, hair = (
        dict(zip(points, each.split(sizes, 1), strict=True))
        for each in (view.clear, view.clothes, view.hair)
    )
    # An outline of the head is hidden where clothes or (the jaw) hair are met instead of it.
    seen["jaw"] = seen["jaw"] * ~(clothes["jaw"] | hair["jaw"])
    seen["hair_outline"] = seen["hair_outline"] * ~clothes["hair_outline"]
    seen["hairline"] = seen["hairline"] * grown
    iris = to_space(s.head, *points["irises"])
    _, _, upper, lower = eye_lids(s, iris[0])
    open_there = smoothstep(-0.006, 0.0, upper - iris[1]) * smoothstep(-0.006, 0.0, iris[1] - lower)
    seen["irises"] = seen["irises"] * open_there
    return torch.cat(list(seen.values()), 1)


@torch.no_grad()
def keypoints(factors: Tensor, traits: Tensor, resolution: int = 256) -> tuple[Tensor, Tensor]:
    """The keypoints of people [B, F], [B, T].

    Returns their places in pixels [B, K, 2], x then y (pixel (i, j) covers [i, i + 1] x
    [j, j + 1]), and how far each is seen, 0..1 [B, K]; ``keypoints.POINTS`` names them.
    """
    s = make_shape(factors, traits)
    points, grown = world_points(s)
    x, y, z = (torch.cat([p[i] for p in points.values()], 1) for i in range(3))
    towards = CAMERA_Z / (CAMERA_Z - z)
    pixels = to_pixels(s, torch.stack([x * towards, -y * towards], dim=2), resolution)
    inside = ((pixels >= 0) & (pixels <= resolution)).all(dim=2)
    return pixels, visibility(s, points, grown) * inside
