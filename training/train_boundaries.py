"""Train the five classic boundaries the InterFaceGAN way: sample, draw, score, separate.

python -m training.train_boundaries
"""

from __future__ import annotations

import argparse
import json

import numpy as np
import torch

from editing.directions import save_direction
from editing.features import load_picture_net
from editing.generator import load_generator
from editing.separation import train_boundary
from training.train_readers import OUT

ATTRIBUTES = ("smile", "age", "gender", "pose", "eyeglasses")
FIRST_SEED = 20_000_000  # far from anybody's favourite seeds


@torch.no_grad()
def sample(
    count: int, device: str, batch: int = 50
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Latents w [N, w_dim] of untruncated samples and the scorer's readings [N, F]."""
    generator = load_generator(OUT / "generator.safetensors", device)
    scorer = load_picture_net(OUT / "scorer.safetensors", device)
    latents, scores = [], []
    for first in range(0, count, batch):
        seeds = range(FIRST_SEED + first, FIRST_SEED + min(first + batch, count))
        z = np.stack([np.random.RandomState(seed).randn(generator.z_dim) for seed in seeds])
        ws = generator.mapping(torch.from_numpy(z).float().to(device))
        with torch.autocast(torch.device(device).type, torch.bfloat16):
            pictures = generator.synthesis(ws)
        latents.append(ws[:, 0].cpu())
        scores.append(scorer(pictures.float().clamp(-1, 1)).cpu())
        if first % 2_000 == 0:
            print(json.dumps({"boundaries": "sampling", "done": first, "of": count}), flush=True)
    return torch.cat(latents).numpy(), torch.cat(scores).numpy(), scorer.outputs


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--count", type=int, default=12_000, help="latents to sample")
    args = parser.parse_args()
    latents, scores, names = sample(args.count, args.device)
    (OUT / "boundaries").mkdir(parents=True, exist_ok=True)
    for attribute in ATTRIBUTES:
        rng = np.random.default_rng(2026)
        direction = train_boundary(
            attribute, latents, scores[:, names.index(attribute)], rng, ratio=0.1
        )
        save_direction(OUT / "boundaries" / f"{attribute}.safetensors", direction)
        print(
            json.dumps(
                {"boundary": attribute, "step": round(direction.step, 3)} | dict(direction.meta),
                default=str,
            )
        )


if __name__ == "__main__":
    main()
