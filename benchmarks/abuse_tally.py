"""What load abuse shares: a count of how tries end, and a server as it is seen from outside."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.abuse_rows import Row
from benchmarks.load import Visitor
from ui.lanes import NICENESS

MB = 2**20
PATIENCE = 120.0  # seconds after which something hangs
IDLE = 0.1  # share of moments with work below which a server rests


@dataclass
class Tally:
    """What came of one kind of abuse, while it goes on."""

    what: str
    tried: int = 0
    refused: int = 0
    crashed: int = 0
    hung: int = 0
    leaked: int = 0  # things that should not be there
    note: str = ""
    problems: list[str] = field(default_factory=list)

    @property
    def row(self) -> Row:
        """As the table has it."""
        counts = (self.tried, self.refused, self.crashed, self.hung, self.leaked)
        return Row(self.what, *counts, self.note)

    def wrong(self, text: str) -> None:
        """Note what should not have happened."""
        self.problems.append(f"{self.what}: {text}")

    def attempt(self, call: Callable[[], Any], must_fail: bool = False) -> Any:
        """What ``call`` gives; its refusals, crashes and hangs are counted."""
        self.tried += 1
        try:
            found = call()
        except httpx.TimeoutException:
            self.hung += 1
            self.wrong(f"no answer within {PATIENCE:.0f} s")
            return None
        except RuntimeError as error:  # of Visitor: what the server says
            self.judge(str(error))
            return None
        if must_fail:
            self.crashed += 1
            self.wrong("was not refused")
        return found

    def judge(self, said: str) -> None:
        """Count a refusal, or a crash where there is no sentence for a person."""
        bad = (
            "not your fault",
            "Traceback",
            "Internal Server Error",
            "500:",
            tempfile.gettempdir(),
        )
        if said in ("", "None", "null") or any(part in said for part in bad) or len(said) < 12:
            self.crashed += 1
            self.wrong(f"crashed: {said[:200]!r}")
        else:
            self.refused += 1


@dataclass(frozen=True)
class Arena:
    """A fresh server, and what can be seen of it from outside."""

    url: str
    pid: int
    files: Path
    links: Path
    domain: str

    def visitor(self, name: str, address: str | None = None) -> Visitor:
        """Somebody with a session of their own, who waits no longer than ``PATIENCE``."""
        found = Visitor(self.url, name, address)
        found.web.timeout = httpx.Timeout(PATIENCE)
        return found

    def stored(self) -> float:
        """MB of its files."""
        sizes = [path.stat().st_size for path in self.files.rglob("*") if path.is_file()]
        return sum(sizes) / MB

    def resident(self) -> float:
        """MB of its memory."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return next(int(x.split()[1]) for x in status.splitlines() if x.startswith("VmRSS")) / 1024

    def works(self, seconds: float = 2.0) -> float:
        """In which share of some moments long work goes on: a thread of lowest priority runs.

        Not how much: on a busy machine such threads get next to nothing.
        """
        moments, going = 40, 0
        for _ in range(moments):
            going += any(map(_runs_last, Path(f"/proc/{self.pid}/task").iterdir()))
            time.sleep(seconds / moments)
        return going / moments

    def rests(self, within: float = PATIENCE) -> bool:
        """Whether no long work goes on, or it comes to an end."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            if self.works() < IDLE:
                return True
        return False

    @contextmanager
    def watched(self, row: Tally) -> Iterator[None]:
        """Say in the note how much memory grew meanwhile, at its peak."""
        peak, before, over = [0.0], self.resident(), threading.Event()

        def look() -> None:
            while not over.wait(0.02):
                peak[0] = max(peak[0], self.resident())

        watch = threading.Thread(target=look, daemon=True)
        watch.start()
        try:
            yield
        finally:
            over.set()
            watch.join()
            row.note = f"peak {max(peak[0] - before, 0):+.0f} MB"


def _runs_last(task: Path) -> bool:
    """Whether a thread is of the lowest priority, and runs or could."""
    with suppress(OSError):  # it has ended
        state, *fields = (task / "stat").read_text().rpartition(")")[2].split()
        return state == "R" and int(fields[15]) == NICENESS
    return False
