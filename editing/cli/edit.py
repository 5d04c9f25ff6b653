"""What the commands do; ``editing.cli.main`` reads their flags and prints their results."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from editing.animation.film import Projector, make_film
from editing.cli.arguments import (
    parse_blend,
    parse_class,
    parse_cutoff,
    parse_grid,
    parse_moves,
    parse_number,
    parse_seeds,
    with_cutoff,
)
from editing.cli.flags.use import refuse_idle
from editing.edits.stack import EditStack, EditState, Entry, latent_of, render, state_of
from editing.errors import BadInput, NoFace, UnknownName
from editing.figures.grids import Grid
from editing.inversion.invert import options_for
from editing.io.images import (
    MIN_SIDE,
    check_writable,
    grid,
    load_picture,
    save_png,
    to_pil,
    to_tensor,
    to_uint8,
)
from editing.io.progress import bar, reported
from editing.models.domain import Domain, list_domains, open_domain
from editing.models.latents import (
    Latent,
    SeedSpec,
    completed,
    is_latent_file,
    load_latent,
    parse_seed,
)
from editing.models.states import allowance_of, as_seeded, named_seed
from editing.pictures.alignment import Photo, align, centre_crop, find_alignment, open_photo
from editing.pictures.contact_sheets import sheet
from editing.pictures.metrics import identity, perceptual, readings
from editing.recipes.figure_replay import redraw
from editing.recipes.photos import (
    Job,
    invert_photo,
    photo_latent,
    source_of,
    write_bytes,
)
from editing.recipes.photos import finite as finite
from editing.recipes.presets import open_preset, photo_beside, preset_names
from editing.recipes.recipe import (
    Inversion,
    Output,
    Recipe,
    Source,
    export_png,
    load_recipe,
    made_here,
    make_recipe,
    read_export,
)
from editing.recipes.replay import in_photo, needs_photo, replay

DEFAULT_DOMAIN = "portraits"
PHOTO_SIZE = 512  # pixels of a photo with an edit's change


@dataclass(frozen=True)
class Result:
    """What a command has done: for people, and as JSON."""

    text: str
    facts: Mapping[str, Any]


# -- domains


def domains(args: Namespace) -> Result:
    """List the domains under weights/."""
    found = [_domain_facts(domain) for domain in list_domains()]
    if not found:
        return Result("There is no domain under weights/ yet.", {"domains": []})
    return Result("\n\n".join(_domain_text(facts) for facts in found), {"domains": found})


def _domain_facts(domain: Domain) -> dict[str, Any]:
    entries = {**domain.parts, **{f"boundary {n}": e for n, e in domain.boundaries.items()}}
    parts = {
        name: {"file": entry.file, "bytes": entry.size, "licence": entry.licence,
               "source": entry.source, "present": domain.is_present(entry)}
        for name, entry in entries.items()
    }  # fmt: skip
    return {
        "name": domain.name,
        "title": domain.title,
        "resolution": domain.resolution,
        "present": all(part["present"] for part in parts.values()),
        "bytes": sum(int(part["bytes"] or 0) for part in parts.values()),
        "attributes": list(domain.boundaries),
        "parts": parts,
    }


def _domain_text(facts: Mapping[str, Any]) -> str:
    lines = [f"{facts['name']}: {facts['title']}, {facts['resolution']} px"]
    for name, part in facts["parts"].items():
        size = f"{part['bytes'] / 1e6:6.2f} MB" if part["bytes"] else "  unknown"
        state = "" if part["present"] else "  (missing)"
        lines.append(f"  {name:<22}{size}  {part['licence'] or 'no licence stated'}{state}")
    return "\n".join(lines)


# -- generate


def generate(args: Namespace) -> Result:
    """Draw pictures of seeds."""
    from tqdm import tqdm

    seeds, psi = parse_seeds(args.seeds), parse_number("--psi", args.psi)
    shape = parse_grid(args.grid, len(seeds)) if args.grid else None
    specs = [SeedSpec(seed, psi, parse_cutoff(args)) for seed in seeds]
    domain, out = open_named(args), Path(args.out)
    paths, cells = [], []
    for spec in tqdm(specs, desc="generate", leave=False, disable=None):
        state = state_of(spec, domain)
        img = render(state, domain)
        recipe = make_recipe(domain, Source("seed", named_seed(spec, domain)), EditStack())
        paths.append(out / f"seed{spec.seed:04d}.png")
        write_bytes(paths[-1], export_png(img, recipe, latent_of(state, domain)))
        cells.append(img.cpu())
    facts: dict[str, Any] = {"out": str(out), "paths": [str(path) for path in paths]}
    if shape:
        import torch

        facts["grid"] = str(out / "grid.png")
        save_png(out / "grid.png", grid(torch.cat(cells), *shape))
    return Result(f"{len(paths)} pictures in {out}.", facts)


# -- edit


def edit(args: Namespace) -> Result:
    """Move a portrait along boundaries."""
    domain = open_named(args)
    if Path(args.out).suffix.lower() != ".png":
        raise BadInput(f"--out {args.out} is no PNG, which carries the recipe; write NAME.png.")
    check_sources(args, [args.source])
    moves = parse_moves(args.moves, args.given, args.absolute, domain)
    check_writable(args.out)
    portrait = open_portrait(args, domain)
    stack = EditStack((*portrait.stack.entries, *(Entry(move) for move in moves)))
    edited = stack.apply(portrait.state, domain)
    notes = [*portrait.notes, *stack.doubts(domain)]
    before, after = render(portrait.state, domain), render(edited, domain)
    output, img, kept = _output(args, domain), after, {}
    if needs_photo(output):
        if portrait.photo is None:
            flag = "--paste-back" if output.pasted else "--out-of-domain"
            raise BadInput(
                f"{flag} puts the edit into a photo and {args.source} is none; "
                "pass the photo itself."
            )
        made = in_photo(output, portrait.photo, before, after, domain, stack)
        img = made.picture
        notes += made.notes
        if output.outcome == "photo":
            kept = {"misfit": made.misfit, "mask": float(made.mask.mean())}
    recipe = make_recipe(
        domain, portrait.source, stack, inversion=portrait.inversion, output=output
    )
    write_bytes(Path(args.out), export_png(img, recipe, portrait.latent))
    facts = {
        "out": args.out,
        "moves": args.moves,
        "identity": identity(domain, before, after),
        "perceptual": _perceptual(domain, before, after),
        **kept,
        "notes": notes,
    }
    return Result("\n".join([f"Written to {args.out}.", *notes]), facts)


def _output(args: Namespace, domain: Domain) -> Output:
    """What the flags want to see: the portrait, the photo with the edit in it, or all of it."""
    if blend := parse_blend(args):
        return Output("photo", max(PHOTO_SIZE, domain.resolution), blend, args.paste_back)
    return Output(pasted=args.paste_back)


def _perceptual(domain: Domain, a: Tensor, b: Tensor) -> float | None:
    """None where the domain has no perceptual network, as one of a generator alone."""
    return perceptual(domain, a, b) if "perceptual" in domain.parts else None


@dataclass(frozen=True, eq=False)
class Portrait:
    """A source, opened: its state before ``stack``, and what a recipe says of it."""

    state: EditState
    latent: Latent
    source: Source
    stack: EditStack = EditStack()
    inversion: Inversion | None = None
    photo: Photo | None = None
    notes: tuple[str, ...] = ()


SOURCE_FLAGS = {  # kind of a source -> flags that only some kinds take
    "a seed": (),
    "a latent file": (),
    "an exported PNG": ("--latent",),
    "a photo": ("--level", "--no-align"),
}


def source_kind(text: str) -> str:
    """What a SOURCE is, a key of ``SOURCE_FLAGS``; what is not there counts as a photo."""
    if parse_seed(text):
        return "a seed"
    if is_latent_file(text):
        return "a latent file"
    return "an exported PNG" if Path(text).is_file() and read_export(text) else "a photo"


def check_sources(args: Namespace, texts: Sequence[str], needed: Collection[str] = ()) -> None:
    """Refuse flags that none of these sources takes.

    Args:
        needed: flags that the command needs for something else.

    Raises:
        BadInput: names the flag, and what the sources are.
    """
    kinds = dict.fromkeys(source_kind(text) for text in texts)
    taken = {flag for kind in kinds for flag in SOURCE_FLAGS[kind]} | set(needed)
    for kind, flags in SOURCE_FLAGS.items():
        idle = [flag for flag in flags if flag not in taken]
        refuse_idle(args, " and ".join(kinds), idle, f"it is for {kind}")


def open_portrait(args: Namespace, domain: Domain) -> Portrait:
    """SOURCE: a seed, a latent file, an exported PNG (with its edits), or a photo to invert."""
    text = with_cutoff(args)
    if spec := parse_seed(text):
        text = named_seed(spec, domain)
        state = state_of(text, domain)
        return Portrait(state, latent_of(state, domain), Source("seed", text))
    if is_latent_file(text):
        latent = _check(load_latent(text, allowance_of(domain)), domain)
        return Portrait(state_of(latent, domain), latent, Source("latent", Path(text).name))
    if Path(text).is_file() and (export := read_export(text, allowance_of(domain))):
        recipe, latent = export
        latent = _whole(args, latent)
        state = state_of(_check(latent, domain), domain)
        if recipe.source.kind == "seed":
            state = as_seeded(state, recipe.source.name, domain)
        return Portrait(state, latent, recipe.source, recipe.stack, recipe.inversion)
    photo = open_photo(text, not args.no_align)
    options = options_for(args.level)
    found = invert_photo(photo, Job(domain, options, not args.no_align, args.seed))
    notes = photo.alignment.notes
    latent = photo_latent(photo, found.state, domain)
    return Portrait(
        found.state, latent, source_of(photo), EditStack(), Inversion(options), photo, notes
    )


def _whole(args: Namespace, latent: Latent) -> Latent:
    """What travelled in a picture, with what --latent adds to it."""
    path = getattr(args, "latent", None)
    return completed(latent, load_latent(path)) if path else latent


def _check(latent: Latent, domain: Domain) -> Latent:
    latent.check(domain.generator, domain.fingerprint, domain.name)
    return latent


# -- score


def score(args: Namespace) -> Result:
    """Read a picture, and compare it with another."""
    domain = open_named(args)
    img, notes = picture_of(args.source, domain)
    facts: dict[str, Any] = {"source": args.source}
    other = None
    if args.reference:
        other, more = picture_of(args.reference, domain)
        facts, notes = {**facts, "reference": args.reference}, (*notes, *more)
    read = readings_of(img, domain, other)
    attributes, alike = read["attributes"], {k: v for k, v in read.items() if k != "attributes"}
    lines = [f"{name:<14}{value:+.2f}" for name, value in attributes.items()]
    lines += [f"{name:<14}{value:.3f}" for name, value in alike.items() if value is not None]
    facts |= read
    return Result("\n".join([*lines, *notes]), {**facts, "notes": list(notes)})


def readings_of(img: Tensor, domain: Domain, reference: Tensor | None = None) -> dict[str, Any]:
    """The judge's readings of a picture [1, 3, R, R] in [-1, 1], in σ, under ``attributes``.

    With a reference also ``identity`` and ``perceptual``, None where the domain lacks the network.
    """
    from editing.models.domain import open_judge  # here alone: see its docstring

    facts: dict[str, Any] = {"attributes": readings(open_judge(domain), img)}
    if reference is not None:
        facts["identity"] = identity(domain, img, reference)
        facts["perceptual"] = _perceptual(domain, img, reference)
    return facts


def picture_of(text: str, domain: Domain) -> tuple[Tensor, tuple[str, ...]]:
    """The picture itself [1, 3, R, R], as it would be saved, and notes on how it was taken.

    A picture of the domain's size, or one exported here, is taken as aligned already.
    """
    if parse_seed(text):
        return _as_saved(render(state_of(text, domain), domain), domain), ()
    if is_latent_file(text):
        latent = load_latent(text, allowance_of(domain))
        state = state_of(_check(latent, domain), domain)
        return _as_saved(render(state, domain), domain), ()
    size = domain.resolution
    picture = load_picture(text, least=min(MIN_SIDE, size))
    if picture.size == (size, size) or read_export(text):
        return to_tensor(picture, size).to(domain.device), ()
    try:
        alignment = find_alignment(picture, text)
        picture = align(picture, alignment.quad, size)
    except NoFace:
        picture, alignment = centre_crop(picture, size)
    return to_tensor(picture, size).to(domain.device), alignment.notes


def _as_saved(img: Tensor, domain: Domain) -> Tensor:
    return to_tensor(to_uint8(img)[0]).to(domain.device)


# -- run


def run(args: Namespace) -> Result:
    """Replay a recipe, a preset or an exported PNG."""
    path, recipe, latent = find_recipe(args.recipe)
    label = parse_class(args.label)
    domain = open_domain(args.domain or recipe.domain, args.device, label=label)
    if args.latent:  # a recipe alone names its latent; a PNG carries the most of it
        latent = _check(_whole(args, latent) if latent else load_latent(args.latent), domain)
    elif not args.photo:
        latent = latent or _latent_beside(path, recipe)
    if recipe.figure is not None:
        return _run_figure(args, path, recipe, latent, domain)
    given = args.photo or (photo_beside(path, recipe) if latent is None else None)
    made = replay(recipe, domain, latent, given)
    if recipe.walk is not None:
        return _run_walk(path, Path(args.out), recipe, made.edited, domain)
    target = Path(args.out) / f"{path.stem}.png"
    if target.resolve() == path.resolve():  # never over the picture that is replayed
        target = target.with_stem(f"{target.stem}-replay")
    latent = latent_of(made.source, domain)
    if given:
        photo = open_photo(given, recipe.source.aligned)
        inversion = recipe.inversion or Inversion(options_for())
        recipe = replace(recipe, source=source_of(photo), inversion=inversion)
        latent = photo_latent(photo, made.source, domain)
    recipe = made_here(recipe, domain)
    img = made.img if recipe.grid is None else _sheet_of(recipe.grid, made.edited, domain)
    write_bytes(target, export_png(img, recipe, latent))
    text = "\n".join([f"Written to {target}.", *made.notes])
    return Result(text, {"out": str(target), "notes": list(made.notes)})


def _sheet_of(grid: Grid, portrait: EditState, domain: Domain) -> Tensor:
    """A recipe's grid with its labels, [1, 3, H, W]."""
    states = bar(list(grid.states(portrait, domain)), "grid")
    cells = [to_pil(render(state, domain)) for state in states]
    return to_tensor(sheet(cells, grid.column_labels, grid.row_labels))


def _run_figure(
    args: Namespace, path: Path, recipe: Recipe, latent: Latent | None, domain: Domain
) -> Result:
    """The figure of a recipe, drawn again."""
    with reported("figure") as report:
        facts = redraw(path, recipe, domain, Path(args.out), latent, args.photo, report)
    text = "\n".join([f"Written to {facts['paths'][0]}.", *facts["notes"]])
    return Result(text, {"out": facts["paths"][0], **facts})


def _latent_beside(path: Path, recipe: Recipe) -> Latent | None:
    """The latent that was saved with the film of a recipe; a seed needs none."""
    beside = path.with_name(f"{path.stem.removesuffix('.recipe')}.latent.npz")
    if recipe.walk is None or recipe.source.kind == "seed" or not beside.is_file():
        return None
    return load_latent(beside)


def _run_walk(path: Path, out: Path, recipe: Recipe, start: EditState, domain: Domain) -> Result:
    """The film of a recipe, from the portrait it makes, or is applied to."""
    assert recipe.walk is not None
    target = out / f"{path.stem.removesuffix('.recipe')}{recipe.look.kind}"
    projector = Projector(recipe.walk, start, domain, recipe.look)
    with reported("walk") as report:
        film = make_film(target, projector, report)
    facts = {"out": str(target), "frames": film.frames, "bytes": film.bytes, **projector.notes}
    return Result(f"{film.frames} frames written to {target}.", facts)


def find_recipe(text: str) -> tuple[Path, Recipe, Latent | None]:
    """A recipe file, an exported PNG, or the name of a preset."""
    path = Path(text)
    if path.is_file():
        if path.suffix.lower() != ".png":
            return path, load_recipe(path), None
        export = read_export(path)
        if export is None:
            raise BadInput(f"{text} carries no recipe; pass a PNG that was exported with one.")
        return path, *export
    if text not in (known := preset_names()):
        raise UnknownName.among("recipe file or preset", text, known)
    preset = open_preset(text)
    return preset.path, preset.recipe, None


def open_named(args: Namespace) -> Domain:
    """The domain of --domain, on --device, drawing the class of --class."""
    return open_domain(args.domain or DEFAULT_DOMAIN, args.device, label=parse_class(args.label))
