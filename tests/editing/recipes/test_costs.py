"""What edits, films and figures take, known from their values alone."""

import pytest
import torch

from editing.animation.paths import Circle, Keyframes
from editing.animation.random_paths import Metropolis
from editing.animation.walk import Walk
from editing.edits.mix_edits import Crossover, Morph, Other, Patch, mask_bytes
from editing.edits.stack import EditStack, Entry, Move, drawn, state_of
from editing.figures.figure import Column, Figure
from editing.figures.grids import Grid
from editing.inversion.options import InversionOptions, NoiseOptions, TuneOptions
from editing.models.domain import Domain
from editing.models.latents import Latent
from editing.recipes.costs import (
    GRADIENT,
    STEP,
    Cost,
    figure_cost,
    grid_cost,
    recipe_cost,
    search_cost,
    stack_cost,
    state_cost,
    walk_cost,
)
from editing.recipes.recipe import Inversion, Recipe, Source, recipe_from_yaml
from editing.text.edit import StyleChange, TextEdit
from tests.editing.edits.test_mix_edits import disc

PATCH = Patch(mask_bytes(disc(32)), Other("seed:2"))


def stack(*edits) -> EditStack:
    return EditStack(tuple(map(Entry, edits)))


def test_a_stack_takes_as_many_passes_as_are_made(tiny_domain: Domain, monkeypatch) -> None:
    passes = []
    synthesis = tiny_domain.generator.synthesis
    hook = synthesis.register_forward_pre_hook(lambda *_: passes.append(1))
    edits = [Move("smile", 1.0), PATCH, Crossover(Other("seed:3")), PATCH, PATCH]
    for count in range(len(edits) + 1):
        passes.clear()
        state = stack(*edits[:count]).apply(state_of("seed:1", tiny_domain), tiny_domain)
        with torch.no_grad():
            drawn(state, tiny_domain)
        assert len(passes) == stack_cost(stack(*edits[:count])).draws == state_cost(state).draws
    hook.remove()


def test_what_is_off_is_not_drawn_but_held() -> None:
    somebody = Other("me", Latent(torch.zeros(1, 8, 16), noise={"b8": torch.zeros(8, 8)}))
    on = stack_cost(stack(Morph(somebody), PATCH))
    off = stack_cost(EditStack((Entry(Morph(somebody), False), Entry(PATCH, False))))
    assert on == Cost(2.0, 8 * 16 + 64) and off == Cost(1.0, 8 * 16 + 64)


def test_a_text_costs_until_its_change_is_known() -> None:
    assert stack_cost(stack(TextEdit("a smile", 1.0))).draws == 1 + GRADIENT
    assert stack_cost(stack(TextEdit("a smile", 1.0, method="global"))).draws == 2
    assert stack_cost(stack(TextEdit("a smile", 1.0, change=StyleChange(())))).draws == 1


def test_searches_films_sheets_and_figures() -> None:
    options = InversionOptions(
        steps=100, start="random:64", noise=NoiseOptions(20), tune=TuneOptions(30)
    )
    assert search_cost(options).draws == 64 + 150 * STEP
    picture = stack_cost(stack(PATCH))
    assert walk_cost(Walk(Circle(), 30), picture).draws == 60
    assert walk_cost(Walk(Circle(), 30, even=True), picture).draws > 2 * 64 + 60
    assert walk_cost(Walk(Metropolis(), 30), picture).draws == 120
    me = Other("me", Latent(torch.zeros(1, 8, 16)))
    assert walk_cost(Walk(Keyframes((me, me))), picture).floats == 2 * 8 * 16
    grid = Grid(tuple({"move": "smile", "alpha": a} for a in (0, 1, 2)), ({}, {}))
    assert grid_cost(grid, picture).draws == 12
    plain = Figure((Column(Move("smile", 1.0)),), ("quick", "best"))
    strengths = Figure(plain.columns, plain.inversions, ((1.0,), (1.0,)))
    searched, known = figure_cost(plain, picture).draws, figure_cost(strengths, picture).draws
    assert searched - known == 2 * plain.matched and known > STEP * 1000


@pytest.mark.parametrize("kind", ["photo", "seed"])
def test_a_recipe_is_all_that_it_makes(kind: str) -> None:
    source = Source(kind, "seed:1" if kind == "seed" else "me.jpg")
    inversion = Inversion(InversionOptions(steps=100, start="mean"))
    recipe = Recipe(stack(PATCH), source, inversion, walk=Walk(Circle(), 10))
    searched = 0 if kind == "seed" else 1 + 100 * STEP
    assert recipe_cost(recipe).draws == searched + 20


def test_two_hundred_regions_in_a_few_bytes() -> None:
    text = "edits:\n" + "- {patch: copy, mask: [0, 0, 1, 1], from: {name: 'seed:1'}}\n" * 200
    assert recipe_cost(recipe_from_yaml(text)).draws == 201
