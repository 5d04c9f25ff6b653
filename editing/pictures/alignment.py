"""Faces found and cropped to the FFHQ frame, which every face model of the field expects.

The frame is a square, turned with the head, around eyes and mouth (Karras et al. 2019, FFHQ
preparation). It is kept as a *quad*: four corners [4, 2] in photo pixels, order top-left,
bottom-left, bottom-right, top-right (Pillow's QUAD order). Coordinates are x, y with whole
numbers at pixel centres, as dlib gives them.

The landmark model (68 points, dlib) was trained on iBUG 300-W, whose licence excludes commercial
use; no part of it is stored here, it comes with the package face_recognition_models.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image
from torch import Tensor

from editing.errors import MissingFile, NoFace
from editing.io.images import DRAWN_SIDE, MIN_SIDE, load_picture, to_tensor
from editing.models.domain import file_hash

Points = NDArray[np.float64]
Box = tuple[float, float, float, float]  # left, top, right, bottom

# Longest side in pixels at which faces are looked for, one after the other until some are found:
# dlib's detector sees faces from 80 pixels up, and its time grows with the area.
DETECTION_SIDES = (1200, 2400, 3600)
MAX_ENLARGEMENT = 4.0
MIN_SCORE = 0.2  # dlib's detector score; below are mostly folds of cloth and leaves
LANDMARK_FACE = 256  # pixels across the face when its landmarks are read: they come as integers
MAX_TILT = 10  # degrees; the landmark model was trained on upright faces

_dlib_lock = threading.Lock()  # detector and predictor keep scratch space between calls


@dataclass(frozen=True, eq=False)
class Face:
    """One face in a photo, in photo pixels."""

    landmarks: Points  # [68, 2], iBUG order: 36-41 and 42-47 the eyes, 48 and 54 the mouth corners
    box: Box
    score: float  # detector's confidence, above MIN_SCORE

    @property
    def size(self) -> float:
        """Area of the box, square pixels."""
        left, top, right, bottom = self.box
        return (right - left) * (bottom - top)


@dataclass(frozen=True, eq=False)
class Alignment:
    """Where the aligned picture lies in its photo, and what the user should know about it."""

    quad: Points  # [4, 2]: TL, BL, BR, TR
    notes: tuple[str, ...] = ()
    found: bool = True  # False: no face, only a crop

    def to_photo(self, points: ArrayLike, resolution: int) -> Points:
        """Pixels [..., 2] of the aligned picture -> pixels of the photo."""
        matrix = quad_matrix(self.quad, resolution)
        return np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2]

    def to_aligned(self, points: ArrayLike, resolution: int) -> Points:
        """Pixels [..., 2] of the photo -> pixels of the aligned picture."""
        matrix = quad_matrix(self.quad, resolution)
        return (np.asarray(points, np.float64) - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T


def quad_matrix(quad: Points, resolution: int) -> Points:
    """Affine map [2, 3] from pixels of the aligned picture to pixels of the photo.

    Pixel i of R lies at (i + 0.5) / R of the way from one edge of the quad to the other.
    """
    top_left, bottom_left, _, top_right = quad
    per_column, per_row = (top_right - top_left) / resolution, (bottom_left - top_left) / resolution
    origin = top_left + 0.5 * (per_column + per_row)
    return np.stack([per_column, per_row, origin], axis=1)


def ffhq_quad(landmarks: ArrayLike) -> Points:
    """The FFHQ frame [4, 2] of 68 landmarks [68, 2]."""
    points = np.asarray(landmarks, np.float64)
    return quad_from_points(points[36:42].mean(0), points[42:48].mean(0), points[[48, 54]].mean(0))


def quad_from_points(eye_left: ArrayLike, eye_right: ArrayLike, mouth: ArrayLike) -> Points:
    """The FFHQ frame [4, 2] of three points: eye centres (left, right in the picture), mouth.

    Half side = max(2.0 |eye to eye|, 1.8 |eyes to mouth|); the centre lies a tenth of the way
    below the eyes (FFHQ preparation script, as in NVIDIA's dataset tool).
    """
    left, right = np.asarray(eye_left, np.float64), np.asarray(eye_right, np.float64)
    eyes = (left + right) / 2
    across, down = right - left, np.asarray(mouth, np.float64) - eyes
    x = across - np.flip(down) * [-1, 1]  # the mean of both directions keeps turned heads upright
    length = float(np.hypot(*x))
    if not length:
        raise NoFace(
            "The points of eyes and mouth coincide, so they give no frame; use another photo."
        )
    x *= max(2.0 * float(np.hypot(*across)), 1.8 * float(np.hypot(*down))) / length
    y = np.flip(x) * [-1, 1]
    centre = eyes + 0.1 * down
    return np.stack([centre - x - y, centre - x + y, centre + x + y, centre + x - y])


@lru_cache(maxsize=1)
def _models() -> tuple[Any, Any]:
    """dlib's frontal face detector and 68-landmark predictor."""
    import dlib

    # The package's own __init__ needs pkg_resources, which is gone; only its files are wanted.
    spec = find_spec("face_recognition_models")
    places = list(spec.submodule_search_locations or ()) if spec else []
    for place in places:
        path = Path(place) / "models" / "shape_predictor_68_face_landmarks.dat"
        if path.is_file():
            return dlib.get_frontal_face_detector(), dlib.shape_predictor(str(path))
    raise MissingFile(
        "The landmark model shape_predictor_68_face_landmarks.dat is not installed; "
        "run 'pip install face_recognition_models'."
    )


def find_faces(picture: Image.Image, sides: Sequence[int] = DETECTION_SIDES) -> list[Face]:
    """All frontal faces (tilted up to about 40 degrees) of an RGB photo, largest first."""
    with _dlib_lock:
        detector, predictor = _models()
        faces = [
            Face(_find_landmarks(picture, box, predictor), box, score)
            for box, score in _find_boxes(picture, detector, sides)
        ]
    return sorted(faces, key=lambda face: -face.size)


def _find_boxes(
    picture: Image.Image, detector: Any, sides: Sequence[int]
) -> list[tuple[Box, float]]:
    longest = max(picture.size)
    scales = [min(side / longest, MAX_ENLARGEMENT) for side in sides]
    if longest <= DETECTION_SIDES[0]:  # look at small pictures as they are before enlarging them
        scales.insert(0, 1.0)
    for scale in dict.fromkeys(scales):
        size = (max(round(picture.width * scale), 1), max(round(picture.height * scale), 1))
        scaled = picture.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)
        found, scores, _ = detector.run(np.asarray(scaled), 0, MIN_SCORE)
        if found:
            boxes = [(box.left(), box.top(), box.right(), box.bottom()) for box in found]
            return [
                ((left / scale, top / scale, right / scale, bottom / scale), float(score))
                for (left, top, right, bottom), score in zip(boxes, scores, strict=True)
            ]
    return []


def _find_landmarks(picture: Image.Image, box: Box, predictor: Any) -> Points:
    """68 landmarks [68, 2], read at one size however large the face is; twice if it is tilted."""
    points = _read_landmarks(picture, box, 0.0, predictor)
    across = points[42:48].mean(0) - points[36:42].mean(0)
    tilt = float(np.arctan2(across[1], across[0]))
    if abs(tilt) <= np.radians(MAX_TILT):
        return points
    return _read_landmarks(picture, box, tilt, predictor)


def _read_landmarks(picture: Image.Image, box: Box, tilt: float, predictor: Any) -> Points:
    """Landmarks of the face in ``box``, seen in a frame of twice its size turned by ``tilt``."""
    import dlib

    left, top, right, bottom = box
    centre = np.array([left + right, top + bottom]) / 2
    x = (right - left) * np.array([np.cos(tilt), np.sin(tilt)])
    y = np.flip(x) * [-1, 1]
    quad = np.stack([centre - x - y, centre - x + y, centre + x + y, centre + x - y])
    crop = _cut(picture, quad, LANDMARK_FACE, 2 * LANDMARK_FACE)
    near, far = LANDMARK_FACE // 2, LANDMARK_FACE * 3 // 2
    shape = predictor(np.asarray(crop), dlib.rectangle(near, near, far, far))
    points = [(shape.part(i).x, shape.part(i).y) for i in range(68)]
    return Alignment(quad).to_photo(points, 2 * LANDMARK_FACE)


def align(picture: Image.Image, quad: ArrayLike, resolution: int) -> Image.Image:
    """Cut the quad [4, 2] out of an RGB photo -> square picture of side ``resolution``.

    The FFHQ preparation's steps: shrink large photos, crop, continue the picture past its edges
    (reflected, ever more blurred towards the median colour), sample at 4x, Lanczos down.
    """
    sampled = _cut(picture, np.asarray(quad, np.float64), resolution, 4 * resolution)
    return sampled.resize((resolution, resolution), Image.Resampling.LANCZOS)


def _cut(picture: Image.Image, quad: Points, resolution: int, side: int) -> Image.Image:
    """The quad as a square of ``side``, from a photo shrunk to suit ``resolution``."""
    picture, quad = _shrink(picture, quad, resolution)
    picture, quad = _crop(picture, quad)
    picture, quad = _pad(picture, quad)
    corners = tuple((quad + 0.5).ravel().tolist())
    return picture.transform((side, side), Image.Transform.QUAD, corners, Image.Resampling.BILINEAR)


def _side(quad: Points) -> float:
    return float(np.hypot(*(quad[3] - quad[0])))


def _shrink(picture: Image.Image, quad: Points, resolution: int) -> tuple[Image.Image, Points]:
    """Bring the quad's side to two to four times the output, so that sampling cannot alias."""
    shrink = int(_side(quad) / resolution * 0.5)
    if shrink <= 1:
        return picture, quad
    size = (max(round(picture.width / shrink), 1), max(round(picture.height / shrink), 1))
    factor = np.array(size) / picture.size
    return picture.resize(size, Image.Resampling.LANCZOS), (quad + 0.5) * factor - 0.5


def _border(quad: Points) -> int:
    return max(int(np.rint(_side(quad) * 0.1)), 3)


def _crop(picture: Image.Image, quad: Points) -> tuple[Image.Image, Points]:
    """Keep only the quad's surroundings."""
    border = _border(quad)
    low = np.maximum(np.floor(quad.min(0)).astype(int) - border, 0)
    high = np.minimum(np.ceil(quad.max(0)).astype(int) + border, picture.size)
    if (high - low < 2).any():
        raise NoFace(
            "The frame of the face lies outside the photo; use a photo that shows the whole face."
        )
    return picture.crop((*low.tolist(), *high.tolist())), quad - low


def _pad(picture: Image.Image, quad: Points) -> tuple[Image.Image, Points]:
    """Continue the picture where the quad reaches past it."""
    border = _border(quad)
    before = np.maximum(border - np.floor(quad.min(0)).astype(int), 0)
    after = np.maximum(np.ceil(quad.max(0)).astype(int) - picture.size + border, 0)
    if max(before.max(), after.max()) <= border - 4:
        return picture, quad
    from scipy.ndimage import gaussian_filter

    side = _side(quad)
    least = int(np.rint(side * 0.3))
    (left, top), (right, bottom) = np.maximum(before, least), np.maximum(after, least)
    image = np.pad(
        np.asarray(picture, np.float32), ((top, bottom), (left, right), (0, 0)), "reflect"
    )
    height, width, _ = image.shape
    y, x, _ = np.ogrid[:height, :width, :1]
    outside = np.maximum(  # 1 at the outer edge, 0 at the photo's, negative inside
        1 - np.minimum(x / left, (width - 1 - x) / right),
        1 - np.minimum(y / top, (height - 1 - y) / bottom),
    ).astype(np.float32)
    blurred = gaussian_filter(image, [side * 0.02, side * 0.02, 0])
    image += (blurred - image) * np.clip(outside * 3 + 1, 0, 1)
    image += (np.median(image, axis=(0, 1)) - image) * np.clip(outside, 0, 1)
    padded = Image.fromarray(np.clip(np.rint(image), 0, 255).astype(np.uint8))
    return padded, quad + [left, top]


def align_face(
    picture: Image.Image, resolution: int, name: str = "this photo"
) -> tuple[Image.Image, Alignment]:
    """Find the largest face of an RGB photo and bring it to the FFHQ frame.

    Raises:
        NoFace: none found; the sentence says what to upload, ``centre_crop`` goes on without.
    """
    alignment = find_alignment(picture, name)
    return align(picture, alignment.quad, resolution), alignment


def find_alignment(picture: Image.Image, name: str = "this photo") -> Alignment:
    """Where the largest face of an RGB photo is.

    Raises:
        NoFace: none found.
    """
    faces, turn = find_faces(picture), 0
    if not faces:
        faces, turn = _turned_faces(picture)
    if not faces:
        raise NoFace(
            f"No face was found in {name}: use an upright, well-lit photo of a person looking "
            "towards the camera, or go on with a centre crop (--no-align on the command line)."
        )
    notes: tuple[str, ...] = ()
    if len(faces) > 1:
        notes = (f"{len(faces)} faces were found; the largest is used.",)
    if turn:
        notes = (*notes, f"The photo does not stand upright; the face was turned by {turn}°.")
    return Alignment(ffhq_quad(faces[0].landmarks), notes)


def _turned_faces(picture: Image.Image) -> tuple[list[Face], int]:
    """The faces of a photo that lies on its side or stands on its head, in its own pixels.

    Returns:
        The faces, and by how many degrees to the left they have to be turned to stand upright.
    """
    width, height = picture.size
    back = {  # a point of the turned picture in pixels of the photo
        90: lambda x, y: (width - 1 - y, x),
        270: lambda x, y: (y, height - 1 - x),
        180: lambda x, y: (width - 1 - x, height - 1 - y),
    }
    for degrees, way in back.items():
        turned = picture.transpose(getattr(Image.Transpose, f"ROTATE_{degrees}"))
        if found := find_faces(turned, DETECTION_SIDES[:1]):
            return [_moved(face, way) for face in found], degrees
    return [], 0


def _moved(face: Face, way: Callable[[Any, Any], tuple[Any, Any]]) -> Face:
    left, top, right, bottom = face.box
    (x0, y0), (x1, y1) = way(left, top), way(right, bottom)
    box = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
    return Face(np.stack(way(*face.landmarks.T), axis=1), box, face.score)


def centre_crop(picture: Image.Image, resolution: int) -> tuple[Image.Image, Alignment]:
    """The largest centred square of an RGB picture, resized; for pictures without a face."""
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    right, bottom = left + side, top + side
    cropped = picture.crop((left, top, right, bottom))
    cropped = cropped.resize((resolution, resolution), Image.Resampling.LANCZOS)
    corners = np.array([(left, top), (left, bottom), (right, bottom), (right, top)], np.float64)
    notes = ("The picture's centre is used as it is; no face was aligned.",)
    return cropped, Alignment(corners - 0.5, notes, found=False)


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo and where its face is; cut out at any size."""

    picture: Image.Image  # RGB, upright
    alignment: Alignment
    name: str
    sha256: str  # of the file

    def at(self, resolution: int) -> Tensor:
        """The aligned picture, or its centre, [1, 3, resolution, resolution] in [-1, 1]."""
        if self.alignment.found:
            return to_tensor(align(self.picture, self.alignment.quad, resolution))
        return to_tensor(centre_crop(self.picture, resolution)[0])


def open_photo(path: str | Path, aligned: bool = True) -> Photo:
    """Load a photo and find its face; without ``aligned`` its centre is taken.

    Raises:
        BadPicture: the file is no usable picture.
        NoFace: none was found; say so and offer ``aligned=False``.
    """
    picture = load_picture(path, least=MIN_SIDE if aligned else DRAWN_SIDE)
    return find_photo(picture, Path(path).name, file_hash(Path(path)), aligned)


def find_photo(picture: Image.Image, name: str, sha256: str, aligned: bool = True) -> Photo:
    """``open_photo`` for a picture that is already read."""
    if not aligned:
        return Photo(picture, centre_crop(picture, 1)[1], name, sha256)
    return Photo(picture, find_alignment(picture, name), name, sha256)
