"""Measure what every style channel of the bundled generator does to an embedding of its CLIP.

    python -m training.measure_global_directions [--samples 32] [--method perturbation|jacobian]

Writes ``weights/portraits/global_directions.safetensors``. Resumable: what is unfinished lies in
the cache of renders.
"""

from __future__ import annotations

import argparse
import json
import time

from editing.models.domain import open_domain
from editing.text.table import METHODS, TableOptions, build_file
from training.dataset import CACHE
from training.train_readers import OUT

REPORT_EVERY = 30.0  # seconds


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--samples", type=int, default=TableOptions.samples)
    parser.add_argument("--k", type=float, default=TableOptions.k)
    parser.add_argument("--method", choices=METHODS, default=TableOptions.method)
    args = parser.parse_args()
    options = TableOptions(samples=args.samples, k=args.k, method=args.method)
    domain, began, said = open_domain("portraits", args.device), time.monotonic(), 0.0
    state = CACHE / "global-directions.unfinished"
    for progress in build_file(domain, options, OUT / "global_directions.safetensors", state):
        now = time.monotonic()
        if now - said > REPORT_EVERY or progress.table is not None:
            line = {"global directions": progress.done, "of": progress.total,
                    "seconds": round(now - began), "left": round(progress.left)}  # fmt: skip
            print(json.dumps(line), flush=True)
            said = now
    assert progress.table is not None
    print(json.dumps({"channels": progress.table.num_channels, **progress.table.made}))


if __name__ == "__main__":
    main()
