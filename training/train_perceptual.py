"""Train the perceptual network: near for a picture distorted, far for another person.

The distance itself (``editing.metrics.perceptual_distance``) is trained on the two-alternative
test: a picture shifted, blurred or noisy must be nearer than the other portrait of the world that
is most like it pixel by pixel. Beside it the network reads the factors, so that its maps hold what
portraits are made of. Resumable::

    python -m training.train_perceptual
"""

from __future__ import annotations

import json

import torch
import torch.nn.functional as F
from torch import Tensor

from editing.features import PictureNet, PictureNetConfig, save_picture_net
from editing.metrics import feature_distance
from training.dataset import CACHE, load_renders
from training.factors import NAMES, NUM_FACTORS
from training.loop import Loop, Plan, parser
from training.precision import autocast, keep_pages
from training.train_features import gaussian_blur
from training.train_readers import OUT, labels_of

CONFIG = PictureNetConfig("residual", 128, (24, 48, 96, 160, 192), NAMES, NUM_FACTORS, grid=2)
PLAN = Plan("perceptual", pictures=24_000, batch=32, learning_rate=1.5e-3, seed=71)
SHARPNESS = 0.02  # distance at which the ranking is sure
MOST_SHIFT, MOST_BLUR = 7.0, 4.0  # pixels


def most_alike(pictures: Tensor) -> Tensor:
    """Index of the other picture with the least squared difference at 16 px, [N]."""
    parts = [F.adaptive_avg_pool2d(part.float(), 16) for part in pictures.split(500)]
    small = torch.cat(parts).flatten(1) / 127.5
    found = []
    for start in range(0, len(small), 500):
        apart = torch.cdist(small[start : start + 500], small)
        rows = torch.arange(len(apart))
        apart[rows, rows + start] = torch.inf
        found.append(apart.argmin(1))
    return torch.cat(found)


def distort(pictures: Tensor, error: Tensor, rng: torch.Generator) -> Tensor:
    """A third moved, a third blurred, a third noisy with a mean square of up to ``error`` [N]."""
    moved, soft, noisy = pictures.tensor_split(3)
    turn = torch.eye(2, 3).repeat(len(moved), 1, 1)
    way = torch.randn(len(moved), 2, generator=rng)
    way = way / way.norm(dim=1, keepdim=True) * torch.rand(len(moved), 1, generator=rng)
    turn[:, :, 2] = way * 2 * MOST_SHIFT / pictures.shape[-1]
    grid = F.affine_grid(turn.to(moved), list(moved.shape), align_corners=False)
    moved = F.grid_sample(moved, grid, padding_mode="reflection", align_corners=False)
    soft = gaussian_blur(soft, 0.3 + (MOST_BLUR - 0.3) * float(torch.rand((), generator=rng)))
    strength = error[-len(noisy) :].sqrt() * (0.3 + 0.9 * torch.rand(len(noisy), generator=rng))
    noise = torch.randn(noisy.shape, generator=rng).to(noisy)
    noisy = noisy + noise * strength.to(noisy)[:, None, None, None]
    return torch.cat([moved, soft, noisy.clamp(-1, 1)])


def maps_and_readings(net: PictureNet, pictures: Tensor) -> tuple[list[Tensor], Tensor]:
    """Unit feature maps of every tap, and the head's readings, from one pass."""
    taps = net.features(pictures)
    pooled = F.adaptive_avg_pool2d(taps[-1], net.config.grid).flatten(1)
    return [F.normalize(tap.float(), dim=1, eps=1e-6) for tap in taps], net.head(pooled)


def main() -> None:
    args = parser(__doc__).parse_args()
    keep_pages()
    torch.manual_seed(PLAN.seed)
    net = PictureNet(CONFIG).to(args.device, memory_format=torch.channels_last).train()
    optimiser = torch.optim.AdamW(net.parameters(), weight_decay=0.02)
    renders = load_renders("train", CONFIG.resolution)
    labels, seen = labels_of(renders)
    alike = most_alike(renders.pictures)
    folder = args.state or CACHE / "perceptual-state"
    loop = Loop(PLAN, {"net": net, "optimiser": optimiser}, folder, args.device, args.minutes)
    for rng in loop:
        pick = torch.randint(len(labels), [PLAN.batch], generator=rng)
        clean, other = (
            renders.pictures[i].to(args.device).float() / 127.5 - 1 for i in (pick, alike[pick])
        )
        error = (clean - other).square().mean((1, 2, 3)).cpu()
        shown = torch.cat([clean, distort(clean, error, rng), other])
        with autocast(args.device):
            taps, readings = maps_and_readings(
                net, shown.contiguous(memory_format=torch.channels_last)
            )
        itself, changed, another = zip(*(tap.tensor_split(3) for tap in taps), strict=True)
        ahead = feature_distance(list(itself), list(another)) - feature_distance(
            list(itself), list(changed)
        )
        ranking = F.softplus(1 - ahead / SHARPNESS).mean()
        which = torch.cat([pick, pick, alike[pick]])
        wrong = F.smooth_l1_loss(
            readings.float(), labels[which].to(args.device), reduction="none", beta=0.5
        )
        reading = (wrong * seen[which].to(args.device)).mean()
        loss = ranking + 4 * reading
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        right = (ahead > 0).float().mean()
        loop.report(ranking=ranking, reading=reading, right=right)
    if loop.finished:
        save_picture_net(OUT / "perceptual.safetensors", net.cpu().eval())
    print(json.dumps({"net": "perceptual", "finished": loop.finished}))


if __name__ == "__main__":
    main()
