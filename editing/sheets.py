"""Pictures side by side with words: sweeps of one or two moves, strips, and heat maps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from editing.domains import Domain
from editing.edits import ChannelMove, EditState, Move, render
from editing.errors import BadInput
from editing.images import to_pil
from editing.lettering import Font, lettered

LABEL = 22  # pixels of a line of text
MAX_CELLS = 400
STRIP = (-3.0, -1.5, 0.0, 1.5, 3.0)  # alphas that show a direction
PAPER, INK = (255, 255, 255), (40, 44, 52)
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


def sheet(
    cells: Sequence[Image.Image],
    columns: Sequence[str],
    rows: Sequence[str] = (),
    below: Sequence[Sequence[str]] = (),
    size: int = 14,
) -> Image.Image:
    """Pictures of one size as a grid, with words.

    Args:
        columns, rows: above every column, and beside every row.
        below: lines beneath each picture.
        size: of the letters, in pixels.
    """
    width, height = cells[0].size
    line = round(LABEL * size / 14)
    lines = max((len(words) for words in below), default=0)
    step = height + lines * line + (line // 2 if lines else 0)  # pixels from row to row
    beside = [lettered(row, size) for row in rows]
    left = max((int(font.getlength(row)) for row, font in beside), default=-12) + 12
    count = -(-len(cells) // len(columns))
    paper = Image.new("RGB", (left + len(columns) * width, line + count * step), PAPER)
    pen = ImageDraw.Draw(paper)
    for index, column in enumerate(columns):
        x = left + index * width + width / 2
        words, font = lettered(column, size)
        pen.text((x, line / 2), fitted(words, font, width), INK, font, anchor="mm")
    for index, (row, font) in enumerate(beside):
        middle = (6, line + index * step + height / 2)
        pen.text(middle, row, INK, font, anchor="lm")
    for index, cell in enumerate(cells):
        y, x = divmod(index, len(columns))
        corner = (left + x * width, line + y * step)
        paper.paste(cell, corner)
        for number, words in enumerate(below[index] if below else ()):
            at = (corner[0] + width / 2, corner[1] + height + (number + 0.5) * line)
            said, font = lettered(words, size)
            pen.text(at, fitted(said, font, width), INK, font, anchor="mm")
    return paper


def fitted(text: str, font: Font, width: int) -> str:
    """The end of a text that fits: its number matters most."""
    while len(text) > 4 and font.getlength(text) > width:
        text = "…" + text[2:]
    return text


def heat_map(
    table: Mapping[str, Mapping[str, float]], full: float = 1.0, cell: int = 30
) -> Image.Image:
    """A table of changes in σ as colours: red for more, blue for less; ``full`` is full colour.

    Rows are the directions, columns everything that is read.
    """
    rows, columns = list(table), list(next(iter(table.values()), {}))
    small = ImageFont.load_default(10)
    beside, above = ([lettered(name, 13) for name in names] for names in (rows, columns))
    left, top = (
        max((int(font.getlength(words)) for words, font in each), default=0) + 14
        for each in (beside, above)
    )
    paper = Image.new("RGB", (left + cell * len(columns), top + cell * len(rows)), PAPER)
    pen = ImageDraw.Draw(paper)
    for x, (words, font) in enumerate(above):
        word = Image.new("L", (top, cell), 0)
        ImageDraw.Draw(word).text((6, cell / 2), words, 255, font, anchor="lm")
        paper.paste(INK, (left + x * cell, 0), word.rotate(90, expand=True))
    for y, row in enumerate(rows):
        words, font = beside[y]
        pen.text((6, top + (y + 0.5) * cell), words, INK, font, anchor="lm")
        for x, column in enumerate(columns):
            value = table[row][column]
            box = (left + x * cell, top + y * cell)
            pen.rectangle((*box, box[0] + cell - 2, box[1] + cell - 2), heat(value / full))
            if abs(value) >= 0.05:
                middle = (box[0] + cell / 2 - 1, box[1] + cell / 2 - 1)
                ink = PAPER if abs(value) > 0.6 * full else INK
                pen.text(middle, f"{value:.1f}", ink, small, anchor="mm")
    return paper


def heat(value: float) -> tuple[int, int, int]:
    """−1..1 -> blue, pale, red."""
    ends = np.array([[33, 102, 172], [247, 247, 247], [178, 24, 43]], float)
    x = float(np.clip(value, -1, 1)) + 1
    low = ends[min(int(x), 1)] + (ends[min(int(x), 1) + 1] - ends[min(int(x), 1)]) * (
        x - min(int(x), 1)
    )
    r, g, b = low.round().astype(int).tolist()
    return r, g, b
