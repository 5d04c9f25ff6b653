"""The chunks of a PNG: texts and colour profile, unpacked within limits, and the file without them.

Pillow refuses a whole picture for one text or profile that unpacks to more than a megabyte. Editors
write such profiles, and programs that draw pictures such texts; here they are read, or left out.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from editing.errors import BadPicture, reason_of

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TEXTS = (b"tEXt", b"zTXt", b"iTXt")
PROFILE = b"iCCP"
MAX_TEXT = 32 * 2**20  # bytes of one text that somebody asked for, unpacked
MAX_PROFILE = 16 * 2**20  # bytes of a colour profile, unpacked; printers' have some three million
FRAME = 12  # bytes around a chunk's own: length, kind, checksum


@dataclass(frozen=True)
class Chunk:
    """One chunk; ``start`` and ``end`` include what frames it."""

    kind: bytes
    body: bytes
    start: int
    end: int


def chunks(data: bytes) -> Iterator[Chunk]:
    """The chunks of a PNG up to where it ends, or is damaged."""
    start = len(SIGNATURE)
    while start + FRAME <= len(data):
        length = int.from_bytes(data[start : start + 4], "big")
        end = start + FRAME + length
        if end > len(data):
            return
        kind = data[start + 4 : start + 8]
        kept = kind in (*TEXTS, PROFILE)
        yield Chunk(kind, data[start + 8 : end - 4] if kept else b"", start, end)
        start = end


def without_texts(data: bytes) -> bytes:
    """The same picture without its texts and colour profile; what is damaged stays as it is."""
    spans, at = [], 0
    for chunk in chunks(data):
        if chunk.kind in (*TEXTS, PROFILE):
            spans.append(data[at : chunk.start])
            at = chunk.end
    return b"".join([*spans, data[at:]]) if spans else data


def texts(data: bytes, keys: tuple[str, ...], name: str) -> dict[str, str]:
    """The texts of a PNG that are called ``keys``; ``name`` is what messages call the file.

    Raises:
        BadPicture: one of them is damaged, or unpacks to more than MAX_TEXT.
    """
    found = {}
    for chunk in chunks(data):
        key = chunk.body.partition(b"\0")[0].decode("latin-1")
        if chunk.kind in TEXTS and key in keys:
            try:
                found[key] = _text(chunk)
            except (ValueError, zlib.error) as error:
                raise BadPicture(
                    f"{name} has a damaged text {key} ({reason_of(error)}); save or download it "
                    "again."
                ) from error
    return found


def _text(chunk: Chunk) -> str:
    rest = chunk.body.partition(b"\0")[2]
    if chunk.kind == b"tEXt":
        return rest.decode("latin-1")
    if chunk.kind == b"zTXt":
        return unpacked(rest[1:], MAX_TEXT).decode("latin-1")
    packed, rest = rest[:1] == b"\1", rest[2:]
    value = rest.partition(b"\0")[2].partition(b"\0")[2]  # behind language and translated key
    return (unpacked(value, MAX_TEXT) if packed else value).decode("utf-8")


def profile(data: bytes) -> bytes | None:
    """The ICC profile of a PNG; None where there is none, or it is damaged or far too long."""
    for chunk in chunks(data):
        if chunk.kind == PROFILE:
            try:
                return unpacked(chunk.body.partition(b"\0")[2][1:], MAX_PROFILE)
            except (ValueError, zlib.error):
                return None
    return None


def unpacked(data: bytes, most: int) -> bytes:
    """What zlib packed.

    Raises:
        ValueError, zlib.error: it is damaged, or has more than ``most`` bytes.
    """
    unpacking = zlib.decompressobj()
    found = unpacking.decompress(data, most)
    if not unpacking.eof:
        raise ValueError(f"it is cut short, or unpacks to more than {most} bytes")
    return found
