"""Masks: white counts, sizes are brought together with a note, an empty one is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from editing.errors import BadInput, BadPicture
from editing.pictures.masks import brushed_mask, load_mask, soften


def disc(side: int) -> Image.Image:
    y, x = np.mgrid[:side, :side] / side - 0.5
    return Image.fromarray(((x**2 + y**2 < 0.09) * 255).astype(np.uint8))


def test_a_mask_of_another_size_is_resized_with_a_note(tmp_path):
    disc(90).save(tmp_path / "mask.png")
    mask, notes = load_mask(tmp_path / "mask.png", 32)
    assert mask.shape == (1, 1, 32, 32) and "90×90" in notes[0] and "32" in notes[0]
    assert mask[0, 0, 16, 16] > 0.95 and mask[0, 0, 0, 0] < 0.05
    assert 0 <= float(mask.min()) and float(mask.max()) <= 1
    disc(32).save(tmp_path / "fits.png")
    assert load_mask(tmp_path / "fits.png", 32)[1] == ()


def test_the_edge_is_feathered_as_asked(tmp_path):
    disc(64).save(tmp_path / "mask.png")
    sharp, soft = (load_mask(tmp_path / "mask.png", 64, f)[0] for f in (0.0, 0.05))
    between = [int(((m > 0.05) & (m < 0.95)).sum()) for m in (sharp, soft)]
    assert between[0] == 0 < between[1]
    assert float(soft.mean()) == pytest.approx(float(sharp.mean()), rel=0.05)
    assert torch.equal(soften(sharp, 0.0), sharp)


def test_an_empty_mask_and_no_picture_are_refused(tmp_path):
    Image.new("L", (64, 64)).save(tmp_path / "black.png")
    with pytest.raises(BadInput, match=r"black.png is an empty mask; paint"):
        load_mask(tmp_path / "black.png", 32)
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(BadPicture):
        load_mask(tmp_path / "text.png", 32)


def test_what_was_brushed_in_any_layer_counts():
    layers = [np.zeros((64, 64, 4), np.uint8) for _ in range(2)]
    assert brushed_mask([], 32) is None and brushed_mask(layers, 32) is None
    layers[0][:20, :20, 3] = 255
    layers[1][40:, 40:, 3] = 255
    mask = brushed_mask(layers, 32, feather=0)
    assert mask is not None and mask[0, 0, 3, 3] == 1 and mask[0, 0, 28, 28] == 1
    assert mask[0, 0, 3, 28] == 0
    layers = [np.zeros((640, 640, 4), np.uint8)]
    layers[0][0, 0, 3] = 255
    with pytest.raises(BadInput, match="empty mask"):
        brushed_mask(layers, 32)
