"""The flags of ``direction ...`` and ``boundary ...``, for ``editing.cli.main``; argparse alone."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

Command = Callable[..., argparse.ArgumentParser]


def add_directions(commands: Any, command: Command) -> None:
    """``direction ...`` and ``boundary ...``; ``commands`` is where all commands stand."""
    group = _group(commands, "direction", "Find directions and see what they do.")
    for add in (_add_find, _add_layers, _add_channels, _add_combine, _add_rows, _add_sweep):
        add(command, group)
    group = _group(commands, "boundary", "Train boundaries and measure what they change.")
    for add in (_add_train, _add_rescore):
        add(command, group)


def _group(commands: Any, name: str, text: str) -> Any:
    """Where the second words of a command stand."""
    group = commands.add_parser(name, help=text, description=text)
    return group.add_subparsers(dest="action", metavar="ACTION", required=True)


def _add_find(command: Command, group: Any) -> None:
    find = command(
        "find",
        "Find directions that nobody labelled, or an attribute's variants.",
        "direction.find",
        group,
    )
    find.add_argument(
        "--method",
        required=True,
        metavar="METHOD",
        help="sefa, pca, basis (random), axis, or subspace (of --attribute)",
    )
    find.add_argument("--attribute", metavar="NAME", help="whose subspace to find")
    find.add_argument("--layers", metavar="LAYERS", help="rows that SeFa looks at and moves (all)")
    find.add_argument("--count", default="8", metavar="N", help="directions (default: 8)")
    find.add_argument("--samples", metavar="N", help="latents to sample (method's own)")
    find.add_argument("--source", default="seed:0", metavar="SOURCE", help="whom to show them on")
    find.add_argument(
        "--out", required=True, metavar="DIR", help="folder for direction files and strips.png"
    )


def _add_layers(command: Command, group: Any) -> None:
    layers = command(
        "layers",
        "Search the layers that carry an attribute at least cost.",
        "direction.layers",
        group,
    )
    layers.add_argument("name", metavar="NAME", help="an attribute or a direction file")
    layers.add_argument("--attribute", metavar="NAME", help="what the scorer reads (NAME)")
    layers.add_argument("--count", default="12", metavar="N", help="latents (default: 12)")
    layers.add_argument("--out", metavar="FILE", help="save the direction with the best layers")


def _add_channels(command: Command, group: Any) -> None:
    channels = command(
        "channels",
        "Rank StyleSpace channels by what they change.",
        "direction.channels",
        group,
    )
    channels.add_argument("--attribute", metavar="NAME", help="what the scorer reads")
    channels.add_argument(
        "--region",
        metavar="REGION",
        help="eyes, mouth, hair, background or left,top,right,bottom in 0..1",
    )
    channels.add_argument("--count", default="20", metavar="N", help="channels (default: 20)")
    channels.add_argument("--samples", default="8", metavar="N", help="latents (default: 8)")


def _add_combine(command: Command, group: Any) -> None:
    combine = command(
        "combine",
        "Add a direction to another, or rotate one towards it.",
        "direction.combine",
        group,
    )
    combine.add_argument("name", metavar="NAME", help="an attribute or a direction file")
    combine.add_argument("other", metavar="OTHER", help="likewise")
    combine.add_argument("--degrees", metavar="D", help="rotate NAME by this towards OTHER")
    combine.add_argument("--weight", metavar="W", help="NAME + W · OTHER, counted in steps")
    combine.add_argument("--out", required=True, metavar="FILE", help="direction file to write")


def _add_rows(command: Command, group: Any) -> None:
    rows = command(
        "rows",
        "What a direction changes row by row, background included.",
        "direction.rows",
        group,
    )
    rows.add_argument("name", metavar="NAME", help="an attribute or a direction file")
    rows.add_argument("--alpha", default="2", metavar="A", help="steps (default: 2)")
    rows.add_argument("--count", default="8", metavar="N", help="latents (default: 8)")


def _add_sweep(command: Command, group: Any) -> None:
    sweep = command(
        "sweep",
        "A strip or a grid of strengths as one labelled PNG.",
        "direction.sweep",
        group,
    )
    sweep.add_argument("source", metavar="SOURCE", help="a photo, latent, exported PNG or seed")
    sweep.add_argument(
        "--along", required=True, metavar="NAME[@LAYERS]", help="attribute or direction file"
    )
    sweep.add_argument("--across", metavar="NAME[@LAYERS]", help="a second one, as rows")
    sweep.add_argument(
        "--range",
        default="-3:3:7",
        metavar="FROM:TO:FRAMES",
        help="strengths (default: %(default)s)",
    )
    sweep.add_argument("--given", default="", metavar="NAMES", help="attributes to hold still")
    sweep.add_argument("--out", required=True, metavar="PNG", help="the picture to write")
    sweep.add_argument(
        "--level",
        default="standard",
        metavar="LEVEL",
        help="of the inversion of a photo (default: %(default)s)",
    )
    sweep.add_argument(
        "--no-align",
        action="store_true",
        help="take the picture's centre as it is; look for no face",
    )


def _add_train(command: Command, group: Any) -> None:
    train = command(
        "train",
        "Train a boundary from a scorer, labels, picked seeds or two texts.",
        "boundary.train",
        group,
    )
    train.add_argument(
        "name",
        metavar="NAME",
        help="what to call it; 'all': all that the scorer reads, into the folder --out",
    )
    train.add_argument("--factor", metavar="NAME", help="what the scorer reads (NAME)")
    train.add_argument(
        "--labels", metavar="CSV", help="a source (seed or latent file) and a score in every row"
    )
    train.add_argument("--more", metavar="SEEDS", help="seeds picked as having more of it")
    train.add_argument("--less", metavar="SEEDS", help="seeds picked as having less of it")
    train.add_argument(
        "--text",
        nargs=2,
        metavar=("LESS", "MORE"),
        help="two descriptions, where the domain has a text-image model",
    )
    train.add_argument(
        "--count",
        default="10000",
        metavar="N",
        help="latents to draw and score (default: %(default)s)",
    )
    train.add_argument("--space", default="w", metavar="SPACE", help="w or z (default: w)")
    train.add_argument(
        "--out",
        required=True,
        metavar="FILE",
        help="direction file to write; its folder keeps what a killed run had done",
    )


def _add_rescore(command: Command, group: Any) -> None:
    rescore = command(
        "rescore",
        "What a step along each boundary changes, in σ of the world.",
        "boundary.rescore",
        group,
    )
    rescore.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="attributes or direction files (all of the domain's)",
    )
    rescore.add_argument("--given", default="", metavar="NAMES", help="attributes to hold still")
    rescore.add_argument("--count", default="50", metavar="N", help="latents (default: 50)")
    rescore.add_argument("--out", metavar="FILE", help="also write it as CSV or PNG")  # fmt: skip
