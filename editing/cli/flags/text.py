"""The flags of ``text``, ``search``, ``statistics ...`` and ``mapper ...``; argparse alone."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

MODULE = "text"


def add_texts(
    commands: Any,
    command: Callable[..., argparse.ArgumentParser],
    source_help: str,
    latent_help: str,
    add_search: Callable[[argparse.ArgumentParser, str], None],
) -> None:
    """The commands of ``cli.text``."""
    text = command("text", "Edit a portrait by two texts.", f"{MODULE}.text")
    text.add_argument("source", metavar="SOURCE", help=source_help)
    _add_texts(text)
    text.add_argument(
        "--alpha", metavar="A", help="strength: σ of the strongest channel (4), or of what was "
        "found (1)",
    )  # fmt: skip
    text.add_argument(
        "--beta",
        default="auto",
        metavar="B",
        help="least relevance of a channel that takes part, or auto (default: %(default)s)",
    )
    text.add_argument("--channels", metavar="N", help="the N most relevant channels instead")
    text.add_argument(
        "--keep", default="", metavar="NAMES", help="attributes or texts that stay: age,a man"
    )
    text.add_argument("--layers", metavar="LAYERS", help="rows that may take part (all)")
    text.add_argument(
        "--method",
        default="",
        metavar="METHOD",
        help="global (the domain's table), jacobian (no table), optimize (CLIP-guided search) or "
        "mapper (default: global, where there is a table)",
    )
    text.add_argument(
        "--templates",
        metavar="FILE",
        help="a template such as 'a photo of {}' on every line; or portraits or general, our lists",
    )
    text.add_argument("--space", default="w+", metavar="SPACE",
                      help="of --method optimize: w+ or s (default: %(default)s)")  # fmt: skip
    text.add_argument("--steps", default="60", metavar="N",
                      help="of --method optimize (default: %(default)s)")  # fmt: skip
    text.add_argument("--mapper", metavar="FILE", help="of --method mapper; see 'mapper train'")
    text.add_argument("--grid", metavar="PNG", help="also alpha and beta side by side")
    text.add_argument("--out", required=True, metavar="PNG", help="the picture to write")
    text.add_argument("--latent", metavar="FILE", help=latent_help)
    add_search(text, "standard")
    _add_search(command("search", "Rank seeds or latents by a text.", f"{MODULE}.search"))
    _add_statistics(commands, command)
    _add_mapper(commands, command)


def _add_texts(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--target", required=True, metavar="TEXT", help="what it should show")
    parser.add_argument(
        "--neutral", default="", metavar="TEXT", help="what that is compared with (a person)"
    )


def _add_search(search: argparse.ArgumentParser) -> None:
    search.add_argument("text", metavar="TEXT", help="such as 'an old man with glasses'")
    search.add_argument(
        "--seeds", default="0-999", metavar="SEEDS", help="to look through (default: %(default)s)"
    )
    search.add_argument("--psi", default="0.7", metavar="PSI", help="of the seeds (0.7)")
    search.add_argument("--latents", metavar="DIR", help="look through this folder instead")
    search.add_argument("--neutral", default="", metavar="TEXT", help="compared with (a person)")
    search.add_argument("--top", default="10", metavar="N", help="how many (default: %(default)s)")
    search.add_argument("--out", metavar="PNG", help="also their pictures, side by side")


def _add_statistics(commands: Any, command: Callable[..., argparse.ArgumentParser]) -> None:
    text = "Make the tables of StyleSpace."
    group = commands.add_parser("statistics", help=text, description=text)
    group = group.add_subparsers(dest="action", metavar="ACTION", required=True)
    build = command(
        "build",
        "Measure what every style channel does to a CLIP embedding: the table of global "
        "directions. Goes on where it was cut off.",
        f"{MODULE}.statistics_build",
        group,
        seed=5,  # as StyleCLIP samples
    )
    build.add_argument("--samples", default="32", metavar="N", help="latents (default: 32)")
    build.add_argument("--k", default="5", metavar="K", help="σ up and down (default: 5)")
    build.add_argument("--psi", default="0.7", metavar="PSI", help="of the latents (0.7)")
    build.add_argument(
        "--layers",
        metavar="LAYERS",
        help="names such as b8.conv0,b8.conv1, rows, or all, ToRGB too (convolutions up to 256 px)",
    )
    build.add_argument(
        "--base",
        default="samples",
        metavar="BASE",
        help="samples: each with one channel moved; mean: all channels at their mean and one moved "
        "(default: %(default)s)",
    )
    build.add_argument(
        "--method",
        default="perturbation",
        metavar="METHOD",
        help="perturbation, or jacobian: the derivative, many times less work "
        "(default: %(default)s)",
    )
    build.add_argument("--half", action="store_true", help="bf16 (approximate)")
    build.add_argument(
        "--max-resolution", metavar="R", help="draw no larger than this (approximate)"
    )
    build.add_argument(
        "--published-defect",
        action="store_true",
        help="let measured channels stay at their mean, as the published script does",
    )
    build.add_argument("--out", metavar="DIR", help="folder (the domain's own)")


def _add_mapper(commands: Any, command: Callable[..., argparse.ArgumentParser]) -> None:
    text = "Train latent mappers."
    group = commands.add_parser("mapper", help=text, description=text)
    group = group.add_subparsers(dest="action", metavar="ACTION", required=True)
    train = command(
        "train",
        "Train a small network that edits any portrait by one text. Goes on where it was cut off.",
        f"{MODULE}.mapper_train",
        group,
    )
    _add_texts(train)
    train.add_argument("--steps", default="300", metavar="N", help="(default: %(default)s)")
    train.add_argument("--groups", default="", metavar="GROUPS",
                       help="coarse, middle, fine: which rows move (all)")  # fmt: skip
    train.add_argument("--out", required=True, metavar="FILE", help="mapper file to write")
