"""Tensor files: safetensors whose metadata says what they hold; nothing in them can run code."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from editing.errors import BadInput, MissingFile, UnsafeFile, shown
from editing.images import write_atomically

Metadata = dict[str, Any]
Net = TypeVar("Net", bound=nn.Module)


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
    from safetensors.torch import save

    dtype = torch.float16 if half else torch.float32
    stored = {
        name: tensor.detach().to("cpu", dtype if tensor.is_floating_point() else None).contiguous()
        for name, tensor in tensors.items()
    }
    data = save(stored, {"format": format, "metadata": json.dumps(dict(metadata))})
    write_atomically(path, lambda file: file.write(data))


def read_tensors(path: Path | str, format: str) -> tuple[dict[str, Tensor], Metadata]:
    """Tensors (floating point as float32) and metadata of a file written under ``format``.

    Raises:
        MissingFile: there is no such file.
        UnsafeFile: it is not a safetensors file, or holds something else.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.is_file():
        raise MissingFile(f"{path} is missing; check the path or fetch the domain's files again.")
    try:
        with safe_open(path, "pt") as file:
            header, names = file.metadata() or {}, list(file.keys())
        tensors = {name: _read_tensor(path, name) for name in names}
        metadata = json.loads(header.get("metadata", "{}"))
    except (SafetensorError, ValueError, RecursionError) as error:
        raise UnsafeFile(
            f"{path} is not a whole safetensors file ({str(error)[:200]}); fetch or make it again."
        ) from error
    if header.get("format") != format or not isinstance(metadata, dict):
        raise UnsafeFile(
            f"{path} holds {shown(header.get('format', 'tensors of an unknown format'))} "
            f"where {format!r} is needed; pass the right file."
        )
    return tensors, metadata


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
    state, metadata = read_tensors(path, format)
    with described(path):
        fields = {k: tuple(v) if isinstance(v, list) else v for k, v in metadata["config"].items()}
        with torch.device("meta"):  # no random weights that are thrown away at once
            net = make(fields)
        net.load_state_dict(state, assign=True)
    return net.eval().requires_grad_(False).to(device)
