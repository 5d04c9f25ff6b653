"""What a file is, whoever wrote it: system, family, sizes, spaces, and what it lacks.

Nothing is built for that: shapes and names are enough.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from editing.descriptions import DESCRIPTION
from editing.domains import Domain, open_domain
from editing.errors import EditingError, MissingFile, UnsafeFile
from editing.features import NetConfig
from editing.formats.arrays import Array
from editing.formats.checkpoints import generator_in, net_in
from editing.formats.clip import ForeignClip, find_clip, find_clip_folder
from editing.formats.contents import read_content
from editing.formats.directions import ForeignDirections, find_directions
from editing.formats.encoders import left_unread
from editing.formats.foreign import Foreign, ForeignNet, Weights
from editing.formats.latent_shapes import read_codes
from editing.formats.latents import ForeignLatents, find_latents
from editing.formats.pickles import recognising, refusing
from editing.formats.picture_nets import lpips_weights
from editing.formats.safetensors_files import read_header
from editing.formats.styleclip import (
    ForeignStatistics,
    ForeignTable,
    find_statistics,
    find_table,
)
from editing.generator import FAMILIES
from editing.latents import FORMAT as LATENT
from editing.mapping import CHANNELS
from editing.stylegan3 import StyleGAN3Config
from editing.tensors import is_tensor_file

OURS = "latent-studio "


@dataclass(frozen=True, eq=False)
class Finding:
    """One thing that a file holds."""

    kind: str  # generator, encoder, perceptual, identity, directions, latents, statistics, ...
    system: str  # who writes such files, for people
    facts: Mapping[str, Any]  # sizes, family, spaces; JSON-able
    missing: tuple[str, ...] = ()  # what it lacks, for people
    thing: Any = field(default=None, repr=False)  # what the reader of its kind returned
    unread: tuple[str, ...] = ()  # what else is in the file, and not known here


def inspect_file(path: Path | str, meant: str | None = None) -> list[Finding]:
    """Everything that a file (or the folder of a Hugging Face CLIP) holds that is known here.

    An array that could be directions or latents alike is found as both.

    Args:
        meant: "directions" or "latents", where somebody says so of an array.

    Raises:
        MissingFile: there is no such file.
        UnsafeFile: it is damaged, more than data, or holds nothing that is known here.
    """
    path = Path(path)
    if (path / DESCRIPTION).is_file():
        return [_domain(open_domain(path))]
    found = _ours(path)
    if not found and path.is_dir():
        with refusing(path):
            clip = find_clip_folder(path)
        found = [_clip(clip)] if clip else []
    elif not found:
        content = read_content(path)
        with recognising(path):
            found = _foreign(content, path.stem, meant)
    if not found:
        raise UnsafeFile(
            f"{path} can be read, but holds nothing that is known here; pass a generator, an "
            "encoder, a perceptual, identity or CLIP model, directions, latents or statistics."
        )
    return found


def _foreign(content: Any, stem: str, meant: str | None) -> list[Finding]:
    generator, net = generator_in(content), net_in(content)
    found = [_generator(generator)] if generator else []
    found += [_net(net)] if net else []
    if found:
        unread = left_unread(content)
        return [replace(one, unread=unread) for one in found]
    if clip := find_clip(content):
        return [_clip(clip)]
    if linear := lpips_weights(content):
        return [_linear(linear)]
    if statistics := find_statistics(content):
        return [_statistics(statistics)]
    if table := find_table(content):
        return [_table(table)]
    if meant != "latents" and (directions := find_directions(content, stem, meant is not None)):
        found = [_directions(directions)]
        if directions.sure or meant:
            return found
    latents = find_latents(content) if meant != "directions" else None
    return [*found, _latents(latents)] if latents else found


def _ours(path: Path) -> list[Finding]:
    """A file of this project."""
    if path.is_file() and is_tensor_file(path):
        with refusing(path):
            facts, tensors = read_header(path)
        kind = facts.get("format", "")
        if kind.startswith(OURS):
            count = sum(math.prod(tensor.shape) for tensor in tensors.values())
            return [Finding(kind.removeprefix(OURS), "Latent Studio", {"numbers": count})]
    elif path.is_file() and path.suffix.lower() == ".npz":
        content = read_content(path)
        if isinstance(content, dict) and str(content.get("format")) == LATENT:
            shape = list(content["ws"].shape) if "ws" in content else []
            space = str(content.get("space"))
            return [Finding("latent", "Latent Studio", {"shape": shape, "space": space})]
    elif not path.exists():
        raise MissingFile(f"{path} is missing; check the path of the file.")
    return []


def _domain(domain: Domain) -> Finding:
    facts = {
        "family": domain.family,
        "resolution": domain.resolution,
        "parts": list(domain.parts),
        "boundaries": list(domain.boundaries),
    }
    return Finding("domain", "Latent Studio", facts, tuple(domain.missing))


def _numbers(weights: Weights) -> int:
    return sum(math.prod(weight.shape) for weight in weights.values())


def _generator(found: Foreign) -> Finding:
    config = found.config
    family = next(name for name, kind in FAMILIES.items() if type(config) is kind)
    channels = config.channels[-1] if isinstance(config, StyleGAN3Config) else config.img_channels
    facts: dict[str, Any] = {
        "family": family,
        "resolution": config.img_resolution,
        "z_dim": config.z_dim,
        "w_dim": config.w_dim,
        "num_ws": config.num_ws,
        "classes": config.c_dim,
        "mapping_layers": config.num_mapping_layers,
        "channels": list(config.channels),
        "draws": CHANNELS[channels],
        "spaces": ["z", "w", "w+", "s"],
        "numbers": _numbers(found.weights),
    }
    for name in ("architecture", "conv_clamp", "radial_filters", "output_scale", "final_tanh",
                 "maps_to_rows"):  # fmt: skip
        if hasattr(config, name):
            facts[name] = getattr(config, name)
    return Finding("generator", found.system, facts, found.missing, found)


def _net(found: ForeignNet) -> Finding:
    config: NetConfig = found.config
    facts: dict[str, Any] = {"network": config.kind, "numbers": _numbers(found.weights)}
    for name in ("num_ws", "w_dim", "heads", "compares", "widths", "num_outputs", "lpips"):
        if hasattr(config, name):
            value = getattr(config, name)
            facts[name] = list(value) if isinstance(value, tuple) else value
    if found.part == "encoder":
        facts["spaces"] = ["w+"]
    return Finding(found.part, found.system, facts, found.missing, found)


def _linear(weights: Weights) -> Finding:
    channels = [weights[name].shape[0] for name in sorted(weights)]
    facts = {"channels": channels}
    return Finding(
        "lpips weights",
        "LPIPS",
        facts,
        ("the network whose channels they weigh (torchvision's vgg16)",),
        weights,
    )


def _clip(found: ForeignClip) -> Finding:
    vision, text = (found.config.get(f"{part}_config") or {} for part in ("vision", "text"))
    facts = {
        "resolution": vision.get("image_size"),
        "patch": vision.get("patch_size"),
        "width": found.config.get("projection_dim"),
        "vocabulary": text.get("vocab_size"),
        "numbers": _numbers(found.weights),
    }
    return Finding("text_image_model", found.system, facts, found.missing, found)


def _directions(found: ForeignDirections) -> Finding:
    first = found.directions[0]
    facts = {
        "family": found.family,
        "space": found.space,
        "names": [one.name for one in found.directions[:100]],
        "count": len(found.directions),
        "shape": list(first.vector.shape),
        "length": _lengths(first.vector),
        "layers": "all" if first.layers is None else list(first.layers),
    }
    missing = [f"the {n}" for n, v in (("family", found.family), ("space", found.space)) if not v]
    return Finding("directions", found.system, facts, tuple(missing), found)


def _lengths(vector: Array) -> list[float]:
    """The shortest and the longest row that moves; one number where they are the same."""
    norms = np.linalg.norm(vector.reshape(-1, vector.shape[-1]), axis=1)
    norms = norms[norms > 0]
    return sorted({round(float(norm), 4) for norm in (norms.min(), norms.max())})


def _latents(found: ForeignLatents) -> Finding:
    lacks = ("the generator",)
    if found.styles:
        sizes = [styles.shape[1] for styles in found.styles]
        facts = {"count": len(found.styles[0]), "layers": len(sizes), "channels": sizes,
                 "space": "s"}  # fmt: skip
        return Finding("latents", found.system, facts, lacks, found)
    shapes = {key: list(array.shape) for key, array in found.arrays.items()}
    facts = {"arrays": shapes} if len(shapes) > 1 else {"shape": next(iter(shapes.values()))}
    try:
        codes = read_codes("It", found.arrays)
    except EditingError as error:
        facts["read"] = f"not without its generator: {error}"
    else:
        facts |= {"count": len(codes.values), "space": codes.space}
    return Finding("latents", found.system, facts, lacks, found)


def _statistics(found: ForeignStatistics) -> Finding:
    mean = found.statistics.mean
    facts = {
        "family": found.family,
        "layers": len(mean),
        "channels": found.statistics.num_channels,
        "space": "s",
    }
    return Finding("statistics", found.system, facts, (), found)


def _table(found: ForeignTable) -> Finding:
    facts = {"channels": len(found.rows), "width": found.rows.shape[1], "empty": found.empty}
    return Finding("global_directions", found.system, facts, ("the CLIP it is of",), found)
