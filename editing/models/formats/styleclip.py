"""StyleCLIP: statistics of styles, and the table of what every channel does to a CLIP embedding.

``S_mean_std`` (per layer, 1024 px: 26 means and 26 deviations) and ``fs3.npy`` (one row per channel
of the convolutions, to 128 px: 5376, or all: 6048); SG3-editing's ``s_stats`` (by layer name) and
``delta_i_c.npy``.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from editing.errors import UnsafeFile
from editing.models.formats.containers.contents import read_content
from editing.models.formats.containers.numpy_files import Array, plain
from editing.models.formats.containers.pickles import Refused, refusing
from editing.models.formats.directions import numbers
from editing.models.style_statistics import PSI, Statistics

FEWEST = 64  # channels of a table
EMBEDDINGS = (256, 384, 512, 640, 768, 1024)  # widths of public CLIPs


@dataclass(frozen=True, eq=False)
class ForeignStatistics:
    """Mean and deviation of every channel, by our layer names."""

    system: str
    family: str
    statistics: Statistics


@dataclass(frozen=True, eq=False)
class ForeignTable:
    """A row per channel, convolutions in order: unit vectors, or zero where nothing was measured.

    (Where a channel changes no pixel, the published script divides 0 by 0; those rows are NaN.)
    """

    system: str
    rows: Array  # [channels, d], float32
    empty: int  # rows of zeros


def find_statistics(content: Any) -> ForeignStatistics | None:
    """The statistics in what ``read_content`` gave; None if it is another kind of file.

    Raises:
        Refused: it is such a file, but means and deviations do not fit each other.
    """
    if not isinstance(content, list | tuple):
        return None
    content = plain(content)
    if len(content) == 2 and all(isinstance(part, list) and part for part in content):
        if any(isinstance(value, str) for value in content[0]):
            return None
        means, stds = ([numbers(value) for value in part] for part in content)
        names = layer_names(len(means))
        if len(names) != len(means) or len(stds) != len(means):
            raise Refused(f"it has {len(means)} means and {len(stds)} deviations of layers")
        named = [dict(zip(names, part, strict=True)) for part in (means, stds)]
        return _checked("StyleCLIP", "stylegan2", *named)
    if len(content) == 3 and all(isinstance(part, dict) for part in content):
        named = [{str(k): numbers(v) for k, v in part.items()} for part in content[1:]]
        if "input" in named[0] or any(name.startswith("L0_") for name in named[0]):
            return _checked("SG3-editing", "stylegan3", *named)
    return None


def layer_names(count: int) -> list[str]:
    """Our names of the first ``count`` layers of StyleGAN2, of which 2 + 3k make a generator."""
    names, size = ["b4.conv1", "b4.torgb"], 8
    while len(names) < count <= 64:
        names += [f"b{size}.{layer}" for layer in ("conv0", "conv1", "torgb")]
        size *= 2
    return names


def _checked(
    system: str, family: str, mean: dict[str, Array], std: dict[str, Array]
) -> ForeignStatistics:
    parts = [{k: v.reshape(-1).astype(np.float32) for k, v in p.items()} for p in (mean, std)]
    if {k: v.shape for k, v in parts[0].items()} != {k: v.shape for k, v in parts[1].items()}:
        raise Refused("its means and deviations are of different channels")
    if not all(np.isfinite(v).all() for part in parts for v in part.values()):
        raise Refused("it has statistics that are not finite")
    if any((v < 0).any() for v in parts[1].values()):
        raise Refused("it has deviations below zero")
    means, stds = ({k: torch.from_numpy(v) for k, v in p.items()} for p in parts)
    return ForeignStatistics(system, family, Statistics(means, stds, psi=PSI))


def find_table(content: Any) -> ForeignTable | None:
    """The table in what ``read_content`` gave; None if it is another kind of file."""
    if not isinstance(content, np.ndarray) or content.dtype.kind != "f" or content.ndim != 2:
        return None
    if content.shape[0] < FEWEST or content.shape[1] not in EMBEDDINGS:
        return None
    rows = content.astype(np.float32)
    norms = np.linalg.norm(rows, axis=1)
    empty = ~np.isfinite(norms) | (norms == 0)
    if empty.all() or (np.abs(norms[~empty] - 1) > 0.02).any():
        return None
    rows[empty] = 0
    rows[~empty] /= norms[~empty, None]
    return ForeignTable("StyleCLIP or SG3-editing", rows, int(empty.sum()))


def read_statistics(path: Path) -> Statistics:
    """The statistics of StyleCLIP's file, or SG3-editing's.

    Raises:
        MissingFile, UnsafeFile: it is not there, damaged, or holds something else.
    """
    content = read_content(path)
    with refusing(path):
        if found := find_statistics(content):
            return found.statistics
    raise UnsafeFile(f"{path} can be read, but holds no statistics of styles; pass S_mean_std.")
