"""An edited face in its whole photo: changed where it changed, the photo's own everywhere else."""

import numpy as np
import pytest
import torch
from PIL import Image

from editing.errors import BadInput
from editing.io.images import to_tensor
from editing.pictures.alignment import Alignment, align
from editing.pictures.paste_back import FEATHER, depth, membrane, paste_back, paste_size

TILTED = np.array([[60.0, 30.0], [45.0, 130.0], [145.0, 145.0], [160.0, 45.0]])


@pytest.fixture
def photo() -> Image.Image:
    smooth = np.random.RandomState(0).rand(9, 10, 3) * 200 + 20
    small = Image.fromarray(smooth.astype(np.uint8))
    return small.resize((220, 180), Image.Resampling.BICUBIC)


def aligned(photo: Image.Image, alignment: Alignment) -> torch.Tensor:
    return to_tensor(align(photo, alignment.quad, paste_size(alignment, 64)))


def test_a_small_face_is_enlarged_to_the_generators_pictures() -> None:
    frame = Alignment(TILTED)
    own = paste_size(frame, 1)
    assert 1 < own < 500
    assert paste_size(frame, own - 1) == own
    assert paste_size(frame, 500) == 500


def test_no_change_gives_the_photo_bit_by_bit(photo: Image.Image) -> None:
    frame = Alignment(TILTED)
    before = aligned(photo, frame)
    assert np.array_equal(np.array(paste_back(photo, frame, before, before)), np.array(photo))


def test_a_change_stays_in_its_frame_and_arrives_in_its_place(photo: Image.Image) -> None:
    frame = Alignment(TILTED)
    before = aligned(photo, frame)
    after = before.clone()
    middle = slice(before.shape[-1] * 2 // 5, before.shape[-1] * 3 // 5)
    after[:, :, middle, middle] += 0.3
    pasted = paste_back(photo, frame, before, after)
    changed = (np.array(pasted) != np.array(photo)).any(2)
    y, x = np.nonzero(changed)
    places = frame.to_aligned(np.stack([x, y], -1), 100)
    assert changed.any() and places.min() > 35 and places.max() < 65
    gained = aligned(pasted, frame)[0, :, middle, middle] - before[0, :, middle, middle]
    assert float(gained.mean()) == pytest.approx(0.3, abs=0.03)


def test_outside_of_the_frame_is_bit_equal_whatever_is_pasted(photo: Image.Image) -> None:
    frame = Alignment(TILTED)
    before = aligned(photo, frame)
    pasted = np.array(paste_back(photo, frame, before, torch.zeros_like(before)))
    y, x = np.mgrid[: photo.height, : photo.width]
    places = frame.to_aligned(np.stack([x, y], -1), 1)
    outside = ((places < -0.5) | (places > 0.5)).any(-1)
    assert np.array_equal(pasted[outside], np.array(photo)[outside])
    assert (pasted != np.array(photo)).any()


def test_another_background_leaves_no_edge(photo: Image.Image) -> None:
    frame = Alignment(TILTED)
    before = aligned(photo, frame)
    after = (before + 0.5).clamp(-1, 1)  # all of it lighter, border and middle
    pasted = aligned(paste_back(photo, frame, before, after), frame)
    change = (pasted - before).abs().mean(1)[0]
    ring = depth(change.shape[-1])[0, 0] < FEATHER
    assert float(change[ring].mean()) < 0.06


def test_membrane_continues_the_border() -> None:
    inside = depth(64)
    flat = torch.full((1, 3, 64, 64), 0.25)
    flat[:, :, 20:44, 20:44] = 9.0  # the middle is not looked at
    assert torch.allclose(membrane(flat, inside), torch.tensor(0.25), atol=1e-5)


def test_a_frame_that_reaches_past_the_photo(photo: Image.Image) -> None:
    frame = Alignment(TILTED - [70, 50])
    before = aligned(photo, frame)
    pasted = paste_back(photo, frame, before, before + 0.2)
    assert pasted.size == photo.size


def test_pictures_of_two_sizes_are_refused(photo: Image.Image) -> None:
    with pytest.raises(BadInput, match="do not belong together"):
        paste_back(photo, Alignment(TILTED), torch.zeros(1, 3, 64, 64), torch.zeros(1, 3, 32, 32))
