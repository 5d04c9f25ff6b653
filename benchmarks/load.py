"""Twelve visitors at once, over HTTP on this machine: does the studio hold?

    python -m benchmarks.load [--minutes 5] [--domain portraits] [--out load.json]

Eight drag a slider at 2 Hz with pauses, two invert quickly, back to back, one edits by text, one
films. Each has a seed of its own; what the sliders answer is compared with that seed's own picture
and with those of all the others. The server is a process of its own, with the settings that
strangers get; its memory and its temporary files are watched from here.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import statistics
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from benchmarks.browser import print_table, served

ALPHAS = (-1.5, -0.75, 0.75, 1.5)
TEXTS = ("a smiling person", "an old man", "a person with glasses", "一位微笑的人")
DRAGGERS, INVERTERS = 8, 2
EVERY, PAUSE = 0.5, 3.0  # seconds between moves of a drag, and now and then without any
SLOPE_OVER = 180.0  # seconds at the end over which memory's growth is taken


@dataclass
class Seen:
    """What all visitors have met, together."""

    seconds: dict[str, list[float]] = field(default_factory=dict)  # kind of action -> each
    problems: list[str] = field(default_factory=list)
    begun: int = 0  # long jobs
    ended: int = 0
    compared: int = 0  # pictures
    lock: threading.Lock = field(default_factory=threading.Lock)

    def took(self, kind: str, seconds: float) -> None:
        with self.lock:
            self.seconds.setdefault(kind, []).append(seconds)

    def wrong(self, text: str) -> None:
        with self.lock:
            self.problems.append(text)


class Visitor:
    """A light client: a session hash, a request that joins the queue, a stream that answers."""

    def __init__(self, url: str, name: str, address: str | None = None) -> None:
        """``address``: of this machine's loopback ones, the one that it comes from."""
        self.url, self.session = f"{url}gradio_api/", f"load-{name}"
        way = httpx.HTTPTransport(local_address=address)
        self.web = httpx.Client(timeout=httpx.Timeout(30, read=600), transport=way)
        found = self._get(f"{url}config")
        self.components = {each["id"]: each for each in found["components"]}
        self.calls = {each["api_name"]: each for each in found["dependencies"]}
        self.known = self._get(f"{self.url}info")["named_endpoints"]
        self.drags = next(each for each in found["dependencies"] if self._is_drag(each))

    def _get(self, at: str) -> Any:
        return self.web.get(at).raise_for_status().json()

    def _is_drag(self, call: Mapping[str, Any]) -> bool:
        """Whether this is what the page asks for while an attribute's slider is dragged."""
        return any(
            event == "input" and self._id(number) == "slider-smile"
            for number, event in call["targets"]
        )

    def _id(self, number: int) -> str:
        return str(self.components[number]["props"].get("elem_id") if number else "")

    def call(self, name: str, **given: Any) -> list[Any]:
        """An endpoint's answer, with what it usually takes where nothing else is given."""
        call, left = self.calls[name], dict(given)
        asked = iter(self.known[f"/{name}"]["parameters"])
        data = []
        for number in call["inputs"]:
            if self.components[number]["type"] == "state":
                data.append(None)  # the server keeps it
                continue
            each = next(asked)
            data.append(left.pop(each["parameter_name"], each.get("parameter_default")))
        if left:
            raise ValueError(f"{name} takes no {', '.join(left)}.")
        return self._send(call, data)

    def drag(self, **strengths: float) -> list[Any]:
        """What the page shows while sliders are dragged."""
        kinds = {"state": None, "json": strengths}
        each = [self.components[number] for number in self.drags["inputs"]]
        data = [kinds.get(e["type"], e["props"].get("value")) for e in each]
        return self._send(self.drags, data)

    def _send(self, call: Mapping[str, Any], data: Sequence[Any]) -> list[Any]:
        return self._answer(self.join(call, data))

    def join(self, call: Mapping[str, Any], data: Sequence[Any]) -> str:
        """Queue an action; its event's id."""
        body = {"data": list(data), "fn_index": call["id"], "session_hash": self.session}
        joined = self.web.post(f"{self.url}queue/join", json=body)
        if joined.status_code != 200:
            raise RuntimeError(f"{joined.status_code}: {joined.text[:200]}")
        return str(joined.json()["event_id"])

    def _answer(self, event: str) -> list[Any]:
        params = {"session_hash": self.session}
        with self.web.stream("GET", f"{self.url}queue/data", params=params) as stream:
            for line in stream.iter_lines():
                if not line.startswith("data:"):
                    continue
                message = json.loads(line[5:])
                if message.get("event_id") != event or message["msg"] != "process_completed":
                    continue
                if not message["success"]:
                    raise RuntimeError(str(message["output"].get("error")))
                return list(message["output"]["data"])
        raise RuntimeError("The stream of answers ended early.")

    def picture(self, value: Any) -> np.ndarray[Any, Any]:
        """The last picture of an answer, [H, W, 3]."""
        files = list(_files(value))
        data = self.web.get(f"{self.url}file={files[-1]}").raise_for_status()
        with Image.open(io.BytesIO(data.content)) as picture:
            return np.asarray(picture.convert("RGB"))

    def upload(self, path: Path) -> dict[str, Any]:
        with path.open("rb") as file:
            answer = self.web.post(f"{self.url}upload", files={"files": (path.name, file)})
        return {"path": answer.raise_for_status().json()[0], "meta": {"_type": "gradio.FileData"}}


def _files(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if value.get("path"):
            yield value["path"]
        else:
            for each in value.values():
                yield from _files(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _files(each)


# -- what they do: once, and again until the time is over


@dataclass(frozen=True)
class Play:
    """What every part needs."""

    url: str
    ends: float  # of time.monotonic()
    seen: Seen
    truths: Mapping[int, Mapping[float, np.ndarray[Any, Any]]]  # seed -> alpha -> picture
    folder: Path

    def on(self) -> bool:
        return time.monotonic() < self.ends


def drag(play: Play, seed: int) -> None:
    """A slider, back and forth; every answer must be this seed's picture."""
    me = Visitor(play.url, f"drag-{seed}")
    me.call("open_seed", seed=seed)
    for turn, alpha in enumerate(itertools.cycle(ALPHAS)):
        began = time.monotonic()
        picture = me.picture(me.drag(smile=alpha)[0])
        took = time.monotonic() - began
        play.seen.took("slider", took)
        compare(play, seed, alpha, picture)
        if not play.on():
            return
        time.sleep(PAUSE if turn % 12 == 11 else max(EVERY - took, 0))


def compare(
    play: Play, seed: int, alpha: float, picture: np.ndarray[Any, Any], most: float = 8.0
) -> None:
    """Note a picture that is nearer to another visitor's than to what it must be.

    Or farther from that than ``most`` of 255, on average.
    """

    def distance(other: int) -> float:
        wanted = play.truths[other][alpha].astype(np.float32)
        return float(np.abs(shrunk(picture) - wanted).mean())

    own, others = distance(seed), [distance(n) for n in play.truths if n != seed]
    with play.seen.lock:
        play.seen.compared += 1
    if own > most or own >= min(others):
        play.seen.wrong(f"seed {seed}, {alpha:+}: {own:.1f}/255 from its own picture")


def invert(play: Play, seed: int) -> None:
    """The same photo inverted again and again, quickly; the result must look like it."""
    me = Visitor(play.url, f"invert-{seed}")
    path = play.folder / f"photo-{seed}.png"
    Image.fromarray(play.truths[seed][0.0]).save(path)
    photo = me.upload(path)
    while True:
        me.call("crop_photo", photo=photo)
        long(play, "invert", lambda: me.call("invert", level="quick"))
        found = me.picture(me.call("download", kind="plain"))
        compare(play, seed, 0.0, found, most=255)  # a quick search only comes nearest to its own
        if not play.on():
            return


def text(play: Play, seed: int) -> None:
    """One text after the other."""
    me = Visitor(play.url, f"text-{seed}")
    me.call("open_seed", seed=seed)
    for target in itertools.cycle(TEXTS):
        found = long(play, "text", lambda target=target: me.call("text", target=target))
        if found and (source := found[-1]["source"]) != f"seed:{seed}":
            play.seen.wrong(f"text: {source} instead of seed:{seed}")
        if not play.on():
            return
        time.sleep(1.0)


def walk(play: Play, seed: int) -> None:
    """One short film after the other."""
    me = Visitor(play.url, f"walk-{seed}")
    me.call("open_seed", seed=seed)
    while True:
        long(play, "walk", lambda: me.call("walk", kind="loop", frames=24))
        if not play.on():
            return


def long(play: Play, kind: str, job: Callable[[], Any]) -> Any:
    """A long job, which must end."""
    began = time.monotonic()
    with play.seen.lock:
        play.seen.begun += 1
    answer = job()
    with play.seen.lock:
        play.seen.ended += 1
    play.seen.took(kind, time.monotonic() - began)
    return answer


# -- truth, watching


def truths(name: str, seeds: Sequence[int]) -> dict[int, dict[float, np.ndarray[Any, Any]]]:
    """What a slider must show, drawn by the library itself; small, as ``shrunk`` makes them."""
    from editing.models.domain import open_domain
    from ui.studio.studio import Studio

    studio = Studio(open_domain(name))
    found = {}
    for seed in seeds:
        session = studio.start(studio.open_seed(seed))
        views = {alpha: studio.preview(session, {"smile": alpha}).after for alpha in ALPHAS}
        found[seed] = {alpha: shrunk(view) for alpha, view in views.items()}
        found[seed][0.0] = shrunk(session.now.portrait.before)
    return found


def shrunk(picture: np.ndarray[Any, Any], size: int = 128) -> np.ndarray[Any, Any]:
    small = Image.fromarray(picture).resize((size, size), Image.Resampling.BOX)
    return np.asarray(small)


@dataclass
class Watch:
    """Memory and temporary files of the server, every few seconds."""

    pid: int
    files: Path
    samples: list[tuple[float, float, float]] = field(default_factory=list)  # s, MB, MB

    def look(self) -> None:
        status = Path(f"/proc/{self.pid}/status").read_text()
        resident = next(int(x.split()[1]) for x in status.splitlines() if x.startswith("VmRSS"))
        stored = sum(p.stat().st_size for p in self.files.rglob("*") if p.is_file())
        self.samples.append((time.monotonic(), resident / 1024, stored / 2**20))

    def slope(self, column: int) -> float:
        """MB a minute at the end, by least squares."""
        last = self.samples[-1][0]
        rows = [row for row in self.samples if row[0] >= last - SLOPE_OVER]
        times = [(row[0] - last) / 60 for row in rows]
        return float(np.polyfit(times, [row[column] for row in rows], 1)[0])


def visitors(has_text: bool) -> list[tuple[str, Callable[[Play, int], None], int]]:
    """(name, what it does, its seed) of each."""
    parts: list[Callable[[Play, int], None]] = [drag] * DRAGGERS + [invert] * INVERTERS
    parts += [text] if has_text else []
    return [(part.__name__, part, 100 + 7 * n) for n, part in enumerate([*parts, walk])]


def run(minutes: float, domain: str, folder: Path) -> tuple[Seen, Watch]:
    """The whole play."""
    from editing.models.domain import open_domain

    here = open_domain(domain)
    entry = here.parts.get("text_image_model")
    crowd = visitors(bool(entry and here.is_present(entry)) or here.hub_clip is not None)
    pictures = truths(domain, [seed for *_, seed in crowd])
    seen = Seen()
    with served(domain, folder) as (url, pid):
        play = Play(url, time.monotonic() + 60 * minutes, seen, pictures, folder)
        watch = Watch(pid, folder / "files")

        def act(name: str, part: Callable[[Play, int], None], seed: int) -> None:
            try:
                part(play, seed)
            except Exception as error:  # every kind of end is a result here
                seen.wrong(f"{name} {seed}: {type(error).__name__} {error}")
                traceback.print_exc()

        threads = [threading.Thread(target=act, args=each, daemon=True) for each in crowd]
        for thread in threads:
            thread.start()
        while play.on() or any(thread.is_alive() for thread in threads):
            watch.look()
            time.sleep(min(2.0, 10 * minutes))
            if time.monotonic() > play.ends + 120:
                seen.wrong("a job had not ended two minutes after the time was over")
                break
    return seen, watch


def report(seen: Seen, watch: Watch) -> list[list[str]]:
    """The table; what is wanted stands beside what was measured."""
    rows = []
    for kind, all_of in sorted(seen.seconds.items()):
        middle = statistics.median(all_of)
        high = float(np.percentile(all_of, 95))
        wanted = ("≤ 0.3 s", "≤ 1 s") if kind == "slider" else ("", "")
        rows.append([f"{kind} p50, of {len(all_of)}", f"{middle:.3f} s", wanted[0]])
        rows.append([f"{kind} p95", f"{high:.3f} s", wanted[1]])
    rows += [
        ["long jobs that ended", f"{seen.ended} of {seen.begun}", "all"],
        ["pictures compared", str(seen.compared), ""],
        ["errors and wrong pictures", str(len(seen.problems)), "0"],
        ["memory at the end", f"{watch.samples[-1][1]:.0f} MB", ""],
        ["memory growth at the end", f"{watch.slope(1):+.1f} MB/min", "≤ 10 MB/min"],
        ["temporary files at the end", f"{watch.samples[-1][2]:.0f} MB", "gone within 45 min"],
        ["their growth", f"{watch.slope(2):+.1f} MB/min", ""],
    ]
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--domain", default="portraits")
    parser.add_argument("--out", type=Path, help="write the samples of memory and files as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        seen, watch = run(options.minutes, options.domain, Path(folder))
    print_table(["what", "measured", "wanted"], report(seen, watch))
    for problem in seen.problems[:20]:
        print(problem)
    if options.out:
        options.out.write_text(json.dumps({"seconds": seen.seconds, "samples": watch.samples}))
    return 1 if seen.problems else 0


if __name__ == "__main__":
    sys.exit(main())
