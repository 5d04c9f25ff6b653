"""The commands about files of other systems: ``weights inspect`` and ``weights convert``."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from editing.commands import Result
from editing.conversion import convert
from editing.inspection import Finding, inspect_file


def weights_inspect(args: Namespace) -> Result:
    """Say what a file is."""
    findings = inspect_file(args.file)
    facts = [
        {"kind": found.kind, "system": found.system, "missing": list(found.missing), **found.facts}
        for found in findings
    ]
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
    return "\n".join(lines)


def _short(value: Any) -> str:
    if isinstance(value, list):
        shown = ", ".join(map(str, value[:12]))
        return shown + (", ..." if len(value) > 12 else "")
    if value is None or isinstance(value, bool):
        return {None: "unknown", True: "yes", False: "no"}[value]
    return str(value)


def weights_convert(args: Namespace) -> Result:
    """Write a file of another system as files of a domain."""
    source, out = Path(args.file), Path(args.out)
    findings = inspect_file(source)
    target = convert(findings, source, out, args.name, args.family, args.space)
    lines = [f"Written to {path}." for path in target.written]
    lines += target.notes
    lines += [f"Left out of the domain: {sentence}" for sentence in target.left_out]
    lines += [f"Missing, and made up or left out: {what}." for f in findings for what in f.missing]
    if target.facts:
        lines.append(f"Use it with --domain {out}.")
    else:
        lines.append(f"{out} is no domain yet: convert its generator into it to use these files.")
    facts = {
        "out": str(out),
        "paths": [str(path) for path in target.written],
        "domain": bool(target.facts),
        "left_out": target.left_out,
        "notes": target.notes,
        "missing": [what for found in findings for what in found.missing],
    }
    return Result("\n".join(lines), facts)
