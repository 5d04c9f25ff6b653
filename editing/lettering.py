"""Words in pictures: the font that ships with Pillow, signs it lacks spelt, other scripts' fonts.

Pillow's own font is the same on every machine, but it has hardly more than ASCII: a sign that it
cannot draw comes out as an empty box. Greek letters, arrows and the like are spelt instead, letters
lose their accents; a text in another script needs one of the fonts that this machine may have.
"""

from __future__ import annotations

import unicodedata
from contextlib import suppress
from functools import cache

from PIL import ImageFont

WIDE_FONTS = (  # that have Chinese, as Linux, macOS and Windows name them
    "NotoSansCJK-Regular.ttc", "wqy-microhei.ttc", "wqy-zenhei.ttc", "PingFang.ttc",
    "Hiragino Sans GB.ttc", "msyh.ttc", "simhei.ttf",
)  # fmt: skip
SPELT = {
    "σ": "sigma", "α": "alpha", "β": "beta", "Δ": "delta", "ψ": "psi", "π": "pi", "µ": "u",
    "→": "->", "←": "<-", "×": "x", "−": "-", "–": "-", "—": "-", "≥": ">=", "≤": "<=", "≈": "~",
    "²": "^2", "√": "sqrt ", "∞": "inf", "•": "·", "ß": "ss", "æ": "ae", "ø": "o",
}  # fmt: skip
ABSENT = "\uffff"  # no font has it, so it is drawn as what is not there
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def lettered(text: str, size: int) -> tuple[str, Font]:
    """A text as it can be drawn on any machine, and the font for it, ``size`` pixels high.

    What no font here has becomes a question mark.
    """
    spelt = _spelt(text)
    own = ImageFont.load_default(size)
    if all(map(_has, spelt)):
        return spelt, own
    wide = _wide_font(size)
    if wide is not None:
        return text, wide
    return "".join(char if _has(char) else "?" for char in spelt), own


def can_write(text: str) -> bool:
    """Whether a picture can have ``text`` on it here, spelt or with a font of this machine."""
    return all(map(_has, _spelt(text))) or _wide_font(14) is not None


def _spelt(text: str) -> str:
    return "".join(char if _has(char) else SPELT.get(char) or _plain(char) for char in text)


def _plain(char: str) -> str:
    """A letter without its accents, where that can be drawn."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", char) if not unicodedata.combining(c))
    return bare if bare and all(map(_has, bare)) else char


@cache
def _has(char: str) -> bool:
    """Whether Pillow's own font can draw a character."""
    if char.isascii():
        return True
    font = ImageFont.load_default(20)
    with suppress(UnicodeEncodeError):  # a font of pixels knows Latin-1 alone
        return bytes(font.getmask(char)) != bytes(font.getmask(ABSENT))
    return False


@cache
def _wide_font(size: int) -> Font | None:
    for name in WIDE_FONTS:
        with suppress(OSError):
            return ImageFont.truetype(name, size)
    return None
