"""What ``direction ...`` does; ``editing.cli.main`` reads its flags."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from editing.cli.arguments import parse_direction, parse_number, parse_whole
from editing.cli.edit import Result, check_sources, open_named, open_portrait
from editing.cli.flags.use import check_mode
from editing.directions import unsupervised
from editing.directions.direction import Direction, save_direction
from editing.directions.rescoring import by_row, find_layers, trial_ws
from editing.directions.samples import moments
from editing.directions.stylespace import REGIONS, attribute_effects, region_effects
from editing.directions.subspaces import looks, paired_differences, subspace_of, unrelated
from editing.edits.stack import Move
from editing.edits.sweeps import STRIP, sweep_cells, sweep_sheet
from editing.errors import BadInput, UnknownName
from editing.io.images import check_writable, encode_png
from editing.io.progress import bar, reported
from editing.models.domain import Domain
from editing.models.generators.layers import format_layers, parse_layers, parse_strengths
from editing.pictures.contact_sheets import sheet
from editing.recipes.photos import write_bytes

METHODS = ("sefa", "pca", "basis", "axis", "subspace")
TAKES = {  # method -> flags that only some methods take
    "sefa": ("--layers",),
    "pca": ("--samples",),
    "basis": (),
    "axis": (),
    "subspace": ("--attribute", "--samples"),
}


# -- direction find


def find(args: Namespace) -> Result:
    """Find directions, save them, and draw a strip of each."""
    domain, out = open_named(args), Path(args.out)
    if args.method in TAKES:
        check_mode(args, args.method, TAKES, f"--method {args.method}")
    count = parse_whole("--count", args.count, 1, 512)
    samples = parse_whole("--samples", args.samples, 2, 10**7) if args.samples else None
    layers = parse_layers(args.layers, domain.generator) if args.layers else None
    found = found_directions(domain, args.method, count, layers, samples, args.attribute, args.seed)
    portrait = open_portrait(_with_search(args), domain)
    check_writable(out / "strips.png")
    cells, paths = [], []
    for direction in bar(found, "strips"):
        along = _along(direction)
        strip = list(sweep_cells(domain, portrait.state, along, STRIP))
        cells.append(sweep_sheet(strip, along, STRIP))
        paths.append(out / f"{file_name(direction.name)}.safetensors")
        save_direction(paths[-1], direction, domain.family)
    strips = sheet(cells, [f"{args.method} on {args.source}"], [d.name for d in found])
    write_bytes(out / "strips.png", encode_png(strips))
    lines = [f"{d.name:<16} {_share(d)}" for d in found]
    facts = [{"name": d.name, "file": str(p), "step": d.step, **dict(d.meta)}
             for d, p in zip(found, paths, strict=True)]  # fmt: skip
    text = "\n".join([*lines, f"{len(found)} directions in {out}; strips.png shows them."])
    return Result(text, {"out": str(out), "strips": str(out / "strips.png"), "directions": facts})


def found_directions(
    domain: Domain,
    method: str,
    count: int,
    layers: tuple[int, ...] | None = None,
    samples: int | None = None,
    attribute: str | None = None,
    seed: int = 0,
) -> list[Direction]:
    """The directions of one of ``METHODS``.

    Raises:
        UnknownName, BadInput: no such method, or what it needs is missing.
    """
    if method == "sefa":
        return unsupervised.sefa(domain, layers, count)
    if method == "pca":
        samples = samples or unsupervised.GANSPACE_SAMPLES
        return unsupervised.ganspace(domain, count, samples)
    if method == "axis":
        return [unsupervised.axis(domain, index) for index in range(count)]
    if method == "basis":
        return [unsupervised.random_basis(domain, seed, index) for index in range(count)]
    if method != "subspace":
        raise UnknownName.among("method", method, METHODS)
    if not attribute:
        raise BadInput("--method subspace needs the attribute; add --attribute smile, for example.")
    ws = trial_ws(domain, samples or 40)
    pairs = bar(paired_differences(domain, attribute, ws), "gradients", len(ws))
    others = unrelated(domain, attribute, ws[:8])
    axes = subspace_of(domain, attribute, torch.stack(list(pairs)), min(count, 8), others)
    described = zip(axes, looks(domain, axes, ws[:8]), strict=True)
    return [replace(axis, meta={**axis.meta, "looks": look}) for axis, look in described]


def _share(direction: Direction) -> str:
    facts = direction.meta
    parts = [f"{100 * facts['share']:.1f} %"] if "share" in facts else []
    return "  ".join([*parts, str(facts.get("looks", ""))])


# -- direction layers, channels, combine, rows, sweep


def layers(args: Namespace) -> Result:
    """Search the range of rows that carries an attribute at least cost."""
    domain = open_named(args)
    direction = parse_direction(args.name, domain)
    attribute = args.attribute or direction.name
    ws = trial_ws(domain, parse_whole("--count", args.count, 1, 10_000))
    with reported("ranges") as report:
        found = find_layers(domain, direction, attribute, ws, report=report)
    everything = next((c for c in found if len(c.layers) == ws.shape[1]), None)
    lines = [f"{'layers':<10}{'alpha':>8}{'cost':>10}{'others':>9}"]
    lines += [f"{format_layers(c.layers):<10}{c.alpha:>8.2f}{c.cost:>10.4f}{c.others:>8.2f}σ"
              for c in found[:10]]  # fmt: skip
    if not found:
        raise BadInput(f"No range of layers moves {attribute} along {direction.name}; use all.")
    best = found[0]
    if everything is not None:
        saved = 1 - best.cost / everything.cost
        lines.append(f"all layers {everything.cost:>17.4f}; the best cost {100 * saved:.0f} % less")
    if args.out:
        rescaled = replace(direction, layers=best.layers)
        save_direction(args.out, rescaled, domain.family)
        lines.append(f"Written to {args.out}.")
    facts = [{"layers": format_layers(c.layers), "alpha": c.alpha, "cost": c.cost,
              "others": c.others} for c in found]  # fmt: skip
    return Result("\n".join(lines), {"attribute": attribute, "choices": facts})


def channels(args: Namespace) -> Result:
    """Rank channels by their effect on an attribute or a region."""
    domain = open_named(args)
    count = parse_whole("--count", args.count, 1, 200)
    ws = trial_ws(domain, parse_whole("--samples", args.samples, 1, 10_000))
    if bool(args.attribute) == bool(args.region):
        raise BadInput("Name one of --attribute and --region, such as --attribute smile.")
    if args.attribute:
        ranking = attribute_effects(domain, args.attribute, ws)
    else:
        rng = torch.Generator().manual_seed(args.seed)
        ranking = region_effects(domain, parse_region(args.region), ws, rng)
    *_, effects = bar(ranking, "latents", len(ws))
    lines = [f"{str(e.channel):<18}{e.change:>+8.3f}  {100 * e.share:5.1f} %"
             for e in effects[:count]]  # fmt: skip
    facts = [{"channel": str(e.channel), "change": e.change, "share": e.share}
             for e in effects[:count]]  # fmt: skip
    return Result("\n".join(lines), {"channels": facts})


def parse_region(text: str) -> tuple[float, ...]:
    """'mouth' or '0.3,0.6,0.7,0.8' -> left, top, right, bottom.

    Raises:
        BadInput: neither.
    """
    if text in REGIONS:
        return REGIONS[text]
    parts = text.split(",")
    if len(parts) != 4:
        raise BadInput(
            f"--region {text!r} is none of {', '.join(REGIONS)}; or write left,top,right,bottom."
        )
    return tuple(parse_number("--region", part) for part in parts)


def combine(args: Namespace) -> Result:
    """Add a direction to another, or rotate one towards it."""
    domain = open_named(args)
    a, b = parse_direction(args.name, domain), parse_direction(args.other, domain)
    if (args.degrees is None) == (args.weight is None):
        raise BadInput("Name one of --degrees and --weight, such as --degrees 30.")
    if args.degrees is not None:
        degrees = parse_number("--degrees", args.degrees)
        made = unsupervised.rotated(a, b, degrees, moments(domain).covariance)
    else:
        weight = parse_number("--weight", args.weight)
        made = unsupervised.added(a, b, weight, domain.generator.num_ws)
    save_direction(args.out, made, domain.family)
    return Result(f"{made.name} written to {args.out}.", {"out": args.out, "name": made.name})


def rows(args: Namespace) -> Result:
    """What a direction changes when only one row moves."""
    domain = open_named(args)
    direction = parse_direction(args.name, domain)
    ws = trial_ws(domain, parse_whole("--count", args.count, 1, 1000))
    alpha = parse_number("--alpha", args.alpha)
    work = by_row(domain, direction, ws, alpha, direction.name)
    effects = list(bar(work, "rows", ws.shape[1]))
    lines = [f"{'row':<5}{'picture':>9}{'background':>12}{direction.name:>12}"]
    lines += [
        f"{e.row:<5}{100 * e.picture:>8.2f}%{100 * e.background:>11.2f}%"
        + (f"{e.change:>+11.2f}σ" if e.change is not None else "")
        for e in effects
    ]
    facts = [vars(effect) for effect in effects]
    return Result("\n".join(lines), {"direction": direction.name, "rows": facts})


def sweep(args: Namespace) -> Result:
    """A strip or a grid of strengths as one picture."""
    domain = open_named(args)
    if Path(args.out).suffix.lower() != ".png":
        raise BadInput(f"--out {args.out} is no PNG; write NAME.png.")
    match = re.fullmatch(r"([^:]+):([^:]+):([0-9]{1,3})", args.range)
    if not match or int(match[3]) < 1:
        raise BadInput(f"--range {args.range!r} is no range; write FROM:TO:FRAMES, such as -3:3:7.")
    first, last = (parse_number("--range", match[i]) for i in (1, 2))
    alphas = np.linspace(first, last, int(match[3])).round(4).tolist()
    check_sources(args, [args.source])
    held = [parse_direction(n.strip(), domain) for n in args.given.split(",") if n.strip()]
    along, across = (_sweep_move(text, held, domain) for text in (args.along, args.across))
    assert along is not None
    check_writable(args.out)
    portrait = open_portrait(args, domain)
    betas = alphas if across else [0.0]
    state = portrait.stack.apply(portrait.state, domain)
    work = sweep_cells(domain, state, along, alphas, across, betas)
    cells = list(bar(work, "pictures", len(alphas) * len(betas)))
    write_bytes(Path(args.out), encode_png(sweep_sheet(cells, along, alphas, across, betas)))
    return Result(f"Written to {args.out}.", {"out": args.out, "strengths": alphas})


def _sweep_move(text: str | None, held: Sequence[Direction], domain: Domain) -> Move | None:
    if not text:
        return None
    name, at, layers = text.partition("@")
    rows, strengths = parse_strengths(layers, domain.generator) if at else (None, ())
    direction = parse_direction(name, domain)
    own = tuple(d for d in (direction, *held) if d.name not in domain.boundaries)
    given = tuple(each.name for each in held)
    return Move(direction.name, 0.0, rows, given, strengths=strengths, own=own)


def _along(direction: Direction) -> Move:
    return Move(direction.name, 0.0, own=(direction,))


def _with_search(args: Namespace) -> Namespace:
    return Namespace(**{"level": "standard", "no_align": False, **vars(args)})


def file_name(name: str) -> str:
    """A name as the stem of a file."""
    return re.sub(r"[^\w.+-]+", "-", name).strip("-") or "direction"
