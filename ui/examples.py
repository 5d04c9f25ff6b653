"""What a visitor can start from without a photo of their own."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ui.session import Portrait
from ui.studio import Studio
from ui.widgets import Pixels

SEEDS = (0, 18, 6, 9, 5)  # the first is what the page opens with


@dataclass(frozen=True, eq=False)
class Example:
    """A thumbnail and the portrait behind it."""

    title: str  # message key
    values: dict[str, object]
    picture: Pixels
    open: Callable[[Studio], Portrait]


def find_examples(studio: Studio) -> list[Example]:
    """Invented people, and the photograph that scikit-image brings along."""
    examples = [seed_example(studio, seed) for seed in SEEDS]
    photo = photograph()
    return [*examples, photo_example(photo)] if photo else examples


def seed_example(studio: Studio, seed: int) -> Example:
    picture = studio.open_seed(seed).before
    return Example("source.seed", {"seed": seed}, picture, lambda s: s.open_seed(seed))


def photo_example(path: Path) -> Example:
    import numpy as np
    from PIL import Image

    with Image.open(path) as photo:
        face = photo.convert("RGB").crop((128, 0, 320, 192))
    return Example("example.photo", {}, np.asarray(face), lambda s: s.open_photo(path))


def photograph() -> Path | None:
    """NASA's portrait of Eileen Collins (public domain), found without importing scikit-image."""
    package = importlib.util.find_spec("skimage")
    if package is None or package.origin is None:
        return None
    path = Path(package.origin).parent / "data" / "astronaut.png"
    return path if path.exists() else None
