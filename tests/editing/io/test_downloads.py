"""Downloads against a server that cuts, refuses, lies, drips and is busy."""

import hashlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from editing.errors import BadInput, CannotFetch, CannotWrite
from editing.io.downloads import Fetched, Patience, Remote, download
from editing.io.http import direct, offline
from tests.helpers.file_server import FileServer, Served, serving

ROOT = Path(__file__).parents[3]
DATA = random.Random(1).randbytes(50_000)
SHA = hashlib.sha256(DATA).hexdigest()
QUICK = Patience(first=2.0, answer=2.0, stall=1.0, pauses=(0.0,), longest_pause=0.0)
QUOTA = b"""<!DOCTYPE html><html><head><title>Google Drive - Quota exceeded</title></head>
<body>Sorry, you can't view or download this file at this time. Too many users have viewed or
downloaded this file recently.</body></html>"""
WARNING = b"""<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head>
<body><form id="download-form" action="/real" method="get"><input type="hidden" name="id"
value="1 a"><input type="hidden" name="confirm" value="t"><input type="submit"></form></body>"""


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_ENDPOINT", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture(scope="module")
def running() -> Iterator[FileServer]:
    with serving() as server:
        yield server


@pytest.fixture
def server(running: FileServer) -> FileServer:
    running.files.clear()
    return running


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "file.bin"


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def get(
    server: FileServer, target: Path, *names: str, sha: str | None = SHA, size: int | None = None
) -> Fetched:
    urls = tuple(server.url(name) for name in names or ("file",))
    return download(Remote(urls, size, sha), target, patience=QUICK)


def test_a_file_arrives_whole_and_alone(server: FileServer, target: Path) -> None:
    server.files["file"] = Served(DATA)
    seen: list[tuple[int, int | None]] = []
    remote = Remote((server.url("file"),), len(DATA), SHA)
    fetched = download(remote, target, lambda *at: seen.append(at), QUICK)
    assert (fetched.size, fetched.sha256) == (len(DATA), SHA)
    assert target.read_bytes() == DATA and left_in(target.parent) == {"file.bin"}
    assert seen[0] == (0, len(DATA)) and seen[-1] == (len(DATA), len(DATA))


@pytest.mark.parametrize("sha", [SHA, None])
def test_cut_connections_are_resumed(server: FileServer, target: Path, sha: str | None) -> None:
    server.files["file"] = Served(DATA, cuts=[10_000, 5_000, 20_000])
    get(server, target, sha=sha)
    assert target.read_bytes() == DATA
    assert server.files["file"].asked == ["", "bytes=10000-", "bytes=15000-", "bytes=35000-"]


def test_a_server_without_ranges_is_asked_from_the_start(server: FileServer, target: Path) -> None:
    server.files["file"] = Served(DATA, ranges=False, cuts=[10_000, 30_000])
    get(server, target)
    assert target.read_bytes() == DATA


def test_a_server_that_always_cuts_is_given_up_and_the_mirror_asked(
    server: FileServer, target: Path
) -> None:
    server.files["file"] = Served(DATA, ranges=False, cuts=[10_000] * 50)
    server.files["mirror"] = Served(DATA)
    assert get(server, target, "file", "mirror").url == server.url("mirror")
    assert len(server.files["file"].asked) == 1 + QUICK.tries
    assert server.files["mirror"].asked == ["bytes=10000-"]  # a SHA-256 proves the mixture
    assert target.read_bytes() == DATA


def test_without_a_hash_bytes_of_two_servers_are_not_mixed(
    server: FileServer, target: Path
) -> None:
    server.files["file"] = Served(DATA, ranges=False, cuts=[10_000] * 50)
    server.files["mirror"] = Served(DATA[::-1])
    get(server, target, "file", "mirror", sha=None)
    assert server.files["mirror"].asked == [""] and target.read_bytes() == DATA[::-1]


def test_a_file_that_changed_in_between_is_not_mixed(server: FileServer, target: Path) -> None:
    part = target.with_name("file.bin.part")
    target.parent.mkdir()
    part.write_bytes(DATA[:10_000])
    note = {"url": server.url("file"), "validator": '"old"', "total": len(DATA)}
    part.with_name("file.bin.part.json").write_text(json.dumps(note))
    server.files["file"] = Served(DATA[::-1])
    get(server, target, sha=None)
    assert target.read_bytes() == DATA[::-1]


def test_a_wrong_beginning_is_found_out_and_fetched_again(server: FileServer, target: Path) -> None:
    target.parent.mkdir()
    target.with_name("file.bin.part").write_bytes(b"x" * 20_000)
    server.files["file"] = Served(DATA)
    get(server, target)
    assert server.files["file"].asked == ["bytes=20000-", ""] and target.read_bytes() == DATA


@pytest.mark.parametrize("length", [len(DATA), len(DATA) + 7])
def test_a_part_that_leaves_nothing_to_ask_for(
    server: FileServer, target: Path, length: int
) -> None:
    target.parent.mkdir()
    target.with_name("file.bin.part").write_bytes((DATA + b"1234567")[:length])
    server.files["file"] = Served(DATA)
    get(server, target)
    assert target.read_bytes() == DATA


def test_a_wrong_hash_keeps_nothing(server: FileServer, target: Path) -> None:
    server.files["file"] = Served(DATA[:-1] + b"?")
    with pytest.raises(CannotFetch, match=r"SHA-256 \w{12}\.\.\. instead of .*damaged or another"):
        get(server, target)
    assert left_in(target.parent) == set()
    server.files["mirror"] = Served(DATA)
    assert get(server, target, "file", "mirror").url == server.url("mirror")


@pytest.mark.parametrize(
    "page, kind, reason",
    [
        (b"<html><title>Sign up</title></html>", "application/octet-stream", r"web page.*sign up"),
        (b"\n <!DOCTYPE HTML><p>no", "application/zip", "web page instead of the file"),
        (b"anything", "text/html; charset=utf-8", "web page instead of the file"),
        (QUOTA, "text/html", "quota of Google Drive.*24 hours"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "text/plain", "Git LFS pointer"),
    ],
)
@pytest.mark.parametrize("sha", [SHA, None])
def test_web_pages_are_never_weights(
    server: FileServer, target: Path, page: bytes, kind: str, reason: str, sha: str | None
) -> None:
    server.files["file"] = Served(page, kind=kind)
    with pytest.raises(CannotFetch, match=f"127.0.0.1 .*{reason}.*in a browser from http.*put it"):
        get(server, target, sha=sha)
    assert not target.exists()


def test_the_warning_page_of_drive_is_passed(server: FileServer, target: Path) -> None:
    server.files["file"] = Served(WARNING, kind="text/html; charset=utf-8")
    server.files["real?id=1+a&confirm=t"] = Served(DATA)
    assert get(server, target).sha256 == SHA
    server.files["file"].data = WARNING.replace(b"/real", b"https://elsewhere.example/real")
    target.unlink()
    with pytest.raises(CannotFetch, match="web page"):
        get(server, target)


def test_pages_that_lead_to_pages_end(server: FileServer, target: Path) -> None:
    for i in range(20):
        server.files[f"page{i}" if i else "file"] = Served(
            WARNING.replace(b'action="/real"', b'action="/page%d"' % (i + 1)), kind="text/html"
        )
        server.files[f"page{i + 1}?id=1+a&confirm=t"] = Served(
            WARNING.replace(b'action="/real"', b'action="/page%d"' % (i + 2)), kind="text/html"
        )
    with pytest.raises(CannotFetch, match="web pages in a row"):
        get(server, target)


def test_busy_then_well(server: FileServer, target: Path) -> None:
    server.files["file"] = Served(DATA, busy=3)
    get(server, target)
    assert len(server.files["file"].asked) == 4
    server.files["file"] = Served(DATA, busy=99)
    target.unlink()
    with pytest.raises(CannotFetch, match=r"busy \(HTTP 503\), 5 times in a row"):
        get(server, target)


def test_refusals_go_to_the_next_mirror_and_are_all_named(server: FileServer, target: Path) -> None:
    with pytest.raises(CannotFetch, match=r"404 .*; 127\.0\.0\.1 refuses with HTTP 404"):
        get(server, target, "gone", "lost")
    server.files["file"] = Served(DATA)
    assert get(server, target, "gone", "file").url == server.url("file")


def test_a_file_of_another_size_is_not_begun(server: FileServer, target: Path) -> None:
    server.files["file"] = Served(DATA)
    with pytest.raises(CannotFetch, match="has a file of 50000 bytes where 49999 belong"):
        get(server, target, size=len(DATA) - 1)
    server.files["file"] = Served(DATA, length=False)  # not told, so found out at the end
    with pytest.raises(CannotFetch, match="gave 50000 bytes where 49999 belong"):
        get(server, target, sha=None, size=len(DATA) - 1)


def test_a_slow_drip_arrives_and_shows_its_progress(server: FileServer, target: Path) -> None:
    data = DATA[:40]
    server.files["file"] = Served(data, drip=0.01)
    download(Remote((server.url("file"),)), target, patience=QUICK)
    assert target.read_bytes() == data


def test_a_hopeless_drip_is_left_for_a_mirror(server: FileServer, target: Path) -> None:
    server.files["file"] = Served(DATA, drip=0.0005)
    server.files["mirror"] = Served(DATA)
    patience = Patience(first=2, stall=1, pauses=(0.0,), slow=1e5, slow_for=0.2)
    urls = (server.url("file"), server.url("mirror"))
    assert download(Remote(urls, None, SHA), target, None, patience).url == urls[1]


def test_silence_ends_in_a_sentence(server: FileServer, target: Path) -> None:
    server.files["file"] = Served(DATA, hang=30)
    began = time.monotonic()
    with pytest.raises(CannotFetch, match="cannot be reached .no answer within"):
        download(Remote((server.url("file"),)), target, None, Patience(first=0.3))
    assert time.monotonic() - began < 5  # not a speed: it must not hang


def test_a_dead_network_answers_within_the_patience(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang(*_: object, **__: object) -> None:
        time.sleep(60)

    monkeypatch.setattr(socket, "getaddrinfo", hang)  # as on a network that drops everything
    monkeypatch.delenv("http_proxy", raising=False)
    monkeypatch.delenv("https_proxy", raising=False)
    began = time.monotonic()
    urls = ("https://a.example/x", "https://b.example/x", "https://c.example/x")
    with pytest.raises(CannotFetch, match="a.example cannot be reached.*c.example cannot be"):
        download(Remote(urls), target, None, Patience(first=0.9))
    assert time.monotonic() - began < 5 and Patience().first < 10
    assert not target.exists()


def test_a_full_disk_is_noticed_before_and_during(
    server: FileServer, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.files["file"] = Served(DATA)
    usage = namedtuple("usage", "total used free")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 1000))
        with pytest.raises(CannotWrite, match="free some space"):
            get(server, target)
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))  # writing fails in the middle
    try:
        with pytest.raises(CannotWrite, match="what has arrived is kept"):
            get(server, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not target.exists()
    get(server, target)
    assert target.read_bytes() == DATA and left_in(target.parent) == {"file.bin"}


def test_a_killed_download_resumes(server: FileServer, target: Path) -> None:
    server.files["file"] = Served(DATA, drip=0.0005)
    code = f"""
from pathlib import Path
from editing.io.downloads import Remote, download
download(Remote(({server.url("file")!r},), None, {SHA!r}), Path({str(target)!r}))
"""
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    part = target.with_name("file.bin.part")
    deadline = time.monotonic() + 120  # a busy machine
    while not (part.exists() and part.stat().st_size > 2_000) and time.monotonic() < deadline:
        time.sleep(0.02)
        server.files["file"].data = DATA
    process.send_signal(signal.SIGKILL)
    process.wait()
    have = part.stat().st_size
    assert not target.exists() and have > 2_000
    server.files["file"].drip = 0
    get(server, target)
    assert server.files["file"].asked == ["", f"bytes={have}-"] and target.read_bytes() == DATA


def test_stopping_keeps_what_has_arrived(server: FileServer, target: Path) -> None:
    server.files["file"] = Served(DATA, drip=0.01)

    class Stop(Exception):
        pass

    def stop(done: int, total: int | None) -> None:
        if done:
            raise Stop

    with pytest.raises(Stop):
        download(Remote((server.url("file"),), None, SHA), target, stop, QUICK)
    assert not target.exists()
    server.files["file"].drip = 0
    get(server, target)
    assert server.files["file"].asked[-1].startswith("bytes=")


def test_a_part_that_became_the_file_meanwhile_is_left_alone(
    server: FileServer, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process renames the part between our opening and our locking it."""
    fcntl = pytest.importorskip("fcntl")
    lock, first = fcntl.flock, []

    def late(file: object, how: int) -> None:
        lock(file, how)
        if not first:
            first.append(True)
            part = target.with_name(f"{target.name}.part")
            part.write_bytes(b"finished by another")
            part.replace(target.with_name("finished"))

    monkeypatch.setattr(fcntl, "flock", late)
    server.files["x"] = Served(DATA)
    download(Remote((server.url("x"),), None, SHA), target, patience=QUICK)
    assert target.read_bytes() == DATA
    assert target.with_name("finished").read_bytes() == b"finished by another"


def test_two_downloads_of_one_file_do_not_meet(server: FileServer, target: Path) -> None:
    pytest.importorskip("fcntl")
    server.files["file"] = Served(DATA)

    def again(done: int, total: int | None) -> None:
        with pytest.raises(CannotFetch, match="being downloaded already"):
            get(server, target)

    download(Remote((server.url("file"),), None, SHA), target, again, QUICK)
    assert target.read_bytes() == DATA


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://a/b", "/etc/passwd", "https://", ""])
def test_only_web_addresses_are_fetched(url: str, target: Path) -> None:
    with pytest.raises(BadInput, match="no address to download from"):
        download(Remote((url,)), target)


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_redirects_lead_nowhere_else(server: FileServer, target: Path, to: str) -> None:
    server.files["file"] = Served(to=to)
    with pytest.raises(CannotFetch):
        get(server, target, sha=None)
    server.files["file"] = Served(to=server.url("other"))
    server.files["other"] = Served(DATA)
    assert get(server, target).sha256 == SHA


@pytest.mark.parametrize("flag", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_offline_flags(
    server: FileServer, target: Path, monkeypatch: pytest.MonkeyPatch, flag: str
) -> None:
    server.files["file"] = Served(DATA)
    monkeypatch.setenv(flag, "1")
    with pytest.raises(CannotFetch, match=f"{flag} is set.*unset it, or put the file at"):
        get(server, target)
    assert not server.files["file"].asked
    monkeypatch.setenv(flag, "0")
    assert offline() is None and get(server, target).sha256 == SHA


def test_the_hub_behind_another_address(
    server: FileServer, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.files["org/name/resolve/main/x.bin"] = Served(DATA)
    monkeypatch.setenv("HF_ENDPOINT", f"{server.address}/")
    remote = Remote(("https://huggingface.co/org/name/resolve/main/x.bin",), None, SHA)
    assert download(remote, target, None, QUICK).size == len(DATA)


def test_the_cache_of_the_hub_needs_no_network(
    target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = "a" * 40
    repository = tmp_path / "home" / "hub" / "models--org--name"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    cached = repository / "snapshots" / commit / "x.bin"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(DATA)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    remote = Remote(("https://huggingface.co/org/name/resolve/main/x.bin",), None, SHA)
    assert download(remote, target).sha256 == SHA and target.read_bytes() == DATA
    with pytest.raises(CannotFetch, match="in the cache of the Hugging Face hub gave a file"):
        download(Remote(remote.urls, None, "0" * 64), target.with_name("other"))
    with pytest.raises(CannotFetch, match="in the cache of the Hugging Face hub"):
        download(Remote(remote.urls, 20, SHA), target.with_name("third"))


def test_share_links_of_drive_become_downloads() -> None:
    wanted = "https://drive.usercontent.google.com/download?id=1cUv_reLE6k36&export=download"
    for link in (
        "https://drive.google.com/file/d/1cUv_reLE6k36/view?usp=sharing",
        "https://drive.google.com/uc?id=1cUv_reLE6k36",
        "https://drive.google.com/uc?export=download&id=1cUv_reLE6k36",
    ):
        assert direct(link).startswith(wanted)
    assert direct("https://example.org/file/d/1cUv_reLE6k36/view").endswith("/view")


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    data=st.binary(min_size=1, max_size=3000),
    cuts=st.lists(st.integers(1, 1500), max_size=4),
    ranges=st.booleans(),
    known=st.booleans(),
    length=st.booleans(),
)
def test_whatever_breaks_the_file_is_right_or_absent(
    running: FileServer,
    tmp_path: Path,
    data: bytes,
    cuts: list[int],
    ranges: bool,
    known: bool,
    length: bool,
) -> None:
    target = tmp_path / os.urandom(4).hex()
    running.files["any"] = Served(data, ranges=ranges, cuts=list(cuts), length=length)
    sha = hashlib.sha256(data).hexdigest()
    remote = Remote((running.url("any"),), len(data), sha if known else None)
    try:
        download(remote, target, None, QUICK)
    except CannotFetch:
        assert not target.exists()
    else:
        assert target.read_bytes() == data
