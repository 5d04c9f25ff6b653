"""Rows, groups and the little language for them."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from editing.errors import BadInput
from editing.models.generators.generator import Generator
from editing.models.generators.layers import (
    format_layers,
    groups_of,
    layer_groups,
    layer_resolution,
    layer_resolutions,
    parse_layers,
)
from editing.models.generators.stylegan1 import StyleGAN1Config
from editing.models.generators.stylegan3 import StyleGAN3Config
from tests.conftest import make_tiny_generator


def test_groups_of_the_usual_sizes() -> None:
    assert groups_of(12) == {
        "coarse": (0, 1, 2),
        "middle": (3, 4, 5, 6),
        "fine": (7, 8, 9, 10, 11),
    }
    assert groups_of(18)["fine"] == tuple(range(7, 18))
    assert "fine" not in groups_of(8)


@pytest.mark.parametrize("resolution", [16, 32, 64])
def test_rows_agree_with_the_generator(resolution: int) -> None:
    """The last layer that reads a row tells its resolution; torgb follows the convolution."""
    generator = make_tiny_generator(resolution)
    convolutions = [name for name in _layer_order(generator) if "conv" in name]
    told = [int(name.split(".")[0][1:]) for name in convolutions] + [resolution]
    rows = range(generator.num_ws)
    assert [layer_resolution(row, generator.num_ws) for row in rows] == told


def _layer_order(generator: Generator) -> list[str]:
    ws = generator.mapping.w_avg.expand(1, generator.num_ws, -1)
    return list(generator.styles(ws))


def test_groups_of_the_other_families() -> None:
    """StyleGAN1's as in its paper; StyleGAN3's by the finest wave that a layer lets pass."""
    with torch.device("meta"):
        one = Generator(StyleGAN1Config(1024, (512, 512, 512, 512, 256, 128, 64, 32, 16)))
        three = Generator(StyleGAN3Config(1024, (512,) * 7 + (323, 203, 128, 81, 51, 32, 32, 3)))
    assert layer_groups(one) == {
        "coarse": (0, 1, 2, 3),
        "middle": (4, 5, 6, 7),
        "fine": tuple(range(8, 18)),
    }
    assert layer_groups(three) == {
        "coarse": (0, 1, 2, 3),
        "middle": (4, 5, 6),
        "fine": tuple(range(7, 16)),
    }
    assert layer_resolutions(three)[-3:] == (1024, 1024, 1024)
    assert parse_layers("middle,0", one) == (0, 4, 5, 6, 7)
    with pytest.raises(BadInput, match="0 to 15"):
        parse_layers("16", three)


def test_groups_divide_the_rows(tiny_generator: Generator) -> None:
    rows = [row for group in layer_groups(tiny_generator).values() for row in group]
    assert rows == list(range(tiny_generator.num_ws))


def test_texts() -> None:
    assert parse_layers("coarse", 12) == (0, 1, 2)
    assert parse_layers("0-3,7", 12) == (0, 1, 2, 3, 7)
    assert parse_layers("7, middle,3", 12) == (3, 4, 5, 6, 7)
    assert parse_layers("all", 6) == (0, 1, 2, 3, 4, 5)


@pytest.mark.parametrize("text", ["", "x", "3-1", "12", "-1", "0-", "1.5", "0-12", "²", "coarse-3"])
def test_bad_texts_are_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_layers(text, 12)


@given(st.sets(st.integers(0, 17), min_size=1))
def test_format_is_read_back(rows: set[int]) -> None:
    ordered = tuple(sorted(rows))
    assert parse_layers(format_layers(ordered), 18) == ordered
