"""A trained generator's synthesis taken over: under a new mapping, with more channels and maps."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from editing.generator import Generator
from editing.mapping import MappingNetwork
from editing.networks import FullyConnected

PEOPLE = 20_000  # latents of which both mappings are asked
RIDGE = 1e-3  # of their number: what a direction must explain to count


@torch.no_grad()
def translation(new: MappingNetwork, old: MappingNetwork) -> tuple[Tensor, Tensor]:
    """The affine map from the new W to the old, [w_old, w_new] and [w_old]: ridge regression."""
    z = torch.randn(PEOPLE, new.config.z_dim, generator=torch.Generator().manual_seed(1))
    have, want = new(z)[:, 0].double(), old(z)[:, 0].double()
    mean, aim = have.mean(0), want.mean(0)
    centred = have - mean
    gram = centred.T @ centred + RIDGE * PEOPLE * torch.eye(len(mean), dtype=torch.float64)
    matrix = torch.linalg.solve(gram, centred.T @ (want - aim)).T
    return matrix.float(), (aim - matrix @ mean).float()


@torch.no_grad()
def change_mapping(generator: Generator, mapping: MappingNetwork) -> None:
    """Give ``generator`` another mapping; its styles go on reading what they read before."""
    matrix, offset = translation(mapping, generator.mapping)
    for name, layer in generator.synthesis.named_modules():
        if name.endswith(".affine") and isinstance(layer, FullyConnected):
            read = layer.weight * layer.weight_gain
            layer.bias.add_(read @ offset / layer.bias_gain)
            layer.weight.copy_(layer.weight @ matrix)
    generator.mapping.load_state_dict(mapping.state_dict())


@torch.no_grad()
def take_over(generator: Generator, state: Mapping[str, Tensor]) -> None:
    """Load the state of a generator of fewer channels or maps, whose picture stays the same.

    Old parts stand first in every tensor. What is new begins at random, and nothing old listens
    to it yet; new maps (after the colours) begin at zero.
    """
    for key, value in generator.state_dict().items():
        if key not in state:
            continue
        old = state[key].to(value)
        if ".torgb." in key and ".affine." not in key:
            value.zero_()
            if value.ndim == 4:  # its gain falls with the channels it reads
                old = old * (value.shape[1] / old.shape[1]) ** 0.5
        elif key.endswith(".weight") and value.ndim == 4:
            value[: len(old), old.shape[1] :] = 0
        value[tuple(slice(size) for size in old.shape)] = old
