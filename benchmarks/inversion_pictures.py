"""What benchmarks.inversion inverts: held-out renders, samples, photos, and two drawings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter
from torch import Tensor

from editing.alignment import align_face
from editing.domains import Domain
from editing.edits import render, state_of
from editing.images import to_tensor, to_uint8
from training.dataset import SPLITS, factors_of, traits_of
from training.renderer import render as render_world

FIRST_SAMPLE = 70_000  # seed; none of it was edited or measured elsewhere
SIDE = 512  # pixels of what is drawn here


def held_out_renders(count: int, resolution: int, skip: int = 0) -> list[Tensor]:
    """Portraits of the world that no model was trained on, [1, 3, R, R] each, as saved pictures."""
    first = SPLITS["held_out"] + skip
    pictures = []
    for start in range(first, first + count, 8):
        seeds = range(start, min(start + 8, first + count))
        factors, traits = factors_of("held_out", seeds), traits_of("held_out", seeds)
        drawn = render_world(factors, seeds, resolution, 1.5, False, traits=traits).pictures
        pictures += [to_tensor(pixels) for pixels in to_uint8(drawn)]
    return pictures


def samples(count: int, domain: Domain, skip: int = 0) -> list[Tensor]:
    """The generator's own pictures at psi 0.7."""
    seeds = range(FIRST_SAMPLE + skip, FIRST_SAMPLE + skip + count)
    return [to_tensor(to_uint8(render(state_of(f"seed:{s}", domain), domain))[0]) for s in seeds]


def photographs() -> dict[str, Image.Image]:
    """The photos that scikit-image brings along, by name; the face is to be aligned."""
    import skimage

    folder = Path(skimage.__file__).parent / "data"
    names = ("astronaut", "chelsea", "coffee")
    return {n: Image.open(folder / f"{n}.png").convert("RGB") for n in names}


def face_of(picture: Image.Image, resolution: int) -> Tensor:
    """The aligned face in a photo, [1, 3, R, R]."""
    return to_tensor(align_face(picture, resolution)[0])


def centre(picture: Image.Image, resolution: int) -> Tensor:
    """The square in the middle of a picture, [1, 3, R, R]."""
    side = min(picture.size)
    left, top = ((length - side) // 2 for length in picture.size)
    return to_tensor(picture.crop((left, top, left + side, top + side)), resolution)


def painting(resolution: int) -> Tensor:
    """A painting-like landscape: bands of sky, hills and field in thick, directed strokes."""
    rng = np.random.RandomState(5)
    picture = Image.new("RGB", (SIDE, SIDE), (70, 110, 170))
    brush = ImageDraw.Draw(picture)
    bands = [((60, 105, 175), 0, 200), ((95, 120, 90), 180, 320), ((200, 165, 60), 300, 512)]
    for colour, top, bottom in bands:
        for _ in range(900):
            x, y = rng.randint(-20, SIDE), rng.randint(top, bottom)
            length, thick = rng.randint(15, 60), rng.randint(4, 12)
            slope = np.sin(x / 70 + top / 50) * 0.5
            tint = tuple(int(np.clip(c + rng.normal(0, 26), 0, 255)) for c in colour)
            brush.line([(x, y), (x + length, y + slope * length)], fill=tint, width=thick)
    for _ in range(60):  # a sun in short strokes around its middle
        angle, radius = rng.uniform(0, 2 * np.pi), rng.uniform(0, 46)
        x, y = 380 + radius * np.cos(angle), 100 + radius * np.sin(angle)
        brush.line([(x, y), (x + 14, y + 3)], fill=(250, 220 - rng.randint(0, 40), 90), width=8)
    return to_tensor(picture.filter(ImageFilter.SMOOTH), resolution)


def car(resolution: int) -> Tensor:
    """A car-like picture: body, cabin, windows, wheels and a road under an even sky."""
    picture = Image.new("RGB", (SIDE, SIDE), (196, 214, 230))
    brush = ImageDraw.Draw(picture)
    brush.rectangle((0, 350, SIDE, SIDE), fill=(92, 94, 98))
    brush.rectangle((0, 425, SIDE, 435), fill=(225, 222, 205))
    brush.polygon([(140, 265), (200, 185), (340, 185), (400, 265)], fill=(150, 24, 32))
    brush.rounded_rectangle((60, 255, 460, 360), 36, fill=(176, 30, 38))
    for window in ([(165, 258), (208, 200), (262, 200), (262, 258)],
                   [(276, 258), (276, 200), (332, 200), (374, 258)]):  # fmt: skip
        brush.polygon(window, fill=(170, 200, 218))
    for x in (150, 370):
        brush.ellipse((x - 52, 308, x + 52, 412), fill=(24, 24, 26))
        brush.ellipse((x - 26, 334, x + 26, 386), fill=(178, 180, 184))
    brush.ellipse((436, 282, 462, 308), fill=(250, 240, 190))
    return to_tensor(picture.filter(ImageFilter.GaussianBlur(1.2)), resolution)


def shifted(picture: Tensor, pixels: int) -> Tensor:
    """Moved to the right; the left edge continues."""
    return torch.cat([picture[..., :1].expand(*picture.shape[:3], pixels),
                      picture[..., :-pixels]], dim=3)  # fmt: skip


def turned(picture: Tensor, degrees: float = 0.0, zoom: float = 1.0) -> Tensor:
    """Rotated about the middle and enlarged; the edge continues."""
    angle = np.deg2rad(degrees)
    cosine, sine = np.cos(angle) / zoom, np.sin(angle) / zoom
    matrix = torch.tensor([[[cosine, -sine, 0], [sine, cosine, 0]]], dtype=torch.float32)
    grid = torch.nn.functional.affine_grid(matrix, list(picture.shape), align_corners=False)
    return torch.nn.functional.grid_sample(
        picture, grid, padding_mode="border", align_corners=False
    )


def covered(picture: Tensor) -> tuple[Tensor, Tensor]:
    """A grey square over the left eye, and its mask [1, 1, R, R]."""
    side = picture.shape[-1]
    mask = torch.zeros(1, 1, side, side)
    mask[..., int(0.38 * side) : int(0.58 * side), int(0.25 * side) : int(0.48 * side)] = 1
    return torch.where(mask > 0, torch.zeros_like(picture), picture), mask
