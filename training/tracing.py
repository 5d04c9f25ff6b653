"""Where the camera's rays meet a portrait: framing, sphere tracing, normals, shadow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from training.geometry import (
    CAMERA_Z,
    Shape,
    eye_points,
    mouth_points,
    to_space,
)

NEAR_Z, FAR_Z = 1.05, -1.3  # world depths between which anything stands
LOST = 2 * CAMERA_Z  # no ray need go farther; hundreds of units away distances turned out NaN
COARSE = 4  # rays of the first pass: one for COARSE x COARSE pixels
COARSE_STEPS, FINE_STEPS = 12, 20
EDGE_RAYS, EDGE_STEPS = 1 / 16, 48  # rays along an edge creep; this share of them goes on
RELAX = 0.95  # the distances are approximate: step a little short

Nearest = Callable[[Shape, Tensor, Tensor, Tensor], Tensor]  # distance to the nearest part, [B, P]


def project(point: tuple[Tensor, ...]) -> Tensor:
    """World point -> picture plane z = 0, [B, 2], y down."""
    x, y, z = point
    scale = CAMERA_Z / (CAMERA_Z - z)
    return torch.cat([x * scale, -y * scale], dim=1)


def landmarks(s: Shape) -> Tensor:
    """Projected eyes (left, right) and mouth corners (left, right), [B, 4, 2], y down."""
    return torch.stack([project(p) for p in (*eye_points(s), *mouth_points(s))], dim=1)


def ffhq_frame(points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Centre and half-axes of the FFHQ quad of eyes and mouth corners [B, 4, 2].

    Returns c, x, y, each [B, 2]: pixel (u, v) in [-1, 1] lies at c + u x + v y (Karras et al.
    2019, appendix C, as in the data set's alignment script).
    """
    eye = points[:, :2].mean(dim=1)
    across = points[:, 1] - points[:, 0]
    down = points[:, 2:].mean(dim=1) - eye
    x = torch.stack([across[:, 0] + down[:, 1], across[:, 1] - down[:, 0]], dim=1)
    size = torch.maximum(2.0 * across.norm(dim=1), 1.8 * down.norm(dim=1))
    x = x / x.norm(dim=1, keepdim=True) * size[:, None]
    y = torch.stack([-x[:, 1], x[:, 0]], dim=1)
    return eye + 0.1 * down, x, y


def to_pixels(s: Shape, flat: Tensor, resolution: int) -> Tensor:
    """Projected places [B, N, 2] (``project``) -> pixels of the picture, x then y."""
    c, x, y = ffhq_frame(landmarks(s))
    basis = torch.stack([x, y], dim=2)  # [B, 2, 2], columns x and y
    uv = torch.linalg.solve(basis[:, None], (flat - c[:, None])[..., None])[..., 0]
    return (uv + 1) / 2 * resolution


@dataclass(frozen=True, eq=False)
class Rays:
    """Unit directions [B, P] from the camera at (0, 0, CAMERA_Z)."""

    dx: Tensor
    dy: Tensor
    dz: Tensor

    def at(self, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.dx * t, self.dy * t, CAMERA_Z + self.dz * t


def camera_rays(s: Shape, resolution: int) -> Rays:
    """Rays through the pixel centres of the aligned frame, row by row."""
    c, x, y = ffhq_frame(landmarks(s))
    grid = (torch.arange(resolution, device=c.device, dtype=c.dtype) + 0.5) / resolution * 2 - 1
    v, u = torch.meshgrid(grid, grid, indexing="ij")
    u, v = u.reshape(1, -1), v.reshape(1, -1)
    px = c[:, :1] + u * x[:, :1] + v * y[:, :1]
    py = -(c[:, 1:] + u * x[:, 1:] + v * y[:, 1:])
    length = (px * px + py * py + CAMERA_Z**2).sqrt()
    return Rays(px / length, py / length, -CAMERA_Z / length)


@dataclass(frozen=True, eq=False)
class Walk:
    """How far rays have come, each [B, P]."""

    t: Tensor
    d: Tensor  # last distance to the nearest part
    closest: Tensor  # smallest distance met
    t_closest: Tensor  # and where


def march(
    nearest: Nearest, s: Shape, rays: Rays, t: Tensor, steps: int, radius: float, touch: float = 0.0
) -> Walk:
    """Walk along the rays until within ``radius`` (0: to the surface, give or take ``touch``)."""
    closest = torch.full_like(t, 9.0)
    t_closest = t
    for _ in range(steps):
        d = nearest(s, *rays.at(t))
        nearer = d < closest
        closest = torch.where(nearer, d, closest)
        t_closest = torch.where(nearer, t, t_closest)
        if radius:
            t = t + (d - radius).clamp_min(0) * RELAX
        else:  # a ray that grazes something must not crawl
            t = t + torch.where(d > touch, d.clamp_min(3 * touch), d) * RELAX
        t = t.clamp_max(LOST)
    return Walk(t, d, closest, t_closest)


@dataclass(frozen=True, eq=False)
class Hits:
    """What the rays met, each [B, P]."""

    t: Tensor
    closest: Tensor  # smallest distance along the ray
    inside: Tensor  # 1 where something was met
    normal: tuple[Tensor, ...]  # world space


def walk_on(nearest: Nearest, s: Shape, rays: Rays, walk: Walk, far: Tensor, touch: float) -> Walk:
    """Give rays that are still under way more steps, so that they see what is behind an edge."""
    under_way = (walk.d > 2 * touch) & (walk.t < far)
    few = int(walk.t.shape[1] * EDGE_RAYS)
    _, pick = torch.topk(under_way.to(walk.t.dtype), few, dim=1)
    some = Rays(*(a.gather(1, pick) for a in (rays.dx, rays.dy, rays.dz)))
    more = march(nearest, s, some, walk.t.gather(1, pick), EDGE_STEPS, 0.0, touch)
    before = walk.closest.gather(1, pick)
    t_closest = torch.where(more.closest < before, more.t_closest, walk.t_closest.gather(1, pick))
    return Walk(
        walk.t.scatter(1, pick, more.t),
        walk.d.scatter(1, pick, more.d),
        walk.closest.scatter(1, pick, torch.minimum(more.closest, before)),
        walk.t_closest.scatter(1, pick, t_closest),
    )


def trace(nearest: Nearest, s: Shape, rays: Rays, resolution: int) -> Hits:
    """Sphere tracing in two passes: blocks of pixels with a thick ray, then each pixel."""
    start = (CAMERA_Z - NEAR_Z) / -rays.dz
    far = (CAMERA_Z - FAR_Z) / -rays.dz
    b = rays.dx.shape[0]
    n = resolution // COARSE

    def blocks(a: Tensor) -> Tensor:
        a = a.view(b, n, COARSE, n, COARSE)[:, :, COARSE // 2, :, COARSE // 2]
        return a.reshape(b, n * n)

    thick = Rays(blocks(rays.dx), blocks(rays.dy), blocks(rays.dz))
    radius = 2.0 / resolution * COARSE * 0.85
    t = march(nearest, s, thick, blocks(start), COARSE_STEPS, radius).t
    t = t.view(b, n, 1, n, 1).expand(b, n, COARSE, n, COARSE).reshape(b, -1)
    t = torch.minimum(t, far)
    touch = 0.5 * 2.0 / resolution
    walk = march(nearest, s, rays, t, FINE_STEPS, 0.0, touch)
    walk = walk_on(nearest, s, rays, walk, far, touch)
    passed = walk.d > 2 * touch
    t = torch.where(passed, walk.t_closest, walk.t)
    x, y, z = rays.at(t)
    d = nearest(s, x, y, z)
    inside = (((d < touch) | ~passed) & (t < far)).to(t.dtype)
    h = 0.006
    nx = nearest(s, x + h, y, z) - d
    ny = nearest(s, x, y + h, z) - d
    nz = nearest(s, x, y, z + h) - d
    length = (nx * nx + ny * ny + nz * nz + 1e-12).sqrt()
    closest = torch.where(t < far, torch.minimum(walk.closest, d), walk.closest)
    return Hits(t, closest, inside, (nx / length, ny / length, nz / length))


def occlusion(nearest: Nearest, s: Shape, p: tuple[Tensor, ...], n: tuple[Tensor, ...]) -> Tensor:
    """Ambient occlusion in 0..1 (1: open sky) from two distances along the normal."""
    open_sky = torch.ones_like(p[0])
    for reach, weight in ((0.07, 0.5), (0.20, 0.6)):
        d = nearest(s, *(a + reach * b for a, b in zip(p, n, strict=True)))
        open_sky = open_sky - weight * (1 - d / reach).clamp(0, 1)
    return open_sky.clamp(0.15, 1)


def light_reaching(
    nearest: Nearest,
    s: Shape,
    p: tuple[Tensor, ...],
    n: tuple[Tensor, ...],
    light: tuple[Tensor, ...],
    steps: int = 6,
) -> Tensor:
    """Soft shadow in 0..1: how clear the way to the key light is."""
    clear = torch.ones_like(p[0])
    start = tuple(a + 0.03 * b for a, b in zip(p, n, strict=True))
    reach = torch.full_like(p[0], 0.05)
    for _ in range(steps):
        d = nearest(s, *(a + reach * b for a, b in zip(start, light, strict=True)))
        clear = torch.minimum(clear, 0.5 + 4.5 * d / reach)
        reach = reach + d.clamp(0.03, 0.25)
    return clear.clamp(0, 1)


def camera_in_head(s: Shape) -> tuple[Tensor, ...]:
    """The camera's place in head space, each [B, 1]."""
    zero = torch.zeros_like(s.factors["age"])
    return to_space(s.head, zero, zero, zero + CAMERA_Z)
