"""Refusals and remarks as toasts."""

import functools
import inspect
import logging
from collections.abc import Callable, Iterator
from html import escape
from typing import Any

import gradio as gr

from editing.errors import EditingError
from ui.full_disk import is_full
from ui.messages import LANGUAGES, refusal, say
from ui.session import Session

log = logging.getLogger(__name__)
SHOWN = 7.0  # seconds that a toast stays
MOST = 320  # characters of a refusal in a toast: nobody reads a list of 700 words in it


def polite(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Refusals become toasts in the visitor's language; other errors are logged and apologised for.

    The decorated method has the parameters (self, session, lang, ...).
    """

    def toast(error: Exception, lang: str) -> gr.Error:
        if is_full(error):
            text = say("guard.full", lang)
        elif isinstance(error, EditingError):
            text = cut_short(refusal(error, lang))
        else:
            log.exception("A handler failed")
            text = say("error.unexpected", lang)
        return gr.Error(escape(text, quote=False), duration=SHOWN, print_exception=False)

    @functools.wraps(handler)
    def call(self: Any, session: Session, lang: str, *values: Any) -> Any:
        lang = known(lang)
        try:
            return handler(self, session, lang, *values)
        except gr.Error:
            raise
        except Exception as error:
            raise toast(error, lang) from None

    @functools.wraps(handler)
    def stream(self: Any, session: Session, lang: str, *values: Any) -> Iterator[Any]:
        lang = known(lang)
        try:
            yield from handler(self, session, lang, *values)
        except gr.Error:
            raise
        except Exception as error:
            raise toast(error, lang) from None

    def known(lang: Any) -> str:
        return lang if lang in LANGUAGES else LANGUAGES[0]  # anybody may ask for anything

    return stream if inspect.isgeneratorfunction(handler) else call


def cut_short(text: str) -> str:
    """The beginning of a text that is longer than ``MOST``, to its last whole word."""
    return text if len(text) <= MOST else text[:MOST].rsplit(" ", 1)[0] + " …"


def tell(sentence: str, duration: float = SHOWN) -> None:
    """Show a sentence for some seconds."""
    gr.Info(escape(sentence, quote=False), duration=duration)
