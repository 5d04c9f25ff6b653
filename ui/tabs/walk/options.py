"""What the widgets of the Walk tab say, as a way to walk."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from editing.animation.film import Look
from editing.animation.paths import (
    CURVES,
    Circle,
    Key,
    Keyframes,
    NoiseLoop,
    Place,
    Reenactment,
    Timeline,
    Tour,
    Track,
    Truncation,
    Way,
)
from editing.animation.random_paths import Metropolis, Pieces, RandomSteps, Within
from editing.animation.walk import Walk, kind_of
from editing.edits.mix_edits import Other
from editing.edits.stack import Move
from editing.errors import BadInput
from ui.tabs.mixing.actions import Mate
from ui.tabs.walk.layout import NAMES, TIME

TOUR = 4  # directions of a tour on the page
PIECES = ("segments", "flags")  # lists of numbers, as texts
SOFT = 0.25  # σ over which a reading leaves its range


@dataclass(frozen=True)
class Asked:
    """What the widgets say of a walk."""

    kind: str
    settings: Mapping[str, Any]  # by NAMES
    time: Mapping[str, Any]  # by TIME

    @staticmethod
    def of(values: Sequence[Any]) -> "Asked":
        kind, rest = str(values[0]), values[1:]
        settings = dict(zip(NAMES, rest, strict=False))
        return Asked(kind, settings, dict(zip(TIME, rest[len(NAMES) :], strict=True)))

    @property
    def drivers(self) -> list[str]:
        """Files that drive the portrait."""
        files = self.settings["drivers"] if self.kind == "reenact" else None
        return [str(path) for path in files or ()]

    def number(self, name: str) -> float:
        return float(self.settings[name] or 0)

    def text(self, name: str) -> str:
        return str(self.settings[name] or "")


def way_of(asked: Asked, mates: Mapping[str, Mate | None], drivers: tuple[Other, ...]) -> Way:
    """The way that the widgets describe.

    Raises:
        BadInput: settings that the kind refuses.
    """
    loop, along, space = bool(asked.time["loop"]), asked.text("attribute"), asked.text("space")
    makers: dict[str, Callable[[], Way]] = {
        "sweep": lambda: Timeline((_swept(asked),)),
        "timeline": lambda: Timeline(tracks_of(asked.settings["timeline"])),
        "keyframes": lambda: Keyframes(
            others_of(asked.text("through"), mates), asked.text("curve"), closed=loop
        ),
        "loop": lambda: Circle(asked.number("radius"), space),
        "noise-loop": lambda: NoiseLoop(asked.number("radius"), space=space),
        "truncation": Truncation,
        "basis": lambda: Tour(TOUR, asked.number("radius"), space),
        "random": lambda: RandomSteps(
            asked.number("step"), along, space, loop, reach=asked.number("reach")
        ),
        "piecewise": lambda: _pieces(asked, along, space),
        "metropolis": lambda: Metropolis(asked.number("step"), space, within=_windows(asked)),
        "reenact": lambda: _reenactment(asked, mates, drivers),
        "place": lambda: Place(asked.number("right"), asked.number("down"), asked.number("turn")),
    }
    return makers[asked.kind]()


def asked_of(walk: Walk, look: Look) -> Asked | None:
    """The widgets' values for a walk, those that it decides; None where they cannot say it."""
    way = walk.way
    settings: dict[str, Any] | None = None
    if isinstance(way, Keyframes) and way.space == "w+" and way.curve in CURVES:
        seeds = [re.fullmatch(r"seed:(\d+)", other.name) for other in way.through]
        if all(seeds):
            through = ", ".join(seed[1] for seed in seeds if seed)
            settings = {"through": through, "curve": way.curve}
    elif isinstance(way, RandomSteps | Pieces):
        settings = {name: getattr(way, name) for name in ("step", "space", "reach")}
        settings["attribute"] = way.along or None
        if isinstance(way, Pieces):
            settings |= {n: ", ".join(f"{v:g}" for v in getattr(way, n)) for n in PIECES}
    elif isinstance(way, Circle | NoiseLoop):
        settings = {"radius": way.radius, "space": way.space}
    elif way == Truncation():
        settings = {}
    if settings is None:
        return None
    loop = way.closed and isinstance(way, Keyframes | RandomSteps)
    time = {name: getattr(walk, name) for name in ("frames", "fps", "hold", "seed", "ping_pong")}
    time |= {"ease": list(walk.eases), "loop": loop, "even": walk.even, "format": look.kind}
    time |= {"beside": look.beside, "captions": look.captions}
    return Asked(kind_of(way), settings, {**time, **({"size": look.size} if look.size else {})})


def _swept(asked: Asked) -> Track:
    ends = (Key(0.0, asked.number("from")), Key(1.0, asked.number("to")))
    return Track(Move(asked.text("attribute"), 0.0), ends)


def _pieces(asked: Asked, along: str, space: str) -> Pieces:
    flags = numbers_of(asked.text("flags"))
    if any(flag != int(flag) for flag in flags):
        raise BadInput("Flags can be 1 (out), -1 (back) and 0 (hold) alone.")
    ends = tuple(numbers_of(asked.text("segments")))
    signs, reach = tuple(int(flag) for flag in flags), asked.number("reach")
    return Pieces(asked.number("step"), along, space, ends, signs, reach=reach)


def _windows(asked: Asked) -> tuple[Within, ...]:
    if not (name := asked.text("where")):
        return ()
    return (Within(name, asked.number("low"), asked.number("high"), SOFT),)


def _reenactment(
    asked: Asked, mates: Mapping[str, Mate | None], drivers: tuple[Other, ...]
) -> Reenactment:
    """Files drive where there are any, else the portraits that are named."""
    named = () if drivers else others_of(asked.text("through"), mates)
    only = tuple(asked.settings["only"] or ())
    return Reenactment((*drivers, *named), asked.number("amount"), along=only)


def eases_of(chosen: str | Sequence[str] | None) -> tuple[str, ...]:
    """Easings of the legs, in turn."""
    names = [chosen] if isinstance(chosen, str) else list(chosen or ())
    return tuple(names) or ("linear",)


def tracks_of(rows: Sequence[Sequence[Any]] | None) -> tuple[Track, ...]:
    """Rows of attribute, time, value, easing -> tracks.

    Raises:
        BadInput: a row that is none.
    """
    keys: dict[str, list[Key]] = {}
    for row in rows or ():
        name = str(row[0] or "").strip()
        if not name:
            continue
        try:
            key = Key(float(row[1]), float(row[2]), str(row[3] or "").strip())
        except (TypeError, ValueError, IndexError) as error:
            raise BadInput(f"The key {list(row)} needs a time from 0 to 1 and a value.") from error
        keys.setdefault(name, []).append(key)
    return tuple(
        Track(Move(name, 0.0), tuple(sorted(found, key=lambda key: key.time)))
        for name, found in keys.items()
    )


def others_of(text: str, mates: Mapping[str, Mate | None]) -> tuple[Other, ...]:
    """'7, B, 12' -> portraits; letters are the slots of the Mixing tab.

    Raises:
        BadInput: something else, or an empty slot.
    """
    found = []
    for part in re.split(r"[\s,，、;]+", (text or "").strip()):
        if part.lower() in mates:
            mate = mates[part.lower()]
            if mate is None:
                raise BadInput(f"Portrait {part.upper()} of the Mixing tab is empty; choose one.")
            found.append(mate.other)
        elif part.isascii() and part.isdigit() and len(part) <= 10:
            found.append(Other(f"seed:{int(part)}"))
        elif part:
            raise BadInput(f"{part[:40]!r} is no portrait; write seeds such as 7, or B and C.")
    return tuple(found)


def numbers_of(text: str) -> list[float]:
    """'0.5, 1' -> [0.5, 1.0]."""
    try:
        return [float(part) for part in re.split(r"[\s,，、;]+", (text or "").strip()) if part]
    except ValueError as error:
        raise BadInput(f"{text!r} are no numbers; write them such as 0.5, 1.") from error
