"""Films of pictures: encoded while they are drawn, one frame in memory at a time.

The encoder is an ffmpeg process of its own (the one that imageio-ffmpeg brings). Frames go to it
through a short queue, so that drawing and encoding overlap. When drawing stops early, the film ends
with what was drawn; when anything goes wrong, no file is left behind.
"""

from __future__ import annotations

import queue
import secrets
import subprocess
import tempfile
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from editing.errors import BadInput, CannotWrite
from editing.io.images import check_writable, encode_png, write_atomically
from editing.pictures.contact_sheets import sheet

Pixels = NDArray[np.uint8]  # [H, W, 3]
WAITING = 8  # frames between drawing and encoding
CELLS = 10  # pictures of a contact strip
MAX_GIF = 1024  # pixels of its longer side
MAX_GIF_FPS = 50  # a GIF counts hundredths of a second, and browsers slow down faster ones
MAX_SIDE = 4096
KINDS = (".mp4", ".webm", ".gif", ".webp", ".png", "")  # "": a folder of PNGs; ".png": a strip

COLOURS = ["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2,scale=out_color_matrix=bt709:out_range=tv",
           "-pix_fmt", "yuv420p", "-colorspace", "bt709", "-color_primaries", "bt709",
           "-color_trc", "bt709"]  # fmt: skip
ENCODERS = {
    ".mp4": ["-c:v", "libx264", "-preset", "veryfast", "-crf", "16", *COLOURS,
             "-movflags", "+faststart"],
    ".webm": ["-c:v", "libvpx-vp9", "-crf", "24", "-b:v", "0", "-deadline", "realtime",
              "-cpu-used", "6", "-row-mt", "1", *COLOURS],
    ".webp": ["-c:v", "libwebp_anim", "-quality", "85", "-loop", "0", "-pix_fmt", "yuv420p"],
    ".mkv": ["-c:v", "libx264rgb", "-preset", "ultrafast", "-qp", "0"],  # lossless, for a GIF
}  # fmt: skip


@dataclass(frozen=True)
class Film:
    """What was written."""

    path: Path
    frames: int
    width: int
    height: int
    bytes: int


class Sink(Protocol):
    """Takes frames, all of one size."""

    def add(self, pixels: Pixels) -> None: ...
    def finish(self) -> None: ...
    def abandon(self) -> None: ...


def kind_of(path: Path) -> str:
    """The suffix of KINDS that decides what is written.

    Raises:
        BadInput: another one.
    """
    suffix = path.suffix.lower()
    if suffix not in KINDS:
        raise BadInput(
            f"{path} ends in {suffix!r}; a film is .mp4, .gif, .webm or .webp, a contact strip "
            ".png, and a name without an ending is a folder of PNGs."
        )
    return suffix


def check_film(path: Path, frames: int, fps: float, size: int, width: int | None = None) -> None:
    """Refuse before anything is drawn what could not be written.

    Args:
        size: pixels of a frame's height; ``width`` of its width, if another.

    Raises:
        BadInput: an ending, size or speed that the format does not have.
        CannotWrite: the folder refuses, or there is no encoder.
    """
    kind, side = kind_of(path), max(size, width or size)
    if not 16 <= side <= MAX_SIDE:
        raise BadInput(f"Frames of {side} pixels are not possible; choose from 16 to {MAX_SIDE}.")
    if kind == ".gif" and side > MAX_GIF:
        raise BadInput(
            f"A GIF of {side} pixels would be huge; choose up to {MAX_GIF} with --size, or write "
            "an .mp4."
        )
    if kind in (".gif", ".webp") and fps > MAX_GIF_FPS:
        raise BadInput(
            f"A {kind[1:].upper()} shows at most {MAX_GIF_FPS} frames per second, not {fps:g}; "
            "choose fewer, or write an .mp4."
        )
    if kind:
        check_writable(path)
    elif path.exists() and not path.is_dir():
        raise CannotWrite(f"{path} is a file, not a folder for frames; choose another name.")
    if kind not in ("", ".png"):
        encoder()


def feed(
    path: Path,
    frames: Iterable[Pixels],
    fps: float,
    total: int,
    stop: Callable[[], bool] = lambda: False,
) -> Generator[Pixels, None, Film]:
    """Write frames as they come, [H, W, 3] all of one size, and pass them on; returns the film.

    The path's ending decides what is written. When ``stop`` says so, or somebody interrupts, the
    film ends with the frames there are; an interruption goes on afterwards. When the generator is
    closed before its end, nothing is left behind.

    Args:
        total: how many frames there will be, which decides what a contact strip shows.

    Raises:
        BadInput: there was no frame.
        CannotWrite: disk or encoder refuse; nothing is left behind.
    """
    count, interrupted, size = 0, False, (0, 0)
    with opened(path, fps, total) as sink:
        try:
            for pixels in frames:
                sink.add(pixels)
                count, size = count + 1, (pixels.shape[1], pixels.shape[0])
                yield pixels
                if stop():
                    break
        except KeyboardInterrupt:
            interrupted = True
        if count:
            sink.finish()
    if interrupted:
        raise KeyboardInterrupt
    if not count:
        raise BadInput("No frame was drawn, so there is no film; let it run a little longer.")
    held = path.stat().st_size if path.is_file() else sum(p.stat().st_size for p in path.iterdir())
    return Film(path, count, *size, held)


@contextmanager
def opened(path: Path, fps: float, total: int) -> Iterator[Sink]:
    """The sink for a path; abandoned unless it was finished."""
    kind = kind_of(path)
    sink: Sink
    if kind == "":
        sink = _Folder(path)
    elif kind == ".png":
        sink = _Strip(path, fps, total)
    elif kind == ".gif":
        sink = _Gif(path, fps)
    else:
        sink = _Pipe(path, fps)
    try:
        yield sink
    finally:
        sink.abandon()


def encoder() -> str:
    """The path of ffmpeg.

    Raises:
        CannotWrite: there is none.
    """
    import imageio_ffmpeg

    try:
        found = str(imageio_ffmpeg.get_ffmpeg_exe())
        if Path(found).is_file():
            return found
    except (RuntimeError, OSError):
        pass
    raise CannotWrite(
        "Films need ffmpeg, which was not found; install imageio-ffmpeg again, set "
        "IMAGEIO_FFMPEG_EXE, or write a folder of PNGs."
    )


class _Pipe:
    """Frames into an ffmpeg process, through a thread of its own."""

    def __init__(self, path: Path, fps: float, kind: str = "") -> None:
        self.path, self.fps, self.kind = path, fps, kind or path.suffix.lower()
        self.temporary = path.with_name(f".{secrets.token_hex(4)}.{path.stem}{self.kind}")
        self.process: subprocess.Popen[bytes] | None = None
        self.queue: queue.Queue[bytes | None] = queue.Queue(WAITING)
        self.said = tempfile.TemporaryFile()
        self.shape: tuple[int, ...] = ()
        self.broken = False

    def _start(self, height: int, width: int) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        command = [
            encoder(), "-hide_banner", "-loglevel", "error", "-y", "-f", "rawvideo",
            "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(self.fps), "-i", "-", "-an",
            *ENCODERS[self.kind], str(self.temporary),
        ]  # fmt: skip
        # In a session of its own: an interruption is for us, who then ask it to end properly.
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self.said,
            start_new_session=True,
        )  # fmt: skip
        self.thread = threading.Thread(target=self._feed, daemon=True)
        self.thread.start()

    def _feed(self) -> None:
        assert self.process and self.process.stdin
        while (data := self.queue.get()) is not None:
            if not self.broken:
                try:
                    self.process.stdin.write(data)
                except OSError:  # it ended early; whoever adds the next frame hears of it
                    self.broken = True
        try:
            self.process.stdin.close()
        except OSError:
            self.broken = True

    def add(self, pixels: Pixels) -> None:
        if self.process is None:
            self.shape = pixels.shape
            self._start(*pixels.shape[:2])
        if pixels.shape != self.shape:
            raise BadInput(f"Frames of {pixels.shape} and {self.shape} cannot be one film.")
        if self.broken:
            raise self._failure()
        self.queue.put(np.ascontiguousarray(pixels).tobytes())

    def finish(self) -> None:
        self.end()
        self._renamed(self.temporary)

    def end(self) -> None:
        """Let the encoder write what it has.

        Raises:
            CannotWrite: it did not.
        """
        assert self.process
        self.queue.put(None)
        self.thread.join()
        if self.process.wait() or self.broken or not self.temporary.exists():
            raise self._failure()

    def _renamed(self, temporary: Path) -> None:
        try:
            temporary.replace(self.path)
        except OSError as error:
            raise CannotWrite(
                f"{self.path} cannot be written ({error.strerror}); choose another place."
            ) from error

    def _failure(self) -> CannotWrite:
        self.said.seek(0)
        words = self.said.read().decode(errors="replace").strip().splitlines()
        reason = f" ({words[-1][:200]})" if words else ""
        return CannotWrite(
            f"{self.path} could not be written: the encoder ended early{reason}; free some space, "
            "or write a folder of PNGs."
        )

    def abandon(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process is not None and self.thread.is_alive():
            self.broken = True
            self.queue.put(None)
            self.thread.join()
        self.temporary.unlink(missing_ok=True)
        self.said.close()


class _Gif(_Pipe):
    """Lossless first; then one palette for the whole film, and the film in it."""

    def __init__(self, path: Path, fps: float) -> None:
        super().__init__(path, fps, ".mkv")
        self.palette = self.temporary.with_suffix(".png")
        self.done = self.temporary.with_suffix(".gif")

    def finish(self) -> None:
        self.end()
        whole = ["-i", str(self.temporary)]
        self._run([*whole, "-vf", "palettegen=stats_mode=full", str(self.palette)])
        dither = "[0][1]paletteuse=dither=sierra2_4a:diff_mode=rectangle"
        self._run([*whole, "-i", str(self.palette), "-lavfi", dither, "-loop", "0",
                   str(self.done)])  # fmt: skip
        self._renamed(self.done)

    def _run(self, arguments: list[str]) -> None:
        command = [encoder(), "-hide_banner", "-loglevel", "error", "-y", *arguments]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.said,
            start_new_session=True,
        )  # fmt: skip
        if done.returncode:
            raise self._failure()

    def abandon(self) -> None:
        super().abandon()
        for path in (self.palette, self.done):
            path.unlink(missing_ok=True)


class _Folder:
    """frame_00000.png and so on; those of a longer film before are taken away."""

    def __init__(self, path: Path) -> None:
        self.path, self.count = path, 0

    def _name(self, number: int) -> Path:
        return self.path / f"frame_{number:05d}.png"

    def add(self, pixels: Pixels) -> None:
        data = encode_png(Image.fromarray(pixels))
        write_atomically(self._name(self.count), lambda file: file.write(data))
        self.count += 1

    def finish(self) -> None:
        number = self.count
        while self._name(number).is_file():
            self._name(number).unlink()
            number += 1

    def abandon(self) -> None:
        return  # every frame there is, is whole


class _Strip:
    """A few pictures of the film on one sheet."""

    def __init__(self, path: Path, fps: float, total: int) -> None:
        self.path, self.fps, self.count = path, fps, 0
        places = np.linspace(0, max(total - 1, 0), min(CELLS, max(total, 1)))
        self.wanted = {round(place) for place in places.tolist()}
        self.cells: list[Image.Image] = []
        self.words: list[str] = []

    def add(self, pixels: Pixels) -> None:
        if self.count in self.wanted:
            self.cells.append(Image.fromarray(pixels))
            self.words.append(f"{self.count / self.fps:.2f} s")
        self.count += 1

    def finish(self) -> None:
        data = encode_png(sheet(self.cells, self.words))
        write_atomically(self.path, lambda file: file.write(data))

    def abandon(self) -> None:
        return
