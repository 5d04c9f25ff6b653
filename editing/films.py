"""A walk as a film: portraits along a way, drawn, composed and encoded, one frame at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from editing.animation import KINDS, Film, Pixels, check_film, composed, frame_size, write_film
from editing.domains import Domain
from editing.edits import EditState, preview, render
from editing.errors import BadInput
from editing.images import to_uint8
from editing.metrics import perceptual_distance
from editing.walks import EVEN_SAMPLES, Walk, evened, measured_lengths
from editing.ways import Route

Report = Callable[[int, int], object]  # (done, total)


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


def make_film(
    path: Path,
    projector: Projector,
    report: Report = lambda done, total: None,
    stop: Callable[[], bool] = lambda: False,
) -> Film:
    """Draw and encode a walk; ended early, the film keeps what was drawn.

    Raises:
        EditingError: what cannot be written or walked; nothing is left behind.
    """
    projector.check(path)

    def counted() -> Iterator[Pixels]:
        for number, pixels in enumerate(projector.frames(), 1):
            report(number, projector.total)
            if pixels is not None:
                yield pixels

    walk = projector.walk
    film = write_film(path, counted(), walk.fps, walk.frames, stop)
    projector.notes |= projector.route.notes()
    return film
