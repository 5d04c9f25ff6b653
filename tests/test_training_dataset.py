"""The cache of renders: whole shards, read back as drawn, from memory or disk, never dressed up."""

from pathlib import Path

import numpy as np
import pytest
import torch

from training import dataset
from training.dataset import (
    DEPTH_SIDE,
    SPLITS,
    VISIBLE,
    Z_DIM,
    factors_of,
    load_renders,
    make_shard,
    near_glasses_threshold,
    open_renders,
    seeds_to_z,
    traits_of,
)
from training.factors import GLASSES_THRESHOLD, INDEX, NUM_FACTORS, LatentWorld, bound
from training.labelling import label_map
from training.landmarking import keypoints
from training.renderer import render
from training.tracing import FAR_Z

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
    world, z = LatentWorld(Z_DIM), seeds_to_z(seeds)
    drawn = render(world.factors(z), seeds.tolist(), 32, 1.5, traits=world.traits(z))
    stored = renders.pictures[2] / 127.5 - 1
    assert (drawn.pictures[0] - stored).abs().max() < 0.005
    assert torch.equal(renders.labels[2], label_map(drawn.masks)[0])
    assert not list(cache.glob("*.tmp"))


def test_training_pictures_have_no_grain(cache: Path) -> None:
    make_shard("train", 32, 0, compiled=False, batch=4)
    world, z = LatentWorld(Z_DIM), seeds_to_z([SPLITS["train"]])
    clean = render(world.factors(z), [SPLITS["train"]], 32, 1.5, traits=world.traits(z), grain=0)
    stored = load_renders("train", 32).pictures[0] / 127.5 - 1
    assert (clean.pictures[0] - stored).abs().max() < 0.005


def test_shards_on_disk_are_those_in_memory(cache: Path) -> None:
    for index in (0, 2):  # the shard between is not there yet
        make_shard("judge", 32, index, compiled=False, batch=4)
    held, opened = load_renders("judge", 32), open_renders("judge", 32)
    pick = [7, 0, 5]
    pictures, labels = opened.take(pick)
    assert len(opened) == 8 and opened.seeds.tolist() == held.seeds.tolist()
    assert torch.equal(pictures, held.pictures[pick]) and torch.equal(labels, held.labels[pick])
    assert torch.equal(opened.visible, held.visible)
    points, seen = keypoints(
        *(of("judge", opened.seeds[pick]) for of in (factors_of, traits_of)), 32
    )
    assert (opened.points(pick) - points).abs().max() < 0.05
    assert (opened.seen(pick) - seen).abs().max() < 0.1
    half, _ = open_renders("judge", 16).take(pick)
    assert half.shape == (3, 3, 16, 16)
    assert torch.allclose(open_renders("judge", 16).points(pick), points / 2, atol=0.05)
    depth = opened.depth(pick)
    assert depth.shape == (3, DEPTH_SIDE, DEPTH_SIDE)
    assert (depth[:, 32, 32] > 0.3).all() and (depth[:, 0, 0] == FAR_Z).any()


def test_people_at_the_threshold_of_glasses_are_told() -> None:
    normals = torch.zeros(4, NUM_FACTORS)
    normals[:, INDEX["eyeglasses"]] = GLASSES_THRESHOLD + torch.tensor([-0.2, -0.1, 0.1, 0.2])
    assert near_glasses_threshold(bound(normals)).tolist() == [False, True, True, False]


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
