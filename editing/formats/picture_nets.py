"""Networks that compare pictures: torchvision's vgg16, LPIPS, and ArcFace's IR-SE50."""

import hashlib
import math
import re
from dataclasses import replace
from typing import Any

from editing.formats.foreign import ForeignNet, Weight, Weights, reshaped, stored
from editing.formats.pickles import Refused, Unsupported
from editing.formats.torch_files import StoredTensor
from editing.irse import FIRST, ArcFaceConfig
from editing.vgg import LAYOUT, LPIPS_TAPS, VGGConfig

TRUNK = re.compile(r"(?:features|net\.slice\d)\.(\d{1,2})\.(weight|bias)")
LINEAR = re.compile(r"(?:lpips\.|net\.)?lins?\.?([0-6])\.model\.[01]\.weight")
BACKBONES = {  # channels at the taps of LPIPS's other networks
    (64, 192, 384, 256, 256): "AlexNet",
    (64, 128, 256, 384, 384, 512, 512): "SqueezeNet",
}
TRUNKS = {(64, 3, 11, 11): "AlexNet", (64, 3, 3, 3): "another VGG", (96, 3, 7, 7): "SqueezeNet"}
LACKING = ("LPIPS weights",)
# Of LPIPS's first version of VGG16's weights, whose network sees pictures as they are.
UNSCALED = "dcd5e04ad661c483"


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
        first = tuple(getattr(found["0", "weight"], "shape", ()))
        name = "SqueezeNet" if any(".squeeze." in str(n) for n in state) else TRUNKS.get(first)
        raise Unsupported(f"it is {name or 'another network'}; of torchvision's, vgg16 is read")
    weights = {f"convolutions.{place}.{kind}": stored(v) for (place, kind), v in found.items()}
    widths = tuple(weights[f"convolutions.{tap}.weight"].shape[0] for tap in LPIPS_TAPS)
    found_net = ForeignNet("VGG16", "perceptual", VGGConfig(widths=widths), weights)
    linear = lpips_weights(state)
    return with_lpips(found_net, linear) if linear else replace(found_net, missing=LACKING)


def lpips_weights(content: Any) -> Weights | None:
    """LPIPS's weights per channel of every tap, under our names; None if there are none.

    Raises:
        Refused: some of the five are missing.
        Unsupported: they are of another network than VGG16.
    """
    if not isinstance(content, dict):
        return None
    found: dict[str, Weight] = {}
    for name, value in content.items():
        if (match := LINEAR.fullmatch(str(name))) and isinstance(value, StoredTensor):
            found[f"lpips{match[1]}"] = reshaped(stored(value), math.prod(value.shape))
    channels = tuple(found[name].shape[0] for name in sorted(found))
    if channels in BACKBONES:
        raise Unsupported(f"its LPIPS weights are for {BACKBONES[channels]}, not for VGG16")
    if found and len(found) != len(LPIPS_TAPS):
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
    config = replace(config, lpips=True, scaled=weights_digest(linear) != UNSCALED)
    return replace(found, config=config, weights=found.weights | linear, missing=())


def weights_digest(linear: Weights) -> str:
    """16 hexadecimal digits of LPIPS's weights, by which their version is known."""
    digest = hashlib.sha256()
    for name in sorted(linear):
        digest.update(linear[name].load().reshape(-1).half().numpy().tobytes())
    return digest.hexdigest()[:16]


def _arcface(state: dict[str, Any]) -> ForeignNet:
    weights = {str(name): stored(value) for name, value in state.items()}
    widths = [weights["input_layer.0.weight"].shape[0]]
    widths += [weights[f"body.{i}.res_layer.1.weight"].shape[0] for i in FIRST]
    outputs, inputs = weights["output_layer.3.weight"].shape
    size = math.isqrt(inputs // widths[-1])
    config = ArcFaceConfig(widths=tuple(widths), num_outputs=outputs, size=size)
    return ForeignNet("ArcFace IR-SE50", "identity", config, weights)
