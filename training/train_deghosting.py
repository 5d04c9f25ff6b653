"""Train the deghosting network, on synthetic ghosts and on composites whose truth is known.

Ghosts, as published: renders I are inverted by the encoder and moved along a random direction each;
the edited picture T is blended into I by M_train = M where M <= 0.5, else 1 - M, so that nothing
but ghosts of it is ever there and I itself is the right answer (arXiv 2207.08134, section 3.3).

Composites, which only a rendered world has the truth of: the same render with one factor changed
(``training.edited``) tells how far to move along that factor's direction, and what F should have
looked like wherever the network may change it.

L2, perceptual and adversarial loss at the published weights 1 : 0.01 : 0.01. Resumable::

    python -m training.train_deghosting
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from editing.deghosting import Deghosting, DeghostingConfig, config_for, prior_of, save_deghosting
from editing.domains import Domain, open_domain
from editing.metrics import perceptual_distance
from editing.out_of_domain import USUAL, fuse, located, shaped, share_of
from training.dataset import CACHE, EDITED_OF, SPLITS, load_renders
from training.discriminator import Discriminator
from training.edited import factor_edited
from training.loop import Loop, Plan, parser
from training.train_differential import BETAS, drawn, steps_of, strengths
from training.train_readers import OUT

PLAN = Plan("deghosting", pictures=26_000, batch=8, learning_rate=5e-4, seed=89)
SIDE = 128  # pixels it works at
WIDTHS = (96, 96, 96, 64, 48, 24)  # of the network at 4, 8, ... px
CRITIC = (48, 48, 48, 32, 24, 16)  # of the discriminator
L2, PERCEPTUAL, ADVERSARIAL = 1.0, 1e-2, 1e-2
SHOWN = 5_000  # renders, and as many with a factor changed, kept in memory
MEASURED = 64  # of each, held out: the numbers at the end
FARTHEST = 3.0  # steps that an edit is moved by at most


@dataclass(frozen=True, eq=False)
class Examples:
    """Renders, and what a factor's change makes of them."""

    pictures: Tensor  # uint8 [M, 3, r, r]
    edited: Tensor  # uint8 [M, 3, r, r]
    factors: Sequence[str]  # what was changed, [M]

    def __len__(self) -> int:
        return len(self.pictures)

    def chosen(self, index: Tensor) -> Examples:
        """Those of these numbers [N]."""
        factors = [self.factors[i] for i in index.tolist()]
        return Examples(self.pictures[index], self.edited[index], factors)


@dataclass(frozen=True, eq=False)
class Composites:
    """What the network sees, and what it should make of it."""

    fused: Tensor  # [N, 3, r, r]
    mask: Tensor  # [N, 1, r, r]
    truth: Tensor  # [N, 3, r, r]

    def and_also(self, other: Composites) -> Composites:
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return Composites(*(torch.cat(pair) for pair in pairs))


def training_mask(mask: Tensor) -> Tensor:
    """M_train = M where M <= 0.5, else 1 - M: the edit is never more than a ghost."""
    return torch.where(mask <= 0.5, mask, 1 - mask)


def pictures_of(pixels: Tensor, domain: Domain) -> Tensor:
    return pixels.to(domain.device).float() / 127.5 - 1


@torch.no_grad()
def ghosts(domain: Domain, steps: Tensor, clean: Tensor, rng: torch.Generator) -> Composites:
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
    return Composites(fuse(clean, after, mask), mask, clean)


@torch.no_grad()
def composites(domain: Domain, steps: Tensor, examples: Examples) -> Composites:
    """Edits put into renders as in use, and the renders that they should have become.

    Each is moved along its factor's direction as far as the encoder's latents of both renders lie
    apart along it, by ``FARTHEST`` at most. Where the network's change does not count, F itself is
    the right answer.
    """
    net, side = domain.differential, examples.pictures.shape[-1]
    clean, true = (pictures_of(p, domain) for p in (examples.pictures, examples.edited))
    names = list(examples.factors)
    along = steps.to(clean)[[net.config.directions.index(name) for name in names]]
    ws, goal = domain.encode(torch.cat([clean, true])).chunk(2)
    apart = ((goal - ws) * along).sum((1, 2)) / along.square().sum((1, 2))
    moved = ws + apart.clamp(-FARTHEST, FARTHEST)[:, None, None] * along
    before, after = drawn(domain, torch.cat([ws, moved]), side).chunk(2)
    mask = shaped(located(net, domain, before, after, names), USUAL, side)
    fused = fuse(clean, after, mask)
    return Composites(fused, mask, torch.lerp(fused, true, share_of(mask)))


def answers(net: Deghosting, domain: Domain, seen: Composites) -> Tensor:
    """What the network makes of composites of its own size; it alone has gradients."""
    with torch.no_grad():
        ws = domain.encode(seen.fused)
        prior = prior_of(ws, domain.generator, net.config.resolution)
    with torch.autocast(domain.device.type, torch.bfloat16):
        made = net(seen.fused, seen.mask, prior)
    return made.float()


def counted(made: Tensor, seen: Composites) -> Tensor:
    """Answers as they are used: only as far as the mask lets them count."""
    return torch.lerp(seen.fused, made, share_of(seen.mask))


def error_inside(shown: Tensor, seen: Composites) -> Tensor:
    """Mean squared error where the mask lets answers count."""
    share = share_of(seen.mask)
    return (share * (shown - seen.truth).square()).sum() / (3 * share.sum()).clamp_min(1)


def error_of_halves(shown: Tensor, seen: Composites) -> Tensor:
    """``error_inside`` of ghosts and of composites, each by itself: ghosts are the fainter."""
    parts = zip(*(each.chunk(2) for each in (shown, *vars(seen).values())), strict=True)
    return torch.stack([error_inside(part[0], Composites(*part[1:])) for part in parts]).sum()


def error_outside(shown: Tensor, seen: Composites) -> Tensor:
    """Mean squared change where the mask is empty and F is right, for those who ask for all."""
    outside = 1 - share_of(seen.mask)
    return (outside * (shown - seen.fused).square()).sum() / (3 * outside.sum()).clamp_min(1)


def judged(critic: Discriminator, pictures: Tensor, real: bool) -> Tensor:
    """Binary cross-entropy of the discriminator's logits."""
    with torch.autocast(pictures.device.type, torch.bfloat16):
        logits = critic(pictures)
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, float(real)))


def train(
    domain: Domain,
    config: DeghostingConfig,
    plan: Plan,
    examples: Examples,
    folder: Path,
    minutes: float = math.inf,
) -> Loop:
    """Train as far as the minutes reach; the loop's ``parts["net"]`` is the network.

    Args:
        examples: of the network's size; half of every batch are ghosts, half composites.
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
        seen, clean = batch_of(domain, steps, examples, plan.batch, rng)
        whole = answers(net, domain, seen)
        made = counted(whole, seen)
        l2 = error_of_halves(made, seen) + error_outside(whole, seen)
        perceptual = perceptual_distance(domain.perceptual, made, seen.truth).mean()
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
        before = error_of_halves(seen.fused, seen)
        loop.report(l2=l2, before=before, perceptual=perceptual, fooled=fooled, caught=caught)
    return loop


def batch_of(
    domain: Domain, steps: Tensor, examples: Examples, count: int, rng: torch.Generator
) -> tuple[Composites, Tensor]:
    """Half ghosts, half composites, and real pictures [N, 3, r, r] for the discriminator."""
    half = count // 2
    pick = torch.randint(len(examples), [count], generator=rng)
    clean = pictures_of(examples.pictures[pick], domain)
    made = composites(domain, steps, examples.chosen(pick[half:]))
    return ghosts(domain, steps, clean[:half], rng).and_also(made), clean


@torch.no_grad()
def measure(net: Deghosting, domain: Domain, examples: Examples) -> dict[str, float]:
    """PSNR inside masks and perceptual distance, of ghosts and of composites, before and after."""
    rng = torch.Generator().manual_seed(PLAN.seed)
    steps = steps_of(domain, domain.differential.config.directions)
    sums = {f"{what}_{when}": torch.zeros(2) for what in ("ghosts", "composites")
            for when in ("before", "after")}  # fmt: skip
    for index in torch.arange(len(examples)).split(8):
        part = examples.chosen(index)
        clean = pictures_of(part.pictures, domain)
        for what, seen in (
            ("ghosts", ghosts(domain, steps, clean, rng)),
            ("composites", composites(domain, steps, part)),
        ):
            after = counted(answers(net, domain, seen), seen)
            for when, shown in (("before", seen.fused), ("after", after)):
                shown = shown.clamp(-1, 1)
                error = error_inside(shown, seen) * len(part)
                apart = perceptual_distance(domain.perceptual, shown, seen.truth).sum()
                sums[f"{what}_{when}"] += torch.stack([error, apart]).cpu()
    found = {}
    for name, total in sums.items():
        error, apart = (total / len(examples)).tolist()
        found |= {
            f"psnr_{name}": 10 * math.log10(4 / max(error, 1e-9)),
            f"perceptual_{name}": apart,
        }
    return found


def load_examples(split: str, side: int, count: int) -> Examples:
    """Renders of one of ``EDITED_OF``, and the same without the edit."""
    edited = load_renders(split, side, count)
    plain = load_renders(EDITED_OF[split], side, count)
    pictures = plain.pictures[edited.seeds - SPLITS[split]]
    factors = [factor_edited(seed)[0] for seed in edited.seeds]
    return Examples(pictures, edited.pictures, factors)


def main() -> None:
    args = parser(__doc__).parse_args()
    domain = open_domain("portraits", args.device)
    config = config_for(domain.generator, SIDE, WIDTHS, domain.fingerprint)
    folder = args.state or CACHE / f"deghosting-state-{domain.fingerprint}"
    examples = load_examples("edited", config.resolution, SHOWN)
    loop = train(domain, config, PLAN, examples, folder, args.minutes)
    if not loop.finished:
        print(json.dumps({"net": "deghosting", "stopped": "the same command goes on"}))
        return
    net = loop.parts["net"]
    assert isinstance(net, Deghosting)
    net.eval().requires_grad_(False)
    save_deghosting(OUT / "deghosting.safetensors", net.cpu())
    held_out = load_examples("held_out_edited", config.resolution, MEASURED)
    measured = measure(net.to(domain.device), domain, held_out.chosen(torch.arange(MEASURED)))
    print(json.dumps({"net": "deghosting"} | {k: round(v, 3) for k, v in measured.items()}))


if __name__ == "__main__":
    main()
