"""StyleGAN1: the mapping and synthesis behind the same calls as StyleGAN2.

Maths: Karras et al., "A Style-Based Generator Architecture" (2019), section 2. Every layer adds
noise and bias, and gives each channel the mean and the deviation that its style says (AdaIN). All
rows of ws but none more drive a layer each: two at 4 px, unlike StyleGAN2.
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
    check_noise_mode,
    check_ws,
    in_rgb,
    noise_map,
    shifted,
    truncate,
    untouched,
)
from editing.networks import (
    LRELU_SLOPE,
    FullyConnected,
    depthwise,
    make_filter,
    normalize_2nd_moment,
)


@dataclass(frozen=True)
class StyleGAN1Config:
    """Everything that decides the shapes of a StyleGAN1 generator."""

    img_resolution: int  # pixels, a power of two from 8
    channels: tuple[int, ...]  # of the blocks 4, 8, 16, ...
    z_dim: int = 512
    w_dim: int = 512
    num_mapping_layers: int = 8
    mapping_width: int = 512  # of the hidden layers
    mapping_lr_multiplier: float = 0.01
    maps_to_rows: bool = False  # idinvert: the mapping has another w for every layer
    fused_from: int = 128  # pixels from which upsampling and convolution are one
    final_tanh: bool = False  # idinvert: the picture is squeezed into [-1, 1]
    img_channels: int = 3
    c_dim: int = 0  # StyleGAN1 has no class labels
    norm_epsilon: float = 1e-8  # of the variance in AdaIN

    def __post_init__(self) -> None:
        blocks = len(self.channels)
        if not 2 <= blocks <= 10 or self.img_resolution != 2 << blocks or self.c_dim:
            raise BadInput(
                f"A StyleGAN1 of {self.img_resolution} px with {blocks} blocks and {self.c_dim} "
                "classes is not possible; give a block for each of 4, 8, ... px and no classes."
            )

    @property
    def num_ws(self) -> int:
        """Rows of ws, one per layer."""
        return 2 * len(self.channels)


class StyleGAN1Mapping(nn.Module):
    """z -> w, broadcast to ws (or a w of its own per row), truncated towards ``w_avg``."""

    w_avg: Tensor  # [w_dim], or [num_ws, w_dim] where every row has its own
    usual_class: int = 0  # there are none

    def __init__(self, config: StyleGAN1Config) -> None:
        super().__init__()
        self.config = config
        rows = config.num_ws if config.maps_to_rows else 1
        widths = [config.mapping_width] * (config.num_mapping_layers - 1) + [rows * config.w_dim]
        width = config.z_dim
        for i, following in enumerate(widths):
            layer = FullyConnected(width, following, "lrelu", config.mapping_lr_multiplier)
            self.add_module(f"fc{i}", layer)
            width = following
        shape = [rows, config.w_dim] if config.maps_to_rows else [config.w_dim]
        self.register_buffer("w_avg", torch.zeros(shape))

    def forward(
        self,
        z: Tensor,
        c: Tensor | None = None,
        truncation_psi: float = 1.0,
        truncation_cutoff: int | None = None,
    ) -> Tensor:
        """Map z [N, z_dim] to ws [N, num_ws, w_dim]; there are no labels ``c``."""
        x = normalize_2nd_moment(z.float())
        for i in range(self.config.num_mapping_layers):
            x = self.get_submodule(f"fc{i}")(x)
        ws = x.reshape(len(x), -1, self.config.w_dim).expand(-1, self.config.num_ws, -1)
        return truncate(ws.contiguous(), self.w_avg, truncation_psi, truncation_cutoff)


class AdaptiveLayer(nn.Module):
    """Convolution (none in the first layer), noise, bias, leaky ReLU, AdaIN."""

    noise_const: Tensor

    def __init__(self, config: StyleGAN1Config, index: int) -> None:
        super().__init__()
        self.resolution = 4 << (index // 2)
        self.up = index > 0 and index % 2 == 0
        self.fused = self.up and self.resolution >= config.fused_from
        channels = config.channels[index // 2]
        if index > 0:
            inputs = config.channels[(index - 1) // 2]
            self.weight = nn.Parameter(torch.randn(channels, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.noise_strength = nn.Parameter(torch.zeros(channels))
        self.register_buffer("noise_const", torch.randn(self.resolution, self.resolution))
        self.affine = FullyConnected(config.w_dim, 2 * channels)
        self.norm_epsilon = config.norm_epsilon

    def convolve(self, x: Tensor) -> Tensor:
        """[N, I, H, W] -> [N, O, R, R]."""
        weight = self.weight * math.sqrt(2 / self.weight[0].numel())
        if not self.up:
            return F.conv2d(x, weight, padding=1)
        if self.fused:  # the sum of four shifted kernels: each pixel counts for its 2 x 2
            wide = F.pad(weight.transpose(0, 1), [1, 1, 1, 1])
            wide = wide[..., 1:, 1:] + wide[..., :-1, 1:] + wide[..., 1:, :-1] + wide[..., :-1, :-1]
            x = F.conv_transpose2d(x, wide, stride=2, padding=1)
        else:
            x = F.conv2d(F.interpolate(x, scale_factor=2.0), weight, padding=1)
        return depthwise(x, make_filter((1, 2, 1)).to(x), (1, 1))

    def forward(self, x: Tensor, style: Tensor, noise: Tensor | None) -> Tensor:
        """x of the convolution [N, C, R, R], style [N, 2C], noise [R, R] or [N, 1, R, R]."""
        if noise is not None:
            x = x + noise * self.noise_strength[:, None, None]
        x = F.leaky_relu(x + self.bias[:, None, None], LRELU_SLOPE)
        x = x - x.mean(dim=(2, 3), keepdim=True)
        x = x * (x.square().mean(dim=(2, 3), keepdim=True) + self.norm_epsilon).rsqrt()
        scale, shift = style[:, :, None, None].chunk(2, dim=1)
        return x * (scale + 1) + shift


class PictureLayer(nn.Module):
    """1x1 convolution to the picture's channels."""

    def __init__(self, config: StyleGAN1Config) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(config.img_channels, config.channels[-1], 1, 1))
        self.bias = nn.Parameter(torch.zeros(config.img_channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight / math.sqrt(self.weight.shape[1]), self.bias)


class StyleGAN1Synthesis(nn.Module):
    """ws or styles -> picture."""

    def __init__(self, config: StyleGAN1Config) -> None:
        super().__init__()
        self.config = config
        self.const = nn.Parameter(torch.ones(config.channels[0], 4, 4))
        for i in range(config.num_ws):
            self.add_module(f"layer{i}", AdaptiveLayer(config, i))
        self.output = PictureLayer(config)

    def layers(self) -> dict[str, AdaptiveLayer]:
        """The layers by name, in order."""
        return {name: m for name, m in self.named_children() if isinstance(m, AdaptiveLayer)}

    def styles(self, ws: Tensor) -> Styles:
        """The affine outputs of ws [N, num_ws, w_dim]: layer name -> [N, 2C], scales first."""
        check_ws(ws, self.config)
        layers = self.layers().items()
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

        Args:
            noise_mode: "const" takes the stored noise maps, "random" new ones, "none" none.
            noise: maps [R, R] or [N, 1, R, R] by layer name ("layer3"), used instead.
            rng: source of random noise (None = torch's own).
            s_delta: offsets [2C] or [N, 2C] by layer name, added to the styles.
            touch: sees what every layer gives, and decides what goes on from there.
        """
        check_noise_mode(noise_mode)
        if max_resolution not in (None, self.config.img_resolution):
            raise BadInput("StyleGAN1 has no pictures at lower resolutions; draw it whole.")
        styles = self.styles(latent) if isinstance(latent, Tensor) else latent
        styles = shifted(styles, s_delta or {})
        x = self.const.expand(len(styles["layer0"]), -1, -1, -1)
        for name, layer in self.layers().items():
            if name != "layer0":
                x = layer.convolve(x)
            given = (noise or {}).get(name)
            maps = noise_map(layer.noise_const, noise_mode, given, len(x), rng)
            x = touch(name, layer(x, styles[name], maps))
        img: Tensor = self.output(x).float()
        return in_rgb(img.tanh() if self.config.final_tanh else img)
