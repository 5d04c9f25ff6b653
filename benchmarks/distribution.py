"""The generator's samples against renders: as sharp, as varied, and as they hang together?"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from benchmarks.rows import Row, held_out, read, to_bytes, to_float
from editing.directions import boundary
from editing.domains import Domain, open_judge
from editing.features import PictureNet, load_picture_net
from editing.latents import sample_z
from editing.separation import train_boundary
from training.dataset import Z_DIM, seeds_to_z
from training.factors import INDEX, NAMES, LatentWorld, couple, coupling_matrix
from training.renderer import render
from training.train_features import describe, features_path, gaussian_blur

FIRST_SEED = 30_000_000  # of the samples; far from renders, boundaries and favourite seeds
NEIGHBOUR = 3  # k of improved precision and recall
SPECTRA = 1_000  # pictures
NOISY = 12  # latents whose noise is drawn anew


@dataclass(frozen=True, eq=False)
class Group:
    """What is measured of a set of pictures."""

    readings: Tensor  # [N, F], the judge's, in σ
    features: Tensor  # [M, C]
    power: float  # mean power in the top octave


def top_octave(pictures: Tensor) -> float:
    """Mean power of luminance at half to all of the highest frequency, under a Hann window."""
    side = pictures.shape[-1]
    window = torch.hann_window(side)
    grey = to_float(pictures).mean(1) * window * window[:, None]
    power = torch.fft.fft2(grey).abs().square().mean(0)
    frequency = torch.fft.fftfreq(side).abs()
    radius = (frequency.square() + frequency.square()[:, None]).sqrt()
    return power[(radius >= 0.25) & (radius <= 0.5)].mean().item()


def measure(judge: PictureNet, net: PictureNet, pictures: Tensor, shares: int) -> Group:
    """Of uint8 pictures; features of the first ``shares`` alone."""
    with torch.no_grad():
        features = [describe(net, to_float(part)) for part in pictures[:shares].split(50)]
    return Group(read(judge, pictures), torch.cat(features), top_octave(pictures[:SPECTRA]))


def radii(features: Tensor) -> Tensor:
    """Distance to the k-th nearest neighbour, [N]."""
    return torch.cat(
        [torch.cdist(part, features).kthvalue(NEIGHBOUR + 1, dim=1).values
         for part in features.split(500)]
    )  # fmt: skip


def coverage(queries: Tensor, points: Tensor) -> float:
    """Share of ``queries`` in the manifold of ``points``: as near to one as its k-th neighbour.

    Improved precision is coverage(samples, renders), recall the other way round (Kynkäänniemi et
    al. 2019, eq. 1-3).
    """
    reach = radii(points)
    inside = [(torch.cdist(q, points) <= reach).any(1) for q in queries.split(500)]
    return torch.cat(inside).float().mean().item()


def largest_gap(a: Tensor, b: Tensor) -> float:
    """Kolmogorov-Smirnov distance of two samples [N] and [M]."""
    points = torch.cat([a, b]).sort().values
    low, high = a.sort().values.contiguous(), b.sort().values.contiguous()
    below = [torch.searchsorted(s, points, right=True) / len(s) for s in (low, high)]
    return (below[0] - below[1]).abs().max().item()


@torch.no_grad()
def draw(domain: Domain, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Latents z [N, z_dim] and w [N, w_dim] of untruncated samples, and their uint8 pictures."""
    generator = domain.generator
    latents, rows, pictures = [], [], []
    for start in range(0, count, 50):
        seeds = range(FIRST_SEED + start, FIRST_SEED + min(start + 50, count))
        z = sample_z(seeds, generator.z_dim)
        ws = generator.mapping(z)
        latents.append(z)
        rows.append(ws[:, 0])
        pictures.append(to_bytes(generator.synthesis(ws)))
    return torch.cat(latents), torch.cat(rows), torch.cat(pictures)


def read_generator(domain: Domain, samples: int) -> list[Row]:
    """Precision, recall, KS distances, correlations, spectrum, noise, and the boundaries' axes.

    Half as many renders as samples; precision and recall see as many of both.
    """
    side = domain.generator.img_resolution
    path = features_path(side)
    if not path.is_file():
        raise SystemExit(f"{path} is missing: run python -m training features")
    judge, net = open_judge(domain), load_picture_net(path)
    half = samples // 2
    renders = held_out(half, resolution=side).pictures
    real = measure(judge, net, renders, half)
    z, w, pictures = draw(domain, samples)
    drawn = measure(judge, net, pictures, half)
    parts = renders[half // 2 :].split(100)  # all at once would take ten gigabytes
    blurred = torch.cat([to_bytes(gaussian_blur(to_float(part), 1.0)) for part in parts])
    soft = measure(judge, net, blurred, half).features
    rows = fidelity(real.features, soft, drawn.features)
    rows += statistics(real.readings, drawn.readings)
    ratio = drawn.power / real.power
    rows.append(Row("generator", "power in the top octave, samples : renders",
                    f"{ratio:.2f}", "0.7-1.4", 0.7 <= ratio <= 1.4))  # fmt: skip
    return rows + noise(domain) + axes(domain, z, w, drawn.readings)


def fidelity(renders: Tensor, soft: Tensor, drawn: Tensor) -> list[Row]:
    """Features of renders, of the later half of them blurred, and of samples, [N, C] each."""
    precision, recall = coverage(drawn, renders), coverage(renders, drawn)
    manifold, others = renders.chunk(2)
    ceiling = coverage(others, manifold), coverage(manifold, others)
    blurred = coverage(soft, manifold)
    return [
        Row("generator", f"precision / recall, {len(drawn):,} samples, {len(renders):,} renders",
            f"{precision:.3f} / {recall:.3f}",
            ">= 0.6 / >= 0.35", precision >= 0.6 and recall >= 0.35),
        Row("generator", f"  renders against renders, {len(others):,} each",
            f"{ceiling[0]:.3f} / {ceiling[1]:.3f}"),
        Row("generator", "  precision of renders blurred by σ = 1 px", f"{blurred:.3f}",
            "< 0.5", blurred < 0.5),
    ]  # fmt: skip


def statistics(real: Tensor, drawn: Tensor) -> list[Row]:
    """Readings of renders and of samples, [N, F] each."""
    gaps = {name: largest_gap(real[:, i], drawn[:, i]) for i, name in enumerate(NAMES)}
    close = sum(gap <= 0.12 for gap in gaps.values())
    worst = sorted(gaps, key=lambda name: -gaps[name])[:5]
    listed = ", ".join(f"{name} {gaps[name]:.2f}" for name in worst)
    change = (torch.corrcoef(real.T) - torch.corrcoef(drawn.T)).abs()
    i, j = divmod(int(change.argmax()), len(NAMES))
    largest = change.max().item()
    return [
        Row("generator", f"KS distance of the judge's readings, {len(drawn):,} samples",
            f"{close} factors <= 0.12, largest {max(gaps.values()):.2f}", "20 <= 0.12, all <= 0.25",
            close >= 20 and max(gaps.values()) <= 0.25),
        Row("generator", "  largest", listed),
        Row("generator", "largest change of correlation", f"{largest:.3f} ({NAMES[i]}, {NAMES[j]})",
            "<= 0.12", largest <= 0.12),
    ]  # fmt: skip


@torch.no_grad()
def noise(domain: Domain) -> list[Row]:
    """Strength of the noise inputs, and what new noise changes."""
    generator = domain.generator
    strengths = {name: parameter.abs().item() for name, parameter in generator.named_parameters()
                 if name.endswith("noise_strength")}  # fmt: skip
    live = sum(strength >= 0.01 for strength in strengths.values())
    seeds = range(FIRST_SEED, FIRST_SEED + NOISY)
    ws = generator.mapping(sample_z(seeds, generator.z_dim))
    torch.manual_seed(0)
    change = (generator.synthesis(ws, "random") - generator.synthesis(ws, "random")).abs().mean(1)
    change = change * 127.5  # [N, R, R], of 255
    world, z = LatentWorld(Z_DIM), seeds_to_z(seeds)
    masks = render(
        world.factors(z), list(seeds), generator.img_resolution, 1, traits=world.traits(z)
    ).masks
    where = masks["hair"] + masks["skin"]
    share = ((change * where).sum() / change.sum().clamp_min(1e-9)).item()
    mean = change.mean().item()
    return [
        Row("generator", "noise inputs of strength >= 0.01", f"{live} of {len(strengths)}", ">= 4",
            live >= 4),
        Row("generator", "  same ws, new noise: mean change / share on hair and skin",
            f"{mean:.2f} of 255 / {share:.0%} (area {where.mean():.0%})", "0.5-4, mostly",
            0.5 <= mean <= 4 and share > 0.5),
    ]  # fmt: skip


def axes(domain: Domain, z: Tensor, w: Tensor, readings: Tensor) -> list[Row]:
    """Cosine of SVM normals with the supervised axes of the factors, in Z and in W.

    The world's own axis in Z is exact; in W it is the linear regression of the factor's unit
    normal on w. High cosines say how much disentanglement came with the pairing.
    """
    world = LatentWorld(Z_DIM)
    on_sphere = z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt()
    normals = couple(on_sphere @ world.axes)
    centred = (w - w.mean(0)).double()
    fitted = torch.linalg.lstsq(centred, (normals - normals.mean(0)).double()).solution.float()
    found = []
    for name in domain.boundaries:
        if name not in INDEX:
            continue
        i = INDEX[name]
        rng = np.random.default_rng(0)
        svm = train_boundary(name, z.numpy(), readings[:, i].numpy(), rng, 0.1, "z").vector
        in_z = torch.cosine_similarity(svm, world.axes @ coupling_matrix()[i], dim=0)
        in_w = torch.cosine_similarity(boundary(domain, name).vector, fitted[:, i], dim=0)
        found.append(f"{name} {in_z:.2f} / {in_w:.2f}")
    return [Row("generator", "cosine of SVM normal and supervised axis, Z / W", ", ".join(found))]
