"""Components whose texts follow the language toggle.

Gradio's own translation leaves out toasts, several labels and half of the Chinese locales, so each
localised component is noted here with its message keys and one handler updates them all.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import gradio as gr

from ui.locales import say
from ui.runtime.markup import Html, html_box, joined

C = TypeVar("C")
Text = str | Callable[[str], Any]  # a message key, or what makes the value from a language


class Words:
    """Makes components from message keys and remembers which texts are theirs."""

    def __init__(self, lang: str = "en") -> None:
        self.lang = lang
        self._noted: list[tuple[Any, Mapping[str, Text]]] = []

    def make(self, kind: Callable[..., C], texts: Mapping[str, Text], **options: Any) -> C:
        """A component of ``kind`` whose properties in ``texts`` are words.

        A property is a message key, or a function of the language (for choices, say).
        """
        component = kind(**_said(texts, self.lang), **options)
        self._noted.append((component, texts))
        return component

    def caption(self, key: str) -> gr.HTML:
        """A message in a line of its own above what it names."""

        def value(lang: str) -> Html:
            return joined(say(key, lang))

        return self.make(html_box, {"value": value}, elem_classes="caption")

    @property
    def components(self) -> list[Any]:
        return [component for component, _ in self._noted]

    def updates(self, lang: str) -> list[Any]:
        """One update per component, in the order of ``components``."""
        return [gr.update(**_said(texts, lang)) for _, texts in self._noted]


def _said(texts: Mapping[str, Text], lang: str) -> dict[str, Any]:
    return {p: text(lang) if callable(text) else say(text, lang) for p, text in texts.items()}


def shortened(text: str, most: int = 32) -> str:
    """A visitor's own text, where there is room for few characters."""
    return text if len(text) <= most else text[: most - 1] + "…"
