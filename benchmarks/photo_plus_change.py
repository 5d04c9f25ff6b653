"""The simple way, to compare with: photo + mask · (T − I'), the edit's change added to the photo.

A soft mask keeps to where T and I' clearly differ. What the inversion got wrong stays in the photo,
and the change is drawn over it.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from editing.pictures.masks import blur

FAINT, CLEAR = 0.04, 0.16  # difference, [-1, 1] scale, where the mask begins and is full
SPREAD = 1 / 24  # of the picture's side: how far a clear change reaches out
FEATHER = 1 / 48  # of the picture's side: sigma of the mask's soft edge


def photo_plus_change(photo: Tensor, inverted: Tensor, edited: Tensor) -> tuple[Tensor, Tensor]:
    """The picture [1, 3, P, P] and its mask; I' and T are [1, 3, R, R], all in [-1, 1]."""
    inverted, edited = inverted.clamp(-1, 1), edited.clamp(-1, 1)
    change, mask = edited - inverted, change_mask(inverted, edited)
    if photo.shape != edited.shape:
        size = photo.shape[-2:]
        change = functional.interpolate(change, size, mode="bicubic", align_corners=False)
        mask = functional.interpolate(mask, size, mode="bilinear", align_corners=False)
    return (photo + mask * change).clamp(-1, 1), mask


def change_mask(inverted: Tensor, edited: Tensor) -> Tensor:
    """Where two pictures [N, 3, R, R] differ: ramped, spread outwards, feathered; [N, 1, R, R]."""
    side = edited.shape[-1]
    difference = blur((edited - inverted).abs().amax(1, keepdim=True), side / 128)
    mask = ((difference - FAINT) / (CLEAR - FAINT)).clamp(0, 1)
    reach = max(round(side * SPREAD / 2), 1)
    mask = functional.max_pool2d(mask, 2 * reach + 1, stride=1, padding=reach)
    mask = blur(mask, side * FEATHER)
    return ((mask - 0.02) / 0.96).clamp(0, 1)  # the blur's far tail is no change
