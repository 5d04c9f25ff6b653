"""The plain loop that benchmarks.inversion is compared with: what published code does, on this net.

W+ optimisation as in the public StyleGAN2 projectors: float32, contiguous tensors, every sample's
own modulated weights in one grouped convolution, zeros put in by hand to enlarge the picture,
the perceptual network at full size in every step. Nothing here is imported by the library; the
weights and the losses are the same.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from editing.inversion.schedules import ramp
from editing.models.domain import Domain
from editing.models.generators.generator import SynthesisNetwork
from editing.pictures.metrics import feature_distance, unit_features


def modulated(
    x: Tensor, weight: Tensor, style: Tensor, demodulate: bool, up: bool, kernel: Tensor
) -> Tensor:
    """Modulated convolution with weights of its own for every sample."""
    count, outputs, size = len(x), weight.shape[0], weight.shape[2]
    own = weight[None] * style[:, None, :, None, None]
    if demodulate:
        own = own * (own.square().sum((2, 3, 4), keepdim=True) + 1e-8).rsqrt()
    grouped = x.reshape(1, -1, *x.shape[2:])
    if up:
        own = own.transpose(1, 2).reshape(count * x.shape[1], outputs, size, size)
        grouped = F.conv_transpose2d(grouped, own, stride=2, groups=count)
        x = filtered(grouped.reshape(count, outputs, *grouped.shape[2:]), kernel * 4, (1, 1))
        return x
    own = own.reshape(count * outputs, -1, size, size)
    grouped = F.conv2d(grouped, own, padding=size // 2, groups=count)
    return grouped.reshape(count, outputs, *grouped.shape[2:])


def filtered(x: Tensor, kernel: Tensor, padding: tuple[int, int]) -> Tensor:
    """Every channel low-passed by [4, 4]; ``padding`` before and after, on both axes."""
    channels, taps = x.shape[1], kernel.shape[0]
    padded = F.pad(x, [*padding, *padding])
    return F.conv2d(padded, kernel.expand(channels, 1, taps, taps), groups=channels)


def draw(net: SynthesisNetwork, ws: Tensor) -> Tensor:
    """ws [N, num_ws, w_dim] -> pictures [N, 3, R, R], for the "skip" architecture."""
    styles = net.styles(ws)
    x = img = None
    for resolution, block in net.blocks().items():
        if x is None:
            x = block.const.expand(len(ws), -1, -1, -1).contiguous()
        for name, layer in block.layers().items():
            style = styles[f"b{resolution}.{name}"]
            x = modulated(x, layer.weight, style, True, layer.up, layer.resample_filter)
            x = x + layer.noise_const * layer.noise_strength + layer.bias[:, None, None]
            x = F.leaky_relu(x, 0.2) * math.sqrt(2)
        torgb = block.torgb
        style = styles[f"b{resolution}.torgb"] * torgb.weight_gain
        rgb = modulated(x, torgb.weight, style, False, False, block.resample_filter)
        rgb = rgb + torgb.bias[:, None, None]
        if img is not None:
            count, channels, height, width = img.shape
            wide = img.new_zeros(count, channels, height, 2, width, 2)
            wide[:, :, :, 0, :, 0] = img
            wide = wide.reshape(count, channels, 2 * height, 2 * width)
            img = filtered(wide, block.resample_filter * 4, (2, 1))
        img = rgb if img is None else img + rgb
    assert img is not None
    return img


def plain_inversion(
    target: Tensor, domain: Domain, start: Tensor, steps: int, lr: float
) -> Iterator[tuple[Tensor, float]]:
    """(ws, seconds so far) after every step of pixel + perceptual loss; lr in units of W."""
    ws = start.detach().clone().requires_grad_()
    optimiser = torch.optim.Adam([ws], lr=lr, betas=(0.9, 0.999))
    with torch.no_grad():
        wanted = unit_features(domain.perceptual, target)
    began = time.perf_counter()
    for index in range(steps):
        optimiser.param_groups[0]["lr"] = lr * ramp(index, steps)
        img = draw(domain.generator.synthesis, ws)
        loss = (img - target).square().mean()
        loss = loss + feature_distance(unit_features(domain.perceptual, img), wanted).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        yield ws.detach(), time.perf_counter() - began
