"""A domain's CLIP and the table of global directions measured with it, as files that fit.

A table of StyleCLIP does not say with which CLIP it was measured, and OpenAI's file of a CLIP has
no tokenizer. Whichever of the two comes second is held against the first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch

from editing.errors import BadInput
from editing.io.http import HUB
from editing.io.hub import HubModel, lacks_tokenizer
from editing.io.images import write_atomically
from editing.io.tensors import Pending, write_pending
from editing.models.formats.clip import CONFIG, ForeignClip, read_json
from editing.models.formats.containers.pickles import Refused
from editing.models.global_directions import (
    GlobalDirections,
    load_global_directions,
    save_global_directions,
)

WEIGHTS = "model.safetensors"
TABLE = "global_directions.safetensors"
MAX_DEPTH = 100  # layers of one half of a CLIP
# All of OpenAI's CLIPs read texts alike; this model of the hub has the file for it.
OPENAI = HubModel("openai/clip-vit-base-patch32", "3d74acf9a28c67741b2f4f2ea7635f0aaf6f0268")
OPENAI_WORDS = 49_408
TOKENIZER = {"url": f"{HUB}/{OPENAI.name}/resolve/{OPENAI.revision}/tokenizer.json",
             "licence": "MIT"}  # fmt: skip
PUBLISHED = (224, 32)  # pixels and patch of ViT-B/32, with which the published tables were measured


def clip_files(thing: ForeignClip) -> dict[str, Callable[[Path], None]]:
    """The files of a CLIP in the layout of ``transformers``: what writes each to a path.

    Raises:
        Refused: weights that transformers' model of this config does not have.
    """
    _check(thing)
    texts = {name: path.read_bytes() for name, path in thing.texts.items()}
    texts[CONFIG] = json.dumps(thing.config, indent=2).encode()
    pending = {name: Pending(w.shape, w.dtype, w.load) for name, w in thing.weights.items()}
    return {
        **{name: partial(_write_bytes, data=data) for name, data in texts.items()},
        WEIGHTS: lambda path: write_pending(path, pending, {"format": "pt"}),
    }


def _check(thing: ForeignClip) -> None:
    from transformers import CLIPConfig, CLIPModel

    for part in ("text_config", "vision_config"):
        depth = (thing.config.get(part) or {}).get("num_hidden_layers", 12)
        if not (type(depth) is int and 1 <= depth <= MAX_DEPTH):
            raise Refused(f"its {part} asks for {str(depth)[:20]} layers")
    with torch.device("meta"):
        model = CLIPModel(CLIPConfig(**thing.config))
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    given = {name: weight.shape for name, weight in thing.weights.items()}
    for name in sorted(shapes.keys() | given.keys()):
        if shapes.get(name) != given.get(name):
            raise Refused(f"{name[:80]} is {given.get(name)}, where {shapes.get(name)} belongs")


def _write_bytes(path: Path, data: bytes) -> None:
    write_atomically(path, lambda file: file.write(data))


def absent_files(folder: Path, name: str) -> list[dict[str, object]]:
    """Entries of domain.yaml for what a folder ``name`` with a CLIP still has to be fetched."""
    if not lacks_tokenizer(folder) or not (folder / CONFIG).is_file():
        return []
    words = (read_json(folder / CONFIG).get("text_config") or {}).get("vocab_size")
    return [{"file": f"{name}/tokenizer.json", **TOKENIZER}] if words == OPENAI_WORDS else []


def table_width_fits(table: GlobalDirections, config: Mapping[str, Any], table_name: str) -> None:
    """Refuse a table whose rows are not of the space of a CLIP with this config.

    Raises:
        BadInput: says both widths.
    """
    width = config.get("projection_dim", 512)
    if table.width != width:
        raise BadInput(
            f"{table_name} has rows of {table.width} numbers, but the text-image model of this "
            f"domain works with {width}; use the table that was measured with it, or convert the "
            "model that the table was measured with."
        )


def bind_table(folder: Path, clip: Path) -> str | None:
    """Hold a table that does not say its CLIP to the one in ``clip``; a sentence where it did so.

    Raises:
        BadInput: the table is of a space of another width.
    """
    table = load_global_directions(folder / TABLE)
    if table.clip:
        return None
    table_width_fits(table, read_json(clip / CONFIG), TABLE)
    bound, said = bound_to(table, clip)
    save_global_directions(folder / TABLE, bound)
    return said


def bound_to(table: GlobalDirections, clip: Path) -> tuple[GlobalDirections, str]:
    """A table held to the CLIP in the folder ``clip``, and the sentence that says so."""
    from editing.models.networks.clip import read_weights_fingerprint

    vision = read_json(clip / CONFIG).get("vision_config") or {}
    own = (vision.get("image_size", 224), vision.get("patch_size", 32))
    bound = GlobalDirections(
        table.rows, read_weights_fingerprint(clip), table.fingerprint, table.made
    )
    said = (
        "The table of global directions does not say with which CLIP it was measured; from now on "
        f"it is held to the one of this domain ({bound.clip})."
    )
    if own != PUBLISHED:
        said += (
            f" The published tables are of OpenAI's ViT-B/32, but this one looks at {own[0]} px in "
            f"patches of {own[1]}: unless the table is your own, its edits mean nothing."
        )
    return bound, said
