"""A figure for a paper: one portrait, some inversions, some edits, all brought to equal effect.

Every row is one inversion of the same picture (or the portrait as it is), every column one edit.
Strengths are searched so that the scorer reads the same change everywhere; where an edit cannot
change that much, the nearest it comes to is drawn, and said. A figure is a plain value that recipes
carry; with the strengths found in it, it is drawn again without any search.

Figures as the plain values of a recipe, and back.

    figure:
      inversions: [quick, pti]           # a row each; leave out to draw the portrait as it is
      edits:
      - {move: smile, alpha: 1.0, attribute: smile, amount: 1.0}
      - {text: a smiling face, alpha: 3.0}                # about what it changes most, by 1 σ
      strengths: [[1.2, 4.1], [1.3, 4.4]]                 # leave out to have them searched

An edit is written as in a stack (``edits.registry``); its alpha is where the search begins.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

import editing.text.values  # noqa: F401  (recipes carry text edits, too)
from editing.edits.registry import entry_from, entry_values
from editing.edits.stack import ChannelMove, EditStack, EditState, Entry, Move, render
from editing.errors import BadInput, UnknownName
from editing.figures.matching import TOLERANCE, bisection
from editing.inversion.invert import METHODS, invert, options_for
from editing.inversion.options import InversionOptions
from editing.io.codec import Settings
from editing.io.images import to_tensor, to_uint8
from editing.models.domain import Domain
from editing.models.generators.layers import format_strengths
from editing.pictures.metrics import identity, perceptual, psnr, readings
from editing.text.edit import TextEdit

MAX_CELLS = 100  # pictures of a figure
MAX_AMOUNT = 10.0  # σ
FARTHEST = 30.0  # alpha that is tried at most
FIRST = 3.0  # alpha at which texts and channels show what they do
TRIES = 10  # pictures that a strength costs, about
MISSED = 3 * TOLERANCE  # σ from which an edit has not reached its amount

AnyEdit = Move | ChannelMove | TextEdit
Progress = tuple[int, int]  # done, total


@dataclass(frozen=True)
class Column:
    """One edit, and what it shall change."""

    edit: AnyEdit  # its alpha: where the search begins, and to which side
    attribute: str = ""  # as the scorer names it; "" = what the edit changes most
    amount: float = 1.0  # σ; with no attribute its sign is what the edit does

    def __post_init__(self) -> None:
        if not isinstance(self.edit, AnyEdit):
            raise BadInput(
                f"A figure cannot compare edits of the kind {type(self.edit).__name__}; take moves "
                "along directions or channels, or texts."
            )
        if not 0.05 <= abs(self.amount) <= MAX_AMOUNT:
            raise BadInput(
                f"An edit of {self.amount:g} σ cannot be compared; choose from 0.05 to "
                f"{MAX_AMOUNT:g}, or as much less."
            )


@dataclass(frozen=True)
class Figure:
    """What is drawn."""

    columns: tuple[Column, ...]
    inversions: tuple[str, ...] = ()  # of METHODS, a row each; () = the portrait as it is
    strengths: tuple[tuple[float, ...], ...] = ()  # found alphas, row by row; () = to be searched

    def __post_init__(self) -> None:
        if not self.columns:
            raise BadInput("A figure without edits shows nothing; name one, such as smile.")
        for name in self.inversions:
            if name not in METHODS:
                raise UnknownName.among("level", name, METHODS)
        if self.cells > MAX_CELLS:
            raise BadInput(
                f"A figure of {self.cells} pictures is too large; take at most {MAX_CELLS}: fewer "
                "edits or fewer inversions."
            )
        shape = [len(self.columns)] * self.num_rows
        if self.strengths and [len(row) for row in self.strengths] != shape:
            raise BadInput(
                f"The figure has {len(self.columns)} edits in {self.num_rows} rows, but strengths "
                "for another number; leave them out, and they are searched."
            )

    @property
    def num_rows(self) -> int:
        return max(len(self.inversions), 1)

    @property
    def cells(self) -> int:
        """Pictures: the unedited one and the edits of every row, and what was inverted."""
        return self.num_rows * (1 + len(self.columns)) + bool(self.inversions)

    @property
    def options(self) -> tuple[InversionOptions, ...]:
        """How each row is inverted."""
        return tuple(options_for(name) for name in self.inversions)

    @property
    def matched(self) -> int:
        """Pictures that the search of its strengths takes, about."""
        return self.num_rows * len(self.columns) * TRIES

    @property
    def total(self) -> int:
        """Steps of drawing it, about."""
        return sum(options.total for options in self.options) + self.matched


@dataclass(frozen=True, eq=False)
class Cell:
    """One picture and what was measured: a row's unedited one against the source, an edited one
    against its row's unedited one."""

    pixels: Any  # uint8 [R, R, 3], canonical
    psnr: float  # dB
    perceptual: float | None
    identity: float | None  # cosine; 1 = the same person
    alpha: float | None = None  # None: not edited
    change: float | None = None  # of the attribute, in σ of the scorer

    def reached(self, column: Column) -> bool:
        """Whether the edit did as much as was asked for."""
        return self.change is not None and abs(self.change - column.amount) <= MISSED


@dataclass(frozen=True, eq=False)
class Drawn:
    """A figure, drawn."""

    figure: Figure  # with attributes and strengths found
    source: Any | None  # uint8 [R, R, 3], what was inverted; None = nothing was
    rows: tuple[tuple[Cell, ...], ...]  # the unedited picture first
    size: int  # pixels of a picture


def drawing(
    figure: Figure, subject: EditState | Tensor, domain: Domain, stack: EditStack
) -> Generator[Progress, None, Drawn]:
    """Draw a figure, one step at a time.

    Args:
        subject: the portrait; or the aligned picture [1, 3, R, R] in [-1, 1] that is inverted.
        stack: edits that every row begins with.

    Raises:
        BadInput: the picture should be inverted and no inversion is named.
        MissingFile: the domain has no scorer.
        EditingError: what inversions and edits refuse.
    """
    domain.scorer.outputs  # noqa: B018  # refuses here, before anything is drawn
    figure = replace(figure, columns=tuple(_resolved(c, domain) for c in figure.columns))
    target = _target(figure, subject, domain)
    done, rows, strengths = 0, [], []
    for number in range(figure.num_rows):
        if target is None:
            assert isinstance(subject, EditState)
            state, begun = subject, done
        else:
            options = options_for(figure.inversions[number])
            begun = done + options.total
            for step in invert(target, domain, options):
                yield done + step.index, figure.total
            state = EditState(**vars(step.point))
        start = stack.apply(state, domain)
        plain = _saved(start, domain)
        row = [_measured(plain, plain if target is None else target, domain)]
        for index, column in enumerate(figure.columns):
            if not column.attribute:
                column = _about(column, start, plain, domain)
                columns = (*figure.columns[:index], column, *figure.columns[index + 1 :])
                figure = replace(figure, columns=columns)
            if figure.strengths:
                alpha = figure.strengths[number][index]
            else:
                base = begun + index * TRIES
                alpha = yield from _matched(column, start, plain, domain, base, figure.total)
            edited = _saved(_with(column, alpha).apply(start, domain), domain)
            change = _change(column.attribute, plain, edited, domain)
            row.append(replace(_measured(edited, plain, domain), alpha=alpha, change=change))
            yield begun + (index + 1) * TRIES, figure.total
        done = begun + len(figure.columns) * TRIES
        rows.append(tuple(row))
        strengths.append(tuple(float(cell.alpha or 0.0) for cell in row[1:]))
    source = None if target is None else to_uint8(target)[0]
    found = replace(figure, strengths=tuple(strengths))
    return Drawn(found, source, tuple(rows), domain.generator.img_resolution)


def _resolved(column: Column, domain: Domain) -> Column:
    """Refuse, before any work, what the domain cannot edit or read."""
    edit, known = column.edit, domain.scorer.outputs
    if column.attribute and column.attribute not in known:
        raise UnknownName.among("attribute the scorer reads", column.attribute, known)
    if isinstance(edit, TextEdit):
        return replace(column, edit=edit.resolved(domain))
    if isinstance(edit, Move):
        edit.direction(domain)
    return column


def _target(figure: Figure, subject: EditState | Tensor, domain: Domain) -> Tensor | None:
    """The picture to invert; None where the portrait is drawn as it is."""
    if isinstance(subject, Tensor):
        if not figure.inversions:
            raise BadInput("A photo is drawn through an inversion; name one, such as quick.")
        return subject.to(domain.device)
    return _saved(subject, domain) if figure.inversions else None


def _saved(state: EditState, domain: Domain) -> Tensor:
    """The canonical picture as a file holds it, [1, 3, R, R]."""
    return to_tensor(to_uint8(render(state, domain))[0]).to(domain.device)


def _measured(img: Tensor, other: Tensor, domain: Domain) -> Cell:
    near = psnr(img, other), perceptual(domain, img, other), identity(domain, img, other)
    return Cell(to_uint8(img)[0], *near)


# -- equal effect


def _with(column: Column, alpha: float) -> AnyEdit:
    return replace(column.edit, alpha=alpha)


def _change(attribute: str, before: Tensor, after: Tensor, domain: Domain) -> float:
    then, now = (readings(domain.scorer, img)[attribute] for img in (before, after))
    return now - then


def _about(column: Column, start: EditState, plain: Tensor, domain: Domain) -> Column:
    """The column with the attribute that its edit changes most, and which way."""
    there = _saved(column.edit.apply(start, domain), domain)
    then, now = (readings(domain.scorer, img) for img in (plain, there))
    name = max(now, key=lambda attribute: abs(now[attribute] - then[attribute]))
    amount = math.copysign(column.amount, now[name] - then[name])
    return replace(column, attribute=name, amount=amount)


def _matched(
    column: Column, start: EditState, plain: Tensor, domain: Domain, done: int, total: int
) -> Generator[Progress, None, float]:
    """The alpha at which the scorer reads the amount, or as near as it comes."""
    begin = column.edit.alpha or 1.0
    side, sign = math.copysign(1.0, begin), math.copysign(1.0, column.amount)
    search = bisection(abs(column.amount), _farthest(column, domain, side), abs(begin))
    alphas, tries = next(search), 0
    while True:
        alpha = side * float(alphas[0])
        picture = _saved(_with(column, alpha).apply(start, domain), domain)
        gained = sign * _change(column.attribute, plain, picture, domain)
        tries += 1
        yield done + min(tries, TRIES - 1), total
        try:
            alphas = search.send(torch.tensor([gained]))
        except StopIteration as end:
            return side * float(end.value[0])


def _farthest(column: Column, domain: Domain, side: float) -> float:
    """The largest |alpha| that an edit may take to this side."""
    if not isinstance(column.edit, Move):
        return FARTHEST
    low, high = column.edit.direction(domain).limits
    return min(high if side > 0 else -low, FARTHEST)


# -- names


def column_of(edit: AnyEdit, amount: float, attribute: str, domain: Domain) -> Column:
    """A column whose edit changes ``attribute`` (or "" = its own, or what it changes most).

    A move along a direction of the scorer's own attributes is about that attribute, and goes to
    the side of ``amount``; others begin forwards.
    """
    if isinstance(edit, Move):
        if not attribute and edit.attribute in domain.scorer.outputs:
            attribute = edit.attribute
        side = math.copysign(1.0, amount) if attribute == edit.attribute else 1.0
        return Column(replace(edit, alpha=side), attribute, amount)
    return Column(replace(edit, alpha=FIRST), attribute, amount)


def edit_name(edit: AnyEdit) -> str:
    """How an edit is called: an attribute, a channel, a text; with its layers."""
    if isinstance(edit, ChannelMove):
        return str(edit.channel)
    name = edit.attribute if isinstance(edit, Move) else f"“{edit.target}”"
    if edit.layers is None:
        return name
    strengths = edit.strengths if isinstance(edit, Move) else ()
    return f"{name} @{format_strengths(edit.layers, strengths)}"


def table_rows(drawn: Drawn) -> list[Mapping[str, str]]:
    """Everything that was measured, as words: one row for each picture."""
    found: list[Mapping[str, str]] = []
    names = drawn.figure.inversions or ("as it is",)
    for name, row in zip(names, drawn.rows, strict=True):
        for column, cell in zip((None, *drawn.figure.columns), row, strict=True):
            found.append({"inversion": name, **_cell_words(column, cell)})
    return found


def _cell_words(column: Column | None, cell: Cell) -> dict[str, str]:
    return {
        "edit": edit_name(column.edit) if column else "none",
        "attribute": column.attribute.replace("_", " ") if column else "–",
        "asked (σ)": f"{column.amount:+.2f}" if column else "–",
        "change (σ)": number(cell.change, "+.2f"),
        "α": number(cell.alpha, "+.2f"),
        "PSNR (dB)": number(cell.psnr, ".2f"),
        "perceptual": number(cell.perceptual, ".4f"),
        "identity": number(cell.identity, ".3f"),
    }


def number(value: float | None, form: str) -> str:
    """A number as words; a dash for what was not measured, or is infinite."""
    return "–" if value is None or not math.isfinite(value) else format(value, form)


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
