"""The Text tab: from one text to another, how strongly, through which channels."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import gradio as gr

from editing.text.optimization import SPACES
from ui.components.choices import given_choices, layer_choices
from ui.components.localized import Words
from ui.components.widgets import strip
from ui.locales import say
from ui.runtime.markup import html_box
from ui.tabs.text.actions import TextDesk
from ui.tabs.text.widgets import prompts_widget, report_widget

REACH = 10.0  # alpha goes from -REACH to REACH
FIRST_ALPHA = 4.0
LOOK_EVERY = 1.5  # seconds between looks whether the models are there
MOST_BETA = 0.8
STEPS, SEEDS = 40, 300  # of a search for one portrait, and among portraits


class Grid(NamedTuple):
    draw: gr.Button
    progress: gr.HTML
    sheet: gr.Image


class Optimise(NamedTuple):
    options: list[Any]  # space, steps, weights
    run: gr.Button
    stop: gr.Button
    progress: gr.HTML
    found: gr.State  # (portrait, edit, target) of the last search


class Search(NamedTuple):
    text: gr.Textbox
    count: gr.Slider
    run: gr.Button
    progress: gr.HTML
    hits: gr.HTML
    seeds: gr.State


class TextTab(NamedTuple):
    prompts: gr.HTML
    alpha: gr.Slider
    beta: gr.Slider
    auto: gr.Checkbox
    neutral: gr.Textbox
    target: gr.Textbox
    run: gr.Button
    accept: gr.Button
    mark: gr.HTML  # the safe range on alpha's track
    report: gr.HTML
    count: gr.Number
    keep: gr.Dropdown
    layers: gr.CheckboxGroup
    method: gr.Radio
    templates: gr.Textbox
    lists: dict[str, gr.Button]
    grid: Grid
    optimise: Optimise
    search: Search
    loading: gr.Markdown
    look: gr.Timer  # whether the models are there

    @property
    def wanted(self) -> list[Any]:
        """What an edit is made of, in the order of ``text_handlers.wanted_edit``."""
        return [self.neutral, self.target, self.alpha, self.auto, self.beta, self.count, self.keep,
                self.layers, self.method, self.templates]  # fmt: skip


def build_text_tab(words: Words, desk: TextDesk, names: Sequence[str]) -> TextTab | None:
    """The tab's widgets; one sentence and None where the domain has no text-image model."""
    if not desk.available:
        words.make(gr.Markdown, {"value": "text.none"}, elem_classes="hint")
        return None
    loading = words.make(
        gr.Markdown, {"value": "text.loading"}, visible=False, elem_id="text-loading"
    )
    look = gr.Timer(LOOK_EVERY)
    neutral, target = _boxes(words)
    prompts = prompts_widget(words.lang, elem_id="text-prompts")
    with gr.Row():
        run = words.make(gr.Button, {"value": "text.run"}, variant="primary", elem_id="text-run")
        accept = words.make(gr.Button, {"value": "text.accept"}, elem_id="text-accept")
    alpha, beta, auto = _strengths(words)
    mark = html_box(padding=False)
    report = report_widget(elem_id="text-report")
    count, keep, layers, method = _more(words, desk, names)
    templates, lists = _templates(words)
    return TextTab(
        prompts, alpha, beta, auto, neutral, target, run, accept, mark, report, count, keep, layers,
        method, templates, lists, _grid(words), _optimise(words, desk), _search(words),
        loading, look,
    )  # fmt: skip


def _boxes(words: Words) -> tuple[gr.Textbox, gr.Textbox]:
    """From one text, to another."""
    with gr.Row(elem_id="text-boxes"):
        neutral = words.make(
            gr.Textbox,
            {"label": "text.neutral", "info": "text.neutral.tip", "placeholder": "text.person"},
            max_lines=1,
            elem_id="text-neutral",
        )
        target = words.make(
            gr.Textbox,
            {"label": "text.target", "info": "text.target.tip"},
            max_lines=1,
            elem_id="text-target",
        )
    return neutral, target


def _strengths(words: Words) -> tuple[gr.Slider, gr.Slider, gr.Checkbox]:
    """How strongly, how selectively, and whether the latter is chosen by itself."""
    alpha = words.make(
        gr.Slider,
        {"label": "text.alpha", "info": "text.alpha.tip"},
        minimum=-REACH,
        maximum=REACH,
        step=0.1,
        value=FIRST_ALPHA,
        buttons=[],
        elem_id="text-alpha",
    )
    beta = words.make(
        gr.Slider,
        {"label": "text.beta", "info": "text.beta.tip"},
        minimum=0,
        maximum=MOST_BETA,
        step=0.001,
        value=0.1,
        buttons=[],
        elem_id="text-beta",
    )
    auto = words.make(gr.Checkbox, {"label": "text.auto"}, value=True, elem_id="text-auto")
    return alpha, beta, auto


def _more(
    words: Words, desk: TextDesk, names: Sequence[str]
) -> tuple[gr.Number, gr.Dropdown, gr.CheckboxGroup, gr.Radio]:
    """Channels, what stays, layers and method."""
    with words.make(gr.Accordion, {"label": "text.more"}, open=False, elem_id="text-more"):
        count = words.make(
            gr.Number, {"label": "text.count"}, value=None, minimum=1, precision=0,
            elem_id="text-count",
        )  # fmt: skip
        keep = words.make(
            gr.Dropdown,
            {"label": "text.keep", "info": "text.keep.tip"},
            choices=given_choices(list(names), words.lang),
            multiselect=True,
            allow_custom_value=True,
            elem_id="text-keep",
        )
        layers = words.make(
            gr.CheckboxGroup,
            {"label": "text.layers"},
            choices=layer_choices(desk.studio.groups, words.lang),
            value=list(desk.studio.groups),
            elem_id="text-layers",
        )
        method = words.make(
            gr.Radio,
            {"label": "text.method"},
            choices=method_choices(desk, words.lang),
            value="global" if desk.has_table else "jacobian",
            elem_id="text-method",
        )
    return count, keep, layers, method


def _templates(words: Words) -> tuple[gr.Textbox, dict[str, gr.Button]]:
    """The sentences that texts are put into, and lists of them by name."""
    with words.make(gr.Accordion, {"label": "text.templates"}, open=False):
        templates = words.make(
            gr.Textbox,
            {"label": "text.templates.lines", "info": "text.templates.tip"},
            lines=5,
            elem_id="text-templates",
        )
        with gr.Row():
            lists = {
                "portraits": words.make(
                    gr.Button, {"value": "text.templates.portraits"}, size="sm"
                ),
                "general": words.make(gr.Button, {"value": "text.templates.general"}, size="sm"),
            }
    return templates, lists


def _grid(words: Words) -> Grid:
    with words.make(gr.Accordion, {"label": "text.grid"}, open=False, elem_id="text-grid"):
        draw = words.make(gr.Button, {"value": "text.grid.run"}, elem_id="text-grid-run")
        progress = html_box()
        sheet = words.make(
            gr.Image, {"label": "text.grid.sheet"}, format="jpeg", visible=False, show_label=False,
            elem_id="text-sheet",
        )  # fmt: skip
    return Grid(draw, progress, sheet)


def _optimise(words: Words, desk: TextDesk) -> Optimise:
    title = {"label": "text.optimise"}
    with words.make(gr.Accordion, title, open=False, elem_id="text-optimise"):
        words.make(gr.Markdown, {"value": "text.optimise.intro"}, elem_classes="hint")
        spaces = [(name.upper(), name) for name in SPACES]
        space = words.make(gr.Radio, {"label": "text.optimise.space"}, choices=spaces, value="w+")
        steps = words.make(gr.Slider, {"label": "text.optimise.steps"}, minimum=5, maximum=300,
                           step=5, value=STEPS, buttons=[])  # fmt: skip
        l2 = words.make(gr.Slider, {"label": "text.optimise.l2"}, minimum=0, maximum=0.1,
                        step=0.001, value=0.008, buttons=[])  # fmt: skip
        identity = words.make(gr.Slider, {"label": "text.optimise.identity"}, minimum=0, maximum=1,
                              step=0.01, value=0.05, buttons=[],
                              visible="identity" in desk.domain.parts)  # fmt: skip
        with gr.Row():
            run = words.make(gr.Button, {"value": "text.optimise.run"}, elem_id="text-optimise-run")
            stop = words.make(gr.Button, {"value": "stop"}, elem_id="text-optimise-stop")
        progress = html_box()
    return Optimise([space, steps, l2, identity], run, stop, progress, gr.State(None))


def _search(words: Words) -> Search:
    with words.make(gr.Accordion, {"label": "text.search"}, open=False, elem_id="text-search"):
        text = words.make(gr.Textbox, {"label": "text.search.text"}, max_lines=1,
                          elem_id="text-search-text")  # fmt: skip
        count = words.make(gr.Slider, {"label": "text.search.count"}, minimum=10, maximum=2000,
                           step=10, value=SEEDS, buttons=[])  # fmt: skip
        run = words.make(gr.Button, {"value": "text.search.run"}, elem_id="text-search-run")
        progress = html_box()
        hits = strip(elem_id="text-hits")
    return Search(text, count, run, progress, hits, gr.State([]))


def method_choices(desk: TextDesk, lang: str) -> list[tuple[str, str]]:
    known = [(say("text.method.jacobian", lang), "jacobian")]
    return [(say("text.method.global", lang), "global"), *known] if desk.has_table else known
