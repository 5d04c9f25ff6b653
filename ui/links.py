"""Links to work: a seed's recipe in the address itself, other work on the server for a week.

?recipe=...   the recipe of an invented person, deflated
?work=...     128 random bits that name a session file on the server; who knows them may
              open it and delete it. Only where app.py was given a folder for them.
"""

import base64
import binascii
import re
import secrets
import time
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qs

from editing.allowances import Allowance
from editing.errors import BadInput, BadRecipe, MissingFile
from editing.images import write_atomically
from editing.recipes import Recipe, recipe_from_yaml, recipe_to_yaml
from ui.files import bounded
from ui.session_files import SUFFIX

DAYS = 7
MAX_FILES, MAX_BYTES = 500, 16 * 2**20  # of the folder, and of one file in it
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
    values = parse_qs(query.rpartition("?")[2], max_num_fields=20)
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
class Links:
    """Session files that a server keeps for a week, under names nobody can guess."""

    folder: Path

    def keep(self, data: bytes) -> str:
        """Store a session file; its name.

        Raises:
            BadInput: it is too large, or the folder is full.
            CannotWrite: the disk refuses.
        """
        self.sweep()
        if len(data) > MAX_BYTES:
            raise BadInput(
                f"This session has {len(data):,} bytes and a link may stand for {MAX_BYTES:,}; "
                "save the session file and send that instead."
            )
        if sum(1 for _ in self.folder.glob(f"*{SUFFIX}")) >= MAX_FILES:
            raise BadInput(
                f"This server keeps {MAX_FILES} links at once and has as many; delete one, or "
                "save the session file and send that instead."
            )
        name = secrets.token_hex(16)
        write_atomically(self._path(name), lambda file: file.write(data))
        return name

    def find(self, name: str) -> Path:
        """The session file of a link.

        Raises:
            DeadLink: there is none of that name any more.
        """
        self.sweep()
        path = self._path(name) if NAME.fullmatch(name) else None
        if path is None or not path.is_file():
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
        for path in self.folder.glob(f"*{SUFFIX}"):
            try:
                if path.stat().st_mtime < oldest:
                    path.unlink()
            except OSError:  # another visitor's sweep was faster
                continue

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}{SUFFIX}"
