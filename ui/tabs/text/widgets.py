"""A text edit explained: its channels by layer, the strongest ones to click; prompts to click."""

from collections.abc import Iterable, Mapping
from typing import Any

import gradio as gr

from editing.text.report import Report
from ui.locales import LANGUAGES, say
from ui.locales.text import SUGGESTIONS
from ui.runtime.markup import Html, html_box, joined, tag

SHOWN = 24  # channels to click

REPORT_JS = """
element.addEventListener('click', (event) => {
  const chosen = event.target.closest('[data-channel]');
  if (chosen) trigger('pick', { channel: chosen.dataset.channel });
});
"""

PROMPTS_JS = """
element.addEventListener('click', (event) => {
  const chosen = event.target.closest('[data-index]');
  if (chosen) trigger('pick', { index: Number(chosen.dataset.index) });
});
"""

# Functions, not subclasses; see ui.components.widgets.


def report_widget(**options: Any) -> gr.HTML:
    """The report of a text edit; ``pick`` fires with a ``channel``. See ``report_html``."""
    return html_box(script=REPORT_JS, **options)


def report_html(value: Mapping[str, Any]) -> Html:
    """The report of ``report_value``; "" where there is none."""
    if not value.get("line"):
        return joined()
    asked, unknown = value.get("asked"), value.get("unknown")
    layers = [
        tag(
            "span", tag("i", style=f"height:{each['height']}%"), tag("em", each["name"]),
            role="listitem", title=each["title"],
        )
        for each in value.get("layers", ())
    ]  # fmt: skip
    channels = [_channel(each, value["tip"]) for each in value.get("channels", ())]
    return tag(
        "div",
        tag("p", value["line"]),
        tag("p", tag("b", asked)) if asked else None,
        tag("p", unknown, class_="text-unknown") if unknown else None,
        tag("div", layers, class_="text-layers", role="list"),
        tag("div", channels, class_="text-channels", role="list"),
        class_="text-report",
    )


def _channel(each: Mapping[str, str], tip: str) -> Html:
    bar = tag("i", class_=each["side"], style=f"width:{each['width']}%")
    title = f"{tip}: {each['name']} {each['weight']}"
    return tag(
        "button", bar, tag("span", each["name"]), data_channel=each["name"], role="listitem",
        title=title,
    )  # fmt: skip


def prompts_widget(lang: str, **options: Any) -> gr.HTML:
    """Prompts to click; ``pick`` fires with an ``index``."""
    return html_box(prompts_html(lang), script=PROMPTS_JS, **options)


def prompts_html(lang: str) -> Html:
    items = [both[LANGUAGES.index(lang)] for both in SUGGESTIONS]
    buttons = [tag("button", text, data_index=n, role="listitem") for n, text in enumerate(items)]
    title = say("text.suggestions", lang)
    return tag("div", buttons, class_="text-prompts", role="list", aria_label=title)


def report_value(
    report: Report | None, layers: Iterable[str], total: int, lang: str
) -> dict[str, Any]:
    """What the widget shows; ``layers`` are all that could take part, in order."""
    if report is None:
        return {}
    beta = "–" if report.beta is None else f"{report.beta:.3f}"
    value: dict[str, Any] = {
        "line": say("text.channels", lang, count=report.channels, total=total, beta=beta),
        "layers": _layers(report.by_layer, layers, lang),
        "channels": _channels(report),
        "tip": say("text.alone", lang),
    }
    if report.asked is not None:
        value["asked"] = say("text.asked", lang, percent=f"{100 * report.asked:.0f}")
    if report.unknown:
        value["unknown"] = say("text.unknown", lang, words=", ".join(report.unknown))
    return value


def _layers(counts: Mapping[str, int], layers: Iterable[str], lang: str) -> list[dict[str, Any]]:
    most = max(counts.values(), default=1) or 1
    bars = []
    for layer in layers:
        count = counts.get(layer, 0)
        title = say("text.layer", lang, layer=layer, count=count)
        height = f"{100 * count / most:.0f}"
        bars.append({"name": layer.partition(".")[0], "title": title, "height": height})
    return bars


def _channels(report: Report) -> list[dict[str, str]]:
    strongest = max((abs(weight) for _, weight in report.top), default=1.0) or 1.0
    return [
        {
            "name": str(channel),
            "weight": f"{weight:+.2f}",
            "width": f"{100 * abs(weight) / strongest:.0f}",
            "side": "more" if weight > 0 else "less",
        }
        for channel, weight in report.top[:SHOWN]
    ]
