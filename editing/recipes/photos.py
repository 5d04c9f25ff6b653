"""A photo, inverted into a folder of files.

aligned.png, reconstruction.png (which carries its latent), latent.npz and, last, metrics.json: a
folder that has it is complete.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from editing.edits.stack import EditStack, EditState, latent_of, render
from editing.errors import BadInput
from editing.inversion.invert import InversionOptions, Step
from editing.inversion.invert import invert as search
from editing.io.allocator import tidy
from editing.io.images import check_writable, save_png, write_atomically
from editing.models.domain import Domain
from editing.models.latents import MAX_SEED, Latent, latent_to_bytes
from editing.pictures.alignment import Photo
from editing.pictures.metrics import compare, psnr
from editing.recipes.recipe import Inversion, Source, export_png, make_recipe

Facts = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Job:
    """How photos are inverted."""

    domain: Domain
    options: InversionOptions
    aligned: bool = True  # False: the centre of the picture as it is
    seed: int = 0  # of a random start
    given: Tensor | None = None  # ws to start from instead, [1, num_ws, w_dim]
    mask: Tensor | None = None  # where the photo counts, [1, 1, R, R] in [0, 1]
    context: Photo | None = None  # the photo is pasted into this one, inside the mask
    notes: tuple[str, ...] = ()  # what a person should know of the mask

    def __post_init__(self) -> None:
        if not 0 <= self.seed <= MAX_SEED:
            raise BadInput(f"The seed {self.seed} is not possible; choose from 0 to {MAX_SEED}.")
        if self.context is not None and self.mask is None:
            raise BadInput(
                "Pasting a photo into another needs the region to take over; pass it with --mask."
            )

    def target(self, photo: Photo) -> Tensor:
        """What the search shall come near: the photo, or the other one with a part of it."""
        size = self.domain.generator.img_resolution
        target = photo.at(size)
        if self.context is None or self.mask is None:
            return target
        return torch.lerp(self.context.at(size), target, self.mask)


@dataclass(frozen=True, eq=False)
class Inverted:
    """A photo and its point in the latent space."""

    photo: Photo
    state: EditState
    step: Step
    stages: tuple[Step, ...] = field(default=())  # the last step of every stage, in order


def photo_latent(photo: Photo, state: EditState, domain: Domain) -> Latent:
    """The state of a photo as a latent that says where it comes from."""
    quad = tuple((float(x), float(y)) for x, y in photo.alignment.quad)
    return latent_of(state, domain, quad, photo.sha256)


def source_of(photo: Photo) -> Source:
    """What a recipe says of a photo."""
    return Source("photo", photo.name, photo.sha256, photo.alignment.found)


def steps_of(photo: Photo, job: Job) -> Iterator[Step]:
    """The search of a photo's latent, step by step."""
    rng = torch.Generator().manual_seed(job.seed)
    return search(job.target(photo), job.domain, job.options, rng, job.given, job.mask)


def invert_photo(photo: Photo, job: Job) -> Inverted:
    """Search a photo's latent to the end, with a progress bar on stderr."""
    from tqdm import tqdm

    stages: dict[str, Step] = {}
    with tqdm(total=job.options.total, desc=photo.name, leave=False, disable=None) as bar:
        for step in steps_of(photo, job):
            stages[step.stage] = step
            bar.total = step.total
            bar.update(step.index - bar.n)
            bar.set_postfix(stage=step.stage, loss=f"{step.best:.4f}", refresh=False)
    return Inverted(photo, EditState(**vars(step.point)), step, tuple(stages.values()))


def invert_into(folder: Path, photo: Photo, job: Job) -> Facts:
    """Invert one photo and write its files; returns what metrics.json says."""
    check_writable(folder / "metrics.json")
    found = invert_photo(photo, job)
    target = job.target(photo).to(job.domain.device)
    begun = [0.0, *(step.seconds for step in found.stages)]
    more = {
        "steps": found.step.index,
        "seconds": round(found.step.seconds, 3),
        "loss": found.step.best,
        "stages": {
            step.stage: {
                "seconds": round(step.seconds - since, 3),
                "psnr": psnr(render(EditState(**vars(step.point)), job.domain), target),
            }
            for since, step in zip(begun, found.stages, strict=False)
        },
        "notes": [*photo.alignment.notes, *job.notes, *found.step.notes],
        "made_with": made_with(photo, job),
    }
    state = found.state
    del found  # its steps hold all that the search needed
    tidy(job.domain.resolution)
    return write_files(folder, photo, job, state, more)


def write_files(folder: Path, photo: Photo, job: Job, state: EditState, more: Facts) -> Facts:
    """Write the files of an inverted photo; ``more`` is what metrics.json says besides."""
    domain, target = job.domain, job.target(photo).to(job.domain.device)
    img = render(state, domain)
    facts: Facts = {**compare(domain, img, target), **more}
    plain = job.given is None and job.mask is None  # else the recipe alone would not repeat it
    inversion = Inversion(job.options) if plain else None
    recipe = make_recipe(domain, source_of(photo), EditStack(), inversion=inversion)
    latent = photo_latent(photo, state, domain)
    files = {
        "reconstruction.png": export_png(img, recipe, latent),
        "latent.npz": latent_to_bytes(latent),
        "metrics.json": json.dumps(finite(facts), indent=2).encode(),
    }
    save_png(folder / "aligned.png", target)
    for name, data in files.items():
        write_bytes(folder / name, data)
    return facts


def made_with(photo: Photo, job: Job) -> Facts:
    """Everything that decides the result, for knowing a finished photo again."""
    return {
        **asdict(job.options),
        "aligned": job.aligned,
        "seed": job.seed,
        "given": _digest(job.given),
        "mask": _digest(job.mask),
        "context": job.context and job.context.sha256,
        "source_hash": photo.sha256,
        "domain": job.domain.name,
        "fingerprint": job.domain.fingerprint,
    }


def _digest(tensor: Tensor | None) -> str | None:
    if tensor is None:
        return None
    return hashlib.sha256(tensor.cpu().contiguous().numpy().tobytes()).hexdigest()


def write_bytes(path: Path, data: bytes) -> None:
    write_atomically(path, lambda file: file.write(data))


def finite(value: Any) -> Any:
    """JSON has no infinity and no NaN: null stands for them."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value
