"""What the latents of one request may unpack to, counted from their headers beforehand.

A latent file of half a megabyte can hold gigabytes of zeros, and a recipe or a session many such
files. So one ``Allowance`` goes through everything that a request brings along, and where the
generator is known, nothing is unpacked that is not of its own names and shapes. The same file
again (every step of a session repeats the portraits in its edits) is the same latent, for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

from editing.errors import BadLatent, shown

MOST = 160 * 2**20  # float32 bytes; a changed 1024 px generator with its noise maps takes 125 MB
MAX_DIMENSIONS = 5
Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]


@dataclass
class Allowance:
    """What is left to one request, and what the tensors of its latents must be."""

    own: Shapes | None = None  # member of a latent file -> its shape; None = of any generator
    domain: str = ""  # whose shapes these are
    left: int = MOST  # float32 bytes
    known: dict[bytes, Any] = field(default_factory=dict)  # digest of a file -> its latent

    def take(
        self, name: str, member: str, shape: Shape, itemsize: int = 4, made_in: str = ""
    ) -> None:
        """Let one tensor be unpacked.

        Args:
            name: what messages call the latent file.
            member: "ws", "noise/b8.conv0", ...
            itemsize: bytes of a number in the file.
            made_in: the domain that the file says it is of.

        Raises:
            BadLatent: the generator has none of that name and shape, or the allowance is used up.
        """
        if len(shape) > MAX_DIMENSIONS:
            raise BadLatent(f"{name} has {shown(member)} with {len(shape)} axes; save it again.")
        if self.own is not None:
            check_shape(member, shape, self.own, made_in, self.domain)
        self.take_bytes(name, max(itemsize, 4) * prod(shape))

    def take_bytes(self, name: str, count: int) -> None:
        """As ``take``, of what is no tensor of the generator's."""
        self.left -= count
        if self.left < 0:
            raise BadLatent(
                f"{name} is too large: with the latents beside it, it unpacks to more than "
                f"{MOST / 2**20:.0f} MB, the limit for one file; take portraits out, or save them "
                "without tuned weights and noise maps."
            )


def check_shape(member: str, shape: Shape, own: Shapes, made_in: str, domain: str) -> None:
    """Refuse a tensor that the generator of ``domain`` has no place for.

    Raises:
        BadLatent: says what it is and what was expected.
    """
    expected = own.get(member)
    if member == "ws":
        fits = shape == expected
    else:  # one change for one picture, whether it says so or not
        fits = expected is not None and _bare(shape) == _bare(expected)
    if fits:
        return
    what = "The latent" if member == "ws" else f"The latent's {shown(member)}"
    needs = "has none of that name" if expected is None else f"needs {list(expected)}"
    raise BadLatent(
        f"{what} has the shape {list(shape)} (of {shown(made_in) if made_in else 'a file'}); "
        f"the domain {domain} {needs}, so open it with its own domain."
    )


def _bare(shape: Shape) -> Shape:
    """A shape without the ones in front."""
    first = next((place for place, size in enumerate(shape) if size != 1), len(shape))
    return shape[first:]
