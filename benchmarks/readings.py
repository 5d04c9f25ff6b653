"""Scorer, judge, encoder and boundaries: how well they read, and what they move."""

import io

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.rows import Row, held_out, read, to_bytes, to_float
from editing.directions.direction import boundary, move
from editing.models.domain import Domain, open_judge
from editing.models.latents import sample_z
from editing.models.networks.picture_nets import PictureNet
from training.factors import MIRRORED, NAMES
from training.train_identity import auc
from training.train_readers import accuracy, labels_of

FIRST_SEED = 50_000  # of the latents that are edited
SHIFT = 2  # pixels
QUALITY = 80  # of JPEG


def as_jpeg(pictures: Tensor, quality: int = QUALITY) -> Tensor:
    """uint8 pictures [N, 3, R, R] through a JPEG file each."""
    back = []
    for picture in pictures:
        file = io.BytesIO()
        Image.fromarray(picture.permute(1, 2, 0).numpy()).save(file, "JPEG", quality=quality)
        back.append(torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1))
    return torch.stack(back)


def read_readers(domain: Domain, count: int) -> list[Row]:
    """R² where a feature shows, AUC of glasses, and what must not change a reading."""
    renders = held_out(count)
    labels, _ = labels_of(renders)
    glasses = NAMES.index("eyeglasses")
    rows = []
    for name, net in (("scorer", domain.scorer), ("judge", open_judge(domain))):
        scores = accuracy(net, renders)
        mean, worst = float(np.mean(list(scores.values()))), min(scores.values())
        weakest = sorted(scores, key=lambda factor: scores[factor])[:5]
        listed = ", ".join(f"{factor} {scores[factor]:.2f}" for factor in weakest)
        before = read(net, renders.pictures)
        found = auc(before[:, glasses], labels[:, glasses] > 0)
        rows += [
            Row(name, "R2, mean / least", f"{mean:.3f} / {worst:.3f}", ">= 0.93 / >= 0.75",
                mean >= 0.93 and worst >= 0.75),
            Row(name, "R2, weakest", listed),
            Row(name, "AUC of glasses", f"{found:.4f}", ">= 0.98", found >= 0.98),
        ]  # fmt: skip
        rows += robustness(name, net, renders.pictures, before)
    return rows


def robustness(name: str, net: PictureNet, pictures: Tensor, before: Tensor) -> list[Row]:
    """Mean change of reading, in σ, under changes that leave the portrait what it is."""
    sign = torch.tensor([-1.0 if factor in MIRRORED else 1.0 for factor in NAMES])
    changed = {
        "mirror": read(net, pictures.flip(3)) * sign,
        f"shift by {SHIFT} px": read(net, pictures.roll(SHIFT, 3)),
        f"JPEG {QUALITY}": read(net, as_jpeg(pictures)),
    }
    sizes = {how: (after - before).abs().mean().item() for how, after in changed.items()}
    return [
        Row(name, f"change under {how}", f"{size:.3f} σ", "<= 0.1 σ", size <= 0.1)
        for how, size in sizes.items()
    ]


@torch.no_grad()
def read_encoder(domain: Domain, count: int) -> list[Row]:
    """PSNR of held-out renders through the encoder, and through the mean latent."""
    pictures = held_out(count).pictures
    generator = domain.generator
    mean = generator.mapping.w_avg.expand(1, generator.num_ws, -1)
    middle = generator.synthesis(mean)
    if middle.shape[-1] != pictures.shape[-1]:
        pictures = held_out(count, resolution=middle.shape[-1]).pictures

    def psnr(drawn: Tensor, wanted: Tensor) -> Tensor:
        error = (drawn.clamp(-1, 1) - wanted).square().mean(dim=(1, 2, 3))
        return 10 * (4 / error).log10()

    parts = [to_float(part) for part in pictures.split(50)]
    found = torch.cat([psnr(generator.synthesis(domain.encode(p)), p) for p in parts]).mean().item()
    gain = found - torch.cat([psnr(middle, p) for p in parts]).mean().item()
    return [
        Row("encoder", "PSNR through W+", f"{found:.2f} dB", ">= 20 dB", found >= 20),
        Row("encoder", "gain over the mean latent", f"{gain:.2f} dB", ">= 6 dB", gain >= 6),
    ]


@torch.no_grad()
def read_boundaries(domain: Domain, count: int) -> list[Row]:
    """What two steps along each boundary change at psi 0.7, in the judge's σ."""
    judge, generator = open_judge(domain), domain.generator
    z = sample_z(range(FIRST_SEED, FIRST_SEED + count), generator.z_dim)
    ws = generator.mapping(z, truncation_psi=0.7)

    def readings(latents: Tensor) -> Tensor:
        return torch.cat([read(judge, to_bytes(generator.synthesis(w))) for w in latents.split(50)])

    before, rows = readings(ws), []
    for name in domain.boundaries:
        direction = boundary(domain, name)
        low, high = (readings(move(ws, direction, alpha)) - before for alpha in (-2.0, 2.0))
        own = judge.outputs.index(name)
        others = sorted(
            ((high[:, i].mean().item(), n) for i, n in enumerate(judge.outputs) if i != own),
            key=lambda pair: -abs(pair[0]),
        )
        also = ", ".join(f"{n} {v:+.2f}" for v, n in others[:3])
        value = f"{low[:, own].mean():+.2f} / {high[:, own].mean():+.2f} σ; also {also}"
        rows.append(Row("boundary", f"{name}, alpha -2 / +2", value))
    return rows
