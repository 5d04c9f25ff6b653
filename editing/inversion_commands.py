"""What ``python -m editing invert`` does; ``editing.cli`` reads its flags."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from editing.alignment import open_photo
from editing.arguments import parse_feather, parse_number
from editing.batches import VIDEO_SUFFIXES, invert_all
from editing.commands import Result, open_named
from editing.domains import Domain
from editing.errors import BadInput
from editing.inversion_options import (
    InversionOptions,
    NoiseOptions,
    TuneOptions,
    options_for,
    parse_start,
    with_setting,
)
from editing.latents import is_latent_file, load_latent
from editing.masks import load_mask
from editing.photos import Job, invert_into

STAGES: Mapping[str, Any] = {"noise": NoiseOptions(steps=150), "tune": TuneOptions(steps=350)}
FILES = ("aligned.png", "reconstruction.png", "latent.npz", "metrics.json")


def invert(args: Namespace) -> Result:
    """Invert a photo, a folder of photos or a video."""
    source, out = Path(args.source), Path(args.out)
    options, start_file = parse_inversion(args)
    domain = open_named(args)
    job = _job(args, options, start_file, domain)
    if not source.is_dir() and source.suffix.lower() not in VIDEO_SUFFIXES:
        if args.together:
            raise BadInput("--together shares one tuning between photos; pass a folder of them.")
        facts = invert_into(out, open_photo(source, job.aligned), job)
        paths = [str(out / name) for name in FILES]
        return Result(_text(out, facts), {"out": str(out), "paths": paths, **facts})
    batch = invert_all(source, out, job, args.together)
    table = out / "metrics.csv"
    text = f"{len(batch.rows)} inverted into {out}, see {table}."
    text += "".join(f"\nLeft out: {sentence}" for sentence in batch.failed.values())
    text += "".join(f"\n{note}" for note in batch.notes)
    facts = {"out": str(out), "table": str(table), "photos": batch.rows, "failed": batch.failed,
             "notes": list(batch.notes)}  # fmt: skip
    return Result(text, facts)


def _job(args: Namespace, options: InversionOptions, start_file: str | None, domain: Domain) -> Job:
    given = mask = context = None
    notes: tuple[str, ...] = ()
    if start_file:
        latent = load_latent(start_file)
        latent.check(domain.generator, domain.fingerprint, domain.name)
        given = latent.ws
    if args.mask:
        feather = parse_feather(args.feather)
        mask, notes = load_mask(args.mask, domain.generator.img_resolution, feather)
    elif args.feather is not None:
        raise BadInput("--feather softens the edge of a mask; pass one with --mask.")
    if args.into:
        context = open_photo(args.into, not args.no_align)
        notes = (*notes, *context.alignment.notes)
    return Job(domain, options, not args.no_align, args.seed, given, mask, context, notes)


def _text(out: Path, facts: Mapping[str, Any]) -> str:
    names = ("psnr", "ssim", "perceptual", "identity")
    values = [f"{name} {facts[name]:.3f}" for name in names if facts[name] is not None]
    lines = [f"Inverted into {out} in {facts['seconds']:.1f} s: {', '.join(values)}."]
    return "\n".join([*lines, *facts["notes"]])


def parse_inversion(args: Namespace) -> tuple[InversionOptions, str | None]:
    """Options of --level and what overrides it, and the latent file of --start if it is one.

    Raises:
        UnknownName, BadInput: a flag names what there is not, or is out of range.
    """
    changes: dict[str, Any] = {}
    if args.space:
        changes["space"] = args.space
    if args.steps is not None:
        if not re.fullmatch(r"[0-9]{1,12}", args.steps):
            raise BadInput(f"--steps needs a whole number from 0 instead of {args.steps!r}.")
        changes["steps"] = int(args.steps)
    start_file = None
    if args.start and (is_latent_file(args.start) or Path(args.start).is_file()):
        start_file = args.start
    elif args.start:
        parse_start(args.start)
        changes["start"] = args.start
    if args.noise and args.together:
        raise BadInput(
            "--noise finds maps for one picture, and --together weights for all; use one of them."
        )
    options = options_for(args.level, **changes)
    wanted = {"noise": args.noise, "tune": args.tune or args.together}
    for name in wanted:
        if wanted[name] and getattr(options, name).steps < STAGES[name].steps:
            options = replace(options, **{name: STAGES[name]})
    for setting in args.settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise BadInput(f"--set {setting!r} sets nothing; write loss.pixel=2, for example.")
        options = with_setting(options, name, parse_number(f"--set {name}", value))
    return options, start_file
