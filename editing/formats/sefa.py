"""StyleGAN2 of genforce/sefa, .pth: a dict with ``generator_smooth`` and ``generator``.

NVIDIA's numbers, but layers are counted instead of named by size, kernels of upsampling layers are
turned by 180 degrees, and style biases are stored without their one.
"""

import re
from typing import Any

from editing.formats.foreign import (
    MEAN,
    TAPS,
    Foreign,
    Weight,
    Weights,
    add_filters,
    made_up_noise,
    reshaped,
    stored,
    stylegan2_config,
)
from editing.formats.pickles import Refused
from editing.networks import make_filter

CONSTANT = re.compile(r"synthesis\.(upsample|layer\d+\.filter)\.kernel")
PARTS = {"weight": "weight", "bias": "bias", "noise": "noise_const",
         "noise_strength": "noise_strength", "style.weight": "affine.weight",
         "style.bias": "affine.bias"}  # fmt: skip


def find_generator(content: Any) -> Foreign | None:
    """The generator of such a file; None if it is another kind of file.

    Raises:
        Refused: it is such a file, but layers are missing or unknown.
    """
    if not isinstance(content, dict):
        return None
    state = content.get("generator_smooth", content.get("generator", content))
    if not isinstance(state, dict) or "synthesis.early_layer.const" not in state:
        return None
    weights: Weights = {}
    for name, value in state.items():
        ours = _place(str(name))
        if ours is None and not CONSTANT.fullmatch(str(name)):
            raise Refused(f"{str(name)[:80]} is unexpected")
        if ours is not None:
            weights[ours] = _changed(ours, stored(value))
    missing = [] if MEAN in weights else [MEAN]
    for name in [name for name in weights if name.endswith("noise_strength")]:
        noise = f"{name.rpartition('.')[0]}.noise_const"
        if noise not in weights:
            weights[noise] = made_up_noise(noise, int(name.split(".")[1][1:]))
            missing.append("noise maps")
    add_filters(weights, make_filter(TAPS))
    missing = sorted(set(missing))
    return Foreign("genforce", stylegan2_config(weights), weights, tuple(missing))


def _place(name: str) -> str | None:
    if name == "truncation.w_avg":
        return MEAN
    if name == "synthesis.early_layer.const":
        return "synthesis.b4.const"
    if match := re.fullmatch(r"mapping\.dense(\d+)\.(weight|bias)", name):
        return f"mapping.fc{match[1]}.{match[2]}"
    match = re.fullmatch(r"synthesis\.(layer|output)(\d{1,2})\.(.+)", name)
    if match is None or match[3] not in PARTS:
        return None
    index, part = int(match[2]), PARTS[match[3]]
    if match[1] == "output":
        return f"synthesis.b{4 << index}.torgb.{part}"
    return f"synthesis.b{4 << (index + 1) // 2}.conv{1 - index % 2}.{part}"


def _changed(name: str, weight: Weight) -> Weight:
    """The numbers as NVIDIA stores them."""
    if name.endswith("affine.bias"):
        return Weight(weight.shape, lambda: weight.load().float() + 1)
    if name.endswith("conv0.weight"):
        return Weight(weight.shape, lambda: weight.load().flip(2, 3))
    if name.endswith("noise_const"):
        return reshaped(weight, *weight.shape[-2:])
    if name.endswith("noise_strength"):
        return reshaped(weight)
    if name.endswith("const"):
        return reshaped(weight, *weight.shape[1:])
    return weight
