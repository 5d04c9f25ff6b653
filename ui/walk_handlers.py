"""What the Walk tab calls: values -> a walk, filmed frame by frame in the long lane."""

import functools
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from inspect import Parameter
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from time import monotonic
from typing import Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from editing.animation import Film
from editing.edits import Move
from editing.errors import BadInput
from editing.films import Look, Projector, heat_picture, measuring, plot, shoot
from editing.mix_edits import Other
from editing.random_ways import Metropolis, Pieces, RandomSteps, Within
from editing.recipes import make_recipe, recipe_to_yaml
from editing.walks import Walk
from editing.ways import (
    Circle,
    Key,
    Keyframes,
    NoiseLoop,
    Timeline,
    Tour,
    Track,
    Truncation,
    Way,
)
from ui.display import Display
from ui.drawing import note_html, progress_html
from ui.messages import say
from ui.mixing_desk import Mate
from ui.polite import polite
from ui.session import Session
from ui.stops import Stops
from ui.studio import Studio
from ui.walk_tab import SETTINGS

SHOW_EVERY = 0.3  # seconds between pictures while a film is drawn
VIDEOS = (".mp4", ".webm")
TIME = ("frames", "fps", "ease", "hold", "seed", "ping_pong", "loop", "even", "beside", "captions",
        "format", "size")  # fmt: skip
NAMES = ("attribute", "from", "to", "timeline", "through", "curve", "radius", "step", "segments",
         "flags", "where", "low", "high")  # fmt: skip
MOST = 600  # frames on the page; the command line makes longer films


class WalkHandlers:
    """Bound to one studio; holds nothing of any visitor but who asked to stop."""

    def __init__(self, studio: Studio, display: Display) -> None:
        self.studio, self.display = studio, display
        self.filming, self.measuring = Stops(), Stops()

    def show_settings(self, kind: str) -> list[Any]:
        """Only the settings of a kind."""
        return [gr.update(visible=name in SETTINGS[kind]) for name in NAMES]

    # -- filming: (picture, progress, film, still, file, recipe, what was made)

    @polite
    def walk(
        self, session: Session, lang: str, request: gr.Request, b: Mate | None, c: Mate | None,
        *values: Any,
    ) -> Iterator[tuple[Any, ...]]:  # fmt: skip
        """Film a walk from the current portrait; Stop keeps what was drawn."""
        projector = self._projector(session, b, c, values)
        stop = self.filming.begin(str(request.session_hash))
        yield from self.film(session, lang, projector, stop)

    def film(
        self, session: Session, lang: str, projector: Projector, stop: Event
    ) -> Iterator[tuple[Any, ...]]:
        """A walk while it is filmed, and the film; ``stop`` keeps what was drawn."""
        hidden = gr.update(visible=False)
        began, due, count, last = monotonic(), 0.0, 0, None
        with TemporaryDirectory(dir=_folder()) as folder:
            path = Path(folder) / f"walk{projector.look.kind}"
            projector.check(path)
            shooting = _Result(shoot(path, projector, stop.is_set, self.studio.lanes.steps))
            for pixels in shooting:
                count, last = count + 1, pixels if pixels is not None else last
                if monotonic() < due:
                    continue
                due = monotonic() + SHOW_EVERY
                text = self._text(projector, count, monotonic() - began, lang)
                shown = progress_html(text, count / projector.total, [], lang)
                picture = gr.skip() if last is None else gr.update(value=last, visible=True)
                yield picture, shown, hidden, hidden, hidden, hidden, gr.skip()
            film = shooting.value
            data = path.read_bytes()
        yield self._done(session, projector, film, data, monotonic() - began, stop.is_set(), lang)

    def walk_by_name(self) -> Callable[..., Iterator[tuple[Any, ...]]]:
        """``walk`` whose parameters have the widgets' names, for the API."""
        asked = ("session", "lang", "request", "b", "c", "kind", *NAMES, *TIME)
        names = ["begin" if name == "from" else name for name in asked]  # no name in Python

        @functools.wraps(self.walk)
        def walk(*values: Any) -> Iterator[tuple[Any, ...]]:
            yield from self.walk(*values)

        own = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in names]
        walk.__signature__ = inspect.Signature(own)  # type: ignore[attr-defined]
        return walk

    def _done(
        self, session: Session, projector: Projector, film: Film, data: bytes, seconds: float,
        stopped: bool, lang: str,
    ) -> tuple[Any, ...]:  # fmt: skip
        facts = {"frames": film.frames, "size": f"{film.bytes / 1e6:.2f}"}
        key = "walk.stopped" if stopped and film.frames < projector.walk.frames else "walk.done"
        text = say(key, lang, seconds=f"{seconds:.1f}", **facts)
        if (rate := projector.notes.get("acceptance")) is not None:
            text += " · " + say("walk.acceptance", lang, percent=f"{100 * rate:.0f}")
        kind, folder = projector.look.kind, get_upload_folder()
        path = save_bytes_to_cache(data, f"walk{kind}", folder)
        recipe = save_bytes_to_cache(self._recipe(session, projector), "walk.recipe.yaml", folder)
        video = kind in VIDEOS
        hidden = gr.update(visible=False, value=None)
        return (
            gr.update(visible=False),
            note_html(text),
            gr.update(value=path, visible=True) if video else hidden,
            hidden if video else gr.update(value=path, visible=True),
            gr.update(value=path, visible=True),
            gr.update(value=recipe, visible=True),
            projector,
        )

    def _recipe(self, session: Session, projector: Projector) -> bytes:
        moment = session.now
        recipe = make_recipe(
            self.studio.domain, moment.portrait.source, moment.stack,
            inversion=moment.portrait.inversion, walk=projector.walk, look=projector.look,
        )  # fmt: skip
        return recipe_to_yaml(recipe).encode()

    def _text(self, projector: Projector, count: int, seconds: float, lang: str) -> str:
        before = projector.total - projector.walk.frames
        left = seconds / count * (projector.total - count)
        if count <= before:
            text = say("walk.measuring", lang)
        else:
            total = projector.walk.frames
            text = say("walk.running", lang, frame=count - before, total=total)
        return f"{text} · {say('walk.left', lang, seconds=f'{left:.0f}')}"

    def stop(self, request: gr.Request) -> None:
        """Stop this visitor's film; what was drawn is kept."""
        self.filming.stop(str(request.session_hash))

    def stop_measuring(self, request: gr.Request) -> None:
        """Stop measuring; what was measured is shown."""
        self.measuring.stop(str(request.session_hash))

    # -- motion

    @polite
    def measure(
        self, session: Session, lang: str, request: gr.Request, made: Projector | None
    ) -> Iterator[tuple[Any, ...]]:
        """How much of the last film moves: (words, plot, heat map)."""
        if made is None:
            raise BadInput("There is no film yet; press Walk first.")
        stop = self.measuring.begin(str(request.session_hash))
        work = _Result(measuring(made, stop.is_set))
        for done in self.studio.lanes.steps(iter(work)):
            part = progress_html(say("walk.measuring", lang), done / made.walk.frames, [], lang)
            yield part, gr.skip(), gr.skip()
        found = work.value
        facts = found.facts()
        text = say("walk.still", lang)
        heat = gr.update(visible=False)
        if found.motion is not None:
            uneven = f"{facts.get('unevenness', 0.0):.2f}"
            text = say("walk.share", lang, share=f"{found.motion.share:.2f}", uneven=uneven)
            heat = gr.update(value=heat_picture(found.motion), visible=True)
        yield note_html(text), gr.update(value=plot(found), visible=True), heat

    # -- widgets -> a walk

    def _projector(
        self, session: Session, b: Mate | None, c: Mate | None, values: Sequence[Any]
    ) -> Projector:
        kind, rest = str(values[0]), values[1:]
        asked = dict(zip(NAMES, rest, strict=False))
        time = dict(zip(TIME, rest[len(NAMES) :], strict=True))
        frames = int(time["frames"] or 0)
        if frames > MOST:
            raise BadInput(
                f"A film of {frames} frames is too long for the page; choose up to {MOST}, or use "
                "the command walk."
            )
        way = self._way(kind, asked, bool(time["loop"]), {"b": b, "c": c})
        walk = Walk(
            way,
            frames,
            float(time["fps"] or 0),
            (str(time["ease"]),),
            bool(time["ping_pong"]),
            float(time["hold"] or 0),
            bool(time["even"]),
            int(time["seed"] or 0),
        )
        look = Look(
            str(time["format"]), int(time["size"]), bool(time["beside"]), bool(time["captions"])
        )
        moment = session.now
        state = moment.stack.apply(moment.portrait.state, self.studio.domain)
        return Projector(walk, state, self.studio.domain, look)

    def _way(
        self, kind: str, asked: Mapping[str, Any], loop: bool, mates: Mapping[str, Mate | None]
    ) -> Way:
        radius, step = float(asked["radius"] or 0), float(asked["step"] or 0)
        along = str(asked["attribute"] or "")
        if kind == "sweep":
            keys = (Key(0.0, float(asked["from"])), Key(1.0, float(asked["to"])))
            return Timeline((Track(Move(along, 0.0), keys),))
        if kind == "timeline":
            return Timeline(tracks_of(asked["timeline"]))
        if kind == "keyframes":
            return Keyframes(others_of(asked["through"], mates), str(asked["curve"]), closed=loop)
        if kind == "truncation":
            return Truncation()
        if kind == "random":
            return RandomSteps(step, along, bridge=loop)
        if kind == "piecewise":
            ends = tuple(numbers_of(asked["segments"]))
            return Pieces(step, along, "w", ends, tuple(int(f) for f in numbers_of(asked["flags"])))
        if kind == "metropolis":
            name = str(asked["where"] or "")
            window = Within(name, float(asked["low"]), float(asked["high"]), 0.25) if name else None
            return Metropolis(step, within=(window,) if window else ())
        plain: dict[str, Way] = {
            "loop": Circle(radius), "noise-loop": NoiseLoop(radius), "basis": Tour(4, radius),
        }  # fmt: skip
        return plain[kind]


class _Result:
    """A generator whose return value is kept."""

    def __init__(self, work: Any) -> None:
        self._work = work
        self.value: Any = None

    def __iter__(self) -> Iterator[Any]:
        self.value = yield from self._work


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


def _folder() -> str:
    folder = Path(get_upload_folder())
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)
