"""What happens when something on the page is touched; the larger tabs have wirings of their own."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import gradio as gr

from ui.api import ApiHandlers, wire_api
from ui.components.choices import LEVELS, REACH
from ui.components.widgets import uploads_only
from ui.components.wire import (
    EVERY,
    INSTANT,
    INTERACTIVE,
    LAST,
    LONG,
    MEASURE,
    PRIVATE,
    SHORT,
    Wire,
)
from ui.handlers import Handlers
from ui.layout import Page
from ui.panels.canvas import DOWNLOADS
from ui.panels.figure import FigureHandlers, wire_figure
from ui.tabs.boundaries.events import WorkshopHandlers
from ui.tabs.boundaries.wiring import wire_workshop
from ui.tabs.inversion.events import level_setter
from ui.tabs.mixing.actions import MixingDesk
from ui.tabs.mixing.events import MixingHandlers, wire_mixing
from ui.tabs.presets.actions import PresetDesk
from ui.tabs.presets.events import PresetHandlers, wire_presets
from ui.tabs.text.events import TextHandlers, wire_text
from ui.tabs.walk.events import WalkHandlers, wire_walk


def then_show(page: Page, handlers: Handlers, event: Any, sliders: bool = True) -> Any:
    """After an action: draw the session, then measure it in an event of its own.

    ``sliders`` is false where a slider caused the action: by the time the answer is here the
    visitor may hold the next one, and it must not jump.
    """
    base, display, b = [page.session, page.language], handlers.display, page.boundaries
    if sliders:
        moved = [*b.sliders.values(), b.shelf.slider, b.marks]
        event = event.success(
            display.sliders, [page.session], moved, **LAST, **INTERACTIVE, **PRIVATE
        )
    c = page.canvas
    shown = [
        *(c.view, c.against, c.pin, c.downloads["pasted"]),
        *(c.picture, c.outcome, c.undo, c.redo, c.reset, c.downloads["png"], c.downloads["photo"]),
        c.history,
        *(b.chips, b.details, b.layers, b.given, b.rows, b.absolute, b.shelf.own, b.shelf.box),
        c.metrics,
        c.caveats,
        *(page.inversion.result, page.inversion.untune, *page.inversion.levels.values()),
        *page.keeping.follow,
    ]
    event = event.success(display.show, [*base, c.view], shown, **LAST, **INTERACTIVE, **PRIVATE)
    event.success(display.measure, base, [c.metrics], **LAST, **MEASURE, **PRIVATE)
    return event


def action(
    page: Page,
    handlers: Handlers,
    trigger: Callable[..., Any],
    handler: Callable[..., Any],
    inputs: list[Any] | None = None,
    api_name: str | None = None,
    sliders: bool = True,
) -> Any:
    """Wire ``handler`` (session, lang, inputs) -> (session, status), and draw what it changed."""
    named = {"api_name": api_name} if api_name else PRIVATE
    base = [page.session, page.language]
    event = trigger(
        handler,
        [*base, *(inputs or [])],
        [page.session, page.status],
        **EVERY,
        **INTERACTIVE,
        **named,
    )
    return then_show(page, handlers, event, sliders)


def wire_sources(page: Page, handlers: Handlers) -> None:
    s = page.source
    new = [s.photo.input, s.crop.click, s.examples.pick, s.seed.submit, s.dice.click, s.file.upload]
    for trigger in new:
        trigger(handlers.inversion.abandon, None, None, **INSTANT)
    for trigger in (s.photo.input, s.crop.click):
        trigger(handlers.looking, [page.language], [page.canvas.metrics], **INSTANT)
    opened = s.photo.input(
        handlers.open_photo,
        [page.session, page.language, s.photo],
        [page.session, page.status],
        api_name="open_photo",
        preprocess=False,
        **LAST,
        **INTERACTIVE,
    )
    refused = opened.failure(
        handlers.offer_crop,
        [s.photo],
        [s.crop, s.photo],
        preprocess=False,
        **INTERACTIVE,
        **PRIVATE,  # it opens the picture, which costs too much outside the queue
    )
    base, c = [page.session, page.language], page.canvas
    refused.then(handlers.display.measure, base, [c.metrics], **LAST, **MEASURE, **PRIVATE)
    opened.success(handlers.hide, None, [s.crop], **INSTANT)
    crop = partial(s.crop.click, preprocess=False)
    cropped = action(page, handlers, crop, handlers.crop_photo, [s.photo], "crop_photo")
    cropped.success(handlers.hide, None, [s.crop], **INSTANT)
    chosen = action(page, handlers, s.examples.pick, handlers.open_example)
    for shown in (then_show(page, handlers, opened), cropped, chosen):
        invert_after(page, handlers, shown, handlers.inversion.invert_new)
    action(page, handlers, s.seed.submit, handlers.open_seed, s.person, "open_seed")
    if s.label is not None:
        action(page, handlers, s.label.input, handlers.open_seed, s.person)
    rolled = s.dice.click(handlers.roll, None, [s.seed], **INSTANT)
    action(page, handlers, rolled.then, handlers.open_seed, s.person)
    s.file.upload(handlers.opening, [page.language], [c.metrics], **INSTANT)
    saved = s.file.upload(
        handlers.open_file,
        [*base, s.file],
        [page.session, page.status],
        api_name="open_file",
        show_progress_on=[c.metrics],
        **EVERY,
        **{**INTERACTIVE, "show_progress": "full"},  # a session of many steps takes a while
    )
    saved.failure(handlers.display.measure, base, [c.metrics], **LAST, **MEASURE, **PRIVATE)
    then_show(page, handlers, saved)


def wire_sliders(page: Page, handlers: Handlers) -> None:
    c, sliders = page.canvas, list(page.boundaries.sliders.values())
    # Every input costs Gradio's page a walk through all its components, for each frame of a drag.
    dragged = gr.JSON(visible=False)
    gr.on(
        [slider.input for slider in sliders],
        handlers.display.preview,
        [page.session, c.view, dragged],
        [c.picture, c.outcome],
        js="(session, look) => [session, look, window.latentStudio.strengths()]",
        **LAST,
        **INTERACTIVE,
        **PRIVATE,
    )

    def released(*args: Any, **options: Any) -> Any:
        return gr.on([slider.release for slider in sliders], *args, **options)

    action(page, handlers, released, handlers.move, sliders, sliders=False)
    # The API has sliders of its own: those it leaves out are 0, not where the page opens.
    own = [
        gr.Slider(-REACH, REACH, value=0, step=0.05, label=name, visible=False)
        for name in handlers.names
    ]
    action(page, handlers, gr.Button(visible=False).click, handlers.move_by_name(), own, "move")


def wire_edits(page: Page, handlers: Handlers) -> None:
    c, b = page.canvas, page.boundaries
    action(page, handlers, c.undo.click, handlers.undo, api_name="undo")
    action(page, handlers, c.redo.click, handlers.redo, api_name="redo")
    action(page, handlers, c.reset.click, handlers.reset, api_name="reset")
    action(page, handlers, c.history.pick, handlers.go)
    action(page, handlers, c.against.input, handlers.compare, [c.against], sliders=False)
    action(page, handlers, c.pin.click, handlers.pin, api_name="pin", sliders=False)
    action(page, handlers, b.chips.act, handlers.act)

    def chosen(*args: Any, **options: Any) -> Any:
        return gr.on([b.layers.input, b.given.input], *args, **options)

    details = [b.layers, b.given]
    action(page, handlers, chosen, handlers.set_details, details, "set_details", sliders=False)


def wire_tools(
    page: Page, handlers: Handlers, workshop: WorkshopHandlers, texts: TextHandlers
) -> None:
    """Everything below the edit stack of the Boundaries tab, and the tabs after it."""
    wire = Wire(
        partial(action, page, handlers),
        partial(then_show, page, handlers),
        INTERACTIVE,
        {**LONG, "show_progress": "hidden"},
        PRIVATE,
        INSTANT,
    )
    wire_workshop(page, page.tools, workshop, wire)
    wire_figure(page, page.figure, FigureHandlers(handlers.studio), wire)
    if page.text is not None:
        wire_text(page, page.text, page.text_shown, texts, wire)
    desk = MixingDesk(handlers.studio)
    mixes = MixingHandlers(desk, handlers.display)
    wire_mixing(page, page.mixing, page.mixing_shown, mixes, wire)
    walks = WalkHandlers(desk, handlers.display)
    wire_walk(page, page.walk, page.mixing, walks, wire)
    cards = PresetHandlers(PresetDesk(handlers.studio), handlers.inversion, walks, handlers.display)
    inverting = partial(invert_after, page, handlers)
    wire_presets(page, page.presets, page.presets_shown, cards, wire, inverting)
    wire_api(page, ApiHandlers(handlers), partial(action, page, handlers), SHORT, LONG)


def wire_inversion(page: Page, handlers: Handlers) -> None:
    tab, h = page.inversion, handlers.inversion
    for name in LEVELS:
        pressed = tab.levels[name].click(level_setter(name), None, [tab.level], **INSTANT)
        invert_after(page, handlers, pressed, h.invert, [tab.level, tab.painted])
    searched = tab.search.click(lambda: None, None, None, **INSTANT)
    invert_after(
        page, handlers, searched, h.invert_with, [tab.painted, tab.given, tab.method, *tab.choices]
    )
    resumed = tab.resume.click(lambda: None, None, None, **INSTANT)
    invert_after(page, handlers, resumed, h.resume)
    tab.stop.click(h.stop, None, None, api_name="stop", queue=False)
    tab.method.input(h.fill_in, [tab.method], tab.choices, **INSTANT)
    tab.region.expand(h.canvas_for_region, [page.session], [tab.painted], **INSTANT)
    base = [page.session, page.language]
    action(page, handlers, tab.untune.click, h.untune, api_name="untune")
    quiet = {**LONG, "show_progress": "hidden"}
    made = tab.film.click(h.film, base, [page.canvas.file], api_name="film", **quiet)
    made.success(None, [page.canvas.file], None, js="(file) => window.latentStudio.save(file)")
    # A browser follows an inversion in several events; the API gets one that does it all.
    settings = gr.Textbox(visible=False, label="settings")
    mask = uploads_only(gr.Image(visible=False, label="mask"))
    latent = uploads_only(gr.File(visible=False, label="latent"))
    for given, handler, api_name in (
        ([tab.level, mask], h.invert_whole, "invert"),
        ([settings, mask, latent], h.invert_whole_with, "invert_with"),
    ):
        gr.Button(visible=False).click(
            handler,
            [*base, *given],
            [page.session, page.status],
            api_name=api_name,
            preprocess=False,
            **LONG,
        )


def invert_after(
    page: Page,
    handlers: Handlers,
    event: Any,
    handler: Callable[..., Any],
    inputs: Sequence[Any] = (),
) -> Any:
    """Once ``event`` has succeeded: invert on the canvas, then take the result over."""
    tab, h = page.inversion, handlers.inversion
    levels = list(tab.levels.values())
    buttons = [*levels, tab.search, tab.stop, tab.resume, tab.film]
    running = event.success(h.busy, [page.session], buttons, **INSTANT).success(
        handler,
        [page.session, page.language, *inputs],
        [page.found, page.canvas.picture, tab.progress, page.canvas.metrics],
        show_progress="hidden",
        **LONG,
        **PRIVATE,
    )
    ended = running.then(h.idle, [page.session], buttons, **INSTANT)
    ended.then(h.relabel, [page.language], levels, **INSTANT)

    return action(page, handlers, running.success, h.adopt, [page.found], sliders=False)


def wire_views(page: Page, handlers: Handlers) -> None:
    """Another look at the canvas draws it anew, as a change of language does."""
    then_show(page, handlers, page.canvas.view.input(lambda: None, None, None, **INSTANT), False)


def wire_downloads(page: Page, handlers: Handlers) -> None:
    c = page.canvas
    base = [page.session, page.language]
    for kind, button in c.downloads.items():
        made = button.click(handlers.downloader(kind), base, [c.file], **INTERACTIVE, **PRIVATE)
        made.success(None, [c.file], None, js="(file) => window.latentStudio.save(file)")
    kind_of = gr.Radio(list(DOWNLOADS), value="png", label="kind", visible=False)
    hidden = gr.Button(visible=False)
    hidden.click(handlers.download, [*base, kind_of], [c.file], api_name="download", **INTERACTIVE)


def wire_language(page: Page, handlers: Handlers, blocks: gr.Blocks) -> Any:
    """Returns the event after which the visitor's language is known."""
    words, language = page.words, page.language
    welcomed = blocks.load(handlers.welcome, [page.saved_language, language], [language], **INSTANT)
    changed = language.change(
        handlers.relabel(words),
        [page.session, language],
        [*words.components, page.source.examples, page.saved_language],
        **INSTANT,
    )
    changed.then(None, [language], None, js="(lang) => window.latentStudio.speak(lang)")
    levels = list(page.inversion.levels.values())
    changed.then(handlers.inversion.relabel, [language], levels, **INSTANT)
    then_show(page, handlers, changed, sliders=False)
    return welcomed


def wire_first_measure(page: Page, handlers: Handlers, welcomed: Any) -> None:
    """Measure what the page opens with once somebody looks at it: the networks for it are large."""
    base = [page.session, page.language]
    welcomed.then(
        handlers.display.measure, base, [page.canvas.metrics], **LAST, **MEASURE, **PRIVATE
    )
