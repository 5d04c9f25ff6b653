"""StyleSpace channels: how each one changes an attribute or a region, in standard deviations.

(Wu et al. 2021, "StyleSpace Analysis".) The effect of all channels comes from one gradient per
latent instead of one picture per channel: d reading / d s · σ of s.

Gradients of what is read in a picture with respect to every channel of StyleSpace.

One pass backwards tells what all channels do to one reading, where a picture per channel would be
needed otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from editing.directions.samples import output_of
from editing.errors import BadInput
from editing.models.domain import Domain
from editing.models.style_statistics import Statistics, measure_statistics

REGIONS: dict[str, tuple[float, float, float, float]] = {  # left, top, right, bottom of the picture
    "eyes": (0.25, 0.36, 0.75, 0.54),
    "mouth": (0.33, 0.64, 0.67, 0.80),
    "hair": (0.15, 0.0, 0.85, 0.28),
    "background": (0.0, 0.0, 0.14, 0.14),
}  # of an FFHQ frame


@dataclass(frozen=True, order=True)
class Channel:
    """One number of the styles."""

    layer: str  # as in Generator.styles, such as "b32.conv1"
    index: int

    def __str__(self) -> str:
        return f"{self.layer}:{self.index}"


@dataclass(frozen=True)
class ChannelEffect:
    """What moving one channel by one standard deviation does, mean over latents."""

    channel: Channel
    change: float  # of the reading, in σ; of a region, of its pixels (root mean square, 0..1)
    share: float  # |change| among all of the reading's (of the picture's) change, 0..1


def statistics_of(domain: Domain) -> Statistics:
    """The domain's StyleSpace statistics; measured once where it brings none."""
    if domain not in _statistics:
        with torch.inference_mode(False):
            _statistics[domain] = (
                domain.statistics
                if "statistics" in domain.parts
                else measure_statistics(domain.generator, 2_000)
            )
    return _statistics[domain]


_statistics: WeakKeyDictionary[Domain, Statistics] = WeakKeyDictionary()


def parse_channel(text: str, domain: Domain) -> Channel:
    """'b32.conv1:57' -> a channel of the domain.

    Raises:
        BadInput: it has no such layer or channel.
    """
    match = re.fullmatch(r"([\w.]+):([0-9]{1,5})", text.strip())
    std = statistics_of(domain).std
    if not match or match[1] not in std:
        raise BadInput(f"{text!r} is no channel; write LAYER:NUMBER, of {', '.join(std)}.")
    if int(match[2]) >= len(std[match[1]]):
        raise BadInput(
            f"{match[1]} has no channel {match[2]}; choose from 0 to {len(std[match[1]]) - 1}."
        )
    return Channel(match[1], int(match[2]))


def delta(domain: Domain, channel: Channel, alpha: float) -> Tensor:
    """The change [C] of the channel's layer when it moves by alpha standard deviations."""
    parse_channel(str(channel), domain)
    std = statistics_of(domain).std[channel.layer]
    change = torch.zeros_like(std)
    change[channel.index] = alpha * std[channel.index]
    return change.to(domain.device)


def attribute_effects(domain: Domain, attribute: str, ws: Tensor) -> Iterator[list[ChannelEffect]]:
    """Channels by their effect on one reading of the scorer, largest first.

    Yields the ranking after every latent of ws [N, num_ws, w_dim]: a few are enough to see, more
    to be sure.

    Raises:
        UnknownName: nothing reads this attribute.
    """
    net = domain.scorer
    own = output_of(net, attribute)
    std = statistics_of(domain).std
    total: dict[str, Tensor] = {}
    for count, w in enumerate(torch.split(ws, 1), 1):
        gradient = next(gradients(domain, w, lambda img: net(img)[:, own : own + 1]))
        for layer, g in gradient.items():
            total[layer] = total.get(layer, 0) + g[0].cpu() * std[layer]
        yield _ranked({layer: t / count for layer, t in total.items()})


def region_effects(
    domain: Domain,
    region: Sequence[float],
    ws: Tensor,
    rng: torch.Generator,
    probes: int = 4,
) -> Iterator[list[ChannelEffect]]:
    """Channels by how much they change a rectangle of the picture, largest first.

    The root mean square change of its pixels, from gradients of random ±1 sums of them
    (Hutchinson's estimator); ``share`` is how much of the channel's whole change lies inside.

    Args:
        region: left, top, right, bottom, in 0..1 of the picture.

    Raises:
        BadInput: a rectangle without area or outside the picture.
    """
    left, top, right, bottom = region
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise BadInput(
            f"The region {list(region)} is no rectangle inside the picture; write left, top, "
            "right, bottom between 0 and 1, such as 0.3,0.6,0.7,0.8."
        )
    size = domain.generator.img_resolution
    rows, cols = (
        slice(round(a * size), round(b * size)) for a, b in ((top, bottom), (left, right))
    )
    mask = torch.zeros(1, 1, size, size, device=domain.device)
    mask[..., rows, cols] = 1
    std = statistics_of(domain).std
    inside: dict[str, Tensor] = {}
    whole: dict[str, Tensor] = {}
    count = 0
    for w in torch.split(ws, 1):
        for _ in range(probes):
            count += 1
            signs = torch.randint(0, 2, (1, 3, size, size), generator=rng).to(mask) * 2 - 1
            sums = partial(_sums, weights=torch.cat([signs * mask, signs]))
            for total, gradient in zip((inside, whole), gradients(domain, w, sums), strict=True):
                for layer, g in gradient.items():
                    total[layer] = total.get(layer, 0) + (g[0].cpu() * std[layer]).square()
        pixels = float(mask.sum()) * 3
        yield _ranked(
            {layer: (t / count / pixels).sqrt() for layer, t in inside.items()},
            {layer: (t / whole[layer].clamp_min(1e-20)).clamp(0, 1) for layer, t in inside.items()},
        )


def _sums(img: Tensor, weights: Tensor) -> Tensor:
    """Weighted sums of the pixels of one picture, [1, K]; a pixel's range is 2."""
    return ((img * weights).sum((1, 2, 3)) / 2)[None]


def _ranked(
    change: dict[str, Tensor], share: dict[str, Tensor] | None = None
) -> list[ChannelEffect]:
    flat = torch.cat(list(change.values()))
    part = (
        flat.abs() / flat.abs().sum().clamp_min(1e-12)
        if share is None
        else torch.cat([share[layer] for layer in change])
    )
    names = [Channel(layer, i) for layer, values in change.items() for i in range(len(values))]
    order = flat.abs().argsort(descending=True)[:200]
    return [ChannelEffect(names[i], float(flat[i]), float(part[i])) for i in order.tolist()]


Reading = Callable[[Tensor], Tensor]  # pictures [N, 3, R, R] -> [N, K]
Gradient = dict[str, Tensor]  # layer -> [N, C]


def base_ws(domain: Domain, count: int, psi: float, seed: int) -> Tensor:
    """ws of NumPy's legacy stream, [count, num_ws, w_dim], as StyleCLIP samples.

    Raises:
        BadInput: fewer than one.
    """
    if count < 1:
        raise BadInput(f"{count} samples show nothing; take 1 or more, usually 8 to 100.")
    generator = domain.generator
    z = np.random.RandomState(seed).randn(count, generator.z_dim).astype(np.float32)
    with torch.no_grad(), torch.inference_mode(False):
        ws: Tensor = generator.mapping(torch.from_numpy(z).to(domain.device), truncation_psi=psi)
    return ws


def gradients(
    domain: Domain,
    ws: Tensor,
    reading: Reading,
    along: Sequence[Tensor] | Tensor | None = None,
    fast: bool = False,
    max_resolution: int | None = None,
) -> Iterator[Gradient]:
    """d (reading · v) / d styles for ws [N, num_ws, w_dim]: one item per v in ``along`` [K].

    Args:
        along: vectors in the space of the readings; None = each reading by itself.
        fast: draw and read in bf16.
        max_resolution: look at the picture of this block (see ``synthesis``); None = the whole.

    Pictures are not clamped. Gradient modes are set here and never held across two items.
    """
    with torch.inference_mode(False), torch.enable_grad():
        styles = domain.generator.styles(ws.detach().to(domain.device))
        styles = {layer: style.detach().clone().requires_grad_() for layer, style in styles.items()}
        with torch.autocast(domain.device.type, torch.bfloat16, enabled=fast):
            img = domain.generator.synthesis(styles, max_resolution=max_resolution)
            read = reading(img.float()).float()
    count = read.shape[1] if along is None else len(along)
    for index in range(count):
        with torch.inference_mode(False), torch.enable_grad():
            one = read[:, index] if along is None else read @ along[index].to(read)
            found = torch.autograd.grad(
                one.sum(), list(styles.values()), retain_graph=index + 1 < count, allow_unused=True
            )
        yield {
            layer: torch.zeros_like(style, requires_grad=False) if g is None else g
            for (layer, style), g in zip(styles.items(), found, strict=True)
        }
