"""Trust on first use: what a file without a known SHA-256 was when it was first seen here.

``domain.lock`` beside ``domain.yaml`` keeps it, one entry per file. From then on another file under
the same name is refused; whoever wants the new one deletes the entry, or the whole lock.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any

from editing.errors import CannotWrite
from editing.images import write_atomically
from editing.settings import parse_yaml

LOCK = "domain.lock"
HEADING = "# Files as they were first seen here. Delete an entry to accept another file.\n"


def trusted(folder: Path, file: str) -> str | None:
    """The SHA-256 that ``file`` must have; None where it was never seen.

    Raises:
        BadInput: the lock is damaged.
    """
    found: str | None = _read(folder).get(file, {}).get("sha256")
    return found


def trust(folder: Path, file: str, sha256: str, size: int, url: str = "") -> None:
    """Note what ``file`` is.

    Raises:
        CannotWrite: folder or disk refuse.
    """
    import yaml

    files = _read(folder) | {file: {"sha256": sha256, "size": size, "url": url}}
    text = HEADING + yaml.safe_dump({"files": files})
    write_atomically(folder / LOCK, lambda lock: lock.write(text.encode()))


def trust_if_possible(folder: Path, file: str, sha256: str, size: int) -> None:
    """``trust``, where the folder can be written; a domain on a read-only disk works without."""
    with suppress(CannotWrite):
        trust(folder, file, sha256, size)


def _read(folder: Path) -> dict[str, dict[str, Any]]:
    path = folder / LOCK
    if not path.is_file():
        return {}
    settings = parse_yaml(path.read_text(encoding="utf-8"), str(path))
    return {
        file: {"sha256": entry.need("sha256", str), "size": entry.take("size", int, 0),
               "url": entry.take("url", str, "")}
        for file, entry in settings.named_parts("files").items()
        if entry is not None
    }  # fmt: skip
