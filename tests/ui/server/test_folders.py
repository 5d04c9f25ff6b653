"""The files of one process: gone with it, however it ended; by age and by size while it runs."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ui.server import folders as rooms
from ui.server import uploads as shares
from ui.server.folders import (
    claim,
    delete_dead,
    delete_partial,
    has_space,
    move_in,
    own_folder,
    sweep,
)
from ui.server.uploads import NoShare, Uploads

ROOT = Path(__file__).parents[3]
HOLD = """
import sys, time
from pathlib import Path
from ui.server.folders import claim
room = claim(Path(sys.argv[1]))
(room.files / "photo.png").write_bytes(b"x" * 1000)
(room.work / "half.mp4").write_bytes(b"x" * 1000)
print(room.folder, flush=True)
if sys.argv[2] == "wait":
    time.sleep(600)
"""


def process(base: Path, how: str) -> tuple[subprocess.Popen, Path]:
    """Another process, and its folder."""
    started = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(base), how], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    return started, Path(started.stdout.readline().strip())


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_process_that_ends_leaves_nothing(tmp_path):
    ended, _ = process(tmp_path, "end")
    assert ended.wait(60) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="processes are killed otherwise there")
def test_what_a_killed_process_left_goes_at_the_next_start_and_no_living_one_s(tmp_path):
    living, its = process(tmp_path, "wait")
    killed, left = process(tmp_path, "wait")
    try:
        killed.send_signal(signal.SIGKILL)
        killed.wait(60)
        assert files_in(left) == ["half.mp4", "photo.png"]
        room = claim(tmp_path)
        assert not left.exists() and files_in(its) == ["half.mp4", "photo.png"]
        delete_dead(tmp_path)
        assert room.folder.exists(), "its own stays, too"
        room.leave()
        assert sorted(path.name for path in tmp_path.iterdir()) == [its.name, f"{its.name}.lock"]
    finally:
        living.kill()
        living.wait(60)
        living.stdout.close()
        killed.stdout.close()


def test_everything_temporary_goes_there(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    monkeypatch.setenv("TMPDIR", tempfile.gettempdir())
    monkeypatch.setattr(tempfile, "tempdir", None)
    room = claim(rooms.default_base())
    move_in(room)
    with tempfile.TemporaryDirectory() as folder:
        assert Path(folder).parent == room.work
    assert own_folder() == room.files and room.folder.parent == tmp_path
    room.leave()


def test_only_a_folder_of_our_own_is_swept(monkeypatch):
    monkeypatch.delenv("GRADIO_TEMP_DIR", raising=False)
    assert own_folder() is None, "other programs of Gradio's keep theirs there"


def aged(path: Path, now: float, size: int = 10) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    os.utime(path, (now, now))
    return path


def test_old_files_go_whoever_made_them(tmp_path):
    path = aged(tmp_path / "hash" / "photo.png", 0)
    made = path.stat().st_ctime
    assert sweep(tmp_path, age=100, clock=lambda: made + 99) == 10
    assert sweep(tmp_path, [str(path)], age=100, clock=lambda: made + 101) == 10, "it is in use"
    assert sweep(tmp_path, age=100, clock=lambda: made + 101) == 0 and not path.exists()
    sweep(tmp_path, age=100, clock=lambda: made + 1000)
    assert list(tmp_path.iterdir()) == [], "and the empty folder"


def test_beyond_the_total_the_oldest_go_first(tmp_path):
    paths = [aged(tmp_path / str(n) / "a.png", 4e9 + n, size=100) for n in range(5)]
    assert sweep(tmp_path, [str(paths[0])], most=300, clock=lambda: 4e9) == 300
    assert [path.exists() for path in paths] == [True, False, False, True, True]


def test_nothing_outside_is_followed(tmp_path):
    outside = aged(tmp_path / "outside" / "mine.txt", 0)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "link").symlink_to(outside)
    (tmp_path / "files" / "folder").symlink_to(outside.parent)
    sweep(tmp_path / "files", age=1, clock=lambda: 9e9)
    delete_partial(tmp_path / "files", 9e9)
    assert outside.exists()


def test_a_broken_upload_leaves_nothing_and_a_running_one_is_left_alone(tmp_path, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(shares.time, "time", lambda: clock[0])
    uploads = Uploads()
    with uploads.one("a", 10, tmp_path):
        broken = aged(tmp_path / "tmpbroken", 1001)
        clock[0] = 1005
        with uploads.one("b", 10, tmp_path):
            mine = aged(tmp_path / "tmpmine", 1006)
            assert uploads.of("a") == uploads.of("b") == 1
        assert mine.exists() and broken.exists(), "whose it is cannot be told while a's goes on"
    assert not mine.exists() and not broken.exists()
    other = aged(tmp_path / "hash" / "tmp.png", 0)
    with pytest.raises(OSError), uploads.one("a", 10, tmp_path):
        raise OSError("the client has gone")
    assert other.exists(), "what arrived whole stays"


def send(uploads: Uploads, address: str, size: int, folder: Path | None, whole: bool = True):
    with uploads.one(address, size, folder) as upload:
        upload.whole = whole


def test_an_address_and_all_of_them_have_a_share_for_a_while(tmp_path, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(shares.time, "time", lambda: clock[0])
    monkeypatch.setattr(shares, "SHARE", 100)
    monkeypatch.setattr(shares, "MOST", 150)
    uploads = Uploads()
    for _ in range(20):
        send(uploads, "a", 60, tmp_path, whole=False)  # nothing of them stays
    send(uploads, "a", 60, tmp_path)
    with pytest.raises(NoShare, match="address"):
        send(uploads, "a", 60, tmp_path)
    send(uploads, "b", 60, tmp_path)
    with pytest.raises(NoShare, match="all"):
        send(uploads, "c", 60, tmp_path)
    clock[0] += rooms.KEEP + 1
    send(uploads, "a", 60, tmp_path)
    assert len(uploads.ended) == 1


def test_a_disk_keeps_some_room(tmp_path):
    assert has_space(tmp_path / "not" / "there" / "yet", 1)
    assert not has_space(tmp_path, 2**62)
