"""The mapping network's start: hinges along the world's own axes, fitted to tell every factor.

From random weights, or from pairs, a mapping learns the step of the glasses as a ramp, and half of
what it knows of brows and curls only after hundreds of thousands of pictures (R² 0.93 at the end).
Its first layer can as well begin with what the pairing is known to be made of: every unit bends at
one place of one factor's axis. Half a minute of one core then brings the rest to R² 0.99, before
any picture is drawn.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from editing.mapping import MappingNetwork
from training.factors import (
    GLASSES_THRESHOLD,
    INDEX,
    LatentWorld,
    coupling_matrix,
    to_sigma,
)

BENDS = (0.0, 0.8, -0.8, 1.6, -1.6, 0.4, -0.4, 1.2, -1.2)  # of unit normals, in order of use
STEP_BENDS = (-0.16, -0.08, 0.0, 0.12)  # about the glasses' threshold
STEEP = 4.0
STEPS, BATCH, LEARNING_RATE = 2_500, 256, 8e-3


def told(world: LatentWorld, z: Tensor) -> Tensor:
    """What a reader of W is to tell of z: factors in σ, and the traits of hair and beard."""
    return torch.cat([to_sigma(world.factors(z)), world.traits(z)], dim=1)


def told_error(mapping: MappingNetwork, reader: nn.Linear, world: LatentWorld, z: Tensor) -> Tensor:
    """How badly a linear reader of W tells it: mean square over people and things told."""
    return (reader(mapping(z)[:, 0]) - told(world, z)).square().mean()


def axes(world: LatentWorld) -> Tensor:
    """The directions of Z along which something told changes, unit rows [F + T, z_dim]."""
    factors = coupling_matrix() @ world.axes.T
    return torch.cat([factors, world.trait_axes.T])


@torch.no_grad()
def place_hinges(mapping: MappingNetwork, world: LatentWorld) -> None:
    """Let each unit of the first layer bend at one place of one axis, as far as the axes go."""
    layer = mapping.fc0
    directions = axes(world)
    glasses = directions[INDEX["eyeglasses"]]
    rows = [STEEP * glasses.expand(len(STEP_BENDS), -1)]
    bends = [STEEP * (GLASSES_THRESHOLD + torch.tensor(STEP_BENDS))]
    for place, bend in enumerate(BENDS):
        sign = 1 - 2 * (place % 2)
        rows.append(sign * directions)
        bends.append(torch.full([len(directions)], sign * bend))
    units = min(len(layer.bias), sum(map(len, rows)))
    layer.weight[:units] = torch.cat(rows)[:units] / layer.weight_gain
    layer.bias[:units] = -torch.cat(bends)[:units] / layer.bias_gain


def start_mapping(
    mapping: MappingNetwork, reader: nn.Linear, world: LatentWorld, steps: int = STEPS
) -> float:
    """Place the hinges, fit the other layers and the reader; how badly it tells then (σ²)."""
    place_hinges(mapping, world)
    rng = torch.Generator().manual_seed(0)
    device = reader.weight.device

    def fresh(count: int) -> Tensor:
        return torch.randn(count, world.axes.shape[0], generator=rng).to(device)

    with torch.no_grad():  # the best reader of the start spares it a long search
        z = fresh(20 * len(reader.weight[0]))
        w = mapping(z)[:, 0]
        design = torch.cat([w, torch.ones_like(w[:, :1])], dim=1)
        solution = torch.linalg.lstsq(design, told(world, z)).solution
        reader.weight.copy_(solution[:-1].T)
        reader.bias.copy_(solution[-1])
    optimiser = torch.optim.Adam([*mapping.parameters(), *reader.parameters()], betas=(0.9, 0.99))
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = LEARNING_RATE * (1 - step / steps)
        error = told_error(mapping, reader, world, fresh(BATCH))
        optimiser.zero_grad(set_to_none=True)
        error.backward()
        optimiser.step()
    with torch.no_grad():
        return told_error(mapping, reader, world, fresh(20 * BATCH)).item()


def step_direction(reader: nn.Linear, index: int) -> Tensor:
    """The shortest change of w [w_dim] that the reader tells as 1 of thing ``index`` alone."""
    return torch.linalg.pinv(reader.weight.detach())[:, index]
