"""An attribute as a subspace: the ways in which portraits take on more of it.

One smile is not another: some close the lips, some show teeth, some are lopsided. Following the
scorer's gradient from many portraits, a little towards less and a little towards more, gives pairs
that differ in this attribute alone; the principal axes of their differences are its variants. The
first is what all have in common, the others are what tells them apart. Everything is measured in
standard deviations of W: else what varies most there, such as pose, would drown the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from editing.directions.direction import Direction, boundary, unit
from editing.directions.rescoring import rescore
from editing.directions.samples import draw, moments, output_of
from editing.errors import BadInput
from editing.models.domain import Domain

MAX_AXES = 8
OVERLAP = 0.75  # of two attributes' maps, from which they look at the same place
STEPS = 2  # gradient steps towards either side
FLAT = 1e-2  # of the largest deviation: where W is flatter than this, it has no people
STRIDE = 0.5  # of a standard deviation of W along the gradient, each


def paired_differences(domain: Domain, attribute: str, ws: Tensor) -> Iterator[Tensor]:
    """For each of ws [N, num_ws, w_dim]: w with more of the attribute minus w with less, [w_dim].

    Raises:
        UnknownName: the scorer does not read this attribute.
    """
    net = domain.scorer
    own = output_of(net, attribute)
    covariance = moments(domain).covariance.to(ws.device)
    for w in ws[:, 0]:
        ends = []
        for sign in (1.0, -1.0):
            end = w.clone()
            for _ in range(STEPS):
                gradient = _gradient(domain, end, own)
                # along the gradient, but only where W has people: C·g, of a fixed length in σ
                along = covariance @ gradient
                length = (gradient @ along).clamp_min(1e-20).sqrt()
                end = end + sign * STRIDE * along / length
            ends.append(end)
        yield (ends[0] - ends[1]).cpu()


def _gradient(domain: Domain, w: Tensor, own: int) -> Tensor:
    """d reading / d w of one latent [w_dim]."""
    with torch.enable_grad():
        w = w.detach().requires_grad_()
        ws = w.expand(1, domain.generator.num_ws, -1)
        reading = domain.scorer(domain.generator.synthesis(ws))[0, own]
        return torch.autograd.grad(reading, w)[0]


def unrelated(domain: Domain, attribute: str, ws: Tensor) -> list[Direction]:
    """The domain's boundaries of what the scorer reads elsewhere in the picture.

    Where it looks for an attribute is where its reading answers to the pixels; two attributes are
    related where these maps overlap (cosine above ``OVERLAP``), as smile and teeth do.
    """
    net, img = domain.scorer, draw(domain, ws)
    own = output_of(net, attribute)
    with torch.enable_grad():
        img = img.detach().requires_grad_()
        readings = net(img).sum(0)
        maps = [
            torch.autograd.grad(reading, img, retain_graph=True)[0].abs().mean((0, 1)).flatten()
            for reading in readings
        ]
    looks_at = functional.normalize(torch.stack(maps), dim=1)
    overlap = looks_at @ looks_at[own]
    names = [n for n, same in zip(net.outputs, overlap.tolist(), strict=True) if same < OVERLAP]
    found = [boundary(domain, name) for name in names if name in domain.boundaries]
    return [direction for direction in found if direction.space == "w"]


def subspace_of(
    domain: Domain,
    attribute: str,
    differences: Tensor,
    axes: int = 3,
    others: Sequence[Direction] = (),
) -> list[Direction]:
    """The axes of an attribute's subspace, from ``paired_differences`` [N, w_dim].

    Axis 1 is the mean difference; the others are the principal axes of what is left, by how much
    of it they explain (``meta["share"]``). Measured in standard deviations of W, they are
    orthogonal; a step is one such deviation.

    Args:
        others: directions that no axis may move along; see ``unrelated``.

    Raises:
        BadInput: fewer differences than axes, or more axes than ``MAX_AXES``.
    """
    if not 1 <= axes <= min(MAX_AXES, differences.shape[1]):
        raise BadInput(f"A subspace of {axes} axes is not possible; choose from 1 to {MAX_AXES}.")
    if len(differences) < 2 * axes:
        raise BadInput(
            f"{len(differences)} portraits are too few for {axes} axes; take {2 * axes} or more."
        )
    root, inverse = _roots(moments(domain).covariance.double())
    d = differences.double() @ inverse
    if others:
        normals = torch.stack([o.vector.reshape(-1, len(root)).mean(0).double() for o in others])
        span, _ = torch.linalg.qr(root @ normals.T.cpu())
        d = d - d @ span @ span.T
    common = d.mean(0)
    common = common / common.norm()
    rest = d - (d @ common)[:, None] * common
    _, lengths, vectors = torch.linalg.svd(rest - rest.mean(0), full_matrices=False)
    explained = lengths.square() / d.square().sum()
    found = []
    for index, vector in enumerate([common, *vectors[: axes - 1]]):
        along = root @ vector  # back in W, of length one standard deviation
        along = along * torch.sign(along[along.abs().argmax()]) if index else along
        share = float(1 - explained.sum()) if index == 0 else float(explained[index - 1])
        meta = {"method": "subspace", "subspace": attribute, "axis": index + 1, "share": share}
        n = along / along.norm()
        spread = (inverse @ n).norm() ** -1  # the deviation of W along n, all else held
        step = max(float(spread), 1e-6)
        found.append(unit(f"{attribute} {index + 1}", n.float(), step=step, meta=meta))
    return found


def _roots(covariance: Tensor) -> tuple[Tensor, Tensor]:
    """Square root of a covariance and its (pseudo-)inverse."""
    values, axes = torch.linalg.eigh(covariance)
    root = values.clamp_min(0).sqrt()
    inverse = torch.where(root > FLAT * root.max(), 1 / root.clamp_min(1e-12), 0.0)
    return axes * root @ axes.T, axes * inverse @ axes.T


def looks(
    domain: Domain, directions: Sequence[Direction], ws: Tensor, most: int = 3
) -> Iterator[str]:
    """What each axis shows, such as "teeth +0.8, mouth_open −0.3", read on ws [N, ...]."""
    for effect in rescore(domain, directions, ws):
        ranked = sorted(effect.change.items(), key=lambda item: -abs(item[1]))[:most]
        yield ", ".join(f"{name} {value:+.1f}" for name, value in ranked)
