"""Go on later, and share: what the browser keeps, and links.

Layout, what the widgets call, and which calls what.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import gradio as gr

from editing.errors import EditingError
from ui.components.localized import Words
from ui.locales import say
from ui.runtime.markup import Html, html_box, tag
from ui.runtime.toasts import SHOWN, polite, tell
from ui.server.visitors import address_of
from ui.studio.links import Links, parse_query
from ui.studio.session import Session
from ui.studio.session_files import session_bytes
from ui.studio.studio import Studio

ASK = "window.latentStudio."  # page.js


class Offer(NamedTuple):
    take: gr.Button
    leave: gr.Button


class Saving(NamedTuple):
    kept: gr.JSON  # what the browser should keep
    make: gr.Button
    link: gr.Textbox
    delete: gr.Button


def build_offer(words: Words) -> Offer:
    """Hidden until page.js finds work that this browser kept."""
    with gr.Row(elem_id="offer"):
        words.make(html_box, {"value": offer_html}, elem_id="offer-text")
        take, leave = (
            words.make(gr.Button, {"value": f"offer.{name}"}, size="sm", variant=variant,
                       elem_id=f"offer-{name}", min_width=90)
            for name, variant in (("take", "primary"), ("leave", "secondary"))
        )  # fmt: skip
    return Offer(take, leave)


def offer_html(lang: str) -> Html:
    """page.js writes into <time> when it was."""
    return tag("p", say("offer", lang), " ", tag("time"), role="status")


def build_saving(words: Words, links: bool) -> Saving:
    """``links``: whether the server keeps work made from photos."""
    kept = gr.JSON(visible=False, label="kept")
    with words.make(gr.Accordion, {"label": "share"}, open=False, elem_id="share"):
        words.make(gr.Markdown, {"value": "share.intro"}, elem_classes="hint")
        words.make(
            gr.Markdown, {"value": "share.kept" if links else "share.off"}, elem_classes="hint"
        )
        with gr.Row(elem_id="share-row"):
            make = words.make(
                gr.Button, {"value": "share.make"}, size="sm", min_width=100, elem_id="share-make"
            )
            link = words.make(
                gr.Textbox, {"label": "share.link"}, show_label=False, container=False,
                max_lines=1, buttons=["copy"], elem_id="share-link", scale=4, min_width=160,
            )  # fmt: skip
            delete = words.make(
                gr.Button, {"value": "share.delete"}, size="sm", min_width=100,
                elem_id="share-delete", visible=links,
            )  # fmt: skip
    return Saving(kept, make, link, delete)


class SavingHandlers:
    """Bound to one studio; ``links`` keeps what is no address of its own, if anything does."""

    def __init__(
        self, studio: Studio, status: Callable[[Session], dict[str, Any]], links: Links | None
    ) -> None:
        self.studio, self.status, self.links = studio, status, links

    def keep(self, session: Session) -> dict[str, str] | None:
        """What the browser should keep: a light session file; None where nothing was done yet."""
        if session.is_fresh:
            return None
        try:
            data = session_bytes(session, self.studio.domain, light=True)
        except EditingError:  # an edit that no recipe can hold stays in this session alone
            return None
        return {
            "of": self.studio.domain.fingerprint,
            "data": base64.b64encode(data).decode(),
        }

    @polite
    def share(self, session: Session, lang: str, request: gr.Request) -> str:
        """A link to what is shown: the part of the page's address after "?"."""
        return self.studio.link(session, self.links, address_of(request.request.scope))

    @polite
    def open_link(self, session: Session, lang: str, link: str) -> tuple[Any, ...]:
        """Go on with what a link leads to."""
        session, complete = self.studio.open_link(session, link, self.links)
        if not complete:
            tell(say("open.untuned", lang), 2 * SHOWN)
        return session, self.status(session)

    @polite
    def delete_link(self, session: Session, lang: str, link: str) -> str:
        """Delete what the server keeps under a link."""
        kind, name = parse_query(link)
        if kind == "recipe":
            key = "share.own"
        elif self.links is None:
            key = "share.off"
        else:
            self.links.delete(name)
            key = "share.deleted"
        tell(say(key, lang))
        return ""


def wire_saving(
    page: Any,
    welcomed: Any,
    handlers: SavingHandlers,
    action: Callable[..., Any],
    lane: Mapping[str, Any],
) -> None:
    """``action`` wires (trigger, handler, inputs, api_name); ``lane`` are options.

    ``welcomed`` is the event after which the visitor's language is known.
    """
    s: Saving = page.saving
    base = [page.session, page.language]
    changed = page.canvas.history.change(
        handlers.keep, [page.session], [s.kept], trigger_mode="always_last", **lane
    )
    changed.success(None, [s.kept], None, js=f"(kept) => {ASK}keep(kept)")
    page.offer.take.click(None, None, None, js=f"() => {ASK}resume()")
    page.offer.leave.click(None, None, None, js=f"() => {ASK}forget()")
    shared = s.make.click(handlers.share, base, [s.link], api_name="share", queue=False)
    shared.success(None, [s.link], [s.link], js=f"(query) => {ASK}address(query)")
    # In the queue, which alone brings messages to the page.
    s.delete.click(handlers.delete_link, [*base, s.link], [s.link], api_name="delete_link")
    # page.js presses this where the page was opened by a link, which it puts into the box.
    opener = gr.Button(visible="hidden", elem_id="open-link")
    pressed = partial(opener.click, js=f"(s, l, link) => [s, l, {ASK}arrived || link]")
    action(pressed, handlers.open_link, [s.link], "open_link")
    fingerprint = handlers.studio.domain.fingerprint
    welcomed.then(None, None, None, js=f"() => {ASK}arrive('{fingerprint}')")
