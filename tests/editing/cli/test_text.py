"""text, search, statistics build and mapper train, as a person types them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from editing.cli import text as text_commands
from editing.cli.main import build_parser, main
from editing.models.domain import open_domain
from editing.recipes.recipe import read_export
from editing.text.table import TableOptions
from tests.helpers.text_domain import write_text_domain

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text_domain(tmp_path_factory.mktemp("domain") / "studio").folder


def run(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, object]:
    """The JSON of a command that succeeds."""
    assert main([*map(str, words), "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return found


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """The sentence of a command that is refused."""
    assert main([*map(str, words)]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.endswith("."), said
    return said


def test_a_text_edit_is_written_and_replays_to_the_same_pixels(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a.png"
    facts = run(capsys, "text", "seed:3", "--domain", folder, "--target", "a smiling person",
                "--alpha", "6", "--keep", "age", "--out", out)  # fmt: skip
    assert facts["method"] == "jacobian" and facts["channels"] and facts["beta"]
    assert facts["neutral"] == "a person" and set(facts["moved"]) == {"smile", "age", "gender"}
    export = read_export(out)
    assert export is not None and export[0].stack.entries[0].edit.target == "a smiling person"
    again = run(capsys, "run", out, "--domain", folder, "--out", tmp_path / "again")
    pixels = [np.asarray(Image.open(path)) for path in (out, Path(str(again["out"])))]
    assert np.array_equal(*pixels)
    on_top = run(capsys, "text", out, "--domain", folder, "--target", "老年人", "--channels", "5",
                 "--alpha", "-3", "--out", tmp_path / "b.png")  # fmt: skip
    assert on_top["channels"] == 5 and on_top["neutral"] == "人"


def test_other_methods_and_the_grid(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ("text", "seed:3", "--domain", folder, "--target", "an old man")
    for space in ("w+", "s"):
        facts = run(capsys, *common, "--method", "optimize", "--space", space, "--steps", "3",
                    "--out", tmp_path / "o.png")  # fmt: skip
        assert facts["method"] == "optimize" and facts["alpha"] == 1
    made = run(capsys, "mapper", "train", "--domain", folder, "--target", "an old man", "--steps",
               "2", "--out", tmp_path / "m.safetensors")  # fmt: skip
    facts = run(capsys, *common, "--method", "mapper", "--mapper", made["out"],
                "--out", tmp_path / "m.png")  # fmt: skip
    assert facts["method"] == "mapper" and not list(tmp_path.glob(".m*"))
    run(capsys, *common, "--grid", tmp_path / "grid.png", "--out", tmp_path / "g.png")
    assert Image.open(tmp_path / "grid.png").width > 5 * 32


def test_search_ranks_seeds_and_latents(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = run(capsys, "search", "an old man", "--domain", folder, "--seeds", "0-29",
                "--top", "7", "--out", tmp_path / "hits.png")  # fmt: skip
    scores = [hit["score"] for hit in facts["hits"]]
    assert len(scores) == 7 and scores == sorted(scores, reverse=True)
    assert Image.open(tmp_path / "hits.png").width == 5 * 128
    assert "no latent files" in refused(capsys, "search", "red hair", "--domain", folder,
                                        "--latents", tmp_path)  # fmt: skip


def test_the_table_is_built_named_and_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_text_domain(tmp_path / "own").folder
    facts = run(capsys, "statistics", "build", "--domain", folder, "--samples", "1",
                "--layers", "b4.conv1,b8.conv0")  # fmt: skip
    domain = open_domain(folder)
    assert set(domain.global_directions.rows) == {"b4.conv1", "b8.conv0"}
    assert facts["channels"] == domain.global_directions.num_channels and domain.statistics
    edit = run(capsys, "text", "seed:3", "--domain", folder, "--target", "red hair", "--channels",
               "3", "--out", tmp_path / "a.png")  # fmt: skip
    assert edit["method"] == "global" and set(edit["by_layer"]) <= {"b4.conv1", "b8.conv0"}


def test_every_seed_of_a_table_can_be_asked_for() -> None:
    words = ["statistics", "build"]
    assert build_parser().parse_args(words).seed == TableOptions.seed
    assert build_parser().parse_args([*words, "--seed", "0"]).seed == 0
    assert build_parser().parse_args(["mapper", "train", "--target", "x", "--out", "y"]).seed == 0


def test_a_build_that_is_killed_goes_on(tmp_path: Path) -> None:
    """SIGKILL, at no particular moment: what is there is whole, and the same command ends it."""
    folder = write_text_domain(tmp_path / "own").folder
    words = [sys.executable, "-c", "import editing.text.table as t; t.SAVE_EVERY = 0.0; "
             "t.PIXELS = 4096; from editing.cli.main import main; import sys; sys.exit(main())",
             "statistics", "build", "--domain", str(folder), "--samples", "8"]  # fmt: skip
    process = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.DEVNULL)
    state = folder / ".global_directions.unfinished"
    deadline = time.monotonic() + 300
    while not state.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert state.is_file() and not (folder / "global_directions.safetensors").exists()
    from editing.io.tensors import read_tensors
    from editing.text.table import FORMAT

    _, facts = read_tensors(state, FORMAT)
    assert 0 < facts["done"], "a whole state"
    assert subprocess.run(words, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    assert open_domain(folder).global_directions.num_channels and not state.exists()


def test_what_cannot_be_written_is_refused_before_anything_is_looked_for(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("work was begun")

    for name in ("open_portrait", "see_seeds", "see_latents"):
        monkeypatch.setattr(text_commands, name, never)
    common = ("text", "seed:3", "--domain", folder, "--target", "red hair", "--out")
    out, closed = tmp_path / "o.png", Path("/proc/none/a.png")
    for method in ("optimize", "mapper"):
        said = refused(capsys, *common, out, "--method", method, "--grid", tmp_path / "g.png")
        assert "--grid does not apply to" in said
    assert "written" in refused(capsys, *common, out, "--grid", closed)
    assert "written" in refused(capsys, "search", "red hair", "--domain", folder, "--out", closed)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--target", ""), "empty"),
        (("--target", "x" * 10_000), "limit"),
        (("--target", "😀"), "knows no word"),
        (("--target", "a face", "--neutral", "a face"), "both"),
        (("--target", "red hair", "--beta", "5"), "would let"),
        (("--target", "red hair", "--beta", "much"), "finite number"),
        (("--target", "red hair", "--alpha", "nan"), "finite number"),
        (("--target", "red hair", "--alpha", "1e9"), "alpha"),
        (("--target", "red hair", "--channels", "0"), "whole number"),
        (("--target", "red hair", "--layers", "99"), "rows go from"),
        (("--target", "red hair", "--keep", "red hair"), "say the same"),
        (("--target", "red hair", "--method", "magic"), "method"),
        (("--target", "red hair", "--method", "mapper"), "mapper train"),
        (("--target", "red hair", "--method", "global"), "no global directions"),
        (("--target", "red hair", "--templates", "nowhere.txt"), "missing"),
        (("--target", "red hair", "--grid", "g.jpg"), "no PNG"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    says: str,
) -> None:
    out = tmp_path / "out.png"
    said = refused(capsys, "text", "seed:3", "--domain", folder, *words, "--out", out)
    assert says in said and not out.exists()
