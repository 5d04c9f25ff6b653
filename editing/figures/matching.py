"""Strengths of equal effect: the alpha at which a reading has changed by a given amount.

Edits can only be compared where they do equally much, and alpha means something else in each. The
searches here do not read pictures themselves: they ask for alphas to try and are sent what was
gained there, so a caller may draw one picture or a hundred, and rest in between.
"""

from __future__ import annotations

from collections.abc import Callable, Generator

import torch
from torch import Tensor

FIRST = 1.0  # alpha that is tried first
HALVINGS = 8
TOLERANCE = 0.02  # of a reading, in σ: nearer is near enough

Search = Generator[Tensor, Tensor, Tensor]  # yields alphas [N], is sent gains [N], returns alphas


def bisection(amount: float, most: Tensor | float, first: float = FIRST, count: int = 1) -> Search:
    """For each of ``count`` portraits the alpha in 0..``most`` that gains ``amount``.

    alpha doubles until it gains enough, then the interval is halved; starting low keeps the search
    out of the range where a picture has fallen apart. Returned is the alpha that came nearest.
    """
    low, limit = torch.zeros(count), torch.as_tensor(most).expand(count)
    high = torch.full([count], first).minimum(limit)
    best, missed = high, torch.full([count], torch.inf)

    def note(alphas: Tensor, gained: Tensor) -> None:
        nonlocal best, missed
        miss = (gained - amount).abs()
        best, missed = torch.where(miss < missed, alphas, best), miss.minimum(missed)

    while True:
        gained = yield high
        note(high, gained)
        short = (gained < amount) & (high < limit)
        if not short.any():
            break
        low = torch.where(short, high, low)
        high = torch.where(short, (2 * high).minimum(limit), high)
    for _ in range(HALVINGS):
        if bool((missed <= TOLERANCE).all()):
            break
        middle = (low + high) / 2
        gained = yield middle
        note(middle, gained)
        low = torch.where(gained < amount, middle, low)
        high = torch.where(gained < amount, high, middle)
    return best


def settled(search: Search, gain: Callable[[Tensor], Tensor]) -> Tensor:
    """A search to its end; ``gain`` reads what the alphas [N] change, [N]."""
    alphas = next(search)
    while True:
        try:
            alphas = search.send(gain(alphas))
        except StopIteration as end:
            found: Tensor = end.value
            return found
