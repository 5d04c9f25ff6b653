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
        mean, std = (img.new_tensor(values)[:, None, None] for values in (MEAN, STD))
        x = ((img + 1) / 2 - mean) / std if scaled else img
        for place in LAYOUT:
            if place < 0:
                x = F.max_pool2d(x, 2)
                continue
            x = F.relu(self.convolutions[str(place)](x))
            if place in taps:
                yield x
            if place >= max(taps):
                return

    def features(self, img: Tensor) -> list[Tensor]:
        """The maps that LPIPS compares, finest first."""
        return list(self.maps(img, scaled=self.config.scaled))

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
