"""The portrait renderer: framing, determinism, what factors change, masks, accessories."""

import numpy as np
import pytest
import torch

from editing.alignment import quad_from_points
from training.accessories import ACCESSORIES, PAINTED, PATTERNED, SOLID
from training.factors import (
    INDEX,
    MIRRORED,
    NAMES,
    NUM_FACTORS,
    SEEN_ON,
    sample_factors,
    sample_traits,
)
from training.features import FEATURES, LABEL
from training.labelling import label_map
from training.renderer import GRAIN, Render, render
from training.tracing import FAR_Z

SIDE = 48
PARTS = ("skin", "hair", "clothes", "eyeglasses", "background")


def person(**values: float) -> torch.Tensor:
    """Factors [F] of somebody with hair, without beard and glasses, but for what is given."""
    plain = {"eyeglasses": -1, "baldness": -1, "beard": -1, "grey_hair": -1, "hair_redness": -1,
             "pitch": -0.3, "fringe": -0.5}  # fmt: skip
    factors = torch.zeros(NUM_FACTORS)
    for name, value in (plain | values).items():
        factors[INDEX[name]] = value
    return factors


@pytest.fixture(scope="module")
def persons() -> Render:
    return render(sample_factors([0, 1, 2, 3]), [0, 1, 2, 3], SIDE, 1)


@pytest.fixture(scope="module")
def corners() -> Render:
    """Random corners of the factors' cube, and the two that are all low and all high."""
    rng = np.random.RandomState(0)
    signs = rng.choice([-1.0, 1.0], (12, NUM_FACTORS))
    signs[0], signs[1] = -1, 1
    return render(torch.from_numpy(signs).float(), range(12), 32, 1)


def test_frame_is_the_ffhq_quad_of_the_landmarks(persons: Render, corners: Render) -> None:
    for drawn in (persons, corners):
        side = drawn.pictures.shape[-1]
        frame = np.array([[0, 0], [0, side], [side, side], [side, 0]])
        for left, right, *mouth in drawn.landmarks.numpy():
            quad = quad_from_points(left, right, np.mean(mouth, axis=0))
            assert np.abs(quad - frame).max() < 0.02 * side


def test_landmarks_lie_on_eyes_and_mouth(persons: Render) -> None:
    rows, columns = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    for feature, points in (("eyes", slice(0, 2)), ("mouth", slice(2, 4))):
        mask = persons.masks[feature]
        weight = mask.sum((1, 2)).clamp_min(1e-6)
        centre = torch.stack([(mask * a).sum((1, 2)) / weight + 0.5 for a in (columns, rows)], 1)
        gap = (centre - persons.landmarks[:, points].mean(1)).norm(dim=1)
        assert gap.max() < 0.08 * SIDE, feature


def test_same_seed_same_pixels(persons: Render) -> None:
    again = render(sample_factors([0, 1, 2, 3]), [0, 1, 2, 3], SIDE, 1)
    assert torch.equal(again.pictures, persons.pictures)
    assert all(torch.equal(again.masks[name], persons.masks[name]) for name in persons.masks)


def test_the_rest_of_the_batch_does_not_matter(persons: Render) -> None:
    """Up to the last bits of vectorised arithmetic."""
    alone = render(sample_factors([2]), [2], SIDE, 1)
    assert (alone.pictures[0] - persons.pictures[2]).abs().mean() < 1e-4
    for name, mask in alone.masks.items():
        assert (mask[0] - persons.masks[name][2]).abs().mean() < 1e-4, name


def test_another_seed_changes_details_only(persons: Render) -> None:
    other = render(sample_factors([2]), [99], SIDE, 1).pictures[0]
    difference = (other - persons.pictures[2]).abs().mean()
    stranger = (persons.pictures[1] - persons.pictures[2]).abs().mean()
    assert 0 < difference < 0.3 * stranger


def test_traits_of_z_decide_all_but_chance(persons: Render) -> None:
    factors, traits = sample_factors([2]), sample_traits([2])
    alike, other = (render(factors, [99], SIDE, 1, traits=t, grain=0) for t in (traits, -traits))
    clean = render(factors, [2], SIDE, 1, traits=traits, grain=0).pictures
    chance = (alike.pictures - clean).abs().mean()
    assert chance < 0.004
    assert (other.pictures - clean).abs().mean() > 3 * chance


def test_grain_is_all_that_grain_adds(persons: Render) -> None:
    clean = render(sample_factors([0, 1, 2, 3]), [0, 1, 2, 3], SIDE, 1, grain=0).pictures
    added = (persons.pictures - clean)[clean.abs() < 0.9]
    assert abs(float(added.std()) - GRAIN) < 0.1 * GRAIN


def test_irises_show_unless_lids_are_closed() -> None:
    people = torch.stack([person(eye_openness=v, smile=w) for v in (-1, 0, 1) for w in (-1, 1)])
    drawn = render(people, [3] * 6, 96, 1)
    for side in ("left", "right"):
        iris, whole = (drawn.masks[f"{side}_{part}"].sum((1, 2)) for part in ("iris", "eye"))
        assert (iris > 0.25 * whole).all() and (whole > 5).all()
    dark = person(eye_colour=-1.0, skin_tone=-0.5)[None]
    drawn = render(dark, [3], 96, 1, grain=0)
    iris = (drawn.masks["left_iris"] > 0.9)[0]
    bare = (drawn.masks["skin"] - drawn.masks["eyes"] > 0.9)[0]
    level = drawn.pictures[0].mean(0)
    assert level[iris].median() < level[bare].median() - 0.5  # no highlight over all of it


def test_labels_name_one_feature_a_pixel(persons: Render) -> None:
    labels = label_map(persons.masks)
    assert labels.dtype == torch.uint8 and labels.max() < len(FEATURES)
    for name in ("hair", "clothes", "background"):
        own = labels == LABEL[name]
        assert (persons.masks[name][own] > 0.3).all(), name
    left, right = (labels == LABEL[f"{side}_brow"] for side in ("left", "right"))
    columns = torch.arange(SIDE).float()
    for b in range(4):
        if left[b].any() and right[b].any():
            assert columns[left[b].any(0)].mean() < columns[right[b].any(0)].mean()


def test_depth_is_that_of_the_head(persons: Render) -> None:
    nowhere = persons.depth == FAR_Z
    assert persons.depth.shape == persons.masks["skin"].shape
    someone = sum(persons.masks[part] for part in ("skin", "hair", "clothes"))
    assert someone[nowhere].mean() < 0.02 and someone[~nowhere].mean() > 0.9
    skin, hair = (persons.depth[persons.masks[name] > 0.9].mean() for name in ("skin", "hair"))
    assert skin > hair  # faces stand before hair


def test_cartoon_shares_masks_and_places(persons: Render) -> None:
    cartoon = render(sample_factors([0, 1, 2, 3]), [0, 1, 2, 3], SIDE, 1, style="cartoon")
    assert torch.isfinite(cartoon.pictures).all() and cartoon.pictures.abs().max() <= 1
    assert all(torch.equal(cartoon.masks[name], mask) for name, mask in persons.masks.items())
    assert torch.equal(cartoon.landmarks, persons.landmarks)
    assert torch.equal(cartoon.depth, persons.depth)
    assert (cartoon.pictures - persons.pictures).abs().mean() > 0.05
    with pytest.raises(ValueError, match="etching.*portrait, cartoon"):
        render(person()[None], [3], 32, 1, style="etching")
    with pytest.raises(ValueError, match="no accessories"):
        render(person()[None], [3], 32, 1, accessories=["hat"], style="cartoon")


def test_every_factor_shows() -> None:
    """Swept from -1 to 1 on a plain person, each factor changes where it is seen."""
    context = {"glasses_shape": {"eyeglasses": 1.0}, "hair_redness": {"hair_lightness": 0.3}}
    low = torch.stack([person(**context.get(name, {}) | {name: -1.0}) for name in NAMES])
    high = torch.stack([person(**context.get(name, {}) | {name: 1.0}) for name in NAMES])
    a, b = (render(factors, [4] * NUM_FACTORS, 32, 1) for factors in (low, high))
    difference = (a.pictures - b.pictures).abs().mean(1)  # [F, H, W]
    for i, name in enumerate(NAMES):
        mask = torch.ones(32, 32)
        if feature := SEEN_ON.get(name):
            mask = torch.maximum(a.masks[feature][i], b.masks[feature][i])
        change = float((difference[i] * mask).sum() / mask.sum())
        assert change > 0.004, f"{name} changes {change:.4f} of what it is seen on"


def test_corners_give_whole_pictures(corners: Render) -> None:
    assert torch.isfinite(corners.pictures).all()
    assert corners.pictures.abs().max() <= 1
    assert corners.pictures.flatten(1).std(1).min() > 0.05  # somebody is there
    assert corners.masks["skin"].mean((1, 2)).min() > 0.05


def test_masks_share_out_the_picture(persons: Render, corners: Render) -> None:
    for drawn in (persons, corners):
        for name, mask in drawn.masks.items():
            assert torch.isfinite(mask).all() and mask.min() >= 0 and mask.max() <= 1, name
        whole = sum(drawn.masks[name] for name in PARTS)
        assert (whole - 1).abs().mean() < 1e-3  # soft seams of three parts may overlap a little
        assert (whole - 1).abs().max() < 0.3
        features = drawn.masks["eyes"] + drawn.masks["mouth"]
        assert (features <= drawn.masks["skin"] + 1e-4).all()


def test_mirror_flips_the_mirrored_factors(persons: Render) -> None:
    factors = sample_factors([0, 1, 2, 3])
    for name in MIRRORED:
        factors[:, INDEX[name]] *= -1
    flipped = render(factors, [0, 1, 2, 3], SIDE, 1).pictures.flip(3)
    apart = (flipped - persons.pictures).abs().mean((1, 2, 3))
    unflipped = (flipped.flip(3) - persons.pictures).abs().mean((1, 2, 3))
    assert apart.max() < 0.1  # strands and parting are not symmetric
    assert (apart < 0.3 * unflipped).all()


def test_supersampling_smooths_and_keeps_the_picture(persons: Render) -> None:
    fine = render(sample_factors([0]), [0], SIDE, 2).pictures[0]
    assert 0 < (fine - persons.pictures[0]).abs().mean() < 0.06


@pytest.fixture(scope="module")
def bare() -> Render:
    return render(person()[None], [3], SIDE, 1)


def test_nothing_is_worn_unasked(bare: Render) -> None:
    nothing = render(person()[None], [3], SIDE, 1, accessories=[])
    assert torch.equal(nothing.pictures, bare.pictures)
    assert nothing.masks.keys() == bare.masks.keys()
    assert not bare.masks.keys() & set(ACCESSORIES)


@pytest.mark.parametrize("name", ACCESSORIES)
def test_accessory_shows_on_its_mask(name: str, bare: Render) -> None:
    worn = render(person()[None], [3], SIDE, 1, accessories=[name])
    mask = worn.masks[name]
    assert torch.isfinite(worn.pictures).all()
    assert 0 <= mask.min() and mask.max() <= 1 and mask.sum() > 5
    difference = (worn.pictures - bare.pictures).abs().mean(1)
    assert (difference * mask).sum() / mask.sum() > 0.1
    if name in SOLID:  # it hides what is behind it, and throws shadows beside it
        whole = mask + sum(worn.masks[part] for part in PARTS)
        assert (whole - 1).abs().mean() < 2e-3
        assert difference[mask == 0].mean() < 0.03
    else:
        assert difference[mask == 0].max() < 1e-4


def test_accessories_go_together() -> None:
    worn = render(person()[None], [3], SIDE, 1, accessories=ACCESSORIES)
    assert torch.isfinite(worn.pictures).all()
    assert set(ACCESSORIES) <= worn.masks.keys()
    assert {*SOLID, *PAINTED, PATTERNED} == set(ACCESSORIES)


def test_unknown_accessory_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="crown.*hat"):
        render(person()[None], [3], 32, 1, accessories={"crown"})
