"""Wires the Text tab; ``ui.page`` calls it once the page is laid out."""

from typing import Any

import gradio as gr

from ui.tabs.boundaries.wiring import Wire
from ui.tabs.text.events import TextHandlers
from ui.tabs.text.layout import TextTab

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
