"""Uploads of all visitors: how many bytes came from whom lately, and what broke off."""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ui.server.folders import KEEP, MB, delete_partial

SHARE = 1024 * MB  # that one address may have sent lately
MOST = 3072 * MB  # that all may
COARSE = 1.0  # seconds by which a file system's clock may lag behind


class NoShare(Exception):
    """An upload beyond a share; the message says whose."""


@dataclass(eq=False)
class Upload:
    """One request."""

    address: str
    began: float  # of time.time()
    size: int = 0  # bytes that have come, or were announced
    whole: bool = False  # it has arrived


@dataclass
class Uploads:
    """Of one server; files stay for ``KEEP`` seconds, so their bytes count as long."""

    running: list[Upload] = field(default_factory=list)
    ended: deque[Upload] = field(default_factory=deque)

    @contextmanager
    def one(self, address: str, promised: int, folder: Path | None) -> Iterator[Upload]:
        """An upload while it arrives; if it breaks off, nothing of it stays in ``folder``.

        Args:
            folder: of uploads, where it is this server's own.

        Raises:
            NoShare: "address" or "all" have sent too much lately.
        """
        self._check(address, promised)
        upload = Upload(address, time.time(), promised)
        self.running.append(upload)
        try:
            yield upload
        finally:
            self.running.remove(upload)
            oldest = min((each.began for each in self.running), default=float("inf"))
            if folder is not None:
                delete_partial(folder, oldest - COARSE)
            if upload.whole or self.running or folder is None:  # else nothing of it is left
                self.ended.append(upload)

    def of(self, address: str) -> int:
        """How many uploads of an address are arriving."""
        return sum(each.address == address for each in self.running)

    def _check(self, address: str, promised: int) -> None:
        while self.ended and self.ended[0].began < time.time() - KEEP:
            self.ended.popleft()
        sizes = [(each.address, each.size) for each in (*self.running, *self.ended)]
        if sum(size for who, size in sizes if who == address) + promised > SHARE:
            raise NoShare("address")
        if sum(size for _, size in sizes) + promised > MOST:
            raise NoShare("all")
