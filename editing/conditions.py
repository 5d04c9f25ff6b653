"""Conditions: the part of a direction that leaves others alone, and what is doubtful about a move.

(Shen et al. 2020, "InterFaceGAN", section 3.3: n1 minus its projection on n2; for any number.)
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import torch
from torch import Tensor

from editing.directions import TOLERANCE, Direction, check_rows, clamp
from editing.errors import BadInput
from editing.samples import spread

WEAK, NOTHING = 0.2, 0.05  # residuals of a conditioned direction that are doubtful, and refused


def condition(
    direction: Direction,
    others: Sequence[Direction],
    layers: Sequence[int] | None = None,
    covariance: Tensor | None = None,
) -> Direction:
    """The part of a direction that leaves ``others`` alone: n minus its projection on their span.

    Others that hang together are counted once (SVD, ``TOLERANCE``); the direction itself among
    them is skipped. ``meta["residual"]`` is the length (0..1, the least of the rows that move) of
    what was left before it was made a unit again.

    Args:
        layers: rows that move, which alone are conditioned; None = the direction's own.
        covariance: of W, [w_dim, w_dim]: alpha = 1 then stays one standard deviation, of the new
            n·w. Directions of step 1 count distances and keep it.

    Raises:
        BadInput: nothing is left, the others fix the direction itself; another space, or rows that
            the vectors do not have.
    """
    others = tuple(other for other in others if other.name != direction.name)
    if not others:
        return direction
    rows = direction.layers if layers is None else tuple(layers)
    return _condition(direction, others, None if rows is None else tuple(rows), covariance)


@lru_cache(maxsize=256)  # while a slider is dragged, the same ones are asked for again and again
def _condition(
    direction: Direction,
    others: tuple[Direction, ...],
    rows: tuple[int, ...] | None,
    covariance: Tensor | None,
) -> Direction:
    names = ", ".join(other.name for other in others)
    if any(other.space != direction.space for other in others):
        raise BadInput(
            f"{direction.name} is a direction of {direction.space.upper()}, but not all of {names} "
            "are; hold only directions of the same space still."
        )
    vectors = [each.vector.to(direction.vector.device) for each in (direction, *others)]
    shape = max((vector.shape for vector in vectors), key=len)
    n, *given = (vector.double().expand(shape).reshape(-1, shape[-1]) for vector in vectors)
    residual = minus_span(n, torch.stack(given, dim=1))
    if rows is not None and len(n) > 1:  # rows that stay need no condition
        check_rows(rows, len(n))
        moved = torch.zeros(len(n), 1, dtype=torch.bool).index_fill(0, torch.tensor(rows), True)
        residual = torch.where(moved.to(n.device), residual, n)
    lengths = residual.norm(dim=1)
    least = float(lengths.min())
    if least < NOTHING:
        raise BadInput(
            f"{direction.name} cannot move while {names} stay: they say the same "
            f"(residual {least:.2g}, below {NOTHING:g}); hold fewer of them still."
        )
    vector = (residual / lengths[:, None]).reshape(shape).to(direction.vector)
    meta = {**direction.meta, "given": names, "residual": least}
    step = direction.step
    if covariance is not None and step != 1.0:
        step *= spread(vector, covariance) / spread(direction.vector, covariance)
    return replace(direction, vector=vector, meta=meta, step=step)


def minus_span(n: Tensor, others: Tensor) -> Tensor:
    """n [R, D] minus its projection on the span of ``others`` [R, K, D], row by row."""
    _, lengths, axes = torch.linalg.svd(others, full_matrices=False)
    axes = axes * (lengths > TOLERANCE)[..., None]
    projection: Tensor = (axes.mT @ (axes @ n[..., None]))[..., 0]
    return n - projection


def doubts(direction: Direction, alpha: float, absolute: bool = False) -> list[str]:
    """Sentences on a move that is possible but doubtful: too far, or hardly anything left."""
    notes = list(direction.meta.get("notes", ()))  # on how its file was read
    if (residual := direction.meta.get("residual", 1.0)) < WEAK:
        given = direction.meta.get("given", "others")
        notes.append(
            f"Little of {direction.name} is left while {given} stay "
            f"(residual {residual:.2f}); the edit may show nothing else."
        )
    if not absolute and (kept := clamp(direction, alpha)) != alpha:
        notes.append(
            f"{direction.name}={alpha:g} is beyond the limit of this direction; {kept:g} is used."
        )
    return notes
