"""W as a Gaussian: how far a latent is from the ones the generator was trained on.

W is not Gaussian, but undoing the mapping's last leaky ReLU nearly makes it so (Wulff & Torralba
2020; Zhu et al. 2020, P_N space).
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch.nn import functional

from editing.generator import Generator

LEAK = 5.0  # undoes the leaky ReLU (slope 0.2) at the end of the mapping
STATISTICS_SAMPLES = 10_000
EIGENVALUE_FLOOR = 1e-2  # of the mean variance: directions W hardly uses count as this wide


@dataclass(frozen=True, eq=False)
class Whitening:
    """Coordinates of unit variance along the principal axes of P space."""

    mean: Tensor  # [w_dim], in P space
    matrix: Tensor  # [w_dim, w_dim]: P space minus mean -> coordinates
    w_std: float  # root mean square deviation of one entry of w

    def __call__(self, ws: Tensor) -> Tensor:
        """ws [..., w_dim] -> coordinates of the same shape, about N(0, 1) for samples."""
        return (functional.leaky_relu(ws, LEAK) - self.mean) @ self.matrix


_whitenings: WeakKeyDictionary[Generator, Whitening] = WeakKeyDictionary()


def whitening(generator: Generator) -> Whitening:
    """Measured on fixed samples of the mapping; kept as long as the generator is."""
    if generator not in _whitenings:
        with torch.no_grad():
            _whitenings[generator] = _measure(generator)
    return _whitenings[generator]


def _measure(generator: Generator) -> Whitening:
    device = generator.mapping.w_avg.device
    rng = torch.Generator().manual_seed(0)
    z = torch.randn(STATISTICS_SAMPLES, generator.z_dim, generator=rng).to(device)
    w = generator.mapping(z)[:, 0]
    p = functional.leaky_relu(w, LEAK)
    mean = p.mean(0)
    variances, axes = torch.linalg.eigh(torch.cov((p - mean).T).double())
    floor = EIGENVALUE_FLOOR * variances.mean().clamp(min=1e-12)
    matrix = axes / variances.clamp(min=floor).sqrt()
    return Whitening(mean, matrix.float(), float((w - w.mean(0)).square().mean().sqrt()))
