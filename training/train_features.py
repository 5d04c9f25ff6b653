"""Train the features that precision and recall are measured in: self-supervised, never landed.

Instance discrimination (Chen et al. 2020, SimCLR) on renders: two views of a picture, moved and
tinted a little, are near; all other pictures are far, and so is the same picture once it is
blurred, noisy or enlarged from half its size. Without that a network that tells people apart would
not notice a generator that draws them softly. Resumable::

    python -m training.train_features
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from editing.features import PictureNet, PictureNetConfig, save_picture_net
from training.dataset import CACHE, load_renders
from training.loop import Loop, Plan, parser
from training.precision import autocast, keep_pages

CHANNELS = (24, 48, 96, 160, 192)
PLAN = Plan("features", pictures=40_000, batch=96, learning_rate=2e-3, seed=61)
TEMPERATURE = 0.2
SPLIT = "judge"  # the judge's renders: the generator has never seen them


def features_path(resolution: int) -> Path:
    """Where the network for pictures of this size lies."""
    return CACHE / f"features-{resolution}.safetensors"


def make_net(resolution: int) -> PictureNet:
    """One more stage for every doubling beyond 128 px."""
    extra = tuple(CHANNELS[0] for _ in range(int(math.log2(resolution / 128))))
    return PictureNet(
        PictureNetConfig("residual", resolution, extra + CHANNELS, num_outputs=64, grid=2)
    )


def describe(net: PictureNet, pictures: Tensor) -> Tensor:
    """The features [N, C]: the last maps, averaged over places."""
    return net.features(pictures)[-1].float().mean((2, 3))


def gaussian_blur(pictures: Tensor, sigma: float) -> Tensor:
    """[N, 3, R, R] under a Gaussian of ``sigma`` pixels, mirrored at the borders."""
    reach = max(1, math.ceil(3 * sigma))
    x = torch.arange(-reach, reach + 1, device=pictures.device, dtype=pictures.dtype)
    kernel = torch.exp(-x.square() / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).view(1, 1, 1, -1).expand(3, 1, 1, -1)
    padded = F.pad(pictures, (reach,) * 4, mode="reflect")
    rows: Tensor = F.conv2d(padded, kernel, groups=3)
    return F.conv2d(rows, kernel.transpose(2, 3), groups=3)


def view(pictures: Tensor, rng: torch.Generator) -> Tensor:
    """Moved by a few pixels, mirrored and tinted at random; as sharp as before."""
    n, _, side, _ = pictures.shape
    pad = side // 32
    padded = F.pad(pictures, (pad,) * 4, mode="reflect")
    shifts = torch.randint(0, 2 * pad + 1, [n, 2], generator=rng).tolist()
    cut = [p[:, y : y + side, x : x + side] for p, (y, x) in zip(padded, shifts, strict=True)]
    flip = (torch.rand(n, 1, 1, 1, generator=rng) < 0.5).to(pictures.device)
    moved = torch.stack(cut)
    moved = torch.where(flip, moved.flip(3), moved)
    gain = 1 + 0.1 * (torch.rand(n, 3, 1, 1, generator=rng) * 2 - 1).to(pictures)
    shift = 0.1 * (torch.rand(n, 3, 1, 1, generator=rng) * 2 - 1).to(pictures)
    return moved * gain + shift


def degrade(pictures: Tensor, rng: torch.Generator) -> Tensor:
    """A third of the batch blurred, a third noisy, a third enlarged from half the size."""
    blurred, noisy, small = pictures.tensor_split(3)
    sigma = 0.6 + 1.4 * float(torch.rand((), generator=rng))
    strength = 0.05 + 0.1 * torch.rand(len(noisy), 1, 1, 1, generator=rng).to(pictures)
    noise = torch.randn(noisy.shape, generator=rng).to(pictures)
    half = F.avg_pool2d(small, 2)
    large = F.interpolate(half, scale_factor=2, mode="bilinear", align_corners=False)
    return torch.cat([gaussian_blur(blurred, sigma), noisy + strength * noise, large])


def contrastive_loss(a: Tensor, b: Tensor, others: Tensor) -> Tensor:
    """NT-Xent of two views [N, D] each, with ``others`` [M, D] as further negatives."""
    views, far = F.normalize(torch.cat([a, b]), dim=1), F.normalize(others, dim=1)
    itself = torch.eye(len(views), dtype=torch.bool, device=views.device)
    scores = (views @ views.T / TEMPERATURE).masked_fill(itself, -1e4)
    scores = torch.cat([scores, views @ far.T / TEMPERATURE], dim=1)
    partner = torch.arange(len(views), device=views.device).roll(len(a))
    return F.cross_entropy(scores, partner)


def main() -> None:
    flags = parser(__doc__)
    flags.add_argument("--resolution", type=int, default=128)
    args = flags.parse_args()
    keep_pages()
    torch.manual_seed(PLAN.seed)
    net = make_net(args.resolution).to(args.device, memory_format=torch.channels_last).train()
    optimiser = torch.optim.AdamW(net.parameters(), weight_decay=0.02)
    pictures = load_renders(SPLIT, args.resolution).pictures
    folder = args.state or CACHE / f"features-{args.resolution}-state"
    loop = Loop(PLAN, {"net": net, "optimiser": optimiser}, folder, args.device, args.minutes)
    for rng in loop:
        pick = torch.randint(len(pictures), [PLAN.batch], generator=rng)
        clean = pictures[pick].to(args.device).float() / 127.5 - 1
        a, b = view(clean, rng), view(clean, rng)
        shown = torch.cat([a, b, degrade(view(clean, rng), rng)])
        with autocast(args.device):
            read = net(shown.contiguous(memory_format=torch.channels_last))
        loss = contrastive_loss(*read.float().tensor_split(3))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        loop.report(loss=loss)
    if loop.finished:
        save_picture_net(features_path(args.resolution), net.cpu().eval())
    print(json.dumps({"net": "features", "finished": loop.finished}))


if __name__ == "__main__":
    main()
