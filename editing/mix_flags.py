"""The flags of ``mix``, ``morph``, ``transfer``, ``grid`` and ``walk``, with argparse alone."""

from __future__ import annotations

import argparse
from collections.abc import Callable

Command = Callable[..., argparse.ArgumentParser]
Search = Callable[[argparse.ArgumentParser, str], None]
LAYERS_HELP = (
    "layers: rows or coarse, middle, fine, with shares as in 0-3*0.5,7; style = all finer than "
    "64 pixels (Image2StyleGAN's style transfer)"
)


def add_mixing(command: Command, source: str, latent: str, search: Search) -> None:
    """All five commands; ``source`` and ``latent`` explain a SOURCE and --latent."""
    mix = command(
        "mix", "Cross portraits: layers, a region or noise of others.", "mix_commands.mix"
    )
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
    mix.add_argument("--mask", metavar="PNG", help="white = the region to take from B")
    mix.add_argument("--feather", metavar="F", help="soft edge of the mask, a share of the side")
    mix.add_argument(
        "--shift", metavar="X,Y", help="put the region this far right and down, shares of the side"
    )
    mix.add_argument(
        "--operation",
        default="copy",
        metavar="NAME",
        help="copy the region, or move what is there (default: %(default)s)",
    )
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
    mix.add_argument("--out", required=True, metavar="PNG", help="the picture to write")

    morph = command(
        "morph",
        "The way from one portrait to another, as a film or one picture.",
        "mix_commands.morph",
    )
    morph.add_argument("source", metavar="A", help=source)
    morph.add_argument("others", nargs="+", metavar="B", help="where to go, one after the other")
    morph.add_argument(
        "--amount", metavar="T", help="write the one picture at this share of the way to B"
    )
    morph.add_argument(
        "--space", default="w+", metavar="SPACE", help="w+, w, s or z (default: %(default)s)"
    )
    _add_film(morph)

    transfer = command(
        "transfer", "Expression transfer: A + amount * (C - B).", "mix_commands.transfer"
    )
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
    _add_film(transfer)

    grid = command("grid", "A style-mixing grid: rows of A, columns of B.", "mix_commands.grid")
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

    walk = command("walk", "Animate a portrait.", "walk_commands.walk")
    walk.add_argument("source", metavar="SOURCE", help=source)
    _add_walk(walk)
    _add_film(walk)
    for parser in (mix, morph, transfer, grid, walk):
        if parser is not grid:
            parser.add_argument("--latent", metavar="FILE", help=latent)
        search(parser, "standard")


def _add_walk(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--kind",
        required=True,
        metavar="KIND",
        help="sweep, keyframes, loop, noise-loop, truncation, basis, place, random, piecewise, "
        "metropolis or reenact",
    )
    way = parser.add_argument_group("where it goes")
    way.add_argument(
        "--along",
        action="append",
        default=[],
        metavar="NAME",
        help="attribute of a sweep (may be repeated with --from and --to), or that "
        "random and piecewise move",
    )
    way.add_argument(
        "--from",
        dest="begin",
        action="append",
        default=[],
        metavar="A",
        help="where the sweep begins (-2); of a truncation pulse: 1",
    )
    way.add_argument(
        "--to",
        dest="end",
        action="append",
        default=[],
        metavar="B",
        help="where the sweep ends (2); of a truncation pulse: 0",
    )
    way.add_argument(
        "--track",
        action="append",
        default=[],
        metavar="NAME[@LAYERS]=T:V,...",
        help="an attribute with its own schedule, such as smile=0:0,0.5:2,1:0:bounce; "
        "may be repeated",
    )
    way.add_argument(
        "--through",
        nargs="+",
        default=[],
        metavar="SOURCE",
        help="portraits of keyframes, or those that drive a re-enactment",
    )
    way.add_argument(
        "--curve",
        default="linear",
        metavar="NAME",
        help="of keyframes: linear, slerp (in Z) or spline (Catmull-Rom in W+)",
    )
    way.add_argument(
        "--space", metavar="SPACE", help="keyframes: w+, w, s or z; loops and random walks: w or z"
    )
    way.add_argument("--radius", metavar="R", help="of loops; 1 = as far as another person (0.3)")
    way.add_argument("--harmonics", metavar="N", help="waves of a noise loop (3)")
    way.add_argument("--count", metavar="N", help="directions of a basis tour (4)")
    way.add_argument("--step", metavar="S", help="length of random steps; along NAME, of alpha")
    way.add_argument("--segments", metavar="ENDS", help="of piecewise, such as .35,.58,.75,.85,1")
    way.add_argument(
        "--flags",
        metavar="FLAGS",
        help="one per segment: 1 out, -1 back, 0 hold; write --flags=-1,1 where the first is -1",
    )
    way.add_argument("--spread", metavar="S", help="of metropolis: 1 = as trained, 0.7 = truncated")
    way.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="NAME=LOW..HIGH[~S]",
        help="metropolis keeps a reading in this range, in σ, softly with ~S",
    )
    way.add_argument("--shift", metavar="X,Y", help="of place, shares of the picture")
    way.add_argument("--turn", metavar="DEGREES", help="of place, counter-clockwise")
    way.add_argument("--amount", metavar="L", help="of reenact: how much (1)")
    time = parser.add_argument_group("how it is walked")
    time.add_argument(
        "--loop",
        action="store_true",
        help="close keyframes and random walks: the last frame leads to the first",
    )
    time.add_argument("--even", action="store_true", help="the same perceptual speed everywhere")


def _add_film(parser: argparse.ArgumentParser) -> None:
    film = parser.add_argument_group("the film")
    film.add_argument(
        "--out",
        required=True,
        metavar="FILE",
        help=".mp4, .gif, .webm or .webp; .png is a contact strip; a name without "
        "an ending a folder of PNGs",
    )
    film.add_argument("--frames", default="120", metavar="N", help="exactly (120)")
    film.add_argument("--fps", default="30", metavar="F", help="frames per second (30)")
    film.add_argument(
        "--ease",
        default="linear",
        metavar="NAMES",
        help="linear, sine, cubic, back, bounce or step; several by commas, for one "
        "leg after the other",
    )
    film.add_argument("--ping-pong", action="store_true", help="there and back")
    film.add_argument("--hold", default="0", metavar="S", help="seconds that both ends stay")
    film.add_argument("--size", metavar="PX", help="of a portrait (the generator's)")
    film.add_argument("--beside", action="store_true", help="the source on the left")
    film.add_argument("--captions", action="store_true", help="what the walk does, below")
    film.add_argument(
        "--measure",
        action="store_true",
        help="also give motion share, perceptual path length and unevenness",
    )
    film.add_argument(
        "--report", metavar="DIR", help="also write their plot and a heat map of where it dissolves"
    )
    film.add_argument("--no-recipe", action="store_true", help="write the film alone")
