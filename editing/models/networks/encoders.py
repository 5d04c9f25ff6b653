"""Encoders of other systems, which guess a picture's ws: pSp, e4e, ReStyle, and idinvert's.

Richardson et al. 2021 (pSp), Tov et al. 2021 (e4e), Alaluf et al. 2021 (ReStyle), Zhu et al. 2020
(idinvert). Parameter names are those of the public checkpoints, so their state dicts load strictly.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from editing.errors import BadInput
from editing.models.generators.generator import Generator
from editing.models.generators.ops import FullyConnected
from editing.models.networks.arcface import Trunk, resized

SIDE = 256  # pixels of the pictures that all of them look at
COARSE, MIDDLE = 3, 7  # rows of ws from which the 32 and the 64 pixel maps are read
SLOPE = 0.01  # of the heads' leaky ReLU
IDINVERT_SLOPE = 0.2


@dataclass(frozen=True)
class StyleEncoderConfig:
    """What decides the shapes of an encoder with an IR-SE50 trunk.

    heads: "pyramid" (pSp, e4e: rows read from maps of 16, 32, 64 pixels), "last" (ReStyle: all rows
        from 16 pixels) or "pooled" (one w from the last maps' mean).
    offsets: row 0 is a w, the other rows differences to it (e4e).
    compares: it sees its own last guess beside the picture (ReStyle), ``iterations`` times.
    """

    kind: str = "style encoder"
    num_ws: int = 18
    w_dim: int = 512
    widths: tuple[int, ...] = (64, 64, 128, 256, 512)
    heads: str = "pyramid"
    offsets: bool = False
    compares: bool = False
    iterations: int = 5

    def __post_init__(self) -> None:
        if self.heads not in ("pyramid", "last", "pooled") or not (
            1 <= self.num_ws <= 64 and 1 <= self.iterations <= 100 and len(self.widths) == 5
        ):
            raise BadInput(
                f"An encoder with {self.heads!r} heads for {self.num_ws} rows, {len(self.widths)} "
                f"widths and {self.iterations} iterations is not possible; use pyramid, last or "
                "pooled heads for 1 to 64 rows, 5 widths and 1 to 100 iterations."
            )


class StyleHead(nn.Module):
    """Maps [N, C, size, size] -> one row, [N, w_dim]: convolutions of stride 2, then linear."""

    def __init__(self, channels: int, w_dim: int, size: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for i in range(int(math.log2(size))):
            layers += [nn.Conv2d(channels if i == 0 else w_dim, w_dim, 3, 2, 1)]
            layers += [nn.LeakyReLU(SLOPE)]
        self.convs = nn.Sequential(*layers)
        self.linear = FullyConnected(w_dim, w_dim)

    def forward(self, x: Tensor) -> Tensor:
        row: Tensor = self.linear(self.convs(x).flatten(1))
        return row


class StyleEncoder(Trunk):
    """Pictures [N, 3, H, W] in [-1, 1], aligned -> ws."""

    latent_avg: Tensor  # [num_ws, w_dim], what all guesses start from

    def __init__(self, config: StyleEncoderConfig) -> None:
        super().__init__(6 if config.compares else 3, config.widths)
        self.config = config
        last = config.widths[-1]
        self.register_buffer("latent_avg", torch.zeros(config.num_ws, config.w_dim))
        if config.heads == "pooled":
            self.linear = FullyConnected(last, config.w_dim)
            return
        sizes = [SIDE // 16] * config.num_ws
        if config.heads == "pyramid":
            self.latlayer1 = nn.Conv2d(config.widths[-2], last, 1)
            self.latlayer2 = nn.Conv2d(config.widths[-3], last, 1)
            sizes = [16 if i < COARSE else 32 if i < MIDDLE else 64 for i in range(config.num_ws)]
        self.styles = nn.ModuleList(StyleHead(last, config.w_dim, size) for size in sizes)

    def forward(self, pictures: Tensor) -> Tensor:
        """[N, 3 or 6, 256, 256] -> what is added to the start, [N, num_ws, w_dim]."""
        _, fine, middle, coarse = self.stages(pictures)
        if self.config.heads == "pooled":
            w: Tensor = self.linear(coarse.mean((2, 3)))
            return w[:, None].expand(-1, self.config.num_ws, -1)
        maps = [coarse]
        if self.config.heads == "pyramid":
            maps.append(_added(maps[-1], self.latlayer1(middle)))
            maps.append(_added(maps[-1], self.latlayer2(fine)))
        sources = [maps[0 if i < COARSE else 1 if i < MIDDLE else 2] if len(maps) > 1 else coarse
                   for i in range(self.config.num_ws)]  # fmt: skip
        rows = [head(source) for head, source in zip(self.styles, sources, strict=True)]
        if self.config.offsets:
            rows[1:] = [rows[0] + row for row in rows[1:]]
        return torch.stack(rows, dim=1)

    def encode(self, img: Tensor, generator: Generator) -> Tensor:
        """ws [N, num_ws, w_dim] of pictures [N, 3, H, W] in [-1, 1]."""
        check_rows(self.config.num_ws, self.config.w_dim, generator)
        img = resized(img, SIDE)
        ws = self.latent_avg.expand(len(img), -1, -1)
        if not self.config.compares:
            return ws + self.forward(img)
        for _ in range(self.config.iterations):
            drawn = F.adaptive_avg_pool2d(generator.synthesis(ws), SIDE)
            ws = ws + self.forward(torch.cat([img, drawn], dim=1))
        return ws


def _added(small: Tensor, large: Tensor) -> Tensor:
    """Two maps of different size, added at the larger one."""
    size = large.shape[-2:]
    return F.interpolate(small, size, mode="bilinear", align_corners=True) + large


def check_rows(num_ws: int, w_dim: int, generator: Generator) -> None:
    """Refuse a generator whose ws have another shape.

    Raises:
        BadInput: says both shapes.
    """
    if (num_ws, w_dim) != (generator.num_ws, generator.w_dim):
        raise BadInput(
            f"The encoder makes {num_ws} rows of {w_dim} numbers, but this generator takes "
            f"{generator.num_ws} of {generator.w_dim}; use the encoder trained for it."
        )


@dataclass(frozen=True)
class InDomainConfig:
    """What decides the shapes of idinvert's encoder; ``widths`` of all blocks but the last."""

    kind: str = "idinvert encoder"
    widths: tuple[int, ...] = (64, 128, 256, 512, 1024, 1024, 1024)
    num_ws: int = 14
    w_dim: int = 512
    normalised: bool = True  # with batch normalisation

    @property
    def side(self) -> int:
        """Pixels of the pictures it takes."""
        return 2 << len(self.widths)


class Shift(nn.Module):
    """A bias per channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias[:, None, None]


class Normalised(nn.Module):
    """Batch normalisation under the name ``bn``."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        normalised: Tensor = self.bn(x)
        return normalised


class InDomainBlock(nn.Module):
    """First block: one convolution. Others: two, and a way around them."""

    def __init__(self, inputs: int, outputs: int, first: bool, normalised: bool) -> None:
        super().__init__()
        hidden = min(inputs, outputs)

        def norm(channels: int) -> nn.Module:
            return Normalised(channels) if normalised else nn.Identity()

        self.first = first
        self.conv: nn.Module | None = None
        if first or inputs != outputs:
            size = 3 if first else 1
            self.conv = nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False)
            self.bn = norm(outputs)
        if not first:
            self.conv1 = nn.Conv2d(inputs, hidden, 3, padding=1, bias=False)
            self.wscale1, self.bn1 = Shift(hidden), norm(hidden)
            self.conv2 = nn.Conv2d(hidden, outputs, 3, padding=1, bias=False)
            self.wscale2, self.bn2 = Shift(outputs), norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        around = x if self.conv is None else F.leaky_relu(self.bn(self.conv(x)), IDINVERT_SLOPE)
        if self.first:
            return around
        x = F.leaky_relu(self.bn1(self.wscale1(self.conv1(x))), IDINVERT_SLOPE)
        x = F.leaky_relu(self.bn2(self.wscale2(self.conv2(x))), IDINVERT_SLOPE)
        return x + around


class InDomainHead(nn.Module):
    """[N, C, 4, 4] -> [N, num_ws · w_dim]."""

    def __init__(self, inputs: int, outputs: int, normalised: bool) -> None:
        super().__init__()
        self.fc = nn.Linear(inputs, outputs, bias=False)
        self.bn = Normalised(outputs) if normalised else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.fc(x.flatten(1)) / math.sqrt(self.fc.in_features)
        rows: Tensor = self.bn(y[:, :, None, None]).flatten(1)
        return rows


class InDomainEncoder(nn.Module):
    """Pictures [N, 3, H, W] in [-1, 1], aligned -> ws."""

    def __init__(self, config: InDomainConfig) -> None:
        super().__init__()
        self.config = config
        inputs = 3
        for i, width in enumerate(config.widths):
            self.add_module(f"block{i}", InDomainBlock(inputs, width, i == 0, config.normalised))
            inputs = width
        outputs = config.num_ws * config.w_dim
        head = InDomainHead(16 * inputs, outputs, config.normalised)
        self.add_module(f"block{len(config.widths)}", head)

    def forward(self, img: Tensor) -> Tensor:
        """Pictures of ``config.side`` pixels -> ws [N, num_ws, w_dim]."""
        count = len(self.config.widths)
        x = img
        for i in range(count + 1):
            x = F.avg_pool2d(x, 2) if 0 < i < count else x
            x = self.get_submodule(f"block{i}")(x)
        return x.reshape(len(img), self.config.num_ws, self.config.w_dim)

    def encode(self, img: Tensor, generator: Generator) -> Tensor:
        """ws [N, num_ws, w_dim] of pictures [N, 3, H, W] in [-1, 1]."""
        check_rows(self.config.num_ws, self.config.w_dim, generator)
        ws: Tensor = self(resized(img, self.config.side))
        return ws
