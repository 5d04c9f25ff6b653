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
    add_filters,
    complete_noise,
    placed,
    reshaped,
    stylegan2_config,
)
from editing.formats.wrappings import state_with
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
    state = state_with(content, "synthesis.early_layer.const")
    if not state:
        return None
    weights = {name: _changed(name, w) for name, w in placed(state, _place, CONSTANT).items()}
    missing = [] if MEAN in weights else [MEAN]
    noisy = [name.rpartition(".")[0] for name in weights if name.endswith("noise_strength")]
    missing += complete_noise(weights, {layer: int(layer.split(".")[1][1:]) for layer in noisy})
    add_filters(weights, make_filter(TAPS))
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
    if name.endswith("noise_strength"):
        return reshaped(weight)
    if name.endswith("const"):
        return reshaped(weight, *weight.shape[1:])
    return weight
