"""Resumable training states: compact, in parts small enough to carry, never half-written.

A state is a folder of parts and a manifest that names them. The manifest is replaced in one step
after all parts lie there, so a kill leaves either the old state or the new one.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

PART_SIZE = 14 << 20  # bytes; a machine lent for minutes hands back files of at most 15 MiB
MANIFEST = "manifest.json"


def compact(value: Any, dtype: torch.dtype) -> Any:
    """The same nest of dicts and lists with its floats stored as ``dtype``.

    float16 keeps weights to a part in 2,000; Adam's moments reach below its range: bfloat16.
    """
    if isinstance(value, Tensor):
        return value.to(dtype) if value.is_floating_point() and value.ndim else value
    if isinstance(value, dict):
        return {key: compact(entry, dtype) for key, entry in value.items()}
    return [compact(entry, dtype) for entry in value] if isinstance(value, list) else value


def save_state(folder: Path, state: dict[str, Any]) -> None:
    """Write ``state`` (tensors, numbers, text in dicts and lists) as the folder's state."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    data = buffer.getvalue()
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(data).hexdigest()
    parts = []
    for start in range(0, len(data), PART_SIZE):
        parts.append(f"part-{digest[:12]}-{start // PART_SIZE}.bin")
        (folder / parts[-1]).write_bytes(data[start : start + PART_SIZE])
    manifest = folder / f"{MANIFEST}.{os.getpid()}"
    manifest.write_text(json.dumps({"sha256": digest, "parts": parts}))
    manifest.replace(folder / MANIFEST)
    for old in set(folder.glob("part-*.bin")) - {folder / part for part in parts}:
        old.unlink()


def load_state(folder: Path, device: str | torch.device = "cpu") -> dict[str, Any] | None:
    """The folder's state; None where there is none. A damaged one ends the program."""
    if not (folder / MANIFEST).exists():
        return None
    manifest = json.loads((folder / MANIFEST).read_text())
    data = b"".join((folder / part).read_bytes() for part in manifest["parts"])
    if hashlib.sha256(data).hexdigest() != manifest["sha256"]:
        raise SystemExit(f"the training state in {folder} is damaged: delete it to begin afresh")
    state: dict[str, Any] = torch.load(io.BytesIO(data), map_location=device, weights_only=True)
    return state
