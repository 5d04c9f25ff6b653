"""Texts of flags -> values, or a sentence that names the flag, the value and the way out."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

from editing.directions import boundary
from editing.domains import Domain
from editing.edits import Move
from editing.errors import BadInput
from editing.layers import parse_layers

MAX_SEEDS = 10_000  # of one command


def parse_seeds(text: str) -> list[int]:
    """'0-3,7' -> [0, 1, 2, 3, 7]; ranges include both ends.

    Raises:
        BadInput: empty, reversed, too many, or no numbers.
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,10})(?:-([0-9]{1,10}))?\s*", part)
        if not match:
            raise BadInput(f"--seeds {text!r} holds no seeds; write 0-15 or 3,7,20-25.")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise BadInput(f"--seeds {text!r} runs backwards; write {last}-{first}.")
        if len(seeds) + last - first >= MAX_SEEDS:
            raise BadInput(f"--seeds {text!r} names more than {MAX_SEEDS} seeds; take fewer.")
        seeds.extend(range(first, last + 1))
    return seeds


def parse_grid(text: str, count: int) -> tuple[int, int]:
    """'4x8' -> (4, 8), with room for ``count`` pictures."""
    match = re.fullmatch(r"([0-9]{1,4})[x×]([0-9]{1,4})", text)
    rows, cols = (int(match[1]), int(match[2])) if match else (0, 0)
    if not rows * cols:
        raise BadInput(f"--grid {text!r} is no grid; write rows x columns, such as 4x4.")
    if rows * cols < count:
        raise BadInput(
            f"--grid {text} has {rows * cols} cells for {count} pictures; make it larger."
        )
    if rows * cols > MAX_SEEDS:
        raise BadInput(f"--grid {text} has more than {MAX_SEEDS} cells; make it smaller.")
    return rows, cols


def parse_number(flag: str, text: str) -> float:
    """A finite number.

    Raises:
        BadInput: names the flag and the value.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadInput(f"{flag} needs a finite number instead of {text!r}, such as 1.5.")
    return value


def parse_moves(
    texts: Sequence[str], given: str, absolute: bool, domain: Domain
) -> tuple[Move, ...]:
    """'smile=2@0-5' and the attributes to hold still -> moves.

    Raises:
        UnknownName: an attribute that the domain does not have; the message lists those it has.
        BadInput: no number, or layers that do not exist.
    """
    held = tuple(name.strip() for name in given.split(",") if name.strip())
    for name in held:
        boundary(domain, name)
    moves = []
    for text in texts:
        name, equals, rest = text.partition("=")
        if not equals:
            raise BadInput(f"--move {text!r} has no strength; write {text or 'smile'}=2.")
        boundary(domain, name)
        alpha, at, layers = rest.partition("@")
        rows = parse_layers(layers, domain.generator.num_ws) if at else None
        number = parse_number(f"--move {name}", alpha)
        moves.append(Move(name, number, rows, held, absolute))
    return tuple(moves)
