"""Rounded changes: near what they were, small in a file, and exactly the same after it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from editing.io.quantization import KNOWN_LEVELS, pack, round_to_levels, unpack
from editing.models.latents import (
    Latent,
    field_bytes,
    latent_from_bytes,
    latent_to_bytes,
    tensors_hash,
)

shapes = st.sampled_from([(), (5,), (4, 3), (6, 4, 3, 3), (3, 7, 1, 1)])


@settings(max_examples=60, deadline=None)
@given(shapes, st.sampled_from(KNOWN_LEVELS), st.integers(0, 2**31), st.integers(-20, 8))
def test_what_was_rounded_comes_back_exactly(shape, levels, seed, scale):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 2.0**scale
    rounded = round_to_levels(x, levels)
    packed = pack(rounded)
    assert packed is not None and packed[0].dtype == np.int8
    assert torch.equal(unpack(*packed), rounded)
    assert tensors_hash({"x": unpack(*packed)}) == tensors_hash({"x": rounded})
    assert torch.equal(round_to_levels(rounded, levels), rounded)


def test_rounding_is_at_most_half_a_step_off():
    x = torch.randn(8, 20)
    steps = x.abs().amax(1, keepdim=True) / 7
    assert bool(((round_to_levels(x, 7) - x).abs() <= steps * 0.501).all())
    assert torch.equal(round_to_levels(torch.zeros(3, 3), 7), torch.zeros(3, 3))


def test_other_numbers_are_not_packed():
    assert pack(torch.randn(8, 20)) is None


@pytest.mark.parametrize(
    ("steps", "scales"),
    [
        (np.zeros((3, 2), np.int8), np.zeros((4, 1), np.float32)),
        (np.zeros((3, 2), np.float32), np.zeros((3, 1), np.float32)),
        (np.zeros((3, 2), np.int8), np.zeros((3, 1), np.int64)),
        (np.zeros((3, 2), np.int8), np.zeros((3,), np.float32)),
    ],
)
def test_what_does_not_belong_together_is_refused(steps, scales):
    with pytest.raises(ValueError, match="scales"):
        unpack(steps, scales)


def test_a_latent_file_keeps_a_rounded_delta_exactly_and_small():
    rng = torch.Generator().manual_seed(0)
    whole = {"b8.conv0.weight": torch.randn(64, 64, 3, 3, generator=rng)}
    rounded = {name: round_to_levels(x, 7) for name, x in whole.items()}
    latent = Latent(torch.zeros(1, 4, 8), weight_delta=rounded)
    back = latent_from_bytes(latent_to_bytes(latent))
    assert torch.equal(back.weight_delta["b8.conv0.weight"], rounded["b8.conv0.weight"])
    assert field_bytes("weight_delta", rounded) < 0.15 * field_bytes("weight_delta", whole)
    full = latent_from_bytes(latent_to_bytes(Latent(torch.zeros(1, 4, 8), weight_delta=whole)))
    assert torch.equal(full.weight_delta["b8.conv0.weight"], whole["b8.conv0.weight"])
