"""What the gates of the generator's training measure: readings against truth, halos, strands."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from benchmarks.pairs import (
    SHELLS,
    Measured,
    Pair,
    Reading,
    mean_error,
    outline_profile,
    pair_sheet,
    readings,
)
from training.factors import INDEX, NAMES, NUM_FACTORS
from training.features import FEATURES

WALL, SKIN = FEATURES.index("background"), FEATURES.index("skin")


@pytest.fixture
def pair() -> Pair:
    """Twenty people, a square of skin before a wall each, drawn exactly."""
    rng = torch.Generator().manual_seed(0)
    pictures = torch.randint(60, 180, [20, 3, 64, 64], generator=rng, dtype=torch.uint8)
    labels = torch.full([20, 64, 64], WALL, dtype=torch.uint8)
    labels[:, 20:44, 20:44] = SKIN
    wanted = torch.randn(20, NUM_FACTORS, generator=rng)
    return Pair(pictures, pictures, pictures, labels, wanted, torch.ones_like(wanted))


def ringed(pair: Pair, inner: int, outer: int, light: int) -> Pair:
    """The same, but lighter from ``inner`` to ``outer`` pixels outside of the skin."""
    drawn = pair.drawn.clone()
    ring = torch.zeros(64, 64, dtype=torch.uint8)
    ring[20 - outer : 44 + outer, 20 - outer : 44 + outer] = light
    ring[20 - inner : 44 + inner, 20 - inner : 44 + inner] = 0
    return replace(pair, drawn=drawn + ring)


def test_a_halo_stands_where_it_is_in_the_profile(pair: Pair) -> None:
    assert not outline_profile(pair).any()
    profile = outline_profile(ringed(pair, 1, 3, light=12))
    assert profile.shape == (2 * SHELLS, 3)
    wall = profile[:SHELLS].flip(0)  # nearest first
    assert torch.allclose(wall[1:3], torch.full([2, 3], 12.0))
    assert not wall[0].any() and not wall[3:].any() and not profile[SHELLS:].any()


class Told(nn.Module):
    """A judge that says what it was given, whatever it is shown."""

    def __init__(self, said: Tensor) -> None:
        super().__init__()
        self.said, self.place = said, 0

    def forward(self, pictures: Tensor) -> Tensor:
        part = self.said[self.place : self.place + len(pictures)]
        self.place += len(pictures)
        return part


def test_readings_are_held_against_the_truth_where_a_feature_shows(pair: Pair) -> None:
    said = pair.wanted.clone()
    brow, curl = INDEX["brow_height"], INDEX["hair_curl"]
    said[:, brow] = 0.5  # deaf
    said[0, curl] += 7
    pair.readable[0, curl] = 0
    found = readings(Told(said), pair.drawn, pair)  # type: ignore[arg-type]
    assert found["smile"].error == 0 and found["smile"].r2 == pytest.approx(1)
    assert found["hair_curl"].error == 0
    assert found["brow_height"].error == pytest.approx(
        float((pair.wanted[:, brow] - 0.5).abs().mean())
    )
    assert found["brow_height"].r2 <= 0


def test_a_line_of_the_course_names_the_worst(pair: Pair) -> None:
    good, bad = Reading(0.1, 0.99, 0.98), Reading(1.0, 0.1, -0.2)
    drawn = {name: good for name in NAMES} | {"brow_height": bad}
    rendered = {name: good for name in NAMES}
    facts = Measured(0.05, 0.01, drawn, rendered, 0.9, 2.0).facts()
    assert facts["r2_least"] == -0.2
    assert facts["judge_error"] == mean_error(drawn) > facts["judge_error_on_renders"]  # type: ignore[operator]
    assert facts["correlations"]["brow_height"] == 0.1  # type: ignore[index]


def test_the_sheet_shows_renders_above_what_was_drawn(pair: Pair, tmp_path: Path) -> None:
    darker = replace(pair, drawn=pair.drawn // 2)
    pair_sheet(darker, tmp_path / "pairs.png", columns=5, rows=2)
    sheet = np.asarray(Image.open(tmp_path / "pairs.png"))
    assert sheet.shape == (4 * 64, 5 * 64, 3)
    first = pair.clean[0].permute(1, 2, 0).numpy()
    assert (sheet[:64, :64] == first).all() and (sheet[64:128, :64] == first // 2).all()
