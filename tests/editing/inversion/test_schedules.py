"""Ramps, jitter and plateaus."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from editing.inversion.eta import FIRST, USUAL, Pace, keep_pace, known_pace
from editing.inversion.options import METHODS, options_for
from editing.inversion.schedules import Plateau, jitter, ramp

shares = st.floats(0, 0.5)


@given(st.integers(1, 300), shares, shares)
def test_the_rate_rises_stays_and_falls(steps, up, down):
    rates = [ramp(i, steps, up, down) for i in range(steps)]
    assert all(0 <= rate <= 1 for rate in rates)
    peak = rates.index(max(rates))
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)


def test_no_ramps_are_a_constant_rate():
    assert {ramp(i, 9, 0, 0) for i in range(9)} == {1.0}


def test_jitter_is_gone_after_three_quarters():
    strengths = [jitter(i, 100, 0.05) for i in range(100)]
    assert strengths[0] == 0.05 and strengths[74] > 0 and not any(strengths[75:])


def test_a_plateau_is_as_many_steps_without_gain():
    plateau = Plateau(3)
    assert [plateau.reached(x) for x in (1, 0.5, 0.5, 0.4999, 0.5)] == [False] * 4 + [True]
    assert not any(Plateau(0).reached(1.0) for _ in range(100))


def test_the_pace_learns_from_steps_and_guesses_other_stages():
    pace = Pace()
    assert not pace.known and pace.seconds({"latent": 10}) == 0
    for seconds in (5.0, 0.1, 0.1, 0.1):  # the first step loads things
        pace.note("latent", seconds)
    assert pace.of(options_for("quick")) == pytest.approx(4.0)
    assert pace.per_step("tune") > pace.per_step("latent")
    times = [pace.of(METHODS[level]) for level in ("quick", "standard", "best")]
    assert times == sorted(times)


def test_a_step_that_had_to_wait_does_not_change_the_time_of_a_level():
    pace = Pace()
    for seconds in [0.1] * 10 + [30.0] + [0.1] * 3:
        pace.note("latent", seconds)
    assert pace.of(options_for("quick")) == pytest.approx(4.0)


def test_a_pace_outlives_its_process(tmp_path: Path) -> None:
    path, pace = tmp_path / "cache" / "pace.json", Pace()
    for _ in range(FIRST + 1):
        pace.note("latent", 2.0)
    keep_pace(pace, path)
    again = known_pace(path)
    assert again.known and again.per_step("latent") == 2.0
    assert again.per_step("tune") == 2.0 * USUAL["tune"], "from what was seen"
    again.note("latent", 1.0)
    assert again.per_step("latent") == 1.0, "what is seen now counts more"


@pytest.mark.parametrize(
    "text",
    ["", "[", "[1]", '{"latent": -1}', '{"latent": NaN}', '{"latent": true}', '{"latent": 1e9}',
     '{"latent": "1"}', "[" * 4000, " " * 5000 + '{"latent": 1}'],
)  # fmt: skip
def test_a_damaged_pace_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "x").write_text(text)
    assert not known_pace(tmp_path / "x").known and not known_pace(tmp_path / "none").known
    keep_pace(Pace({"latent": 1.0}), tmp_path / "x" / "no folder")  # no cache, no harm
