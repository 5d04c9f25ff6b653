"""What the commands ``mix``, ``morph``, ``transfer`` and ``grid`` do."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from editing.animation.paths import Keyframes, Reenactment
from editing.cli.arguments import parse_feather, parse_number, parse_pair
from editing.cli.edit import (
    Portrait,
    Result,
    check_sources,
    open_named,
    open_portrait,
    picture_of,
)
from editing.cli.flags.use import check_mode, refuse_idle
from editing.cli.walk import film_of, is_film, open_drivers, open_other
from editing.edits.local_edits import ALONE, LOCAL_EDITS, LocalEdit, local_edit, local_options
from editing.edits.mix_edits import (
    OPERATIONS,
    Crossover,
    Grain,
    Morph,
    Other,
    Patch,
    Transfer,
    mask_bytes,
    other_of,
)
from editing.edits.mixing import crossover, row_strengths
from editing.edits.stack import Edit, EditStack, EditState, Entry, render
from editing.errors import BadInput, UnknownName
from editing.inversion.stages import Point
from editing.io.images import check_writable, save_png, to_pil
from editing.io.progress import bar, reported
from editing.models.domain import Domain
from editing.models.generators.layers import parse_strengths, style_rows
from editing.pictures.contact_sheets import MAX_CELLS, sheet
from editing.pictures.masks import changed_mask, load_mask
from editing.pictures.metrics import identity, perceptual
from editing.recipes.photos import write_bytes
from editing.recipes.recipe import export_png, make_recipe

Rows = tuple[tuple[int, ...] | None, tuple[float, ...]]


SEARCHED = ("--shift", "--layers", "--noise", "--exchange", "--weight")  # of no local edit
TAKES = {  # what is mixed -> flags that only some mixtures take
    "a region": ("--mask", "--shift", "--feather"),
    "layers": ("--weight", "--exchange"),
}
FILM = ("--frames", "--fps", "--ease", "--ping-pong", "--hold", "--size", "--beside", "--captions",
        "--measure", "--report", "--no-recipe")  # fmt: skip


def mix(args: Namespace) -> Result:
    """Cross portraits: layers, a region or noise of others."""
    known = (*OPERATIONS, *LOCAL_EDITS)
    if args.operation not in known:
        raise UnknownName.among("operation", args.operation, known)
    domain = _checked(args)
    local = args.operation in LOCAL_EDITS
    check_sources(args, [args.source, *args.others], ["--level"] if local else [])
    if local:
        refuse_idle(args, f"the operation {args.operation}, which searches by itself", SEARCHED)
        return _local(args, domain)
    check_mode(args, "a region" if _is_region(args) else "layers", TAKES)
    portrait = open_portrait(args, domain)
    others = [open_other(args, text, domain) for text in args.others]
    edits = [*_region_or_layers(args, others, domain)]
    if args.noise is not None:
        edits.append(_grain(args.noise, domain))
    if not edits:
        raise BadInput("There is nothing to mix; name another portrait, or --noise.")
    facts = _written(args.out, domain, portrait, edits)
    if args.exchange:
        facts["exchange"] = _exchanged(args, domain, portrait, others, edits)
    return Result("\n".join([f"Written to {args.out}.", *portrait.notes]), facts)


def _is_region(args: Namespace) -> bool:
    return args.mask is not None or args.shift is not None or args.operation != "copy"


def _region_or_layers(args: Namespace, others: Sequence[Other], domain: Domain) -> list[Edit]:
    texts: list[str] = args.layers or ["all"]
    if len(texts) > max(len(others), 1):
        raise BadInput(
            f"--layers was given {len(texts)} times for {len(others)} other portraits; give it "
            "once for each."
        )
    if _is_region(args):
        return [_patch(args, others, texts, domain)]
    weight = parse_number("--weight", args.weight)
    rows = [parse_rows(texts[min(i, len(texts) - 1)], domain) for i in range(len(others))]
    return [Crossover(o, r, weight, s) for o, (r, s) in zip(others, rows, strict=True)]


def _patch(args: Namespace, others: Sequence[Other], texts: Sequence[str], domain: Domain) -> Patch:
    if args.mask is None or len(others) > 1:
        raise BadInput("A region needs its --mask and one other portrait, or --shift and none.")
    mask, _ = load_mask(args.mask, domain.generator.img_resolution, parse_feather(args.feather))
    shift = parse_pair("--shift", args.shift) if args.shift else (0.0, 0.0)
    other = others[0] if others else None
    rows = None if texts == ["all"] else parse_rows(texts[0], domain)[0]
    return Patch(mask_bytes(mask), other, rows, args.operation, shift)


# -- local edits: searched


def _local(args: Namespace, domain: Domain) -> Result:
    """A region changed by a search, whose result is one more edit of the portrait."""
    options = local_options(args.operation, args.level)
    other, mask, notes = _local_inputs(args, domain)
    portrait = open_portrait(args, domain)
    before = portrait.stack.apply(portrait.state, domain)
    picture = render(before, domain).clamp(-1, 1)
    if portrait.photo is not None:  # the photo itself, not what the search has made of it
        picture = portrait.photo.at(domain.generator.img_resolution).to(picture)
    if mask is None:
        assert other is not None  # _local_inputs has looked
        mask = changed_mask(picture, other, parse_feather(args.feather))
    edit = LocalEdit(args.operation, picture, mask, other)
    start = Point(before.ws, before.noise, before.weight_delta, before.s_delta)
    rng = torch.Generator().manual_seed(args.seed)
    with reported(args.operation) as report:
        for step in local_edit(edit, start, domain, options, rng):
            report(step.index, step.total)
    found = other_of(args.operation, EditState(**vars(step.point)), domain)
    facts = _written(args.out, domain, portrait, [Morph(found, 1.0)])
    facts |= {"operation": args.operation, "steps": step.index, "seconds": round(step.seconds, 3)}
    said = [*portrait.notes, *notes, *step.notes]
    text = f"Written to {args.out} after {step.index} steps in {step.seconds:.1f} s."
    return Result("\n".join([text, *said]), {**facts, "notes": said})


def _local_inputs(
    args: Namespace, domain: Domain
) -> tuple[Tensor | None, Tensor | None, tuple[str, ...]]:
    """The other picture, the region, and notes; no region where the other's strokes are it."""
    wanted = 0 if args.operation in ALONE else 1
    if len(args.others) != wanted:
        raise BadInput(
            f"The operation {args.operation!r} takes {wanted} other picture{'s' * (wanted != 1)}, "
            f"not {len(args.others)}."
        )
    strokes = args.operation == "scribble"
    if args.mask is None and not strokes:
        raise BadInput(f"The operation {args.operation!r} needs its region; pass it with --mask.")
    other, notes = picture_of(args.others[0], domain) if wanted else (None, ())
    if args.mask is None:
        return other, None, notes
    size = domain.generator.img_resolution
    mask, more = load_mask(args.mask, size, parse_feather(args.feather))
    return other, mask, (*notes, *more)


def _grain(text: str, domain: Domain) -> Grain:
    """'7@fine*0.5', '7' or '@fine*0'."""
    seed, at, layers = text.partition("@")
    if seed and not (seed.isascii() and seed.isdigit()):
        raise BadInput(f"--noise {text!r} has no seed; write 7, 7@fine or @fine*0.5.")
    rows, strengths = parse_rows(layers, domain) if at else (None, ())
    return Grain(int(seed) if seed else None, rows, strengths)


def _exchanged(
    args: Namespace,
    domain: Domain,
    portrait: Portrait,
    others: Sequence[Other],
    edits: Sequence[Edit],
) -> str:
    crossovers = [edit for edit in edits if isinstance(edit, Crossover)]
    if len(others) != 1 or not crossovers:
        raise BadInput("--exchange gives both results of crossing two portraits by layers.")
    path = Path(args.out).with_stem(f"{Path(args.out).stem}-exchange")
    back = Namespace(**{**vars(args), "source": args.others[0]})
    mine = other_of(args.source, portrait.stack.apply(portrait.state, domain), domain)
    _written(str(path), domain, open_portrait(back, domain), [replace(crossovers[0], other=mine)])
    return str(path)


def morph(args: Namespace) -> Result:
    """The way to other portraits: a film, or one picture of it."""
    check_sources(args, [args.source, *args.others])
    if args.amount is None:
        domain = open_named(args)
        portrait = open_portrait(args, domain)
        others = tuple(open_other(args, text, domain) for text in args.others)
        return film_of(args, domain, portrait, Keyframes(others, space=args.space))
    refuse_idle(args, "one picture of a morph", FILM, "it is for films, without --amount")
    domain = _checked(args)
    portrait = open_portrait(args, domain)
    amount = parse_number("--amount", args.amount)
    if not 0 <= amount <= 1:
        raise BadInput(f"--amount {args.amount} lies outside the morph; choose from 0 to 1.")
    edit = Morph(open_other(args, args.others[0], domain), amount, args.space)
    return Result(f"Written to {args.out}.", _written(args.out, domain, portrait, [edit]))


def transfer(args: Namespace) -> Result:
    """Expression transfer; with several portraits, or a film of them, re-enactment."""
    domain = open_named(args)
    amount = parse_number("--amount", args.amount)
    rows = parse_rows(args.layers, domain)[0] if args.layers else None
    along = tuple(name.strip() for name in args.along.split(",") if name.strip())
    if is_film(args.out):
        drivers = open_drivers(args, args.after, domain)
        if args.before:
            drivers = (open_other(args, args.before, domain), *drivers)
        way = Reenactment(drivers, amount, rows, along)
        return film_of(args, domain, open_portrait(args, domain), way)
    if args.before is None or len(args.after) != 1:
        raise BadInput("A picture needs one --from and one --to; several --to make a film (.mp4).")
    refuse_idle(args, "a picture", FILM, "it is for films such as NAME.mp4")
    _checked(args)
    check_sources(args, [args.source, args.before, *args.after])
    ends = [open_other(args, text, domain) for text in (args.before, args.after[0])]
    edit = Transfer(ends[0], ends[1], amount, rows, along)
    portrait = open_portrait(args, domain)
    return Result(f"Written to {args.out}.", _written(args.out, domain, portrait, [edit]))


def grid(args: Namespace) -> Result:
    """A style-mixing grid with the portraits themselves at its edges."""
    domain = _checked(args)
    args.latent = None
    check_sources(args, [*args.sources, *args.others])
    if len(args.sources) * len(args.others) > MAX_CELLS:
        raise BadInput(
            f"A grid of {len(args.sources)} x {len(args.others)} pictures is not possible; take "
            f"up to {MAX_CELLS}."
        )
    rows, strengths = parse_rows(args.layers, domain)
    shares = row_strengths(domain.generator, rows, strengths)
    down = [open_other(args, text, domain).state(domain) for text in args.sources]
    across = [open_other(args, text, domain).state(domain) for text in args.others]
    states = [a for a in across]
    for a in down:
        states += [a, *(crossover(a, b, shares, domain) for b in across)]
    cells = [to_pil(render(state, domain)) for state in bar(states, "grid")]
    cells.insert(0, Image.new("RGB", cells[0].size, "white"))
    save_png(args.out, sheet(cells, ["", *args.others], ["", *args.sources]))
    facts = {"out": args.out, "rows": args.sources, "columns": args.others, "layers": args.layers}
    return Result(f"Written to {args.out}.", facts)


# -- shared


def parse_rows(text: str, domain: Domain) -> Rows:
    """Layers with their shares; 'style' is all that is finer than 64 pixels.

    Raises:
        BadInput: no such layers.
    """
    if text == "style":
        rows = style_rows(domain.generator)
        if not rows:
            raise BadInput(
                f"{domain.name} has no layers finer than 64 pixels to take a style from; name "
                "layers instead."
            )
        return rows, ()
    return parse_strengths(text, domain.generator)


def _checked(args: Namespace) -> Domain:
    if Path(args.out).suffix.lower() != ".png":
        raise BadInput(f"--out {args.out} is no PNG, which carries the recipe; write NAME.png.")
    check_writable(args.out)
    return open_named(args)


def _written(
    out: str, domain: Domain, portrait: Portrait, edits: Sequence[Edit]
) -> dict[str, object]:
    stack = EditStack((*portrait.stack.entries, *(Entry(edit) for edit in edits)))
    img = render(stack.apply(portrait.state, domain), domain)
    before = render(portrait.state, domain)
    recipe = make_recipe(domain, portrait.source, stack, inversion=portrait.inversion)
    write_bytes(Path(out), export_png(img, recipe, portrait.latent))
    return {
        "out": out,
        "identity": identity(domain, before, img),
        "perceptual": perceptual(domain, before, img) if "perceptual" in domain.parts else None,
        "notes": list(portrait.notes),
    }
