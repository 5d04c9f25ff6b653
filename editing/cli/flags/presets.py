"""The flags of ``presets ...``, with argparse alone."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

Command = Callable[..., argparse.ArgumentParser]


def add_presets(commands: Any, command: Command) -> None:
    """``presets list``, ``show``, ``run`` and ``thumbnails``."""
    text = "Recipes of published experiments, by name."
    group = commands.add_parser("presets", help=text, description=text)
    group = group.add_subparsers(dest="action", metavar="ACTION", required=True)
    module = "presets"
    command("list", "Name every preset, and what it does.", f"{module}.presets_list", group)
    show = command("show", "Say everything about one preset.", f"{module}.presets_show", group)
    run = command(
        "run",
        "Make what a preset makes: a picture, a sheet or a film.",
        f"{module}.presets_run",
        group,
    )
    for parser in (show, run):
        parser.add_argument("name", metavar="NAME", help="as 'presets list' has it")
    run.add_argument(
        "--photo", metavar="ME.jpg", help="apply it to this photo instead of its own portrait"
    )
    run.add_argument(
        "--out", default="outputs", metavar="DIR", help="folder to write to (default: %(default)s)"
    )
    thumbnails = command(
        "thumbnails",
        "Draw the presets' small pictures from the recipes themselves.",
        f"{module}.presets_thumbnails",
        group,
    )
    thumbnails.add_argument("names", nargs="*", metavar="NAME", help="presets (default: all)")
