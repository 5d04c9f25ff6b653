"""The flags of ``figure``, with argparse alone."""

from __future__ import annotations

import argparse
from collections.abc import Callable


def add_figure(command: Callable[..., argparse.ArgumentParser], source: str, latent: str) -> None:
    """The command; ``source`` and ``latent`` explain a SOURCE and --latent."""
    parser = command(
        "figure",
        "Compare inversions and edits of one portrait at equal effect: PDF, PNG, LaTeX table, "
        "BibTeX and a recipe that draws it again.",
        "figure.figure",
    )
    parser.add_argument("source", metavar="SOURCE", help=source)
    parser.add_argument(
        "--inversions",
        metavar="NAMES",
        help="a row each, by commas: quick, standard, best, or a published method, as --level of "
        "'invert' (a photo: standard; others: the portrait as it is)",
    )
    parser.add_argument(
        "--move",
        action="append",
        default=[],
        dest="moves",
        metavar="NAME[=AMOUNT][@LAYERS]",
        help="a column: an attribute, a direction file or a channel, and the change to reach in σ; "
        "may be repeated",
    )
    parser.add_argument(
        "--text",
        action="append",
        default=[],
        dest="texts",
        metavar="TEXT[:ATTRIBUTE][=AMOUNT]",
        help="a column: an edit by text, and what it is measured on; may be repeated",
    )
    parser.add_argument(
        "--amount",
        default="1",
        metavar="A",
        help="change of the attribute in σ of the scorer, where an edit names none (1)",
    )
    parser.add_argument(
        "--attribute",
        metavar="NAME",
        help="what every edit is measured on (default: its own; of texts, channels and files what "
        "they change most)",
    )
    parser.add_argument(
        "--given", default="", metavar="NAMES", help="attributes that the moves hold still"
    )
    parser.add_argument(
        "--neutral",
        default="",
        metavar="TEXT",
        help='what the texts are compared with ("a person")',
    )
    parser.add_argument(
        "--out", required=True, metavar="NAME", help="NAME.pdf, NAME.png, NAME.tex, ... are written"
    )
    parser.add_argument("--latent", metavar="FILE", help=latent)
    parser.add_argument("--no-align", action="store_true",
                        help="take the picture's centre as it is; look for no face")  # fmt: skip
