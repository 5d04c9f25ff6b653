"""Walks: exactly so many portraits along a way, the same ones for the same seed.

A walk is a plain value that recipes carry (``walk_values``). ``Walk.begin`` binds it to a portrait;
the states that follow are made one by one, so ten thousand frames take the memory of one.

Walks as the plain values of a recipe, and back.

    {kind: sweep, tracks: [{move: smile, keys: [[0, -2], [1, 2, sine]]}], frames: 120, fps: 30.0}
    {kind: keyframes, through: [{name: "seed:7"}], curve: spline, closed: true}
    {kind: piecewise, step: 0.3, segments: [0.5, 1.0], flags: [1, -1], along: smile}
    {kind: metropolis, space: z, within: [{attribute: smile, low: 0.2, high: 0.8}]}

and ``circle`` (also ``loop``), ``noise-loop``, ``truncation``, ``basis``, ``place``, ``random``,
``reenact``; with ``ease``, ``ping_pong``, ``hold``, ``even`` and ``seed``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from editing.animation import paths as ways
from editing.animation.easing import check_easing
from editing.animation.paths import Pace, Route, Way
from editing.animation.random_paths import Metropolis, Pieces, RandomSteps, Within
from editing.edits.mix_edits import other_from, other_values
from editing.edits.registry import entry_from, entry_values
from editing.edits.stack import EditState, Entry, Move
from editing.errors import BadInput, BadRecipe, UnknownName
from editing.io.codec import Settings
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


PLAIN: Mapping[str, type[Any]] = {  # kinds whose fields are numbers and words
    "loop": ways.Circle,
    "noise-loop": ways.NoiseLoop,
    "truncation": ways.Truncation,
    "basis": ways.Tour,
    "place": ways.Place,
    "random": RandomSteps,
    "piecewise": Pieces,
}
KINDS = ("sweep", "keyframes", *PLAIN, "metropolis", "reenact")


def kind_of(way: ways.Way) -> str:
    """How people call it."""
    for name, kind in PLAIN.items():
        if type(way) is kind:
            return name
    kinds = {ways.Timeline: "sweep", ways.Keyframes: "keyframes", Metropolis: "metropolis"}
    return kinds.get(type(way), "reenact")


def walk_values(walk: Walk) -> dict[str, Any]:
    """A walk as the values of a recipe."""
    values: dict[str, Any] = {"kind": kind_of(walk.way), **_way_values(walk.way)}
    values |= {"frames": walk.frames, "fps": float(walk.fps), "ease": list(walk.eases)}
    values |= {"hold": float(walk.hold)} if walk.hold else {}
    values |= {name: True for name in ("ping_pong", "even") if getattr(walk, name)}
    return {**values, "seed": walk.seed}


def walk_from(settings: Settings) -> Walk:
    """The inverse of ``walk_values``; takes all of ``settings``.

    Raises:
        BadRecipe, BadInput: what is wrong with them.
    """
    kind = settings.need("kind", str)
    if kind not in KINDS:
        raise UnknownName.among("kind of walk", kind, KINDS)
    way = _way(kind, settings)
    walk = Walk(
        way,
        settings.take("frames", int, 120),
        settings.take("fps", float, 30.0),
        settings.texts("ease") or ("linear",),
        settings.take("ping_pong", bool, False),
        settings.take("hold", float, 0.0),
        settings.take("even", bool, False),
        settings.take("seed", int, 0),
    )
    settings.end()
    return walk


def _way_values(way: ways.Way) -> dict[str, Any]:
    if isinstance(way, ways.Timeline):
        return {"tracks": [_track_values(track) for track in way.tracks]}
    if isinstance(way, ways.Keyframes):
        through = [other_values(other) for other in way.through]
        return {"through": through, "curve": way.curve, "space": way.space, "closed": way.closed}
    if isinstance(way, ways.Reenactment):
        values: dict[str, Any] = {"drivers": [other_values(each) for each in way.drivers]}
        values |= {"amount": float(way.amount), "along": list(way.along)}
        return {**values, "layers": None if way.layers is None else list(way.layers)}
    plain = asdict(way)  # type: ignore[call-overload]
    listed = {key: list(v) if isinstance(v, tuple) else v for key, v in plain.items()}
    return {key: float(v) if type(v) is float else v for key, v in listed.items()}


def _way(kind: str, settings: Settings) -> ways.Way:
    if kind == "sweep":
        return ways.Timeline(tuple(_track(part) for part in settings.parts("tracks")))
    if kind == "keyframes":
        others = tuple(other_from(part) for part in settings.parts("through"))
        curve, space = settings.take("curve", str, "linear"), settings.take("space", str, "w+")
        return ways.Keyframes(others, curve, space, settings.take("closed", bool, False))
    if kind == "reenact":
        drivers = tuple(other_from(part) for part in settings.parts("drivers"))
        layers = settings.take("layers", list)
        return ways.Reenactment(
            drivers,
            settings.take("amount", float, 1.0),
            None if layers is None else tuple(_whole(settings, row) for row in layers),
            settings.texts("along"),
        )
    if kind == "metropolis":
        within = tuple(_within(part) for part in settings.parts("within", needed=False))
        walk: Metropolis = _plain(Metropolis(), settings, skip=("within",))
        return replace(walk, within=within)
    default: Any = PLAIN[kind]()
    way: ways.Way = _plain(default, settings)
    return way


def _plain(default: Any, settings: Settings, skip: tuple[str, ...] = ()) -> Any:
    """A dataclass of numbers, words and lists of numbers; what is absent stays as it is."""
    changes: dict[str, Any] = {}
    for each in fields(default):
        value = getattr(default, each.name)
        if each.name in skip:
            continue
        if isinstance(value, tuple):
            numbers = settings.take(each.name, list)
            if numbers is not None:
                kind = type(value[0])
                changes[each.name] = tuple(_number(settings, number, kind) for number in numbers)
        else:
            changes[each.name] = settings.take(each.name, type(value), value)
    return replace(default, **changes)


def _track_values(track: ways.Track) -> dict[str, Any]:
    values = entry_values(Entry(track.move))
    del values["alpha"]
    keys = [[k.time, k.value, *([k.ease] if k.ease else [])] for k in track.keys]
    return {**values, "keys": keys}


def _track(settings: Settings) -> ways.Track:
    keys = tuple(_key(settings, key) for key in settings.need("keys", list))
    settings.give("alpha", 0.0)
    move = entry_from(settings).edit
    if not isinstance(move, Move):
        raise BadRecipe(f"{settings.name} is no track; write move: NAME and keys.")
    return ways.Track(move, keys)


def _key(settings: Settings, key: Any) -> ways.Key:
    if not isinstance(key, list) or not 2 <= len(key) <= 3:
        raise BadRecipe(
            f"{settings.name} has the key {key!r}; write [time, value] or with an ease."
        )
    time, value = (_number(settings, number, float) for number in key[:2])
    return ways.Key(time, value, str(key[2]) if len(key) == 3 else "")


def _within(settings: Settings) -> Within:
    found = Within(
        settings.need("attribute", str),
        settings.need("low", float),
        settings.need("high", float),
        settings.take("softness", float, 0.0),
    )
    settings.end()
    return found


def _number(settings: Settings, value: Any, kind: type) -> Any:
    if type(value) not in (int, float) or (kind is int and value != int(value)):
        raise BadRecipe(f"{settings.name} has {value!r} where a number belongs.")
    return kind(value)


def _whole(settings: Settings, value: Any) -> int:
    number: int = _number(settings, value, int)
    return number
