"""Sheets: what stands where."""

import numpy as np
import pytest
from PIL import Image, ImageFont

from editing import lettering
from editing.domains import Domain
from editing.edits import Move, render, state_of
from editing.errors import BadInput
from editing.images import to_pil
from editing.sheets import LABEL, heat, heat_map, sheet, sweep_cells, sweep_sheet


def test_a_sweep_is_drawn_on_the_canonical_path(tiny_domain: Domain) -> None:
    state, move = state_of("seed:1", tiny_domain), Move("smile", 0.0)
    cells = list(
        sweep_cells(tiny_domain, state, move, (-1.0, 0.0, 1.0), Move("age", 0.0), (0.0, 2.0))
    )
    assert len(cells) == 6
    assert np.array_equal(cells[1], to_pil(render(state, tiny_domain)))
    moved = Move("smile", 1.0).apply(Move("age", 2.0).apply(state, tiny_domain), tiny_domain)
    assert np.array_equal(cells[5], to_pil(render(moved, tiny_domain)))
    whole = sweep_sheet(cells, move, (-1.0, 0.0, 1.0), Move("age", 0.0), (0.0, 2.0))
    assert whole.height == LABEL + 2 * 32 and whole.width > 3 * 32
    left = whole.width - 3 * 32
    corner = np.asarray(whole)[LABEL + 32 :, left + 64 :]
    assert np.array_equal(corner, np.asarray(cells[5]))
    with pytest.raises(BadInput, match="0 pictures|x 0"):
        next(sweep_cells(tiny_domain, state, move, ()))


def test_words_are_written_above() -> None:
    white = Image.new("RGB", (60, 40), (255, 255, 255))
    named, unnamed = sheet([white, white], ["smile +1", ""]), sheet([white, white], ["", ""])
    assert (np.asarray(named)[:LABEL] != np.asarray(unnamed)[:LABEL]).any()
    assert (np.asarray(unnamed) == 255).all()


def test_only_what_needs_it_is_written_with_a_font_of_the_machine(monkeypatch) -> None:
    asked: list[int] = []

    def wide(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
        asked.append(size)
        return ImageFont.load_default(2 * size)

    monkeypatch.setattr(lettering, "_wide_font", wide)
    white = Image.new("RGB", (60, 40), (255, 255, 255))
    sheet([white], ["smile +1 σ"], ["é → ê"], [["2 × 3 – 1"]])
    assert not asked
    for words in (["微"], [], []), (["a"], ["微"], []), (["a"], [], [["微"]]):
        asked.clear()
        sheet([white], *words)
        assert set(asked) == {14}


def test_heat_is_red_for_more_and_blue_for_less() -> None:
    more, none, less = heat(1.0), heat(0.0), heat(-1.0)
    assert more[0] > more[2] and less[2] > less[0] and min(none) > 240
    assert heat(7.0) == more and heat(-7.0) == less
    table = heat_map({"a": {"x": 1.0, "y": -1.0}, "b": {"x": 0.0, "y": 0.5}})
    assert table.size[0] > 60 and table.size[1] > 60
