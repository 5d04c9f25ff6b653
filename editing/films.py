"""A walk as a film: portraits along a way, drawn, composed and encoded, one frame at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from editing.animation import KINDS, Film, Pixels, check_film, feed
from editing.domains import Domain
from editing.edits import EditState, preview, render
from editing.errors import BadInput
from editing.images import save_png, to_tensor, to_uint8
from editing.lettering import lettered
from editing.metrics import perceptual_distance
from editing.motion import APART, Motion, Pair, apart, pair_motion, unevenness
from editing.sheets import INK, PAPER
from editing.walks import EVEN_SAMPLES, Walk, evened, measured_lengths
from editing.ways import Route

Report = Callable[[int, int], object]  # (done, total)
CAPTION = 26  # pixels of a line of text
SHOWN = 384  # pixels that a heat map has at least
MAX_PAIRS = 40  # of frames whose motion is measured


@dataclass(frozen=True)
class Look:
    """How the frames of a film look."""

    kind: str = ".mp4"  # of animation.KINDS
    size: int | None = None  # pixels of a portrait; None = the generator's
    beside: bool = False  # the source on the left
    captions: bool = False  # what the walk does, below

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise BadInput(f"There is no film of the kind {self.kind!r}; choose from {KINDS}.")


@dataclass(eq=False)
class Projector:
    """The frames of one walk from one portrait, and what became known on the way.

    Raises:
        EditingError: whatever the walk refuses, before anything is drawn.
    """

    walk: Walk
    source: EditState
    domain: Domain
    look: Look = Look()
    route: Route = field(init=False)
    notes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.route = self.walk.begin(self.source, self.domain)
        if self.walk.even and "perceptual" not in self.domain.parts:
            raise BadInput(
                f"{self.domain.name} has no perceptual network, so speed cannot be made even; "
                "leave --even out."
            )

    def positions(self) -> Iterator[list[float]]:
        """Where every frame is in the way; measuring an even motion yields nothing until then."""
        places = self.walk.positions()
        if self.walk.even:
            lengths = []
            for length in measured_lengths(self.route, self._distance):
                lengths.append(length)
                yield []
            places = evened(self.walk, places, lengths)
        yield places

    def _distance(self, a: EditState, b: EditState) -> float:
        with torch.no_grad():
            one, two = (preview(s, self.domain).float().clamp(-1, 1) for s in (a, b))
            return math.sqrt(float(perceptual_distance(self.domain.perceptual, one, two)))

    def length(self, a: Pixels, b: Pixels) -> float:
        """Perceptual path length between two frames."""
        with torch.no_grad():
            pair = (to_tensor(each).to(self.domain.device) for each in (a, b))
            return math.sqrt(float(perceptual_distance(self.domain.perceptual, *pair)))

    def frames(self) -> Iterator[Pixels | None]:
        """Canonical pictures, composed; None for a step of measuring before the first."""
        before = self.picture(self.source) if self.look.beside else None
        places: list[float] = []
        for places in self.positions():
            if not places:
                yield None
        for place in places:
            pixels = self.picture(self.route.at(place))
            caption = (self.route.caption(place) or " ") if self.look.captions else ""
            yield composed(pixels, self.look.size, before, caption)
        self.notes |= self.route.notes()

    def picture(self, state: EditState) -> Pixels:
        """[R, R, 3]."""
        pixels: Pixels = to_uint8(render(state, self.domain))[0]
        return pixels

    def check(self, path: Path) -> None:
        """Refuse what could not be written, before anything is drawn."""
        size = self.look.size or self.domain.generator.img_resolution
        height, width = frame_size(size, self.look.beside, self.look.captions)
        check_film(path, self.walk.frames, self.walk.fps, height, width)

    @property
    def total(self) -> int:
        """Steps: frames, and measurements before them."""
        return self.walk.frames + EVEN_SAMPLES * self.walk.even


def shoot(
    path: Path,
    projector: Projector,
    stop: Callable[[], bool] = lambda: False,
    lane: Callable[[Iterator[Pixels | None]], Iterator[Pixels | None]] = iter,
) -> Generator[Pixels | None, None, Film]:
    """Draw and encode a walk; yields what was drawn, None for a step of measuring before.

    Ended early, the film keeps what was drawn.

    Args:
        lane: what drawing, but not encoding, goes through.

    Raises:
        EditingError: what cannot be written or walked; nothing is left behind.
    """
    projector.check(path)
    walk, frames = projector.walk, lane(projector.frames())
    for first in frames:
        if first is not None or stop():
            break
        yield None
    drawn = chain([first] if first is not None else [], (p for p in frames if p is not None))
    film = yield from feed(path, drawn, walk.fps, walk.frames, stop)
    projector.notes |= projector.route.notes()
    return film


def make_film(path: Path, projector: Projector, report: Report = lambda done, total: None) -> Film:
    """``shoot`` to its end.

    Raises:
        EditingError: as ``shoot`` does.
    """
    shooting = shoot(path, projector)
    try:
        for number in count(1):
            next(shooting)
            report(number, projector.total)
    except StopIteration as end:
        film: Film = end.value
        return film
    except KeyboardInterrupt:  # wherever it came, the film is ended properly
        shooting.throw(KeyboardInterrupt())
        raise
    raise AssertionError("a count has no end")


# -- what a frame shows


def composed(
    pixels: Pixels, size: int | None = None, beside: Pixels | None = None, caption: str = ""
) -> Pixels:
    """A frame at ``size`` pixels, the source ``beside`` it on the left, words below."""
    size = size or pixels.shape[0]
    parts = [_resized(each, size) for each in (beside, pixels) if each is not None]
    picture = np.concatenate(parts, axis=1)
    if caption:
        picture = np.concatenate([picture, _words(caption, picture.shape[1])], axis=0)
    return picture


def frame_size(size: int, beside: bool, caption: bool) -> tuple[int, int]:
    """(height, width) of what ``composed`` makes."""
    return size + CAPTION * caption, size * (1 + beside)


def _resized(pixels: Pixels, size: int) -> Pixels:
    if pixels.shape[0] == size:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.BICUBIC))


def _words(text: str, width: int) -> Pixels:
    line: Any = Image.new("RGB", (width, CAPTION), PAPER)
    words, font = lettered(text, 14)
    ImageDraw.Draw(line).text((width / 2, CAPTION / 2), words, INK, font, anchor="mm")
    return np.asarray(line)


# -- how it moves


@dataclass(frozen=True, eq=False)
class Measured:
    """How a walk moves, from its frames."""

    motion: Motion | None  # None: too little changes to tell
    lengths: tuple[float, ...]  # perceptual path length, frame by frame

    def facts(self) -> dict[str, float]:
        """Numbers for people and JSON; what could not be measured is left out."""
        found = {"motion_share": self.motion.share} if self.motion else {}
        if self.lengths:
            mean = sum(self.lengths) / len(self.lengths)
            found |= {"path_length_per_frame": mean, "unevenness": unevenness(self.lengths)}
        return found


def measured(projector: Projector, report: Report = lambda done, total: None) -> Measured:
    """``measuring`` to its end."""
    work = measuring(projector)
    try:
        while True:
            report(next(work), projector.walk.frames)
    except StopIteration as end:
        found: Measured = end.value
        return found


def measuring(
    projector: Projector, stop: Callable[[], bool] = lambda: False
) -> Generator[int, None, Measured]:
    """Motion share over pairs of frames, and perceptual path length, of a walk drawn again.

    Yields how many frames were looked at; ended early, it returns what was measured.
    """
    plain = replace(projector.look, beside=False, captions=False, size=None)
    again = Projector(projector.walk, projector.source, projector.domain, plain)
    pairs: list[Pair] = []
    lengths: list[float] = []
    kept: tuple[int, Pixels] | None = None
    before: Pixels | None = None
    frames = (pixels for pixels in again.frames() if pixels is not None)
    for number, pixels in enumerate(frames):
        yield number + 1
        if stop():
            break
        if before is not None and "perceptual" in projector.domain.parts:
            lengths.append(again.length(before, pixels))
        if kept is not None and len(pairs) < MAX_PAIRS and apart(kept[1], pixels) >= APART:
            pairs.append(pair_motion(kept[1], pixels, kept[0], number))
            kept = None
        kept, before = kept or (number, pixels), pixels
    return Measured(Motion(tuple(pairs)) if pairs else None, tuple(lengths))


def write_report(folder: Path, found: Measured) -> list[Path]:
    """motion.png, the share and length along the film, and dissolves.png, where it dissolves."""
    files = {"motion.png": plot(found)}
    if found.motion:
        files["dissolves.png"] = heat_picture(found.motion)
    for name, picture in files.items():
        save_png(folder / name, picture)
    return [folder / name for name in files]


def heat_picture(motion: Motion) -> Image.Image:
    """Black where movement explains all, white where 20 % of full scale are left."""
    grey = (motion.heat / 0.2).clip(0, 1)
    rgb = np.stack([grey**0.5, grey, grey**2], axis=-1)
    picture = Image.fromarray((rgb * 255).astype(np.uint8))
    side = max(picture.width, SHOWN)
    return picture.resize((side, side), Image.Resampling.BICUBIC)


def plot(found: Measured, width: int = 640, height: int = 200) -> Image.Image:
    """Path length as a line, motion share as bars where pairs were measured."""
    paper = Image.new("RGB", (width, height), PAPER)
    pen, font = ImageDraw.Draw(paper), ImageFont.load_default(12)
    count, top, floor = max(len(found.lengths), 1), 24, height - 20
    for pair in found.motion.pairs if found.motion else ():
        left, right = (8 + (width - 16) * n / count for n in (pair.first, pair.second))
        share = min(max(pair.share, 0.0), 1.0)
        box = (left, floor - (floor - top) * share, max(right - 1, left + 1), floor)
        pen.rectangle(box, fill=(198, 208, 245))
    most = max(found.lengths, default=0.0) or 1.0
    points = [
        (8 + (width - 16) * n / count, floor - (floor - top) * length / most)
        for n, length in enumerate(found.lengths)
    ]
    if len(points) > 1:
        pen.line(points, fill=INK, width=2)
    words = "bars: motion share (top = 1)   line: perceptual change per frame"
    pen.text((8, 4), words, INK, font)
    pen.text((8, height - 17), f"{len(found.lengths) + 1} frames", INK, font)
    return paper
