"""domain.yaml: what a domain has, where each file comes from, and under which licence.

A domain is a folder with a ``domain.yaml``::

    name: portraits                 # how commands and files call it
    title: Portraits                # how people call it
    resolution: 128                 # pixels
    family: stylegan2
    alignment: ffhq                 # how photos are cropped; null = not at all
    class: 0                        # of a generator with classes: which one it draws
    generator:                      # every file has these; only the first two are needed
      file: generator.safetensors   # inside the folder
      sha256: 6b86b273...
      size: 8123456                 # bytes
      licence: MIT
      source: python -m training generator
    encoder: {file: ...}            # picture -> ws minus w_avg, [N, num_ws · w_dim] or [N, w_dim]
    scorer: {file: ...}             # picture -> attributes, in σ of the world
    judge: {file: ...}              # the same, trained apart; see domains.open_judge
    perceptual: {file: ...}         # picture -> feature maps
    reach: {perceptual: 0.1}        # distance within which inversion brings 95 % of its own world
    identity: {file: ...}           # picture -> embedding
    text_image_model:               # a CLIP folder in the transformers layout with its files, or a
      file: clip                    # model of the Hugging Face hub in one line:
      files: [{file: clip/config.json, ...}, ...]  # text_image_model: owner/name@REVISION
    boundaries:                     # attribute -> direction file
      smile: {file: boundaries/smile.safetensors, sha256: ...}
    components: {file: ...}         # principal components of W (GANSpace)
    statistics: {file: ...}         # StyleSpace: mean and deviation of every channel
    differential: {file: ...}       # where an edit along one of the boundaries shows
    deghosting: {file: ...}         # draws over the ghosts of composites; of this very generator
    global_directions: null

Every part but the generator may be null. A file that is not shipped also says where it is fetched
from; then its sha256 may be left out, and the first one found is trusted from there on::

    generator:
      file: fetched/ffhq.pkl
      url: https://...              # the origin
      mirrors: [https://...]        # asked when the origin fails
      licence: CC BY-NC 4.0
      citation: Karras et al. 2020, ...

A part of several files names their folder as its file, and each of them under ``files``.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from editing.errors import BadInput, UnsafeFile
from editing.io.codec import Settings, parse_yaml
from editing.io.downloads import Remote, file_hash
from editing.io.http import check_url
from editing.io.hub import HubModel
from editing.io.images import write_atomically
from editing.models.generators.generator import FAMILIES

DESCRIPTION = "domain.yaml"
ALIGNMENTS = ("ffhq", None)
NAME = re.compile(r"(?!\.+$)[\w.-]+")  # of a domain, which is that of a folder: not "." or ".."
PARTS = (
    "generator", "encoder", "scorer", "judge", "perceptual", "identity",
    "text_image_model", "components", "statistics", "differential", "deghosting",
    "global_directions",
)  # fmt: skip


@dataclass(frozen=True)
class FileEntry:
    """One file of a domain, or a folder of ``files``."""

    file: str  # relative to the domain's folder
    sha256: str | None  # None: trusted on first use
    size: int | None = None  # bytes
    licence: str = ""
    source: str = ""  # where it comes from, or the command that makes it
    urls: tuple[str, ...] = ()  # the origin, then mirrors; empty where it is shipped
    citation: str = ""
    files: tuple["FileEntry", ...] = ()  # of a folder

    @property
    def members(self) -> tuple["FileEntry", ...]:
        """The files themselves: those of a folder, or this one."""
        return self.files or (self,)

    @property
    def bytes(self) -> int | None:
        """Of all files; None where one does not say."""
        sizes = [member.size for member in self.members]
        return None if None in sizes else sum(size or 0 for size in sizes)

    @property
    def remote(self) -> Remote:
        """What to download; of a single file with urls."""
        return Remote(self.urls, self.size, self.sha256)


def describe_file(folder: Path, file: str, **facts: object) -> dict[str, object]:
    """The entry of a file that lies in a domain's folder, for ``write_description``."""
    path = folder / file
    return {"file": file, "sha256": file_hash(path), "size": path.stat().st_size, **facts}


def write_description(folder: Path, facts: Mapping[str, Any]) -> Path:
    """Write ``folder``/domain.yaml, whole or not at all.

    Raises:
        CannotWrite: folder or disk refuse.
    """
    import yaml

    text: str = yaml.safe_dump(dict(facts), sort_keys=False, allow_unicode=True, width=100)
    path = folder / DESCRIPTION
    write_atomically(path, lambda file: file.write(text.encode()))
    return path


def read_description(path: Path) -> dict[str, Any]:
    """domain.yaml with every part as a ``FileEntry`` or None.

    Raises:
        BadInput: what is wrong with it, in a sentence.
        UnsafeFile: it names a file outside its folder.
    """
    try:
        settings = parse_yaml(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is no text; write it anew.") from error
    facts: dict[str, Any] = {
        "name": settings.take("name", str, path.parent.name),
        "title": settings.take("title", str, ""),
        "resolution": settings.need("resolution", int),
        "family": settings.take("family", str, "stylegan2"),
        "alignment": settings.take("alignment", str),
        "label": settings.take("class", int),
    }
    for key, fits, wanted in (
        ("name", bool(NAME.fullmatch(facts["name"])), "letters, digits, - and _"),
        ("family", facts["family"] in FAMILIES, f"one of {tuple(FAMILIES)}"),
        ("alignment", facts["alignment"] in ALIGNMENTS, "ffhq or null"),
    ):
        if not fits:
            raise BadInput(f"{path} has {key}: {facts[key]!r}; it needs {wanted}.")
    reach = settings.part("reach")
    facts["reach"] = reach.take("perceptual", float) if reach else None
    if reach:
        reach.end()
    clip = settings.take_if_text("text_image_model")
    facts["hub_clip"] = None if clip is None else HubModel.parse(clip)
    facts |= {part: _entry(settings.part(part)) for part in PARTS}
    if facts["generator"] is None:
        raise BadInput(f"{path} lacks the generator; add its file and sha256.")
    boundaries = settings.named_parts("boundaries").items()
    facts["boundaries"] = {name: e for name, part in boundaries if (e := _entry(part))}
    settings.end()
    return facts


def _entry(settings: Settings | None, inherited: FileEntry | None = None) -> FileEntry | None:
    """The entry of one part; a file of a folder has the folder's licence unless it has its own."""
    if settings is None:
        return None
    known = inherited or FileEntry("", None)
    url = settings.take("url", str)
    entry = FileEntry(
        file=settings.need("file", str),
        sha256=settings.take("sha256", str),
        size=settings.take("size", int),
        licence=settings.take("licence", str, known.licence),
        source=settings.take("source", str, known.source),
        urls=tuple(check_url(u) for u in (*([url] if url else ()), *settings.texts("mirrors"))),
        citation=settings.take("citation", str, known.citation),
    )
    files = [] if inherited else settings.parts("files", needed=False)
    settings.end()
    members = tuple(member for part in files if (member := _entry(part, entry)))
    if members:
        if any(not member.file.startswith(f"{entry.file}/") for member in members):
            raise BadInput(f"The files of {settings.name} must lie in its folder {entry.file}.")
        if entry.sha256 is not None or entry.size is not None or entry.urls:
            raise BadInput(
                f"{settings.name} is a folder, which has no sha256, size or url of its own; write "
                "them into the entry of each of its files."
            )
        entry = FileEntry(entry.file, None, None, entry.licence, entry.source,
                          citation=entry.citation, files=members)  # fmt: skip
    elif entry.sha256 is None and not entry.urls:
        raise BadInput(
            f"{settings.name} lacks sha256; add the 64 digits, or the url it is fetched from."
        )
    elif entry.sha256 is not None and not re.fullmatch(r"[0-9a-f]{64}", entry.sha256):
        raise BadInput(
            f"The sha256 of {settings.name} is {entry.sha256!r}; write its 64 hexadecimal digits."
        )
    inside = Path(os.path.normpath(entry.file))
    if inside.is_absolute() or inside.parts[:1] in ((), ("..",)):
        raise UnsafeFile(
            f"The file {entry.file!r} of {settings.name} lies outside its folder; "
            "put it into the folder."
        )
    return entry
