"""Whether a film moves or dissolves, measured; and how smoothly.

Interpolated pictures may change the values of pixels where a real film moves them. The motion share
of two frames says how much of their difference movement explains::

    1 − ‖I₁ − warp(I₀)‖² / ‖I₁ − I₀‖²

where warp follows the dense optical flow of scikit-image (iterative Lucas–Kanade), counted where
the flow there and the flow back agree. 1 is pure movement, 0 a pure dissolve.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from editing.animation.encoder import Pixels
from editing.errors import BadInput

Floats = NDArray[np.float32]
APART = 4 / 255  # root mean square difference of frames from which a pair counts
AGREEMENT = 1.0  # pixels by which the way there and back may miss
RADIUS = 7  # pixels of the flow's window
LEAST = 0.02  # share of pixels that must agree


@dataclass(frozen=True, eq=False)
class Pair:
    """Two frames of a film, and what moved between them."""

    first: int
    second: int
    share: float  # motion share
    agreeing: float  # share of the pixels whose flows agree
    dissolved: Floats  # [H, W]: squared difference that movement leaves, mean of the channels


@dataclass(frozen=True, eq=False)
class Motion:
    """Of a whole film."""

    pairs: tuple[Pair, ...]

    @property
    def share(self) -> float:
        """The mean over the pairs."""
        return float(np.mean([pair.share for pair in self.pairs]))

    @property
    def heat(self) -> Floats:
        """Where it dissolves: root mean square over the pairs, [H, W], 0..1."""
        mean: Floats = np.sqrt(np.mean([pair.dissolved for pair in self.pairs], axis=0))
        return mean


def flow(a: Floats, b: Floats) -> Floats:
    """Where every pixel of b comes from in a: [2, H, W], rows and columns to add.

    Args:
        a, b: brightness [H, W] in [0, 1].
    """
    from skimage.registration import optical_flow_ilk

    found: Floats = optical_flow_ilk(b, a, radius=RADIUS, dtype=np.float32)
    return found


def warped(picture: Floats, way: Floats) -> Floats:
    """A picture [H, W] or [H, W, 3] taken from where the flow says."""
    from scipy.ndimage import map_coordinates

    places = np.indices(way.shape[1:], dtype=np.float32) + way
    if picture.ndim == 2:
        moved: Floats = map_coordinates(picture, places, order=1, mode="nearest")
        return moved
    channels = [warped(picture[..., c], way) for c in range(picture.shape[2])]
    whole: Floats = np.stack(channels, axis=-1)
    return whole


def pair_motion(a: Pixels, b: Pixels, first: int = 0, second: int = 1) -> Pair:
    """The motion share of two frames [H, W, 3].

    Raises:
        BadInput: frames of two sizes, or too small to follow anything.
    """
    if a.shape != b.shape or min(a.shape[:2]) < 16:
        raise BadInput(
            f"Motion between frames of {list(a.shape)} and {list(b.shape)} cannot be followed; "
            "they need one size, from 16 pixels."
        )
    one, two = as_floats(a), as_floats(b)
    there, back = flow(one.mean(2), two.mean(2)), flow(two.mean(2), one.mean(2))
    # Following the flow and then the flow back must end where it began.
    missed = there + np.stack([warped(back[0], there), warped(back[1], there)])
    agree = np.sqrt((missed**2).sum(0)) < AGREEMENT
    left = ((two - warped(one, there)) ** 2).mean(2)
    change = ((two - one) ** 2).mean(2)
    counted = agree if agree.mean() >= LEAST else np.ones_like(agree)
    total = float(change[counted].sum())
    share = 1 - float(left[counted].sum()) / total if total else 1.0
    return Pair(first, second, share, float(agree.mean()), left)


def apart(a: Pixels, b: Pixels) -> float:
    """Root mean square difference, 0..1."""
    return float(np.sqrt(((as_floats(a) - as_floats(b)) ** 2).mean()))


def as_floats(pixels: Pixels) -> Floats:
    """0..255 -> 0..1."""
    return (pixels / 255).astype(np.float32)


def pairs_of(
    frames: Iterable[Pixels], most: int = 10**9
) -> Iterator[tuple[int, int, Pixels, Pixels]]:
    """Neighbours far enough apart to tell: (first, second, their frames); memory of two frames."""
    kept: tuple[int, Pixels] | None = None
    for number, frame in enumerate(frames):
        if kept is None:
            kept = number, frame
        elif apart(kept[1], frame) >= APART:
            yield kept[0], number, kept[1], frame
            kept = number, frame
            most -= 1
            if most <= 0:
                return


def motion_of(
    frames: Iterable[Pixels],
    most: int = 40,
    report: Callable[[int, int], object] = lambda done, total: None,
) -> Motion:
    """The motion share of a film, over up to ``most`` pairs of frames from its start.

    Raises:
        BadInput: nothing in it changes by ``APART``.
    """
    pairs = []
    for first, second, a, b in pairs_of(frames, most):
        pairs.append(pair_motion(a, b, first, second))
        report(len(pairs), most)
    if not pairs:
        raise BadInput(
            "The frames hardly differ (by less than 4/255), so there is no motion to measure; "
            "walk further."
        )
    return Motion(tuple(pairs))


def cross_fade(a: Pixels, b: Pixels, count: int) -> list[Pixels]:
    """What a pure dissolve looks like: pixels mixed, ``count`` frames."""
    shares = np.linspace(0, 1, count)[:, None, None, None]
    mixed = a.astype(np.float32) * (1 - shares) + b.astype(np.float32) * shares
    return list(mixed.round().astype(np.uint8))


def unevenness(lengths: Sequence[float]) -> float:
    """Deviation of the path lengths as a share of their mean; 0 = perfectly even."""
    mean = float(np.mean(lengths)) if len(lengths) else 0.0
    return float(np.std(lengths)) / mean if mean else 0.0
