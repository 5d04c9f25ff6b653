"""The cache of renders the trainers learn from, in git-ignored shards that survive any kill.

``python -m training.dataset --count 15000 --workers 2``. Picture i of a split is the person of
latent ``z`` drawn from NumPy's legacy seed ``first_seed + i``; nothing but pixels and visibility
is stored. In the splits of persons, pictures of one person are neighbours (``training.persons``).
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from training.factors import LatentWorld
from training.persons import person_factors
from training.renderer import render

CACHE = Path(__file__).parent / "cache"
SHARD = 500
Z_DIM = 64
SPLITS = {  # first seeds
    "train": 1_000_000,
    "judge": 3_000_000,
    "persons": 5_000_000,
    "held_out_persons": 7_000_000,
    "held_out": 9_000_000,
}
VISIBLE = ("brows", "eyes", "mouth", "beard", "skin", "hair", "clothes", "eyeglasses", "background")


def seeds_to_z(seeds: np.ndarray | range) -> Tensor:
    """One latent per seed [N, Z_DIM], NumPy's legacy stream."""
    return torch.from_numpy(
        np.stack([np.random.RandomState(seed).randn(Z_DIM) for seed in seeds]).astype(np.float32)
    )


def factors_of(split: str, seeds: np.ndarray | range) -> Tensor:
    """What the pictures of these seeds show, [N, F]."""
    if split.endswith("persons"):
        return person_factors(seeds)
    return LatentWorld(Z_DIM).factors(seeds_to_z(seeds))


def shard_path(split: str, resolution: int, index: int) -> Path:
    return CACHE / f"{split}-{resolution}-{index:04d}.npz"


def make_shard(split: str, resolution: int, index: int, compiled: bool, batch: int = 20) -> None:
    """Render one shard, written whole or not at all."""
    path = shard_path(split, resolution, index)
    first = SPLITS[split] + index * SHARD
    rays = 1.5 if resolution <= 128 else 1.25  # per pixel side; small pictures need more
    pictures, visible = [], []
    for start in range(first, first + SHARD, batch):
        seeds = range(start, start + batch)
        drawn = render(factors_of(split, seeds), seeds, resolution, rays, compiled)
        pictures.append(((drawn.pictures + 1) * 127.5).round().clamp(0, 255).byte().numpy())
        seen = torch.stack([drawn.masks[v].mean(dim=(1, 2)) for v in VISIBLE], 1)
        visible.append((seen * 128**2).numpy())
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        np.savez(file, pictures=np.concatenate(pictures), visible=np.concatenate(visible))
    temporary.rename(path)


@dataclass(frozen=True, eq=False)
class Renders:
    """Cached renders, in order of their seeds."""

    seeds: np.ndarray  # [N]
    pictures: Tensor  # uint8 [N, 3, R, R]
    visible: Tensor  # pixels of each feature of VISIBLE in a picture of 128 px, [N, V]


def shrunk(pictures: Tensor, resolution: int) -> Tensor:
    """uint8 [N, 3, R, R], area-averaged to ``resolution``, a divisor of R."""
    if pictures.shape[-1] == resolution:
        return pictures
    small = F.avg_pool2d(pictures.float(), pictures.shape[-1] // resolution)
    return small.round().byte()


def shards(split: str, resolution: int) -> dict[int, Path]:
    """Index -> shard of this split, at this resolution or the least multiple of it there is."""
    found: dict[int, tuple[int, Path]] = {}
    for path in CACHE.glob(f"{split}-*-*.npz"):
        side, index = (int(part) for part in path.stem.split("-")[1:])
        if side % resolution == 0 and (index not in found or side < found[index][0]):
            found[index] = side, path
    return {index: found[index][1] for index in sorted(found)}


def load_renders(split: str, resolution: int, count: int | None = None) -> Renders:
    """All whole shards of a split, at most ``count`` pictures; larger ones are averaged down."""
    seeds, pictures, visible = [], [], []
    for index, path in shards(split, resolution).items():
        if count is not None and index * SHARD >= count:
            break
        with np.load(path) as data:
            pictures.append(shrunk(torch.from_numpy(data["pictures"]), resolution))
            visible.append(torch.from_numpy(data["visible"]))
        seeds.append(np.arange(SHARD) + SPLITS[split] + index * SHARD)
    if not pictures:
        raise SystemExit(
            f"no {split} renders at {resolution} px in {CACHE}: run python -m training.dataset"
        )
    return Renders(np.concatenate(seeds), torch.cat(pictures), torch.cat(visible))


def fill(
    split: str, resolution: int, count: int, worker: int, workers: int, compiled: bool
) -> None:
    """Render the missing shards of this worker's share."""
    torch.set_num_threads(1)
    for index in range(worker, -(-count // SHARD), workers):
        if index not in shards(split, resolution):
            make_shard(split, resolution, index, compiled)
            print(f"{split} {resolution} px: shard {index} done", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Render the pictures the trainers learn from.")
    parser.add_argument("--split", choices=list(SPLITS), default="train")
    parser.add_argument("--resolution", type=int, default=256)
    parser.add_argument("--count", type=int, default=15_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--no-compile", action="store_true", help="where there is no C++ compiler")
    args = parser.parse_args()
    jobs = [
        torch.multiprocessing.get_context("spawn").Process(
            target=fill,
            args=(args.split, args.resolution, args.count, i, args.workers, not args.no_compile),
        )
        for i in range(args.workers)
    ]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    if any(job.exitcode for job in jobs):
        raise SystemExit("a render worker failed; run the command again to go on")


if __name__ == "__main__":
    main()
