"""Text edits as the plain values of a recipe, and back; see ``edits.registry``.

    {text: a smiling face, neutral: a face, alpha: 4.0, beta: 0.12, method: global, keep: [age],
     channels: {b16.conv0: "17*0.4213,33*-0.2"}}

``channels`` is what the texts came to, channel times change of S for alpha = 1, so that the edit
replays to the same picture without the models that found it. A recipe written by hand may leave it
out: then the domain's models find it, with ``beta``, with the ``count`` of channels, or neither.
"""

import math
from typing import Any

import numpy as np

from editing.edits.registry import Kind, register
from editing.errors import BadRecipe
from editing.io.codec import Settings
from editing.models.generators.layers import MAX_ROWS, format_layers, parse_layers
from editing.text.edit import StyleChange, TextEdit

MAX_CHANNELS = 100_000
MAX_STEP = 1e6  # of S for alpha = 1: far beyond any channel, and finite at every alpha


def text_values(edit: TextEdit) -> dict[str, Any]:
    """A text edit as the values of a recipe."""
    values: dict[str, Any] = {"text": edit.target, "alpha": float(edit.alpha)}
    for key in ("neutral", "method"):
        if getattr(edit, key):
            values[key] = getattr(edit, key)
    if edit.beta is not None:
        values["beta"] = float(edit.beta)
    if edit.channels is not None:
        values["count"] = edit.channels
    if edit.layers is not None:
        values["layers"] = format_layers(edit.layers)
    for key in ("keep", "templates"):
        if getattr(edit, key):
            values[key] = list(getattr(edit, key))
    if edit.change is not None:
        values["channels"] = {
            layer: ",".join(f"{i}*{np.float32(by)!s}" for i, by in zip(at, steps, strict=True))
            for layer, at, steps in edit.change.layers
        }
    return values


def text_from(settings: Settings) -> TextEdit | None:
    """The text edit that a recipe's values describe; None where they are of another edit.

    Raises:
        BadRecipe, BadInput: what is wrong with them.
    """
    target = settings.take("text", str)
    if target is None:
        return None
    layers, change = settings.take("layers", str), settings.take("channels", dict)
    return TextEdit(
        target,
        settings.need("alpha", float),
        settings.take("neutral", str, ""),
        settings.take("beta", float),
        settings.take("count", int),
        settings.take("method", str, ""),
        settings.texts("keep"),
        None if layers is None else parse_layers(layers, MAX_ROWS),
        settings.texts("templates"),
        None if change is None else _change(change, settings.name),
    )


def _change(values: dict[Any, Any], name: str) -> StyleChange:
    layers, count = [], 0
    for layer, text in values.items():
        parts = [part.partition("*") for part in str(text).split(",")]
        count += len(parts)
        if count > MAX_CHANNELS:
            raise BadRecipe(f"{name} has more than {MAX_CHANNELS} channels; fewer can be read.")
        at, by = [], []
        for index, star, step in parts:
            if not (star and index.isascii() and index.isdigit() and len(index) < 7):
                raise BadRecipe(f"{name} has {layer}: {str(text)[:60]!r}; write 17*0.42,33*-0.2.")
            at.append(int(index))
            by.append(_number(step, name))
        layers.append((str(layer), tuple(at), tuple(by)))
    return StyleChange(tuple(layers))


def _number(text: str, name: str) -> float:
    try:
        value = float(np.float32(text))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadRecipe(f"{name} has a change of {text[:30]!r} where a number is needed.")
    if abs(value) > MAX_STEP:
        raise BadRecipe(
            f"{name} changes a channel by {text[:30]!r}; stay from {-MAX_STEP:,.0f} to "
            f"{MAX_STEP:,.0f}."
        )
    return value


register(Kind(TextEdit, text_values, text_from))
