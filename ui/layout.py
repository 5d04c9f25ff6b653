"""What is on the page, and where; nothing of it is wired yet."""

from dataclasses import dataclass

import gradio as gr

from editing.layers import style_rows
from editing.stylegan3 import StyleGAN3Synthesis
from ui.boundaries_tab import BoundariesTab, build_boundaries_tab
from ui.canvas import Canvas, build_canvas
from ui.figure_panel import FigurePanel, build_figure_panel
from ui.handlers import Handlers
from ui.inversion_tab import InversionTab, build_inversion_tab
from ui.keeping import Keeping, build_keeping
from ui.mixing_tab import MixingTab, build_mixing_tab
from ui.presets_tab import PresetsTab, build_presets_tab
from ui.saving import (
    Offer,
    Saving,
    build_offer,
    build_saving,
)
from ui.session import Session, strengths
from ui.source import Source, build_source
from ui.text_handlers import TextHandlers
from ui.text_tab import TextTab, build_text_tab
from ui.walk_tab import WalkTab, build_walk_tab
from ui.words import Words
from ui.workshop_handlers import WorkshopHandlers
from ui.workshop_tab import WorkshopTab, build_workshop

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
    view = handlers.studio.view(session)
    history = handlers.display.history(session, lang)
    seed = next((e.values["seed"] for e in handlers.examples if "seed" in e.values), 0)
    with gr.Row(elem_id="header"):
        with gr.Column(scale=8, elem_id="heading"), gr.Row():
            gr.HTML(f"<h1>{TITLE}</h1>", elem_id="name")
            words.make(gr.Markdown, {"value": "tagline"}, elem_id="tagline")
        language = gr.Radio(
            [("EN", "en"), ("中文", "zh")],
            value=lang,
            show_label=False,
            container=False,
            elem_id="language",
        )
    offer = build_offer(words)
    source = build_source(words, handlers.example_strip(lang), int(str(seed)))
    with gr.Row(elem_id="studio"):
        with gr.Column(scale=6, min_width=320, elem_id="stage"):
            canvas = build_canvas(words, (view.before, view.after), history)
            keeping = build_keeping(words)
            figure = build_figure_panel(words, handlers.names, texts.desk.available)
            saving = build_saving(words, links)
        with gr.Column(scale=5, min_width=320):
            with gr.Tabs(selected="boundaries"):
                with words.make(gr.Tab, {"label": "inversion"}, id="inversion"):
                    inversion = build_inversion_tab(words, handlers.inversion.level_labels(lang))
                with words.make(gr.Tab, {"label": "boundaries"}, id="boundaries"):
                    at = strengths(session.now.stack, handlers.names)
                    boundaries = build_boundaries_tab(
                        words,
                        dict(zip(handlers.names, at, strict=True)),
                        handlers.studio.groups,
                        handlers.display.chips(session, lang),
                        handlers.studio.safe_ranges(),
                    )
                    tools = build_workshop(words, workshop.workshop, handlers.names)
                with words.make(gr.Tab, {"label": "text"}, id="text") as text_shown:
                    text = build_text_tab(words, texts.desk, handlers.names)
                with words.make(gr.Tab, {"label": "mixing"}, id="mixing") as mixing_shown:
                    generator, groups = handlers.studio.domain.generator, handlers.studio.groups
                    style = bool(style_rows(generator))
                    mixing = build_mixing_tab(
                        words, list(groups), generator.num_ws, handlers.names, style
                    )
                with words.make(gr.Tab, {"label": "walk"}, id="walk"):
                    movable = isinstance(generator.synthesis, StyleGAN3Synthesis)
                    walk = build_walk_tab(words, handlers.names, generator.img_resolution, movable)
                with words.make(gr.Tab, {"label": "presets"}, id="presets") as presets_shown:
                    presets = build_presets_tab(words)
    canvas.metrics.value = handlers.display.measure(session, lang)
    return Page(
        words,
        language,
        gr.BrowserState("", storage_key="latent-studio.language", secret="latent-studio"),
        gr.State(session),
        gr.State(None),
        gr.JSON(visible=False, label="status"),
        source,
        canvas,
        offer,
        saving,
        keeping,
        figure,
        inversion,
        boundaries,
        tools,
        text,
        text_shown,
        mixing,
        mixing_shown,
        walk,
        presets,
        presets_shown,
    )
