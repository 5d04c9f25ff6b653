"""Losses of a drawn picture against its render: per feature, as networks see it, as it is read.

A brow covers two hundred pixels of 65,536: in a mean over the picture its place costs nothing, and
the generator did not learn it. So every feature that shows has the same share of the weight.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from editing.features import PictureNet

LEVELS = 4  # of the pyramid
WHOLE = 0.25  # share of the picture as a whole, beside its features
LEAST = 0.002  # of the picture: a smaller feature counts less
MARGIN = 1 / 64  # of the picture's side: how far around a feature counts with it


def shrink(pictures: Tensor, resolution: int) -> Tensor:
    """Area-average [N, C, R, R] down to ``resolution``."""
    if pictures.shape[-1] == resolution:
        return pictures
    return F.adaptive_avg_pool2d(pictures, resolution)


def shrink_labels(labels: Tensor, resolution: int) -> Tensor:
    """Every step-th label of [N, R, R], the middle one of its square."""
    step = labels.shape[-1] // resolution
    return labels[:, step // 2 :: step, step // 2 :: step]


def feature_weights(labels: Tensor, features: int) -> Tensor:
    """How much each pixel counts, [N, 1, R, R], a sum of 1 per picture.

    Args:
        labels: the feature that each pixel shows, [N, R, R], integers below ``features``.
    """
    n, side, _ = labels.shape
    flat = labels.reshape(n, -1).long()
    one = torch.ones((), device=labels.device)
    areas = torch.zeros(n, features, device=labels.device).scatter_add_(
        1, flat, one.expand(flat.shape)
    )
    each = 1 / areas.clamp_min(LEAST * side * side)
    weights = each.gather(1, flat).view(n, 1, side, side)
    around = 2 * max(round(MARGIN * side), 1) + 1
    weights = F.avg_pool2d(weights, around, 1, around // 2, count_include_pad=False)
    weights = weights / weights.sum(dim=(2, 3), keepdim=True)
    return (1 - WHOLE) * weights + WHOLE / (side * side)


def paired_loss(drawn: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
    """L1 plus twice the L1 of the Laplacian pyramid's bands (Bojanowski et al. 2018).

    Args:
        weights: of the pixels [N, 1, R, R], a sum of 1 per picture; None = all alike.
    """
    difference = drawn - target
    if weights is None:
        weights = torch.full_like(difference[:, :1], 1 / difference[0, 0].numel())
    loss = (difference.abs().mean(1, keepdim=True) * weights).sum()
    for _ in range(LEVELS):
        if difference.shape[-1] <= 8:
            break
        small = F.avg_pool2d(difference, 2)
        band = difference - F.interpolate(
            small, scale_factor=2, mode="bilinear", align_corners=False
        )
        loss = loss + 2 * (band.abs().mean(1, keepdim=True) * weights).sum()
        difference, weights = small, 4 * F.avg_pool2d(weights, 2)
    return loss / len(drawn)


def label_loss(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Cross-entropy of what the generator says it draws, [N, K, R, R], weighted by feature.

    A brow's place stands out in it however like the skin its colour is.
    """
    wrong = F.cross_entropy(logits, labels.long(), reduction="none")
    return (wrong[:, None] * weights).sum() / len(logits)


@dataclass(frozen=True, eq=False)
class Seen:
    """How networks see a drawn picture beside its render."""

    features: Tensor  # mean absolute difference of their maps, each of mean 1
    reading: Tensor  # squared difference of what the scorer reads, σ²


class Watchers(nn.Module):
    """The frozen scorer and perceptual network, looking at pairs."""

    def __init__(self, scorer: PictureNet, perceptual: PictureNet) -> None:
        super().__init__()
        self.scorer = scorer.eval().requires_grad_(False)
        self.perceptual = perceptual.eval().requires_grad_(False)

    def read(self, last: Tensor) -> Tensor:
        """The scorer's readings from its last maps, [N, F]."""
        pooled = F.adaptive_avg_pool2d(last, self.scorer.config.grid).flatten(1)
        told: Tensor = self.scorer.head(pooled.float()).float()
        return told

    def forward(self, drawn: Tensor, target: Tensor, readable: Tensor) -> Seen:
        """Compare [N, 3, R, R] with renders.

        What the scorer reads of the render is wanted, rather than the truth: so the render itself
        has no error, and a scorer that misreads a world leads nobody astray.

        Args:
            readable: 1 where a factor's feature shows, [N, F].
        """
        far, near = self.scorer.features(drawn), self.perceptual.features(drawn)
        with torch.no_grad():
            far_wanted = self.scorer.features(target)
            maps = far_wanted + self.perceptual.features(target)
            wanted = self.read(far_wanted[-1])
        apart = [
            (a.float() - b.float()).abs().mean() / b.float().abs().mean().clamp_min(1e-6)
            for a, b in zip(far + near, maps, strict=True)
        ]
        wrong = ((self.read(far[-1]) - wanted).square() * readable).sum()
        return Seen(torch.stack(apart).mean(), wrong / readable.sum().clamp_min(1))
