"""What leaves the studio as a file, and how it comes back."""

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from editing.edits.out_of_domain import USUAL, Blend
from editing.edits.stack import EditStack, latent_of, state_of
from editing.errors import BadInput, BadRecipe
from editing.io.images import encode_png, to_tensor, to_uint8
from editing.models.domain import Domain
from editing.models.latents import Latent, latent_from_bytes, latent_to_bytes
from editing.models.states import allowance_of
from editing.recipes.recipe import (
    Output,
    Recipe,
    Source,
    make_recipe,
    png_text,
    read_export,
    recipe_to_yaml,
)
from editing.recipes.replay import in_photo, photo_outcome
from ui.components.widgets import Pixels
from ui.studio.session import Label, Moment, Portrait, Whole, on_cpu

KINDS = ("png", "plain", "photo", "pasted", "latent", "recipe", "zip")
MAX_EDITS = 200  # of one portrait; each takes time, whoever wrote the file
MAX_LATENT = 64 * 2**20  # bytes of a latent file that is read into memory


def export(
    moment: Moment,
    domain: Domain,
    kind: str,
    blend: Blend | None = USUAL,
    whole: Whole | None = None,
) -> tuple[str, bytes]:
    """(file name, contents) of a download.

    png: the canonical picture with its recipe and latent inside; plain: the same pixels alone;
    photo: the photo with the edit in it, as ``blend`` says; pasted: the whole photo with the
    edited face (without ``blend`` the portrait's) put back; latent: the edited portrait; recipe:
    source and edits; zip: all of these that there are, but the plain one.

    Raises:
        BadInput: an unknown kind, or the photo of a portrait that has none.
    """
    portrait, name = moment.portrait, file_name(moment)
    if kind == "plain":
        return f"{name}.png", encode_png(Image.fromarray(moment.after))
    if kind == "latent":
        edited = moment.stack.apply(portrait.state, domain)
        latent = latent_of(edited, domain, portrait.quad, portrait.source.sha256)
        return f"{name}.npz", latent_to_bytes(latent)
    if kind == "recipe":
        return f"{name}.yaml", recipe_to_yaml(recipe_of(moment, domain, Output())).encode()
    if kind == "photo":
        photo = carried_over(moment, domain, blend or USUAL)
        output = Output("photo", photo.shape[0], blend or USUAL)
        return f"{name}-photo.png", _with_recipe(moment, domain, photo, output)
    if kind == "pasted":
        output = Output(pasted=True) if blend is None else Output("photo", None, blend, pasted=True)
        pixels = pasted_back(moment, domain, output, whole)
        return f"{name}-pasted.png", _with_recipe(moment, domain, pixels, output)
    if kind == "zip":
        there = whole is not None and whole.is_of(portrait)
        photos = ("photo", "pasted") if there else ("photo",)
        kinds = ("png", *(photos if portrait.photo is not None else ()), "latent", "recipe")
        return f"{name}.zip", _zipped(export(moment, domain, k, blend, whole) for k in kinds)
    if kind == "png":
        return f"{name}.png", _with_recipe(moment, domain, moment.after, Output())
    raise BadInput(f"There is no download {kind!r}; choose from {', '.join(KINDS)}.")


def _zipped(files: Iterable[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files:
            packed = zipfile.ZIP_DEFLATED if name.endswith(".yaml") else zipfile.ZIP_STORED
            archive.writestr(name, data, packed)  # the others are compressed already
    return buffer.getvalue()


def _with_recipe(moment: Moment, domain: Domain, pixels: Pixels, output: Output) -> bytes:
    portrait = moment.portrait
    latent = latent_of(portrait.state, domain, portrait.quad, portrait.source.sha256)
    return encode_png(Image.fromarray(pixels), png_text(recipe_of(moment, domain, output), latent))


def recipe_of(moment: Moment, domain: Domain, output: Output) -> Recipe:
    portrait = moment.portrait
    return make_recipe(
        domain, portrait.source, moment.stack, inversion=portrait.inversion, output=output
    )


def carried_over(moment: Moment, domain: Domain, blend: Blend = USUAL) -> Pixels:
    """The aligned photo with the edits in it, [P, P, 3].

    Raises:
        BadInput: the portrait has no photo.
    """
    portrait = moment.portrait
    if portrait.photo is None:
        raise BadInput("This portrait has no photo to carry the edit over to; drop a photo first.")
    photo, before, after = (
        to_tensor(picture).to(domain.device)
        for picture in (portrait.photo, portrait.before, moment.after)
    )
    return to_uint8(photo_outcome(photo, before, after, domain, moment.stack, blend).picture)[0]


def pasted_back(moment: Moment, domain: Domain, output: Output, whole: Whole | None) -> Pixels:
    """The whole photo with what ``output`` says in the place of the face, [H, W, 3].

    Outside of that place it is the photo bit by bit.

    Raises:
        BadInput: the whole photo is not here.
    """
    portrait = moment.portrait
    if whole is None or not whole.is_of(portrait):
        raise BadInput(
            "The whole photo that this portrait was cut out of is not here; drop it once more."
        )
    before, after = (to_tensor(p).to(domain.device) for p in (portrait.before, moment.after))
    made = in_photo(output, whole.cut(portrait), before, after, domain, moment.stack)
    return to_uint8(made.picture)[0]


def file_name(moment: Moment) -> str:
    """'seed-7-edited', from the source alone: nothing in it can surprise a file system."""
    source = moment.portrait.source
    stem = source.name if source.kind == "seed" else Path(source.name).stem
    safe = "".join(c if c.isalnum() and c.isascii() else "-" for c in stem).strip("-")[:40]
    return (safe or "portrait") + ("-edited" if moment.stack.entries else "")


def read_work(path: Path, domain: Domain) -> tuple[Latent, Recipe] | None:
    """Latent and recipe of a latent file or an exported PNG; None for any other picture.

    Raises:
        BadLatent, BadRecipe, BadPicture: what is wrong with the file.
    """
    if path.suffix.lower() == ".npz":
        if path.stat().st_size > MAX_LATENT:
            raise BadInput(
                f"{path.name} has {path.stat().st_size:,} bytes; a latent file opened here may "
                f"have {MAX_LATENT:,}, so use the command line."
            )
        latent = latent_from_bytes(path.read_bytes(), path.name, allowance_of(domain))
        return latent, make_recipe(domain, Source("latent", path.name), EditStack())
    export = read_export(path, allowance_of(domain))
    if export is None:
        return None
    recipe, latent = bounded(export[0]), export[1]
    if recipe.fingerprint and recipe.fingerprint != domain.fingerprint:
        raise BadRecipe(
            f"{path.name} was made in the domain {recipe.domain}, and this is {domain.name}; "
            "open it where it was made."
        )
    return latent, recipe


def bounded(recipe: Recipe) -> Recipe:
    """The recipe, if a server can be asked to follow it.

    Raises:
        BadRecipe: it has more edits than anybody makes.
    """
    if len(recipe.stack.entries) > MAX_EDITS:
        raise BadRecipe(
            f"The recipe has {len(recipe.stack.entries)} edits; up to {MAX_EDITS} are opened here, "
            "so use the command line."
        )
    return recipe


def portrait_of(latent: Latent, recipe: Recipe, domain: Domain, before: Pixels) -> Portrait:
    """The portrait a file brings back; its photo, if it had one, stayed where it was."""
    return Portrait(
        "latent",
        Label("source.latent"),
        on_cpu(state_of(latent, domain)),
        before,
        recipe.source,
        inversion=recipe.inversion,
        quad=latent.quad,
    )
