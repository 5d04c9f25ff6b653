"""What the command ``walk`` does, and how every other command makes its film."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from editing.animation.encoder import kind_of
from editing.animation.film import Look, Projector, make_film, measured, write_report
from editing.animation.paths import Way
from editing.animation.walk import Walk
from editing.animation.walk_values import kind_of as way_kind
from editing.cli.arguments import parse_number, parse_whole
from editing.cli.edit import Portrait, Result, open_named, open_portrait
from editing.cli.flags.walk_kinds import way_of
from editing.io.progress import reported
from editing.models.domain import Domain
from editing.models.latents import save_latent
from editing.recipes.recipe import make_recipe, save_recipe


def walk(args: Namespace) -> Result:
    """Animate a portrait."""
    domain = open_named(args)
    return film_of(args, domain, None, way_of(args, domain))


def film_of(args: Namespace, domain: Domain, portrait: Portrait | None, way: Way) -> Result:
    """Write the film of a way from the portrait of ``args.source``, and its recipe beside it."""
    path = Path(args.out)
    made = Walk(
        way,
        parse_whole("--frames", args.frames, 0, 10**9),
        parse_number("--fps", args.fps),
        tuple(name.strip() for name in args.ease.split(",") if name.strip()) or ("linear",),
        args.ping_pong,
        parse_number("--hold", args.hold),
        getattr(args, "even", False),
        args.seed,
    )
    size = parse_whole("--size", args.size, 16, 4096) if args.size else None
    look = Look(kind_of(path), size, args.beside, args.captions)
    portrait = portrait or open_portrait(args, domain)
    projector = Projector(made, portrait.stack.apply(portrait.state, domain), domain, look)
    projector.check(path)
    with reported("walk") as report:
        film = make_film(path, projector, report)
    facts: dict[str, Any] = {
        "out": args.out, "kind": way_kind(way), "frames": film.frames, "fps": made.fps,
        "size": [film.width, film.height], "bytes": film.bytes, "loops": made.returns,
        **projector.notes,
    }  # fmt: skip
    lines = [f"{film.frames} frames, {film.bytes / 1e6:.2f} MB, written to {args.out}."]
    lines += [f"{name} {value:.2f}" for name, value in projector.notes.items()]
    if not args.no_recipe:
        facts["recipe"] = str(_write_recipe(path, domain, portrait, made, look))
    if args.measure or args.report:
        with reported("measure") as report:
            found = measured(projector, report)
        facts |= found.facts()
        lines += [f"{name.replace('_', ' ')} {value:.3f}" for name, value in found.facts().items()]
        if args.report:
            facts["report"] = [str(each) for each in write_report(Path(args.report), found)]
    return Result("\n".join([*lines, *portrait.notes]), {**facts, "notes": list(portrait.notes)})


def is_film(out: str) -> bool:
    """Whether a name is a film's rather than a picture's."""
    return kind_of(Path(out)) != ".png"


def _write_recipe(path: Path, domain: Domain, portrait: Portrait, made: Walk, look: Look) -> Path:
    """NAME.recipe.yaml beside the film, and for any but a seed NAME.latent.npz."""
    recipe = make_recipe(
        domain, portrait.source, portrait.stack, inversion=portrait.inversion, walk=made, look=look
    )
    target = path.with_name(f"{path.stem}.recipe.yaml")
    save_recipe(target, recipe)
    if portrait.source.kind != "seed":
        save_latent(path.with_name(f"{path.stem}.latent.npz"), portrait.latent)
    return target
