"""What a texture is made of, wherever its strands lie: local amplitudes of oriented bands.

Where strands of hair lie is chance: the mean of all their places, which a paired loss asks for, is
a blur. How strong edges of each direction and size are around a place is no chance, and textures of
equal amplitudes look alike (Heeger and Bergen 1995).
"""

from __future__ import annotations

import functools
import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor

ORIENTATIONS = 4
WAVELENGTHS = (2.5, 5.0)  # pixels
SCALES = 2  # at full size, and at half of it
STEP = 2  # pixels from one answer to the next: amplitudes need no more
WINDOWS = (6, 24)  # answers around a place: a strand's neighbours, and a whole fringe
ROOTS = (2, 4)  # of the means of powers: how much there is, and how much of it in few sharp edges
FLOOR = 1e-5  # of an answer's square, below which nothing is seen


@functools.cache
def filters() -> Tensor:
    """Gabor filters without a mean, even and odd, of unit length: [2 · K, 1, 9, 9]."""
    y, x = torch.meshgrid(torch.arange(-4.0, 5), torch.arange(-4.0, 5), indexing="ij")
    made = []
    for wavelength in WAVELENGTHS:
        envelope = torch.exp(-(x.square() + y.square()) / (2 * (0.5 * wavelength) ** 2))
        for i in range(ORIENTATIONS):
            angle = math.pi * i / ORIENTATIONS
            phase = 2 * math.pi / wavelength * (x * math.cos(angle) + y * math.sin(angle))
            for wave in (phase.cos(), phase.sin()):
                kernel = envelope * wave
                kernel = kernel - envelope * (kernel.sum() / envelope.sum())
                made.append(kernel / kernel.norm())
    return torch.stack(made)[:, None]


def amplitudes(pictures: Tensor) -> list[Tensor]:
    """Mean of the 2nd and 4th power of every filter's answer around every place, each rooted.

    The fourth power tells a few sharp edges from many soft ones of the same energy, as the kurtosis
    does in Portilla and Simoncelli (2000).

    Args:
        pictures: [N, 3, R, R] in [-1, 1].

    Returns:
        [N, K, P, P] per scale, window and root: of the grey picture, for each wavelength and
        orientation.
    """
    grey = pictures.mean(1, keepdim=True)
    found = []
    for _ in range(SCALES):
        answers = F.conv2d(grey, filters().to(grey), stride=STEP).square()
        pairs = answers.unflatten(1, (-1, 2)).sum(2)  # even and odd: whatever the phase
        for window, root in itertools.product(WINDOWS, ROOTS):
            powers = F.avg_pool2d(pairs ** (root // 2), window, window // 3)
            found.append((powers + FLOOR ** (root // 2)) ** (1 / root))
        grey = F.avg_pool2d(grey, 2)
    return found


def texture_loss(drawn: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference of the amplitudes of two batches [N, 3, R, R]."""
    pairs = zip(amplitudes(drawn), amplitudes(target), strict=True)
    return torch.stack([(a - b).abs().mean() for a, b in pairs]).mean()
