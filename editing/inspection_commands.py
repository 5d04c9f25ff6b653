"""The commands about files of other systems: ``weights inspect`` and ``weights convert``."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from editing.arguments import parse_class, parse_number
from editing.commands import Result
from editing.conversion import convert
from editing.conversion_target import Said
from editing.descriptions import DESCRIPTION
from editing.domains import Domain, open_domain
from editing.errors import BadInput, UnknownName
from editing.flag_use import check_mode, refuse_idle
from editing.inspection import Finding, inspect_file
from editing.latents import SeedSpec


def weights_inspect(args: Namespace) -> Result:
    """Say what a file is."""
    findings = inspect_file(args.file)
    facts = [
        {"kind": found.kind, "system": found.system, "missing": list(found.missing),
         "unread": list(found.unread), **found.facts}
        for found in findings
    ]  # fmt: skip
    return Result(
        "\n".join(_text(found) for found in findings), {"file": args.file, "holds": facts}
    )


def _text(found: Finding) -> str:
    lines = [f"{found.kind.replace('_', ' ')} ({found.system})"]
    lines += [
        f"  {name.replace('_', ' '):<16}{_short(value)}" for name, value in found.facts.items()
    ]
    if found.missing:
        lines.append(f"  {'missing':<16}{', '.join(found.missing)}")
    if found.unread:
        lines.append(f"  {'not read':<16}{', '.join(found.unread)}")
    return "\n".join(lines)


def _short(value: Any) -> str:
    if isinstance(value, list):
        shown = ", ".join(map(str, value[:12]))
        return shown + (", ..." if len(value) > 12 else "")
    if value is None or isinstance(value, bool):
        return {None: "unknown", True: "yes", False: "no"}[value]
    return str(value)


TAKES = {  # kind of what a file holds -> the flags of ``convert`` that say more of it
    "directions": ("--as", "--name", "--family", "--space", "--domain"),
    "latents": ("--as", "--name", "--space", "--array", "--psi", "--domain", "--class"),
}
Z_ALONE = ("--psi", "--class")  # how z is mapped
MEANT = ("directions", "latents")
MADE_UP = ("generator", "encoder")  # kinds whose missing parts are made up


def weights_convert(args: Namespace) -> Result:
    """Write a file of another system as files of a domain."""
    source, out = Path(args.file), Path(args.out)
    if args.meant is not None and args.meant not in MEANT:
        raise UnknownName.among("kind of array", args.meant, MEANT)
    findings = _decided(inspect_file(source, args.meant), args)
    kind = findings[0].kind
    check_mode(args, kind, {kind: (), **TAKES}, f"{source.name}, a {kind.replace('_', ' ')} file")
    if args.space != "z":
        refuse_idle(args, "latents that are not mapped", Z_ALONE, "it goes with --space z")
    psi = 1.0 if args.psi is None else SeedSpec(0, parse_number("--psi", args.psi)).psi
    said = Said(args.name, args.family, args.space, args.array, psi)
    target = convert(findings, source, out, said, _at_hand(args, out))
    lines = [f"Written to {path}." for path in target.written]
    lines += [f"Left out of the domain: {sentence}" for sentence in target.left_out]
    missing = [(f.kind, what) for f in findings if f.kind in target.used for what in f.missing]
    if target.at_hand is not None:
        missing = [(k, what) for k, what in missing if k != "latents"]  # the generator is at hand
    missing = [(k, what) for k, what in missing if k != "directions"]  # the flags said it
    lines += [f"Missing{', and made up' * (k in MADE_UP)}: {what}." for k, what in missing]
    lines += target.notes
    if target.facts:
        lines.append(f"Use it with --domain {out}.")
    elif kind != "latents" or target.at_hand is None:
        lines.append(f"{out} is no domain yet: convert its generator into it to use these files.")
    facts = {
        "out": str(out),
        "paths": [str(path) for path in target.written],
        "domain": bool(target.facts),
        "left_out": target.left_out,
        "missing": [what for _, what in missing],
        "notes": target.notes,
    }
    return Result("\n".join(lines), facts)


def _decided(findings: list[Finding], args: Namespace) -> list[Finding]:
    """One reading of an array that could be directions or latents.

    Raises:
        BadInput: nothing says which.
    """
    if {finding.kind for finding in findings} != set(MEANT):
        return findings
    if args.family is not None:  # which only directions have
        return [finding for finding in findings if finding.kind == "directions"]
    if args.array is not None or args.psi is not None or args.space == "w+":
        return [finding for finding in findings if finding.kind == "latents"]
    shape = findings[0].facts["shape"]
    raise BadInput(
        f"{args.file}, {shape}, could be a direction or latents, and does not say which; pass --as "
        "directions or --as latents."
    )


def _at_hand(args: Namespace, out: Path) -> Domain | None:
    """The domain of --domain; ``out`` is one of its own where it is one.

    Raises:
        BadInput: both are domains.
    """
    index = parse_class(args.label)
    if (out / DESCRIPTION).is_file():
        if args.domain is not None:
            raise BadInput(
                f"{out} is a domain, whose generator is the one at hand; leave --domain out, or "
                "write into another folder."
            )
        return open_domain(out, label=index) if index is not None else None
    if args.domain is None:
        return None
    return open_domain(args.domain, label=index)
