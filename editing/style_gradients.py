"""Gradients of what is read in a picture with respect to every channel of StyleSpace.

One pass backwards tells what all channels do to one reading, where a picture per channel would be
needed otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from editing.domains import Domain
from editing.errors import BadInput

Reading = Callable[[Tensor], Tensor]  # pictures [N, 3, R, R] -> [N, K]
Gradient = dict[str, Tensor]  # layer -> [N, C]


def base_ws(domain: Domain, count: int, psi: float, seed: int) -> Tensor:
    """ws of NumPy's legacy stream, [count, num_ws, w_dim], as StyleCLIP samples.

    Raises:
        BadInput: fewer than one.
    """
    if count < 1:
        raise BadInput(f"{count} samples show nothing; take 1 or more, usually 8 to 100.")
    generator = domain.generator
    z = np.random.RandomState(seed).randn(count, generator.z_dim).astype(np.float32)
    with torch.no_grad(), torch.inference_mode(False):
        ws: Tensor = generator.mapping(torch.from_numpy(z).to(domain.device), truncation_psi=psi)
    return ws


def gradients(
    domain: Domain,
    ws: Tensor,
    reading: Reading,
    along: Sequence[Tensor] | Tensor | None = None,
    fast: bool = False,
    max_resolution: int | None = None,
) -> Iterator[Gradient]:
    """d (reading · v) / d styles for ws [N, num_ws, w_dim]: one item per v in ``along`` [K].

    Args:
        along: vectors in the space of the readings; None = each reading by itself.
        fast: draw and read in bf16.
        max_resolution: look at the picture of this block (see ``synthesis``); None = the whole.

    Pictures are not clamped. Gradient modes are set here and never held across two items.
    """
    with torch.inference_mode(False), torch.enable_grad():
        styles = domain.generator.styles(ws.detach().to(domain.device))
        styles = {layer: style.detach().clone().requires_grad_() for layer, style in styles.items()}
        with torch.autocast(domain.device.type, torch.bfloat16, enabled=fast):
            img = domain.generator.synthesis(styles, max_resolution=max_resolution)
            read = reading(img.float()).float()
    count = read.shape[1] if along is None else len(along)
    for index in range(count):
        with torch.inference_mode(False), torch.enable_grad():
            one = read[:, index] if along is None else read @ along[index].to(read)
            found = torch.autograd.grad(
                one.sum(), list(styles.values()), retain_graph=index + 1 < count, allow_unused=True
            )
        yield {
            layer: torch.zeros_like(style, requires_grad=False) if g is None else g
            for (layer, style), g in zip(styles.items(), found, strict=True)
        }
