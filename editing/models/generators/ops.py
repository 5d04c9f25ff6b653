"""The parts StyleGAN2 is made of: dense layers, modulated convolution, filters.

Maths: Karras et al., "Analyzing and Improving the Image Quality of StyleGAN" (2020), section 2.2
and appendix B; parameter names and constants are those of the public NVIDIA checkpoints.
N is the batch, C channels, H and W pixels. All functions keep the dtype of their picture input;
styles, demodulation and dense layers stay float32 even under autocast.
"""

import math
from collections.abc import Mapping, Sequence
from copy import deepcopy

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

LRELU_SLOPE = 0.2
LRELU_GAIN = math.sqrt(2.0)  # keeps the variance of a Gaussian through the leaky ReLU


def normalize_2nd_moment(x: Tensor, eps: float = 1e-8) -> Tensor:
    """x / sqrt(mean(x²)) over dim 1; a Gaussian z [N, C] lands on the sphere of radius √C."""
    return x * (x.square().mean(dim=1, keepdim=True) + eps).rsqrt()


def called_with(
    module: nn.Module, changed: Mapping[str, Tensor], *inputs: Tensor, **facts: object
) -> Tensor:
    """What ``module`` gives with some of its tensors replaced, by name.

    Others who use the module at the same time see nothing of it: ``functional_call`` swaps tensors
    in place while it runs, so it gets a copy of the modules that shares all tensors, and the tuples
    that layers keep some in.

    Args:
        inputs, facts: of the module's forward pass.
    """
    if not changed:
        unchanged: Tensor = module(*inputs, **facts)
        return unchanged
    values = (value for part in module.modules() for value in vars(part).values())
    kept = (value for value in values if isinstance(value, tuple))
    shared = {id(each): each for each in (*module.parameters(), *module.buffers(), *kept)}
    found: Tensor = functional_call(deepcopy(module, shared), dict(changed), inputs, facts)
    return found


class FullyConnected(nn.Module):
    """y = act(x·Wᵀ·lr_multiplier/√in + b·lr_multiplier), always in float32.

    The learning rate is equalised at run time (Karras et al. 2018, section 4.1): weights are
    stored with standard deviation 1/lr_multiplier.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        activation: str = "linear",
        lr_multiplier: float = 1.0,
        bias_init: float = 0.0,
    ) -> None:
        super().__init__()
        self.activation = activation
        self.weight = nn.Parameter(torch.randn(out_features, in_features) / lr_multiplier)
        self.bias = nn.Parameter(torch.full([out_features], bias_init))
        self.weight_gain = lr_multiplier / math.sqrt(in_features)
        self.bias_gain = lr_multiplier

    def forward(self, x: Tensor) -> Tensor:
        """[..., in_features] -> [..., out_features]."""
        with torch.autocast(x.device.type, enabled=False):
            y = F.linear(x.float(), self.weight * self.weight_gain, self.bias * self.bias_gain)
            return y if self.activation == "linear" else F.leaky_relu(y, LRELU_SLOPE) * LRELU_GAIN


def make_filter(taps: Sequence[float]) -> Tensor:
    """The separable low-pass filter of ``taps`` as a [T, T] kernel that sums to 1."""
    line = torch.tensor(taps, dtype=torch.float32)
    kernel = line[:, None] * line  # torch.outer would import a second of torch on a meta device
    return kernel / kernel.sum()


def depthwise(
    x: Tensor,
    kernel: Tensor,
    padding: tuple[int, int],
    stride: int = 1,
    bias: Tensor | None = None,
) -> Tensor:
    """Filter every channel of x [N, C, H, W] by one [T, T] kernel (a true convolution).

    ``padding`` is (before, after) in pixels, the same on both axes; ``bias`` is [C].
    """
    channels, before, after = x.shape[1], *padding
    weight = kernel.flip(0, 1).to(x.dtype).expand(channels, 1, *kernel.shape)
    if before != after:
        x, before = F.pad(x, [before, after, before, after]), 0
    return F.conv2d(x, weight, bias, padding=before, stride=stride, groups=channels)


def upsample2d(x: Tensor, kernel: Tensor) -> Tensor:
    """Double the size of x [N, C, H, W]: put zeros between the pixels, then low-pass (gain 4)."""
    channels, taps = x.shape[1], kernel.shape[0]
    weight = (kernel * 4).to(x.dtype).expand(channels, 1, taps, taps)
    # Zero insertion and convolution are together one transposed convolution; with T taps its
    # full output is 2H + T - 2 long and the frame starts at (T - 2) // 2.
    with torch.autocast(x.device.type, enabled=False):
        full = F.conv_transpose2d(x, weight, stride=2, groups=channels)
    start = (taps - 2) // 2
    height, width = 2 * x.shape[2], 2 * x.shape[3]
    return full[:, :, start : start + height, start : start + width]


def downsample2d(x: Tensor, kernel: Tensor) -> Tensor:
    """Halve the size of x [N, C, H, W]: low-pass, then keep every second pixel."""
    taps = kernel.shape[0]
    return depthwise(x, kernel, ((taps - 1) // 2, (taps - 2) // 2), stride=2)


def energy_of(weight: Tensor) -> Tensor:
    """Σ_k w_oik² of weight [O, I, K, K] -> [O, I], float32: what demodulation needs of it."""
    return weight.float().square().sum(dim=(2, 3))


def demodulation(
    weight: Tensor, styles: Tensor, eps: float = 1e-8, energy: Tensor | None = None
) -> Tensor:
    """1/√(Σ_{i,k} (w_oik·s_i)²) for weight [O, I, K, K] and styles [N, I] -> [N, O], float32.

    ``energy`` is ``energy_of(weight)`` where it is known already.
    """
    with torch.autocast(styles.device.type, enabled=False):
        energy = energy_of(weight) if energy is None else energy
        return (F.linear(styles.float().square(), energy) + eps).rsqrt()


def upsampling_conv2d(
    x: Tensor, weight: Tensor, kernel: Tensor, bias: Tensor | None = None
) -> Tensor:
    """Transposed 3x3 convolution of stride 2, then the low-pass ``kernel``: [N,I,H,W]->[N,O,2H,2W].

    A depthwise blur after the transposed convolution was the fastest exact form measured on CPU
    (against folding the blur into a 6x6 kernel, polyphase, and upsampling first).
    """
    taps = kernel.shape[0]
    x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)  # [N, O, 2H+1, 2W+1]
    return depthwise(x, kernel * 4, ((taps - 1) // 2, (taps - 2) // 2), bias=bias)


def modulated_conv2d(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    demodulate: bool = True,
    up: Tensor | None = None,
    gain: float = 1.0,
    bias: Tensor | None = None,
    energy: Tensor | None = None,
) -> Tensor:
    """Convolve x [N, I, H, W] by weight [O, I, K, K] whose inputs are scaled by styles [N, I].

    Scaling activations before and after one shared convolution equals scaling the weights per
    sample (Karras et al. 2020, equations 1-3) and needs no grouped convolution. Where one large
    picture is drawn, though, the weights are the smaller of the two, and they are scaled.

    Args:
        up: the low-pass kernel of an upsampling layer.
        gain: multiplies the result, before ``bias`` [O], where it costs nothing.
        energy: ``energy_of(weight)`` where it is known already.
    """
    if _weights_are_smaller(x, weight, styles):
        weight = weight * (styles[0] if demodulate else styles[0] * gain)[:, None, None]
        if demodulate:
            weight = (
                weight
                * (gain * (weight.square().sum(dim=(1, 2, 3)) + 1e-8).rsqrt())[:, None, None, None]
            )
        return _convolved(x, weight, up, bias)
    if not demodulate:
        styles = styles * gain
    x = _convolved(x * styles.to(x.dtype)[:, :, None, None], weight, up)
    if not demodulate:
        return x if bias is None else x + bias.to(x.dtype)[:, None, None]
    factor = (demodulation(weight, styles, energy=energy) * gain).to(x.dtype)[:, :, None, None]
    if bias is None:
        return x * factor
    return torch.addcmul(bias.to(x.dtype)[:, None, None], x, factor)


def _weights_are_smaller(x: Tensor, weight: Tensor, styles: Tensor) -> bool:
    """Whether to scale the weights: one picture, larger than them, and nobody asks for gradients.

    (The gradient of a weight costs a convolution; that of an activation's factor costs nothing.)
    """
    learning = torch.is_grad_enabled() and any(t.requires_grad for t in (x, weight, styles))
    return len(x) == len(styles) == 1 and weight.numel() < x.numel() and not learning


def _convolved(x: Tensor, weight: Tensor, up: Tensor | None, bias: Tensor | None = None) -> Tensor:
    if up is not None:
        return upsampling_conv2d(x, weight, up, bias)
    return F.conv2d(x, weight, bias, padding=weight.shape[2] // 2)


TILE = 1 << 18  # values that stay in a processor's cache
VECTOR = 32  # bfloat16 numbers that a processor adds at once


def activated(x: Tensor, noise: Tensor | None, limit: float | None) -> Tensor:
    """lrelu(x + noise) within ± limit, in place: x [N, C, H, W], noise [H, W] or [N, 1, H, W].

    Large pictures go piece by piece, so that each crosses the memory once and not three times.
    """
    if torch.is_grad_enabled() and (x.requires_grad or (noise is not None and noise.requires_grad)):
        x = x if noise is None else x.add_(_spread(noise, x))
        return clamped(F.leaky_relu_(x, LRELU_SLOPE), limit)
    rows = max(TILE * x.shape[2] // x.numel(), 1)
    for top in range(0, x.shape[2], rows):
        part = x[:, :, top : top + rows]
        if noise is not None:
            part.add_(_spread(noise[..., top : top + rows, :], part))
        F.leaky_relu_(part, LRELU_SLOPE)
        if limit is not None:
            part.clamp_(-limit, limit)
    return x


def _spread(noise: Tensor, x: Tensor) -> Tensor:
    """``noise`` ready to be added to x: the same for every channel, in its precision.

    With few channels side by side in memory torch adds bfloat16 number by number, twenty times
    slower than two tensors of one shape; then the noise is written out first.
    """
    noise = noise.to(x.dtype)
    if x.dtype == torch.float32 or x.shape[1] >= VECTOR or x.stride(1) != 1:
        return noise
    return noise.expand(x.shape).contiguous(memory_format=torch.channels_last)


def clamped(x: Tensor, limit: float | None) -> Tensor:
    """x within ±limit; None = no limit."""
    return x if limit is None else x.clamp(-limit, limit)
