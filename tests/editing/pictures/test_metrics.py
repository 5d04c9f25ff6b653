"""Distances between pictures: exact on known pairs, zero on equal ones, differentiable."""

from __future__ import annotations

import math
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from editing.errors import BadInput
from editing.pictures import metrics


class Eyes(nn.Module):
    """The smallest network with the interface of a PictureNet."""

    outputs = ("smile", "age")
    tap_scales = None

    def __init__(self) -> None:
        super().__init__()
        rng = torch.Generator().manual_seed(0)
        self.first = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.second = nn.Conv2d(8, 12, 3, stride=2, padding=1)
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, generator=rng) * 0.3

    def strips(self, img: Tensor) -> Iterator[tuple[int, Tensor]]:
        yield from enumerate(self.features(img))

    def features(self, img: Tensor) -> list[Tensor]:
        first = self.first(img).relu()
        return [first, self.second(first).relu()]

    def forward(self, img: Tensor) -> Tensor:
        return self.features(img)[-1].mean((2, 3))[:, :2]


@pytest.fixture
def domain() -> SimpleNamespace:
    return SimpleNamespace(parts={"perceptual"}, perceptual=Eyes(), identity=Eyes())


@pytest.fixture
def pair() -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(1)
    a = torch.rand(2, 3, 32, 32, generator=rng) * 1.6 - 0.8
    return a, (a + 0.1 * torch.randn(a.shape, generator=rng)).clamp(-1, 1)


def test_equal_pictures_are_at_no_distance(domain, pair):
    a, _ = pair
    assert metrics.mse(a, a) == 0 and metrics.psnr(a, a) == math.inf
    assert metrics.ssim(a, a) == pytest.approx(1)
    assert metrics.perceptual(domain, a, a) == 0
    assert metrics.identity(domain, a, a) == pytest.approx(1)


def test_known_differences():
    black, grey = -torch.ones(1, 3, 16, 16), torch.zeros(1, 3, 16, 16)
    assert metrics.mse(black, grey) == 1
    assert metrics.psnr(black, grey) == pytest.approx(20 * math.log10(2))
    assert metrics.mse(black, -black) == 4 and metrics.psnr(black, -black) == 0


def test_what_cannot_be_seen_does_not_count(domain):
    white, brighter = torch.ones(1, 3, 16, 16), torch.full((1, 3, 16, 16), 7.0)
    assert metrics.mse(white, brighter) == 0
    assert metrics.perceptual(domain, white, brighter) == 0


def test_every_distance_grows_with_the_difference(domain, pair):
    a, b = pair
    further = a + 3 * (b - a)
    near, far = metrics.compare(domain, a, b), metrics.compare(domain, a, further)
    assert list(near) == ["psnr", "mse", "ssim", "perceptual", "identity"]
    assert near["psnr"] > far["psnr"] and near["mse"] < far["mse"] and near["ssim"] > far["ssim"]
    assert near["perceptual"] < far["perceptual"]


def test_perceptual_distance_is_symmetric_bounded_and_differentiable(domain, pair):
    a, b = pair
    there = metrics.perceptual_distance(domain.perceptual, a, b)
    back = metrics.perceptual_distance(domain.perceptual, b, a)
    assert there.shape == (2,) and torch.allclose(there, back)
    assert 0 < there.min() and there.max() <= 4  # unit vectors are at most 2 apart
    moving = b.clone().requires_grad_()
    metrics.perceptual_distance(domain.perceptual, a, moving).sum().backward()
    assert moving.grad is not None and moving.grad.abs().sum() > 0


def test_features_of_the_target_can_be_kept(domain, pair):
    a, b = pair
    net = domain.perceptual
    kept = metrics.feature_distance(metrics.unit_features(net, b), metrics.unit_features(net, a))
    assert torch.equal(kept, metrics.perceptual_distance(net, b, a))


def test_identity_is_none_without_a_network(pair):
    alone = SimpleNamespace(parts=set(), identity=None)  # a generator, and nothing that looks
    found = metrics.compare(alone, *pair)
    assert found["identity"] is None and found["perceptual"] is None and found["psnr"] is not None


def test_readings_are_named():
    net, picture = Eyes(), torch.full((1, 3, 16, 16), 5.0)
    values = metrics.readings(net, picture)
    assert list(values) == ["smile", "age"]
    assert list(values.values()) == pytest.approx(net(picture.clamp(-1, 1))[0].tolist())


def test_pictures_of_two_sizes_or_too_small_are_refused(pair):
    a, b = pair
    with pytest.raises(BadInput, match="one size"):
        metrics.psnr(a, b[..., :16])
    with pytest.raises(BadInput, match="11 pixels"):
        metrics.ssim(a[..., :8, :8], b[..., :8, :8])
