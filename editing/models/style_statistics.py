"""StyleSpace statistics: mean and standard deviation of every channel of a generator's styles.

The sigma of text edits and of channel edits. Files are safetensors with the generator's
fingerprint; files of other systems are read into the same type by ``formats``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from editing.errors import BadInput
from editing.io.tensors import described, read_tensors, write_tensors
from editing.models.generators.generator import Generator, fingerprint

FORMAT = "latent-studio styles statistics 1"
SAMPLES = 10_000
SEED = 5  # NumPy's legacy stream, as StyleCLIP samples
PSI = 0.7  # as StyleCLIP's statistics, so that its alphas mean the same here


@dataclass(frozen=True, eq=False)
class Statistics:
    """What a channel's value is on average, and how far it strays.

    mean, std: layer name (as in ``Generator.styles``, in order) -> [C]; the std of a population.
    fingerprint: of the generator; empty where a file of another system does not say.
    samples, psi: how many latents were drawn, and how they were truncated; 0 = unknown.
    """

    mean: Mapping[str, Tensor]
    std: Mapping[str, Tensor]
    fingerprint: str = ""
    samples: int = 0
    psi: float = 0.0

    def __post_init__(self) -> None:
        shapes = [{name: tuple(t.shape) for name, t in part.items()}
                  for part in (self.mean, self.std)]  # fmt: skip
        if shapes[0] != shapes[1] or any(len(shape) != 1 for shape in shapes[0].values()):
            raise BadInput(
                f"Means of {_sizes(self.mean)} and deviations of {_sizes(self.std)} do not fit; "
                "give one of each for every channel of every layer."
            )

    @property
    def num_channels(self) -> int:
        return sum(len(t) for t in self.mean.values())

    def check(self, generator: Generator, fingerprint: str, domain: str) -> None:
        """Refuse to be used with another generator.

        Raises:
            BadInput: layers or widths differ, or the fingerprint is another's.
        """
        with torch.no_grad():
            styles = generator.styles(generator.mapping.w_avg.expand(1, generator.num_ws, -1))
        if {n: t.shape[1] for n, t in styles.items()} != {n: len(t) for n, t in self.mean.items()}:
            raise BadInput(
                f"These statistics are of layers with {_sizes(self.mean)} channels, but the "
                f"generator of {domain} has {_sizes({n: t[0] for n, t in styles.items()})}; "
                "measure them for this generator."
            )
        if self.fingerprint and self.fingerprint != fingerprint:
            raise BadInput(
                f"These statistics were measured on the generator {self.fingerprint}, but {domain} "
                f"has {fingerprint}; measure them anew."
            )


def _sizes(part: Mapping[str, Tensor]) -> str:
    counts = [str(t.numel()) for t in part.values()]
    return ", ".join(counts[:6]) + (", ..." if len(counts) > 6 else "") or "no"


@torch.no_grad()
def measure_statistics(
    generator: Generator, samples: int = SAMPLES, psi: float = PSI, seed: int = SEED
) -> Statistics:
    """Statistics of ``samples`` latents at truncation ``psi`` on every layer.

    (StyleCLIP's own sampler cuts the truncation off after eight layers, but keeps only the first
    row: uniform truncation is what its published numbers rest on.)

    Raises:
        BadInput: fewer than two samples.
    """
    import numpy as np

    if samples < 2:
        raise BadInput(f"{samples} samples have no spread; draw at least 2, usually {SAMPLES}.")
    rng = np.random.RandomState(seed)
    device = generator.mapping.w_avg.device
    sums: dict[str, Tensor] = {}
    squares: dict[str, Tensor] = {}
    for start in range(0, samples, 1_000):
        z = rng.randn(min(1_000, samples - start), generator.z_dim).astype(np.float32)
        ws = generator.mapping(torch.from_numpy(z).to(device), truncation_psi=psi)
        for name, style in generator.styles(ws).items():
            style = style.double()
            sums[name] = sums.get(name, 0) + style.sum(0)
            squares[name] = squares.get(name, 0) + style.square().sum(0)
    mean = {name: total / samples for name, total in sums.items()}
    std = {
        name: (squares[name] / samples - mean[name].square()).clamp_min(0).sqrt() for name in mean
    }
    return Statistics(
        {name: t.float().cpu() for name, t in mean.items()},
        {name: t.float().cpu() for name, t in std.items()},
        fingerprint(generator),
        samples,
        psi,
    )


def save_statistics(path: Path | str, statistics: Statistics) -> None:
    """Write a safetensors file: ``mean.<layer>`` and ``std.<layer>``."""
    tensors = {f"mean.{name}": t for name, t in statistics.mean.items()}
    tensors |= {f"std.{name}": t for name, t in statistics.std.items()}
    facts = {"layers": list(statistics.mean), "fingerprint": statistics.fingerprint,
             "samples": statistics.samples, "psi": statistics.psi}  # fmt: skip
    write_tensors(path, tensors, FORMAT, facts)


def load_statistics(path: Path | str) -> Statistics:
    """Read a file of ``save_statistics``.

    Raises:
        MissingFile: there is no such file.
        UnsafeFile: it holds something else.
    """
    tensors, facts = read_tensors(path, FORMAT)
    with described(path):
        mean, std = (
            {name: tensors[f"{part}.{name}"] for name in facts["layers"]}
            for part in ("mean", "std")
        )
        return Statistics(mean, std, facts["fingerprint"], facts["samples"], facts["psi"])
