"""Tensor files: safetensors whose metadata says what they hold; nothing in them can run code."""

import json
import math
import mmap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import torch
from torch import Tensor, nn

from editing.errors import BadInput, MissingFile, UnsafeFile, shown
from editing.io.allocator import keep_pages
from editing.io.images import write_atomically

Metadata = dict[str, Any]
MAPPED = 2**28  # bytes of a file from which on weights stay in it
MAX_HEADER = 2**25
AS_THEY_ARE = {"F32", "I64", "I32", "U8"}  # types that are used as they are stored
DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8,
    "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip
NAMES = {dtype: name for name, dtype in DTYPES.items()}
Net = TypeVar("Net", bound=nn.Module)


@dataclass(frozen=True, eq=False)
class Pending:
    """A tensor that is loaded when its turn to be written comes."""

    shape: tuple[int, ...]
    dtype: torch.dtype  # as which it is written
    load: Callable[[], Tensor]


@contextmanager
def described(path: Path | str) -> Iterator[None]:
    """Around putting together what a file describes; what does not fit becomes ``UnsafeFile``."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError, BadInput) as error:
        raise UnsafeFile(
            f"{path} is damaged: its tensors do not fit its own description; make it again."
        ) from error


def is_tensor_file(path: Path) -> bool:
    """Whether a file begins like safetensors: the length of a header, then its JSON."""
    with path.open("rb") as file:
        head = file.read(9)
    length = int.from_bytes(head[:8], "little")
    return head[8:] == b"{" and length < path.stat().st_size


def write_tensors(
    path: Path | str,
    tensors: Mapping[str, Tensor],
    format: str,
    metadata: Mapping[str, Any],
    half: bool = False,
) -> None:
    """Write named tensors with a format name and JSON-able metadata.

    ``half`` stores float16 what is float32 (the reader gives float32 back).

    Raises:
        CannotWrite: folder or disk refuse.
    """
    dtype = torch.float16 if half else torch.float32
    pending = {
        name: Pending(
            tuple(tensor.shape), dtype if tensor.is_floating_point() else tensor.dtype,
            tensor.detach,
        )
        for name, tensor in tensors.items()
    }  # fmt: skip
    write_pending(path, pending, {"format": format, "metadata": json.dumps(dict(metadata))})


def write_pending(
    path: Path | str, tensors: Mapping[str, Pending], header: Mapping[str, str]
) -> None:
    """Write a safetensors file, one tensor in memory after the other; ``header``: its metadata.

    Raises:
        CannotWrite: folder or disk refuse.
    """
    order = sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name))  # aligned
    entries: dict[str, Any] = {"__metadata__": dict(header)} if header else {}
    end = 0
    for name in order:
        tensor, start = tensors[name], end
        end += tensor.dtype.itemsize * math.prod(tensor.shape)
        entries[name] = {"dtype": NAMES[tensor.dtype], "shape": list(tensor.shape),
                         "data_offsets": [start, end]}  # fmt: skip
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)

    def write(file: BinaryIO) -> None:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in order:
            loaded = tensors[name].load().to("cpu", tensors[name].dtype)
            file.write(loaded.contiguous().reshape(-1).view(torch.uint8).numpy().data)

    write_atomically(path, write)


def read_tensors(path: Path | str, format: str) -> tuple[dict[str, Tensor], Metadata]:
    """Tensors (floating point as float32) and metadata of a file written under ``format``.

    Raises:
        MissingFile: there is no such file.
        UnsafeFile: it is not a safetensors file, or holds something else.
    """
    path = Path(path)
    metadata, names = _read_header(path, format)
    with _whole(path):
        return {name: _read_tensor(path, name) for name in names}, metadata


def map_tensors(path: Path | str, format: str) -> tuple[dict[str, Tensor], Metadata, mmap.mmap]:
    """As ``read_tensors``, but tensors stay in a map of the file; and the map.

    The map is private: the file is never written to, and whoever writes to a tensor has a copy of
    that part.

    Raises:
        MissingFile, UnsafeFile: as ``read_tensors``; also for what is no float32 and no whole
            number, which would have to be converted.
    """
    path = Path(path)
    metadata, _ = _read_header(path, format)
    with path.open("rb") as file:
        pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    with described(path):
        length = int.from_bytes(pages[:8], "little")
        entries = json.loads(pages[8 : 8 + length])
        tensors = {}
        for name, entry in entries.items():
            if name == "__metadata__":
                continue
            if entry["dtype"] not in AS_THEY_ARE:
                raise ValueError(f"{name} is {entry['dtype']}")
            shape, start = entry["shape"], 8 + length + entry["data_offsets"][0]
            dtype, count = DTYPES[entry["dtype"]], math.prod(shape)
            tensors[name] = torch.frombuffer(pages, dtype=dtype, count=count, offset=start).reshape(
                shape
            )
    return tensors, metadata, pages


def read_metadata(path: Path | str, format: str) -> Metadata:
    """The metadata alone of such a file.

    Raises:
        MissingFile, UnsafeFile: as ``read_tensors``.
    """
    return _read_header(Path(path), format)[0]


def _read_header(path: Path, format: str) -> tuple[Metadata, list[str]]:
    from safetensors import safe_open

    if not path.is_file():
        raise MissingFile(f"{path} is missing; check the path or fetch the domain's files again.")
    with _whole(path):
        with safe_open(path, "pt") as file:
            header, names = file.metadata() or {}, list(file.keys())
        metadata = json.loads(header.get("metadata", "{}"))
    if header.get("format") != format or not isinstance(metadata, dict):
        raise UnsafeFile(
            f"{path} holds {shown(header.get('format', 'tensors of an unknown format'))} "
            f"where {format!r} is needed; pass the right file."
        )
    return metadata, names


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    from safetensors import SafetensorError

    try:
        yield
    except (SafetensorError, ValueError, RecursionError) as error:
        raise UnsafeFile(
            f"{path} is not a whole safetensors file ({str(error)[:200]}); fetch or make it again."
        ) from error


def _read_tensor(path: Path, name: str) -> Tensor:
    """One tensor in memory of its own, float32 where it is floating point.

    Each has the file opened anew: what was read through an open map counts as memory.
    """
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        tensor: Tensor = file.get_tensor(name)
        half = tensor.is_floating_point() and tensor.dtype != torch.float32
        return tensor.float() if half else tensor.clone()


def read_module(
    path: Path | str, format: str, make: Callable[[Metadata], Net], device: str | torch.device
) -> Net:
    """A network whose metadata says how to ``make`` it; float32, frozen and in eval mode.

    Raises:
        MissingFile: there is no such file.
        UnsafeFile: the file holds something else, or its weights do not fit its description.
    """
    pages = None
    if _is_mapped(Path(path), device):
        state, metadata, pages = map_tensors(path, format)
    else:
        state, metadata = read_tensors(path, format)
    with described(path):
        fields = {k: tuple(v) if isinstance(v, list) else v for k, v in metadata["config"].items()}
        with torch.device("meta"):  # no random weights that are thrown away at once
            net = make(fields)
        net.load_state_dict(state, assign=True)
    net = net.eval().requires_grad_(False).to(device)
    if pages is not None:
        keep_pages(net, pages)
    return net


def _is_mapped(path: Path, device: str | torch.device) -> bool:
    """Whether a file is so large that its weights better stay in it, and they can."""
    if not path.is_file() or path.stat().st_size < MAPPED or torch.device(device).type != "cpu":
        return False
    return is_tensor_file(path) and _dtypes(path) <= AS_THEY_ARE


def _dtypes(path: Path) -> set[str]:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        entries = json.loads(file.read(length)) if length < MAX_HEADER else {}
    return {entry.get("dtype", "") for name, entry in entries.items() if name != "__metadata__"}
