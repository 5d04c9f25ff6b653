"""Edits that bring other portraits in, as the plain values of a recipe, and back.

    {cross: {name: "seed:7"}, layers: "0-3*0.5", weight: 0.8}
    {morph: {name: me, latent: BASE64}, amount: 0.5, space: w}
    {transfer: {name: "seed:1"}, to: {name: "seed:2"}, amount: 1.0, along: [smile]}
    {grain: 7, layers: "7-11*0.5"}
    {patch: copy, from: {name: "seed:7"}, mask: BASE64, shift: [0.1, 0.0]}

A portrait without a ``latent`` is the seed of its name. A mask written by hand may be a box:
``[left, top, right, bottom]``, shares of the picture's side.
"""

import base64
import binascii
from typing import Any

from editing.edits.mix_edits import (
    Crossover,
    Grain,
    Morph,
    Other,
    Patch,
    Rows,
    Transfer,
    mask_bytes,
)
from editing.errors import BadRecipe, shown
from editing.io.codec import Settings
from editing.models.generators.layers import MAX_ROWS, format_strengths, parse_strengths
from editing.models.latents import latent_from_bytes, latent_to_bytes, parse_seed
from editing.pictures.masks import box_mask

BOXED = 128  # pixels a side of the picture that a box becomes
Mix = Crossover | Morph | Transfer | Grain | Patch


def mix_values(edit: Mix) -> dict[str, Any]:
    """An edit as the values of a recipe."""
    values: dict[str, Any]
    if isinstance(edit, Crossover):
        values = {"cross": other_values(edit.other), "weight": float(edit.weight)}
    elif isinstance(edit, Morph):
        return {
            "morph": other_values(edit.other),
            "amount": float(edit.amount),
            "space": edit.space,
        }
    elif isinstance(edit, Transfer):
        values = {"transfer": other_values(edit.before), "to": other_values(edit.after)}
        values["amount"] = float(edit.amount)
        values |= {"along": list(edit.along)} if edit.along else {}
    elif isinstance(edit, Grain):
        values = {"grain": -1 if edit.seed is None else edit.seed, "amount": float(edit.amount)}
    else:
        values = {"patch": edit.operation, "mask": base64.b64encode(edit.mask).decode()}
        values |= {} if edit.other is None else {"from": other_values(edit.other)}
        values["shift"] = [float(each) for each in edit.shift]
    strengths = edit.strengths if isinstance(edit, Crossover | Grain) else ()
    if edit.layers is not None:
        values["layers"] = format_strengths(edit.layers, strengths)
    return values


def mix_from(settings: Settings) -> Mix | None:
    """The edit that a recipe's values describe; None where they describe none of these.

    Raises:
        BadRecipe, BadInput: what is wrong with them.
    """
    if (other := settings.part("cross")) is not None:
        rows, strengths = _rows(settings)
        weight = settings.take("weight", float, 1.0)
        return Crossover(other_from(other), rows, weight, strengths)
    if (other := settings.part("morph")) is not None:
        amount = settings.take("amount", float, 0.5)
        return Morph(other_from(other), amount, settings.take("space", str, "w+"))
    if (other := settings.part("transfer")) is not None:
        after = settings.part("to")
        if after is None:
            raise BadRecipe(f"{settings.name} lacks to: the portrait whose expression is taken.")
        amount, along = settings.take("amount", float, 1.0), settings.texts("along")
        return Transfer(other_from(other), other_from(after), amount, _rows(settings)[0], along)
    if (seed := settings.take("grain", int)) is not None:
        amount = settings.take("amount", float, 1.0)
        return Grain(None if seed < 0 else seed, *_rows(settings), amount)
    if (operation := settings.take("patch", str)) is not None:
        source = settings.part("from")
        mask = mask_value(settings)
        if not mask:
            raise BadRecipe(
                f"{settings.name} lacks mask: the region, such as [0.3, 0.3, 0.7, 0.8]."
            )
        shift = settings.take("shift", list, [0.0, 0.0])
        if len(shift) != 2 or not all(type(each) in (int, float) for each in shift):
            raise BadRecipe(f"{settings.name} has shift: {shown(shift)}; it needs two numbers.")
        from_ = None if source is None else other_from(source)
        return Patch(mask, from_, _rows(settings)[0], operation, (shift[0], shift[1]))
    return None


def other_values(other: Other) -> dict[str, Any]:
    """A portrait inside an edit or a walk."""
    values: dict[str, Any] = {"name": other.name}
    if other.latent is not None:
        values["latent"] = base64.b64encode(latent_to_bytes(other.latent)).decode()
    return values


def other_from(settings: Settings) -> Other:
    """The inverse of ``other_values``; takes all of ``settings``."""
    name, text = settings.need("name", str), settings.take("latent", str)
    settings.end()
    if text is not None:
        what = f"The latent of {shown(name)} in the recipe"
        return Other(name, latent_from_bytes(decoded(text, what), what, settings.allowance))
    if parse_seed(name) is None:
        raise BadRecipe(f"{settings.name} is {shown(name)} without a latent; write seed:123.")
    return Other(name)


def mask_value(settings: Settings) -> bytes:
    """The ``mask`` of a recipe as a PNG: base64, or a box by hand; empty where there is none.

    Raises:
        BadRecipe, BadInput: what is wrong with it.
    """
    text = settings.take_if_text("mask")
    box = settings.take("mask", list)
    if text is not None:
        return decoded(text, f"The mask of {settings.name}")
    if box is None:
        return b""
    if len(box) != 4 or not all(type(each) in (int, float) for each in box):
        raise BadRecipe(f"{settings.name} has mask: {shown(box)}; it needs four numbers.")
    return mask_bytes(box_mask([float(each) for each in box], BOXED))


def decoded(text: str, name: str) -> bytes:
    """Base64 -> bytes."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRecipe(f"{name} is damaged; save the recipe again.") from error


def _rows(settings: Settings) -> tuple[Rows | None, tuple[float, ...]]:
    text = settings.take("layers", str)
    if text is None:
        return None, ()
    if any(letter.isalpha() for letter in text):
        raise BadRecipe(f"{settings.name} has layers: {shown(text)}; write rows such as 0-3,7.")
    return parse_strengths(text, MAX_ROWS)
