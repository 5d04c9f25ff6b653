"""Walks in recipes: written down and read back, they give the same frames."""

import pytest
import torch

from editing.animation.film import Look
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
)
from editing.animation.random_paths import Metropolis, Pieces, RandomSteps, Within
from editing.animation.walk import KINDS, Walk, kind_of, walk_from, walk_values
from editing.edits.mix_edits import Other, other_of
from editing.edits.stack import EditStack, Move, state_of
from editing.errors import BadRecipe, EditingError
from editing.io.codec import Settings
from editing.models.domain import Domain
from editing.recipes.recipe import Source, make_recipe, recipe_from_yaml, recipe_to_yaml
from tests.editing.edits.test_mixing import loaded

KEYS = (Key(0.0, -1.0), Key(0.5, 2.0, "bounce"), Key(1.0, 0.0))
WALKS = [
    Walk(Timeline((Track(Move("smile", 0.0, (0, 1), ("age",)), KEYS),)), 7, 12.5, hold=0.1),
    Walk(Keyframes((Other("seed:2"),), "spline", closed=True), 7, eases=("sine", "back")),
    Walk(Circle(0.2, "z"), 7, seed=9),
    Walk(NoiseLoop(0.2, 2), 7, even=False),
    Walk(Truncation(0.2, 0.9), 7, ping_pong=True),
    Walk(Tour(2, 0.1), 7),
    Walk(RandomSteps(0.5, "age"), 7),
    Walk(RandomSteps(0.5, bridge=True), 7),
    Walk(Pieces(0.3, "", "w", (0.5, 1.0), (1, -1)), 7),
    Walk(Metropolis(1.0, "z", 0.8, (Within("smile", -9.0, 9.0, 0.5),)), 7),
]


@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: kind_of(walk.way))
def test_recipes_carry_walks(walk: Walk, tiny_domain: Domain) -> None:
    look = Look(".gif", 48, True, True)
    recipe = make_recipe(tiny_domain, Source(), EditStack(), walk=walk, look=look)
    again = recipe_from_yaml(recipe_to_yaml(recipe))
    assert recipe_to_yaml(again) == recipe_to_yaml(recipe) and again.look == look
    assert again.walk is not None
    for seed in ("seed:1", "seed:4"):  # and for another portrait
        source = state_of(seed, tiny_domain)
        pairs = zip(walk.states(source, tiny_domain), again.walk.states(source, tiny_domain),
                    strict=True)  # fmt: skip
        assert all(torch.equal(a.ws, b.ws) for a, b in pairs)


def test_portraits_travel_in_walks(tiny_domain: Domain) -> None:
    others = tuple(other_of(f"p{n}", loaded(n, tiny_domain), tiny_domain) for n in (2, 3))
    for way in (Keyframes(others), Reenactment(others, 0.5, (1, 2))):
        again = walk_from(Settings(walk_values(Walk(way, 5)), "walk", BadRecipe))
        source = state_of("seed:1", tiny_domain)
        for a, b in zip(Walk(way, 5).states(source, tiny_domain),
                        again.states(source, tiny_domain), strict=True):  # fmt: skip
            assert torch.equal(a.ws, b.ws)
            assert all(torch.equal(a.noise[name], b.noise[name]) for name in a.noise)


def test_every_kind_has_a_name() -> None:
    ways = [walk.way for walk in WALKS]
    ways += [Place(0.1), Reenactment((Other("seed:1"), Other("seed:2")))]
    assert {kind_of(way) for way in ways} == set(KINDS)
    place = walk_from(Settings(walk_values(Walk(Place(0.1, turn=30.0))), "walk", BadRecipe))
    assert place.way == Place(0.1, turn=30.0)


@pytest.mark.parametrize(
    "values, sentence",
    [
        ({"kind": "stroll"}, "stroll"),
        ({"frames": 5}, "lacks kind"),
        ({"kind": "sweep", "tracks": [{"move": "smile"}]}, "lacks keys"),
        ({"kind": "sweep", "tracks": [{"move": "smile", "keys": [[0]]}]}, "key"),
        ({"kind": "sweep", "tracks": [{"move": "smile", "keys": [[0, "x"]]}]}, "number"),
        ({"kind": "loop", "radius": 99.0}, "radius"),
        ({"kind": "loop", "frames": 0}, "1 to 10000"),
        ({"kind": "loop", "fps": 1000.0}, "frames per second"),
        ({"kind": "loop", "wobble": 1}, "unknown key"),
        ({"kind": "piecewise", "segments": [0.5, 1.0], "flags": [1]}, "one for each"),
        ({"kind": "piecewise", "segments": [0.5, 1.0], "flags": [1, 0.5]}, "number"),
        ({"kind": "keyframes", "through": []}, "keyframe"),
        ({"kind": "metropolis", "within": [{"attribute": "smile"}]}, "lacks low"),
    ],
)
def test_what_a_recipe_may_not_say(values: dict[str, object], sentence: str) -> None:
    with pytest.raises(EditingError, match=sentence):
        walk_from(Settings(values, "walk", BadRecipe))
