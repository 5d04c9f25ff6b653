"""Losses: zero at the target, blind outside a region, and each of them pulls the right way."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from editing.errors import BadInput
from editing.inversion.losses import Goal, ms_ssim
from editing.inversion.options import NOTHING
from editing.models.domain import Domain


def picture(side: int = 32, seed: int = 0) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 8, 8, generator=rng) * 2 - 1
    return torch.nn.functional.interpolate(coarse, (side, side), mode="bicubic").clamp(-1, 1)


def test_ms_ssim_is_1_for_equal_pictures_and_falls_with_noise():
    x = picture(128)
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    values = [float(ms_ssim(x, x + s * noise)) for s in (0.0, 0.05, 0.2, 0.6)]
    assert values[0] == pytest.approx(1, abs=1e-5)
    assert values == sorted(values, reverse=True) and values[-1] < 0.7
    with pytest.raises(BadInput, match="11 pixels"):
        ms_ssim(x[..., :8, :8], x[..., :8, :8])


def test_one_scale_of_ms_ssim_is_the_ssim_of_scikit_image():
    from skimage.metrics import structural_similarity

    a, b = picture(16, 1), picture(16, 2)
    theirs = structural_similarity(
        a[0].numpy(), b[0].numpy(), data_range=2.0, channel_axis=0, gaussian_weights=True,
        sigma=1.5, use_sample_covariance=False, full=True,
    )[1][:, 5:-5, 5:-5].mean(axis=(1, 2))  # fmt: skip
    expected = max(theirs[0], 1e-6), max(theirs[1], 1e-6), max(theirs[2], 1e-6)
    assert float(ms_ssim(a, b)) == pytest.approx(sum(expected) / 3, abs=0.01)


@pytest.mark.parametrize("name", ["pixel", "l1", "perceptual", "ms_ssim", "identity"])
def test_a_loss_is_0_at_the_target_and_falls_towards_it(tiny_domain: Domain, name: str):
    target = picture()
    goal = Goal(target, tiny_domain, replace(NOTHING, **{name: 1.0}))
    assert float(goal.losses(target)["total"]) == pytest.approx(0, abs=1e-5)
    img = picture(seed=5).requires_grad_()
    total = goal.losses(img)["total"]
    torch.autograd.backward(total.sum())
    nearer = (img - 0.05 * img.grad / img.grad.abs().max()).detach()
    assert float(goal.losses(nearer)["total"]) < float(total.detach())


@pytest.mark.parametrize("name", ["pixel", "l1", "perceptual", "ms_ssim", "identity"])
def test_no_loss_looks_outside_the_region(tiny_domain: Domain, name: str):
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 8:24, 8:24] = 1
    goal = Goal(picture(), tiny_domain, replace(NOTHING, **{name: 1.0}), mask)
    img = picture(seed=5).requires_grad_()
    torch.autograd.backward(goal.losses(img)["total"].sum())
    assert float((img.grad * (1 - mask)).abs().max()) == 0 < float(img.grad.abs().max())


def test_latent_losses_are_least_where_they_say(tiny_domain: Domain):
    generator = tiny_domain.generator
    mean = generator.mapping.w_avg.expand(1, generator.num_ws, -1)
    sample = generator.mapping(torch.randn(1, generator.z_dim))
    spoilt = sample + 0.3 * torch.randn(sample.shape)

    def loss(name: str, ws: torch.Tensor) -> float:
        goal = Goal(picture(), tiny_domain, replace(NOTHING, **{name: 1.0}))
        return float(goal.losses(picture(), ws)["total"])

    assert loss("mean", mean) == 0 < loss("mean", sample)
    assert loss("spread", sample) < 1e-6 < loss("spread", spoilt)
    read = tiny_domain.encode(picture())
    assert loss("in_domain", read) < 1e-9 < loss("in_domain", sample)


def test_what_the_domain_lacks_is_refused_by_name(tiny_domain: Domain):
    with pytest.raises(BadInput, match="loss.vgg was set, but the perceptual network of tiny"):
        Goal(picture(), tiny_domain, replace(NOTHING, vgg=1.0)).losses(picture())
