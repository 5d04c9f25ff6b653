"""How alike two pictures are, and what a scorer reads in one.

Pictures are [N, 3, H, W] in [-1, 1]. Numbers that people read are computed on what they see: the
picture clamped to that range.
"""

from __future__ import annotations

import math
from collections.abc import Container
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from editing.errors import BadInput
from editing.io.allocator import tidy

if TYPE_CHECKING:
    from editing.models.networks.picture_nets import Eye, IdentityNet, PictureNet


class Measures(Protocol):
    """The parts of a domain that compare pictures."""

    @property
    def parts(self) -> Container[str]: ...

    @property
    def perceptual(self) -> Eye: ...

    @property
    def identity(self) -> IdentityNet | None: ...


def mse(a: Tensor, b: Tensor) -> float:
    """Mean squared difference on the [-1, 1] scale; 0 = equal, 4 = black against white."""
    a, b = _as_seen(a, b)
    return float(functional.mse_loss(a, b))


def psnr(a: Tensor, b: Tensor) -> float:
    """Peak signal-to-noise ratio in dB, 20 log10(2 / root mean squared difference); inf = equal."""
    error = mse(a, b)
    return 10 * math.log10(4 / error) if error else math.inf


def ssim(a: Tensor, b: Tensor) -> float:
    """Structural similarity (Wang et al. 2004, Gaussian window, sigma 1.5), mean over N; 1 = equal.

    Raises:
        BadInput: the pictures are smaller than the window of 11 pixels.
    """
    from skimage.metrics import structural_similarity

    a, b = _as_seen(a, b)
    if min(a.shape[-2:]) < 11:
        raise BadInput(
            f"SSIM looks through windows of 11 pixels and the pictures have {min(a.shape[-2:])}; "
            "compare larger pictures."
        )
    values = [
        structural_similarity(
            x.numpy(), y.numpy(), data_range=2.0, channel_axis=0,
            gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
        )
        for x, y in zip(a.cpu(), b.cpu(), strict=True)
    ]  # fmt: skip
    return float(sum(values) / len(values))


def perceptual_distance(net: Eye, a: Tensor, b: Tensor) -> Tensor:
    """LPIPS without its learnt weights (Zhang et al. 2018, eq. 1), [N]; differentiable.

    Every tap of ``net`` gives a map of feature vectors; each vector is scaled to length 1, and the
    squared differences are summed over channels, averaged over places, then over the taps. With
    LPIPS's own network and weights it is LPIPS.
    """
    return feature_distance(unit_features(net, a), unit_features(net, b))


def unit_features(net: Eye, img: Tensor) -> list[Tensor]:
    """The maps [N, C, H, W] of ``net``'s taps, every place a vector of length 1.

    Where the network has weights for its channels (LPIPS), they are multiplied in.
    """
    taps = [functional.normalize(tap, dim=1, eps=1e-6) for tap in net.features(img)]
    scales = net.tap_scales
    return taps if scales is None else [t * s for t, s in zip(taps, scales, strict=True)]


def feature_distance(a: list[Tensor], b: list[Tensor]) -> Tensor:
    """``perceptual_distance`` of two lists from ``unit_features``, [N]."""
    taps = [(x - y).square().sum(1).mean((1, 2)) for x, y in zip(a, b, strict=True)]
    return torch.stack(taps).mean(0)


def perceptual(domain: Measures, a: Tensor, b: Tensor) -> float | None:
    """The bundled perceptual network's distance, mean over N; 0 = equal.

    None where the domain has no perceptual network, as one of a generator alone.
    """
    if "perceptual" not in domain.parts:
        return None
    a, b = _as_seen(a, b)
    tidy(a.shape[-1])
    with torch.no_grad():
        distance = float(_measured_distance(domain.perceptual, a, b).mean())
    tidy(a.shape[-1])
    return distance


def _measured_distance(net: Eye, a: Tensor, b: Tensor) -> Tensor:
    """``perceptual_distance`` of pictures of any size, strip by strip.

    At 1024 px the finest maps of two pictures and what is made of them would take 2 GB together.
    """
    sums: dict[int, Tensor] = {}
    places: dict[int, int] = {}
    for (tap, x), (_, y) in zip(net.strips(a), net.strips(b), strict=True):
        scale = None if net.tap_scales is None else net.tap_scales[tap]
        sums[tap] = sums.get(tap, 0) + _squares(x, y, scale)
        places[tap] = places.get(tap, 0) + x.shape[2] * x.shape[3]
    return torch.stack([sums[tap] / places[tap] for tap in sums]).mean(0)


def _squares(a: Tensor, b: Tensor, scale: Tensor | None) -> Tensor:
    """The squared differences of unit features, summed over channels and places, [N]."""
    difference = functional.normalize(a, dim=1, eps=1e-6)
    difference = difference - functional.normalize(b, dim=1, eps=1e-6)
    if scale is not None:
        difference = difference * scale
    return difference.square().sum((1, 2, 3))


def identity(domain: Measures, a: Tensor, b: Tensor) -> float | None:
    """Cosine of the identity network's embeddings, mean over N; 1 = same person.

    None where the domain has no identity network.
    """
    net = domain.identity
    if net is None:
        return None
    a, b = _as_seen(a, b)
    with torch.no_grad():
        return float(functional.cosine_similarity(net(a), net(b)).mean())


def compare(domain: Measures, a: Tensor, b: Tensor) -> dict[str, float | None]:
    """All distances at once, under the names that files and the command line use."""
    return {
        "psnr": psnr(a, b),
        "mse": mse(a, b),
        "ssim": ssim(a, b),
        "perceptual": perceptual(domain, a, b),
        "identity": identity(domain, a, b),
    }


def readings(net: PictureNet, img: Tensor) -> dict[str, float]:
    """What a scorer or judge reads in one picture [1, 3, H, W]: attribute -> σ of the world."""
    with torch.no_grad():
        values = net(img.clamp(-1, 1))[0]
    return dict(zip(net.outputs, values.tolist(), strict=True))


def _as_seen(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    if a.shape != b.shape:
        raise BadInput(
            f"Pictures of shape {list(a.shape)} and {list(b.shape)} cannot be compared; "
            "bring them to one size first."
        )
    return a.detach().float().clamp(-1, 1), b.detach().float().clamp(-1, 1)
