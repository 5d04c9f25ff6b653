"""Sweeps: one portrait under a row of strengths, or a table of two moves, as pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from PIL import Image

from editing.edits.stack import ChannelMove, EditState, Move, render
from editing.errors import BadInput
from editing.io.images import to_pil
from editing.models.domain import Domain
from editing.pictures.contact_sheets import MAX_CELLS, sheet

STRIP = (-3.0, -1.5, 0.0, 1.5, 3.0)  # alphas that show a direction

AnyMove = Move | ChannelMove


def sweep_cells(
    domain: Domain,
    state: EditState,
    along: AnyMove,
    alphas: Sequence[float],
    across: AnyMove | None = None,
    betas: Sequence[float] = (0.0,),
) -> Iterator[Image.Image]:
    """One canonical picture per strength, row by row: ``along`` in columns, ``across`` in rows.

    Raises:
        BadInput: no strengths, or more than ``MAX_CELLS`` pictures.
    """
    if not 0 < len(alphas) * len(betas) <= MAX_CELLS:
        raise BadInput(
            f"A sweep of {len(betas)} x {len(alphas)} pictures is not possible; "
            f"take 1 to {MAX_CELLS}."
        )
    for beta in betas:
        base = state if across is None else replace(across, alpha=beta).apply(state, domain)
        for alpha in alphas:
            moved = replace(along, alpha=alpha).apply(base, domain)
            yield to_pil(render(moved, domain))


def sweep_sheet(
    cells: Sequence[Image.Image],
    along: AnyMove,
    alphas: Sequence[float],
    across: AnyMove | None = None,
    betas: Sequence[float] = (0.0,),
) -> Image.Image:
    """The pictures of ``sweep_cells`` on one sheet, their strengths written on it."""
    columns = [f"{title(along)} {alpha:+g}" for alpha in alphas]
    rows = [] if across is None else [f"{title(across)} {beta:+g}" for beta in betas]
    return sheet(cells, columns, rows)


def title(move: AnyMove) -> str:
    """How a move is called in a picture."""
    return str(move.channel) if isinstance(move, ChannelMove) else move.attribute
