"""Refusals and remarks as toasts."""

import functools
import inspect
import logging
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from editing.errors import EditingError
from ui.locales import LANGUAGES, refusal, say
from ui.runtime.markup import visible
from ui.server.asgi import Refused
from ui.server.full_disk import is_full

ROOT = Path(__file__).parents[2]
log = logging.getLogger(__name__)
SHOWN = 7.0  # seconds that a toast stays
MOST = 320  # characters of a refusal in a toast: nobody reads a list of 700 words in it


def polite(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Refusals become toasts in the visitor's language; other errors are logged and apologised for.

    The decorated method has the parameters (self, session, lang, ...).
    """

    def toast(error: Exception, lang: str, values: Sequence[Any]) -> gr.Error:
        event = next((v for v in values if isinstance(v, gr.EventData)), None)
        if is_full(error):
            text = say("guard.full", lang)
        elif isinstance(error, Refused):
            text = say(error.key, lang, **error.values)
        elif isinstance(error, EditingError):
            text = cut_short(refusal(error, lang))
        elif isinstance(error, IndexError) and event is not None:  # of a list that is shorter now
            text = say("manners.gone", lang, value=event._data.get("index"))
        else:
            log.exception("A handler failed")
            text = say("error.unexpected", lang)
        return gr.Error(toast_html(text), duration=SHOWN, print_exception=False)

    @functools.wraps(handler)
    def call(self: Any, session: Any, lang: str, *values: Any) -> Any:
        lang = known(lang)
        try:
            return handler(self, session, lang, *values)
        except gr.Error:
            raise
        except Exception as error:
            raise toast(error, lang, values) from None

    @functools.wraps(handler)
    def stream(self: Any, session: Any, lang: str, *values: Any) -> Iterator[Any]:
        lang = known(lang)
        try:
            yield from handler(self, session, lang, *values)
        except gr.Error:
            raise
        except Exception as error:
            raise toast(error, lang, values) from None

    def known(lang: Any) -> str:
        return lang if lang in LANGUAGES else LANGUAGES[0]  # anybody may ask for anything

    return stream if inspect.isgeneratorfunction(handler) else call


def cut_short(text: str) -> str:
    """The beginning of a text that is longer than ``MOST``, to its last whole word."""
    return text if len(text) <= MOST else text[:MOST].rsplit(" ", 1)[0] + " …"


def toast_html(sentence: str) -> str:
    """A sentence as a toast takes it, which is HTML: literal, and without a path of this server."""
    return escape(visible(without_paths(sentence)), quote=False)


def without_paths(sentence: str) -> str:
    """A sentence with only the names of files that lie in folders of this server."""
    roots = {get_upload_folder(), tempfile.gettempdir(), str(ROOT), str(Path.home()), sys.prefix}
    for root in sorted((r.rstrip("/") for r in roots), key=len, reverse=True):
        if root:
            sentence = re.sub(rf"{re.escape(root)}(?:/[^\s:;,'\"()]*)?", _name, sentence)
    return sentence


def _name(path: re.Match[str]) -> str:
    return Path(path.group()).name


def tell(sentence: str, duration: float = SHOWN) -> None:
    """Show a sentence for some seconds."""
    gr.Info(toast_html(sentence), duration=duration)
