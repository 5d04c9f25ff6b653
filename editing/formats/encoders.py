"""Encoders: pSp, e4e, ReStyle and SG3-editing (.pt with ``state_dict``, ``opts``), idinvert's .pth.

The first hold the generator they were trained for as well, as ``decoder``.
"""

import math
import re
from collections import Counter
from typing import Any

import torch

from editing.encoders import InDomainConfig, StyleEncoderConfig
from editing.formats import bare, rosinality
from editing.formats.foreign import (
    MEAN,
    Foreign,
    ForeignNet,
    Weight,
    Weights,
    mean_row,
    reshaped,
    stored,
)
from editing.formats.pickles import Refused
from editing.formats.torch_files import StoredTensor, attributes
from editing.irse import FIRST, UNITS

STEM = "input_layer.0.weight"
OFFSETS = ("Encoder4Editing", "ProgressiveBackboneEncoder")  # encoders with differences to row 0
LAST_ROWS = ("BackboneEncoderUsingLastLayerIntoWPlus",)  # one linear layer makes all rows
ITERATIONS = 5
HALVES = {  # what may stand beside encoder and decoder, by prefix
    "mapper": "StyleCLIP's mapper",
    "hypernet": "HyperStyle's hypernetwork",
    "w_encoder": "HyperStyle's W encoder",
}
READ = ("encoder", "decoder", "latent_avg")


def find_net(content: Any) -> ForeignNet | None:
    """The encoder of such a file; None if it is another kind of file.

    Raises:
        Refused: it is such a file, but of an architecture that is not known here.
    """
    if not isinstance(content, dict):
        return None
    if "block0.conv.weight" in content:
        return _idinvert(content)
    state = _part(content, "encoder")
    if not any(name.startswith(("styles.", "linear.", "latlayer1.")) for name in state):
        return None
    if STEM not in state or f"body.{sum(UNITS) - 1}.res_layer.1.weight" not in state:
        raise Refused("its encoder has another trunk than IR-SE50, the only one known here")
    options, weights = attributes(content.get("opts")), {k: stored(v) for k, v in state.items()}
    config = _config(options, weights, content.get("latent_avg"))
    weights["latent_avg"], missing = _start(content.get("latent_avg"), options, config)
    return ForeignNet(_system(options, config), "encoder", config, weights, missing)


def find_generator(content: Any) -> Foreign | None:
    """The generator that an encoder was trained for; None where there is none."""
    state = _part(content, "decoder") if isinstance(content, dict) else {}
    if not state:
        return None
    found = bare.find_generator(state)
    mean = content.get("latent_avg")
    if found is not None or "convs.0.conv.modulation.weight" not in state:
        return found
    found = rosinality.translate(state, None, "pSp, e4e or ReStyle")
    if isinstance(mean, StoredTensor):
        found.weights[MEAN] = mean_row(stored(mean))
        missing = tuple(name for name in found.missing if name != MEAN)
        return Foreign(found.system, found.config, found.weights, missing)
    return found


def left_unread(content: Any) -> tuple[str, ...]:
    """What else than an encoder and its generator a checkpoint of their kind holds, for people."""
    state = content.get("state_dict") if isinstance(content, dict) else None
    if not isinstance(state, dict) or not any(str(k).startswith("decoder.") for k in state):
        return ()
    counts = Counter(str(name).partition(".")[0] for name in state)
    return tuple(
        f"{HALVES.get(prefix, prefix[:40])} ({count} tensors)"
        for prefix, count in sorted(counts.items())
        if prefix not in READ
    )


def _part(content: dict[Any, Any], name: str) -> dict[str, Any]:
    """A part of the state dict, by its prefix; an encoder may stand alone."""
    state = content.get("state_dict", content)
    if not isinstance(state, dict):
        return {}
    prefix = f"{name}."
    found = {str(k)[len(prefix) :]: v for k, v in state.items() if str(k).startswith(prefix)}
    alone = name == "encoder" and not found and STEM in state
    return {str(k): v for k, v in state.items()} if alone else found


def _config(options: dict[str, Any], weights: Weights, mean: Any) -> StyleEncoderConfig:
    heads = {int(m[1]) for name in weights if (m := re.match(r"styles\.(\d{1,2})\.", name))}
    widths = [weights[STEM].shape[0]]
    widths += [weights[f"body.{i}.res_layer.1.weight"].shape[0] for i in FIRST]
    kind = options.get("encoder_type")
    if kind in LAST_ROWS:
        raise Refused(f"its encoder is a {kind}, which is not known here")
    linear = "styles.0.linear.weight" if heads else "linear.weight"
    rows = len(heads) or _rows(options, mean)
    return StyleEncoderConfig(
        num_ws=rows,
        w_dim=weights[linear].shape[0],
        widths=tuple(widths),
        heads="pyramid" if "latlayer1.weight" in weights else "last" if heads else "pooled",
        offsets=kind in OFFSETS or (kind is None and "stylegan_size" in options),
        compares=weights[STEM].shape[1] == 6,
        iterations=_whole(options.get("n_iters_per_batch"), ITERATIONS),
    )


def _whole(value: Any, default: int) -> int:
    return value if type(value) is int else default


def _rows(options: dict[str, Any], mean: Any) -> int:
    """Rows of ws, where the encoder makes but one."""
    size = _whole(options.get("output_size", options.get("stylegan_size")), 0)
    if size:
        return 2 * int(math.log2(size)) - 2
    if isinstance(mean, StoredTensor) and len(mean.shape) == 2 and mean.shape[0] > 1:
        return mean.shape[0]
    return 18


def _start(
    mean: Any, options: dict[str, Any], config: StyleEncoderConfig
) -> tuple[Weight, tuple[str, ...]]:
    """Where guesses start from, [num_ws, w_dim], and what is missing of it."""
    shape = (config.num_ws, config.w_dim)
    if options.get("start_from_latent_avg", True) and isinstance(mean, StoredTensor):
        found = stored(mean)
        rows = math.prod(found.shape) // config.w_dim
        if found.shape[-1:] != shape[1:] or rows not in (1, config.num_ws):
            raise Refused(f"its latent_avg is {list(found.shape)}, where {list(shape)} belongs")
        flat = reshaped(found, rows, config.w_dim)
        return Weight(shape, lambda: flat.load().float().expand(shape).clone()), ()
    absent = options.get("start_from_latent_avg", True)
    return Weight(shape, lambda: torch.zeros(shape)), ("latent_avg",) if absent else ()


def _system(options: dict[str, Any], config: StyleEncoderConfig) -> str:
    if config.compares:
        return "ReStyle with e4e" if config.offsets else "ReStyle"
    return "e4e" if config.offsets else "W encoder" if config.heads == "pooled" else "pSp"


def _idinvert(content: dict[str, Any]) -> ForeignNet:
    count = sum(f"block{i}.conv2.weight" in content for i in range(1, 16)) + 1
    head = content.get(f"block{count}.fc.weight")
    if head is None:
        raise Refused("it lacks the last block of idinvert's encoder")
    num_ws = 2 * count
    weights = {str(name): stored(value) for name, value in content.items()}
    widths = [weights["block0.conv.weight"].shape[0]]
    widths += [weights[f"block{i}.conv2.weight"].shape[0] for i in range(1, count)]
    config = InDomainConfig(
        widths=tuple(widths),
        num_ws=num_ws,
        w_dim=stored(head).shape[0] // num_ws,
        normalised="block0.bn.bn.weight" in weights,
    )
    return ForeignNet("idinvert", "encoder", config, weights)
