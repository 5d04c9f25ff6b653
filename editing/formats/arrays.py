"""NumPy arrays in foreign files: inside pickles, as .npy and .npz, with or without objects."""

import io
import mmap
import os
import re
import zipfile
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from editing.formats.pickles import (
    Budget,
    Damaged,
    Inert,
    Refused,
    Stream,
    Unsupported,
    read_pickle,
    to_dict,
    to_set,
)

MAX_BYTES = 4 * 2**30  # of one file unpacked
MAX_RATIO = 200  # unpacked to packed; real arrays of floats stay below 10
ITEM = re.compile(r"[<>=|]?([biuf][1248]|U[0-9]{1,4}|S[0-9]{1,4}|O8?)")
BUILTINS = ("builtins", "__builtin__")  # Python 3 and Python 2
Array = NDArray[Any]


@dataclass(eq=False)
class PickledDtype(Inert):
    """numpy.dtype in a pickle: args[0] is its code, the state has the byte order."""

    def resolve(self) -> np.dtype[Any]:
        """The dtype, if it is a plain one."""
        code = self.args[0] if self.args else None
        if not isinstance(code, str) or not ITEM.fullmatch(code):
            raise Refused(f"it has an array of the type {str(code)[:40]!r}")
        dtype = np.dtype(code)
        order = self.state[1] if isinstance(self.state, tuple) else "="
        return dtype.newbyteorder(">") if order == ">" else dtype


@dataclass(eq=False)
class PickledArray(Inert):
    """numpy.ndarray in a pickle; its state is (version, shape, dtype, Fortran order, data)."""

    def load(self) -> Array | list[Any]:
        """The array (read only, sharing the file's bytes); the flat list of an array of objects."""
        _, shape, dtype, fortran, data = self.state
        return _array(dtype, shape, data, "F" if fortran else "C")


def _array(dtype: Any, shape: Any, data: Any, order: str = "C") -> Array | list[Any]:
    if not isinstance(dtype, PickledDtype) or not isinstance(shape, tuple):
        raise Damaged("it has a damaged array")
    kind, count = dtype.resolve(), _count(shape)
    if kind.hasobject:
        if not isinstance(data, list) or len(data) != count:
            raise Damaged("it has a damaged array of objects")
        return data
    data = data.encode("latin-1") if isinstance(data, str) else data  # written by Python 2
    if not isinstance(data, bytes | bytearray) or len(data) != count * kind.itemsize:
        raise Damaged(f"it has an array of {list(shape)} with the data of another")
    array: Array = np.frombuffer(data, kind).reshape(shape, order="F" if order == "F" else "C")
    return array


def _count(shape: tuple[Any, ...]) -> int:
    if len(shape) > 8 or not all(type(n) is int and 0 <= n < 2**40 for n in shape):
        raise Refused(f"it has an array of the shape {str(shape)[:60]}")
    return prod(shape)


def _reconstruct(kind: Any, shape: Any, code: Any) -> PickledArray:
    return PickledArray("numpy.ndarray")


def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any) -> PickledArray:
    return PickledArray("numpy.ndarray", state=(1, shape, dtype, order == "F", data))


def _scalar(dtype: Any, data: Any) -> Any:
    array = _array(dtype, (), data)
    return array.item() if isinstance(array, np.ndarray) else array[0]


def _dtype(code: Any, align: Any = False, copy: Any = False) -> PickledDtype:
    return PickledDtype("numpy.dtype", (code,))


def _encode(text: Any, encoding: Any = "latin1") -> bytes:
    """How pickles of protocol 2 carry bytes."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise Refused(f"it encodes a text as {str(encoding)[:40]}")
    return text.encode("latin-1")


def _bytes(data: Any = b"", encoding: Any = "latin1") -> bytes:
    return _encode(data, encoding) if isinstance(data, str) else memoryview(data).tobytes()


def _same(name: str, value: Any) -> dict[str, Any]:
    """The name in NumPy 1 and NumPy 2."""
    return {f"numpy.core.{name}": value, f"numpy._core.{name}": value}


KNOWN: dict[str, Any] = {
    **_same("multiarray._reconstruct", _reconstruct),
    **_same("multiarray.scalar", _scalar),
    **_same("numeric._frombuffer", _from_buffer),
    "numpy.ndarray": "numpy.ndarray",  # only ever an argument
    "numpy.dtype": _dtype,
    "_codecs.encode": _encode,
    "collections.OrderedDict": to_dict,
    **{f"{module}.set": to_set for module in BUILTINS},
    **{f"{module}.{name}": _bytes for module in BUILTINS for name in ("bytes", "bytearray")},
}


def plain(value: Any) -> Any:
    """Data with every pickled array loaded, at any depth the machine allowed."""
    if isinstance(value, PickledArray):
        loaded = value.load()
        return loaded if isinstance(loaded, np.ndarray) else plain(loaded)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(plain(item) for item in value)
    return value


def read_npy(file: Stream, size: int) -> Any:
    """The array of a .npy of ``size`` bytes; for one of objects, its only object or their list.

    Raises:
        Refused: it is not whole, or its objects are more than data.
    """
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise Unsupported(f"its .npy version {version} is unknown")
    read_header = getattr(np.lib.format, f"read_array_header_{version[0]}_0")
    shape, fortran, dtype = read_header(file)
    if dtype.hasobject:
        found = read_pickle(file, KNOWN, Budget.of(size))
        objects = found.load() if isinstance(found, PickledArray) else found
        return plain(objects[0] if isinstance(objects, list) and len(objects) == 1 else objects)
    if not ITEM.fullmatch(dtype.str):
        raise Refused(f"it has an array of the type {dtype.str!r}")
    wanted = _count(shape) * dtype.itemsize
    if wanted > size - file.tell():
        raise Damaged(f"it is cut short: {list(shape)} needs {wanted} bytes")
    data = np.frombuffer(file.read(wanted), dtype)
    return data.reshape(shape, order="F" if fortran else "C")


def read_npz(path: Path) -> dict[str, Any]:
    """The arrays of an .npz by name.

    Raises:
        Refused: it would unpack to far more than it is.
    """
    with zipfile.ZipFile(path) as archive:
        check_archive(archive, path, MAX_RATIO)
        found = {}
        for member in archive.infolist():
            data = archive.read(member)
            found[member.filename.removesuffix(".npy")] = read_npy(io.BytesIO(data), len(data))
    return found


def check_archive(archive: zipfile.ZipFile, path: Path, ratio: int) -> None:
    """Refuse an archive that claims to unpack to more than ``ratio`` times its size."""
    unpacked = sum(member.file_size for member in archive.infolist())
    limit = min(MAX_BYTES, ratio * os.path.getsize(path) + 2**20)
    if unpacked > limit:
        raise Refused(f"it would unpack to {unpacked} bytes, more than {limit}")


def open_mapped(path: Path) -> mmap.mmap:
    """A file as a stream that takes no memory of its own.

    Raises:
        Refused: it is empty.
    """
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            raise Damaged("it is empty")
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
