"""Bytes that hostile files are put together from, and what a hostile file is."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

MB = 2**20


@dataclass(frozen=True)
class Hostile:
    """One file, and through which door it is brought in."""

    name: str
    suffix: str
    data: bytes
    door: str  # of DOORS

    @property
    def file(self) -> str:
        """A file name that says what it is."""
        stem = "".join(c if c.isalnum() else "-" for c in self.name.lower())
        return f"{self.door}-{stem}{self.suffix}"


def shared_tuple(levels: int = 40) -> bytes:
    """A pickle of a tuple that unfolds to 2^levels entries."""
    value = b"".join(b"q" + bytes([n]) + b"0h" + bytes([n]) * 1 + b"h" + bytes([n]) + b"\x86"
                     for n in range(levels))  # fmt: skip
    return b"\x80\x02K\x01" + value + b"."


def npy(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def npy_header(text: str, version: bytes = b"\1\0") -> bytes:
    """A .npy that is nothing but its header."""
    length = struct.pack("<H" if version == b"\1\0" else "<I", len(text) + 1)
    return b"\x93NUMPY" + version + length + text.encode() + b"\n"


def described(shape: str, dtype: str = "'<f4'") -> str:
    return f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}"


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def object_array(inner: bytes) -> bytes:
    """A .npy of one object, which this pickle is."""
    return npy_header(described("()", "'|O'")) + inner


def safetensors(header: bytes, data: bytes = b"", length: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def zeros_of(megabytes: int, dtype: str = "<f4") -> np.ndarray[Any, Any]:
    return np.zeros(megabytes * MB // np.dtype(dtype).itemsize, dtype)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@cache
def flat_png(side: int) -> bytes:
    """A few kilobytes of a picture of one grey."""
    rows = zlib.compress((b"\0" + bytes(side)) * side, 9)
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
