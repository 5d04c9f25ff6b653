"""Edits that bring other portraits in: applied, stacked, and written into recipes and back."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from editing.edits.mix_edits import (
    Crossover,
    Grain,
    Morph,
    Other,
    Patch,
    Transfer,
    mask_bytes,
    mask_from,
    other_of,
)
from editing.edits.registry import entry_from, entry_values
from editing.edits.stack import EditStack, Entry, Move, render, state_of
from editing.errors import BadInput, BadLatent, BadRecipe, EditingError
from editing.io.codec import Settings
from editing.models.domain import Domain
from editing.models.generators.layers import layer_groups
from editing.recipes.recipe import Source, make_recipe, recipe_from_yaml, recipe_to_yaml
from tests.editing.edits.test_mixing import loaded, same

SEED = Other("seed:2")


def disc(resolution: int, x: float = 0.5, y: float = 0.5, radius: float = 0.2) -> torch.Tensor:
    places = (torch.arange(resolution) + 0.5) / resolution
    inside = (places[None] - x) ** 2 + (places[:, None] - y) ** 2 < radius**2
    return inside.float()[None, None]


@pytest.fixture(scope="module")
def latent_other(tiny_domain: Domain) -> Other:
    return other_of("somebody", loaded(4, tiny_domain), tiny_domain)


def test_several_sources_each_give_their_rows(tiny_domain: Domain, latent_other: Other) -> None:
    groups = layer_groups(tiny_domain.generator)
    a, c = state_of("seed:1", tiny_domain), latent_other.state(tiny_domain)
    stack = EditStack().add(Crossover(SEED, groups["coarse"]))
    stack = stack.add(Crossover(latent_other, groups["middle"], 0.5))
    made = stack.apply(a, tiny_domain)
    coarse, middle = list(groups["coarse"]), list(groups["middle"])
    assert torch.equal(made.ws[:, coarse], SEED.state(tiny_domain).ws[:, coarse])
    assert torch.allclose(made.ws[:, middle], (a.ws + c.ws)[:, middle] / 2, atol=1e-6)
    rest = [row for row in range(8) if row not in (*coarse, *middle)]
    assert torch.equal(made.ws[:, rest], a.ws[:, rest])


def test_a_mix_keeps_its_place_in_the_stack(tiny_domain: Domain) -> None:
    a, smile = state_of("seed:1", tiny_domain), Move("smile", 2.0)
    first = EditStack((Entry(smile), Entry(Crossover(SEED)))).apply(a, tiny_domain)
    assert torch.equal(first.ws, SEED.state(tiny_domain).ws), "the smile was replaced"
    last = EditStack((Entry(Crossover(SEED)), Entry(smile))).apply(a, tiny_domain)
    assert not torch.equal(last.ws, first.ws)
    off = EditStack((Entry(smile), Entry(Crossover(SEED), on=False))).apply(a, tiny_domain)
    assert torch.equal(off.ws, smile.apply(a, tiny_domain).ws)


def test_morph_and_transfer_are_edits(tiny_domain: Domain, latent_other: Other) -> None:
    a = state_of("seed:1", tiny_domain)
    assert same(Morph(latent_other, 1.0).apply(a, tiny_domain), latent_other.state(tiny_domain))
    assert same(Morph(latent_other, 0.0).apply(a, tiny_domain), a)
    assert same(Transfer(SEED, SEED, 2.0).apply(a, tiny_domain), a)
    along = Transfer(SEED, Other("seed:3"), along=("smile",)).apply(a, tiny_domain)
    assert not torch.equal(along.ws, a.ws)


def test_grain_of_some_layers(tiny_domain: Domain) -> None:
    a = state_of("seed:1", tiny_domain)
    fine = Grain(7, (5, 6, 7)).apply(a, tiny_domain)
    assert fine.noise and all(name.startswith("b32") for name in fine.noise)
    assert not torch.equal(render(fine, tiny_domain), render(a, tiny_domain))


@pytest.mark.parametrize("other", [True, False])
def test_a_region_changes_there_and_hardly_elsewhere(other: bool, tiny_domain: Domain) -> None:
    a = state_of("seed:1", tiny_domain)
    mask = mask_bytes(disc(32, 0.3, 0.3, 0.15))
    shift = (0.0, 0.0) if other else (0.1, 0.0)
    patch = Patch(mask, SEED if other else None, layers=(5, 6, 7), shift=shift)
    made = patch.apply(a, tiny_domain)
    change = (render(made, tiny_domain) - render(a, tiny_domain)).abs().mean(1)[0]
    reached = torch.nn.functional.max_pool2d(made.regions[0].mask, 9, 1, 4)[0, 0] > 0
    assert change[~reached].max() < 1e-6, "beyond what convolutions carry over nothing changes"
    assert change[mask_from(mask, 32)[0, 0] > 0.99].mean() > 1e-3


def test_a_region_of_the_whole_picture_is_the_other(tiny_domain: Domain) -> None:
    a, b = state_of("seed:1", tiny_domain), SEED.state(tiny_domain)
    whole = Patch(mask_bytes(torch.ones(1, 1, 32, 32)), SEED).apply(a, tiny_domain)
    assert torch.allclose(render(whole, tiny_domain), render(b, tiny_domain), atol=1e-5)
    own = Patch(mask_bytes(disc(32)), other_of("own", a, tiny_domain)).apply(a, tiny_domain)
    assert torch.allclose(render(own, tiny_domain), render(a, tiny_domain), atol=1e-5)


def test_regions_nest_and_compose_with_everything(tiny_domain: Domain) -> None:
    a, b = loaded(1, tiny_domain), loaded(2, tiny_domain)
    mask = mask_bytes(disc(32, radius=0.3))
    patch = Patch(mask, other_of("b", b, tiny_domain))
    edits = [patch, Crossover(SEED, (0, 1), 0.5), Grain(3, (4, 5)), Patch(mask, None, (2, 3),
             "move", (0.1, -0.1)), Move("smile", 1.0)]  # fmt: skip
    state = a
    for edit in edits:
        state = edit.apply(state, tiny_domain)
    picture = render(state, tiny_domain)
    assert picture.isfinite().all() and len(state.regions) == 2
    assert torch.equal(picture, render(state, tiny_domain)), "drawn twice, the same twice"


def examples(other: Other) -> list[object]:
    mask = mask_bytes(disc(32))
    return [
        Crossover(SEED, (0, 1, 2), 0.5, (1.0, 0.5, 0.25)),
        Crossover(other),
        Morph(other, 0.25, "w"),
        Transfer(SEED, other, 0.75, (1, 2, 3), ("smile", "age")),
        Grain(7, (5, 6), (0.5, 2.0)),
        Grain(None, None, (), 0.0),
        Patch(mask, other, (3, 4), "copy", (0.1, -0.2)),
        Patch(mask, None, None, "move", (0.0, 0.25)),
    ]


@pytest.mark.parametrize("number", range(8))
def test_recipes_carry_them(number: int, tiny_domain: Domain, latent_other: Other) -> None:
    edit = examples(latent_other)[number]
    stack = EditStack((Entry(edit, on=number != 3),))  # type: ignore[arg-type]
    recipe = make_recipe(tiny_domain, Source(), stack)
    again = recipe_from_yaml(recipe_to_yaml(recipe))
    assert recipe_to_yaml(again) == recipe_to_yaml(recipe)
    state = state_of("seed:1", tiny_domain)
    pictures = [
        render(Entry(one.stack.entries[0].edit).edit.apply(state, tiny_domain), tiny_domain)
        for one in (recipe, again)
    ]
    assert torch.equal(*pictures)


@pytest.mark.parametrize(
    "values, sentence",
    [
        ({"cross": {"name": "no seed"}}, "no seed|without a latent"),
        ({"cross": {"name": "x", "latent": "!!!"}}, "damaged"),
        ({"cross": {"name": "x", "latent": "QUJD"}}, "not a readable"),
        ({"cross": {"name": "seed:1"}, "weight": 1.5}, "from 0"),
        ({"cross": {"name": "seed:1"}, "layers": "coarse"}, "rows"),
        ({"cross": {"name": "seed:1", "more": 1}}, "unknown key"),
        ({"transfer": {"name": "seed:1"}}, "lacks to"),
        ({"transfer": {"name": "seed:1"}, "to": {"name": "seed:2"}, "amount": 99.0}, "99"),
        ({"grain": 1, "amount": -1.0}, "strengths"),
        ({"patch": "paint", "mask": "QUJD"}, "operation"),
        ({"patch": "move", "mask": "QUJD", "shift": [1]}, "two numbers"),
        ({"patch": "move", "mask": "QUJD"}, "go somewhere"),
    ],
)
def test_what_a_recipe_may_not_say(values: dict[str, object], sentence: str) -> None:
    with pytest.raises(EditingError, match=sentence):
        entry_from(Settings(values, "edits 1", BadRecipe))


def test_masks_that_hold_nothing(tiny_domain: Domain) -> None:
    with pytest.raises(BadInput, match="empty"):
        mask_bytes(torch.zeros(1, 1, 32, 32))
    state = state_of("seed:1", tiny_domain)
    with pytest.raises(EditingError, match="not a picture"):
        Patch(b"no picture at all", SEED).apply(state, tiny_domain)


def test_a_portrait_of_another_generator_is_refused(
    tiny_domain: Domain, latent_other: Other
) -> None:
    assert latent_other.latent is not None
    strange = Other("x", replace(latent_other.latent, fingerprint="0" * 16))
    with pytest.raises(BadLatent, match="another|belongs"):
        Crossover(strange).apply(state_of("seed:1", tiny_domain), tiny_domain)


def test_masks_come_back_as_they_were() -> None:
    mask = torch.from_numpy(np.linspace(0, 1, 32 * 32, dtype=np.float32)).reshape(1, 1, 32, 32)
    again = mask_from(mask_bytes(mask), 32)
    assert (again - mask).abs().max() <= 0.5 / 255 + 1e-6


def test_values_are_plain(latent_other: Other) -> None:
    for edit in examples(latent_other):
        values = entry_values(Entry(edit))  # type: ignore[arg-type]
        assert all(isinstance(key, str) for key in values)
