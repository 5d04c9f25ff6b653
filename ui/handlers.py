"""What the widgets call: each handler translates values to one action of the studio and back."""

import functools
import inspect
import logging
import secrets
from collections.abc import Callable, Iterator, Mapping
from html import escape
from inspect import Parameter
from pathlib import Path
from threading import Event
from typing import Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from editing.edits import Move
from editing.errors import EditingError
from editing.images import load_picture
from ui.boundaries_tab import given_choices, layer_choices
from ui.drawing import line_html, metrics_html, note_html, progress_html, waiting_html
from ui.inversion_tab import LEVELS
from ui.messages import LANGUAGES, attribute_name, note, preferred_language, refusal, say
from ui.session import Label, Portrait, Session, strengths
from ui.studio import Studio, View, enlarged
from ui.widgets import data_uri, upload_path
from ui.words import Words

log = logging.getLogger(__name__)


def polite(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Refusals become toasts in the visitor's language; other errors are logged and apologised for.

    The decorated method has the parameters (self, session, lang, ...).
    """

    def toast(error: Exception, lang: str) -> gr.Error:
        if isinstance(error, EditingError):
            text = refusal(error, lang)
        else:
            log.exception("A handler failed")
            text = say("error.unexpected", lang)
        return gr.Error(escape(text, quote=False), print_exception=False)

    @functools.wraps(handler)
    def call(self: Any, session: Session, lang: str, *values: Any) -> Any:
        try:
            return handler(self, session, lang, *values)
        except gr.Error:
            raise
        except Exception as error:
            raise toast(error, lang) from None

    @functools.wraps(handler)
    def stream(self: Any, session: Session, lang: str, *values: Any) -> Iterator[Any]:
        try:
            yield from handler(self, session, lang, *values)
        except gr.Error:
            raise
        except Exception as error:
            raise toast(error, lang) from None

    return stream if inspect.isgeneratorfunction(handler) else call


class Handlers:
    """Bound to one studio; holds nothing of any visitor but the way to stop their inversion."""

    def __init__(self, studio: Studio, examples: list[Any]) -> None:
        self.studio = studio
        self.examples = examples
        self.names = list(studio.attributes)
        self._stops: dict[str, Event] = {}

    # -- actions: (session, lang, values) -> (session, status)

    @polite
    def open_photo(self, session: Session, lang: str, photo: Any) -> tuple[Any, ...]:
        """Open a photo: find the face, align it, guess its latent."""
        path = upload_path(photo)
        if path is None:
            return session, self.status(session)
        opened = self.studio.open_work(session, Path(path))
        if opened is not None:  # a PNG that was exported here comes back with its edits
            return opened, self.status(opened)
        return self._replaced(session, lang, self.studio.open_photo(path))

    @polite
    def crop_photo(self, session: Session, lang: str, photo: Any) -> tuple[Any, ...]:
        """Open the centre of a photo in which no face was found."""
        path = upload_path(photo)
        if path is None:
            return session, self.status(session)
        return self._replaced(session, lang, self.studio.open_photo(path, crop=True))

    @polite
    def open_seed(self, session: Session, lang: str, seed: float | None) -> tuple[Any, ...]:
        """Open the invented person of a seed."""
        return self._replaced(session, lang, self.studio.open_seed(int(seed or 0)))

    @polite
    def open_file(self, session: Session, lang: str, file: str | None) -> tuple[Any, ...]:
        """Open a latent file or a PNG exported here, ready to edit."""
        if file is None:
            return session, self.status(session)
        session = self.studio.open_file(session, Path(file))
        return session, self.status(session)

    @polite
    def open_example(self, session: Session, lang: str, event: gr.EventData) -> tuple[Any, ...]:
        example = self.examples[int(event._data["index"])]
        return self._replaced(session, lang, example.open(self.studio))

    @polite
    def move(self, session: Session, lang: str, *values: float) -> tuple[Any, ...]:
        """Set the attribute sliders, in standard deviations of the domain's world."""
        session = self.studio.move(session, dict(zip(self.names, values, strict=True)))
        return session, self.status(session)

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
        return session, self.status(session)

    @polite
    def redo(self, session: Session, lang: str) -> tuple[Any, ...]:
        """Go one step forward in the history."""
        session = session.go(session.position + 1)
        return session, self.status(session)

    @polite
    def reset(self, session: Session, lang: str) -> tuple[Any, ...]:
        """Take every edit away."""
        session = self.studio.reset(session)
        return session, self.status(session)

    @polite
    def go(self, session: Session, lang: str, event: gr.EventData) -> tuple[Any, ...]:
        session = session.go(int(event._data["index"]))
        return session, self.status(session)

    @polite
    def act(self, session: Session, lang: str, event: gr.EventData) -> tuple[Any, ...]:
        data = event._data
        to = int(data.get("to", 0))
        session = self.studio.act(session, str(data["act"]), int(data["index"]), to)
        return session, self.status(session)

    @polite
    def set_details(
        self, session: Session, lang: str, layers: list[str], given: list[str]
    ) -> tuple[Any, ...]:
        """Choose layers and conditions of the selected edit, or of the next one."""
        session = self.studio.set_details(session, layers, given)
        return session, self.status(session)

    def _replaced(self, session: Session, lang: str, portrait: Portrait) -> tuple[Any, ...]:
        for sentence in portrait.notes:
            gr.Info(escape(note(sentence, lang), quote=False))
        session = self.studio.replace(session, portrait)
        return session, self.status(session)

    # -- inversion

    @polite
    def invert(
        self, session: Session, lang: str, level: str, request: gr.Request
    ) -> Iterator[tuple[Any, ...]]:
        """Search the latent of the current photo; yields (portrait so far, picture, progress)."""
        portrait, stop = session.now.portrait, Event()
        visitor = str(request.session_hash)
        self._stops[visitor] = stop
        losses: list[float] = []
        try:
            for step, picture in self.studio.invert(portrait, level, stop):
                losses.append(step.losses["total"])
                if picture is None or portrait.photo is None:
                    continue
                found = self.studio.inverted(portrait, step, level, picture)
                pair = (portrait.photo, enlarged(picture, portrait.photo.shape[0]))
                ended = step.done or stop.is_set()
                yield found, pair, *self._progress(step, losses, ended, lang)
        finally:
            self._stops.pop(visitor, None)

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
        running = self._stops.get(str(request.session_hash))
        if running is not None:
            running.set()

    @polite
    def adopt(self, session: Session, lang: str, found: Portrait | None) -> tuple[Any, ...]:
        """Take over what the inversion found, unless the visitor has moved on meanwhile."""
        if found is not None and found.photo is session.now.portrait.photo:
            session = self.studio.adopt(session, found)
        return session, self.status(session)

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

    # -- drawing

    def preview(self, session: Session, *values: float) -> tuple[Any, Any]:
        view = self.studio.preview(session, dict(zip(self.names, values, strict=True)))
        return pairs(view)

    def show(self, session: Session, lang: str) -> tuple[Any, ...]:
        """Everything that follows the session, except the sliders."""
        picture, outcome = pairs(self.studio.view(session))
        label = "canvas" if session.now.portrait.photo is None else "world"
        name, layers, given = self.studio.details(session)
        others = [other for other in self.names if other != name]
        return (
            gr.update(value=picture, label=say(label, lang)),
            outcome,
            gr.update(interactive=session.can_undo),
            gr.update(interactive=session.can_redo),
            gr.update(interactive=bool(session.now.stack.entries)),
            gr.update(visible=session.now.portrait.photo is not None),
            self.history(session, lang),
            self.chips(session, lang),
            self.details_title(name, lang),
            gr.update(value=layers, choices=layer_choices(self.studio.groups, lang)),
            gr.update(value=given, choices=given_choices(others, lang)),
            waiting_html(lang),
        )

    def sliders(self, session: Session) -> Any:
        """Where the sliders stand; a drag must never be overtaken by this."""
        values = strengths(session.now.stack, self.names)
        return values[0] if len(values) == 1 else values

    def measure(self, session: Session, lang: str) -> str:
        measured = self.studio.measure(session)
        return metrics_html(measured.identity, measured.perceptual, measured.moved, lang)

    def history(self, session: Session, lang: str) -> list[dict[str, Any]]:
        return [
            {
                "src": moment.thumbnail,
                "title": label_text(moment.label, lang),
                "current": index == session.position,
            }
            for index, moment in enumerate(session.moments)
        ]

    def chips(self, session: Session, lang: str) -> dict[str, Any]:
        items = [
            {
                "label": self._edit_text(entry.edit, lang),
                "on": entry.on,
                "current": index == session.selected,
            }
            for index, entry in enumerate(session.now.stack.entries)
        ]
        keys = ("tip", "toggle", "remove", "empty")
        return {"items": items, **{key: say(f"stack.{key}", lang) for key in keys}}

    def _edit_text(self, edit: Any, lang: str) -> str:
        if not isinstance(edit, Move):
            return type(edit).__name__
        text = f"{attribute_name(edit.attribute, lang)} {edit.alpha:+.2g}"
        if edit.layers is not None:
            groups = self.studio.group_names(edit.layers)
            text += " @ " + " ".join(say(f"layers.{group}", lang) for group in groups)
        if edit.given:
            text += " | " + " ".join(attribute_name(name, lang) for name in edit.given)
        return text

    def details_title(self, name: str | None, lang: str) -> str:
        if name is None:
            return note_html(say("details.next", lang))
        return note_html(say("details.for", lang, name=attribute_name(name, lang)))

    def status(self, session: Session) -> dict[str, Any]:
        """The session in a few words, for the API."""
        portrait = session.now.portrait
        return {
            "source": portrait.source.name,
            "kind": portrait.kind,
            "edits": [
                {"label": self._edit_text(entry.edit, "en"), "on": entry.on}
                for entry in session.now.stack.entries
            ],
            "strengths": dict(
                zip(self.names, strengths(session.now.stack, self.names), strict=True)
            ),
            "history": [label_text(moment.label, "en") for moment in session.moments],
            "position": session.position,
            "inversion": portrait.inversion and portrait.inversion.options.level,
        }


def pairs(view: View) -> tuple[Any, Any]:
    """The canvas and, for a photo, the second outcome."""
    if view.photo is None:
        return (view.before, view.after), gr.update(visible=False)
    return (view.before, view.after), gr.update(value=(view.photo, view.edited), visible=True)


def label_text(label: Label, lang: str) -> str:
    values: Mapping[str, object] = label.values
    name = attribute_name(label.attribute, lang) if label.attribute else ""
    if label.key:
        return say(label.key, lang, name=name, **values)
    return f"{name} {label.alpha:+.2g}"
