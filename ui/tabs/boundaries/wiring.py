"""Wires the workshop's widgets; ``ui.page`` calls it once the page is laid out."""

from typing import Any

import gradio as gr

from ui.components.wire import Action, Wire
from ui.tabs.boundaries.events import WorkshopHandlers
from ui.tabs.boundaries.layout import Variants, WorkshopTab
from ui.tabs.boundaries.training import SOURCES


def wire_workshop(page: Any, tab: WorkshopTab, h: WorkshopHandlers, wire: Wire) -> None:
    """Wire all of it."""
    base = [page.session, page.language]
    lists = [tab.sweep.along, tab.sweep.across, tab.measured.name, tab.explore.a, tab.explore.b]

    def relist(event: Any) -> Any:
        return event.success(h.choices, base, lists, **wire.instant)

    _wire_shelf(page, h, wire, base, relist)
    _wire_measures(page, tab, h, wire, base)
    _wire_train(page, tab, h, wire, base, relist)
    _wire_explore(tab, h, wire, base, relist)
    if tab.variants is not None:
        _wire_variants(page, tab.variants, h, wire, base, relist)
    e = tab.explore
    relist(page.language.change(h.whats, [page.language, e.method], [e.what], **wire.instant))


def _wire_shelf(
    page: Any, h: WorkshopHandlers, wire: Wire, base: list[Any], relist: Action
) -> None:
    s, b, c = page.boundaries.shelf, page.boundaries, page.canvas
    b.more.input(h.show_more, [b.more], [b.sliders[name] for name in h.extra_names], **wire.instant)
    wire.action(b.rows.submit, h.set_rows, [b.rows], "set_rows")
    wire.action(b.absolute.input, h.set_absolute, [b.absolute], "set_absolute")
    chosen = [page.session, s.slider, b.marks]
    s.own.input(h.choose, [*base, s.own], chosen, **wire.interactive, **wire.private)
    s.slider.input(
        h.preview_own,
        [page.session, c.view, s.slider],
        [c.picture, c.outcome],
        trigger_mode="always_last",
        **wire.interactive,
        **wire.private,
    )
    wire.action(s.slider.release, h.move_own, [s.slider], "move_own", sliders=False)
    wire.action(s.flip.click, h.flip, api_name="flip_direction")
    relist(wire.action(s.remove.click, h.remove, api_name="remove_direction"))
    made = s.export.click(h.export_chosen, base, [c.file], **wire.interactive, **wire.private)
    made.success(None, [c.file], None, js="(file) => window.latentStudio.save(file)")
    name = gr.Textbox(visible=False, label="name")
    gr.Button(visible=False).click(
        h.export_direction,
        [*base, name],
        [c.file],
        api_name="export_direction",
        **wire.interactive,
    )


def _wire_variants(
    page: Any, v: Variants, h: WorkshopHandlers, wire: Wire, base: list[Any], relist: Action
) -> None:
    c = page.canvas
    # A visitor goes on editing while it is looked for; the API gets one event that does it all.
    found = v.find.click(
        h.find_variants, [*base, v.of], [v.found, v.progress], **wire.long, **wire.private
    )
    shelved = [page.session, v.progress, v.pad, v.names]
    kept = found.success(
        h.shelve_variants, [*base, v.found], shelved, **wire.interactive, **wire.private
    )
    relist(wire.then_show(kept))
    gr.Button(visible=False).click(
        h.find_variants_whole, [*base, v.of], shelved, api_name="find_variants", **wire.long
    )
    v.pad.drag(
        h.pad_drag,
        [*base, c.view, v.names],
        [c.picture, c.outcome],
        trigger_mode="always_last",
        **wire.interactive,
        **wire.private,
    )
    wire.action(v.pad.drop, h.pad_drop, [v.names])
    wire.action(v.without.click, h.smile_without_teeth, api_name="smile_without_teeth")


def _wire_measures(
    page: Any, tab: WorkshopTab, h: WorkshopHandlers, wire: Wire, base: list[Any]
) -> None:
    w, m = tab.sweep, tab.measured
    w.draw.click(
        h.sweep,
        [*base, w.along, w.across, w.first, w.last, w.count],
        [w.progress, w.sheet],
        api_name="sweep",
        **wire.long,
    )
    given = page.boundaries.given
    measured = _stoppable(m.rescore, m.stop, h.expect_rescoring, h.stop_rescoring, h.idle, wire)
    measured(h.rescore, [*base, given], [m.table], api_name="rescore", **wire.long)
    m.rows.click(h.rows, [*base, m.name], [m.row_table], api_name="layer_by_layer", **wire.long)
    m.truth.click(h.truth, base, m.twins, api_name="truth", **wire.long)


def _wire_train(
    page: Any, tab: WorkshopTab, h: WorkshopHandlers, wire: Wire, base: list[Any], relist: Action
) -> None:
    t = tab.train
    t.source.input(h.show_source, [t.source], [t.groups[s] for s in SOURCES], **wire.instant)
    pictures, gallery = [page.language, t.shown, t.picked], [t.shown, t.picks]
    kinds = {**wire.interactive, **wire.private}
    t.source.input(h.first_gallery, [t.source, *pictures], gallery, **kinds)
    t.page.click(h.next_gallery, pictures, gallery, **kinds)
    t.picks.pick(h.pick, pictures, [t.picked, t.picks], **wire.instant)
    wish = [t.name, t.source, t.reading, t.less, t.more, t.labels, t.picked, t.count]
    running = _stoppable(t.run, t.stop, h.expect_training, h.stop_training, h.idle, wire)(
        h.train, [*base, *wish], [t.found, t.result], **wire.long, **wire.private
    )
    relist(wire.action(running.success, h.shelve, [t.found]))
    gr.Button(visible=False).click(
        h.train_whole,
        [*base, *wish],
        [page.session, t.result],
        api_name="train_direction",
        **wire.long,
    )


def _stoppable(
    run: gr.Button, stop: gr.Button, expect: Action, stopper: Action, idle: Action, wire: Wire
) -> Action:
    """The press of ``run`` as a trigger: while what it starts goes on, ``stop`` can be pressed.

    The buttons turn first: Gradio begins with a component's next listener when one has ended.
    """
    pressed = run.click(expect, None, [run, stop], **wire.instant)
    stop.click(stopper, None, None, **wire.instant)

    def trigger(*args: Any, **options: Any) -> Any:
        running = pressed.then(*args, **options)
        running.then(idle, None, [run, stop], **wire.instant)
        return running

    return trigger


def _wire_explore(
    tab: WorkshopTab, h: WorkshopHandlers, wire: Wire, base: list[Any], relist: Action
) -> None:
    e = tab.explore
    e.method.input(h.methods, [base[1], e.method], [e.what], **wire.instant)
    relist(wire.action(e.file.upload, h.import_direction, [e.file], "import_direction"))
    shown = [e.strips, e.found, e.first]
    e.run.click(h.explore_first, [*base, e.method, e.what], shown, api_name="explore", **wire.long)
    e.more.click(
        h.explore, [*base, e.method, e.what, e.first], shown, **{**wire.long, **wire.private}
    )
    relist(wire.action(e.strips.keep, h.keep, [e.found]))
    surgery = [e.a, e.b, e.how, e.amount]
    e.how.input(h.usual_amount, [e.how], [e.amount], **wire.instant)
    relist(wire.action(e.combine.click, h.combine, surgery, "combine_directions"))
    relist(wire.action(e.zero.click, h.zero, [e.a, e.rows], "zero_rows"))
