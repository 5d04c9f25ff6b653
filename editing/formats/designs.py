"""Networks that are known by name, but not supported here: said so, instead of called damaged."""

import re
from typing import Any

from editing.formats.wrappings import State, states_in

# What a state dict has in its names -> what such a network is called.
DESIGNS: tuple[tuple[str, str], ...] = (
    (r"(.*\.)?i?dwt\.(ll|lh|hl|hh)|(.*\.)?iwt\.(ll|lh|hl|hh)", "SWAGAN, a generator of wavelets"),
    (r"style_mapping\.\d+\.weight|constant_input\..+", "mmgeneration's own StyleGAN2"),
    (r"layer0\.(conv\.)?weight", "a progressive GAN (PGGAN)"),
    (r"final_conv\.0\.weight|final_linear\.0\.weight", "a discriminator, which draws nothing"),
)
BESIDE = {"a progressive GAN (PGGAN)": r"output\d+\.(conv\.)?weight"}  # what must be there, too


def unsupported_design(content: Any) -> str | None:
    """What a file of networks is, where it is known and not supported; None = nothing of these."""
    for state in states_in(content):
        for pattern, name in DESIGNS:
            if _has(state, pattern) and _has(state, BESIDE.get(name, pattern)):
                return name
    return None


def _has(state: State, pattern: str) -> bool:
    return any(re.fullmatch(pattern, name) for name in state)
