"""What the Walk tab calls: values -> a walk, filmed frame by frame in the long lane.

Wires the Walk tab; ``ui.page`` calls it once the page is laid out.
"""

import functools
import inspect
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from inspect import Parameter
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from time import monotonic
from typing import Any
from zipfile import ZipFile

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from editing.animation.encoder import Film
from editing.animation.film import Look, Projector, heat_picture, measuring, plot, shoot
from editing.animation.walk import Walk
from editing.edits.mix_edits import Other
from editing.errors import BadInput
from editing.recipes.recipe import make_recipe, recipe_to_yaml
from ui.components.html import note_html, progress_html
from ui.components.wire import Wire
from ui.locales import say
from ui.panels.refresh import Display
from ui.runtime.cancellation import Stops
from ui.runtime.throttle import Showing
from ui.runtime.toasts import polite
from ui.studio.session import Session
from ui.tabs.mixing.actions import Mate, MixingDesk
from ui.tabs.mixing.layout import MixingTab
from ui.tabs.walk.drivers import read_drivers
from ui.tabs.walk.layout import MOST, NAMES, SETTINGS, TIME, WalkTab
from ui.tabs.walk.options import Asked, eases_of, way_of

VIDEOS = (".mp4", ".webm")


class WalkHandlers:
    """Bound to one desk; holds nothing of any visitor but who asked to stop."""

    def __init__(self, desk: MixingDesk, display: Display) -> None:
        self.desk, self.studio, self.display = desk, desk.studio, display
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
        stop = self.filming.begin(str(request.session_hash))
        hidden = gr.update(visible=False)
        asked = Asked.of(values)
        driving = _Result(read_drivers(asked.drivers, self.desk))
        for read, total in driving:
            text = say("walk.reading", lang, read=read, total=total)
            shown = progress_html(text, read / max(total, 1), [], lang)
            yield gr.skip(), shown, *[hidden] * 4, gr.skip()
            if stop.is_set():
                yield gr.skip(), note_html(say("walk.idle", lang)), *[hidden] * 4, gr.skip()
                return
        projector = self._projector(session, {"b": b, "c": c}, asked, driving.value)
        yield from self.film(session, lang, projector, stop)

    def film(
        self, session: Session, lang: str, projector: Projector, stop: Event
    ) -> Iterator[tuple[Any, ...]]:
        """A walk while it is filmed, and the film; ``stop`` keeps what was drawn."""
        hidden = gr.update(visible=False)
        self.studio.budget.check_film(projector)
        began, showing, count, last = monotonic(), Showing(), 0, None
        with TemporaryDirectory() as folder:  # not where files are swept by age
            path = Path(folder) / f"walk{projector.look.kind}"
            projector.check(path)
            shooting = _Result(shoot(path, projector, stop.is_set, self.studio.lanes.steps))
            for pixels in shooting:
                count, last = count + 1, pixels if pixels is not None else last
                if not showing.due():
                    continue
                text = self._text(projector, count, monotonic() - began, lang)
                shown = progress_html(text, count / projector.total, [], lang)
                picture = gr.skip() if last is None else gr.update(value=last, visible=True)
                with showing.shown():
                    yield picture, shown, hidden, hidden, hidden, hidden, gr.skip()
            film = shooting.value
            data = zipped(path) if path.is_dir() else path.read_bytes()
        yield self._done(session, projector, film, data, monotonic() - began, stop.is_set(), lang)

    def walk_by_name(self, values: Sequence[Any]) -> Callable[..., Iterator[tuple[Any, ...]]]:
        """``walk`` whose parameters have the widgets' names and ``values``, for the API."""
        asked = ("kind", *NAMES, *TIME)
        names = ["begin" if name == "from" else name for name in asked]  # no name in Python

        @functools.wraps(self.walk)
        def walk(*values: Any) -> Iterator[tuple[Any, ...]]:
            yield from self.walk(*values)

        kind = Parameter.POSITIONAL_OR_KEYWORD
        own = [Parameter(name, kind) for name in ("session", "lang", "request", "b", "c")]
        own += [
            Parameter(name, kind, default=value) for name, value in zip(names, values, strict=True)
        ]
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
        kind, folder = projector.look.kind or ".zip", get_upload_folder()
        path = save_bytes_to_cache(data, f"walk{kind}", folder)
        recipe = save_bytes_to_cache(self._recipe(session, projector), "walk.recipe.yaml", folder)
        video, archive = kind in VIDEOS, kind == ".zip"
        hidden = gr.update(visible=False, value=None)
        return (
            gr.update(visible=False),
            note_html(text),
            gr.update(value=path, visible=True) if video else hidden,
            hidden if video or archive else gr.update(value=path, visible=True),
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
        self, session: Session, mates: Mapping[str, Mate | None], asked: Asked,
        drivers: tuple[Other, ...],
    ) -> Projector:  # fmt: skip
        time = asked.time
        frames = int(time["frames"] or 0)
        if frames > MOST:
            raise BadInput(
                f"A film of {frames} frames is too long for the page; choose up to {MOST}, or "
                "make it on the command line: python -m editing walk --frames N."
            )
        walk = Walk(
            way_of(asked, mates, drivers),
            frames,
            float(time["fps"] or 0),
            eases_of(time["ease"]),
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


def zipped(folder: Path) -> bytes:
    """The files of a folder as one archive; pictures are packed already."""
    data = io.BytesIO()
    with ZipFile(data, "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
    return data.getvalue()


class _Result:
    """A generator whose return value is kept."""

    def __init__(self, work: Any) -> None:
        self._work = work
        self.value: Any = None

    def __iter__(self) -> Iterator[Any]:
        self.value = yield from self._work


def wire_walk(page: Any, tab: WalkTab, mixing: MixingTab, h: WalkHandlers, wire: Wire) -> None:
    """Wire all of it."""
    base = [page.session, page.language]
    settings = [tab.settings[name] for name in NAMES]
    tab.kind.input(h.show_settings, [tab.kind], settings, **wire.instant)
    mates = [mixing.slot.mate, mixing.transfer.slot.mate]
    asked, shown = [*base, *mates, *tab.wanted], [*tab.filmed, tab.made]
    tab.run.click(
        h.walk_by_name([each.value for each in tab.wanted]),
        asked,
        shown,
        **wire.long,
        api_name="walk",
    )
    tab.stop.click(h.stop, None, None, **wire.instant)
    m = tab.measured
    m.run.click(
        h.measure,
        [*base, tab.made],
        [m.report, m.plot, m.heat],
        **wire.long,
        api_name="walk_motion",
    )
    m.stop.click(h.stop_measuring, None, None, **wire.instant)
