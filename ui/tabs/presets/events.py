"""What the Presets tab calls: a preset placed, inverted, drawn or filmed, one after the other.

Wires the Presets tab; ``ui.page`` calls it once the page is laid out.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder
from PIL import Image

from editing.edits.stack import latent_of
from editing.io.images import encode_png
from editing.pictures.contact_sheets import sheet
from editing.recipes.presets import Preset
from editing.recipes.recipe import png_text
from ui.components.html import note_html, progress_html
from ui.components.wire import Wire
from ui.locales import say
from ui.panels.refresh import Display
from ui.runtime.cancellation import Stops
from ui.runtime.markup import Html
from ui.runtime.throttle import Showing
from ui.runtime.toasts import polite
from ui.studio import exports as files
from ui.studio.session import Session
from ui.tabs.inversion.events import InversionHandlers
from ui.tabs.presets.actions import PresetDesk, facts_of
from ui.tabs.presets.layout import PresetsTab, card_values, cards_html
from ui.tabs.walk.events import WalkHandlers
from ui.tabs.walk.layout import NAMES, SETTINGS, TIME
from ui.tabs.walk.options import asked_of

Plan = dict[str, Any]  # {"name": ..., "published": ...}: what runs in the events after the first
NOTHING = gr.skip()


class PresetHandlers:
    """Bound to one desk; holds nothing of any visitor but who asked to stop."""

    def __init__(
        self, desk: PresetDesk, inversion: InversionHandlers, walks: WalkHandlers, display: Display
    ) -> None:
        self.desk, self.studio = desk, desk.studio
        self.inversion, self.walks, self.display = inversion, walks, display
        self.drawing = Stops()

    def cards(self, lang: str, group: str) -> tuple[Html, bool]:
        """The cards of a group, and that they were looked at."""
        return cards_html(card_values(self.desk.shown, group, lang)), True

    def recards(self, lang: str, group: str, looked: bool) -> Any:
        """The cards in another language, where they were looked at."""
        return self.cards(lang, group)[0] if looked else gr.skip()

    # -- a run, event by event: place -> invert (-> adopt) -> make

    @polite
    def place(self, session: Session, lang: str, event: gr.EventData) -> tuple[Any, ...]:
        """Put a card's portrait and edits on the session: (session, status, plan, Stop, result)."""
        published = str(event._data["act"]) == "publish"
        preset = self.desk.find(str(event._data["name"]))
        session = self.desk.place(session, preset, published)
        plan = {"name": preset.name, "published": published}
        title = say("presets.opened", lang, title=preset.title(lang))
        hidden = gr.update(visible=False)
        shown = (hidden, note_html(title), hidden, hidden, hidden, hidden)
        running = gr.update(visible=preset.kind != "edit")
        return session, self.display.status(session), plan, running, *shown

    def fill_walk(self, plan: Plan | None) -> list[Any]:
        """A preset's walk into the widgets of the Walk tab, where they can say it."""
        preset = self.desk.find(plan["name"]) if plan else None
        walk = preset.recipe.walk if preset else None
        asked = asked_of(walk, preset.recipe.look) if preset and walk else None
        if asked is None:
            return [NOTHING] * (1 + len(NAMES) + len(TIME))
        shown = SETTINGS[asked.kind]
        settings = (
            gr.update(visible=name in shown, **_value(asked.settings, name)) for name in NAMES
        )
        return [asked.kind, *settings, *(gr.update(**_value(asked.time, name)) for name in TIME)]

    @polite
    def invert(
        self, session: Session, lang: str, request: gr.Request, plan: Plan | None
    ) -> Iterator[tuple[Any, ...]]:
        """The search that a preset begins with; nothing where it has none."""
        preset = self.desk.find(plan["name"]) if plan else None
        run = self.desk.run_of(session, preset) if preset else None
        if preset is None or run is None:
            yield None, NOTHING, NOTHING, NOTHING
            return
        for found, *shown in self.inversion.follow(run, lang, request):
            yield (found and self.desk.found(found, preset)), *shown

    def at_once(self, plan: Plan | None) -> Plan | None:
        """The plan, where no search comes first: its grid or film need not wait for one."""
        return None if not plan or self.desk.find(plan["name"]).recipe.inversion else plan

    def afterwards(self, plan: Plan | None) -> Plan | None:
        """The plan, where a search came first."""
        return plan if self.at_once(plan) is None else None

    @polite
    def make(
        self, session: Session, lang: str, request: gr.Request, plan: Plan | None
    ) -> Iterator[tuple[Any, ...]]:
        """The grid or the film of a preset: (picture, progress, film, still, file, recipe)."""
        if not plan:
            yield (NOTHING,) * 6
            return
        preset = self.desk.find(plan["name"])
        if preset.kind == "walk":
            yield from self._film(session, lang, request, preset)
        elif preset.kind == "grid":
            yield from self._sheet(session, lang, request, preset)
        else:
            key = "presets.inverted" if preset.kind == "inversion" else "presets.edited"
            text = note_html(say(key, lang, title=preset.title(lang)))
            yield NOTHING, text, NOTHING, NOTHING, NOTHING, NOTHING

    def _film(
        self, session: Session, lang: str, request: gr.Request, preset: Preset
    ) -> Iterator[tuple[Any, ...]]:
        projector = self.desk.projector(session, preset)
        stop = self.drawing.begin(str(request.session_hash))
        for *shown, _ in self.walks.film(session, lang, projector, stop):
            yield tuple(shown)

    def _sheet(
        self, session: Session, lang: str, request: gr.Request, preset: Preset
    ) -> Iterator[tuple[Any, ...]]:
        grid = preset.recipe.grid
        assert grid is not None
        total, title = len(grid.columns) * len(grid.rows), preset.title(lang)
        stop, showing = self.drawing.begin(str(request.session_hash)), Showing()
        hidden = gr.update(visible=False, value=None)
        cells: list[Image.Image] = []
        for pixels in self.desk.cells(session, preset):
            cells.append(Image.fromarray(pixels))
            if stop.is_set():
                yield hidden, note_html(say("presets.stopped", lang, title=title)), *[hidden] * 4
                return
            if showing.due():
                text = say("presets.drawing", lang, done=len(cells), total=total)
                shown = progress_html(text, len(cells) / total, [], lang)
                with showing.shown():
                    yield gr.update(value=pixels, visible=True), shown, *[hidden] * 4
        path = self._saved(session, preset, sheet(cells, grid.column_labels, grid.row_labels))
        text = note_html(say("presets.drawn", lang, title=title, total=total))
        # Gradio takes the value out of an update: each widget needs one of its own.
        still, file = (gr.update(value=path, visible=True) for _ in range(2))
        yield hidden, text, hidden, still, file, hidden

    def _saved(self, session: Session, preset: Preset, picture: Image.Image) -> str:
        """The sheet as a PNG that carries recipe and latent."""
        moment, domain = session.now, self.studio.domain
        portrait = moment.portrait
        recipe = files.recipe_of(moment, domain, preset.recipe.output)
        recipe = replace(recipe, grid=preset.recipe.grid)
        latent = latent_of(portrait.state, domain, portrait.quad, portrait.source.sha256)
        data = encode_png(picture, png_text(recipe, latent))
        return save_bytes_to_cache(data, f"{preset.name}.png", get_upload_folder())

    def over(self, plan: Plan | None) -> Any:
        """Once a plan has been made, nothing runs that could be stopped."""
        return gr.update(visible=False) if plan else gr.skip()

    def stop(self, request: gr.Request) -> None:
        """Stop what this visitor's preset draws."""
        self.drawing.stop(str(request.session_hash))
        self.inversion.stop(request)

    # -- for programs

    @polite
    def list_presets(self, session: Session, lang: str) -> list[dict[str, Any]]:
        """Every preset: name, kind, title, description, tags, citation, and what is lacking.

        kind is edit, inversion, grid or walk; lacks is empty where the preset can be run.
        """
        return [facts_of(shown, lang) for shown in self.desk.shown]

    @polite
    def run_preset(
        self, session: Session, lang: str, request: gr.Request, name: str, published: bool = False
    ) -> tuple[Any, ...]:
        """Run a preset on the current portrait, or with its own one as it was published.

        Answers with the session and the file that was made: a PNG, or the film of a walk.
        """
        preset = self.desk.find(name)
        session = self.desk.place(session, preset, bool(published))
        plan = {"name": name}
        found = [each for each, *_ in self.invert(session, lang, request, plan)][-1]
        if found is not None:
            session, _ = self.inversion.adopt(session, lang, found)
        if preset.kind in ("walk", "grid"):
            made = list(self.make(session, lang, request, plan))[-1]
            path = made[4]["value"]
        else:
            title, data = self.studio.export(session, "png")
            path = save_bytes_to_cache(data, title, get_upload_folder())
        return session, self.display.status(session), path


def _value(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {"value": values[name]} if name in values else {}


def wire_presets(
    page: Any,
    tab: PresetsTab,
    shown: gr.Tab,
    h: PresetHandlers,
    wire: Wire,
    invert_after: Callable[..., Any],
) -> None:
    """Wire all of it; ``shown`` is the tab itself, ``invert_after`` as in ``ui.page``."""
    base = [page.session, page.language]
    looking, cards = [page.language, tab.group], [tab.cards, tab.looked]
    for trigger in (shown.select, tab.group.input):
        trigger(h.cards, looking, cards, **wire.instant)
    page.language.change(h.recards, [*looking, tab.looked], [tab.cards], **wire.instant)
    placed = tab.cards.run(
        h.place,
        base,
        [page.session, page.status, tab.plan, tab.stop, *tab.filmed],
        **wire.interactive,
        **wire.private,
    )
    placed.success(h.fill_walk, [tab.plan], page.walk.wanted, **wire.instant)
    drawn = wire.then_show(placed)
    adopted = invert_after(drawn, h.invert, [tab.plan])
    turns = ((drawn, h.at_once, tab.now), (adopted, h.afterwards, tab.later))
    for event, which, plan in turns:
        chosen = event.success(which, [tab.plan], [plan], **wire.instant)
        made = chosen.success(h.make, [*base, plan], list(tab.filmed), **wire.long, **wire.private)
        made.then(h.over, [plan], [tab.stop], **wire.instant)
    tab.stop.click(h.stop, None, None, **wire.instant)
    _wire_programs(page, h, wire, base)


def _wire_programs(page: Any, h: PresetHandlers, wire: Wire, base: list[Any]) -> None:
    """The endpoints that no widget has."""
    found = gr.JSON(visible=False, label="presets")
    gr.Button(visible=False).click(
        h.list_presets, base, [found], api_name="list_presets", **wire.interactive
    )
    name = gr.Textbox(visible=False, label="name")
    published = gr.Checkbox(False, visible=False, label="published")
    file = gr.File(visible=False, label="file")
    gr.Button(visible=False).click(
        h.run_preset,
        [*base, name, published],
        [page.session, page.status, file],
        api_name="run_preset",
        **wire.long,
    )
