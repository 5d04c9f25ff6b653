"""The command invert beyond one photo at one level: stages, regions, pasting, sharing, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from editing.edits.stack import render, state_of
from editing.errors import BadLatent
from editing.io.images import to_uint8
from editing.models.domain import Domain
from editing.models.latents import completed, load_latent
from editing.recipes.recipe import lightened
from tests.editing.cli.test_main import pixels, refused, run  # noqa: F401  (fixtures)

PLAIN = ("--no-align", "--steps", "2")


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """A folder of three small pictures and a broken one."""
    folder = tmp_path / "faces"
    folder.mkdir()
    for name, colour in (("a", "orange"), ("b", "teal"), ("c", "purple")):
        picture = Image.new("RGB", (64, 64), "gray")
        ImageDraw.Draw(picture).ellipse((12, 12, 52, 52), fill=colour)
        picture.save(folder / f"{name}.png")
    return folder


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    picture = Image.new("L", (90, 90))
    ImageDraw.Draw(picture).rectangle((0, 0, 90, 40), fill=255)
    picture.save(tmp_path / "mask.png")
    return tmp_path / "mask.png"


def test_stages_are_measured_one_by_one_and_kept_in_the_latent(run, faces, tiny_domain: Domain):  # noqa: F811
    facts = run(
        "invert", str(faces / "a.png"), *PLAIN, "--noise", "--tune", "--set", "noise.steps=4",
        "--set", "tune.steps=4", "--set", "tune.lr=0.01", "--out", "me",
    )  # fmt: skip
    assert list(facts["stages"]) == ["latent", "noise", "tune"] and facts["steps"] == 10
    nearness = [stage["psnr"] for stage in facts["stages"].values()]
    assert nearness == sorted(nearness) and facts["psnr"] == pytest.approx(nearness[-1])
    latent = load_latent("me/latent.npz")
    assert latent.noise and latent.weight_delta
    drawn = to_uint8(render(state_of(latent, tiny_domain), tiny_domain))[0]
    assert np.array_equal(pixels("me/reconstruction.png"), drawn)
    run("edit", "me/reconstruction.png", "--move", "smile=1", "--out", "smile.png")
    assert not np.array_equal(pixels("smile.png"), drawn)


def test_a_mask_of_another_size_is_noted_and_part_of_what_was_done(run, faces, mask):  # noqa: F811
    photo = str(faces / "a.png")
    facts = run("invert", photo, *PLAIN, "--mask", str(mask), "--feather", "0", "--out", "me")
    assert any("90×90" in each for each in facts["notes"]) and facts["made_with"]["mask"]
    plain = run("invert", photo, *PLAIN, "--out", "other")
    assert plain["made_with"]["mask"] is None


def test_a_region_is_pasted_into_another_photo(run, faces, mask):  # noqa: F811
    run(
        "invert", str(faces / "b.png"), *PLAIN, "--into", str(faces / "a.png"),
        "--mask", str(mask), "--feather", "0", "--out", "ab",
    )  # fmt: skip
    for name in ("a", "b"):
        run("invert", str(faces / f"{name}.png"), *PLAIN, "--out", name)
    pasted, a, b = (pixels(f"{name}/aligned.png").astype(int) for name in ("ab", "a", "b"))
    assert np.abs(pasted[:12] - b[:12]).max() <= 1 and np.abs(pasted[18:] - a[18:]).max() <= 1


def test_photos_share_one_tuning(run, faces, tiny_domain: Domain):  # noqa: F811
    command = ("invert", str(faces), *PLAIN, "--together", "--set", "tune.steps=3", "--out", "all")
    facts = run(*command)
    deltas = [load_latent(f"all/{name}/latent.npz").weight_delta for name in "abc"]
    assert deltas[0] and all(
        torch.equal(d[name], deltas[0][name]) for d in deltas for name in deltas[0]
    )
    assert all(row["made_with"]["shared"]["with"] for row in facts["photos"])
    before = Path("all/a/metrics.json").stat().st_mtime_ns
    again = run(*command)
    assert Path("all/a/metrics.json").stat().st_mtime_ns == before
    assert again["photos"] == facts["photos"]
    run(*command, "--set", "tune.lr=0.5")
    assert Path("all/a/metrics.json").stat().st_mtime_ns != before


def test_alone_again_no_photo_keeps_the_shared_tuning(run, faces):  # noqa: F811
    command = ("invert", str(faces), *PLAIN, "--out", "all")
    run(*command, "--together", "--set", "tune.steps=3")
    assert load_latent("all/a/latent.npz").weight_delta
    facts = run(*command)
    assert not load_latent("all/a/latent.npz").weight_delta
    assert all("shared" not in row["made_with"] for row in facts["photos"])


def test_noise_maps_have_no_place_in_a_shared_tuning(run, refused, faces):  # noqa: F811
    command = ("invert", str(faces), *PLAIN, "--together", "--set", "tune.steps=2")
    assert "use one of them" in refused(*command, "--noise", "--out", "no")
    facts = run(*command, "--level", "best", "--out", "all")
    assert any("no noise maps of their own" in note for note in facts["notes"])
    assert not load_latent("all/a/latent.npz").noise


def test_every_method_has_a_name(run, refused, faces):  # noqa: F811
    facts = run("invert", str(faces / "a.png"), *PLAIN, "--level", "idinvert", "--out", "me")
    assert facts["made_with"]["weights"]["in_domain"] == 2
    assert "projector, pti" in refused("invert", str(faces / "a.png"), "--level", "x", "--out", "o")


def test_a_target_out_of_reach_is_said(run, faces):  # noqa: F811
    facts = run("invert", str(faces / "a.png"), *PLAIN, "--set", "stop_at=99", "--out", "me")
    assert any("did not reach 99 dB" in note for note in facts["notes"])
    assert json.loads(Path("me/metrics.json").read_text())["notes"] == facts["notes"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--steps", "1000000000"), "1000000000 steps were asked for; choose from 0 to 100000"),
        (("--set", "tune.steps=1.5"), "tune.steps is 1.5; it must be a whole number"),
        (("--set", "tune.levels=9"), "tune.levels is 9"),
        (("--set", "noise.lr=0"), "noise.lr is 0.0; it must be a number above 0"),
        (("--set", "lr=nan"), "needs a finite number"),
        (("--set", "rate=1"), "no setting 'rate'; choose from steps, lr"),
        (("--set", "lr=1e30"), "again at half the learning rate; set a rate below"),
        (("--start", "encoder:0"), "needs a count from 1"),
        (("--feather", "0.1"), "softens the edge of a mask"),
        (("--mask", "black.png"), "black.png is an empty mask"),
        (("--mask", "gone.png"), "gone.png does not exist"),
        (("--into", "black.png"), "needs the region to take over; pass it with --mask"),
        (("--together",), "pass a folder of them"),
        (("--set", "loss.vgg=1"), "is no VGG16"),
    ],
)
def test_bad_values_are_refused_in_a_sentence(refused, faces, tmp_path, flags, words):  # noqa: F811
    Image.new("L", (64, 64)).save(tmp_path / "black.png")
    command = ("invert", str(faces / "a.png"), "--no-align", "--out", "me")
    assert words in refused(*command, *flags)
    assert not Path("me/metrics.json").exists()


def test_what_was_too_large_to_travel_is_taken_from_its_own_file(run, faces, monkeypatch):  # noqa: F811
    monkeypatch.setattr("editing.recipes.recipe.MAX_EMBEDDED", 10)
    for name in "ab":
        run("invert", str(faces / f"{name}.png"), *PLAIN, "--tune", "--set", "tune.steps=2",
            "--out", name)  # fmt: skip
    whole, other = (load_latent(f"{name}/latent.npz") for name in "ab")
    light = lightened(whole)
    assert light.left_out and not light.weight_delta
    assert completed(light, whole).weight_delta.keys() == whole.weight_delta.keys()
    with pytest.raises(BadLatent, match="its hash is another"):
        completed(light, other)


def test_a_picture_asks_for_its_latent_file(run, refused, faces, monkeypatch):  # noqa: F811
    monkeypatch.setattr("editing.recipes.recipe.MAX_EMBEDDED", 10)
    for name in "ab":
        run("invert", str(faces / f"{name}.png"), *PLAIN, "--tune", "--set", "tune.steps=2",
            "--out", name)  # fmt: skip
    edit = ("edit", "a/reconstruction.png", "--move", "smile=1", "--out", "out.png")
    assert "--latent" in refused(*edit)
    assert "its hash is another" in refused(*edit, "--latent", "b/latent.npz")
    run(*edit, "--latent", "a/latent.npz")
    replayed = run("run", "a/reconstruction.png", "--latent", "a/latent.npz", "--out", "again")
    assert np.array_equal(pixels(replayed["out"]), pixels("a/reconstruction.png"))
