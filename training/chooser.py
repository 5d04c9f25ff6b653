"""The dice of the captions: words and orders picked by a seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


class Chooser:
    """Picks by a seed; held-out words never in sentences, and readily in lists of keywords."""

    def __init__(
        self, rng: np.random.RandomState, held_out: tuple[str, ...] = (), in_list: bool = False
    ) -> None:
        self.rng, self.held_out, self.in_list = rng, held_out, in_list

    def __call__(self, options: tuple[str, ...]) -> str:
        """One of these words or phrases."""
        held = [word for word in options if any(part in word for part in self.held_out)]
        usual = [word for word in options if word not in held]
        words = held if held and self.in_list and self.chance(0.5) else usual
        return self.one_of(words)

    def one_of(self, items: Sequence[T]) -> T:
        return items[self.rng.randint(len(items))]

    def chance(self, share: float) -> bool:
        return bool(self.rng.rand() < share)

    def shuffled(self, items: Sequence[T]) -> list[T]:
        return [items[i] for i in self.rng.permutation(len(items))]
