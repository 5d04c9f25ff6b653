"""The Presets tab: cards of published experiments, and what the last one made."""

import base64
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import gradio as gr

from editing.recipes.presets import KINDS
from ui.components.film_player import Screen, build_screen
from ui.components.localized import Words
from ui.locales import note, say
from ui.runtime.markup import Html, classes, html_box, tag
from ui.tabs.presets.actions import Shown

GROUPS = ("all", "boundary", "inversion", "mixing", "text", "walk")  # tags one can look for

CARDS_JS = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-act]');
  if (!button) return;
  document.getElementById('preset-result')?.scrollIntoView({ block: 'nearest' });
  trigger('run', { name: button.dataset.name, act: button.dataset.act });
});
"""


class PresetsTab(NamedTuple):
    group: gr.Radio
    filmed: Screen
    stop: gr.Button
    cards: gr.HTML
    plan: gr.State  # what runs: {"name": ..., "published": ...}
    now: gr.State  # the same where nothing comes before its grid or film
    later: gr.State  # the same where a search does
    looked: gr.State  # whether the cards were ever looked at


def build_presets_tab(words: Words) -> PresetsTab:
    """The tab's widgets; the cards come when it is first looked at."""
    words.make(gr.Markdown, {"value": "presets.intro"}, elem_classes="intro")
    with gr.Column(elem_id="preset-result"):
        filmed = build_screen(words, "preset", "presets", buttons=["fullscreen"])
        stop = words.make(
            gr.Button, {"value": "stop"}, size="sm", visible=False, elem_id="preset-stop"
        )
    group = words.make(
        gr.Radio,
        {"choices": lambda lang: [(say(f"presets.group.{name}", lang), name) for name in GROUPS]},
        value=GROUPS[0],
        show_label=False,
        container=False,
        elem_id="preset-group",
    )
    cards = html_box(cards_html(()), script=CARDS_JS, elem_id="preset-cards")
    states = (gr.State(None), gr.State(None), gr.State(None), gr.State(False))
    return PresetsTab(group, filmed, stop, cards, *states)


def card_values(shown: Sequence[Shown], group: str, lang: str) -> list[dict[str, str]]:
    """The cards of a group (one of ``GROUPS``): those that work, and the quick ones, first."""
    found = [each for each in shown if group in ("all", *each.preset.recipe.tags)]
    found.sort(key=lambda each: (bool(each.lacks), KINDS.index(each.preset.kind)))
    return [_card(each, lang) for each in found]


def cards_html(cards: Sequence[Mapping[str, str]]) -> Html:
    """The cards of ``card_values``."""
    drawn = []
    for card in cards:
        title, source = card["title"], card["src"]
        words = tag(
            "div",
            tag("h3", title),
            tag("p", card["paper"], class_="preset-paper", title=card["citation"]),
            tag("p", card["text"]),
            _acts(card),
            class_="preset-words",
        )
        picture = tag("img", src=source, alt=card["alt"], loading="lazy") if source else None
        look = classes("preset", off=card["lacks"])
        drawn.append(tag("article", picture, words, class_=look, role="listitem", aria_label=title))
    return tag("div", drawn, class_="presets", role="list")


def _acts(card: Mapping[str, str]) -> Html:
    """What can be done with a card, or what it lacks."""
    if card["lacks"]:
        return tag("p", card["lacks"], class_="preset-lacks")
    buttons = [
        tag(
            "button", card[act], data_name=card["name"], data_act=act,
            aria_label=f"{card[act]}: {card['title']}",
        )
        for act in ("apply", "publish")
    ]  # fmt: skip
    return tag("div", buttons, class_="preset-acts")


def _card(shown: Shown, lang: str) -> dict[str, str]:
    preset = shown.preset
    title, citation = preset.title(lang), preset.recipe.citation
    source = base64.b64encode(shown.thumbnail).decode()
    lacks = say("presets.lacks", lang, reason=note(shown.lacks, lang)) if shown.lacks else ""
    return {
        "name": preset.name,
        "title": title,
        "text": preset.description(lang),
        "citation": citation,
        "paper": citation.partition(",")[0],
        "src": f"data:image/jpeg;base64,{source}" if source else "",
        "alt": say("presets.picture", lang, title=title),
        "lacks": lacks,
        "apply": say("presets.apply", lang),
        "publish": say("presets.publish", lang),
    }
