"""StyleGAN1 of genforce's interfacegan and idinvert: a flat state dict, .pth.

idinvert's mapping makes a w for every row and its picture ends in a tanh; its file has no mark of
that but the shapes.
"""

import math
import re
from typing import Any

from editing.formats.foreign import MEAN, Foreign, Weight, Weights, made_up_noise, reshaped, stored
from editing.formats.pickles import Refused
from editing.formats.torch_files import StoredTensor
from editing.stylegan1 import StyleGAN1Config

FUSED_FROM, NEVER = 128, 2**20  # pixels
EPILOGUE = {
    "apply_noise.weight": "noise_strength",
    "bias": "bias",
    "style_mod.dense.linear.weight": "affine.weight",
    "style_mod.dense.wscale.bias": "affine.bias",
}
# What has no part in the picture: constants, and the outputs of the lower resolutions.
SPARE = re.compile(
    r"truncation\.truncation|synthesis\.(lod|layer\d+\.blur\.kernel|output\d+\.(conv\.)?\w+)"
)


def find_generator(content: Any) -> Foreign | None:
    """The generator of such a file; None if it is another kind of file.

    Raises:
        Refused: it is such a file, but layers are missing or unknown.
    """
    if not isinstance(content, dict) or "mapping.dense0.linear.weight" not in content:
        return None
    state: dict[str, StoredTensor] = dict(content)
    used: set[str] = set()

    def take(name: str) -> Weight:
        used.add(name)
        return stored(state[name])

    depth = sum(f"mapping.dense{i}.linear.weight" in state for i in range(64))
    layers = sum(f"synthesis.layer{i}.epilogue.bias" in state for i in range(64))
    weights, missing = _synthesis(take, state, layers)
    for i in range(depth):
        weights[f"mapping.fc{i}.weight"] = take(f"mapping.dense{i}.linear.weight")
        weights[f"mapping.fc{i}.bias"] = _scaled(take(f"mapping.dense{i}.wscale.bias"))
    fused = [4 << (i // 2) for i in range(layers) if f"synthesis.layer{i}.weight" in state]
    unfused = FUSED_FROM if layers < 12 else NEVER
    config = _config(weights, depth, layers, min(fused, default=unfused))
    if "truncation.w_avg" in state:
        mean = take("truncation.w_avg")
        rows = (layers, config.w_dim) if config.maps_to_rows else (config.w_dim,)
        weights[MEAN] = reshaped(mean, *rows)
    else:
        missing.append(MEAN)
    left = {name for name in state if not SPARE.fullmatch(str(name))} - used
    if left:
        raise Refused(f"{sorted(map(str, left))[0]} is unexpected")
    system = "idinvert" if config.maps_to_rows else "genforce"
    return Foreign(system, config, weights, tuple(missing))


def _synthesis(take: Any, state: dict[str, Any], layers: int) -> tuple[Weights, list[str]]:
    """The synthesis' weights under our names, and what had to be made up."""
    first = "const" if "synthesis.layer0.const" in state else "first_layer"
    const = take(f"synthesis.layer0.{first}")
    weights: Weights = {"synthesis.const": reshaped(const, *const.shape[1:])}
    missing = set()
    for i in range(layers):
        name = f"synthesis.layer{i}"
        for old, new in EPILOGUE.items():
            weights[f"{name}.{new}"] = take(f"{name}.epilogue.{old}")
        noise, size = f"{name}.epilogue.apply_noise.noise", 4 << (i // 2)
        if noise in state:
            weights[f"{name}.noise_const"] = reshaped(take(noise), size, size)
        else:
            weights[f"{name}.noise_const"] = made_up_noise(name, size)
            missing.add("noise maps")
        if f"{name}.weight" in state:
            weights[f"{name}.weight"] = _kernel(take(f"{name}.weight"))
        elif i:
            weights[f"{name}.weight"] = take(f"{name}.conv.weight")
    last = f"synthesis.output{layers // 2 - 1}"
    bias = f"{last}.bias" if f"{last}.bias" in state else f"{last}.conv.bias"
    weights["synthesis.output.weight"] = take(f"{last}.conv.weight")
    weights["synthesis.output.bias"] = take(bias)
    return weights, sorted(missing)


def _config(weights: Weights, depth: int, layers: int, fused_from: int) -> StyleGAN1Config:
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
    )


def _scaled(bias: Weight) -> Weight:
    """Ours multiplies the leaky ReLU by √2, theirs the weights before it."""
    return Weight(bias.shape, lambda: bias.load() / math.sqrt(2))


def _kernel(weight: Weight) -> Weight:
    """A fused layer's kernel, [H, W, I, O] -> [O, I, H, W]."""
    height, width, inputs, outputs = weight.shape
    return Weight(
        (outputs, inputs, height, width), lambda: weight.load().permute(3, 2, 0, 1).contiguous()
    )
