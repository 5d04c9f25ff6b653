"""The cache of renders: whole shards, read back as they were drawn, never with accessories."""

from pathlib import Path

import numpy as np
import pytest
import torch

from training import dataset
from training.dataset import SPLITS, VISIBLE, Z_DIM, load_renders, make_shard, seeds_to_z
from training.factors import LatentWorld
from training.renderer import render

TRAINING = Path(dataset.__file__).parent


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(dataset, "CACHE", tmp_path)
    monkeypatch.setattr(dataset, "SHARD", 4)
    return tmp_path


def test_latents_are_numpys_legacy_stream() -> None:
    assert np.array_equal(
        seeds_to_z([7]).numpy()[0], np.random.RandomState(7).randn(Z_DIM).astype(np.float32)
    )


def test_splits_share_no_seed() -> None:
    first = sorted(SPLITS.values())
    assert min(np.diff(first)) >= 1_000_000


def test_shard_holds_the_persons_of_its_seeds(cache: Path) -> None:
    make_shard("judge", 32, 1, compiled=False, batch=2)
    renders = load_renders("judge", 32)
    assert renders.pictures.shape == (4, 3, 32, 32) and renders.pictures.dtype == torch.uint8
    assert renders.visible.shape == (4, len(VISIBLE)) and torch.isfinite(renders.visible).all()
    assert renders.seeds.tolist() == [SPLITS["judge"] + 4 + i for i in range(4)]
    seeds = renders.seeds[2:3]
    drawn = render(LatentWorld(Z_DIM).factors(seeds_to_z(seeds)), seeds.tolist(), 32, 1.5)
    stored = renders.pictures[2] / 127.5 - 1
    assert (drawn.pictures[0] - stored).abs().max() < 0.005
    assert not list(cache.glob("*.tmp"))


def test_larger_shards_serve_smaller_pictures(cache: Path) -> None:
    for index, side in ((0, 32), (1, 16)):
        make_shard("judge", side, index, compiled=False, batch=4)
    large, small = load_renders("judge", 32), load_renders("judge", 16)
    assert large.seeds.tolist() == small.seeds[:4].tolist() and len(small.seeds) == 8
    mean = large.pictures.double().view(4, 3, 16, 2, 16, 2).mean(dim=(3, 5))
    assert (small.pictures[:4] - mean).abs().max() <= 0.5


def test_missing_renders_say_what_to_run(cache: Path) -> None:
    with pytest.raises(SystemExit, match="python -m training.dataset"):
        load_renders("train", 32)


def test_training_never_wears_accessories() -> None:
    sources = [*TRAINING.glob("train_*.py"), TRAINING / "dataset.py"]
    assert sources and not [p.name for p in sources if "accessories" in p.read_text("utf-8")]
