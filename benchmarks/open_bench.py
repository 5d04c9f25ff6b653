"""Anybody's method in our tables: edits and inversions against a world with ground truth.

    python -m benchmarks.open_bench --edit my_method:edit --name "my method" --out results
    python -m benchmarks.open_bench --invert my_method:invert --name "my encoder" --out results

``my_method.py`` lies in the current folder (or anywhere Python finds it) and has one function::

    def edit(domain, latent, attribute, amount):   # -> Latent
        # latent.ws is [1, num_ws, w_dim]; amount is in sigma of the attribute, roughly
        return dataclasses.replace(latent, ws=latent.ws + amount * my_direction(attribute))

    def invert(domain, image):                     # image [1, 3, R, R] in [-1, 1] -> Latent
        return Latent(ws=my_encoder(image))

``benchmarks/example_method.py`` is such a file. Every edit is brought to one σ of change as the
judge reads it, so only what else moves is compared. Prints the table, and writes CSV and LaTeX.
"""

from __future__ import annotations

import argparse
import importlib
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.edit_tables import cells, ground, measure, print_rows, write_csv, write_latex
from editing.edits.stack import render, state_of
from editing.models.domain import Domain, open_domain, open_judge
from editing.models.latents import Latent
from editing.pictures.metrics import compare
from training.dataset import load_renders

CLASSIC = ("smile", "age", "gender", "pose", "eyeglasses")

Invert = Callable[[Domain, Tensor], Latent]


@dataclass(frozen=True)
class InversionRow:
    """One method; means over held-out renders."""

    method: str
    psnr: float  # dB
    ssim: float
    perceptual: float
    identity: float  # cosine; nan where the domain has no identity network
    readings: float  # root mean square error of the judge's readings, σ
    seconds: float  # of one picture


def find_function(text: str) -> Any:
    """'module:function' -> the function."""
    module, colon, name = text.partition(":")
    if not colon:
        sys.exit(f"{text!r} names no function; write MODULE:FUNCTION.")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        sys.exit(f"{text!r} cannot be found ({error}); write MODULE:FUNCTION.")


@torch.no_grad()
def measure_inversion(domain: Domain, invert: Invert, method: str, count: int) -> InversionRow:
    """Invert held-out renders and compare."""
    judge, sums = open_judge(domain), dict.fromkeys(("psnr", "ssim", "perceptual", "identity"), 0.0)
    pictures = load_renders("held_out", domain.resolution, count).pictures.float() / 127.5 - 1
    errors, seconds = 0.0, 0.0
    for picture in torch.split(pictures, 1):
        began = time.perf_counter()
        with torch.enable_grad():
            latent = invert(domain, picture)
        seconds += time.perf_counter() - began
        found = render(state_of(latent, domain), domain).clamp(-1, 1)
        for name, value in compare(domain, found, picture).items():
            if name in sums:
                sums[name] += math.nan if value is None else value
        errors += float((judge(found) - judge(picture)).square().mean().sqrt())
    means = {name: value / len(pictures) for name, value in sums.items()}
    return InversionRow(method, **means, readings=errors / len(pictures),
                        seconds=seconds / len(pictures))  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--domain", default="portraits")
    parser.add_argument("--edit", metavar="MODULE:FUNCTION")
    parser.add_argument("--invert", metavar="MODULE:FUNCTION")
    parser.add_argument("--name", default="method", help="what the tables call it")
    parser.add_argument("--attributes", default=",".join(CLASSIC), help="default: %(default)s")
    parser.add_argument("--count", type=int, default=100, help="latents or renders")
    parser.add_argument("--out", type=Path, help="folder for CSV and LaTeX")
    args = parser.parse_args()
    if not (args.edit or args.invert):
        parser.error("name a function with --edit or --invert")
    domain = open_domain(args.domain)
    if args.edit:
        edit, base = find_function(args.edit), ground(domain, args.count)
        names = args.attributes.split(",")
        rows = [cells(measure(domain, edit, args.name, name, base)) for name in names]
        finish("edits", f"Edits at +1 σ of the judge, {args.count} latents", rows, args.out)
    if args.invert:
        invert = find_function(args.invert)
        rows = [cells(measure_inversion(domain, invert, args.name, args.count))]
        finish("inversions", f"Inversion of {args.count} held-out renders", rows, args.out)


def finish(name: str, title: str, rows: list[dict[str, str]], out: Path | None) -> None:
    print_rows(title, rows)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_csv(out / f"{name}.csv", rows)
        write_latex(out / f"{name}.tex", rows, title)
        print(f"Written to {out / name}.csv and .tex.")


if __name__ == "__main__":
    main()
