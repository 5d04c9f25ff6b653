"""Endpoints that no widget has: pictures of seeds, edits in words, whole recipes, readings."""

from pathlib import Path
from typing import Any

import gradio as gr
import torch
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from editing.arguments import parse_moves, parse_seeds
from editing.commands import picture_of, readings_of
from editing.edits import ChannelMove, EditStack
from editing.errors import BadInput, BadRecipe, UnknownName
from editing.images import to_tensor
from editing.inversion_options import InversionOptions, options_for
from editing.latents import DEFAULT_PSI, parse_seed
from editing.recipes import Recipe, recipe_from_yaml
from ui import files
from ui.handlers import Handlers
from ui.inversion_choices import within_limits
from ui.polite import polite
from ui.runs import Run
from ui.session import Label, Moment, Portrait, Session
from ui.widgets import upload_path, uploads_only

MOST_SEEDS = 16  # pictures of one call


class ApiHandlers:
    """Bound to one studio; knows nothing of any visitor."""

    def __init__(self, handlers: Handlers) -> None:
        self.studio, self.display = handlers.studio, handlers.display
        self.inversion = handlers.inversion

    @polite
    def generate(self, session: Session, lang: str, seeds: str, psi: float) -> list[str]:
        """Pictures of seeds such as 0-3,7: PNG files that carry recipe and latent.

        psi is the truncation: 1 is as drawn, 0 the mean face.
        """
        numbers = parse_seeds(seeds)
        if len(numbers) > MOST_SEEDS:
            raise BadInput(f"{len(numbers)} seeds are too many at once; take up to {MOST_SEEDS}.")
        return [self._saved(*self._picture(seed, float(psi))) for seed in numbers]

    def _picture(self, seed: int, psi: float) -> tuple[str, bytes]:
        portrait = self.studio.open_seed(seed, psi)
        moment = Moment(portrait, EditStack(()), portrait.label, portrait.before, "")
        return files.export(moment, self.studio.domain, "png")

    @polite
    def edit(
        self, session: Session, lang: str, moves: str, given: str = "", absolute: bool = False
    ) -> tuple[Any, ...]:
        """Add moves to the edits, written as on the command line: smile=2 age=-1.5@0-5.

        given: attributes to hold still, such as gender,eyeglasses. absolute: a strength is the
        distance from the boundary to end at.
        """
        domain, texts = self.studio.domain, moves.split()
        if not texts:
            raise BadInput("There is no move; write smile=2, for example.")
        held = [name.strip() for name in given.split(",") if name.strip()]
        for name in (*held, *(text.rpartition("=")[0] for text in texts)):
            self._check_name(name)
        stack = session.now.stack
        for move in parse_moves(texts, given, absolute, domain):
            stack = stack.add(move)
            name = str(move.channel) if isinstance(move, ChannelMove) else move.attribute
            label = Label(attribute=name, alpha=move.alpha)
        session = self.studio.step(session, stack, label)
        return session, self.display.status(session)

    def _check_name(self, name: str) -> None:
        """On the command line a name may also be a file; a visitor names no file of the server."""
        channel = ":" in name and not Path(name).exists()
        if name not in self.studio.domain.boundaries and not channel:
            raise UnknownName.among("attribute", name, self.studio.domain.boundaries)

    @polite
    def score(
        self, session: Session, lang: str, picture: Any = None, reference: Any = None
    ) -> dict[str, Any]:
        """Readings of a picture in σ of the world's spread, by a network that makes no edit.

        Without a picture: the current portrait, beside what it was before the edits. With a
        reference also how alike the two are: identity (1 is the same) and perceptual distance.
        """
        domain, paths = self.studio.domain, (upload_path(picture), upload_path(reference))
        first, second = (None if path is None else picture_of(path, domain)[0] for path in paths)
        if first is None:
            first = to_tensor(session.now.after).to(domain.device)
            if second is None:
                second = to_tensor(session.now.portrait.before).to(domain.device)
        readings = torch.no_grad()(readings_of)
        return self.studio.lanes.long(lambda: readings(first, domain, second))

    # -- recipes

    @polite
    def run_recipe(
        self, session: Session, lang: str, request: gr.Request, recipe: str, photo: Any = None
    ) -> tuple[Any, ...]:
        """Run a recipe (its YAML text) on its seed, or on a photo: the session, and the PNG.

        A recipe that was made from a photo needs that photo, or another one.
        """
        read = recipe_from_yaml(recipe or "")
        domain = self.studio.domain
        if read.fingerprint and read.fingerprint != domain.fingerprint:
            raise BadRecipe(
                f"The recipe was made in the domain {read.domain}, and this is {domain.name}; "
                "take its fingerprint out to apply it here anyway."
            )
        masked = read.inversion is not None and bool(read.inversion.mask or read.inversion.into)
        if read.walk or read.grid or read.figure or masked:
            raise BadRecipe(
                "This recipe is more than a portrait and its edits; run it with "
                "'python -m editing run'."
            )
        path = upload_path(photo)
        portrait = self._of_seed(read) if path is None else self._of_photo(read, path, request)
        session = self.studio.replace(session, portrait, path)
        if read.stack.entries:
            session = self.studio.step(session, read.stack, Label("history.recipe"))
        kind = "photo" if read.output.outcome == "photo" and path is not None else "png"
        saved = self._saved(*self.studio.export(session, kind))
        return session, self.display.status(session), saved

    def _of_seed(self, recipe: Recipe) -> Portrait:
        spec = parse_seed(recipe.source.name) if recipe.source.kind == "seed" else None
        if spec is None:
            raise BadRecipe("The recipe was made from a photo or a latent; send a photo, too.")
        return self.studio.open_seed(spec.seed, spec.psi, spec.label, spec.cutoff)

    def _of_photo(self, recipe: Recipe, path: str, request: gr.Request) -> Portrait:
        portrait = self.studio.open_photo(path, crop=not recipe.source.aligned)
        options: InversionOptions = options_for("quick")
        if recipe.inversion:
            options = within_limits(recipe.inversion.options)
        found = self.inversion.searched(Run(portrait, options), str(request.session_hash))
        if found is None:
            raise BadInput("Another search of yours began, so this one was given up; ask again.")
        return found

    def _saved(self, name: str, data: bytes) -> str:
        return save_bytes_to_cache(data, name, get_upload_folder())


def wire_api(page: Any, h: ApiHandlers, action: Any, long: dict[str, Any]) -> None:
    """Wire them to buttons that nobody sees."""
    base = [page.session, page.language]

    def picture(label: str) -> gr.Image:
        return uploads_only(gr.Image(visible=False, label=label))

    def text(label: str, value: str = "") -> gr.Textbox:
        return gr.Textbox(value, visible=False, label=label)

    seeds = [text("seeds", "0"), gr.Number(DEFAULT_PSI, visible=False, label="psi")]
    pictures = gr.File(file_count="multiple", visible=False, label="pictures")
    gr.Button(visible=False).click(
        h.generate, [*base, *seeds], [pictures], api_name="generate", **long
    )
    moves = [text("moves"), text("given"), gr.Checkbox(visible=False, label="absolute")]
    action(gr.Button(visible=False).click, h.edit, moves, "edit")
    two = [picture("picture"), picture("reference")]
    readings = gr.JSON(visible=False, label="readings")
    gr.Button(visible=False).click(
        h.score, [*base, *two], [readings], api_name="score", preprocess=False, **long
    )
    gr.Button(visible=False).click(
        h.run_recipe,
        [*base, text("recipe"), picture("photo")],
        [page.session, page.status, gr.File(visible=False, label="picture")],
        api_name="run_recipe",
        preprocess=False,
        **long,
    )
