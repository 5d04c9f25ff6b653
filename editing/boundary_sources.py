"""Boundaries from what a person has at hand: labelled portraits, or a few picked as more and less.

For the command line and the workshop of the page alike.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from editing.directions import Direction
from editing.domains import Domain
from editing.errors import BadInput
from editing.latents import load_latent, parse_seed
from editing.samples import ScoredSet, moments, read
from editing.separation import Labels, from_few, from_picks, train_boundary
from editing.states import EditState, state_of

LABELLED = 0.5  # per side, of the labels that are scores: all of them


def from_labels(
    name: str, labels: Labels, domain: Domain, space: str = "w", seed: int = 0
) -> Direction:
    """A boundary between portraits that somebody labelled.

    They are truncated as they were shown, so a step in W is measured on fair samples instead.

    Raises:
        MissingFile, BadLatent: a latent file that is not there, or of another generator.
        BadInput: latent files for the space z, or labels that teach nothing.
    """
    states = [_state(source, domain) for source in labels.sources]
    covariance = None
    if space == "w":
        points = torch.cat([state.ws.mean(1) for state in states])
        covariance = moments(domain).covariance
    elif any(state.z is None for state in states):
        raise BadInput("The labels name latent files, whose z is not known; train in w.")
    else:
        points = torch.cat([state.z for state in states if state.z is not None])
    latents, scores = points.cpu().numpy(), np.array(labels.scores, np.float32)
    rng = np.random.default_rng(seed)
    return train_boundary(name, latents, scores, rng, LABELLED, space, covariance)


def _state(source: str, domain: Domain) -> EditState:
    return state_of(source if parse_seed(source) else load_latent(source), domain)


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
