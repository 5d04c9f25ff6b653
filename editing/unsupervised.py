"""Directions nobody had to label: SeFa, GANSpace, single axes; and surgery on a vector.

SeFa: Shen and Zhou 2021, "Closed-Form Factorization of Latent Semantics in GANs", eq. 4-6.
GANSpace: Härkönen et al. 2020, section 3.1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from editing.directions import Direction, rows_of, unit
from editing.domains import Domain
from editing.errors import BadInput
from editing.layers import format_layers
from editing.samples import FIRST_SEED, draw_ws, moments

GANSPACE_SAMPLES = 50_000


def sefa(domain: Domain, layers: Sequence[int] | None = None, count: int = 10) -> list[Direction]:
    """The directions to which the first step of the chosen layers is most sensitive.

    A = the affine weights of those rows' styles side by side, [w_dim, ΣC], every column of length
    1; the eigenvectors of A·Aᵀ, largest eigenvalue first. Their meta has ``eigenvalue`` and its
    ``share`` of all. Their step is the standard deviation of n·w.

    Args:
        layers: rows of ws, which are also the rows that move; None = all.

    Raises:
        BadInput: rows that do not exist, or more directions than w_dim.
    """
    generator = domain.generator
    ws = torch.zeros(1, generator.num_ws, generator.w_dim, device=domain.device)
    rows = rows_of(ws, layers)
    _check_count(count, generator.w_dim)
    weights = torch.cat([_affine(domain, row) for row in rows], dim=1).double()
    weights = weights / weights.norm(dim=0, keepdim=True).clamp_min(1e-12)
    values, vectors = torch.linalg.eigh(weights @ weights.T)
    values, vectors = values.flip(0).clamp_min(0), vectors.flip(1)
    name = f"sefa {format_layers(tuple(rows))}" if layers is not None else "sefa"
    return [
        _with_step(
            domain,
            unit(
                f"{name} #{i + 1}",
                _signed(vectors[:, i]).float().cpu(),
                layers=None if layers is None else tuple(rows),
                meta={
                    "method": "sefa",
                    "eigenvalue": float(values[i]),
                    "share": float(values[i] / values.sum()),
                },
            ),
        )
        for i in range(count)
    ]


def _affine(domain: Domain, row: int) -> Tensor:
    """d styles / d row of ws, [w_dim, ΣC]: of its convolution, or of ToRGB where it has none."""
    generator = domain.generator
    base = torch.zeros(1, generator.num_ws, generator.w_dim, device=domain.device)
    probes = base.repeat(generator.w_dim, 1, 1)
    probes[:, row] = torch.eye(generator.w_dim, device=domain.device)
    with torch.no_grad():  # the affines are linear, so probing with unit vectors is exact
        zero, styles = generator.styles(base), generator.styles(probes)
    changes = {name: styles[name] - zero[name] for name in styles}
    read = {name: change for name, change in changes.items() if float(change.abs().max()) > 0}
    if not read:
        raise BadInput(f"No layer of this generator reads row {row}; choose another.")
    convolutions = [change for name, change in read.items() if not name.endswith("torgb")]
    return torch.cat(convolutions or list(read.values()), dim=1)


def ganspace(domain: Domain, count: int = 20, samples: int = GANSPACE_SAMPLES) -> list[Direction]:
    """Principal components of W, the most varied first.

    step = the component's standard deviation; ``origin`` makes ``absolute`` set its coordinate in
    standard deviations from the mean, as GANSpace's own edits do. Their meta has ``share``, the
    part of the variance.

    Raises:
        BadInput: more components than w_dim or samples.
    """
    width = domain.generator.w_dim
    _check_count(count, min(width, samples - 1))
    total, square, done = torch.zeros(width).double(), torch.zeros(width, width).double(), 0
    while done < samples:  # memory stays flat
        seeds = range(FIRST_SEED + done, FIRST_SEED + min(done + 1000, samples))
        w = draw_ws(domain, seeds)[:, 0].double().cpu()
        total, square, done = total + w.sum(0), square + w.T @ w, done + len(w)
    mean = total / samples
    values, vectors = torch.linalg.eigh(square / samples - torch.outer(mean, mean))
    values, vectors = values.flip(0).clamp_min(0), vectors.flip(1)
    found = []
    for i in range(count):
        n = _signed(vectors[:, i])
        meta = {"method": "pca", "share": float(values[i] / values.sum())}
        step = max(float(values[i].sqrt()), 1e-6)
        found.append(unit(f"pca #{i + 1}", n.float(), step=step, meta=meta, origin=float(n @ mean)))
    return found


def axis(domain: Domain, index: int) -> Direction:
    """One coordinate of W.

    Raises:
        BadInput: there is no such coordinate.
    """
    width = domain.generator.w_dim
    if not 0 <= index < width:
        raise BadInput(f"W has no coordinate {index}; choose from 0 to {width - 1}.")
    return _with_step(domain, unit(f"w[{index}]", torch.eye(width)[index], meta={"method": "axis"}))


def random_basis(domain: Domain, seed: int, index: int) -> Direction:
    """One vector of a random orthonormal basis of W (QR of a Gaussian matrix).

    Raises:
        BadInput: there is no such vector.
    """
    width = domain.generator.w_dim
    if not 0 <= index < width:
        raise BadInput(f"A basis of W has no vector {index}; choose from 0 to {width - 1}.")
    gaussian = np.random.RandomState(seed).standard_normal((width, width))
    basis = torch.linalg.qr(torch.from_numpy(gaussian))[0]
    vector = _signed(basis[:, index]).float()
    return _with_step(domain, unit(f"basis {seed} #{index}", vector, meta={"method": "basis"}))


# -- surgery on a vector


def added(a: Direction, b: Direction, weight: float) -> Direction:
    """The direction of a + weight·b.

    Raises:
        BadInput: they cancel out, or do not fit.
    """
    _check_fit(a, b)
    vector = a.vector + weight * b.vector.to(a.vector)
    return unit(f"{a.name} {weight:+g} {b.name}", vector, layers=a.layers, step=a.step,
                space=a.space, meta={"method": "added"})  # fmt: skip


def rotated(a: Direction, b: Direction, degrees: float) -> Direction:
    """a turned towards b in the plane of both; 0 is a itself.

    Raises:
        BadInput: they point the same way or exactly apart, so there is no plane.
    """
    _check_fit(a, b)
    shape = max(a.vector.shape, b.vector.shape, key=len)
    n, towards = a.vector.expand(shape), b.vector.to(a.vector).expand(shape)
    across = towards - (n * towards).sum(-1, keepdim=True) * n
    if float(across.norm(dim=-1).min()) < 1e-4:
        raise BadInput(f"{a.name} and {b.name} lie on one line; rotate towards another direction.")
    across = across / across.norm(dim=-1, keepdim=True)
    angle = math.radians(degrees)
    vector = math.cos(angle) * n + math.sin(angle) * across
    return unit(f"{a.name} {degrees:g}° to {b.name}", vector, layers=a.layers, step=a.step,
                space=a.space, meta={"method": "rotated"})  # fmt: skip


def without_rows(direction: Direction, rows: Sequence[int], num_ws: int) -> Direction:
    """The direction that no longer moves these rows of ws.

    Raises:
        BadInput: rows that do not exist, or none is left.
    """
    ws = torch.zeros(1, num_ws, 1)
    gone = set(rows_of(ws, rows))
    left = tuple(row for row in rows_of(ws, direction.layers) if row not in gone)
    if not left:
        raise BadInput(f"{direction.name} would move no row any more; leave it at least one.")
    name = f"{direction.name} without {format_layers(tuple(sorted(gone)))}"
    return replace(direction, name=name, layers=left)


def flipped(direction: Direction) -> Direction:
    """The other way round: what was less is more."""
    found = direction.safe_range
    meta = {**direction.meta, "range": [-found[1], -found[0]]} if found else direction.meta
    origin = None if direction.origin is None else -direction.origin
    return replace(direction, vector=-direction.vector, meta=meta, origin=origin)


def _check_fit(a: Direction, b: Direction) -> None:
    if a.space != b.space or a.vector.shape[-1] != b.vector.shape[-1]:
        raise BadInput(
            f"{a.name} ({a.space.upper()}, {a.vector.shape[-1]}) and {b.name} "
            f"({b.space.upper()}, {b.vector.shape[-1]}) do not fit; take two of one space."
        )


def _check_count(count: int, limit: int) -> None:
    if not 1 <= count <= limit:
        raise BadInput(f"{count} directions are not possible here; choose from 1 to {limit}.")


def _signed(vector: Tensor) -> Tensor:
    """The vector or its negative, so that its largest entry is positive: signs are stable."""
    return vector * torch.sign(vector[vector.abs().argmax()])


def _with_step(domain: Domain, direction: Direction) -> Direction:
    covariance = moments(domain).covariance
    n = direction.vector
    return replace(direction, step=max(float((n @ covariance @ n).clamp_min(0).sqrt()), 1e-6))
