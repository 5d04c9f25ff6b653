"""What people choose from in several places: levels, groups of layers, attributes."""

from collections.abc import Iterable, Sequence

from ui.locales import attribute_name, say

REACH = 3.0  # sliders go from -REACH to REACH standard deviations
LEVELS = ("quick", "standard", "best")  # of an inversion


def layer_choices(groups: Iterable[str], lang: str) -> list[tuple[str, str]]:
    return [(say(f"layers.{group}", lang), group) for group in groups]


def given_choices(names: Sequence[str], lang: str) -> list[tuple[str, str]]:
    return [(attribute_name(name, lang), name) for name in names]
