"""What the Inversion tab calls: a search, how it is stopped and gone on with, what came of it."""

from collections.abc import Iterator
from typing import Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder
from torch import Tensor

from editing.errors import BadInput
from editing.inversion.invert import Step
from editing.inversion.options import InversionOptions, options_for
from editing.pictures.masks import load_mask
from ui.components.choices import LEVELS
from ui.components.html import line_html, progress_html
from ui.components.widgets import CANVAS, upload_path
from ui.locales import say
from ui.panels.refresh import Display
from ui.runtime.toasts import polite, tell
from ui.studio.renderer import enlarged
from ui.studio.searches import Run, Runs
from ui.studio.session import Portrait, Session
from ui.studio.studio import Studio
from ui.tabs.inversion.film import film
from ui.tabs.inversion.options import (
    choices_of,
    given_from,
    mask_from,
    options_from,
    written_options,
)


class InversionHandlers:
    """Bound to one studio; holds nothing of any visitor but their last search."""

    def __init__(self, studio: Studio, display: Display) -> None:
        self.studio, self.display = studio, display
        self.runs = Runs()

    # -- searching: (session, lang, ...) -> (portrait so far, picture, progress, a shorter one)

    @polite
    def invert(
        self, session: Session, lang: str, level: str, painted: Any, request: gr.Request
    ) -> Iterator[tuple[Any, ...]]:
        """Search the latent of the current photo at a level."""
        yield from self._search(session, lang, options_for(level), painted, request)

    @polite
    def invert_with(
        self, session: Session, lang: str, request: gr.Request, painted: Any,
        given: str | None, *choices: Any,
    ) -> Iterator[tuple[Any, ...]]:  # fmt: skip
        """Search with the settings of the Advanced panel, perhaps from a latent file."""
        yield from self._search(session, lang, options_from(*choices), painted, request, given)

    @polite
    def invert_new(
        self, session: Session, lang: str, request: gr.Request
    ) -> Iterator[tuple[Any, ...]]:
        """Invert a photo that was just opened, quickly; anything else needs no inversion."""
        if session.now.label.key == "history.estimate":
            yield from self._search(session, lang, options_for("quick"), None, request)
        else:
            yield None, gr.skip(), gr.skip(), gr.skip()

    @polite
    def resume(self, session: Session, lang: str, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """Go on with the search that was stopped."""
        run = self.runs.of(str(request.session_hash))
        if run is None or run.memory is None or not self._is_of(run, session):
            raise BadInput(
                "There is no stopped search of this photo to go on with; press a level instead."
            )
        yield from self.follow(run.resumed(), lang, request)

    def _is_of(self, run: Run, session: Session) -> bool:
        return run.portrait.photo is session.now.portrait.photo

    def _search(
        self, session: Session, lang: str, options: InversionOptions, painted: Any,
        request: gr.Request, given: str | None = None,
    ) -> Iterator[tuple[Any, ...]]:  # fmt: skip
        mask = mask_from(painted, self.studio.domain.generator.img_resolution)
        start = given_from(given, self.studio.domain)
        yield from self.follow(Run(session.now.portrait, options, mask, start), lang, request)

    def follow(self, run: Run, lang: str, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """A search as it goes on: (portrait so far, picture, progress, a shorter one)."""
        self.runs.begin(str(request.session_hash), run)
        photo = run.portrait.photo
        try:
            for step, picture in self.studio.invert(run):
                if run.abandoned:
                    yield None, gr.skip(), "", gr.skip()
                    return
                if picture is None or photo is None:
                    continue
                found = self.studio.inverted(run, step, picture)
                pair = (photo, enlarged(picture, photo.shape[0]))
                ended = step.done or run.stop.is_set()
                yield found, pair, *self._progress(run, step, ended, lang)
        finally:
            run.over = True

    def _progress(self, run: Run, step: Step, ended: bool, lang: str) -> tuple[str, str]:
        """For the tab and, shorter, for below the canvas."""
        if step.done:
            text = say("inversion.done", lang, seconds=f"{step.seconds:.0f}", steps=step.index)
        elif ended:
            text = say("inversion.stopped", lang, steps=step.index)
        else:
            text = say("inversion.running", lang, step=step.index, total=step.total)
            level, stage = _level_name(run.options.level, lang), say(f"stage.{step.stage}", lang)
            left = say("inversion.left", lang, seconds=f"{step.eta:.0f}")
            text = " · ".join((level, stage, text, left))
        done = step.index / max(step.total, 1)
        return progress_html(text, done, run.losses, lang), line_html(text, done)

    # -- stopping

    def stop(self, request: gr.Request) -> None:
        """Stop this visitor's inversion; the best so far is kept."""
        run = self.runs.of(str(request.session_hash))
        if run is not None:
            run.stop.set()

    def abandon(self, request: gr.Request) -> None:
        """Stop this visitor's inversion without a result: they have opened something else."""
        run = self.runs.of(str(request.session_hash))
        if run is not None:
            run.abandoned = True
            run.stop.set()

    # -- afterwards

    @polite
    def adopt(self, session: Session, lang: str, found: Portrait | None) -> tuple[Any, ...]:
        """Take over what the inversion found, unless the visitor has moved on meanwhile."""
        if found is not None and found.photo is session.now.portrait.photo:
            adopted = self.studio.adopt(session, found)
            if adopted is session:
                tell(say("inversion.kept", lang))
            session = adopted
        return session, self.display.status(session)

    @polite
    def invert_whole(
        self, session: Session, lang: str, request: gr.Request, level: str, mask: Any = None
    ) -> tuple[Any, ...]:
        """Search the latent of the current photo: level quick, standard or best.

        A mask is a picture, white where the photo counts.
        """
        return self._whole(session, lang, options_for(level), mask, request)

    @polite
    def invert_whole_with(
        self, session: Session, lang: str, request: gr.Request, settings: str, mask: Any = None,
        latent: Any = None,
    ) -> tuple[Any, ...]:  # fmt: skip
        """Search with settings of one's own, in YAML or JSON as a recipe's inversion has them.

        A latent file is where the search starts.
        """
        start = given_from(upload_path(latent), self.studio.domain)
        return self._whole(session, lang, written_options(settings), mask, request, start)

    def _whole(
        self,
        session: Session,
        lang: str,
        options: InversionOptions,
        mask: Any,
        request: gr.Request,
        start: Tensor | None = None,
    ) -> tuple[Any, ...]:
        path = upload_path(mask)
        resolution = self.studio.domain.generator.img_resolution
        region = None if path is None else load_mask(path, resolution)[0]
        run = Run(session.now.portrait, options, region, start)
        found = self.searched(run, str(request.session_hash))
        adopted: tuple[Any, ...] = self.adopt(session, lang, found)
        return adopted

    def searched(self, run: Run, visitor: str) -> Portrait | None:
        """What a search has found, which its visitor may stop; None where they began another."""
        self.runs.begin(visitor, run)
        try:
            for step, picture in self.studio.invert(run):
                if picture is not None:
                    last = step, picture
        finally:
            run.over = True
        return None if run.abandoned else self.studio.inverted(run, *last)

    @polite
    def untune(self, session: Session, lang: str) -> tuple[Any, ...]:
        """Take the tuned weights and the searched noise maps away again."""
        session = self.studio.untune(session)
        return session, self.display.status(session)

    @polite
    def film(self, session: Session, lang: str, request: gr.Request) -> str:
        """A film of the last search, as an MP4."""
        run = self.runs.of(str(request.session_hash))
        photo = session.now.portrait.photo
        if run is None or photo is None or not self._is_of(run, session):
            raise BadInput("There is nothing to film yet; invert a photo first.")
        data = film(photo, run.frames)
        return save_bytes_to_cache(data, "inversion.mp4", get_upload_folder())

    # -- widgets

    def busy(self, session: Session) -> list[Any]:
        """While a search runs: nothing but Stop."""
        on = session.now.portrait.photo is not None
        off = [gr.update(interactive=not on)] * (len(LEVELS) + 1)
        return [*off, gr.update(interactive=on), *[gr.update(interactive=False)] * 2]

    def idle(self, session: Session, request: gr.Request) -> list[Any]:
        """After it: everything that makes sense."""
        run = self.runs.of(str(request.session_hash))
        own = run is not None and self._is_of(run, session)
        stopped = bool(own and run and run.memory is not None)
        return [
            *[gr.update(interactive=True)] * (len(LEVELS) + 1),
            gr.update(interactive=False),
            gr.update(interactive=stopped),
            gr.update(interactive=bool(own and run and run.frames)),
        ]

    def level_labels(self, lang: str) -> dict[str, str]:
        """The level buttons, each with the time it takes on this machine, once that is known."""
        return {level: self._label(level, lang) for level in LEVELS}

    def _label(self, level: str, lang: str) -> str:
        seconds = self.studio.seconds(options_for(level))
        if seconds is None:
            return say(f"level.{level}", lang)
        if seconds < 90:
            rounded = round(seconds) if seconds < 20 else 5 * round(seconds / 5)
            time = say("time.seconds", lang, seconds=max(rounded, 1))
        else:
            minutes = f"{seconds / 60:.{int(seconds < 300)}f}".removesuffix(".0")
            time = say("time.minutes", lang, minutes=minutes)
        return f"{say(f'level.{level}', lang)} · {time}"

    def relabel(self, lang: str) -> list[str]:
        return list(self.level_labels(lang).values())

    def canvas_for_region(self, session: Session) -> Any:
        """The photo to brush a region on."""
        photo = session.now.portrait.photo
        if photo is None:
            return None
        return {"background": enlarged(photo, CANVAS), "layers": [], "composite": None}

    def fill_in(self, method: str) -> list[Any]:
        """The settings of a method into the widgets."""
        return choices_of(method)


def _level_name(level: str, lang: str) -> str:
    """A level, or a published method, which keeps its own name."""
    return say(f"level.{level}", lang) if level in LEVELS else level


def level_setter(level: str) -> Any:
    """A handler that says which button was pressed."""
    return lambda: level
