"""NVIDIA's legacy TensorFlow .pkl of StyleGAN2: a tuple of the three networks G, D and Gs.

Gs is the averaged one. Kernels are stored [H, W, I, O], dense weights [I, O]; those of upsampling
layers are turned by 180 degrees, and style biases are stored without their one.
"""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from editing.models.formats.containers.contents import NETWORK
from editing.models.formats.containers.numpy_files import Array, PickledArray
from editing.models.formats.containers.pickles import Inert, Refused
from editing.models.formats.foreign import (
    TAPS,
    Foreign,
    Weight,
    Weights,
    add_filters,
    stylegan2_config,
)
from editing.models.generators.ops import make_filter

MAX_DEPTH = 4  # of networks in networks
OLDEST = 4  # version of the network format; StyleGAN2 began with it
Change = Callable[[Array], Array]


def same(array: Array) -> Array:
    return array


def turned(array: Array) -> Array:
    """Dense [I, O] -> [O, I]."""
    return array.T


def kernel(array: Array) -> Array:
    """[H, W, I, O] -> [O, I, H, W]."""
    return array.transpose(3, 2, 0, 1)


def up_kernel(array: Array) -> Array:
    """``kernel`` of a layer that upsamples."""
    return kernel(array[::-1, ::-1])


def plus_one(array: Array) -> Array:
    return array + np.float32(1)


# What stands behind "synthesis/RxR/": layer, its kernel's change, our name of it.
LAYERS = {
    "Conv": (kernel, "conv1"),
    "Conv0_up": (up_kernel, "conv0"),
    "Conv1": (kernel, "conv1"),
    "Skip": (up_kernel, "skip"),
    "ToRGB": (kernel, "torgb"),
}
VARIABLES: dict[str, tuple[Change, str]] = {
    "bias": (same, "bias"),
    "noise_strength": (same, "noise_strength"),
    "mod_weight": (turned, "affine.weight"),
    "mod_bias": (plus_one, "affine.bias"),
}


def find_generator(content: Any) -> Foreign | None:
    """The generator of such a file; None if it is another kind of file.

    Raises:
        Refused: it is such a file, but not of StyleGAN2.
    """
    if not (isinstance(content, tuple) and len(content) == 3):
        return None
    if not all(isinstance(network, Inert) and network.kind == NETWORK for network in content):
        return None
    options = content[2].state["static_kwargs"]
    if content[2].state["version"] < OLDEST or "lrelu" != options.get("nonlinearity", "lrelu"):
        raise Refused("it is of StyleGAN1 or an experiment of its time, not of StyleGAN2")
    weights: Weights = {}
    variables = _variables(content[2], "", MAX_DEPTH)
    sizes = re.findall(r"/(\d{1,4})x\1/", " ".join(variables))
    resolution = max(map(int, sizes), default=4)
    for name, array in variables.items():
        if place := _place(_without_lod(name, resolution)):
            change, ours = place
            weights[ours] = _weight(array, change)
    taps = options.get("resample_kernel") or TAPS
    add_filters(weights, make_filter([float(tap) for tap in taps]))
    rate = options.get("mapping_lrmul", 0.01)
    config = stylegan2_config(weights, rate, options.get("conv_clamp"))
    return Foreign("NVIDIA TensorFlow", config, weights)


def _variables(network: Inert, prefix: str, depth: int) -> dict[str, Array]:
    """The arrays of a network and of its components, by name."""
    if not isinstance(network, Inert) or depth == 0:
        raise Refused("it has networks of an unknown kind")
    found = {}
    for name, value in network.state["variables"]:
        array = value.load() if isinstance(value, PickledArray) else np.array(value)
        if not isinstance(array, np.ndarray):
            raise Refused(f"{str(name)[:80]} is no array of numbers")
        found[prefix + name] = array
    for name, component in network.state["components"].items():
        found |= _variables(component, f"{prefix}{name}/", depth - 1)
    return found


def _without_lod(name: str, resolution: int) -> str:
    """The "orig" architecture names its outputs by level of detail, 0 being the finest."""
    match = re.fullmatch(r"synthesis/ToRGB_lod(\d)/(.*)", name)
    if match is None:
        return name
    size = resolution >> int(match[1])
    return f"synthesis/{size}x{size}/ToRGB/{match[2]}"


def _place(name: str) -> tuple[Change, str] | None:
    """How a variable becomes ours, and our name; None for what a picture does not need."""
    if name == "dlatent_avg":
        return same, "mapping.w_avg"
    if match := re.fullmatch(r"mapping/(LabelEmbed|Dense\d+)/(weight|bias)", name):
        layer = match[1].replace("LabelEmbed", "embed").replace("Dense", "fc")
        return turned if match[2] == "weight" else same, f"mapping.{layer}.{match[2]}"
    if name == "synthesis/4x4/Const/const":
        return (lambda array: array[0]), "synthesis.b4.const"
    if match := re.fullmatch(r"synthesis/noise(\d{1,2})", name):
        layer = f"b{4 << ((int(match[1]) + 1) // 2)}.conv{1 - int(match[1]) % 2}"
        return (lambda array: array[0, 0]), f"synthesis.{layer}.noise_const"
    if match := re.fullmatch(r"synthesis/(\d{1,4})x\1/(\w+)/(\w+)", name):
        if match[2] in LAYERS:
            change, layer = LAYERS[match[2]]
            table = {**VARIABLES, "weight": (change, "weight")}
            if match[3] in table:
                return table[match[3]][0], f"synthesis.b{match[1]}.{layer}.{table[match[3]][1]}"
    return None


def _weight(array: Array, change: Change) -> Weight:
    changed = change(array)
    return Weight(changed.shape, lambda: torch.from_numpy(changed.astype(np.float32, order="C")))
