"""How good the bundled models are, on renders and latents that none was trained on.

    python -m benchmarks.models            # renders 1,000 held-out portraits first, once

Prints the numbers of the model card: how well scorer and judge read each factor, how near the
encoder comes, and what each boundary moves, read by the judge.
"""

import argparse
import subprocess
import sys

import numpy as np
import torch
from torch import Tensor

from editing.directions import boundary, move
from editing.domains import Domain, open_domain, open_judge
from editing.latents import sample_z
from training.dataset import CACHE, load_renders
from training.factors import NAMES
from training.train_readers import accuracy, labels_of

HELD_OUT = 1_000
FIRST_SEED = 50_000  # of the latents that are edited
SHIFT = 2  # pixels


def held_out() -> None:
    """Render the held-out portraits where they are not yet cached."""
    if not list(CACHE.glob("held_out-128-*.npz")):
        command = ["-m", "training.dataset", "--split", "held_out", "--count", str(HELD_OUT)]
        subprocess.run([sys.executable, *command], check=True)


def auc(readings: Tensor, positive: Tensor) -> float:
    """Chance that a positive reads higher than a negative."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(positive.numpy(), readings.numpy()))


@torch.no_grad()
def read_readers(domain: Domain) -> None:
    """R² per factor, AUC of glasses, and the change of reading under a shift of 2 px."""
    renders = load_renders("held_out", 128, HELD_OUT)
    labels, _ = labels_of(renders)
    pictures = renders.pictures.float() / 127.5 - 1
    glasses = NAMES.index("eyeglasses")
    for name, net in (("scorer", domain.scorer), ("judge", open_judge(domain))):
        scores = accuracy(net, renders)
        read = torch.cat([net(p) for p in pictures.split(100)])
        moved = torch.cat([net(p.roll(SHIFT, 3)) for p in pictures.split(100)])
        print(f"{name}: R2 mean {np.mean(list(scores.values())):.3f}, ", end="")
        print(f"AUC glasses {auc(read[:, glasses], labels[:, glasses] > 0):.4f}, ", end="")
        print(f"shift {(moved - read).abs().mean():.3f} sigma")
        rows = sorted(scores.items(), key=lambda item: item[1])
        print("  " + ", ".join(f"{factor} {value:.2f}" for factor, value in rows))


@torch.no_grad()
def read_encoder(domain: Domain) -> None:
    """PSNR of held-out renders through the encoder, and through the mean latent."""
    pictures = load_renders("held_out", 128, HELD_OUT).pictures.float() / 127.5 - 1
    generator = domain.generator
    mean = generator.mapping.w_avg.expand(1, generator.num_ws, -1)

    def score(drawn: Tensor, wanted: Tensor) -> Tensor:
        error = (drawn.clamp(-1, 1) - wanted).square().mean(dim=(1, 2, 3))
        return 10 * (4 / error).log10()

    middle = generator.synthesis(mean)
    found = torch.cat(
        [score(generator.synthesis(domain.encode(p)), p) for p in pictures.split(50)]
    ).mean()
    base = score(middle, pictures).mean()
    print(f"encoder: PSNR {found:.2f} dB, gain over the mean latent {found - base:.2f} dB")


@torch.no_grad()
def read_boundaries(domain: Domain, count: int) -> None:
    """What one step along each boundary changes, in the judge's sigma."""
    judge = open_judge(domain)
    generator = domain.generator
    z = sample_z(range(FIRST_SEED, FIRST_SEED + count), generator.z_dim)
    ws = generator.mapping(z, truncation_psi=0.7)

    def read(latents: Tensor) -> Tensor:
        return torch.cat([judge(generator.synthesis(w).clamp(-1, 1)) for w in latents.split(50)])

    print(f"boundaries: change of the judge's reading for alpha -2 / +2, {count} latents")
    before = read(ws)
    for name in domain.boundaries:
        direction = boundary(domain, name)
        low, high = (read(move(ws, direction, alpha)) - before for alpha in (-2.0, 2.0))
        own = judge.outputs.index(name)
        others = sorted(
            ((high[:, i].mean().item(), n) for i, n in enumerate(judge.outputs) if i != own),
            key=lambda pair: -abs(pair[0]),
        )
        side = ", ".join(f"{n} {v:+.2f}" for v, n in others[:3])
        print(f"  {name}: {low[:, own].mean():+.2f} / {high[:, own].mean():+.2f}; also {side}")
        for part in ("validation", "all"):
            quality = direction.meta[part]
            print(f"    {part}: accuracy {quality['accuracy']:.3f}, AUC {quality['auc']:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=200, help="latents that are edited")
    args = parser.parse_args()
    held_out()
    domain = open_domain("portraits")
    read_readers(domain)
    read_encoder(domain)
    read_boundaries(domain, args.count)


if __name__ == "__main__":
    main()
