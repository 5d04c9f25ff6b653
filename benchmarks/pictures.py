"""The pictures of the documentation, drawn again by the commands that its pages name.

    python -m benchmarks.pictures [NAME ...]

Each becomes docs/pictures/NAME.jpg. On two cores all of them take some minutes.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from editing.cli.main import main as command
from editing.edits.out_of_domain import edit_names, photo_edited
from editing.edits.stack import EditStack, Entry, Move, render
from editing.inversion.invert import options_for
from editing.io.images import load_picture, to_pil, to_tensor, to_uint8, write_atomically
from editing.models.domain import open_domain
from editing.pictures.alignment import open_photo
from editing.pictures.contact_sheets import sheet
from editing.recipes.photos import Job, invert_photo

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "pictures"
PHOTO = ROOT / "presets" / "astronaut.jpg"
WIDTH = 960  # pixels that a picture has at most
BYTES = 115_000
FACES = 512

# NAME: what follows ``python -m editing``; --out PNG is added
COMMANDS: dict[str, tuple[str, ...]] = {
    "inversion": ("figure", str(PHOTO), "--inversions", "encoder,quick", "--move", "smile=-1",
                  "--move", "pose=1"),
    "directions": ("direction", "sweep", "seed:5", "--along", "smile", "--across", "age",
                   "--range=-2:2:5"),
    "text": ("figure", "seed:28", "--text", "a smiling person:smile", "--text",
             "a person with glasses:eyeglasses", "--text", "an old person:age"),
    "mixing": ("grid", "seed:1", "seed:5", "--with", "seed:2", "seed:3", "seed:9", "--layers",
               "fine"),
    "walk": ("walk", "seed:5", "--kind", "sweep", "--along", "pose", "--frames", "6"),
    "figures": ("figure", "seed:28", "--inversions", "encoder,quick", "--move", "smile", "--move",
               "eyeglasses"),
}  # fmt: skip


def by_command(name: str) -> Image.Image:
    """The picture that a command writes."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / f"{name}.png"
        if command([*COMMANDS[name], "--out", str(out)]):
            raise SystemExit(f"The picture {name} could not be made.")
        return load_picture(out)


def out_of_domain() -> Image.Image:
    """A photo, its inversion, the edit, where it is, and the edit in the photo."""
    domain = open_domain("portraits")
    photo = open_photo(PHOTO)
    state = invert_photo(photo, Job(domain, options_for("quick"))).state
    stack = EditStack((Entry(Move("smile", -2.0)),))
    before, after = (
        to_tensor(to_uint8(render(each, domain))[0]) for each in (state, stack.apply(state, domain))
    )
    large = photo.at(FACES)
    made = photo_edited(large, before, after, domain, edit_names(stack))
    mask = made.mask.expand(1, 3, -1, -1) * 2 - 1
    cells = [to_pil(each).resize((FACES, FACES)) for each in (large, before, after, mask,
                                                              made.picture)]  # fmt: skip
    words = ["I: the photo", "I': its inversion", "T: smile -2", "M: where", "the result"]
    return sheet(cells, words, size=28)


def world() -> Image.Image:
    """People of the rendered world, before any network."""
    from training.factors import sample_factors
    from training.renderer import render as rendered

    seeds = list(range(6))
    pictures = rendered(sample_factors(seeds), seeds, resolution=144, supersample=1.5).pictures
    return sheet([to_pil(picture[None]) for picture in pictures], [""] * 6)


MAKERS: dict[str, Callable[[], Image.Image]] = {"out_of_domain": out_of_domain, "world": world}


def jpeg(picture: Image.Image) -> bytes:
    """As good as ``BYTES`` allow."""
    if picture.width > WIDTH:
        size = (WIDTH, round(picture.height * WIDTH / picture.width))
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    for quality in range(90, 30, -5):
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality, optimize=True)
        if file.tell() <= BYTES:
            break
    return file.getvalue()


def main() -> None:
    """Draw the pictures that were asked for, or all."""
    known = [*COMMANDS, *MAKERS]
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.pictures")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    for name in parser.parse_args().names or known:
        if name not in known:
            parser.error(f"there is no picture {name!r}; choose from {', '.join(known)}")
        data = jpeg(MAKERS[name]() if name in MAKERS else by_command(name))
        write_atomically(FOLDER / f"{name}.jpg", lambda file, data=data: file.write(data))
        print(f"docs/pictures/{name}.jpg, {len(data) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
