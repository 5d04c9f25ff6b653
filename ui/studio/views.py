"""Other ways to look at the canvas: where two pictures differ, and where an edit reaches."""

import numpy as np
import numpy.typing as npt
from torch import Tensor

from ui.components.widgets import Pixels

VIEWS = ("compare", "difference", "mask", "whole")  # the last for a whole photo alone
INK, INK_SHARE = (99, 82, 230), 0.72  # of a mask over a picture
FULL = 0.5  # difference of [0, 1] values that is drawn brightest
# Dark to bright through one hue after the other, even in lightness: readable without colour vision.
STOPS = ((8, 8, 30), (74, 22, 110), (178, 48, 96), (242, 125, 52), (252, 240, 160))


def heat_map(a: Pixels, b: Pixels) -> Pixels:
    """How far two pictures [H, W, 3] differ at each place: dark = alike, bright = not at all."""
    difference = np.abs(a.astype(np.float32) - b.astype(np.float32)).max(axis=2) / 255
    return coloured(np.sqrt(np.clip(difference / FULL, 0, 1)))


def coloured(values: npt.NDArray[np.float32]) -> Pixels:
    """Values [H, W] in [0, 1] as colours of STOPS."""
    places = np.linspace(0, 1, len(STOPS))
    channels = [np.interp(values, places, [stop[c] for stop in STOPS]) for c in range(3)]
    return np.stack(channels, axis=2).round().astype(np.uint8)


def reach(shown: Pixels, mask: Tensor) -> Pixels:
    """``shown`` [H, W, 3], dark where a mask [1, 1, H, W] leaves it alone."""
    return (shown * (0.25 + 0.75 * _share(mask))).round().astype(np.uint8)


def overlay(shown: Pixels, mask: Tensor) -> Pixels:
    """``shown`` [H, W, 3] with a mask [1, 1, H, W] drawn over it in one colour."""
    share = INK_SHARE * _share(mask)
    return (shown * (1 - share) + np.array(INK) * share).round().astype(np.uint8)


def _share(mask: Tensor) -> npt.NDArray[np.float32]:
    values: npt.NDArray[np.float32] = mask[0, 0].cpu().numpy()[..., None]
    return values
