"""Latents and renders of the same people, and what is known of both: what the generator learns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from training.dataset import Z_DIM, near_glasses_threshold, seeds_to_z
from training.factors import LatentWorld
from training.pair_losses import shrink, shrink_labels
from training.train_readers import readable


class Source(Protocol):
    """Cached renders in order of their seeds (``training.dataset.Shards``)."""

    @property
    def seeds(self) -> np.ndarray: ...
    @property
    def visible(self) -> Tensor: ...
    def __len__(self) -> int: ...
    def take(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Pictures uint8 [n, 3, R, R] and labels uint8 [n, R, R]."""


@dataclass(frozen=True, eq=False)
class Batch:
    """N people."""

    z: Tensor  # [N, z_dim]
    pictures: Tensor  # [N, 3, r, r] in [-1, 1], channels last
    labels: Tensor  # which of FEATURES a pixel shows, [N, r, r]
    readable: Tensor  # 1 where a factor's feature shows, [N, F]


class Pairs:
    """Everybody whose glasses are on or off; those in between are seen as neither."""

    def __init__(self, source: Source) -> None:
        self.source, self.total = source, len(source)
        latents = seeds_to_z(source.seeds)
        factors = LatentWorld(Z_DIM).factors(latents)
        self.kept = (~near_glasses_threshold(factors)).nonzero()[:, 0]
        self.latents = latents
        self.readable = readable(source.visible, factors)

    def batch(
        self, size: int, resolution: int, rng: torch.Generator, device: torch.device
    ) -> Batch:
        """``size`` people drawn with ``rng``, at ``resolution`` pixels."""
        pick = self.kept[torch.randint(len(self.kept), [size], generator=rng)]
        pictures, labels = self.source.take(pick.tolist())
        small = shrink(pictures.to(device).float() / 127.5 - 1, resolution)
        return Batch(
            self.latents[pick].to(device),
            small.contiguous(memory_format=torch.channels_last),
            shrink_labels(labels.to(device), resolution),
            self.readable[pick].to(device),
        )
