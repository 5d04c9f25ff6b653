"""A measured number, beside what is wanted; and the renders nobody learnt from."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.browser import print_table
from training.dataset import SHARD, Renders, load_renders, shards


@dataclass(frozen=True)
class Row:
    """One line of the table; ``met`` is None where nothing is wanted."""

    model: str
    measure: str
    value: str
    wanted: str = "–"
    met: bool | None = None


def print_rows(rows: Sequence[Row]) -> None:
    marks = {True: "yes", False: "NO", None: ""}
    print_table(
        ("model", "measure", "value", "wanted", "met"),
        [(row.model, row.measure, row.value, row.wanted, marks[row.met]) for row in rows],
    )


def held_out(count: int, split: str = "held_out", resolution: int = 256) -> Renders:
    """The first renders of a held-out split; those missing are rendered first, once."""
    if len(shards(split, resolution)) * SHARD < count:
        command = ["-m", "training.dataset", "--split", split, "--count", str(count)]
        subprocess.run([sys.executable, *command, "--resolution", str(resolution)], check=True)
    renders = load_renders(split, resolution, count)
    return Renders(
        renders.seeds[:count],
        renders.pictures[:count],
        renders.visible[:count],
        renders.labels[:count],
    )


def to_float(pictures: Tensor) -> Tensor:
    """uint8 -> [-1, 1]."""
    return pictures.float() / 127.5 - 1


def to_bytes(pictures: Tensor) -> Tensor:
    """[-1, 1] -> uint8, as files hold pictures."""
    return ((pictures + 1) * 127.5).round().clamp(0, 255).byte()


@torch.no_grad()
def read(net: torch.nn.Module, pictures: Tensor) -> Tensor:
    """A network's outputs for uint8 pictures, [N, ...]."""
    return torch.cat([net(to_float(part)) for part in pictures.split(100)])
