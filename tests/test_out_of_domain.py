"""Photo + mask · (T − I'): what the edit left alone stays the photo, bit by bit."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from editing.errors import BadInput
from editing.out_of_domain import change_mask, photo_edited

SIDE = 64


@pytest.fixture
def photo() -> Tensor:
    rng = torch.Generator().manual_seed(0)
    return torch.rand(1, 3, SIDE, SIDE, generator=rng) * 2 - 1


@pytest.fixture
def pictures() -> tuple[Tensor, Tensor]:
    """An inversion and its edit: a patch 0.8 brighter, and a faint change everywhere."""
    inverted = torch.full((1, 3, SIDE, SIDE), -0.4)
    edited = inverted + 0.02
    edited[:, :, 24:40, 24:40] += 0.8
    return inverted, edited


def test_no_edit_gives_the_photo(photo, pictures):
    picture, mask = photo_edited(photo, pictures[0], pictures[0])
    assert torch.equal(picture, photo) and mask.max() == 0


def test_outside_the_change_the_photo_stays_bit_by_bit(photo, pictures):
    picture, mask = photo_edited(photo, *pictures)
    assert picture.shape == photo.shape and mask.shape == (1, 1, SIDE, SIDE)
    untouched = (mask == 0).expand_as(photo)
    assert torch.equal(picture[untouched], photo[untouched])
    assert mask[..., :12, :].max() == 0 and mask[..., 28:36, 28:36].min() == 1


def test_inside_the_change_is_added_in_full(photo, pictures):
    inverted, edited = pictures
    picture, _ = photo_edited(photo, *pictures)
    inside = (slice(None), slice(None), slice(28, 36), slice(28, 36))
    assert torch.allclose(picture[inside], (photo + edited - inverted).clamp(-1, 1)[inside])


def test_the_mask_is_soft_and_contains_the_change(pictures):
    mask = change_mask(*pictures)
    assert mask.min() >= 0 and mask.max() <= 1
    assert mask[..., 24:40, 24:40].min() > 0.5
    steps = (mask[..., 1:] - mask[..., :-1]).abs()
    assert steps.max() < 0.5  # no hard edge


def test_faint_changes_do_not_count():
    inverted = torch.zeros(1, 3, SIDE, SIDE)
    assert change_mask(inverted, inverted + 0.03).max() == 0


def test_a_larger_photo_keeps_its_own_detail(pictures):
    rng = torch.Generator().manual_seed(1)
    photo = torch.rand(1, 3, 3 * SIDE, 3 * SIDE, generator=rng) * 2 - 1
    picture, mask = photo_edited(photo, *pictures)
    assert picture.shape == photo.shape and mask.shape == (1, 1, 3 * SIDE, 3 * SIDE)
    untouched = (mask == 0).expand_as(photo)
    assert untouched.any() and torch.equal(picture[untouched], photo[untouched])
    assert (picture - photo).abs().max() > 0.5


def test_pictures_of_different_portraits_are_refused(photo, pictures):
    with pytest.raises(BadInput, match="do not belong together"):
        photo_edited(photo, pictures[0], pictures[1][..., :32])
