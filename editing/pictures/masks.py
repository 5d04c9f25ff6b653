"""Masks: where something counts. White is inside; grey counts in part; the edge is feathered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from editing.errors import BadInput
from editing.io.images import load_picture, to_tensor

FEATHER = 1 / 48  # of the picture's side: sigma of a mask's soft edge
CLEARLY = 0.2  # of [-1, 1]: more than what saving a picture changes
LEAST = 1e-3  # share of the picture: a smaller mask is an empty one


def load_mask(
    path: str | Path, resolution: int, feather: float = FEATHER
) -> tuple[Tensor, tuple[str, ...]]:
    """A mask picture as [1, 1, R, R] in [0, 1], and what a person should know about it.

    Args:
        feather: sigma of the soft edge as a share of the side; 0 = as drawn.

    Raises:
        BadPicture: it is not a picture.
        BadInput: nothing in it is white.
    """
    picture = load_picture(path, name=str(path))
    notes: tuple[str, ...] = ()
    if picture.size != (resolution, resolution):
        width, height = picture.size
        notes = (f"The mask is {width}×{height} pixels and was resized to {resolution}.",)
    mask = (to_tensor(picture, resolution).mean(1, keepdim=True) + 1) / 2
    return checked_mask(soften(mask, feather), str(path)), notes


def brushed_mask(
    layers: Sequence[np.ndarray[Any, Any]], resolution: int, feather: float = FEATHER
) -> Tensor | None:
    """What was brushed in the layers of an editor (uint8 [H, W, 4]); None where nothing was.

    Raises:
        BadInput: it is only a speck.
    """
    alphas = [layer[..., 3] for layer in layers if layer.ndim == 3 and layer.shape[2] == 4]
    if not alphas or not any(alpha.any() for alpha in alphas):
        return None
    painted = np.maximum.reduce(alphas)
    mask = torch.from_numpy(painted.astype(np.float32) / 255)[None, None]
    mask = functional.interpolate(mask, (resolution, resolution), mode="area")
    return checked_mask(soften(mask, feather), "What was brushed")


def box_mask(box: Sequence[float], resolution: int, feather: float = FEATHER) -> Tensor:
    """A rectangle (left, top, right, bottom), shares of the side, as a mask [1, 1, R, R].

    Raises:
        BadInput: it lies outside of the picture, or is empty.
    """
    left, top, right, bottom = box
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise BadInput(
            f"The box {list(box)} is no part of the picture; write left, top, right, bottom as "
            "shares of its side, such as [0.25, 0.3, 0.75, 0.9]."
        )
    across, down = (
        slice(round(low * resolution), round(high * resolution))
        for low, high in ((left, right), (top, bottom))
    )
    mask = torch.zeros(1, 1, resolution, resolution)
    mask[..., down, across] = 1
    return checked_mask(soften(mask, feather), f"The box {list(box)}")


def strokes_on(picture: Tensor, layers: Sequence[np.ndarray[Any, Any]]) -> Tensor:
    """A picture [1, 3, R, R] in [-1, 1] under the coloured layers of an editor (uint8 RGBA)."""
    for layer in layers:
        if layer.ndim != 3 or layer.shape[2] != 4:
            continue
        rgba = torch.from_numpy(layer.astype(np.float32) / 255).permute(2, 0, 1)[None]
        ink = torch.cat([rgba[:, :3] * rgba[:, 3:], rgba[:, 3:]], dim=1)  # clear ink has no colour
        ink = functional.interpolate(ink, picture.shape[-2:], mode="area").to(picture)
        picture = picture * (1 - ink[:, 3:]) + 2 * ink[:, :3] - ink[:, 3:]
    return picture


def changed_mask(a: Tensor, b: Tensor, feather: float = FEATHER) -> Tensor:
    """Where two pictures [1, 3, R, R] in [-1, 1] clearly differ: what was painted on one of them.

    Raises:
        BadInput: they do not, or hardly.
    """
    changed = ((a - b.to(a)).abs().amax(1, keepdim=True) > CLEARLY).float().cpu()
    if float(changed.mean()) < LEAST:
        raise BadInput(
            "The painted picture shows no strokes; paint clearly on a copy of the other."
        )
    return soften(changed, feather)


def checked_mask(mask: Tensor, name: str) -> Tensor:
    """The mask [1, 1, R, R] itself.

    Raises:
        BadInput: it is empty.
    """
    if float(mask.mean()) < LEAST:
        raise BadInput(f"{name} is an empty mask; paint the region that counts white.")
    return mask


def soften(mask: Tensor, feather: float = FEATHER) -> Tensor:
    """A mask [1, 1, R, R] whose edge is a Gaussian of ``feather`` of its side; 0 = as it is."""
    return blur(mask, feather * mask.shape[-1]).clamp(0, 1) if feather > 0 else mask


def blur(picture: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of [N, 1, H, W], sigma in pixels; the edge continues."""
    radius = max(round(3 * sigma), 1)
    offsets = torch.arange(-radius, radius + 1, device=picture.device, dtype=picture.dtype)
    kernel = torch.exp(-0.5 * (offsets / sigma).square())
    kernel = kernel / kernel.sum()
    padded = functional.pad(picture, [radius] * 4, mode="replicate")
    blurred = functional.conv2d(padded, kernel.reshape(1, 1, 1, -1))
    return functional.conv2d(blurred, kernel.reshape(1, 1, -1, 1))
