"""HTML: the one place where a text becomes part of the page, and where HTML components are made.

Gradio fills an HTML component's template by Handlebars and then evaluates the result as a
JavaScript template literal: whatever text such a template is filled with can run as code. Here no
text is ever filled in: the template stays Gradio's own, ``${value}``, and the value is ``Html``,
which only ``tag`` and ``joined`` make; they escape every text and know no way not to.

    tag("p", "1 < ", tag("b", 2), title="all of it")   ->   <p title="all of it">1 &lt; <b>2</b></p>
"""

import html
import re
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

import gradio as gr

TEMPLATE = "${value}"
VOID = frozenset({"img"})  # elements that hold nothing, of those that are drawn here
NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
RUNS = re.compile(r"on.*|srcdoc|href|action|formaction", re.I)  # attributes that can run code
SOURCE = re.compile(r"data:image/(?:jpeg|png|webp);base64,[A-Za-z0-9+/=]*")
# What turns the text around it, or cannot be seen: direction marks, and control characters.
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e"
                    "\u2028\u2029\u2060-\u206f\ufeff\ufff9-\ufffb]")  # fmt: skip


class Html(str):
    """A text that is HTML already; ``tag`` and ``joined`` alone make it."""

    __slots__ = ()


Part = object  # Html is taken as it is, an iterable part by part, None as nothing, the rest as text


def visible(text: str) -> str:
    """``text`` with marks that nobody would see (or that turn what follows) as their numbers."""
    return UNSEEN.sub(lambda found: f"[U+{ord(found.group()):04X}]", text)


def escaped(text: str) -> str:
    """``text`` as HTML shows it literally, between tags and within quotes."""
    return html.escape(visible(text))


def joined(*parts: Part) -> Html:
    """The parts one after the other; texts among them are escaped."""
    return Html("".join(_parts(parts)))


def tag(name: str, *parts: Part, **attributes: object) -> Html:
    """An element around ``parts``; ``class_`` is "class" and ``data_index`` "data-index".

    An attribute of None or False is left out, one of True has no value.

    Raises:
        ValueError: a name is none of an element or attribute, or one that can run code.
    """
    if not NAME.fullmatch(name) or name.lower() == "script":
        raise ValueError(f"{name[:20]!r} is no element that may be drawn.")
    opened = f"<{name}{''.join(_attributes(attributes))}>"
    return Html(opened) if name in VOID else Html(f"{opened}{joined(*parts)}</{name}>")


def _parts(parts: Iterable[Part]) -> Iterable[str]:
    for part in parts:
        if isinstance(part, Html):
            yield part
        elif isinstance(part, str):
            yield escaped(part)
        elif isinstance(part, Iterable):
            yield from _parts(part)
        elif part is not None:
            yield escaped(str(part))


def _attributes(values: dict[str, object]) -> Iterable[str]:
    for key, value in values.items():
        name = key.rstrip("_").replace("_", "-")
        if not NAME.fullmatch(name) or RUNS.fullmatch(name):
            raise ValueError(f"{name[:20]!r} is no attribute that may be drawn.")
        if name == "src" and not SOURCE.fullmatch(str(value)):
            raise ValueError("A picture of the page's HTML is a data URI.")
        if value is True:
            yield f" {name}"
        elif value is not None and value is not False:
            yield f' {name}="{escaped(str(value))}"'


def classes(name: str, **states: object) -> str:
    """A class, and those of the states that hold."""
    return " ".join([name, *(state for state, holds in states.items() if holds)])


def css_name(name: str) -> str:
    """A name as an identifier of CSS: everything but letters, digits, "-" and "_" by number."""
    return re.sub(r"[^A-Za-z0-9_-]", lambda found: f"\\{ord(found.group()):x} ", name)


def html_box(value: str | None = "", *, script: str | None = None, **options: Any) -> gr.HTML:
    """An HTML component; ``script`` runs once it is there, as Gradio's ``js_on_load``.

    Raises:
        TypeError: ``value`` is a text that is not ``Html``.
    """
    scripts = {} if script is None else {"js_on_load": script}
    return gr.HTML(checked(value), html_template=TEMPLATE, **scripts, **options)


def checked(value: Any) -> Any:
    """``value`` where an HTML component may show it: Html, nothing, or an update without either.

    Raises:
        TypeError: it is a text of any other kind, or data.
    """
    shown = value
    if isinstance(value, dict) and "__type__" in value:  # gr.update(...), gr.skip()
        shown = value.get("value")
    if shown is None or isinstance(shown, Html) or shown == "":
        return value
    raise TypeError(
        f"{type(shown).__name__} for an HTML component; make it with ui.runtime.markup."
    )


def only_html(blocks: gr.Blocks) -> None:
    """Let no handler give an HTML component anything that was not made here."""
    usual: Callable[..., Any] = blocks.postprocess_data

    async def postprocess_data(block_fn: Any, predictions: Any, state: Any) -> Any:
        given = [predictions] if len(block_fn.outputs) == 1 else predictions
        if isinstance(given, list | tuple):
            for block, value in zip(block_fn.outputs, given, strict=False):
                if isinstance(block, gr.HTML) and not _is_end(value):
                    checked(value)
        return await usual(block_fn, predictions, state)

    blocks.postprocess_data = postprocess_data  # type: ignore[method-assign]


def _is_end(value: Any) -> bool:
    """Gradio's own mark for the end of a stream."""
    return isinstance(value, Enum)
