"""A grid of edits as data: every cell is the portrait with one more edit.

    grid:
      columns: [{alpha: -2}, {alpha: 0}, {alpha: 2}]
      rows:
      - {label: coarse, move: smile, layers: 0-2}
      - {label: middle, move: smile, layers: 3-6}

A cell's edit is what its row and its column say together, written like any edit of a recipe
(``edits.registry``). So one form holds a sweep of strengths, the same edit layer by layer, a table
of alpha and beta, and a style-mixing grid (StyleGAN2: portraits in columns, layers in rows).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from editing.edits.registry import entry_from
from editing.edits.stack import EditState, Entry, render
from editing.errors import BadRecipe
from editing.io.codec import Settings
from editing.io.images import to_uint8
from editing.models.domain import Domain
from editing.pictures.contact_sheets import MAX_CELLS

Values = Mapping[str, Any]
LABEL = "label"  # of a row or a column, for people; all other keys are the edit's
SHORT = 24  # characters of a label that was not given


@dataclass(frozen=True)
class Grid:
    """What its columns and its rows say of a cell's edit; no rows = one that says nothing."""

    columns: tuple[Values, ...]
    rows: tuple[Values, ...] = ({},)

    def __post_init__(self) -> None:
        if not 0 < len(self.columns) * len(self.rows) <= MAX_CELLS:
            raise BadRecipe(
                f"A grid of {len(self.rows)} x {len(self.columns)} pictures is not possible; "
                f"take 1 to {MAX_CELLS}."
            )
        self.entries  # noqa: B018  (refuses here what no cell could be)

    @cached_property
    def entries(self) -> tuple[tuple[Entry, ...], ...]:
        """The edit of every cell, row by row.

        Raises:
            BadRecipe, BadInput: a cell whose row and column make no edit.
        """
        return tuple(
            tuple(
                self._entry({**row, **column}, f"cell {y}, {x} of the grid")
                for x, column in enumerate(self.columns, 1)
            )
            for y, row in enumerate(self.rows, 1)
        )

    def _entry(self, values: Values, name: str) -> Entry:
        plain = {key: value for key, value in values.items() if key != LABEL}
        return entry_from(Settings(plain, name, BadRecipe))

    @property
    def column_labels(self) -> list[str]:
        return [label_of(values) for values in self.columns]

    @property
    def row_labels(self) -> list[str]:
        """Empty where there is one row that says nothing."""
        return [label_of(values) for values in self.rows] if self.rows != ({},) else []

    def states(self, portrait: EditState, domain: Domain) -> Iterator[EditState]:
        """The portrait of every cell, row by row."""
        for row in self.entries:
            for entry in row:
                yield entry.edit.apply(portrait, domain) if entry.on else portrait

    def pictures(self, portrait: EditState, domain: Domain) -> Iterator[Any]:
        """Canonical pictures [R, R, 3], row by row."""
        for state in self.states(portrait, domain):
            yield to_uint8(render(state, domain))[0]


def label_of(values: Values) -> str:
    """What people call a row or a column: its label, or the values themselves, in short."""
    if LABEL in values:
        return str(values[LABEL])
    words = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            words.append(str(value.get("name", key)))
        elif isinstance(value, bool) or not isinstance(value, int | float):
            words.append(str(value))
        else:
            words.append(f"{key} {value:+g}")
    return " ".join(words)[:SHORT]


def grid_from(settings: Settings) -> Grid:
    """The ``grid`` of a recipe; takes all of ``settings``.

    Raises:
        BadRecipe, BadInput: what is wrong with it.
    """
    columns, rows = (_mappings(settings, key) for key in ("columns", "rows"))
    settings.end()
    return Grid(columns, rows or ({},))


def _mappings(settings: Settings, key: str) -> tuple[Values, ...]:
    values: Sequence[Any] = settings.take(key, list, [])
    if not all(isinstance(value, dict) for value in values):
        raise BadRecipe(
            f"{settings.name} has {key}: {str(list(values))[:80]}; each of them needs names and "
            "values, such as {alpha: 2}."
        )
    return tuple(dict(value) for value in values)


def grid_values(grid: Grid) -> dict[str, Any]:
    """The inverse of ``grid_from``."""
    values: dict[str, Any] = {"columns": [dict(each) for each in grid.columns]}
    return values | ({"rows": [dict(each) for each in grid.rows]} if grid.rows != ({},) else {})
