"""An edited face put back into the whole, uncropped photo it was cut from.

What is pasted is the *change* between the aligned photo and the aligned result, carried through
the inverse of the alignment and added. So a pixel that the edit left alone is the photo's own, bit
by bit, and nothing is resampled that did not have to be.
"""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from editing.errors import BadInput
from editing.pictures.alignment import Alignment

FEATHER = 0.08  # of the frame's side: how far inside its border the change counts in full
MATCH = 0.3  # of the frame's side: how far inside the border colours are drawn to the photo's
LARGEST = 1024  # pixels a side at which a face is pasted


def paste_size(alignment: Alignment, least: int) -> int:
    """Pixels a side at which to cut the face out of its photo: the photo's own, within reason.

    least: that of the generator's pictures, which small faces are enlarged to.
    """
    top_left, _, _, top_right = alignment.quad
    side = float(np.hypot(*(top_right - top_left)))
    return max(least, min(round(side), LARGEST))


def paste_back(
    photo: Image.Image, alignment: Alignment, before: Tensor, after: Tensor
) -> Image.Image:
    """Put an aligned result back into its photo.

    Args:
        photo: the whole photo, RGB.
        alignment: where the aligned picture lies in it.
        before: the aligned photo, [1, 3, P, P] in [-1, 1]; ``paste_size`` tells a good P.
        after: what became of it, of the same shape.

    Returns:
        A picture of the photo's size. Outside the frame it is the photo bit by bit; inside, the
        change fades in over ``FEATHER`` of the frame. Where the result differs in colour all along
        the border, as a portrait with another background does, it is drawn to the photo's colours
        there (the membrane of Pérez et al. 2003, fading inwards), so that no frame shows.

    Raises:
        BadInput: the pictures do not belong together.
    """
    if before.shape != after.shape or before.shape[:2] != (1, 3):
        raise BadInput(
            f"An aligned photo {list(before.shape)} and a result {list(after.shape)} do not "
            "belong together; pass two pictures [1, 3, P, P] of the same frame."
        )
    inside = depth(before.shape[-1]).to(before)
    change = after.clamp(-1, 1) - before
    change = change - membrane(change, inside) * (1 - ramp(inside, MATCH))
    return _added(photo, alignment, change * ramp(inside, FEATHER))


def depth(side: int) -> Tensor:
    """Distance of every pixel from the frame's nearest border, in sides: 0 to 0.5, [1, 1, P, P]."""
    at = (torch.arange(side) + 0.5) / side
    near = torch.minimum(at, 1 - at)
    return torch.minimum(near[:, None], near[None, :])[None, None]


def ramp(inside: Tensor, reach: float) -> Tensor:
    """0 at the border, 1 from ``reach`` inwards, smooth at both ends."""
    t = (inside / reach).clamp(0, 1)
    return t * t * (3 - 2 * t)


def membrane(change: Tensor, inside: Tensor) -> Tensor:
    """The change along the border, continued smoothly inwards: [1, 3, P, P].

    Averages over ever larger squares that know the border alone (normalised convolution by
    pyramid) fill the middle.
    """
    known = (inside < FEATHER / 2).to(change)
    levels = [(change * known, known)]
    while levels[-1][1].shape[-1] > 2:
        levels.append(tuple(functional.avg_pool2d(x, 2, ceil_mode=True) for x in levels[-1]))  # type: ignore[arg-type]
    total, weight = levels[-1]
    filled = total / weight.clamp_min(1e-6)
    for total, weight in reversed(levels[:-1]):
        larger = functional.interpolate(filled, weight.shape[-2:], mode="bilinear")
        share = weight.clamp(0, 1)
        filled = torch.lerp(larger, total / weight.clamp_min(1e-6), share)
    return filled


def _added(photo: Image.Image, alignment: Alignment, change: Tensor) -> Image.Image:
    """The photo with a change [1, 3, P, P] of its frame added."""
    pixels = np.array(photo.convert("RGB"))
    low = np.floor(alignment.quad.min(0)).astype(int).clip(0)
    high = np.minimum(np.ceil(alignment.quad.max(0)).astype(int) + 1, photo.size)
    if (high <= low).any():
        return Image.fromarray(pixels)
    x, y = np.meshgrid(np.arange(low[0], high[0]), np.arange(low[1], high[1]))
    side = change.shape[-1]
    places = (alignment.to_aligned(np.stack([x, y], -1), side) + 0.5) * 2 / side - 1
    grid = torch.from_numpy(places)[None].to(change)
    moved = functional.grid_sample(change, grid, padding_mode="zeros", align_corners=False)
    added = (moved[0] * 127.5).round().permute(1, 2, 0).cpu().numpy().astype(np.int16)
    part = pixels[low[1] : high[1], low[0] : high[0]]
    part[:] = (part + added).clip(0, 255).astype(np.uint8)
    return Image.fromarray(pixels)
