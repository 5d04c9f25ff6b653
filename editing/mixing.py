"""Mixing: what several portraits become together. Pure functions of states.

A layer is taken over whole: its row of ws, its style offsets, its noise map and the change of its
weights. So mixtures of photos that carry tuned weights are mixtures like any other::

    crossover   rows from one portrait, rows from another (Karras et al. 2019, section 3.1)
    exchange    both results of a crossover: a·α + e·(1 − α) and a·(1 − α) + e·α
    between     a way from one portrait to the other (morphing)
    transfer    w1 + λ (w3 − w2): an expression, from two pictures of somebody else
    grained     other noise: hair, freckles, grain
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from editing.directions import Direction, rows_of
from editing.domains import Domain
from editing.errors import BadInput
from editing.generator import Generator
from editing.layers import rows_by_layer
from editing.noise_maps import noise_maps
from editing.states import EditState, Tensors, mapped

SPACES = ("w+", "w", "s", "z")  # in which one portrait becomes another
BEYOND = 0.5  # how far a share may overshoot 0 and 1, for easings that do
Blend = Callable[[Tensor, Tensor, float], Tensor]


def crossover(a: EditState, b: EditState, shares: Sequence[float], domain: Domain) -> EditState:
    """a where a row's share is 0, b where it is 1, between them for shares between.

    Rows whose share is 0 or 1 stay bit-equal, with everything that belongs to their layers; regions
    and composites are a's.

    Args:
        shares: one per row of ws, from 0 to 1, or ``BEYOND`` that.

    Raises:
        BadInput: shares of another number or size, or portraits of two generators.
    """
    generator = domain.generator
    _check_pair(a, b)
    inside = all(-BEYOND <= share <= 1 + BEYOND for share in shares)
    if len(shares) != a.ws.shape[1] or not inside:
        raise BadInput(
            f"The shares {[round(share, 3) for share in shares]} do not fit; give one from 0 to 1 "
            f"for each of the {a.ws.shape[1]} layers."
        )
    rows = rows_by_layer(generator)

    def share_of(name: str) -> float:
        """Of a layer, or of a parameter of one; what belongs to none goes with the first."""
        while name and name not in rows:
            name = name.rpartition(".")[0]
        return shares[rows.get(name, 0)]

    ws = a.ws.to(domain.device)
    factors = torch.tensor(shares).to(ws)[None, :, None]
    return replace(
        a,
        ws=torch.lerp(ws, b.ws.to(ws), factors),
        s_delta=_mixed(a.s_delta, b.s_delta, share_of, torch.lerp, {}),
        noise=_mixed(a.noise, b.noise, share_of, slerp, noise_maps(generator)),
        weight_delta=_mixed(a.weight_delta, b.weight_delta, share_of, torch.lerp, {}),
    )


def exchange(
    a: EditState, b: EditState, shares: Sequence[float], domain: Domain
) -> tuple[EditState, EditState]:
    """Both results of a crossover: a with b's rows, and b with a's (facial exchange)."""
    return crossover(a, b, shares, domain), crossover(b, a, shares, domain)


def between(a: EditState, b: EditState, t: float, domain: Domain, space: str = "w+") -> EditState:
    """The portrait at t from 0 (exactly a) to 1 (exactly b).

    Args:
        space: "w+" moves every row on a straight line. "w" lets the rows' own deviations go on the
            way, so that what is between lies in W, where the generator was trained. "s" moves the
            styles; affine layers are linear, so the pictures are those of "w+". "z" goes along the
            sphere of Z, between portraits whose z is known.

    Raises:
        BadInput: t far outside of 0..1, an unknown space, or no z.
    """
    if not -BEYOND <= t <= 1 + BEYOND:
        raise BadInput(f"{t:g} lies outside the morph; choose from 0 (first) to 1 (second).")
    if space not in SPACES:
        raise BadInput(f"There is no space {space!r} to morph in; choose from {', '.join(SPACES)}.")
    if t in (0, 1):
        return b if t else a
    middle = crossover(a, b, [t] * a.ws.shape[1], domain)
    if space == "w":
        return replace(middle, ws=_through_w(a.ws.to(middle.ws), b.ws.to(middle.ws), t))
    if space == "s":
        return _through_styles(a, b, t, domain, middle)
    if space == "z":
        return _through_z(a, b, t, domain, middle)
    return middle


def transfer(
    state: EditState,
    before: EditState,
    after: EditState,
    domain: Domain,
    amount: float = 1.0,
    rows: Sequence[int] | None = None,
    along: Sequence[Direction] = (),
) -> EditState:
    """w1 + λ (w3 − w2) on the given rows (Abdal et al. 2019, section 5.3), s_delta likewise.

    Args:
        before, after: w2 and w3, such as one person's neutral and smiling face.
        amount: λ; 0 changes nothing.
        rows: None = all.
        along: only the part of w3 − w2 in the span of these directions is transferred, so that
            what else differs between two people stays out of it, and style offsets, which have no
            such part, do too; () = all of it.

    Raises:
        BadInput: portraits of two generators, or rows that do not exist.
    """
    _check_pair(state, before)
    _check_pair(state, after)
    ws = state.ws.clone()
    change = after.ws.to(ws) - before.ws.to(ws)
    if along:
        change = projected(change, along)
    chosen = rows_of(ws, rows)
    ws[:, chosen] += amount * change[:, chosen]
    if along:
        return replace(state, ws=ws)
    row_of = rows_by_layer(domain.generator)
    offsets = {
        name: amount * _difference(after.s_delta, before.s_delta, name)
        for name in {*before.s_delta, *after.s_delta}
        if row_of.get(name, 0) in chosen
    }
    return replace(state, ws=ws, s_delta=_added(state.s_delta, offsets))


def projected(change: Tensor, along: Sequence[Direction]) -> Tensor:
    """The part of a change [1, num_ws, w_dim] within the span of some directions, row by row."""
    vectors = [each.vector.to(change).expand(change.shape[1:]) for each in along]
    basis = torch.linalg.qr(torch.stack(vectors, dim=2).double())[0]  # [num_ws, w_dim, K]
    part: Tensor = basis @ (basis.mT @ change[0].double()[..., None])
    return part[None, ..., 0].to(change)


def grained(
    state: EditState, seed: int | None, strengths: Sequence[float], domain: Domain
) -> EditState:
    """Other noise maps: hair, freckles and grain change, the person does not.

    Args:
        seed: of new maps; None keeps those there are.
        strengths: a factor per row of ws for its layer's map; 1 leaves the strength as it is.

    Raises:
        BadInput: strengths for another number of rows, or a generator without noise.
    """
    stored = noise_maps(domain.generator)
    if not stored:
        raise BadInput(f"The generator of {domain.name} has no noise inputs; its grain is fixed.")
    rows = rows_by_layer(domain.generator)
    if len(strengths) != domain.generator.num_ws:
        raise BadInput(
            f"{len(strengths)} strengths of noise were given for {domain.generator.num_ws} layers."
        )
    stream = None if seed is None else np.random.RandomState(seed)
    noise = dict(state.noise)
    for name, plain in stored.items():
        factor, kept = strengths[rows[name]], noise.get(name, plain).to(plain)
        new = None if stream is None else stream.standard_normal(plain.shape)
        if new is not None or factor != 1:
            noise[name] = factor * (kept if new is None else torch.from_numpy(new).to(plain))
    return replace(state, noise=noise)


def slerp(a: Tensor, b: Tensor, t: float) -> Tensor:
    """Along the great circle from a to b, their lengths interpolated; the ends are exact.

    Noise keeps its strength on the way, and z stays where the mapping was trained (Shoemake 1985).
    """
    if t in (0, 1):
        return b.to(a) if t else a
    x, y = a.flatten().double(), b.to(a).flatten().double()
    lengths = x.norm(), y.norm()
    cosine = (x @ y / (lengths[0] * lengths[1]).clamp(min=1e-12)).clamp(-1, 1)
    angle = torch.arccos(cosine)
    if float(angle) < 1e-4 or float(angle) > torch.pi - 1e-4:  # the same way, or opposite ways
        return torch.lerp(a, b.to(a), t)
    part = torch.sin((1 - t) * angle) * x / lengths[0] + torch.sin(t * angle) * y / lengths[1]
    length = (1 - t) * lengths[0] + t * lengths[1]
    way: Tensor = (part / torch.sin(angle) * length).reshape(a.shape).to(a)
    return way


def _check_pair(a: EditState, b: EditState) -> None:
    if a.ws.shape != b.ws.shape:
        raise BadInput(
            f"Portraits of ws {list(a.ws.shape)} and {list(b.ws.shape)} are of two generators; "
            "mix portraits of one domain."
        )


def _through_w(a: Tensor, b: Tensor, t: float) -> Tensor:
    """Means on a straight line; the deviations of a's rows go until the middle, b's come after."""
    means = a.mean(1, keepdim=True), b.mean(1, keepdim=True)
    own = (a - means[0]) * max(0.0, 1 - 2 * t) + (b - means[1]) * max(0.0, 2 * t - 1)
    return torch.lerp(means[0], means[1], t) + own


def _through_z(
    a: EditState, b: EditState, t: float, domain: Domain, middle: EditState
) -> EditState:
    """Along the sphere; what edits have added to the mapping's answer is interpolated."""
    if a.z is None or b.z is None:
        raise BadInput(
            "A way through Z needs portraits whose z is known: seeds; take w+ for others."
        )
    cutoff = a.cutoff if a.cutoff == b.cutoff else None
    added = [
        each.ws.to(middle.ws) - mapped(z, each.psi, domain, each.label, cutoff)
        for each, z in ((a, a.z), (b, b.z))
    ]
    z = slerp(a.z.to(domain.device), b.z.to(domain.device), t)
    psi = a.psi + t * (b.psi - a.psi)
    ws = mapped(z, psi, domain, a.label, cutoff)
    if a.label != b.label:  # from one class to the other
        ws = torch.lerp(ws, mapped(z, psi, domain, b.label, cutoff), t)
    ws = ws + torch.lerp(added[0], added[1], t)
    return replace(middle, ws=ws, z=z, psi=psi, label=a.label, cutoff=cutoff)


def _through_styles(
    a: EditState, b: EditState, t: float, domain: Domain, middle: EditState
) -> EditState:
    ws = a.ws.to(domain.device)
    with torch.no_grad():
        from_, to = domain.generator.styles(ws), domain.generator.styles(b.ws.to(ws))
    way = {name: t * (to[name] - from_[name])[0] for name in from_}
    return replace(middle, ws=ws, s_delta=_added(middle.s_delta, way))


def _mixed(
    a: Tensors, b: Tensors, share_of: Callable[[str], float], blend: Blend, missing: Tensors
) -> dict[str, Tensor]:
    """Tensors by layer; one that a portrait lacks is as in ``missing``, or 0."""
    mixed: dict[str, Tensor] = {}
    for name in {**a, **b}:
        share = share_of(name)
        if share in (0, 1):  # taken as it is, or left out as it is
            mixed |= {name: (b if share else a)[name]} if name in (b if share else a) else {}
            continue
        absent = missing.get(name, torch.zeros_like(a[name] if name in a else b[name]))
        x = a.get(name, absent)
        mixed[name] = blend(x, b.get(name, absent).to(x), share)
    return mixed


def _difference(a: Tensors, b: Tensors, name: str) -> Tensor:
    zero = torch.zeros_like(a[name] if name in a else b[name])
    return a.get(name, zero) - b.get(name, zero).to(zero)


def _added(a: Tensors, b: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {**a, **{name: b[name] + a[name].to(b[name]) if name in a else b[name] for name in b}}


def row_strengths(
    generator: Generator,
    rows: Sequence[int] | None,
    strengths: Sequence[float],
    amount: float = 1.0,
    elsewhere: float = 0.0,
) -> list[float]:
    """``amount`` · strength for every row named (None = all), ``elsewhere`` for the others."""
    chosen = list(range(generator.num_ws)) if rows is None else list(rows)
    if chosen and not 0 <= min(chosen) <= max(chosen) < generator.num_ws:
        raise BadInput(
            f"The layers {chosen} do not all exist; this generator has rows 0 to "
            f"{generator.num_ws - 1}."
        )
    factors = dict(zip(chosen, strengths or [1.0] * len(chosen), strict=True))
    return [
        amount * factors[row] if row in factors else elsewhere for row in range(generator.num_ws)
    ]
