"""The Boundaries tab: a slider per attribute, then which layers move and what must hold still."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

import gradio as gr

from ui.components.choices import REACH, given_choices, layer_choices
from ui.components.html import safe_css
from ui.components.localized import Words
from ui.components.widgets import chips as build_chips
from ui.locales import MESSAGES, attribute_name
from ui.runtime.markup import html_box
from ui.tabs.boundaries.layout import Shelf, build_shelf

FIRST = 5  # sliders that are there at once


class BoundariesTab(NamedTuple):
    sliders: dict[str, gr.Slider]
    marks: gr.HTML  # the safe ranges on their tracks
    more: gr.Dropdown  # which of the sliders beyond the first are there
    shelf: Shelf
    chips: gr.HTML
    details: gr.HTML
    layers: gr.CheckboxGroup
    rows: gr.Textbox
    given: gr.CheckboxGroup
    absolute: gr.Checkbox


def build_boundaries_tab(
    words: Words,
    strengths: Mapping[str, float],
    groups: Iterable[str],
    chips: dict[str, Any],
    safe: Mapping[str, tuple[float, float]],
) -> BoundariesTab:
    """Sliders standing at ``strengths``; unknown attributes of other domains get plain ones.

    The first ones are there at once, the others when they are searched for. ``safe`` are the
    ranges that are marked on their tracks.
    """
    rules = safe_css({f"slider-{name}": ends for name, ends in safe.items()}, REACH)
    marks = html_box(rules, padding=False, elem_classes="rules")
    with gr.Column(elem_id="sliders"):
        sliders = {
            name: _slider(words, name, value, index < FIRST)
            for index, (name, value) in enumerate(strengths.items())
        }
        names = list(strengths)
        others = names[FIRST:]
        more = words.make(
            gr.Dropdown,
            {"label": "more", "choices": partial(given_choices, others)},
            multiselect=True,
            visible=bool(others),
            elem_id="more-attributes",
        )
        shelf = build_shelf(words)
    words.make(gr.Markdown, {"value": "unit"}, elem_classes="hint")
    words.caption("stack")
    stack = build_chips(chips, elem_id="stack")
    with words.make(gr.Accordion, {"label": "details"}, open=False, elem_id="details"):
        title = html_box(elem_id="details-title")
        layers = words.make(
            gr.CheckboxGroup,
            {"label": "layers", "info": "layers.tip", "choices": partial(layer_choices, groups)},
            value=list(groups),
            elem_id="layers",
        )
        rows = words.make(
            gr.Textbox,
            {"label": "rows.text", "info": "rows.text.tip"},
            max_lines=1,
            elem_id="rows-text",
        )
        given = words.make(
            gr.CheckboxGroup,
            {"label": "given", "info": "given.tip", "choices": partial(given_choices, names)},
            elem_id="given",
        )
        absolute = words.make(
            gr.Checkbox,
            {"label": "absolute", "info": "absolute.tip"},
            interactive=False,
            elem_id="absolute",
        )
    return BoundariesTab(sliders, marks, more, shelf, stack, title, layers, rows, given, absolute)


def _slider(words: Words, name: str, value: float, visible: bool) -> gr.Slider:
    texts = {"label": f"attribute.{name}", "info": f"ends.{name}"}
    known = {prop: key for prop, key in texts.items() if key in MESSAGES}
    options: dict[str, Any] = {} if known else {"label": attribute_name(name, words.lang)}
    return words.make(
        gr.Slider,
        known,
        minimum=-REACH,
        maximum=REACH,
        step=0.05,
        value=value,
        buttons=[],  # Gradio's reset would go back to the first value instead of 0
        visible=visible or bool(value),
        elem_id=f"slider-{name}",
        **options,
    )
