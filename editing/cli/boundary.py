"""What ``boundary ...`` does; ``editing.cli.main`` reads its flags."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from editing.cli.arguments import parse_direction, parse_seeds, parse_whole
from editing.cli.direction import file_name
from editing.cli.edit import Result, open_named
from editing.cli.flags.use import check_mode
from editing.directions.conditions import condition
from editing.directions.direction import Direction, save_direction
from editing.directions.rescoring import Effect, trial_ws
from editing.directions.rescoring import rescore as rescored
from editing.directions.samples import (
    Score,
    ScoredSet,
    draw_ws,
    joined,
    moments,
    score_latents,
    text_score,
)
from editing.directions.svm import cosines, from_scores, read_labels, train_boundary
from editing.directions.training import finished, train_all
from editing.errors import BadInput
from editing.io.images import check_writable, encode_png
from editing.io.progress import bar, reported
from editing.models.domain import Domain
from editing.pictures.contact_sheets import heat_map
from editing.recipes.boundary_sources import from_labels, from_pictures
from editing.recipes.photos import write_bytes

# -- boundary train

TAKES = {  # what a boundary is made of -> flags that only some ways take
    "the scorer's readings": ("--factor", "--count", "--space"),
    "two texts": ("--text", "--count", "--space"),
    "labels": ("--labels", "--space"),
    "picked seeds": ("--more", "--less", "--count"),
}


def _mode(args: Namespace) -> str:
    """What the boundary is made of, a key of ``TAKES``."""
    if args.labels:
        return "labels"
    if args.more or args.less:
        return "picked seeds"
    return "two texts" if args.text else "the scorer's readings"


def train(args: Namespace) -> Result:
    """Train one boundary, or all that the scorer reads."""
    domain, out = open_named(args), Path(args.out)
    if args.space not in ("w", "z"):
        raise BadInput(f"--space {args.space!r} is none of w and z.")
    sources = [args.factor, args.labels, args.more or args.less, args.text]
    if sum(map(bool, sources)) > 1:
        raise BadInput("Name only one of --factor, --labels, --more with --less, and --text.")
    mode = _mode(args)
    check_mode(args, mode, TAKES, f"a boundary of {mode}")
    if args.name == "all":
        if any(sources):
            raise BadInput(
                "'all' trains what the scorer reads; leave --factor, --labels, --more, --less and "
                "--text out, or name one boundary."
            )
        if args.space != "w":
            raise BadInput("'all' trains in w; name one attribute for z.")
        return _train_all(args, domain, out)
    check_writable(out)
    notes: tuple[str, ...] = ()
    if args.labels:
        labels = read_labels(args.labels)
        direction = from_labels(args.name, labels, domain, args.space, args.seed)
        notes = labels.notes
    elif args.more or args.less:
        direction = _from_picks(args, domain, out.parent)
    else:
        scored = _scored(args, domain, out.parent)
        factor = "text" if args.text else args.factor or args.name
        direction = _from_set(args, domain, scored, factor)
    direction = finished(domain, replace(direction, name=args.name), args.factor or args.name)
    save_direction(out, direction, domain.family)
    text = "\n".join([*_quality_lines(domain, direction), f"Written to {out}.", *notes])
    facts = {"out": str(out), "step": direction.step, **dict(direction.meta), "notes": list(notes)}
    return Result(text, facts)


def _train_all(args: Namespace, domain: Domain, out: Path) -> Result:
    check_writable(out / "train.txt")
    scored = _scored(args, domain, out)
    lines, facts = [], {}
    for direction in bar(train_all(domain, scored, args.seed), "boundaries", len(scored.names)):
        save_direction(out / f"{file_name(direction.name)}.safetensors", direction, domain.family)
        area = direction.meta["corrected"]["auc"]
        lines.append(f"{direction.name:<22} AUC " + ("–" if area is None else f"{area:.3f}"))
        facts[direction.name] = dict(direction.meta)
    return Result("\n".join([*lines, f"Written to {out}."]), {"out": str(out), "boundaries": facts})


def _from_set(args: Namespace, domain: Domain, scored: ScoredSet, factor: str) -> Direction:
    if args.space == "w":
        return from_scores(factor, scored, factor, args.seed)
    rng = np.random.default_rng(args.seed)
    z = scored.z(domain.generator.z_dim)
    return train_boundary(factor, z, scored.score(factor), rng, 0.1, "z")


def _scored(args: Namespace, domain: Domain, folder: Path) -> ScoredSet:
    """Drawn and scored latents; kept in a folder beside the result, so that a kill loses little."""
    count = parse_whole("--count", args.count, 10, 10**6)
    if args.text:
        score: Score = text_score(domain, *args.text)
        names: tuple[str, ...] = ("text",)
        scorer = json.dumps([domain.clip.fingerprint, *args.text])
        kept = folder / text_folder(args.text)
    else:
        score, scorer = domain.scorer, ""
        names, kept = domain.scorer.outputs, folder / ".scored"
    parts = []
    with reported("scoring") as report:
        done = 0
        for part in score_latents(domain, score, names, count, folder=kept, scorer=scorer):
            parts.append(part)
            done += len(part.seeds)
            report(done, count)
    return joined(parts)


def text_folder(texts: Sequence[str]) -> str:
    """Where scores of two texts are kept: a name for people, and its own for every pair."""
    mark = hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:8]
    return f".scored-{file_name('-'.join(texts))[:40]}-{mark}"


def _from_picks(args: Namespace, domain: Domain, folder: Path) -> Direction:
    if not (args.more and args.less):
        raise BadInput("--more and --less belong together; name seeds for both.")
    more, less = (draw_ws(domain, parse_seeds(text), 0.7) for text in (args.more, args.less))
    scored = _scored(args, domain, folder) if "scorer" in domain.parts else None
    return from_pictures(args.name, more, less, domain, scored, args.seed)


def _quality_lines(domain: Domain, direction: Direction) -> list[str]:
    meta = direction.meta
    lines = []
    for part in ("validation", "all"):
        if (quality := meta.get(part)) and quality["accuracy"] is not None:
            area = "" if quality["auc"] is None else f", AUC {quality['auc']:.3f}"
            lines.append(f"{part + ':':<12} accuracy {quality['accuracy']:.3f}{area}")
    if "picked" in meta:
        lines.append(f"{'meant:':<12} {meta['picked']}")
    if direction.safe_range:
        low, high = direction.safe_range
        lines.append(f"{'safe range:':<12} {low:g} to {high:g}")
    others = [parse_direction(name, domain) for name in domain.boundaries]
    found = sorted(cosines(direction, others).items(), key=lambda item: -abs(item[1]))[:5]
    if found:
        lines.append(f"{'cosines:':<12} " + ", ".join(f"{n} {v:+.2f}" for n, v in found))
    return lines


# -- boundary rescore


def rescore(args: Namespace) -> Result:
    """The rescoring table: what one step along each boundary changes."""
    domain = open_named(args)
    names = args.names or list(domain.boundaries)
    held = [parse_direction(n.strip(), domain) for n in args.given.split(",") if n.strip()]
    covariance = moments(domain).covariance if held else None
    directions = [
        condition(parse_direction(name, domain), held, covariance=covariance) for name in names
    ]
    if not directions:
        raise BadInput(f"The domain {domain.name} has no boundaries; train some first.")
    ws = trial_ws(domain, parse_whole("--count", args.count, 1, 100_000))
    if args.out:
        check_writable(args.out)
    effects = list(bar(rescored(domain, directions, ws), "directions", len(directions)))
    if args.out:
        write_bytes(Path(args.out), _table_bytes(args.out, effects))
    text = "\n".join(rescoring_lines(effects) + ([f"Written to {args.out}."] if args.out else []))
    facts: dict[str, Any] = {
        effect.name: {
            "change": dict(effect.change),
            "identity": effect.identity,
            "perceptual": effect.perceptual,
            "background": effect.background,
        }
        for effect in effects
    }
    return Result(text, {"given": [d.name for d in held], "rescoring": facts})


def rescoring_lines(effects: Sequence[Effect], most: int = 5) -> list[str]:
    """One line per direction: its own change first, then what else moves most."""
    lines = []
    for effect in effects:
        own = effect.change.get(effect.name)
        others = sorted(effect.change.items(), key=lambda item: -abs(item[1]))
        shown = [f"{n} {v:+.2f}" for n, v in others if n != effect.name][:most]
        first = "" if own is None else f"{own:+.2f} σ; "
        identity = "" if effect.identity is None else f"; identity −{effect.identity:.3f}"
        lines.append(
            f"{effect.name:<16} {first}{', '.join(shown)}{identity}; "
            f"background {100 * effect.background:.1f} %"
        )
    return lines


def _table_bytes(out: str, effects: Sequence[Effect]) -> bytes:
    suffix = Path(out).suffix.lower()
    if suffix == ".png":
        return encode_png(heat_map({effect.name: effect.change for effect in effects}))
    if suffix != ".csv":
        raise BadInput(f"--out {out} is neither CSV nor PNG; write NAME.csv or NAME.png.")
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["direction", *effects[0].change, "identity", "perceptual", "background"])
    for effect in effects:
        measured = [effect.identity, effect.perceptual, effect.background]
        writer.writerow([effect.name, *effect.change.values(), *measured])
    return text.getvalue().encode()
