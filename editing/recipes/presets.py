"""Presets: recipes with words, a small picture and a promise, found by name in a folder.

``presets/NAME.yaml`` is a recipe with a title, a description, tags, a citation, ``expect`` and a
thumbnail, which lies in ``presets/thumbnails/`` and is drawn from the recipe itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from editing.animation.paths import Place, Reenactment, Timeline
from editing.animation.random_paths import Metropolis, Pieces, RandomSteps
from editing.edits.mix_edits import Crossover, Grain, Patch, Transfer
from editing.edits.stack import ChannelMove, Edit, Move, render
from editing.errors import BadRecipe, MissingFile, UnknownName
from editing.io.images import to_uint8, write_atomically
from editing.models.domain import Domain
from editing.models.generators.layers import style_widths
from editing.pictures.alignment import open_photo
from editing.recipes.recipe import Recipe, load_recipe
from editing.recipes.replay import Replay, replay
from editing.text.edit import TextEdit

PRESETS = Path(__file__).parents[2] / "presets"
THUMBNAILS = "thumbnails"  # the folder beside the presets
SIZE = (320, 160)  # pixels of a thumbnail
QUALITY = 78  # of its JPEG
FRAMES = 8  # of a walk that its thumbnail shows, in two rows
Pixels = NDArray[np.uint8]
KINDS = ("edit", "grid", "walk", "inversion")  # from quick to slow


@dataclass(frozen=True, eq=False)
class Preset:
    """A recipe by name."""

    name: str
    path: Path
    recipe: Recipe

    @property
    def kind(self) -> str:
        """What it makes: one of ``KINDS``."""
        if self.recipe.walk is not None:
            return "walk"
        if self.recipe.grid is not None:
            return "grid"
        return "edit" if self.recipe.stack.entries else "inversion"

    def title(self, lang: str = "en") -> str:
        """In Chinese where there is a Chinese one."""
        return (self.recipe.title_zh if lang == "zh" else "") or self.recipe.title or self.name

    def description(self, lang: str = "en") -> str:
        """In Chinese where there is a Chinese one."""
        chinese = self.recipe.description_zh if lang == "zh" else ""
        return (chinese or self.recipe.description).strip()

    @property
    def thumbnail(self) -> Path:
        """Where its small picture lies, or would."""
        name = self.recipe.thumbnail or f"{self.name}.jpg"
        return self.path.parent / THUMBNAILS / name

    @cached_property
    def photo(self) -> Path | None:
        """The photo that it is published with; None where it begins with a seed.

        Raises:
            BadRecipe: its name leads somewhere else.
        """
        return photo_beside(self.path, self.recipe)


def preset_names(root: Path = PRESETS) -> list[str]:
    """The names of all presets in a folder."""
    return sorted(path.stem for path in root.glob("*.yaml"))


def open_preset(name: str, root: Path = PRESETS) -> Preset:
    """A preset by name.

    Raises:
        UnknownName: there is none; the message lists those there are.
        BadRecipe: what is wrong with it.
    """
    if name not in (known := preset_names(root)):
        raise UnknownName.among("preset", name, known)
    path = root / f"{name}.yaml"
    return Preset(name, path, load_recipe(path))


def list_presets(root: Path = PRESETS) -> Iterator[Preset]:
    """All presets of a folder, by name.

    Raises:
        BadRecipe: what is wrong with one of them, and which.
    """
    return (open_preset(name, root) for name in preset_names(root))


def photo_beside(path: Path, recipe: Recipe) -> Path | None:
    """The photo of a recipe where it lies beside the file; None where there is none.

    Raises:
        BadRecipe: the name leads out of the folder.
    """
    name = recipe.source.name
    if recipe.source.kind != "photo" or not name:
        return None
    folder, photo = path.parent.resolve(), path.parent / name
    if Path(name).name != name or photo.resolve().parent != folder:
        raise BadRecipe(
            f"The recipe's photo is {name[:80]!r}; a photo lies beside its recipe, under its bare "
            "name, or is passed with --photo."
        )
    return photo if photo.is_file() else None


# -- what a domain must have


def lacks(recipe: Recipe, domain: Domain) -> str:
    """The sentence that says what a domain lacks for a recipe; "" where it has everything."""
    edits = list(_edits(recipe))
    own = {direction.name for edit in edits if isinstance(edit, Move) for direction in edit.own}
    for edit in edits:
        for name in _attributes(edit):
            if name not in own and name not in domain.boundaries:
                return (
                    f"{domain.name} has no direction {name!r}, which this needs; take a domain "
                    "that has it, or make one with 'python -m editing boundary train'."
                )
        for row in _rows(edit):
            if row >= domain.generator.num_ws:
                return (
                    f"{domain.name} has the layers 0-{domain.generator.num_ws - 1}, and this "
                    f"needs {row}; change the layers in the preset."
                )
        if isinstance(edit, ChannelMove):
            widths = style_widths(domain.generator)
            if edit.channel.index >= widths.get(edit.channel.layer, 0):
                return f"{domain.name} has no channel {edit.channel}; name another in the preset."
        if isinstance(edit, TextEdit) and edit.change is None and not reads_texts(domain):
            return (
                f"{domain.name} has no text-image model (CLIP) here yet, which this needs to "
                "read its texts; fetch or train one, and it works."
            )
    if isinstance(recipe.walk and recipe.walk.way, Metropolis) and "scorer" not in domain.parts:
        return f"{domain.name} has no scorer, which this walk asks; take another domain."
    if isinstance(recipe.walk and recipe.walk.way, Place) and domain.family == "stylegan2":
        return f"{domain.name} is StyleGAN2; only StyleGAN3 can move and turn its picture."
    return ""


def reads_texts(domain: Domain) -> bool:
    """Whether the domain's text-image model is here."""
    entry = domain.parts.get("text_image_model")
    return domain.hub_clip is not None or (entry is not None and domain.is_present(entry))


def _edits(recipe: Recipe) -> Iterator[Edit]:
    yield from (entry.edit for entry in recipe.stack.entries if entry.on)
    if recipe.grid is not None:
        yield from (entry.edit for row in recipe.grid.entries for entry in row if entry.on)
    way = recipe.walk.way if recipe.walk is not None else None
    if isinstance(way, Timeline):
        yield from (track.move for track in way.tracks)
    if isinstance(way, RandomSteps | Pieces) and way.along:
        yield Move(way.along, 0.0)
    if isinstance(way, Reenactment):
        yield from (Move(name, 0.0) for name in way.along)


def _attributes(edit: Edit) -> tuple[str, ...]:
    if isinstance(edit, Move):
        return (edit.attribute, *edit.given)
    return edit.along if isinstance(edit, Transfer) else ()


def _rows(edit: Edit) -> tuple[int, ...]:
    if isinstance(edit, Move | Crossover | Grain | Patch | Transfer | TextEdit):
        return edit.layers or ()
    return ()


# -- what it makes


def make(preset: Preset, domain: Domain, photo: str | Path | None = None) -> Replay:
    """The portrait of a preset, as published or of another photo, before its grid or walk.

    Raises:
        BadRecipe: the domain lacks what it needs.
        EditingError: whatever ``replay`` refuses.
    """
    if missing := lacks(preset.recipe, domain):
        raise BadRecipe(missing)
    return replay(preset.recipe, domain, photo=photo or preset.photo)


def pictures(preset: Preset, made: Replay, domain: Domain) -> list[Pixels]:
    """What a preset shows, [R, R, 3] each: before and after, every cell, or frames of a walk.

    ``expect`` is read between the first of them and the one that goes furthest.
    """
    recipe = preset.recipe
    if recipe.walk is not None:
        route, places = recipe.walk.begin(made.edited, domain), recipe.walk.positions()
        chosen = (places[round(i * (len(places) - 1) / (FRAMES - 1))] for i in range(FRAMES))
        return [to_uint8(render(route.at(place), domain))[0] for place in chosen]
    if recipe.grid is not None:
        return list(recipe.grid.pictures(made.edited, domain))
    before = render(made.source, domain)
    if preset.kind == "inversion" and preset.photo is not None:
        before = open_photo(preset.photo, recipe.source.aligned).at(domain.resolution)
    return [to_uint8(before)[0], to_uint8(made.img)[0]]


def thumbnail(preset: Preset, domain: Domain) -> Image.Image:
    """``pictures`` side by side, ``SIZE`` pixels.

    Raises:
        EditingError: whatever ``make`` refuses.
    """
    shown = pictures(preset, make(preset, domain), domain)
    grid = preset.recipe.grid
    columns = len(grid.columns) if grid else FRAMES // 2 if len(shown) == FRAMES else 2
    rows = [np.concatenate(shown[at : at + columns], 1) for at in range(0, len(shown), columns)]
    sheet = Image.fromarray(np.concatenate(rows))
    return ImageOps.fit(sheet, SIZE, Image.Resampling.LANCZOS)


def write_thumbnail(preset: Preset, picture: Image.Image) -> int:
    """Write a preset's small picture; returns its bytes."""
    write_atomically(
        preset.thumbnail,
        lambda file: picture.save(file, "jpeg", quality=QUALITY, optimize=True),
    )
    return preset.thumbnail.stat().st_size


def read_thumbnail(preset: Preset) -> bytes:
    """The small picture's JPEG.

    Raises:
        MissingFile: it was not drawn yet.
    """
    if not preset.thumbnail.is_file():
        raise MissingFile(
            f"{preset.thumbnail} is missing; draw it with 'python -m editing presets thumbnails "
            f"{preset.name}'."
        )
    return preset.thumbnail.read_bytes()
