"""A recipe's picture made again: to the same pixels on the same machine, with the same versions."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from editing.edits.mix_edits import mask_from
from editing.edits.out_of_domain import USUAL, Blend, Outcome, edit_names, photo_edited
from editing.edits.stack import EditStack, EditState, render, state_of
from editing.errors import BadRecipe
from editing.inversion.invert import invert, options_for
from editing.io.images import to_tensor, to_uint8
from editing.models.domain import Domain
from editing.models.latents import Latent
from editing.models.states import as_seeded
from editing.pictures.alignment import Photo, open_photo
from editing.pictures.paste_back import paste_back, paste_size
from editing.recipes.recipe import Inversion, Output, Recipe


@dataclass(frozen=True, eq=False)
class Replay:
    """What a recipe made."""

    img: Tensor  # [1, 3, P, P] in [-1, 1]
    source: EditState  # before the edits
    edited: EditState
    notes: tuple[str, ...] = ()  # what the alignment says, and why pixels may differ


def replay(
    recipe: Recipe, domain: Domain, latent: Latent | None = None, photo: str | Path | None = None
) -> Replay:
    """Make a recipe's picture again, or apply it to another photo.

    Args:
        latent: of the unedited source, as an export carries it; used unless ``photo`` is another
            picture than the recipe's own.
        photo: needed where there is no latent, or the outcome is the photo itself.

    Raises:
        BadRecipe: the recipe is of another generator, or a photo is needed.
        EditingError: whatever alignment, inversion or the edits refuse.
    """
    check_generator(recipe, domain)
    notes = []
    if recipe.torch and recipe.torch != (here := str(torch.__version__)):
        notes.append(f"Made with torch {recipe.torch}, here is {here}; pixels may differ.")
    cut = open_photo(photo, recipe.source.aligned) if photo is not None else None
    with threads(recipe.threads):
        source = _source_state(recipe, domain, latent, cut)
        edited = recipe.stack.apply(source, domain)
        img = render(edited, domain)
        if needs_photo(recipe.output):
            if cut is None:
                raise _needs_photo(recipe)
            before = render(source, domain)
            made = in_photo(recipe.output, cut, before, img, domain, recipe.stack)
            img = made.picture
            notes += made.notes
    return Replay(img, source, edited, (*notes, *(cut.alignment.notes if cut else ())))


def check_generator(recipe: Recipe, domain: Domain) -> None:
    """Refuse a recipe of another generator."""
    if recipe.fingerprint and recipe.fingerprint != domain.fingerprint:
        raise BadRecipe(
            f"The recipe is of the generator {recipe.fingerprint} of {recipe.domain}, but "
            f"{domain.name} has {domain.fingerprint}; open it with its own domain, or take its "
            "fingerprint out to apply it here anyway."
        )


def needs_photo(output: Output) -> bool:
    """Whether a picture cannot be finished without the photo it was made of."""
    return output.outcome == "photo" or output.pasted


def in_photo(
    output: Output, cut: Photo, inverted: Tensor, edited: Tensor, domain: Domain, stack: EditStack
) -> Outcome:
    """The edit in the aligned photo, or what was asked for in the whole one.

    The picture is [1, 3, P, P], or of the whole photo's size where it is pasted back.
    """
    size = output.size or domain.generator.img_resolution
    if output.pasted:
        size = paste_size(cut.alignment, domain.generator.img_resolution)
    photo = cut.at(size).to(edited.device)
    if output.outcome == "photo":
        made = photo_outcome(photo, inverted, edited, domain, stack, output.blend)
    else:
        larger = functional.interpolate(_as_saved(edited), photo.shape[-2:], mode="bicubic")
        larger = larger.clamp(-1, 1).to(photo)
        made = Outcome(larger, larger, torch.ones_like(photo[:, :1]), misfit=0.0)
    if not output.pasted:
        return made
    whole = paste_back(cut.picture, cut.alignment, photo, made.picture)
    return replace(made, picture=to_tensor(whole))


def photo_outcome(
    photo: Tensor,
    inverted: Tensor,
    edited: Tensor,
    domain: Domain,
    stack: EditStack,
    blend: Blend = USUAL,
) -> Outcome:
    """The aligned photo [1, 3, P, P] with the stack's edit in it, from the pictures as saved."""
    before, after = (_as_saved(each).to(photo) for each in (inverted, edited))
    return photo_edited(photo, before, after, domain, edit_names(stack), blend)


def _as_saved(img: Tensor) -> Tensor:
    return to_tensor(to_uint8(img)[0])


def _source_state(
    recipe: Recipe, domain: Domain, latent: Latent | None, cut: Photo | None
) -> EditState:
    if latent is not None and (cut is None or cut.sha256 == recipe.source.sha256):
        state = state_of(latent, domain)
        if recipe.source.kind != "seed":
            return state
        return as_seeded(state, recipe.source.name, domain)
    if cut is not None:
        inversion = recipe.inversion or Inversion(options_for())
        target, mask = inversion_target(inversion, cut.at(domain.generator.img_resolution), domain)
        for step in invert(target, domain, inversion.options, mask=mask):
            if step.index == inversion.done:
                break
        return EditState(**vars(step.point))
    if recipe.source.kind != "seed":
        raise _needs_photo(recipe)
    return state_of(recipe.source.name, domain)


def inversion_target(
    inversion: Inversion, photo: Tensor, domain: Domain
) -> tuple[Tensor, Tensor | None]:
    """What the search of a photo [1, 3, R, R] comes near, and where that counts [1, 1, R, R].

    With ``into`` a part of the photo lies in another portrait's picture, and only there it counts
    (Zhu et al. 2020, semantic diffusion).
    """
    if not inversion.mask:
        return photo, None
    mask = mask_from(inversion.mask, photo.shape[-1]).to(photo)
    if inversion.into is None:
        return photo, mask
    context = _as_saved(render(inversion.into.state(domain), domain)).to(photo)
    return torch.lerp(context, photo, mask), mask


def _needs_photo(recipe: Recipe) -> BadRecipe:
    if recipe.source.kind == "latent":
        return BadRecipe(f"The recipe needs the latent {recipe.source.name}; pass that file.")
    name = recipe.source.name if recipe.source.kind == "photo" else "(any)"
    return BadRecipe(f"The recipe needs the photo {name}; pass it with --photo.")


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Run with this many threads (None = as they are): sums depend on how they are divided."""
    before = torch.get_num_threads()
    try:
        if count and count != before:
            torch.set_num_threads(count)
        yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)
