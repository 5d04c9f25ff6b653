"""Trust on first use: what a file without a known SHA-256 was when it was first seen here.

``domain.lock`` beside ``domain.yaml`` keeps it, one entry per file. From then on another file under
the same name is refused; whoever wants the new one deletes the entry, or the whole lock.
"""

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from editing.errors import BadInput, CannotWrite
from editing.io.codec import parse_yaml
from editing.io.images import write_atomically

LOCK = "domain.lock"
HEADING = "# Files as they were first seen here. Delete an entry to accept another file.\n"
Entries = Mapping[str, Mapping[str, Any]]  # file -> its sha256, size and url


def trusted(folder: Path, file: str) -> str | None:
    """The SHA-256 that ``file`` must have; None where it was never seen.

    Raises:
        BadInput: the lock is damaged.
    """
    found: str | None = _read(folder).get(file, {}).get("sha256")
    return found


def trusted_url(folder: Path, file: str) -> str:
    """Where ``file`` came from when it was first seen; "" where nobody knows."""
    return str(_read(folder).get(file, {}).get("url", ""))


def trust(folder: Path, file: str, sha256: str, size: int, url: str = "") -> None:
    """Note what ``file`` is.

    Raises:
        CannotWrite: folder or disk refuse.
    """
    _add(folder, {file: {"sha256": sha256, "size": size, "url": url}})


def trust_if_possible(folder: Path, file: str, sha256: str, size: int) -> None:
    """``trust``, where the folder can be written; a domain on a read-only disk works without."""
    trust_all(folder, {file: {"sha256": sha256, "size": size, "url": ""}})


def trust_all(folder: Path, entries: Entries) -> None:
    """Note several files, where the folder can be written."""
    with contextlib.suppress(CannotWrite):
        _add(folder, entries)


def _add(folder: Path, entries: Entries) -> None:
    import yaml

    if not entries:
        return
    with _alone(folder):
        text = HEADING + yaml.safe_dump({"files": {**_read(folder), **entries}})
        write_atomically(folder / LOCK, lambda lock: lock.write(text.encode()))


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No other process or thread reads and writes the lock meanwhile (not on Windows)."""
    if sys.platform == "win32" or not folder.is_dir():
        yield
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _read(folder: Path) -> dict[str, dict[str, Any]]:
    path = folder / LOCK
    if not path.is_file():
        return {}
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{path} is no text; delete it, and files are trusted anew when they are next used."
        ) from error
    return {
        file: {"sha256": entry.need("sha256", str), "size": entry.take("size", int, 0),
               "url": entry.take("url", str, "")}
        for file, entry in parse_yaml(text, str(path)).named_parts("files").items()
        if entry is not None
    }  # fmt: skip
