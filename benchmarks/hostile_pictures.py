"""Hostile pictures, and PNGs whose texts are hostile recipes and latents."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from collections.abc import Iterator

from PIL import Image

from benchmarks.hostile_bytes import MB, Hostile, chunk, flat_png
from benchmarks.hostile_works import bomb
from editing.recipes.recipe import LATENT_KEY, RECIPE_KEY


def with_chunks(*more: bytes) -> bytes:
    """A small PNG with more chunks behind its header."""
    data = flat_png(64)
    return data[:33] + b"".join(more) + data[33:]


def _itxt(key: str, text: bytes, packed: bool = True) -> bytes:
    body = zlib.compress(text, 9) if packed else text
    return chunk(b"iTXt", key.encode() + b"\0" + (b"\1" if packed else b"\0") + b"\0\0\0" + body)


def exports() -> Iterator[Hostile]:
    fine = _itxt(RECIPE_KEY, b"edits: []")
    packed = base64.b64encode(bomb())
    files = {
        "with a recipe of 64 MB": with_chunks(_itxt(RECIPE_KEY, bytes(64 * MB)), fine),
        "with a latent of 64 MB": with_chunks(fine, _itxt(LATENT_KEY, b"A" * (64 * MB))),
        "with a latent bomb": with_chunks(fine, _itxt(LATENT_KEY, packed)),
        "with a recipe of aliases": with_chunks(
            _itxt(RECIPE_KEY, b"a: &a [x]\nb: *a"), _itxt(LATENT_KEY, b"x")),
        "with a recipe of brackets": with_chunks(
            _itxt(RECIPE_KEY, b"[" * MB), _itxt(LATENT_KEY, b"x")),
        "with a latent that is none": with_chunks(fine, _itxt(LATENT_KEY, b"%%%", packed=False)),
        "with a text that is none": with_chunks(
            _itxt(RECIPE_KEY, b"\xff" * 100), _itxt(LATENT_KEY, b"x")),
        "with a cut text": with_chunks(
            chunk(b"zTXt", RECIPE_KEY.encode() + b"\0\0" + zlib.compress(bytes(999))[:9]),
            _itxt(LATENT_KEY, b"x")),
        "with a hidden bomb": with_chunks(
            chunk(b"zTXt", RECIPE_KEY.encode() + b"\0\0" + zlib.compress(bytes(64 * MB), 9)),
            _itxt(LATENT_KEY, b"x")),
    }  # fmt: skip
    for name, data in files.items():
        yield Hostile(f"png {name}", ".png", data, "export")


def pictures() -> Iterator[Hostile]:
    yield from exports()
    whole = flat_png(64)
    tiff, jpeg, gif = (_encoded(kind) for kind in ("tiff", "jpeg", "gif"))
    huge = struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 2, 0, 0, 0)
    files = {
        "png of 144 million pixels": (".png", flat_png(12_000)),
        "png that claims 2^62 pixels": (".png", whole[:8] + chunk(b"IHDR", huge) + whole[33:]),
        "png cut short": (".png", whole[: len(whole) - 30]),
        "png of its head": (".png", whole[:20]),
        "png without pixels": (".png", whole[:33] + chunk(b"IEND", b"")),
        "png with a wrong checksum": (".png", whole[:40] + b"\xff\xff" + whole[42:]),
        "png with a chunk of 2 GB": (".png", whole[:33] + b"\x7f\xff\xff\xffzTXt" + whole[33:]),
        "png of a million chunks": (".png", whole[:33] + chunk(b"tEXt", b"a\0b") * 400_000),
        "png of one pixel": (".png", flat_png(1)),
        "jpeg cut short": (".jpg", jpeg[: len(jpeg) // 2]),
        "jpeg of its head": (".jpg", jpeg[:20]),
        "jpeg that claims 2^32 pixels": (".jpg", _sized_jpeg(jpeg)),
        "gif of frames": (".gif", _animated()),
        "gif cut short": (".gif", gif[:20]),
        "gif that claims 2^32 pixels": (".gif", gif[:6] + b"\xff" * 4 + gif[10:]),
        "tiff cut short": (".tif", tiff[: len(tiff) // 2]),
        "tiff that refers to itself": (".tif", b"II*\0\x08\0\0\0\0\0\x08\0\0\0"),
        "tiff of 65535 tags": (".tif", b"II*\0\x08\0\0\0\xff\xff" + bytes(1000)),
        "bmp that claims 2^60 pixels": (".bmp", b"BM" + bytes(12) + struct.pack(
            "<IiiHHIIiiII", 40, 2**30, 2**30, 1, 24, 0, 0, 0, 0, 0, 0)),
        "webp cut short": (".webp", b"RIFF\xff\xff\xff\x7fWEBPVP8 "),
        "avif of its head": (".avif", b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf"),
        "heic": (".heic", b"\0\0\0\x18ftypheis\0\0\0\0mif1heic" + bytes(64)),
        "eps": (".eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n"),
        "svg bomb": (".svg", b"<!DOCTYPE s [<!ENTITY a 'x'><!ENTITY b '&a;&a;'>]><s>&b;</s>"),
        "film": (".mp4", b"\0\0\0\x20ftypisom" + bytes(200)),
        "page": (".jpg", b"<!DOCTYPE html><script>alert(1)</script>"),
        "nothing": (".jpg", b""),
    }  # fmt: skip
    for name, (suffix, data) in files.items():
        yield Hostile(f"picture {name}", suffix, data, "picture")


def _encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((96, 96), 60).convert("L").save(buffer, kind)
    return buffer.getvalue()


def _sized_jpeg(jpeg: bytes) -> bytes:
    at = jpeg.index(b"\xff\xc0") + 5  # height and width of the frame
    return jpeg[:at] + b"\xff\xff\xff\xff" + jpeg[at + 4 :]


def _animated() -> bytes:
    buffer = io.BytesIO()
    frames = [Image.new("L", (64, 64), shade) for shade in range(0, 250, 5)]
    frames[0].save(buffer, "gif", save_all=True, append_images=frames[1:])
    return buffer.getvalue()
