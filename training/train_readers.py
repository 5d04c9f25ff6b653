"""Train the networks that read portraits: the scorer, and apart from it the judge.

Both learn the factors (in sigma of the world) from renders alone, each from its own renders,
seed and architecture. A factor counts only where its feature shows. Resumable::

    python -m training.train_readers scorer
    python -m training.train_readers judge
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from editing.features import PictureNet, PictureNetConfig, save_picture_net
from training.dataset import CACHE, VISIBLE, Z_DIM, Renders, load_renders, seeds_to_z
from training.factors import (
    AT_FOREHEAD,
    BARE_FOREHEAD,
    MIN_SEEN,
    MIRRORED,
    NAMES,
    NUM_FACTORS,
    SEEN_ON,
    LatentWorld,
    to_sigma,
)
from training.loop import Loop, Plan, parser
from training.precision import autocast, keep_pages

OUT = Path(__file__).parent.parent / "weights" / "portraits"


@dataclass(frozen=True)
class Recipe:
    """How one reader is trained."""

    config: PictureNetConfig
    split: str
    plan: Plan


RECIPES: dict[str, Recipe] = {
    "scorer": Recipe(
        PictureNetConfig(
            "residual", 256, (16, 32, 64, 112, 160, 192), NAMES, NUM_FACTORS, 4, 256
        ),
        "train", Plan("scorer", pictures=140_000, batch=64, learning_rate=2e-3, seed=11),
    ),
    "judge": Recipe(
        PictureNetConfig("plain", 256, (8, 16, 40, 80, 128, 192), NAMES, NUM_FACTORS, 4, 192),
        "judge", Plan("judge", pictures=160_000, batch=64, learning_rate=2e-3, seed=23),
    ),
}  # fmt: skip


def labels_of(renders: Renders) -> tuple[Tensor, Tensor]:
    """Readings in sigma [N, F] and whether each can be read [N, F] of cached renders."""
    factors = LatentWorld(Z_DIM).factors(seeds_to_z(renders.seeds))
    return to_sigma(factors), readable(renders.visible, factors)


def readable(visible: Tensor, factors: Tensor) -> Tensor:
    """Visible pixels [N, V] and factors [N, F] -> 1 where a factor's feature shows, [N, F]."""
    hairy = factors[:, NAMES.index("baldness")] <= BARE_FOREHEAD
    columns = []
    for name in NAMES:
        seen = torch.ones(len(visible), dtype=torch.bool)
        if name in SEEN_ON:
            seen = visible[:, VISIBLE.index(SEEN_ON[name])] >= MIN_SEEN
        columns.append(seen & hairy if name in AT_FOREHEAD else seen)
    return torch.stack(columns, dim=1).float()


def augment(pictures: Tensor, rng: torch.Generator, strength: float = 1.0) -> Tensor:
    """What must not change a reading: small shifts, blur, noise and colour casts."""
    n = len(pictures)

    def draw(*shape: int) -> Tensor:
        return torch.rand(shape, generator=rng).to(pictures)

    turn = torch.eye(2, 3).to(pictures).repeat(n, 1, 1)
    turn[:, :, 2] = (draw(n, 2) * 2 - 1) * 0.05 * strength
    zoom = 1 + (draw(n, 1, 1) * 2 - 1) * 0.03 * strength
    turn[:, :, :2] = turn[:, :, :2] * zoom
    grid = F.affine_grid(turn, list(pictures.shape), align_corners=False)
    moved = F.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)
    soft = F.avg_pool2d(F.pad(moved, (1, 1, 1, 1), mode="replicate"), 3, 1)
    moved = torch.lerp(moved, soft, draw(n, 1, 1, 1) * (draw(n, 1, 1, 1) < 0.5 * strength))
    gain = 1 + (draw(n, 3, 1, 1) * 2 - 1) * 0.05 * strength
    shift = (draw(n, 1, 1, 1) * 2 - 1) * 0.08 * strength
    noise = torch.randn(n, 1, *pictures.shape[2:], generator=rng).to(pictures)
    noise = noise * 0.06 * draw(n, 1, 1, 1)
    return moved * gain + shift + noise * strength


def mirror(pictures: Tensor, labels: Tensor, flip: Tensor) -> tuple[Tensor, Tensor]:
    """Flip the pictures where ``flip`` [N] is set, and the readings that a mirror turns round."""
    sign = torch.tensor([-1.0 if name in MIRRORED else 1.0 for name in NAMES])
    pictures = torch.where(flip[:, None, None, None], pictures.flip(3), pictures)
    return pictures, torch.where(flip[:, None], labels * sign.to(labels), labels)


def train(name: str, device: str, minutes: float = math.inf, folder: Path | None = None) -> Loop:
    """Train a reader as far as the minutes reach; the loop's ``parts["net"]`` is the network."""
    recipe = RECIPES[name]
    torch.manual_seed(recipe.plan.seed)
    net = PictureNet(recipe.config).to(device, memory_format=torch.channels_last).train()
    optimiser = torch.optim.AdamW(net.parameters(), weight_decay=0.02)
    renders = load_renders(recipe.split, recipe.config.resolution)
    labels, seen = labels_of(renders)
    parts = {"net": net, "optimiser": optimiser}
    loop = Loop(recipe.plan, parts, folder or CACHE / f"{name}-state", device, minutes)
    for rng in loop:
        pick = torch.randint(len(labels), [recipe.plan.batch], generator=rng)
        pictures = augment(renders.pictures[pick].to(device).float() / 127.5 - 1, rng)
        flip = (torch.rand(len(pick), generator=rng) < 0.5).to(device)
        pictures, wanted = mirror(pictures, labels[pick].to(device), flip)
        with autocast(device):
            read = net(pictures.contiguous(memory_format=torch.channels_last))
        error = F.smooth_l1_loss(read.float(), wanted, reduction="none", beta=0.5)
        loss = (error * seen[pick].to(device)).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        loop.report(loss=loss)
    return loop


@torch.no_grad()
def accuracy(net: PictureNet, renders: Renders) -> dict[str, float]:
    """R² of every factor on held-out renders, where its feature shows."""
    labels, seen = labels_of(renders)
    read = torch.cat([net(p.float() / 127.5 - 1) for p in renders.pictures.split(100)])
    scores = {}
    for i, name in enumerate(NAMES):
        at = seen[:, i] > 0
        wanted = labels[at, i]
        scores[name] = 1 - ((read[at, i] - wanted).square().mean() / wanted.var()).item()
    return scores


def main() -> None:
    flags = parser(__doc__)
    flags.add_argument("name", choices=list(RECIPES))
    args = flags.parse_args()
    keep_pages()
    loop = train(args.name, args.device, args.minutes, args.state)
    if not loop.finished:
        print(json.dumps({"net": args.name, "stopped": "the same command goes on"}))
        return
    net = loop.parts["net"].cpu().eval()
    OUT.mkdir(parents=True, exist_ok=True)
    save_picture_net(OUT / f"{args.name}.safetensors", net)
    scores = accuracy(net, load_renders("held_out", net.config.resolution))
    mean = sum(scores.values()) / len(scores)
    rounded = {name: round(value, 3) for name, value in scores.items()}
    print(json.dumps({"net": args.name, "r2_mean": round(mean, 3)} | rounded))


if __name__ == "__main__":
    main()
