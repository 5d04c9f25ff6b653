"""Boundaries from labels and from picked pictures."""

from pathlib import Path

import numpy as np
import pytest
import torch

from editing.errors import BadInput, MissingFile
from editing.samples import Moments, ScoredSet
from editing.separation import (
    auc,
    cosines,
    from_few,
    from_picks,
    from_scores,
    margins,
    read_labels,
    taste_of,
    train_boundary,
)

NAMES = tuple(f"reading {i}" for i in range(35))


def world(n: int = 3000, seed: int = 0) -> ScoredSet:
    """Latents of 64 dimensions with 35 readings, each linear in them but for noise."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(np.random.default_rng(9).standard_normal((64, 64)))[0][:35]
    latents = rng.standard_normal((n, 64)).astype(np.float32)
    scores = latents @ axes.T + 0.3 * rng.standard_normal((n, 35))
    return ScoredSet(NAMES, np.arange(n), latents, scores.astype(np.float32))


def test_every_reading_of_a_set_gets_a_boundary() -> None:
    scored, fresh = world(), world(seed=1)
    for name in NAMES[:3]:
        direction = from_scores(name, scored, name)
        assert auc(fresh.latents @ direction.vector.numpy(), fresh.score(name) > 0) > 0.9
        assert direction.meta["from"] == name
    with pytest.raises(BadInput, match="choose from reading 0"):
        from_scores("x", scored, "charm")


@pytest.mark.parametrize("index", [0, 7, 34])
def test_eight_and_eight_pictures_are_enough(index: int) -> None:
    scored, fresh, gallery = world(), world(seed=1), world(48, seed=2)
    order = np.argsort(gallery.scores[:, index])
    direction = from_picks("mine", scored, gallery.scores[order[-8:]], gallery.scores[order[:8]])
    assert auc(fresh.latents @ direction.vector.numpy(), fresh.scores[:, index] > 0) >= 0.8
    meant = direction.meta["picked"]
    assert max(meant, key=lambda name: abs(meant[name])) == NAMES[index]


def test_a_taste_needs_pictures_on_both_sides() -> None:
    one, many = np.zeros((1, 35), np.float32), np.zeros((8, 35), np.float32)
    with pytest.raises(BadInput, match="1 pictures are picked as more and 8 as less"):
        taste_of(NAMES, one, many)
    with pytest.raises(BadInput, match="pick"):
        from_few(
            "mine", torch.zeros(8, 4), torch.zeros(1, 4), Moments(torch.zeros(4), torch.eye(4))
        )


def test_without_a_scorer_the_spread_of_w_helps() -> None:
    rng = np.random.default_rng(3)
    scales = torch.from_numpy(np.geomspace(10, 0.5, 12)).float()
    truth = torch.eye(12)[8]  # a direction that hardly varies
    w = torch.from_numpy(rng.standard_normal((400, 12))).float() * scales
    order = (w @ truth).argsort()
    moments = Moments(torch.zeros(12), torch.diag(scales.square()))
    more, less = w[order[-8:]], w[order[:8]]
    found = from_few("mine", more, less, moments, shrink=0.0)
    naive = more.mean(0) - less.mean(0)
    assert found.meta == {"latents": 16}, "no reading was picked, so none is named"
    assert float(found.vector @ truth) > 0.8 > 0.7 > float(naive @ truth / naive.norm())
    with pytest.raises(BadInput, match="same on both sides"):
        from_few("mine", more, more, moments)


def test_labels_of_unequal_numbers_train_too() -> None:
    scored = world(600)
    labels = (scored.scores[:, 0] > 1.2).astype(np.float32)  # about one in nine
    direction = train_boundary("rare", scored.latents, labels, np.random.default_rng(0))
    assert direction.meta["extremes"] == int(labels.sum())
    fresh = world(seed=1)
    assert auc(fresh.latents @ direction.vector.numpy(), fresh.scores[:, 0] > 1.2) > 0.85


def test_margins_count_everything() -> None:
    found = margins(np.array([-9.0, -1.0, 0.5, 9.0]), np.array([False, False, True, True]))
    assert sum(found["less"]) == sum(found["more"]) == 2
    assert found["less"][0] == 1 and found["more"][-1] == 1, "far ones stand at the ends"


def test_cosines_compare_what_can_be_compared() -> None:
    scored = world()
    a, b = (from_scores(name, scored, name) for name in NAMES[:2])
    found = cosines(a, [a, b])
    assert found[NAMES[0]] == pytest.approx(1, abs=1e-5) and abs(found[NAMES[1]]) < 0.2


def labels(folder: Path, *rows: str) -> Path:
    path = folder / "labels.csv"
    path.write_text("\n".join(rows))
    return path


def test_labels_are_read(tmp_path: Path) -> None:
    rows = [f"{seed},{'yes' if seed % 2 else 'no'}" for seed in range(10)]
    found = read_labels(labels(tmp_path, "seed,smiles", *rows, "seed:10,", ",1", "a.npz,1.5"))
    assert found.sources[:2] == ("seed:0", "seed:1") and found.sources[-1] == "a.npz"
    assert found.scores[:2] == (0.0, 1.0) and found.scores[-1] == 1.5
    assert "2 rows" in found.notes[0]


def test_labels_of_spreadsheets_are_read(tmp_path: Path) -> None:
    """Semicolons, decimal commas, Excel's own first line, tabs, and cells without a number."""
    plain = [f"seed:{n};{n % 3},5" for n in range(12)]
    for rows in (plain, ["sep=;", "seed;score", *plain], [r.replace(";", "\t") for r in plain]):
        found = read_labels(labels(tmp_path, *rows))
        assert found.scores[:4] == (0.5, 1.5, 2.5, 0.5) and found.sources[0] == "seed:0"
    found = read_labels(labels(tmp_path, *(f'seed:{n},"{n % 2},5"' for n in range(12))))
    assert found.scores[:2] == (0.5, 1.5)
    rows = [f"seed:{n},{n % 2}" for n in range(12)]
    found = read_labels(labels(tmp_path, *rows, "seed:12,nan", "seed:13,NaN", "seed:14,inf"))
    assert len(found.scores) == 12 and found.notes[0].startswith("3 rows")
    found = read_labels(labels(tmp_path, "seed,score,who", *(f"{r},me" for r in rows)))
    assert len(found.scores) == 12 and not found.notes


def test_files_may_lie_beside_their_labels(tmp_path: Path) -> None:
    (tmp_path / "seed0003.png").write_bytes(b"")
    rows = [f"seed:{n},{n % 2}" for n in range(12)]
    found = read_labels(labels(tmp_path, *rows, "seed0003.png,1", "gone.png,0"))
    assert found.sources[-2:] == (str(tmp_path / "seed0003.png"), "gone.png")


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (["1,0", "2,1"], "2 usable rows"),
        ([f"{n},1" for n in range(12)], "All rows .* score 1"),
        ([*(f"{n},{n}" for n in range(12)), "12,lovely"], "Row 13 .*'lovely'"),
        ([*(f"seed:{n},0,5" for n in range(12))], "Row 1 .* has 3 columns"),
        ([f"{n},nan" for n in range(12)], "0 usable rows"),
        ([f"{n},{n % 2}" for n in range(10_001)], "more than 10,000 usable rows"),
    ],
)
def test_labels_that_teach_nothing(tmp_path: Path, rows: list[str], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        read_labels(labels(tmp_path, *rows))


def test_ten_thousand_labels_are_read(tmp_path: Path) -> None:
    rows = [f"{n},{n % 2}" for n in range(10_000)]
    assert len(read_labels(labels(tmp_path, "seed,score", *rows)).sources) == 10_000


def test_labels_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(MissingFile):
        read_labels(tmp_path / "none.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(BadInput, match="no CSV"):
        read_labels(tmp_path / "binary.csv")
