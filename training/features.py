"""The features a picture of the world is made of: names of the labels, one a pixel."""

from __future__ import annotations

# Left and right are the picture's. An eye is the white: what lies open and is not iris.
FEATURES: tuple[str, ...] = (
    "background",
    "skin",
    "neck",
    "ears",
    "left_brow",
    "right_brow",
    "left_eye",
    "right_eye",
    "left_iris",
    "right_iris",
    "lips",
    "mouth_inside",
    "beard",
    "hair",
    "eyeglasses",
    "clothes",
)
LABEL: dict[str, int] = {name: i for i, name in enumerate(FEATURES)}
# Thin or feathered things own a pixel from this share on.
THIN: dict[str, float] = {"left_brow": 0.35, "right_brow": 0.35, "beard": 0.40, "eyeglasses": 0.35}
