"""The command line: flags -> one function of a module of this room -> text, or one JSON line.

    python -m editing COMMAND ... [--domain NAME] [--device NAME] [--seed N] [--json]

Progress goes to stderr. A refusal is one sentence on stderr and exit code 2. Only argparse is
imported here: help must come at once, models when they are needed.
"""

from __future__ import annotations

import argparse
import importlib
import io
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from editing.cli.flags.direction import add_directions
from editing.cli.flags.figure import add_figure
from editing.cli.flags.mix import add_mixing
from editing.cli.flags.presets import add_presets
from editing.cli.flags.text import add_texts
from editing.cli.flags.use import flags_in
from editing.errors import EditingError
from editing.io.allocator import keep_large_blocks

SOURCE_HELP = (
    "a photo, a latent file (.npz), an exported PNG (its latent is read back), "
    "or seed:N[@PSI][#CLASS][/K] (psi 0.7; only the first K rows truncated)"
)
LATENT_HELP = "latent file of a PNG whose noise or weight delta was too large to travel in it"


class Parser(argparse.ArgumentParser):
    """argparse with one-sentence errors and no abbreviated flags."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message[:1].upper()}{message[1:]}; see '{self.prog} --help'.\n")


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands; each sets ``function`` to MODULE.NAME in this package."""
    parser = Parser(
        prog="python -m editing",
        description="Edit portraits in the latent space of a StyleGAN generator.",
        epilog="'python -m editing COMMAND --help' explains a command.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    reporting = Parser(add_help=False)
    reporting.add_argument("--json", action="store_true", help="end with one JSON line on stdout")

    def shared(seed: int) -> Parser:
        """Flags of most commands, with the seed where none is given."""
        found = Parser(add_help=False, parents=[reporting])
        group = found.add_argument_group("shared options")
        where = "folder under weights/, or a path (default: portraits)"
        group.add_argument("--domain", default=None, metavar="NAME", help=where)
        group.add_argument("--device", default=None, metavar="NAME",
                           help="cpu, cuda or mps (default: cpu)")  # fmt: skip
        group.add_argument("--class", dest="label", default=None, metavar="N",
                           help="of a generator with classes (default: its domain's)")  # fmt: skip
        group.add_argument("--seed", type=int, default=seed, metavar="N",
                           help="randomness of a random start (default: %(default)s)")  # fmt: skip
        return found

    def command(
        name: str,
        text: str,
        function: str = "",
        group: Any = commands,
        parents: Sequence[argparse.ArgumentParser] | None = None,
        seed: int = 0,
    ) -> argparse.ArgumentParser:
        """One command, or with ``group`` the second word of one."""
        added: argparse.ArgumentParser = group.add_parser(
            name, help=text, description=text,
            parents=[shared(seed)] if parents is None else parents,
        )  # fmt: skip
        added.set_defaults(function=function or f"edit.{name}")
        return added

    add_directions(commands, command)
    _add_weights(commands, command, [reporting])
    _add_domain(commands, command, [reporting])
    add_texts(commands, command, SOURCE_HELP, LATENT_HELP, _add_search)
    add_mixing(command, SOURCE_HELP, LATENT_HELP, _add_search)
    add_figure(command, SOURCE_HELP, LATENT_HELP)
    command("domains", "List the domains: parts, sizes, licences, what is present.")
    _add_generate(command("generate", "Draw pictures of seeds."))
    _add_invert(command("invert", "Find the latent of a photo, a folder of photos or a video.",
                        "invert.invert"))  # fmt: skip
    _add_edit(command("edit", "Move a portrait along attribute boundaries."))
    _add_score(command("score", "Read a picture's attributes with the judge, in σ of the world."))
    add_presets(commands, command)
    _add_run(command("run", "Replay a recipe, a preset or an exported PNG to the same picture."))
    return parser


def _add_generate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seeds", required=True, metavar="SEEDS", help="such as 0-15 or 3,7,20-25")
    parser.add_argument(
        "--psi",
        default="0.7",
        metavar="PSI",
        help="truncation: 0 is the mean portrait, 1 the full variety (0.7)",
    )
    _add_cutoff(parser)
    parser.add_argument("--grid", metavar="RxC", help="also write grid.png, R rows of C pictures")
    parser.add_argument("--out", required=True, metavar="DIR",
                        help="folder for seedNNNN.png")  # fmt: skip


def _add_cutoff(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--truncation-cutoff",
        metavar="K",
        help="of a seed: truncate only the first K rows of ws, and after the edits, as "
        "InterFaceGAN and idinvert do (K 8); without it all rows, before the edits",
    )


def _add_search(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--level",
        default=default,
        metavar="LEVEL",
        help="quick, standard or best, or a published method: encoder, restyle, w, "
        "image2stylegan, image2stylegan++, idinvert, projector, pti; presets what "
        "the other flags change (default: %(default)s)",
    )
    parser.add_argument("--no-align", action="store_true",
                        help="take the picture's centre as it is; look for no face")  # fmt: skip


def _add_invert(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="PHOTO|DIR|VIDEO", help="what to invert")
    parser.add_argument(
        "--out",
        required=True,
        metavar="DIR",
        help="folder for aligned.png, reconstruction.png, latent.npz and "
        "metrics.json; a folder or video gets one sub-folder each and metrics.csv",
    )
    _add_search(parser, "standard")
    parser.add_argument("--space", metavar="SPACE", help="z, w or w+")
    parser.add_argument(
        "--start",
        metavar="START",
        help="encoder, encoder:N (N passes), mean, zeros, random, random:N (best "
        "of N) or a latent file",
    )
    parser.add_argument(
        "--steps", metavar="N", help="steps of the latent's search; 0 keeps the start"
    )
    parser.add_argument(
        "--noise", action="store_true", help="then search the noise maps (Image2StyleGAN++)"
    )
    parser.add_argument(
        "--tune",
        action="store_true",
        help="then tune the generator's weights around the latent (PTI)",
    )
    parser.add_argument(
        "--together",
        action="store_true",
        help="of a folder: tune one change of weights for all photos",
    )
    parser.add_argument("--mask", metavar="PNG", help="white = the region that counts")
    parser.add_argument(
        "--feather", metavar="F", help="soft edge of the mask, a share of the side (0.02)"
    )
    parser.add_argument(
        "--into",
        metavar="PHOTO",
        help="paste the region into this photo and let the search blend it",
    )
    parser.add_argument("--set", action="append", default=[], dest="settings",
                        metavar="NAME=VALUE",
                        help="one setting, such as loss.pixel=2, lr=0.1, stop_at=38, patience=50, "
                        "noise.steps=200, tune.locality=1 or tune.levels=0 (stored in full); a "
                        "wrong name lists them all; may be repeated")  # fmt: skip


def _add_edit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SOURCE", help=SOURCE_HELP)
    _add_cutoff(parser)
    parser.add_argument(
        "--move",
        action="append",
        required=True,
        dest="moves",
        metavar="NAME=ALPHA[@LAYERS]",
        help="such as smile=2 or age=-1.5@0-5 (alpha 1 = one σ of the world); "
        "NAME may also be a direction file or a channel (b32.conv1:57); "
        "layers are rows or coarse, middle, fine, with strengths as in "
        "0-3*0.5,7; may be repeated",
    )
    parser.add_argument(
        "--given",
        default="",
        metavar="NAMES",
        help="attributes to hold still, such as gender,eyeglasses",
    )
    parser.add_argument(
        "--absolute",
        action="store_true",
        help="alpha is the signed distance from the boundary to end at",
    )
    parser.add_argument(
        "--out-of-domain",
        action="store_true",
        help="keep what the generator cannot draw: write the photo with the edit in it, where "
        "the edit changed something",
    )
    parser.add_argument(
        "--threshold",
        metavar="M",
        help="of --out-of-domain: the photo stays where the edit's activation is below, 0-1 (0.2)",
    )
    parser.add_argument(
        "--softness", metavar="M", help="width of the ramp from there to the edit, 0.01-1 (0.3)"
    )
    parser.add_argument(
        "--deghost",
        metavar="WHERE",
        help="draw over ghosts: off, mask (only inside it; the default) or all",
    )
    parser.add_argument(
        "--brush",
        metavar="PNG",
        help="correct the mask by hand: white adds, black takes away, mid-grey leaves it",
    )
    parser.add_argument(
        "--paste-back",
        action="store_true",
        help="write the whole photo with the result in its place; with --out-of-domain all but "
        "the edit stays the photo's own",
    )
    parser.add_argument("--out", required=True, metavar="PNG", help="the picture to write")
    parser.add_argument("--latent", metavar="FILE", help=LATENT_HELP)
    _add_search(parser, "standard")  # fmt: skip


def _add_score(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="a picture (its pixels are read, not an embedded latent), a latent "
        "file or seed:N[@PSI]",
    )
    parser.add_argument("--reference", metavar="SOURCE",
                        help="also give identity and perceptual distance to this")  # fmt: skip


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "recipe", metavar="RECIPE", help="a recipe file, the name of a preset, or an exported PNG"
    )
    parser.add_argument("--photo", metavar="PHOTO", help="the photo to apply the recipe to")
    parser.add_argument("--latent", metavar="FILE", help=LATENT_HELP)
    parser.add_argument("--out", default="outputs", metavar="DIR",
                        help="folder for the picture (default: %(default)s)")  # fmt: skip


def _add_domain(
    commands: Any,
    command: Callable[..., argparse.ArgumentParser],
    parents: Sequence[argparse.ArgumentParser],
) -> None:
    """``domain build``."""
    text = "Make domains."
    group = commands.add_parser("domain", help=text, description=text)
    group = group.add_subparsers(dest="action", metavar="ACTION", required=True)
    build = command(
        "build",
        "Make a domain of any readable generator: statistics, directions "
        "found without labels, contact sheets. Goes on where it was cut off.",
        "weights.domain_build",
        group,
        parents,
    )
    build.add_argument("checkpoint", metavar="CHECKPOINT", help="any file of a generator")
    build.add_argument("--out", required=True, metavar="DIR", help="the domain's folder")
    build.add_argument("--title", default="", metavar="TEXT", help="for people (DIR)")
    build.add_argument("--alignment", metavar="ffhq", help="crop photos like FFHQ's (default: not)")
    build.add_argument(
        "--licence",
        default="that of its checkpoint",
        metavar="TEXT",
        help="of the weights (default: %(default)s)",
    )
    build.add_argument(
        "--clip",
        default="",
        metavar="NAME",
        help="text-image model of the hub for edits by text, such as openai/clip-vit-base-patch32",
    )
    build.add_argument("--class", dest="label", metavar="N",
                       help="class that the domain draws, where there are some (0)")  # fmt: skip
    build.add_argument("--pictures", default="48", metavar="N",
                       help="on the contact sheet (default: %(default)s)")  # fmt: skip


def _add_weights(
    commands: Any,
    command: Callable[..., argparse.ArgumentParser],
    parents: Sequence[argparse.ArgumentParser],
) -> None:
    """The commands about files: ``weights ...``."""
    text = "List, fetch, check, inspect and convert files of weights."
    group = commands.add_parser("weights", help=text, description=text)
    group = group.add_subparsers(dest="action", metavar="ACTION", required=True)
    command(
        "list",
        "List every file of every domain: size, source, licence, present or not.",
        "weights.weights_list",
        group,
        parents,
    )
    fetch = command(
        "fetch",
        "Download what a domain lacks; resumes, and checks what arrives.",
        "weights.weights_fetch",
        group,
        parents,
    )
    fetch.add_argument("name", metavar="DOMAIN", help="folder under weights/, or a path")
    fetch.add_argument(
        "parts",
        nargs="*",
        metavar="PART",
        help="such as generator, boundaries or smile (default: all)",
    )
    verify = command(
        "verify",
        "Compare a domain's files with their SHA-256.",
        "weights.weights_verify",
        group,
        parents,
    )
    verify.add_argument("name", metavar="DOMAIN", help="folder under weights/, or a path")
    inspect = command(
        "inspect",
        "Say what a file of another system is, without building it.",
        "weights.weights_inspect",
        group,
        parents,
    )
    inspect.add_argument("file", metavar="FILE", help="any file, or a Hugging Face CLIP folder")
    _add_convert(
        command(
            "convert",
            "Write a file of another system as files of a domain.",
            "weights.weights_convert",
            group,
            parents,
        )
    )


def _add_convert(convert: argparse.ArgumentParser) -> None:
    """What somebody says of a file that is converted."""
    convert.add_argument("file", metavar="FILE", help="any file that 'weights inspect' knows")
    convert.add_argument(
        "--out",
        required=True,
        metavar="DIR",
        help="a generator makes this folder a domain; what else is converted into "
        "it becomes a part of that domain, if it fits",
    )
    convert.add_argument(
        "--as",
        dest="meant",
        metavar="KIND",
        help="what an array is that could be either: directions or latents",
    )
    convert.add_argument("--name", metavar="NAME",
                         help="what directions or latents are called (their file)")  # fmt: skip
    convert.add_argument(
        "--family",
        metavar="NAME",
        help="of directions: stylegan1, 2 or 3; wins over what the file says",
    )
    convert.add_argument(
        "--space",
        metavar="SPACE",
        help="of directions: w or z; of latents: w, w+, or z, which is mapped",
    )
    convert.add_argument("--array", metavar="NAME", help="which array of a file holds the latents")
    convert.add_argument("--psi", metavar="PSI", help="truncation with which z is mapped (1: none)")
    convert.add_argument("--class", dest="label", metavar="N", help="class for which z is mapped")
    convert.add_argument(
        "--domain", metavar="NAME", help="whose latents or directions these are (DIR, if it is one)"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 2 after a refusal, 130 when interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a console that has no σ shows it escaped
            stream.reconfigure(errors="backslashreplace")
    words = list(sys.argv[1:] if arguments is None else arguments)
    args = build_parser().parse_args(words)
    args.typed = flags_in(words)
    # Threads that wait sleep instead of spinning: on shared cores a picture took ten times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is imported
    keep_large_blocks()
    began = time.perf_counter()
    try:
        from editing.cli.edit import finite

        module, name = args.function.split(".")
        result = getattr(importlib.import_module(f"editing.cli.{module}"), name)(args)
        seconds = round(time.perf_counter() - began, 3)
        report = {"command": args.command, "seconds": seconds, **result.facts}
        print(json.dumps(finite(report)) if args.json else result.text)
        sys.stdout.flush()
    except EditingError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted; what was finished is kept.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader (head, less) has gone; say nothing more to it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:  # a name too long, a folder that may not be read, ...
        print(f"{error.filename or 'A file'} cannot be used: {error.strerror}.", file=sys.stderr)
        return 2
    return 0
