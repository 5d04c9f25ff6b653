"""What is on the page, and where; nothing of it is wired yet."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from editing.models.generators.layers import style_rows
from editing.models.generators.stylegan3 import StyleGAN3Synthesis
from ui.components.localized import Words
from ui.handlers import Handlers
from ui.panels.canvas import Canvas, build_canvas
from ui.panels.figure import FigurePanel, build_figure_panel
from ui.panels.out_of_domain import Keeping, build_keeping
from ui.panels.saving import (
    Offer,
    Saving,
    build_offer,
    build_saving,
)
from ui.panels.source import Source, build_source
from ui.runtime.markup import html_box, tag
from ui.studio.session import Session, strengths
from ui.tabs.boundaries.events import WorkshopHandlers
from ui.tabs.boundaries.layout import WorkshopTab, build_workshop
from ui.tabs.boundaries.sliders import BoundariesTab, build_boundaries_tab
from ui.tabs.inversion.layout import InversionTab, build_inversion_tab
from ui.tabs.mixing.layout import MixingTab, build_mixing_tab
from ui.tabs.presets.layout import PresetsTab, build_presets_tab
from ui.tabs.text.events import TextHandlers
from ui.tabs.text.layout import TextTab, build_text_tab
from ui.tabs.walk.layout import WalkTab, build_walk_tab

TITLE = "Latent Studio"


@dataclass(frozen=True)
class Page:
    """Every component that is wired."""

    words: Words
    language: gr.Radio
    saved_language: gr.BrowserState
    session: gr.State
    found: gr.State  # the portrait that a running inversion has found so far
    status: gr.JSON
    source: Source
    canvas: Canvas
    offer: Offer
    saving: Saving
    keeping: Keeping
    figure: FigurePanel
    inversion: InversionTab
    boundaries: BoundariesTab
    tools: WorkshopTab
    text: TextTab | None  # None where the domain has no text-image model
    text_shown: gr.Tab
    mixing: MixingTab
    mixing_shown: gr.Tab
    walk: WalkTab
    presets: PresetsTab
    presets_shown: gr.Tab


def lay_out(
    handlers: Handlers,
    workshop: WorkshopHandlers,
    texts: TextHandlers,
    session: Session,
    lang: str,
    links: bool = False,
) -> Page:
    words = Words(lang)
    studio = handlers.studio
    view = studio.view(session)
    history = handlers.display.history(session, lang)
    seed = next((e.values["seed"] for e in handlers.examples if "seed" in e.values), 0)
    language = _header(words, lang)
    offer = build_offer(words)
    domain = handlers.studio.domain
    strip, classes = handlers.example_strip(lang), domain.generator.c_dim
    source = build_source(words, strip, int(str(seed)), classes, domain.label)
    with gr.Row(elem_id="studio"):
        with gr.Column(scale=6, min_width=320, elem_id="stage"):
            canvas = build_canvas(words, (view.before, view.after), history)
            keeping = build_keeping(words)
            figure = build_figure_panel(words, handlers.names, texts.desk.available)
            saving = build_saving(words, links)
        with gr.Column(scale=5, min_width=320), gr.Tabs(selected="boundaries"):
            tabs = _tabs(words, handlers, workshop, texts, session, lang)
    if studio.measures_at_once:
        canvas.metrics.value = handlers.display.measure(session, lang)
    return Page(
        words=words,
        language=language,
        saved_language=gr.BrowserState(
            "", storage_key="latent-studio.language", secret="latent-studio"
        ),
        session=gr.State(session),
        found=gr.State(None),
        status=gr.JSON(visible=False, label="status"),
        source=source,
        canvas=canvas,
        offer=offer,
        saving=saving,
        keeping=keeping,
        figure=figure,
        **tabs,
    )


def _header(words: Words, lang: str) -> gr.Radio:
    """Name and tagline, and the language's switch."""
    with gr.Row(elem_id="header"):
        with gr.Column(scale=8, elem_id="heading"), gr.Row():
            html_box(tag("h1", TITLE), elem_id="name")
            words.make(gr.Markdown, {"value": "tagline"}, elem_id="tagline")
        return gr.Radio(
            [("EN", "en"), ("中文", "zh")],
            value=lang,
            show_label=False,
            container=False,
            elem_id="language",
        )


def _tabs(
    words: Words,
    handlers: Handlers,
    workshop: WorkshopHandlers,
    texts: TextHandlers,
    session: Session,
    lang: str,
) -> dict[str, Any]:
    """What is on the tabs, by the names of ``Page``."""
    studio, names = handlers.studio, handlers.names
    generator, groups = studio.domain.generator, studio.groups

    def tab(name: str) -> Any:
        return words.make(gr.Tab, {"label": name}, id=name)

    with tab("inversion"):
        inversion = build_inversion_tab(words, handlers.inversion.level_labels(lang))
    with tab("boundaries"):
        at = dict(zip(names, strengths(session.now.stack, names), strict=True))
        chips = handlers.display.chips(session, lang)
        boundaries = build_boundaries_tab(words, at, groups, chips, studio.safe_ranges())
        tools = build_workshop(words, workshop.workshop, names)
    with tab("text") as text_shown:
        text = build_text_tab(words, texts.desk, names)
    with tab("mixing") as mixing_shown:
        style = bool(style_rows(generator))
        mixing = build_mixing_tab(words, list(groups), generator.num_ws, names, style)
    with tab("walk"):
        movable = isinstance(generator.synthesis, StyleGAN3Synthesis)
        walk = build_walk_tab(words, names, generator.img_resolution, movable)
    with tab("presets") as presets_shown:
        presets = build_presets_tab(words)
    return {
        "inversion": inversion,
        "boundaries": boundaries,
        "tools": tools,
        "text": text,
        "text_shown": text_shown,
        "mixing": mixing,
        "mixing_shown": mixing_shown,
        "walk": walk,
        "presets": presets,
        "presets_shown": presets_shown,
    }
