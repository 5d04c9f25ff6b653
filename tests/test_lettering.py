"""Words in pictures: nothing is drawn as the box of a sign that a font lacks."""

import numpy as np
import pytest
from PIL import Image, ImageFont

from editing import lettering
from editing.films import composed
from editing.lettering import SPELT, can_write, lettered
from editing.sheets import heat_map, sheet

BOX = "\uffff"


def drawn(text: str, font: lettering.Font) -> bytes:
    return bytes(font.getmask(text))


@pytest.mark.parametrize("sign", [*SPELT, "…", "±", "“", "é", "ü", "ñ"])
def test_every_sign_can_be_read(sign: str) -> None:
    text, font = lettered(sign, 14)
    own = ImageFont.load_default(14)
    assert all(drawn(char, own) != drawn(BOX, own) for char in text if char != " ")
    assert drawn(text, font) == drawn(text, own), "the same on every machine"
    assert can_write(sign)


def test_signs_are_spelt_and_what_can_be_drawn_is_not() -> None:
    assert lettered("+3 σ", 14)[0] == "+3 sigma"
    assert lettered("smile → −2 × café", 14)[0] == "smile -> -2 x cafe"
    assert lettered("± 1…", 14)[0] == "± 1…"


def test_another_script_needs_a_font(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lettering, "_wide_font", lambda size: None)
    assert lettered("微笑 +1", 14)[0] == "?? +1" and not can_write("微笑")
    wide = ImageFont.load_default(28)
    monkeypatch.setattr(lettering, "_wide_font", lambda size: wide)
    assert lettered("微笑 +1 σ", 14) == ("微笑 +1 σ", wide) and can_write("微笑")


@pytest.mark.parametrize(("sign", "spelt"), [("+3 σ", "+3 sigma"), ("a → b", "a -> b")])
def test_pictures_spell_them(sign: str, spelt: str) -> None:
    white, black = Image.new("RGB", (120, 40), (255, 255, 255)), np.zeros((64, 64, 3), np.uint8)
    for a, b in (
        [sheet([white], [each], [each], [[each]]) for each in (sign, spelt)],
        [heat_map({each: {each: 1.0}}) for each in (sign, spelt)],
        [composed(black, 64, caption=each) for each in (sign, spelt)],
    ):
        assert np.array_equal(np.asarray(a), np.asarray(b))
