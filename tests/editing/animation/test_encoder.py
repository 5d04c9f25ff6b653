"""Films: written whole or not at all, ended early with what there is, readable by others."""

import os
import signal
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import imageio.v3
import numpy as np
import pytest
from PIL import Image

from editing.animation import encoder as animation
from editing.animation.encoder import (
    Film,
    Pixels,
    check_film,
    encoder,
    feed,
)
from editing.animation.film import composed, frame_size
from editing.errors import BadInput, CannotWrite


def pictures(count: int, side: int = 32) -> Iterator[Pixels]:
    """A white square that wanders over grey."""
    for number in range(count):
        frame = np.full((side, side, 3), 90, np.uint8)
        at = (number * 2) % (side - 8)
        frame[8:16, at : at + 8] = (250, 220, 30)
        yield frame


def write_film(
    path: Path,
    frames: Iterable[Pixels],
    fps: float,
    total: int,
    stop: Callable[[], bool] = lambda: False,
) -> Film:
    feeding = feed(path, frames, fps, total, stop)
    while True:
        try:
            next(feeding)
        except StopIteration as end:
            film: Film = end.value
            return film


def left_over(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("kind", [".mp4", ".webm"])
def test_films_have_every_frame(kind: str, tmp_path: Path) -> None:
    film = write_film(tmp_path / f"a{kind}", pictures(17), 25.0, 17)
    frames = list(imageio.v3.imiter(film.path, plugin="FFMPEG"))
    assert (film.frames, film.width, film.height) == (17, 32, 32) and len(frames) == 17
    wanted = list(pictures(17))
    for frame, expected in zip(frames, wanted, strict=True):
        assert np.abs(frame.astype(int) - expected).mean() < 8
    facts = imageio.v3.immeta(film.path, plugin="FFMPEG")
    assert facts["fps"] == 25 and film.bytes == film.path.stat().st_size
    if kind == ".mp4":
        assert facts["codec"] == "h264" and "yuv420p" in facts["pix_fmt"], "plays everywhere"
    assert left_over(tmp_path) == [film.path.name]


@pytest.mark.parametrize("kind", [".gif", ".webp"])
def test_animated_pictures_have_every_frame_and_repeat(kind: str, tmp_path: Path) -> None:
    film = write_film(tmp_path / f"a{kind}", pictures(9), 20.0, 9)
    with Image.open(film.path) as picture:
        assert picture.n_frames == 9 and picture.info.get("loop") == 0
        if kind == ".gif":
            assert picture.info["duration"] == 50
        picture.seek(4)
        shown = np.asarray(picture.convert("RGB")).astype(int)
    assert np.abs(shown - list(pictures(9))[4]).mean() < 8
    assert left_over(tmp_path) == [film.path.name]


def test_a_folder_of_pictures_is_exact(tmp_path: Path) -> None:
    write_film(tmp_path / "film", pictures(5), 25.0, 5)
    film = write_film(tmp_path / "film", pictures(3), 25.0, 3)
    names = [f"frame_{number:05d}.png" for number in range(3)]
    assert left_over(tmp_path / "film") == names, "frames of a longer film before are gone"
    for name, expected in zip(names, pictures(3), strict=True):
        assert np.array_equal(np.asarray(Image.open(tmp_path / "film" / name)), expected)
    assert film.frames == 3


def test_a_strip_shows_some_of_them(tmp_path: Path) -> None:
    write_film(tmp_path / "strip.png", pictures(100), 25.0, 100)
    with Image.open(tmp_path / "strip.png") as strip:
        assert strip.width >= animation.CELLS * 32
    write_film(tmp_path / "one.png", pictures(1), 25.0, 1)
    assert (tmp_path / "one.png").is_file()


@pytest.mark.parametrize("name", ["a.mp4", "a.gif", "strip.png", "folder"])
def test_stopping_keeps_what_was_drawn(name: str, tmp_path: Path) -> None:
    drawn: list[int] = []

    def counted() -> Iterator[Pixels]:
        for frame in pictures(1000):
            drawn.append(1)
            yield frame

    film = write_film(tmp_path / name, counted(), 25.0, 1000, stop=lambda: len(drawn) >= 7)
    assert film.frames == 7 and (tmp_path / name).exists()
    if name == "a.mp4":
        assert len(list(imageio.v3.imiter(film.path, plugin="FFMPEG"))) == 7


def test_an_interruption_keeps_what_was_drawn(tmp_path: Path) -> None:
    def interrupted() -> Iterator[Pixels]:
        yield from pictures(6)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_film(tmp_path / "a.mp4", interrupted(), 25.0, 100)
    assert len(list(imageio.v3.imiter(tmp_path / "a.mp4", plugin="FFMPEG"))) == 6


def test_whoever_leaves_leaves_nothing(tmp_path: Path) -> None:
    feeding = feed(tmp_path / "a.mp4", pictures(100), 25.0, 100)
    for _ in range(5):
        next(feeding)
    feeding.close()
    assert left_over(tmp_path) == []


def test_trouble_while_drawing_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("an earlier film")

    def troubled() -> Iterator[Pixels]:
        yield from pictures(3)
        raise BadInput("no more")

    with pytest.raises(BadInput, match="no more"):
        write_film(tmp_path / "a.mp4", troubled(), 25.0, 100)
    assert left_over(tmp_path) == ["a.mp4"]
    assert (tmp_path / "a.mp4").read_text() == "an earlier film"


def test_an_encoder_that_is_killed_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []
    begin = animation.subprocess.Popen

    def noted(*args: object, **options: object) -> object:
        process = begin(*args, **options)  # type: ignore[call-overload]
        started.append(process.pid)
        return process

    monkeypatch.setattr(animation.subprocess, "Popen", noted)

    def killing() -> Iterator[Pixels]:
        for number, frame in enumerate(pictures(5000, 64)):
            if number == 3:
                os.kill(started[0], signal.SIGKILL)
                time.sleep(0.05)
            yield frame

    with pytest.raises(CannotWrite, match="ended early"):
        write_film(tmp_path / "a.mp4", killing(), 25.0, 5000)
    assert left_over(tmp_path) == []


def test_without_an_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", lambda: str(tmp_path / "nothing"))
    with pytest.raises(CannotWrite, match="ffmpeg"):
        encoder()
    with pytest.raises(CannotWrite, match="ffmpeg"):
        check_film(tmp_path / "a.mp4", 10, 25.0, 32)
    write_film(tmp_path / "frames", pictures(2), 25.0, 2)
    assert len(left_over(tmp_path / "frames")) == 2


def test_memory_is_flat_in_frames(tmp_path: Path) -> None:
    """The queue is all that waits: the encoder is fed while frames are drawn."""
    alive: list[int] = []
    living: set[int] = set()

    class Watched(np.ndarray):  # type: ignore[type-arg]
        """A picture whose end is noticed."""

    def watched() -> Iterator[Pixels]:
        for number, frame in enumerate(pictures(300)):
            seen = frame.view(Watched)
            living.add(number)
            weakref.finalize(seen, living.discard, number)
            alive.append(len(living))
            yield seen

    write_film(tmp_path / "a.mp4", watched(), 25.0, 300)
    assert max(alive) <= 4


@pytest.mark.parametrize(
    "name, fps, size, sentence",
    [
        ("a.avi", 25.0, 32, "ends in"),
        ("a.gif", 25.0, 4096, "GIF of 4096"),
        ("a.gif", 60.0, 32, "at most 50"),
        ("a.mp4", 25.0, 5000, "from 16"),
        ("a.mp4", 25.0, 8, "from 16"),
    ],
)
def test_films_that_are_not_possible(
    name: str, fps: float, size: int, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=sentence):
        check_film(tmp_path / name, 10, fps, size)
    assert left_over(tmp_path) == []


def test_no_frame_is_no_film(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No frame"):
        write_film(tmp_path / "a.mp4", iter(()), 25.0, 10)
    assert left_over(tmp_path) == []


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(CannotWrite):
        check_film(tmp_path / "file" / "a.mp4", 10, 25.0, 32)
    with pytest.raises(CannotWrite, match="not a folder"):
        check_film(tmp_path / "file", 10, 25.0, 32)


def test_frames_are_composed() -> None:
    frame = next(pictures(1))
    assert composed(frame) is not None and np.array_equal(composed(frame), frame)
    for size, beside, caption in ((48, True, "smile +1.00"), (32, False, "x"), (64, True, "")):
        made = composed(frame, size, frame if beside else None, caption)
        assert made.shape[:2] == frame_size(size, beside, bool(caption))
    odd = composed(frame, 33)
    assert odd.shape == (33, 33, 3)


def test_odd_sizes_are_written_too(tmp_path: Path) -> None:
    film = write_film(tmp_path / "a.mp4", (composed(f, 33) for f in pictures(3)), 25.0, 3)
    assert len(list(imageio.v3.imiter(film.path, plugin="FFMPEG"))) == 3
