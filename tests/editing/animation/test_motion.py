"""Motion share: what moves reads as movement, what dissolves does not."""

import numpy as np
import pytest

from editing.animation.encoder import Pixels
from editing.animation.motion import apart, cross_fade, motion_of, pair_motion, unevenness
from editing.errors import BadInput


def blobs(shift: float, side: int = 64) -> Pixels:
    """Soft spots on a gradient, all of them moved to the right."""
    rows, columns = np.mgrid[0:side, 0:side].astype(np.float32)
    columns = columns - shift
    grey = 60 + columns
    for x, y, size in ((14, 14, 3), (40, 30, 4), (20, 45, 3), (46, 52, 3), (42, 10, 3)):
        grey = grey + 110 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * size**2))
    return np.repeat(grey.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def test_movement_is_movement_and_a_dissolve_is_none() -> None:
    moving = [blobs(shift) for shift in np.linspace(0, 6, 7)]
    fading = cross_fade(blobs(0), blobs(14), 7)
    moved, faded = motion_of(moving), motion_of(fading)
    assert moved.share > 0.8
    assert moved.share > 2 * faded.share


def test_brightening_dissolves_where_it_brightens() -> None:
    first = blobs(0)
    second = first.copy()
    second[10:30, 10:30] = np.minimum(second[10:30, 10:30].astype(int) + 60, 255)
    motion = motion_of([first, second])
    inside = motion.heat[12:28, 12:28].mean()
    assert motion.heat.shape == (64, 64) and inside > 5 * motion.heat[40:, 40:].mean()


def test_pairs_are_far_enough_apart() -> None:
    frames = [blobs(shift) for shift in np.linspace(0, 3, 31)]
    motion = motion_of(frames)
    assert 1 <= len(motion.pairs) < 30
    for pair in motion.pairs:
        assert apart(frames[pair.first], frames[pair.second]) >= 4 / 255
    with pytest.raises(BadInput, match="hardly differ"):
        motion_of([blobs(0)] * 5)


def test_sizes_that_cannot_be_compared() -> None:
    with pytest.raises(BadInput, match="one size"):
        pair_motion(blobs(0), blobs(0, 32))
    with pytest.raises(BadInput, match="from 16"):
        pair_motion(blobs(0)[:8], blobs(1)[:8])


def test_a_cross_fade_is_even() -> None:
    frames = cross_fade(blobs(0), blobs(6), 5)
    assert np.array_equal(frames[0], blobs(0)) and np.array_equal(frames[-1], blobs(6))
    lengths = [apart(a, b) for a, b in zip(frames, frames[1:], strict=False)]
    assert len(lengths) == 4 and unevenness(lengths) < 0.1
    assert unevenness([1.0, 3.0]) == 0.5 and unevenness([]) == 0
