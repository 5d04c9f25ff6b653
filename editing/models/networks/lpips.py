"""VGG16 as an eye for likeness, and LPIPS (Zhang et al. 2018), its weights learnt from people.

Parameter names are those of torchvision's vgg16 (without its classifier).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Convolutions by their place in torchvision's list, a pooling (-1) before every new size.
LAYOUT = (0, 2, -1, 5, 7, -1, 10, 12, 14, -1, 17, 19, 21, -1, 24, 26, 28)
SIZES = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))  # the same, by size
STRIP = 64  # rows of a map, an even number
WIDTHS = (64, 128, 256, 512, 512)
LPIPS_TAPS = (2, 7, 14, 21, 28)  # the last convolution of every size, after its ReLU
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, for pictures in [0, 1]


@dataclass(frozen=True)
class VGGConfig:
    """What decides the shapes of a VGG16.

    widths: channels at the five sizes.
    lpips: whether it carries LPIPS's weights, one per channel of every tap.
    scaled: whether LPIPS scales pictures as ImageNet's are; its version 0.0 did not.
    """

    kind: str = "vgg16"
    widths: tuple[int, ...] = WIDTHS
    lpips: bool = False
    scaled: bool = True


class VGG16(nn.Module):
    """Pictures [N, 3, H, W] in [-1, 1], from 16 pixels -> maps of features."""

    def __init__(self, config: VGGConfig) -> None:
        super().__init__()
        self.config = config
        inputs, size = 3, 0
        self.convolutions = nn.ModuleDict()
        for place in LAYOUT:
            if place < 0:
                size += 1
                continue
            width = config.widths[size]
            self.convolutions[str(place)] = nn.Conv2d(inputs, width, 3, padding=1)
            inputs = width
        if config.lpips:
            for i, width in enumerate(config.widths):
                self.register_buffer(f"lpips{i}", torch.zeros(width))

    def maps(
        self, img: Tensor, taps: Sequence[int] = LPIPS_TAPS, scaled: bool = True
    ) -> Iterator[Tensor]:
        """The maps after the ReLUs of these convolutions, by torchvision's counting."""
        x = self._scaled(img, scaled)
        for place in LAYOUT:
            if place < 0:
                x = F.max_pool2d(x, 2)
                continue
            x = F.relu(self.convolutions[str(place)](x), inplace=True)
            if place in taps:
                yield x
            if place >= max(taps):
                return

    @staticmethod
    def _scaled(img: Tensor, scaled: bool) -> Tensor:
        mean, std = (img.new_tensor(values)[:, None, None] for values in (MEAN, STD))
        return ((img + 1) / 2 - mean) / std if scaled else img

    def taps(self, img: Tensor) -> Iterator[Tensor]:
        """The maps that LPIPS compares, one after the other, finest first."""
        yield from self.maps(img, scaled=self.config.scaled)

    def strips(self, img: Tensor) -> Iterator[tuple[int, Tensor]]:
        """``taps`` in strips from top to bottom, each with the number of its tap, from 0.

        Only strips of the finest maps are ever there: whole ones of 1024 px take 0.3 GB each.
        """
        x = self._scaled(img, self.config.scaled)
        for tap, places in enumerate(SIZES):
            pooled = []
            for top in range(0, x.shape[2], STRIP):
                strip = self._strip(x, places, top)
                yield tap, strip
                if tap < len(SIZES) - 1:
                    pooled.append(F.max_pool2d(strip, 2))
            x = torch.cat(pooled, dim=2) if pooled else x

    def _strip(self, x: Tensor, places: Sequence[int], top: int) -> Tensor:
        """Rows from ``top`` of what these convolutions make of x.

        A convolution sees one row more on either side, and what it makes of a rim that is not the
        picture's own is wrong by as much.
        """
        above = min(top, len(places))
        rows = min(STRIP, x.shape[2] - top)
        x = x[:, :, top - above : top + rows + len(places)]
        for place in places:
            x = F.relu(self.convolutions[str(place)](x), inplace=True)
        return x[:, :, above : above + rows]

    def features(self, img: Tensor) -> list[Tensor]:
        """All of ``taps``."""
        return list(self.taps(img))

    @property
    def tap_scales(self) -> list[Tensor] | None:
        """Factors [C, 1, 1] for the unit features, so that ``metrics`` gives LPIPS itself.

        LPIPS sums w·(difference)² over channels and taps; ``feature_distance`` means over taps.
        """
        if not self.config.lpips:
            return None
        count = len(self.config.widths)
        weights = [self.get_buffer(f"lpips{i}") for i in range(count)]
        return [(w.clamp(min=0) * count).sqrt()[:, None, None] for w in weights]
