"""The generator's picture of a latent against its render: error, readings, outlines, strands.

While it is trained, and of the landed file as a part of ``python -m benchmarks.world``::

    python -m benchmarks.pairs --sheet pairs.png                        # the landed file
    python -m benchmarks.pairs --state training/cache/generator-state   # what training has reached
    python -m benchmarks.pairs --state … --every 60 --course training/state/course.jsonl

The judge reads here and has no part in training. Held-out renders that are missing are made first.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from benchmarks.distribution import top_octave
from benchmarks.rows import Row, held_out, read, to_bytes, to_float
from editing.domains import Domain, open_domain, open_judge
from editing.features import PictureNet
from editing.generator import Generator
from editing.metrics import perceptual_distance
from training.dataset import Renders, seeds_to_z
from training.factors import NAMES
from training.features import FEATURES
from training.pair_losses import shrink, shrink_labels
from training.renderer import GRAIN, film_grain
from training.train_generator import Trainer
from training.train_readers import labels_of

PEOPLE = 200  # held out
HARD = ("brow_height", "brow_angle", "lip_fullness", "lip_colour", "hair_curl")
SHELLS = 8  # pixels to either side of an outline
SIDE = 128  # pixels at which errors are compared


@dataclass(frozen=True, eq=False)
class Pair:
    """Pictures of the same people, uint8 [N, 3, R, R], and what is true of them."""

    drawn: Tensor
    rendered: Tensor
    clean: Tensor  # rendered, less its film grain
    labels: Tensor  # of the renders' pixels, [N, R, R]
    wanted: Tensor  # factors in σ, [N, F]
    readable: Tensor  # [N, F], 1 where a factor's feature shows


@dataclass(frozen=True)
class Reading:
    """How the judge's readings of one factor hold against the truth."""

    error: float  # mean absolute, σ
    correlation: float
    r2: float


@torch.no_grad()
def draw_pairs(generator: Generator, renders: Renders, resolution: int | None = None) -> Pair:
    """The people of ``renders`` as the generator draws them, at ``resolution`` (None = its own)."""
    side = resolution or generator.img_resolution
    latents = seeds_to_z(renders.seeds)
    drawn = torch.cat(
        [
            to_bytes(generator.synthesis(generator.mapping(z), "const", max_resolution=side)[:, :3])
            for z in latents.split(25)
        ]
    )
    seeds = [int(seed) for seed in renders.seeds]
    grain = GRAIN * film_grain(seeds, renders.pictures.shape[-1])
    rendered = to_float(renders.pictures)
    wanted, readable = labels_of(renders)
    return Pair(
        drawn,
        to_bytes(shrink(rendered, side)),
        to_bytes(shrink(rendered - grain, side)),
        shrink_labels(renders.labels, side),
        wanted,
        readable,
    )


def readings(judge: PictureNet, pictures: Tensor, pair: Pair) -> dict[str, Reading]:
    """Of uint8 pictures, every factor against the truth of ``pair``, where its feature shows."""
    told = read(judge, pictures)
    found = {}
    for i, name in enumerate(NAMES):
        at = pair.readable[:, i] > 0
        said, true = told[at, i], pair.wanted[at, i]
        wrong = said - true
        found[name] = Reading(
            wrong.abs().mean().item(),
            torch.corrcoef(torch.stack([said, true]))[0, 1].item(),
            1 - (wrong.square().mean() / true.var()).item(),
        )
    return found


def outline_profile(pair: Pair, shells: int = SHELLS) -> Tensor:
    """Mean of drawn minus clean by distance from the background's outline, [2 · shells, 3] of 255.

    The first half lies on the background, farthest first. Zero everywhere but for a halo.
    """
    wall = (pair.labels == FEATURES.index("background")).float()[:, None]
    change = pair.drawn.float() - pair.clean.float()
    rows = []
    for side in (1 - wall, wall):  # grown over the wall, then over the person
        inner, found = side, []
        for _ in range(shells):
            outer = F.max_pool2d(inner, 3, 1, 1)
            shell = outer - inner
            found.append((change * shell).sum((0, 2, 3)) / shell.sum().clamp_min(1))
            inner = outer
        rows.append(torch.stack(found))
    return torch.cat([rows[0].flip(0), rows[1]])


@dataclass(frozen=True, eq=False)
class Measured:
    """What the gates ask."""

    error: float  # mean absolute at 128 px, of the [-1, 1] range
    perceptual: float
    drawn: dict[str, Reading]
    rendered: dict[str, Reading]  # the judge's readings of the renders themselves
    octave: float  # power in the top octave, drawn : clean
    halo: float  # largest change of the mean profile across outlines, of 255

    def facts(self) -> dict[str, object]:
        """For a line of JSON."""
        r2 = [each.r2 for each in self.drawn.values()]
        return {
            "error": round(self.error, 4),
            "perceptual": round(self.perceptual, 4),
            "judge_error": mean_error(self.drawn),
            "judge_error_on_renders": mean_error(self.rendered),
            "r2_mean": round(float(np.mean(r2)), 3),
            "r2_least": round(min(r2), 3),
            "octave": round(self.octave, 3),
            "halo": round(self.halo, 2),
            "errors": {name: round(each.error, 2) for name, each in self.drawn.items()},
            "correlations": {name: round(each.correlation, 2) for name, each in self.drawn.items()},
            "r2": {name: round(each.r2, 2) for name, each in self.drawn.items()},
        }


def mean_error(found: dict[str, Reading]) -> float:
    return round(float(np.mean([each.error for each in found.values()])), 3)


@torch.no_grad()
def measure_pairs(pair: Pair, judge: PictureNet, perceptual: PictureNet) -> Measured:
    small = [shrink(to_float(part), SIDE) if part.shape[-1] > SIDE else to_float(part)
             for part in (pair.drawn, pair.rendered)]  # fmt: skip
    distances = [
        perceptual_distance(perceptual, a, b)
        for a, b in zip(*(part.split(25) for part in small), strict=True)
    ]
    return Measured(
        (small[0] - small[1]).abs().mean().item(),
        torch.cat(distances).mean().item(),
        readings(judge, pair.drawn, pair),
        readings(judge, pair.rendered, pair),
        top_octave(pair.drawn) / top_octave(pair.clean),
        outline_profile(pair).abs().max().item(),
    )


def read_pairs(domain: Domain, count: int) -> list[Row]:
    """The table's rows of the landed generator."""
    pair = draw_pairs(domain.generator, held_out(count, resolution=domain.generator.img_resolution))
    found = measure_pairs(pair, open_judge(domain), domain.perceptual)
    r2 = {name: each.r2 for name, each in found.drawn.items()}
    least = sorted(r2, key=lambda name: r2[name])[:5]
    mean = mean_error(found.drawn)
    rows = [
        Row("pairs", f"same z, drawn and rendered, {SIDE} px: mean absolute error",
            f"{found.error:.4f}", "<= 0.045", found.error <= 0.045),
        Row("pairs", "  perceptual distance", f"{found.perceptual:.4f}"),
        Row("pairs", f"judge's mean error on {len(pair.drawn)} people, {len(NAMES)} factors",
            f"{mean:.3f} σ (renders {mean_error(found.rendered):.3f})", "<= 0.26", mean <= 0.26),
        *(Row("pairs", f"  {name}", f"{found.drawn[name].error:.2f} σ "
              f"(renders {found.rendered[name].error:.2f})",
              "<= 0.45", found.drawn[name].error <= 0.45) for name in HARD),
        Row("pairs", "R² of the judge's reading against the truth, mean / least",
            f"{np.mean(list(r2.values())):.3f} / {min(r2.values()):.3f}", ">= 0.9 / >= 0.7",
            bool(np.mean(list(r2.values())) >= 0.9 and min(r2.values()) >= 0.7)),
        Row("pairs", "  least", ", ".join(f"{name} {r2[name]:.2f}" for name in least)),
        Row("pairs", "largest change of the mean profile across outlines",
            f"{found.halo:.1f} of 255", "<= 3", found.halo <= 3),
    ]  # fmt: skip
    return rows


def pair_sheet(pair: Pair, path: Path, columns: int = 8, rows: int = 4) -> None:
    """Write renders above what the generator drew of the same people."""
    lines = []
    for i in range(0, min(columns * rows, len(pair.drawn)), columns):
        for part in (pair.clean, pair.drawn):
            lines.append(torch.cat(list(part[i : i + columns]), dim=2))
    Image.fromarray(torch.cat(lines, dim=1).permute(1, 2, 0).numpy()).save(path)


def reached(folder: Path) -> tuple[Trainer, int]:
    """The trainer of a state, and the resolution of its last stage."""
    from training.train_generator import STAGES

    trainer = Trainer("cpu", folder=folder)
    if not trainer.load():
        raise SystemExit(f"there is no training state in {folder}")
    begun = [stage.resolution for stage in STAGES if trainer.done.get(stage.name)]
    return trainer, max(begun, default=STAGES[0].resolution)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--state", type=Path, help="of the trainer; without it the landed file")
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--sheet", type=Path, help="a picture of pairs to write")
    parser.add_argument("--course", type=Path, help="a file to which each line is added")
    parser.add_argument("--every", type=float, help="measure again after so many minutes")
    args = parser.parse_args()
    domain = open_domain("portraits")
    judge, renders = open_judge(domain), held_out(args.people)
    while True:
        if args.state is None:
            generator, side, done = domain.generator, domain.generator.img_resolution, {}
        else:
            trainer, side = reached(args.state)
            generator, done = trainer.ema, trainer.done
        pair = draw_pairs(generator, renders, side)
        facts = measure_pairs(pair, judge, domain.perceptual).facts()
        line = json.dumps({"done": done, "resolution": side} | facts)
        print(line, flush=True)
        if args.course:
            args.course.parent.mkdir(parents=True, exist_ok=True)
            with args.course.open("a") as file:
                file.write(line + "\n")
        if args.sheet:
            pair_sheet(pair, args.sheet)
        if args.every is None:
            return
        time.sleep(60 * args.every)


if __name__ == "__main__":
    main()
