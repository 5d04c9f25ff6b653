"""The commands about files of weights: list, fetch, verify; and domains built from them."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from editing import hub
from editing.arguments import parse_class, parse_whole
from editing.commands import Result
from editing.domains import Domain, list_domains, open_domain
from editing.downloads import Fetched, Progress
from editing.errors import CannotFetch, UnsafeFile
from editing.fetching import CLIP, Missing, amount, bring, complete, lacks_hub, plan, verify
from editing.servers import host_of


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

    from editing.domain_build import BuildOptions, build_domain

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
