"""What a preset promises of its result: which attribute changes, which way, and by how much.

    expect:
    - {attribute: smile, sign: 1, minimum: 0.8}    # σ of the world, as the judge reads it

The change is read between the first picture that the preset shows and the one that goes furthest:
the portrait before and after its edits, frames of its film, cells of its grid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from editing.errors import BadRecipe
from editing.io.codec import Settings

LARGEST = 20.0  # σ; nothing in a world is so far away


@dataclass(frozen=True)
class Expectation:
    """One attribute changes by at least ``minimum`` σ, upwards (sign 1) or downwards (-1)."""

    attribute: str
    sign: int
    minimum: float

    def __post_init__(self) -> None:
        if self.sign not in (-1, 1):
            raise BadRecipe(f"The sign expected of {self.attribute} is {self.sign}; write 1 or -1.")
        if not (math.isfinite(self.minimum) and 0 <= self.minimum <= LARGEST):
            raise BadRecipe(
                f"A change of {self.minimum} of {self.attribute} cannot be expected; write a "
                f"number of σ from 0 to {LARGEST:g}."
            )

    def met_by(self, change: float) -> bool:
        """Whether a change of the judge's reading, in σ, is what was promised."""
        return self.sign * change >= self.minimum


def expectations_from(parts: Sequence[Settings]) -> tuple[Expectation, ...]:
    """The ``expect`` of a recipe; takes all of ``parts``.

    Raises:
        BadRecipe: what is wrong with it.
    """
    found = []
    for part in parts:
        found.append(
            Expectation(
                part.need("attribute", str), part.take("sign", int, 1), part.need("minimum", float)
            )
        )
        part.end()
    return tuple(found)


def expectation_values(expected: Sequence[Expectation]) -> list[dict[str, Any]]:
    """The inverse of ``expectations_from``."""
    return [asdict(each) for each in expected]
