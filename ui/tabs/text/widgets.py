"""A text edit explained: its channels by layer, the strongest ones to click; prompts to click."""

from collections.abc import Iterable, Mapping
from typing import Any

import gradio as gr

from editing.text.report import Report
from ui.locales import LANGUAGES, say
from ui.locales.text import SUGGESTIONS

SHOWN = 24  # channels to click

REPORT = """
{{#if value.line}}
<div class="text-report">
  <p>{{value.line}}</p>
  {{#if value.asked}}<p><b>{{value.asked}}</b></p>{{/if}}
  {{#if value.unknown}}<p class="text-unknown">{{value.unknown}}</p>{{/if}}
  <div class="text-layers" role="list">
    {{#each value.layers}}
    <span role="listitem" title="{{title}}"
      ><i style="height:{{height}}%"></i><em>{{name}}</em></span>
    {{/each}}
  </div>
  <div class="text-channels" role="list">
    {{#each value.channels}}
    <button data-channel="{{name}}" role="listitem" title="{{../value.tip}}: {{name}} {{weight}}"
      ><i class="{{side}}" style="width:{{width}}%"></i><span>{{name}}</span></button>
    {{/each}}
  </div>
</div>
{{/if}}
"""
REPORT_JS = """
element.addEventListener('click', (event) => {
  const chosen = event.target.closest('[data-channel]');
  if (chosen) trigger('pick', { channel: chosen.dataset.channel });
});
"""

PROMPTS = """
<div class="text-prompts" role="list" aria-label="{{value.title}}">
  {{#each value.items}}<button data-index="{{@index}}" role="listitem">{{this}}</button>{{/each}}
</div>
"""
PROMPTS_JS = """
element.addEventListener('click', (event) => {
  const chosen = event.target.closest('[data-index]');
  if (chosen) trigger('pick', { index: Number(chosen.dataset.index) });
});
"""

# Functions, not subclasses; see ui.components.widgets.


def report_widget(**options: Any) -> gr.HTML:
    """The report of a text edit; ``pick`` fires with a ``channel``. See ``report_value``."""
    return gr.HTML({}, html_template=REPORT, js_on_load=REPORT_JS, **options)


def prompts_widget(lang: str, **options: Any) -> gr.HTML:
    """Prompts to click; ``pick`` fires with an ``index``."""
    value = prompts_value(lang)
    return gr.HTML(value, html_template=PROMPTS, js_on_load=PROMPTS_JS, **options)


def prompts_value(lang: str) -> dict[str, Any]:
    items = [both[LANGUAGES.index(lang)] for both in SUGGESTIONS]
    return {"title": say("text.suggestions", lang), "items": items}


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
