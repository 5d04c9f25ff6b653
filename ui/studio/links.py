"""Links to work: a seed's recipe in the address itself, other work on the server for a week.

?recipe=...   the recipe of an invented person, deflated
?work=...     128 bits of the SHA-256 of a session file that the server keeps; who has them has
              seen the link or the file itself, and may open it and delete it. Only where app.py
              was given a folder for them.

The same work has the same link. An address has a share of the folder, and when it is used up its
own oldest link goes; when the folder is full, the oldest of whoever has most there.
"""

import base64
import binascii
import hashlib
import os
import re
import secrets
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import parse_qs

from editing.errors import BadInput, BadRecipe, CannotWrite, MissingFile
from editing.io.allowances import Allowance
from editing.io.images import write_atomically
from editing.recipes.recipe import Recipe, recipe_from_yaml, recipe_to_yaml
from ui.studio.exports import bounded
from ui.studio.session_files import SUFFIX

DAYS = 7
MAX_FILES, MAX_BYTES = 500, 16 * 2**20  # of the folder, and of one file in it
MAX_TOTAL = 2 * 2**30  # bytes of the folder
SHARE = 20  # files of one address
MAX_FIELDS = 20  # of an address
MAX_QUERY = 6000  # characters; browsers and servers take some 8,000 of an address
MAX_TEXT = 2**17  # bytes of a recipe from an address, unpacked
NAME = re.compile(r"[0-9a-f]{32}")


class DeadLink(MissingFile):
    """A link whose work was deleted, has grown too old, or was never here."""


def recipe_query(recipe: Recipe) -> str:
    """The part of an address after "?" that holds a recipe.

    Raises:
        BadInput: it is too long for that.
    """
    text = recipe_to_yaml(replace(recipe, torch="", threads=None)).encode()
    query = "recipe=" + base64.urlsafe_b64encode(zlib.compress(text, 9)).decode().rstrip("=")
    if len(query) > MAX_QUERY:
        raise BadInput(
            f"These edits take {len(query)} characters and an address has room for {MAX_QUERY}; "
            "save the session file and send that instead."
        )
    return query


def work_query(name: str) -> str:
    return f"work={name}"


def parse_query(query: str) -> tuple[str, str]:
    """("recipe" or "work", value) of an address, or of its part after "?".

    Raises:
        BadInput: it holds neither.
    """
    try:
        values = parse_qs(query.rpartition("?")[2], max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise BadInput(
            f"This address has more than {MAX_FIELDS} fields, which no link made here has; copy "
            "the link anew."
        ) from error
    for key in ("recipe", "work"):
        if key in values:
            return key, values[key][0]
    raise BadInput("This address holds no work; copy the whole link.")


def recipe_of_query(value: str, allowance: Allowance | None = None) -> Recipe:
    """The recipe that an address holds; ``allowance`` as of ``recipe_from_yaml``.

    Raises:
        BadRecipe: it is damaged, unpacks to too much, or is not of an invented person.
    """
    try:
        data = base64.urlsafe_b64decode(value[:MAX_QUERY] + "=" * (-len(value) % 4))
        unpacking = zlib.decompressobj()
        text = unpacking.decompress(data, MAX_TEXT).decode()
        if not unpacking.eof:
            raise ValueError("it is cut short, or unpacks to too much")
    except (binascii.Error, zlib.error, ValueError) as error:
        raise BadRecipe("The link is damaged or cut short; copy all of it.") from error
    recipe = bounded(recipe_from_yaml(text, "The recipe in the link", allowance))
    if recipe.source.kind != "seed":
        raise BadRecipe("The recipe in the link is not of an invented person; open a file instead.")
    return recipe


@dataclass(frozen=True)
class Kept:
    """A file of the folder."""

    path: Path
    tag: str  # of the address that shared it
    size: int
    time: float  # of its last sharing


@dataclass(frozen=True)
class Links:
    """Session files that a server keeps for a week, under names nobody can guess."""

    folder: Path
    salt: bytes = field(default_factory=lambda: secrets.token_bytes(16), repr=False)

    def keep(self, data: bytes, address: str = "") -> str:
        """Store a session file of a visitor at ``address``; its name.

        Raises:
            BadInput: it is too large.
            CannotWrite: the disk refuses.
        """
        self.sweep()
        if len(data) > MAX_BYTES:
            raise BadInput(
                f"This session has {len(data):,} bytes and a link may stand for {MAX_BYTES:,}; "
                "save the session file and send that instead."
            )
        name = hashlib.sha256(data).hexdigest()[:32]
        if (known := self._path(name)) is not None:
            with suppress(OSError):  # its week begins anew
                os.utime(known)
            return name
        tag = self._tag(address)
        self._make_room(tag, len(data))
        try:
            write_atomically(self.folder / f"{name}.{tag}{SUFFIX}", lambda file: file.write(data))
        except CannotWrite as error:
            raise CannotWrite(
                "The server's disk is full or cannot be written, so there is no link; save the "
                "session file and send that instead."
            ) from error
        return name

    def _tag(self, address: str) -> str:
        """What stands for an address in file names; only this process can tell which it is."""
        return hashlib.sha256(self.salt + address.encode()).hexdigest()[:12]

    def _make_room(self, tag: str, size: int) -> None:
        """Delete the oldest of an address that has used up its share, or of whoever has most."""
        files = sorted(self._files(), key=lambda file: file.time)
        own = [file for file in files if file.tag == tag]
        gone = own[: max(len(own) - SHARE + 1, 0)]
        files = [file for file in files if file not in gone]
        while len(files) >= MAX_FILES or sum(file.size for file in files) + size > MAX_TOTAL:
            most = Counter(file.tag for file in files).most_common(1)[0][0]
            gone.append(next(file for file in files if file.tag == most))
            files.remove(gone[-1])
        for file in gone:
            file.path.unlink(missing_ok=True)

    def _files(self) -> Iterator[Kept]:
        for path in self.folder.glob(f"*{SUFFIX}"):
            with suppress(OSError):  # another visitor's sweep was faster
                facts = path.stat()
                tag = path.name.removesuffix(SUFFIX).partition(".")[2]
                yield Kept(path, tag, facts.st_size, facts.st_mtime)

    def find(self, name: str) -> Path:
        """The session file of a link.

        Raises:
            DeadLink: there is none of that name any more.
        """
        self.sweep()
        path = self._path(name) if NAME.fullmatch(name) else None
        if path is None:
            raise DeadLink(
                f"There is no work under this link; it was deleted, or is older than {DAYS} days."
            )
        return path

    def delete(self, name: str) -> None:
        """Forget a session file.

        Raises:
            DeadLink: as ``find``.
        """
        self.find(name).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Delete what is older than ``DAYS``."""
        oldest = time.time() - DAYS * 24 * 3600
        for file in self._files():
            if file.time < oldest:
                with suppress(OSError):
                    file.path.unlink()

    def _path(self, name: str) -> Path | None:
        """The file of a name; whose it is follows the name, except in earlier versions."""
        found = (path for path in self.folder.glob(f"{name}*{SUFFIX}") if path.is_file())
        return next(found, None)
