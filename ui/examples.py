"""What a visitor can start from without a photo of their own."""

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from editing.directions import boundary, move
from editing.latents import DEFAULT_PSI, SeedSpec
from editing.samples import draw_ws, read
from ui.session import Portrait
from ui.studio import Studio
from ui.widgets import Pixels

SEEDS = (18, 6, 9, 5)  # of the other examples
# The page opens with a smile being put on, so the first face should wait for one: readings in σ
# that are looked for among so many seeds; the nearest few are drawn with the edit and without.
WAITING = {
    "smile": 0.0,
    "pose": 0.0,
    "eyeglasses": -1.2,
    "baldness": -0.5,
    "age": -0.3,
    "beard": -0.8,
}
OFFERED, DRAWN = 60, 6


@dataclass(frozen=True, eq=False)
class Example:
    """A thumbnail and the portrait behind it."""

    title: str  # message key
    values: dict[str, object]
    picture: Pixels
    open: Callable[[Studio], Portrait]
    photo: Path | None = None  # the file it was cut out of


def find_examples(studio: Studio, first_edit: Mapping[str, float]) -> list[Example]:
    """Invented people, and the photograph that scikit-image brings along.

    The first is one on whom ``first_edit`` (attribute -> alpha) shows.
    """
    first = first_seed(studio, first_edit)
    examples = [opened_example(studio, first), *(seed_example(studio, seed) for seed in SEEDS)]
    photo = photograph()
    return [*examples, photo_example(photo)] if photo else examples


def opened_example(studio: Studio, seed: int) -> Example:
    """The one that the page opens with: drawn once, for the thumbnail and the canvas."""
    portrait = studio.open_seed(seed)
    return Example("source.seed", {"seed": seed}, portrait.before, lambda _: portrait)


def seed_example(studio: Studio, seed: int) -> Example:
    picture = studio.glimpse(SeedSpec(seed, DEFAULT_PSI))
    return Example("source.seed", {"seed": seed}, picture, lambda s: s.open_seed(seed))


def first_seed(studio: Studio, edit: Mapping[str, float]) -> int:
    """A person who looks ahead and waits for the edit; 0 where the domain cannot say."""
    domain = studio.domain
    known = [name for name in WAITING if name in domain.boundaries]
    if "scorer" not in domain.parts or not edit.keys() <= {*domain.boundaries}:
        return 0
    seeds = [seed for seed in range(OFFERED) if seed not in SEEDS]
    ws = draw_ws(domain, seeds, DEFAULT_PSI)
    w = ws[:, 0].cpu()
    apart = torch.zeros(len(seeds))
    for name in known:  # where they lie among the boundaries says roughly how they look
        direction = boundary(domain, name)
        along = w @ direction.vector.reshape(-1, w.shape[1]).mean(0) / direction.stride
        apart += (along - along.mean() - WAITING[name]).abs()
    nearest = apart.argsort()[:DRAWN]
    before, after = ws[nearest.to(ws.device)], []
    for each in torch.split(before, 1):
        for name, alpha in edit.items():
            each = move(each, boundary(domain, name), alpha)
        after.append(each)
    gain = read(domain, torch.cat(after), domain.scorer) - read(domain, before, domain.scorer)
    own = [domain.scorer.outputs.index(name) for name in edit if name in domain.scorer.outputs]
    return seeds[int(nearest[int(gain[:, own].sum(1).argmax())])]


def photo_example(path: Path) -> Example:
    import numpy as np
    from PIL import Image

    with Image.open(path) as photo:
        face = photo.convert("RGB").crop((128, 0, 320, 192))
    return Example("example.photo", {}, np.asarray(face), lambda s: s.open_photo(path), path)


def photograph() -> Path | None:
    """NASA's portrait of Eileen Collins (public domain), found without importing scikit-image."""
    package = importlib.util.find_spec("skimage")
    if package is None or package.origin is None:
        return None
    path = Path(package.origin).parent / "data" / "astronaut.png"
    return path if path.exists() else None
