"""Files exported by the first version open for good: equal values, equal pixels.

``data/exported`` holds what the first version wrote about the tiny domain beside it: a recipe of
every kind of edit, walk and output, a picture, a latent, a session, and what they drew.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from editing.edits.stack import render, state_of
from editing.io.images import load_picture, to_uint8
from editing.models.domain import Domain, open_domain
from editing.models.latents import load_latent
from editing.recipes.recipe import load_recipe, read_export, recipe_to_yaml
from editing.recipes.replay import replay
from ui.studio.studio import Studio

EXPORTED = Path(__file__).parents[2] / "data" / "exported"
RECIPES = sorted(path.stem for path in (EXPORTED / "recipes").glob("*.yaml"))
PICTURES = np.load(EXPORTED / "pictures.npz")
WALKS = np.load(EXPORTED / "walks.npz")


@pytest.fixture(scope="module")
def domain() -> Domain:
    return open_domain(EXPORTED / "domain")


def assert_same_pixels(drawn: np.ndarray, kept: np.ndarray) -> None:
    """Equal but for the last bit of a sum, which another processor may round otherwise."""
    assert drawn.shape == kept.shape
    assert np.abs(drawn.astype(int) - kept).max() <= 1


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_read_and_write_as_they_were(name: str) -> None:
    path = EXPORTED / "recipes" / f"{name}.yaml"
    assert recipe_to_yaml(load_recipe(path)) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PICTURES.files)
def test_edits_draw_the_same_pixels(name: str, domain: Domain) -> None:
    recipe = load_recipe(EXPORTED / "recipes" / f"{name}.yaml")
    drawn = to_uint8(render(replay(recipe, domain).edited, domain))
    assert_same_pixels(drawn, PICTURES[name])


@pytest.mark.parametrize("name", WALKS.files)
def test_walks_pass_through_the_same_latents(name: str, domain: Domain) -> None:
    walk = load_recipe(EXPORTED / "recipes" / f"{name}.yaml").walk
    assert walk is not None
    frames = walk.states(state_of("seed:7", domain), domain)
    drawn = torch.stack([state.ws[0] for state in frames])
    torch.testing.assert_close(drawn, torch.from_numpy(WALKS[name]), rtol=1e-4, atol=1e-5)


def test_a_picture_carries_its_recipe_and_latent(domain: Domain) -> None:
    path = EXPORTED / "edit.png"
    export = read_export(path)
    assert export is not None
    recipe, latent = export
    assert recipe.title == "A picture" and len(recipe.stack.entries) == 2
    assert latent.fingerprint == domain.fingerprint == recipe.fingerprint
    drawn = to_uint8(render(replay(recipe, domain).edited, domain))
    assert_same_pixels(drawn[0], np.asarray(load_picture(path)))


def test_a_latent_is_read_with_its_noise(domain: Domain) -> None:
    latent = load_latent(EXPORTED / "latent.npz")
    assert latent.fingerprint == domain.fingerprint and latent.space == "w+"
    assert tuple(latent.ws.shape) == (1, domain.generator.num_ws, domain.generator.w_dim)


def test_a_session_opens_at_its_step_with_its_pictures(domain: Domain) -> None:
    studio, kept = Studio(domain), np.load(EXPORTED / "session.npz")
    fresh = studio.start(studio.open_seed(1))
    session, whole = studio.open_session(fresh, EXPORTED / "session.studio")
    assert whole and session.position == int(kept["position"])
    assert len(session.moments) == len(kept.files) - 1
    for number, moment in enumerate(session.moments):
        assert_same_pixels(moment.after, kept[f"after-{number}"])
