"""How far a drawn picture and its latent are from where a search wants them.

    loss = Σ weight · loss     over the losses of ``LossWeights``

Those of the picture pull it towards the target (Abdal et al. 2019, Image2StyleGAN); those of the
latent keep it where the generator has been trained: ``prior`` is the mean squared coordinate of
the mean row in whitened W, 1 for a typical sample; ``spread`` the same of the rows' deviations from
it, 0 for a sample (Tov et al. 2021, e4e: close to W means editable); ``in_domain`` asks that the
encoder reads the latent back out of the picture (Zhu et al. 2020, idinvert). They make a real photo
a person of the domain's world instead of a patchwork with a lower pixel error that no edit suits.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from editing.errors import BadInput
from editing.inversion.options import LossWeights
from editing.models.domain import has_fast_bf16
from editing.models.networks.picture_nets import PictureNet
from editing.models.whitening import whitening
from editing.pictures.metrics import feature_distance, unit_features

if TYPE_CHECKING:
    from editing.models.domain import Domain
    from editing.models.networks.picture_nets import Eye

VGG_TAPS = (0, 2, 12, 19)  # conv1_1, conv1_2, conv3_2, conv4_2 (Image2StyleGAN, section 5.1)
VGG_SIDE = 256  # pixels it looks at; as NVIDIA's projector does, a search at most, too
MS_SSIM_SHARES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang et al. 2003, finest first
WINDOW, WINDOW_SIGMA = 11, 1.5
C1, C2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2  # for the range of 2 from -1 to 1


class Glance:
    """The perceptual network as a search looks through it: in bf16 where that is faster, at the
    size of what it is shown, where that is smaller than the network's own, and at ``VGG_SIDE``
    where it is larger: the gradient of a network at 1024 px takes gigabytes."""

    def __init__(self, net: Eye, side: int, fast: bool) -> None:
        self.net, self.fast = net, fast
        self.shrinks = side > VGG_SIDE
        if isinstance(net, PictureNet) and net.config.resolution > side:
            own = copy.copy(net)  # the same weights
            own.config = replace(net.config, resolution=side)
            self.net = own

    @property
    def tap_scales(self) -> list[Tensor] | None:
        return self.net.tap_scales

    def features(self, img: Tensor) -> list[Tensor]:
        if self.shrinks:
            img = functional.interpolate(img, (VGG_SIDE, VGG_SIDE), mode="area")
        with torch.autocast(img.device.type, torch.bfloat16, enabled=self.fast):
            taps = self.net.features(img)
        return [tap.float() for tap in taps]


class Goal:
    """Target pictures, where they count, and what the losses need of them, computed once."""

    def __init__(
        self,
        targets: Tensor,
        domain: Domain,
        weights: LossWeights,
        mask: Tensor | None = None,
        fast: bool = False,
        also: Mapping[str, Goal] | None = None,
    ) -> None:
        """What pictures shall come near.

        Args:
            targets: [N, 3, R, R] in [-1, 1].
            mask: [1, 1, R, R] in [0, 1], 1 = here it counts; None = everywhere.
            fast: look at half precision, and at small pictures as they are; for a search on its
                way, not for a measure.
            also: goals whose totals are added, such as what another region shall be like; by names
                that no loss has.
        """
        self.fast = fast
        device = domain.generator.mapping.w_avg.device
        self.domain, self.weights = domain, weights
        self.targets = targets.detach().to(device, torch.float32, copy=True)
        self.mask = None if mask is None else mask.detach().to(device, torch.float32)
        self.area = 1.0 if self.mask is None else float(self.mask.mean())
        self.also = dict(also or {})
        self.whitening = whitening(domain.generator)

    def quick(self) -> Goal:
        """The same goal as a search looks at it on its way: see ``fast``."""
        also = {name: goal.quick() for name, goal in self.also.items()}
        return Goal(self.targets, self.domain, self.weights, self.mask, True, also)

    @cached_property
    def features(self) -> list[Tensor]:
        return unit_features(self.eye, self.targets)

    @cached_property
    def eye(self) -> Any:
        net = self.domain.perceptual
        if not self.fast:
            return net
        return Glance(net, self.targets.shape[-1], has_fast_bf16(self.targets.device.type))

    @cached_property
    def vgg_maps(self) -> list[Tensor]:
        return _vgg_maps(self.domain, self.targets)

    @cached_property
    def faces(self) -> Tensor:
        return _identity(self.domain, self.targets)

    @cached_property
    def style(self) -> list[Tensor]:
        return grams(unit_features(self.eye, self.targets), self.mask)

    def losses(self, img: Tensor, ws: Tensor | None = None) -> dict[str, Tensor]:
        """Weighted sum under "total" and each loss unweighted, [N]; unused losses are absent.

        Args:
            img: the pictures [N, 3, R, R] of ``ws``.
            ws: [N, num_ws, w_dim], or one row for all; None leaves the losses of the latent out.
        """
        losses = self.picture_losses(img)
        if ws is not None:
            losses |= self.latent_losses(img, ws)
        total = [getattr(self.weights, name) * value for name, value in losses.items()]
        also = {name: goal.losses(img)["total"] for name, goal in self.also.items()}
        losses |= also
        total += also.values()
        losses["total"] = torch.stack(total).sum(0) if total else img.sum((1, 2, 3)) * 0
        return losses

    def seen(self, img: Tensor) -> Tensor:
        """The picture where it counts, the target elsewhere: no loss looks further."""
        return img if self.mask is None else torch.lerp(self.targets, img, self.mask)

    def pixel(self, img: Tensor) -> Tensor:
        """Mean squared difference over the region, [N]."""
        return (self.seen(img) - self.targets).square().mean((1, 2, 3)) / self.area

    def picture_losses(self, img: Tensor) -> dict[str, Tensor]:
        weights, seen, losses = self.weights, self.seen(img), {}
        if weights.pixel:
            losses["pixel"] = self.pixel(img)
        if weights.l1:
            losses["l1"] = (seen - self.targets).abs().mean((1, 2, 3)) / self.area
        if weights.perceptual:
            features = unit_features(self.eye, seen)
            losses["perceptual"] = feature_distance(features, self.features) / self.area
        if weights.vgg:
            maps = zip(_vgg_maps(self.domain, seen), self.vgg_maps, strict=True)
            squares = [(a - b).square().mean((1, 2, 3)) for a, b in maps]
            losses["vgg"] = torch.stack(squares).sum(0) / self.area
        if weights.ms_ssim:
            losses["ms_ssim"] = (1 - ms_ssim(seen, self.targets)) / self.area
        if weights.style:
            pairs = zip(grams(unit_features(self.eye, img), self.mask), self.style, strict=True)
            squares = [(a - b).square().sum((1, 2)) for a, b in pairs]
            losses["style"] = torch.stack(squares).mean(0)
        if weights.identity:
            cosine = functional.cosine_similarity(_identity(self.domain, seen), self.faces)
            losses["identity"] = 1 - cosine
        return losses

    def latent_losses(self, img: Tensor, ws: Tensor) -> dict[str, Tensor]:
        weights, losses = self.weights, {}
        variance = self.whitening.w_std**2
        if weights.in_domain:
            read = self.domain.encode(img)
            losses["in_domain"] = (ws - read).square().mean((1, 2)) / variance
        if weights.mean:
            w_avg = self.domain.generator.mapping.w_avg
            losses["mean"] = (ws - w_avg).square().mean((1, 2)) / variance
        if weights.prior or weights.spread:
            white = self.whitening(ws)
            middle = white.mean(1, keepdim=True)
            if weights.prior:
                losses["prior"] = middle.square().mean((1, 2))
            if weights.spread and ws.shape[1] > 1:
                losses["spread"] = (white - middle).square().mean((1, 2))
        return losses


def grams(maps: list[Tensor], mask: Tensor | None) -> list[Tensor]:
    """Which features of a region come together, wherever they are: [N, C, C] per map.

    Gatys et al. 2016; Image2StyleGAN++ reads VGG's conv3_3 alone, but small networks hold colour in
    their first maps, so all count here. The trace is 1 where features have length 1.

    Args:
        maps: [N, C, H, W] each.
        mask: [1, 1, R, R] in [0, 1]; None = everywhere.
    """
    found = []
    for each in maps:
        weight = each.new_ones(1, 1, *each.shape[-2:])
        if mask is not None:
            weight = functional.interpolate(mask, each.shape[-2:], mode="area")
        flat = (each * weight.sqrt()).flatten(2)
        found.append(flat @ flat.mT / weight.sum().clamp(min=1e-6))
    return found


def _vgg_maps(domain: Domain, img: Tensor) -> list[Tensor]:
    from editing.models.networks.lpips import VGG16

    net = domain.perceptual
    if not isinstance(net, VGG16):
        raise BadInput(
            f"loss.vgg was set, but the perceptual network of {domain.name} is no VGG16; use "
            "loss.perceptual, or a domain that has one."
        )
    size = (VGG_SIDE, VGG_SIDE)
    if img.shape[-2] > VGG_SIDE:
        img = functional.interpolate(img, size, mode="area")
    return list(net.maps(img, VGG_TAPS))


def _identity(domain: Domain, img: Tensor) -> Tensor:
    if domain.identity is None:
        raise BadInput(
            f"loss.identity was set, but the domain {domain.name} has no identity network; "
            "set it to 0, or use another domain."
        )
    embedding: Tensor = domain.identity(img)
    return embedding


def ms_ssim(a: Tensor, b: Tensor) -> Tensor:
    """Multi-scale structural similarity (Wang et al. 2003), [N]; 1 = equal; differentiable.

    Pictures [N, 3, H, W] in [-1, 1] from 11 pixels. Scales smaller than the window are left out and
    the exponents of the others raised to sum to 1. Contrast terms below 0 count as 0.
    """
    sides = [min(a.shape[-2:]) // 2**scale for scale in range(len(MS_SSIM_SHARES))]
    count = sum(side >= WINDOW for side in sides)
    if not count:
        raise BadInput(
            f"MS-SSIM looks through windows of {WINDOW} pixels and the pictures have "
            f"{min(a.shape[-2:])}; compare larger pictures."
        )
    shares = [share / sum(MS_SSIM_SHARES[:count]) for share in MS_SSIM_SHARES[:count]]
    kernel = _window(a)
    product = torch.ones(len(a), device=a.device)
    for scale, share in enumerate(shares):
        whole, contrast = _ssim_terms(a, b, kernel)
        term = whole if scale == count - 1 else contrast
        product = product * term.mean((2, 3)).clamp(min=1e-6).pow(share).mean(1)
        a, b = functional.avg_pool2d(a, 2), functional.avg_pool2d(b, 2)
    return product


def _window(like: Tensor) -> Tensor:
    offsets = torch.arange(WINDOW, device=like.device, dtype=like.dtype) - WINDOW // 2
    line = torch.exp(-0.5 * (offsets / WINDOW_SIGMA).square())
    return line / line.sum()


def _ssim_terms(a: Tensor, b: Tensor, line: Tensor) -> tuple[Tensor, Tensor]:
    """SSIM and its contrast-structure factor, maps [N, 3, H − 10, W − 10]."""

    def blur(x: Tensor) -> Tensor:
        channels = x.shape[1]
        across = line.expand(channels, 1, 1, -1)
        x = functional.conv2d(x, across, groups=channels)
        return functional.conv2d(x, across.transpose(2, 3), groups=channels)

    mean_a, mean_b = blur(a), blur(b)
    variance_a, variance_b = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2
    covariance = blur(a * b) - mean_a * mean_b
    contrast = (2 * covariance + C2) / (variance_a + variance_b + C2)
    luminance = (2 * mean_a * mean_b + C1) / (mean_a**2 + mean_b**2 + C1)
    return luminance * contrast, contrast
