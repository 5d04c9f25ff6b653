"""The panel of files to fetch: what a world lacks, its licence, and a button that brings it.

It is there only where something is missing, and open where the world that was asked for could not
be opened.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from editing.errors import EditingError
from editing.io.http import offline
from editing.models.fetching import CLIP, amount
from ui.components.html import line_html, note_html
from ui.components.localized import Words
from ui.locales import refusal, say
from ui.runtime.markup import Html, html_box, tag
from ui.runtime.model_downloads import Fetcher, Progress


class WeightsPanel(NamedTuple):
    choice: gr.Dropdown
    about: gr.HTML
    fetch: gr.Button
    stop: gr.Button
    progress: gr.HTML


def build_weights_panel(words: Words, fetcher: Fetcher) -> WeightsPanel | None:
    """None where nothing is missing."""
    lacking = fetcher.lacking()
    if not lacking:
        return None
    first = next(iter(lacking))
    with words.make(
        gr.Accordion, {"label": "weights"}, open=fetcher.wanted is not None, elem_id="weights"
    ):
        with gr.Row():
            choice = words.make(
                gr.Dropdown,
                {"label": "weights.choose"},
                choices=[(domain.title, name) for name, domain in lacking.items()],
                value=first,
                scale=3,
                elem_id="weights-choice",
            )
            fetch = words.make(
                gr.Button,
                {"value": "weights.fetch"},
                variant="primary",
                interactive=fetcher.allowed and not offline(),
                scale=1,
                min_width=120,
                elem_id="weights-fetch",
            )
            stop = words.make(
                gr.Button,
                {"value": "weights.stop"},
                visible=False,
                scale=1,
                min_width=90,
                elem_id="weights-stop",
            )
        progress = html_box(elem_id="weights-progress")
        about = html_box(about_html(fetcher, first, words.lang), elem_id="weights-about")
    return WeightsPanel(choice, about, fetch, stop, progress)


class WeightsHandlers:
    """Bound to the server's one fetcher."""

    def __init__(self, fetcher: Fetcher) -> None:
        self.fetcher = fetcher

    def about(self, name: str, lang: str) -> Html:
        return about_html(self.fetcher, name, lang)

    def fetch(self, name: str, lang: str) -> Iterator[tuple[Any, ...]]:
        """Download what a world lacks: (progress, what is left, buttons), until it is complete."""
        running = (gr.update(visible=False), gr.update(visible=True))
        idle = (gr.update(visible=True), gr.update(visible=False))
        try:
            for step in self.fetcher.fetch(name):
                yield progress_html(step, lang), gr.skip(), *running
        except EditingError as error:
            yield note_html(refusal(error, lang)), about_html(self.fetcher, name, lang), *idle
            return
        if name in self.fetcher.lacking():
            text = say("weights.stopped", lang)
        else:
            command = f"python app.py --domain {name}"
            text = say("weights.done", lang, title=name, command=command)
        yield note_html(text), about_html(self.fetcher, name, lang), *idle

    def stop(self) -> None:
        self.fetcher.stop()


def wire_weights_panel(
    panel: WeightsPanel, handlers: WeightsHandlers, language: gr.Radio, instant: dict[str, Any]
) -> None:
    """Choosing a world describes it; the button downloads, in a lane of its own."""
    shown = ([panel.choice, language], [panel.about])
    panel.choice.input(handlers.about, *shown, **instant)
    language.change(handlers.about, *shown, **instant)
    panel.fetch.click(
        handlers.fetch,
        [panel.choice, language],
        [panel.progress, panel.about, panel.fetch, panel.stop],
        api_name="fetch_weights",
        concurrency_id="fetch",
        concurrency_limit=2,
        show_progress="hidden",
    )
    panel.stop.click(handlers.stop, None, None, **instant)


def progress_html(step: Progress, lang: str) -> Html:
    """A bar with how much of which file is here."""
    text = say("weights.running", lang, part=step.part, number=step.number, files=step.files)
    if step.total:
        here, total = amount(step.done), amount(step.total)
        text += " · " + say("weights.amount", lang, done=here, total=total)
    return line_html(text, step.done / step.total if step.total else 0.0)


def about_html(fetcher: Fetcher, name: str, lang: str) -> Html:
    """What a world lacks, before anything is asked of any server."""
    domain = fetcher.lacking().get(name)
    wanted = fetcher.plan(name)
    if domain is None or wanted is None:
        return note_html(say("weights.complete", lang))
    names = [*domain.missing, *([CLIP] if wanted.hub else [])]
    parts = ", ".join(name.replace("boundary ", "") for name in names)
    lines = []
    if domain is fetcher.wanted:
        lines.append(say("weights.wanted", lang, title=domain.title, parts=parts))
    if flag := offline():
        lines.append(say("weights.offline", lang, flag=flag))
    unknown = sum(file.entry.size is None for file in wanted.files) + bool(wanted.hub)
    total = [say("weights.size", lang, size=amount(wanted.bytes))] if wanted.bytes else []
    key = "weights.more" if total else "weights.unsized"
    more = [say(key, lang, count=unknown)] if unknown else []
    lines.append(" ".join(total + more) + (" ." if lang == "en" else "。").strip())
    command = f"python -m editing weights fetch {name}"
    # Where that is on its machine concerns nobody but the owner of a server.
    folder = domain.folder if fetcher.allowed else Path(domain.folder.name)
    lines.append(say("weights.by_hand", lang, command=command, folder=f"{folder}/fetched"))
    heads = ("weights.file", "weights.bytes", "weights.from", "weights.licence")
    head = [tag("th", say(key, lang)) for key in heads]
    rows = [
        _row(
            file.part,
            amount(file.entry.size) if file.entry.size else say("weights.unknown", lang),
            file.host,
            file.entry.licence or say("weights.unstated", lang),
        )
        for file in wanted.files
    ]
    if wanted.hub:
        unknown_size = say("weights.unknown", lang)
        rows.append(_row(CLIP, unknown_size, "huggingface.co", wanted.hub.name))
    texts = [tag("p", line) for line in lines]
    return tag("div", texts, tag("table", tag("tr", head), rows), class_="weights")


def _row(*cells: str) -> Html:
    return tag("tr", [tag("td", cell) for cell in cells])
