"""The Boundaries tab: a slider per attribute, then which layers move and what must hold still."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import gradio as gr

from ui.messages import MESSAGES, attribute_name, say
from ui.widgets import chips as build_chips
from ui.words import Words

REACH = 3.0  # sliders go from -REACH to REACH standard deviations


class BoundariesTab(NamedTuple):
    sliders: dict[str, gr.Slider]
    chips: gr.HTML
    details: gr.HTML
    layers: gr.CheckboxGroup
    given: gr.CheckboxGroup


def build_boundaries_tab(
    words: Words, strengths: Mapping[str, float], groups: Iterable[str], chips: dict[str, Any]
) -> BoundariesTab:
    """Sliders standing at ``strengths``; unknown attributes of other domains get plain ones."""
    with gr.Column(elem_id="sliders"):
        sliders = {name: _slider(words, name, value) for name, value in strengths.items()}
    words.make(gr.Markdown, {"value": "unit"}, elem_classes="hint")
    words.make(gr.HTML, {"value": "stack"}, elem_classes="caption")
    stack = build_chips(chips, elem_id="stack")
    with words.make(gr.Accordion, {"label": "details"}, open=False, elem_id="details"):
        title = gr.HTML(elem_id="details-title")
        layers = words.make(
            gr.CheckboxGroup,
            {"label": "layers", "info": "layers.tip"},
            choices=layer_choices(groups, words.lang),
            value=list(groups),
            elem_id="layers",
        )
        given = words.make(
            gr.CheckboxGroup,
            {"label": "given", "info": "given.tip"},
            choices=given_choices(list(strengths), words.lang),
            elem_id="given",
        )
    return BoundariesTab(sliders, stack, title, layers, given)


def layer_choices(groups: Iterable[str], lang: str) -> list[tuple[str, str]]:
    return [(say(f"layers.{group}", lang), group) for group in groups]


def given_choices(names: Sequence[str], lang: str) -> list[tuple[str, str]]:
    return [(attribute_name(name, lang), name) for name in names]


def _slider(words: Words, name: str, value: float) -> gr.Slider:
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
        elem_id=f"slider-{name}",
        **options,
    )
