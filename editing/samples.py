"""Many latents of a domain: the moments of W, their pictures, and what is read in those.

Scoring is long work: it yields small parts, writes them down as it goes where it is given a folder,
and starts where it was cut off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from editing.domains import Domain, has_fast_bf16
from editing.errors import BadInput, EditingError, UnknownName
from editing.generator import fingerprint
from editing.latents import sample_z
from editing.states import mapped
from editing.templates import text_direction
from editing.tensors import read_tensors, write_tensors

if TYPE_CHECKING:
    from editing.features import PictureNet

FORMAT = "latent-studio scored latents 1"
FIRST_SEED = 20_000_000  # far from anybody's favourite seeds
MOMENTS = 10_000  # latents
BATCH = 16  # pictures drawn at once
PART = 256  # latents of one file on disk

Score = Callable[[Tensor], Tensor]  # pictures [N, 3, R, R] in [-1, 1] -> scores [N, F]
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Moments:
    """W as a normal distribution."""

    mean: Tensor  # [w_dim]
    covariance: Tensor  # [w_dim, w_dim]

    def axes(self) -> tuple[Tensor, Tensor]:
        """Principal axes, the most varied first: deviations [w_dim], unit columns [w_dim, w_dim].

        Both in float64; an axis is turned so that its largest entry is positive: signs are stable.
        """
        variances, vectors = torch.linalg.eigh(self.covariance.double())
        vectors = vectors.flip(1)
        largest = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))
        return variances.flip(0).clamp_min(0).sqrt(), vectors * largest.sign()


def spread(vector: Tensor, covariance: Tensor) -> float:
    """Standard deviation of n·w for a vector n [w_dim]; for one per row [R, w_dim], their mean."""
    rows = vector.reshape(-1, vector.shape[-1]).to(covariance)
    return max(float(((rows @ covariance) * rows).sum(-1).clamp_min(0).sqrt().mean()), 1e-6)


@dataclass(frozen=True, eq=False)
class ScoredSet:
    """Untruncated latents and what was read in their pictures."""

    names: tuple[str, ...]  # of the scores
    seeds: NDArray[np.int64]  # [N]
    latents: Floats  # w, [N, w_dim]
    scores: Floats  # [N, F]

    def score(self, name: str) -> Floats:
        """The scores of one name, [N]."""
        if name not in self.names:
            raise UnknownName.among("reading", name, self.names)
        return self.scores[:, self.names.index(name)]

    def z(self, z_dim: int) -> Floats:
        """The latents before the mapping, [N, z_dim]."""
        values: Floats = sample_z([int(seed) for seed in self.seeds], z_dim).numpy()
        return values


def joined(parts: Sequence[ScoredSet]) -> ScoredSet:
    """Parts of one sampling as one set.

    Raises:
        BadInput: there are none.
    """
    if not parts:
        raise BadInput("No latents were scored; score at least ten.")
    return ScoredSet(
        parts[0].names,
        np.concatenate([part.seeds for part in parts]),
        np.concatenate([part.latents for part in parts]),
        np.concatenate([part.scores for part in parts]),
    )


@torch.no_grad()
def draw_ws(
    domain: Domain, seeds: Sequence[int], psi: float = 1.0, label: int | None = None,
    cutoff: int | None = None,
) -> Tensor:  # fmt: skip
    """ws of seeds, [N, num_ws, w_dim], on the domain's device; of the domain's class by default.

    Raises:
        BadInput: a seed outside 0..2³²-1.
    """
    return mapped(sample_z(seeds, domain.generator.z_dim), psi, domain, label, cutoff)


def moments(domain: Domain, samples: int = MOMENTS) -> Moments:
    """Mean and covariance of W over some latents at psi 1, measured once per domain."""
    known = _moments.setdefault(domain, {})
    if samples not in known:
        with torch.inference_mode(False):
            known[samples] = _measure(domain, samples)
    return known[samples]


def _measure(domain: Domain, samples: int) -> Moments:
    width = domain.generator.w_dim
    total, square = torch.zeros(width).double(), torch.zeros(width, width).double()
    for first in range(0, samples, 500):  # memory stays flat
        seeds = range(FIRST_SEED + first, FIRST_SEED + min(first + 500, samples))
        w = draw_ws(domain, seeds)[:, 0].double().cpu()
        total, square = total + w.sum(0), square + w.T @ w
    mean = total / samples
    return Moments(mean.float(), (square / samples - torch.outer(mean, mean)).float())


_moments: WeakKeyDictionary[Domain, dict[int, Moments]] = WeakKeyDictionary()


@torch.no_grad()
def draw(domain: Domain, ws: Tensor, fast: bool = True) -> Tensor:
    """Pictures [N, 3, R, R], clamped to [-1, 1]; ``fast`` allows bf16 where it is faster."""
    kind = domain.device.type
    enabled = fast and has_fast_bf16(kind)
    with torch.autocast(kind, torch.bfloat16, enabled=enabled):
        img: Tensor = domain.generator.synthesis(ws.to(domain.device))
    return img.float().clamp(-1, 1)


@torch.no_grad()
def read(domain: Domain, ws: Tensor, score: Score, batch: int = BATCH) -> Tensor:
    """What ``score`` reads in the pictures of ws [N, num_ws, w_dim], [N, F] on the CPU."""
    return torch.cat([score(draw(domain, part)).float().cpu() for part in torch.split(ws, batch)])


@torch.no_grad()
def score_latents(
    domain: Domain,
    score: Score,
    names: Sequence[str],
    count: int,
    first_seed: int = FIRST_SEED,
    folder: Path | None = None,
    batch: int = BATCH,
    scorer: str = "",
) -> Iterator[ScoredSet]:
    """Draw and score the latents of ``count`` seeds; yields them in small parts, in order.

    Args:
        folder: where finished parts are kept, so that a killed run goes on where it was; parts of
            another generator, of another scorer or of other names in it are refused.
        scorer: what tells ``score`` from any other; of a network, its weights do.

    Raises:
        BadInput: a count below one, or a folder of something else.
    """
    if count < 1:
        raise BadInput(f"{count} latents cannot be scored; take 10 or more, usually 10000.")
    if folder and not scorer and isinstance(score, nn.Module):
        scorer = fingerprint(score)
    facts = {"names": list(names), "fingerprint": domain.fingerprint, "scorer": scorer}
    for first in range(first_seed, first_seed + count, PART):
        seeds = np.arange(first, min(first + PART, first_seed + count))
        path = folder / f"scores-{first}-{len(seeds)}.safetensors" if folder else None
        if path is not None and (found := _load_part(path, facts)) is not None:
            yield found
            continue
        parts = []
        for some in np.split(seeds, range(batch, len(seeds), batch)):
            ws = draw_ws(domain, [int(seed) for seed in some])
            scores = score(draw(domain, ws)).float().reshape(len(some), -1).cpu().numpy()
            parts.append(ScoredSet(tuple(names), some, ws[:, 0].cpu().numpy(), scores))
            yield parts[-1]
        if path is not None:
            _save_part(path, joined(parts), facts)


def _save_part(path: Path, part: ScoredSet, facts: Mapping[str, Any]) -> None:
    tensors = {"latents": torch.from_numpy(part.latents), "scores": torch.from_numpy(part.scores)}
    write_tensors(path, tensors, FORMAT, {**facts, "first": int(part.seeds[0])})


def _load_part(path: Path, wanted: Mapping[str, Any]) -> ScoredSet | None:
    if not path.is_file():
        return None
    try:
        tensors, facts = read_tensors(path, FORMAT)
    except EditingError:
        return None  # damaged: score it again
    if any(facts.get(key) != value for key, value in wanted.items()):
        raise BadInput(
            f"{path.parent} holds scores of another generator, by another scorer or of other "
            "attributes; use another folder, or delete this one."
        )
    first, latents = int(facts["first"]), tensors["latents"].numpy()
    seeds = np.arange(first, first + len(latents))
    return ScoredSet(tuple(wanted["names"]), seeds, latents, tensors["scores"].numpy())


def text_score(domain: Domain, less: str, more: str) -> Score:
    """How much nearer a picture is to one text than to another, by the domain's CLIP.

    Raises:
        MissingFile: the domain has no text-image model.
        BadInput: a text is empty, or both mean the same to it.
    """
    clip = domain.clip
    towards = text_direction(clip, less, more)

    def score(img: Tensor) -> Tensor:
        return (clip.encode_pictures(img) @ towards)[:, None]

    return score


def output_of(net: PictureNet, attribute: str) -> int:
    """Which of a scorer's outputs reads an attribute.

    Raises:
        UnknownName: none; the message lists what it reads.
    """
    if attribute not in net.outputs:
        raise UnknownName.among("reading", attribute, net.outputs)
    return net.outputs.index(attribute)
