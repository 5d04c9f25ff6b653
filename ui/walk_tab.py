"""The Walk tab: a kind of walk, its few settings, the film while it is drawn, and how it moves."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import gradio as gr

from editing.easing import EASINGS
from editing.ways import CURVES
from ui.boundaries_tab import given_choices
from ui.drawing import note_html
from ui.messages import say
from ui.words import Words

# kind -> the settings that it shows
SETTINGS: dict[str, tuple[str, ...]] = {
    "sweep": ("attribute", "from", "to"),
    "timeline": ("timeline",),
    "keyframes": ("through", "curve"),
    "loop": ("radius",),
    "noise-loop": ("radius",),
    "truncation": (),
    "basis": ("radius",),
    "random": ("attribute", "step"),
    "piecewise": ("attribute", "step", "segments", "flags"),
    "metropolis": ("step", "where", "low", "high"),
}
COLUMNS = ("attribute", "time", "value", "ease")  # of the timeline
FIRST_KIND = "sweep"
FORMATS = (".mp4", ".gif", ".webm", ".webp", ".png")
TRACKS = [["smile", 0, 0, ""], ["smile", 0.5, 2, "sine"], ["smile", 1, 0, "sine"]]


class WalkTab(NamedTuple):
    kind: gr.Dropdown
    settings: dict[str, Any]  # by the names in SETTINGS
    time: dict[str, Any]  # frames, fps, ease, ... in the order of walk_handlers.TIME
    run: gr.Button
    stop: gr.Button
    picture: gr.Image
    progress: gr.HTML
    film: gr.Video
    still: gr.Image
    file: gr.DownloadButton
    recipe: gr.DownloadButton
    measure: gr.Button
    stop_measure: gr.Button
    report: gr.HTML
    plot: gr.Image
    heat: gr.Image
    made: gr.State  # what was filmed last

    @property
    def wanted(self) -> list[Any]:
        """What a walk is made of: kind, settings, time."""
        return [self.kind, *self.settings.values(), *self.time.values()]


def build_walk_tab(words: Words, names: Sequence[str], resolution: int) -> WalkTab:
    """The tab's widgets; ``names`` are the attributes."""
    words.make(gr.Markdown, {"value": "walk.intro"}, elem_classes="intro")
    kinds = [kind for kind in SETTINGS if names or kind not in ("sweep", "timeline")]
    first = FIRST_KIND if names else "loop"
    kind = words.make(
        gr.Dropdown,
        {
            "label": "walk.kind",
            "choices": lambda lang: [(say(f"walk.kind.{k}", lang), k) for k in kinds],
        },
        value=first,
        elem_id="walk-kind",
    )
    settings = _settings(words, names, first)
    with gr.Row(elem_id="walk-running"):
        run = words.make(gr.Button, {"value": "walk.run"}, variant="primary", elem_id="walk-run")
        stop = words.make(gr.Button, {"value": "stop"}, elem_id="walk-stop")
    progress = gr.HTML(note_html(say("walk.idle", words.lang)), elem_id="walk-progress")
    picture = gr.Image(visible=False, elem_id="walk-picture", **SHOWN)
    film = words.make(
        gr.Video, {"label": "walk.film"}, visible=False, autoplay=True, loop=True, height=300,
        buttons=[], elem_id="walk-film",
    )  # fmt: skip
    still = gr.Image(visible=False, elem_id="walk-still", **SHOWN)
    with gr.Row():
        file, recipe = (
            words.make(
                gr.DownloadButton, {"label": f"walk.{which}"}, visible=False, size="sm",
                elem_id=f"walk-{which}",
            )
            for which in ("file", "recipe")
        )  # fmt: skip
    with words.make(gr.Accordion, {"label": "walk.more"}, open=False, elem_id="walk-more"):
        time = _time(words, resolution)
    with words.make(gr.Accordion, {"label": "walk.measure"}, open=False, elem_id="walk-motion"):
        words.make(gr.Markdown, {"value": "walk.measure.tip"}, elem_classes="hint")
        with gr.Row():
            measure = words.make(
                gr.Button, {"value": "walk.measure.run"}, size="sm", elem_id="walk-measure"
            )
            stop_measure = words.make(
                gr.Button, {"value": "stop"}, size="sm", elem_id="walk-measure-stop"
            )
        report = gr.HTML("", elem_id="walk-report")
        plot = gr.Image(visible=False, elem_id="walk-plot", **{**SHOWN, "height": None})
        heat = gr.Image(visible=False, elem_id="walk-heat", **{**SHOWN, "height": None})
    return WalkTab(
        kind, settings, time, run, stop, picture, progress, film, still, file, recipe, measure,
        stop_measure, report, plot, heat, gr.State(None),
    )  # fmt: skip


def _settings(words: Words, names: Sequence[str], kind: str) -> dict[str, Any]:
    shown = SETTINGS[kind]

    def make(component: Any, name: str, label: str = "", **options: Any) -> Any:
        texts: dict[str, Any] = {"label": label or f"walk.{name}"}
        if "choices" in options:
            texts["choices"] = options.pop("choices")
        if (tip := options.pop("info", "")) != "":
            texts["info"] = tip
        return words.make(
            component, texts, visible=name in shown, elem_id=f"walk-{name}", **options
        )

    with gr.Row():
        attribute = make(
            gr.Dropdown, "attribute", choices=lambda lang: given_choices(names, lang),
            value=names[0] if names else None,
        )  # fmt: skip
        start = make(gr.Slider, "from", minimum=-5, maximum=5, step=0.1, value=-2, buttons=[])
        end = make(gr.Slider, "to", minimum=-5, maximum=5, step=0.1, value=2, buttons=[])
    timeline = words.make(
        gr.Dataframe, {"label": "walk.timeline"}, value=TRACKS if names else [],
        headers=[say(f"walk.column.{column}", words.lang) for column in COLUMNS],
        datatype=["str", "number", "number", "str"], type="array", interactive=True,
        column_count=4, visible="timeline" in shown, elem_id="walk-timeline",
    )  # fmt: skip
    with gr.Row():
        through = make(gr.Textbox, "through", info="walk.through.tip", value="7, 12", max_lines=1)
        curve = make(
            gr.Dropdown, "curve", value="linear",
            choices=lambda lang: [(say(f"walk.curve.{c}", lang), c) for c in CURVES],
        )  # fmt: skip
    radius = make(gr.Slider, "radius", info="walk.radius.tip", minimum=0.05, maximum=1, step=0.05,
                  value=0.3, buttons=[])  # fmt: skip
    step = make(gr.Slider, "step", info="walk.step.tip", minimum=0.05, maximum=5, step=0.05,
                value=0.3, buttons=[])  # fmt: skip
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
    made = (attribute, start, end, timeline, through, curve, radius, step, segments, flags, where)
    keys = ("attribute", "from", "to", "timeline", "through", "curve", "radius", "step",
            "segments", "flags", "where", "low", "high")  # fmt: skip
    return dict(zip(keys, (*made, low, high), strict=True))


def _time(words: Words, resolution: int) -> dict[str, Any]:
    def slider(key: str, low: float, high: float, step: float, value: float) -> Any:
        return words.make(
            gr.Slider, {"label": f"walk.{key}"}, minimum=low, maximum=high, step=step, value=value,
            buttons=[], elem_id=f"walk-{key}",
        )  # fmt: skip

    with gr.Row():
        frames = slider("frames", 1, 600, 1, 90)
        fps = slider("fps", 1, 60, 1, 30)
    with gr.Row():
        ease = words.make(
            gr.Dropdown,
            {
                "label": "walk.ease",
                "choices": lambda lang: [(say(f"walk.ease.{e}", lang), e) for e in EASINGS],
            },
            value="sine",
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
                    (say("walk.strip", lang) if f == ".png" else f[1:], f) for f in FORMATS
                ],
            },
            value=".mp4",
            elem_id="walk-format",
        )
        size = slider("size", 64, 1024, 32, max(resolution, 256))
    return {"frames": frames, "fps": fps, "ease": ease, "hold": hold, "seed": seed, **ticks,
            "format": kind, "size": size}  # fmt: skip


SHOWN: dict[str, Any] = {
    "show_label": False,
    "interactive": False,
    "format": "jpeg",
    "buttons": [],
    "height": 300,
}
