"""The Walk tab: a kind of walk, its few settings, the film while it is drawn, and how it moves."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import gradio as gr

from editing.animation.easing import EASINGS
from editing.animation.paths import CURVES
from editing.recipes.batches import VIDEO_SUFFIXES
from ui.components.choices import given_choices
from ui.components.film_player import HEIGHT, LOOK, Screen, build_screen
from ui.components.localized import Words
from ui.components.widgets import unbounded, uploads_only
from ui.locales import say
from ui.runtime.markup import html_box

Make = Callable[..., Any]  # component, name, options -> the widget of one setting

# kind -> the settings that it shows
SETTINGS: dict[str, tuple[str, ...]] = {
    "sweep": ("attribute", "from", "to"),
    "timeline": ("timeline",),
    "keyframes": ("through", "curve"),
    "loop": ("radius", "space"),
    "noise-loop": ("radius", "space"),
    "truncation": (),
    "basis": ("radius", "space"),
    "random": ("attribute", "step", "reach", "space"),
    "piecewise": ("attribute", "step", "reach", "space", "segments", "flags"),
    "metropolis": ("step", "space", "where", "low", "high"),
    "reenact": ("through", "drivers", "amount", "only"),
    "place": ("right", "down", "turn"),
}
NAMES = ("attribute", "from", "to", "timeline", "through", "curve", "radius", "step", "reach",
         "space", "segments", "flags", "where", "low", "high", "drivers", "amount", "only", "right",
         "down", "turn")  # fmt: skip
TIME = ("frames", "fps", "ease", "hold", "seed", "ping_pong", "loop", "even", "beside", "captions",
        "format", "size")  # fmt: skip
MOST = 600  # frames on the page; the command line makes longer films
COLUMNS = ("attribute", "time", "value", "ease")  # of the timeline
FORMATS = {".mp4": "mp4", ".gif": "gif", ".webm": "webm", ".webp": "webp"}  # and two with words
WORDED = {".png": "walk.strip", "": "walk.pngs"}
TRACKS = [["smile", 0, 0, ""], ["smile", 0.5, 2, "sine"], ["smile", 1, 0, "sine"]]


class Measured(NamedTuple):
    """How a film moves."""

    run: gr.Button
    stop: gr.Button
    report: gr.HTML
    plot: gr.Image
    heat: gr.Image


class WalkTab(NamedTuple):
    kind: gr.Dropdown
    settings: dict[str, Any]  # by NAMES
    time: dict[str, Any]  # by TIME
    run: gr.Button
    stop: gr.Button
    filmed: Screen
    measured: Measured
    made: gr.State  # what was filmed last

    @property
    def wanted(self) -> list[Any]:
        """What a walk is made of: kind, settings, time."""
        settings, time = self.settings, self.time
        return [self.kind, *(settings[name] for name in NAMES), *(time[name] for name in TIME)]


def build_walk_tab(
    words: Words, names: Sequence[str], resolution: int, movable: bool = False
) -> WalkTab:
    """The tab's widgets; ``names`` are the attributes, ``movable`` says that pictures can turn."""
    words.make(gr.Markdown, {"value": "walk.intro"}, elem_classes="intro")
    kinds = kinds_of(names, movable)
    kind = words.make(
        gr.Dropdown,
        {
            "label": "walk.kind",
            "choices": lambda lang: [(say(f"walk.kind.{k}", lang), k) for k in kinds],
        },
        value=kinds[0],
        elem_id="walk-kind",
    )
    settings = _settings(words, names, SETTINGS[kinds[0]])
    with gr.Row(elem_id="walk-running"):
        run = words.make(gr.Button, {"value": "walk.run"}, variant="primary", elem_id="walk-run")
        stop = words.make(gr.Button, {"value": "stop"}, elem_id="walk-stop")
    filmed = build_screen(words, "walk", "walk", height=HEIGHT)
    with words.make(gr.Accordion, {"label": "walk.more"}, open=False, elem_id="walk-more"):
        time = _time(words, resolution)
    with words.make(gr.Accordion, {"label": "walk.measure"}, open=False, elem_id="walk-motion"):
        measured = _measured(words)
    return WalkTab(kind, settings, time, run, stop, filmed, measured, gr.State(None))


def kinds_of(names: Sequence[str], movable: bool) -> list[str]:
    """The kinds of walks that a domain has, the first one first."""
    without = set() if names else {"sweep", "timeline"}
    without |= set() if movable else {"place"}
    return [kind for kind in SETTINGS if kind not in without]


def _measured(words: Words) -> Measured:
    words.make(gr.Markdown, {"value": "walk.measure.tip"}, elem_classes="hint")
    with gr.Row():
        run = words.make(
            gr.Button, {"value": "walk.measure.run"}, size="sm", elem_id="walk-measure"
        )
        stop = words.make(gr.Button, {"value": "stop"}, size="sm", elem_id="walk-measure-stop")
    report = html_box(elem_id="walk-report")
    plot, heat = (
        gr.Image(visible=False, elem_id=f"walk-{which}", **LOOK) for which in ("plot", "heat")
    )
    return Measured(run, stop, report, plot, heat)


def _settings(words: Words, names: Sequence[str], shown: Sequence[str]) -> dict[str, Any]:
    def make(component: Any, name: str, label: str = "", **options: Any) -> Any:
        texts: dict[str, Any] = {"label": label or f"walk.{name}"}
        texts |= {key: options.pop(key) for key in ("choices", "info") if key in options}
        return words.make(
            component, texts, visible=name in shown, elem_id=f"walk-{name}", **options
        )

    return {
        **_attribute_settings(make, words, names, "timeline" in shown),
        **_portrait_settings(make, names),
        **_chance_settings(make, names),
        **_place_settings(make),
    }


def _attribute_settings(
    make: Make, words: Words, names: Sequence[str], tracks: bool
) -> dict[str, Any]:
    with gr.Row():
        attribute = make(
            gr.Dropdown, "attribute", choices=lambda lang: given_choices(names, lang),
            value=names[0] if names else None,
        )  # fmt: skip
        start = make(gr.Slider, "from", minimum=-5, maximum=5, step=0.1, value=-2, buttons=[])
        end = make(gr.Slider, "to", minimum=-5, maximum=5, step=0.1, value=2, buttons=[])
    timeline = words.make(
        gr.Dataframe, {"label": "walk.timeline.tip"}, value=TRACKS if names else [],
        headers=[say(f"walk.column.{column}", words.lang) for column in COLUMNS],
        datatype=["str", "number", "number", "str"], type="array", interactive=True,
        column_count=4, visible=tracks, elem_id="walk-timeline",
    )  # fmt: skip
    return {"attribute": attribute, "from": start, "to": end, "timeline": timeline}


def _portrait_settings(make: Make, names: Sequence[str]) -> dict[str, Any]:
    with gr.Row():
        through = make(gr.Textbox, "through", info="walk.through.tip", value="7, 12", max_lines=1)
        curve = make(
            gr.Dropdown, "curve", value="linear",
            choices=lambda lang: [(say(f"walk.curve.{c}", lang), c) for c in CURVES],
        )  # fmt: skip
    drivers = make(
        gr.File, "drivers", file_count="multiple", height=110,
        file_types=[".npz", ".png", ".jpg", ".jpeg", ".webp", *sorted(VIDEO_SUFFIXES)],
    )  # fmt: skip
    with gr.Row():
        amount = make(gr.Slider, "amount", minimum=-2, maximum=2, step=0.05, value=1, buttons=[])
        only = make(
            gr.Dropdown, "only", "mix.along", info="mix.along.tip", multiselect=True, value=[],
            choices=lambda lang: given_choices(names, lang),
        )  # fmt: skip
    return {"through": through, "curve": curve, "drivers": uploads_only(drivers), "amount": amount,
            "only": only}  # fmt: skip


def _chance_settings(make: Make, names: Sequence[str]) -> dict[str, Any]:
    with gr.Row():
        radius = make(gr.Slider, "radius", info="walk.radius.tip", minimum=0.05, maximum=1,
                      step=0.05, value=0.3, buttons=[])  # fmt: skip
        step = make(gr.Slider, "step", info="walk.step.tip", minimum=0.05, maximum=5, step=0.05,
                    value=0.3, buttons=[])  # fmt: skip
        reach = make(gr.Slider, "reach", info="walk.reach.tip", minimum=0, maximum=10, step=0.5,
                     value=0, buttons=[])  # fmt: skip
        space = make(
            gr.Dropdown, "space", info="walk.space.tip", value="w",
            choices=lambda lang: [(say(f"walk.space.{s}", lang), s) for s in ("w", "z")],
        )  # fmt: skip
    with gr.Row():
        segments = make(gr.Textbox, "segments", value="0.35, 0.58, 0.75, 0.85, 1", max_lines=1)
        flags = make(gr.Textbox, "flags", value="1, -1, 1, -1, 1", max_lines=1)
    with gr.Row():
        where = make(
            gr.Dropdown, "where", info="walk.where.tip", value="",
            choices=lambda lang: [("–", ""), *given_choices(names, lang)],
        )  # fmt: skip
        low = make(gr.Number, "low", "walk.from", value=-1)
        high = make(gr.Number, "high", "walk.to", value=1)
    return {"radius": radius, "step": step, "reach": reach, "space": space, "segments": segments,
            "flags": flags, "where": where, "low": low, "high": high}  # fmt: skip


def _place_settings(make: Make) -> dict[str, Any]:
    with gr.Row():
        right, down = (
            make(gr.Slider, name, f"mix.{name}", minimum=-0.5, maximum=0.5, step=0.01,
                 value=value, buttons=[])
            for name, value in (("right", 0.1), ("down", 0.0))
        )  # fmt: skip
        turn = make(gr.Slider, "turn", minimum=-180, maximum=180, step=1, value=0, buttons=[])
    return {"right": right, "down": down, "turn": turn}


def _time(words: Words, resolution: int) -> dict[str, Any]:
    def slider(key: str, low: float, high: float, step: float, value: float, **texts: str) -> Any:
        return words.make(
            gr.Slider, {"label": f"walk.{key}", **texts}, minimum=low, maximum=high, step=step,
            value=value, buttons=[], elem_id=f"walk-{key}",
        )  # fmt: skip

    with gr.Row():
        frames = unbounded(slider("frames", 1, MOST, 1, 90, info="walk.frames.tip"))
        fps = unbounded(slider("fps", 1, 60, 1, 30))
    with gr.Row():
        ease = words.make(
            gr.Dropdown,
            {
                "label": "walk.ease",
                "info": "walk.ease.tip",
                "choices": lambda lang: [(say(f"walk.ease.{e}", lang), e) for e in EASINGS],
            },
            value=["sine"],
            multiselect=True,
            elem_id="walk-ease",
        )
        hold = slider("hold", 0, 3, 0.1, 0)
        seed = words.make(gr.Number, {"label": "walk.seed"}, value=0, precision=0, minimum=0,
                          elem_id="walk-seed")  # fmt: skip
    with gr.Row():
        ticks = {
            key: words.make(gr.Checkbox, {"label": f"walk.{key}"}, value=key == "ping_pong",
                            elem_id=f"walk-{key}")
            for key in ("ping_pong", "loop", "even", "beside", "captions")
        }  # fmt: skip
    with gr.Row():
        kind = words.make(
            gr.Dropdown,
            {
                "label": "walk.format",
                "choices": lambda lang: [
                    *((name, kind) for kind, name in FORMATS.items()),
                    *((say(key, lang), kind) for kind, key in WORDED.items()),
                ],
            },
            value=".mp4",
            elem_id="walk-format",
        )
        size = slider("size", 64, 1024, 32, max(resolution, 256))
    return {"frames": frames, "fps": fps, "ease": ease, "hold": hold, "seed": seed, **ticks,
            "format": kind, "size": size}  # fmt: skip
