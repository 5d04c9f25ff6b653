"""The whole photo behind a portrait, kept as it was sent, to put the edited face back into it."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from editing.io.images import load_picture
from editing.models.domain import file_hash
from editing.pictures.alignment import Alignment, Photo
from editing.pictures.paste_back import paste_back
from ui.components.widgets import Pixels
from ui.studio.session import Portrait

SCREEN = 720  # pixels of the longer side, where the whole photo is only looked at


@dataclass(frozen=True, eq=False)
class Whole:
    """A photo file; a session holds the last one that was opened."""

    data: bytes
    name: str
    sha256: str
    small: Pixels  # for the screen, [H, W, 3]
    scale: float  # pixels of ``small`` for one of the photo

    def is_of(self, portrait: Portrait) -> bool:
        """Whether the portrait was cut out of this photo, and it is known where."""
        return portrait.quad is not None and portrait.source.sha256 == self.sha256

    def cut(self, portrait: Portrait) -> Photo:
        """The photo with the place of the face in it, in full size."""
        picture = load_picture(io.BytesIO(self.data), name=self.name)
        return Photo(picture, _frame(portrait, 1.0), self.name, self.sha256)

    def pasted(self, portrait: Portrait, before: Tensor, after: Tensor) -> tuple[Pixels, Pixels]:
        """The photo and what becomes of it, for the screen.

        Args:
            before: the aligned photo, [1, 3, P, P] in [-1, 1].
            after: the same edited.
        """
        frame = _frame(portrait, self.scale)
        made = paste_back(Image.fromarray(self.small), frame, before.cpu(), after.cpu())
        return self.small, np.asarray(made)


def whole_at(path: Path) -> Whole:
    """Keep the photo at ``path``.

    Raises:
        BadPicture: a sentence for the visitor.
    """
    picture = load_picture(path)
    small = picture.copy()
    small.thumbnail((SCREEN, SCREEN), Image.Resampling.LANCZOS)
    scale = small.width / picture.width
    return Whole(path.read_bytes(), path.name, file_hash(path), np.asarray(small), scale)


def _frame(portrait: Portrait, scale: float) -> Alignment:
    quad = np.array(portrait.quad, np.float64) * scale
    return Alignment(quad, found=portrait.source.aligned)
