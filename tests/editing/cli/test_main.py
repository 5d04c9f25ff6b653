"""The command line end to end, in process: files, JSON lines, and one sentence for bad input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from editing.cli import edit as commands
from editing.cli import main as cli
from editing.cli.arguments import parse_grid, parse_seeds
from editing.directions.direction import boundary
from editing.edits.stack import render, state_of
from editing.errors import EditingError
from editing.io.images import load_picture, to_uint8
from editing.models.domain import Domain
from editing.models.latents import load_latent
from editing.pictures.alignment import open_photo
from editing.recipes.recipe import read_export

ROOT = Path(__file__).parents[3]
Run = Callable[..., dict]


@pytest.fixture
def run(tiny_domain: Domain, tmp_path, monkeypatch, capsys) -> Run:
    """Run a command in an empty folder; returns the JSON line."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> dict:
        code = cli.main([*arguments, "--domain", str(tiny_domain.folder), "--json"])
        printed = capsys.readouterr()
        assert code == 0, printed.err
        return json.loads(printed.out.splitlines()[-1])

    return run


@pytest.fixture
def refused(tiny_domain: Domain, tmp_path, monkeypatch, capsys) -> Callable[..., str]:
    """Run a command that must fail; returns its one sentence."""
    monkeypatch.chdir(tmp_path)

    def refused(*arguments: str) -> str:
        try:
            code = cli.main([*arguments, "--domain", str(tiny_domain.folder)])
        except SystemExit as stop:  # argparse
            code = stop.code
        printed = capsys.readouterr()
        assert code == 2 and not printed.out and printed.err.count("\n") == 1, printed
        return printed.err.strip()

    return refused


@pytest.fixture
def photo(tmp_path) -> Path:
    data = pytest.importorskip("skimage.data")
    Image.fromarray(data.astronaut()).save(tmp_path / "astronaut.jpg", quality=95)
    return tmp_path / "astronaut.jpg"


def pixels(path: Path | str) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_help_is_there_without_torch():
    code = (
        "import sys, editing.cli.main\n"
        "try: editing.cli.main.main(['edit', '--help'])\n"
        "except SystemExit as stop: assert not stop.code\n"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--move" in done.stdout and "usage: python -m editing edit" in done.stdout


def test_generate_draws_the_canonical_pictures(run, tiny_domain):
    facts = run("generate", "--seeds", "3,5-6", "--psi", "0.5", "--grid", "2x2", "--out", "out")
    assert facts["paths"] == [f"out/seed000{seed}.png" for seed in (3, 5, 6)]
    for seed, path in zip((3, 5, 6), facts["paths"], strict=True):
        expected = to_uint8(render(state_of(f"seed:{seed}@0.5", tiny_domain), tiny_domain))[0]
        assert np.array_equal(pixels(path), expected)
    assert pixels(facts["grid"]).shape == (64, 64, 3)
    assert (pixels(facts["grid"])[32:, 32:] == 255).all()
    assert facts["command"] == "generate" and facts["seconds"] > 0


def test_invert_writes_four_files(run, tiny_domain, photo):
    facts = run("invert", str(photo), "--level", "quick", "--steps", "8", "--out", "me")
    names = ["aligned.png", "reconstruction.png", "latent.npz", "metrics.json"]
    assert facts["paths"] == [f"me/{name}" for name in names]
    assert sorted(path.name for path in Path("me").iterdir()) == sorted(names)
    saved = json.loads(Path("me/metrics.json").read_text())
    for name in ("psnr", "mse", "ssim", "perceptual", "identity", "steps", "seconds"):
        assert saved[name] == facts[name] and isinstance(saved[name], int | float)
    assert saved["steps"] == 8 and saved["made_with"]["level"] == "quick"
    latent = load_latent("me/latent.npz")
    assert latent.quad is not None and latent.source_hash == saved["made_with"]["source_hash"]
    drawn = to_uint8(render(state_of(latent, tiny_domain), tiny_domain))[0]
    assert np.array_equal(pixels("me/reconstruction.png"), drawn)


def test_no_align_takes_the_picture_as_it_is(run, photo):
    run("invert", str(photo), "--no-align", "--steps", "0", "--out", "me")
    resized = Image.open(photo).resize((32, 32), Image.Resampling.LANCZOS)
    assert np.array_equal(pixels("me/aligned.png"), np.asarray(resized))


def test_flags_override_the_level(run, photo):
    facts = run(
        "invert", str(photo), "--level", "quick", "--space", "w", "--start", "random:3",
        "--steps", "2", "--set", "loss.pixel=3", "--set", "loss.prior=0", "--seed", "4",
        "--out", "me",
    )  # fmt: skip
    made = facts["made_with"]
    assert (made["space"], made["start"], made["steps"], made["seed"]) == ("w", "random:3", 2, 4)
    assert made["weights"]["pixel"] == 3 and made["weights"]["prior"] == 0
    assert load_latent("me/latent.npz").space == "w"


def test_a_latent_file_is_a_start(run, photo):
    first = run("invert", str(photo), "--steps", "5", "--out", "a")
    again = run("invert", str(photo), "--steps", "0", "--start", "a/latent.npz", "--out", "b")
    assert again["loss"] == pytest.approx(first["loss"], rel=1e-4)
    assert torch.equal(load_latent("a/latent.npz").ws, load_latent("b/latent.npz").ws)


def test_edit_moves_and_the_picture_carries_how(run, tiny_domain):
    facts = run("edit", "seed:4", "--move", "smile=2@0-3", "--move", "age=-1", "--out", "out.png")
    assert facts["out"] == "out.png" and facts["perceptual"] > 0
    recipe, latent = read_export("out.png")
    assert [entry.edit.attribute for entry in recipe.stack.entries] == ["smile", "age"]
    assert recipe.stack.entries[0].edit.layers == (0, 1, 2, 3)
    assert recipe.source.name == "seed:4"
    before = state_of(latent, tiny_domain)
    after = recipe.stack.apply(before, tiny_domain)
    assert np.array_equal(pixels("out.png"), to_uint8(render(after, tiny_domain))[0])


def test_an_exported_picture_is_edited_further(run):
    run("edit", "seed:4", "--move", "smile=2", "--out", "one.png")
    run("edit", "one.png", "--move", "age=1", "--out", "two.png")
    run("edit", "seed:4", "--move", "smile=2", "--move", "age=1", "--out", "both.png")
    assert np.array_equal(pixels("two.png"), pixels("both.png"))


def test_every_kind_of_source_can_be_edited(run, photo):
    run("invert", str(photo), "--level", "quick", "--out", "me")
    run("edit", "me/latent.npz", "--move", "smile=1", "--absolute", "--out", "a.png")
    run("edit", "me/reconstruction.png", "--move", "smile=1", "--absolute", "--out", "b.png")
    run("edit", str(photo), "--level", "quick", "--move", "smile=1", "--absolute", "--out", "c.png")
    assert np.array_equal(pixels("a.png"), pixels("b.png"))
    assert np.array_equal(pixels("a.png"), pixels("c.png"))


def test_held_attributes_are_projected_out(run, tiny_domain):
    run("edit", "seed:4", "--move", "smile=2", "--given", "age,gender", "--out", "out.png")
    recipe, latent = read_export("out.png")
    assert recipe.stack.entries[0].edit.given == ("age", "gender")
    before = state_of(latent, tiny_domain)
    moved = recipe.stack.apply(before, tiny_domain).ws - before.ws
    assert moved.abs().max() > 0.1
    for name in ("age", "gender"):
        n = boundary(tiny_domain, name).vector
        assert (moved @ n).abs().max() < 1e-4


def test_out_of_domain_adds_the_change_to_the_photo(run, photo):
    facts = run(
        "edit", str(photo), "--level", "quick", "--move", "smile=3", "--out-of-domain",
        "--out", "out.png",
    )  # fmt: skip
    assert pixels("out.png").shape == (512, 512, 3) and 0 < facts["mask"] < 1
    assert "No deghosting" in facts["notes"][-1]
    replayed = run("run", "out.png", "--photo", str(photo), "--out", "again")
    assert np.array_equal(pixels("out.png"), pixels(replayed["out"]))


def test_pasted_back_only_the_edit_differs_from_the_whole_photo(run, photo):
    edit = ("edit", str(photo), "--level", "quick", "--paste-back", "--move", "smile=3")
    run(*edit, "--out-of-domain", "--out", "out.png")
    whole, edited = pixels(photo), pixels("out.png")
    changed = (whole != edited).any(-1)
    assert edited.shape == whole.shape and 0 < changed.mean() < 0.5
    replayed = run("run", "out.png", "--photo", str(photo), "--out", "again")
    assert np.array_equal(edited, pixels(replayed["out"]))
    run(*edit, "--out", "world.png")
    assert (pixels("world.png") != whole).any(-1).mean() > changed.mean()


def test_out_of_domain_at_strength_zero_is_the_photo(run, photo):
    edit = ("edit", str(photo), "--level", "quick", "--out-of-domain")
    still = run(*edit, "--move", "smile=0", "--out", "still.png")
    assert "changes nothing" in still["notes"][-1] and still["misfit"] == 0
    run("edit", str(photo), "--level", "quick", "--move", "smile=0", "--out", "plain.png")
    wanted = open_photo(photo).at(512)
    assert np.array_equal(pixels("still.png"), to_uint8(wanted)[0])


def test_the_mask_can_be_corrected_by_hand(run, photo):
    edit = ("edit", str(photo), "--level", "quick", "--out-of-domain", "--move", "smile=3")
    Image.new("L", (64, 64), 0).save("nothing.png")
    nothing = run(*edit, "--brush", "nothing.png", "--out", "a.png")
    assert nothing["mask"] == 0
    assert np.array_equal(pixels("a.png"), to_uint8(open_photo(photo).at(512))[0])
    Image.new("L", (64, 64), 255).save("all.png")
    assert run(*edit, "--brush", "all.png", "--deghost", "off", "--out", "b.png")["mask"] == 1
    recipe, _ = read_export("b.png")
    assert recipe.output.blend.brush and recipe.output.blend.deghost == "off"
    replayed = run("run", "b.png", "--photo", str(photo), "--out", "again")
    assert np.array_equal(pixels("b.png"), pixels(replayed["out"]))


@pytest.mark.parametrize(
    "flags, sentence",
    [
        (["--threshold", "2", "--out-of-domain"], "threshold is 2; choose from 0 to 1"),
        (["--softness", "0", "--out-of-domain"], "softness is 0"),
        (["--deghost", "some", "--out-of-domain"], "use off, mask, all"),
        (["--brush", "gone.png", "--out-of-domain"], "gone.png does not exist"),
        (["--deghost", "off"], "--deghost goes with --out-of-domain"),
    ],
)
def test_out_of_domain_refuses_in_one_sentence(refused, photo, flags, sentence):
    said = refused("edit", str(photo), "--move", "smile=1", *flags, "--out", "x.png")
    assert sentence in said and not Path("x.png").exists()


def test_score_reads_pixels_not_latents(run):
    run("edit", "seed:4", "--move", "smile=5", "--out", "out.png")
    scores = run("score", "out.png")
    assert list(scores["attributes"]) == ["smile", "age", "gender"]
    picture = load_picture("out.png")
    picture.save("plain.png")  # the same pixels without recipe and latent
    assert run("score", "plain.png")["attributes"] == scores["attributes"]
    assert run("score", "seed:4")["attributes"] != scores["attributes"]


def test_score_against_a_reference(run):
    run("generate", "--seeds", "4", "--out", "out")
    same = run("score", "seed:4", "--reference", "out/seed0004.png")
    assert same["perceptual"] == 0 and same["identity"] == pytest.approx(1)
    assert run("score", "seed:5", "--reference", "seed:4")["perceptual"] > 0


def test_score_aligns_photos(run, photo):
    run("invert", str(photo), "--steps", "0", "--out", "me")
    assert run("score", str(photo))["attributes"] == run("score", "me/aligned.png")["attributes"]
    Image.new("RGB", (90, 50), "teal").save("plain.jpg")
    assert "no face was aligned" in run("score", "plain.jpg")["notes"][0]


def test_an_exported_picture_replays_to_the_same_picture(run):
    run("edit", "seed:4@0.5", "--move", "smile=2", "--out", "out.png")
    facts = run("run", "out.png", "--out", "again")
    assert facts["out"] == str(Path("again/out.png"))
    assert Path("again/out.png").read_bytes() == Path("out.png").read_bytes()
    beside = run("run", "out.png", "--out", ".")
    assert beside["out"] == "out-replay.png" and Path("out.png").exists()


def test_a_recipe_runs_on_a_photo_and_says_so(run, photo):
    Path("wide.yaml").write_text("edits: [{move: smile, alpha: 2}]\ninversion: {level: quick}\n")
    facts = run("run", "wide.yaml", "--photo", str(photo), "--out", "out")
    recipe, latent = read_export(facts["out"])
    assert recipe.source.kind == "photo" and recipe.source.name == "astronaut.jpg"
    assert latent.source_hash == recipe.source.sha256 and latent.quad is not None
    again = run("run", facts["out"], "--out", "again")
    assert np.array_equal(pixels(facts["out"]), pixels(again["out"]))


def test_domains_are_listed(run, tiny_domain, monkeypatch):
    monkeypatch.setattr(commands, "list_domains", lambda: [tiny_domain])
    (facts,) = run("domains")["domains"]
    assert facts["name"] == "tiny" and facts["present"] and facts["resolution"] == 32
    assert facts["attributes"] == ["smile", "age", "gender"]
    assert facts["parts"]["generator"]["bytes"] > 1000


def test_without_json_the_text_is_for_people(tiny_domain, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code = cli.main(
        ["edit", "seed:1", "--move", "smile=1", "--out", "o.png", "--domain",
         str(tiny_domain.folder)]
    )  # fmt: skip
    assert code == 0 and capsys.readouterr().out == "Written to o.png.\n"


def test_a_move_far_beyond_its_limit_is_cut_back_and_said(run):
    facts = run("edit", "seed:1", "--move", "smile=1e9", "--out", "far.png")
    assert "smile=1e+09 is beyond the limit of this direction; 100 is used." in facts["notes"]
    assert np.array_equal(
        pixels("far.png"),
        pixels(run("edit", "seed:1", "--move", "smile=100", "--out", "most.png")["out"]),
    )


def test_an_attribute_given_itself_is_skipped(run):
    run("edit", "seed:1", "--move", "smile=2", "--given", "smile,age", "--out", "both.png")
    run("edit", "seed:1", "--move", "smile=2", "--given", "age", "--out", "age.png")
    assert np.array_equal(pixels("both.png"), pixels("age.png"))


EDIT = ("edit", "seed:1", "--out", "out.png", "--move")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((*EDIT, "smle=2"), "'smle'; choose from smile, age, gender"),
        ((*EDIT, "smile=big"), "--move smile needs a finite number instead of 'big'"),
        ((*EDIT, "smile=inf"), "'inf'"),
        ((*EDIT, "smile"), "no strength; write smile=2"),
        ((*EDIT, "smile=2@40"), "rows go from 0 to 7"),
        ((*EDIT, "smile=2@"), "is no layer"),
        ((*EDIT, "smile=2", "--given", "mood"), "'mood'; choose from smile"),
        (("edit", "seed:1", "--move", "age=1", "--out", "a.jpg"), "--out a.jpg is no PNG"),
        (("edit", "seed:x", "--move", "age=1", "--out", "a.png"), "no seed; write seed:123"),
        (("edit", "gone.jpg", "--move", "age=1", "--out", "a.png"), "gone.jpg does not exist"),
        (("edit", "gone.npz", "--move", "age=1", "--out", "a.png"), "gone.npz is missing"),
        ((*EDIT, "age=1", "--out-of-domain"), "pass the photo itself"),
        ((*EDIT, "age=1", "--paste-back"), "--paste-back puts the edit into a photo"),
        (("generate", "--seeds", "9-3", "--out", "out"), "runs backwards; write 3-9"),
        (("generate", "--seeds", "", "--out", "out"), "--seeds '' holds no seeds"),
        (("generate", "--seeds", "1,,2", "--out", "out"), "holds no seeds"),
        (("generate", "--seeds", "0-99999", "--out", "out"), "more than 10000 seeds"),
        (("generate", "--seeds", "9999999999", "--out", "out"), "The seed 9999999999"),
        (("generate", "--seeds", "1", "--psi", "x", "--out", "out"), "--psi needs a finite"),
        (("generate", "--seeds", "1", "--psi", "7", "--out", "out"), "psi of 7.0"),
        (("generate", "--seeds", "0-4", "--grid", "2x2", "--out", "out"), "4 cells for 5"),
        (("generate", "--seeds", "0", "--grid", "wide", "--out", "out"), "is no grid"),
        (("generate", "--seeds", "0"), "required: --out; see 'python -m editing generate --help'"),
        (("generate", "--seeds", "0", "--out", "out", "--device", "tpu"), "no device 'tpu'"),
        (("invert", "gone.jpg", "--out", "out"), "gone.jpg does not exist"),
        (("invert", ".", "--out", "out"), "holds no photo; put pictures"),
        (("invert", "gone.jpg", "--out", "out", "--steps", "many"), "instead of 'many'"),
        (("invert", "gone.jpg", "--out", "out", "--level", "fast"), "quick, standard, best"),
        (("invert", "gone.jpg", "--out", "out", "--space", "s"), "choose from z, w, w+"),
        (("invert", "gone.jpg", "--out", "out", "--start", "left"), "random:N"),
        (("invert", "gone.jpg", "--out", "out", "--set", "loss.lpips=1"), "loss.perceptual"),
        (("invert", "gone.jpg", "--out", "out", "--set", "loss.pixel=-1"), "from 0 upwards"),
        (("invert", "gone.jpg", "--out", "out", "--set", "loss.pixel"), "sets nothing"),
        (("run", "gone"), "no recipe file or preset 'gone'"),
        (("score", "gone.png"), "gone.png does not exist"),
        (("dance",), "invalid choice: 'dance'"),
        (("invert", "gone.jpg", "--out", "out", "--seed", "x"), "invalid int value: 'x'"),
        (("invert", "gone.jpg", "--out", "out", "--seed", "-1"), "The seed -1"),
        (("score", "x" * 300), "File name too long"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(refused, tmp_path, arguments, words):
    assert words in refused(*arguments)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_bad_files_are_one_sentence(refused, tmp_path):
    (tmp_path / "text.jpg").write_text("not a picture")
    (tmp_path / "text.npz").write_text("not a latent")
    (tmp_path / "text.yaml").write_text("edits: 3")
    Image.new("RGB", (64, 64)).save(tmp_path / "plain.png")
    assert "not a picture" in refused("invert", "text.jpg", "--out", "out")
    assert "No face was found in plain.png" in refused("invert", "plain.png", "--out", "out")
    assert "--no-align" in refused("invert", "plain.png", "--out", "out")
    assert "text.npz" in refused("edit", "text.npz", "--move", "age=1", "--out", "a.png")
    assert "text.yaml" in refused("run", "text.yaml")
    assert "carries no recipe" in refused("run", "plain.png")
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_is_named(refused, tmp_path, photo):
    (tmp_path / "file").write_text("")
    for arguments in (
        ("edit", "seed:1", "--move", "age=1", "--out", "file/out.png"),
        ("generate", "--seeds", "1", "--out", "file"),
        ("invert", str(photo), "--out", "file/out"),
        ("edit", "seed:1", "--move", "age=1", "--out", "folder.png"),
    ):
        (tmp_path / "folder.png").mkdir(exist_ok=True)
        assert "choose another" in refused(*arguments)


def test_a_full_disk_leaves_nothing(refused, tmp_path, monkeypatch):
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert "No space left" in refused("generate", "--seeds", "1", "--out", "out")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_seeds_and_grids():
    assert parse_seeds("0-3,7, 9") == [0, 1, 2, 3, 7, 9]
    assert parse_grid("2x3", 5) == (2, 3) == parse_grid("2×3", 6)
    with pytest.raises(EditingError):
        parse_grid("0x3", 0)


def test_interruption_is_no_traceback(monkeypatch, capsys):
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "domains", interrupt)
    assert cli.main(["domains"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_numbers_json_does_not_know_become_null():
    assert commands.finite({"a": [float("inf"), 1.5], "b": float("nan")}) == {
        "a": [None, 1.5], "b": None,
    }  # fmt: skip
