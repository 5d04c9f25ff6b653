"""torch files without torch.load: the zip archives of today and the streams before torch 1.6.

Both are a pickle whose tensors point at storages by persistent ids. Tensors come out as
``StoredTensor``: shape and type are known at once, the numbers are read when they are asked for,
so that a file of gigabytes can be inspected without reading it.
"""

import io
import mmap
import struct
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from editing.formats.arrays import KNOWN as ARRAYS
from editing.formats.arrays import check_archive, open_mapped
from editing.formats.pickles import (
    Budget,
    Damaged,
    Inert,
    Refused,
    Unsupported,
    inert,
    read_pickle,
    to_dict,
)

NO_MORE: Mapping[str, Any] = MappingProxyType({})
MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
DTYPES = {
    "Float": torch.float32, "Double": torch.float64, "Half": torch.float16,
    "BFloat16": torch.bfloat16, "Long": torch.int64, "Int": torch.int32, "Short": torch.int16,
    "Char": torch.int8, "Byte": torch.uint8, "Bool": torch.bool,
}  # fmt: skip


@dataclass(eq=False)
class Storage:
    """Numbers somewhere in a file."""

    dtype: torch.dtype
    numel: int
    buffer: Any = None  # the file as bytes or mmap
    start: int = 0  # of the first number, in bytes


@dataclass(eq=False)
class StoredTensor:
    """A tensor whose numbers are still in the file."""

    storage: Storage
    dtype: torch.dtype
    offset: int  # of the first element, in elements
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    def load(self) -> Tensor:
        """The tensor, with memory of its own."""
        if not prod(self.shape):
            return torch.empty(self.shape, dtype=self.dtype)
        start = self.storage.start + self.offset * self.dtype.itemsize
        count = (_last(self.shape, self.stride) + 1) * self.dtype.itemsize
        data = bytearray(memoryview(self.storage.buffer)[start : start + count])
        if len(data) != count:
            raise Damaged("the data of a tensor is cut short")
        _forget(self.storage.buffer, start, count)
        return torch.frombuffer(data, dtype=self.dtype).as_strided(self.shape, self.stride)


def _forget(buffer: Any, start: int, count: int) -> None:
    """Let go of pages of a mapped file that were read: they would count as memory."""
    if isinstance(buffer, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        first = start - start % mmap.PAGESIZE
        buffer.madvise(mmap.MADV_DONTNEED, first, start + count - first)


def _last(shape: tuple[int, ...], stride: tuple[int, ...]) -> int:
    """Where the last element lies behind the first."""
    return sum((n - 1) * step for n, step in zip(shape, stride, strict=True))


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *rest: Any) -> StoredTensor:
    dtype = rest[2] if len(rest) > 2 and isinstance(rest[2], torch.dtype) else None
    if not isinstance(storage, Storage) or not all(isinstance(x, tuple) for x in (size, stride)):
        raise Damaged("it has a damaged tensor")
    numbers = [offset, *size, *stride]
    if not all(type(n) is int and 0 <= n < 2**40 for n in numbers) or len(size) != len(stride):
        raise Damaged(f"it has a tensor of the shape {str(size)[:60]}")
    dtype = dtype or storage.dtype
    available = storage.numel * storage.dtype.itemsize // dtype.itemsize
    if prod(size) > available or (prod(size) and offset + _last(size, stride) >= available):
        raise Damaged(f"it has a tensor of {list(size)} with the data of another")
    return StoredTensor(storage, dtype, offset, size, stride)


def _parameter(data: Any, *_: Any) -> Any:
    return data


def _device(*_: Any) -> str:
    return "cpu"  # wherever it was


def _size(numbers: Any = ()) -> tuple[Any, ...]:
    return tuple(numbers)


KNOWN: dict[str, Any] = {
    **ARRAYS,
    **{f"torch.{name}Storage": dtype for name, dtype in DTYPES.items()},
    **{str(dtype): dtype for dtype in DTYPES.values()},
    "torch.storage.UntypedStorage": torch.uint8,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch.Size": _size,
    "torch.device": _device,
    "torch.serialization._get_layout": _device,
    "argparse.Namespace": inert("argparse.Namespace"),
    "collections.defaultdict": lambda *args: {},
}
SCRIPTED: dict[str, Any] = {  # the modules of a TorchScript archive, as their attributes alone
    **KNOWN,
    "__torch__.*": None,
    "torch.jit._pickle.restore_type_tag": _parameter,
    **{f"torch.jit._pickle.build_{kind}list": list for kind in ("int", "double", "bool", "tensor")},
}


def _storage(identity: Any) -> tuple[str, Storage]:
    """Key and storage of torch's persistent id."""
    tag, dtype, key, _, numel, *_ = identity
    if tag != "storage" or not isinstance(dtype, torch.dtype) or type(numel) is not int:
        raise Damaged("it refers to data of an unknown kind")
    return str(key), Storage(dtype, numel)


def read_stream(
    file: Any, budget: Budget, more: Mapping[str, Any] = NO_MORE, buffer: Any = None
) -> Any:
    """What a stream of the old format holds: five pickles, then the numbers.

    ``more``: what further globals stand for. ``buffer``: the stream's bytes, where it is no mmap.
    """
    storages: dict[str, Storage] = {}
    buffer = file if buffer is None else buffer

    def resolve(identity: Any) -> Storage:
        key, storage = _storage(identity)
        return storages.setdefault(key, storage)

    if read_pickle(file, {}, budget) != MAGIC or read_pickle(file, {}, budget) != PROTOCOL:
        raise Unsupported("it is no torch file")
    system = read_pickle(file, {}, budget)
    if not isinstance(system, dict) or system.get("little_endian", True) is not True:
        raise Unsupported("it was written on a machine of another byte order")
    found = read_pickle(file, {**KNOWN, **more}, budget, resolve)
    keys = read_pickle(file, {}, budget)
    if sorted(keys) != sorted(storages):
        raise Damaged("the data of a tensor is missing")
    for key in keys:  # in any order, so that the last of them may be empty
        storage, length = storages[key], file.read(8)
        if len(length) < 8:
            raise Damaged("it ends too early")
        if int.from_bytes(length, "little") != storage.numel:
            raise Damaged("the data of a tensor has another length than it says")
        storage.buffer, storage.start = buffer, file.tell()
        end = storage.start + storage.numel * storage.dtype.itemsize
        if end > len(buffer):
            raise Damaged("the data of a tensor is cut short")
        file.seek(end)
    if file.tell() != len(buffer):
        raise Damaged("it goes on behind its end")
    return found


def nested_stream(budget: Budget) -> Callable[[Any], Any]:
    """What stands for ``torch.storage._load_from_bytes`` in a pickle."""

    def load(data: Any) -> Any:
        if not isinstance(data, bytes):
            raise Refused("it has a nested tensor that is no bytes")
        return read_stream(io.BytesIO(data), budget, buffer=data)  # getbuffer() would copy them

    return load


def read_archive(path: Path, more: Mapping[str, Any] = NO_MORE) -> Any:
    """What a zip archive of ``torch.save`` or ``torch.jit.save`` holds; programs are not looked at.

    ``more``: as in ``read_stream``.
    """
    with zipfile.ZipFile(path) as archive:
        check_archive(archive, path, ratio=1)
        members = {member.filename: member for member in archive.infolist()}
        pickled = [name for name in members if name.split("/")[1:] == ["data.pkl"]]
        if len(pickled) != 1:
            raise Unsupported("it is an archive, but not of torch")
        root = pickled[0].removesuffix("data.pkl")
        data = [m for name, m in members.items() if not name.startswith(f"{root}code/")]
        if any(member.compress_type != zipfile.ZIP_STORED for member in data):
            raise Refused("it is compressed, which torch files never are")
        order = f"{root}byteorder"
        if order in members and archive.read(order).strip() != sys.byteorder.encode():
            raise Unsupported("it was written on a machine of another byte order")

        mapped = open_mapped(path)

        def resolve(identity: Any) -> Storage:
            key, storage = _storage(identity)
            member = members[f"{root}data/{key}"]
            if member.file_size != storage.numel * storage.dtype.itemsize:
                raise Damaged("the data of a tensor has another length than it says")
            storage.buffer, storage.start = mapped, _start(mapped, member.header_offset)
            return storage

        stream = archive.read(pickled[0])
        return read_pickle(
            io.BytesIO(stream), {**SCRIPTED, **more}, Budget.of(len(stream)), resolve
        )


def _start(buffer: Any, header: int) -> int:
    """Where a member's bytes begin, behind its local header: 30 bytes, name, extra field."""
    signature, name, extra = struct.unpack("<4s22xHH", buffer[header : header + 30])
    if signature != b"PK\x03\x04":
        raise Damaged("it is damaged")
    return header + 30 + int(name) + int(extra)


def read_torch(path: Path) -> Any:
    """What a .pt or .pth file holds, tensors as ``StoredTensor``, unknown objects as ``Inert``.

    Raises:
        Refused and others that ``pickles.refusing`` catches.
    """
    if zipfile.is_zipfile(path):
        return read_archive(path)
    file = open_mapped(path)
    return read_stream(file, Budget.of(len(file)))


def attributes(value: Any) -> dict[str, Any]:
    """A dict or argparse.Namespace as a dict."""
    found = value.state if isinstance(value, Inert) else value
    return to_dict(found) if isinstance(found, dict) else {}
