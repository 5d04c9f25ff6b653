"""Directions in W: load, save, move along, condition, and train the InterFaceGAN way.

A direction is a unit vector n with a ``step``: alpha = 1 moves by step·n. A domain's own directions
have the standard deviation of n·w over many latents as step; imported ones have step 1, so that
published formulae hold exactly. (Shen et al. 2020, "InterFaceGAN", sections 3.1-3.3.)
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from editing.domains import Domain
from editing.errors import BadInput, UnknownName
from editing.tensors import read_tensors, write_tensors

FORMAT = "latent-studio direction 1"
TOLERANCE = 1e-3  # of a unit vector: what is left below counts as nothing
MIN_EXTREMES = 1000  # per side, where there are enough latents
EXTREMES = 0.02  # of all latents per side; InterFaceGAN's default
TRAINED = 0.7  # of the extremes; the rest validates


@dataclass(frozen=True, eq=False)
class Direction:
    """A way to move in W."""

    name: str
    vector: Tensor  # [w_dim], or [num_ws, w_dim] with a vector per row; unit norm (each row)
    layers: tuple[int, ...] | None = None  # rows of ws that move; None = all
    step: float = 1.0  # distance in W of alpha = 1
    space: str = "w"
    meta: Mapping[str, Any] = field(default_factory=dict)  # how it was made, how good it is

    def __post_init__(self) -> None:
        norms = self.vector.norm(dim=-1)
        if self.vector.ndim not in (1, 2) or not bool(((norms - 1).abs() < TOLERANCE).all()):
            raise BadInput(
                f"The direction {self.name} has the shape {list(self.vector.shape)} and norms "
                f"up to {float(norms.max()):.3g}; it needs unit vectors [w_dim] or "
                "[num_ws, w_dim], so divide it by its norm."
            )
        if not (math.isfinite(self.step) and self.step > 0):
            raise BadInput(
                f"The direction {self.name} has the step {self.step}; "
                "it needs a positive number, such as 1."
            )


def save_direction(path: Path | str, direction: Direction) -> None:
    """Write a direction as safetensors with its facts as metadata.

    Raises:
        CannotWrite: folder or disk refuse.
    """
    facts = {key: getattr(direction, key) for key in ("name", "layers", "step", "space", "meta")}
    write_tensors(path, {"vector": direction.vector}, FORMAT, facts)


def load_direction(path: Path | str) -> Direction:
    """Read a file of ``save_direction``.

    Raises:
        MissingFile, UnsafeFile: it is not there, or no such file.
        BadInput: what it holds is no direction.
    """
    tensors, facts = read_tensors(path, FORMAT)
    try:
        layers = facts["layers"]
        return Direction(
            name=str(facts["name"]),
            vector=tensors["vector"],
            layers=None if layers is None else tuple(int(row) for row in layers),
            step=float(facts["step"]),
            space=str(facts["space"]),
            meta=dict(facts["meta"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path} is a damaged direction file ({error}); make it again.") from error


def boundary(domain: Domain, attribute: str) -> Direction:
    """A domain's own direction for an attribute, loaded once.

    Raises:
        UnknownName: the message lists the attributes that the domain has.
        MissingFile, UnsafeFile: its file is not there, or another than promised.
    """
    loaded = _loaded.setdefault(domain, {})
    if attribute not in loaded:
        if attribute not in domain.boundaries:
            raise UnknownName.among("attribute", attribute, domain.boundaries)
        path = domain.path_of(domain.boundaries[attribute])
        with torch.inference_mode(False):  # whoever asks first, it must serve autograd later
            direction = load_direction(path)
            loaded[attribute] = replace(direction, vector=direction.vector.to(domain.device))
    return loaded[attribute]


_loaded: WeakKeyDictionary[Domain, dict[str, Direction]] = WeakKeyDictionary()


def rows_of(ws: Tensor, layers: Sequence[int] | None) -> list[int]:
    """The rows of ws [N, num_ws, w_dim] that ``layers`` names; None = all.

    Raises:
        BadInput: a row that ws does not have.
    """
    rows = list(range(ws.shape[1]) if layers is None else layers)
    if rows and not 0 <= min(rows) <= max(rows) < ws.shape[1]:
        raise BadInput(
            f"The layers {rows} do not all exist; this generator has rows 0 to {ws.shape[1] - 1}."
        )
    return rows


def move(
    ws: Tensor, direction: Direction, alpha: float, layers: Sequence[int] | None = None
) -> Tensor:
    """ws + alpha·step·n on the given rows; the others stay bit-equal.

    Args:
        ws: [N, num_ws, w_dim].
        alpha: in steps; 0 changes nothing.
        layers: rows that move; None = the direction's own.
    """
    rows = rows_of(ws, direction.layers if layers is None else layers)
    moved = ws.clone()
    if alpha:
        moved[:, rows] += alpha * direction.step * _vectors(ws, direction)[rows]
    return moved


def absolute(
    ws: Tensor, direction: Direction, distance: float, layers: Sequence[int] | None = None
) -> Tensor:
    """ws + (distance − n·ws)·n on the given rows: InterFaceGAN's move *to* a signed distance.

    The distance is in W, from the parallel of the boundary through the origin, without ``step``.
    """
    rows = rows_of(ws, direction.layers if layers is None else layers)
    n, moved = _vectors(ws, direction)[rows], ws.clone()
    moved[:, rows] += (distance - (ws[:, rows] * n).sum(-1, keepdim=True)) * n
    return moved


def _vectors(ws: Tensor, direction: Direction) -> Tensor:
    """One vector per row, [num_ws, w_dim]."""
    if direction.vector.shape[-1] != ws.shape[2] or (
        direction.vector.ndim == 2 and len(direction.vector) != ws.shape[1]
    ):
        raise BadInput(
            f"The direction {direction.name} has the shape {list(direction.vector.shape)}, "
            f"but the latents have {list(ws.shape[1:])}; use a direction of this generator."
        )
    return direction.vector.to(ws.device).expand(ws.shape[1], -1)


def condition(direction: Direction, others: Sequence[Direction]) -> Direction:
    """The part of a direction that leaves ``others`` alone: n minus its projection on their span.

    Others that hang together are counted once. The step is kept, so alpha stays a distance in W;
    ``meta["residual"]`` is the length (0..1) of what was left before it was made a unit again.

    Raises:
        BadInput: nothing is left, the others fix the direction itself.
    """
    if not others:
        return direction
    vectors = [direction.vector, *(other.vector for other in others)]
    shape = max((vector.shape for vector in vectors), key=len)
    rows = [vector.double().expand(shape).reshape(-1, shape[-1]) for vector in vectors]
    residual = torch.stack([_orthogonal(n, given) for n, *given in zip(*rows, strict=True)])
    lengths = residual.norm(dim=1)
    names = ", ".join(other.name for other in others)
    if float(lengths.min()) < TOLERANCE:
        raise BadInput(
            f"{direction.name} cannot move while {names} stay: "
            f"they say the same (residual {float(lengths.min()):.1e}); hold fewer of them still."
        )
    vector = (residual / lengths[:, None]).reshape(shape).to(direction.vector)
    meta = {**direction.meta, "given": names, "residual": float(lengths.mean())}
    return replace(direction, vector=vector, meta=meta)


def _orthogonal(n: Tensor, others: Sequence[Tensor]) -> Tensor:
    """n minus its projection on the span of the others (QR by Gram-Schmidt, dependent ones out)."""
    basis: list[Tensor] = []
    for other in others:
        rest = _minus_projection(other, basis)
        if float(rest.norm()) > TOLERANCE:
            basis.append(rest / rest.norm())
    return _minus_projection(n, basis)


def _minus_projection(v: Tensor, basis: Sequence[Tensor]) -> Tensor:
    for _ in range(2):  # the second round removes what rounding left
        for b in basis:
            v = v - (v @ b) * b
    return v


def train_boundary(
    name: str,
    latents: NDArray[np.float32],
    scores: NDArray[np.float32],
    rng: np.random.Generator,
    ratio: float = EXTREMES,
) -> Direction:
    """The normal of a linear SVM between the latents of highest and lowest score.

    Args:
        latents: w [N, w_dim], untruncated.
        scores: a scorer's reading of each one's picture, [N].
        rng: divides the extremes into training and validation.
        ratio: part of the latents taken per side, but at least ``MIN_EXTREMES`` where there are
            so many, and never more than half.

    Returns:
        A direction towards higher scores with step = the standard deviation of n·w over the
        latents; its meta has accuracy and AUC on the validation part and on all latents (there
        "positive" means a score above the middle of its 1st and 99th percentile).

    Raises:
        BadInput: fewer than ten latents, or shapes or values that do not fit.
    """
    scores = scores.reshape(-1)
    if latents.ndim != 2 or len(latents) != len(scores) or len(scores) < 10:
        raise BadInput(
            f"A boundary needs latents [N, w_dim] and N scores, N from 10; "
            f"there are {list(latents.shape)} and {len(scores)}."
        )
    if not (np.isfinite(latents).all() and np.isfinite(scores).all()):
        raise BadInput(f"Latents or scores of {name} are not finite; leave those out.")
    if scores.min() == scores.max():
        raise BadInput(f"All scores of {name} are {scores[0]}; nothing tells the latents apart.")
    chosen = max(MIN_EXTREMES, math.ceil(ratio * len(scores)))
    return _fit(name, latents, scores, rng, min(chosen, len(scores) // 2))


def _fit(
    name: str,
    latents: NDArray[np.float32],
    scores: NDArray[np.float32],
    rng: np.random.Generator,
    chosen: int,
) -> Direction:
    from sklearn.svm import SVC

    order = np.argsort(scores, kind="stable")
    extremes = np.concatenate([order[:chosen], order[-chosen:]])
    labels = np.repeat([0, 1], chosen)
    shuffled = rng.permutation(2 * chosen)
    train, validation = np.split(shuffled, [round(TRAINED * 2 * chosen)])
    machine = SVC(kernel="linear").fit(latents[extremes[train]], labels[train])
    n = machine.coef_[0] / np.linalg.norm(machine.coef_[0])
    middle = np.percentile(scores, [1, 99]).mean()
    meta = {
        "latents": len(latents),
        "extremes": chosen,
        "validation": _quality(machine, latents[extremes[validation]], labels[validation]),
        "all": _quality(machine, latents, scores > middle),
    }
    step = float((latents @ n).std())
    return Direction(name, torch.from_numpy(n.astype(np.float32)), step=step, meta=meta)


def _quality(
    machine: Any, latents: NDArray[np.float32], labels: NDArray[Any]
) -> dict[str, float | None]:
    from sklearn.metrics import roc_auc_score

    both = bool(labels.any()) and not bool(labels.all())
    return {
        "accuracy": float((machine.predict(latents) == labels).mean()),
        "auc": float(roc_auc_score(labels, machine.decision_function(latents))) if both else None,
    }
