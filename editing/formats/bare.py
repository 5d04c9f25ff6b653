"""State dicts of NVIDIA's networks, saved by themselves: StyleGAN2 and StyleGAN3 (SG3-editing).

Nothing but tensors under NVIDIA's names, so what stands among the attributes of a whole .pkl has
to follow from shapes, or be the published default.
"""

import re
from typing import Any

import torch

from editing.formats.foreign import (
    MEAN,
    Foreign,
    Weight,
    Weights,
    stored,
    stylegan2_config,
    stylegan3_config,
)
from editing.formats.pickles import Refused
from editing.formats.wrappings import state_with
from editing.stylegan3 import StyleGAN3Config, bands

TRANSFORM = "synthesis.input.transform"
LAYER = re.compile(r"synthesis\.(L(\d{1,2})_(\d{1,5})_(\d{1,5}))\.weight")


def find_generator(content: Any) -> Foreign | None:
    """The generator of such a file; None if it is another kind of file.

    Raises:
        Refused: it is such a file, but not one of the published designs.
    """
    state = state_with(content, "mapping.fc0.weight")
    if not state:
        return None
    if "synthesis.input.freqs" in state:
        weights = {name: stored(value) for name, value in state.items()}
        placed = weights.get(TRANSFORM)
        if placed is None or placed.shape != (3, 3):  # of the picture last drawn, or of a batch
            weights[TRANSFORM] = Weight((3, 3), lambda: torch.eye(3))
        return _with_mean("NVIDIA StyleGAN3 state dict", _stylegan3_config(weights), weights)
    if "synthesis.b4.const" in state:
        weights = {name: stored(value) for name, value in state.items()}
        return _with_mean("NVIDIA StyleGAN2 state dict", stylegan2_config(weights), weights)
    return None


def _with_mean(system: str, config: Any, weights: Weights) -> Foreign:
    return Foreign(system, config, weights, () if MEAN in weights else (MEAN,))


def _stylegan3_config(weights: Weights) -> StyleGAN3Config:
    """What names and shapes tell; sizes of layers that the published bands do not give are refused.

    Raises:
        Refused: it is of a StyleGAN3 with other bands, which a state dict does not tell.
    """
    layers = sorted(
        (int(match[2]), match[1], int(match[3])) for name in weights if (match := LAYER.match(name))
    )
    names, sizes = [name for _, name, _ in layers], [size for _, _, size in layers]
    if [index for index, _, _ in layers] != list(range(len(layers))) or len(layers) < 4:
        raise Refused("it lacks layers of a StyleGAN3 generator")
    for critical in range(2, len(layers) - 1):
        config = stylegan3_config(weights, names, img_resolution=sizes[-1], num_critical=critical)
        if [band.size for band in bands(config)] == sizes:
            return config
    raise Refused(
        "it is a StyleGAN3 with other bands than the published ones, which a state dict does not "
        "tell; pass the .pkl it comes from"
    )
