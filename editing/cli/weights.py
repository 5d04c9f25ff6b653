"""The commands about files of weights: list, fetch, verify; and domains built from them.

The commands about files of other systems: ``weights inspect`` and ``weights convert``.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from editing.cli.arguments import parse_class, parse_number, parse_whole
from editing.cli.edit import Result
from editing.cli.flags.use import check_mode, refuse_idle
from editing.conversion.convert import convert
from editing.conversion.inspect import Finding, inspect_file
from editing.conversion.target import Said
from editing.errors import BadInput, CannotFetch, UnknownName, UnsafeFile
from editing.io import hub
from editing.io.downloads import Fetched, Progress
from editing.io.http import host_of
from editing.models.domain import Domain, list_domains, open_domain
from editing.models.domain_yaml import DESCRIPTION
from editing.models.fetching import CLIP, Missing, amount, bring, complete, lacks_hub, plan, verify
from editing.models.latents import SeedSpec


def weights_list(args: Namespace) -> Result:
    """Every file of every domain: present or not, how large, from where, under which licence."""
    found = [_facts(domain) for domain in list_domains()]
    return Result("\n\n".join(_text(facts) for facts in found), {"domains": found})


def _facts(domain: Domain) -> dict[str, Any]:
    files: list[dict[str, Any]] = [
        {"part": part, "file": member.file, "bytes": member.size, "licence": member.licence,
         "citation": member.citation, "urls": list(member.urls), "sha256": domain.expected(member),
         "present": (domain.folder / member.file).is_file()}
        for part, entry in domain.entries.items()
        for member in entry.members
    ]  # fmt: skip
    return {
        "name": domain.name,
        "title": domain.title,
        "hub": domain.hub_clip and domain.hub_clip.name,
        "hub_present": not lacks_hub(domain),
        "present": complete(domain),
        "files": files,
    }


def _text(facts: dict[str, Any]) -> str:
    missing = sum(not file["present"] for file in facts["files"]) + (not facts["hub_present"])
    total = len(facts["files"]) + bool(facts["hub"])
    state = f"{missing} of {total} files missing" if missing else "complete"
    lines = [f"{facts['name']}: {facts['title']}, {state}"]
    for file in facts["files"]:
        size = f"{amount(file['bytes']) if file['bytes'] else 'size ?':>10}"
        place = "here" if file["present"] else "missing"
        source = host_of(file["urls"][0]) if file["urls"] else "shipped"
        licence = file["licence"] or "not stated"
        lines.append(f"  {place:<8}{file['part']:<22}{size}  {source}, {licence}")
    if facts["hub"]:
        place = "here" if facts["hub_present"] else "missing"
        lines.append(f"  {place:<8}{CLIP:<22}{'size ?':>10}  Hugging Face hub, {facts['hub']}")
    if missing:
        lines.append(f"  fetch with: python -m editing weights fetch {facts['name']}")
    return "\n".join(lines)


def weights_fetch(args: Namespace) -> Result:
    """Download what a domain lacks; what can be fetched is, whatever else fails."""
    domain = open_domain(args.name)
    wanted = plan(domain, args.parts)
    if not wanted.files and not wanted.hub:
        text = f"{domain.name} has all its files; 'weights verify {domain.name}' checks them."
        return Result(text, {"name": domain.name, "fetched": []})
    print(wanted.announcement(), file=sys.stderr, flush=True)
    fetched: dict[str, Fetched] = {}
    failed: list[str] = []
    for file in wanted.files:
        try:
            with _bar(file) as progress:
                fetched[file.entry.file] = bring(domain, file, progress)
        except CannotFetch as error:
            failed.append(str(error))
    if wanted.hub:
        try:
            hub.fetch(wanted.hub, domain.folder)
        except CannotFetch as error:
            failed.append(str(error))
    if failed:
        *others, last = failed
        for sentence in others:
            print(sentence, file=sys.stderr)
        rest = f" Of {domain.name}, {len(fetched)} files have arrived and {len(failed)} have not."
        raise CannotFetch(last + (rest if len(wanted.files) > 1 else ""))
    files = [
        {"file": name, "bytes": got.size, "sha256": got.sha256, "url": got.url}
        for name, got in fetched.items()
    ]
    lines = [f"{domain.name}: what was asked for is here now."]
    lines += [f"Please cite: {text}" for text in sorted(_citations(domain))]
    lines += [f"Still missing, without an address: {place}" for place in wanted.homeless]
    return Result(
        "\n".join(lines),
        {"name": domain.name, "fetched": files, "hub": wanted.hub and wanted.hub.name},
    )


def _citations(domain: Domain) -> set[str]:
    entries = domain.entries.values()
    return {m.citation for entry in entries for m in entry.members if m.citation}


@contextmanager
def _bar(file: Missing) -> Iterator[Progress]:
    from tqdm import tqdm

    with tqdm(desc=file.part, unit="B", unit_scale=True, disable=None, leave=False) as bar:

        def progress(done: int, total: int | None) -> None:
            if total and bar.total is None and file.entry.size is None:
                bar.write(f"{file.part}: {amount(total)} from {file.host}", sys.stderr)
            bar.total = total
            bar.update(done - bar.n)

        yield progress


def weights_verify(args: Namespace) -> Result:
    """Compare every file of a domain with what it should be."""
    domain = open_domain(args.name)
    states = verify(domain)
    lines = [f"{state:<8}  {file}" for file, state in states.items()]
    if damaged := [file for file, state in states.items() if state == "damaged"]:
        raise UnsafeFile(
            f"{', '.join(damaged)} of {domain.name} are not what they should be; delete them and "
            f"run 'python -m editing weights fetch {domain.name}'."
        )
    return Result("\n".join(lines), {"name": domain.name, "files": states})


def domain_build(args: Namespace) -> Result:
    """Make a domain of a checkpoint."""
    from tqdm import tqdm

    from editing.conversion.build import BuildOptions, build_domain

    out = Path(args.out)
    pictures = parse_whole("--pictures", args.pictures, 1, 1000)
    options = BuildOptions(
        args.title, args.alignment, args.licence, pictures, args.clip, parse_class(args.label)
    )
    with tqdm(desc="build", unit="picture", disable=None, leave=False) as bar:
        for step in build_domain(
            Path(args.checkpoint), out, options, lambda text: bar.write(text, sys.stderr)
        ):
            bar.total = step.total
            bar.update(step.done - bar.n)
    domain = open_domain(out)
    text = (
        f"{out} is a domain of {domain.resolution} px ({domain.family}) with "
        f"{len(domain.boundaries)} directions; see contact.png and directions.png in it, and open "
        f"it with: python app.py --domain {out}"
    )
    facts = {
        "out": str(out),
        "name": domain.name,
        "resolution": domain.resolution,
        "family": domain.family,
        "directions": list(domain.boundaries),
        "contact": str(out / "contact.png"),
    }
    return Result(text, facts)


def weights_inspect(args: Namespace) -> Result:
    """Say what a file is."""
    findings = inspect_file(args.file)
    facts = [
        {"kind": found.kind, "system": found.system, "missing": list(found.missing),
         "unread": list(found.unread), **found.facts}
        for found in findings
    ]  # fmt: skip
    return Result(
        "\n".join(_finding_text(found) for found in findings), {"file": args.file, "holds": facts}
    )


def _finding_text(found: Finding) -> str:
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
