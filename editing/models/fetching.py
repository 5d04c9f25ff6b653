"""What a domain lacks, brought here: part by part, announced before the first byte.

fetch = plan(domain, ["generator"])       # raises a sentence where nothing can be fetched
print(fetch.announcement())
for file in fetch.files: bring(domain, file, progress)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from editing.errors import MissingFile, UnknownName
from editing.io import hub
from editing.io.downloads import Fetched, Progress, Remote, download, file_hash
from editing.io.http import Patience, host_of
from editing.io.hub import HubModel
from editing.io.trust import trust
from editing.models.domain import Domain
from editing.models.domain_yaml import FileEntry

CLIP = "text_image_model"


@dataclass(frozen=True)
class Missing:
    """One file to fetch: ``part`` as people call it, and its entry in domain.yaml."""

    part: str
    entry: FileEntry

    @property
    def host(self) -> str:
        return host_of(self.entry.urls[0])


@dataclass(frozen=True)
class Plan:
    """What is going to be fetched, and what is missing but comes from nowhere."""

    domain: str
    files: tuple[Missing, ...]
    hub: HubModel | None = None  # the text-image model, where it is one of the hub
    homeless: tuple[str, ...] = ()  # files without an address, to be put there by hand

    @property
    def bytes(self) -> int:
        """Of the files whose size is known."""
        return sum(file.entry.size or 0 for file in self.files)

    def announcement(self) -> str:
        """How much comes from where, under which licences: to be said before the first byte."""
        lines = [line_of(file.part, file.entry, file.host) for file in self.files]
        if self.hub:
            lines.append(f"{CLIP}: {self.hub.name} of the Hugging Face hub, under its own licence")
        unknown = sum(file.entry.size is None for file in self.files) + bool(self.hub)
        total = amount(self.bytes) if self.bytes else ""
        more = f"{unknown} of a size that its server says" if unknown else ""
        both = " and ".join(part for part in (total, more) if part)
        return "\n".join([f"{self.domain}: {both} to download.", *lines])


def line_of(part: str, entry: FileEntry, host: str) -> str:
    """One file of an announcement."""
    size = amount(entry.size) if entry.size else "size not known before"
    return f"{part}: {Path(entry.file).name}, {size}, from {host}, licence: {licence_of(entry)}"


def amount(size: int) -> str:
    """Bytes for people: 4.2 kB, 381.6 MB."""
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"


def licence_of(entry: FileEntry) -> str:
    return entry.licence or "not stated, ask its authors"


def part_names(domain: Domain) -> list[str]:
    """What ``weights fetch`` may be asked for: parts, attributes, and all boundaries at once."""
    parts = [*domain.parts, *([CLIP] if domain.hub_clip else [])]
    return [*parts, *domain.boundaries, *(["boundaries"] if domain.boundaries else [])]


def plan(domain: Domain, names: Sequence[str] = ()) -> Plan:
    """What to fetch so that ``names`` (all, where empty) are here.

    Raises:
        UnknownName: the domain has no such part; the message lists those it has.
        MissingFile: all that is missing has no address.
    """
    for name in names:
        if name not in part_names(domain):
            raise UnknownName.among(f"part of {domain.name}", name, part_names(domain))
    files, homeless = [], []
    for name, entry in _chosen(domain, names):
        for member in entry.members:
            if (domain.folder / member.file).is_file():
                continue
            if member.urls:
                files.append(Missing(name, member))
            else:
                homeless.append(f"{domain.folder / member.file} ({member.source or name})")
    lacking = lacks_hub(domain) and (not names or CLIP in names)
    if homeless and not files and not lacking:
        raise MissingFile(
            f"{domain.name} lacks {', '.join(homeless)}, for which domain.yaml has no address; "
            "put the files there yourself."
        )
    model = domain.hub_clip if lacking else None
    return Plan(domain.name, tuple(files), model, tuple(homeless))


def lacks_hub(domain: Domain) -> bool:
    """Whether its text-image model is one of the hub that is not whole on this machine."""
    return domain.hub_clip is not None and hub.cached(domain.hub_clip, domain.folder) is None


def complete(domain: Domain) -> bool:
    """Whether nothing of a domain is missing."""
    return not domain.missing and not lacks_hub(domain)


def _chosen(domain: Domain, names: Sequence[str]) -> Iterator[tuple[str, FileEntry]]:
    for name, entry in domain.parts.items():
        if not names or name in names:
            yield name, entry
    for name, entry in domain.boundaries.items():
        if not names or name in names or "boundaries" in names:
            yield name, entry


def bring(
    domain: Domain,
    file: Missing,
    progress: Progress | None = None,
    patience: Patience | None = None,
) -> Fetched:
    """Download one file of a plan; what has no known SHA-256 is trusted from now on.

    Raises:
        CannotFetch, CannotWrite: as ``downloads.download``.
    """
    known = domain.expected(file.entry)
    remote = Remote(file.entry.urls, file.entry.size, known)
    fetched = download(remote, domain.folder / file.entry.file, progress, patience)
    if known is None:
        trust(domain.folder, file.entry.file, fetched.sha256, fetched.size, fetched.url)
    return fetched


# -- what lies here


def verify(domain: Domain) -> dict[str, str]:
    """File -> "ok", "missing", "unknown" (nothing to compare with) or "damaged"."""
    states = {}
    for entry in domain.entries.values():
        for member in entry.members:
            path, wanted = domain.folder / member.file, domain.expected(member)
            if not path.is_file():
                states[member.file] = "missing"
            elif wanted is None:
                states[member.file] = "unknown"
            else:
                states[member.file] = "ok" if file_hash(path) == wanted else "damaged"
    if domain.hub_clip:
        found = hub.states(domain.hub_clip, domain.folder)
        states |= found or {domain.hub_clip.name: "missing"}
    return states
