"""The Mixing tab: another portrait, which of its layers, and everything else two can share."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import gradio as gr

from editing.edits.mixing import SPACES
from ui.components.choices import given_choices, layer_choices
from ui.components.localized import Words
from ui.components.widgets import uploads_only
from ui.locales import say
from ui.panels.source import MAX_SEED
from ui.runtime.markup import html_box
from ui.tabs.mixing.region import Region, build_region

FIRST_GROUP = "coarse"
STYLE = "style"  # rows finer than 64 pixels, beside the groups


class Slot(NamedTuple):
    """Where another portrait is chosen."""

    mate: gr.State
    picture: gr.Image
    seed: gr.Number
    dice: gr.Button
    now: gr.Button
    file: gr.UploadButton


class Layers(NamedTuple):
    groups: gr.CheckboxGroup
    weight: gr.Slider
    rows: list[gr.Slider]
    exchange: gr.Button
    results: gr.Gallery  # the portrait with rows of B, and B with the portrait's
    drawn: gr.State


class Morphing(NamedTuple):
    amount: gr.Slider
    space: gr.Dropdown


class Transferring(NamedTuple):
    slot: Slot
    amount: gr.Slider
    along: gr.Dropdown
    groups: gr.CheckboxGroup


class Grain(NamedTuple):
    seed: gr.Number
    strengths: dict[str, gr.Slider]  # by layer group


class Grid(NamedTuple):
    rows: gr.Textbox
    columns: gr.Textbox
    run: gr.Button
    progress: gr.HTML
    cells: gr.Gallery
    drawn: gr.State


class MixingTab(NamedTuple):
    slot: Slot
    layers: Layers
    morph: Morphing
    transfer: Transferring
    region: Region
    grain: Grain
    grid: Grid


def build_mixing_tab(
    words: Words, groups: Sequence[str], num_ws: int, names: Sequence[str], style: bool
) -> MixingTab:
    """The tab's widgets; ``style`` where the generator has layers finer than 64 pixels."""
    words.make(gr.Markdown, {"value": "mixing.intro"}, elem_classes="intro")
    slot = _slot(words, "b", 7)
    layers = _layers(words, groups, num_ws, style)
    with words.make(gr.Accordion, {"label": "mix.morph"}, open=False, elem_id="mix-morph"):
        morph = Morphing(
            _share(words, "mix.amount", "mix-amount", 0.0, info="mix.amount.tip"),
            words.make(
                gr.Dropdown, {"label": "mix.space", "info": "mix.space.tip"},
                choices=list(SPACES), value="w+", elem_id="mix-space",
            ),
        )  # fmt: skip
    transfer = _transfer(words, names, groups)
    region = build_region(words, groups)
    grain = _grain(words, groups)
    return MixingTab(slot, layers, morph, transfer, region, grain, _grid(words))


def mix_choices(groups: Iterable[str], style: bool, lang: str) -> list[tuple[str, str]]:
    """The layer groups, and where there are such layers "style"."""
    more = [(say("mix.style", lang), STYLE)] if style else []
    return [*layer_choices(groups, lang), *more]


def _slot(words: Words, name: str, seed: int) -> Slot:
    mate = gr.State(None)
    with gr.Row(elem_id=f"slot-{name}"):
        picture = words.make(
            gr.Image, {"label": f"slot.{name}"}, height=150, width=150, interactive=False,
            format="jpeg", buttons=[], min_width=150, scale=0, elem_id=f"slot-{name}-picture",
        )  # fmt: skip
        with gr.Column(min_width=180):
            with gr.Row():
                number = words.make(
                    gr.Number, {"label": "slot.seed"}, value=seed, precision=0, minimum=0,
                    maximum=MAX_SEED, min_width=90, elem_id=f"slot-{name}-seed",
                )  # fmt: skip
                dice = words.make(
                    gr.Button, {"value": "slot.dice"}, elem_id=f"slot-{name}-dice", **SMALL
                )
            with gr.Row():
                now = words.make(
                    gr.Button, {"value": "slot.now"}, elem_id=f"slot-{name}-now", **SMALL
                )
                file = words.make(
                    gr.UploadButton, {"label": "slot.file"}, elem_id=f"slot-{name}-file",
                    file_types=[".npz", ".png", ".jpg", ".jpeg", ".webp"], **SMALL,
                )  # fmt: skip
    return Slot(mate, picture, number, dice, now, uploads_only(file))


def _layers(words: Words, groups: Sequence[str], num_ws: int, style: bool) -> Layers:
    chosen = words.make(
        gr.CheckboxGroup,
        {
            "label": "mix.layers",
            "info": "mix.layers.tip",
            "choices": lambda lang: mix_choices(groups, style, lang),
        },
        value=[FIRST_GROUP] if FIRST_GROUP in groups else list(groups)[:1],
        elem_id="mix-layers",
    )
    weight = _share(words, "mix.weight", "mix-weight", 0.0, info="mix.weight.tip")
    with words.make(gr.Accordion, {"label": "mix.rows"}, open=False, elem_id="mix-rows"):
        with gr.Row():
            rows = [
                gr.Slider(0, 1, 0, step=0.05, label=str(row), min_width=90, buttons=[],
                          elem_id=f"mix-row-{row}")
                for row in range(num_ws)
            ]  # fmt: skip
    exchange = words.make(gr.Button, {"value": "mix.exchange"}, size="sm", elem_id="mix-exchange")
    results = gr.Gallery(
        show_label=False, columns=2, allow_preview=False, format="jpeg", buttons=[],
        height=280, visible=False, elem_id="mix-results",
    )  # fmt: skip
    return Layers(chosen, weight, rows, exchange, results, gr.State(None))


def _transfer(words: Words, names: Sequence[str], groups: Sequence[str]) -> Transferring:
    with words.make(gr.Accordion, {"label": "mix.transfer"}, open=False, elem_id="mix-transfer"):
        words.make(gr.Markdown, {"value": "mix.transfer.tip"}, elem_classes="hint")
        slot = _slot(words, "c", 8)
        amount = words.make(
            gr.Slider, {"label": "mix.lambda"}, minimum=-2, maximum=2, step=0.05, value=0,
            buttons=[], elem_id="mix-lambda",
        )  # fmt: skip
        along = words.make(
            gr.Dropdown,
            {
                "label": "mix.along",
                "info": "mix.along.tip",
                "choices": lambda lang: given_choices(names, lang),
            },
            multiselect=True,
            value=[],
            elem_id="mix-along",
        )
        chosen = words.make(
            gr.CheckboxGroup,
            {"label": "layers", "choices": lambda lang: layer_choices(groups, lang)},
            value=list(groups),
            elem_id="mix-transfer-layers",
        )
    return Transferring(slot, amount, along, chosen)


def _grain(words: Words, groups: Sequence[str]) -> Grain:
    with words.make(gr.Accordion, {"label": "mix.grain"}, open=False, elem_id="mix-grain"):
        words.make(gr.Markdown, {"value": "mix.grain.tip"}, elem_classes="hint")
        seed = words.make(
            gr.Number, {"label": "mix.grain.seed"}, value=None, precision=0, minimum=0,
            maximum=MAX_SEED, elem_id="mix-grain-seed",
        )  # fmt: skip
        strengths = {
            group: words.make(
                gr.Slider, {"label": f"layers.{group}"}, minimum=0, maximum=3, step=0.05, value=1,
                buttons=[], elem_id=f"mix-grain-{group}",
            )
            for group in groups
        }  # fmt: skip
    return Grain(seed, strengths)


def _grid(words: Words) -> Grid:
    with words.make(gr.Accordion, {"label": "mix.grid"}, open=False, elem_id="mix-grid"):
        words.make(gr.Markdown, {"value": "mix.grid.tip"}, elem_classes="hint")
        with gr.Row():
            rows, columns = (
                words.make(
                    gr.Textbox, {"label": f"mix.grid.{which}"}, value=seeds, max_lines=1,
                    elem_id=f"mix-grid-{which}",
                )
                for which, seeds in (("rows", "21, 22"), ("columns", "31, 32, 33"))
            )  # fmt: skip
        run = words.make(gr.Button, {"value": "mix.grid.run"}, elem_id="mix-grid-run")
        progress = html_box()
        cells = gr.Gallery(
            show_label=False, columns=4, allow_preview=False, format="jpeg", buttons=[],
            height="auto", elem_id="mix-cells",
        )  # fmt: skip
    return Grid(rows, columns, run, progress, cells, gr.State(None))


def _share(words: Words, key: str, element: str, value: float, info: str) -> gr.Slider:
    made: gr.Slider = words.make(
        gr.Slider, {"label": key, "info": info}, minimum=0, maximum=1, step=0.05, value=value,
        buttons=[], elem_id=element,
    )  # fmt: skip
    return made


SMALL: dict[str, Any] = {"size": "sm", "min_width": 90}
