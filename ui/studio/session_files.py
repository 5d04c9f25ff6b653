"""A session as one file: its history, latents and aligned photos. Nothing in it can run.

A ZIP archive of members with known names, each of a kind that is read elsewhere, too::

    session.yaml      format, domain, fingerprint, position, keep;
                      portraits: [{kind: photo, photo: true, left_out: [weight_delta]}]
                      moments: [{portrait: 0, key: history.start}, {..., attribute: age, alpha: 1}]
    portrait-0.npz    a latent file, with noise maps and weight delta where there are any
    portrait-0.jpg    the aligned photo
    moment-0.yaml     a recipe: source, inversion, edits, how the edit is put into the photo

A *light* one is what a browser keeps: the last steps, and no weight delta. Any one leaves the
weight delta of the oldest portraits out where all together would be more than is opened again.
"""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from editing.edits.mix_edits import Other
from editing.edits.stack import EditState, latent_of
from editing.errors import BadRecipe, reason_of, shown
from editing.io.allowances import MOST, Allowance
from editing.io.archives import UNREADABLE, open_archive
from editing.io.codec import Settings, parse_yaml
from editing.io.images import load_picture
from editing.models.domain import Domain
from editing.models.latents import Latent, field_bytes, latent_from_bytes, latent_to_bytes
from editing.recipes.recipe import (
    MAX_EMBEDDED,
    Output,
    Recipe,
    make_recipe,
    recipe_from_yaml,
    recipe_to_yaml,
)
from ui.components.widgets import Pixels
from ui.locales import MESSAGES, say
from ui.studio.exports import bounded
from ui.studio.session import MAX_MOMENTS, Label, Moment, Portrait, Session

FORMAT = "latent-studio session 1"
SUFFIX = ".studio"
FACTS = "session.yaml"
MAX_PORTRAITS = 24
MAX_UNPACKED = 128 * 2**20  # bytes; a tuned portrait of a 1024 px generator takes some 30
MAX_PHOTO = 2048**2  # pixels of an aligned photo
MOST_SAVED = 100  # steps of a file: earlier versions kept so many
MAX_WORD = 200  # characters of a word in a step's name
LIGHT_MOMENTS, LIGHT_BYTES = 16, 1_500_000  # a browser's storage holds some five million
KINDS = ("seed", "photo", "latent")


@dataclass(frozen=True, eq=False)
class SavedPortrait:
    """What is needed to draw a portrait again."""

    kind: str
    latent: Latent
    photo: Pixels | None  # the aligned photo, [P, P, 3]
    left_out: tuple[str, ...]  # what was tuned, and did not travel along


@dataclass(frozen=True, eq=False)
class SavedMoment:
    portrait: int
    recipe: Recipe
    label: Label


@dataclass(frozen=True, eq=False)
class SavedSession:
    """A session that is not drawn yet."""

    domain: str
    fingerprint: str
    portraits: tuple[SavedPortrait, ...]
    moments: tuple[SavedMoment, ...]
    position: int
    keep: bool


# -- writing


def session_bytes(session: Session, domain: Domain, light: bool = False) -> bytes:
    """The contents of a session file.

    Raises:
        BadRecipe: an edit that cannot be written down.
    """
    if not light:
        return _archive(session, session.moments, domain, light)
    first = max(min(session.position + 2, len(session.moments)) - LIGHT_MOMENTS, 0)
    data = _archive(session, session.moments[first : first + LIGHT_MOMENTS], domain, light)
    if len(data) > LIGHT_BYTES:
        data = _archive(session, (session.now,), domain, light)
    return data


def _archive(session: Session, moments: Sequence[Moment], domain: Domain, light: bool) -> bytes:
    portraits = _portraits(moments, session.now)
    kept = [moment for moment in moments if moment.portrait in portraits]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        facts, room = [], MOST - _mixed_in(kept)
        for number, portrait in enumerate(portraits):
            room -= _tuned(portrait.state)
            lean = light or room < 0
            facts.append(_write_portrait(archive, number, portrait, domain, lean))
        for number, moment in enumerate(kept):
            recipe = recipe_to_yaml(_recipe(moment, session, domain))
            _write(archive, f"moment-{number}.yaml", recipe.encode())
        whole = {
            "format": FORMAT,
            "domain": domain.name,
            "fingerprint": domain.fingerprint,
            "position": kept.index(session.now),
            "keep": session.keep,
            "portraits": facts,
            "moments": [_moment_values(m, portraits.index(m.portrait)) for m in kept],
        }
        text = yaml.safe_dump(whole, sort_keys=False, allow_unicode=True)
        _write(archive, FACTS, text.encode())
    return buffer.getvalue()


def _write(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    """A member without a time, so that the same session is the same file; packed if it is text."""
    packed = zipfile.ZIP_DEFLATED if name.endswith(".yaml") else zipfile.ZIP_STORED
    archive.writestr(zipfile.ZipInfo(name), data, packed)


def _portraits(moments: Sequence[Moment], now: Moment) -> list[Portrait]:
    """Each portrait once, the present one first, then the latest."""
    found = {id(m.portrait): m.portrait for m in (now, *reversed(moments))}
    return list(found.values())[:MAX_PORTRAITS]


def _tuned(state: EditState | Latent) -> int:
    """Float32 bytes of a portrait, with what was tuned for it."""
    fields = (state.weight_delta, state.noise, state.s_delta)
    return 4 * (state.ws.numel() + sum(t.numel() for each in fields for t in each.values()))


def _mixed_in(moments: Sequence[Moment]) -> int:
    """Float32 bytes of the portraits inside the edits, each once.

    Raises:
        BadRecipe: they are more than any session file that is opened again.
    """
    edits = (entry.edit for moment in moments for entry in moment.stack.entries)
    others = (value for edit in edits for value in vars(edit).values() if isinstance(value, Other))
    latents = {id(each.latent): each.latent for each in others if each.latent is not None}
    size = sum(map(_tuned, latents.values()))
    if size > MOST:
        raise BadRecipe(
            f"The portraits inside these edits take {size / 2**20:.0f} MB, and a session file may "
            f"hold {MOST / 2**20:.0f}; save the latent instead, or mix fewer tuned portraits."
        )
    return size


def _write_portrait(
    archive: zipfile.ZipFile, number: int, portrait: Portrait, domain: Domain, lean: bool
) -> dict[str, Any]:
    latent = latent_of(portrait.state, domain, portrait.quad, portrait.source.sha256)
    left_out = []
    if lean and latent.weight_delta:
        latent = replace(latent, weight_delta={})
        left_out.append("weight_delta")
    if lean and field_bytes("noise", latent.noise) > MAX_EMBEDDED:
        latent = replace(latent, noise={})
        left_out.append("noise")
    _write(archive, f"portrait-{number}.npz", latent_to_bytes(latent))
    facts: dict[str, Any] = {"kind": portrait.kind}
    if portrait.photo is not None:
        jpeg = io.BytesIO()
        Image.fromarray(portrait.photo).save(jpeg, "jpeg", quality=88 if lean else 95)
        _write(archive, f"portrait-{number}.jpg", jpeg.getvalue())
        facts["photo"] = True
    return {**facts, "left_out": left_out} if left_out else facts


def _recipe(moment: Moment, session: Session, domain: Domain) -> Recipe:
    portrait = moment.portrait
    output = Output() if portrait.photo is None else Output("photo", None, session.blend)
    return make_recipe(
        domain, portrait.source, moment.stack, inversion=portrait.inversion, output=output
    )


def _moment_values(moment: Moment, portrait: int) -> dict[str, Any]:
    label = moment.label
    values: dict[str, Any] = {"portrait": portrait}
    if label.key:
        values["key"] = label.key
    if label.values:
        values["words"] = {name: str(value) for name, value in label.values.items()}
    if label.attribute:
        values["attribute"] = label.attribute
    if label.alpha:
        values["alpha"] = float(label.alpha)
    return values


# -- reading


def read_session(path: Path, allowance: Allowance | None = None) -> SavedSession:
    """A session file.

    Args:
        allowance: of the request, which all latents in it take from; a fresh one by default.

    Raises:
        BadRecipe, BadLatent, BadPicture, BadInput: what is wrong with it.
    """
    name = path.name
    try:
        with open_archive(path.read_bytes(), MAX_UNPACKED, 2 * MAX_PORTRAITS + MOST_SAVED + 1) as a:
            members = {member: a.read(member) for member in a.namelist()}
    except UNREADABLE as error:
        raise BadRecipe(
            f"{name} is not a readable session file ({reason_of(error)}); open one that was saved "
            "here."
        ) from error
    if FACTS not in members:
        raise BadRecipe(f"{name} is an archive but no session file; open one that was saved here.")
    facts = parse_yaml(_text(members.pop(FACTS), name), FACTS, BadRecipe, allowance)
    if facts.take("format", str) != FORMAT:
        raise BadRecipe(f"{name} is not of the format {FORMAT!r}; update the program.")
    saved = SavedSession(
        facts.need("domain", str),
        facts.need("fingerprint", str),
        tuple(_portrait(part, n, members) for n, part in enumerate(facts.parts("portraits"))),
        tuple(_moment(part, n, members) for n, part in enumerate(facts.parts("moments"))),
        facts.need("position", int),
        facts.take("keep", bool, True),
    )
    facts.end()
    _check(saved, members, name)
    return _shortened(saved)


def _shortened(saved: SavedSession) -> SavedSession:
    """No more steps than a session keeps: the start, and those around the present one."""
    passed = min(max(len(saved.moments) - MAX_MOMENTS, 0), max(saved.position - 1, 0))
    moments = (saved.moments[0], *saved.moments[passed + 1 : passed + MAX_MOMENTS])
    return replace(saved, moments=moments, position=max(saved.position - passed, 0))


def _check(saved: SavedSession, left: dict[str, bytes], name: str) -> None:
    """What no single part can know."""
    if left:
        raise BadRecipe(
            f"{name} holds {shown(next(iter(left)))}, which no session file has; "
            "open one that was saved here."
        )
    if not 0 <= saved.position < len(saved.moments):
        raise BadRecipe(
            f"{name} stands at step {saved.position} of {len(saved.moments)}; save it again."
        )
    for moment in saved.moments:
        if not 0 <= moment.portrait < len(saved.portraits):
            raise BadRecipe(
                f"{name} has a step of portrait {moment.portrait}, and {len(saved.portraits)} "
                "portraits; save it again."
            )


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise BadRecipe(f"{name} holds a text that is no UTF-8; save it again.") from error


def _taken(members: dict[str, bytes], member: str) -> bytes:
    if member not in members:
        raise BadRecipe(f"The session file lacks {member}; save it again.")
    return members.pop(member)


def _portrait(facts: Settings, number: int, members: dict[str, bytes]) -> SavedPortrait:
    kind, stem = facts.need("kind", str), f"portrait-{number}"
    if kind not in KINDS:
        raise BadRecipe(f"{facts.name} is of the kind {shown(kind)}; it can be {', '.join(KINDS)}.")
    has_photo, left_out = facts.take("photo", bool, False), facts.texts("left_out")
    facts.end()
    latent = latent_from_bytes(_taken(members, f"{stem}.npz"), f"{stem}.npz", facts.allowance)
    photo = None
    if has_photo:
        jpeg = io.BytesIO(_taken(members, f"{stem}.jpg"))
        picture = load_picture(jpeg, MAX_PHOTO, f"{stem}.jpg")
        if picture.width != picture.height:
            raise BadRecipe(
                f"{stem}.jpg is {picture.width}×{picture.height}; an aligned photo is square."
            )
        photo = np.asarray(picture)
    return SavedPortrait(kind, latent, photo, left_out)


def _moment(facts: Settings, number: int, members: dict[str, bytes]) -> SavedMoment:
    member = f"moment-{number}.yaml"
    portrait = facts.need("portrait", int)
    words = facts.part("words")
    label = Label(
        facts.take("key", str, ""),
        {} if words is None else words.all_texts(),
        facts.take("attribute", str, ""),
        facts.take("alpha", float, 0.0),
    )
    facts.end()
    _check_label(label, facts.name)
    recipe = recipe_from_yaml(_text(_taken(members, member), member), member, facts.allowance)
    return SavedMoment(portrait, bounded(recipe), label)


def _check_label(label: Label, name: str) -> None:
    """Refuse a step's name that could not be said, or would fill the page."""
    words = [label.attribute, *map(str, label.values.values())]
    try:
        long = any(len(word) > MAX_WORD for word in words) or not abs(label.alpha) < 1e6
        if long or (label.key and label.key not in MESSAGES):
            raise ValueError(label.key)
        if label.key:
            say(label.key, "en", **{"name": "", **label.values})
    except (KeyError, ValueError, IndexError, TypeError, AttributeError) as error:
        raise BadRecipe(f"{name} has a name that cannot be shown; save it again.") from error
