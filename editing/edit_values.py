"""Edits as the plain values of a recipe, and back.

    {move: smile, alpha: 2.0, layers: 0-3, given: [gender], absolute: false, enabled: true}
    {move: my smile, alpha: 1.0, own: [{name: my smile, vector: BASE64, step: 1.2}]}
    {channel: "b32.conv1:57", alpha: 5.0}
    {cross: {name: "seed:7"}, layers: 0-3, weight: 0.8}    # and others: see mix_values
    {text: a smiling face, alpha: 4.0, beta: 0.12}         # see text_values

``layers`` may carry strengths (``0-3*0.5,7``). A direction that its domain does not have
travels inside the edit, float32 as base64, so that the recipe replays anywhere.
"""

import base64
import binascii
from typing import Any

import numpy as np
import torch

from editing.channels import Channel
from editing.directions import Direction
from editing.edits import ChannelMove, Edit, Entry, Move
from editing.errors import BadRecipe
from editing.layers import (
    MAX_ROWS,
    format_layers,
    format_strengths,
    parse_layers,
    parse_strengths,
)
from editing.mix_values import Mix, mix_from, mix_values
from editing.settings import Settings
from editing.text import TextEdit
from editing.text_values import text_from, text_values


def entry_values(entry: Entry) -> dict[str, Any]:
    """An edit as the values of a recipe.

    Raises:
        BadRecipe: an edit of a kind that cannot be written down.
    """
    edit = entry.edit
    if isinstance(edit, Move):
        values = _move_values(edit)
    elif isinstance(edit, ChannelMove):
        values = {"channel": str(edit.channel), "alpha": float(edit.alpha)}
    elif isinstance(edit, Mix):
        values = mix_values(edit)
    elif isinstance(edit, TextEdit):
        values = text_values(edit)
    else:
        raise BadRecipe(f"An edit of the kind {type(edit).__name__} cannot be written down yet.")
    return values if entry.on else {**values, "enabled": False}


def entry_from(settings: Settings) -> Entry:
    """The edit that a recipe's values describe; takes all of ``settings``.

    Raises:
        BadRecipe, BadInput: what is wrong with them.
    """
    edit: Edit
    if (mix := mix_from(settings)) is not None:
        edit = mix
    elif (text := text_from(settings)) is not None:
        edit = text
    elif (channel := settings.take("channel", str)) is not None:
        edit = _channel(channel, settings)
    else:
        edit = _move(settings)
    enabled = settings.take("enabled", bool, True)
    settings.end()
    return Entry(edit, enabled)


def _move_values(move: Move) -> dict[str, Any]:
    values: dict[str, Any] = {"move": move.attribute, "alpha": float(move.alpha)}
    if move.layers is not None:
        values["layers"] = format_strengths(move.layers, move.strengths)
    if move.given:
        values["given"] = list(move.given)
    if move.absolute:
        values["absolute"] = True
    if move.own:
        values["own"] = [_direction_values(direction) for direction in move.own]
    return values


def _move(settings: Settings) -> Move:
    attribute, alpha = settings.need("move", str), settings.need("alpha", float)
    layers = settings.take("layers", str)
    if layers is not None and any(letter.isalpha() for letter in layers):
        raise BadRecipe(f"{settings.name} has layers: {layers!r}; write rows such as 0-3,7.")
    rows, strengths = (None, ()) if layers is None else parse_strengths(layers, MAX_ROWS)
    given, absolute = settings.texts("given"), settings.take("absolute", bool, False)
    own = settings.take("own", list, [])
    directions = tuple(_direction(Settings(part, f"own of {settings.name}")) for part in own)
    return Move(attribute, alpha, rows, given, absolute, strengths, directions)


def _channel(text: str, settings: Settings) -> ChannelMove:
    layer, colon, index = text.rpartition(":")
    if not colon or not (index.isascii() and index.isdigit()):
        raise BadRecipe(f"{settings.name} has channel: {text!r}; write LAYER:NUMBER.")
    return ChannelMove(Channel(layer, int(index)), settings.need("alpha", float))


def _direction_values(direction: Direction) -> dict[str, Any]:
    vector = direction.vector.detach().cpu().float().numpy()
    values: dict[str, Any] = {
        "name": direction.name,
        "vector": base64.b64encode(vector.astype("<f4").tobytes()).decode(),
        "step": float(direction.step),
    }
    if vector.ndim == 2:
        values["rows"] = len(vector)
    if direction.layers is not None:
        values["layers"] = format_layers(direction.layers)
    if direction.space != "w":
        values["space"] = direction.space
    if direction.origin is not None:
        values["origin"] = float(direction.origin)
    if direction.length != 1.0:
        values["length"] = float(direction.length)
    if direction.anchor is not None:
        values["anchor"] = direction.anchor
    if direction.strengths:
        values["strengths"] = list(direction.strengths)
    if direction.safe_range is not None:
        values["range"] = list(direction.safe_range)
    return values


def _direction(settings: Settings) -> Direction:
    name, text = settings.need("name", str), settings.need("vector", str)
    rows, layers = settings.take("rows", int), settings.take("layers", str)
    safe = settings.take("range", list)
    try:
        strengths = tuple(float(factor) for factor in settings.take("strengths", list, []))
        data = np.frombuffer(base64.b64decode(text, validate=True), "<f4").copy()
        vector = torch.from_numpy(data.reshape(rows, -1) if rows else data)
        meta = {} if safe is None else {"range": [float(safe[0]), float(safe[1])]}
    except (binascii.Error, ValueError, TypeError, IndexError) as error:
        raise BadRecipe(f"The direction {name} in the recipe is damaged; save it again.") from error
    direction = Direction(
        name,
        vector,
        None if layers is None else parse_layers(layers, MAX_ROWS),
        settings.take("step", float, 1.0),
        settings.take("space", str, "w"),
        meta,
        settings.take("origin", float),
        strengths,
        length=settings.take("length", float, 1.0),
        anchor=settings.take("anchor", int),
    )
    settings.end()
    return direction
