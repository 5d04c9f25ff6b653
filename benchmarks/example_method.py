"""An example for ``benchmarks.open_bench``: a mean difference as direction, and the encoder.

python -m benchmarks.open_bench --edit benchmarks.example_method:edit --name "mean difference"
python -m benchmarks.open_bench --invert benchmarks.example_method:invert --name encoder
"""

from dataclasses import replace
from functools import cache

import torch
from torch import Tensor

from editing.directions.samples import ScoredSet, joined, score_latents
from editing.models.domain import Domain
from editing.models.latents import Latent

SAMPLES = 1_000


@cache
def samples(domain: Domain) -> ScoredSet:
    net = domain.scorer
    return joined(list(score_latents(domain, net, net.outputs, SAMPLES)))


@cache
def direction(domain: Domain, attribute: str) -> Tensor:
    """Mean latent of the upper half minus that of the lower half, per σ of the reading."""
    scored = samples(domain)
    scores = torch.from_numpy(scored.score(attribute).copy())
    latents = torch.from_numpy(scored.latents)
    upper = scores > scores.median()
    difference = latents[upper].mean(0) - latents[~upper].mean(0)
    return difference / (scores[upper].mean() - scores[~upper].mean())


def edit(domain: Domain, latent: Latent, attribute: str, amount: float) -> Latent:
    """Move by ``amount`` σ along the mean difference."""
    return replace(latent, ws=latent.ws + amount * direction(domain, attribute), space="w+")


def invert(domain: Domain, image: Tensor) -> Latent:
    """The domain's own encoder."""
    with torch.no_grad():
        return Latent(domain.encode(image).cpu(), domain.name, domain.fingerprint)
