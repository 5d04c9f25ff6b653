"""Train the identity network: near for one person on another day, far for another person.

Supervised contrastive learning (Khosla et al. 2020, eq. 2) on renders of the same people under
other pose, light, expression, glasses, clothes and background. Resumable::

    python -m training.train_identity
"""

from __future__ import annotations

import json

import torch
import torch.nn.functional as F
from torch import Tensor

from editing.features import PictureNet, PictureNetConfig, save_picture_net
from training.dataset import CACHE, Renders, load_renders
from training.loop import Loop, Plan, parser
from training.persons import PICTURES, person_of
from training.precision import autocast, keep_pages
from training.train_readers import OUT, augment

RESOLUTION = 64  # pixels: what makes a person is large
CONFIG = PictureNetConfig(
    "residual", RESOLUTION, (24, 48, 96, 160), num_outputs=64, grid=4, hidden=192
)
PLAN = Plan("identity", pictures=200_000, batch=256, learning_rate=2e-3, seed=51)
TEMPERATURE = 0.1


def supervised_contrastive_loss(embeddings: Tensor, persons: Tensor) -> Tensor:
    """Embeddings [N, D] of pictures of ``persons`` [N], each with another picture among them."""
    unit = F.normalize(embeddings, dim=1)
    itself = torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    scores = (unit @ unit.T / TEMPERATURE).masked_fill(itself, -1e4)
    same = (persons[:, None] == persons[None]) & ~itself
    shares = scores.log_softmax(1)
    return -((shares * same).sum(1) / same.sum(1)).mean()


def verification(net: PictureNet, renders: Renders) -> tuple[Tensor, Tensor]:
    """Cosines of all pairs of pictures, and whether they show one person; each [pairs]."""
    with torch.no_grad():
        parts = [net(part.float() / 127.5 - 1) for part in renders.pictures.split(100)]
    unit = F.normalize(torch.cat(parts), dim=1)
    a, b = torch.triu_indices(len(unit), len(unit), 1)
    persons = torch.from_numpy(person_of(renders.seeds))
    return (unit @ unit.T)[a, b], persons[a] == persons[b]


def auc(scores: Tensor, positive: Tensor) -> float:
    """Chance that a positive scores higher than a negative (ties count half)."""
    order = scores.double().argsort()
    ranks = torch.empty(len(scores), dtype=torch.double)
    ranks[order] = torch.arange(1, len(scores) + 1, dtype=torch.double)
    n = int(positive.sum())
    below = ranks[positive].sum().item() - n * (n + 1) / 2
    return below / (n * (len(scores) - n))


def main() -> None:
    args = parser(__doc__).parse_args()
    keep_pages()
    torch.manual_seed(PLAN.seed)
    net = PictureNet(CONFIG).to(args.device, memory_format=torch.channels_last).train()
    optimiser = torch.optim.AdamW(net.parameters(), weight_decay=0.05)
    renders = load_renders("persons", RESOLUTION)
    pictures = renders.pictures.view(-1, PICTURES, 3, RESOLUTION, RESOLUTION)
    folder = args.state or CACHE / "identity-state"
    loop = Loop(PLAN, {"net": net, "optimiser": optimiser}, folder, args.device, args.minutes)
    people = PLAN.batch // PICTURES
    persons = torch.arange(people, device=args.device).repeat_interleave(PICTURES)
    for rng in loop:
        pick = torch.randperm(len(pictures), generator=rng)[:people]
        shown = pictures[pick].flatten(0, 1).to(args.device).float() / 127.5 - 1
        shown = augment(shown, rng).contiguous(memory_format=torch.channels_last)
        with autocast(args.device):
            embeddings = net(shown)
        loss = supervised_contrastive_loss(embeddings.float(), persons)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        loop.report(loss=loss)
    if not loop.finished:
        print(json.dumps({"net": "identity", "stopped": "the same command goes on"}))
        return
    net = net.cpu().eval()
    save_picture_net(OUT / "identity.safetensors", net)
    found = auc(*verification(net, load_renders("held_out_persons", RESOLUTION)))
    print(json.dumps({"net": "identity", "auc": round(found, 4)}))


if __name__ == "__main__":
    main()
