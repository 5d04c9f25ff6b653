"""The lower part of the Boundaries tab: own directions, variants, sweeps, training, exploring."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import gradio as gr

from ui.components.choices import REACH
from ui.components.localized import Words
from ui.locales import attribute_name, say
from ui.runtime.markup import html_box
from ui.tabs.boundaries.actions import METHODS, Workshop
from ui.tabs.boundaries.training import SOURCES
from ui.tabs.boundaries.widgets import pad, picks, strips

AMOUNTS = {"turn": 30.0, "add": 0.5}  # how a direction is combined with another: how much at first
SMALL: dict[str, Any] = {"size": "sm", "min_width": 60}


class Shelf(NamedTuple):
    box: gr.Column
    own: gr.Dropdown
    slider: gr.Slider
    flip: gr.Button
    remove: gr.Button
    export: gr.Button


class Variants(NamedTuple):
    of: gr.Dropdown
    find: gr.Button
    progress: gr.HTML
    pad: gr.HTML
    names: gr.State  # the two directions of the pad
    found: gr.State  # the directions of a search that has ended
    without: gr.Button


class Sweep(NamedTuple):
    along: gr.Dropdown
    across: gr.Dropdown
    first: gr.Number
    last: gr.Number
    count: gr.Slider
    draw: gr.Button
    progress: gr.HTML
    sheet: gr.Image


class Measured(NamedTuple):
    rescore: gr.Button
    stop: gr.Button
    table: gr.HTML
    name: gr.Dropdown
    rows: gr.Button
    row_table: gr.HTML
    truth: gr.Button
    twins: list[gr.Image]


class Train(NamedTuple):
    name: gr.Textbox
    source: gr.Radio
    reading: gr.Dropdown
    less: gr.Textbox
    more: gr.Textbox
    labels: gr.File
    picks: gr.HTML
    page: gr.Button
    picked: gr.State  # seed -> 1 or -1
    shown: gr.State  # [(seed, data URI)] on this page
    groups: dict[str, Any]  # source -> what is shown for it
    count: gr.Slider
    run: gr.Button
    stop: gr.Button
    result: gr.HTML
    found: gr.State  # the direction of a training that has ended


class Explore(NamedTuple):
    method: gr.Radio
    what: gr.Dropdown
    run: gr.Button
    more: gr.Button
    strips: gr.HTML
    found: gr.State  # the edits behind the strips
    first: gr.State  # how many were shown before
    file: gr.UploadButton
    a: gr.Dropdown
    b: gr.Dropdown
    how: gr.Radio  # a key of AMOUNTS
    amount: gr.Number
    combine: gr.Button
    rows: gr.Textbox
    zero: gr.Button


class WorkshopTab(NamedTuple):
    variants: Variants | None
    sweep: Sweep
    measured: Measured
    train: Train
    explore: Explore


def build_shelf(words: Words) -> Shelf:
    """The visitor's own directions, with one slider for the chosen one."""
    with gr.Column(elem_id="shelf", visible=False) as box:
        with gr.Row(elem_id="shelf-row"):
            own = words.make(gr.Dropdown, {"label": "own"}, choices=[], elem_id="own")
            flip, remove, export = (
                words.make(gr.Button, {"value": f"own.{name}"}, elem_id=f"own-{name}", **SMALL)
                for name in ("flip", "remove", "export")
            )
        slider = words.make(
            gr.Slider,
            {"label": "own.slider"},
            minimum=-2 * REACH,
            maximum=2 * REACH,
            step=0.05,
            value=0,
            buttons=[],
            elem_id="slider-own",
        )
    return Shelf(box, own, slider, flip, remove, export)


def build_workshop(words: Words, workshop: Workshop, names: Sequence[str]) -> WorkshopTab:
    """The accordions; ``names`` are the attributes that have boundaries."""
    choices = name_choices(names, words.lang)
    variants = _variants(words, workshop, names) if workshop.readings else None
    return WorkshopTab(
        variants,
        _sweep(words, choices),
        _measured(words, workshop, choices),
        _train(words, workshop),
        _explore(words, workshop, choices),
    )


def name_choices(names: Sequence[str], lang: str) -> list[tuple[str, str]]:
    return [(attribute_name(name, lang), name) for name in names]


def what_choices(workshop: Workshop, method: str, lang: str) -> list[tuple[str, str]]:
    """What a method can be pointed at."""
    if method == "sefa":
        groups = [(say(f"layers.{group}", lang), group) for group in workshop.studio.groups]
        return [(say("explore.all", lang), "all"), *groups]
    if method == "basis":
        return [(say("explore.seed", lang, seed=seed), str(seed)) for seed in range(10)]
    if method == "channels":
        regions = [(say(f"region.{region}", lang), region) for region in workshop.regions]
        return [*name_choices(workshop.readings, lang), *regions]
    return []


def source_choices(workshop: Workshop, lang: str) -> list[tuple[str, str]]:
    """From what a direction can be trained here."""
    clip = "text_image_model" in workshop.domain.parts or workshop.domain.hub_clip is not None
    there = {"reading": bool(workshop.readings), "text": clip}
    return [(say(f"train.{s}", lang), s) for s in SOURCES if there.get(s, True)]


def method_choices(lang: str) -> list[tuple[str, str]]:
    return [(say(f"explore.{method}", lang), method) for method in METHODS]


def how_choices(lang: str) -> list[tuple[str, str]]:
    return [(say(f"surgery.{how}", lang), how) for how in AMOUNTS]


def _variants(words: Words, workshop: Workshop, names: Sequence[str]) -> Variants:
    with words.make(gr.Accordion, {"label": "variants"}, open=False, elem_id="variants"):
        words.make(gr.Markdown, {"value": "variants.intro"}, elem_classes="hint")
        with gr.Row():
            first = next(iter(names), workshop.readings[0])
            of = words.make(
                gr.Dropdown,
                {"label": "variants.of", "choices": partial(name_choices, workshop.readings)},
                value=first if first in workshop.readings else workshop.readings[0],
                elem_id="variants-of",
            )
            find = words.make(
                gr.Button, {"value": "variants.find"}, elem_id="variants-find", **SMALL
            )
        progress = html_box(elem_id="variants-progress")
        square = pad(visible=False, elem_id="pad")
        without = words.make(
            gr.Button,
            {"value": "variants.smile_teeth"},
            visible={"smile", "teeth"} <= set(names),
            elem_id="variants-without",
            **SMALL,
        )
    return Variants(of, find, progress, square, gr.State([]), gr.State(None), without)


def _sweep(words: Words, choices: list[tuple[str, str]]) -> Sweep:
    with words.make(gr.Accordion, {"label": "sweep"}, open=False, elem_id="sweep"):
        with gr.Row():
            along, across = (
                words.make(
                    gr.Dropdown,
                    {"label": f"sweep.{name}"},
                    choices=choices,
                    value=choices[0][1] if choices and name == "along" else None,
                    elem_id=f"sweep-{name}",
                )
                for name in ("along", "across")
            )
        with gr.Row():
            first = words.make(gr.Number, {"label": "sweep.from"}, value=-3, min_width=80)
            last = words.make(gr.Number, {"label": "sweep.to"}, value=3, min_width=80)
            count = words.make(
                gr.Slider, {"label": "sweep.count"}, minimum=2, maximum=13, step=1, value=7
            )
        draw = words.make(gr.Button, {"value": "sweep.draw"}, elem_id="sweep-draw", **SMALL)
        progress = html_box(elem_id="sweep-progress")
        sheet = words.make(
            gr.Image,
            {"label": "sweep.sheet"},
            format="png",
            interactive=False,
            visible=False,
            buttons=["download", "fullscreen"],
            elem_id="sheet",
        )
    return Sweep(along, across, first, last, count, draw, progress, sheet)


def _measured(words: Words, workshop: Workshop, choices: list[tuple[str, str]]) -> Measured:
    has = bool(workshop.readings)
    with words.make(
        gr.Accordion, {"label": "rescore"}, open=False, elem_id="rescoring", visible=has
    ):
        words.make(gr.Markdown, {"value": "rescore.intro"}, elem_classes="hint")
        with gr.Row():
            rescore = words.make(
                gr.Button, {"value": "rescore.run"}, elem_id="rescore-run", **SMALL
            )
            stop = _stop(words, "rescore-stop")
        table = html_box(elem_id="rescore-table")
    with words.make(gr.Accordion, {"label": "rows"}, open=False, elem_id="layer-by-layer"):
        with gr.Row():
            name = words.make(
                gr.Dropdown,
                {"label": "rows.name"},
                choices=choices,
                value=choices[0][1] if choices else None,
                elem_id="rows-name",
            )
            rows = words.make(gr.Button, {"value": "rows.run"}, elem_id="rows-run", **SMALL)
        row_table = html_box(elem_id="rows-table")
    shown = workshop.truth is not None
    with words.make(gr.Accordion, {"label": "truth"}, open=False, elem_id="truth", visible=shown):
        words.make(gr.Markdown, {"value": "truth.intro"}, elem_classes="hint")
        truth = words.make(gr.Button, {"value": "truth.run"}, elem_id="truth-run", **SMALL)
        with gr.Row():
            twins = [
                words.make(
                    gr.Image,
                    {"label": f"truth.{part}"},
                    format="jpeg",
                    interactive=False,
                    visible=False,
                    buttons=[],
                    min_width=100,
                    elem_id=f"truth-{part}",
                )
                for part in ("before", "after", "difference")
            ]
    return Measured(rescore, stop, table, name, rows, row_table, truth, twins)


def _train(words: Words, workshop: Workshop) -> Train:
    sources = source_choices(workshop, words.lang)
    with words.make(gr.Accordion, {"label": "train"}, open=False, elem_id="train"):
        with gr.Row():
            name = words.make(
                gr.Textbox,
                {"label": "train.name", "placeholder": "train.name.tip"},
                max_lines=1,
                elem_id="train-name",
            )
            source = words.make(
                gr.Radio,
                {"label": "train.from", "choices": partial(source_choices, workshop)},
                value=sources[0][1],
                elem_id="train-source",
            )
        reading = words.make(
            gr.Dropdown,
            {"label": "train.what", "choices": partial(name_choices, workshop.readings)},
            value=workshop.readings[0] if workshop.readings else None,
            visible=sources[0][1] == "reading",
            elem_id="train-reading",
        )
        with gr.Row(visible=False) as texts:
            less, more = (
                words.make(gr.Textbox, {"label": f"train.{side}"}, elem_id=f"train-{side}")
                for side in ("less", "more")
            )
        labels = words.make(
            gr.File, {"label": "train.csv"}, file_types=[".csv", ".txt"], visible=False, height=90,
            elem_id="train-csv",
        )  # fmt: skip
        with gr.Column(visible=False) as gallery:
            words.make(gr.Markdown, {"value": "train.pick"}, elem_classes="hint")
            pictures = picks(elem_id="picks")
            page = words.make(gr.Button, {"value": "train.page"}, elem_id="train-page", **SMALL)
        count = words.make(
            gr.Slider,
            {"label": "train.count", "info": "train.count.tip"},
            minimum=200,
            maximum=10_000,
            step=200,
            value=2_000,
            elem_id="train-count",
        )
        with gr.Row():
            run = words.make(
                gr.Button, {"value": "train.run"}, variant="primary", elem_id="train-run", **SMALL
            )
            stop = _stop(words, "train-stop")
        result = html_box(elem_id="train-result")
    groups = {"reading": reading, "text": texts, "labels": labels, "pictures": gallery}
    return Train(
        name, source, reading, less, more, labels, pictures, page, gr.State({}), gr.State([]),
        groups, count, run, stop, result, gr.State(None),
    )  # fmt: skip


def _stop(words: Words, elem_id: str) -> gr.Button:
    """A button that can be pressed while something runs."""
    return words.make(
        gr.Button, {"value": "train.stop"}, interactive=False, elem_id=elem_id, **SMALL
    )


def _explore(words: Words, workshop: Workshop, choices: list[tuple[str, str]]) -> Explore:
    with words.make(gr.Accordion, {"label": "explore"}, open=False, elem_id="explore"):
        method = words.make(
            gr.Radio,
            {"label": "explore.method", "choices": method_choices},
            value="sefa",
            elem_id="explore-method",
        )
        with gr.Row():
            what = words.make(
                gr.Dropdown,
                {"label": "explore.what"},
                choices=what_choices(workshop, "sefa", words.lang),
                value="all",
                elem_id="explore-what",
            )
            run = words.make(gr.Button, {"value": "explore.run"}, elem_id="explore-run", **SMALL)
            more = words.make(gr.Button, {"value": "explore.next"}, elem_id="explore-next", **SMALL)
        rows = strips(elem_id="strips")
        file = words.make(gr.UploadButton, {"label": "own.import"}, elem_id="own-import", **SMALL)
        words.caption("surgery")
        with gr.Row():
            a, b = (
                words.make(
                    gr.Dropdown, {"label": f"surgery.{n}"}, choices=choices, elem_id=f"surgery-{n}"
                )
                for n in ("a", "b")
            )
        with gr.Row():
            how = words.make(
                gr.Radio,
                {"label": "surgery.how", "choices": how_choices},
                value="turn",
                elem_id="surgery-how",
            )
            amount = words.make(
                gr.Number,
                {"label": "surgery.amount", "info": "surgery.amount.tip"},
                value=AMOUNTS["turn"],
                elem_id="surgery-amount",
            )
            combine = words.make(
                gr.Button, {"value": "surgery.combine"}, elem_id="surgery-combine", **SMALL
            )
        with gr.Row():
            zeroed = words.make(
                gr.Textbox, {"label": "surgery.rows"}, max_lines=1, elem_id="surgery-rows"
            )
            zero = words.make(gr.Button, {"value": "surgery.zero"}, elem_id="surgery-zero", **SMALL)
    return Explore(
        method, what, run, more, rows, gr.State([]), gr.State(0), file,
        a, b, how, amount, combine, zeroed, zero,
    )  # fmt: skip
