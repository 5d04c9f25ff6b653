"""What one ill-meaning visitor takes from the others: work, places, links, disk.

    python -m benchmarks.abuse_load [--domain portraits]

Against a fresh server on this machine, with the settings that strangers get: portraits of hundreds
of regions in links and sessions, searches of thousands of steps, films whose visitors have gone,
shared work without end, uploads that break off and forms that are none. Every row says how much was
tried, how much of that was refused with a sentence, what crashed (no sentence, an error of the
server's, a path of it) or hung, and what was left behind.
"""

from __future__ import annotations

import argparse
import base64
import socket
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import astuple
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from benchmarks.abuse_rows import Row, Target
from benchmarks.abuse_tally import MB, PATIENCE, Arena, Tally
from benchmarks.browser import print_table, served
from benchmarks.load import Visitor

OTHER = "127.0.0.2"  # where another visitor comes from; Linux has all of 127.0.0.0/8

# -- work that costs too much


REGION = "- {patch: copy, mask: [0.2, 0.2, 0.8, 0.8], from: {name: 'seed:%d'}}\n"
TEXT = "- {text: 'a person number %d', alpha: 1.0, method: jacobian}\n"


def query_of(recipe: str) -> str:
    """The address of a recipe."""
    packed = base64.urlsafe_b64encode(zlib.compress(recipe.encode(), 9))
    return "?recipe=" + packed.decode().rstrip("=")


def costly_links(arena: Arena) -> Tally:
    """Links whose few bytes ask for hundreds of pictures."""
    row, me = Tally("links of 200 edits that draw"), arena.visitor("links")
    source = "source: {kind: seed, name: 'seed:1'}\nedits:\n"
    with arena.watched(row):
        for edit in (REGION, TEXT):
            link = query_of(source + "".join(edit % (n % 5) for n in range(200)))
            row.attempt(partial(me.call, "open_link", link=link), must_fail=True)
            recipe = source + "".join(edit % n for n in range(200))
            row.attempt(partial(me.call, "run_recipe", recipe=recipe), must_fail=True)
    return row


def costly_sessions(arena: Arena) -> Tally:
    """A session file of a hundred steps, each of them too much or nearly."""
    row, me = Tally("sessions of 100 costly steps"), arena.visitor("sessions")
    with arena.watched(row), tempfile.TemporaryDirectory() as folder:
        for regions in (200, 40):
            path = Path(folder) / f"{regions}.studio"
            path.write_bytes(session_of(arena.domain, 100, regions))
            file = me.upload(path)
            row.attempt(partial(me.call, "open_file", file=file), must_fail=True)
    return row


def session_of(domain: str, steps: int, regions: int) -> bytes:
    """A session file whose every step has so many regions."""
    from editing.domains import open_domain
    from editing.edits import EditStack, Entry
    from editing.masks import box_mask
    from editing.mix_edits import Other, Patch, mask_bytes
    from ui.session import Label, Moment, Session
    from ui.session_files import session_bytes
    from ui.studio import Studio

    studio = Studio(open_domain(domain))
    portrait = studio.open_seed(1)
    mask = mask_bytes(box_mask([0.2, 0.2, 0.8, 0.8], 64))
    stack = EditStack(tuple(Entry(Patch(mask, Other(f"seed:{n}"))) for n in range(regions)))
    moments = [
        Moment(portrait, stack, Label("history.shared"), portrait.before, "") for _ in range(steps)
    ]
    return session_bytes(Session(tuple(moments)), studio.domain)


def costly_searches(arena: Arena) -> Tally:
    """Searches, films and figures beyond what anybody waits for."""
    row, me = Tally("searches of 15,000 steps, huge films"), arena.visitor("searches")
    with arena.watched(row):
        me.call("crop_photo", photo=photo_of(me))
        whole = '{"steps": 5000, "noise": {"steps": 5000}, "tune": {"steps": 5000}}'
        row.attempt(partial(me.call, "invert_with", settings=whole), must_fail=True)
        for steps in (5_001, 10**9):
            asked = partial(me.call, "invert_with", settings=f'{{"steps": {steps}}}')
            row.attempt(asked, must_fail=True)
        film = "edits: []\nsource: {kind: seed, name: 'seed:1'}\nwalk: {kind: loop, frames: 9999}"
        row.attempt(partial(me.call, "run_recipe", recipe=film), must_fail=True)
        many = ["projector", "pti", "best", "image2stylegan++", "image2stylegan", "w", "standard"]
        figure = partial(me.call, "figure", attributes=["smile"], inversions=2 * many, amount=1.0)
        row.attempt(figure, must_fail=True)
    return row


def photo_of(me: Visitor) -> dict[str, Any]:
    """A picture without a face, uploaded."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photo.png"
        Image.radial_gradient("L").convert("RGB").save(path)
        return me.upload(path)


# -- places


def long_places(arena: Arena) -> Tally:
    """Four searches of one address: another one's film and short calls go on beside them."""
    row = Tally("4 long searches; another address")
    with searching(arena, 4) as greedy:
        other = arena.visitor("other", OTHER)
        for name, given in (
            ("generate", {"seeds": "1"}),
            ("score", {}),
            ("open_seed", {"seed": 3}),
            ("walk", {"kind": "loop", "frames": 8, "size": 64}),
        ):
            row.attempt(partial(other.call, name, **given))
        going = sum(each.is_alive() for each in greedy)
        row.note = f"{going} of 4 searches still had their places"
    return row


def those_who_leave(arena: Arena) -> Tally:
    """Searches whose clients go away end with the step that runs."""
    row = Tally("searches whose client has gone")
    with searching(arena, 3) as greedy:
        row.tried = len(greedy)
        before = arena.works()
    if not arena.rests(30):
        row.hung = 1
        row.wrong("the server still works for nobody")
    row.note = f"work in {100 * before:.0f} % of moments, then in {100 * arena.works():.0f} %"
    return row


@contextmanager
def searching(arena: Arena, count: int) -> Iterator[list[threading.Thread]]:
    """So many long searches of visitors at one address, who leave in the end."""
    threads, streams = [], []
    for number in range(count):
        me = arena.visitor(f"greedy-{number}-{time.time_ns()}")
        me.call("crop_photo", photo=photo_of(me))
        asked = [None, "en", '{"level": "projector", "steps": 3900}', None, None]
        me.join(me.calls["invert_with"], asked)
        streams.append(listening(arena, me))
        begun = threading.Event()
        thread = threading.Thread(target=read, args=(streams[-1], begun), daemon=True)
        thread.start()
        threads.append(thread)
        begun.wait(PATIENCE)
    try:
        yield threads
    finally:
        for stream in streams:
            stream.shutdown(socket.SHUT_RDWR)
            stream.close()


def listening(arena: Arena, me: Visitor) -> socket.socket:
    """A visitor's stream of answers, as a connection that can be cut."""
    at = urlsplit(arena.url)
    stream = socket.create_connection((at.hostname, at.port))
    path = f"/gradio_api/queue/data?session_hash={me.session}"
    stream.sendall(f"GET {path} HTTP/1.1\r\nHost: {at.netloc}\r\n\r\n".encode())
    return stream


def read(stream: socket.socket, begun: threading.Event) -> None:
    """Read a stream to its end, which may be that it is cut."""
    said = b""
    with suppress(OSError):
        while b"process_completed" not in said and (data := stream.recv(65536)):
            said = (said + data)[-200_000:]
            if b"process_starts" in said:
                begun.set()


# -- links


def many_links(arena: Arena) -> Tally:
    """Shared work of one address without end, and the same work again and again."""
    row, me = Tally("60 shares of one address, 10 the same"), arena.visitor("shares")
    me.call("crop_photo", photo=photo_of(me))
    names = [row.attempt(partial(share, me)) for _ in range(10)]
    if len(set(map(str, names))) != 1:
        row.leaked += 1
        row.wrong("the same work had several links")
    for number in range(50):
        me.call("move", smile=0.05 * (number + 1))
        row.attempt(partial(share, me))
    count = len(list(arena.links.glob("*.studio")))
    row.note = f"{count} links"
    if count > 20:
        row.leaked += count - 20
        row.wrong(f"one address holds {count} links")
    return row


def share(me: Visitor) -> str:
    return str(me.call("share")[0])


def odd_links(arena: Arena) -> Tally:
    """Addresses that no link has."""
    row, me = Tally("links of many fields, or none"), arena.visitor("odd")
    many = "?" + "&".join(f"a{n}=1" for n in range(5_000))
    for link in (many, f"{many}&work={'0' * 32}", "?work=" + "*" * 32, "?work=../../etc/passwd",
                 "?recipe=AAAA", "?", "", "x" * 5_000, "?recipe=" + "A" * 9_000):  # fmt: skip
        row.attempt(partial(me.call, "open_link", link=link), must_fail=True)
    return row


# -- disk


FORMS = (  # the disposition of a part
    'name="files"; filename=""',
    'name="files"',
    'name="files"; filename="."',
    'name="files"; filename=".."',
    'name="files"; filename="../../../etc/passwd"',
    'name="other"; filename="a.png"',
    'filename="a.png"',
    f'name="files"; filename="{"x" * 300}.png"',
)


def broken_uploads(arena: Arena, count: int = 20, size: int = 30 * MB) -> Tally:
    """Uploads that break off just before their end leave nothing."""
    row, before = Tally(f"{count} uploads of {size // MB} MB, broken off"), arena.stored()
    body = part(FORMS[-1].replace("x" * 300, "x"), bytes(size))
    for _ in range(count):
        row.tried += 1
        connection = request(arena, body[: -size // 100], len(body))
        connection.close()
    end = time.monotonic() + 30
    while arena.stored() - before > 1 and time.monotonic() < end:
        time.sleep(0.1)
    left = arena.stored() - before
    row.note = f"{left:.0f} MB"
    if left > 1:
        row.leaked = round(left)
        row.wrong(f"{left:.0f} MB stay")
    return row


def odd_uploads(arena: Arena) -> Tally:
    """Forms that are none, and files without a name."""
    row, kind = Tally("uploads of odd forms"), "multipart/form-data; boundary=b"
    asked = [(part(form), kind) for form in FORMS]
    asked += [(b"", kind), (b"--b--\r\n", kind), (b"x", kind), (b"x", "multipart/form-data"),
              (b"{}", "application/json"), (b"", "")]  # fmt: skip
    for body, kind in asked:
        row.tried += 1
        answer = httpx.post(
            f"{arena.url}gradio_api/upload", content=body, headers={"content-type": kind},
            timeout=PATIENCE,
        )  # fmt: skip
        if answer.status_code != 200:
            said = f"{answer.status_code}: {answer.text}"
            row.judge(said if answer.text else "")
    return row


def part(disposition: str, data: bytes = b"data") -> bytes:
    head = f"--b\r\nContent-Disposition: form-data; {disposition}\r\n\r\n"
    return head.encode() + data + b"\r\n--b--\r\n"


def request(arena: Arena, body: bytes, promised: int) -> socket.socket:
    """An upload that announces ``promised`` bytes and sends ``body``."""
    at = urlsplit(arena.url)
    connection = socket.create_connection((at.hostname, at.port), timeout=PATIENCE)
    head = (
        f"POST /gradio_api/upload HTTP/1.1\r\nHost: {at.netloc}\r\nContent-Length: {promised}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
    )
    connection.sendall(head.encode() + body)
    return connection


# -- all of it


ABUSES: Sequence[Callable[[Arena], Tally]] = (
    broken_uploads, odd_uploads, odd_links, many_links, costly_links, costly_sessions,
    costly_searches, long_places, those_who_leave,
)  # fmt: skip


def abused(arena: Arena, abuses: Sequence[Callable[[Arena], Tally]] = ABUSES) -> Iterator[Tally]:
    """One after the other; an honest visitor must be answered after each."""
    honest = arena.visitor("honest", OTHER)
    for abuse in abuses:
        tally = abuse(arena)
        answer = Tally("then").attempt(partial(honest.call, "open_seed", seed=11))
        if not answer or answer[-1].get("source") != "seed:11":
            tally.crashed += 1
            tally.wrong("an honest visitor was not answered afterwards")
        yield tally


@contextmanager
def arena_of(domain: str, folder: Path) -> Iterator[Arena]:
    """A fresh server that keeps shared work."""
    links = folder / "links"
    with served(domain, folder, "--links", str(links)) as (url, pid):
        yield Arena(url, pid, folder / "files", links, domain)


def rows(target: Target) -> Iterator[Row]:
    """The rows of ``benchmarks.abuse``; shared work needs a server of its own."""
    links = target.folder / "links"
    arena = Arena(target.url, target.pid, target.folder / "files", links, target.domain)
    yield from (tally.row for tally in abused(arena, [a for a in ABUSES if a is not many_links]))
    own = target.folder / "own"
    own.mkdir()
    with arena_of(target.domain, own) as arena:
        yield many_links(arena).row


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--domain", default="portraits")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with arena_of(options.domain, folder) as arena:
            found = list(abused(arena))
        after = Tally("files after the server's end", leaked=round(arena.stored()))
    found.append(after)
    header = ["what", "tried", "refused", "crashed", "hung", "leaked", "note"]
    print_table(header, [[str(cell) for cell in astuple(tally.row)] for tally in found])
    problems = [text for tally in found for text in tally.problems]
    print(*problems, sep="\n")
    return 1 if problems or after.leaked else 0


if __name__ == "__main__":
    sys.exit(main())
