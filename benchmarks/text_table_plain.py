"""The table of global directions as published: one channel, one sample, one picture at a time.

The baseline of ``benchmarks.text_tables``: nothing is kept from one picture to the next.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from editing.directions.stylespace import base_ws, statistics_of
from editing.models.domain import Domain


@torch.no_grad()
def plain_rows(
    domain: Domain, channels: list[tuple[str, int]], samples: int, k: float, psi: float, seed: int
) -> Tensor:
    """Rows [len(channels), d] of the table."""
    statistics, generator, clip = statistics_of(domain), domain.generator, domain.clip
    ws, rows = base_ws(domain, samples, psi, seed), []
    for layer, channel in channels:
        mean, std = statistics.mean[layer][channel], statistics.std[layer][channel]
        total = torch.zeros(clip.width)
        for w in torch.split(ws, 1):
            seen = []
            for sign in (1, -1):
                styles = generator.styles(w)
                styles[layer][:, channel] = mean + sign * k * std
                img = generator.synthesis(styles).clamp(-1, 1)
                seen.append(clip.encode_pictures(img)[0].cpu())
            total += F.normalize(seen[0] - seen[1], dim=0)
        rows.append(F.normalize(total, dim=0))
    return torch.stack(rows)
