"""The keypoints of a face: names and groups of 146 points, and what they are a point of.

Left and right are the picture's. Points of a face stand on its surface whether it is seen or not;
outlines (jaw, hair) are those of the picture, so they slide over the head when it turns.
"""

from __future__ import annotations

SIDES = ("left", "right")
# Per side. Brows and eyes run from the nose to the temple.
_BROW = tuple(f"brow_{edge}_{i}" for edge in ("upper", "lower") for i in range(5))
_LID = (
    "eye_inner",
    *(f"lid_upper_{i}" for i in range(1, 6)),
    "eye_outer",
    *(f"lid_lower_{i}" for i in range(5, 0, -1)),
)
_IRIS = ("iris", *(f"iris_{i}" for i in range(4)))  # centre; up, temple, down, nose
_EAR = ("ear_top", "ear_back", "ear_lobe", "ear_front")
OUTLINE = 17  # points of the jaw, from the picture's left ear over the chin
HAIRLINE = 9  # over the forehead, from the picture's left
HAIR_OUTLINE = 17  # from the picture's left shoulder side over the crown
LIPS = 7  # points of a lip's edge, corners included


def _sided(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{side}_{name}" for side in SIDES for name in names)


GROUPS: dict[str, tuple[str, ...]] = {
    "brows": _sided(_BROW),
    "eyes": _sided(_LID),
    "irises": _sided(_IRIS),
    "nose": (
        "nose_root",
        "nose_bridge_1",
        "nose_bridge_2",
        "nose_tip",
        "nose_base",
        "left_nostril",
        "right_nostril",
        "left_wing",
        "right_wing",
    ),
    "outer_lips": (
        "left_mouth_corner",
        *(f"lip_top_{i}" for i in range(1, LIPS - 1)),
        "right_mouth_corner",
        *(f"lip_bottom_{i}" for i in range(LIPS - 2, 0, -1)),
    ),
    "inner_lips": (
        *(f"lip_upper_{i}" for i in range(1, LIPS - 1)),
        *(f"lip_lower_{i}" for i in range(LIPS - 2, 0, -1)),
    ),
    "jaw": tuple(f"jaw_{i}" for i in range(OUTLINE)),
    "hairline": tuple(f"hairline_{i}" for i in range(HAIRLINE)),
    "hair_outline": tuple(f"hair_outline_{i}" for i in range(HAIR_OUTLINE)),
    "ears": _sided(_EAR),
    "neck": ("left_neck", "right_neck", "throat"),
}
POINTS: tuple[str, ...] = tuple(name for group in GROUPS.values() for name in group)
NUM_POINTS = len(POINTS)
POINT: dict[str, int] = {name: i for i, name in enumerate(POINTS)}


def mirrored(name: str) -> str:
    """The point a mirror puts in the place of this one."""
    if name.startswith(SIDES):
        side, rest = name.split("_", 1)
        return f"{'right' if side == 'left' else 'left'}_{rest}"
    stem, _, number = name.rpartition("_")
    last = {
        "jaw": OUTLINE - 1,
        "hairline": HAIRLINE - 1,
        "hair_outline": HAIR_OUTLINE - 1,
        "lip_top": LIPS - 1,
        "lip_bottom": LIPS - 1,
        "lip_upper": LIPS - 1,
        "lip_lower": LIPS - 1,
    }.get(stem)
    return name if last is None else f"{stem}_{last - int(number)}"


MIRROR: tuple[int, ...] = tuple(POINT[mirrored(name)] for name in POINTS)
