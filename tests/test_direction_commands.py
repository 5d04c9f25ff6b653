"""``direction ...`` and ``boundary ...`` as they are used."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from editing import direction_commands
from editing.boundary_commands import text_folder
from editing.cli import main
from editing.directions import load_direction
from editing.domains import Domain
from editing.rescoring import LayerChoice


@pytest.fixture
def run(tiny_domain: Domain, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs a command in the tiny domain; gives its JSON, or the sentence of its refusal."""

    def call(*words: object, code: int = 0) -> Any:
        arguments = [*map(str, words), "--domain", str(tiny_domain.folder), "--json"]
        assert main(arguments) == code
        output = capsys.readouterr()
        return json.loads(output.out) if code == 0 else output.err

    return call


@pytest.mark.parametrize("method", ["sefa", "pca", "basis", "axis", "subspace"])
def test_directions_are_found_shown_and_usable(run: Any, tmp_path: Path, method: str) -> None:
    more = ["--attribute", "smile", "--samples", 6] if method == "subspace" else []
    more += ["--samples", 500] if method == "pca" else []
    found = run("direction", "find", "--method", method, "--count", 2, "--out", tmp_path, *more)
    assert len(found["directions"]) == 2
    assert Image.open(found["strips"]).size[0] > 5 * 32
    file = found["directions"][0]["file"]
    out = tmp_path / "edited.png"
    run("edit", "seed:3", "--move", f"{file}=2", "--out", out)
    replayed = run("run", out, "--out", tmp_path / "again")
    same = [Image.open(path).convert("RGB").tobytes() for path in (out, replayed["out"])]
    assert same[0] == same[1], "the recipe carries the direction"


def test_layers_are_searched_and_saved(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    best = tmp_path / "smile.safetensors"
    refusal = run("direction", "layers", "smile", "--count", 2, code=2)
    assert "does not move smile" in refusal, "the tiny scorer hardly reads anything"
    choices = [LayerChoice((1, 2), 1.5, 0.1, 0.2), LayerChoice(tuple(range(8)), 1.0, 0.2, 0.2)]
    monkeypatch.setattr(direction_commands, "find_layers", lambda *_, **__: choices)
    found = run("direction", "layers", "smile", "--count", 2, "--out", best)
    assert found["choices"][0]["layers"] == "1-2" and load_direction(best).layers == (1, 2)


def test_channels_are_ranked_and_moved(run: Any, tmp_path: Path) -> None:
    found = run("direction", "channels", "--attribute", "smile", "--samples", 2, "--count", 3)
    assert len(found["channels"]) == 3
    channel = found["channels"][0]["channel"]
    run("edit", "seed:3", "--move", f"{channel}=5", "--out", tmp_path / "c.png")
    run("direction", "channels", "--region", "0,0,0.5,0.5", "--samples", 1)
    assert "one of --attribute and --region" in run("direction", "channels", code=2)
    assert "left,top" in run("direction", "channels", "--region", "chin", code=2)


def test_directions_are_combined(run: Any, tmp_path: Path) -> None:
    out = tmp_path / "turned.safetensors"
    run("direction", "combine", "smile", "age", "--degrees", 30, "--out", out)
    assert load_direction(out).name == "smile 30° to age"
    run("direction", "combine", "smile", out, "--weight", 0.5, "--out", tmp_path / "sum")
    assert "one of" in run("direction", "combine", "smile", "age", "--out", out, code=2)


def test_rows_and_sweeps(run: Any, tmp_path: Path) -> None:
    assert len(run("direction", "rows", "smile", "--count", 2)["rows"]) == 8
    out = tmp_path / "sweep.png"
    run("direction", "sweep", "seed:1", "--along", "smile@0-3", "--across", "age",
        "--range=-2:2:3", "--out", out)  # fmt: skip
    assert Image.open(out).size[1] > 3 * 32
    for wrong in ("1:2", "a:b:3", "0:1:0"):
        refusal = run("direction", "sweep", "seed:1", "--along", "smile", f"--range={wrong}",
                      "--out", out, code=2)  # fmt: skip
        assert "--range" in refusal


def test_a_boundary_is_trained_and_tells_how_good_it_is(run: Any, tmp_path: Path) -> None:
    out = tmp_path / "mine.safetensors"
    facts = run("boundary", "train", "smile", "--count", 40, "--out", out)
    direction = load_direction(out)
    assert direction.safe_range and facts["range"] == list(direction.safe_range)
    assert 0 <= facts["all"]["auc"] <= 1 and sum(facts["margins"]["more"])
    run("boundary", "train", "up", "--factor", "smile", "--space", "z", "--count", 40,
        "--out", out)  # fmt: skip
    assert load_direction(out).space == "z"
    run("edit", "seed:3", "--move", f"{out}=1", "--out", tmp_path / "z.png")


def test_all_boundaries_come_from_one_scored_set(run: Any, tmp_path: Path) -> None:
    found = run("boundary", "train", "all", "--count", 40, "--out", tmp_path)
    assert set(found["boundaries"]) == {"smile", "age", "gender"}
    assert {path.stem for path in tmp_path.glob("*.safetensors")} == {"smile", "age", "gender"}


def test_scores_of_other_texts_lie_elsewhere() -> None:
    pairs = (["a face", "a smile"], ["a", "face a smile"], ["a face!", "a smile"], ["x" * 99, "y"])
    names = [text_folder(texts) for texts in pairs]
    assert len(set(names)) == 4 and all(len(name) < 64 and "/" not in name for name in names)
    assert names[0].startswith(".scored-a-face-a-smile-")


def test_boundaries_from_labels_and_picks(run: Any, tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("source,score\n" + "\n".join(f"{n},{n % 2}" for n in range(20)) + "\n20,\n")
    facts = run("boundary", "train", "odd", "--labels", labels, "--out", tmp_path / "odd")
    assert "1 rows" in facts["notes"][0]
    facts = run("boundary", "train", "mine", "--more", "0-3", "--less", "4-7", "--count", 40,
                "--out", tmp_path / "mine")  # fmt: skip
    assert facts["picked"]
    labels.write_text("\n".join(f"{n},1" for n in range(20)))
    refusal = run("boundary", "train", "x", "--labels", labels, "--out", tmp_path / "x", code=2)
    assert "score 1" in refusal and not (tmp_path / "x").exists()


def test_pictures_that_generate_wrote_are_labels(run: Any, tmp_path: Path) -> None:
    """The same boundary as of the seeds, whatever separates the columns."""
    run("generate", "--seeds", "0-11", "--out", tmp_path)
    rows = {"pictures.csv": [f"seed{n:04d}.png;{n % 2},0" for n in range(12)],
            "seeds.csv": [f"{n},{n % 2}" for n in range(12)]}  # fmt: skip
    for space in ("w", "z"):
        vectors = []
        for name, lines in rows.items():
            (tmp_path / name).write_text("\n".join(lines))
            out = tmp_path / f"{name}.{space}.safetensors"
            run("boundary", "train", "odd", "--labels", tmp_path / name, "--space", space,
                "--out", out)  # fmt: skip
            vectors.append(load_direction(out).vector)
        assert float((vectors[0] - vectors[1]).abs().max()) < 1e-4
    Image.new("RGB", (64, 64)).save(tmp_path / "plain.png")
    (tmp_path / "l.csv").write_text("\n".join([*rows["seeds.csv"], "plain.png,1"]))
    words = ("boundary", "train", "odd", "--labels", tmp_path / "l.csv", "--out", tmp_path / "x")
    assert "plain.png carries no latent" in run(*words, code=2)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["charm"], "'charm'; choose from smile"),
        (["smile", "--count", 3], "--count needs a whole number from 10"),
        (["smile", "--space", "s"], "none of w and z"),
        (["smile", "--more", "1"], "belong together"),
        (["smile", "--text", "a", "b"], "text image model"),
        (["smile", "--factor", "age", "--more", "1"], "only one of"),
        (["all", "--labels", "none.csv"], "'all' trains what the scorer reads"),
        (["all", "--more", "1"], "'all' trains what the scorer reads"),
        (["all", "--less", "1"], "'all' trains what the scorer reads"),
        (["all", "--text", "a", "b"], "'all' trains what the scorer reads"),
    ],
)
def test_wishes_that_cannot_be_trained(
    run: Any, tmp_path: Path, words: list[object], sentence: str
) -> None:
    out = tmp_path / "x.safetensors"
    assert sentence in run("boundary", "train", *words, "--out", out, code=2)
    assert not out.exists()


def test_the_rescoring_table(run: Any, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    found = run("boundary", "rescore", "--count", 2, "--out", table)
    assert set(found["rescoring"]) == {"smile", "age", "gender"}
    rows = list(csv.DictReader(table.open()))
    assert float(rows[0]["smile"]) == pytest.approx(found["rescoring"]["smile"]["change"]["smile"])
    run("boundary", "rescore", "smile", "--given", "age", "--count", 2, "--out", tmp_path / "t.png")
    assert "neither CSV nor PNG" in run(
        "boundary", "rescore", "--count", 2, "--out", "t.txt", code=2
    )


def test_strengths_conditions_and_limits_of_an_edit(run: Any, tmp_path: Path) -> None:
    out = tmp_path / "e.png"
    run("edit", "seed:1", "--move", "smile=2@0-3*0.5,7", "--given", "smile,age", "--out", out)
    notes = run("edit", "seed:1", "--move", "smile=1e9", "--out", out)["notes"]
    assert "beyond the limit" in notes[0]
    for layers in ("7-3", "99", "a", "0*x", "0*99", ""):
        refusal = run("edit", "seed:1", "--move", f"smile=1@{layers}", "--out", out, code=2)
        assert len(refusal.strip().splitlines()) == 1
    assert "say the same" in run(
        "edit",
        "seed:1",
        "--move",
        "smile=1",
        "--given",
        f"{twin(tmp_path)},age",
        "--out",
        out,
        code=2,
    )


def twin(folder: Path) -> Path:
    """A direction file that says the same as the tiny domain's smile."""
    from dataclasses import replace

    import torch

    from editing.directions import Direction, save_direction

    rng = torch.Generator().manual_seed(1)  # as tests.conftest draws it
    vector = torch.nn.functional.normalize(torch.randn(16, generator=rng), dim=0)
    path = folder / "twin.safetensors"
    save_direction(path, replace(Direction("twin", vector), step=1.0))
    return path
