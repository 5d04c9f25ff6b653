"""Networks that compare pictures: torchvision's vgg16, LPIPS, and ArcFace's IR-SE50."""

import math
import re
from dataclasses import replace
from typing import Any

from editing.models.formats.containers.pickles import Refused
from editing.models.formats.containers.torch_files import StoredTensor
from editing.models.formats.foreign import ForeignNet, Weight, Weights, reshaped, stored
from editing.models.networks.arcface import FIRST, ArcFaceConfig
from editing.models.networks.lpips import LAYOUT, LPIPS_TAPS, VGGConfig

TRUNK = re.compile(r"(?:features|net\.slice\d)\.(\d{1,2})\.(weight|bias)")
LINEAR = re.compile(r"(?:lpips\.|net\.)?lins?\.?([0-4])\.model\.[01]\.weight")


def find_net(content: Any) -> ForeignNet | None:
    """The network of such a file; None if it is another kind of file.

    Raises:
        Refused: it is such a file, but of another architecture.
    """
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(state, dict):
        return None
    if "output_layer.3.weight" in state and "body.0.res_layer.1.weight" in state:
        return _arcface(state)
    found = {m.groups(): v for name, v in state.items() if (m := TRUNK.fullmatch(str(name)))}
    if ("0", "weight") not in found or not all(isinstance(v, StoredTensor) for v in state.values()):
        return None
    places = {str(place) for place in LAYOUT if place >= 0}
    if {place for place, _ in found} != places:
        raise Refused("its convolutions are not those of vgg16")
    weights = {f"convolutions.{place}.{kind}": stored(v) for (place, kind), v in found.items()}
    widths = tuple(weights[f"convolutions.{tap}.weight"].shape[0] for tap in LPIPS_TAPS)
    linear = lpips_weights(state)
    config = VGGConfig(widths=widths, lpips=linear is not None)
    missing = () if linear else ("LPIPS weights",)
    return ForeignNet("VGG16", "perceptual", config, weights | (linear or {}), missing)


def lpips_weights(content: Any) -> Weights | None:
    """LPIPS's weights per channel of every tap, under our names; None if there are none.

    Raises:
        Refused: some of the five are missing.
    """
    if not isinstance(content, dict):
        return None
    found: dict[str, Weight] = {}
    for name, value in content.items():
        if (match := LINEAR.fullmatch(str(name))) and isinstance(value, StoredTensor):
            found[f"lpips{match[1]}"] = reshaped(stored(value), math.prod(value.shape))
    if found and len(found) < len(LPIPS_TAPS):
        raise Refused("it lacks some of LPIPS's five linear layers")
    return found or None


def with_lpips(found: ForeignNet, linear: Weights) -> ForeignNet:
    """A VGG16 with LPIPS's weights from another file.

    Raises:
        Refused: they are not for this network.
    """
    config = found.config
    given = tuple(linear[name].shape[0] for name in sorted(linear))
    if not isinstance(config, VGGConfig) or given != config.widths:
        raise Refused(
            f"the LPIPS weights for {list(given)} channels are not for its {found.system}"
        )
    weights = found.weights | linear
    return ForeignNet(found.system, found.part, replace(config, lpips=True), weights)


def _arcface(state: dict[str, Any]) -> ForeignNet:
    weights = {str(name): stored(value) for name, value in state.items()}
    widths = [weights["input_layer.0.weight"].shape[0]]
    widths += [weights[f"body.{i}.res_layer.1.weight"].shape[0] for i in FIRST]
    outputs, inputs = weights["output_layer.3.weight"].shape
    size = math.isqrt(inputs // widths[-1])
    config = ArcFaceConfig(widths=tuple(widths), num_outputs=outputs, size=size)
    return ForeignNet("ArcFace IR-SE50", "identity", config, weights)
