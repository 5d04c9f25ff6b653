"""Wires the Presets tab; ``ui.page`` calls it once the page is laid out."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from ui.tabs.boundaries.wiring import Wire
from ui.tabs.presets.events import PresetHandlers
from ui.tabs.presets.layout import PresetsTab


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
