"""IR-SE50, a residual network with squeeze and excitation, and ArcFace, which tells who it is.

He et al. 2016 (identity mappings), Hu et al. 2018 (squeeze and excitation), Deng et al. 2019
(ArcFace). Parameter names are those of the public checkpoints, so their state dicts load strictly.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

UNITS = (3, 4, 14, 3)  # of the four stages, each of which halves the picture
FIRST = (0, 3, 7, 21)  # unit of every stage
SQUEEZE = 16  # channels for one of the bottleneck that weighs them
FACE = (35, 223, 32, 220)  # rows and columns of the face in an aligned picture of 256 pixels
SEEN = 112  # pixels a side that ArcFace looks at


class Excitation(nn.Module):
    """Channels weighed by what all of them show on average."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // SQUEEZE, 1, bias=False)
        self.fc2 = nn.Conv2d(channels // SQUEEZE, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        weights = self.fc2(F.relu(self.fc1(x.mean((2, 3), keepdim=True))))
        weighed: Tensor = x * weights.sigmoid()
        return weighed


class Unit(nn.Module):
    """[N, inputs, R, R] -> [N, outputs, R/stride, R/stride]."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.shortcut_layer: nn.Module | None = None
        if inputs != outputs:
            self.shortcut_layer = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False),
            nn.PReLU(outputs),
            nn.Conv2d(outputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            Excitation(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        shortcut = self.shortcut_layer
        around = x[:, :, :: self.stride, :: self.stride] if shortcut is None else shortcut(x)
        y: Tensor = self.res_layer(x) + around
        return y


class Trunk(nn.Module):
    """Pictures [N, inputs, R, R] -> maps of R/16 pixels.

    Args:
        inputs: channels of the picture; 6 where two are compared.
        widths: channels of the stem and of the four stages.
    """

    def __init__(self, inputs: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        stem = widths[0]
        self.input_layer = nn.Sequential(
            nn.Conv2d(inputs, stem, 3, 1, 1, bias=False), nn.BatchNorm2d(stem), nn.PReLU(stem)
        )
        units = []
        for before, width, count in zip(widths, widths[1:], UNITS, strict=False):
            units += [Unit(before if i == 0 else width, width, 2 - (i > 0)) for i in range(count)]
        self.body = nn.ModuleList(units)

    def stages(self, x: Tensor) -> Iterator[Tensor]:
        """The maps after every stage: R/2, R/4, R/8, R/16 pixels."""
        x = self.input_layer(x)
        units = iter(self.body)
        for count in UNITS:
            for _ in range(count):
                x = next(units)(x)
            yield x


def resized(img: Tensor, side: int) -> Tensor:
    """Pictures [N, C, H, W] brought to [N, C, side, side]."""
    if img.shape[-2:] == (side, side):
        return img
    return F.interpolate(img, (side, side), mode="bilinear", antialias=True)


@dataclass(frozen=True)
class ArcFaceConfig:
    """What decides the shapes of the identity network."""

    kind: str = "arcface"
    widths: tuple[int, ...] = (64, 64, 128, 256, 512)
    num_outputs: int = 512
    size: int = SEEN // 16  # pixels of the last maps


class ArcFace(Trunk):
    """Aligned pictures [N, 3, H, W] in [-1, 1] -> embeddings [N, num_outputs] of length 1."""

    def __init__(self, config: ArcFaceConfig) -> None:
        super().__init__(3, config.widths)
        self.config = config
        last = config.widths[-1]
        self.output_layer = nn.Sequential(
            nn.BatchNorm2d(last),
            nn.Dropout(),
            nn.Flatten(),
            nn.Linear(last * config.size**2, config.num_outputs),
            nn.BatchNorm1d(config.num_outputs),
        )

    def forward(self, img: Tensor) -> Tensor:
        top, bottom, left, right = FACE
        face = resized(img, 256)[:, :, top:bottom, left:right]
        *_, last = self.stages(F.adaptive_avg_pool2d(face, 16 * self.config.size))
        return F.normalize(self.output_layer(last), dim=1)
