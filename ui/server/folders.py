"""The folder of one process: uploads, results and half-made films, which go when it has gone.

Gradio deletes the files that it has listed, and an upload that broke off, or a process that was
killed, leaves files that are on no list. So every process has a folder of its own, held by a lock
that ends with it: whoever starts next deletes the folders that nobody holds. What lies in it is
deleted by age and, beyond a total, oldest first, whoever made it.
"""

from __future__ import annotations

import atexit
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

MB = 2**20
KEEP = 1800.0  # seconds that a file stays
KEEP_WORK = 6 * 3600.0  # and one of work that goes on
MOST_BYTES = 4096 * MB  # of all files
SPARE = 256 * MB  # of the disk, which stay free
EMPTY_AFTER = 60.0  # seconds after which an empty folder goes
PARTIAL = "tmp"  # how the files of uploads begin that are still arriving, or broke off


@dataclass(frozen=True)
class Room:
    """A folder that is this process's own."""

    folder: Path
    lock: IO[bytes]

    @property
    def files(self) -> Path:
        """What Gradio serves."""
        return self.folder / "files"

    @property
    def work(self) -> Path:
        """What is not finished yet."""
        return self.folder / "work"

    def leave(self) -> None:
        """Delete all of it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(OSError):
            _lock_of(self.folder).unlink(missing_ok=True)
        self.lock.close()


def default_base() -> Path:
    """Where processes have their folders: where Gradio is told to, or in the system's own."""
    if told := os.environ.get("GRADIO_TEMP_DIR"):
        return Path(told)
    owner = getattr(os, "getuid", lambda: 0)()
    base = Path(tempfile.gettempdir()) / f"latent-studio-{owner}"
    base.mkdir(parents=True, exist_ok=True, mode=0o700)
    if base.stat().st_uid not in (owner, 0):  # somebody else was there first
        return Path(tempfile.mkdtemp(prefix="latent-studio-"))
    return base


def claim(base: Path) -> Room:
    """A folder for this process in ``base``, without those of processes that have ended.

    It goes when the process ends by itself.
    """
    base.mkdir(parents=True, exist_ok=True, mode=0o700)
    delete_dead(base)
    folder = base / f"{os.getpid()}-{time.time_ns()}"
    lock = _held(_lock_of(folder))
    room = Room(folder, lock)
    for each in (room.files, room.work):
        each.mkdir(parents=True, mode=0o700)
    atexit.register(room.leave)
    return room


def move_in(room: Room) -> None:
    """Let Gradio and every library of this process put their temporary files there."""
    os.environ["GRADIO_TEMP_DIR"] = str(room.files)
    os.environ["TMPDIR"] = tempfile.tempdir = str(room.work)


def delete_dead(base: Path) -> None:
    """Delete the folders whose process has ended, however it did."""
    for path in base.glob("*-*.lock"):
        with suppress(OSError):  # another process was faster
            if fcntl is None:
                path.unlink()  # Windows refuses that while a process has it open
                shutil.rmtree(path.with_suffix(""), ignore_errors=True)
                continue
            with path.open("ab") as lock:
                if _take(lock):
                    shutil.rmtree(path.with_suffix(""), ignore_errors=True)
                    path.unlink(missing_ok=True)


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _held(path: Path) -> IO[bytes]:
    """The file, locked; made anew where another process has just deleted it as a dead one's."""
    while True:
        lock = path.open("ab")
        if _take(lock):
            with suppress(OSError):
                if os.path.samestat(os.fstat(lock.fileno()), path.stat()):
                    return lock
        lock.close()


def _take(lock: IO[bytes]) -> bool:
    """Lock a file for as long as this process has it open; False where another one does."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


# -- what lies in it


def sweep(
    folder: Path,
    kept: Collection[str] = (),
    age: float = KEEP,
    most: int = MOST_BYTES,
    clock: Callable[[], float] = time.time,
) -> int:
    """Delete files older than ``age`` s, then the oldest beyond ``most`` bytes; returns the rest.

    Args:
        kept: paths of files that stay.
    """
    now, left = clock(), list[tuple[float, int, Path]]()
    for path, facts in _files(folder):
        changed = max(facts.st_mtime, facts.st_ctime)
        if str(path) in kept or now - changed <= age:
            left.append((changed, facts.st_size, path))
        else:
            _delete(path)
    total = sum(size for _, size, _ in left)
    for _, size, path in sorted(left):
        if total <= most:
            break
        if str(path) not in kept:
            _delete(path)
            total -= size
    _delete_empty(folder, now)
    return total


def own_folder() -> Path | None:
    """Where Gradio serves files from; None where that may be other programs' folder, too."""
    told = os.environ.get("GRADIO_TEMP_DIR")
    return Path(told) if told else None


def sweep_own(kept: Collection[str] = ()) -> None:
    """``sweep`` all that is this process's own."""
    if (folder := own_folder()) is not None:
        sweep(folder, kept)
        work = Path(tempfile.gettempdir())
        if work.parent == folder.parent:  # it has moved into a room
            sweep(work, age=KEEP_WORK)


def delete_partial(folder: Path, before: float) -> None:
    """Delete what is left of uploads that ended, none of which was written since ``before``."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith(PARTIAL):
                continue
            with suppress(OSError):
                if entry.is_file(follow_symlinks=False) and entry.stat().st_mtime < before:
                    os.unlink(entry.path)


def has_space(folder: Path, size: int) -> bool:
    """Whether the disk takes ``size`` bytes more and keeps some for everything else."""
    there = next((each for each in (folder, *folder.parents) if each.is_dir()), folder)
    try:
        return shutil.disk_usage(there).free >= size + SPARE
    except OSError:
        return True  # writing will tell


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            with suppress(OSError):  # gone meanwhile
                facts = path.lstat()
                if stat.S_ISREG(facts.st_mode):
                    yield path, facts


def _delete(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _delete_empty(folder: Path, now: float) -> None:
    """Folders without anything in them; one that was just made may be about to get a file."""
    for parent, _, _ in os.walk(folder, topdown=False):
        with suppress(OSError):  # not empty
            if parent != str(folder) and now - os.lstat(parent).st_mtime > EMPTY_AFTER:
                os.rmdir(parent)
