"""Perceptual and identity networks: do they call alike what people call alike?"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.rows import Row, held_out, to_bytes, to_float
from editing.models.domain import Domain
from editing.pictures.metrics import perceptual_distance
from training.train_features import gaussian_blur
from training.train_identity import auc, verification

REFERENCES = 200  # portraits
SIDE = 128  # pixels of the portraits compared
Distort = Callable[[Tensor, float], Tensor]


def shifted(picture: Tensor, pixels: float) -> Tensor:
    """[1, 3, R, R] moved to the right and down, by parts of pixels too."""
    turn = torch.eye(2, 3)[None]
    turn[:, :, 2] = -2 * pixels / picture.shape[-1]
    grid = F.affine_grid(turn, list(picture.shape), align_corners=False)
    return F.grid_sample(picture, grid, padding_mode="reflection", align_corners=False)


def noisy(picture: Tensor, sigma: float) -> Tensor:
    rng = torch.Generator().manual_seed(0)
    return (picture + sigma * torch.randn(picture.shape, generator=rng)).clamp(-1, 1)


DISTORTIONS: dict[str, tuple[Distort, float]] = {  # and the most that still is small
    "shift": (shifted, 6.0),  # pixels
    "blur": (gaussian_blur, 4.0),  # pixels
    "noise": (noisy, 0.5),  # of [-1, 1]
}


def squared_error(a: Tensor, b: Tensor) -> float:
    return (a - b).square().mean().item()


def distort(picture: Tensor, kind: str, error: float) -> tuple[Tensor, float] | None:
    """The picture distorted until its MSE is ``error``, and how much; None where it takes more."""
    how, most = DISTORTIONS[kind]
    if squared_error(how(picture, most), picture) < error:
        return None
    low, high = 1e-3, most
    for _ in range(14):
        middle = (low + high) / 2
        if squared_error(how(picture, middle), picture) < error:
            low = middle
        else:
            high = middle
    return to_float(to_bytes(how(picture, high))), high


@torch.no_grad()
def read_perceptual(domain: Domain, count: int) -> list[Row]:
    """'Same person, shifted, blurred or noisy' against the nearest other person, same pixel MSE."""
    pool = to_float(held_out(count, resolution=SIDE).pictures)
    rows, all_right = [], []
    small = F.avg_pool2d(pool, 4).flatten(1)
    nearest = (torch.cdist(small, small) + 1e9 * torch.eye(len(pool))).argmin(1)
    for kind in DISTORTIONS:
        right, right_mse, strengths = [], [], []
        for i in range(min(REFERENCES, count)):
            same, other = pool[i : i + 1], pool[nearest[i] : nearest[i] + 1]
            found = distort(same, kind, squared_error(same, other))
            if found is None:
                continue
            changed, strength = found
            both = perceptual_distance(
                domain.perceptual, same.expand(2, -1, -1, -1), torch.cat([changed, other])
            )
            right.append(bool(both[0] < both[1]))
            right_mse.append(squared_error(same, changed) < squared_error(same, other))
            strengths.append(strength)
        if not right:
            continue
        all_right += right
        share, share_mse = sum(right) / len(right), sum(right_mse) / len(right)
        value = f"{share:.1%} (plain MSE {share_mse:.0%}), {len(right)} pairs, "
        value += f"mean strength {sum(strengths) / len(strengths):.2f}"
        rows.append(Row("perceptual", f"{kind} nearer than another person", value))
    share = sum(all_right) / len(all_right)
    rows.append(Row("perceptual", "all of them", f"{share:.1%}", ">= 95 %", share >= 0.95))
    return rows


def read_identity(domain: Domain, count: int) -> list[Row]:
    """Verification on pairs of held-out persons."""
    net = domain.identity
    if net is None:
        return [Row("identity", "verification AUC", "no such network", ">= 0.97", False)]
    renders = held_out(count, "held_out_persons", net.config.resolution)
    scores, same = verification(net, renders)
    found = auc(scores, same)
    cosines = f"{scores[same].mean():.2f} same, {scores[~same].mean():.2f} other"
    return [
        Row("identity", f"verification AUC, {int(same.sum())} pairs of one person",
            f"{found:.4f}", ">= 0.97", found >= 0.97),
        Row("identity", "mean cosine", cosines),
    ]  # fmt: skip
