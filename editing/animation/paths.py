"""Where a walk goes: from a portrait and a position between 0 and 1 to another portrait.

A way is a small frozen value; ``begin`` binds it to a portrait and gives a ``Route``. The same way
begins anywhere, so a walk can be applied to another portrait. Ways that return are ``closed``:
their position 1 is their position 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from editing.animation.chains import Coordinates
from editing.animation.easing import check_easing, ease
from editing.directions.direction import MAX_ALPHA
from editing.edits.mix_edits import Other
from editing.edits.mixing import between, transfer
from editing.edits.stack import PLACE, EditState, Move
from editing.errors import BadInput
from editing.models.domain import Domain

Floats = NDArray[np.float64]
CURVES = ("linear", "slerp", "spline")
MAX_KEYFRAMES = 500


@dataclass(eq=False)
class Route:
    """A way that has begun at a portrait."""

    at: Callable[[float], EditState]  # position in [0, 1] -> portrait
    caption: Callable[[float], str] = lambda u: f"{u:.0%}"  # noqa: E731
    notes: Callable[[], dict[str, Any]] = dict  # what became known on the way


@dataclass(frozen=True)
class Pace:
    """How a route is walked: eases of its legs in turn, and frames from its start to its end."""

    eases: tuple[str, ...] = ("linear",)
    steps: int = 120  # frames from position 0 to 1
    seed: int = 0

    def on_leg(self, leg: int, t: float) -> float:
        return ease(self.eases[leg % len(self.eases)], t)


class Way(Protocol):
    """One of the kinds below."""

    @property
    def closed(self) -> bool: ...

    def begin(self, source: EditState, domain: Domain, pace: Pace) -> Route: ...


# -- attributes and portraits on a timeline


@dataclass(frozen=True)
class Key:
    """A value at a time; ``ease`` is how it gets there from the key before."""

    time: float  # 0..1
    value: float
    ease: str = ""  # "" = the walk's own


@dataclass(frozen=True)
class Track:
    """One attribute on the timeline."""

    move: Move  # its alpha is what the keys say
    keys: tuple[Key, ...]

    def __post_init__(self) -> None:
        times = [key.time for key in self.keys]
        if not times or times != sorted(times) or not 0 <= times[0] <= times[-1] <= 1:
            raise BadInput(
                f"The track of {self.move.attribute} has keys at {times}; they must rise from 0 "
                "to 1, such as 0:0,0.5:2,1:0."
            )
        for key in self.keys:
            if not (math.isfinite(key.value) and abs(key.value) <= MAX_ALPHA):
                raise BadInput(f"The key {key.value} of {self.move.attribute} is out of range.")
            if key.ease:
                check_easing(key.ease)

    def value(self, u: float, pace: Pace) -> float:
        """The alpha at a position: before the first key as there, after the last likewise."""
        if u <= self.keys[0].time:
            return self.keys[0].value
        for leg, (a, b) in enumerate(zip(self.keys[:-1], self.keys[1:], strict=True)):
            if u <= b.time and b.time > a.time:
                t = (u - a.time) / (b.time - a.time)
                part = ease(b.ease, t) if b.ease else pace.on_leg(leg, t)
                return b.value if part == 1 else a.value + part * (b.value - a.value)
        return self.keys[-1].value


@dataclass(frozen=True)
class Timeline:
    """Attributes, each on its own schedule; a sweep is one track with two keys."""

    tracks: tuple[Track, ...]
    closed = False

    def __post_init__(self) -> None:
        if not self.tracks:
            raise BadInput("A sweep needs an attribute to move along, such as --along smile.")

    def begin(self, source: EditState, domain: Domain, pace: Pace) -> Route:
        for track in self.tracks:
            track.move.direction(domain)  # refuses what the domain does not have

        def at(u: float) -> EditState:
            state = source
            for track in self.tracks:
                state = replace(track.move, alpha=track.value(u, pace)).apply(state, domain)
            return state

        def caption(u: float) -> str:
            return "  ".join(f"{t.move.attribute} {t.value(u, pace):+.2f}" for t in self.tracks)

        return Route(at, caption)


@dataclass(frozen=True, eq=False)
class Keyframes:
    """From the portrait through others; "slerp" in Z, "spline" Catmull-Rom in W+."""

    through: tuple[Other, ...]
    curve: str = "linear"
    space: str = "w+"  # of mixing.SPACES, for "linear"
    closed: bool = False  # and back to the portrait

    def __post_init__(self) -> None:
        if not 1 <= len(self.through) < MAX_KEYFRAMES:
            raise BadInput(
                f"A walk through {len(self.through) + 1} keyframe{'s' * bool(self.through)} is not "
                f"possible; name 1 to {MAX_KEYFRAMES - 1} portraits to go to with --through."
            )
        if self.curve not in CURVES:
            raise BadInput(f"There is no curve {self.curve!r}; choose from {', '.join(CURVES)}.")

    def begin(self, source: EditState, domain: Domain, pace: Pace) -> Route:
        points = [source, *(other.state(domain) for other in self.through)]
        points += [source] if self.closed else []
        legs = len(points) - 1
        space = "z" if self.curve == "slerp" else self.space
        for a, b in zip(points[:-1], points[1:], strict=True):
            between(a, b, 0.5, domain, space)  # refuses here what cannot be walked

        def at(u: float) -> EditState:
            leg = min(int(u * legs + 1e-9), legs - 1)
            t = pace.on_leg(leg, u * legs - leg if u * legs - leg > 1e-9 else 0.0)
            state = between(points[leg], points[leg + 1], t, domain, space)
            if self.curve == "spline" and t not in (0, 1):
                around = [self._neighbour(points, leg + i) for i in (-1, 0, 1, 2)]
                state = replace(state, ws=catmull_rom([p.ws.to(state.ws) for p in around], t))
            return state

        names = ["start", *(other.name for other in self.through), "start"]

        def caption(u: float) -> str:
            leg = min(int(u * legs + 1e-9), legs - 1)
            return f"{names[leg]} to {names[leg + 1]}  {max(u * legs - leg, 0):.0%}"

        return Route(at, caption)

    def _neighbour(self, points: Sequence[EditState], index: int) -> EditState:
        last = len(points) - 1
        if self.closed:  # the first is also the last
            return points[index % last]
        return points[min(max(index, 0), last)]


def catmull_rom(points: Sequence[Tensor], t: float) -> Tensor:
    """From the second of four points to the third on a uniform Catmull-Rom spline (1974)."""
    a, b, c, d = points
    return b + 0.5 * t * ((c - a) + t * ((2 * a - 5 * b + 4 * c - d) + t * (3 * (b - c) + d - a)))


@dataclass(frozen=True, eq=False)
class Reenactment:
    """w(t) = w1 + λ (w3(t) − w2): the expressions of a film, played by the portrait."""

    drivers: tuple[Other, ...]  # w3(t), one after the other; the first is w2
    amount: float = 1.0
    layers: tuple[int, ...] | None = None
    along: tuple[str, ...] = ()  # see mixing.transfer
    closed = False

    def __post_init__(self) -> None:
        if len(self.drivers) < 2:
            raise BadInput("A re-enactment needs at least two portraits that show how to move.")

    def begin(self, source: EditState, domain: Domain, pace: Pace) -> Route:
        from editing.directions.direction import boundary

        states = [driver.state(domain) for driver in self.drivers]
        along = [boundary(domain, name) for name in self.along]
        at_home = replace(source, ws=source.ws.to(domain.device))

        def at(u: float) -> EditState:
            place = u * (len(states) - 1)
            first = min(int(place + 1e-9), len(states) - 2)
            t = place - first
            now = between(states[first], states[first + 1], min(max(t, 0.0), 1.0), domain)
            return transfer(at_home, states[0], now, domain, self.amount, self.layers, along)

        def caption(u: float) -> str:
            return self.drivers[round(u * (len(states) - 1))].name

        return Route(at, caption)


# -- loops


@dataclass(frozen=True)
class Circle:
    """Once around a circle in a random plane of standard coordinates."""

    radius: float = 0.3  # 1 = as far as another person
    space: str = "w"
    closed = True

    def __post_init__(self) -> None:
        _check_size("radius", self.radius)

    def begin(self, source: EditState, domain: Domain, pace: Pace) -> Route:
        coordinates = Coordinates(source, domain, self.space)
        u, v = orthonormal(2, coordinates.size, pace.seed) * self.radius * coordinates.size**0.5

        def at(position: float) -> EditState:
            angle = 2 * math.pi * (pace.on_leg(0, position) % 1.0)
            return coordinates.at((math.cos(angle) - 1) * u + math.sin(angle) * v)

        return Route(at)


@dataclass(frozen=True)
class NoiseLoop:
    """Once along a smooth random loop: ``harmonics`` waves of random directions."""

    radius: float = 0.3
    harmonics: int = 3
    space: str = "w"
    closed = True

    def __post_init__(self) -> None:
        _check_size("radius", self.radius)
        if not 1 <= self.harmonics <= 50:
            raise BadInput(f"{self.harmonics} harmonics are not possible; choose from 1 to 50.")

    def begin(self, source: EditState, domain: Domain, pace: Pace) -> Route:
        coordinates = Coordinates(source, domain, self.space)
        rng = np.random.RandomState(pace.seed)
        weights = 1 / np.arange(1, self.harmonics + 1)
        weights *= self.radius / np.sqrt((weights**2).sum())
        waves = rng.standard_normal((2, self.harmonics, coordinates.size)) * weights[None, :, None]

        def at(position: float) -> EditState:
            angle = 2 * math.pi * (pace.on_leg(0, position) % 1.0)
            angles = angle * np.arange(1, self.harmonics + 1)
            return coordinates.at((np.cos(angles) - 1) @ waves[0] + np.sin(angles) @ waves[1])

        return Route(at)


@dataclass(frozen=True)
class Truncation:
    """A pulse: from ``high`` times the portrait's distance to the mean to ``low``, and back."""

    low: float = 0.0
    high: float = 1.0
    closed = True

    def __post_init__(self) -> None:
        for value in (self.low, self.high):
            if not (math.isfinite(value) and abs(value) <= 3):
                raise BadInput(f"A truncation of {value} is not possible; choose from -3 to 3.")

    def begin(self, source: EditState, domain: Domain, pace: Pace) -> Route:
        ws = source.ws.to(domain.device)
        mean = domain.generator.mapping.w_avg.to(ws).expand_as(ws[0])

        def psi(position: float) -> float:
            angle = 2 * math.pi * (pace.on_leg(0, position) % 1.0)
            return self.high + (self.low - self.high) * (0.5 - 0.5 * math.cos(angle))

        def at(position: float) -> EditState:
            factor = psi(position)
            return source if factor == 1 else replace(source, ws=torch.lerp(mean, ws, factor))

        return Route(at, lambda position: f"psi {psi(position):.2f}")


@dataclass(frozen=True)
class Tour:
    """Out and back along each direction of a random orthonormal basis."""

    count: int = 4
    radius: float = 0.3
    space: str = "w"
    closed = True

    def __post_init__(self) -> None:
        _check_size("radius", self.radius)
        if not 1 <= self.count <= 100:
            raise BadInput(f"A tour of {self.count} directions is not possible; take 1 to 100.")

    def begin(self, source: EditState, domain: Domain, pace: Pace) -> Route:
        coordinates = Coordinates(source, domain, self.space)
        count = min(self.count, coordinates.size)
        basis = orthonormal(count, coordinates.size, pace.seed)
        length = self.radius * coordinates.size**0.5

        def leg_of(position: float) -> tuple[int, float]:
            place = (position % 1.0) * count
            return int(place), place - int(place)

        def at(position: float) -> EditState:
            leg, t = leg_of(position)
            out = pace.on_leg(leg, 1 - abs(2 * t - 1))
            return coordinates.at(length * out * basis[leg])

        return Route(at, lambda position: f"basis {leg_of(position)[0] + 1}")


@dataclass(frozen=True)
class Place:
    """StyleGAN3 alone: the picture moves and turns, as the generator draws it."""

    right: float = 0.0  # shares of the picture
    down: float = 0.0
    turn: float = 0.0  # degrees, counter-clockwise
    closed = False

    def __post_init__(self) -> None:
        if not all(math.isfinite(each) for each in (self.right, self.down, self.turn)):
            raise BadInput("A place needs finite numbers: shares of the picture, and degrees.")

    def begin(self, source: EditState, domain: Domain, pace: Pace) -> Route:
        buffers = dict(domain.generator.synthesis.named_buffers())
        if PLACE not in buffers:
            raise BadInput(
                f"{domain.name} is {domain.family}; only StyleGAN3 can move and turn its picture, "
                "so take another kind of walk."
            )

        def at(position: float) -> EditState:
            part = pace.on_leg(0, position)
            angle = math.radians(part * self.turn)
            cos, sin = math.cos(angle), math.sin(angle)
            placed = torch.tensor(
                [[cos, sin, part * self.right], [-sin, cos, part * self.down], [0.0, 0.0, 1.0]]
            )
            change = torch.linalg.inv(placed).to(buffers[PLACE]) - buffers[PLACE]
            return replace(source, weight_delta={**source.weight_delta, PLACE: change})

        return Route(at)


def orthonormal(count: int, size: int, seed: int) -> Floats:
    """``count`` random orthonormal vectors, [count, size]."""
    random = np.random.RandomState(seed).standard_normal((size, count))
    basis: Floats = np.linalg.qr(random)[0].T
    return basis


def _check_size(name: str, value: float) -> None:
    if not (math.isfinite(value) and 0 < value <= 3):
        raise BadInput(f"A {name} of {value} is not possible; choose from above 0 to 3.")


# -- tables


@dataclass(eq=False)
class Table:
    """Rows that are made when they are first asked for, and walked by position."""

    rows: Iterator[Any]
    steps: int
    made: list[Any] = field(default_factory=list)

    def row(self, index: int) -> Any:
        while len(self.made) <= index:
            self.made.append(next(self.rows))
        return self.made[index]

    def place(self, position: float) -> tuple[int, float]:
        """(row, how far to the next); whole rows are met exactly."""
        place = position * (self.steps - 1)
        nearest = round(place)
        if abs(place - nearest) < 1e-6:
            return nearest, 0.0
        return int(place), place - int(place)

    def at(self, position: float, value: Callable[[Any], Floats]) -> Floats:
        index, part = self.place(position)
        here = value(self.row(index))
        return here if part == 0 else here + part * (value(self.row(index + 1)) - here)
