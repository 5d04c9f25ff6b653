"""Networks that read pictures: encoder, scorer, judge, perceptual, identity.

The bundled ones are one class in two architectures, so that the judge shares neither weights nor
structure with what it judges; those of other systems stand in modules of their own. Files are
safetensors with the config in their metadata.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from editing.errors import BadInput, UnsafeFile
from editing.io.tensors import (
    Pending,
    described,
    read_metadata,
    read_module,
    write_pending,
    write_tensors,
)
from editing.models.generators.generator import Generator
from editing.models.networks.arcface import ArcFace, ArcFaceConfig, resized
from editing.models.networks.encoders import (
    InDomainConfig,
    InDomainEncoder,
    StyleEncoder,
    StyleEncoderConfig,
)
from editing.models.networks.lpips import VGG16, VGGConfig

FORMAT = "latent-studio picture net 1"


@dataclasses.dataclass(frozen=True)
class PictureNetConfig:
    """What decides a network's shapes.

    kind: "residual" (He et al. 2016, pre-pooled by strides) or "plain" (convolutions and max
        pooling as in Simonyan and Zisserman 2015).
    resolution: pictures are brought to this many pixels a side first.
    channels: width of the stem and of every stage; each halves the size.
    outputs: names of the outputs, in order; empty where they have none.
    num_outputs: how many there are.
    grid: the head sees the last stage pooled to grid x grid places.
    hidden: width of the head's hidden layer; 0 = a linear head.
    """

    kind: str = "residual"
    resolution: int = 128
    channels: tuple[int, ...] = (24, 48, 96, 160)
    outputs: tuple[str, ...] = ()
    num_outputs: int = 0
    grid: int = 1
    hidden: int = 0

    def __post_init__(self) -> None:
        if self.kind not in ("residual", "plain"):
            raise BadInput(f"There is no network kind {self.kind!r}; use 'residual' or 'plain'.")
        if self.outputs and self.num_outputs != len(self.outputs):
            raise BadInput(
                f"{self.num_outputs} outputs cannot carry {len(self.outputs)} names; "
                "give as many names as outputs, or none."
            )


def conv_unit(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """3x3 convolution and batch normalisation."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
    )


class ResidualStage(nn.Module):
    """[N, inputs, R, R] -> [N, outputs, R/2, R/2]."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = conv_unit(inputs, outputs, stride=2)
        self.second = conv_unit(outputs, outputs)
        self.skip = nn.Sequential(
            nn.AvgPool2d(2), nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs)
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.second(F.relu(self.first(x)))
        return F.relu(y + self.skip(x))


class PlainStage(nn.Module):
    """[N, inputs, R, R] -> [N, outputs, R/2, R/2]."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = conv_unit(inputs, outputs)
        self.second = conv_unit(outputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = F.silu(self.first(F.max_pool2d(x, 2)))
        return F.silu(self.second(x))


class PictureNet(nn.Module):
    """Pictures [N, 3, H, W] in [-1, 1], any size -> [N, num_outputs]."""

    tap_scales: list[Tensor] | None = None  # of ``features``, where some count more than others

    def __init__(self, config: PictureNetConfig) -> None:
        super().__init__()
        self.config = config
        width = config.channels[0]
        stage = ResidualStage if config.kind == "residual" else PlainStage
        self.stem = conv_unit(3, width, stride=2 if config.kind == "residual" else 1)
        self.stages = nn.ModuleList(
            stage(a, b) for a, b in zip(config.channels, config.channels[1:], strict=False)
        )
        read = config.channels[-1] * config.grid**2
        layers: list[nn.Module] = []
        if config.hidden:
            layers += [nn.Linear(read, config.hidden), nn.LeakyReLU(0.2)]
            read = config.hidden
        self.head = nn.Sequential(*layers, nn.Linear(read, config.num_outputs))

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs, in order."""
        return self.config.outputs

    def taps(self, img: Tensor) -> Iterator[Tensor]:
        """The maps after the stem and every stage, [N, C, R, R], finest first."""
        x = F.relu(self.stem(resized(img, self.config.resolution)))
        yield x
        for stage in self.stages:
            x = stage(x)
            yield x

    def strips(self, img: Tensor) -> Iterator[tuple[int, Tensor]]:
        """``taps``, each with its number, from 0; see ``VGG16.strips``."""
        yield from enumerate(self.taps(img))

    def features(self, img: Tensor) -> list[Tensor]:
        """The maps after the stem and every stage, finest first."""
        return list(self.taps(img))

    def forward(self, img: Tensor) -> Tensor:
        *_, last = self.taps(img)
        pooled = F.adaptive_avg_pool2d(last, self.config.grid).flatten(1)
        read: Tensor = self.head(pooled.float())
        return read

    def encode(self, img: Tensor, generator: Generator) -> Tensor:
        """An encoder's guess: outputs are ws minus w_avg, of all rows or one for all.

        [N, 3, H, W] -> ws [N, num_ws, w_dim].
        """
        deviation = self(img).reshape(len(img), -1, generator.w_dim)
        ws: Tensor = generator.mapping.w_avg + deviation.expand(-1, generator.num_ws, -1)
        return ws


Encoder = PictureNet | StyleEncoder | InDomainEncoder
Eye = PictureNet | VGG16  # tells how alike two pictures are
IdentityNet = PictureNet | ArcFace
Net = PictureNet | StyleEncoder | InDomainEncoder | VGG16 | ArcFace
NetConfig = PictureNetConfig | StyleEncoderConfig | InDomainConfig | VGGConfig | ArcFaceConfig
CONFIGS: dict[str, type[NetConfig]] = {
    "residual": PictureNetConfig,
    "plain": PictureNetConfig,
    "style encoder": StyleEncoderConfig,
    "idinvert encoder": InDomainConfig,
    "vgg16": VGGConfig,
    "arcface": ArcFaceConfig,
}
# What may serve as which part of a domain.
SERVES: dict[str, tuple[type[Net], ...]] = {
    "encoder": (PictureNet, StyleEncoder, InDomainEncoder),
    "perceptual": (PictureNet, VGG16),
    "identity": (PictureNet, ArcFace),
}


def make_net(config: NetConfig) -> Net:
    """The untrained network of a config."""
    if isinstance(config, StyleEncoderConfig):
        return StyleEncoder(config)
    if isinstance(config, InDomainConfig):
        return InDomainEncoder(config)
    if isinstance(config, VGGConfig):
        return VGG16(config)
    return ArcFace(config) if isinstance(config, ArcFaceConfig) else PictureNet(config)


def save_picture_net(path: Path | str, net: Net, half: bool = True) -> None:
    """Write a safetensors file whose metadata holds the config; ``half`` stores float16."""
    write_tensors(path, net.state_dict(), FORMAT, {"config": dataclasses.asdict(net.config)}, half)


def write_picture_net(path: Path | str, config: NetConfig, tensors: Mapping[str, Pending]) -> None:
    """The file of ``save_picture_net``, of weights that are loaded one after the other."""
    facts = json.dumps({"config": dataclasses.asdict(config)})
    write_pending(path, tensors, {"format": FORMAT, "metadata": facts})


def read_net_config(path: Path) -> NetConfig:
    """The config of a file of ``save_picture_net``, its weights not read.

    Raises:
        MissingFile, UnsafeFile: as ``load_picture_net``.
    """
    values = read_metadata(path, FORMAT)
    with described(path):
        fields: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in values["config"].items()
        }
        return CONFIGS[fields["kind"]](**fields)


def load_picture_net(
    path: Path | str, device: str | torch.device = "cpu", part: str = "scorer"
) -> Any:
    """Read a file of ``save_picture_net`` as float32, frozen and in eval mode.

    Args:
        part: of a domain, as which it must be able to serve; a scorer or judge is a ``PictureNet``.

    Raises:
        MissingFile: there is no such file.
        UnsafeFile: the file holds something else, or its weights do not fit its config.
    """
    net: Net = read_module(
        path, FORMAT, lambda values: make_net(CONFIGS[values["kind"]](**values)), device
    )
    if not isinstance(net, SERVES.get(part, PictureNet)):
        raise UnsafeFile(
            f"{path} holds a {net.config.kind}, which cannot serve as {part}; name another file."
        )
    return net
