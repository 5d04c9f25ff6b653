"""Standard coordinates around a portrait, in which random walks take their steps.

In "z" they are those of Z itself; in "w" the whitened ones of P space, W after the inverse of the
mapping's last leaky ReLU, where W is nearly Gaussian (``whitening``). Either way the generator was
trained on about N(0, I), and a length of √D is as far as another person.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from editing.domains import Domain
from editing.errors import BadInput
from editing.states import EditState, mapped_as
from editing.whitening import LEAK, whitening

Floats = NDArray[np.float64]
SPACES = ("w", "z")


@dataclass(frozen=True, eq=False)
class Coordinates:
    """Of one portrait; offset 0 is exactly that portrait."""

    source: EditState
    domain: Domain
    space: str = "w"

    def __post_init__(self) -> None:
        if self.space not in SPACES:
            raise BadInput(f"A walk goes through {' or '.join(SPACES)}, not through {self.space}.")
        if self.space == "z" and self.source.z is None:
            raise BadInput("A walk through Z needs a portrait whose z is known, a seed; take w.")

    @property
    def size(self) -> int:
        """D."""
        generator = self.domain.generator
        return generator.z_dim if self.space == "z" else generator.w_dim

    @cached_property
    def origin(self) -> Floats:
        """Where the portrait is, [D]; of a portrait in W+ its mean row."""
        if self.space == "z":
            assert self.source.z is not None
            return _array(self.source.z[0])
        return _array(whitening(self.domain.generator)(self._ws.mean(1))[0])

    def at(self, offset: Floats) -> EditState:
        """The portrait moved by an offset [D]; all its rows move alike, before the leaky ReLU."""
        if not offset.any():
            return self.source
        moved = torch.from_numpy(offset).to(self._ws)
        if self.space == "z":
            return self._at_z(moved)
        inside = functional.leaky_relu(self._ws, LEAK) + moved @ self._inverse
        return replace(self.source, ws=functional.leaky_relu(inside, 1 / LEAK))

    def _at_z(self, moved: Tensor) -> EditState:
        source = self.source
        assert source.z is not None
        z = source.z.to(moved) + moved
        before, after = (mapped_as(source, each, self.domain) for each in (source.z, z))
        change = after - before
        return replace(source, ws=self._ws + change, z=z)

    @cached_property
    def _ws(self) -> Tensor:
        return self.source.ws.to(self.domain.device)

    @cached_property
    def _inverse(self) -> Tensor:
        matrix = whitening(self.domain.generator).matrix
        inverse: Tensor = torch.linalg.inv(matrix.double()).to(self._ws)
        return inverse


def _array(tensor: Tensor) -> Floats:
    values: Floats = tensor.detach().cpu().double().numpy()
    return values
