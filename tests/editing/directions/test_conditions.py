"""Conditional manipulation: what must stay stays, and what is left of an edit is said."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from editing.directions.conditions import condition, doubts
from editing.directions.direction import Direction, clamp, move
from editing.errors import BadInput
from tests.editing.directions.test_direction import smile, unit, ws  # noqa: F401  (fixtures)


def test_conditions_stay_still(ws: Tensor, smile: Direction) -> None:  # noqa: F811
    others = [Direction(name, unit(8, seed=i)) for i, name in enumerate(("age", "gender"), 1)]
    conditioned = condition(smile, others)
    assert torch.allclose(conditioned.vector.norm(dim=-1), torch.tensor(1.0), atol=1e-5)
    moved = move(ws, conditioned, 4.0)
    for other in others:
        assert torch.allclose(moved @ other.vector, ws @ other.vector, atol=1e-4)
    assert 0 < conditioned.meta["residual"] < 1
    assert condition(smile, []) is smile


def test_two_conditions_agree_with_the_published_formula() -> None:
    n, c1, c2 = (unit(8, seed=seed).double() for seed in (0, 1, 2))
    d = 1 - (c1 @ c2) ** 2
    a = (n @ c1 - (n @ c2) * (c1 @ c2)) / d
    b = (n @ c2 - (n @ c1) * (c1 @ c2)) / d
    expected = n - a * c1 - b * c2
    others = [Direction("a", c1.float()), Direction("b", c2.float())]
    conditioned = condition(Direction("n", n.float()), others)
    assert torch.allclose(conditioned.vector, (expected / expected.norm()).float(), atol=1e-5)


def test_dependent_conditions_count_once() -> None:
    n, c = Direction("n", unit(8)), Direction("c", unit(8, seed=1))
    almost = unit(8, seed=2) * 1e-5 + c.vector
    twin = Direction("twin", almost / almost.norm())
    once, twice = condition(n, [c]), condition(n, [c, twin])
    assert torch.allclose(once.vector, twice.vector, atol=1e-3)
    third = Direction("third", unit(8, seed=3))  # and what comes after a dependent one counts
    assert abs(float(condition(n, [c, twin, third]).vector @ third.vector)) < 1e-5


def test_a_direction_cannot_stay_and_move() -> None:
    n = Direction("smile", unit(8))
    with pytest.raises(BadInput, match="smile cannot move while mouth"):
        condition(n, [replace(n, name="mouth")])


def test_a_weak_direction_need_not_say_what_it_was_conditioned_on() -> None:
    assert "while others stay" in doubts(Direction("x", unit(8), meta={"residual": 0.1}), 1.0)[0]


def test_conditions_on_rows_that_do_not_exist(smile: Direction) -> None:  # noqa: F811
    per_row = Direction("smile", unit(6, 8))
    for rows in ((20,), (-1,), (0, 6)):
        with pytest.raises(BadInput, match="rows 0 to 5"):
            condition(per_row, [Direction("age", unit(8, seed=1))], rows)


def test_conditions_count_only_on_the_rows_that_move() -> None:
    own, age = Direction("smile", unit(6, 8)), Direction("age", unit(6, 8, seed=1))
    clash = age.vector.clone()
    clash[0] = own.vector[0]  # row 0 says the same
    same_there = Direction("age", clash)
    with pytest.raises(BadInput, match="residual"):
        condition(own, [same_there])
    held = condition(own, [same_there], layers=(2, 3))
    assert torch.equal(held.vector[[0, 1, 4, 5]], own.vector[[0, 1, 4, 5]])
    assert (held.vector * clash)[[2, 3]].sum(-1).abs().max() < 1e-5


def test_a_conditioned_step_stays_one_standard_deviation() -> None:
    root = torch.randn(8, 8, generator=torch.Generator().manual_seed(4))
    covariance = root @ root.T
    n = unit(8)
    own = Direction("smile", n, step=float((n @ covariance @ n).sqrt()) * 2)  # of two σ
    held = condition(own, [Direction("age", unit(8, seed=1))], covariance=covariance)
    spread = float((held.vector @ covariance @ held.vector).sqrt())
    assert held.step == pytest.approx(2 * spread, rel=1e-4)
    raw = condition(replace(own, step=1.0), [Direction("age", unit(8, seed=1))], None, covariance)
    assert raw.step == 1.0, "imported directions count distances"


def test_little_left_is_said_and_nothing_left_refused() -> None:
    n, c = unit(8), unit(8, seed=1)
    across = c - (c @ n) * n
    across = across / across.norm()

    def near(residual: float) -> Direction:
        vector = (1 - residual**2) ** 0.5 * n + residual * across
        return Direction("twin", vector / vector.norm())

    own = Direction("smile", n)
    weak = condition(own, [near(0.1)])
    assert weak.meta["residual"] == pytest.approx(0.1, abs=1e-3)
    assert "residual 0.10" in doubts(weak, 1.0)[0]
    assert not doubts(condition(own, [near(0.5)]), 1.0)
    with pytest.raises(BadInput, match="say the same"):
        condition(own, [near(0.04)])
    assert condition(own, [replace(near(0.04), name="smile")]) is own, "its own is skipped"


def test_the_safe_range_limits_a_move() -> None:
    learned = Direction("smile", unit(8), meta={"range": [-2.0, 3.0]})
    assert learned.safe_range == (-2.0, 3.0) and learned.limits == (-4.0, 6.0)
    assert (clamp(learned, 1e9), clamp(learned, -1e9), clamp(learned, 5.0)) == (6.0, -4.0, 5.0)
    assert "smile=1e+09 is beyond the limit" in doubts(learned, 1e9)[0]
