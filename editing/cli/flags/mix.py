"""The flags of ``mix``, ``morph``, ``transfer`` and ``grid``, with argparse alone."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from editing.cli.flags.walk import Group, add_film, add_walk

Command = Callable[..., argparse.ArgumentParser]
Search = Callable[[argparse.ArgumentParser, str], None]
LAYERS_HELP = (
    "layers: rows or coarse, middle, fine, with shares as in 0-3*0.5,7; style = all finer than "
    "64 pixels (Image2StyleGAN's style transfer)"
)


def add_mixing(command: Command, source: str, latent: str, search: Search) -> None:
    """All four commands and ``walk``; ``source`` and ``latent`` explain a SOURCE and --latent."""
    films = [_add_mix(command, source), _add_morph(command, source), _add_transfer(command, source)]
    walk = command("walk", "Animate a portrait.", "walk.walk")
    walk.add_argument("source", metavar="SOURCE", help=source)
    add_walk(walk)
    add_film(walk)
    for parser in (*films, walk):
        parser.add_argument("--latent", metavar="FILE", help=latent)
    for parser in (*films, walk, _add_grid(command, source)):
        search(parser, "standard")


def _add_mix(command: Command, source: str) -> argparse.ArgumentParser:
    mix = command("mix", "Cross portraits: layers, a region or noise of others.", "mix.mix")
    mix.add_argument("source", metavar="A", help=source)
    mix.add_argument("others", nargs="*", metavar="B", help="one or more portraits to take from")
    mix.add_argument(
        "--layers",
        action="append",
        default=[],
        metavar="LAYERS",
        help=LAYERS_HELP + "; once for each B (default: all)",
    )
    mix.add_argument("--weight", default="1", metavar="W", help="0 = none of B, 1 = all (1)")
    mix.add_argument(
        "--noise",
        metavar="[SEED][@LAYERS]",
        help="other noise (hair, freckles, grain), such as 7@fine*0.5; without a "
        "seed the strength alone changes",
    )
    mix.add_argument(
        "--exchange",
        action="store_true",
        help="also write the other result: B with the layers of A",
    )
    _add_region(mix.add_argument_group("a region"))
    mix.add_argument("--out", required=True, metavar="PNG", help="the picture to write")
    return mix


def _add_region(region: Group) -> None:
    region.add_argument("--mask", metavar="PNG", help="white = the region")
    region.add_argument("--feather", metavar="F", help="soft edge of it, a share of the side")
    region.add_argument(
        "--operation",
        default="copy",
        metavar="NAME",
        help="copy it from B or move what is there, at once; or a search of latent and noise that "
        "takes as long as --level says: crossover (B there, A elsewhere), inpaint (fill it anew), "
        "scribble (B is A's picture with strokes painted on it), style (the style of B there), "
        "diffuse (B pasted and blended by the encoder) (default: %(default)s)",
    )
    region.add_argument(
        "--shift", metavar="X,Y", help="put it this far right and down, shares of the side"
    )


def _add_morph(command: Command, source: str) -> argparse.ArgumentParser:
    morph = command(
        "morph",
        "The way from one portrait to another, as a film or one picture.",
        "mix.morph",
    )
    morph.add_argument("source", metavar="A", help=source)
    morph.add_argument("others", nargs="+", metavar="B", help="where to go, one after the other")
    morph.add_argument(
        "--amount", metavar="T", help="write the one picture at this share of the way to B"
    )
    morph.add_argument(
        "--space", default="w+", metavar="SPACE", help="w+, w, s or z (default: %(default)s)"
    )
    add_film(morph)
    return morph


def _add_transfer(command: Command, source: str) -> argparse.ArgumentParser:
    transfer = command("transfer", "Expression transfer: A + amount * (C - B).", "mix.transfer")
    transfer.add_argument("source", metavar="A", help=source)
    transfer.add_argument(
        "--from",
        dest="before",
        metavar="B",
        help="the other person as they were (default: the first --to)",
    )
    transfer.add_argument(
        "--to",
        dest="after",
        nargs="+",
        required=True,
        metavar="C",
        help="the other person with the expression; several, or a folder that "
        "'invert' made of a video, drive A in a film",
    )
    transfer.add_argument("--amount", default="1", metavar="L", help="how much (1)")
    transfer.add_argument("--layers", metavar="LAYERS", help="rows that move (default: all)")
    transfer.add_argument(
        "--along",
        default="",
        metavar="NAMES",
        help="transfer only what lies along these attributes, such as "
        "smile,mouth_open: identity stays where C is somebody else",
    )
    add_film(transfer)
    return transfer


def _add_grid(command: Command, source: str) -> argparse.ArgumentParser:
    grid = command("grid", "A style-mixing grid: rows of A, columns of B.", "mix.grid")
    grid.add_argument("sources", nargs="+", metavar="A", help="one row each: " + source)
    grid.add_argument(
        "--with", dest="others", nargs="+", required=True, metavar="B", help="one column each"
    )
    grid.add_argument(
        "--layers",
        default="coarse,middle",
        metavar="LAYERS",
        help="what the columns give (default: %(default)s)",
    )
    grid.add_argument("--out", required=True, metavar="PNG", help="the sheet to write")
    return grid
