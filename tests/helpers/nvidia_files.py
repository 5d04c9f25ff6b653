"""Forge files as NVIDIA's repositories write them, from the facts about them alone.

Every module pickles as a call of ``torch_utils.persistence._reconstruct_persistent_obj`` with one
dict: type, version, module_src, class_name, state. The source text in it would leave a canary.
"""

import contextlib
import pickle
import sys
import types
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

BUFFERS = (
    "w_avg", "noise_const", "resample_filter", "transform", "freqs", "phases", "magnitude_ema",
    "up_filter", "down_filter",
)  # fmt: skip


class Persistent:
    """What pickles like one of their modules."""

    def __init__(self, class_name: str, source: str) -> None:
        self.class_name, self.source = class_name, source
        self.state: dict[str, Any] = {
            "training": False,
            "_parameters": OrderedDict(),
            "_buffers": OrderedDict(),
            "_non_persistent_buffers_set": set(),
            "_backward_hooks": OrderedDict(),
            "_forward_hooks": OrderedDict(),
            "_modules": OrderedDict(),
            "_init_args": (),
            "_init_kwargs": {},
        }

    def __reduce__(self) -> Any:
        meta = {
            "type": "class",
            "version": 6,
            "module_src": self.source,
            "class_name": self.class_name,
            "state": self.state,
        }
        return sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj, (meta,)


def forge_module(
    state: Mapping[str, Tensor], attributes: Mapping[str, Mapping[str, Any]], source: str = ""
) -> Persistent:
    """A tree of modules with these weights; ``attributes`` are given by a module's dotted name."""
    root = Persistent("Generator", source)
    for name, tensor in state.items():
        module = root
        *path, leaf = name.split(".")
        for i, part in enumerate(path):
            children = module.state["_modules"]
            module = children.setdefault(part, Persistent("Layer", source))
            module.state.update(attributes.get(".".join(path[: i + 1]), {}))
            module.state["act_gain"] = np.sqrt(2)  # old files have NumPy scalars among these
        kind = "_buffers" if leaf in BUFFERS else "_parameters"
        stored = tensor if kind == "_buffers" else torch.nn.Parameter(tensor, requires_grad=False)
        module.state[kind][leaf] = stored
    root.state.update(attributes.get("", {}))
    return root


@contextlib.contextmanager
def their_packages() -> Iterator[Any]:
    """The names of their packages exist meanwhile; gives their EasyDict."""
    names = ("torch_utils", "torch_utils.persistence", "dnnlib", "dnnlib.util")
    fakes = {name: types.ModuleType(name) for name in names}

    def reconstruct(meta: Any) -> None:
        raise AssertionError("nothing may call this")

    reconstruct.__module__, reconstruct.__qualname__ = names[1], "_reconstruct_persistent_obj"
    fakes[names[1]]._reconstruct_persistent_obj = reconstruct  # type: ignore[attr-defined]
    easy = type("EasyDict", (dict,), {"__module__": names[3]})
    fakes[names[3]].EasyDict = easy  # type: ignore[attr-defined]
    sys.modules.update(fakes)
    try:
        yield easy
    finally:
        for name in names:
            del sys.modules[name]


def dumps(content: Any, protocol: int) -> bytes:
    """pickle.dumps of a dict of theirs."""
    with their_packages() as easy:
        options = easy(path="x", n=np.float64(1))
        return pickle.dumps({"training_set_kwargs": options, **content}, protocol)


def stylegan3_file(
    state: Mapping[str, Tensor], facts: Mapping[str, Any], arguments: Mapping[str, Any]
) -> bytes:
    """A StyleGAN3 .pkl; ``facts`` are its synthesis' attributes, ``arguments`` its own."""
    names = [k.split(".")[1] for k in state if k.endswith(".magnitude_ema")]
    size = np.array([36, 36])  # these files have arrays among the attributes
    attributes: dict[str, dict[str, Any]] = {
        f"synthesis.{name}": {"conv_clamp": 256, "in_size": size, "activation": "lrelu"}
        for name in names
    }
    attributes["mapping.fc0"] = {"bias_gain": 0.01}
    attributes["synthesis"] = {"layer_names": names, **facts}
    attributes[""] = {"_init_kwargs": {"class_name": "x", **arguments}}
    module = forge_module(state, attributes, "raise SystemExit")
    return dumps({"G": module, "D": None, "G_ema": module, "augment_pipe": None}, 4)


def stylegan2_module(
    state: Mapping[str, Tensor], conv_clamp: float | None, source: str = ""
) -> Persistent:
    """A StyleGAN2 generator of theirs."""
    layers = {name.rpartition(".")[0] for name in state}
    attributes: dict[str, dict[str, Any]] = {
        name: {"conv_clamp": conv_clamp, "activation": "lrelu"}
        for name in layers
        if name.endswith(("conv0", "conv1", "torgb"))
    }
    for name in layers:
        if name.startswith("mapping.fc"):
            attributes[name] = {"bias_gain": 0.01, "activation": "lrelu"}
    return forge_module(state, attributes, source)


def stylegan2_file(
    state: Mapping[str, Tensor], conv_clamp: float | None, protocol: int, source: str = ""
) -> bytes:
    """A StyleGAN2 .pkl: G, D, G_ema, augment_pipe, training_set_kwargs."""
    module = stylegan2_module(state, conv_clamp, source)
    other = forge_module({"b4.fc.weight": torch.ones(2, 2)}, {}, source)
    return dumps({"G": module, "D": other, "G_ema": module, "augment_pipe": None}, protocol)
