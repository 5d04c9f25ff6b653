"""NVIDIA's .pkl: StyleGAN2 of stylegan2-ada-pytorch, StyleGAN2 and 3 of the stylegan3 repository.

A dict with G, D and G_ema, each a module that was pickled together with the source text of its
class. The text is never run: the recorded attributes and tensors are enough to rebuild it.
"""

from collections.abc import Iterator
from typing import Any

from editing.formats.contents import PERSISTENT
from editing.formats.foreign import (
    Foreign,
    Weights,
    stored,
    stylegan2_config,
    stylegan3_config,
)
from editing.formats.pickles import Inert, Refused, Unsupported
from editing.stylegan3 import StyleGAN3Config

MAX_MODULES = 4000  # of one network; 1024 px has 120
DESCRIBED = ("num_critical", "margin_size", "output_scale")  # attributes of StyleGAN3's synthesis
BANDS = ("first_cutoff", "first_stopband", "last_stopband_rel")  # only among its arguments
UNCHANGED = {"filter_size": 6, "lrelu_upsampling": 2}
Attributes = dict[str, Any]
Modules = dict[str, Attributes]  # by dotted name


def find_generator(content: Any) -> Foreign | None:
    """The generator of such a file; None if it is another kind of file.

    Raises:
        Refused: it is such a file, but not with a StyleGAN2 generator.
    """
    module = content
    if isinstance(content, dict):
        module = content.get("G_ema") or content.get("G")
    if not isinstance(module, Inert) or module.kind != PERSISTENT:
        return None
    modules = dict(_modules(module))
    weights = _weights(modules)
    rate = modules.get("mapping.fc0", {}).get("bias_gain", 0.01)
    if "synthesis.input" in modules:
        return Foreign("NVIDIA PyTorch", _stylegan3_config(modules, weights, rate), weights)
    layer = modules.get("synthesis.b4.conv1")
    if layer is None:
        raise Unsupported(f"it is a {_class(module)} and no StyleGAN2 or StyleGAN3")
    if layer.get("activation", "lrelu") != "lrelu":
        raise Refused(f"it uses the activation {str(layer['activation'])[:40]}, not lrelu")
    config = stylegan2_config(weights, rate, layer.get("conv_clamp"))
    return Foreign("NVIDIA PyTorch", config, weights)


def _class(module: Inert) -> str:
    """What its makers call the class of a network."""
    found = module.args[0].get("class_name") if module.args else None
    return found[:60] if isinstance(found, str) else "network of an unknown class"


def _stylegan3_config(modules: Modules, weights: Weights, rate: Any) -> StyleGAN3Config:
    """Shapes give the widths; what they do not tell stands among the attributes."""
    synthesis = modules["synthesis"]
    options = {**modules[""].get("_init_kwargs", {}), **synthesis.get("_init_kwargs", {})}
    names = synthesis["layer_names"]
    for name, usual in UNCHANGED.items():
        if options.get(name, usual) != usual:
            raise Refused(f"its {name} is {str(options[name])[:40]}, only {usual} is known here")
    described = {name: synthesis[name] for name in DESCRIBED if name in synthesis}
    described |= {name: options[name] for name in BANDS if name in options}
    return stylegan3_config(
        weights,
        list(names),
        img_resolution=int(synthesis["img_resolution"]),
        mapping_lr_multiplier=float(rate),
        conv_clamp=modules[f"synthesis.{names[0]}"].get("conv_clamp", 256.0),
        **described,
    )


def _modules(root: Inert) -> Iterator[tuple[str, Attributes]]:
    """Dotted name and attributes of every module, the root's name being empty."""
    waiting: list[tuple[str, Any]] = [("", root)]
    count = 0
    while waiting:
        name, module = waiting.pop()
        count += 1
        if count > MAX_MODULES or not isinstance(module, Inert):
            raise Refused("it has modules of an unknown kind, or too many")
        state = module.args[0]["state"]
        yield name, state
        children = state.get("_modules", {})
        waiting += [(f"{name}.{k}".strip("."), v) for k, v in children.items() if v is not None]


def _weights(modules: Modules) -> Weights:
    """Parameters and stored buffers, as a state dict names them."""
    weights = {}
    for name, state in modules.items():
        passing = state.get("_non_persistent_buffers_set", ())
        for tensors in (state.get("_parameters", {}), state.get("_buffers", {})):
            for key, value in tensors.items():
                if value is not None and key not in passing:
                    weights[f"{name}.{key}".strip(".")] = stored(value)
    return weights
