"""What ``text``, ``search``, ``statistics build`` and ``mapper train`` do."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from editing.arguments import parse_class, parse_number, parse_seeds, parse_whole
from editing.commands import Result, open_named, open_portrait
from editing.descriptions import DESCRIPTION, describe_file, write_description
from editing.domains import Domain, open_domain
from editing.edits import Move, render
from editing.errors import BadInput, MissingFile, UnknownName
from editing.images import check_writable, encode_png, to_pil
from editing.latents import load_latent, parse_seed
from editing.layers import parse_layers, rows_by_layer, style_widths
from editing.mappers import MapperOptions, load_mapper, save_mapper, train_mapper
from editing.metrics import identity, perceptual
from editing.photos import write_bytes
from editing.progress import bar, reported
from editing.ranking import Hit, latent_files, rank, see_latents, see_seeds
from editing.recipes import export_png, make_recipe
from editing.sheets import sheet
from editing.states import EditState, state_of
from editing.statistics import measure_statistics, save_statistics
from editing.table_build import TableOptions, build_file, default_layers
from editing.templates import LISTS, language_of, parse_templates
from editing.text import TextEdit
from editing.text_descent import DescentOptions, descend
from editing.text_effects import (
    ALPHAS,
    Report,
    explain,
    grid_betas,
    grid_cells,
    grid_sheet,
)

METHODS = ("", "global", "jacobian", "optimize", "mapper")
ALPHA = {"optimize": 1.0, "mapper": 1.0}  # where none is given; else 4
LISTED = 20  # channels in the JSON
CELL, COLUMNS = 128, 5  # pictures of a search
TABLE = "global_directions.safetensors"


# -- text


def text(args: Namespace) -> Result:
    """Edit a portrait by two texts."""
    domain = open_named(args)
    for path in (args.out, args.grid):
        if path and Path(path).suffix.lower() != ".png":
            raise BadInput(f"{path} is no PNG; write NAME.png.")
    if args.method not in METHODS:
        raise UnknownName.among("method", args.method, METHODS[1:])
    if args.grid and args.method in ("optimize", "mapper"):
        raise BadInput("--grid shows thresholds, which this method has not; leave it out.")
    asked = _asked(args, domain)
    found: Move | TextEdit | None = None
    if args.method not in ("optimize", "mapper"):
        found = asked.resolved(domain)  # refuses here, before a photo is inverted
    for path in (args.out, args.grid):
        if path:
            check_writable(path)
    portrait = open_portrait(args, domain)
    state = portrait.stack.apply(portrait.state, domain)
    edit = found or _searched(args, domain, asked, state)
    stack = portrait.stack.add(edit)
    before, after = render(state, domain), render(edit.apply(state, domain), domain)
    recipe = make_recipe(domain, portrait.source, stack, inversion=portrait.inversion)
    write_bytes(Path(args.out), export_png(after, recipe, portrait.latent))
    facts: dict[str, Any] = {
        "out": args.out,
        "method": args.method or getattr(edit, "method", ""),
        "target": args.target,
        "neutral": getattr(edit, "neutral", args.neutral),
        "alpha": edit.alpha,
        "identity": identity(domain, before, after),
        "perceptual": perceptual(domain, before, after) if "perceptual" in domain.parts else None,
    }
    lines, notes = [f"Written to {args.out}."], list(portrait.notes)
    if isinstance(edit, TextEdit):
        report = explain(domain, edit, before, after)
        facts |= report_facts(report)
        lines += report_lines(report, domain)
        notes += report.notes
    if args.grid:
        lines.append(_grid(args, domain, asked, state))
    return Result("\n".join([*lines, *notes]), {**facts, "notes": notes})


def _asked(args: Namespace, domain: Domain) -> TextEdit:
    """The text edit of the flags, not yet found."""
    alpha = ALPHA.get(args.method, 4.0)
    return TextEdit(
        args.target,
        alpha if args.alpha is None else parse_number("--alpha", args.alpha),
        args.neutral,
        None if args.beta == "auto" else parse_number("--beta", args.beta),
        None if args.channels is None else parse_whole("--channels", args.channels, 1, 100_000),
        args.method,
        tuple(name.strip() for name in args.keep.split(",") if name.strip()),
        parse_layers(args.layers, domain.generator) if args.layers else None,
        _templates(args.templates, args.target) if args.templates else (),
    )


def _templates(path: str, target: str) -> tuple[str, ...]:
    if path in LISTS:
        return LISTS[path][language_of(target)]
    if not Path(path).is_file():
        raise MissingFile(
            f"{path} is missing; write a template such as 'a photo of {{}}' per line."
        )
    try:
        return parse_templates(Path(path).read_text(encoding="utf-8").splitlines())
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is no text; write a template on every line.") from error


def _searched(
    args: Namespace, domain: Domain, asked: TextEdit, state: EditState
) -> Move | TextEdit:
    """The edit that a mapper or an optimisation finds for this portrait."""
    if args.method == "mapper":
        if not args.mapper:
            raise BadInput("--method mapper needs --mapper FILE; make one with 'mapper train'.")
        return load_mapper(args.mapper, domain).move(state.ws, asked.alpha)
    steps = parse_whole("--steps", args.steps, 1, 2_000)
    options = DescentOptions(args.space, steps, layers=asked.layers)
    with reported("optimize") as report:
        for step in descend(domain, state, asked.target, asked.neutral, options, args.seed):
            report(step.index, step.total)
    return replace(step.find(), alpha=asked.alpha)


def _grid(args: Namespace, domain: Domain, asked: TextEdit, state: EditState) -> str:
    betas = grid_betas(domain, asked)
    cells = list(
        bar(grid_cells(domain, state, asked, ALPHAS, betas), "grid", len(ALPHAS) * len(betas))
    )
    write_bytes(Path(args.grid), encode_png(grid_sheet(cells, ALPHAS, betas)))
    return f"The grid is in {args.grid}."


def report_facts(report: Report) -> dict[str, Any]:
    """A report as JSON."""
    return {
        "channels": report.channels,
        "beta": report.beta,
        "by_layer": dict(report.by_layer),
        "top": {str(channel): weight for channel, weight in report.top[:LISTED]},
        "asked": report.asked,
        "gained": report.gained,
        "moved": dict(report.moved),
        "unknown_words": list(report.unknown),
    }


def report_lines(report: Report, domain: Domain) -> list[str]:
    """A report for people."""
    total = sum(style_widths(domain.generator)[name] for name in default_layers(domain))
    beta = "" if report.beta is None else f", beta {report.beta:.3f}"
    places = ", ".join(f"{layer} {count}" for layer, count in report.by_layer.items())
    lines = [f"{report.channels} of {total} channels{beta}: {places}"]
    if report.asked is not None:
        lines.append(f"CLIP got {100 * report.asked:.0f} % of the way that was asked for.")
    moved = sorted(report.moved.items(), key=lambda item: -abs(item[1]))[:6]
    if moved:
        lines.append("moved: " + ", ".join(f"{name} {value:+.2f} σ" for name, value in moved))
    return lines


# -- search


def search(args: Namespace) -> Result:
    """Rank seeds or latents by a text."""
    domain, top = open_named(args), parse_whole("--top", args.top, 1, 1_000)
    domain.clip.check_text(args.text)
    psi = parse_number("--psi", args.psi)
    if args.out:
        check_writable(args.out)
    if args.latents:
        paths = latent_files(Path(args.latents))
        seen, total = see_latents(domain, paths), len(paths)
    else:
        seeds = parse_seeds(args.seeds)
        seen, total = see_seeds(domain, seeds, psi), -(-len(seeds) // 16)
    hits = rank(domain, args.text, bar(seen, "look", total), args.neutral, top)
    lines = [f"{hit.score:+.3f}  {hit.name}" for hit in hits]
    if args.out:
        write_bytes(Path(args.out), encode_png(_hits_sheet(domain, hits)))
        lines.append(f"Written to {args.out}.")
    facts = [{"source": hit.name, "score": hit.score} for hit in hits]
    return Result("\n".join(lines), {"text": args.text, "hits": facts, "out": args.out})


def _hits_sheet(domain: Domain, hits: Sequence[Hit]) -> Any:
    cells = []
    for hit in hits:
        source = hit.name if parse_seed(hit.name) else load_latent(hit.name)
        picture = to_pil(render(state_of(source, domain), domain))
        cells.append(picture.resize((CELL, CELL)))
    return sheet(cells, [""] * min(COLUMNS, len(cells)))


# -- statistics build


def statistics_build(args: Namespace) -> Result:
    """Measure the table of global directions, and the statistics where there are none."""
    domain = open_named(args)
    size = args.max_resolution
    options = TableOptions(
        samples=parse_whole("--samples", args.samples, 1, 10_000),
        k=parse_number("--k", args.k),
        psi=parse_number("--psi", args.psi),
        seed=args.seed,
        layers=style_layers(args.layers, domain) if args.layers else (),
        base=args.base,
        method=args.method,
        half=args.half,
        max_resolution=None if size is None else parse_whole("--max-resolution", size, 4, 4096),
        inherit=args.published_defect,
    )
    out = Path(args.out) if args.out else domain.folder
    check_writable(out / TABLE)
    domain.clip.fingerprint  # noqa: B018  # refuses here, before anything is measured
    written = [TABLE]
    if "statistics" not in domain.parts:
        save_statistics(out / "statistics.safetensors", measure_statistics(domain.generator))
        written.append("statistics.safetensors")
        if out.resolve() == domain.folder.resolve():
            _describe(domain, written[1:])
            domain = open_domain(domain.folder, args.device, label=parse_class(args.label))
    with reported("channels") as report:
        for progress in build_file(domain, options, out / TABLE):
            report(progress.done, progress.total)
    assert progress.table is not None
    if out.resolve() == domain.folder.resolve():
        _describe(domain, written)
    facts = {"out": str(out / TABLE), "channels": progress.table.num_channels,
             "made": dict(progress.table.made)}  # fmt: skip
    return Result(f"{progress.table.num_channels} channels in {out / TABLE}.", facts)


def style_layers(text: str, domain: Domain) -> tuple[str, ...]:
    """'b8.conv0,b8.conv1', 'all' (ToRGB, too), or rows (0-3, coarse) -> the layers they mean."""
    if text == "all":
        return tuple(style_widths(domain.generator))
    names = [name.strip() for name in text.split(",")]
    if set(names) <= set(style_widths(domain.generator)):
        return tuple(names)
    rows, row_of = parse_layers(text, domain.generator), rows_by_layer(domain.generator)
    return tuple(name for name in default_layers(domain) if row_of[name] in rows)


def _describe(domain: Domain, files: Sequence[str]) -> None:
    """Name new files in the domain's description."""
    import yaml

    facts = yaml.safe_load((domain.folder / DESCRIPTION).read_text(encoding="utf-8"))
    for file in files:
        facts[Path(file).stem] = describe_file(domain.folder, file, source="statistics build")
    write_description(domain.folder, facts)


# -- mapper train


def mapper_train(args: Namespace) -> Result:
    """Train a latent mapper for one text."""
    domain, out = open_named(args), Path(args.out)
    groups = tuple(name.strip() for name in args.groups.split(",") if name.strip())
    steps = parse_whole("--steps", args.steps, 1, 100_000)
    options = MapperOptions(steps, groups=groups, seed=args.seed)
    check_writable(out)
    state = out.with_name(f".{out.stem}.unfinished")
    losses: dict[str, float] = {}
    with reported("mapper") as report:
        for step in train_mapper(domain, args.target, args.neutral, options, state):
            report(step.done, step.total)
            losses = step.losses or losses
    assert step.mapper is not None
    save_mapper(out, step.mapper)
    state.unlink(missing_ok=True)
    words = ", ".join(f"{name} {value:.3f}" for name, value in losses.items())
    return Result(f"Written to {out} ({words}).", {"out": str(out), "losses": losses})
