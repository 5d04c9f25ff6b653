"""Edits survive the way through a recipe."""

from dataclasses import replace

import pytest
import torch

from editing.directions.direction import Direction
from editing.directions.stylespace import Channel
from editing.edits.registry import entry_from, entry_values
from editing.edits.stack import ChannelMove, EditStack, Entry, Move, state_of
from editing.errors import BadInput, BadRecipe
from editing.io.codec import Settings
from editing.models.domain import Domain
from editing.recipes.recipe import Source, make_recipe, recipe_from_yaml, recipe_to_yaml
from editing.recipes.replay import replay


def through(entry: Entry) -> Entry:
    return entry_from(Settings(entry_values(entry), "edit 1"))


MOVES = [
    Move("smile", 2.0),
    Move("smile", -1.5, (0, 1, 2, 5), ("age", "gender")),
    Move("smile", 1.0, (0, 1, 2, 5), strengths=(0.5, 0.5, 0.25, 1.0)),
    Move("smile", 1.0, absolute=True),
]


@pytest.mark.parametrize("move", MOVES)
def test_moves_come_back(move: Move) -> None:
    assert through(Entry(move, on=False)) == Entry(move, on=False)


def test_channels_come_back() -> None:
    entry = Entry(ChannelMove(Channel("b32.conv1", 57), -4.5))
    assert through(entry) == entry


@pytest.mark.parametrize("shape", [(16,), (8, 16)])
def test_own_directions_travel_along(tiny_domain: Domain, shape: tuple[int, ...]) -> None:
    vector = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    vector = vector / vector.norm(dim=-1, keepdim=True)
    mine = Direction("my smile", vector, (1, 2), 1.25, meta={"range": [-2.0, 2.5]}, origin=0.5,
                     anchor=3)  # fmt: skip
    move = Move("my smile", 1.5, given=("age",), own=(mine,))
    recipe = make_recipe(tiny_domain, Source("seed", "seed:4"), EditStack((Entry(move),)))
    again = recipe_from_yaml(recipe_to_yaml(recipe))
    found = again.stack.entries[0].edit
    assert isinstance(found, Move)
    assert torch.equal(found.own[0].vector, mine.vector)
    for name in ("name", "layers", "step", "space", "origin", "safe_range", "anchor"):
        assert getattr(found.own[0], name) == getattr(mine, name)
    state = state_of("seed:4", tiny_domain)
    assert torch.equal(replay(again, tiny_domain).edited.ws, move.apply(state, tiny_domain).ws)


def test_moves_in_z_replay_on_seeds_alone(tiny_domain: Domain) -> None:
    vector = torch.randn(12, generator=torch.Generator().manual_seed(1))
    up = Direction("up", vector / vector.norm(), space="z")
    move = Move("up", 1.5, own=(up,))
    state = state_of("seed:4@1", tiny_domain)
    moved = move.apply(state, tiny_domain)
    assert state.z is not None and moved.z is not None
    expected = tiny_domain.generator.mapping(state.z + 1.5 * up.vector)
    assert torch.allclose(moved.ws, expected, atol=1e-5)
    part = replace(move, layers=(0,)).apply(state, tiny_domain)
    assert torch.equal(part.ws[:, 1:], state.ws[:, 1:])
    twice = move.apply(moved, tiny_domain)
    expected = tiny_domain.generator.mapping(state.z + 3 * up.vector)
    assert torch.allclose(twice.ws, expected, atol=1e-5), "moves in Z add up in Z"
    with pytest.raises(BadInput, match="z of this portrait is not known"):
        move.apply(replace(state, z=None), tiny_domain)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"move": "smile", "alpha": 1.0, "layers": "a"}, "rows such as"),
        ({"move": "smile", "alpha": 1.0, "layers": "7-3"}, "do not exist in this order"),
        ({"move": "smile", "alpha": 1.0, "layers": "0*x"}, "rows such as|number"),
        ({"move": "smile", "alpha": 1.0, "own": [{"name": "a", "vector": "!"}]}, "damaged"),
        ({"move": "smile", "alpha": 1.0, "own": [{"name": "a", "vector": "AAAA"}]}, "damaged"),
        ({"channel": "b4", "alpha": 1.0}, "LAYER:NUMBER"),
        ({"channel": "b4:1"}, "lacks alpha"),
        ({"move": "smile", "alpha": 1.0, "speed": 3}, "unknown key"),
    ],
)
def test_damaged_edits_are_named(values: dict[str, object], sentence: str) -> None:
    with pytest.raises((BadRecipe, BadInput), match=sentence):
        entry_from(Settings(values, "edit 1"))


def test_a_boundary_that_is_gone_is_named(tiny_domain: Domain) -> None:
    recipe = make_recipe(
        tiny_domain, Source("seed", "seed:4"), EditStack((Entry(Move("charm", 1.0)),))
    )
    with pytest.raises(BadInput, match="'charm'; choose from smile, age, gender"):
        replay(recipe, tiny_domain)


def test_other_edits_are_refused() -> None:
    class Strange:
        def apply(self, state: object, domain: object) -> object:
            return state

    with pytest.raises(BadRecipe, match="Strange cannot be written down"):
        entry_values(Entry(Strange()))  # type: ignore[arg-type]
