"""What the page shows of a session: values for widgets, in the visitor's language."""

import math
from collections.abc import Mapping
from typing import Any

import gradio as gr

from editing.directions.conditions import WEAK
from editing.directions.direction import Direction
from editing.edits.local_edits import LOCAL_EDITS
from editing.edits.mix_edits import Crossover, Grain, Mix, Morph, Transfer
from editing.edits.stack import ChannelMove, Move
from editing.errors import EditingError
from editing.models.generators.layers import format_strengths
from editing.text.edit import TextEdit
from ui.components.choices import LEVELS, REACH, given_choices, layer_choices
from ui.components.html import (
    caveats_html,
    metrics_html,
    note_html,
    result_html,
    safe_css,
    waiting_html,
)
from ui.components.localized import shortened
from ui.components.widgets import chips_html, edge_for, standing, strip_html
from ui.locales import attribute_name, say
from ui.panels.canvas import PINNED, SOURCE, against_choices, view_choices
from ui.panels.out_of_domain import shown
from ui.runtime.markup import Html, joined
from ui.studio.renderer import View
from ui.studio.session import Label, Portrait, Session, strengths
from ui.studio.studio import Studio
from ui.studio.views import heat_map, reach


class Display:
    """Bound to one studio; knows nothing of any visitor."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.names = list(studio.attributes)

    def preview(self, session: Session, look: str, dragged: Mapping[str, float]) -> tuple[Any, Any]:
        """The canvas while sliders are dragged; ``dragged`` has those that the page shows."""
        wanted = {name: float(dragged[name]) for name in self.names if name in dragged}
        return self.drag(session, look, wanted)

    def drag(self, session: Session, look: str, wanted: Mapping[str, float]) -> tuple[Any, Any]:
        """The canvas with attributes at ``wanted``; what cannot be drawn is refused on release."""
        try:
            return pairs(self.studio.preview(session, wanted, look == "mask"), look)
        except EditingError:
            return gr.skip(), gr.skip()

    def show(self, session: Session, lang: str, look: str) -> tuple[Any, ...]:
        """Everything that follows the session, except the sliders."""
        portrait, domain = session.now.portrait, self.studio.domain
        view = self.studio.view(session, look == "mask")
        notes = (*session.now.stack.doubts(domain), *view.notes)
        if view.paste is None and look == "whole":  # the whole photo was of another portrait
            look = "compare"
        picture, outcome = pairs(view, look)
        label, named = self._label(session, look, lang)
        tuned = bool(portrait.state.weight_delta or portrait.state.noise)
        name, layers, given = self.studio.details(session)
        move = self.studio.selected_move(session)
        known = [*self.names, *(direction.name for direction in session.shelf)]
        others = [other for other in known if other != name]
        return (
            gr.update(value=look, choices=view_choices(lang, view.paste is not None)),
            self._against(session, lang),
            gr.update(value=say("pin" if session.against is None else "unpin", lang)),
            gr.update(visible=view.paste is not None),
            gr.update(value=picture, label=label, show_label=named),
            gr.update(value=outcome, visible=outcome is not None),
            gr.update(interactive=session.can_undo),
            gr.update(interactive=session.can_redo),
            gr.update(interactive=bool(session.now.stack.entries)),
            gr.update(value=say("download" if portrait.photo is None else "download.world", lang)),
            gr.update(visible=portrait.photo is not None and session.keep),
            strip_html(self.history(session, lang)),
            chips_html(self.chips(session, lang)),
            self.details_title(session, lang),
            gr.update(value=layers, choices=layer_choices(self.studio.groups, lang)),
            gr.update(value=given, choices=given_choices(others, lang)),
            self.studio.rows_text(session),
            gr.update(value=bool(move and move.absolute), interactive=move is not None),
            gr.update(value=session.own or None, choices=[d.name for d in session.shelf]),
            gr.update(visible=bool(session.shelf)),
            waiting_html(lang),
            caveats_html(portrait.fit, domain.reach, notes, lang),
            result_html(portrait.fit, portrait.findings, lang, carried_over(session)),
            gr.update(interactive=tuned),
            *self._levels(portrait),
            *shown(session, view, lang),
        )

    def _label(self, session: Session, look: str, lang: str) -> tuple[str, bool]:
        """What the canvas shows, in words, and whether that needs saying."""
        if look != "compare":
            return say(f"view.{look}.label", lang), True
        if session.against is not None:
            name = label_text(session.against.label, lang)
            return say("against.label", lang, name=name), True
        return say("world", lang), session.now.portrait.photo is not None

    def _against(self, session: Session, lang: str) -> Any:
        """What the canvas compares with, among all it could."""
        against, steps = session.against, [label_text(m.label, lang) for m in session.moments]
        pinned = against is not None and against not in session.moments
        value = SOURCE if against is None else PINNED
        if against is not None and not pinned:
            value = str(session.moments.index(against))
        return gr.update(value=value, choices=against_choices(lang, steps, pinned))

    def _levels(self, portrait: Portrait) -> list[Any]:
        """The level that found the portrait is the filled button."""
        found = portrait.inversion if portrait.fit is not None else None
        level = found.options.level if found else ""
        return [gr.update(variant="primary" if name == level else "secondary") for name in LEVELS]

    def sliders(self, session: Session) -> list[Any]:
        """Where the sliders stand, and their marks; a drag must never be overtaken by this."""
        at = zip(strengths(session.now.stack, self.names), self._edges(session), strict=True)
        return [
            *(standing(value, edge) for value, edge in at),
            self.own_slider(session),
            self.marks(session),
        ]

    def _edges(self, session: Session) -> list[float]:
        return [edge_for(value, REACH) for value in strengths(session.now.stack, self.names)]

    def own_slider(self, session: Session) -> Any:
        """The slider of the chosen direction of the shelf."""
        return standing(strengths(session.now.stack, [session.own])[0], _own_edge(session))

    def marks(self, session: Session) -> Html:
        """The safe ranges on the tracks of the sliders, as far as those go now."""
        safe, own = self.studio.safe_ranges(), _own(session)
        rules = [
            safe_css({f"slider-{name}": safe[name]}, edge)
            for name, edge in zip(self.names, self._edges(session), strict=True)
            if name in safe
        ]
        if own is not None and own.safe_range:
            rules.append(safe_css({"slider-own": own.safe_range}, _own_edge(session)))
        return joined(rules)

    def measure(self, session: Session, lang: str) -> Html:
        measured = self.studio.measure(session)
        return metrics_html(
            measured.identity, measured.perceptual, measured.moved, lang, measured.background
        )

    def history(self, session: Session, lang: str) -> list[dict[str, Any]]:
        return [
            {
                "src": moment.thumbnail,
                "title": label_text(moment.label, lang),
                "current": index == session.position,
                "pinned": moment is session.against,
            }
            for index, moment in enumerate(session.moments)
        ]

    def chips(self, session: Session, lang: str) -> dict[str, Any]:
        items = [
            {
                "label": self._edit_text(entry.edit, lang),
                "on": entry.on,
                "current": index == session.selected,
            }
            for index, entry in enumerate(session.now.stack.entries)
        ]
        keys = ("tip", "toggle", "remove", "empty")
        return {"items": items, **{key: say(f"stack.{key}", lang) for key in keys}}

    def _edit_text(self, edit: Any, lang: str) -> str:
        if isinstance(edit, ChannelMove):
            return f"{edit.channel} {edit.alpha:+.2g}"
        if isinstance(edit, TextEdit):
            return f"“{shortened(edit.target)}” {edit.alpha:+.2g}"
        if not isinstance(edit, Move):
            return mix_text(edit, lang) if isinstance(edit, Mix) else type(edit).__name__
        ends = "= " if edit.absolute else ""
        text = f"{attribute_name(edit.attribute, lang)} {ends}{edit.alpha:+.2g}"
        if edit.layers is not None:
            text += " @ " + self._layers_text(edit, lang)
        if edit.given:
            text += " | " + " ".join(attribute_name(name, lang) for name in edit.given)
        return text

    def _layers_text(self, edit: Move, lang: str) -> str:
        """Names of groups where the rows are whole groups, else the rows."""
        rows = set(edit.layers or ())
        whole = {g: m for g, m in self.studio.groups.items() if set(m) <= rows}
        if not edit.strengths and rows == {row for m in whole.values() for row in m}:
            return " ".join(say(f"layers.{group}", lang) for group in whole)
        return format_strengths(edit.layers or (), edit.strengths)

    def details_title(self, session: Session, lang: str) -> Html:
        """What the layers and conditions apply to, and how much the conditions leave of it."""
        move = self.studio.selected_move(session)
        if move is None:
            return note_html(say("details.next", lang))
        text = say("details.for", lang, name=attribute_name(move.attribute, lang))
        residual = move.direction(self.studio.domain).meta.get("residual")
        if residual is None:
            return note_html(text)
        key = "details.residual" if residual >= WEAK else "details.weak"
        return note_html(f"{text} · {say(key, lang, residual=f'{residual:.2f}')}")

    def status(self, session: Session) -> dict[str, Any]:
        """The session in a few words, for the API."""
        portrait = session.now.portrait
        return {
            "source": portrait.source.name,
            "kind": portrait.kind,
            "edits": [
                {"label": self._edit_text(entry.edit, "en"), "on": entry.on}
                for entry in session.now.stack.entries
            ],
            "strengths": dict(
                zip(self.names, strengths(session.now.stack, self.names), strict=True)
            ),
            "notes": session.now.stack.doubts(self.studio.domain),
            "history": [label_text(moment.label, "en") for moment in session.moments],
            "position": session.position,
            "inversion": portrait.inversion and portrait.inversion.options.level,
        }


def _own(session: Session) -> Direction | None:
    """The chosen direction of the shelf."""
    return next((d for d in session.shelf if d.name == session.own), None)


def _own_edge(session: Session) -> float:
    """Where its slider ends: somewhat beyond its safe range."""
    own = _own(session)
    low, high = (own.safe_range if own else None) or (-5.0, 5.0)
    usual = float(math.ceil(max(-low, high, 3.0) * 1.2))
    return edge_for(strengths(session.now.stack, [session.own])[0], usual)


def pairs(view: View, look: str = "compare") -> tuple[Any, Any]:
    """The canvas, as one of ``views.VIEWS``, and for a photo the second outcome, else None.

    Plain values: each ``gr.update`` makes Gradio build a component anew, for every frame of a drag.
    """
    pair = (view.before, view.after)
    if look == "difference":
        pair = (view.after, heat_map(view.before, view.after))
    elif look == "mask" and view.mask is not None:
        pair = (view.after, reach(view.after, view.mask))
    elif look == "whole" and view.paste is not None:
        return view.paste(), None
    return pair, None if view.photo is None else (view.photo, view.edited)


def carried_over(session: Session) -> bool:
    """Whether edits stand on what a search longer than the shortest has found."""
    found = session.now.portrait.inversion
    long = found is not None and found.options.level != LEVELS[0]
    return long and any(entry.on for entry in session.now.stack.entries)


def label_text(label: Label, lang: str) -> str:
    values: Mapping[str, object] = label.values
    name = attribute_name(label.attribute, lang) if label.attribute else ""
    if label.key:
        return say(label.key, lang, name=name, **values)
    return f"{name} {label.alpha:+.2g}"


def mix_text(edit: Mix, lang: str) -> str:
    """An edit with another portrait, in a few words."""
    if isinstance(edit, Crossover):
        rows = "" if edit.layers is None else format_strengths(edit.layers, edit.strengths)
        return say("edit.crossover", lang, name=shortened(edit.other.name, 16), layers=rows)
    if isinstance(edit, Morph):
        name, amount = edit.other.name, f"{edit.amount:.2g}"
        if name in LOCAL_EDITS:  # what a search has found
            return f"{say(f'local.{name}', lang)} {amount}"
        return say("edit.morph", lang, name=shortened(name, 16), amount=amount)
    if isinstance(edit, Transfer):
        name = shortened(edit.after.name, 16)
        return say("edit.transfer", lang, name=name, amount=f"{edit.amount:+.2g}")
    if isinstance(edit, Grain):
        return say("edit.grain", lang, seed="" if edit.seed is None else edit.seed)
    name = shortened(edit.other.name, 16) if edit.other else say("edit.own", lang)
    return say("edit.patch", lang, name=name)
