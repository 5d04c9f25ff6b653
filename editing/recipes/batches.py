"""Folders of photos and videos, inverted one after the other into folders of files.

A batch that was killed goes on with the next photo when it is started again, and no photo that
fails ends it. A video's frames begin where their predecessors ended. Photos may share one change
of the generator's weights: then all latents are found first, and the weights are tuned for all;
noise maps, which are of one picture, have no place in that.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from editing.edits.stack import EditState
from editing.errors import BadInput, BadPicture, CannotWrite, EditingError
from editing.inversion.invert import tune_together
from editing.inversion.options import NoiseOptions, TuneOptions
from editing.inversion.stages import MAX_SHARED
from editing.models.latents import load_latent
from editing.pictures.alignment import Photo, find_photo, open_photo
from editing.recipes.photos import (
    Facts,
    Job,
    finite,
    invert_into,
    made_with,
    write_bytes,
    write_files,
)

PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".avif", ".bmp", ".tif", ".tiff", ".gif"}
VIDEO_SUFFIXES = {".mp4", ".mov", ".m4v", ".webm", ".mkv", ".avi", ".mpg", ".mpeg"}
BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip")  # MP4 and MOV begin with one
STREAMS = (b"\x1aE\xdf\xa3", b"\0\0\1\xba", b"\0\0\1\xb3")  # WebM and MKV; MPEG
NO_NOISE = (
    "Photos that share one change of weights have no noise maps of their own; that stage was left "
    "out."
)
COLUMNS = ("name", "psnr", "mse", "ssim", "perceptual", "identity", "steps", "seconds", "error")

Load = Callable[[], Photo]


@dataclass
class Batch:
    """What has come of a batch so far."""

    out: Path
    rows: list[Facts] = field(default_factory=list)  # what each metrics.json says, and its name
    failed: dict[str, str] = field(default_factory=dict)  # name -> sentence
    notes: tuple[str, ...] = ()  # what a person should know of all of it

    def write(self) -> None:
        """metrics.csv, whole."""
        text = io.StringIO()
        table = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
        table.writeheader()
        table.writerows(sorted(
            [*self.rows, *({"name": n, "error": error} for n, error in self.failed.items())],
            key=lambda row: str(row["name"]),
        ))  # fmt: skip
        write_bytes(self.out / "metrics.csv", text.getvalue().encode())


def invert_all(source: Path, out: Path, job: Job, together: bool = False) -> Batch:
    """Invert every photo of a folder, or every frame of a video, each into a folder of its own.

    Args:
        together: tune one change of weights for all photos instead of one for each.

    Returns:
        What every metrics.json says and what failed; both are also in metrics.csv, which grows
        with every photo.

    Raises:
        BadInput: nothing in it could be inverted.
        CannotWrite: the disk is full.
    """
    batch, photos = Batch(out), dict[str, Photo]()
    if together and job.options.noise.steps:
        batch.notes = (NO_NOISE,)
    alone = replace(job.options, tune=TuneOptions(), noise=NoiseOptions())
    last = replace(job, options=alone) if together else job
    for name, load in _loaders(source, job.aligned):
        try:
            photo = load()
            facts = _finished(out / name, made_with(photo, last), together)
            facts = facts or invert_into(out / name, photo, last)
            photos[name] = photo
            batch.rows.append({"name": name, **facts})
        except CannotWrite:
            raise
        except EditingError as error:
            batch.failed[name] = str(error)
        except Exception as error:  # whatever it is, the other photos have done nothing wrong
            batch.failed[name] = f"{name} failed ({type(error).__name__}: {error})."
        else:
            if not source.is_dir() and job.options.space != "z":
                last = replace(last, given=load_latent(out / name / "latent.npz").ws)
        batch.write()
    if not batch.rows:
        if not batch.failed:
            raise BadInput(f"{source} holds no photo; put pictures (PNG, JPEG, WebP) into it.")
        reason = next(iter(batch.failed.values()))
        raise BadInput(f"No photo of {source} could be inverted: {reason}")
    if together:
        _tune_all(batch, photos, job)
    return batch


def _finished(folder: Path, wanted: Facts, together: bool) -> Facts | None:
    """What metrics.json says, if it was made as it would be made now.

    Args:
        together: a shared tuning that began with what is wanted will do.
    """
    try:
        facts: Facts = json.loads((folder / "metrics.json").read_text())
        made = facts["made_with"]
        return facts if finite(wanted) == (made.get("before", made) if together else made) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # not begun, not finished, or another program's file


def _tune_all(batch: Batch, photos: Mapping[str, Photo], job: Job) -> None:
    """One weight delta for all photos, written into the folder of each."""
    from tqdm import tqdm

    names = sorted(photos)
    if len(names) > MAX_SHARED:
        raise BadInput(
            f"{len(names)} photos cannot share one change of weights; "
            f"put at most {MAX_SHARED} into the folder, or leave --together out."
        )
    rows = {row["name"]: row for row in batch.rows}
    shared = {"tune": vars(job.options.tune), "with": [photos[name].sha256 for name in names]}
    if all(rows[name]["made_with"].get("shared") == shared for name in names):
        return
    size = job.domain.generator.img_resolution
    targets = torch.cat([photos[name].at(size) for name in names])
    ws = torch.cat([load_latent(batch.out / name / "latent.npz").ws for name in names])
    rng = torch.Generator().manual_seed(job.seed)
    steps = tune_together(targets, ws.to(job.domain.device), job.domain, job.options, rng)
    with tqdm(total=job.options.tune.steps, desc="tune", leave=False, disable=None) as bar:
        for step in steps:
            bar.update(step.index - bar.n)
    for index, name in enumerate(names):
        row = rows[name]
        first = row["made_with"].get("before", row["made_with"])
        more = {key: row[key] for key in ("steps", "seconds", "loss", "stages", "notes")}
        made = {**first, "before": first, "shared": shared}
        state = EditState(ws[index : index + 1], weight_delta=step.point.weight_delta)
        facts = write_files(batch.out / name, photos[name], job, state, {**more, "made_with": made})
        row.update(facts)
    batch.write()


def _loaders(source: Path, aligned: bool) -> Iterator[tuple[str, Load]]:
    """(folder name, how to load) of every photo in a folder, or frame of a video."""
    if not source.is_dir():
        for number, frame in enumerate(video_frames(source)):
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


def video_frames(video: Path) -> Iterator[Any]:
    """Frames of a video, uint8 [H, W, 3]."""
    import imageio.v3

    if not video.is_file():
        raise BadPicture(f"{video} does not exist; check the path of the video.")
    if not video.stat().st_size:
        raise BadPicture(f"{video} is empty (0 bytes); record or export it again.")
    number = 0
    try:
        for frame in imageio.v3.imiter(video, plugin="FFMPEG"):
            number += 1
            yield frame
    except Exception as error:  # ffmpeg's wrapper raises anything on files that are no videos
        if number:
            return  # cut short: what could be read is used
        if _is_video(video):
            raise BadPicture(
                f"{video} is damaged or cut short; record, export or download it again."
            ) from error
        raise BadPicture(
            f"{video} is not a video that is read here; use MP4, MOV, WebM, MKV or AVI."
        ) from error
    if not number:
        raise BadPicture(f"{video} holds no frame; record or export it again.")


def _is_video(path: Path) -> bool:
    """Whether a file begins like a video, whatever is wrong with the rest."""
    with path.open("rb") as file:
        head = file.read(12)
    return head[4:8] in BOXES or head.startswith(STREAMS) or head[8:12] == b"AVI "
