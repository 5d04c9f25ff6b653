"""Gradients that text edits need: of an embedding along a text, and of what is to stay.

A mean over a few samples, in σ of every channel; each costs one pass backwards per sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from editing.directions.direction import boundary, move
from editing.directions.samples import output_of
from editing.directions.stylespace import base_ws, gradients, statistics_of
from editing.errors import MissingFile
from editing.models.domain import Domain
from editing.models.generators.generator import GeneratorConfig
from editing.models.style_statistics import PSI, SEED
from editing.text.table import FINEST, default_layers, latents_at_once

SAMPLES, PROBES = 8, 2  # latents of a gradient, random vectors each
Report = Callable[[int, int], object]  # (done, total)


def unheard(done: int, total: int) -> None:
    """A report that nobody asked for."""


def by_gradient(
    domain: Domain, dt: Tensor, report: Report = unheard
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """r and gain without a table, layer -> [C] each.

    gain: the mean of d(E·dt)/ds over some samples, per σ. r: that as a share of ‖dE/ds‖, -1 to 1.
    """
    lengths = _lengths(domain, report)
    total = {layer: torch.zeros_like(length) for layer, length in lengths.items()}
    for gradient in _gradients(domain, [dt], report):
        for layer in total:
            total[layer] += gradient[layer].sum(0).cpu() / _count(domain)
    r = {
        layer: (total[layer] / length.clamp_min(1e-12)).clamp(-1, 1)
        for layer, length in lengths.items()
    }
    std = statistics_of(domain).std
    return r, {layer: values * std[layer] for layer, values in total.items()}


def _lengths(domain: Domain, report: Report) -> dict[str, Tensor]:
    """‖dE/ds_c‖ of every channel, root mean square, from random vectors; measured once.

    For u of independent standard normals, the mean of (Jᵀu)² is ‖J‖² (Hutchinson's estimator).
    """
    if domain not in _known_lengths:
        rng = torch.Generator().manual_seed(SEED)
        probes = torch.randn(PROBES, domain.clip.width, generator=rng).to(domain.device)
        squares = {layer: torch.tensor(0.0) for layer in default_layers(domain)}
        with torch.inference_mode(False):
            for gradient in _gradients(domain, probes, report):
                for layer in squares:
                    squares[layer] = squares[layer] + gradient[layer].square().sum(0).cpu()
        count = _count(domain) * PROBES
        _known_lengths[domain] = {k: (value / count).sqrt() for k, value in squares.items()}
    return _known_lengths[domain]


_known_lengths: WeakKeyDictionary[Domain, dict[str, Tensor]] = WeakKeyDictionary()


def _gradients(
    domain: Domain, along: Sequence[Tensor] | Tensor, report: Report
) -> Iterator[dict[str, Tensor]]:
    config = domain.generator.config
    summed = isinstance(config, GeneratorConfig) and config.architecture == "skip"
    seen = max(FINEST, domain.clip.resolution)
    size = seen if summed and config.img_resolution > seen else None
    parts = _samples(domain, size or config.img_resolution)
    for done, ws in enumerate(parts):
        yield from gradients(domain, ws, domain.clip.encode_pictures, along, max_resolution=size)
        report(done + 1, len(parts))


def _samples(domain: Domain, size: int) -> tuple[Tensor, ...]:
    """Latents [n, num_ws, w_dim], as many together as pictures of ``size`` pixels allow."""
    return torch.split(base_ws(domain, _count(domain), PSI, SEED), latents_at_once(size))


def _count(domain: Domain) -> int:
    """Samples of a gradient: fewer where one takes long."""
    return SAMPLES if domain.generator.img_resolution <= FINEST else SAMPLES // 2


def reading_gradient(domain: Domain, attribute: str) -> dict[str, Tensor]:
    """How a reading follows every channel, layer -> [C] per σ; of the scorer, measured once.

    Where no scorer reads it, the attribute's boundary as channels: what moving along it does to S.

    Raises:
        UnknownName: nothing reads it, and there is no boundary.
    """
    known = _reading_gradients.setdefault(domain, {})
    if attribute not in known:
        read = "scorer" in domain.parts and attribute in domain.scorer.outputs
        with torch.inference_mode(False):
            known[attribute] = (_read_gradient if read else _boundary_step)(domain, attribute)
    return known[attribute]


_reading_gradients: WeakKeyDictionary[Domain, dict[str, dict[str, Tensor]]] = WeakKeyDictionary()


def _read_gradient(domain: Domain, attribute: str) -> dict[str, Tensor]:
    net, own = domain.scorer, output_of(domain.scorer, attribute)
    std = statistics_of(domain).std
    total = {layer: torch.zeros_like(values) for layer, values in std.items()}
    for ws in _samples(domain, domain.generator.img_resolution):
        gradient = next(gradients(domain, ws, lambda img: net(img)[:, own : own + 1]))
        for layer, values in gradient.items():
            total[layer] += values.sum(0).cpu() / _count(domain)
    return {layer: values * std[layer] for layer, values in total.items()}


def _boundary_step(domain: Domain, attribute: str) -> dict[str, Tensor]:
    direction, generator = boundary(domain, attribute), domain.generator
    if direction.space != "w":
        raise MissingFile(
            f"{attribute} has only a boundary of Z, which says nothing of channels; keep it by a "
            "text instead, such as 'an old person'."
        )
    ws = generator.mapping.w_avg.expand(1, generator.num_ws, -1)
    with torch.no_grad():
        moved, still = generator.styles(move(ws, direction, 1.0)), generator.styles(ws)
    std = statistics_of(domain).std
    return {
        layer: (moved[layer] - still[layer])[0].cpu() / std[layer].clamp_min(1e-12)
        for layer in still
    }
