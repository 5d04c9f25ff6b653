"""Where a search of the latent begins: the encoder's reading, the mean, chance, or nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from editing.inversion_options import InversionOptions, parse_start
from editing.losses import Goal

if TYPE_CHECKING:
    from editing.domains import Domain

CANDIDATE_BATCH = 8


def starting_latent(goal: Goal, options: InversionOptions, rng: torch.Generator) -> Tensor:
    """The latent that ``options.start`` names for the goal's one picture.

    Returns:
        z [1, z_dim] in the space z, one row [1, 1, w_dim] in w, ws [1, num_ws, w_dim] in w+.
    """
    name, count = parse_start(options.effective_start)
    generator, device = goal.domain.generator, goal.targets.device
    if name == "random":
        return best_of(count, goal, options.space, rng)
    if options.space == "z":
        return torch.zeros(1, generator.z_dim, device=device)
    if name == "encoder":
        ws = read_again(goal.domain, goal, count)
    else:
        ws = torch.zeros(1, generator.num_ws, generator.w_dim, device=device)
        ws = ws + generator.mapping.w_avg if name == "mean" else ws
    return in_space(ws, options.space)


def in_space(ws: Tensor, space: str) -> Tensor:
    """ws [1, num_ws, w_dim] as what is searched: itself in w+, the mean of its rows in w."""
    return ws if space == "w+" else ws.mean(1, keepdim=True)


def read_again(domain: Domain, goal: Goal, passes: int) -> Tensor:
    """The encoder's reading, corrected by what it reads in its own picture, ws.

    ReStyle's loop (Alaluf et al. 2021) with an encoder of one picture: w ← w + E(x) − E(G(w)). Of
    all passes the one whose picture has the lowest loss is kept.
    """
    reading = domain.encode(goal.targets)
    ws, best, lowest = reading, reading, math.inf
    if passes == 1:
        return reading
    for _ in range(passes):
        img = domain.generator.synthesis(ws)
        loss = float(goal.losses(img)["total"].mean())
        if loss < lowest:
            best, lowest = ws, loss
        ws = ws + reading - domain.encode(img)
    return best


def best_of(count: int, goal: Goal, space: str, rng: torch.Generator) -> Tensor:
    """The one of ``count`` random latents whose picture has the lowest loss."""
    generator = goal.domain.generator
    best, lowest = torch.empty(0), math.inf
    for first in range(0, count, CANDIDATE_BATCH):
        size = min(CANDIDATE_BATCH, count - first)
        z = torch.randn(size, generator.z_dim, generator=rng).to(goal.targets.device)
        ws = generator.mapping(z)
        totals = goal.losses(generator.synthesis(ws), ws)["total"]
        index = int(totals.argmin())
        if not best.numel() or float(totals[index]) < lowest:
            lowest = float(totals[index])
            rows = {"z": z, "w": ws[:, :1], "w+": ws}[space]
            best = rows[index : index + 1].clone()
    return best
