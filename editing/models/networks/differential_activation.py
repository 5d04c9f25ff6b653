"""Differential activations: where an edit changed a picture, learnt from which edit it was.

Diff-CAM ("Editing Out-of-domain GAN Inversion via Differential Activations", arXiv 2207.08134): a
shared trunk E reads the inversion I' and its edit T, a light classifier tells from E(I') − E(T)
which direction was moved along, and the class activation map of that direction is where it shows.

Up to its pooling the classifier has no biases and only ReLUs, so that the map is homogeneous: half
the difference gives half the map, and none gives none. The map's own peak is therefore the edit's
magnitude. It is compared with the peak of half a step, measured after the training and kept in the
file (``reference``): M = map / max(peak, reference) is in [0, 1], reaches 1 for any real edit, and
goes to 0 continuously with the edit's strength.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from editing.errors import BadInput, UnknownName
from editing.io.tensors import read_module, write_tensors
from editing.models.networks.arcface import resized

FORMAT = "latent-studio differential activation 1"
TINY = 1e-12
FAR = 0.12  # misfit beyond which an edit looks wrong, where nothing was measured


@dataclass(frozen=True)
class DifferentialConfig:
    """What decides the network's shapes.

    directions: names of the edits it tells apart.
    resolution: pictures are brought to this many pixels a side first; maps have half as many.
    trunk: widths of the trunk's convolutions; the first halves the size.
    widths: of the classifier's convolutions.
    """

    directions: tuple[str, ...]
    resolution: int = 64
    trunk: tuple[int, ...] = (24, 48, 48)
    widths: tuple[int, ...] = (64, 96, 96)

    def __post_init__(self) -> None:
        if not self.directions or not self.trunk or not self.widths or self.resolution < 8:
            raise BadInput(
                "A differential activation module needs directions to tell apart, layers, and "
                "pictures of at least 8 pixels."
            )


class DifferentialNet(nn.Module):
    """Tells from a picture and its edit which direction the edit moved along, and where."""

    reference: Tensor  # [D], peak of each direction's map at half a step
    misfit: Tensor  # [], how far inversions of its own world are from it inside masks, at worst

    def __init__(self, config: DifferentialConfig) -> None:
        super().__init__()
        self.config = config
        pairs = zip((3, *config.trunk), config.trunk, strict=False)
        trunk: list[nn.Module] = []
        for i, (inputs, outputs) in enumerate(pairs):
            trunk += [nn.Conv2d(inputs, outputs, 3, 1 if i else 2, 1), nn.LeakyReLU(0.2)]
        self.trunk = nn.Sequential(*trunk)
        classifier: list[nn.Module] = []
        placed = 3 * config.trunk[-1]  # see ``placed``
        for inputs, outputs in zip((placed, *config.widths), config.widths, strict=False):
            classifier += [nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False), nn.ReLU()]
        self.classifier = nn.Sequential(*classifier)
        self.norm = nn.BatchNorm1d(config.widths[-1], affine=False)  # of the pooled features
        self.head = nn.Linear(config.widths[-1], len(config.directions), bias=False)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
        self.register_buffer("reference", torch.full([len(config.directions)], TINY))
        self.register_buffer("misfit", torch.tensor(FAR))

    def forward(self, inverted: Tensor, edited: Tensor) -> Tensor:
        """Pictures I', T [N, 3, H, W] in [-1, 1] -> logits before any softmax, [N, D]."""
        features, _ = self.last_features(inverted, edited)
        logits: Tensor = self.head(self.norm(features.mean((2, 3))))
        return logits

    def last_features(self, inverted: Tensor, edited: Tensor) -> tuple[Tensor, Tensor]:
        """H [N, C, h, w] of the difference brought to unit size, and that size [N, 1, 1, 1].

        Which edit it was does not depend on its strength, so the classifier never sees that.
        """
        seen = resized(torch.cat([inverted, edited]), self.config.resolution)
        before, after = self.trunk(seen).chunk(2)
        difference = before - after
        size = difference.square().mean((1, 2, 3), keepdim=True).sqrt()
        features: Tensor = self.classifier(placed(difference / (size + TINY)))
        return features, size

    def cam(self, inverted: Tensor, edited: Tensor, directions: Tensor) -> Tensor:
        """Grad-CAM (Selvaraju et al. 2017, eq. 1-2): ReLU(Σ_k β_k H_k), [N, 1, h, w].

        β_k is the spatial mean of the gradient of the direction's logit with respect to H_k. The
        logit is linear in the spatial mean of H, so that gradient is weight_k / (σ_k·h·w)
        everywhere: no backward pass is needed, and the constant h·w goes with the map's peak.

        Args:
            directions: index of each pair's direction, int [N].
        """
        features, size = self.last_features(inverted, edited)
        variance = self.norm.get_buffer("running_var")
        beta = self.head.weight[directions] * (variance + self.norm.eps).rsqrt()
        summed = torch.einsum("nk,nkhw->nhw", beta, features)[:, None]
        return F.relu(summed) * size

    def activation(self, inverted: Tensor, edited: Tensor, names: Sequence[str]) -> Tensor:
        """M of one direction for each pair, [N, 1, h, w] in [0, 1]; all 0 where I' equals T.

        Raises:
            UnknownName: a direction that it does not know.
        """
        known = self.config.directions
        for name in names:
            if name not in known:
                raise UnknownName.among("direction of the differential module", name, known)
        index = torch.tensor([known.index(name) for name in names], device=inverted.device)
        return calibrated(self.cam(inverted, edited, index), self.reference[index])


def placed(maps: Tensor) -> Tensor:
    """maps [N, C, h, w], and the same times x and times y in [-1, 1]: [N, 3C, h, w].

    Faces are aligned, so where something changed says what changed; where nothing did stays 0.
    """
    y, x = (torch.linspace(-1, 1, side, device=maps.device) for side in maps.shape[2:])
    return torch.cat([maps, maps * x, maps * y[:, None]], 1)


def calibrated(maps: Tensor, reference: Tensor | float, full: float = 0.0) -> Tensor:
    """maps / max(their peak, reference) in [0, 1]; flat ones stay 0.

    Args:
        maps: [N, 1, h, w], not negative.
        reference: the peak from which an edit counts in full, [N] or one for all.
        full: share of the places that reach 1, so that no single spike is the measure of all.
    """
    peak = maps.flatten(1).quantile(1 - full, dim=1)
    least = torch.as_tensor(reference, dtype=maps.dtype, device=maps.device).clamp_min(TINY)
    return (maps / torch.maximum(peak, least.expand_as(peak))[:, None, None, None]).clamp(max=1)


def save_differential(path: Path | str, net: DifferentialNet) -> None:
    """Write a safetensors file in half precision whose metadata holds the config."""
    write_tensors(path, net.state_dict(), FORMAT, {"config": asdict(net.config)}, half=True)


def load_differential(path: Path | str, device: str | torch.device = "cpu") -> DifferentialNet:
    """Read a file of ``save_differential``.

    Raises:
        MissingFile: there is no such file.
        UnsafeFile: the file holds something else, or its weights do not fit its config.
    """
    return read_module(path, FORMAT, lambda c: DifferentialNet(DifferentialConfig(**c)), device)
