"""Values of a call: one of the wrong kind is refused with a sentence that names its parameter.

Gradio answers it with nothing at all, or lets the handler fail. Here every value is looked at
before it reaches a handler, and whatever a handler does not refuse itself becomes a sentence after
it. (``ui.runtime.calls`` looks at the request: endpoints, and arguments by name.)
"""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from types import NoneType
from typing import Any, get_args

import gradio as gr
from gradio.components import Component
from gradio.utils import get_function_params
from starlette.requests import Request as StarletteRequest

from editing.errors import EditingError
from ui.locales import LANGUAGES, preferred_language, refusal, say
from ui.runtime.markup import visible
from ui.runtime.toasts import cut_short, toast_html, without_paths
from ui.server.asgi import Refused

log = logging.getLogger(__name__)
SHOWN = 60  # characters of a value in a sentence
CHOICES = 12  # of a list of choices
FILES = (gr.Image, gr.File, gr.UploadButton, gr.Video, gr.Audio)
NAMED = Mapping[str, float]  # the type of numbers by name
TEXTS = ("act", "name", "channel")  # what the page's own events say, by kind
NUMBERS = ("x", "y")
PLACES = ("index", "to")
Told = Mapping[str, Any]


def check_value(name: str, block: Component, value: Any, hint: Any, bounded: bool = True) -> Any:
    """``value`` as the handler's parameter ``name`` may have it, for a component's input.

    A number in place of a text becomes one, nothing at all an empty text.

    Args:
        hint: the parameter's type; None and Any where it says nothing.
        bounded: whether the ends of a slider are the last word; else the handler's.

    Raises:
        Refused: the value is of another kind, or not among the component's choices.
    """
    if value is None:
        return _nothing(name, block, hint)
    if isinstance(block, gr.Slider | gr.Number):
        _check_number(name, block, value, bounded)
    elif isinstance(block, gr.Checkbox):
        _expect(isinstance(value, bool), "manners.switch", name, value)
    elif isinstance(block, gr.Textbox):
        is_text = isinstance(value, str) or _is_number(value)
        _expect(is_text, "manners.text", name, value)
        return str(value)
    elif isinstance(block, gr.Radio | gr.Dropdown | gr.CheckboxGroup):
        _check_choice(name, block, value)
    elif hint == NAMED:
        fine = isinstance(value, dict) and all(map(_is_number, value.values()))
        _expect(fine, "manners.named", name, value)
    elif isinstance(block, FILES):
        many = isinstance(value, list) and getattr(block, "file_count", "single") != "single"
        given = value if many else [value]
        _expect(all(map(_is_file, given)), "manners.file", name, value)
    elif (model := getattr(block, "data_model", None)) is not None:
        _check_model(name, model, value)
    return value


def _check_model(name: str, model: Any, value: Any) -> None:
    """A table, a painting, a gallery: as Gradio itself describes what a page sends."""
    try:
        model.model_validate(value, context={"validate_meta": True})
    except (ValueError, TypeError, RecursionError):
        raise Refused(422, "manners.shape", name=name, value=shortly(value)) from None


def _nothing(name: str, block: Component, hint: Any) -> Any:
    """What stands for a value that is null."""
    if isinstance(block, gr.Textbox):
        return "" if hint is str else None
    if isinstance(block, gr.CheckboxGroup) or getattr(block, "multiselect", False):
        return []
    silent = hint in (None, Any)
    free = silent or NoneType in get_args(hint) or hint is NoneType
    if silent and isinstance(block, gr.Radio | gr.Dropdown):
        free = block.value is None  # else one of them is always chosen
    needed = (
        isinstance(block, gr.Slider | gr.Dataframe)
        or hint == NAMED
        or (isinstance(block, gr.Number | gr.Checkbox | gr.Radio | gr.Dropdown) and not free)
    )
    if needed:
        raise Refused(422, "manners.none", name=name)
    return None


def _check_number(name: str, block: Any, value: Any, bounded: bool) -> None:
    _expect(_is_number(value), "manners.number", name, value)
    try:
        finite = math.isfinite(float(value))
    except OverflowError:
        finite = False
    _expect(finite, "manners.finite", name, value)
    low, high = block.minimum, block.maximum
    below, above = low is not None and value < low, high is not None and value > high
    if bounded and (below or above):
        ends = {"low": "–∞" if low is None else f"{low:g}", "high": "∞" if high is None else high}
        raise Refused(422, "manners.range", name=name, value=shortly(value), **ends)


def _check_choice(name: str, block: Any, value: Any) -> None:
    many = isinstance(block, gr.CheckboxGroup) or bool(getattr(block, "multiselect", False))
    if many:
        _expect(isinstance(value, list), "manners.list", name, value)
    choices = [choice for _, choice in block.choices or ()]
    for each in value if many else [value]:
        simple = isinstance(each, str | int | float)
        if not simple or not (getattr(block, "allow_custom_value", False) or each in choices):
            listed = ", ".join(map(str, choices[:CHOICES])) + (" …" if choices[CHOICES:] else "")
            known = {"value": shortly(each), "choices": listed or "–"}
            raise Refused(422, "manners.choice", name=name, **known)


def _expect(holds: bool, key: str, name: str, value: Any) -> None:
    if not holds:
        raise Refused(422, key, name=name, value=shortly(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_file(value: Any) -> bool:
    """Whether it is what Gradio's clients make of a file that was uploaded."""
    meta = value.get("meta") if isinstance(value, dict) else None
    named = isinstance(meta, dict) and meta.get("_type") == "gradio.FileData"
    return named and isinstance(value.get("path"), str | NoneType)


def shortly(value: Any) -> str:
    """A value in a sentence: its beginning, without ever writing all of it."""
    if isinstance(value, str):
        return repr(visible(value[:SHOWN])) + ("…" if len(value) > SHOWN else "")
    if isinstance(value, list | dict):
        return "[…]" if isinstance(value, list) else "{…}"
    if isinstance(value, int) and value.bit_length() > 64:
        return f"≈ 10^{int(value.bit_length() * math.log10(2))}"
    return str(value)[:SHOWN]


def told(data: Any) -> Told:
    """What an event of the page says, each part of the kind that handlers take it for.

    Raises:
        Refused: a part is of another kind; on reading, that it is missing.
    """
    given = data if isinstance(data, dict) else {}
    for key, value in given.items():
        if key in PLACES and not isinstance(value, list):
            whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31
            _expect(whole, "manners.place", f"event_data.{key}", value)
        elif key in NUMBERS:
            is_finite = _is_number(value) and abs(value) < 1e9
            _expect(is_finite, "manners.number", f"event_data.{key}", value)
        elif key in TEXTS:
            _expect(isinstance(value, str), "manners.text", f"event_data.{key}", value)
    return _Told(given)


class _Told(dict[str, Any]):
    def __missing__(self, key: str) -> Any:
        raise Refused(422, "manners.missing", name=f"event_data.{key}")


# -- both, for all endpoints of a page


def attend(blocks: Any) -> None:
    """Check the values of every call, and answer every failure with a sentence."""
    usual_inputs: Callable[..., Any] = blocks.preprocess_data
    usual_call: Callable[..., Any] = blocks.process_api

    async def preprocess_data(
        block_fn: Any, inputs: Any, state: Any, explicit_call: bool = False
    ) -> Any:
        checked = check_values(block_fn, inputs, state)
        return await usual_inputs(block_fn, checked, state, explicit_call)

    async def process_api(block_fn: Any, inputs: Any, **options: Any) -> Any:
        request = options.get("request")
        if isinstance(request, StarletteRequest):  # of a tool, which has no session
            options["request"] = gr.Request(request)
        lang = _language(block_fn, inputs, options.get("request"))
        try:
            event = options.get("event_data")
            if event is not None and _wants_event(block_fn):
                options["event_data"] = gr.EventData(event.target, told(event._data))
            return await usual_call(block_fn=block_fn, inputs=inputs, **options)
        except gr.Error as error:  # ours, or one of Gradio's own, which it would also log
            error.message, error.print_exception = without_paths(str(error.message)), False
            raise
        except Refused as refused:
            raise _failure(say(refused.key, lang, **refused.values)) from None
        except EditingError as error:
            raise _failure(refusal(error, lang)) from None
        except Exception:
            log.exception("%s failed", block_fn.api_name or block_fn.name)
            raise _failure(say("error.unexpected", lang)) from None

    blocks.preprocess_data, blocks.process_api = preprocess_data, process_api


def check_values(block_fn: Any, inputs: Sequence[Any], state: Any) -> list[Any]:
    """The inputs of a call as its handler may have them.

    Raises:
        Refused: one of them is of another kind.
    """
    checked, known = list(inputs), parameters(block_fn)
    for index, (block, value) in enumerate(zip(block_fn.inputs, inputs, strict=False)):
        if block.stateful or not isinstance(block, Component):
            continue
        name, hint = known[index] if index < len(known) else (f"param_{index}", None)
        now = state[block._id] if state is not None and block._id in state else block
        bounded = block_fn.preprocess and "preprocess" not in vars(block)
        checked[index] = check_value(name, now, value, hint, bounded)
    return checked


def parameters(block_fn: Any) -> list[tuple[str, Any]]:
    """(name, type) of a handler's parameters, but those that Gradio fills in itself."""
    if block_fn.fn is None:
        return []
    return [(name, hint) for name, _, default, hint in get_function_params(block_fn.fn)
            if not isinstance(default, gr.Progress)]  # fmt: skip


def _wants_event(block_fn: Any) -> bool:
    hints = getattr(block_fn.fn, "__annotations__", {}).values()
    return any(isinstance(hint, type) and issubclass(hint, gr.EventData) for hint in hints)


def _language(block_fn: Any, inputs: Any, request: Any) -> str:
    """The language that a call asks for, else its browser's."""
    names = [name for name, _ in parameters(block_fn)]
    if "lang" in names and len(inputs) > names.index("lang"):
        given = inputs[names.index("lang")]
        if isinstance(given, str) and given in LANGUAGES:
            return given
    headers = getattr(request, "headers", None)
    return preferred_language(headers.get("accept-language", "")) if headers else LANGUAGES[0]


def _failure(sentence: str) -> gr.Error:
    """A sentence as the page shows it, and clients raise it."""
    return gr.Error(toast_html(cut_short(sentence)), print_exception=False)
