"""Spectacles: drawn analytically in their own plane, so that thin rims stay clean at any size."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.geometry import Shape, smoothstep, to_space
from training.painting import line, palette, segment
from training.tracing import Rays, camera_in_head

PLANE_Z = 0.655  # depth of the lenses in head space
LENS_X, LENS_Y = 0.252, -0.012
HINGE = (0.455, 0.035, 0.60)  # where a temple meets the rim
EAR = (0.645, 0.015, -0.06)  # where it ends above the ear


@dataclass(frozen=True, eq=False)
class Glasses:
    """What to draw: masks [B, P] and the frame's linear colour [B, 1, 3]."""

    frame: Tensor
    lens: Tensor
    glint: Tensor
    colour: Tensor


def wearing(s: Shape) -> Tensor:
    """0: no glasses, 1: glasses, [B, 1]."""
    return s.amount("eyeglasses")


def lens_distance(s: Shape, x: Tensor, y: Tensor) -> Tensor:
    """Signed distance in the lens plane to the nearer rim's middle line."""
    square = s.amount("glasses_shape")
    a, b = 0.172 + 0.014 * square, 0.155 - 0.030 * square
    power = 2.0 + 3.0 * square
    px, py = (x.abs() - LENS_X).abs() / a, (y - LENS_Y).abs() / b
    norm = (px.clamp_min(1e-3) ** power + py.clamp_min(1e-3) ** power) ** (1 / power)
    return (norm - 1) * torch.minimum(a, b)


def frame_mask(s: Shape, x: Tensor, y: Tensor, soft: Tensor | float) -> Tensor:
    """Rims and bridge at points of the lens plane, 0..1."""
    width = 0.0105 + 0.0085 * s.amount("glasses_shape")
    rim = line(lens_distance(s, x, y), width, soft)
    arch = (y - 0.030 + 4.0 * x * x) / (1 + (8 * x).square()).sqrt()
    bridge = line(arch, width * 0.85, soft) * smoothstep(0.105, 0.085, x.abs())
    hinge = line(segment(x.abs(), y, (0.40, HINGE[1]), HINGE[:2]), width * 0.9, soft)
    return torch.maximum(torch.maximum(rim, bridge), hinge)


def ray_to_segment(
    origin: tuple[Tensor, ...], ray: tuple[Tensor, ...], a, b
) -> tuple[Tensor, Tensor]:  # type: ignore[no-untyped-def]
    """Smallest distance of rays to a segment, and how far along the ray it is met."""
    ux, uy, uz = (b[i] - a[i] for i in range(3))
    wx, wy, wz = (origin[i] - a[i] for i in range(3))
    uu = ux * ux + uy * uy + uz * uz
    ud = ux * ray[0] + uy * ray[1] + uz * ray[2]
    uw = ux * wx + uy * wy + uz * wz
    dw = ray[0] * wx + ray[1] * wy + ray[2] * wz
    h = ((uw - ud * dw) / (uu - ud * ud + 1e-6)).clamp(0, 1)
    t = h * ud - dw
    gap = tuple(w + t * r - h * u for w, r, u in zip((wx, wy, wz), ray, (ux, uy, uz), strict=True))
    return (gap[0].square() + gap[1].square() + gap[2].square() + 1e-9).sqrt(), t


def draw_glasses(s: Shape, rays: Rays, t_hit: Tensor, pixel: float) -> Glasses:
    """The spectacles before (and where nearer than) what the rays met."""
    origin = camera_in_head(s)
    zero = torch.zeros_like(origin[0])
    base = to_space(s.head, zero, zero, zero)
    ray = tuple(
        p - q for p, q in zip(to_space(s.head, rays.dx, rays.dy, rays.dz), base, strict=True)
    )
    t = (PLANE_Z - origin[2]) / ray[2].clamp_max(-0.05)
    x, y = origin[0] + t * ray[0], origin[1] + t * ray[1]
    ahead = smoothstep(-0.015, 0.01, t_hit - t)
    on = wearing(s)
    frame = frame_mask(s, x, y, 1.3 * pixel) * ahead
    width = 0.010 + 0.006 * s.amount("glasses_shape")
    for side in (-1.0, 1.0):
        a = (side * HINGE[0], HINGE[1], PLANE_Z)
        b = (side * EAR[0], EAR[1], EAR[2])
        gap, along = ray_to_segment(origin, ray, a, b)
        frame = torch.maximum(
            frame, line(gap, width, 1.3 * pixel) * smoothstep(-0.03, 0.02, t_hit - along)
        )
    inner = smoothstep(pixel, -pixel, lens_distance(s, x, y)) * ahead
    streak = (x.abs() - LENS_X) * 0.8 + (y - LENS_Y)
    glint = inner * (line(streak - 0.05, 0.012, 0.02) + 0.7 * line(streak - 0.095, 0.005, 0.014))
    colour = palette(
        s.factors["glasses_shape"], (0.62, 0.46, 0.25), (0.34, 0.20, 0.13), (0.09, 0.08, 0.09)
    )
    return Glasses(frame * on, inner * on, glint * on, colour)


def cast_shadow(s: Shape, x: Tensor, y: Tensor, z: Tensor, light: tuple[Tensor, ...]) -> Tensor:
    """How much light the frame leaves to points of the face (head space), 0..1."""
    origin = to_space(s.head, *(torch.zeros_like(light[0]),) * 3)
    lx, ly, lz = (p - q for p, q in zip(to_space(s.head, *light), origin, strict=True))
    reach = (PLANE_Z - z).clamp(0, 0.4) / lz.clamp_min(0.25)
    mask = frame_mask(s, x + reach * lx, y + reach * ly, 0.035)
    return 1 - 0.40 * mask * wearing(s) * smoothstep(0.0, 0.25, z)
