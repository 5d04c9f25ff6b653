"""An attribute as a subspace: the ways in which portraits take on more of it.

One smile is not another: some close the lips, some show teeth, some are lopsided. Following the
scorer's gradient from many portraits, a little towards less and a little towards more, gives pairs
that differ in this attribute alone; the principal axes of their differences are its variants. The
first is what all have in common, the others are what tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from editing.directions import Direction, unit
from editing.domains import Domain
from editing.errors import BadInput
from editing.rescoring import rescore
from editing.samples import moments, output_of

MAX_AXES = 8
STEPS = 2  # gradient steps towards either side
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


def subspace_of(
    domain: Domain, attribute: str, differences: Tensor, axes: int = 3
) -> list[Direction]:
    """The axes of an attribute's subspace, from ``paired_differences`` [N, w_dim].

    Axis 1 is the mean difference; the others are the principal axes of what is left, by how much
    of it they explain (``meta["share"]``). step = the standard deviation of n·w.

    Raises:
        BadInput: fewer differences than axes, or more axes than ``MAX_AXES``.
    """
    if not 1 <= axes <= min(MAX_AXES, differences.shape[1]):
        raise BadInput(f"A subspace of {axes} axes is not possible; choose from 1 to {MAX_AXES}.")
    if len(differences) < 2 * axes:
        raise BadInput(
            f"{len(differences)} portraits are too few for {axes} axes; take {2 * axes} or more."
        )
    d = differences.double()
    common = d.mean(0)
    common = common / common.norm()
    rest = d - (d @ common)[:, None] * common
    _, lengths, vectors = torch.linalg.svd(rest - rest.mean(0), full_matrices=False)
    explained = lengths.square() / d.square().sum()
    covariance = moments(domain).covariance.double()
    found = []
    for index, vector in enumerate([common, *vectors[: axes - 1]]):
        vector = vector * torch.sign(vector[vector.abs().argmax()]) if index else vector
        share = float(1 - explained.sum()) if index == 0 else float(explained[index - 1])
        meta = {"method": "subspace", "subspace": attribute, "axis": index + 1, "share": share}
        step = max(float((vector @ covariance @ vector).sqrt()), 1e-6)
        found.append(unit(f"{attribute} {index + 1}", vector.float(), step=step, meta=meta))
    return found


def looks(
    domain: Domain, directions: Sequence[Direction], ws: Tensor, most: int = 3
) -> Iterator[str]:
    """What each axis shows, such as "teeth +0.8, mouth_open −0.3", read on ws [N, ...]."""
    for effect in rescore(domain, directions, ws):
        ranked = sorted(effect.change.items(), key=lambda item: -abs(item[1]))[:most]
        yield ", ".join(f"{name} {value:+.1f}" for name, value in ranked)
