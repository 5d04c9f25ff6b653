"""StyleGAN3, t and r: the synthesis behind the same mapping / styles / synthesis as StyleGAN2.

Maths: Karras et al., "Alias-Free Generative Adversarial Networks" (2021), section 3 and appendix
D-F; parameter names are those of the public NVIDIA checkpoints. A picture is a Fourier feature map
that goes through layers whose activations are filtered at twice their rate. There are no noise
inputs and no outputs at lower resolutions; row 0 of ws places and turns the picture.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from editing.errors import BadInput
from editing.mapping import (
    Styles,
    Touch,
    check_channels,
    check_ws,
    in_rgb,
    shifted,
    untouched,
)
from editing.networks import LRELU_GAIN, LRELU_SLOPE, FullyConnected, demodulation

FILTER_SIZE = 6  # taps per sample of a low-pass filter; 2 where the rate stays the same


@dataclass(frozen=True)
class StyleGAN3Config:
    """Everything that decides the shapes of a StyleGAN3 generator; defaults are the published."""

    img_resolution: int  # pixels
    channels: tuple[int, ...]  # outputs of L0, L1, ... and of the last, which makes the picture
    z_dim: int = 512
    c_dim: int = 0
    w_dim: int = 512
    num_mapping_layers: int = 2
    mapping_lr_multiplier: float = 0.01
    num_critical: int = 2  # layers at the end that are sampled as tightly as possible
    first_cutoff: float = 2.0  # cycles per picture that the first layer lets pass
    first_stopband: float = 2**2.1
    last_stopband_rel: float = 2**0.3  # of the last cutoff
    margin_size: int = 10  # pixels around the picture at every layer
    output_scale: float = 0.25
    conv_kernel: int = 3  # 1 in r
    radial_filters: bool = False  # True in r
    conv_clamp: float | None = 256.0

    def __post_init__(self) -> None:
        layers = len(self.channels) - 1
        if not (16 <= self.img_resolution <= 8192 and 2 < self.num_critical + 1 <= layers <= 64):
            raise BadInput(
                f"A StyleGAN3 of {self.img_resolution} px and {layers + 1} layers is not possible; "
                "it needs 16 to 8192 px and more layers than critical ones."
            )
        if not 0 <= self.margin_size <= 64:
            raise BadInput(f"A margin of {self.margin_size} pixels is not possible; use 0 to 64.")
        check_channels(self.channels[-1])

    @property
    def num_layers(self) -> int:
        """Without the last, which makes the picture."""
        return len(self.channels) - 1

    @property
    def num_ws(self) -> int:
        """Rows of ws: the input's, and one per layer."""
        return self.num_layers + 2


@dataclass(frozen=True)
class Band:
    """What a layer's output can carry (paper, section 3.2; per picture width)."""

    cutoff: float
    half_width: float  # of the transition
    rate: int  # samples per picture width
    size: int  # samples with margin


def bands(config: StyleGAN3Config) -> list[Band]:
    """The band of every layer: cutoffs rise geometrically until the critical layers."""
    last_cutoff = config.img_resolution / 2
    last_stopband = last_cutoff * config.last_stopband_rel
    found = []
    for i in range(config.num_layers + 1):
        t = min(i / (config.num_layers - config.num_critical), 1)
        cutoff = config.first_cutoff * (last_cutoff / config.first_cutoff) ** t
        stopband = config.first_stopband * (last_stopband / config.first_stopband) ** t
        rate = 2 ** math.ceil(math.log2(min(stopband * 2, config.img_resolution)))
        inside = i < config.num_layers - 1
        size = rate + 2 * config.margin_size if inside else config.img_resolution
        found.append(Band(cutoff, max(stopband, rate / 2) - cutoff, rate, size))
    return found


class FourierInput(nn.Module):
    """Sine waves, moved and turned as w says and as ``transform`` (a user's) says, then mixed."""

    transform: Tensor
    freqs: Tensor
    phases: Tensor

    def __init__(self, config: StyleGAN3Config, band: Band) -> None:
        super().__init__()
        channels = config.channels[0]
        self.band = band
        self.weight = nn.Parameter(torch.randn(channels, channels))
        self.affine = FullyConnected(config.w_dim, 4)
        directions = F.normalize(torch.randn(channels, 2), dim=1)
        radii = torch.rand(channels, 1).sqrt() * band.cutoff  # uniform on the disc
        self.register_buffer("transform", torch.eye(3))
        self.register_buffer("freqs", directions * radii)
        self.register_buffer("phases", torch.rand(channels) - 0.5)
        nn.init.zeros_(self.affine.weight)
        self.affine.bias.data.copy_(torch.tensor([1.0, 0.0, 0.0, 0.0]))

    def forward(self, style: Tensor) -> Tensor:
        """style [N, 4] (cos, sin, x, y before normalisation) -> [N, C, S, S]."""
        t = style / style[:, :2].norm(dim=1, keepdim=True)
        cos, sin, x, y = t[:, :, None, None].unbind(dim=1)  # each [N, 1, 1]
        turn = torch.cat([torch.cat([cos, -sin], 2), torch.cat([sin, cos], 2)], 1)
        shift = turn @ torch.cat([-x, -y], 1)
        placed = torch.cat([turn, shift], 2) @ self.transform  # [N, 2, 3]
        phases = self.phases + (self.freqs @ placed[:, :, 2:]).squeeze(2)
        freqs = self.freqs @ placed[:, :, :2]  # [N, C, 2]
        # A wave that was scaled beyond the band fades out.
        room = self.band.rate / 2 - self.band.cutoff
        amplitudes = (1 - (freqs.norm(dim=2) - self.band.cutoff) / room).clamp(0, 1)
        size = self.band.size
        places = (torch.arange(size, device=t.device) + 0.5 - size / 2) / self.band.rate
        along_x = places[None, :, None] * freqs[:, None, :, 0]  # [N, S, C]
        along_y = places[None, :, None] * freqs[:, None, :, 1]
        waves = along_x[:, None] + along_y[:, :, None] + phases[:, None, None]
        waves = torch.sin(waves * (2 * math.pi)) * amplitudes[:, None, None]
        mixed: Tensor = waves @ (self.weight / math.sqrt(len(self.weight))).t()
        return mixed.permute(0, 3, 1, 2)


class FilteredLayer(nn.Module):
    """Modulated convolution, bias, and a leaky ReLU between an up- and a downsampling filter."""

    magnitude_ema: Tensor
    up_filter: Tensor | None
    down_filter: Tensor | None

    def __init__(self, config: StyleGAN3Config, index: int, before: Band, after: Band) -> None:
        super().__init__()
        self.is_last = index == config.num_layers
        critical = index >= config.num_layers - config.num_critical
        in_channels, out_channels = config.channels[max(index - 1, 0)], config.channels[index]
        kernel = 1 if self.is_last else config.conv_kernel
        self.conv_clamp = config.conv_clamp
        between = max(before.rate, after.rate) * (1 if self.is_last else 2)
        self.up, self.down = between // before.rate, between // after.rate
        up_taps = 1 if self.is_last or self.up == 1 else FILTER_SIZE * self.up
        down_taps = 1 if self.is_last or self.down == 1 else FILTER_SIZE * self.down
        self.affine = FullyConnected(config.w_dim, in_channels, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.register_buffer("magnitude_ema", torch.ones([]))
        radial = config.radial_filters and not critical
        self.register_buffer("up_filter", None if up_taps == 1 else torch.ones(up_taps) / up_taps)
        shape = [down_taps, down_taps] if radial else [down_taps]
        down = None if down_taps == 1 else torch.ones(shape) / math.prod(shape)
        self.register_buffer("down_filter", down)
        # What the filters and the convolution take off or add must end at the next size.
        total = (after.size - 1) * self.down + 1 - (before.size + kernel - 1) * self.up
        total += up_taps + down_taps - 2
        low = (total + self.up) // 2
        self.padding = (low, total - low)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """x [N, I, S, S], style [N, I] -> [N, O, S', S']."""
        weight: Tensor = self.weight
        if self.is_last:
            style = style / math.sqrt(weight[0].numel())
        else:  # to unit size first: it cancels in the demodulation, up to its epsilon
            weight = weight * weight.square().mean(dim=(1, 2, 3), keepdim=True).rsqrt()
            style = style * style.square().mean().rsqrt()
        x = x * (style * self.magnitude_ema.rsqrt())[:, :, None, None]
        x = F.conv2d(x, weight, padding=weight.shape[2] - 1)
        if not self.is_last:
            x = x * demodulation(weight, style)[:, :, None, None]
        x = x + self.bias[:, None, None]
        x = resample(x, self.up_filter, self.up, 1, self.padding, gain=self.up**2)
        if not self.is_last:
            x = F.leaky_relu(x, LRELU_SLOPE) * LRELU_GAIN
        if self.conv_clamp is not None:
            x = x.clamp(-self.conv_clamp, self.conv_clamp)
        return resample(x, self.down_filter, 1, self.down, (0, 0))


def resample(
    x: Tensor, taps: Tensor | None, up: int, down: int, padding: tuple[int, int], gain: float = 1.0
) -> Tensor:
    """Zeros between the samples of x [N, C, H, W], pad (or crop), filter, keep every ``down``-th.

    ``taps``: [T] for a filter of rows and then columns, [T, T] for one that is not separable,
    None for none.
    """
    if up > 1:
        n, c, height, width = x.shape
        x = F.pad(x[:, :, :, None, :, None], [0, up - 1, 0, 0, 0, up - 1])
        x = x.reshape(n, c, height * up, width * up)
    before, after = padding
    x = F.pad(x, [before, after, before, after])
    if taps is None:
        return x[:, :, ::down, ::down] * gain
    channels = x.shape[1]
    if taps.ndim == 2:
        kernel = (taps * gain).flip(0, 1).expand(channels, 1, -1, -1)
        return F.conv2d(x, kernel, stride=down, groups=channels)
    line = (taps * math.sqrt(gain)).flip(0).expand(channels, 1, 1, -1)
    x = F.conv2d(x, line, stride=(1, down), groups=channels)
    return F.conv2d(x, line.transpose(2, 3), stride=(down, 1), groups=channels)


class StyleGAN3Synthesis(nn.Module):
    """ws or styles -> picture."""

    def __init__(self, config: StyleGAN3Config) -> None:
        super().__init__()
        self.config = config
        spread = bands(config)
        self.input = FourierInput(config, spread[0])
        self.layer_names = []
        for i, (band, channels) in enumerate(zip(spread, config.channels, strict=True)):
            name = f"L{i}_{band.size}_{channels}"
            self.add_module(name, FilteredLayer(config, i, spread[max(i - 1, 0)], band))
            self.layer_names.append(name)

    def _layers(self) -> dict[str, FourierInput | FilteredLayer]:
        found = {"input": self.input} | {n: self.get_submodule(n) for n in self.layer_names}
        return {k: m for k, m in found.items() if isinstance(m, FourierInput | FilteredLayer)}

    def styles(self, ws: Tensor) -> Styles:
        """The affine outputs of ws [N, num_ws, w_dim], before any gain: layer name -> [N, C]."""
        check_ws(ws, self.config)
        layers = self._layers().items()
        return {name: layer.affine(ws[:, row]) for row, (name, layer) in enumerate(layers)}

    def forward(
        self,
        latent: Tensor | Mapping[str, Tensor],
        noise_mode: str = "const",
        noise: Mapping[str, Tensor] | None = None,
        max_resolution: int | None = None,
        rng: torch.Generator | None = None,
        s_delta: Mapping[str, Tensor] | None = None,
        touch: Touch = untouched,
    ) -> Tensor:
        """Draw the picture [N, 3, R, R] of ws [N, num_ws, w_dim] or of styles.

        There is no noise in StyleGAN3: ``noise_mode`` and ``rng`` are for the interface only.
        ``touch`` sees what every layer gives, and decides what goes on from there.
        """
        if max_resolution not in (None, self.config.img_resolution) or noise:
            raise BadInput(
                "StyleGAN3 has no noise maps and no pictures at lower resolutions; draw it whole."
            )
        styles = self.styles(latent) if isinstance(latent, Tensor) else latent
        styles = shifted(styles, s_delta or {})
        x: Tensor = self.input(styles["input"])
        for name in self.layer_names:
            x = touch(name, self.get_submodule(name)(x, styles[name]))
        return in_rgb(x.float() * self.config.output_scale)
