"""The StyleGAN2 discriminator: residual blocks, minibatch stddev (Karras et al. 2020)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class EqualConv(nn.Module):
    """Convolution with equalised learning rate, optionally at half size, then leaky ReLU."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, down: bool = False, act: bool = True
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.gain = 1 / math.sqrt(inputs * kernel * kernel)
        self.down, self.act, self.pad = down, act, kernel // 2

    def forward(self, x: Tensor) -> Tensor:
        if self.down:  # averaged before it is convolved: a quarter of the arithmetic
            x = F.avg_pool2d(x, 2)
        x = F.conv2d(x, self.weight * self.gain, self.bias, padding=self.pad)
        return F.leaky_relu(x, 0.2) * math.sqrt(2) if self.act else x


class Block(nn.Module):
    """[N, inputs, R, R] -> [N, outputs, R/2, R/2]."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv0 = EqualConv(inputs, inputs, 3)
        self.conv1 = EqualConv(inputs, outputs, 3, down=True)
        self.skip = EqualConv(inputs, outputs, 1, act=False)

    def forward(self, x: Tensor) -> Tensor:
        skip = self.skip(F.avg_pool2d(x, 2))
        return (self.conv1(self.conv0(x)) + skip) * math.sqrt(0.5)


def minibatch_stddev(x: Tensor, group: int = 4) -> Tensor:
    """Append the spread within groups of the batch as one more channel."""
    n, _, h, w = x.shape
    group = math.gcd(group, n)
    y = x.float().view(group, n // group, *x.shape[1:])
    spread = (y.var(dim=0, unbiased=False) + 1e-8).sqrt().mean(dim=(1, 2, 3))
    return torch.cat(
        [x, spread.repeat(group).view(n, 1, 1, 1).expand(n, 1, h, w).to(x.dtype)], dim=1
    )


class Discriminator(nn.Module):
    """Pictures [N, 3, R, R] -> logits [N]; ``channels`` of the blocks 4, 8, 16, ... as in G."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        wide = list(channels)[::-1]
        self.from_rgb = EqualConv(3, wide[0], 1)
        self.blocks = nn.Sequential(*(Block(a, b) for a, b in zip(wide, wide[1:], strict=False)))
        self.last = EqualConv(wide[-1] + 1, wide[-1], 3)
        self.dense = nn.Linear(wide[-1] * 16, wide[-1])
        self.out = nn.Linear(wide[-1], 1)

    def forward(self, picture: Tensor) -> Tensor:
        x = self.blocks(self.from_rgb(picture))
        x = self.last(minibatch_stddev(x)).flatten(1)
        return self.out(F.leaky_relu(self.dense(x), 0.2)).squeeze(1).float()
