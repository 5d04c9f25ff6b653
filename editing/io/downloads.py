"""One file from somewhere else: resumed, checked, from mirrors, whole or not at all.

What has arrived lies beside the target as ``NAME.part``, with ``NAME.part.json`` saying whose it
is; only a file that is complete and has the right SHA-256 takes the target's name. So a download
may be killed at any moment, and the next one goes on where it ended.

Bytes of two servers, or of two versions of a file, are only put together where a known SHA-256
proves the result.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from editing.errors import CannotFetch, CannotWrite
from editing.io.http import (
    Interrupted,
    Patience,
    Servers,
    Useless,
    check_url,
    direct,
    host_of,
    hub_cached,
    in_words,
    offline,
    page_reason,
    way_past,
)

Progress = Callable[[int, "int | None"], None]  # bytes here, bytes in all if known

CHUNK = 1 << 18
HEAD = 512  # bytes that tell a web page from a file
MAX_PAGE = 1 << 20  # of a web page, to find out what it says
MAX_PAGES = 3  # followed to a file


@dataclass(frozen=True)
class Remote:
    """A file on other machines.

    urls: http(s), the origin first, then mirrors; size in bytes; sha256 in hexadecimal.
    """

    urls: tuple[str, ...]
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Fetched:
    """What has arrived, and from where."""

    url: str
    size: int
    sha256: str


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def download(
    remote: Remote,
    target: Path,
    progress: Progress | None = None,
    patience: Patience | None = None,
) -> Fetched:
    """Bring a file here, under its final name only when it is whole and right.

    ``progress`` is called once before the first byte, then after every piece; it may raise to
    stop, and what has arrived is kept.

    Raises:
        CannotFetch: no source gives the file; the sentence says why for each, and how to go on.
        CannotWrite: folder or disk refuse.
    """
    for url in remote.urls:
        check_url(url)
    cached = next((path for url in remote.urls if (path := hub_cached(url))), None)
    if cached is None and (flag := offline()):
        raise CannotFetch(
            f"{target.name} is not here and {flag} is set, so nothing is downloaded; "
            f"unset it, or put the file at {target} yourself."
        )
    try:
        with _part_of(target) as file:
            transfer = _Transfer(remote, file, target, progress, patience or Patience())
            fetched = transfer.copy_cached(cached) if cached else transfer.run()
            if sys.platform == "win32":  # which renames no open file
                file.close()
            _part(target).replace(target)
        _note(target).unlink(missing_ok=True)
        return fetched
    except OSError as error:
        raise CannotWrite(
            f"{target} cannot be written ({error.strerror or error}); what has arrived is kept: "
            "choose another place or free some space, then fetch it again."
        ) from error


def _part(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")


def _note(target: Path) -> Path:
    return target.with_name(f"{target.name}.part.json")


@contextlib.contextmanager
def _part_of(target: Path) -> Iterator[BinaryIO]:
    """The unfinished file, open for this process alone (on Windows, for whoever comes)."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with _locked(target) as file:
        try:
            yield file
        finally:
            with contextlib.suppress(OSError):  # a full disk has been told of already
                file.flush()
            if not file.closed and not os.fstat(file.fileno()).st_size:
                _part(target).unlink(missing_ok=True)  # nothing has arrived
                _note(target).unlink(missing_ok=True)


def _locked(target: Path) -> BinaryIO:
    """The unfinished file, locked.

    Between opening and locking it, another process may have finished it and given it the target's
    name: then what is locked is a whole file that must not be written to, and the part is another.
    """
    while True:
        handle = os.open(_part(target), os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
        file = os.fdopen(handle, "r+b")
        if sys.platform == "win32":
            return file
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(handle), os.stat(_part(target))):
                return file
        except FileNotFoundError:
            pass  # renamed, and nobody has begun anew
        except BlockingIOError as error:
            file.close()
            raise CannotFetch(
                f"{target.name} is being downloaded already; wait for that to end."
            ) from error
        file.close()


class _Transfer:
    """One download, over as many servers and tries as it takes."""

    def __init__(
        self,
        remote: Remote,
        file: BinaryIO,
        target: Path,
        progress: Progress | None,
        patience: Patience,
    ) -> None:
        self.remote, self.file, self.target = remote, file, target
        self.progress = progress or (lambda done, total: None)
        self.patience = patience
        self.servers = Servers(patience)
        self.url = ""  # the source that is being read
        self.mixed = False  # whether bytes of an earlier answer are in the file

    def run(self) -> Fetched:
        """Try the sources in their order."""
        reasons = []
        for url in self.remote.urls:
            self.url = url
            try:
                return self._receive_whole()
            except Useless as error:
                reasons.append(f"{host_of(self.url)} {error}")
        raise CannotFetch(
            f"{self.target.name} cannot be downloaded: {'; '.join(reasons)}. Try again later, or "
            f"get it in a browser from {self.remote.urls[0]} and put it at {self.target}."
        )

    def copy_cached(self, path: Path) -> Fetched:
        """Take a file from the hub's cache instead."""
        self.url = path.as_uri()
        size = path.stat().st_size
        try:
            self._expect(0, size)
            self.progress(0, size)
            self.file.truncate(0)
            with path.open("rb") as source:
                shutil.copyfileobj(source, self.file, CHUNK)
            self.progress(size, size)
            return self._checked()
        except (Useless, Interrupted) as error:
            raise CannotFetch(
                f"{path} in the cache of the Hugging Face hub {error}; remove it there."
            ) from error

    def _receive_whole(self) -> Fetched:
        """Receive from one source until nothing is missing; breaks are mended here."""
        failures, best, address, pages = 0, self._have(), direct(self.url), 0
        while True:
            try:
                ahead = self._receive(address)
                if ahead is None:
                    return self._checked()
                address, pages = ahead, pages + 1
                if pages > MAX_PAGES:  # Drive may answer every answer with the same question
                    raise Useless(f"gave {pages} web pages in a row instead of the file")
            except Interrupted as error:
                have = self._have()
                failures = 0 if have > best else failures + 1
                best = max(best, have)
                if failures >= self.patience.tries:
                    raise Useless(f"{error}, {failures} times in a row") from error
                usual = self.patience.pauses[max(failures - 1, 0) % len(self.patience.pauses)]
                pause = usual if error.pause is None else error.pause
                time.sleep(min(pause, self.patience.longest_pause))

    def _receive(self, address: str) -> str | None:
        """One request: None when the file is whole, else where a page in between leads to."""
        have, headers = self._resume()
        self.mixed = have > 0
        if have and have == self._read_note().get("total"):
            return None
        with self._ask(address, headers) as response:
            start, total = self._frame(response, have)
            head = b"" if start else self._pieces(response, HEAD)
            kind = response.headers.get_content_type()
            if not start and page_reason(head, kind):
                page = head + self._pieces(response, MAX_PAGE)
                ahead = way_past(page.decode("utf-8", "replace"), response.geturl())
                if ahead and ahead != address:
                    return ahead
                raise Useless(page_reason(page, kind) or "gave a web page instead of the file")
            self._expect(start, total)
            self._write_note(response, total)
            self.file.seek(start)
            self.file.truncate()
            self.progress(start, total)
            self.file.write(head)
            self._copy(response, start + len(head), total)
        return None

    def _ask(self, address: str, headers: Mapping[str, str]) -> Any:
        urls = self.remote.urls
        try:
            return self.servers.ask(address, headers, len(urls) - urls.index(self.url) - 1)
        except Useless as error:
            if error.code != 416:  # there is nothing behind the bytes that are here
                raise
            self._forget()
            raise Interrupted("has another file than before") from error

    def _resume(self) -> tuple[int, dict[str, str]]:
        """How many bytes of an earlier try can be kept, and the headers that ask for the rest."""
        have, note = self._have(), self._read_note()
        same = bool(note.get("validator")) and note.get("url") == self.url
        if not have or not (same or self.remote.sha256):  # a wrong mixture would not be found out
            return 0, {}
        headers = {"Range": f"bytes={have}-"}
        return have, {**headers, "If-Range": note["validator"]} if same else headers

    def _frame(self, response: Any, have: int) -> tuple[int, int | None]:
        """Where the answer begins in the file, and how long the file is."""
        if response.status != 206:
            length = response.headers.get("Content-Length", "")
            return 0, int(length) if length.isdigit() else None
        span = response.headers.get("Content-Range", "")
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", span)
        total = int(found[2]) if found and found[2] != "*" else None
        before = self._read_note().get("total")
        if not found or int(found[1]) != have or (before and total and before != total):
            self._forget()
            raise Interrupted("answered with another part of the file than was asked for")
        return have, total

    def _expect(self, start: int, total: int | None) -> None:
        """Refuse a file of another size than promised, or one that does not fit on the disk."""
        if self.remote.size and total is not None and total != self.remote.size:
            raise Useless(f"has a file of {total} bytes where {self.remote.size} belong")
        needed = (total or self.remote.size or 0) - start
        free = shutil.disk_usage(self.target.parent).free
        if needed > free:
            raise CannotWrite(
                f"{self.target} needs {needed / 1e6:.0f} MB more and the disk has "
                f"{free / 1e6:.0f} MB left; free some space, then fetch it again."
            )

    def _copy(self, response: Any, done: int, total: int | None) -> None:
        window, before = time.monotonic(), done
        spare = self.url != self.remote.urls[-1]
        while total is None or done < total:
            chunk = self._piece(response, CHUNK)
            if not chunk:
                break
            self.file.write(chunk)
            done += len(chunk)
            self.progress(done, total)
            spent = time.monotonic() - window
            if spent > self.patience.slow_for:
                rate = (done - before) / spent
                if spare and rate < self.patience.slow:
                    raise Useless(f"sends only {rate:.0f} bytes per second")
                window, before = time.monotonic(), done
        self._flush()
        wanted = total or self.remote.size
        if wanted and done < wanted:
            raise Interrupted(f"broke off after {done} of {wanted} bytes")

    def _piece(self, response: Any, size: int) -> bytes:
        """The next bytes of an answer, as soon as there are any; empty at its end."""
        try:
            piece: bytes = response.read1(size)
        except (OSError, http.client.HTTPException) as error:
            raise Interrupted(f"broke off ({in_words(error)})") from error
        return piece

    def _pieces(self, response: Any, size: int) -> bytes:
        """The next ``size`` bytes of an answer, or all there are."""
        found = b""
        while len(found) < size and (piece := self._piece(response, size - len(found))):
            found += piece
        return found

    def _have(self) -> int:
        return self.file.seek(0, os.SEEK_END)

    def _flush(self) -> None:
        self.file.flush()
        os.fsync(self.file.fileno())  # a full disk may only be noticed here

    def _checked(self) -> Fetched:
        """The whole file, if it is the right one; else it is thrown away."""
        self._flush()
        size, found, wrong = self._have(), file_hash(_part(self.target)), ""
        if self.remote.sha256 and found != self.remote.sha256:
            wrong = f"gave a file with the SHA-256 {found[:12]}... instead of "
            wrong += f"{self.remote.sha256[:12]}..., so it is damaged or another file"
        elif self.remote.size and size != self.remote.size:
            wrong = f"gave {size} bytes where {self.remote.size} belong"
        elif not size:
            wrong = "gave an empty file"
        if wrong:
            self._forget()
            raise Interrupted(wrong, pause=0) if self.mixed else Useless(wrong)
        return Fetched(self.url, size, found)

    # -- the note beside the unfinished file: whose bytes these are

    def _read_note(self) -> dict[str, Any]:
        try:
            note = json.loads(_note(self.target).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return note if isinstance(note, dict) else {}

    def _write_note(self, response: Any, total: int | None) -> None:
        tag = response.headers.get("ETag", "")
        strong = tag if tag.startswith('"') else ""  # only these may stand in If-Range
        validator = strong or response.headers.get("Last-Modified", "")
        note = {"url": self.url, "validator": validator, "total": total}
        _note(self.target).write_text(json.dumps(note), encoding="utf-8")

    def _forget(self) -> None:
        self.file.truncate(0)
        _note(self.target).unlink(missing_ok=True)
