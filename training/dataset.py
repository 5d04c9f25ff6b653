"""The cache of renders the trainers learn from, in git-ignored shards that survive any kill.

``python -m training.dataset --count 15000``. Picture i of a split is the person of latent ``z``
drawn from NumPy's legacy seed ``first_seed + i``. A shard is a folder of ``.npy`` files, written
whole or not at all: pictures, label maps, keypoints with their visibility, depth. In the splits of
persons, pictures of one person are neighbours (``training.persons``). Training pictures carry no
film grain, which nobody can predict; the other splits show the world as it is.
"""

from __future__ import annotations

import argparse
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from training.factors import GLASSES_SLOPE, INDEX, LatentWorld
from training.labelling import label_map
from training.landmarking import keypoints
from training.persons import person_factors, person_traits
from training.renderer import GRAIN, Render, render
from training.tracing import FAR_Z, NEAR_Z

CACHE = Path(__file__).parent / "cache"
WORLD = "w2"  # in the shards' names: no trainer mixes pictures of an older renderer with these
SHARD = 100
Z_DIM = 64
DEPTH_SIDE = 64
SPLITS = {  # first seeds
    "train": 1_000_000,
    "judge": 3_000_000,
    "persons": 5_000_000,
    "held_out_persons": 7_000_000,
    "held_out": 9_000_000,
}
GRAINLESS = ("train",)
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


def traits_of(split: str, seeds: np.ndarray | range) -> Tensor:
    """And the traits of their people, [N, T]."""
    if split.endswith("persons"):
        return person_traits(seeds)
    return LatentWorld(Z_DIM).traits(seeds_to_z(seeds))


def near_glasses_threshold(factors: Tensor, margin: float = 0.15) -> Tensor:
    """Who of factors [N, F] stands within ``margin`` (of the unit normal) of wearing glasses.

    A mapping learns the step as a ramp; pairs without these people leave it room for one.
    """
    return factors[:, INDEX["eyeglasses"]].abs() < np.tanh(GLASSES_SLOPE * margin)


def shard_path(split: str, resolution: int, index: int) -> Path:
    return CACHE / f"{WORLD}-{split}-{resolution}-{index:04d}"


def draw_people(split: str, seeds: range, resolution: int, compiled: bool) -> dict[str, np.ndarray]:
    """Pictures of these seeds and what the renderer knows of their pixels, by file."""
    rays = 1.5 if resolution <= 128 else 1.25  # per pixel side; small pictures need more
    grain = 0.0 if split in GRAINLESS else GRAIN
    factors, traits = factors_of(split, seeds), traits_of(split, seeds)
    return to_arrays(render(factors, seeds, resolution, rays, compiled, traits=traits, grain=grain))


def find_points(
    split: str, seeds: range, resolution: int, batch: int = 50
) -> dict[str, np.ndarray]:
    """Their keypoints, by file; many at once, since points are few."""
    found = [
        keypoints(factors_of(split, part), traits_of(split, part), resolution)
        for part in (seeds[i : i + batch] for i in range(0, len(seeds), batch))
    ]
    points, seen = (torch.cat(part) for part in zip(*found, strict=True))
    return {"points": points.numpy(), "seen": (seen * 255).round().byte().numpy()}


def to_arrays(drawn: Render) -> dict[str, np.ndarray]:
    """Pictures and what the renderer knows of their pixels."""
    seen = torch.stack([drawn.masks[v].mean(dim=(1, 2)) for v in VISIBLE], 1)
    depth = F.interpolate(drawn.depth[:, None], (DEPTH_SIDE, DEPTH_SIDE), mode="nearest")[:, 0]
    return {
        "pictures": ((drawn.pictures + 1) * 127.5).round().clamp(0, 255).byte().numpy(),
        "labels": label_map(drawn.masks).numpy(),
        "depth": pack_depth(depth).numpy(),
        "visible": (seen * 128**2).numpy(),
    }


def pack_depth(depth: Tensor) -> Tensor:
    """World z -> uint8: 1 at FAR_Z to 255 at NEAR_Z; 0 where there is nothing."""
    step = ((depth - FAR_Z) / (NEAR_Z - FAR_Z)).clamp(0, 1) * 254 + 1
    return torch.where(depth > FAR_Z, step.round(), 0).byte()


def unpack_depth(packed: Tensor) -> Tensor:
    """The inverse of ``pack_depth``; FAR_Z where there is nothing."""
    return (packed.float().clamp_min(1) - 1) / 254 * (NEAR_Z - FAR_Z) + FAR_Z


def make_shard(split: str, resolution: int, index: int, compiled: bool, batch: int = 10) -> None:
    """Render one shard, written whole or not at all."""
    path = shard_path(split, resolution, index)
    first = SPLITS[split] + index * SHARD
    drawn = [
        draw_people(split, range(start, start + batch), resolution, compiled)
        for start in range(first, first + SHARD, batch)
    ]
    arrays = {name: np.concatenate([part[name] for part in drawn]) for name in drawn[0]}
    arrays |= find_points(split, range(first, first + SHARD), resolution)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        np.save(temporary / f"{name}.npy", array)
    try:
        temporary.rename(path)
    except OSError:  # another worker was faster
        shutil.rmtree(temporary)


@dataclass(frozen=True, eq=False)
class Renders:
    """Cached renders, in order of their seeds."""

    seeds: np.ndarray  # [N]
    pictures: Tensor  # uint8 [N, 3, R, R]
    visible: Tensor  # pixels of each feature of VISIBLE in a picture of 128 px, [N, V]
    labels: Tensor  # ``features.LABEL`` of each pixel, uint8 [N, R, R]


def shrunk(pictures: Tensor, resolution: int) -> Tensor:
    """uint8 [N, 3, R, R], area-averaged to ``resolution``, a divisor of R."""
    if pictures.shape[-1] == resolution:
        return pictures
    small = F.avg_pool2d(pictures.float(), pictures.shape[-1] // resolution)
    return small.round().byte()


def shards(split: str, resolution: int) -> dict[int, Path]:
    """Index -> shard of this split, at this resolution or the least multiple of it there is."""
    found: dict[int, tuple[int, Path]] = {}
    for path in CACHE.glob(f"{WORLD}-{split}-*-*"):
        if path.suffix == ".tmp":
            continue
        side, index = (int(part) for part in path.name.split("-")[2:])
        if side % resolution == 0 and (index not in found or side < found[index][0]):
            found[index] = side, path
    return {index: found[index][1] for index in sorted(found)}


class Shards:
    """The whole shards of a split on disk, memory-mapped: pictures are read when they are taken."""

    def __init__(self, split: str, resolution: int, paths: dict[int, Path]) -> None:
        self.resolution = resolution
        self.paths = list(paths.values())
        self.mapped: dict[str, list[np.ndarray]] = {}
        counts = [len(array) for array in self.arrays("visible")]
        self.ends = np.cumsum(counts)
        firsts = [SPLITS[split] + index * SHARD for index in paths]
        self.seeds = np.concatenate(
            [first + np.arange(count) for first, count in zip(firsts, counts, strict=True)]
        )
        self.stored = self.arrays("pictures")[0].shape[-1]
        self.visible = torch.from_numpy(np.concatenate(self.arrays("visible")))

    def __len__(self) -> int:
        return len(self.seeds)

    def arrays(self, name: str) -> list[np.ndarray]:
        if name not in self.mapped:
            self.mapped[name] = [np.load(p / f"{name}.npy", mmap_mode="r") for p in self.paths]
        return self.mapped[name]

    def read(self, name: str, indices: Tensor | Sequence[int] | np.ndarray) -> Tensor:
        """Rows of a file over all shards, [n, ...], in the order of ``indices``."""
        arrays, rows = self.arrays(name), []
        for i in np.asarray(indices):
            shard = int(np.searchsorted(self.ends, i, side="right"))
            rows.append(np.array(arrays[shard][i - (self.ends[shard - 1] if shard else 0)]))
        return torch.from_numpy(np.stack(rows))

    def take(self, indices: Tensor | Sequence[int] | np.ndarray) -> tuple[Tensor, Tensor]:
        """Pictures uint8 [n, 3, R, R] and labels uint8 [n, R, R]."""
        pictures, labels = self.read("pictures", indices), self.read("labels", indices)
        step = labels.shape[-1] // self.resolution
        return shrunk(pictures, self.resolution), labels[:, step // 2 :: step, step // 2 :: step]

    def points(self, indices: Tensor | Sequence[int] | np.ndarray) -> Tensor:
        """Keypoints (``keypoints.POINTS``) in pixels of ``resolution``, [n, K, 2]."""
        return self.read("points", indices) * (self.resolution / self.stored)

    def seen(self, indices: Tensor | Sequence[int] | np.ndarray) -> Tensor:
        """Their visibility, 0..1 [n, K]."""
        return self.read("seen", indices).float() / 255

    def depth(self, indices: Tensor | Sequence[int] | np.ndarray) -> Tensor:
        """World z of the first surface, [n, DEPTH_SIDE, DEPTH_SIDE]; FAR_Z where there is none."""
        return unpack_depth(self.read("depth", indices))


def open_renders(split: str, resolution: int, count: int | None = None) -> Shards:
    """All whole shards of a split on disk, at most ``count`` pictures' worth.

    SystemExit where there is none.
    """
    paths = shards(split, resolution)
    if count is not None:
        paths = {index: path for index, path in paths.items() if index * SHARD < count}
    if not paths:
        raise SystemExit(
            f"no {split} renders at {resolution} px in {CACHE}: run python -m training.dataset"
        )
    return Shards(split, resolution, paths)


def load_renders(split: str, resolution: int, count: int | None = None) -> Renders:
    """The same in memory; larger pictures are averaged down shard by shard."""
    opened = open_renders(split, resolution, count)
    parts, start = [], 0
    for end in opened.ends:
        parts.append(opened.take(np.arange(start, end)))
        start = end
    pictures, labels = (torch.cat(part) for part in zip(*parts, strict=True))
    return Renders(opened.seeds, pictures, opened.visible, labels)


def fill(
    split: str, resolution: int, count: int, worker: int, workers: int, compiled: bool
) -> None:
    """Render the missing shards of this worker's share."""
    torch.set_num_threads(1)
    for index in range(worker, -(-count // SHARD), workers):
        if index not in shards(split, resolution):
            began, spent = time.monotonic(), time.process_time()
            make_shard(split, resolution, index, compiled)
            took, spent = time.monotonic() - began, time.process_time() - spent
            print(
                f"{split} {resolution} px: shard {index} done, "
                f"{took:.0f} s, {spent / SHARD:.2f} s of processor a picture",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description="Render the pictures the trainers learn from.")
    parser.add_argument("--split", choices=list(SPLITS), default="train")
    parser.add_argument("--resolution", type=int, default=256)
    parser.add_argument("--count", type=int, default=15_000)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
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
