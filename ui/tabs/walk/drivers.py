"""Portraits that drive another face: files and the frames of a video, read one after the other."""

import hashlib
from collections.abc import Generator, Sequence
from pathlib import Path

import torch
from PIL import Image

from editing.edits.mix_edits import Other, other_of
from editing.edits.stack import EditState
from editing.errors import BadInput, NoFace
from editing.pictures.alignment import find_photo
from editing.recipes.batches import VIDEO_SUFFIXES, video_frames
from ui.server.presence import asker
from ui.tabs.mixing.actions import MixingDesk

MOST = 60  # portraits; of a longer video, evenly spread frames
MOST_PIXELS = 11_000_000_000  # of a video, over all its frames
SIDE = 720  # pixels of a kept frame's longer side


def read_drivers(
    paths: Sequence[str | Path], desk: MixingDesk
) -> Generator[tuple[int, int], None, tuple[Other, ...]]:
    """The portraits of files, in order; yields (read, to read) after each.

    Raises:
        EditingError: a file that is none, or a video without a face.
    """
    found: list[Other] = []
    for path in map(Path, paths):
        if path.suffix.lower() in VIDEO_SUFFIXES:
            found += yield from _read_video(path, desk)
        else:
            found.append(desk.of_file(path).other)
            yield len(found), len(paths)
        if len(found) > MOST:
            raise BadInput(
                f"More than {MOST} portraits were given to drive a face; here fewer are taken, so "
                "use the command walk --kind reenact."
            )
    return tuple(found)


def _read_video(path: Path, desk: MixingDesk) -> Generator[tuple[int, int], None, list[Other]]:
    frames = spread_frames(path)
    found = []
    for number, frame in enumerate(frames):
        try:
            found.append(_read_frame(frame, f"frame {number} of {path.name}", desk))
        except NoFace:
            continue  # somebody turned away for a moment
        finally:
            yield number + 1, len(frames)
    if not found:
        raise BadInput(f"No face was found in {path.name}; take a video that shows one from ahead.")
    return found


def spread_frames(path: Path) -> list[Image.Image]:
    """At most ``MOST`` frames, evenly spread over the video; memory of no more than twice those.

    Raises:
        BadPicture: it is no video.
        BadInput: it shows more than anybody's film of a face: a small file may hold hours.
        Left: its visitor is not there any more.
    """
    kept: list[Image.Image] = []
    every, pixels = 1, 0
    for number, frame in enumerate(video_frames(path)):
        asker().stay()
        pixels += frame.shape[0] * frame.shape[1]
        if pixels > MOST_PIXELS:
            raise BadInput(
                f"{path.name} shows more than {MOST_PIXELS / 1e9:g} billion pixels, three minutes "
                "in full HD; cut it shorter, or make it smaller."
            )
        if number % every:
            continue
        picture = Image.fromarray(frame)
        picture.thumbnail((SIDE, SIDE))
        kept.append(picture)
        if len(kept) > MOST:
            kept, every = kept[::2], 2 * every
    return kept


def _read_frame(frame: Image.Image, name: str, desk: MixingDesk) -> Other:
    """The encoder's reading; a frame of the generator's size is aligned already."""
    size = desk.domain.generator.img_resolution
    digest = hashlib.sha256(frame.tobytes()).hexdigest()
    photo = find_photo(frame, name, digest, aligned=frame.size != (size, size))

    @torch.no_grad()
    def work() -> EditState:
        return EditState(desk.domain.encode(photo.at(size)).cpu())

    return other_of(name, desk.studio.lanes.long(work), desk.domain)
