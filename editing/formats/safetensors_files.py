"""safetensors without its library: tensors stay in the file, and every number of it is checked."""

import json
import math
from pathlib import Path
from typing import Any

from editing.formats.arrays import open_mapped
from editing.formats.pickles import Damaged, Refused, Unsupported
from editing.formats.torch_files import Storage, StoredTensor
from editing.tensors import DTYPES

MAX_HEADER = 32 * 2**20  # bytes; a large network has some 100,000
MAX_DIMENSIONS = 8
METADATA = "__metadata__"


def read_header(path: Path) -> tuple[dict[str, str], dict[str, StoredTensor]]:
    """Metadata, and the tensors by name, still in the file.

    Raises:
        Refused and others that ``pickles.refusing`` catches.
    """
    file = open_mapped(path)
    length = int.from_bytes(file[:8], "little")
    if length > min(MAX_HEADER, len(file) - 8):
        raise Damaged(f"its header claims to be {length} bytes long")
    header = json.loads(bytes(file[8 : 8 + length]))
    if not isinstance(header, dict):
        raise Damaged("its header is no list of tensors")
    facts = header.pop(METADATA, {})
    start, found = 8 + length, {}
    for name, entry in header.items():
        found[name] = _tensor(name, entry, file, start)
    return {k: v for k, v in facts.items() if isinstance(v, str)}, found


def _tensor(name: str, entry: Any, file: Any, start: int) -> StoredTensor:
    dtype, shape = DTYPES.get(entry["dtype"]), tuple(entry["shape"])
    begin, end = entry["data_offsets"]
    numbers = (begin, end, *shape)
    if dtype is None or len(shape) > MAX_DIMENSIONS:
        raise Unsupported(f"{name[:80]} is of an unknown kind")
    if not all(type(n) is int and 0 <= n < 2**48 for n in numbers):
        raise Refused(f"{name[:80]} has an impossible shape")
    count = math.prod(shape)
    if end - begin != count * dtype.itemsize or start + end > len(file):
        raise Damaged(f"{name[:80]} of {list(shape)} has the data of another")
    stride: list[int] = []
    step = 1
    for size in reversed(shape):
        stride.insert(0, step)
        step *= size
    return StoredTensor(Storage(dtype, count, file, start + begin), dtype, 0, shape, tuple(stride))
