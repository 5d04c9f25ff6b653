"""Walks: frames at the right places, loops without a seam, the same for the same seed."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from editing.animation.chains import Coordinates, effective_size, folded, metropolis, pieces
from editing.animation.easing import EASINGS, ease
from editing.animation.paths import (
    Circle,
    Key,
    Keyframes,
    NoiseLoop,
    Place,
    Reenactment,
    Timeline,
    Tour,
    Track,
    Truncation,
    Way,
)
from editing.animation.random_paths import Metropolis, Pieces, RandomSteps, Within
from editing.animation.walk import Walk, evened, measured_lengths
from editing.edits.mix_edits import Other
from editing.edits.mixing import transfer
from editing.edits.stack import EditState, Move, render, state_of
from editing.errors import BadInput, UnknownName
from editing.models.domain import Domain
from tests.editing.edits.test_mixing import loaded

THROUGH = (Other("seed:2"), Other("seed:3"))
SWEEP = Timeline((Track(Move("smile", 0.0), (Key(0, -2), Key(1, 2))),))
CLOSED: list[Way] = [
    Circle(),
    NoiseLoop(),
    Truncation(),
    Tour(3),
    Keyframes(THROUGH, closed=True),
    Keyframes(THROUGH, "spline", closed=True),
    RandomSteps(bridge=True),
]
OPEN: list[Way] = [
    SWEEP,
    Keyframes(THROUGH),
    Keyframes(THROUGH, "slerp"),
    Keyframes(THROUGH, "spline"),
    RandomSteps(),
    RandomSteps(along="age", step=0.1),
    RandomSteps(space="z"),
    Pieces(),
    Metropolis(),
    Metropolis(space="z", within=(Within("smile", -9, 9),)),
    Reenactment(THROUGH),
]


def name_of(way: Way) -> str:
    return type(way).__name__


@pytest.fixture(scope="module")
def source(tiny_domain: Domain) -> EditState:
    return state_of("seed:1", tiny_domain)


def walked(walk: Walk, source: EditState, domain: Domain) -> list[torch.Tensor]:
    return [state.ws for state in walk.states(source, domain)]


@pytest.mark.parametrize("way", [*CLOSED, *OPEN], ids=name_of)
def test_a_walk_has_its_frames_and_repeats(
    way: Way, source: EditState, tiny_domain: Domain
) -> None:
    for more in ({}, {"ping_pong": True}, {"hold": 0.1}, {"seed": 5}):
        walk = Walk(way, 12, 20.0, **more)  # type: ignore[arg-type]
        first, again = (walked(walk, source, tiny_domain) for _ in range(2))
        assert len(first) == 12
        assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    one = walked(Walk(way, 1), source, tiny_domain)
    assert len(one) == 1


@pytest.mark.parametrize("way", CLOSED, ids=name_of)
def test_a_loop_goes_on_with_its_first_frame(
    way: Way, source: EditState, tiny_domain: Domain
) -> None:
    walk = Walk(way, 40)
    route = walk.begin(source, tiny_domain)
    positions = walk.positions()
    assert walk.returns and positions[-1] < 1
    assert torch.allclose(route.at(1.0).ws, source.ws, atol=1e-5)
    assert torch.allclose(route.at(0.0).ws, source.ws, atol=1e-6)
    frames = walked(walk, source, tiny_domain)
    steps = [(b - a).norm().item() for a, b in zip(frames, [*frames[1:], frames[0]], strict=True)]
    assert steps[-1] <= 2 * max(steps[:-1]) + 1e-5, "no jump from the last to the first"


@pytest.mark.parametrize("way", OPEN, ids=name_of)
def test_ping_pong_comes_back_the_way_it_went(
    way: Way, source: EditState, tiny_domain: Domain
) -> None:
    frames = walked(Walk(way, 10, ping_pong=True), source, tiny_domain)
    for number in range(1, 5):
        assert torch.equal(frames[number], frames[-number])


def test_a_sweep_goes_from_end_to_end(source: EditState, tiny_domain: Domain) -> None:
    frames = walked(Walk(SWEEP, 5), source, tiny_domain)
    for frame, alpha in zip(frames, (-2, -1, 0, 1, 2), strict=True):
        assert torch.allclose(frame, Move("smile", alpha).apply(source, tiny_domain).ws)
    route = Walk(SWEEP, 5).begin(source, tiny_domain)
    assert route.caption(0.25) == "smile -1.00"


def test_tracks_keep_their_own_times(source: EditState, tiny_domain: Domain) -> None:
    smile = Track(Move("smile", 0.0), (Key(0, 0), Key(0.5, 2), Key(1, 0, "step")))
    age = Track(Move("age", 0.0), (Key(0.5, 0), Key(1, 1)))
    frames = walked(Walk(Timeline((smile, age)), 5), source, tiny_domain)
    values = [(0, 0), (1, 0), (2, 0), (2, 0.5), (0, 1)]
    for frame, (one, two) in zip(frames, values, strict=True):
        state = Move("smile", one).apply(source, tiny_domain)
        assert torch.allclose(frame, Move("age", two).apply(state, tiny_domain).ws, atol=1e-6)


@pytest.mark.parametrize("curve", ["linear", "slerp", "spline"])
def test_keyframes_are_met_exactly(curve: str, source: EditState, tiny_domain: Domain) -> None:
    others = [other.state(tiny_domain) for other in THROUGH]
    for ease_name in EASINGS:
        walk = Walk(Keyframes(THROUGH, curve), 9, eases=(ease_name,))
        frames = walked(walk, source, tiny_domain)
        for number, state in zip((0, 4, 8), (source, *others), strict=True):
            assert torch.equal(frames[number], state.ws), (curve, ease_name)


def test_keyframes_carry_noise_and_weights_along(tiny_domain: Domain) -> None:
    a, b = loaded(1, tiny_domain), loaded(2, tiny_domain)
    way = Keyframes((Other("b", _latent(b, tiny_domain)),))
    middle = list(Walk(way, 3).states(a, tiny_domain))[1]
    for name, change in middle.weight_delta.items():
        expected = (a.weight_delta[name] + b.weight_delta[name]) / 2
        assert torch.allclose(change, expected, atol=1e-6)
    assert middle.noise and render(middle, tiny_domain).isfinite().all()


def _latent(state: EditState, domain: Domain) -> Any:
    from editing.models.states import latent_of

    return latent_of(state, domain)


def test_pieces_equal_their_sum_by_hand() -> None:
    rng = np.random.RandomState(3)
    draws = [rng.uniform(0, 0.3, 2) for _ in range(10)]
    ends, flags = (0.35, 0.6, 1.0), (1, -1, 0)
    found = list(pieces(11, 2, 0.3, ends, flags, np.random.RandomState(3)))
    expected, offset = [np.zeros(2)], np.zeros(2)
    for number in range(1, 11):
        flag = 1 if number <= 3 else -1 if number <= 6 else 0
        offset = offset + flag * draws[number - 1]
        expected.append(offset)
    assert np.allclose(found, expected, atol=0)
    assert np.array_equal(found[-1], found[6]), "0 holds"


def test_pieces_move_the_attribute(source: EditState, tiny_domain: Domain) -> None:
    way = Pieces(0.3, "smile", segments=(0.5, 1.0), flags=(1, -1))
    frames = walked(Walk(way, 5, seed=3), source, tiny_domain)
    table = [float(row[0]) for row in pieces(5, 1, 0.3, (0.5, 1.0), (1, -1), _rng(3))]
    for frame, alpha in zip(frames, table, strict=True):
        assert torch.allclose(frame, Move("smile", alpha).apply(source, tiny_domain).ws)


def _rng(seed: int) -> np.random.RandomState:
    return np.random.RandomState(seed)


def test_random_steps_are_running_sums(source: EditState, tiny_domain: Domain) -> None:
    frames = walked(Walk(RandomSteps(0.2, "age"), 6, seed=4), source, tiny_domain)
    alphas = np.concatenate([[0], np.cumsum(0.2 * _rng(4).uniform(-1, 1, 5))])
    for frame, alpha in zip(frames, alphas, strict=True):
        moved = Move("age", float(alpha)).apply(source, tiny_domain).ws
        assert torch.allclose(frame, moved, atol=1e-6)


@pytest.mark.parametrize("step", [0.5, 1.0, 2.4, 6.0])
def test_metropolis_accepts_as_often_as_it_should(step: float) -> None:
    """On N(0, 1) with N(0, s²) steps the rate is (2/π)·arctan(2/s)."""
    count = 20_000
    chain = metropolis(lambda x: -0.5 * float(x @ x), np.zeros(1), step, _rng(1))
    moved = np.array([next(chain)[1] for _ in range(count)][1:], float)
    expected = 2 / math.pi * math.atan(2 / step)
    error = math.sqrt(expected * (1 - expected) / effective_size(moved))
    assert abs(moved.mean() - expected) < 3 * error


def test_metropolis_visits_two_modes_in_their_proportions() -> None:
    def log_density(x: np.ndarray[Any, Any]) -> float:
        return float(np.logaddexp(math.log(0.3) - 0.5 * (x[0] + 2) ** 2,
                                  math.log(0.7) - 0.5 * (x[0] - 2) ** 2))  # fmt: skip

    chain = metropolis(log_density, np.zeros(1), 3.0, _rng(2))
    right = np.array([float(next(chain)[0][0] > 0) for _ in range(30_000)])
    inside = 0.5 * (1 + math.erf(2 / math.sqrt(2)))
    expected = 0.7 * inside + 0.3 * (1 - inside)
    error = math.sqrt(expected * (1 - expected) / effective_size(right))
    assert error < 0.02 and abs(right.mean() - expected) < 3 * error


def test_effective_size_of_independent_and_repeated_samples() -> None:
    plain = _rng(0).standard_normal(4000)
    assert 3000 < effective_size(plain) < 5500
    assert effective_size(np.repeat(plain, 4)) < 1.4 * 4000


@pytest.mark.parametrize("space", ["w", "z"])
def test_a_rejected_step_holds_the_frame(
    space: str, source: EditState, tiny_domain: Domain
) -> None:
    walk = Walk(Metropolis(step=6.0, space=space), 60, seed=1)
    route = walk.begin(source, tiny_domain)
    states = [route.at(u) for u in walk.positions()]
    same = [torch.equal(a.ws, b.ws) for a, b in zip(states[:-1], states[1:], strict=True)]
    assert 0 < sum(same) < 59
    assert route.notes()["acceptance"] == pytest.approx(1 - sum(same) / 59)
    held = same.index(True)
    pictures = [render(states[i], tiny_domain) for i in (held, held + 1)]
    assert torch.equal(*pictures)


def test_a_walk_stays_within_its_range(source: EditState, tiny_domain: Domain) -> None:
    def smile(state: EditState) -> float:
        img = render(state, tiny_domain).clamp(-1, 1)
        return float(tiny_domain.scorer(img)[0, 0])

    now = smile(source)
    within = Within("smile", now - 0.01, now + 0.01)
    walk = Walk(Metropolis(step=1.0, within=(within,)), 30)
    readings = [smile(state) for state in walk.states(source, tiny_domain)]
    assert all(within.low - 1e-3 <= each <= within.high + 1e-3 for each in readings)
    outside = Metropolis(within=(Within("smile", now + 1, now + 2),))
    with pytest.raises(BadInput, match="cannot begin"):
        Walk(outside).begin(source, tiny_domain)
    softly = Metropolis(within=(Within("smile", now + 1, now + 2, 0.5),))
    assert Walk(softly, 5).begin(source, tiny_domain)


def test_coordinates_are_where_the_portrait_is(source: EditState, tiny_domain: Domain) -> None:
    for space in ("w", "z"):
        coordinates = Coordinates(source, tiny_domain, space)
        offset = 0.1 * _rng(0).standard_normal(coordinates.size)
        there = coordinates.at(offset)
        again = Coordinates(there, tiny_domain, space).origin
        assert np.allclose(again - coordinates.origin, offset, atol=1e-3)
        assert coordinates.at(np.zeros(coordinates.size)) is source


def test_reenactment_is_expression_transfer(source: EditState, tiny_domain: Domain) -> None:
    frames = list(Walk(Reenactment(THROUGH, 0.8), 3).states(source, tiny_domain))
    before, after = (other.state(tiny_domain) for other in THROUGH)
    assert torch.equal(frames[0].ws, source.ws)
    expected = transfer(source, before, after, tiny_domain, 0.8)
    assert torch.allclose(frames[-1].ws, expected.ws, atol=1e-6)


def test_truncation_pulses_to_the_mean(source: EditState, tiny_domain: Domain) -> None:
    frames = walked(Walk(Truncation(0.0), 8), source, tiny_domain)
    mean = tiny_domain.generator.mapping.w_avg
    assert torch.equal(frames[0], source.ws)
    assert torch.allclose(frames[4], mean.expand_as(frames[4]), atol=1e-6)


def test_only_stylegan3_moves_its_picture(source: EditState, tiny_domain: Domain) -> None:
    with pytest.raises(BadInput, match="only StyleGAN3"):
        Walk(Place(0.1)).begin(source, tiny_domain)


def test_even_motion_spreads_the_speed(source: EditState, tiny_domain: Domain) -> None:
    way = Keyframes((Other("seed:2"),))
    walk = Walk(way, 33, eases=("cubic",))
    route = walk.begin(source, tiny_domain)

    def distance(a: EditState, b: EditState) -> float:
        return float((a.ws - b.ws).norm())

    lengths = list(measured_lengths(route, distance))
    places = evened(walk, walk.positions(), lengths)
    speeds = [distance(route.at(a), route.at(b)) for a, b in zip(places, places[1:], strict=False)]
    plain = [
        distance(route.at(a), route.at(b))
        for a, b in zip(walk.positions(), walk.positions()[1:], strict=False)
    ]
    assert np.std(speeds) < 0.25 * np.std(plain)
    assert places[0] == 0 and places[-1] == 1 and places == sorted(places)


@given(name=st.sampled_from(sorted(EASINGS)), t=st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_easings_keep_their_ends(name: str, t: float) -> None:
    assert ease(name, 0) == 0 and ease(name, 1) == 1
    assert -0.11 <= ease(name, t) <= 1.11
    assert abs(ease(name, t) - ease(name, min(t + 1e-7, 1))) < 1e-3 or name == "step"


@pytest.mark.parametrize(
    "make, sentence",
    [
        (lambda: Walk(SWEEP, 0), "1 to 10000"),
        (lambda: Walk(SWEEP, 10_000_000), "1 to 10000"),
        (lambda: Walk(SWEEP, fps=0), "frames per second"),
        (lambda: Walk(SWEEP, fps=1000), "frames per second"),
        (lambda: Walk(SWEEP, fps=math.nan), "frames per second"),
        (lambda: Walk(SWEEP, 30, hold=1.0), "Holding"),
        (lambda: Walk(SWEEP, hold=math.inf), "Holding"),
        (lambda: Walk(SWEEP, eases=("wobbly",)), "wobbly"),
        (lambda: Walk(SWEEP, seed=-1), "seed"),
        (lambda: Keyframes(()), "1 keyframe is not"),
        (lambda: Keyframes(THROUGH, "knot"), "curve"),
        (lambda: Timeline(()), "--along"),
        (lambda: Track(Move("smile", 0), (Key(0.5, 1), Key(0, 1))), "rise"),
        (lambda: Pieces(segments=(0.5, 0.9), flags=(1, -1)), "rise"),
        (lambda: Pieces(segments=(0.5, 0.4, 1), flags=(1, -1, 1)), "rise"),
        (lambda: Pieces(segments=(0.5, 1), flags=(1,)), "one for each"),
        (lambda: Pieces(segments=(0.5, 1), flags=(1, 1, 1)), "one for each"),
        (lambda: Pieces(segments=(0.5, 1), flags=(1, 2)), "1 .out."),
        (lambda: RandomSteps(0), "step"),
        (lambda: Circle(0), "radius"),
        (lambda: Within("smile", 1, 0), "lower end"),
        (lambda: Reenactment(THROUGH[:1]), "at least two"),
    ],
)
def test_walks_that_are_not_possible(make: Any, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        make()


def test_ways_that_a_portrait_cannot_go(source: EditState, tiny_domain: Domain) -> None:
    with pytest.raises(UnknownName, match="smile"):
        Walk(Timeline((Track(Move("hat", 0), (Key(0, 0),)),))).begin(source, tiny_domain)
    photo = replace(source, z=None)
    for way in (Circle(space="z"), Keyframes(THROUGH, "slerp")):
        with pytest.raises(BadInput, match="z is known"):
            Walk(way).begin(photo, tiny_domain)
    with pytest.raises(BadInput, match="w or z"):
        Walk(Circle(space="s")).begin(source, tiny_domain)


@given(st.lists(st.floats(-500, 500), min_size=1, max_size=9), st.floats(0.1, 20))
def test_a_walk_turns_round_at_its_reach(offsets: list[float], reach: float) -> None:
    given_ = np.array(offsets)
    turned = folded(given_, reach)
    assert (np.abs(turned) <= reach + 1e-9).all()
    inside = np.abs(given_) <= reach
    assert np.allclose(turned[inside], given_[inside], atol=1e-9), "within, nothing changes"
    assert np.abs(np.diff(turned)).max(initial=0) <= np.abs(np.diff(given_)).max(initial=0) + 1e-9
    assert np.array_equal(folded(given_, 0.0), given_)


def test_a_walk_with_a_reach_keeps_to_it(tiny_domain: Domain) -> None:
    walk = Walk(RandomSteps(3.0, "smile", reach=2.0), frames=60)
    route = walk.begin(state_of("seed:1", tiny_domain), tiny_domain)
    alphas = [float(route.caption(place).split()[-1]) for place in walk.positions()]
    assert max(map(abs, alphas)) <= 2.0 and max(alphas) > 1.0 and min(alphas) < -1.0


def test_a_caption_says_where_the_film_is(tiny_domain) -> None:
    source = state_of("seed:1", tiny_domain)
    ways = {
        Keyframes((Other("seed:2"), Other("seed:3"))): ["start to seed:2  0%", "seed:2 to seed:3"],
        Reenactment((Other("seed:2"), Other("seed:3"))): ["seed:2", "seed:3"],
        Circle(): ["0%", "100%"],
    }
    for way, (first, last) in ways.items():
        route = Walk(way, 4).begin(source, tiny_domain)
        assert route.caption(0.0) == first and route.caption(1.0).startswith(last)
