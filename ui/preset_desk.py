"""What the Presets tab does: a preset placed on a session, inverted, filmed, drawn; no widget."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from editing.edits import EditStack, EditState
from editing.errors import BadInput, BadRecipe, EditingError
from editing.films import Projector
from editing.images import to_tensor, to_uint8
from editing.latents import SeedSpec, parse_seed
from editing.presets import PRESETS, Preset, lacks, open_preset, preset_names, read_thumbnail
from editing.recipes import Inversion
from editing.replays import inversion_target
from ui.mixing_desk import MAX_GRID
from ui.runs import Run
from ui.session import Label, Portrait, Session
from ui.studio import Studio
from ui.walk_tab import MOST
from ui.widgets import Pixels

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Shown:
    """A preset that can be read, as its card shows it."""

    preset: Preset
    thumbnail: bytes  # a JPEG; empty where it was not drawn yet
    lacks: str  # what this domain lacks for it, in a sentence; "" = nothing


class PresetDesk:
    """Bound to one studio; reads a folder of presets once."""

    def __init__(self, studio: Studio, root: Path = PRESETS) -> None:
        self.studio, self.domain, self.root = studio, studio.domain, root
        self.shown = [found for name in preset_names(root) if (found := self._read(name))]

    def _read(self, name: str) -> Shown | None:
        """None for a file that is no preset: one slip must not take the page away."""
        try:
            preset = open_preset(name, self.root)
            preset.photo  # noqa: B018  (refuses a name that leads elsewhere)
        except EditingError as error:
            log.warning("The preset %s is left out: %s", name, error)
            return None
        try:
            thumbnail = read_thumbnail(preset)
        except EditingError:
            thumbnail = b""
        return Shown(preset, thumbnail, lacks(preset.recipe, self.domain))

    def find(self, name: str) -> Preset:
        """A preset by name.

        Raises:
            UnknownName: there is none.
            BadRecipe: this domain lacks what it needs.
        """
        preset = open_preset(name, self.root)
        if missing := lacks(preset.recipe, self.domain):
            raise BadRecipe(missing)
        return preset

    # -- one after the other: the portrait and its edits, its inversion, its grid or film

    def place(self, session: Session, preset: Preset, published: bool) -> Session:
        """The session with the preset's own portrait, or the visitor's, and its edits on it.

        Raises:
            EditingError: its photo cannot be had, or the visitor's portrait is none.
        """
        recipe = preset.recipe
        if published:
            session = self._published(session, preset)
        elif recipe.inversion is not None and session.now.portrait.photo is None:
            raise BadInput(
                "This preset begins with an inversion, so it needs a photo: drop one above, or "
                "run it as published."
            )
        if not recipe.stack.entries:
            return session
        stack = EditStack((*session.now.stack.entries, *recipe.stack.entries))
        return self.studio.step(session, stack, Label("history.preset", {"preset": preset.name}))

    def _published(self, session: Session, preset: Preset) -> Session:
        source = preset.recipe.source
        if source.kind == "seed":
            spec = parse_seed(source.name) or SeedSpec(0)
            portrait = self.studio.open_seed(spec.seed, spec.psi, spec.label, spec.cutoff)
            return self.studio.replace(session, portrait)
        if preset.photo is None:
            raise BadRecipe(
                f"The photo {source.name} of {preset.name} is not here; apply the preset to a "
                "portrait of your own."
            )
        portrait = self.studio.open_photo(preset.photo, crop=not source.aligned)
        return self.studio.replace(session, portrait, preset.photo)

    def run_of(self, session: Session, preset: Preset) -> Run | None:
        """The search that the preset begins with; None where it has none."""
        inversion, portrait = preset.recipe.inversion, session.now.portrait
        if inversion is None or portrait.target is None:
            return None
        with self.studio.lanes.interactive(), torch.no_grad():
            target, mask = inversion_target(inversion, to_tensor(portrait.target), self.domain)
        if mask is not None and inversion.into is not None:
            portrait = replace(portrait, target=to_uint8(target)[0])
        return Run(portrait, inversion.options, mask)

    def found(self, portrait: Portrait, preset: Preset) -> Portrait:
        """What the search found, with all of how it was found."""
        inversion = preset.recipe.inversion
        if inversion is None or not inversion.mask:
            return portrait
        whole = Inversion(inversion.options, None, inversion.mask, inversion.into)
        return replace(portrait, inversion=whole)

    def edited(self, session: Session) -> EditState:
        """The current portrait with its edits."""
        return session.now.stack.apply(session.now.portrait.state, self.domain)

    def projector(self, session: Session, preset: Preset) -> Projector:
        """The preset's walk from the current portrait.

        Raises:
            BadInput: it is too long for the page.
        """
        walk = preset.recipe.walk
        if walk is None or walk.frames > MOST:
            raise BadInput(f"{preset.name} makes no film of up to {MOST} frames.")
        return Projector(walk, self.edited(session), self.domain, preset.recipe.look)

    def cells(self, session: Session, preset: Preset) -> Iterator[Pixels]:
        """The pictures of the preset's grid around the current portrait, row by row.

        Raises:
            BadInput: it is too large for the page.
        """
        grid = preset.recipe.grid
        if grid is None or len(grid.columns) * len(grid.rows) > MAX_GRID:
            raise BadInput(f"{preset.name} makes no grid of up to {MAX_GRID} pictures.")
        yield from self.studio.lanes.steps(grid.pictures(self.edited(session), self.domain))


def facts_of(shown: Shown, lang: str) -> dict[str, Any]:
    """What the API says of a preset."""
    preset = shown.preset
    return {
        "name": preset.name,
        "kind": preset.kind,
        "title": preset.title(lang),
        "description": preset.description(lang),
        "tags": list(preset.recipe.tags),
        "citation": preset.recipe.citation,
        "lacks": shown.lacks,
    }
