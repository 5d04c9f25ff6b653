"""What the command ``figure`` does."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from torch import Tensor

from editing.alignment import open_photo
from editing.arguments import parse_moves, parse_number
from editing.commands import Result, open_named, open_portrait
from editing.domains import Domain
from editing.edits import EditStack
from editing.errors import UnknownName
from editing.figure_replays import USUAL_LEVEL, write_figure
from editing.figures import Column, Figure, column_of
from editing.latents import Latent, is_latent_file, parse_seed
from editing.photos import source_of
from editing.progress import reported
from editing.recipes import Source, make_recipe, read_export
from editing.states import named_seed
from editing.text import TextEdit

ENDINGS = (".png", ".pdf")  # that a name may have; both are written


def figure(args: Namespace) -> Result:
    """Compare inversions and edits of one portrait, at equal effect."""
    domain = open_named(args)
    columns = columns_of(args, domain)
    inversions = tuple(name.strip() for name in (args.inversions or "").split(",") if name.strip())
    out = Path(args.out)
    target = out.with_suffix("") if out.suffix.lower() in ENDINGS else out
    wanted = Figure(columns, inversions)  # refuses here, before a photo is looked at
    source, stack, subject = _subject(args, domain)
    if isinstance(subject, Tensor) and not inversions:
        wanted = Figure(columns, (USUAL_LEVEL,))
    recipe = make_recipe(domain, source, stack, figure=wanted)
    with reported("figure") as report:
        facts = write_figure(target, recipe, subject, domain, report)
    lines = [f"Written to {target}.pdf, with {_endings(target, facts['paths'])}.", *facts["notes"]]
    return Result("\n".join(lines), {"out": f"{target}.pdf", **facts})


def _endings(target: Path, paths: list[str]) -> str:
    return ", ".join(path.removeprefix(str(target)) for path in paths[1:])


def columns_of(args: Namespace, domain: Domain) -> tuple[Column, ...]:
    """The edits of the flags, moves first.

    Raises:
        UnknownName, BadInput: what cannot be edited or compared.
    """
    usual, attribute = parse_number("--amount", args.amount), args.attribute or ""
    if attribute and attribute not in domain.scorer.outputs:
        raise UnknownName.among("attribute the scorer reads", attribute, domain.scorer.outputs)
    found = []
    for text in args.moves:
        name, at, layers = text.partition("@")
        whole = text if "=" in text else f"{name}={usual:g}{at}{layers}"
        (move,) = parse_moves([whole], args.given, False, domain)
        found.append(column_of(move, move.alpha, attribute, domain))
    for text in args.texts:
        target, wanted = text, usual
        if "=" in text:
            target, _, amount = text.rpartition("=")
            wanted = parse_number(f"--text {target}", amount)
        words, _, named = target.rpartition(":")
        if named not in domain.scorer.outputs:  # a colon of the text itself
            words, named = target, attribute
        edit = TextEdit(words.strip(), 1.0, args.neutral)
        found.append(column_of(edit, wanted, named, domain))
    return tuple(found)


def _subject(args: Namespace, domain: Domain) -> tuple[Source, EditStack, Latent | str | Tensor]:
    """What the figure is of: a seed or latent with its edits, or the aligned photo."""
    text = args.source
    if spec := parse_seed(text):
        text = named_seed(spec, domain)
        return Source("seed", text), EditStack(), text
    if is_latent_file(text) or (Path(text).is_file() and read_export(text)):
        portrait = open_portrait(args, domain)
        if portrait.source.kind == "seed":
            return portrait.source, portrait.stack, portrait.source.name
        return portrait.source, portrait.stack, portrait.latent
    photo = open_photo(text, not args.no_align)
    return source_of(photo), EditStack(), photo.at(domain.generator.img_resolution)
