"""Other ways to look at the canvas: where two pictures differ, and where an edit reaches."""

import numpy as np
import numpy.typing as npt

from editing.images import to_tensor
from editing.out_of_domain import change_mask
from ui.widgets import Pixels

VIEWS = ("compare", "difference", "mask")
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


def reach(before: Pixels, after: Pixels, shown: Pixels) -> Pixels:
    """``shown`` [H, W, 3], dark where an edit from ``before`` to ``after`` leaves it alone."""
    mask = change_mask(to_tensor(before), to_tensor(after))[0, 0].numpy()[..., None]
    return (shown * (0.25 + 0.75 * mask)).round().astype(np.uint8)
