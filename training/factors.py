"""The world's factors: what a portrait is made of, how the factors hang together, and Z -> factors.

A person is one vector ``e`` of independent standard normals, one entry per factor. ``couple``
mixes them along the written-down list ``COUPLINGS`` into correlated unit normals ``g``, and
``bound`` turns g into factors in [-1, 1]. Everything the renderer shows of a person comes from
the factors and, of small things (waves, locks, strands, how a beard grows, the cut of clothes),
from the ``TRAITS``, T more independent normals; what is left (where freckles are, weave, film
grain) comes from a separate seed.

``python -m training.factors`` prints the tables of docs/world.md.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor


class Factor(NamedTuple):
    """One factor: its name and what its negative and positive ends look like."""

    name: str
    low: str
    high: str


FACTORS: tuple[Factor, ...] = (
    Factor("smile", "frowning", "smiling"),
    Factor("age", "young", "old"),
    Factor("gender", "feminine", "masculine"),
    Factor("pose", "turned to the picture's left", "turned to the picture's right"),
    Factor("eyeglasses", "no glasses", "glasses"),
    Factor("pitch", "looking down", "looking up"),
    Factor("mouth_open", "mouth closed", "mouth open"),
    Factor("teeth", "teeth hidden", "teeth showing"),
    Factor("eye_openness", "eyes narrowed", "eyes wide open"),
    Factor("brow_height", "low brows", "raised brows"),
    Factor("brow_angle", "sad brows", "angry brows"),
    Factor("face_width", "narrow face", "wide face"),
    Factor("jaw_width", "pointed jaw", "square jaw"),
    Factor("nose_size", "small nose", "large nose"),
    Factor("skin_tone", "light skin", "dark skin"),
    Factor("hair_lightness", "black hair", "blond hair"),
    Factor("hair_redness", "ash hair", "red hair"),
    Factor("grey_hair", "hair in its own colour", "grey hair"),
    Factor("hair_length", "short hair", "long hair"),
    Factor("hair_curl", "straight hair", "curly hair"),
    Factor("hair_volume", "flat hair", "full hair"),
    Factor("fringe", "open forehead", "fringe"),
    Factor("parting", "parted on the picture's left", "parted on the picture's right"),
    Factor("baldness", "full hair", "bald"),
    Factor("beard", "shaven", "bearded"),
    Factor("lip_colour", "pale lips", "red lips"),
    Factor("lip_fullness", "thin lips", "full lips"),
    Factor("eye_colour", "brown eyes", "blue eyes"),
    Factor("eye_size", "small eyes", "large eyes"),
    Factor("glasses_shape", "round glasses", "square glasses"),
    Factor("background_hue", "cool background", "warm background"),
    Factor("background_lightness", "dark background", "light background"),
    Factor("light_direction", "lit from the picture's left", "lit from the picture's right"),
    Factor("clothes_hue", "blue clothes", "red clothes"),
    Factor("clothes_lightness", "dark clothes", "light clothes"),
)
NAMES: tuple[str, ...] = tuple(factor.name for factor in FACTORS)
INDEX: dict[str, int] = {name: i for i, name in enumerate(NAMES)}
NUM_FACTORS = len(FACTORS)

# What of a person's looks no factor tells, each in [-1, 1] and independent of all else.
TRAITS: tuple[str, ...] = (
    "waves",  # where the hair's large waves lie
    "curls",  # and its lumps
    "locks",  # where locks end
    "layers",  # how far down long hair is layered
    "sweep",  # which way the strands bend
    "strands",  # where light and dark strands lie
    "beard_spread",  # from the chin alone to all over the cheeks
    "beard_strands",
    "freckles",  # above 0: how many
    "creases",  # how wrinkles run
    "neckline",  # from a deep cut to a turtleneck
    "neckline_cut",  # from round to pointed
)
NUM_TRAITS = len(TRAITS)

# (cause, effect, weight): g_effect = sum of weight * g_cause + what is left of its own normal.
# Causes stand before their effects; the weights of one effect have squares that sum below 1.
COUPLINGS: tuple[tuple[str, str, float], ...] = (
    ("gender", "beard", 0.65),
    ("gender", "baldness", 0.45),
    ("age", "baldness", 0.35),
    ("age", "eyeglasses", 0.35),
    ("age", "grey_hair", 0.70),
    ("gender", "hair_length", -0.60),
    ("gender", "jaw_width", 0.40),
    ("gender", "lip_colour", -0.45),
    ("gender", "lip_fullness", -0.30),
    ("smile", "teeth", 0.45),
    ("mouth_open", "teeth", 0.30),
    ("skin_tone", "hair_lightness", -0.50),
    ("skin_tone", "eye_colour", -0.45),
    ("skin_tone", "hair_curl", 0.25),
    ("hair_lightness", "eye_colour", 0.25),
    ("age", "lip_fullness", -0.25),
    ("age", "nose_size", 0.15),
)

# g -> factor: tanh(SLOPE * g). The eyeglasses are on or off but for a narrow band.
SLOPE = 0.8
GLASSES_THRESHOLD, GLASSES_SLOPE = 0.35, 20.0


def coupling_matrix() -> Tensor:
    """The matrix A of g = A e, [F, F]: unit rows, so every g is a standard normal."""
    rows = np.eye(NUM_FACTORS)
    for effect in range(NUM_FACTORS):
        causes = [(INDEX[c], w) for c, e, w in COUPLINGS if INDEX[e] == effect]
        if not causes:
            continue
        mixed = sum(w * rows[cause] for cause, w in causes)
        own = 1.0 - float(mixed @ mixed)
        assert own > 0, f"couplings into {NAMES[effect]} explain more than all of it"
        rows[effect] = mixed
        rows[effect, effect] = math.sqrt(own)
    return torch.from_numpy(rows).float()


def couple(e: Tensor) -> Tensor:
    """Independent normals e [N, F] -> correlated unit normals g [N, F]."""
    return e @ coupling_matrix().to(e).T


def bound(g: Tensor) -> Tensor:
    """Unit normals g [N, F] -> factors [N, F] in [-1, 1]."""
    factors = torch.tanh(SLOPE * g)
    i = INDEX["eyeglasses"]
    glasses = torch.tanh(GLASSES_SLOPE * (g[:, i] - GLASSES_THRESHOLD))
    return torch.cat([factors[:, :i], glasses[:, None], factors[:, i + 1 :]], dim=1)


def sample_factors(seeds: list[int]) -> Tensor:
    """Factors [N, F] of the persons with these seeds."""
    e = np.stack([np.random.RandomState(seed).randn(NUM_FACTORS) for seed in seeds])
    return bound(couple(torch.from_numpy(e).float()))


def sample_traits(seeds: Iterable[int]) -> Tensor:
    """Traits [N, T] of the persons with these seeds."""
    e = np.stack([np.random.RandomState([seed, 1]).randn(NUM_TRAITS) for seed in seeds])
    return bound_traits(torch.from_numpy(e).float())


def bound_traits(e: Tensor) -> Tensor:
    """Independent normals [N, T] -> traits [N, T] in [-1, 1]."""
    return torch.tanh(SLOPE * e)


class LatentWorld:
    """The paired world: Z -> factors and traits through a fixed random rotation.

    z ~ N(0, I) is first put on the sphere of radius sqrt(z_dim) (what the mapping network does
    with it). Of Q^T z the first F components are e, from which the factors come, the next T the
    normals of the traits; the rest means nothing. So z determines all of a portrait but chance.
    """

    def __init__(self, z_dim: int, seed: int = 2026) -> None:
        told = NUM_FACTORS + NUM_TRAITS
        assert z_dim >= told, f"z_dim {z_dim} is below the {told} factors and traits"
        q, _ = np.linalg.qr(np.random.RandomState(seed).randn(z_dim, z_dim))
        self.axes = torch.from_numpy(q[:, :NUM_FACTORS]).float()  # [z_dim, F]
        self.trait_axes = torch.from_numpy(q[:, NUM_FACTORS:told]).float()  # [z_dim, T]

    def factors(self, z: Tensor) -> Tensor:
        """z [N, z_dim] -> factors [N, F]."""
        return bound(couple(on_sphere(z) @ self.axes.to(z)))

    def traits(self, z: Tensor) -> Tensor:
        """z [N, z_dim] -> traits [N, T]."""
        return bound_traits(on_sphere(z) @ self.trait_axes.to(z))


def on_sphere(z: Tensor) -> Tensor:
    """z [N, z_dim] scaled to length sqrt(z_dim)."""
    return z * (z.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()


# Below this value a factor shows nothing: a reader of pictures can only read what is above it.
SHOWN_FROM: dict[str, float] = {
    "beard": -0.05,
    "baldness": 0.15,
    "grey_hair": 0.30,
    "hair_redness": 0.0,
    "teeth": -0.10,
    "mouth_open": -0.10,
}
# Factors that a mirror turns into their negative.
MIRRORED: tuple[str, ...] = ("pose", "light_direction", "parting")
# What must be seen for a factor to be read (a mask of the renderer); the others always can be.
SEEN_ON: dict[str, str] = {
    "eye_colour": "eyes",
    "eye_openness": "eyes",
    "eye_size": "eyes",
    "brow_height": "brows",
    "brow_angle": "brows",
    "lip_colour": "mouth",
    "lip_fullness": "mouth",
    "teeth": "mouth",
    "hair_lightness": "hair",
    "hair_redness": "hair",
    "grey_hair": "hair",
    "hair_curl": "hair",
    "hair_volume": "hair",
    "fringe": "hair",
    "parting": "hair",
    "glasses_shape": "eyeglasses",
    "clothes_hue": "clothes",
    "clothes_lightness": "clothes",
}
MIN_SEEN = 20  # pixels at 128 px
# Above this baldness no hair stands over the forehead, whose cut and parting nobody can tell.
BARE_FOREHEAD = 0.3
AT_FOREHEAD: tuple[str, ...] = ("fringe", "parting")


def shown(factors: Tensor) -> Tensor:
    """Factors [N, F] as far as a picture shows them."""
    floor = torch.tensor([SHOWN_FROM.get(name, -1.0) for name in NAMES])
    return torch.maximum(factors, floor.to(factors))


@functools.cache
def world_spread() -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of ``shown`` factors over the world, each [F].

    The sigma of every reading: from 200,000 persons of a fixed seed.
    """
    e = torch.from_numpy(np.random.RandomState(7).randn(200_000, NUM_FACTORS)).float()
    factors = shown(bound(couple(e)))
    return factors.mean(dim=0), factors.std(dim=0)


def to_sigma(factors: Tensor) -> Tensor:
    """Factors [N, F] -> what a perfect reader reads, in standard deviations of the world."""
    mean, std = world_spread()
    return (shown(factors) - mean.to(factors)) / std.to(factors)


def markdown_table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def factor_table() -> str:
    """Every factor with its ends, where it begins to show, and the mask it is seen on."""
    rows = []
    for factor in FACTORS:
        floor = SHOWN_FROM.get(factor.name)
        shows = "" if floor is None else f"above {floor:g}"
        seen_on = SEEN_ON.get(factor.name, "")
        rows.append((f"`{factor.name}`", factor.low, factor.high, shows, seen_on))
    return markdown_table(("factor", "at -1", "at +1", "shows", "seen on"), rows)


def coupling_table() -> str:
    """The couplings, and the correlation of the unit normals that each pair ends up with."""
    matrix = coupling_matrix()
    correlation = matrix @ matrix.T
    rows = [
        (f"`{c}`", f"`{e}`", f"{w:+.2f}", f"{float(correlation[INDEX[c], INDEX[e]]):+.2f}")
        for c, e, w in COUPLINGS
    ]
    return markdown_table(("cause", "effect", "weight", "correlation"), rows)


if __name__ == "__main__":
    print(f"{factor_table()}\n\n{coupling_table()}")
