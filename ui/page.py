"""The page: everything that answers it, laid out and wired."""

from dataclasses import replace
from functools import partial

import gradio as gr

from editing.models.domain import Domain
from ui.components.wire import INSTANT, MEASURE, PRIVATE
from ui.handlers import Handlers
from ui.layout import TITLE, lay_out
from ui.panels.model_downloads import WeightsHandlers, build_weights_panel, wire_weights_panel
from ui.panels.out_of_domain import wire_keeping
from ui.panels.saving import (
    SavingHandlers,
    wire_saving,
)
from ui.runtime.gradio_queue import save_work, share_places, track_no_spinners
from ui.runtime.markup import only_html
from ui.runtime.model_downloads import Fetcher
from ui.runtime.validation import attend
from ui.server.full_disk import tell_full_disk
from ui.studio.examples import find_examples
from ui.studio.links import Links
from ui.studio.studio import Studio
from ui.tabs.boundaries.actions import Truth, Workshop
from ui.tabs.boundaries.events import WorkshopHandlers
from ui.tabs.text.actions import TextDesk
from ui.tabs.text.events import TextHandlers
from ui.theme import QUEUE
from ui.wiring import (
    action,
    wire_downloads,
    wire_edits,
    wire_first_measure,
    wire_inversion,
    wire_language,
    wire_sliders,
    wire_sources,
    wire_tools,
    wire_views,
)

FIRST_EDIT = {"smile": 1.0}  # what the page opens with, on the first example
KEEP_FILES = (900, 1800)  # seconds: how often old files are looked for, and how old they get


def build_app(
    domain: Domain,
    lang: str = "en",
    truth: Truth | None = None,
    fetcher: Fetcher | None = None,
    links: Links | None = None,
) -> gr.Blocks:
    """The whole page for one domain; ``lang`` is shown until the visitor's own is known.

    ``truth`` draws what an edit should have done, for a domain that was rendered; ``fetcher``
    brings the files of other domains; ``links`` keeps work that visitors share.
    """
    studio = Studio(domain)
    handlers = Handlers(studio, find_examples(studio, FIRST_EDIT))
    first = {name: FIRST_EDIT.get(name, 0.0) for name in studio.attributes}
    workshop = WorkshopHandlers(Workshop(studio, truth), handlers.display)
    texts = TextHandlers(TextDesk(studio), handlers.display)
    if texts.desk.is_light:
        texts.desk.warm_up()
    session = studio.start(handlers.examples[0].open(studio), first)
    session = replace(session, opening=len(session.moments))
    saving = SavingHandlers(studio, handlers.display.status, links)
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=KEEP_FILES) as blocks:
        page = lay_out(handlers, workshop, texts, session, lang, links is not None)
        if fetcher and (panel := build_weights_panel(page.words, fetcher)):
            wire_weights_panel(panel, WeightsHandlers(fetcher), page.language, INSTANT)
        wire_sources(page, handlers)
        if handlers.names:  # a domain may have no boundaries yet
            wire_sliders(page, handlers)
        wire_edits(page, handlers)
        wire_inversion(page, handlers)
        wire_views(page, handlers)
        wire_keeping(page, handlers.keeping, partial(action, page, handlers), INSTANT)
        wire_downloads(page, handlers)
        wire_tools(page, handlers, workshop, texts)
        welcomed = wire_language(page, handlers, blocks)
        if not studio.measures_at_once:
            wire_first_measure(page, handlers, welcomed)
        wire_saving(page, welcomed, saving, partial(action, page, handlers), {**MEASURE, **PRIVATE})
    blocks.queue(max_size=QUEUE, api_open=False)
    share_places(blocks)
    tell_full_disk(blocks)
    save_work(blocks)
    track_no_spinners(blocks)
    only_html(blocks)
    attend(blocks)
    return blocks
