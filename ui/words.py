"""Components whose texts follow the language toggle.

Gradio's own translation leaves out toasts, several labels and half of the Chinese locales, so each
localised component is noted here with its message keys and one handler updates them all.
"""

from typing import Any, TypeVar

import gradio as gr

from ui.messages import say

C = TypeVar("C")


class Words:
    """Makes components from message keys and remembers which texts are theirs."""

    def __init__(self, lang: str = "en") -> None:
        self.lang = lang
        self._noted: list[tuple[Any, dict[str, str]]] = []

    def make(self, kind: type[C], texts: dict[str, str], **options: Any) -> C:
        """A component of ``kind`` whose properties in ``texts`` (name -> key) are words."""
        component = kind(**{p: say(key, self.lang) for p, key in texts.items()}, **options)
        self._noted.append((component, texts))
        return component

    @property
    def components(self) -> list[Any]:
        return [component for component, _ in self._noted]

    def updates(self, lang: str) -> list[Any]:
        """One update per component, in the order of ``components``."""
        return [
            gr.update(**{p: say(key, lang) for p, key in texts.items()}) for _, texts in self._noted
        ]
