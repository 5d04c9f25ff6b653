"""Boundaries from what a person has at hand: labelled portraits, or a few picked as more and less.

For the command line and the workshop of the page alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from editing.directions import Direction
from editing.domains import Domain
from editing.errors import BadInput
from editing.latents import load_latent, parse_seed, sample_z
from editing.samples import ScoredSet, draw_ws, moments, read
from editing.separation import Labels, from_few, from_picks, train_boundary
from editing.states import state_of

LABELLED = 0.5  # per side, of the labels that are scores: all of them
TOGETHER = 256  # seeds mapped at once: every row of their ws is there for a moment


def from_labels(
    name: str, labels: Labels, domain: Domain, space: str = "w", seed: int = 0
) -> Direction:
    """A boundary between portraits that somebody labelled.

    They are truncated as they were shown, so a step in W is measured on fair samples instead.

    Raises:
        MissingFile, BadLatent: a latent file that is not there, or of another generator.
        BadInput: latent files for the space z, or labels that teach nothing.
    """
    covariance = None
    if space == "w":
        points = _labelled_w(labels.sources, domain)
        covariance = moments(domain).covariance
    else:
        specs = [spec for source in labels.sources if (spec := parse_seed(source))]
        if len(specs) < len(labels.sources):
            raise BadInput("The labels name latent files, whose z is not known; train in w.")
        points = sample_z([spec.seed for spec in specs], domain.generator.z_dim)
    latents, scores = points.cpu().numpy(), np.array(labels.scores, np.float32)
    rng = np.random.default_rng(seed)
    return train_boundary(name, latents, scores, rng, LABELLED, space, covariance)


def _labelled_w(sources: Sequence[str], domain: Domain) -> Tensor:
    """w of sources, [N, w_dim]; of a latent with rows of its own, their mean."""
    points = torch.empty(len(sources), domain.generator.w_dim)
    How = tuple[float, int | None, int | None]  # psi, class, rows truncated
    seeds: dict[How, list[tuple[int, int]]] = {}  # -> place, seed
    for place, source in enumerate(sources):
        if spec := parse_seed(source):
            how = (spec.psi, spec.label, spec.cutoff)
            seeds.setdefault(how, []).append((place, spec.seed))
        else:
            points[place] = state_of(load_latent(source), domain).ws.mean(1)[0].cpu()
    for how, found in seeds.items():
        for start in range(0, len(found), TOGETHER):
            places, numbers = zip(*found[start : start + TOGETHER], strict=True)
            points[list(places)] = draw_ws(domain, numbers, *how).mean(1).cpu()
    return points


def from_pictures(
    name: str,
    more: Tensor,
    less: Tensor,
    domain: Domain,
    scored: ScoredSet | None = None,
    seed: int = 0,
) -> Direction:
    """A boundary for what some portraits have in common and others lack.

    Args:
        more, less: ws of the picked portraits, [n, num_ws, w_dim] and [m, num_ws, w_dim].
        scored: latents with the scorer's readings; None where the domain has no scorer.

    Raises:
        BadInput: too few portraits, or the same on both sides.
    """
    if scored is None:
        return from_few(name, more[:, 0].cpu(), less[:, 0].cpu(), moments(domain))
    wanted, unwanted = (read(domain, ws, domain.scorer).numpy() for ws in (more, less))
    return from_picks(name, scored, wanted, unwanted, seed=seed)
