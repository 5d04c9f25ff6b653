"""Photos, folders of photos and videos, inverted into folders of files.

Every photo gets a folder with aligned.png, reconstruction.png (which carries its latent),
latent.npz and, last, metrics.json: a folder that has it is complete, and a batch that was killed
goes on with the next photo when it is started again.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from editing.alignment import Photo, find_photo, open_photo
from editing.domains import Domain
from editing.edits import EditStack, EditState, latent_of, render
from editing.errors import BadInput, BadPicture, NoFace
from editing.images import check_writable, save_png, write_atomically
from editing.inversion import InversionOptions, Step
from editing.inversion import invert as search
from editing.latents import MAX_SEED, Latent, latent_to_bytes
from editing.metrics import compare
from editing.recipes import Inversion, Source, export_png, make_recipe

PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".avif", ".bmp", ".tif", ".tiff", ".gif"}
VIDEO_SUFFIXES = {".mp4", ".mov", ".m4v", ".webm", ".mkv", ".avi", ".mpg", ".mpeg"}
COLUMNS = ("name", "psnr", "mse", "ssim", "perceptual", "identity", "steps", "seconds", "error")

Facts = dict[str, Any]
Load = Callable[[], Photo]


@dataclass(frozen=True, eq=False)
class Job:
    """How photos are inverted."""

    domain: Domain
    options: InversionOptions
    aligned: bool = True  # False: the centre of the picture as it is
    seed: int = 0  # of a random start
    given: Tensor | None = None  # ws to start from instead, [1, num_ws, w_dim]

    def __post_init__(self) -> None:
        if not 0 <= self.seed <= MAX_SEED:
            raise BadInput(f"The seed {self.seed} is not possible; choose from 0 to {MAX_SEED}.")


@dataclass(frozen=True, eq=False)
class Inverted:
    """A photo and its point in the latent space."""

    photo: Photo
    state: EditState
    step: Step


def photo_latent(photo: Photo, state: EditState, domain: Domain) -> Latent:
    """The state of a photo as a latent that says where it comes from."""
    quad = tuple((float(x), float(y)) for x, y in photo.alignment.quad)
    return latent_of(state, domain, quad, photo.sha256)


def source_of(photo: Photo) -> Source:
    """What a recipe says of a photo."""
    return Source("photo", photo.name, photo.sha256, photo.alignment.found)


def invert_photo(photo: Photo, job: Job) -> Inverted:
    """Search a photo's latent to the end, with a progress bar on stderr."""
    from tqdm import tqdm

    target = photo.at(job.domain.generator.img_resolution)
    rng = torch.Generator().manual_seed(job.seed)
    with tqdm(total=job.options.steps, desc=photo.name, leave=False, disable=None) as bar:
        for step in search(target, job.domain, job.options, rng, job.given):
            bar.update(step.index - bar.n)
            bar.set_postfix(loss=f"{step.best:.4f}", refresh=False)
    return Inverted(photo, EditState(step.ws), step)


def invert_into(folder: Path, photo: Photo, job: Job) -> Facts:
    """Invert one photo and write its files; returns what metrics.json says."""
    domain = job.domain
    check_writable(folder / "metrics.json")
    found = invert_photo(photo, job)
    target = photo.at(domain.generator.img_resolution).to(domain.device)
    img = render(found.state, domain)
    facts: Facts = {
        **compare(domain, img, target),
        "steps": found.step.index,
        "seconds": round(found.step.seconds, 3),
        "loss": found.step.best,
        "notes": list(photo.alignment.notes),
        "made_with": _made_with(photo, job),
    }
    inversion = None if job.given is not None else Inversion(job.options)
    recipe = make_recipe(domain, source_of(photo), EditStack(), inversion=inversion)
    latent = photo_latent(photo, found.state, domain)
    files = {
        "reconstruction.png": export_png(img, recipe, latent),
        "latent.npz": latent_to_bytes(latent),
        "metrics.json": json.dumps(finite(facts), indent=2).encode(),
    }
    save_png(folder / "aligned.png", target)
    for name, data in files.items():
        write_bytes(folder / name, data)
    return facts


def _made_with(photo: Photo, job: Job) -> Facts:
    """Everything that decides the result, for knowing a finished photo again."""
    given = None
    if job.given is not None:
        given = hashlib.sha256(job.given.cpu().numpy().tobytes()).hexdigest()
    return {
        **asdict(job.options),
        "aligned": job.aligned,
        "seed": job.seed,
        "given": given,
        "source_hash": photo.sha256,
        "domain": job.domain.name,
        "fingerprint": job.domain.fingerprint,
    }


def invert_all(source: Path, out: Path, job: Job) -> tuple[list[Facts], dict[str, str]]:
    """Invert every photo of a folder, or every frame of a video, each into a folder of its own.

    Returns:
        What every metrics.json says, with its ``name``; and name -> sentence of those that could
        not be used. Both are also in metrics.csv, which grows with every photo.

    Raises:
        BadInput: there is no photo in the folder.
    """
    rows: list[Facts] = []
    failed: dict[str, str] = {}
    for name, load in _loaders(source, job.aligned):
        try:
            rows.append({"name": name, **_invert_or_reuse(out / name, load(), job)})
        except (BadPicture, NoFace) as error:
            failed[name] = str(error)
        _write_table(out / "metrics.csv", rows, failed)
    if not rows:
        reason = next(iter(failed.values()), "it holds none")
        raise BadInput(f"No photo of {source} could be inverted: {reason}")
    return rows, failed


def _invert_or_reuse(folder: Path, photo: Photo, job: Job) -> Facts:
    try:
        facts: Facts = json.loads((folder / "metrics.json").read_text())
        if facts["made_with"] == finite(_made_with(photo, job)):
            return facts
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not begun, not finished, or another program's file
    return invert_into(folder, photo, job)


def _loaders(source: Path, aligned: bool) -> Iterator[tuple[str, Load]]:
    """(folder name, how to load) of every photo in a folder, or frame of a video."""
    if not source.is_dir():
        for number, frame in enumerate(_frames(source)):
            yield f"frame_{number:05d}", _frame_loader(frame, source.name, number, aligned)
        return
    files = sorted(
        path for path in source.iterdir()
        if path.suffix.lower() in PHOTO_SUFFIXES and not path.name.startswith(".")
    )  # fmt: skip
    stems = [path.stem for path in files]
    for path in files:
        name = path.stem if stems.count(path.stem) == 1 else path.name
        yield name, lambda path=path: open_photo(path, aligned)  # type: ignore[misc]


def _frame_loader(frame: Any, video: str, number: int, aligned: bool) -> Load:
    sha256 = hashlib.sha256(frame.tobytes()).hexdigest()
    name = f"frame {number} of {video}"
    return lambda: find_photo(Image.fromarray(frame), name, sha256, aligned)


def _frames(video: Path) -> Iterator[Any]:
    """Frames of a video, uint8 [H, W, 3]."""
    import imageio.v3

    if not video.is_file():
        raise BadPicture(f"{video} does not exist; check the path of the video.")
    try:
        yield from imageio.v3.imiter(video, plugin="FFMPEG")
    except Exception as error:  # ffmpeg's wrapper raises anything on files that are no videos
        raise BadPicture(
            f"{video} is not a video that is read here; use MP4, MOV, WebM, MKV or AVI."
        ) from error


def _write_table(path: Path, rows: list[Facts], failed: Mapping[str, str]) -> None:
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    table.writerows(sorted(
        [*rows, *({"name": name, "error": error} for name, error in failed.items())],
        key=lambda row: str(row["name"]),
    ))  # fmt: skip
    write_bytes(path, text.getvalue().encode())


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
