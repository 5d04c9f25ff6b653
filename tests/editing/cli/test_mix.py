"""mix, morph, transfer, grid and walk on the command line, in process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import imageio.v3
import numpy as np
import pytest
import torch
from PIL import Image

from editing.edits.mixing import crossover
from editing.edits.stack import render, state_of
from editing.io.images import load_picture, to_uint8
from editing.models.domain import Domain
from editing.models.latents import save_latent
from editing.models.states import latent_of
from editing.recipes.recipe import load_recipe, read_export
from tests.editing.cli.test_main import Run
from tests.editing.cli.test_main import refused as refused
from tests.editing.cli.test_main import run as run
from tests.editing.edits.test_mix_edits import disc
from tests.editing.edits.test_mixing import loaded

Refused = Callable[..., str]


def pixels(path: str | Path) -> np.ndarray:
    return np.asarray(load_picture(path))


def drawn(domain: Domain, state) -> np.ndarray:
    return to_uint8(render(state, domain))[0]


def film_of(path: str) -> list[np.ndarray]:
    return list(imageio.v3.imiter(path, plugin="FFMPEG"))


def test_mix_takes_layers(run: Run, tiny_domain: Domain) -> None:
    a, b = (state_of(seed, tiny_domain) for seed in ("seed:1", "seed:2"))
    run("mix", "seed:1", "seed:2", "--layers", "0-2,5*0.5", "--out", "a.png", "--exchange")
    shares = [1.0, 1.0, 1.0, 0.0, 0.0, 0.5, 0.0, 0.0]
    assert np.array_equal(pixels("a.png"), drawn(tiny_domain, crossover(a, b, shares, tiny_domain)))
    other = crossover(b, a, shares, tiny_domain)
    assert np.array_equal(pixels("a-exchange.png"), drawn(tiny_domain, other))


def test_a_mixed_png_replays_and_mixes_on(run: Run, tiny_domain: Domain) -> None:
    latent = latent_of(loaded(4, tiny_domain), tiny_domain)
    save_latent("tuned.npz", latent)
    run("mix", "seed:1", "tuned.npz", "seed:3", "--layers", "coarse", "--layers", "6-7",
        "--weight", "0.8", "--noise", "7@middle*0.5", "--out", "a.png")  # fmt: skip
    run("run", "a.png", "--out", "again")
    assert np.array_equal(pixels("a.png"), pixels("again/a.png"))
    run("mix", "a.png", "tuned.npz", "--out", "b.png")
    export = read_export("b.png")
    assert export is not None and len(export[0].stack.entries) == 4
    assert np.array_equal(pixels("b.png"), drawn(tiny_domain, state_of(latent, tiny_domain)))


def test_regions(run: Run, tiny_domain: Domain) -> None:
    mask = (disc(32, 0.4, 0.4)[0, 0].numpy() * 255).astype(np.uint8)
    Image.fromarray(mask).save("mask.png")
    run("mix", "seed:1", "seed:2", "--mask", "mask.png", "--layers", "4-7", "--out", "a.png")
    run("mix", "seed:1", "--mask", "mask.png", "--operation", "move", "--shift", "0.1,0",
        "--out", "b.png")  # fmt: skip
    plain = drawn(tiny_domain, state_of("seed:1", tiny_domain))
    for name in ("a.png", "b.png"):
        assert not np.array_equal(pixels(name), plain)
        run("run", name, "--out", "again")
        assert np.array_equal(pixels(name), pixels(f"again/{name}"))


def test_morph(run: Run, tiny_domain: Domain) -> None:
    report = run("morph", "seed:1", "seed:2", "--frames", "7", "--out", "a.mp4")
    assert report["frames"] == 7 and len(film_of("a.mp4")) == 7
    run("morph", "seed:1", "seed:2", "--frames", "5", "--out", "frames")
    for number, seed in ((0, 1), (4, 2)):
        frame = pixels(f"frames/frame_{number:05d}.png")
        assert np.array_equal(frame, drawn(tiny_domain, state_of(f"seed:{seed}", tiny_domain)))
    run("morph", "seed:1", "seed:2", "--amount", "1", "--space", "z", "--out", "b.png")
    assert np.array_equal(pixels("b.png"), drawn(tiny_domain, state_of("seed:2", tiny_domain)))


def test_transfer(run: Run, tiny_domain: Domain) -> None:
    run("transfer", "seed:1", "--from", "seed:2", "--to", "seed:2", "--out", "a.png")
    assert np.array_equal(pixels("a.png"), drawn(tiny_domain, state_of("seed:1", tiny_domain)))
    run("transfer", "seed:1", "--from", "seed:2", "--to", "seed:3", "--along", "smile,age",
        "--amount", "0.5", "--layers", "0-5", "--out", "b.png")  # fmt: skip
    report = run("transfer", "seed:1", "--to", "seed:2", "seed:3", "seed:4", "--frames", "6",
                 "--out", "c.mp4")  # fmt: skip
    assert report["kind"] == "reenact" and len(film_of("c.mp4")) == 6


def test_grid(run: Run) -> None:
    report = run("grid", "seed:1", "seed:2", "--with", "seed:3", "seed:4", "seed:5",
                 "--layers", "coarse", "--out", "grid.png")  # fmt: skip
    assert report["columns"] == ["seed:3", "seed:4", "seed:5"]
    with Image.open("grid.png") as sheet:
        assert sheet.width >= 4 * 32 and sheet.height >= 3 * 32


@pytest.mark.parametrize(
    "kind, more",
    [
        ("sweep", ["--along", "smile", "--from", "-1", "--to", "1"]),
        ("sweep", ["--track", "smile@0-3=0:0,0.5:2,1:0:bounce", "--track", "age=0:1,1:0"]),
        ("keyframes", ["--through", "seed:2", "seed:3", "--curve", "spline", "--loop"]),
        ("keyframes", ["--through", "seed:2", "--curve", "slerp", "--ease", "sine,back"]),
        ("loop", ["--radius", "0.2", "--space", "z"]),
        ("noise-loop", ["--harmonics", "2"]),
        ("truncation", ["--from", "0.9", "--to", "0.1"]),
        ("basis", ["--count", "2"]),
        ("random", ["--step", "0.5", "--seed", "3"]),
        ("random", ["--loop"]),
        ("piecewise", ["--segments", ".35,.58,.75,.85,1", "--flags", "1,-1,1,-1,1",
                       "--step", "0.3"]),
        ("piecewise", ["--segments", "0.5,1", "--flags=-1,1", "--along", "smile"]),
        ("metropolis", ["--where", "smile=-9..9~0.5", "--spread", "0.8"]),
        ("reenact", ["--through", "seed:2", "seed:3", "--amount", "0.7"]),
    ],
)  # fmt: skip
def test_every_kind_walks_and_replays(kind: str, more: list[str], run: Run) -> None:
    report = run("walk", "seed:1", "--kind", kind, "--frames", "6", "--fps", "12", *more,
                 "--out", "film")  # fmt: skip
    frames = sorted(Path("film").glob("frame_*.png"))
    assert report["kind"] == kind and report["frames"] == len(frames) == 6
    before = [pixels(path) for path in frames]
    run("run", report["recipe"], "--out", "again")
    after = [pixels(f"again/film/{path.name}") for path in frames]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    if kind == "metropolis":
        assert 0 <= report["acceptance"] <= 1


@pytest.mark.parametrize("kind", [".mp4", ".gif", ".webm", ".webp", ".png"])
def test_every_format(kind: str, run: Run) -> None:
    report = run("walk", "seed:1", "--kind", "loop", "--frames", "5", "--size", "48", "--beside",
                 "--captions", "--ping-pong", "--hold", "0.03", "--out", f"a{kind}")  # fmt: skip
    assert Path(f"a{kind}").stat().st_size == report["bytes"] > 0
    assert report["size"] == [96, 48 + 26] and report["loops"]
    recipe = load_recipe("a.recipe.yaml")
    assert recipe.look.kind == kind and recipe.walk is not None and recipe.walk.frames == 5


def test_the_same_walk_for_another_portrait(run: Run, tiny_domain: Domain) -> None:
    save_latent("me.npz", latent_of(loaded(4, tiny_domain), tiny_domain))
    run("walk", "me.npz", "--kind", "noise-loop", "--frames", "4", "--out", "film")
    assert Path("film.latent.npz").is_file(), "what is no seed travels beside the recipe"
    run("run", "film.recipe.yaml", "--out", "again")
    first = [pixels(path) for path in sorted(Path("film").glob("*.png"))]
    again = [pixels(path) for path in sorted(Path("again/film").glob("*.png"))]
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    save_latent("you.npz", latent_of(loaded(5, tiny_domain), tiny_domain))
    run("run", "film.recipe.yaml", "--latent", "you.npz", "--out", "other")
    other = pixels("other/film/frame_00000.png")
    assert np.array_equal(other, drawn(tiny_domain, loaded(5, tiny_domain)))


def test_motion_is_measured(run: Run) -> None:
    report = run("walk", "seed:1", "--kind", "keyframes", "--through", "seed:2", "--frames", "6",
                 "--even", "--measure", "--report", "report", "--out", "a.mp4")  # fmt: skip
    assert report["motion_share"] <= 1 and report["path_length_per_frame"] > 0
    assert report["unevenness"] >= 0
    assert {path.name for path in Path("report").iterdir()} == {"motion.png", "dissolves.png"}


SWEEP = ["--kind", "sweep", "--along", "smile"]


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["walk", "seed:1", *SWEEP, "--frames", "0", "--out", "a.mp4"], "1 to 10000"),
        (["walk", "seed:1", *SWEEP, "--frames", "10000000", "--out", "a.mp4"], "1 to 10000"),
        (["walk", "seed:1", *SWEEP, "--frames", "x", "--out", "a.mp4"], "whole number"),
        (["walk", "seed:1", *SWEEP, "--fps", "0", "--out", "a.mp4"], "frames per second"),
        (["walk", "seed:1", *SWEEP, "--fps", "1000", "--out", "a.mp4"], "frames per second"),
        (["walk", "seed:1", *SWEEP, "--fps", "nan", "--out", "a.mp4"], "finite"),
        (["walk", "seed:1", *SWEEP, "--ease", "wobbly", "--out", "a.mp4"], "easing"),
        (["walk", "seed:1", *SWEEP, "--size", "4096", "--out", "a.gif"], "GIF"),
        (["walk", "seed:1", *SWEEP, "--out", "a.avi"], "ends in"),
        (["walk", "seed:1", *SWEEP, "--loop", "--out", "a.mp4"], "ping-pong"),
        (["walk", "seed:1", "--kind", "sweep", "--out", "a.mp4"], "--along"),
        (["walk", "seed:1", "--kind", "sweep", "--along", "hat", "--out", "a.mp4"], "smile"),
        (["walk", "seed:1", "--kind", "stroll", "--out", "a.mp4"], "kind of walk"),
        (["walk", "seed:1", "--kind", "keyframes", "--out", "a.mp4"], "1 keyframe is not"),
        (["walk", "seed:1", "--kind", "piecewise", "--segments", "0.5,0.9", "--flags", "1,-1",
          "--out", "a.mp4"], "rise"),
        (["walk", "seed:1", "--kind", "piecewise", "--segments", "0.5,1", "--flags", "1",
          "--out", "a.mp4"], "one for each"),
        (["walk", "seed:1", "--kind", "piecewise", "--segments", "0.5,1", "--flags", "1,-1,1",
          "--out", "a.mp4"], "one for each"),
        (["walk", "seed:1", "--kind", "piecewise", "--segments", "0.5,1", "--flags", "1,2",
          "--out", "a.mp4"], "1 .out."),
        (["walk", "seed:1", "--kind", "piecewise", "--flags", "1,0.5", "--out", "a.mp4"], "hold"),
        (["walk", "seed:1", "--kind", "place", "--shift", "0.1,0", "--out", "a.mp4"], "StyleGAN3"),
        (["walk", "seed:1", "--kind", "metropolis", "--where", "smile", "--out", "a.mp4"], "range"),
        (["walk", "seed:1", "--kind", "metropolis", "--where", "smile=98..99", "--out", "a.mp4"],
         "cannot begin"),
        (["walk", "seed:1", "--kind", "metropolis", "--where", "hat=0..1", "--out", "a.mp4"],
         "reading"),
        (["mix", "seed:1", "--out", "a.png"], "nothing to mix"),
        (["mix", "seed:1", "seed:2", "--weight", "2", "--out", "a.png"], "shares"),
        (["mix", "seed:1", "seed:2", "--layers", "99", "--out", "a.png"], "rows go from"),
        (["mix", "seed:1", "seed:2", "--layers", "style", "--out", "a.png"], "finer than 64"),
        (["mix", "seed:1", "seed:2", "--mask", "black.png", "--out", "a.png"], "empty"),
        (["mix", "seed:1", "other.npz", "--out", "a.png"], "belongs to|shape"),
        (["mix", "seed:1", "seed:2", "--noise", "x", "--out", "a.png"], "no seed"),
        (["mix", "seed:1", "seed:2", "--out", "a.mp4"], "no PNG"),
        (["morph", "seed:1", "seed:2", "--amount", "2", "--out", "a.png"], "from 0 to 1"),
        (["morph", "seed:1", "other.npz", "--out", "a.mp4"], "belongs to|shape"),
        (["transfer", "seed:1", "--to", "seed:2", "--out", "a.png"], "--from"),
        (["transfer", "seed:1", "--from", "seed:1", "--to", "seed:2", "--amount", "99",
          "--out", "a.png"], "99"),
        (["transfer", "seed:1", "--to", "seed:2", "--out", "a.mp4"], "at least two"),
        (["grid", *["seed:1"] * 21, "--with", *["seed:2"] * 20, "--out", "a.png"], "up to 400"),
    ],
)  # fmt: skip
def test_bad_input(
    arguments: list[str], sentence: str, refused: Refused, tiny_domain: Domain
) -> None:
    import re

    Image.new("L", (32, 32)).save("black.png")
    strange = latent_of(state_of("seed:1", tiny_domain), tiny_domain)
    other = torch.cat([strange.ws, strange.ws[:, :2]], dim=1)
    save_latent("other.npz", type(strange)(other, "elsewhere"))
    present = set(Path().iterdir())
    assert re.search(sentence, refused(*arguments))
    assert set(Path().iterdir()) == present, "nothing is half-written"


def test_a_searched_region_is_an_edit_like_any_other(run: Run, tiny_domain: Domain) -> None:
    mask = (disc(32, 0.5, 0.5)[0, 0].numpy() * 255).astype(np.uint8)
    Image.fromarray(mask).save("mask.png")
    report = run("mix", "seed:1", "seed:2", "--operation", "crossover", "--mask", "mask.png",
                 "--level", "quick", "--out", "a.png")  # fmt: skip
    assert report["operation"] == "crossover" and report["steps"] == 80
    run("run", "a.png", "--out", "again")
    assert np.array_equal(pixels("a.png"), pixels("again/a.png"))
    export = read_export("a.png")
    assert export is not None and len(export[0].stack.entries) == 1
    painted = pixels("a.png").copy()
    painted[8:16, 8:24] = (255, 0, 0)
    Image.fromarray(painted).save("strokes.png")
    run("mix", "a.png", "strokes.png", "--operation", "scribble", "--level", "quick",
        "--out", "b.png")  # fmt: skip
    near = np.abs(pixels("b.png")[8:16, 8:24].astype(int) - (255, 0, 0)).mean()
    assert near < np.abs(pixels("a.png")[8:16, 8:24].astype(int) - (255, 0, 0)).mean()


@pytest.mark.parametrize(
    "words, reason",
    [
        (["seed:1", "seed:2", "--operation", "erase"], "crossover"),
        (["seed:1", "--operation", "inpaint"], "--mask"),
        (["seed:1", "seed:2", "--operation", "inpaint", "--mask", "black.png"], "0 other"),
        (["seed:1", "--operation", "inpaint", "--mask", "black.png"], "empty"),
        (["seed:1", "--operation", "style", "--mask", "black.png"], "1 other"),
        (["seed:1", "seed:1", "--operation", "scribble"], "no strokes"),
        (["seed:1", "--operation", "inpaint", "--mask", "black.png", "--shift", "1,0"], "--shift"),
        (["seed:1", "--operation", "inpaint", "--mask", "black.png", "--level", "pti"], "quick"),
        (["seed:1", "seed:2", "--operation", "move"], "--mask"),
        (["seed:1", "seed:2", "--mask", "black.png", "--feather", "9"], "0.5"),
    ],
)
def test_regions_that_are_refused(words: list[str], reason: str, refused: Refused) -> None:
    Image.new("L", (32, 32)).save("black.png")
    assert reason in refused("mix", *words, "--out", "a.png")
    assert not Path("a.png").exists()
