"""Walks: exactly so many portraits along a way, the same ones for the same seed.

A walk is a plain value that recipes carry (``walk_values``). ``Walk.begin`` binds it to a portrait;
the states that follow are made one by one, so ten thousand frames take the memory of one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from editing.animation.easing import check_easing
from editing.animation.paths import Pace, Route, Way
from editing.edits.stack import EditState
from editing.errors import BadInput
from editing.models.domain import Domain

MAX_FRAMES = 10_000
FPS = (1.0, 120.0)
EVEN_SAMPLES = 64  # places at which the speed of a walk is measured

Distance = Callable[[EditState, EditState], float]


@dataclass(frozen=True, eq=False)
class Walk:
    """A way, and how it is walked."""

    way: Way
    frames: int = 120
    fps: float = 30.0
    eases: tuple[str, ...] = ("linear",)  # of the way's legs, in turn
    ping_pong: bool = False  # there and back, without a jump
    hold: float = 0.0  # seconds that both ends stay, within the frames
    even: bool = False  # the same perceptual speed everywhere
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.frames <= MAX_FRAMES:
            raise BadInput(
                f"A walk of {self.frames} frames is not possible; choose from 1 to {MAX_FRAMES}."
            )
        if not (math.isfinite(self.fps) and FPS[0] <= self.fps <= FPS[1]):
            raise BadInput(
                f"{self.fps:g} frames per second are not possible; choose from {FPS[0]:g} to "
                f"{FPS[1]:g}, usually 30."
            )
        if not self.eases:
            raise BadInput("A walk needs an easing, such as linear.")
        for name in self.eases:
            check_easing(name)
        if not 0 <= self.seed < 2**32:
            raise BadInput(f"The seed {self.seed} is not possible; choose from 0 to {2**32 - 1}.")
        if not (math.isfinite(self.hold) and 0 <= self.hold and self.moving >= min(2, self.frames)):
            raise BadInput(
                f"Holding the ends for {self.hold:g} s leaves no frame to move in; hold for less, "
                "or take more frames."
            )

    @property
    def held(self) -> int:
        """Frames that each end stays besides its own."""
        return round(self.hold * self.fps) if math.isfinite(self.hold) else self.frames

    @property
    def moving(self) -> int:
        """Frames that are not held."""
        return self.frames - 2 * self.held

    @property
    def returns(self) -> bool:
        """Whether the frame after the last is the first again."""
        return self.way.closed or self.ping_pong

    def positions(self) -> list[float]:
        """Where in the way every frame is, 0 to 1."""
        count = self.moving
        if self.ping_pong and not self.way.closed:
            steps = [1 - abs(1 - 2 * i / count) for i in range(count)]
            middle = steps.index(max(steps)) + 1
            return [0.0] * self.held + steps[:middle] + [max(steps)] * self.held + steps[middle:]
        last = count if self.way.closed else max(count - 1, 1)
        steps = [i / last for i in range(count)]
        if self.ping_pong:
            steps = [2 * min(u, 1 - u) if u else 0.0 for u in steps]
        return [0.0] * self.held + steps + [steps[-1]] * self.held

    def begin(self, source: EditState, domain: Domain) -> Route:
        """The way, begun at a portrait.

        Raises:
            EditingError: what the way refuses: names, spaces, portraits of other generators.
        """
        steps = self.moving // 2 + 1 if self.ping_pong else self.moving + int(self.way.closed)
        return self.way.begin(source, domain, Pace(self.eases, max(steps, 2), self.seed))

    def states(self, source: EditState, domain: Domain) -> Iterator[EditState]:
        """The portraits, one by one, at an even pace of positions."""
        route = self.begin(source, domain)
        return (route.at(position) for position in self.positions())


def evened(walk: Walk, positions: Sequence[float], lengths: Sequence[float]) -> list[float]:
    """The positions at which the picture changes equally from frame to frame.

    Args:
        lengths: how far the picture goes between neighbours of evenly spread positions, [K]; see
            ``measured_lengths``.
    """
    walked = np.concatenate([[0.0], np.cumsum(np.maximum(lengths, 1e-9))])
    share = walked / walked[-1]
    places = np.linspace(0, 1, len(walked))
    return [float(np.interp(position, share, places)) for position in positions]


def measured_lengths(
    route: Route, distance: Distance, samples: int = EVEN_SAMPLES
) -> Iterator[float]:
    """How far the picture goes along each of ``samples`` equal parts of a route."""
    before = route.at(0.0)
    for number in range(1, samples + 1):
        after = route.at(number / samples)
        yield distance(before, after)
        before = after


def facts(walk: Walk) -> dict[str, Any]:
    """What JSON says of a walk."""
    return {
        "kind": type(walk.way).__name__.lower(),
        "frames": walk.frames,
        "fps": walk.fps,
        "seconds_of_film": walk.frames / walk.fps,
        "returns": walk.returns,
    }
