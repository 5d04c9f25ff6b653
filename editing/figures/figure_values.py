"""Figures as the plain values of a recipe, and back.

    figure:
      inversions: [quick, pti]           # a row each; leave out to draw the portrait as it is
      edits:
      - {move: smile, alpha: 1.0, attribute: smile, amount: 1.0}
      - {text: a smiling face, alpha: 3.0}                # about what it changes most, by 1 σ
      strengths: [[1.2, 4.1], [1.3, 4.4]]                 # leave out to have them searched

An edit is written as in a stack (``edit_values``); its alpha is where the search begins.
"""

from typing import Any

from editing.edits.registry import entry_from, entry_values
from editing.edits.stack import Entry
from editing.figures.figure import Column, Figure
from editing.io.codec import Settings


def figure_values(figure: Figure) -> dict[str, Any]:
    """A figure as the values of a recipe."""
    values: dict[str, Any] = {}
    if figure.inversions:
        values["inversions"] = list(figure.inversions)
    values["edits"] = [_column_values(column) for column in figure.columns]
    if figure.strengths:
        values["strengths"] = [list(row) for row in figure.strengths]
    return values


def figure_from(settings: Settings) -> Figure:
    """The figure that a recipe's values describe; takes all of ``settings``.

    Raises:
        BadRecipe, BadInput: what is wrong with them.
    """
    columns = tuple(_column(part) for part in settings.parts("edits"))
    inversions = settings.texts("inversions")
    strengths = settings.take("strengths", list, [])
    numbers = (isinstance(row, list) and all(type(x) in (int, float) for x in row)
               for row in strengths)  # fmt: skip
    if not all(numbers):
        raise settings.error(f"{settings.name} has strengths that are no lists of numbers.")
    settings.end()
    return Figure(columns, inversions, tuple(tuple(map(float, row)) for row in strengths))


def _column_values(column: Column) -> dict[str, Any]:
    values = entry_values(Entry(column.edit))
    if column.attribute:
        values["attribute"] = column.attribute
    return {**values, "amount": float(column.amount)}


def _column(settings: Settings) -> Column:
    attribute = settings.take("attribute", str, "")
    amount = settings.take("amount", float, 1.0)
    edit: Any = entry_from(settings).edit  # Column refuses what it cannot compare
    return Column(edit, attribute, amount)
