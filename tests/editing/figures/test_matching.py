"""Strengths of equal effect, found without a picture."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from editing.figures.matching import TOLERANCE, bisection, settled


@given(st.floats(0.2, 5.0), st.floats(0.3, 3.0))
def test_the_alpha_gains_the_amount(slope: float, amount: float) -> None:
    alpha = settled(bisection(amount, 30.0), lambda alphas: slope * alphas)
    assert abs(slope * float(alpha) - amount) <= max(TOLERANCE, slope * 30 / 2**7)


def test_every_portrait_has_its_own_alpha() -> None:
    slopes = torch.tensor([0.5, 1.0, 2.0])
    alphas = settled(bisection(1.0, 20.0, count=3), lambda alphas: slopes * alphas)
    assert torch.allclose(slopes * alphas, torch.ones(3), atol=0.03)


def test_what_cannot_be_reached_comes_as_near_as_it_can() -> None:
    alpha = settled(bisection(5.0, 4.0), lambda alphas: 2 * torch.tanh(alphas))
    assert float(alpha) == 4.0


def test_it_begins_low_and_never_asks_beyond_the_limit() -> None:
    asked: list[float] = []

    def gain(alphas: Tensor) -> Tensor:
        asked.append(float(alphas))
        return torch.where(alphas < 6, alphas / 4, -1.0)  # beyond 6 the picture has fallen apart

    alpha = settled(bisection(1.0, 12.0, first=0.5), gain)
    assert asked[0] == 0.5 and max(asked) <= 12
    assert abs(float(alpha) - 4) < 0.1
