"""Train the deghosting network on synthetic ghosts.

Renders I are inverted by the encoder and moved along a random direction each; the edited picture T
is blended into I by M_train = M where M <= 0.5, else 1 - M, so that nothing but ghosts of it is
ever there and I itself is the right answer (arXiv 2207.08134, section 3.3). L2, perceptual and
adversarial loss at the published weights 1 : 0.01 : 0.01. Resumable::

    python -m training.train_deghosting
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from editing.deghosting import Deghosting, DeghostingConfig, config_for, prior_of, save_deghosting
from editing.domains import Domain, open_domain
from editing.metrics import perceptual_distance
from editing.out_of_domain import USUAL, fuse, located, shaped
from training.dataset import CACHE, load_renders
from training.discriminator import Discriminator
from training.loop import Loop, Plan, parser
from training.precision import autocast, keep_pages
from training.train_differential import BETAS, drawn, steps_of, strengths
from training.train_readers import OUT

PLAN = Plan("deghosting", pictures=9_000, batch=8, learning_rate=5e-4, seed=89)
SIDE = 128  # pixels it works at
WIDTHS = (96, 96, 96, 64, 48, 24)  # of the network at 4, 8, ... px
CRITIC = (48, 48, 48, 32, 24, 16)  # of the discriminator
L2, PERCEPTUAL, ADVERSARIAL = 1.0, 1e-2, 1e-2
SHOWN = 9_000  # renders that are kept in memory
MEASURED = 64  # held-out pictures of the numbers at the end


def training_mask(mask: Tensor) -> Tensor:
    """M_train = M where M <= 0.5, else 1 - M: the edit is never more than a ghost."""
    return torch.where(mask <= 0.5, mask, 1 - mask)


@torch.no_grad()
def ghosts(domain: Domain, steps: Tensor, clean: Tensor, rng: torch.Generator) -> Tensor:
    """Pictures [N, 3, r, r] with ghosts of a random edit each, along one of ``steps_of``."""
    net, side = domain.differential, clean.shape[-1]
    names = net.config.directions
    index = torch.randint(len(steps), [len(clean)], generator=rng)
    alpha = strengths(len(clean), rng)
    ws = domain.encode(clean)
    moved = ws + alpha[:, None, None].to(ws) * steps.to(ws)[index]
    before, after = drawn(domain, torch.cat([ws, moved]), side).chunk(2)
    where = located(net, domain, before, after, [names[i] for i in index.tolist()])
    mask = training_mask(shaped(where, USUAL, side))
    return fuse(clean, after, mask)


def answers(net: Deghosting, domain: Domain, fused: Tensor) -> Tensor:
    """What the network makes of composites [N, 3, r, r] of its own size; it alone has gradients."""
    with torch.no_grad():
        ws = domain.encode(fused)
        prior = prior_of(ws, domain.generator, net.config.resolution)
    with autocast(domain.device):
        made = net(fused, prior)
    return made.float()


def judged(critic: Discriminator, pictures: Tensor, real: bool) -> Tensor:
    """Binary cross-entropy of the discriminator's logits."""
    with autocast(pictures.device):
        logits = critic(pictures)
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, float(real)))


def train(
    domain: Domain,
    config: DeghostingConfig,
    plan: Plan,
    pictures: Tensor,
    folder: Path,
    minutes: float = math.inf,
) -> Loop:
    """Train as far as the minutes reach; the loop's ``parts["net"]`` is the network.

    Args:
        pictures: renders, uint8 [M, 3, r, r] of the network's size.
    """
    torch.manual_seed(plan.seed)
    device, layout = domain.device, torch.channels_last
    net = Deghosting(config).to(device, memory_format=layout).train()
    critic = Discriminator(CRITIC[: len(config.widths)]).to(device, memory_format=layout).train()
    optimiser = torch.optim.Adam(net.parameters(), betas=BETAS)
    critics = torch.optim.Adam(critic.parameters(), betas=BETAS)
    parts = {"net": net, "critic": critic, "optimiser": optimiser, "critics": critics}
    steps = steps_of(domain, domain.differential.config.directions)
    loop = Loop(plan, parts, folder, str(device), minutes)
    for rng in loop:
        pick = torch.randint(len(pictures), [plan.batch], generator=rng)
        clean = pictures[pick].to(device).float() / 127.5 - 1
        fused = ghosts(domain, steps, clean, rng)
        made = answers(net, domain, fused)
        l2 = F.mse_loss(made, clean)
        perceptual = perceptual_distance(domain.perceptual, made, clean).mean()
        critic.requires_grad_(False)
        fooled = judged(critic, made, real=True)
        optimiser.zero_grad(set_to_none=True)
        (L2 * l2 + PERCEPTUAL * perceptual + ADVERSARIAL * fooled).backward()
        optimiser.step()
        critic.requires_grad_(True)
        caught = judged(critic, clean, real=True) + judged(critic, made.detach(), real=False)
        critics.zero_grad(set_to_none=True)
        caught.backward()
        critics.step()
        ghost = F.mse_loss(fused, clean)
        loop.report(l2=l2, ghost=ghost, perceptual=perceptual, fooled=fooled, caught=caught)
    return loop


@torch.no_grad()
def measure(net: Deghosting, domain: Domain, pictures: Tensor) -> dict[str, float]:
    """PSNR (pooled, dB) and perceptual distance of held-out ghosts before and after."""
    rng = torch.Generator().manual_seed(PLAN.seed)
    steps = steps_of(domain, domain.differential.config.directions)
    sums = {"ghosts": torch.zeros(2), "without": torch.zeros(2)}
    for part in pictures.split(8):
        clean = part.to(domain.device).float() / 127.5 - 1
        fused = ghosts(domain, steps, clean, rng)
        for name, shown in (("ghosts", fused), ("without", answers(net, domain, fused))):
            shown = shown.clamp(-1, 1)
            error = (shown - clean).square().mean((1, 2, 3)).sum()
            apart = perceptual_distance(domain.perceptual, shown, clean).sum()
            sums[name] += torch.stack([error, apart]).cpu()
    found = {}
    for name, total in sums.items():
        error, apart = (total / len(pictures)).tolist()
        found |= {f"psnr_{name}": 10 * math.log10(4 / error), f"perceptual_{name}": apart}
    return found


def main() -> None:
    args = parser(__doc__).parse_args()
    keep_pages()
    domain = open_domain("portraits", args.device)
    config = config_for(domain.generator, SIDE, WIDTHS, domain.fingerprint)
    folder = args.state or CACHE / f"deghosting-state-{domain.fingerprint}"
    pictures = load_renders("train", config.resolution, SHOWN).pictures
    loop = train(domain, config, PLAN, pictures, folder, args.minutes)
    if not loop.finished:
        print(json.dumps({"net": "deghosting", "stopped": "the same command goes on"}))
        return
    net = loop.parts["net"]
    assert isinstance(net, Deghosting)
    net.eval().requires_grad_(False)
    save_deghosting(OUT / "deghosting.safetensors", net.cpu())
    held_out = load_renders("held_out", config.resolution, MEASURED).pictures[:MEASURED]
    measured = measure(net.to(domain.device), domain, held_out)
    print(json.dumps({"net": "deghosting"} | {k: round(v, 3) for k, v in measured.items()}))


if __name__ == "__main__":
    main()
