"""rosinality's .pt: a dict with the state dict ``g_ema`` or ``g``, and ``latent_avg`` or not.

The same numbers as NVIDIA's in other shapes and under other names: only reshaping is needed.
(Its convolutions carry 1/√fan_in before demodulation, which demodulation takes out again.)
"""

import re
from collections.abc import Iterator
from typing import Any

from editing.formats.foreign import (
    MEAN,
    TAPS,
    Foreign,
    Weight,
    add_filters,
    complete_noise,
    mean_row,
    reshaped,
    stored,
    stylegan2_config,
)
from editing.formats.pickles import Refused
from editing.formats.wrappings import is_trained_only, mean_in, state_with
from editing.networks import make_filter

KERNEL = re.compile(r"convs\.\d+\.conv\.blur\.kernel|to_rgbs\.\d+\.upsample\.kernel")
CONV = {
    "conv.weight": "weight",
    "conv.modulation.weight": "affine.weight",
    "conv.modulation.bias": "affine.bias",
    "noise.weight": "noise_strength",
    "activate.bias": "bias",
}
RGB = {
    "conv.weight": "weight",
    "conv.modulation.weight": "affine.weight",
    "conv.modulation.bias": "affine.bias",
    "bias": "bias",
}


def find_generator(content: Any) -> Foreign | None:
    """The generator of such a file; None if it is another kind of file.

    Raises:
        Refused: it is such a file, but layers are missing or unknown.
    """
    state = dict(state_with(content, "convs.0.conv.modulation.weight"))
    if not state:
        return None
    mean = state.pop("latent_avg", None) or mean_in(content)
    trained = ", the weights that are trained" if is_trained_only(content) else ""
    return translate(state, mean, f"rosinality{trained}")


def translate(state: dict[str, Any], mean: Any, system: str) -> Foreign:
    """A state dict under rosinality's names, and the mean of W, if it is known."""
    blocks = sum(f"to_rgbs.{k}.bias" in state for k in range(16)) + 1
    layers = list(_layers(state, blocks))
    left = {name for name in state if not KERNEL.fullmatch(name)} - {old for old, _ in layers}
    noises = {f"noises.noise_{i}" for i in range(2 * blocks - 1)}
    if left - noises:
        raise Refused(f"{sorted(left - noises)[0]} is unexpected")
    weights = {new: _squeezed(new, stored(state[old])) for old, new in layers}
    sizes = _sizes(blocks)
    for i, layer in enumerate(sizes):
        if f"noises.noise_{i}" in state:
            weights[f"{layer}.noise_const"] = stored(state[f"noises.noise_{i}"])
    missing = complete_noise(weights, sizes)
    key = "convs.0.conv.blur.kernel"  # theirs sums to 4, and most of their layers have none
    add_filters(
        weights, stored(state[key]).load().float() / 4 if key in state else make_filter(TAPS)
    )
    if mean is None:
        missing.append(MEAN)
    else:
        weights[MEAN] = mean_row(stored(mean))
    return Foreign(system, stylegan2_config(weights), weights, tuple(missing))


def _layers(state: dict[str, Any], blocks: int) -> Iterator[tuple[str, str]]:
    """(their name, our name) of every parameter."""
    depth = sum(f"style.{i}.weight" in state for i in range(1, 64))
    for i in range(depth):
        for kind in ("weight", "bias"):
            yield f"style.{i + 1}.{kind}", f"mapping.fc{i}.{kind}"
    yield "input.input", "synthesis.b4.const"
    convs = [("conv1", "b4.conv1")]
    rgbs = [("to_rgb1", "b4.torgb")]
    for k in range(blocks - 1):
        block = f"b{8 << k}"
        convs += [(f"convs.{2 * k}", f"{block}.conv0"), (f"convs.{2 * k + 1}", f"{block}.conv1")]
        rgbs.append((f"to_rgbs.{k}", f"{block}.torgb"))
    for names, table in ((convs, CONV), (rgbs, RGB)):
        for old, new in names:
            yield from ((f"{old}.{a}", f"synthesis.{new}.{b}") for a, b in table.items())


def _squeezed(name: str, weight: Weight) -> Weight:
    """Without the dimensions of size 1 that rosinality adds."""
    shape = weight.shape
    if name.endswith("noise_strength"):
        return reshaped(weight)
    if name.endswith("torgb.bias"):
        return reshaped(weight, shape[1])
    if name.endswith(("const", "conv0.weight", "conv1.weight", "torgb.weight")):
        return reshaped(weight, *shape[1:])
    return weight


def _sizes(blocks: int) -> dict[str, int]:
    """The layers with noise, in their order, and the pixels of each."""
    sizes = {"synthesis.b4.conv1": 4}
    for resolution in (8 << k for k in range(blocks - 1)):
        sizes |= {f"synthesis.b{resolution}.conv{i}": resolution for i in (0, 1)}
    return sizes
