"""Hostile files through every door: the commands, the readers, and the uploads of a server.

    python -m benchmarks.abuse --only files

Each file must be refused with a sentence within LIMIT_S of CPU and LIMIT_MB of memory, while
another visitor of the server is answered. A command takes each file in a process of its own.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import asdict, dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from benchmarks.abuse_rows import Row, Target
from benchmarks.browser import ROOT
from benchmarks.hostile_files import Hostile, corpus, write
from benchmarks.load import Visitor
from editing.io.allocator import give_back

if TYPE_CHECKING:
    from editing.models.domain import Domain


LIMIT_S, LIMIT_MB = 2.0, 512.0
MOST_S = 20  # of CPU, after which a process is ended
PATIENCE = 120.0  # seconds on the clock: other work on the machine is nobody's fault
GROWTH_MB = 100.0  # by which a server may grow when the same is tried again
HEAVIEST, TIMES = 6, 3  # files that are, and how often
HARMLESS = ("weights inspect of a latent",)  # it knows no generator, and reads what fits any
GUILTY = ("not your fault", "Traceback", "Error(", "null")


@dataclass(frozen=True)
class End:
    """How one attempt ended."""

    file: str
    end: str  # refused, read, crashed or hung
    text: str = ""
    seconds: float = 0.0  # of CPU
    megabytes: float = 0.0


@dataclass
class Count:
    """The attempts of one door, as a row."""

    name: str
    ends: list[End] = field(default_factory=list)
    limit_s: float = LIMIT_S  # of CPU

    def row(self) -> Row:
        slow = [e for e in self.ends if e.end == "hung" or e.seconds > self.limit_s]
        bad = ("crashed",) if self.name in HARMLESS else ("crashed", "read")
        wrong = [e for e in self.ends if e.end in bad and e not in slow]
        large = [e for e in self.ends if e.megabytes > LIMIT_MB or _has_path(e.text)]
        first = next(iter(wrong + slow + large), None)
        peak = max((e.megabytes for e in self.ends), default=0.0)
        longest = max((e.seconds for e in self.ends), default=0.0)
        note = f"{longest:.1f} s, {peak:.0f} MB at most"
        if first is not None:
            note += f"; {first.file}: {first.end}, {first.text[-200:]!r}"
        fine = len(self.ends) - len(slow) - len(wrong)
        return Row(self.name, len(self.ends), fine, len(wrong), len(slow), len(large), note)


def _has_path(text: str) -> bool:
    return any(part in text for part in (str(ROOT), tempfile.gettempdir(), "site-packages"))


# -- commands and readers, each file in a process of its own

COMMANDS: dict[str, tuple[str, list[str]]] = {  # name -> door, words of the command
    "weights inspect": ("foreign", ["weights", "inspect", "FILE"]),
    "edit with a direction": (
        "foreign",
        ["edit", "seed:1", "--move", "FILE=1", "--out", "OUT.png"],
    ),
    "edit with a damaged direction": (
        "direction",
        ["edit", "seed:1", "--move", "FILE=1", "--out", "OUT.png"],
    ),
    "edit of a latent": ("latent", ["edit", "FILE", "--move", "smile=1", "--out", "OUT.png"]),
    "weights inspect of a latent": ("latent", ["weights", "inspect", "FILE"]),
    "run of a recipe": ("recipe", ["run", "FILE", "--out", "OUT"]),
    "run of an exported PNG": ("export", ["run", "FILE", "--out", "OUT"]),
    "edit of an exported PNG": (
        "export",
        ["edit", "FILE", "--move", "smile=1", "--out", "OUT.png"],
    ),
    "invert": ("picture", ["invert", "FILE", "--level", "quick", "--out", "OUT"]),
    "reading a session": ("session", []),
}


def attempts(folder: Path, domain: str) -> Iterator[tuple[str, End]]:
    """Every command with every file of its door; in the children of the calling process."""
    import torch

    import editing.cli.edit  # noqa: F401  (once, for all children)
    import ui.studio.session_files  # noqa: F401

    torch.set_num_threads(1)
    _ = _opened(domain).generator  # the studio has it open before any session arrives
    idle = _alone(lambda: 0)
    for name, (door, words) in COMMANDS.items():
        for path in sorted(folder.glob(f"{door}-*")):
            end = _alone(partial(_act, words, path, domain))
            text = end.text.replace(str(path), path.name)
            megabytes = end.megabytes - idle.megabytes
            yield name, End(path.name, end.end, text, end.seconds, megabytes)


@cache
def _opened(domain: str) -> Domain:
    from editing.models.domain import open_domain

    return open_domain(domain)


def _act(words: Sequence[str], path: Path, domain: str) -> int:
    """What a child does; its exit code as of the command line."""
    from editing.cli.main import main
    from editing.errors import EditingError
    from editing.models.states import allowance_of
    from ui.studio.session_files import read_session

    if words:
        out = tempfile.mkdtemp(dir=path.parent)
        filled = [
            f"{out}/{word}" if word.startswith("OUT") else word.replace("FILE", str(path))
            for word in words
        ]
        named = ["--domain", domain] if words[0] in ("edit", "invert", "run") else []
        return main([*filled, *named])
    try:
        read_session(path, allowance_of(_opened(domain)))
    except EditingError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _alone(act: Callable[[], int]) -> End:
    """Run something in a child of this process, and see how it ends."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _child(act, writing)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8", errors="replace") as pipe:
        text = _read_until(pipe.fileno(), child)
    _, status, usage = os.wait4(child, 0)
    peak, _, text = text.partition("\n")  # none of a child that was killed
    seconds = usage.ru_utime + usage.ru_stime
    megabytes = (int(peak) if peak.isdecimal() else usage.ru_maxrss) / 1024
    if os.WIFSIGNALED(status):
        end = "hung" if seconds > MOST_S - 1 else "crashed"
    else:
        end = {0: "read", 2: "refused"}.get(os.WEXITSTATUS(status), "crashed")
    return End("", end, text.strip(), seconds, megabytes)


def _read_until(pipe: int, child: int) -> str:
    """What a child says until it ends; ended by force when it takes too long."""
    timer = threading.Timer(PATIENCE * 5, os.kill, (child, 9))
    timer.start()
    try:
        with open(pipe, encoding="utf-8", errors="replace", closefd=False) as file:
            return file.read()
    finally:
        timer.cancel()


def _child(act: Callable[[], int], pipe: int) -> None:
    """Never returns."""
    code, said = 1, io.StringIO()
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (MOST_S, MOST_S + 5))
        give_back()  # else what the parent has free would serve, and not be counted
        with suppress(OSError):  # Linux: the peak of a large parent is not this child's
            Path("/proc/self/clear_refs").write_text("5")
        with redirect_stderr(said), redirect_stdout(io.StringIO()):
            code = act()
    except BaseException:  # every kind of end is a result here
        said.write(traceback.format_exc())
    finally:
        os.write(pipe, f"{_peak()}\n{said.getvalue()[-4000:]}".encode("utf-8", "replace"))
        os._exit(code)


def _peak() -> int:
    """The most memory this process held, kB, since ``clear_refs``."""
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0])
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def commanded(files: Sequence[Hostile], folder: Path, domain: str) -> Iterator[Row]:
    """Every command, in a process that forks.

    Raises:
        RuntimeError: that process itself failed.
    """
    write(folder, files)
    code = "import sys; from benchmarks.abuse_files import worker; worker(*sys.argv[1:])"
    run = subprocess.Popen(
        [sys.executable, "-c", code, str(folder), domain],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert run.stdout is not None
    lines = map(json.loads, run.stdout)
    for name, group in itertools.groupby(lines, key=lambda line: str(line[0])):
        yield Count(name, [End(**end) for _, end in group]).row()
    if run.wait():
        raise RuntimeError(f"The process that tries commands ended with {run.returncode}.")


def worker(folder: str, domain: str) -> None:
    """``attempts`` as lines of JSON."""
    for name, end in attempts(Path(folder), domain):
        print(json.dumps([name, asdict(end)]), flush=True)


# -- a server

UPLOADS: dict[str, tuple[str, str]] = {  # door -> endpoint, its parameter
    "foreign": ("import_direction", "file"),
    "direction": ("import_direction", "file"),
    "latent": ("open_file", "file"),
    "session": ("open_file", "file"),
    "export": ("open_file", "file"),
    "picture": ("open_photo", "photo"),
    "recipe": ("run_recipe", "recipe"),
}


@dataclass
class Bystander:
    """Another visitor, who opens one portrait after the other."""

    url: str
    longest: float = 0.0
    answered: int = 0
    failed: list[str] = field(default_factory=list)

    @contextmanager
    def watching(self) -> Iterator[None]:
        ended = threading.Event()
        thread = threading.Thread(target=self._go_on, args=(ended,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(PATIENCE)

    def _go_on(self, ended: threading.Event) -> None:
        me, seed = Visitor(self.url, "bystander"), 0
        me.web.timeout = httpx.Timeout(PATIENCE)
        while not ended.is_set():
            began, seed = time.monotonic(), seed + 1
            try:
                me.call("open_seed", seed=seed)
                self.answered += 1
            except (RuntimeError, httpx.HTTPError) as error:
                self.failed.append(f"{type(error).__name__}: {error}")
            self.longest = max(self.longest, time.monotonic() - began)
            ended.wait(0.5)

    def row(self) -> Row:
        note = f"{self.longest:.1f} s at most" + "".join(f"; {f[:200]}" for f in self.failed[:1])
        hung = int(self.longest > PATIENCE)
        tried = self.answered + len(self.failed)
        return Row("others meanwhile", tried, self.answered, len(self.failed), hung, 0, note)


def uploaded(files: Sequence[Hostile], target: Target) -> Iterator[Row]:
    """Every file through the endpoint of its door."""
    bystander, counts = Bystander(target.url), list[Count]()
    with bystander.watching():
        for door in UPLOADS:
            counts.append(_through(door, [each for each in files if each.door == door], target))
            yield counts[-1].row()
        yield _again(files, [end for count in counts for end in count.ends], target)
    yield bystander.row()


def _through(door: str, files: Sequence[Hostile], target: Target) -> Count:
    """These files through the endpoint of a door, by one visitor."""
    endpoint, parameter = UPLOADS[door]
    me = Visitor(target.url, f"abuse-{door}")
    me.web.timeout = httpx.Timeout(PATIENCE)
    ends = [_upload(me, each, target, endpoint, parameter) for each in files]
    me.web.close()
    return Count(f"upload to {endpoint}: {door}", ends, MOST_S)  # it draws for others, too


def _again(files: Sequence[Hostile], ends: Sequence[End], target: Target) -> Row:
    """The files that took most memory, some times more: what stays of them must not add up."""
    largest = {end.file for end in sorted(ends, key=lambda end: -end.megabytes)[:HEAVIEST]}
    heavy = [each for each in files if each.file in largest]
    before, tried = target.memory_mb(), 0
    for _ in range(TIMES):
        for each in heavy:
            _through(each.door, [each], target)
            tried += 1
    grown = target.memory_mb() - before
    note = f"{grown:+.0f} MB from {before:.0f}"
    return Row("memory after the heaviest again", tried, tried, 0, 0, int(grown > GROWTH_MB), note)


def _upload(me: Visitor, each: Hostile, target: Target, endpoint: str, parameter: str) -> End:
    """What a visitor is told about one file."""
    Path(f"/proc/{target.pid}/clear_refs").write_text("5")  # the highest mark begins anew
    memory, cpu = target.memory_mb("VmHWM"), _cpu_of(target.pid)
    try:
        value: Any = each.data.decode("utf-8", "replace")
        if parameter != "recipe":
            path = target.folder / each.file
            path.write_bytes(each.data)
            value = me.upload(path)
        answer = me.call(endpoint, **{parameter: value})
        end, text = "read", str(answer)[:200]
    except httpx.TimeoutException:
        end, text = "hung", ""
    except httpx.HTTPStatusError as error:
        text = error.response.text
        end = "refused" if 400 <= error.response.status_code < 500 else "crashed"
    except (RuntimeError, httpx.HTTPError) as error:
        text = str(error)
        end = "crashed" if text == "None" or any(w in text for w in GUILTY) else "refused"
    return End(each.file, end, text, _cpu_of(target.pid) - cpu, target.memory_mb("VmHWM") - memory)


def _cpu_of(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rows(target: Target) -> Iterator[Row]:
    """All of it; see ``benchmarks.abuse``."""
    files = corpus(target.small)
    yield from commanded(files, target.folder / "hostile", target.domain)
    yield from uploaded(files, target)
