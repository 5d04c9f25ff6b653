"""Directions nobody had to label: SeFa, GANSpace, single axes; and surgery on a vector.

SeFa: Shen and Zhou 2021, "Closed-Form Factorization of Latent Semantics in GANs", eq. 4-6.
GANSpace: Härkönen et al. 2020, section 3.1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from editing.directions import TOLERANCE, Direction, move, rows_of, unit
from editing.domains import Domain
from editing.errors import BadInput
from editing.layers import format_layers
from editing.samples import moments, spread

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
    w = moments(domain, samples)
    deviations, vectors = w.axes()
    shares = deviations.square() / deviations.square().sum()
    return [
        unit(
            f"pca #{i + 1}",
            vectors[:, i].float(),
            step=max(float(deviations[i]), 1e-6),
            meta={"method": "pca", "share": float(shares[i])},
            origin=float(vectors[:, i] @ w.mean.double()),
        )
        for i in range(count)
    ]


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


def added(a: Direction, b: Direction, weight: float, num_ws: int) -> Direction:
    """The direction one step of which is a step along a and ``weight`` steps along b.

    Each moves its own rows by its own strengths, of the ``num_ws`` that ws has.

    Raises:
        BadInput: they cancel out, or do not fit.
    """
    _check_fit(a, b)
    name, meta = f"{a.name} {weight:+g} {b.name}", {"method": "added"}
    if a.space == "z":  # one vector: the mapping's answer is what moves the rows
        vector = a.stride * a.vector + weight * b.stride * b.vector.to(a.vector)
        return unit(name, vector, layers=a.layers, step=_length(vector), space="z", meta=meta,
                    family=a.family)  # fmt: skip
    still = torch.zeros(1, num_ws, a.vector.shape[-1], device=a.vector.device)
    rows = (move(still, a, 1.0) + move(still, replace(b, vector=b.vector.to(still)), weight))[0]
    return _of_rows(name, rows, meta=meta, family=a.family)


def _length(vector: Tensor) -> float:
    return max(float(vector.norm()), 1e-6)


def _of_rows(name: str, change: Tensor, **facts: Any) -> Direction:
    """The direction one step of which changes ws by ``change`` [num_ws, w_dim]."""
    lengths = change.norm(dim=1)
    step = _length(change[int(lengths.argmax())])
    moved = lengths > TOLERANCE * step
    first = change[int(lengths.argmax())]
    vectors = unit(name, torch.where(moved[:, None], change, first)).vector
    same = bool(((vectors - vectors[0]).abs() < TOLERANCE).all())
    shares = torch.where(moved, lengths / step, 0.0)
    return Direction(
        name,
        vectors[0] if same else vectors,
        None if bool(moved.all()) else tuple(int(row) for row in moved.nonzero()),
        step,
        strengths=() if bool((shares > 1 - TOLERANCE).all()) else tuple(shares.tolist()),
        **facts,
    )


def rotated(
    a: Direction, b: Direction, degrees: float, covariance: Tensor | None = None
) -> Direction:
    """a turned towards b in the plane of both; 0 is a itself. The rows of a move, as they did.

    Args:
        covariance: of W; alpha = 1 then stays one standard deviation, of the new n·w. Directions of
            step 1 count distances and keep it.

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
    step = a.step
    if covariance is not None and step != 1.0 and a.space == "w":
        step *= spread(vector, covariance) / spread(n, covariance)
    return unit(f"{a.name} {degrees:g}° to {b.name}", vector, layers=a.layers, step=step,
                space=a.space, strengths=a.strengths, family=a.family, length=a.length,
                meta={"method": "rotated"})  # fmt: skip


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
    meta = dict(direction.meta)
    if found := direction.safe_range:
        meta["range"] = [-found[1], -found[0]]
    if sides := meta.get("margins"):
        edges, less, more = ([*reversed(sides[part])] for part in ("edges", "less", "more"))
        meta["margins"] = {"edges": [-edge for edge in edges], "less": more, "more": less}
    if meant := meta.get("picked"):
        meta["picked"] = {name: -weight for name, weight in meant.items()}
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
    return replace(direction, step=spread(direction.vector, moments(domain).covariance))
