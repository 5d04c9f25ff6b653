"""What the widgets call: each handler translates values to one action of the studio and back."""

import functools
import inspect
import secrets
from collections.abc import Callable, Iterator
from html import escape
from inspect import Parameter
from pathlib import Path
from threading import Event
from typing import Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from editing.errors import EditingError
from editing.images import load_picture
from ui.display import Display
from ui.drawing import line_html, note_html, progress_html
from ui.inversion_tab import LEVELS
from ui.messages import LANGUAGES, note, preferred_language, say
from ui.polite import polite
from ui.session import Portrait, Session
from ui.studio import Studio, enlarged
from ui.widgets import data_uri, upload_path
from ui.words import Words


class Run:
    """An inversion that is going on."""

    def __init__(self) -> None:
        self.stop = Event()
        self.abandoned = False


class Handlers:
    """Bound to one studio; holds nothing of any visitor but the way to stop their inversion."""

    def __init__(self, studio: Studio, examples: list[Any]) -> None:
        self.studio = studio
        self.examples = examples
        self.display = Display(studio)
        self.names = self.display.names
        self._runs: dict[str, Run] = {}

    # -- actions: (session, lang, values) -> (session, status)

    @polite
    def open_photo(self, session: Session, lang: str, photo: Any) -> tuple[Any, ...]:
        """Open a photo: find the face, align it, guess its latent."""
        path = upload_path(photo)
        if path is None:
            return session, self.display.status(session)
        opened = self.studio.open_work(session, Path(path))
        if opened is not None:  # a PNG that was exported here comes back with its edits
            return opened, self.display.status(opened)
        return self._replaced(session, lang, self.studio.open_photo(path))

    @polite
    def crop_photo(self, session: Session, lang: str, photo: Any) -> tuple[Any, ...]:
        """Open the centre of a photo in which no face was found."""
        path = upload_path(photo)
        if path is None:
            return session, self.display.status(session)
        return self._replaced(session, lang, self.studio.open_photo(path, crop=True))

    @polite
    def open_seed(self, session: Session, lang: str, seed: float | None) -> tuple[Any, ...]:
        """Open the invented person of a seed."""
        return self._replaced(session, lang, self.studio.open_seed(int(seed or 0)))

    @polite
    def open_file(self, session: Session, lang: str, file: str | None) -> tuple[Any, ...]:
        """Open a latent file or a PNG exported here, ready to edit."""
        if file is None:
            return session, self.display.status(session)
        session = self.studio.open_file(session, Path(file))
        return session, self.display.status(session)

    @polite
    def open_example(self, session: Session, lang: str, event: gr.EventData) -> tuple[Any, ...]:
        example = self.examples[int(event._data["index"])]
        return self._replaced(session, lang, example.open(self.studio))

    @polite
    def move(self, session: Session, lang: str, *values: float) -> tuple[Any, ...]:
        """Set the attribute sliders, in standard deviations of the domain's world."""
        session = self.studio.move(session, dict(zip(self.names, values, strict=True)))
        return session, self.display.status(session)

    def move_by_name(self) -> Callable[..., tuple[Any, ...]]:
        """``move`` whose parameters have the attributes' names, for the API."""
        own = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in ("session", "lang")]
        sliders = [
            Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=0.0) for name in self.names
        ]

        @functools.wraps(self.move)
        def move(*values: Any) -> tuple[Any, ...]:
            return self.move(*values)

        move.__signature__ = inspect.Signature([*own, *sliders])  # type: ignore[attr-defined]
        return move

    @polite
    def undo(self, session: Session, lang: str) -> tuple[Any, ...]:
        """Go one step back in the history."""
        session = session.go(session.position - 1)
        return session, self.display.status(session)

    @polite
    def redo(self, session: Session, lang: str) -> tuple[Any, ...]:
        """Go one step forward in the history."""
        session = session.go(session.position + 1)
        return session, self.display.status(session)

    @polite
    def reset(self, session: Session, lang: str) -> tuple[Any, ...]:
        """Take every edit away."""
        session = self.studio.reset(session)
        return session, self.display.status(session)

    @polite
    def go(self, session: Session, lang: str, event: gr.EventData) -> tuple[Any, ...]:
        session = session.go(int(event._data["index"]))
        return session, self.display.status(session)

    @polite
    def act(self, session: Session, lang: str, event: gr.EventData) -> tuple[Any, ...]:
        data = event._data
        to = int(data.get("to", 0))
        session = self.studio.act(session, str(data["act"]), int(data["index"]), to)
        return session, self.display.status(session)

    @polite
    def set_details(
        self, session: Session, lang: str, layers: list[str], given: list[str]
    ) -> tuple[Any, ...]:
        """Choose layers and conditions of the selected edit, or of the next one."""
        session = self.studio.set_details(session, layers, given)
        return session, self.display.status(session)

    def _replaced(self, session: Session, lang: str, portrait: Portrait) -> tuple[Any, ...]:
        for sentence in portrait.notes:
            gr.Info(escape(note(sentence, lang), quote=False))
        session = self.studio.replace(session, portrait)
        return session, self.display.status(session)

    # -- inversion

    @polite
    def invert(
        self, session: Session, lang: str, level: str, request: gr.Request
    ) -> Iterator[tuple[Any, ...]]:
        """Search the latent of the current photo; yields (portrait so far, picture, progress)."""
        portrait, run = session.now.portrait, Run()
        visitor = str(request.session_hash)
        self._runs[visitor] = run
        losses: list[float] = []
        try:
            for step, picture in self.studio.invert(portrait, level, run.stop):
                losses.append(step.losses["total"])
                if run.abandoned:
                    idle = note_html(say("inversion.idle", lang))
                    yield None, gr.skip(), idle, gr.skip()
                    return
                if picture is None or portrait.photo is None:
                    continue
                found = self.studio.inverted(portrait, step, level, picture)
                pair = (portrait.photo, enlarged(picture, portrait.photo.shape[0]))
                ended = step.done or run.stop.is_set()
                yield found, pair, *self._progress(step, losses, ended, lang)
        finally:
            if self._runs.get(visitor) is run:
                del self._runs[visitor]

    def _progress(self, step: Any, losses: list[float], ended: bool, lang: str) -> tuple[str, str]:
        """For the tab and, shorter, for below the canvas."""
        if step.done:
            before, after = f"{losses[0]:.3f}", f"{step.best:.3f}"
            seconds = f"{step.seconds:.0f}"
            text = say("inversion.done", lang, seconds=seconds, before=before, after=after)
        elif ended:
            text = say("inversion.stopped", lang, steps=step.index)
        else:
            text = say("inversion.running", lang, step=step.index, total=step.total)
            text += " · " + say("inversion.left", lang, seconds=f"{step.eta:.0f}")
        done = step.index / max(step.total, 1)
        return progress_html(text, done, losses, lang), line_html(text, done)

    def stop(self, request: gr.Request) -> None:
        """Stop this visitor's inversion; the best so far is kept."""
        run = self._runs.get(str(request.session_hash))
        if run is not None:
            run.stop.set()

    def abandon(self, request: gr.Request) -> None:
        """Stop this visitor's inversion without a result: they have opened something else."""
        run = self._runs.get(str(request.session_hash))
        if run is not None:
            run.abandoned = True
            run.stop.set()

    @polite
    def adopt(self, session: Session, lang: str, found: Portrait | None) -> tuple[Any, ...]:
        """Take over what the inversion found, unless the visitor has moved on meanwhile."""
        if found is not None and found.photo is session.now.portrait.photo:
            session = self.studio.adopt(session, found)
        return session, self.display.status(session)

    @polite
    def invert_new(
        self, session: Session, lang: str, level: str, request: gr.Request
    ) -> Iterator[tuple[Any, ...]]:
        """Invert a photo that was just opened, quickly; anything else needs no inversion."""
        if session.now.label.key == "history.estimate":
            yield from self.invert(session, lang, "quick", request)
        else:
            yield None, gr.skip(), gr.skip(), gr.skip()

    @polite
    def invert_whole(
        self, session: Session, lang: str, level: str, request: gr.Request
    ) -> tuple[Any, ...]:
        """Search the latent of the current photo: level quick, standard or best."""
        found = [found for found, *_ in self.invert(session, lang, level, request)][-1]
        return self.adopt(session, lang, found)

    def level_setter(self, level: str) -> Callable[[], str]:
        return lambda: level

    def busy(self, session: Session) -> list[Any]:
        on = session.now.portrait.photo is not None
        return [gr.update(interactive=not on)] * len(LEVELS) + [gr.update(interactive=on)]

    def idle(self) -> list[Any]:
        return [gr.update(interactive=True)] * len(LEVELS) + [gr.update(interactive=False)]

    # -- files

    @polite
    def download(self, session: Session, lang: str, kind: str) -> str:
        """The portrait as a file: png, plain (no recipe inside), photo, latent or recipe."""
        name, data = self.studio.export(session, kind)
        return save_bytes_to_cache(data, name, get_upload_folder())

    def downloader(self, kind: str) -> Callable[[Session, str], str]:
        return lambda session, lang: str(self.download(session, lang, kind))

    def offer_crop(self, photo: Any) -> Any:
        """After a refusal: a readable picture had no face, so its centre can be used."""
        try:
            path = upload_path(photo)
            return gr.update(visible=bool(path and load_picture(path)))
        except EditingError:
            return gr.update(visible=False)

    def hide(self) -> Any:
        return gr.update(visible=False)

    # -- language and small things

    def welcome(self, saved: str, shown: str, request: gr.Request) -> str:
        """The visitor's language: what they chose before, else what their browser asks for."""
        if saved in LANGUAGES:
            return saved
        return preferred_language(request.headers.get("accept-language", shown))

    def relabel(self, words: Words) -> Callable[[Session, str], list[Any]]:
        """A handler that says everything on the page in another language."""

        def handler(session: Session, lang: str) -> list[Any]:
            return [*words.updates(lang), self.example_strip(lang), lang]

        return handler

    def roll(self) -> int:
        return secrets.randbelow(1_000_000)

    def example_strip(self, lang: str) -> list[dict[str, Any]]:
        return [
            {"src": data_uri(e.picture), "title": say(e.title, lang, **e.values), "current": False}
            for e in self.examples
        ]
