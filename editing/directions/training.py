"""All boundaries of one scored set: separated, freed of what should not move, with safe ranges.

A normal that separates an attribute perfectly may still drag others along that have nothing to do
with it in this world. Which those are, the scores say (no correlation); how much it drags them, the
rescoring says. So a first-order correction takes out what is too much of it, while what the world
couples stays. Taking out all of it would cost more than it brings: every other normal drags
something along itself, and thirty small corrections turn the normal away from its own attribute.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from editing.directions.direction import Direction, unit
from editing.directions.rescoring import Effect, rescore, safe_range, trial_ws
from editing.directions.samples import ScoredSet, moments, spread
from editing.directions.svm import auc, from_scores
from editing.models.domain import Domain

APART = 0.1  # correlation of readings below which two attributes have nothing to do with each other
ALLOWED = 0.15  # of its own change, that a boundary may move what is apart from it
MOVES = 0.2  # σ of its own that a boundary must move to be used in a correction
CORRECTED_ON = 24  # latents of the rescoring
RANGE_LATENTS = 8  # on which the safe range is measured


def train_all(domain: Domain, scored: ScoredSet, seed: int = 0) -> Iterator[Direction]:
    """A finished boundary for everything the set has scores of, one by one.

    Their meta has what ``train_boundary`` gives, the AUC on all latents after the correction
    (``corrected``) and the safe ``range``.
    """
    normals = {name: from_scores(name, scored, name, seed) for name in scored.names}
    ws = trial_ws(domain, CORRECTED_ON)
    effects = {e.name: e for e in rescore(domain, list(normals.values()), ws)}
    correlation = np.atleast_2d(np.corrcoef(scored.scores.T))
    for i, name in enumerate(scored.names):
        apart = {other for j, other in enumerate(scored.names) if abs(correlation[i, j]) < APART}
        corrected = freed(normals[name], normals, effects, apart)
        yield finished(domain, _measured(domain, corrected, scored), name)


def freed(
    direction: Direction,
    normals: Mapping[str, Direction],
    effects: Mapping[str, Effect],
    apart: set[str],
) -> Direction:
    """n minus, for every attribute apart from it, that attribute's normal times the excess of it.

    The excess is what n moves of that attribute beyond ``ALLOWED`` times its own change.

    Args:
        effects: what one step along each of ``normals`` changes.
        apart: attributes that should not move.
    """
    vector = direction.step * direction.vector
    moved = effects[direction.name].change
    allowed = ALLOWED * abs(moved[direction.name])
    for name in sorted(apart - {direction.name}):
        own, much = effects[name].change[name], abs(moved[name])
        if own > MOVES and much > allowed:
            excess = math.copysign(much - allowed, moved[name])
            vector = vector - excess / own * normals[name].step * normals[name].vector
    return replace(direction, vector=unit(direction.name, vector).vector)


def _measured(domain: Domain, direction: Direction, scored: ScoredSet) -> Direction:
    """The direction with the step and the AUC that it has after the correction."""
    covariance, n = moments(domain).covariance, direction.vector.cpu()
    scores = scored.score(direction.name)
    positive = scores > np.percentile(scores, [1, 99]).mean()
    area = auc(scored.latents @ n.numpy(), positive) if 0 < positive.sum() < len(positive) else None
    meta = {**direction.meta, "corrected": {"auc": area}}
    return replace(direction, step=spread(n, covariance), meta=meta)


def finished(domain: Domain, direction: Direction, attribute: str) -> Direction:
    """The direction with its safe range, where the scorer reads the attribute."""
    if "scorer" not in domain.parts or attribute not in domain.scorer.outputs:
        return direction
    if direction.space != "w":
        return direction
    ws = trial_ws(domain, RANGE_LATENTS)
    found = safe_range(domain, direction, attribute, ws)
    return replace(direction, meta={**direction.meta, "range": list(found)})
