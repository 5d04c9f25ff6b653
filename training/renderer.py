"""The portrait renderer: factors, traits and a seed -> picture, masks, landmarks.

``python -m training.renderer SHEET.png --seeds 0-63`` draws a contact sheet.
"""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from training.accessories import (
    ACCESSORIES,
    NOTHING,
    PATTERNED,
    Worn,
    check_accessories,
    dress,
    dressed_distances,
    dressed_nearest,
    paint_on_skin,
    paint_pattern,
    solid_covers,
)
from training.cartoon import ink_over, outlines, paint_cartoon
from training.face_painting import paint_head
from training.factors import INDEX, sample_factors, sample_traits
from training.geometry import Distances, Shape, distances, make_shape, smoothstep, to_space
from training.glasses import cast_shadow, draw_glasses
from training.painting import (
    Detail,
    Surface,
    light_direction,
    over,
    paint_background,
    paint_clothes,
    paint_hair,
    rgb,
    shade,
)
from training.tracing import (
    COARSE,
    FAR_Z,
    Hits,
    Nearest,
    Rays,
    camera_rays,
    landmarks,
    light_reaching,
    occlusion,
    to_pixels,
    trace,
)

NUM_PHASES = 12
STYLES = ("portrait", "cartoon")
GRAIN = 0.012  # standard deviation of the film grain, of the [-1, 1] range


@dataclass(frozen=True, eq=False)
class Render:
    """A batch of pictures and what is known of them."""

    pictures: Tensor  # [B, 3, H, W] in [-1, 1]
    masks: dict[str, Tensor]  # visibility of each feature, [B, H, W] in 0..1
    landmarks: Tensor  # eyes and mouth corners in pixels, [B, 4, 2]
    depth: Tensor  # world z of the first surface met, glasses left out, [B, H, W]; FAR_Z: none


def sample_detail(seeds: Sequence[int], device: torch.device | str = "cpu") -> Detail:
    """The chance details of these seeds."""
    draws = np.stack([np.random.RandomState(seed).rand(NUM_PHASES) for seed in seeds])
    return Detail(torch.from_numpy(draws * (2 * np.pi)).float().to(device))


def film_grain(seeds: Sequence[int], resolution: int, device: torch.device | str = "cpu") -> Tensor:
    """Unit film grain [B, 1, R, R], the same on every device."""
    noise = [
        np.random.RandomState(seed + 1).standard_normal((resolution, resolution)) for seed in seeds
    ]
    return torch.from_numpy(np.stack(noise)[:, None]).float().to(device)


@dataclass(frozen=True, eq=False)
class Air:
    """What stands between a hit point and the light, [B, P] in 0..1 (1: nothing)."""

    shadow: Tensor  # towards the key light
    sky: Tensor  # all around


def light_surface(
    s: Shape,
    surface: Surface,
    n: tuple[Tensor, ...],
    rays: Rays,
    air: Air,
    soft: Tensor,
    eyes: Tensor,
) -> Tensor:
    """Key, sky and rim light on a surface, linear [B, P, 3].

    ``soft`` lets light bleed (skin). On eyes hardly any highlight is cast: a wide one would lie
    over the whole iris, and the small one is painted.
    """
    light = light_direction(s)
    key = n[0] * light[0] + n[1] * light[1] + n[2] * light[2]
    shadow, sky = air.shadow, air.sky
    wrap = 0.22 + 0.20 * soft
    diffuse = ((key + wrap) / (1 + wrap)).clamp(0, 1)
    lit = diffuse * (0.30 + 0.70 * shadow)
    warm = rgb(key, (1.0, 0.975, 0.94))
    cool = rgb(key, (0.93, 0.965, 1.0))
    fill = (0.30 + 0.16 * n[1] + 0.14 * n[2]) * sky
    colour = surface.colour * (warm * (0.94 * lit).unsqueeze(-1) + cool * fill.unsqueeze(-1))
    # Light that has gone through skin comes out red where day turns to shade.
    bleed = soft * smoothstep(-0.35, 0.05, key) * smoothstep(0.55, 0.10, key) * 0.10
    colour = colour * (1 + bleed.unsqueeze(-1) * rgb(key, (1.0, 0.20, 0.05)))
    hx, hy, hz = light[0] - rays.dx, light[1] - rays.dy, light[2] - rays.dz
    half = (hx * hx + hy * hy + hz * hz).rsqrt()
    shine = (n[0] * hx + n[1] * hy + n[2] * hz) * half
    spec = (
        surface.gloss * (0.30 * shine.clamp(0, 1) ** 14 + 0.55 * shine.clamp(0, 1) ** 60) * shadow
    ) * (1 - 0.9 * eyes)
    facing = -(n[0] * rays.dx + n[1] * rays.dy + n[2] * rays.dz)
    rim = 0.16 * (1 - facing.clamp(0, 1)) ** 3 * sky * (0.4 + 0.6 * (n[1] * 0.5 + 0.5))
    return colour + (spec + rim * (0.35 + 0.65 * surface.colour.mean(dim=-1).sqrt())).unsqueeze(-1)


def hair_sheen(s: Shape, n: tuple[Tensor, ...], rays: Rays) -> Tensor:
    """The bright band across the strands (Kajiya and Kay 1989), [B, P]."""
    light = light_direction(s)
    down = n[1]
    tx, ty, tz = n[0] * down, n[1] * down - 1, n[2] * down
    length = (tx * tx + ty * ty + tz * tz + 1e-4).rsqrt()
    hx, hy, hz = light[0] - rays.dx, light[1] + 0.35 - rays.dy, light[2] - rays.dz
    half = (hx * hx + hy * hy + hz * hz).rsqrt()
    along = (tx * hx + ty * hy + tz * hz) * length * half
    return (1 - along.square()).clamp(0, 1) ** 24


def blend_parts(d: Distances, soft: float) -> tuple[Tensor, Tensor]:
    """How much a hit point is hair, and clothes, 0..1 with a seam of width ``soft``."""
    hair = smoothstep(-soft, soft, torch.minimum(d.skin, d.clothes) - d.hair)
    cloth = smoothstep(-soft, soft, torch.minimum(d.skin, d.hair) - d.clothes)
    return hair, cloth


def nearest_part(s: Shape, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    return distances(s, x, y, z).nearest()


@dataclass(frozen=True)
class Kernels:
    """The two functions that do the work, plain or compiled."""

    nearest: Nearest
    paint: Callable[[Shape, Detail, Rays, Hits, Air, int], tuple[Tensor, dict[str, Tensor]]]
    cartoon: Callable[[Shape, Rays, Hits, Tensor, dict[str, Tensor], int], Tensor]


@functools.cache
def kernels(compiled: bool, worn: Worn) -> Kernels:
    """Compiling takes a minute and a C++ compiler, then draws some twenty times faster on a CPU."""
    nearest, colour = nearest_part, paint
    if worn:
        nearest = functools.partial(dressed_nearest, worn)
        colour = functools.partial(paint, worn=worn)
    if not compiled:
        return Kernels(nearest, colour, paint_cartoon)
    return Kernels(*(torch.compile(f, dynamic=False) for f in (nearest, colour, paint_cartoon)))


def draw(
    s: Shape, detail: Detail, resolution: int, compiled: bool, worn: Worn, style: str = STYLES[0]
) -> tuple[Tensor, dict[str, Tensor], Tensor]:
    """sRGB picture [B, P, 3] in 0..1, masks and depth [B, P]."""
    work = kernels(compiled, worn)
    rays = camera_rays(s, resolution)
    hits = trace(work.nearest, s, rays, resolution)
    p = rays.at(hits.t)
    shadow = light_reaching(work.nearest, s, p, hits.normal, light_direction(s))
    air = Air(shadow, occlusion(work.nearest, s, p, hits.normal))
    picture, masks = work.paint(s, detail, rays, hits, air, resolution)
    depth = torch.where(hits.inside > 0, p[2], FAR_Z)
    if style == "cartoon":
        flat = work.cartoon(s, rays, hits, shadow, masks, resolution)
        square = (-1, resolution, resolution)
        lines = outlines({name: m.view(square) for name, m in masks.items()}, depth.view(square))
        picture = ink_over(flat.view(*square, 3).movedim(3, 1), lines).movedim(1, 3)
        picture = picture.reshape(flat.shape)
    return picture, masks, depth


def paint(
    s: Shape,
    detail: Detail,
    rays: Rays,
    hits: Hits,
    air: Air,
    resolution: int,
    worn: Worn = NOTHING,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Colour and light what the rays met; sRGB [B, P, 3] in 0..1 and masks [B, P]."""
    pixel = 2.0 / resolution
    p = rays.at(hits.t)
    n = hits.normal
    head = to_space(s.head, *p)
    body = to_space(s.body, *p)
    parts, solids = dressed_distances(worn, s, *p)
    is_hair, is_cloth = blend_parts(parts, 0.8 * pixel)
    is_skin = (1 - is_hair) * (1 - is_cloth)
    skin, masks = paint_head(s, detail, *head, aa=pixel)
    if worn:
        skin, masks = paint_on_skin(worn, detail, skin, masks, head, pixel)
    hair = paint_hair(s, *head)
    cloth = paint_clothes(s, detail, *body)
    colour = over(over(skin.colour, hair.colour, is_hair), cloth.colour, is_cloth)
    gloss = skin.gloss * is_skin + hair.gloss * is_hair + cloth.gloss * is_cloth
    flesh = is_skin
    covers = solid_covers(parts, solids, 0.8 * pixel)
    if covers:
        bare = 1 - sum(covers.values())
        is_skin, is_hair, is_cloth = is_skin * bare, is_hair * bare, is_cloth * bare
        colour, gloss = dress(covers, s, detail, Surface(colour, gloss), head, body)
        flesh = is_skin + covers.get("hand", 0.0)
    light = light_direction(s)
    colour = shade(colour, 1 - is_skin * (1 - cast_shadow(s, *head, light)))
    lit = light_surface(s, Surface(colour, gloss), n, rays, air, flesh, masks["eyes"] * is_skin)
    sheen = 0.30 * hair_sheen(s, n, rays) * is_hair * (1 + (hair.gloss - 0.25) * 4)
    lit = lit + sheen.unsqueeze(-1) * (hair.colour.sqrt() * 0.8 + 0.08)
    cover = torch.maximum(hits.inside, smoothstep(1.1 * pixel, 0.1 * pixel, hits.closest))
    grid = (torch.arange(resolution, device=p[0].device) + 0.5) / resolution * 2 - 1
    v, u = torch.meshgrid(grid, grid, indexing="ij")
    u, v = u.reshape(1, -1).to(lit), v.reshape(1, -1).to(lit)
    wall = paint_background(s, u, v)
    if PATTERNED in worn:
        wall = paint_pattern(detail, wall, u, v)
    picture = over(wall, lit, cover)
    glasses = draw_glasses(s, rays, torch.where(hits.inside > 0, hits.t, 99.0), pixel)
    picture = shade(picture, 1 - 0.06 * glasses.lens)
    picture = over(
        picture, rgb(picture[..., 0], (1.0, 1.0, 1.0)).expand_as(picture), 0.20 * glasses.glint
    )
    picture = over(picture, (glasses.colour * 0.9 + 0.01).expand_as(picture), glasses.frame)
    seen = cover * (1 - glasses.frame)
    masks["neck"] = smoothstep(-0.02, 0.02, torch.minimum(parts.face, parts.ears) - parts.body)
    masks["ears"] = smoothstep(-0.01, 0.01, parts.face - parts.ears) * (1 - masks["neck"])
    masks = {name: mask * is_skin * seen for name, mask in masks.items()}
    masks |= {
        "skin": is_skin * seen,
        "hair": is_hair * seen,
        "clothes": is_cloth * seen,
        "eyeglasses": glasses.frame,
        "background": (1 - cover) * (1 - glasses.frame),
    }
    masks |= {name: mask * seen for name, mask in covers.items()}
    if PATTERNED in worn:
        masks[PATTERNED] = masks["background"]
    return tone_map(picture), masks


def tone_map(linear: Tensor) -> Tensor:
    """Linear light -> sRGB in 0..1, bright parts rolled off."""
    x = linear.clamp_min(0)
    x = torch.where(x > 0.7, 0.7 + 0.3 * torch.tanh((x - 0.7) / 0.45), x)
    return x.clamp(1e-6, 1).sqrt()


@torch.no_grad()
def render(
    factors: Tensor,
    seeds: Sequence[int],
    resolution: int = 128,
    supersample: float = 2,
    compiled: bool = False,
    accessories: Iterable[str] = NOTHING,
    traits: Tensor | None = None,
    grain: float = GRAIN,
    style: str = "portrait",
) -> Render:
    """Draw portraits.

    Args:
        factors: [B, F] in [-1, 1].
        seeds: one per portrait, for everything factors and traits leave open.
        resolution: side in pixels, a multiple of 4.
        supersample: rays per pixel side.
        compiled: draw with compiled kernels (``kernels``).
        accessories: what everyone wears, of ``ACCESSORIES``; nothing in training data.
        traits: [B, T] in [-1, 1] (``LatentWorld.traits``); drawn from the seeds when left out.
        grain: standard deviation of the film grain, of the [-1, 1] range; 0: none.
        style: of ``STYLES``; a cartoon has no grain and wears no accessories. Both styles share
            masks, landmarks, keypoints and depth.

    Raises:
        ValueError: no such style or accessory.
    """
    worn = check_accessories(accessories)
    if style not in STYLES:
        raise ValueError(f"no style {style!r}: there are {', '.join(STYLES)}")
    if style == "cartoon" and worn:
        raise ValueError("the cartoon style draws no accessories")
    device = factors.device
    if traits is None:
        traits = sample_traits(seeds).to(device)
    s = make_shape(factors, traits)
    fine = round(resolution * supersample / COARSE) * COARSE
    picture, masks, depth = draw(s, sample_detail(seeds, device), fine, compiled, worn, style)
    b = factors.shape[0]
    picture = picture.view(b, fine, fine, 3).permute(0, 3, 1, 2)
    picture = shrink(picture, resolution) * 2 - 1
    if grain and style == "portrait":
        picture = picture + grain * film_grain(seeds, resolution, device)
    small = {
        name: shrink(mask.reshape(b, 1, fine, fine), resolution)[:, 0]
        for name, mask in masks.items()
    }
    near = F.interpolate(depth.view(b, 1, fine, fine), (resolution, resolution), mode="nearest")
    return Render(picture.clamp(-1, 1), small, to_pixels(s, landmarks(s), resolution), near[:, 0])


def shrink(picture: Tensor, resolution: int) -> Tensor:
    """[B, C, H, W] -> [B, C, resolution, resolution], every fine pixel counted."""
    if picture.shape[-1] == resolution:
        return picture
    return F.interpolate(picture, (resolution, resolution), mode="bilinear", antialias=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw a contact sheet of the rendered world.")
    parser.add_argument("out")
    parser.add_argument("--seeds", default="0-31", help="first-last")
    parser.add_argument("--resolution", type=int, default=128)
    parser.add_argument("--supersample", type=float, default=2)
    parser.add_argument("--columns", type=int, default=8)
    parser.add_argument(
        "--sweep", metavar="FACTOR", help="one person per row, this factor from -1 to 1"
    )
    parser.add_argument(
        "--wear", nargs="+", default=[], metavar="ACCESSORY", help=f"of {', '.join(ACCESSORIES)}"
    )
    parser.add_argument("--style", choices=STYLES, default=STYLES[0])
    args = parser.parse_args()
    from PIL import Image

    first, last = (int(n) for n in args.seeds.split("-"))
    seeds = list(range(first, last + 1))
    factors = sample_factors(seeds)
    if args.sweep:
        factors = factors.repeat_interleave(args.columns, dim=0)
        factors[:, INDEX[args.sweep]] = torch.linspace(-1, 1, args.columns).repeat(len(seeds))
        seeds = [seed for seed in seeds for _ in range(args.columns)]
    rows = []
    for i in range(0, len(seeds), args.columns):
        part = slice(i, i + args.columns)
        drawn = render(
            factors[part],
            seeds[part],
            args.resolution,
            args.supersample,
            accessories=args.wear,
            style=args.style,
        )
        rows.append(torch.cat(list(drawn.pictures), dim=2))
    width = max(row.shape[2] for row in rows)
    sheet = torch.cat([F.pad(row, (0, width - row.shape[2]), value=1.0) for row in rows], dim=1)
    pixels = ((sheet + 1) * 127.5).clamp(0, 255).byte().permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(args.out)


if __name__ == "__main__":
    main()
