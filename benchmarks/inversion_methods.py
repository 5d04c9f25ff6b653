"""The table of inversion methods: how near, how fast, how editable; one process for every core."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.browser import print_table
from benchmarks.inversion_measures import Editability, editability, likeness, one_sigma_alphas
from benchmarks.inversion_pictures import held_out_renders, samples
from editing.edits.stack import EditState
from editing.inversion.invert import METHODS, InversionOptions, Step, invert
from editing.inversion.options import NoiseOptions
from editing.io.images import write_atomically
from editing.models.domain import Domain, open_domain

MEASURES = ("psnr", "mse", "ssim", "perceptual", "identity")
RENDERS, SAMPLES = "held-out renders", "samples"
SAMPLED = ("quick", "image2stylegan++", "best")  # what is tried on samples, too
# Chains of stages: the end of each stage is a row, so that a stage is never searched twice.
CHAINS: Mapping[str, tuple[InversionOptions, Mapping[str, str]]] = {
    "encoder": (METHODS["encoder"], {"latent": "encoder, one pass"}),
    "restyle": (METHODS["restyle"], {"latent": "encoder, five passes"}),
    "pti": (
        replace(METHODS["pti"], steps=300, tune=replace(METHODS["pti"].tune, steps=250)),
        {"latent": "W", "tune": "W, then PTI"},
    ),
    "image2stylegan++": (
        replace(METHODS["image2stylegan++"], steps=400, noise=NoiseOptions(200)),
        {"latent": "W+ from the mean (Image2StyleGAN)", "noise": "W+, then noise (++)"},
    ),
    "idinvert": (METHODS["idinvert"], {"latent": "in-domain (idinvert)"}),
    "projector": (replace(METHODS["projector"], steps=400), {"latent": "StyleGAN2 projector"}),
    "quick": (METHODS["quick"], {"latent": "level quick"}),
    "standard": (
        METHODS["standard"],
        {"latent": "level standard: W+", "noise": "level standard: noise"},
    ),
    "best": (
        METHODS["best"],
        {"latent": "level best: W+", "noise": "level best: noise", "tune": "level best: weights"},
    ),
}


class Store:
    """Finished results, one JSON file each."""

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self.folder, self.fingerprint = folder, fingerprint

    def get(self, key: Sequence[Any], make: Callable[[], Any]) -> Any:
        """The result of ``key``, made where it is not there yet."""
        text = json.dumps([self.fingerprint, *key], default=str, sort_keys=True)
        name = "-".join(str(part) for part in key[:3] if isinstance(part, str | int))
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        path = self.folder / f"{name.replace(' ', '_')}-{digest}.json"
        if path.is_file():
            return json.loads(path.read_text())
        result = make()
        data = json.dumps(result).encode()
        write_atomically(path, lambda file: file.write(data))
        return result


def stage_ends(
    target: Tensor, domain: Domain, options: InversionOptions, mask: Tensor | None = None
) -> dict[str, Step]:
    """The last step of every stage."""
    return {step.stage: step for step in invert(target, domain, options, mask=mask)}


def measured(
    step: Step, domain: Domain, target: Tensor, alphas: Mapping[str, float]
) -> dict[str, Any]:
    state = EditState(**vars(step.point))
    edits = editability(state, domain, alphas)
    return {**likeness(state, domain, target), "seconds": step.seconds, "edits": asdict(edits)}


def chain(
    target: Tensor, domain: Domain, options: InversionOptions, alphas: Mapping[str, float]
) -> dict[str, Any]:
    """Measures of the end of every stage."""
    ends = stage_ends(target, domain, options)
    return {stage: measured(step, domain, target, alphas) for stage, step in ends.items()}


def methods(domain: Domain, store: Store, args: argparse.Namespace) -> None:
    """The table, on renders and on samples, and the orderings that must hold."""
    alphas = store.get(["alphas"], lambda: one_sigma_alphas(domain))
    print("alpha of 1 σ: " + ", ".join(f"{n} {a:.2f}" for n, a in alphas.items()))
    search_all(domain, args)
    for title in (RENDERS, SAMPLES):
        rows: dict[str, list[dict[str, Any]]] = {}
        for index in range(args.count):
            for name, found in searched(domain, store, args, title, index).items():
                for stage, row in CHAINS[name][1].items():
                    if stage in found:
                        rows.setdefault(row, []).append(found[stage])
        print(f"\n{title} ({args.count})")
        print_methods(rows)
        if title == RENDERS:
            print_orderings(rows)


def search_all(domain: Domain, args: argparse.Namespace) -> None:
    """Do every search that is not done yet, a picture to a process of one thread."""
    tasks = [(title, index) for title in (RENDERS, SAMPLES) for index in range(args.count)]
    processes = ProcessPoolExecutor(
        args.processes or os.cpu_count(), get_context("spawn"), torch.set_num_threads, (1,)
    )
    with processes as pool:
        running = [pool.submit(search_one, args, title, index) for title, index in tasks]
        for done, task in enumerate(as_completed(running), 1):
            task.result()
            print(f"\r{done} of {len(tasks)} pictures", end="", file=sys.stderr)
    print(file=sys.stderr)


def search_one(args: argparse.Namespace, title: str, index: int) -> None:
    """In a process of its own: all methods on one picture, into the store."""
    domain = open_domain(args.domain)
    searched(domain, Store(Path(args.out), domain.fingerprint), args, title, index)


def searched(
    domain: Domain, store: Store, args: argparse.Namespace, title: str, index: int
) -> dict[str, dict[str, Any]]:
    """Name of a chain -> measures of the end of each of its stages, on one picture."""
    alphas = store.get(["alphas"], lambda: one_sigma_alphas(domain))
    if title == RENDERS:
        (target,) = held_out_renders(1, domain.generator.img_resolution, skip=index)
    else:
        (target,) = samples(1, domain, skip=index)
    found = {}
    for name, (usual, _) in CHAINS.items():
        if title == RENDERS or name in SAMPLED:
            options = shortened(usual, args)
            key = ["methods", title, index, name, asdict(options), alphas]
            found[name] = store.get(key, lambda o=options: chain(target, domain, o, alphas))
    return found


def shortened(options: InversionOptions, args: argparse.Namespace) -> InversionOptions:
    """With --quick a twentieth of the steps: to see the command run, not to measure."""
    if not args.quick:
        return options
    return replace(
        options,
        steps=options.steps // 20,
        noise=replace(options.noise, steps=options.noise.steps // 20),
        tune=replace(options.tune, steps=options.tune.steps // 20),
    )


def mean(rows: Sequence[Mapping[str, Any]], name: str) -> float | None:
    values = [row[name] for row in rows if row[name] is not None]
    return statistics.fmean(values) if values else None


def mean_edits(rows: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    edits = [Editability(**row["edits"]) for row in rows]
    return statistics.fmean(e.mean for e in edits), statistics.fmean(e.others for e in edits)


def print_methods(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    forms = {"psnr": ".2f", "mse": ".4f", "ssim": ".3f", "perceptual": ".4f", "identity": ".2f"}
    table = []
    for name, found in rows.items():
        values = [mean(found, measure) for measure in MEASURES]
        cells = [
            "–" if value is None else format(value, forms[measure])
            for measure, value in zip(MEASURES, values, strict=True)
        ]
        arrived, others = mean_edits(found)
        seconds = f"{mean(found, 'seconds') or 0:.1f}"
        table.append([name, *cells, seconds, f"{arrived:.2f}", f"{others:.2f}"])
    header = ["method", *(m.upper() if m != "identity" else "ID" for m in MEASURES),
              "seconds", "arrives σ", "others σ"]  # fmt: skip
    print_table(header, table)


def print_orderings(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    def near(name: str) -> float:
        return mean(rows[name], "psnr") or 0.0 if name in rows else 0.0

    pairs = [
        ("W", "W+ from the mean (Image2StyleGAN)"),
        ("W+ from the mean (Image2StyleGAN)", "W, then PTI"),
        ("W+ from the mean (Image2StyleGAN)", "W+, then noise (++)"),
        ("level standard: W+", "level standard: noise"),
        ("level best: W+", "level best: noise"),
        ("level best: noise", "level best: weights"),
    ]
    print("\nOrderings of PSNR:")
    for low, high in pairs:
        if low in rows and high in rows:
            verdict = "holds" if near(low) < near(high) else "DOES NOT HOLD"
            print(f"  {low} {near(low):.2f} < {high} {near(high):.2f}: {verdict}")
        else:
            print(f"  {low} < {high}: not measurable here (a stage was left out)")
    plain, inside = "W+ from the mean (Image2StyleGAN)", "in-domain (idinvert)"
    a, b = mean_edits(rows[plain])[0], mean_edits(rows[inside])[0]
    cost = near(plain) - near(inside)
    verdict = "holds" if b > a else "DOES NOT HOLD"
    print(f"  in-domain arrives {b:.2f} σ, plain W+ {a:.2f} σ, cost {cost:.2f} dB: {verdict}")
