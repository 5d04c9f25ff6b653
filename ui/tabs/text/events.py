"""What the Text tab calls: values -> one action of the text desk -> values.

Wires the Text tab; ``ui.page`` calls it once the page is laid out.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gradio as gr
import numpy as np

from editing.errors import BadInput, EditingError
from editing.models.networks.prompts import LISTS, neutral_for, parse_templates
from editing.text.edit import TextEdit
from editing.text.optimization import DescentOptions
from editing.text.table import default_layers
from ui.components.choices import given_choices, layer_choices
from ui.components.html import note_html, progress_html, safe_css
from ui.components.widgets import data_uri, edge_for, standing, strip_html
from ui.components.wire import Wire
from ui.locales import LANGUAGES, refusal, say
from ui.locales.text import SUGGESTIONS
from ui.panels.refresh import Display, pairs
from ui.runtime.cancellation import Stops
from ui.runtime.throttle import Showing
from ui.runtime.toasts import polite, tell
from ui.studio.session import Session
from ui.tabs.text.actions import Part, TextDesk
from ui.tabs.text.layout import FIRST_ALPHA, MOST_BETA, REACH, SEEDS, STEPS, TextTab, method_choices
from ui.tabs.text.widgets import prompts_html, report_html, report_value

MAX_SEEDS = 5_000


class TextHandlers:
    """Bound to one desk; knows nothing of any visitor but who asked to stop."""

    def __init__(self, desk: TextDesk, display: Display) -> None:
        self.desk, self.display, self.studio = desk, display, desk.studio
        self.layers = default_layers(desk.domain)
        self.searches = Stops()

    def wanted_edit(
        self, neutral: str | None, target: str | None, alpha: float | None, auto: bool | None,
        beta: float | None, count: float | None, keep: list[str] | None,
        layers: list[str] | None, method: str | None, templates: str | None,
    ) -> TextEdit:  # fmt: skip
        """The edit that the widgets ask for, not yet found."""
        if not target or not target.strip():
            raise BadInput("There is no text yet; write what the portrait should show.")
        return TextEdit(
            target,
            float(alpha or 0),
            neutral or "",
            None if auto else float(beta or 0),
            int(count) if count else None,
            method or "",
            tuple(keep or ()),
            self._rows(layers),
            parse_templates((templates or "").splitlines()),
        )

    def _rows(self, groups: list[str] | None) -> tuple[int, ...] | None:
        known = self.studio.groups
        if not groups or set(groups) >= set(known):
            return None
        return tuple(sorted(row for name in groups if name in known for row in known[name]))

    def begin(self) -> tuple[Any, Any]:
        """Somebody looks at the tab: load the models; then as ``loading``."""
        self.desk.warm_up()
        return self.loading()

    def loading(self) -> tuple[Any, Any]:
        """Whether to say that the models are being loaded, and to look again."""
        going = self.desk.is_loading
        return gr.update(visible=going), gr.Timer(active=going)

    # -- the edit

    @polite
    def apply(
        self, session: Session, lang: str, neutral: str | None = None, target: str | None = None,
        alpha: float | None = None, auto: bool | None = None, beta: float | None = None,
        channels: float | None = None, keep: list[str] | None = None,
        layers: list[str] | None = None, method: str | None = None, templates: str | None = None,
    ) -> tuple[Any, ...]:  # fmt: skip
        """Edit the portrait by two texts; the same texts again change the edit there is."""
        wanted = self.wanted_edit(
            neutral, target, alpha, auto, beta, channels, keep, layers, method, templates
        )
        session = self.desk.apply(session, wanted)
        return session, self.display.status(session)

    @polite
    def ask(self, session: Session, lang: str, *values: Any) -> None:
        """Learn what an edit will need, before it is made."""
        self.desk.ask(self.wanted_edit(*values))

    @polite
    def apply_beta(self, session: Session, lang: str, *values: Any) -> tuple[Any, ...]:
        """The same after beta was moved: it is not chosen by itself any more, nor by a number."""
        wanted = self._by_beta(*values)
        session = self.desk.apply(session, wanted)
        return session, self.display.status(session)

    def preview(self, session: Session, look: str, *values: Any) -> tuple[Any, Any]:
        """The canvas while alpha is dragged; what cannot be drawn is refused on release."""
        try:
            wanted = self.wanted_edit(*values)
            if not self.desk.knows(wanted):
                return gr.skip(), gr.skip()
            return pairs(self.desk.preview(session, wanted, look == "mask"), look)
        except EditingError:
            return gr.skip(), gr.skip()

    def preview_beta(self, session: Session, look: str, *values: Any) -> tuple[Any, ...]:
        """The same while beta is dragged; then the box for auto, and the number of channels."""
        try:
            wanted = self._by_beta(*values)
            if not self.desk.knows(wanted):
                return gr.skip(), gr.skip(), False, None
            return *pairs(self.desk.preview(session, wanted, look == "mask"), look), False, None
        except EditingError:
            return gr.skip(), gr.skip(), False, None

    def _by_beta(self, *values: Any) -> TextEdit:
        return replace(self.wanted_edit(*values), beta=float(values[4]), channels=None)

    @polite
    def alone(self, session: Session, lang: str, look: str, event: gr.EventData) -> tuple[Any, Any]:
        """The canvas with one channel of the edit alone."""
        return pairs(self.desk.alone(session, str(event._data["channel"]), look == "mask"), look)

    def prompt(self, lang: str, event: gr.EventData) -> tuple[str, str]:
        """A suggestion into the boxes; an empty one stands for "a person" in its language."""
        index = int(event._data["index"]) % len(SUGGESTIONS)
        return "", SUGGESTIONS[index][LANGUAGES.index(lang)]

    def accept(self, target: str, neutral: str) -> tuple[Any, ...]:
        """Go on from the edited portrait: the next text begins an edit of its own."""
        return (target or neutral), "", FIRST_ALPHA, True

    def fill_in(self, name: str) -> Any:
        """A handler that puts a list of templates into the box."""
        return lambda lang: "\n".join(LISTS[name][lang])

    # -- what it has done

    def explain(self, session: Session, lang: str) -> tuple[Any, Any, Any]:
        """The report, the safe range on alpha's track, and where beta stands."""
        try:
            report, safe = self.desk.report(session), self.desk.safe(session)
            edit = self.desk.edit(session)
        except EditingError as error:
            return report_html({"line": refusal(error, lang)}), "", gr.skip()
        if report is None:
            return "", "", gr.skip()
        shown = report_value(report, self.layers, self.desk.total, lang)
        beta = gr.skip() if report.beta is None else on_slider(report.beta)
        edge = edge_for(edit.alpha if edit else 0.0, REACH)
        return report_html(shown), safe_css({"text-alpha": safe}, edge) if safe else "", beta

    def sync(self, session: Session, lang: str) -> tuple[Any, ...]:
        """The widgets of ``wanted_edit`` as the edit needs them that the stack ends with."""
        edit = self.desk.edit(session)
        if edit is None:
            return (gr.skip(),) * 10
        neutral = "" if edit.neutral == neutral_for(edit.target) else edit.neutral
        alpha = standing(edit.alpha, edge_for(edit.alpha, REACH))
        beta = on_slider(edit.beta or 0.0)
        # No edit says who chose its beta; one that the slider cannot have was chosen for it.
        auto = edit.channels is None and edit.beta != beta
        known = self.desk.has_table or edit.method != "global"
        method = edit.method if known else gr.skip()
        layers, templates = self.studio.group_names(edit.layers), "\n".join(edit.templates)
        return (neutral, edit.target, alpha, auto, beta, edit.channels, list(edit.keep), layers,
                method, templates)  # fmt: skip

    @polite
    def grid(
        self, session: Session, lang: str, neutral: str | None = None, target: str | None = None,
        alpha: float | None = None, auto: bool | None = None, beta: float | None = None,
        channels: float | None = None, keep: list[str] | None = None,
        layers: list[str] | None = None, method: str | None = None, templates: str | None = None,
    ) -> Iterator[Any]:  # fmt: skip
        """alpha × beta on one sheet; yields (progress, picture)."""
        wanted = self.wanted_edit(
            neutral, target, alpha, auto, beta, channels, keep, layers, method, templates
        )
        for part in self.desk.grid(session, wanted):
            if part.sheet is None:
                yield self._progress(part, lang), gr.skip()
            else:
                yield "", gr.update(value=np.asarray(part.sheet), visible=True)

    # -- searching

    @polite
    def optimise(
        self, session: Session, lang: str, look: str, request: gr.Request, neutral: str,
        target: str, space: str, steps: float, l2: float, identity: float,
    ) -> Iterator[Any]:  # fmt: skip
        """Search a change of the portrait; yields (what was found, progress, canvas's two)."""
        stop = self.searches.begin(str(request.session_hash))
        options = DescentOptions(space, int(steps), l2=float(l2), identity=float(identity))
        showing, step = Showing(), None
        for step in self.desk.optimise(session, target, neutral, options):
            text = say("text.optimise.done", lang, done=step.index, total=step.total)
            if step.done or stop.is_set():
                break
            if showing.due():
                with showing.shown():
                    progress = progress_html(text, step.index / step.total, [], lang)
                    view = self.desk.picture(session, step.find())
                    yield None, progress, *pairs(view, look)
        if step is not None:
            found = (session.now.portrait, step.find(), target)
            yield found, note_html(text), gr.skip(), gr.skip()

    @polite
    def place(self, session: Session, lang: str, found: Any) -> tuple[Any, ...]:
        """What a search has found becomes an edit, unless the visitor has another portrait now."""
        if found is not None:
            portrait, edit, target = found
            if portrait is session.now.portrait:
                session = self.desk.optimised(session, edit, target)
            else:
                tell(say("text.optimise.elsewhere", lang))
        return session, self.display.status(session)

    @polite
    def optimise_whole(
        self, session: Session, lang: str, neutral: str | None = None, target: str | None = None,
        space: str = "w+", steps: float = STEPS,
    ) -> tuple[Any, ...]:  # fmt: skip
        """The same in one event, for the API."""
        options = DescentOptions(space, int(steps))
        for step in self.desk.optimise(session, target or "", neutral or "", options):
            found = step
        session = self.desk.optimised(session, found.find(), target or "")
        return session, self.display.status(session)

    def stop(self, request: gr.Request) -> None:
        """Stop this visitor's search; the best so far is kept."""
        self.searches.stop(str(request.session_hash))

    @polite
    def search(
        self, session: Session, lang: str, text: str | None = None, count: float = SEEDS
    ) -> Iterator[Any]:
        """Portraits of seeds ranked by a text; yields (progress, strip, seeds)."""
        if not 1 <= int(count) <= MAX_SEEDS:
            raise BadInput(f"{count:g} seeds are not possible; choose from 1 to {MAX_SEEDS}.")
        for part in self.desk.search(text or "", int(count)):
            if isinstance(part, Part):
                yield self._progress(part, lang), gr.skip(), gr.skip()
                continue
            items = [
                {"src": data_uri(hit.picture), "current": False,
                 "title": say("source.seed", lang, seed=hit.seed)}
                for hit in part
            ]  # fmt: skip
            yield "", strip_html(items), [hit.seed for hit in part]

    @polite
    def open_hit(
        self, session: Session, lang: str, seeds: list[int], event: gr.EventData
    ) -> tuple[Any, ...]:
        """Open a portrait that was found."""
        index = int(event._data["index"])
        if not 0 <= index < len(seeds):
            raise BadInput("This portrait is not in the list any more; search again.")
        session = self.studio.replace(session, self.studio.open_seed(seeds[index]))
        return session, self.display.status(session)

    # -- language

    def relabel(self, lang: str) -> tuple[Any, ...]:
        """Prompts and choices in another language."""
        return (
            prompts_html(lang),
            gr.update(choices=given_choices(self.display.names, lang)),
            gr.update(choices=layer_choices(self.studio.groups, lang)),
            gr.update(choices=method_choices(self.desk, lang)),
        )

    def _progress(self, part: Part, lang: str) -> str:
        text = say("text.working", lang, done=part.done, total=part.total)
        return progress_html(text, part.done / max(part.total, 1), [], lang)


def on_slider(beta: float) -> float:
    """beta as its slider can have it."""
    return min(round(beta, 3), MOST_BETA)


LAST = {"trigger_mode": "always_last"}


def wire_text(page: Any, tab: TextTab, shown: gr.Tab, h: TextHandlers, wire: Wire) -> None:
    """Wire all of it; ``shown`` is the tab itself."""
    base, c = [page.session, page.language], page.canvas
    explained = [tab.report, tab.mark, tab.beta]
    quiet = {**LAST, **wire.long, **wire.private}

    def then_explain(event: Any) -> Any:
        return event.success(h.explain, base, explained, **quiet)

    def edits(trigger: Any, handler: Any, api_name: str | None = None) -> Any:
        if not h.desk.has_table:  # what takes seconds must not hold the queue of the sliders
            asked = trigger(h.ask, [*base, *tab.wanted], None, **wire.long, **wire.private)
            trigger = asked.success
        return then_explain(wire.action(trigger, handler, tab.wanted, api_name, sliders=False))

    edits(tab.run.click, h.apply, "text")
    edits(tab.target.submit, h.apply)
    picked = tab.prompts.pick(h.prompt, [page.language], [tab.neutral, tab.target], **wire.instant)
    edits(picked.then, h.apply)
    edits(tab.alpha.release, h.apply)
    edits(tab.beta.release, h.apply_beta)
    for trigger in (tab.auto.input, tab.keep.input, tab.layers.input, tab.method.input):
        edits(trigger, h.apply)
    edits(tab.count.submit, h.apply)
    shown.select(h.begin, None, [tab.loading, tab.look], **wire.instant)
    tab.look.tick(h.loading, None, [tab.loading, tab.look], **wire.instant)
    dragging = [page.session, c.view, *tab.wanted]
    options = {**LAST, **wire.interactive, **wire.private}
    tab.alpha.input(h.preview, dragging, [c.picture, c.outcome], **options)
    chosen = [tab.auto, tab.count]  # beta by hand takes the place of both
    tab.beta.input(h.preview_beta, dragging, [c.picture, c.outcome, *chosen], **options)
    tab.report.pick(h.alone, [*base, c.view], [c.picture, c.outcome], **options)
    accepted = [tab.neutral, tab.target, tab.alpha, tab.auto]
    tab.accept.click(h.accept, [tab.target, tab.neutral], accepted, **wire.instant)
    for name, button in tab.lists.items():
        button.click(h.fill_in(name), [page.language], [tab.templates], **wire.instant)
    turned = [c.undo.click, c.redo.click, c.history.pick, shown.select]
    for trigger in turned:
        then_explain(trigger(h.sync, base, tab.wanted, **wire.interactive, **wire.private))
    relabelled = [tab.prompts, tab.keep, tab.layers, tab.method]
    then_explain(page.language.change(h.relabel, [page.language], relabelled, **wire.instant))
    _wire_long(page, tab, h, wire, base, then_explain)


def _wire_long(
    page: Any, tab: TextTab, h: TextHandlers, wire: Wire, base: list[Any], then_explain: Any
) -> None:
    c, g, o, s = page.canvas, tab.grid, tab.optimise, tab.search
    g.draw.click(
        h.grid, [*base, *tab.wanted], [g.progress, g.sheet], api_name="text_grid", **wire.long
    )
    running = o.run.click(
        h.optimise,
        [*base, c.view, tab.neutral, tab.target, *o.options],
        [o.found, o.progress, c.picture, c.outcome],
        **wire.long,
        **wire.private,
    )
    then_explain(wire.action(running.success, h.place, [o.found], sliders=False))
    o.stop.click(h.stop, None, None, **wire.instant)
    whole = [*base, tab.neutral, tab.target, *o.options[:2]]
    gr.Button(visible=False).click(
        h.optimise_whole, whole, [page.session, page.status], api_name="text_optimise", **wire.long
    )
    found = [s.progress, s.hits, s.seeds]
    s.run.click(h.search, [*base, s.text, s.count], found, api_name="text_search", **wire.long)
    s.text.submit(h.search, [*base, s.text, s.count], found, **{**wire.long, **wire.private})
    wire.action(s.hits.pick, h.open_hit, [s.seeds])
