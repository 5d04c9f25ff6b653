"""Train the differential activation module: which direction was a picture moved along?

Pairs of the generator's own pictures, one of them moved along one of the domain's boundaries;
cross-entropy over the boundaries (arXiv 2207.08134, section 3.1). What the masks need is measured
afterwards and kept in the file: the peak of every direction's map at half a step, and how far
inversions of held-out renders are from them inside masks. Resumable::

    python -m training.train_differential
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from editing.differential_activation import (
    DifferentialConfig,
    DifferentialNet,
    save_differential,
)
from editing.directions import boundary, move
from editing.domains import Domain, open_domain
from editing.out_of_domain import MISFIT_SIDE, USUAL, located, misfit_inside, shaped
from editing.rescoring import check_w
from training.dataset import CACHE, Z_DIM, load_renders
from training.loop import Loop, Plan, parser
from training.precision import keep_pages
from training.train_readers import OUT

PLAN = Plan("differential", pictures=36_000, batch=24, learning_rate=2e-3, seed=83)
BETAS = (0.9, 0.99)  # of Adam, as published
SIDE = 64  # pixels of the pairs
LEAST, MOST = 0.3, 2.5  # strengths of training edits, in steps; either sign
HALF_STEP = 0.5  # the strength from which an edit counts in full
MEASURED = 32  # pairs for each direction's reference, of either sign
MISFITS = 200  # inversions that the misfit's limit is read from
WORST = 0.95  # of them lie below the limit
HELD_OUT = 10**9  # seed of the pairs that accuracy is measured on


def steps_of(domain: Domain, names: Sequence[str]) -> Tensor:
    """What one step along each boundary adds to ws, [D, num_ws, w_dim]."""
    generator = domain.generator
    still = torch.zeros(1, generator.num_ws, generator.w_dim)
    found = [boundary(domain, name) for name in names]
    check_w(*found)
    return torch.cat([move(still, direction, 1.0) for direction in found])


def sample_ws(domain: Domain, count: int, rng: torch.Generator) -> Tensor:
    """Latents at psi 0.7 to 1, [N, num_ws, w_dim]; half of them joined from two (W+)."""
    generator, device = domain.generator, domain.device
    z = torch.randn(2 * count, generator.z_dim, generator=rng).to(device)
    label = torch.zeros(2 * count, generator.c_dim, device=device) if generator.c_dim else None
    ws = generator.mapping(z, label)
    psi = 0.7 + 0.3 * torch.rand(2 * count, 1, 1, generator=rng).to(device)
    one, other = torch.lerp(generator.mapping.w_avg.expand_as(ws), ws, psi).chunk(2)
    rows = generator.num_ws
    cut = torch.randint(1, 2 * rows, [count, 1, 1], generator=rng).to(device)
    return torch.where(torch.arange(rows, device=device)[:, None] < cut, one, other)


def strengths(count: int, rng: torch.Generator) -> Tensor:
    """Strengths of training edits, [N]."""
    size = LEAST + (MOST - LEAST) * torch.rand(count, generator=rng)
    return size * torch.where(torch.rand(count, generator=rng) < 0.5, -1.0, 1.0)


def drawn(domain: Domain, ws: Tensor, side: int) -> Tensor:
    """Pictures [N, 3, r, r] as they are saved but for the rounding; r = side where G draws that."""
    blocks = getattr(domain.generator.config, "block_resolutions", ())
    img: Tensor = domain.generator.synthesis(ws, max_resolution=side if side in blocks else None)
    return img.clamp(-1, 1)


@torch.no_grad()
def pairs(
    domain: Domain, steps: Tensor, index: Tensor, alpha: Tensor, rng: torch.Generator, side: int
) -> tuple[Tensor, Tensor]:
    """I' and T [N, 3, r, r], moved by ``alpha`` [N] along the directions ``index`` [N]."""
    ws = sample_ws(domain, len(index), rng)
    moved = ws + alpha[:, None, None].to(ws) * steps.to(ws)[index]
    before, after = drawn(domain, torch.cat([ws, moved]), side).chunk(2)
    return before, after


def train(
    domain: Domain, config: DifferentialConfig, plan: Plan, folder: Path, minutes: float = math.inf
) -> Loop:
    """Train as far as the minutes reach; the loop's ``parts["net"]`` is the network."""
    torch.manual_seed(plan.seed)
    device = domain.device
    net = DifferentialNet(config).to(device, memory_format=torch.channels_last).train()
    optimiser = torch.optim.Adam(net.parameters(), betas=BETAS)
    steps = steps_of(domain, config.directions)
    loop = Loop(plan, {"net": net, "optimiser": optimiser}, folder, str(device), minutes)
    for rng in loop:
        index = torch.randint(len(steps), [plan.batch], generator=rng)
        alpha = strengths(plan.batch, rng)
        before, after = pairs(domain, steps, index, alpha, rng, config.resolution)
        logits = net(before, after)
        loss = F.cross_entropy(logits, index.to(device))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        right = (logits.argmax(1).cpu() == index).float().mean()
        loop.report(loss=loss, right=right)
    return loop


@torch.no_grad()
def calibrate(net: DifferentialNet, domain: Domain, count: int = MEASURED) -> None:
    """Set ``reference``: the median peak of each direction's map at half a step."""
    steps = steps_of(domain, net.config.directions)
    for i in range(len(steps)):
        rng = torch.Generator().manual_seed(HELD_OUT + 1 + i)
        index = torch.full([2 * count], i)
        alpha = HALF_STEP * torch.tensor([1.0, -1.0]).repeat(count)
        before, after = pairs(domain, steps, index, alpha, rng, net.config.resolution)
        maps = net.cam(before, after, index.to(domain.device))
        net.reference[i] = maps.amax((1, 2, 3)).median()


@torch.no_grad()
def measure_misfit(net: DifferentialNet, domain: Domain, pictures: Tensor) -> float:
    """Set and return ``misfit``: what the encoder's inversions of pictures reach, but the worst.

    Args:
        pictures: held-out renders, uint8 [N, 3, R, R].
    """
    steps, found = steps_of(domain, net.config.directions).to(domain.device), []
    rng = torch.Generator().manual_seed(HELD_OUT)
    for picture in pictures:
        photo = picture[None].to(domain.device).float() / 127.5 - 1
        i = int(torch.randint(len(steps), [], generator=rng))
        ws = domain.encode(photo)
        before, after = drawn(domain, torch.cat([ws, ws + steps[i]]), photo.shape[-1]).chunk(2)
        where = located(net, domain, before, after, [net.config.directions[i]])
        mask = shaped(where, USUAL, photo.shape[-1])
        if bool(mask.any()):
            found.append(misfit_inside(photo, before, mask))
    limit = float(torch.tensor(found).quantile(WORST)) if found else float(net.misfit)
    net.misfit.fill_(limit)
    return limit


@torch.no_grad()
def accuracy(net: DifferentialNet, domain: Domain, count: int = 512) -> Mapping[str, float]:
    """How often the direction is named, and is among the first five, at one step."""
    steps = steps_of(domain, net.config.directions)
    rng = torch.Generator().manual_seed(HELD_OUT)
    hits = []
    for _ in range(0, count, 32):
        index = torch.randint(len(steps), [32], generator=rng)
        alpha = torch.where(torch.rand(32, generator=rng) < 0.5, -1.0, 1.0)
        before, after = pairs(domain, steps, index, alpha, rng, net.config.resolution)
        order = net(before, after).argsort(1, descending=True).cpu()
        hits.append(order == index[:, None])
    rank = torch.cat(hits).float()
    return {"right": float(rank[:, 0].mean()), "among_five": float(rank[:, :5].sum(1).mean())}


def main() -> None:
    args = parser(__doc__).parse_args()
    keep_pages()
    domain = open_domain("portraits", args.device)
    assert domain.generator.z_dim == Z_DIM, "the generator is not of this world"
    config = DifferentialConfig(tuple(domain.boundaries), SIDE)
    folder = args.state or CACHE / f"differential-state-{domain.fingerprint}"
    loop = train(domain, config, PLAN, folder, args.minutes)
    if not loop.finished:
        print(json.dumps({"net": "differential", "stopped": "the same command goes on"}))
        return
    net = loop.parts["net"]
    assert isinstance(net, DifferentialNet)
    net.eval().requires_grad_(False)
    calibrate(net, domain)
    side = min(domain.resolution, MISFIT_SIDE)
    pictures = load_renders("held_out", side, MISFITS).pictures[:MISFITS]
    limit = measure_misfit(net, domain, pictures)
    save_differential(OUT / "differential.safetensors", net.cpu())
    net.to(domain.device)
    measured = accuracy(net, domain) | {"misfit": limit}
    print(json.dumps({"net": "differential"} | {k: round(v, 3) for k, v in measured.items()}))


if __name__ == "__main__":
    main()
