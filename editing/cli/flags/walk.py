"""The flags of ``walk``, and those that every film has, with argparse alone."""

from __future__ import annotations

import argparse

Group = argparse._ArgumentGroup


def add_walk(parser: argparse.ArgumentParser) -> None:
    """Where a walk goes and how it is walked; ``add_film`` says what is written."""
    parser.add_argument(
        "--kind",
        required=True,
        metavar="KIND",
        help="sweep, keyframes, loop, noise-loop, truncation, basis, place, random, piecewise, "
        "metropolis or reenact",
    )
    way = parser.add_argument_group("where it goes")
    _add_attributes(way)
    _add_portraits(way)
    _add_loops(way)
    _add_chance(way)
    way.add_argument("--shift", metavar="X,Y", help="of place, shares of the picture")
    way.add_argument("--turn", metavar="DEGREES", help="of place, counter-clockwise")
    time = parser.add_argument_group("how it is walked")
    time.add_argument(
        "--loop",
        action="store_true",
        help="close keyframes and random walks: the last frame leads to the first",
    )
    time.add_argument("--even", action="store_true", help="the same perceptual speed everywhere")


def _add_attributes(way: Group) -> None:
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


def _add_portraits(way: Group) -> None:
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
    way.add_argument("--amount", metavar="L", help="of reenact: how much (1)")


def _add_loops(way: Group) -> None:
    way.add_argument("--radius", metavar="R", help="of loops; 1 = as far as another person (0.3)")
    way.add_argument("--harmonics", metavar="N", help="waves of a noise loop (3)")
    way.add_argument("--count", metavar="N", help="directions of a basis tour (4)")


def _add_chance(way: Group) -> None:
    way.add_argument("--step", metavar="S", help="length of random steps; along NAME, of alpha")
    way.add_argument(
        "--reach",
        metavar="R",
        help="random and piecewise turn round at -R and R, as 5 or 3; 0 = never (0)",
    )
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


def add_film(parser: argparse.ArgumentParser) -> None:
    """What every film has: its file, its length and its look."""
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
