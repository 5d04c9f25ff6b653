"""A film of an inversion: the photo on the left, the portrait that comes nearer on the right."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from editing.errors import BadInput
from ui.components.widgets import Pixels
from ui.studio.renderer import enlarged

SIDE = 384  # pixels of each half
FPS = 20
HOLD = 30  # frames that the last picture stays


def film(photo: Pixels, frames: Sequence[Pixels]) -> bytes:
    """An MP4 of the pictures on the way, each [R, R, 3], beside the photo [P, P, 3].

    Raises:
        BadInput: there is no picture yet.
    """
    import imageio.v3

    if not frames:
        raise BadInput("There is nothing to film yet; invert a photo first.")
    left = enlarged(photo, SIDE)
    pictures = [np.concatenate([left, enlarged(frame, SIDE)], axis=1) for frame in frames]
    pictures += [pictures[-1]] * HOLD
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        imageio.v3.imwrite(path, np.stack(pictures), plugin="FFMPEG", fps=FPS)
        return path.read_bytes()
