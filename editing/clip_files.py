"""A domain's CLIP and the table of global directions measured with it, as files that fit.

A table of StyleCLIP does not say with which CLIP it was measured, and OpenAI's file of a CLIP has
no tokenizer. Whichever of the two comes second is held against the first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from editing.errors import BadInput
from editing.formats.clip import CONFIG, ForeignClip, read_json
from editing.formats.foreign import Weight, Weights
from editing.formats.pickles import Refused, recognising
from editing.global_directions import (
    GlobalDirections,
    load_global_directions,
    save_global_directions,
)
from editing.hub import HubModel, lacks_tokenizer
from editing.images import write_atomically
from editing.servers import HUB
from editing.tensors import Pending, write_pending
from editing.text_image import read_weights_fingerprint

Writer = Callable[[Path], None]
WEIGHTS = "model.safetensors"
TABLE = "global_directions.safetensors"
MAX_DEPTH = 100  # layers of one half of a CLIP
# All of OpenAI's CLIPs read texts alike; this model of the hub has the file for it.
OPENAI = HubModel("openai/clip-vit-base-patch32", "3d74acf9a28c67741b2f4f2ea7635f0aaf6f0268")
OPENAI_WORDS = 49_408
TOKENIZER = {"url": f"{HUB}/{OPENAI.name}/resolve/{OPENAI.revision}/tokenizer.json",
             "licence": "MIT"}  # fmt: skip
PUBLISHED = (224, 32)  # pixels and patch of ViT-B/32, with which the published tables were measured


def clip_files(thing: ForeignClip, source: Path) -> dict[str, Writer]:
    """What writes each file of a CLIP in the layout of ``transformers``; ``source``: its own file.

    Writing the weights raises UnsafeFile where they are damaged.
    """
    texts = {name: path.read_bytes() for name, path in thing.texts.items()}
    texts[CONFIG] = json.dumps(thing.config, indent=2).encode()
    pending = pending_weights(thing.weights, source)
    writers: dict[str, Writer] = {n: partial(_write_bytes, data=d) for n, d in texts.items()}
    return {**writers, WEIGHTS: partial(write_pending, tensors=pending, header={"format": "pt"})}


def pending_weights(weights: Weights, source: Path) -> dict[str, Pending]:
    """Weights of a file, each read when it is written; damage is a sentence about the file."""

    def load(weight: Weight) -> Tensor:
        with recognising(source):
            return weight.load()

    return {
        name: Pending(weight.shape, weight.dtype, partial(load, weight))
        for name, weight in weights.items()
    }


def check_clip(thing: ForeignClip) -> None:
    """Refuse weights that transformers' model of this config does not have.

    Raises:
        Refused: names the first.
    """
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


def table_fits(table: GlobalDirections, config: Mapping[str, Any], name: str) -> None:
    """Refuse a table whose rows are not of the space of a CLIP with this config.

    Args:
        name: of the table's file.

    Raises:
        BadInput: says both widths.
    """
    width = config.get("projection_dim", 512)
    if table.width != width:
        raise BadInput(
            f"{name} has rows of {table.width} numbers, but the text-image model of this "
            f"domain works with {width}; use the table that was measured with it, or convert the "
            "model that the table was measured with."
        )


def table_of_clip(table: GlobalDirections, clip: Path) -> tuple[GlobalDirections, str]:
    """A table that does not say its CLIP, held to the one in a folder; and a sentence on that."""
    vision = read_json(clip / CONFIG).get("vision_config") or {}
    looks = (vision.get("image_size", 224), vision.get("patch_size", 32))
    bound = replace(table, clip=read_weights_fingerprint(clip))
    said = (
        "The table of global directions does not say with which CLIP it was measured; from now on "
        f"it is held to the one of this domain ({bound.clip})."
    )
    if looks != PUBLISHED:
        said += (
            f" The published tables are of OpenAI's ViT-B/32, but this one looks at {looks[0]} px "
            f"in patches of {looks[1]}: unless the table is your own, its edits mean nothing."
        )
    return bound, said


def bind_table(folder: Path, clip: Path) -> str | None:
    """``table_of_clip`` for the table that lies in a domain's folder; None where it says its CLIP.

    Raises:
        BadInput: the table is of a space of another width.
    """
    table = load_global_directions(folder / TABLE)
    if table.clip:
        return None
    table_fits(table, read_json(clip / CONFIG), TABLE)
    table, said = table_of_clip(table, clip)
    save_global_directions(folder / TABLE, table)
    return said
