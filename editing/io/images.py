"""Pictures: files <-> PIL pictures <-> tensors, and every file this package writes.

The only module that knows how [-1, 1] floats become 0..255 bytes:

    to_tensor   uint8 / 127.5 - 1
    to_uint8    x * 127.5 + 128, clamped, truncated      (formats: stylegan2-ada-pytorch)

so that a picture survives the round trip bit by bit.
"""

from __future__ import annotations

import io
import math
import os
import re
import secrets
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy as np
import torch
from PIL import Image, ImageCms, ImageOps, PngImagePlugin, TiffImagePlugin
from torch import Tensor

from editing.errors import BadPicture, CannotWrite, reason_of
from editing.io import png_chunks

# Plain raster formats only: Pillow's other readers hand files to outside programs (EPS) or
# decode things nobody's camera makes.
FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF")
FORMATS_IN_WORDS = "JPEG, PNG, WebP, AVIF, GIF, BMP or TIFF"
MAGIC = {
    b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"GIF8": "GIF", b"BM": "BMP", b"II*\0": "TIFF",
    b"MM\0*": "TIFF", b"II+\0": "TIFF", b"MM\0+": "TIFF",
}  # fmt: skip
HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
WHITE_IS_ZERO = 0  # TIFF's photometric interpretation, tag 262
MAX_PIXELS = 64_000_000  # the largest common phone photo holds 50 million
MAX_PAINTED = 2048**2  # of a mask or brush inside a recipe; they are written far smaller
MIN_SIDE = 32  # pixels; nothing smaller shows a face
DRAWN_SIDE = 8  # pixels of the smallest picture that a generator draws


def load_picture(
    source: str | os.PathLike[str] | BinaryIO,
    max_pixels: int = MAX_PIXELS,
    name: str = "",
    least: int = MIN_SIDE,
) -> Image.Image:
    """Read a photo as it is meant to be seen: upright, in sRGB, one frame, on white.

    Args:
        source: a path, or a seekable binary file.
        max_pixels: refused above, before any pixel is decoded.
        name: what messages call the picture; the file's own name by default.
        least: pixels that each side must have.

    Returns:
        An RGB picture without metadata.

    Raises:
        BadPicture: one sentence for whatever is wrong with the file.
    """
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        name = name or str(source)
        _check_file(path, name)
        try:
            with path.open("rb") as file:
                return _read(file, name, max_pixels, least)
        except OSError as error:
            raise BadPicture(f"{name} cannot be read: {error.strerror or error}.") from error
    name = name or Path(str(getattr(source, "name", "the picture"))).name
    return _read(source, name, max_pixels, least)


def _check_file(path: Path, name: str) -> None:
    if path.is_dir():
        raise BadPicture(f"{name} is a folder; give the path of one picture in it.")
    if not path.exists():
        raise BadPicture(f"{name} does not exist; check the path of the picture.")
    if not path.is_file():
        raise BadPicture(f"{name} is not an ordinary file; give the path of a picture.")


def _read(file: BinaryIO, name: str, max_pixels: int, least: int) -> Image.Image:
    profile, file = _without_texts(file)
    picture = _open(file, name, max_pixels, least)
    try:
        if picture.format != "MPO" and getattr(picture, "is_animated", False):
            raise BadPicture(
                f"{name} holds several frames or pages; save the one you want as a JPEG or PNG."
            )
        picture.load()
    except BadPicture:
        raise
    except Exception as error:  # Pillow's decoders raise anything at all on damaged files
        raise BadPicture(
            f"{name} is damaged or cut short ({reason_of(error)}); save or download it again."
        ) from error
    profile = profile or picture.info.get("icc_profile")
    return _to_rgb(_upright(_true_grey(picture)), profile)


def _without_texts(file: BinaryIO) -> tuple[bytes | None, BinaryIO]:
    """Of a PNG its colour profile, and the file without that and its texts (see ``png_chunks``)."""
    signature = file.read(len(png_chunks.SIGNATURE))
    file.seek(0)
    if signature != png_chunks.SIGNATURE:
        return None, file
    data = file.read()
    return png_chunks.profile(data), io.BytesIO(png_chunks.without_texts(data))


def _open(file: BinaryIO, name: str, max_pixels: int, least: int) -> Image.Image:
    """Open the header and check what it promises; no pixel is decoded."""
    head = file.read(16)
    if not head:
        raise BadPicture(f"{name} is empty (0 bytes); save or download the picture again.")
    file.seek(0)
    Image.init()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # sizes are checked below, damage is no news
            picture = Image.open(file, formats=[f for f in FORMATS if f in Image.OPEN])
    except Image.DecompressionBombError as error:
        pixels = re.search(r"\((\d+) pixels\)", str(error))
        size = f"{int(pixels[1]) / 1e6:.0f} million" if pixels else "very many"
        raise BadPicture(_too_large(name, size, max_pixels)) from error
    except Exception as error:  # a hostile header can raise anything
        _refuse(name, head, file, error)
    width, height = picture.size
    if width * height > max_pixels:
        raise BadPicture(_too_large(name, f"{width}×{height}", max_pixels))
    if min(width, height) < least:
        raise BadPicture(
            f"{name} is {width}×{height} pixels; each side must have at least {least}, "
            "use a larger picture."
        )
    return picture


def _too_large(name: str, size: str, max_pixels: int) -> str:
    return (
        f"{name} has {size} pixels; at most {max_pixels / 1e6:g} million are read, "
        "make it smaller first."
    )


def _refuse(name: str, head: bytes, file: BinaryIO, cause: Exception) -> NoReturn:
    """Say what a file is that Pillow could not open."""
    kind = next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), "")
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        kind = "WebP"
    if head[4:8] == b"ftyp":
        if head[8:12] in HEIC:
            raise BadPicture(
                f"{name} is HEIC: export it as JPEG, since HEIC is not read here."
            ) from cause
        kind = "AVIF" if head[8:12] in (b"avif", b"avis") else ""
    if not kind:
        raise BadPicture(
            f"{name} is not a picture that is read here; use {FORMATS_IN_WORDS}."
        ) from cause
    if variant := _tiff_variant(file) if kind == "TIFF" else "":
        raise BadPicture(
            f"{name} is a TIFF with {variant}, which is not read here; save it as 8-bit PNG."
        ) from cause
    article = "an" if kind == "AVIF" else "a"
    raise BadPicture(
        f"{name} is {article} {kind}, but damaged, cut short or of a rare kind that is not read "
        "here; save or download it again, or export it as JPEG."
    ) from cause


def _tiff_variant(file: BinaryIO) -> str:
    """What kind of numbers a TIFF holds, for people; "" where that cannot be read either."""
    try:
        file.seek(0)
        tags = TiffImagePlugin.ImageFileDirectory_v2(file.read(8))
        file.seek(tags.next)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tags.load(file)
        bits, samples = max(tags[258]), int(tags.get(277, 1))
        real = 3 in tags.get(339, (1,))
    except Exception:  # whatever is wrong with it, the sentence is another
        return ""
    channels = f"{samples} channel{'s' if samples > 1 else ''}"
    return f"{channels} of {bits}-bit {'floating point' if real else 'numbers'}"


def _true_grey(picture: Image.Image) -> Image.Image:
    """Grey TIFFs of more than 8 bits that Pillow misreads: 0 is white, or all 32 bits count."""
    tags = getattr(picture, "tag_v2", {})
    if not picture.mode.startswith(("I", "F")):
        return picture
    inverted = tags.get(262) == WHITE_IS_ZERO
    unsigned = picture.mode == "I" and tags.get(258) == (32,) and tags.get(339, (1,))[0] == 1
    if not inverted and not unsigned:
        return picture
    stored = np.asarray(picture)
    values = (stored.view(np.uint32) if unsigned else stored).astype(np.float32)
    turned = Image.fromarray(_white(values, picture.mode) - values if inverted else values)
    turned.info = picture.info
    return turned


def _upright(picture: Image.Image) -> Image.Image:
    """Apply the camera's orientation tag; a broken tag leaves the picture as stored."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ImageOps.exif_transpose(picture)
    except Exception:  # EXIF blocks are free-form and often damaged by other programs
        return picture


def _to_rgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Any mode to 8-bit sRGB without metadata; transparency becomes white."""
    if picture.mode.startswith(("I", "F")):
        picture = _to_8_bit(picture)
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    rgb = _to_srgb(picture, profile)
    if rgb is picture:
        rgb = picture.copy()
    rgb.info = {}
    return rgb


def _to_8_bit(picture: Image.Image) -> Image.Image:
    """16-bit, 32-bit and float grey to 8 bits; Pillow's own conversion clips all above 255."""
    values = np.nan_to_num(np.asarray(picture, dtype=np.float32), posinf=0, neginf=0)
    white = _white(values, picture.mode)
    return Image.fromarray(np.clip(values * (255 / white) + 0.5, 0, 255).astype(np.uint8))


def _white(values: np.ndarray[Any, Any], mode: str) -> float:
    """What white is in grey of more than 8 bits."""
    top = float(np.nan_to_num(values, posinf=0, neginf=0).max())
    limits = (65535.0,) if mode.startswith("I;16") else (1.0, 255.0, 65535.0)
    return next((limit for limit in limits if top <= limit), top)


def _to_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert through the embedded colour profile (phones store Display P3), if it is sound."""
    if profile and picture.mode in ("RGB", "CMYK"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(
                picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass  # a broken profile is common; the plain conversion is close enough
    return picture.convert("RGB")


def to_tensor(picture: Image.Image | np.ndarray[Any, Any], resolution: int | None = None) -> Tensor:
    """RGB picture or uint8 [H, W, 3] -> float32 [1, 3, H, W] in [-1, 1].

    With ``resolution`` the picture is first resized (Lanczos) to a square of that side; crop it
    to a square beforehand (``alignment.centre_crop``) to keep its proportions.
    """
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture)
    if resolution is not None and picture.size != (resolution, resolution):
        picture = picture.resize((resolution, resolution), Image.Resampling.LANCZOS)
    pixels = torch.from_numpy(np.array(picture.convert("RGB")))  # [H, W, 3]
    return (pixels.permute(2, 0, 1)[None].float() / 127.5 - 1).contiguous()


def to_uint8(img: Tensor) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Pictures [N, 3, H, W], nominally in [-1, 1] -> uint8 [N, H, W, 3]."""
    pixels = (img.detach().float().nan_to_num() * 127.5 + 128).clamp(0, 255).to(torch.uint8)
    return pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy()


def to_pil(img: Tensor) -> Image.Image:
    """One picture [1, 3, H, W] in [-1, 1] -> PIL."""
    return Image.fromarray(to_uint8(img)[0])


def grid(images: Tensor, rows: int | None = None, cols: int | None = None) -> Tensor:
    """Lay pictures [N, 3, H, W] out row by row -> [1, 3, rows*H, cols*W], empty cells white.

    A missing ``rows`` or ``cols`` follows from the other; both missing give a near-square grid.
    """
    count, channels, height, width = images.shape
    if cols is None:
        cols = math.ceil(count / rows) if rows else math.ceil(math.sqrt(count))
    if rows is None:
        rows = math.ceil(count / cols)
    if rows * cols < count:
        raise ValueError(f"{count} pictures do not fit a {rows}×{cols} grid")
    cells = images.new_ones(rows * cols, channels, height, width)
    cells[:count] = images
    cells = cells.reshape(rows, cols, channels, height, width).permute(2, 0, 3, 1, 4)
    return cells.reshape(1, channels, rows * height, cols * width)


def encode_png(picture: Tensor | Image.Image, text: Mapping[str, str] | None = None) -> bytes:
    """A PNG as bytes; ``text`` goes into iTXt chunks, before the pixels, uncompressed.

    Pillow refuses to read back compressed text beyond 1 MB, and an embedded latent may be larger.
    """
    info = PngImagePlugin.PngInfo()
    for key, value in (text or {}).items():
        info.add_itxt(key, value)
    buffer = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else to_pil(picture)
    image.save(buffer, format="PNG", pnginfo=info)
    return buffer.getvalue()


def save_png(
    path: str | os.PathLike[str],
    picture: Tensor | Image.Image,
    text: Mapping[str, str] | None = None,
) -> None:
    """Write a picture, [1, 3, H, W] in [-1, 1] or PIL, as PNG, whole or not at all."""
    data = encode_png(picture, text)
    write_atomically(path, lambda file: file.write(data))


def read_png_text(
    source: str | os.PathLike[str] | BinaryIO, keys: tuple[str, ...], name: str = "the PNG"
) -> dict[str, str]:
    """The texts of these names in a PNG; empty for a file that is not a PNG or carries none.

    Raises:
        BadPicture: the path cannot be read, or the PNG is too large or damaged.
    """
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        _check_file(path, str(source))
        try:
            return read_png_text(io.BytesIO(path.read_bytes()), keys, path.name)
        except OSError as error:
            raise BadPicture(f"{source} cannot be read: {error.strerror or error}.") from error
    signature = source.read(len(png_chunks.SIGNATURE))
    if signature != png_chunks.SIGNATURE:
        return {}
    data = signature + source.read()
    _open(io.BytesIO(png_chunks.without_texts(data)), name, MAX_PIXELS, DRAWN_SIDE)
    return png_chunks.texts(data, keys, name)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Find out before long work whether its result can be written; makes the folder.

    Raises:
        CannotWrite: as ``write_atomically`` would.
    """
    write_atomically(path, lambda file: None, keep=False)


def write_atomically(
    path: str | os.PathLike[str], writer: Callable[[BinaryIO], object], keep: bool = True
) -> None:
    """Let ``writer`` fill a temporary file beside ``path``, then rename it into place.

    The folder is made where missing. Whatever goes wrong, an earlier file stays as it was and
    nothing half-written is left. Without ``keep`` it was only a trial, and the file goes away.

    Raises:
        CannotWrite: folder or disk refuse (no permission, full, not a folder, ...).
    """
    path = Path(path)
    temporary = path.with_name(f".{secrets.token_hex(4)}.{path.name}")
    try:
        if path.exists() and not path.is_file():  # renaming would even replace a device
            raise CannotWrite(f"{path} is not an ordinary file; choose another name to write to.")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as file:
                writer(file)
                file.flush()
                os.fsync(file.fileno())  # a full disk may only be noticed here
            if keep:
                temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise CannotWrite(
            f"{path} cannot be written ({error.strerror or error}); "
            "choose another place or free some space."
        ) from error
