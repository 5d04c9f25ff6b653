"""A figure for a paper: inversions and edits of the portrait at equal effect, as files.

Layout, what the widgets call, and which calls what.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import Any, NamedTuple

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from editing.edits.stack import ChannelMove, EditStack, Move, latent_of
from editing.errors import BadInput
from editing.figures.figure import AnyEdit, Column, Drawn, Figure, column_of, edit_name, number
from editing.inversion.invert import METHODS
from editing.io.images import to_tensor
from editing.recipes.figure_files import figure_files
from editing.recipes.figure_replay import figure_drawing
from editing.recipes.recipe import Recipe, make_recipe
from editing.text.edit import TextEdit
from ui.components.choices import given_choices
from ui.components.html import note_html, progress_html
from ui.components.localized import Words
from ui.components.wire import Wire
from ui.locales import attribute_name, say
from ui.runtime.cancellation import Stops
from ui.runtime.markup import Html, html_box, joined
from ui.runtime.throttle import Showing
from ui.runtime.toasts import polite
from ui.studio.exports import file_name
from ui.studio.session import Moment, Session
from ui.studio.studio import Studio

MOST = 30  # pictures of a figure drawn in the page
AMOUNT = 1.0  # σ


class FigurePanel(NamedTuple):
    attributes: gr.Dropdown
    texts: gr.Textbox
    own: gr.Checkbox
    inversions: gr.Dropdown
    amount: gr.Slider
    draw: gr.Button
    stop: gr.Button
    progress: gr.HTML
    picture: gr.Image
    files: gr.File

    @property
    def wanted(self) -> list[Any]:
        """What a person chooses, in the order of ``FigureHandlers.draw``."""
        return [self.attributes, self.texts, self.own, self.inversions, self.amount]


def build_figure_panel(words: Words, names: Sequence[str], texts: bool) -> FigurePanel:
    """A closed accordion; ``texts``: whether the domain can be edited by texts."""
    with words.make(gr.Accordion, {"label": "figure"}, open=False, elem_id="figure"):
        words.make(gr.Markdown, {"value": "figure.intro"}, elem_classes="hint")
        attributes = words.make(
            gr.Dropdown,
            {"label": "figure.attributes", "choices": partial(given_choices, names)},
            multiselect=True,
            value=list(names[:2]),
            elem_id="figure-attributes",
        )
        written = words.make(
            gr.Textbox, {"label": "figure.texts"}, lines=2, max_lines=4, visible=texts
        )
        own = words.make(gr.Checkbox, {"label": "figure.own"}, value=False, container=False)
        inversions = words.make(
            gr.Dropdown,
            {"label": "figure.inversions", "info": "figure.inversions.info"},
            choices=list(METHODS),
            multiselect=True,
            value=[],
        )
        amount = words.make(
            gr.Slider, {"label": "figure.amount"}, minimum=-3, maximum=3, step=0.25, value=AMOUNT
        )
        with gr.Row():
            draw = words.make(
                gr.Button, {"value": "figure.draw"}, variant="primary", size="sm",
                elem_id="figure-draw",
            )  # fmt: skip
            stop = words.make(gr.Button, {"value": "figure.stop"}, size="sm", min_width=60)
        progress = html_box(elem_id="figure-progress")
        picture = words.make(
            gr.Image, {"label": "figure.picture"}, type="filepath", format="png",
            interactive=False, visible=False, buttons=["fullscreen"], elem_id="figure-picture",
        )  # fmt: skip
        files = words.make(
            gr.File, {"label": "figure.files"}, file_count="multiple", interactive=False,
            visible=False, elem_id="figure-files",
        )  # fmt: skip
    return FigurePanel(
        attributes, written, own, inversions, amount, draw, stop, progress, picture, files
    )


class FigureHandlers:
    """Bound to one studio; knows nothing of any visitor."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.running = Stops()

    @polite
    def draw(
        self,
        session: Session,
        lang: str,
        request: gr.Request,
        attributes: list[str] | None,
        texts: str,
        own: bool,
        inversions: list[str] | None,
        amount: float,
    ) -> Iterator[tuple[Any, ...]]:
        """Inversions x edits at equal effect, as PDF, PNG, LaTeX, BibTeX and recipe.

        attributes: of the domain; texts: one per line; own: the session's edits, too; inversions:
        levels or methods, none = the portrait as it is; amount: σ of the scorer.
        """
        began, stop = monotonic(), self.running.begin(str(request.session_hash))
        columns = self._columns(session, attributes or [], texts or "", own, float(amount))
        figure = Figure(columns, tuple(inversions or ()))
        if figure.cells > MOST:
            raise BadInput(
                f"A figure of {figure.cells} pictures is too large for the page; take at most "
                f"{MOST}, or use the command figure."
            )
        self.studio.budget.check_figure(figure)
        recipe, subject, latent = self._subject(session, figure)
        found: list[Drawn] = []
        work = _kept(figure_drawing(recipe, subject, self.studio.domain), found)
        showing = Showing()
        for done, total in self.studio.lanes.steps(work):
            if stop.is_set():
                yield note_html(say("figure.stopped", lang)), gr.skip(), gr.skip()
                return
            if showing.due():
                progress = self._progress(done / total, monotonic() - began, lang)
                with showing.shown():
                    yield progress, gr.skip(), gr.skip()
        name = f"figure-{file_name(replace_stack(session.now))}"
        files = figure_files(name, found[0], recipe, self.studio.domain.family, latent)
        folder = get_upload_folder()
        paths = {file: save_bytes_to_cache(data, file, folder) for file, data in files.items()}
        yield (
            self._said(found[0], monotonic() - began, lang),
            gr.update(value=paths[f"{name}.png"], visible=True),
            gr.update(value=list(paths.values()), visible=True),
        )

    def stop(self, request: gr.Request) -> None:
        """Stop this visitor's figure."""
        self.running.stop(str(request.session_hash))

    def _columns(
        self, session: Session, attributes: Sequence[str], texts: str, own: bool, amount: float
    ) -> tuple[Column, ...]:
        edits: list[AnyEdit] = [Move(name, 1.0) for name in attributes]
        edits += [TextEdit(line.strip(), 1.0) for line in texts.splitlines() if line.strip()]
        if own:
            entries = session.now.stack.entries
            on = [entry.edit for entry in entries if entry.on]
            edits += [edit for edit in on if isinstance(edit, Move | ChannelMove | TextEdit)]
        domain = self.studio.domain
        return tuple(  # the visitor's own edits keep their side
            column_of(edit, amount * (-1 if edit.alpha < 0 else 1), "", domain) for edit in edits
        )

    def _subject(self, session: Session, figure: Figure) -> tuple[Recipe, Any, Any]:
        """The recipe; what is drawn: the photo, a seed or a latent; the latent that goes along."""
        portrait, domain = session.now.portrait, self.studio.domain
        recipe = make_recipe(
            domain, portrait.source, EditStack(), inversion=portrait.inversion, figure=figure
        )
        if figure.inversions and portrait.target is not None:
            return recipe, to_tensor(portrait.target), None
        if portrait.source.kind == "seed":
            return recipe, portrait.source.name, None
        latent = latent_of(portrait.state, domain, portrait.quad, portrait.source.sha256)
        return recipe, latent, latent

    def _progress(self, done: float, seconds: float, lang: str) -> Html:
        text = say("figure.running", lang, percent=f"{100 * done:.0f}")
        if done > 0:
            left = f"{seconds / done * (1 - done):.0f}"
            text += " · " + say("figure.left", lang, seconds=left)
        return progress_html(text, done, [], lang)

    def _said(self, drawn: Drawn, seconds: float, lang: str) -> Html:
        lines = [say("figure.done", lang, cells=str(drawn.figure.cells), seconds=f"{seconds:.0f}")]
        for row in drawn.rows:
            for column, cell in zip(drawn.figure.columns, row[1:], strict=True):
                if not cell.reached(column):
                    facts = {"edit": edit_name(column.edit), "change": number(cell.change, "+.2f"),
                             "attribute": attribute_name(column.attribute, lang)}  # fmt: skip
                    lines.append(say("figure.missed", lang, **facts))
        return joined(note_html(line) for line in lines)


def replace_stack(moment: Moment) -> Moment:
    """The moment without edits: the figure is named after the portrait alone."""
    return replace(moment, stack=EditStack())


def _kept(work: Any, found: list[Drawn]) -> Iterator[tuple[int, int]]:
    """The steps of a drawing; what it returns is put into ``found``."""
    found.append((yield from work))


def wire_figure(page: Any, panel: FigurePanel, h: FigureHandlers, wire: Wire) -> None:
    """Wire all of it."""
    panel.draw.click(
        h.draw,
        [page.session, page.language, *panel.wanted],
        [panel.progress, panel.picture, panel.files],
        **wire.long,
        api_name="figure",
    )
    panel.stop.click(h.stop, None, None, **wire.instant)
