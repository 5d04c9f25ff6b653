"""The deghosting network: what shimmers through at the edges of a composite is drawn over.

After arXiv 2207.08134, section 3.3: an encoder finds the composite's latent, the domain's generator
draws from it, and a decoder joins the generator's activations, at every resolution, with what an
encoder of the composite itself saw there. What is ours: the latent comes from the domain's own
encoder, which is trained already; the decoder's answer is added to the composite, so that an
untrained network changes nothing; and only that change is enlarged, so that a photo keeps its own
detail (the published method draws everything anew from 128 px).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from editing.errors import BadInput
from editing.io.tensors import read_module, write_tensors
from editing.models.generators.generator import Generator, GeneratorConfig
from editing.models.networks.arcface import resized
from editing.models.networks.picture_nets import Encoder

FORMAT = "latent-studio deghosting 1"
SLOPE = 0.2
Prior = Mapping[int, Tensor]  # resolution -> the generator's activations [N, C, r, r]


@dataclass(frozen=True)
class DeghostingConfig:
    """What decides the network's shapes.

    prior: channels of the generator's blocks 4, 8, ... px; the last one's resolution is the
        network's own.
    widths: its own channels at the same resolutions.
    fingerprint: of the generator; "" = any.
    """

    prior: tuple[int, ...]
    widths: tuple[int, ...] = (96, 96, 96, 64, 48, 24)
    fingerprint: str = ""

    def __post_init__(self) -> None:
        if len(self.prior) != len(self.widths) or len(self.prior) < 2:
            raise BadInput(
                f"{len(self.widths)} widths do not fit the generator's {len(self.prior)} blocks; "
                "give one for each, from 4 px up."
            )

    @property
    def resolution(self) -> int:
        """Pixels a side of what it sees and answers."""
        return int(4 * 2 ** (len(self.widths) - 1))

    @property
    def resolutions(self) -> tuple[int, ...]:
        return tuple(4 * 2**i for i in range(len(self.widths)))


def config_for(
    generator: Generator, resolution: int, widths: tuple[int, ...], fingerprint: str = ""
) -> DeghostingConfig:
    """The config of a network of at most ``resolution`` px on top of a StyleGAN2.

    Raises:
        BadInput: a generator of another family.
    """
    if not isinstance(generator.config, GeneratorConfig):
        raise BadInput(
            f"Deghosting takes a StyleGAN2's activations, and this is a {generator.family}; "
            "use the fused picture as it is."
        )
    blocks = zip(generator.config.block_resolutions, generator.config.channels, strict=True)
    prior = tuple(channels for side, channels in blocks if side <= resolution)
    return DeghostingConfig(prior, widths[: len(prior)], fingerprint)


class Deghosting(nn.Module):
    """Composites and the generator's activations for them -> composites without ghosts."""

    def __init__(self, config: DeghostingConfig) -> None:
        super().__init__()
        self.config = config
        sides, widths = config.resolutions, config.widths
        self.stem = nn.Conv2d(3, widths[-1], 3, 1, 1)
        self.down, self.taken, self.joined = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleDict()
        for i, (side, prior, width) in enumerate(zip(sides, config.prior, widths, strict=True)):
            coarser = widths[i - 1] if i else 0
            if i:
                self.down[str(side)] = nn.Conv2d(width, coarser, 3, 2, 1)
            self.taken[str(side)] = nn.Conv2d(prior, width, 1)
            self.joined[str(side)] = nn.Conv2d(2 * width + coarser, width, 3, 1, 1)
        self.last = nn.Conv2d(widths[-1], 3, 3, 1, 1)
        for parameter in self.last.parameters():
            nn.init.zeros_(parameter)

    def forward(self, fused: Tensor, prior: Prior) -> Tensor:
        """[N, 3, R, R] in [-1, 1], R = ``config.resolution`` -> the same, not clamped."""
        sides = self.config.resolutions
        x = F.leaky_relu(self.stem(fused), SLOPE)
        seen = {sides[-1]: x}
        for side, coarser in zip(sides[:0:-1], sides[-2::-1], strict=True):
            x = F.leaky_relu(self.down[str(side)](x), SLOPE)
            seen[coarser] = x
        y: Tensor | None = None
        for side in sides:
            drawn = F.leaky_relu(self.taken[str(side)](prior[side]), SLOPE)
            parts = [drawn, seen[side]]
            if y is not None:
                parts.append(F.interpolate(y, scale_factor=2.0, mode="nearest"))
            y = F.leaky_relu(self.joined[str(side)](torch.cat(parts, 1)), SLOPE)
        change: Tensor = self.last(y)
        return fused + change


def prior_of(ws: Tensor, generator: Generator, resolution: int) -> dict[int, Tensor]:
    """What the generator's blocks up to ``resolution`` px hold while drawing ws, by resolution."""
    found: dict[int, Tensor] = {}

    def keep(name: str, x: Tensor) -> Tensor:
        if name.endswith(".conv1"):  # a block's last convolution
            found[x.shape[-1]] = x
        return x

    generator.synthesis(ws, max_resolution=resolution, touch=keep)
    return found


@torch.no_grad()
def without_ghosts(
    net: Deghosting, fused: Tensor, encoder: Encoder, generator: Generator
) -> Tensor:
    """The change [N, 3, P, P] that takes the ghosts out of composites [N, 3, P, P]."""
    side = net.config.resolution
    small = resized(fused, side)
    prior = prior_of(encoder.encode(small, generator), generator, side)
    change = net(small, prior).clamp(-1, 1) - small.clamp(-1, 1)
    return F.interpolate(change, fused.shape[-2:], mode="bicubic", align_corners=False)


def save_deghosting(path: Path | str, net: Deghosting) -> None:
    """Write a safetensors file in half precision whose metadata holds the config."""
    write_tensors(path, net.state_dict(), FORMAT, {"config": asdict(net.config)}, half=True)


def load_deghosting(path: Path | str, device: str | torch.device = "cpu") -> Deghosting:
    """Read a file of ``save_deghosting``.

    Raises:
        MissingFile: there is no such file.
        UnsafeFile: the file holds something else, or its weights do not fit its config.
    """
    return read_module(path, FORMAT, lambda c: Deghosting(DeghostingConfig(**c)), device)
