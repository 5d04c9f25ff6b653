"""Differential activations: Grad-CAM as defined, homogeneous, local, guarded, and read back."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from editing.errors import BadInput, UnknownName, UnsafeFile
from editing.models.latents import sample_z
from editing.models.networks.deghosting import (
    Deghosting,
    DeghostingConfig,
    config_for,
    load_deghosting,
    prior_of,
)
from editing.models.networks.differential_activation import (
    DifferentialConfig,
    DifferentialNet,
    calibrated,
    load_differential,
    placed,
    save_differential,
)

NAMES = ("smile", "age", "pose")


@pytest.fixture(scope="module")
def net() -> DifferentialNet:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        made = DifferentialNet(DifferentialConfig(NAMES, 32, (6, 8), (10, 12)))
        made.norm.running_var.uniform_(0.2, 2.0)
        made.norm.running_mean.normal_()
    made.reference.fill_(0.02)
    return made.eval().requires_grad_(False)


def pair(seed: int = 0, count: int = 2, side: int = 32) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(seed)
    before, after = (torch.rand(count, 3, side, side, generator=rng) * 2 - 1 for _ in range(2))
    return before, after


def test_it_is_grad_cam_of_the_logit_before_softmax(net):
    """β = spatial mean of d logit / dH by autograd; M ∝ ReLU(Σ β H)."""
    before, after = pair()
    features, size = net.last_features(before, after)
    features = features.clone().requires_grad_()
    logits = net.head(net.norm(features.mean((2, 3))))
    torch.testing.assert_close(logits, net(before, after))
    index = torch.tensor([2, 0])
    chosen = logits[torch.arange(2), index].sum()
    (gradient,) = torch.autograd.grad(chosen, features)
    beta = gradient.mean((2, 3), keepdim=True)
    wanted = (beta * features).sum(1, keepdim=True).relu() * size
    places = features.shape[2] * features.shape[3]
    torch.testing.assert_close(net.cam(before, after, index), wanted.detach() * places)


def test_no_edit_gives_nothing_and_no_number_breaks(net):
    before, _ = pair()
    made = net.activation(before, before, ["smile", "age"])
    assert made.shape == (2, 1, 16, 16) and torch.equal(made, torch.zeros_like(made))
    assert net(before, before).isfinite().all()


def test_where_nothing_changed_there_is_nothing(net):
    before, _ = pair()
    after = before.clone()
    after[..., :8, :8] = -after[..., :8, :8]
    made = net.activation(before, after, ["smile", "age"])
    assert made[..., 12:, :].max() == 0 and made[..., :, 12:].max() == 0


@given(st.floats(1e-6, 1e3), st.floats(1e-6, 1e3))
@settings(max_examples=30, deadline=None)
def test_calibrated_maps_reach_one_only_from_the_reference_on(peak, reference):
    maps = torch.rand(1, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    maps = maps / maps.max() * peak
    made = calibrated(maps, reference)
    assert 0 <= made.min() and made.max() <= 1 + 1e-6
    assert float(made.max()) == pytest.approx(min(peak / reference, 1), rel=1e-4)


def test_places_leave_zeros_alone():
    maps = torch.zeros(1, 2, 4, 6)
    maps[0, 1, 3, 5] = 2
    made = placed(maps)
    assert made.shape == (1, 6, 4, 6) and int((made != 0).sum()) == 3
    assert made[0, 3, 3, 5] == 2 and made[0, 5, 3, 5] == 2  # the corner is at x = y = 1


def test_unknown_directions_are_refused(net):
    with pytest.raises(UnknownName, match="smile, age, pose"):
        net.activation(*pair(count=1), ["beard"])
    with pytest.raises(BadInput, match="directions to tell apart"):
        DifferentialConfig(())


def test_files_give_back_what_was_saved(net, tmp_path: Path):
    save_differential(tmp_path / "net.safetensors", net)
    kept = load_differential(tmp_path / "net.safetensors")
    assert kept.config == net.config
    before, after = pair()
    names = ["age", "pose"]
    wanted = net.activation(before, after, names)
    torch.testing.assert_close(kept.activation(before, after, names), wanted, rtol=0, atol=0.02)
    with pytest.raises(UnsafeFile):
        load_deghosting(tmp_path / "net.safetensors")


def test_the_prior_is_what_the_generator_holds(tiny_generator):
    ws = tiny_generator.mapping(sample_z([1, 2], tiny_generator.z_dim))
    prior = prior_of(ws, tiny_generator, 16)
    assert {side: tuple(x.shape) for side, x in prior.items()} == {
        side: (2, channels, side, side)
        for side, channels in zip((4, 8, 16), tiny_generator.config.channels, strict=False)
    }


def test_deghosting_needs_widths_for_every_block(tiny_generator):
    config = config_for(tiny_generator, 16, (8, 8, 6, 4, 4))
    assert config.resolution == 16 and config.prior == tiny_generator.config.channels[:3]
    assert Deghosting(config).config.widths == (8, 8, 6)
    with pytest.raises(BadInput, match="do not fit"):
        DeghostingConfig((8, 8, 8), (4, 4))
