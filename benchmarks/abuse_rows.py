"""What the parts of ``benchmarks.abuse`` share: the server they are given, and their rows."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One line of the table: what was done, how often, and how it ended."""

    name: str
    tried: int
    refused: int  # answered with a sentence, or rightly
    crashed: int  # a traceback, a 500, "not your fault", a file that should not have been read
    hung: int  # no answer within the limit
    leaked: int  # memory or files over the limit, a path of the server in a sentence
    note: str = ""


@dataclass(frozen=True)
class Target:
    """A fresh server."""

    url: str  # with the slash
    pid: int
    folder: Path  # temporary; the server's own files are in folder / "files"
    domain: str
    small: bool = False  # a few cases of every kind

    def memory_mb(self, what: str = "VmRSS") -> float:
        """Of the server's process: VmRSS now, VmHWM at its highest."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return next(int(x.split()[1]) for x in status.splitlines() if x.startswith(what)) / 1024
