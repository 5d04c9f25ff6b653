"""Boundaries from examples: a linear SVM between latents of high and of low score (InterFaceGAN).

The scores come from a domain's scorer, from any other function of pictures, from labels in a CSV
file, or from a handful of pictures that somebody picked as "more" and "less".
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from editing.directions import Direction
from editing.errors import BadInput, MissingFile
from editing.samples import Floats, Moments, ScoredSet, spread

MIN_EXTREMES = 1000  # per side, where there are enough latents
EXTREMES = 0.02  # of all latents per side; InterFaceGAN's default
TRAINED = 0.7  # of the extremes; the rest validates
PENALTY = 1e-3  # the SVM's C on latents of unit mean variance; see _fit
MIN_LATENTS = 10
MAX_LABELS = 10_000  # rows of a CSV; each is mapped, and a latent file is read
MIN_PICKS = 2  # per side
MARGIN_BINS = np.linspace(-4, 4, 33)  # steps from the boundary
ABSENT = ("nan", "na", "n/a", "none", "null", "-")  # how tables say that there is no score
WORDS = {"1": 1.0, "0": 0.0, "yes": 1.0, "no": 0.0, "true": 1.0, "false": 0.0,
         "more": 1.0, "less": 0.0}  # fmt: skip


def train_boundary(
    name: str,
    latents: Floats,
    scores: Floats,
    rng: np.random.Generator,
    ratio: float = EXTREMES,
    space: str = "w",
    covariance: Tensor | None = None,
) -> Direction:
    """The normal of a linear SVM between the latents of highest and lowest score.

    Args:
        latents: w [N, w_dim], untruncated, or z [N, z_dim].
        scores: a scorer's reading of each one's picture, [N]; only two different values are labels.
        rng: divides the extremes into training and validation.
        ratio: part of the latents taken per side, but at least ``MIN_EXTREMES`` where there are
            so many, and never more than half. Of labels, all are taken.
        covariance: of W, where the latents are no fair sample of it; None = that of the latents.

    Returns:
        A direction towards higher scores with step = the standard deviation of n·w; its meta has
        accuracy and AUC on the validation part and on all latents (there "positive" means a score
        above the middle of its 1st and 99th percentile), and the histogram of their distances from
        the boundary.

    Raises:
        BadInput: fewer than ten latents, or shapes or values that do not fit.
    """
    scores = scores.reshape(-1)
    if latents.ndim != 2 or len(latents) != len(scores) or len(scores) < MIN_LATENTS:
        raise BadInput(
            f"A boundary needs latents [N, w_dim] and N scores, N from {MIN_LATENTS}; "
            f"there are {list(latents.shape)} and {len(scores)}."
        )
    if not (np.isfinite(latents).all() and np.isfinite(scores).all()):
        raise BadInput(f"Latents or scores of {name} are not finite; leave those out.")
    if scores.min() == scores.max():
        raise BadInput(f"All scores of {name} are {scores[0]}; nothing tells the latents apart.")
    low, high = _extremes(scores, ratio)
    return _fit(name, latents, scores, rng, low, high, space, covariance)


def _extremes(scores: Floats, ratio: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the lowest and of the highest scores."""
    values = np.unique(scores)
    if len(values) == 2:
        return np.flatnonzero(scores == values[0]), np.flatnonzero(scores == values[1])
    chosen = min(max(MIN_EXTREMES, math.ceil(ratio * len(scores))), len(scores) // 2)
    order = np.argsort(scores, kind="stable")
    return order[:chosen], order[-chosen:]


def _fit(
    name: str,
    latents: Floats,
    scores: Floats,
    rng: np.random.Generator,
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    space: str,
    covariance: Tensor | None,
) -> Direction:
    from sklearn.svm import SVC

    extremes = np.concatenate([low, high])
    labels = np.repeat([0, 1], [len(low), len(high)])
    shuffled = rng.permutation(len(extremes))
    train, validation = np.split(shuffled, [round(TRAINED * len(extremes))])
    if len(np.unique(labels[train])) < 2:
        raise BadInput(
            f"{name} has {len(low)} latents on one side and {len(high)} on the other; "
            "label at least a few of each."
        )
    # InterFaceGAN's C = 1 lets the normal lean into directions in which W hardly varies: they tell
    # the extremes apart as well, but moving along them shows little. A soft margin stays away.
    cost = PENALTY / float(latents.var(axis=0).mean())
    machine = SVC(kernel="linear", C=cost, class_weight="balanced").fit(
        latents[extremes[train]], labels[train]
    )
    n = machine.coef_[0] / np.linalg.norm(machine.coef_[0])
    positive = scores > np.percentile(scores, [1, 99]).mean()
    vector = torch.from_numpy(n.astype(np.float32))
    step = float((latents @ n).std()) if covariance is None else spread(vector, covariance)
    distances = machine.decision_function(latents) / np.linalg.norm(machine.coef_[0]) / step
    meta = {
        "latents": len(latents),
        "extremes": min(len(low), len(high)),
        "validation": _quality(machine, latents[extremes[validation]], labels[validation]),
        "all": _quality(machine, latents, positive),
        "margins": margins(distances, positive),
    }
    return Direction(name, vector, None, step, space, meta)


def _quality(machine: Any, latents: Floats, labels: NDArray[Any]) -> dict[str, float | None]:
    both = bool(labels.any()) and not bool(labels.all())
    right = machine.predict(latents) == labels
    return {
        "accuracy": float(right.mean()) if len(labels) else None,
        "auc": auc(machine.decision_function(latents), labels) if both else None,
    }


def auc(values: NDArray[Any], labels: NDArray[Any]) -> float:
    """Area under the ROC curve: how often a positive one has the larger value."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(labels, values))


def margins(distances: NDArray[Any], positive: NDArray[Any]) -> dict[str, list[float]]:
    """Histogram of signed distances from the boundary, in steps, of either side."""
    inside = np.clip(distances, MARGIN_BINS[0], MARGIN_BINS[-1])
    less, more = (np.histogram(inside[side], MARGIN_BINS)[0] for side in (~positive, positive))
    return {
        "edges": MARGIN_BINS.round(3).tolist(),
        "less": less.tolist(),
        "more": more.tolist(),
    }


def cosines(direction: Direction, others: Sequence[Direction]) -> dict[str, float]:
    """Cosine of a direction to each other one of its space (mean over rows where they differ)."""
    found = {}
    for other in others:
        if other.space == direction.space and other.vector.shape[-1] == direction.vector.shape[-1]:
            product = direction.vector.cpu() * other.vector.cpu()
            found[other.name] = float(product.sum(-1).mean())
    return found


# -- from a scored set


def from_scores(
    name: str, scored: ScoredSet, factor: str, seed: int = 0, ratio: float = 0.1
) -> Direction:
    """``train_boundary`` for one of the scores of a set."""
    rng = np.random.default_rng(seed)
    direction = train_boundary(name, scored.latents, scored.score(factor), rng, ratio)
    return replace(direction, meta={**direction.meta, "from": factor})


# -- from picked pictures


@dataclass(frozen=True, eq=False)
class Taste:
    """What tells two handfuls of pictures apart: a weight for every reading."""

    names: tuple[str, ...]
    weights: Floats  # [F]; zero where the picks do not differ beyond chance

    def score(self, readings: Floats) -> Floats:
        """Readings [N, F] -> how much each is like "more", [N]."""
        values: Floats = readings @ self.weights
        return values


def taste_of(names: Sequence[str], more: Floats, less: Floats) -> Taste:
    """Learn from a few pictures on either side what is meant.

    Shrunken centroids (Tibshirani et al. 2002) on readings in σ: of the difference of the two
    means, each reading keeps what exceeds the chance that ``F`` readings leave, so that eight
    pictures a side can tell one attribute from dozens that differ by accident.

    Args:
        more, less: readings of the picked pictures, [n, F] and [m, F].

    Raises:
        BadInput: fewer than two a side.
    """
    if min(len(more), len(less)) < MIN_PICKS:
        raise BadInput(
            f"{len(more)} pictures are picked as more and {len(less)} as less; "
            f"pick at least {MIN_PICKS} of each, better eight."
        )
    difference = more.mean(0) - less.mean(0)
    spread = np.sqrt(1 / len(more) + 1 / len(less))  # readings have σ 1 in the world
    expected = spread * math.sqrt(2 * math.log(max(difference.size, 2)))  # largest by chance
    kept = np.sign(difference) * np.maximum(np.abs(difference) - expected, 0)
    if not kept.any():  # nothing stands out: the clearest difference alone
        kept = np.where(np.abs(difference) == np.abs(difference).max(), difference, 0)
    weights = (kept / np.linalg.norm(kept)).astype(np.float32)
    return Taste(tuple(names), weights)


def from_picks(
    name: str, scored: ScoredSet, more: Floats, less: Floats, seed: int = 0, ratio: float = 0.1
) -> Direction:
    """A boundary for what eight or so pictures a side have in common.

    Args:
        scored: latents with the readings that ``more`` and ``less`` [n, F] are of.

    Raises:
        BadInput: too few pictures.
    """
    taste = taste_of(scored.names, more, less)
    rng = np.random.default_rng(seed)
    direction = train_boundary(name, scored.latents, taste.score(scored.scores), rng, ratio)
    meant = {n: round(float(w), 3) for n, w in zip(taste.names, taste.weights, strict=True) if w}
    return replace(direction, meta={**direction.meta, "picked": meant})


def from_few(
    name: str, more: Tensor, less: Tensor, moments: Moments, shrink: float = 0.3
) -> Direction:
    """A boundary from latents alone, for domains without a scorer: Fisher's discriminant.

    Σ⁻¹(mean of more − mean of less), with the Σ of W itself (thousands of latents instead of the
    few picked) mixed with ``shrink`` of a round one.

    Args:
        more, less: w, [n, w_dim] and [m, w_dim].

    Raises:
        BadInput: too few pictures, or both sides are the same.
    """
    if min(len(more), len(less)) < MIN_PICKS:
        raise BadInput(
            f"{len(more)} pictures are picked as more and {len(less)} as less; "
            f"pick at least {MIN_PICKS} of each, better eight."
        )
    covariance = moments.covariance.double()
    size = len(covariance)
    round_one = torch.eye(size, dtype=torch.double) * covariance.trace() / size
    mixed = (1 - shrink) * covariance + shrink * round_one
    difference = (more.double().mean(0) - less.double().mean(0)).cpu()
    n = torch.linalg.solve(mixed, difference)
    if not float(n.norm()) > 0:
        raise BadInput(f"The pictures picked for {name} are the same on both sides; pick others.")
    n = n / n.norm()
    meta = {"latents": len(more) + len(less)}
    return Direction(name, n.float(), step=spread(n, covariance), meta=meta)


# -- from labels


@dataclass(frozen=True)
class Labels:
    """Sources (seeds, latent files or exported pictures) with a score each."""

    sources: tuple[str, ...]
    scores: tuple[float, ...]
    notes: tuple[str, ...] = ()


def read_labels(path: Path | str, name: str = "") -> Labels:
    """Read a CSV of two columns: a source and a score.

    A source is ``seed:12``, ``12``, a latent file, or a picture that ``generate`` wrote; files are
    looked for beside the CSV, too. Columns stand apart by commas, semicolons (then a comma may be
    the decimal point) or tabs. A first line that is no such row is taken as a header; rows without
    a score, or with NaN, are left out and counted in a note. A score is a number, or yes/no,
    true/false, more/less.

    Raises:
        MissingFile, BadInput: it is not there, holds text for a score, too few rows, more than
            ``MAX_LABELS`` or one class.
    """
    path = Path(path)
    name = name or str(path)
    if not path.is_file():
        raise MissingFile(f"{name} is missing; check the path of the labels.")
    sources, scores, left_out = list[str](), list[float](), 0
    header = 2  # columns
    for number, cells in _rows(path, name):
        if not any(cells):
            continue
        if number == 1 and len(cells) > 1 and cells[1] and _score_of(cells[1]) is None:
            header = len(cells)
            continue
        if len(cells) > header:
            raise BadInput(
                f"Row {number} of {name} has {len(cells)} columns instead of {header}; put decimal "
                "commas into quotes, or let semicolons stand between the columns."
            )
        score = _score_of(cells[1]) if len(cells) > 1 and cells[1] else math.nan
        if score is None:
            raise BadInput(
                f"Row {number} of {name} has the score {cells[1][:40]!r}; "
                "write a number, or yes and no."
            )
        if not cells[0] or not math.isfinite(score):
            left_out += 1
            continue
        if len(sources) == MAX_LABELS:
            raise BadInput(
                f"{name} has more than {MAX_LABELS:,} usable rows; keep {MAX_LABELS:,} or fewer."
            )
        sources.append(_source(cells[0], path.parent))
        scores.append(score)
    if len(sources) < MIN_LATENTS:
        raise BadInput(
            f"{name} has {len(sources)} usable rows; label at least {MIN_LATENTS} portraits."
        )
    if len(set(scores)) < 2:
        raise BadInput(f"All rows of {name} have the score {scores[0]:g}; label some others too.")
    notes = (f"{left_out} rows of {name} have no source or no score and are left out.",)
    return Labels(tuple(sources), tuple(scores), notes if left_out else ())


def _rows(path: Path, name: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV, counted from 1 without the line in which Excel names its separator."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        first = next((line for line in lines if line.strip()), "")
        named = re.fullmatch(r"sep=(.)", first.strip().strip('"'))
        if named:
            lines = lines[lines.index(first) + 1 :]
        apart = named[1] if named else next((c for c in ";\t" if c in first), ",")
        rows = list(csv.reader(lines, delimiter=apart))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{name} is no CSV text ({error}); save it as CSV, UTF-8.") from error
    for number, row in enumerate(rows, 1):
        cells = [cell.strip() for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        yield number, cells


def _source(text: str, beside: Path) -> str:
    """A source as commands name it; a file that is not here may lie beside the CSV."""
    if text.isascii() and text.isdigit():
        return f"seed:{text}"
    there = beside / text
    return str(there) if not Path(text).is_file() and there.is_file() else text


def _score_of(text: str) -> float | None:
    """A score, NaN where there is none; None for a text that is no score."""
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    if re.fullmatch(r"[-+]?[0-9]*,[0-9]+", text):
        text = text.replace(",", ".")
    try:
        value = float(text)
    except ValueError:
        return math.nan if text.lower() in ABSENT else None
    return value if math.isfinite(value) else math.nan
