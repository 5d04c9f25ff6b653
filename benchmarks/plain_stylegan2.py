"""StyleGAN2's synthesis written as its paper does: the baseline of ``benchmarks.large_generator``.

Every sample gets its own modulated, demodulated weights; a batch is one grouped convolution; noise,
bias, activation, gain and clamp follow one after the other (Karras et al. 2020, section 2.2 and
appendix B; the shape of NVIDIA's own path for CPUs). Weights are those of
``editing.models.generators.generator``.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from editing.models.generators.generator import (
    Generator,
    SynthesisLayer,
    SynthesisNetwork,
    ToRGBLayer,
)


def filtered(x: Tensor, kernel: Tensor, padding: tuple[int, int], gain: float = 1.0) -> Tensor:
    """Every channel of x [N, C, H, W] filtered by one kernel [T, T]."""
    before, after = padding
    x = F.pad(x, [before, after, before, after])
    weight = (kernel * gain).flip(0, 1)[None, None].repeat(x.shape[1], 1, 1, 1)
    return F.conv2d(x, weight, groups=x.shape[1])


def upsampled(x: Tensor, kernel: Tensor) -> Tensor:
    """Zeros between the pixels, then the low-pass."""
    n, c, h, w = x.shape
    spread = x.new_zeros(n, c, h, 2, w, 2)
    spread[:, :, :, 0, :, 0] = x
    return filtered(spread.reshape(n, c, 2 * h, 2 * w), kernel, (2, 1), gain=4)


def modulated(x: Tensor, weight: Tensor, styles: Tensor, up: Tensor | None) -> Tensor:
    """One grouped convolution over the batch, with weights [N·O, I, 3, 3] of its own."""
    n, c, h, w = x.shape
    own = weight[None] * styles[:, None, :, None, None]  # [N, O, I, 3, 3]
    own = own * (own.square().sum(dim=[2, 3, 4]) + 1e-8).rsqrt()[:, :, None, None, None]
    x = x.reshape(1, n * c, h, w)
    if up is None:
        x = F.conv2d(x, own.flatten(0, 1), padding=1, groups=n)
    else:
        own = own.transpose(1, 2).flatten(0, 1)  # [N·I, O, 3, 3]
        x = filtered(F.conv_transpose2d(x, own, stride=2, groups=n), up, (1, 1), gain=4)
    return x.reshape(n, -1, *x.shape[2:])


def layer(module: SynthesisLayer, x: Tensor, styles: Tensor) -> Tensor:
    x = modulated(x, module.weight, styles, module.resample_filter if module.up else None)
    x = x + module.noise_const * module.noise_strength
    x = x + module.bias[None, :, None, None]
    x = F.leaky_relu(x, 0.2) * math.sqrt(2)
    return x if module.conv_clamp is None else x.clamp(-module.conv_clamp, module.conv_clamp)


def to_rgb(module: ToRGBLayer, x: Tensor, styles: Tensor) -> Tensor:
    n, c, h, w = x.shape
    own = module.weight[None] * (styles * module.weight_gain)[:, None, :, None, None]
    x = F.conv2d(x.reshape(1, n * c, h, w), own.flatten(0, 1), groups=n).reshape(n, -1, h, w)
    return x + module.bias[None, :, None, None]


def synthesis(generator: Generator, ws: Tensor) -> Tensor:
    """ws [N, num_ws, w_dim] -> pictures [N, 3, R, R], noise const; the "skip" architecture."""
    network = generator.synthesis
    assert isinstance(network, SynthesisNetwork)
    x = img = torch.empty(0)
    row = 0
    for resolution, block in network.blocks().items():
        if resolution == 4:
            x = block.const[None].repeat(len(ws), 1, 1, 1)
        for module in block.layers().values():
            x = layer(module, x, module.affine(ws[:, row]))
            row += 1
        assert block.torgb is not None
        rgb = to_rgb(block.torgb, x, block.torgb.affine(ws[:, row]))
        img = rgb if resolution == 4 else upsampled(img, block.resample_filter) + rgb
    return img
