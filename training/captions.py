"""What can be said of a portrait: captions in English and Chinese, from factors alone.

``caption(factors, seed, "en")`` says between 1 and 10 things that the picture shows, in one of
many forms; the Chinese caption of the same seed says the same things. A factor is sayable where
its value lies in one of its ``BANDS`` (away from their borders, where people would disagree) and
nothing hides it. Words and grammar are in ``captions_english`` and ``captions_chinese``.

Two styles: sentences, and lists of keywords ("portrait: young woman, long hair"). The words of
``HELD_OUT`` occur in lists only, never in a sentence. Zero-shot tests ask for them in sentences
("a photo of a person with spectacles"; see ``prompts``), a form they were never trained in.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from typing import Literal

import numpy as np
from torch import Tensor

from training import captions_chinese, captions_english
from training.chooser import Chooser
from training.factors import MIN_SEEN, NAMES, SEEN_ON, sample_factors

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
FEWEST, MOST = 1, 10
LISTS = 0.3  # share of captions that are lists of keywords

HELD_OUT: dict[Language, tuple[str, ...]] = {
    "en": ("spectacles", "grinning", "elderly", "blonde", "bearded"),
    "zh": ("戴眼镜", "微笑", "老人"),
}

# Factor -> (from, to, what it is called there). Between bands it goes without saying.
BANDS: dict[str, tuple[tuple[float, float, str], ...]] = {
    "smile": (
        (-1, -0.4, "frown"),
        (-0.15, 0.15, "neutral"),
        (0.3, 0.6, "smile"),
        (0.65, 1, "laugh"),
    ),
    "age": ((-1, -0.45, "young"), (-0.1, 0.2, "middle"), (0.5, 1, "old")),
    "gender": ((-1, -0.35, "woman"), (0.35, 1, "man")),
    "pose": ((-1, -0.35, "left"), (-0.12, 0.12, "front"), (0.35, 1, "right")),
    "eyeglasses": ((-1, -0.9, "none"), (0.9, 1, "on")),
    "pitch": ((-1, -0.4, "down"), (0.4, 1, "up")),
    "mouth_open": ((-1, -0.35, "closed"), (0.4, 1, "open")),
    "teeth": ((0.45, 1, "shown"),),
    "eye_openness": ((-1, -0.5, "narrow"), (0.5, 1, "wide")),
    "brow_height": ((-1, -0.5, "low"), (0.5, 1, "high")),
    "brow_angle": ((-1, -0.5, "sad"), (0.5, 1, "angry")),
    "face_width": ((-1, -0.5, "narrow"), (0.5, 1, "wide")),
    "jaw_width": ((-1, -0.5, "pointed"), (0.5, 1, "square")),
    "nose_size": ((-1, -0.5, "small"), (0.5, 1, "large")),
    "skin_tone": (
        (-1, -0.55, "fair"),
        (-0.4, -0.1, "light"),
        (-0.02, 0.2, "tan"),
        (0.3, 0.55, "brown"),
        (0.65, 1, "dark"),
    ),
    "hair_lightness": (
        (-1, -0.6, "black"),
        (-0.4, -0.2, "dark brown"),
        (-0.1, 0.15, "brown"),
        (0.25, 0.42, "light brown"),
        (0.58, 1, "blond"),
    ),
    "hair_redness": ((0.55, 1, "red"),),
    "grey_hair": ((0.6, 1, "grey"),),
    "hair_length": ((-1, -0.35, "short"), (-0.1, 0.25, "medium"), (0.45, 1, "long")),
    "hair_curl": ((-1, -0.3, "straight"), (0.1, 0.4, "wavy"), (0.5, 1, "curly")),
    "hair_volume": ((-1, -0.55, "flat"), (0.55, 1, "full")),
    "fringe": ((-1, -0.5, "open"), (0.45, 1, "fringe")),
    "parting": ((-1, -0.6, "left"), (0.6, 1, "right")),
    "baldness": ((0.35, 0.6, "receding"), (0.68, 1, "bald")),
    "beard": ((-1, -0.2, "shaven"), (0.1, 0.32, "stubble"), (0.45, 1, "beard")),
    "lip_colour": ((-1, -0.5, "pale"), (0.5, 1, "red")),
    "lip_fullness": ((-1, -0.5, "thin"), (0.5, 1, "full")),
    "eye_colour": ((-1, -0.4, "brown"), (-0.15, 0.15, "green"), (0.4, 1, "blue")),
    "eye_size": ((-1, -0.5, "small"), (0.5, 1, "large")),
    "glasses_shape": ((-1, -0.4, "round"), (0.4, 1, "square")),
    "background_hue": (
        (-1, -0.55, "blue"),
        (-0.45, -0.2, "teal"),
        (-0.08, 0.08, "grey"),
        (0.2, 0.45, "sand"),
        (0.6, 1, "orange"),
    ),
    "background_lightness": ((-1, -0.4, "dark"), (0.4, 1, "light")),
    "light_direction": ((-1, -0.4, "left"), (-0.1, 0.1, "front"), (0.4, 1, "right")),
    "clothes_hue": (
        (-1, -0.55, "blue"),
        (-0.45, -0.2, "teal"),
        (0.2, 0.5, "purple"),
        (0.7, 1, "red"),
    ),
    "clothes_lightness": ((-1, -0.4, "dark"), (0.4, 1, "light")),
}
# What people say first is said more often; what goes without saying, less.
WEIGHTS: dict[str, float] = {
    "gender": 3, "age": 2, "smile": 2, "eyeglasses": 2, "beard": 2, "baldness": 3, "pose": 1.5,
    "hair_lightness": 2, "hair_redness": 2.5, "grey_hair": 2.5, "hair_length": 2, "hair_curl": 1.5,
}  # fmt: skip
PLAIN = {"none", "neutral", "front", "middle", "closed", "shaven", "medium", "open"}


def hidden(name: str, f: Mapping[str, float]) -> bool:
    """Whether other factors keep this one from being seen, or its words from being true."""
    match name:
        case "hair_length" | "hair_curl" | "hair_volume":
            return f["baldness"] > 0.2
        case "fringe" | "parting":
            return f["baldness"] > 0.2 or (name == "parting" and f["fringe"] > 0)
        case "hair_lightness":
            return f["baldness"] > 0.45 or f["hair_redness"] > 0.2 or f["grey_hair"] > 0.35
        case "hair_redness":
            return f["baldness"] > 0.45 or f["grey_hair"] > 0.35
        case "grey_hair":
            return f["baldness"] > 0.45
        case "eye_colour" | "eye_size":
            return f["eye_openness"] < -0.6
        case "mouth_open":
            return f["mouth_open"] < 0 and f["teeth"] > 0.1
        case "glasses_shape":
            return f["eyeglasses"] < 0.9
        case "beard":  # nobody remarks that a woman is shaven
            return f["beard"] < 0 and f["gender"] < 0.2
        case "jaw_width":
            return f["beard"] > 0.3
        case "background_hue":  # dark sand is no colour one would name
            return 0.1 < f[name] < 0.5 and f["background_lightness"] < -0.2
        case "clothes_hue" | "clothes_lightness":
            return f["pitch"] > 0.2
    return False


def sayable(factors: Tensor, visible: Mapping[str, float] | None = None) -> dict[str, str]:
    """Factor -> band, for all that could be said of a picture.

    Args:
        factors: [F] in [-1, 1].
        visible: pixels of each feature at 128 px where they are known (``Render.masks`` summed);
            features below ``MIN_SEEN`` are not spoken of.
    """
    f = dict(zip(NAMES, factors.tolist(), strict=True))
    said = {}
    for name, bands in BANDS.items():
        band = next((word for low, high, word in bands if low <= f[name] <= high), None)
        feature = SEEN_ON.get(name, "")
        seen = visible is None or visible.get(feature, MIN_SEEN) >= MIN_SEEN
        if band is not None and seen and not hidden(name, f):
            said[name] = band
    if said.get("grey_hair") and f["hair_lightness"] > 0.2:
        said["grey_hair"] = "white"
    return said


def attributes_named(
    factors: Tensor, seed: int, visible: Mapping[str, float] | None = None
) -> dict[str, str]:
    """Factor -> band, for what the captions of this seed say (in both languages)."""
    said = sayable(factors, visible)
    rng = np.random.RandomState(seed)
    count = min(rng.randint(FEWEST, MOST + 1), len(said))
    weights = np.array(
        [WEIGHTS.get(name, 1.0) * (0.5 if band in PLAIN else 1.0) for name, band in said.items()]
    )
    picked = set(rng.choice(len(said), count, replace=False, p=weights / weights.sum()))
    named = {name: band for i, (name, band) in enumerate(said.items()) if i in picked}
    if "glasses_shape" in named and "eyeglasses" not in named:  # round glasses are glasses
        if len(named) >= MOST:
            del named["glasses_shape"]
        named["eyeglasses"] = said["eyeglasses"]
    return named


def caption(
    factors: Tensor, seed: int, language: Language, visible: Mapping[str, float] | None = None
) -> str:
    """A caption of the picture of factors [F]; another seed says other things, or otherwise."""
    named = attributes_named(factors, seed, visible)
    rng = np.random.RandomState([seed, LANGUAGES.index(language)])
    is_list = rng.rand() < LISTS
    choose = Chooser(rng, HELD_OUT[language], is_list)
    grammar = captions_english if language == "en" else captions_chinese
    text: str = (grammar.keywords if is_list else grammar.sentences)(named, choose)
    return text


def english_words(captions: list[str]) -> set[str]:
    """The distinct words of English captions."""
    return {
        word for text in captions for word in re.findall(r"[a-z]+(?:['-][a-z]+)*", text.lower())
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Print captions of the rendered world.")
    parser.add_argument("--seeds", default="0-9", help="persons, first-last")
    args = parser.parse_args()
    first, last = (int(n) for n in args.seeds.split("-"))
    for seed in range(first, last + 1):
        factors = sample_factors([seed])[0]
        for language in LANGUAGES:
            print(f"{seed}  {caption(factors, seed, language)}")


if __name__ == "__main__":
    main()
