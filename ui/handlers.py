"""What the widgets call: each handler translates values to one action of the studio and back."""

import functools
import inspect
import keyword
import re
import secrets
from collections.abc import Callable, Sequence
from inspect import Parameter
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from editing.errors import BadInput, EditingError
from editing.io.images import load_picture
from ui.components.html import waiting_html
from ui.components.localized import Words
from ui.components.widgets import data_uri, strip_html, upload_path
from ui.locales import LANGUAGES, note, preferred_language, say
from ui.panels.canvas import PINNED
from ui.panels.out_of_domain import KeepingHandlers
from ui.panels.refresh import Display
from ui.runtime.toasts import SHOWN, polite, tell
from ui.studio.session import Portrait, Session
from ui.studio.session_files import SUFFIX
from ui.studio.studio import Studio
from ui.tabs.inversion.events import InversionHandlers


class Handlers:
    """Bound to one studio; knows nothing of any visitor."""

    def __init__(self, studio: Studio, examples: list[Any]) -> None:
        self.studio = studio
        self.examples = examples
        self.display = Display(studio)
        self.names = self.display.names
        self.inversion = InversionHandlers(studio, self.display)
        self.keeping = KeepingHandlers(studio, self.display.status)

    # -- actions: (session, lang, values) -> (session, status)

    @polite
    def open_photo(self, session: Session, lang: str, photo: Any) -> tuple[Any, ...]:
        """Open a photo: find the face, align it, guess its latent."""
        path = upload_path(photo)
        if path is None:
            return session, self.display.status(session)
        opened = self.studio.open_work(session, Path(path))
        if opened is not None:  # a PNG that was exported here comes back with its edits
            return self._opened(opened, lang)
        whole = self.studio.reunite(session, Path(path))
        if whole is not None:
            return whole, self.display.status(whole)
        return self._replaced(session, lang, self.studio.open_photo(path), path)

    @polite
    def crop_photo(self, session: Session, lang: str, photo: Any) -> tuple[Any, ...]:
        """Open the centre of a photo in which no face was found."""
        path = upload_path(photo)
        if path is None:
            return session, self.display.status(session)
        return self._replaced(session, lang, self.studio.open_photo(path, crop=True), path)

    @polite
    def open_seed(
        self, session: Session, lang: str, seed: float | None, label: str | None = None
    ) -> tuple[Any, ...]:
        """Open the invented person of a seed, of a class where the generator has some."""
        if label is not None and not label.isdecimal():
            raise BadInput(f"There is no class {label[:40]!r}; choose a number.")
        chosen = int(label) if label else None
        portrait = self.studio.open_seed(int(seed or 0), label=chosen)
        return self._replaced(session, lang, portrait)

    @polite
    def open_file(
        self,
        session: Session,
        lang: str,
        file: str | None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  (how Gradio hands it over)
    ) -> tuple[Any, ...]:
        """Open a session file, a latent file or a PNG exported here, ready to edit."""
        if file is None:
            return session, self.display.status(session)
        if Path(file).suffix.lower() == SUFFIX:
            watched = functools.partial(progress.tqdm, desc=say("open.wait", lang))
            session, complete = self.studio.open_session(session, Path(file), watched)
            if not complete:
                tell(say("open.untuned", lang), 2 * SHOWN)
            return session, self.display.status(session)
        return self._opened(self.studio.open_file(session, Path(file)), lang)

    def _opened(self, session: Session, lang: str) -> tuple[Any, ...]:
        """Work that was saved; what it was made from may have stayed elsewhere."""
        source = session.now.portrait.source
        if source.kind == "photo":
            sentence = say("open.photo", lang, name=source.name)
            tell(sentence, 2 * SHOWN)
        return session, self.display.status(session)

    @polite
    def open_example(self, session: Session, lang: str, event: gr.EventData) -> tuple[Any, ...]:
        example = self.examples[int(event._data["index"])]
        return self._replaced(session, lang, example.open(self.studio), example.photo)

    @polite
    def move(self, session: Session, lang: str, *values: float) -> tuple[Any, ...]:
        """Set the attribute sliders, in standard deviations of the domain's world."""
        session = self.studio.move(session, dict(zip(self.names, values, strict=True)))
        return session, self.display.status(session)

    def move_by_name(self) -> Callable[..., tuple[Any, ...]]:
        """``move`` whose parameters have the attributes' names, for the API."""
        own = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in ("session", "lang")]
        sliders = [
            Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=0.0)
            for name in parameter_names(self.names)
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
    def compare(self, session: Session, lang: str, choice: str) -> tuple[Any, ...]:
        """Compare with a state of the history, by its number; "source": with the original."""
        if choice != PINNED:
            step = int(choice) if str(choice).isdecimal() else None
            session = session.compare(step)
        return session, self.display.status(session)

    @polite
    def pin(self, session: Session, lang: str) -> tuple[Any, ...]:
        """Compare what comes with what is shown now; once more: with the original again."""
        session = session.compare(session.position if session.against is None else None)
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

    def _replaced(
        self, session: Session, lang: str, portrait: Portrait, photo: str | Path | None = None
    ) -> tuple[Any, ...]:
        for sentence in portrait.notes:
            tell(note(sentence, lang))
        session = self.studio.replace(session, portrait, photo)
        return session, self.display.status(session)

    # -- files

    @polite
    def download(self, session: Session, lang: str, kind: str) -> str:
        """The portrait as a file: png, plain (no recipe inside), photo, latent or recipe."""
        name, data = self.studio.export(session, kind)
        return save_bytes_to_cache(data, name, get_upload_folder())

    def downloader(self, kind: str) -> Callable[[Session, str], str]:
        return lambda session, lang: str(self.download(session, lang, kind))

    def offer_crop(self, photo: Any) -> tuple[Any, Any]:
        """After a refusal: the centre of a picture without a face can be used; no picture goes."""
        try:
            path = upload_path(photo)
            return gr.update(visible=bool(path and load_picture(path))), gr.skip()
        except EditingError:
            return gr.update(visible=False), None

    def opening(self, lang: str) -> str:
        """What is going on right after a file was given."""
        return waiting_html(lang, "open.wait")

    def looking(self, lang: str) -> str:
        """What is going on right after a photo was given."""
        return waiting_html(lang, "photo.looking")

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
            return [*words.updates(lang), strip_html(self.example_strip(lang)), lang]

        return handler

    def roll(self) -> int:
        return secrets.randbelow(1_000_000)

    def example_strip(self, lang: str) -> list[dict[str, Any]]:
        return [
            {"src": data_uri(e.picture), "title": say(e.title, lang, **e.values), "current": False}
            for e in self.examples
        ]


def parameter_names(names: Sequence[str]) -> list[str]:
    """Attributes as names of parameters, each its own: "mouth open" is mouth_open."""
    found: list[str] = []
    for name in names:
        plain = re.sub(r"\W", "_", name) or "_"
        if plain[0].isdigit() or keyword.iskeyword(plain) or plain in ("session", "lang"):
            plain = f"_{plain}"
        while plain in found:
            plain += "_"
        found.append(plain)
    return found
