"""Recipes in YAML, pictures that carry their own, and replay to the same pixels."""

import base64
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from editing.edits.mix_edits import Morph, other_of
from editing.edits.stack import EditStack, Entry, Move, latent_of, render, state_of
from editing.errors import BadLatent, BadRecipe, EditingError, MissingFile, UnknownName
from editing.inversion.invert import InversionOptions, LossWeights
from editing.io.images import encode_png, load_picture, to_tensor, to_uint8
from editing.models.domain import Domain
from editing.recipes.recipe import (
    LATENT_KEY,
    RECIPE_KEY,
    Inversion,
    Output,
    Recipe,
    Source,
    export_png,
    load_recipe,
    make_recipe,
    png_text,
    read_export,
    recipe_from_yaml,
    recipe_to_yaml,
    save_recipe,
)
from editing.recipes.replay import replay

STACK = EditStack(
    (Entry(Move("smile", 2.0, layers=(0, 1, 2, 5))), Entry(Move("age", -1.5), on=False),
     Entry(Move("gender", 0.1, given=("smile", "age"))), Entry(Move("age", 0.3, absolute=True)))
)  # fmt: skip
PIXEL_ONLY = InversionOptions("quick", start="mean", steps=3, weights=LossWeights(1.0, 0.0, 0.0))

names = st.sampled_from(["smile", "age", "no", "null", "眼镜", "a b: c", "1.5"])
moves = st.builds(
    Move,
    names,
    st.floats(-100, 100),
    st.none() | st.sets(st.integers(0, 17), min_size=1).map(lambda rows: tuple(sorted(rows))),
    st.just(()),
    st.booleans(),
)
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20)
recipes = st.builds(
    Recipe,
    st.lists(st.builds(Entry, moves, st.booleans()), max_size=3).map(lambda e: EditStack(tuple(e))),
    st.builds(Source, st.just("photo"), texts.filter(bool), texts, st.booleans()),
    st.none() | st.builds(Inversion, st.just(PIXEL_ONLY), st.none() | st.integers(0, 3)),
    st.builds(Output, st.sampled_from(["picture", "photo"]), st.none() | st.integers(32, 4096)),
    domain=texts.filter(bool),
    threads=st.none() | st.integers(1, 64),
    title=texts,
    description=texts,
    tags=st.lists(texts, max_size=3).map(tuple),
    citation=texts,
)


@given(recipes)
@settings(deadline=None)
def test_yaml_gives_the_recipe_back(recipe: Recipe) -> None:
    assert recipe_from_yaml(recipe_to_yaml(recipe)) == recipe


def test_a_recipe_may_be_short() -> None:
    recipe = recipe_from_yaml("edits: [{move: smile, alpha: 2, layers: '0-3'}]")
    assert recipe.stack == EditStack((Entry(Move("smile", 2.0, layers=(0, 1, 2, 3))),))
    assert recipe.domain == "portraits" and recipe.source == Source() and not recipe.fingerprint


@pytest.mark.parametrize(
    "text, message",
    [
        ("title: x", "lacks edits"),
        ("edits: [{move: smile}]", "edits 1 of r.yaml lacks alpha"),
        ("edits: [{move: smile, alpha: big}]", "alpha: 'big'; it needs a number"),
        ("edits: [{move: smile, alpha: .inf}]", "smile=inf"),
        ("edits: [{move: smile, alpha: 1, layers: 3-1}]", "3-1"),
        ("edits: [{move: smile, alpha: 1, layers: fine}]", "rows such as"),
        ("edits: [{move: smile, alpha: 1, strength: 2}]", "unknown key 'strength'"),
        ("edits: [{move: smile, alpha: 1, on: true}]", "unknown key True"),
        ("{edits: [], source: {kind: dream}}", "'dream'"),
        ("{edits: [], source: {kind: seed, name: 7x}}", "7x"),
        ("{edits: [], inversion: {level: perfect}}", "'perfect'; choose from quick"),
        ("{edits: [], inversion: {steps: -1}}", "-1 steps"),
        ("{edits: [], inversion: {steps: 3, done: 99}}", "after 99 steps"),
        ("{edits: [], inversion: {weights: {pixels: 3}}}", "'pixels'; known are pixel"),
        ("{edits: [], output: {outcome: film}}", "'film'"),
        ("{edits: [], output: {size: 100000}}", "100000 px"),
        ("{edits: [], threads: 0}", "0 threads"),
        ("{edits: [], format: other 2}", "other|format"),
        ("edits: [", "not readable YAML"),
    ],
)
def test_slips_are_named(text: str, message: str) -> None:
    with pytest.raises(BadRecipe, match=message):
        recipe_from_yaml(text, "r.yaml")


def test_recipe_files(tmp_path: Path) -> None:
    recipe = Recipe(STACK, title="Ünïcödé 笑")
    save_recipe(tmp_path / "r.yaml", recipe)
    assert load_recipe(tmp_path / "r.yaml") == recipe
    with pytest.raises(MissingFile):
        load_recipe(tmp_path / "absent.yaml")
    (tmp_path / "picture.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadRecipe, match="no text"):
        load_recipe(tmp_path / "picture.yaml")


def exported(domain: Domain, source: Source, recipe_stack: EditStack = STACK) -> bytes:
    state = state_of(source.name, domain)
    recipe = make_recipe(domain, source, recipe_stack)
    img = render(recipe_stack.apply(state, domain), domain)
    return export_png(img, recipe, latent_of(state, domain))


def test_an_exported_picture_replays_to_the_same_pixels(
    tiny_domain: Domain, tmp_path: Path
) -> None:
    path = tmp_path / "out.png"
    path.write_bytes(exported(tiny_domain, Source("seed", "seed:4@0.9")))
    found = read_export(path)
    assert found is not None
    recipe, latent = found
    assert recipe.stack == STACK and recipe.torch == str(torch.__version__)
    pixels = to_uint8(replay(recipe, tiny_domain, latent).img)
    with Image.open(path) as saved:
        assert (pixels[0] == to_uint8(to_tensor(saved))[0]).all()
    by_seed = replay(recipe, tiny_domain)
    assert (to_uint8(by_seed.img) == pixels).all() and by_seed.notes == ()
    export_again = export_png(by_seed.img, recipe, latent)
    assert Image.open(path).tobytes() == load_picture_bytes(export_again, tmp_path)


def load_picture_bytes(data: bytes, folder: Path) -> bytes:
    (folder / "again.png").write_bytes(data)
    return load_picture(folder / "again.png").tobytes()


def test_export_without_recipe_carries_nothing(tiny_domain: Domain, tmp_path: Path) -> None:
    img = render(state_of("seed:4", tiny_domain), tiny_domain)
    (tmp_path / "plain.png").write_bytes(export_png(img))
    assert read_export(tmp_path / "plain.png") is None
    (tmp_path / "text").write_text("no picture")
    assert read_export(tmp_path / "text") is None


def test_large_noise_stays_at_home(tiny_domain: Domain, tmp_path: Path) -> None:
    state = replace(state_of("seed:4", tiny_domain), noise={"b32.conv1": torch.randn(600, 600)})
    recipe = make_recipe(tiny_domain, Source("latent", "latent.npz"), STACK)
    (tmp_path / "out.png").write_bytes(
        export_png(torch.zeros(1, 3, 32, 32), recipe, latent_of(state, tiny_domain))
    )
    found = read_export(tmp_path / "out.png")
    assert found is not None and not found[1].noise and len(found[1].left_out["noise"]) == 64
    with pytest.raises(BadLatent, match="pass the latent file"):
        replay(found[0], tiny_domain, found[1])


def test_damaged_exports_are_refused(tiny_domain: Domain, tmp_path: Path) -> None:
    state = state_of("seed:4", tiny_domain)
    recipe = make_recipe(tiny_domain, Source(), STACK)
    text = png_text(recipe, latent_of(state, tiny_domain))
    for key, value in (
        (RECIPE_KEY, "edits: ["), (RECIPE_KEY, ""), (LATENT_KEY, "%%%"),
        (LATENT_KEY, base64.b64encode(b"PK other").decode()),
    ):  # fmt: skip
        data = encode_png(torch.zeros(1, 3, 32, 32), {**text, key: value})
        (tmp_path / "bad.png").write_bytes(data)
        with pytest.raises(EditingError, match="in the picture"):
            read_export(tmp_path / "bad.png")


def test_other_generators_are_refused(tiny_domain: Domain) -> None:
    recipe = make_recipe(tiny_domain, Source(), STACK)
    with pytest.raises(BadRecipe, match="0000.*tiny"):
        replay(replace(recipe, fingerprint="0" * 16), tiny_domain)
    other = EditStack((Entry(Move("charm", 1.0)),))
    with pytest.raises(UnknownName, match="charm"):
        replay(replace(recipe, stack=other, fingerprint=""), tiny_domain)
    old = replay(replace(recipe, torch="1.0.0"), tiny_domain)
    assert "torch 1.0.0" in old.notes[0]


def test_threads_are_put_back(tiny_domain: Domain) -> None:
    before = torch.get_num_threads()
    replay(replace(make_recipe(tiny_domain, Source(), STACK), threads=2), tiny_domain)
    assert torch.get_num_threads() == before


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    rng = torch.Generator().manual_seed(0)
    coarse = torch.rand(1, 3, 6, 5, generator=rng)
    smooth = torch.nn.functional.interpolate(coarse, (90, 75), mode="bicubic")
    Image.fromarray(to_uint8(smooth * 2 - 1)[0]).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.mark.parametrize("done", [None, 0, 2])
def test_a_photo_replays_with_and_without_its_latent(
    tiny_domain: Domain, photo: Path, done: int | None
) -> None:
    source = Source("photo", photo.name, aligned=False)
    recipe = make_recipe(tiny_domain, source, STACK, inversion=Inversion(PIXEL_ONLY, done))
    first = replay(recipe, tiny_domain, photo=photo)
    assert "no face was aligned" in first.notes[0]
    assert torch.equal(replay(recipe, tiny_domain, photo=photo).img, first.img)
    latent = latent_of(first.source, tiny_domain)
    assert torch.equal(replay(recipe, tiny_domain, latent).img, first.img)
    with pytest.raises(BadRecipe, match="needs the photo photo.png; pass it with --photo"):
        replay(recipe, tiny_domain)


def test_the_photo_outcome(tiny_domain: Domain, photo: Path) -> None:
    source = Source("photo", photo.name, aligned=False)
    plain = make_recipe(tiny_domain, source, STACK, inversion=Inversion(PIXEL_ONLY))
    recipe = replace(plain, output=Output("photo", 64))
    edited = replay(recipe, tiny_domain, photo=photo)
    assert edited.img.shape == (1, 3, 64, 64)
    untouched = replay(replace(recipe, stack=EditStack()), tiny_domain, photo=photo).img
    expected = to_tensor(load_picture(photo).crop((0, 7, 75, 82)).resize((64, 64), 1))
    assert torch.equal(untouched, expected) and not torch.equal(edited.img, untouched)
    with pytest.raises(BadRecipe, match="needs the photo"):
        replay(recipe, tiny_domain, latent_of(edited.source, tiny_domain))


def test_a_recipe_that_nobody_could_read_is_not_written(tiny_domain) -> None:
    state = state_of("seed:1", tiny_domain)
    noise = {"b4": torch.randn(1600, 1600, generator=torch.Generator().manual_seed(0))}
    other = other_of("me", replace(state, noise=noise), tiny_domain)
    recipe = make_recipe(tiny_domain, Source("seed", "seed:1"), EditStack((Entry(Morph(other)),)))
    with pytest.raises(BadRecipe, match="save the latent instead"):
        recipe_to_yaml(recipe)
