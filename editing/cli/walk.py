"""What the command ``walk`` does, and how every other command makes its film.

What the flags of ``walk`` name: other portraits, and a way through them.
"""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from editing.animation import paths as ways
from editing.animation.encoder import kind_of
from editing.animation.film import Look, Projector, make_film, measured, write_report
from editing.animation.paths import Way
from editing.animation.random_paths import Metropolis, Pieces, RandomSteps, Within
from editing.animation.walk import KINDS, Walk
from editing.animation.walk import kind_of as way_kind
from editing.cli.arguments import parse_direction, parse_number, parse_pair, parse_whole
from editing.cli.edit import Portrait, Result, check_sources, open_named, open_portrait
from editing.cli.flags.use import check_mode
from editing.edits.mix_edits import Other, other_of
from editing.edits.stack import Move
from editing.errors import BadInput, UnknownName
from editing.io.progress import reported
from editing.models.domain import Domain
from editing.models.generators.layers import parse_strengths
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


def way_of(args: Namespace, domain: Domain) -> ways.Way:
    """The way that --kind and its flags describe.

    Raises:
        UnknownName: there is no such kind.
        BadInput: a flag that the kind refuses.
    """
    if args.kind not in KINDS:
        raise UnknownName.among("kind of walk", args.kind, KINDS)
    check_mode(args, args.kind, TAKES, f"a walk of the kind {args.kind}")
    check_sources(args, [args.source, *args.through])
    way = MAKERS[args.kind](args, domain)
    if args.loop and not way.closed:
        raise BadInput(
            f"A walk of the kind {args.kind} does not come back by itself; take --ping-pong."
        )
    return way


def open_other(args: Namespace, text: str, domain: Domain) -> Other:
    """Another SOURCE, with its edits, as it travels in an edit or a walk."""
    portrait = open_portrait(Namespace(**{**vars(args), "source": text}), domain)
    if portrait.source.kind == "seed" and not portrait.stack.entries:
        return Other(portrait.source.name)
    return other_of(portrait.source.name, portrait.stack.apply(portrait.state, domain), domain)


def open_drivers(args: Namespace, texts: Sequence[str], domain: Domain) -> tuple[Other, ...]:
    """Portraits, one after the other; a folder that ``invert`` made gives all of its own."""
    found: list[str] = []
    for text in texts:
        folder = Path(text)
        if folder.is_dir():
            inner = sorted(str(path) for path in folder.glob("*/latent.npz"))
            if not inner:
                raise BadInput(
                    f"{text} holds no inverted portraits; make it with 'python -m editing invert "
                    "VIDEO --out DIR'."
                )
            found += inner
        else:
            found.append(text)
    return tuple(open_other(args, text, domain) for text in found)


# -- kinds of walks


def _sweep(args: Namespace, domain: Domain) -> ways.Timeline:
    tracks = [_track(text, domain) for text in args.track]
    for number, name in enumerate(args.along):
        ends = [
            parse_number(flag, given[number] if number < len(given) else default)
            for flag, given, default in (("--from", args.begin, "-2"), ("--to", args.end, "2"))
        ]
        keys = (ways.Key(0.0, ends[0]), ways.Key(1.0, ends[1]))
        tracks.append(ways.Track(_move(name, domain), keys))
    if max(len(args.begin), len(args.end)) > len(args.along):
        raise BadInput("--from and --to belong to an --along each; name the attribute too.")
    return ways.Timeline(tuple(tracks))


def _move(text: str, domain: Domain) -> Move:
    """NAME[@LAYERS], where NAME may be a direction file."""
    name, at, layers = text.partition("@")
    rows, strengths = parse_strengths(layers, domain.generator) if at else (None, ())
    direction = parse_direction(name, domain)
    own = () if direction.name in domain.boundaries else (direction,)
    return Move(direction.name, 0.0, rows, strengths=strengths, own=own)


def _track(text: str, domain: Domain) -> ways.Track:
    """'smile@0-5=0:0,0.5:2,1:0:bounce'."""
    name, equals, rest = text.partition("=")
    if not equals:
        raise BadInput(f"--track {text!r} has no keys; write smile=0:0,0.5:2,1:0.")
    keys = []
    for part in rest.split(","):
        numbers = part.split(":")
        if not 2 <= len(numbers) <= 3:
            raise BadInput(f"--track {text!r} has the key {part!r}; write TIME:VALUE[:EASE].")
        time, value = (parse_number("--track", number) for number in numbers[:2])
        keys.append(ways.Key(time, value, numbers[2] if len(numbers) == 3 else ""))
    return ways.Track(_move(name, domain), tuple(keys))


def _keyframes(args: Namespace, domain: Domain) -> ways.Keyframes:
    others = tuple(open_other(args, text, domain) for text in args.through)
    return ways.Keyframes(others, args.curve, args.space or "w+", args.loop)


def _reenact(args: Namespace, domain: Domain) -> ways.Reenactment:
    return ways.Reenactment(open_drivers(args, args.through, domain), _number(args, "amount", 1.0))


def _number(args: Namespace, name: str, default: float) -> float:
    text = getattr(args, name)
    return default if text is None else parse_number(f"--{name}", text)


def _one(args: Namespace, name: str, flag: str, default: float) -> float:
    given = getattr(args, name)
    return parse_number(flag, given[0]) if given else default


def _truncation(args: Namespace, domain: Domain) -> ways.Truncation:
    return ways.Truncation(_one(args, "end", "--to", 0.0), _one(args, "begin", "--from", 1.0))


def _noise_loop(args: Namespace, domain: Domain) -> ways.NoiseLoop:
    waves = 3 if args.harmonics is None else parse_whole("--harmonics", args.harmonics, 1, 50)
    return ways.NoiseLoop(_number(args, "radius", 0.3), waves, args.space or "w")


def _tour(args: Namespace, domain: Domain) -> ways.Tour:
    count = 4 if args.count is None else parse_whole("--count", args.count, 1, 100)
    return ways.Tour(count, _number(args, "radius", 0.3), args.space or "w")


def _along(args: Namespace) -> str:
    if len(args.along) > 1:
        raise BadInput(f"A walk of the kind {args.kind} moves along one attribute, or along none.")
    return args.along[0] if args.along else ""


def _random(args: Namespace, domain: Domain) -> RandomSteps:
    along = _along(args)
    step = _number(args, "step", 0.15 if along else 1.0)
    reach = _number(args, "reach", 0.0)
    return RandomSteps(step, along, args.space or "w", args.loop, reach=reach)


def _pieces(args: Namespace, domain: Domain) -> Pieces:
    default = Pieces()
    along = _along(args)
    return Pieces(
        _number(args, "step", 0.1 if along else 0.3),
        along,
        args.space or "w",
        _listed(args, "segments", default.segments, float),
        _listed(args, "flags", default.flags, int),
        reach=_number(args, "reach", 0.0),
    )


def _listed(args: Namespace, name: str, default: Any, kind: Callable[[float], Any]) -> Any:
    text = getattr(args, name)
    if text is None:
        return default
    numbers = [parse_number(f"--{name}", part) for part in text.split(",")]
    if kind is int and any(number != int(number) for number in numbers):
        raise BadInput(f"--{name} {text!r} can hold 1 (out), -1 (back) and 0 (hold) alone.")
    return tuple(kind(number) for number in numbers)


def _metropolis(args: Namespace, domain: Domain) -> Metropolis:
    default = Metropolis()
    return Metropolis(
        _number(args, "step", default.step),
        args.space or "w",
        _number(args, "spread", 1.0),
        tuple(_within(text) for text in args.where),
    )


def _within(text: str) -> Within:
    """'smile=0.2..0.8' or 'smile=0.2..0.8~0.3'."""
    match = re.fullmatch(r"([^=]+)=([^~]+?)\.\.([^~]+?)(?:~(.+))?", text)
    if not match:
        raise BadInput(f"--where {text!r} is no range; write NAME=LOW..HIGH, as smile=0.2..0.8.")
    low, high, soft = (parse_number("--where", part or "0") for part in match.groups()[1:])
    return Within(match[1].strip(), low, high, soft)


def _place(args: Namespace, domain: Domain) -> ways.Place:
    right, down = parse_pair("--shift", args.shift) if args.shift else (0.0, 0.0)
    return ways.Place(right, down, _number(args, "turn", 0.0))


STEPS = ("--space", "--step")
TAKES = {  # kind of walk -> flags that only some kinds take
    "sweep": ("--along", "--from", "--to", "--track"),
    "keyframes": ("--through", "--curve", "--space"),
    "loop": ("--radius", "--space"),
    "noise-loop": ("--radius", "--harmonics", "--space"),
    "truncation": ("--from", "--to"),
    "basis": ("--count", "--radius", "--space"),
    "place": ("--shift", "--turn"),
    "random": (*STEPS, "--along", "--reach"),
    "piecewise": (*STEPS, "--along", "--segments", "--flags", "--reach"),
    "metropolis": (*STEPS, "--spread", "--where"),
    "reenact": ("--through", "--amount"),
}

MAKERS: dict[str, Callable[[Namespace, Domain], ways.Way]] = {
    "sweep": _sweep,
    "keyframes": _keyframes,
    "loop": lambda args, domain: ways.Circle(_number(args, "radius", 0.3), args.space or "w"),
    "noise-loop": _noise_loop,
    "truncation": _truncation,
    "basis": _tour,
    "place": _place,
    "random": _random,
    "piecewise": _pieces,
    "metropolis": _metropolis,
    "reenact": _reenact,
}
