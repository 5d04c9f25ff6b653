"""An edit carried over to the photo it was made for: photo + mask · (edited − inverted).

The generator cannot draw the photo itself (its hat, its grain, its background), only an inversion
I' near it. What the edit changed is T − I'; added to the photo it leaves everything else in place.
A soft mask keeps to where T and I' truly differ, so that faint differences all over the picture
(a shade of background, a hair's breadth of outline) do not touch the photo.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from editing.errors import BadInput
from editing.masks import blur

FAINT, CLEAR = 0.04, 0.16  # difference, [-1, 1] scale, where the mask begins and is full
SPREAD = 1 / 24  # of the picture's side: how far a clear change reaches out
FEATHER = 1 / 48  # of the picture's side: sigma of the mask's soft edge


def photo_edited(photo: Tensor, inverted: Tensor, edited: Tensor) -> tuple[Tensor, Tensor]:
    """Add an edit's change to the aligned photo.

    Args:
        photo: [1, 3, P, P] in [-1, 1]; P may be larger than R, the change is enlarged to it.
        inverted: the inversion I' without the edit, [1, 3, R, R].
        edited: the same latent with the edit T, [1, 3, R, R].

    Returns:
        The picture [1, 3, P, P] in [-1, 1] and the mask [1, 1, P, P] in [0, 1]. Where the mask is
        0 the picture is the photo, bit by bit.

    Raises:
        BadInput: the shapes do not belong together.
    """
    if inverted.shape != edited.shape or photo.shape[:2] != edited.shape[:2]:
        raise BadInput(
            f"A photo {list(photo.shape)}, its inversion {list(inverted.shape)} and its edit "
            f"{list(edited.shape)} do not belong together; pass pictures of one portrait."
        )
    inverted, edited = inverted.clamp(-1, 1), edited.clamp(-1, 1)
    change, mask = edited - inverted, change_mask(inverted, edited)
    if photo.shape != edited.shape:
        size = photo.shape[-2:]
        change = functional.interpolate(change, size, mode="bicubic", align_corners=False)
        mask = functional.interpolate(mask, size, mode="bilinear", align_corners=False)
    return torch.where(mask > 0, (photo + mask * change).clamp(-1, 1), photo), mask


def change_mask(inverted: Tensor, edited: Tensor) -> Tensor:
    """Where two pictures [N, 3, R, R] differ: a feathered mask [N, 1, R, R] in [0, 1].

    The largest difference of the three channels, smoothed against grain, ramps from FAINT to CLEAR;
    it is spread outwards (so the middle of a changed part counts whole), then feathered.
    """
    side = edited.shape[-1]
    difference = (edited - inverted).abs().amax(1, keepdim=True)
    difference = blur(difference, side / 128)
    mask = ((difference - FAINT) / (CLEAR - FAINT)).clamp(0, 1)
    reach = max(round(side * SPREAD / 2), 1)
    mask = functional.max_pool2d(mask, 2 * reach + 1, stride=1, padding=reach)
    mask = blur(mask, side * FEATHER)
    return ((mask - 0.02) / 0.96).clamp(0, 1)  # the blur's far tail is no change
