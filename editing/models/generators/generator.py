"""Generators: z -> ws -> styles -> picture; StyleGAN2 here, its kin in modules of their own.

Parameter and buffer names are those of the public NVIDIA checkpoints, so their state dicts load
strictly. Every edit happens between the calls::

    ws = generator.mapping(z, truncation_psi=0.7)      # [N, num_ws, w_dim]
    styles = generator.styles(ws)                      # StyleSpace, one [N, C] per layer
    picture = generator.synthesis(ws)                  # or synthesis(styles); [N, 3, R, R]

Pictures have the nominal range [-1, 1] and are not clamped.
"""

import dataclasses
import hashlib
import math
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from editing.errors import BadInput
from editing.io.allocator import LARGE, recomputed
from editing.io.tensors import described, read_tensors, write_tensors
from editing.models.generators.mapping import (
    MappingNetwork,
    Styles,
    Touch,
    check_channels,
    check_noise_mode,
    check_ws,
    in_rgb,
    noise_map,
    shifted,
    untouched,
)
from editing.models.generators.mapping import truncate as truncate
from editing.models.generators.ops import (
    LRELU_GAIN,
    FullyConnected,
    activated,
    clamped,
    energy_of,
    make_filter,
    modulated_conv2d,
    upsample2d,
)
from editing.models.generators.stylegan1 import (
    StyleGAN1Config,
    StyleGAN1Mapping,
    StyleGAN1Synthesis,
)
from editing.models.generators.stylegan3 import StyleGAN3Config, StyleGAN3Synthesis

FORMAT = "latent-studio generator 1"
PLACE = "input.transform"  # StyleGAN3's buffer that moves and turns the picture
ARCHITECTURES = ("skip", "resnet", "orig")


@dataclasses.dataclass(frozen=True)
class GeneratorConfig:
    """Everything that decides the shapes of a generator."""

    img_resolution: int = 128  # pixels, a power of two from 8
    z_dim: int = 512
    c_dim: int = 0  # size of a one-hot class label, 0 = none
    w_dim: int = 512
    num_mapping_layers: int = 8
    mapping_lr_multiplier: float = 0.01
    channels: tuple[int, ...] = (192, 192, 160, 128, 64, 32)  # of the blocks 4, 8, 16, ...
    img_channels: int = 3  # 1 is grey, 4 has alpha; both are drawn as RGB
    label_maps: int = 0  # drawn after the colours while a generator is trained; 0 in its file
    conv_clamp: float | None = None  # activations are clamped to ± this
    architecture: str = "skip"  # outputs summed, "resnet": activations summed, "orig": neither
    resample_filter: tuple[float, ...] = (1.0, 3.0, 3.0, 1.0)
    use_noise: bool = True

    def __post_init__(self) -> None:
        blocks = int(math.log2(max(self.img_resolution, 1))) - 1
        if self.img_resolution != 2 ** (blocks + 1) or blocks < 2:
            raise BadInput(
                f"A resolution of {self.img_resolution} is not possible; "
                "StyleGAN2 needs a power of two from 8, such as 128."
            )
        if len(self.channels) != blocks:
            raise BadInput(
                f"{len(self.channels)} channel counts were given for {self.img_resolution} px, "
                f"which has {blocks} blocks; give one count for each of 4, 8, ... px."
            )
        if self.architecture not in ARCHITECTURES:
            raise BadInput(
                f"There is no architecture {self.architecture!r}; choose from {ARCHITECTURES}."
            )
        check_channels(self.img_channels)

    @property
    def block_resolutions(self) -> tuple[int, ...]:
        return tuple(4 * 2**i for i in range(len(self.channels)))

    @property
    def num_ws(self) -> int:
        """Rows of ws: one per convolution and one for the last ToRGB."""
        return 2 * len(self.channels)


def channels_for(
    img_resolution: int, channel_base: int = 32768, channel_max: int = 512
) -> tuple[int, ...]:
    """NVIDIA's widths, min(channel_base / resolution, channel_max) for the blocks 4, 8, ..."""
    resolutions = (2**i for i in range(2, int(math.log2(img_resolution)) + 1))
    return tuple(min(channel_base // r, channel_max) for r in resolutions)


class SynthesisLayer(nn.Module):
    """Modulated 3x3 convolution, noise, bias, leaky ReLU; doubles the size where ``up``."""

    resample_filter: Tensor
    noise_const: Tensor

    def __init__(
        self,
        config: GeneratorConfig,
        in_channels: int,
        out_channels: int,
        resolution: int,
        up: bool,
    ) -> None:
        super().__init__()
        self.resolution, self.up, self.conv_clamp = resolution, up, config.conv_clamp
        self._energy: tuple[Any, Tensor] | None = None  # see energy()
        self.affine = FullyConnected(config.w_dim, in_channels, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.register_buffer("resample_filter", make_filter(config.resample_filter))
        if config.use_noise:
            self.register_buffer("noise_const", torch.randn(resolution, resolution))
            self.noise_strength = nn.Parameter(torch.zeros([]))

    def forward(self, x: Tensor, style: Tensor, noise: Tensor | None) -> Tensor:
        """x [N, I, H, W], style [N, I], noise [R, R] or [N, 1, R, R] -> [N, O, R, R].

        lrelu(x)·√2 = lrelu(x·√2), so the gain goes into the small factors; what follows the
        convolution works in place, which is a tenth of a training step.
        """
        up = self.resample_filter if self.up else None
        x = modulated_conv2d(x, self.weight, style, up=up, gain=LRELU_GAIN,
                             bias=self.bias * LRELU_GAIN, energy=self.energy())  # fmt: skip
        scaled = None if noise is None else noise * (self.noise_strength * LRELU_GAIN)
        return activated(x, scaled, self.conv_clamp)

    @property
    def is_own(self) -> bool:
        """Whether its weights are its own and frozen, so that it may be run again later on."""
        own = self._parameters.values()
        return all(isinstance(p, nn.Parameter) and not p.requires_grad for p in own)

    def energy(self) -> Tensor | None:
        """``energy_of`` the weight, kept while that is frozen; None while it may change."""
        weight = self.weight
        if not isinstance(weight, nn.Parameter) or weight.requires_grad or weight.is_inference():
            return None
        key, kept = (weight.data_ptr(), weight._version, weight.device), self._energy
        if kept is None or kept[0] != key:
            with torch.inference_mode(False):  # whoever asks first, it must serve autograd later
                kept = self._energy = (key, energy_of(weight))
        return kept[1]


class ToRGBLayer(nn.Module):
    """Modulated 1x1 convolution to the picture's channels, without demodulation."""

    def __init__(self, config: GeneratorConfig, in_channels: int) -> None:
        super().__init__()
        self.conv_clamp = config.conv_clamp
        self.affine = FullyConnected(config.w_dim, in_channels, bias_init=1.0)
        count = config.img_channels + config.label_maps
        self.weight = nn.Parameter(torch.randn(count, in_channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(count))
        self.weight_gain = 1 / math.sqrt(in_channels)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """x [N, I, R, R], style [N, I] -> [N, 3, R, R]."""
        x = modulated_conv2d(x, self.weight, style, demodulate=False, gain=self.weight_gain,
                             bias=self.bias)  # fmt: skip
        return clamped(x, self.conv_clamp)


class ResidualLayer(nn.Module):
    """The way around a block's convolutions in the "resnet" architecture."""

    resample_filter: Tensor

    def __init__(self, config: GeneratorConfig, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 1, 1))
        self.register_buffer("resample_filter", make_filter(config.resample_filter))
        self.weight_gain = 1 / math.sqrt(in_channels)

    def forward(self, x: Tensor) -> Tensor:
        """[N, I, R, R] -> [N, O, 2R, 2R]."""
        x = F.conv2d(x, (self.weight * self.weight_gain).to(x.dtype))
        return upsample2d(x, self.resample_filter)


class SynthesisBlock(nn.Module):
    """The layers of one resolution: conv0 (doubles the size; absent at 4 px), conv1, torgb.

    Only "skip" has torgb in every block, the others in the last; only "resnet" has ``skip``.
    """

    resample_filter: Tensor
    torgb: ToRGBLayer | None
    skip: ResidualLayer | None

    def __init__(
        self, config: GeneratorConfig, in_channels: int, out_channels: int, resolution: int
    ) -> None:
        super().__init__()
        self.register_buffer("resample_filter", make_filter(config.resample_filter))
        if in_channels == 0:
            self.const = nn.Parameter(torch.randn(out_channels, resolution, resolution))
        else:
            self.conv0 = SynthesisLayer(config, in_channels, out_channels, resolution, up=True)
        self.conv1 = SynthesisLayer(config, out_channels, out_channels, resolution, up=False)
        summed = config.architecture == "skip" or resolution == config.img_resolution
        self.torgb = ToRGBLayer(config, out_channels) if summed else None
        residual = config.architecture == "resnet" and in_channels > 0
        self.skip = ResidualLayer(config, in_channels, out_channels) if residual else None

    def layers(self) -> dict[str, SynthesisLayer]:
        """The convolutions by name, in order."""
        return {name: m for name, m in self.named_children() if isinstance(m, SynthesisLayer)}


class SynthesisNetwork(nn.Module):
    """ws or styles -> picture, through skip outputs summed over the resolutions."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        in_channels = 0
        for resolution, channels in zip(config.block_resolutions, config.channels, strict=True):
            block = SynthesisBlock(config, in_channels, channels, resolution)
            self.add_module(f"b{resolution}", block)
            in_channels = channels

    def blocks(self, max_resolution: int | None = None) -> dict[int, SynthesisBlock]:
        """The blocks up to ``max_resolution`` pixels (None = all) by resolution."""
        known = self.config.block_resolutions
        if max_resolution is not None and max_resolution not in known:
            raise BadInput(f"There is no block of {max_resolution} px; choose from {known}.")
        last = max_resolution or known[-1]
        blocks = {r: self.get_submodule(f"b{r}") for r in known if r <= last}
        return {r: b for r, b in blocks.items() if isinstance(b, SynthesisBlock)}

    def styles(self, ws: Tensor, max_resolution: int | None = None) -> Styles:
        """The affine outputs of ws [N, num_ws, w_dim], before any gain: layer name -> [N, C].

        ToRGB reads the row of the next block's conv0, so rows are one per convolution plus one.
        """
        check_ws(ws, self.config)
        styles, row = {}, 0
        for resolution, block in self.blocks(max_resolution).items():
            for name, layer in block.layers().items():
                styles[f"b{resolution}.{name}"] = layer.affine(ws[:, row])
                row += 1
            if block.torgb is not None:
                styles[f"b{resolution}.torgb"] = block.torgb.affine(ws[:, row])
        return styles

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
            noise: maps [R, R] or [N, 1, R, R] by layer name ("b8.conv0"), used instead.
            max_resolution: stop at the skip output of this block.
            rng: source of random noise (None = torch's own).
            s_delta: offsets [C] or [N, C] by layer name, added to the styles.
            touch: sees what every layer gives, and decides what goes on from there.
        """
        check_noise_mode(noise_mode)
        styles = self.styles(latent, max_resolution) if isinstance(latent, Tensor) else latent
        styles = shifted(styles, s_delta or {})
        count = len(styles["b4.conv1"])

        def noise_of(name: str, layer: SynthesisLayer) -> Tensor | None:
            if not self.config.use_noise:
                return None
            return noise_map(layer.noise_const, noise_mode, (noise or {}).get(name), count, rng)

        x: Tensor | None = None
        img: Tensor | None = None
        for resolution, block in self.blocks(max_resolution).items():
            if x is None:
                x = block.const.expand(count, -1, -1, -1)
                x = x.contiguous(memory_format=torch.channels_last)
            around = None if block.skip is None else block.skip(x)
            for name, layer in block.layers().items():
                key = f"b{resolution}.{name}"
                given = (x, styles[key], noise_of(key, layer))
                numbers = count * layer.weight.shape[0] * resolution**2
                whole = layer.is_own and numbers >= LARGE
                x = touch(key, recomputed(layer, *given) if whole else layer(*given))
            if around is not None:
                x = (around + x) * math.sqrt(0.5)
            if block.torgb is not None:
                key = f"b{resolution}.torgb"
                rgb = touch(key, block.torgb(x, styles[key]).float())
                img = rgb if img is None else upsample2d(img, block.resample_filter) + rgb
        if img is None:
            raise BadInput(
                f"The {self.config.architecture!r} architecture has no picture at "
                f"{max_resolution} px; draw it whole."
            )
        return in_rgb(img)


Config = GeneratorConfig | StyleGAN1Config | StyleGAN3Config
FAMILIES: dict[str, type[Config]] = {
    "stylegan1": StyleGAN1Config,
    "stylegan2": GeneratorConfig,
    "stylegan3": StyleGAN3Config,
}


class Generator(nn.Module):
    """A generator of the family of its config; ``mapping``, ``styles``, ``synthesis`` are calls."""

    mapping: MappingNetwork | StyleGAN1Mapping
    synthesis: SynthesisNetwork | StyleGAN1Synthesis | StyleGAN3Synthesis

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.z_dim, self.w_dim, self.c_dim = config.z_dim, config.w_dim, config.c_dim
        self.num_ws, self.img_resolution = config.num_ws, config.img_resolution
        if isinstance(config, StyleGAN1Config):
            self.synthesis, self.mapping = StyleGAN1Synthesis(config), StyleGAN1Mapping(config)
        elif isinstance(config, StyleGAN3Config):
            self.synthesis, self.mapping = StyleGAN3Synthesis(config), MappingNetwork(config)
        else:
            self.synthesis, self.mapping = SynthesisNetwork(config), MappingNetwork(config)

    @property
    def family(self) -> str:
        """A name of FAMILIES."""
        return next(name for name, kind in FAMILIES.items() if type(self.config) is kind)

    @cached_property
    def latent_shapes(self) -> dict[str, tuple[int, ...]]:
        """What a latent may hold, by the names of a latent file: ws, noise/LAYER and so on."""
        device = next(self.parameters()).device
        with torch.no_grad():
            styles = self.styles(torch.zeros(1, self.num_ws, self.w_dim, device=device))
        shapes: dict[str, tuple[int, ...]] = {"ws": (1, self.num_ws, self.w_dim)}
        shapes |= {f"s_delta/{name}": (style.shape[1],) for name, style in styles.items()}
        for name, buffer in self.synthesis.named_buffers():
            layer, _, kind = name.rpartition(".")
            if kind == "noise_const":
                shapes[f"noise/{layer}"] = tuple(buffer.shape)
            elif name == PLACE:
                shapes[f"weight_delta/{name}"] = tuple(buffer.shape)
        for name, parameter in self.synthesis.named_parameters():
            shapes[f"weight_delta/{name}"] = tuple(parameter.shape)
        return shapes

    def styles(self, ws: Tensor) -> Styles:
        """StyleSpace: the affine outputs of ws [N, num_ws, w_dim], layer name -> [N, C]."""
        return self.synthesis.styles(ws)

    def forward(
        self,
        z: Tensor,
        c: Tensor | None = None,
        truncation_psi: float = 1.0,
        truncation_cutoff: int | None = None,
        noise_mode: str = "const",
    ) -> Tensor:
        """z [N, z_dim] -> picture [N, 3, R, R]."""
        ws = self.mapping(z, c, truncation_psi, truncation_cutoff)
        img: Tensor = self.synthesis(ws, noise_mode)
        return img


def fingerprint(net: nn.Module) -> str:
    """16 hex digits that change with any weight: SHA-256 over names, shapes and float32 bytes."""
    digest = hashlib.sha256()
    for name, tensor in sorted(net.state_dict().items()):
        values = tensor.detach().to("cpu", torch.float32).contiguous()
        digest.update(f"{name}{list(values.shape)}".encode())
        digest.update(values.numpy().tobytes())
    return digest.hexdigest()[:16]


def save_generator(path: Path | str, generator: Generator, half: bool = False) -> None:
    """Write a safetensors file whose metadata holds the config; ``half`` stores float16."""
    facts = {"family": generator.family, "config": dataclasses.asdict(generator.config)}
    write_tensors(path, generator.state_dict(), FORMAT, facts, half)


def load_generator(path: Path | str, device: str | torch.device = "cpu") -> Generator:
    """Read a file of ``save_generator`` as float32, frozen and in eval mode.

    Raises:
        MissingFile: there is no such file.
        UnsafeFile: the file is not a generator, or its weights do not fit its config.
    """
    state, metadata = read_tensors(path, FORMAT)
    with described(path):
        config = config_from(metadata["config"], metadata.get("family", "stylegan2"))
        with torch.device("meta"):  # no random weights that are thrown away at once
            generator = Generator(config)
        generator.load_state_dict(state, assign=True)
    return generator.eval().requires_grad_(False).to(device)


def config_from(values: Mapping[str, Any], family: str = "stylegan2") -> Config:
    """The inverse of ``asdict(config)`` after JSON, which has lists where the config has tuples."""
    fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    return FAMILIES[family](**fields)
