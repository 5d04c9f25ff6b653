"""Wires the Mixing tab; ``ui.page`` calls it once the page is laid out."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from ui.tabs.boundaries.wiring import Wire
from ui.tabs.mixing.events import MixingHandlers
from ui.tabs.mixing.layout import MixingTab, Slot
from ui.tabs.mixing.region import RegionHandlers, wire_region

LAST = {"trigger_mode": "always_last"}


def wire_mixing(page: Any, tab: MixingTab, shown: gr.Tab, h: MixingHandlers, wire: Wire) -> None:
    """Wire all of it; ``shown`` is the tab itself."""
    slot, layers, grid = tab.slot, tab.layers, tab.grid
    for each, opens in ((slot, shown.select), (tab.transfer.slot, shown.select)):
        _wire_slot(page, each, h, wire)
        held = [each.mate, each.picture]
        opens(h.fill, [each.mate, each.seed], held, **{**wire.interactive, **wire.private})
    spread = [layers.groups, layers.weight]
    for trigger in (layers.groups.input, layers.weight.release):
        trigger(h.spread, spread, layers.rows, **wire.instant)

    sliders(page, h, wire, [layers.weight], h.of_weight, [slot.mate, *spread])
    chosen = [slot.mate, *spread]
    wire.action(layers.groups.input, h.maker(h.of_weight), chosen, sliders=False)
    sliders(page, h, wire, layers.rows, h.of_layers, [slot.mate, *layers.rows])
    morph = [slot.mate, tab.morph.amount, tab.morph.space]
    sliders(page, h, wire, [tab.morph.amount], h.of_morph, morph)
    wire.action(tab.morph.space.input, h.maker(h.of_morph), morph, sliders=False)
    t = tab.transfer
    ends = [slot.mate, t.slot.mate, t.amount, t.along, t.groups]
    sliders(page, h, wire, [t.amount], h.of_transfer, ends)
    for chosen_anew in (t.along.input, t.groups.input):
        wire.action(chosen_anew, h.maker(h.of_transfer), ends, sliders=False)
    noise = [tab.grain.seed, *tab.grain.strengths.values()]
    sliders(page, h, wire, list(tab.grain.strengths.values()), h.of_grain, noise)
    wire.action(tab.grain.seed.submit, h.maker(h.of_grain), noise, sliders=False)
    regions = RegionHandlers(h.desk, h.display)
    wire_region(page, tab.region, slot.mate, regions, h.maker, wire)
    base = [page.session, page.language]
    exchanged = [*base, slot.mate, *layers.rows]
    results = [layers.results, layers.drawn]
    layers.exchange.click(h.exchange, exchanged, results, **{**wire.interactive, **wire.private})
    wire.action(layers.results.select, h.take_result, [layers.drawn])
    grid.run.click(
        h.grid,
        [*base, slot.mate, layers.groups, grid.rows, grid.columns],
        [grid.cells, grid.drawn, grid.progress],
        **wire.long,
        **wire.private,
    )
    wire.action(grid.cells.select, h.pick, [grid.drawn])
    seed = gr.Number(7, precision=0, visible=False, label="seed")
    names = list(h.studio.groups)
    groups = gr.CheckboxGroup([*names, "style"], value=names[:1], visible=False, label="layers")
    weight = gr.Slider(0, 1, 1, visible=False, label="weight")
    wire.action(gr.Button(visible=False).click, h.mix, [seed, groups, weight], "mix")


def sliders(
    page: Any,
    h: MixingHandlers,
    wire: Wire,
    moved: list[gr.Slider],
    make: Callable[..., Any],
    inputs: list[Any],
) -> None:
    """Dragging shows the edit of ``make``, releasing makes it."""
    c = page.canvas
    gr.on(
        [slider.input for slider in moved],
        h.trier(make),
        [page.session, c.view, *inputs],
        [c.picture, c.outcome],
        **LAST,
        **wire.interactive,
        **wire.private,
    )

    def released(*args: Any, **options: Any) -> Any:
        return gr.on([slider.release for slider in moved], *args, **options)

    wire.action(released, h.maker(make), inputs, sliders=False)


def _wire_slot(page: Any, slot: Slot, h: MixingHandlers, wire: Wire) -> None:
    base = [page.session, page.language]
    held, options = [slot.mate, slot.picture], {**wire.interactive, **wire.private}
    slot.seed.submit(h.take_seed, [*base, slot.seed], held, **options)
    rolled = slot.dice.click(h.roll, None, [slot.seed], **wire.instant)
    rolled.then(h.take_seed, [*base, slot.seed], held, **options)
    slot.now.click(h.take_current, base, held, **options)
    slot.file.upload(h.take_file, [*base, slot.file], held, **options)
