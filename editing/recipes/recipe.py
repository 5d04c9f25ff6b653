"""An edit stack as data: recipes in YAML, and pictures that carry their own.

A recipe says where a portrait comes from, how it was inverted, what was edited, and with what it
was made::

    format: latent-studio recipe 1
    title: A wide smile              # title, description, tags and citation make it a preset
    domain: portraits
    fingerprint: 0123456789abcdef    # of the generator; leave it out to fit any
    torch: 2.13.0
    threads: 2
    source: {kind: photo, name: me.jpg, sha256: ..., aligned: true}  # or {kind: seed, name: seed:7}
    inversion: {level: quick, steps: 40, ...}
    edits:
    - {move: smile, alpha: 2.0, layers: 0-3, given: [gender], enabled: true}  # see edits.registry
    output: {outcome: picture}       # or photo: the photo with the edit in it, size pixels wide,
                                     # put there as out_of_domain: {threshold: 0.2, ...} says
    walk: {kind: sweep, ...}         # makes it a film (walk_values), looking as film says
    film: {kind: .mp4, size: 256, beside: true, captions: true}
    figure: {inversions: [...], edits: [...]}    # makes it a figure (figure_values)
    grid: {columns: [{alpha: 0}, {alpha: 2}], rows: [{move: smile}]}    # makes it a sheet (grids)

and of a preset ``title_zh``, ``description_zh``, ``thumbnail: NAME.jpg`` and ``expect``
(``expectations``). A photo may lie beside the recipe, under its bare name; an inversion may have a
``mask`` (base64 of a PNG, or a box) and go ``into: {name: seed:5}``, another portrait's picture.

Only ``edits`` is needed. An exported PNG carries its recipe and the latent of its unedited source
in text chunks, so it replays (``replays``) without the photo.
"""

import base64
import binascii
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

import editing.text.values  # noqa: F401  (recipes carry text edits, too)
from editing.animation.film import Look
from editing.animation.walk import Walk, walk_from, walk_values
from editing.edits.mix_edits import Other, mask_value, other_from, other_values
from editing.edits.out_of_domain import Blend, brush_values
from editing.edits.registry import entry_from, entry_values
from editing.edits.stack import EditStack
from editing.errors import BadInput, BadPicture, BadRecipe, MissingFile
from editing.figures.figure import Figure, figure_from, figure_values
from editing.figures.grids import Grid, grid_from, grid_values
from editing.inversion.options import InversionOptions, options_for, read_options
from editing.io.allowances import Allowance
from editing.io.codec import MAX_TEXT, Settings, parse_yaml
from editing.io.images import encode_png, read_png_text, write_atomically
from editing.models.domain import Domain
from editing.models.latents import Latent, field_bytes, parse_seed, tensors_hash
from editing.models.latents import latent_from_bytes as read_latent
from editing.models.latents import latent_to_bytes as latent_bytes
from editing.recipes.expectations import Expectation, expectation_values, expectations_from

FORMAT = "latent-studio recipe 1"
RECIPE_KEY, LATENT_KEY = "latent-studio:recipe", "latent-studio:latent"  # of the PNG's text chunks
MAX_EMBEDDED = 2**20  # bytes of noise, or of weight delta, that travel in a PNG
MAX_THREADS = 1024
BARE_JPEG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\.jpe?g")
SOURCES = ("seed", "photo", "latent")
OUTCOMES = ("picture", "photo")


@dataclass(frozen=True)
class Source:
    """Where the portrait comes from."""

    kind: str = "seed"  # one of SOURCES
    name: str = "seed:0"  # the seed's text, or the file's name
    sha256: str = ""  # of the photo file
    aligned: bool = True  # False: the photo's centre was taken as it is

    def __post_init__(self) -> None:
        if self.kind not in SOURCES:
            raise BadRecipe(f"The source is {self.kind!r}; it can be {', '.join(SOURCES)}.")
        if self.kind == "seed" and parse_seed(self.name) is None:
            raise BadRecipe(f"The source {self.name!r} is no seed; write seed:123.")


@dataclass(frozen=True)
class Inversion:
    """How the latent of a photo was found."""

    options: InversionOptions
    done: int | None = None  # steps after which the search was stopped; None = never
    mask: bytes = b""  # a PNG, white = where the photo counts; empty = everywhere
    into: Other | None = None  # the photo is pasted into this one's picture, inside the mask

    def __post_init__(self) -> None:
        if self.into is not None and not self.mask:
            raise BadRecipe(
                f"The inversion goes into {self.into.name} without saying where; give it a mask."
            )
        if self.done is not None and not 0 <= self.done <= self.options.total:
            raise BadRecipe(
                f"The inversion stopped after {self.done} steps; "
                f"it has {self.options.total}, so choose from 0 to that."
            )


@dataclass(frozen=True)
class Output:
    """What was exported."""

    outcome: str = "picture"  # "photo": the aligned photo with the edit in it
    size: int | None = None  # pixels of the photo outcome; None = the generator's
    blend: Blend = Blend()  # how the edit is put into the photo
    pasted: bool = False  # put back into the whole photo

    def __post_init__(self) -> None:
        if self.outcome not in OUTCOMES:
            raise BadRecipe(f"The outcome {self.outcome!r} is unknown; use {', '.join(OUTCOMES)}.")
        if self.size is not None and not 32 <= self.size <= 4096:
            raise BadRecipe(f"A size of {self.size} px is not possible; choose from 32 to 4096.")


@dataclass(frozen=True)
class Recipe:
    """Everything that makes a picture, as plain values."""

    stack: EditStack
    source: Source = Source()
    inversion: Inversion | None = None
    output: Output = Output()
    domain: str = "portraits"
    fingerprint: str = ""  # of the generator; "" fits any
    torch: str = ""  # version
    threads: int | None = None
    title: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    citation: str = ""
    title_zh: str = ""
    description_zh: str = ""
    thumbnail: str = ""  # a file's bare name
    expect: tuple[Expectation, ...] = ()
    grid: Grid | None = None  # of the edited portrait
    walk: Walk | None = None  # from the edited portrait
    look: Look = Look()  # of the walk's film
    figure: Figure | None = None  # of the edited portrait

    def __post_init__(self) -> None:
        if self.thumbnail and not BARE_JPEG.fullmatch(self.thumbnail):
            raise BadRecipe(
                f"The thumbnail is {self.thumbnail[:80]!r}; it is a file's bare name, such as "
                "wide-smile.jpg."
            )
        if self.grid is not None and self.walk is not None:
            raise BadRecipe("A recipe makes a grid or a walk, not both; take one of them out.")
        if self.threads is not None and not 1 <= self.threads <= MAX_THREADS:
            raise BadRecipe(f"{self.threads} threads are not possible; use 1 to {MAX_THREADS}.")


def make_recipe(domain: Domain, source: Source, stack: EditStack, **more: Any) -> Recipe:
    """The recipe of a picture made here and now; ``more`` are further fields of Recipe."""
    return made_here(Recipe(stack, source, **more), domain)


def made_here(recipe: Recipe, domain: Domain) -> Recipe:
    """The recipe as one of this domain and this machine; threads that it names stay."""
    return replace(
        recipe,
        domain=domain.name,
        fingerprint=domain.fingerprint,
        torch=str(torch.__version__),
        threads=recipe.threads or torch.get_num_threads(),
    )


# -- YAML


WORDS = ("title", "title_zh", "description", "description_zh", "thumbnail", "citation", "domain",
         "fingerprint", "torch", "threads")  # fmt: skip


def recipe_to_yaml(recipe: Recipe) -> str:
    """The text of a recipe; ``recipe_from_yaml`` gives it back exactly.

    Raises:
        BadRecipe: the portraits inside its edits are larger than any recipe that is read again.
    """
    import yaml

    values: dict[str, Any] = {"format": FORMAT}
    for key in WORDS:
        if getattr(recipe, key):
            values[key] = getattr(recipe, key)
    if recipe.tags:
        values["tags"] = list(recipe.tags)
    values["source"] = _present(asdict(recipe.source))
    if recipe.inversion:
        values["inversion"] = _inversion_values(recipe.inversion)
    values["edits"] = [entry_values(entry) for entry in recipe.stack.entries]
    values["output"] = _output_values(recipe.output)
    if recipe.walk is not None:
        values["walk"] = walk_values(recipe.walk)
        values["film"] = _present(asdict(recipe.look))
    if recipe.figure is not None:
        values["figure"] = figure_values(recipe.figure)
    if recipe.grid is not None:
        values["grid"] = grid_values(recipe.grid)
    if recipe.expect:
        values["expect"] = expectation_values(recipe.expect)
    text: str = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100)
    if len(text) > MAX_TEXT:
        raise BadRecipe(
            f"The portraits inside these edits make a recipe of {len(text) / 1e6:.0f} million "
            f"characters, and {MAX_TEXT / 1e6:.0f} can be read; save the latent instead, or mix "
            "portraits without noise maps and tuned weights."
        )
    return text


def _inversion_values(inversion: Inversion) -> dict[str, Any]:
    values = _present({**asdict(inversion.options), "done": inversion.done})
    if inversion.mask:
        values["mask"] = base64.b64encode(inversion.mask).decode()
    if inversion.into is not None:
        values["into"] = other_values(inversion.into)
    return values


def _output_values(output: Output) -> dict[str, Any]:
    values = _present({"outcome": output.outcome, "size": output.size})
    if output.outcome == "photo":
        brush = base64.b64encode(output.blend.brush).decode()
        values["out_of_domain"] = _present({**asdict(output.blend), "brush": brush})
    if output.pasted:
        values["pasted"] = True
    return values


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None and value != ""}


def recipe_from_yaml(
    text: str, name: str = "The recipe", allowance: Allowance | None = None
) -> Recipe:
    """Read a recipe; ``name`` is what messages call it.

    Args:
        allowance: of the request, for the latents inside; a fresh one by default.

    Raises:
        BadRecipe: what is wrong, and where.
    """
    settings = parse_yaml(text, name, BadRecipe, allowance)
    try:
        return _recipe(settings)
    except BadInput as error:
        raise BadRecipe(f"{name} cannot be used: {error}") from error


def _recipe(settings: Settings) -> Recipe:
    if settings.take("format", str, FORMAT) != FORMAT:
        raise BadRecipe(f"{settings.name} is not of the format {FORMAT!r}; update the program.")
    source, inversion, output = (settings.part(key) for key in ("source", "inversion", "output"))
    walk, look, grid = (settings.part(key) for key in ("walk", "film", "grid"))
    figure = settings.part("figure")
    recipe = Recipe(
        EditStack(tuple(entry_from(edit) for edit in settings.parts("edits"))),
        _source(source) if source else Source(),
        _inversion(inversion) if inversion else None,
        _output(output) if output else Output(),
        domain=settings.take("domain", str, "portraits"),
        fingerprint=settings.take("fingerprint", str, ""),
        torch=settings.take("torch", str, ""),
        threads=settings.take("threads", int),
        title=settings.take("title", str, ""),
        description=settings.take("description", str, ""),
        tags=settings.texts("tags"),
        citation=settings.take("citation", str, ""),
        title_zh=settings.take("title_zh", str, ""),
        description_zh=settings.take("description_zh", str, ""),
        thumbnail=settings.take("thumbnail", str, ""),
        expect=expectations_from(settings.parts("expect", needed=False)),
        grid=grid_from(grid) if grid else None,
        walk=walk_from(walk) if walk else None,
        look=_look(look) if look else Look(),
        figure=figure_from(figure) if figure else None,
    )
    settings.end()
    return recipe


def _source(settings: Settings) -> Source:
    source = Source(
        settings.need("kind", str),
        settings.take("name", str, ""),
        settings.take("sha256", str, ""),
        settings.take("aligned", bool, True),
    )
    settings.end()
    return source


def _inversion(settings: Settings) -> Inversion:
    options = options_for(settings.take("level", str, "standard"))
    done, mask, into = settings.take("done", int), mask_value(settings), settings.part("into")
    other = other_from(into) if into else None
    return Inversion(read_options(settings, options), done, mask, other)


def _output(settings: Settings) -> Output:
    part = settings.part("out_of_domain")
    output = Output(
        settings.take("outcome", str, "picture"),
        settings.take("size", int),
        _blend(part) if part else Blend(),
        settings.take("pasted", bool, False),
    )
    settings.end()
    return output


def _look(settings: Settings) -> Look:
    look = Look(
        settings.take("kind", str, ""),
        settings.take("size", int),
        settings.take("beside", bool, False),
        settings.take("captions", bool, False),
    )
    settings.end()
    return look


def _blend(settings: Settings) -> Blend:
    usual = Blend()
    try:
        brush = base64.b64decode(settings.take("brush", str, ""), validate=True)
        blend = Blend(
            settings.take("threshold", float, usual.threshold),
            settings.take("softness", float, usual.softness),
            settings.take("deghost", str, usual.deghost),
            brush,
        )
        if brush:
            brush_values(brush)  # refuses here, before any work, what is no picture
    except (binascii.Error, ValueError, BadPicture) as error:
        raise BadRecipe(f"{settings.name} has a brush that is no picture; paint anew.") from error
    settings.end()
    return blend


def load_recipe(path: str | Path) -> Recipe:
    """Read a recipe file.

    Raises:
        MissingFile, BadRecipe: it is not there, or no recipe.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFile(f"{path} is missing; check the path of the recipe.")
    try:
        return recipe_from_yaml(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise BadRecipe(f"{path} is no text, so it is no recipe; pass a YAML file.") from error


def save_recipe(path: str | Path, recipe: Recipe) -> None:
    """Write a recipe file, whole or not at all."""
    data = recipe_to_yaml(recipe).encode()
    write_atomically(path, lambda file: file.write(data))


# -- pictures that carry their recipe


def png_text(recipe: Recipe, latent: Latent) -> dict[str, str]:
    """The text chunks of an exported PNG: recipe, and the latent of the unedited source."""
    data = base64.b64encode(latent_bytes(lightened(latent))).decode()
    return {RECIPE_KEY: recipe_to_yaml(recipe), LATENT_KEY: data}


def export_png(img: Tensor, recipe: Recipe | None = None, latent: Latent | None = None) -> bytes:
    """A PNG of [1, 3, H, W]; without a recipe it carries nothing (a latent is a face)."""
    return encode_png(img, png_text(recipe, latent) if recipe and latent else None)


def read_export(
    source: str | Path | BinaryIO, allowance: Allowance | None = None
) -> tuple[Recipe, Latent] | None:
    """Recipe and latent of an exported PNG; None for any other file.

    Args:
        allowance: as of ``recipe_from_yaml``; the latent beside the recipe takes from it, too.

    Raises:
        BadPicture, BadRecipe, BadLatent: the PNG, or what it carries, is damaged.
    """
    text = read_png_text(source, (RECIPE_KEY, LATENT_KEY))
    if RECIPE_KEY not in text or LATENT_KEY not in text:
        return None
    allowance = allowance or Allowance()
    recipe = recipe_from_yaml(text[RECIPE_KEY], "The recipe in the picture", allowance)
    try:
        data = base64.b64decode(text[LATENT_KEY], validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRecipe("The latent in the picture is damaged; download it again.") from error
    return recipe, read_latent(data, "The latent in the picture", allowance)


def lightened(latent: Latent) -> Latent:
    """Noise and weight delta above ``MAX_EMBEDDED`` replaced by their hash."""
    fields = {"noise": latent.noise, "weight_delta": latent.weight_delta}
    left_out = {
        name: tensors_hash(tensors)
        for name, tensors in fields.items()
        if field_bytes(name, tensors) > MAX_EMBEDDED
    }
    kept = {name: {} if name in left_out else tensors for name, tensors in fields.items()}
    return replace(
        latent,
        noise=kept["noise"],
        weight_delta=kept["weight_delta"],
        left_out={**latent.left_out, **left_out},
    )
