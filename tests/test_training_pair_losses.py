"""Losses of pairs: every feature counts the same, and networks see and read what is drawn."""

import pytest
import torch
from torch import Tensor

from editing.features import PictureNet, PictureNetConfig
from training.factors import NAMES, NUM_FACTORS
from training.features import FEATURES
from training.pair_losses import (
    WHOLE,
    Watchers,
    feature_weights,
    label_loss,
    paired_loss,
    shrink_labels,
)

WALL, SKIN, BROW = (FEATURES.index(name) for name in ("background", "skin", "left_brow"))


def face() -> Tensor:
    """Labels of a wall, skin in its middle half, and a brow of 24 pixels; [1, 64, 64]."""
    labels = torch.full([1, 64, 64], WALL, dtype=torch.uint8)
    labels[:, 16:48, 16:48] = SKIN
    labels[:, 24:26, 20:32] = BROW
    return labels


def test_every_feature_has_the_same_share_of_the_weight() -> None:
    weights = feature_weights(face(), len(FEATURES))
    assert float(weights.sum()) == pytest.approx(1, abs=1e-5)
    parts = {
        "brow": weights[..., 22:28, 18:34].sum(),  # and what is blurred around it
        "wall": weights[0, 0][face()[0] == WALL].sum(),
    }
    share = (1 - WHOLE) / 3
    assert float(parts["brow"]) == pytest.approx(share, rel=0.15)
    assert float(parts["wall"]) == pytest.approx(share + WHOLE * 0.75, rel=0.15)


def test_a_sliver_counts_less_than_a_feature() -> None:
    labels = face()
    labels[:, 24:26, 20:32] = SKIN
    labels[:, 24, 20] = BROW  # one pixel
    weights = feature_weights(labels, len(FEATURES))
    assert float(weights[..., 22:28, 18:24].sum()) < 0.1


def test_a_wrong_brow_costs_more_than_a_wrong_wall() -> None:
    truth = torch.zeros(1, 3, 64, 64)
    brow, wall = truth.clone(), truth.clone()
    brow[..., 24:26, 20:32] = 0.5
    wall[..., 2:4, 2:14] = 0.5
    weights = feature_weights(face(), len(FEATURES))
    assert float(paired_loss(brow, truth, weights)) > 10 * float(paired_loss(wall, truth, weights))
    assert float(paired_loss(brow, truth)) == pytest.approx(
        float(paired_loss(wall, truth)), rel=0.1
    )


def test_paired_loss_is_zero_only_for_equal_pictures_and_counts_bands_twice() -> None:
    a = torch.rand(2, 3, 16, 16)
    assert float(paired_loss(a, a)) == 0.0
    flat = torch.full_like(a, 0.5)
    assert float(paired_loss(flat, flat - 0.1)) == pytest.approx(0.1, abs=1e-5)
    checker = (torch.arange(16)[:, None] + torch.arange(16)) % 2 * 0.2 - 0.1
    assert float(paired_loss(flat + checker, flat)) == pytest.approx(0.3, abs=1e-5)


def test_labels_are_said_where_they_are() -> None:
    labels = face()
    weights = feature_weights(labels, len(FEATURES))
    right = torch.nn.functional.one_hot(labels.long(), len(FEATURES)).permute(0, 3, 1, 2) * 20.0
    assert float(label_loss(right, labels, weights)) < 1e-3
    no_brow = right.clone()
    no_brow[:, :, 24:26, 20:32] = right[:, :, 40:42, 20:32]  # skin there
    assert float(label_loss(no_brow, labels, weights)) > 1.0


def test_labels_shrink_to_ones_that_are_there() -> None:
    small = shrink_labels(face(), 32)
    assert small.shape == (1, 32, 32)
    assert set(small.unique().tolist()) == {WALL, SKIN, BROW}


@pytest.fixture
def watchers() -> Watchers:
    torch.manual_seed(0)
    config = PictureNetConfig("residual", 32, (4, 8), NAMES, NUM_FACTORS, 2)
    return Watchers(PictureNet(config), PictureNet(config))


def test_watchers_see_no_difference_of_the_same_and_read_what_the_render_shows(
    watchers: Watchers,
) -> None:
    drawn, target = torch.rand(2, 3, 3, 32, 32) * 2 - 1
    all_shown = torch.ones(3, NUM_FACTORS)
    seen = watchers(target, target, all_shown)
    assert float(seen.features) == float(seen.reading) == 0
    seen = watchers(drawn, target, all_shown)
    with torch.no_grad():
        apart = (watchers.scorer(drawn) - watchers.scorer(target)).square()
    assert float(seen.features) > 0
    assert float(seen.reading) == pytest.approx(float(apart.mean()), rel=1e-3)
    shown = torch.zeros_like(all_shown)
    shown[:, 3] = 1  # the others are hidden, and their readings mean nothing
    part = float(watchers(drawn, target, shown).reading)
    assert part == pytest.approx(float(apart[:, 3].mean()), rel=1e-3)


def test_the_picture_learns_from_watchers_and_they_do_not(watchers: Watchers) -> None:
    drawn = (torch.rand(2, 3, 32, 32) * 2 - 1).requires_grad_()
    target = torch.rand(2, 3, 32, 32) * 2 - 1
    seen = watchers(drawn, target, torch.ones(2, NUM_FACTORS))
    (seen.features + seen.reading).backward()
    assert drawn.grad is not None and float(drawn.grad.abs().sum()) > 0
    assert all(p.grad is None for p in watchers.parameters())
    assert not watchers.scorer.training
