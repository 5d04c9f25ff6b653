"""Keypoints: named, mirrored, where landmarks and masks say, moving as faces and heads do."""

import numpy as np
import pytest
import torch
from torch import Tensor

from training.factors import INDEX, NUM_FACTORS, NUM_TRAITS, sample_factors, sample_traits
from training.keypoints import GROUPS, MIRROR, NUM_POINTS, POINT, POINTS
from training.landmarking import keypoints
from training.renderer import Render, render

SIDE = 64
FACE = ("brows", "eyes", "irises", "nose", "outer_lips", "inner_lips", "ears", "neck")


def of(*groups: str) -> list[int]:
    return [POINT[name] for group in groups for name in GROUPS[group]]


def symmetric(**values: float) -> Tensor:
    """Factors [1, F] of somebody without glasses, looking straight ahead."""
    factors = torch.zeros(1, NUM_FACTORS)
    plain = {"eyeglasses": -1.0, "baldness": -1.0, "beard": -1.0, "hair_length": -0.6}
    for name, value in (plain | values).items():
        factors[:, INDEX[name]] = value
    return factors


def places(**values: float) -> Tensor:
    return keypoints(symmetric(**values), torch.zeros(1, NUM_TRAITS), SIDE)[0][0]


@pytest.fixture(scope="module")
def people() -> tuple[Render, Tensor, Tensor]:
    factors, traits = sample_factors([0, 2, 5, 9]), sample_traits([0, 2, 5, 9])
    drawn = render(factors, [0, 2, 5, 9], SIDE, 2, traits=traits)
    return drawn, *keypoints(factors, traits, SIDE)


def test_there_are_enough_and_a_mirror_names_each() -> None:
    assert NUM_POINTS >= 120 and len(set(POINTS)) == NUM_POINTS
    assert sorted(MIRROR) == list(range(NUM_POINTS))
    assert [MIRROR[MIRROR[i]] for i in range(NUM_POINTS)] == list(range(NUM_POINTS))


def test_points_of_a_symmetric_face_mirror() -> None:
    points = places()
    mirrored = points[list(MIRROR)] * torch.tensor([-1.0, 1.0]) + torch.tensor([SIDE, 0.0])
    apart = (points - mirrored).norm(dim=1)
    assert apart[of(*FACE, "jaw")].max() < 0.15
    assert apart[of("hairline", "hair_outline")].max() < 3  # locks are nobody's mirror


def test_corners_agree_with_the_landmarks(people: tuple[Render, Tensor, Tensor]) -> None:
    drawn, points, _ = people
    corners = points[:, [POINT["left_mouth_corner"], POINT["right_mouth_corner"]]]
    assert (corners - drawn.landmarks[:, 2:]).norm(dim=2).max() < 0.04 * SIDE
    for i, side in enumerate(("left", "right")):
        ends = points[:, [POINT[f"{side}_eye_inner"], POINT[f"{side}_eye_outer"]]].mean(1)
        assert (ends - drawn.landmarks[:, i]).norm(dim=1).max() < 0.06 * SIDE


def test_points_move_as_the_face_does() -> None:
    rest = places()
    nose, chin = POINT["nose_tip"], POINT["jaw_8"]
    turned = places(pose=0.8)
    eyes = turned[of("irises")].mean(0)
    assert (turned[nose] - eyes)[0] > (rest[nose] - rest[of("irises")].mean(0))[0] + 0.05 * SIDE
    opened = places(mouth_open=1.0)
    gap = POINT["lip_lower_3"], POINT["lip_upper_3"]
    assert (opened[gap[0]] - opened[gap[1]])[1] > (rest[gap[0]] - rest[gap[1]])[1] + 0.03 * SIDE
    assert opened[chin][1] > rest[chin][1]
    raised = places(brow_height=1.0)
    assert raised[POINT["left_brow_upper_2"]][1] < rest[POINT["left_brow_upper_2"]][1] - 0.5
    wide, narrow = places(eye_openness=1.0), places(eye_openness=-1.0)
    assert wide[POINT["left_lid_upper_3"]][1] < narrow[POINT["left_lid_upper_3"]][1] - 1


def test_visible_lips_lie_on_the_border_of_the_mouth(
    people: tuple[Render, Tensor, Tensor],
) -> None:
    drawn, points, seen = people
    for b in range(len(points)):
        mouth = drawn.masks["mouth"][b].numpy() > 0.5
        padded = np.pad(mouth, 1)
        inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
        border = np.argwhere(mouth & ~inner)[:, ::-1] + 0.5
        for i in of("outer_lips"):
            if seen[b, i] > 0.9:
                gap = np.linalg.norm(border - points[b, i].numpy(), axis=1).min()
                assert gap < 1.6, (b, POINTS[i], gap)


def test_outlines_lie_where_the_head_ends(people: tuple[Render, Tensor, Tensor]) -> None:
    drawn, points, seen = people
    for b in range(len(points)):
        head = (drawn.masks["background"][b] < 0.5).numpy()
        for i in of("hair_outline"):
            x, y = points[b, i].tolist()
            if seen[b, i] < 0.9 or not (3 < x < SIDE - 3 and 3 < y < SIDE - 3):
                continue
            around = head[int(y) - 2 : int(y) + 3, int(x) - 2 : int(x) + 3]
            assert around.any(), POINTS[i]


def test_what_is_hidden_is_told() -> None:
    long, traits = symmetric(hair_length=1.0), torch.zeros(1, NUM_TRAITS)
    short_seen = keypoints(symmetric(hair_length=-1.0), traits, SIDE)[1][0]
    assert short_seen[of("ears")].mean() > keypoints(long, traits, SIDE)[1][0][of("ears")].mean()
    turned = keypoints(symmetric(pose=1.0), traits, SIDE)[1][0]
    near, far = of("ears")[:4], of("ears")[4:]
    assert turned[near].mean() > turned[far].mean()
    assert (short_seen[of("outer_lips", "nose")] > 0.9).all()
