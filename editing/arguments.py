"""Texts of flags -> values, or a sentence that names the flag, the value and the way out."""

from __future__ import annotations

import math
import re
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from editing.channels import parse_channel
from editing.directions import Direction, boundary, check_fits, read_directions
from editing.domains import Domain
from editing.edits import ChannelMove, Move
from editing.errors import BadInput, MissingFile
from editing.latents import MAX_CUTOFF, parse_seed
from editing.layers import parse_strengths
from editing.masks import FEATHER
from editing.out_of_domain import USUAL, Blend, correction_at

MAX_SEEDS = 10_000  # of one command


def parse_seeds(text: str) -> list[int]:
    """'0-3,7' -> [0, 1, 2, 3, 7]; ranges include both ends.

    Raises:
        BadInput: empty, reversed, too many, or no numbers.
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,10})(?:-([0-9]{1,10}))?\s*", part)
        if not match:
            raise BadInput(f"--seeds {text!r} holds no seeds; write 0-15 or 3,7,20-25.")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise BadInput(f"--seeds {text!r} runs backwards; write {last}-{first}.")
        if len(seeds) + last - first >= MAX_SEEDS:
            raise BadInput(f"--seeds {text!r} names more than {MAX_SEEDS} seeds; take fewer.")
        seeds.extend(range(first, last + 1))
    return seeds


def parse_grid(text: str, count: int) -> tuple[int, int]:
    """'4x8' -> (4, 8), with room for ``count`` pictures."""
    match = re.fullmatch(r"([0-9]{1,4})[x×]([0-9]{1,4})", text)
    rows, cols = (int(match[1]), int(match[2])) if match else (0, 0)
    if not rows * cols:
        raise BadInput(f"--grid {text!r} is no grid; write rows x columns, such as 4x4.")
    if rows * cols < count:
        raise BadInput(
            f"--grid {text} has {rows * cols} cells for {count} pictures; make it larger."
        )
    if rows * cols > MAX_SEEDS:
        raise BadInput(f"--grid {text} has more than {MAX_SEEDS} cells; make it smaller.")
    return rows, cols


def parse_number(flag: str, text: str) -> float:
    """A finite number.

    Raises:
        BadInput: names the flag and the value.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadInput(f"{flag} needs a finite number instead of {text!r}, such as 1.5.")
    return value


def parse_whole(flag: str, text: str, low: int, high: int) -> int:
    """A whole number from ``low`` to ``high``.

    Raises:
        BadInput: names the flag and the value.
    """
    if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
        raise BadInput(f"{flag} needs a whole number from {low} to {high} instead of {text!r}.")
    return int(text)


def parse_class(text: str | None) -> int | None:
    """--class: the number of a class; None where it was not given.

    Raises:
        BadInput: no whole number.
    """
    return None if text is None else parse_whole("--class", text, 0, 999_999)


def parse_pair(flag: str, text: str) -> tuple[float, float]:
    """'0.1,-0.2' -> two numbers.

    Raises:
        BadInput: names the flag and the value.
    """
    parts = text.split(",")
    if len(parts) != 2:
        raise BadInput(f"{flag} needs two numbers instead of {text!r}, such as 0.1,0.")
    return parse_number(flag, parts[0]), parse_number(flag, parts[1])


def parse_feather(text: str | None) -> float:
    """--feather: sigma of a mask's soft edge as a share of its side; the usual one for None.

    Raises:
        BadInput: no number from 0 to 0.5.
    """
    feather = FEATHER if text is None else parse_number("--feather", text)
    if not 0 <= feather <= 0.5:
        raise BadInput(f"--feather {feather:g} is not possible; choose a share from 0 to 0.5.")
    return feather


def parse_moves(
    texts: Sequence[str], given: str, absolute: bool, domain: Domain
) -> tuple[Move | ChannelMove, ...]:
    """'smile=2@0-5' and the attributes to hold still -> moves.

    A name is one of the domain's attributes, a direction file, or a channel (LAYER:NUMBER, moved in
    standard deviations); layers may carry strengths ('0-3*0.5,7').

    Raises:
        UnknownName: an attribute that the domain does not have; the message lists those it has.
        BadInput: no number, layers or channels that do not exist, nothing left to move along.
    """
    held = [parse_direction(name.strip(), domain) for name in given.split(",") if name.strip()]
    moves: list[Move | ChannelMove] = []
    for text in texts:
        name, equals, rest = text.rpartition("=")
        if not equals:
            raise BadInput(f"--move {text!r} has no strength; write {text or 'smile'}=2.")
        alpha, at, layers = rest.partition("@")
        if ":" in name and not at and not Path(name).is_file():
            channel = parse_channel(name, domain)
            moves.append(ChannelMove(channel, parse_number(f"--move {name}", alpha)))
            continue
        direction = parse_direction(name, domain)
        rows, strengths = parse_strengths(layers, domain.generator) if at else (None, ())
        own = tuple(d for d in (direction, *held) if d.name not in domain.boundaries)
        move = Move(
            direction.name,
            parse_number(f"--move {name}", alpha),
            rows,
            tuple(each.name for each in held),
            absolute,
            strengths,
            own,
        )
        move.direction(domain)  # refuses here, before any work, what cannot be moved along
        moves.append(move)
    return tuple(moves)


def parse_direction(name: str, domain: Domain) -> Direction:
    """The domain's direction for an attribute, or the one in a file.

    Raises:
        UnknownName: neither; the message lists the attributes.
        MissingFile: the path of a file that is not there.
        UnsafeFile, BadInput: the file is no direction.
    """
    if name not in domain.boundaries and not Path(name).is_file() and is_path(name):
        raise MissingFile(f"{name} is missing; check the path of the direction file.")
    if name in domain.boundaries or not Path(name).is_file():
        return boundary(domain, name)
    found = read_directions(name, domain=domain)
    if len(found) > 1:
        raise BadInput(
            f"{name} holds {len(found)} directions; write them to files of their own with "
            "'weights convert' and name one."
        )
    direction = found[0]
    check_fits(direction, domain)
    if direction.name in domain.boundaries:  # the domain's own keeps the name
        direction = replace(direction, name=f"{direction.name} ({Path(name).name})")
    return direction


def is_path(text: str) -> bool:
    """Whether a text is meant as the path of a file: it has a folder, or a suffix of one."""
    return bool(Path(text).suffix[1:].isalnum() or re.search(r"[\\/]", text))


def parse_blend(args: Namespace) -> Blend | None:
    """--out-of-domain with --threshold, --softness, --deghost, --brush; None without it.

    Raises:
        BadInput: a value out of range, or a flag that needs --out-of-domain.
        BadPicture: --brush is no picture.
    """
    flags = {name: getattr(args, name) for name in ("threshold", "softness", "deghost", "brush")}
    given = {name: text for name, text in flags.items() if text is not None}
    if not args.out_of_domain:
        if given:
            raise BadInput(f"--{next(iter(given))} goes with --out-of-domain; add that flag.")
        return None
    threshold, softness = (
        parse_number(f"--{name}", given[name]) if name in given else usual
        for name, usual in (("threshold", USUAL.threshold), ("softness", USUAL.softness))
    )
    brush = correction_at(given["brush"]) if "brush" in given else b""
    return Blend(threshold, softness, given.get("deghost", USUAL.deghost), brush)


def parse_cutoff(args: Namespace) -> int | None:
    """--truncation-cutoff K: only the first K rows are truncated."""
    text = getattr(args, "truncation_cutoff", None)
    return None if text is None else parse_whole("--truncation-cutoff", text, 0, MAX_CUTOFF)


def with_cutoff(args: Namespace) -> str:
    """SOURCE, its seed with what --truncation-cutoff says.

    Raises:
        BadInput: SOURCE is no seed, or says another cutoff itself.
    """
    cutoff, spec = parse_cutoff(args), parse_seed(args.source)
    if cutoff is None:
        return str(args.source)
    if spec is None or spec.cutoff not in (None, cutoff):
        raise BadInput(
            f"--truncation-cutoff {cutoff} is for seeds, whose w is truncated here, and SOURCE is "
            f"{args.source}; leave it away, or pass seed:N."
        )
    return str(replace(spec, cutoff=cutoff))
