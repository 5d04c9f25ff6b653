"""StyleGAN1 in PyTorch, flat state dicts: interfacegan, idinvert and sefa (genforce), and
StyleGAN_LatentEditor (pacifinapacific).

The same numbers under four sets of names. idinvert's mapping makes a w for every row and its
picture ends in a tanh; its file has no mark of that but the shapes, and its mean of W is one row.
"""

import math
import re
from collections.abc import Callable
from typing import Any

from editing.formats.foreign import (
    MEAN,
    Foreign,
    Weight,
    Weights,
    check_square,
    complete_noise,
    placed,
    reshaped,
)
from editing.formats.pickles import Refused
from editing.formats.wrappings import state_with
from editing.stylegan1 import StyleGAN1Config

FUSED_FROM, NEVER = 128, 2**20  # pixels
TORCH_EPSILON = 1e-5  # of torch's own instance norm, which StyleGAN_LatentEditor uses
PARTS = {
    "weight": "weight",
    "bias": "bias",
    "noise.weight": "noise_strength",
    "noise.noise": "noise_const",
    "style.weight": "affine.weight",
    "style.bias": "affine.bias",
}
# What the same part is called in interfacegan ("linear") and idinvert ("fc").
INTERFACEGAN = {
    "conv.weight": "weight",
    "weight": "fused weight",
    "epilogue.bias": "bias",
    "epilogue.apply_noise.weight": "noise.weight",
    "epilogue.apply_noise.noise": "noise.noise",
    "epilogue.style_mod.dense.linear.weight": "style.weight",
    "epilogue.style_mod.dense.fc.weight": "style.weight",
    "epilogue.style_mod.dense.wscale.bias": "style.bias",
    "linear.weight": "weight",
    "fc.weight": "weight",
    "wscale.bias": "bias",
    "conv.bias": "bias",
    "bias": "bias",
}
EDITOR = {"top_epi.noise.weight": "noise.weight", "style_mod.lin.weight": "style.weight",
          "style_mod.lin.bias": "style.bias"}  # fmt: skip
# What has no part in the picture: constants, and the outputs of the lower resolutions.
SPARE = re.compile(
    r"truncation\.truncation|synthesis\.(lod|layer\d+\.blur\.kernel)"
    r"|synthesis\.output\d+\.(conv\.)?\w+|g_synthesis\.blocks\.\w+\.conv0_up\.intermediate\.kernel"
)
Place = Callable[[str], str | None]  # their name -> ours


def find_generator(content: Any) -> Foreign | None:
    """The generator of such a file; None if it is another kind of file.

    Raises:
        Refused: it is such a file, but layers are missing or unknown.
    """
    for name in ("mapping.dense0.linear.weight", "mapping.dense0.fc.weight"):
        if state := state_with(content, name):
            return _read(state, _genforce(INTERFACEGAN), "genforce", named=True)
    if state := state_with(content, "synthesis.layer0.apply_noise.weight"):
        return _read(state, _genforce({}), "genforce")
    if state := state_with(content, "g_mapping.dense0.weight"):
        return _read(state, _editor, "StyleGAN_LatentEditor", epsilon=TORCH_EPSILON)
    return None


def _genforce(parts: dict[str, str]) -> Place:
    """The names of genforce's repositories; ``parts``: those that differ from sefa's."""

    def place(name: str) -> str | None:
        if name == "truncation.w_avg":
            return MEAN
        if re.fullmatch(r"synthesis\.layer0\.(const|first_layer)", name):
            return "synthesis.const"
        match = re.fullmatch(
            r"(mapping\.dense|synthesis\.layer|synthesis\.output)(\d+)\.(.+)", name
        )
        part = match and parts.get(match[3], "" if parts else match[3].replace("apply_", ""))
        if not match or not part:
            return None
        if match[1] == "mapping.dense":
            return f"mapping.fc{match[2]}.{part}" if part in ("weight", "bias") else None
        if part == "fused weight":
            return f"{match[1]}{match[2]}.{part}"
        return f"{match[1]}{match[2]}.{PARTS[part]}" if part in PARTS else None

    return place


def _editor(name: str) -> str | None:
    """StyleGAN_LatentEditor's: two epilogues per block, and the first block without conv0_up."""
    if name == "g_synthesis.blocks.4x4.const":
        return "synthesis.const"
    if name == "g_synthesis.blocks.4x4.bias":
        return "synthesis.layer0.bias"
    if match := re.fullmatch(r"g_mapping\.dense(\d+)\.(weight|bias)", name):
        return f"mapping.fc{match[1]}.{match[2]}"
    if match := re.fullmatch(r"g_synthesis\.torgb\.(weight|bias)", name):
        return f"synthesis.output.{match[1]}"
    layers = r"g_synthesis\.blocks\.(\d{1,4})x\1\.(epi1|epi2|conv0_up|conv1?)\.(.+)"
    match = re.fullmatch(layers, name)
    if match is None:
        return None
    row = 2 * (int(match[1]).bit_length() - 3) + (match[2] in ("epi2", "conv", "conv1"))
    part = PARTS.get(EDITOR.get(match[3], "") if match[2].startswith("epi") else match[3])
    return f"synthesis.layer{row}.{part}" if part else None


def _read(
    state: dict[Any, Any], place: Place, system: str, named: bool = False, epsilon: float = 1e-8
) -> Foreign:
    """``named``: names say which layers are fused; otherwise it is all from FUSED_FROM on."""
    weights = placed(state, place, SPARE)
    layers = sum(f"synthesis.layer{i}.bias" in weights for i in range(64))
    _take_output(weights, layers // 2 - 1)
    depth = sum(f"mapping.fc{i}.weight" in weights for i in range(64))
    for i in range(depth):
        if f"mapping.fc{i}.bias" in weights:
            weights[f"mapping.fc{i}.bias"] = _scaled(weights[f"mapping.fc{i}.bias"])
    fused = _take_fused(weights, layers)
    never = named and layers > 2 * (FUSED_FROM.bit_length() - 3)
    fused_from = min(fused, default=NEVER if never else FUSED_FROM)
    const = weights["synthesis.const"]
    check_square(const)
    weights["synthesis.const"] = reshaped(const, *const.shape[1:])
    sizes = {f"synthesis.layer{i}": 4 << (i // 2) for i in range(layers)}
    missing = complete_noise(weights, sizes)
    config = _config(weights, depth, layers, fused_from, epsilon)
    if MEAN in weights:
        weights[MEAN] = _mean(weights[MEAN], config)
    else:
        missing.append(MEAN)
    return Foreign("idinvert" if config.maps_to_rows else system, config, weights, tuple(missing))


def _take_output(weights: Weights, last: int) -> None:
    """Keep the output of the highest resolution, under our name."""
    for name in [name for name in weights if re.match(r"synthesis\.output\d", name)]:
        weight = weights.pop(name)
        if name.startswith(f"synthesis.output{last}."):
            weights[f"synthesis.output.{name.rpartition('.')[2]}"] = weight


def _take_fused(weights: Weights, layers: int) -> list[int]:
    """Sizes where upsampling and convolution are one; their kernels are [H, W, I, O] there."""
    fused = [i for i in range(layers) if f"synthesis.layer{i}.fused weight" in weights]
    for i in fused:
        weights[f"synthesis.layer{i}.weight"] = _kernel(
            weights.pop(f"synthesis.layer{i}.fused weight")
        )
    return [4 << (i // 2) for i in fused]


def _config(
    weights: Weights, depth: int, layers: int, fused_from: int, epsilon: float
) -> StyleGAN1Config:
    w_dim = weights["synthesis.layer0.affine.weight"].shape[1]
    widths = [weights[f"mapping.fc{i}.weight"].shape for i in range(depth)]
    maps_to_rows = widths[-1][0] == layers * w_dim
    return StyleGAN1Config(
        img_resolution=4 << ((layers - 1) // 2),
        channels=tuple(weights[f"synthesis.layer{i}.bias"].shape[0] for i in range(0, layers, 2)),
        z_dim=widths[0][1],
        w_dim=w_dim,
        num_mapping_layers=depth,
        mapping_width=widths[-1][1],
        maps_to_rows=maps_to_rows,
        fused_from=fused_from,
        final_tanh=maps_to_rows,
        img_channels=weights["synthesis.output.bias"].shape[0],
        norm_epsilon=epsilon,
    )


def _mean(mean: Weight, config: StyleGAN1Config) -> Weight:
    """The mean of W for a mapping that makes one row, or one for each that it makes."""
    width, rows = config.w_dim, config.num_ws if config.maps_to_rows else 1
    given = math.prod(mean.shape)
    if given not in (width, rows * width):
        raise Refused(f"its w_avg has {given} numbers, where {width} or {rows * width} belong")
    if not config.maps_to_rows:
        return reshaped(mean, width)
    flat = reshaped(mean, given // width, width)
    return Weight((rows, width), lambda: flat.load().expand(rows, width).clone())


def _scaled(bias: Weight) -> Weight:
    """Ours multiplies the leaky ReLU by √2, theirs the weights before it."""
    return Weight(bias.shape, lambda: bias.load() / math.sqrt(2))


def _kernel(weight: Weight) -> Weight:
    """A fused layer's kernel, [H, W, I, O] -> [O, I, H, W]."""
    height, width, inputs, outputs = weight.shape
    return Weight(
        (outputs, inputs, height, width), lambda: weight.load().permute(3, 2, 0, 1).contiguous()
    )
