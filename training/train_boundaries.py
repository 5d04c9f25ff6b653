"""Train a boundary for everything the scorer reads, from one scored set: sample, draw, separate.

    python -m training.train_boundaries [--count 12000] [--keep 0.8]

Writes ``weights/portraits/boundaries/NAME.safetensors`` with accuracy, AUC, margins and the safe
range in each. Resumable: what was scored is kept beside the cache of renders.
"""

from __future__ import annotations

import argparse
import json
import time

import torch

from editing.directions.direction import save_direction
from editing.directions.samples import joined, score_latents
from editing.directions.training import train_all
from editing.models.domain import open_domain
from training.dataset import CACHE
from training.train_readers import OUT

SCORED = CACHE / "scored-latents"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--count", type=int, default=12_000, help="latents to sample")
    parser.add_argument("--keep", type=float, default=0.8, help="least AUC on all latents")
    args = parser.parse_args()
    domain, began = open_domain("portraits", args.device), time.monotonic()
    net, parts, done = domain.scorer, [], 0
    folder = SCORED / domain.fingerprint
    for part in score_latents(domain, net, net.outputs, args.count, folder=folder, batch=32):
        parts.append(part)
        done += len(part.seeds)
        if done % 2_048 < len(part.seeds):
            print(json.dumps({"boundaries": "scored", "done": done, "of": args.count}), flush=True)
    print(json.dumps({"scored": done, "seconds": round(time.monotonic() - began)}), flush=True)
    scored, began = joined(parts), time.monotonic()
    for direction in train_all(domain, scored, seed=2026):
        area = direction.meta["all"]["auc"]  # of the normal; the correction trades some for calm
        if area >= args.keep:
            save_direction(OUT / "boundaries" / f"{direction.name}.safetensors", direction)
        facts = {key: direction.meta[key] for key in ("validation", "all", "corrected", "range")}
        line = {"boundary": direction.name, "kept": area >= args.keep, "step": direction.step}
        print(json.dumps(line | facts, default=str), flush=True)
    print(json.dumps({"boundaries": len(scored.names), "seconds": round(time.monotonic() - began)}))


if __name__ == "__main__":
    main()
