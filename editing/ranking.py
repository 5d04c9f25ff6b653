"""Search by text: portraits ranked by how much a CLIP sees a text in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from editing.domains import Domain
from editing.edits import preview
from editing.errors import BadInput
from editing.latents import DEFAULT_PSI, SeedSpec, load_latent
from editing.samples import draw, draw_ws
from editing.states import named_seed, state_of
from editing.templates import neutral_for, text_direction

BATCH = 16  # pictures drawn at once
KEPT = 50_000  # embeddings of seeds that are remembered per domain


@dataclass(frozen=True)
class Hit:
    """A source ("seed:7" or a latent file) and how much of the text is in its picture."""

    name: str
    score: float  # E · (t_target − t_neutral) as unit vectors, −1..1


Seen = tuple[list[str], Tensor]  # sources, and the embeddings of their pictures [N, d]


def see_seeds(domain: Domain, seeds: Sequence[int], psi: float = DEFAULT_PSI) -> Iterator[Seen]:
    """Embeddings of the pictures of seeds, in small parts; remembered for the next text."""
    known = _embeddings.setdefault(domain, {})
    if len(known) + len(seeds) > KEPT:
        known.clear()
    for start in range(0, len(seeds), BATCH):
        some = list(seeds[start : start + BATCH])
        missing = [seed for seed in some if (seed, psi) not in known]
        if missing:
            with torch.inference_mode(False), torch.no_grad():
                img = draw(domain, draw_ws(domain, missing, psi))
                found = domain.clip.encode_pictures(img).cpu()
            known |= {(seed, psi): row for seed, row in zip(missing, found, strict=True)}
        yield (
            [named_seed(SeedSpec(seed, psi), domain) for seed in some],
            torch.stack([known[seed, psi] for seed in some]),
        )


_embeddings: WeakKeyDictionary[Domain, dict[tuple[int, float], Tensor]] = WeakKeyDictionary()


def see_latents(domain: Domain, paths: Iterable[Path]) -> Iterator[Seen]:
    """The same of latent files, edits in them included.

    Raises:
        BadLatent: one of another generator.
    """
    for path in paths:
        latent = load_latent(path)
        latent.check(domain.generator, domain.fingerprint, domain.name)
        img = preview(state_of(latent, domain), domain).float().clamp(-1, 1)
        with torch.no_grad():
            seen = domain.clip.encode_pictures(img).cpu()
        yield [str(path)], seen


def latent_files(folder: Path) -> list[Path]:
    """The latent files in a folder and those below it.

    Raises:
        BadInput: there is none.
    """
    found = sorted(folder.rglob("*.npz")) if folder.is_dir() else []
    if not found:
        raise BadInput(f"{folder} holds no latent files (.npz); name a folder of them.")
    return found


def rank(
    domain: Domain, text: str, seen: Iterable[Seen], neutral: str = "", top: int = 10
) -> list[Hit]:
    """The sources that show most of the text, best first.

    Raises:
        BadInput: a text that cannot be read, or fewer than one wanted.
    """
    if top < 1:
        raise BadInput(f"The best {top} are none; ask for 1 or more.")
    dt = text_direction(domain.clip, neutral or neutral_for(text), text).cpu()
    hits = [
        Hit(name, score)
        for names, embeddings in seen
        for name, score in zip(names, (embeddings @ dt).tolist(), strict=True)
    ]
    return sorted(hits, key=lambda hit: -hit.score)[:top]
