"""NVIDIA's TensorFlow files: forged from the golden network and from random ones.

Names as in NVlabs/stylegan2 and, for what becomes of them, NVlabs/stylegan2-ada-pytorch d72cc7d,
legacy.py.
"""

import io
import pickle
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from editing.errors import UnsafeFile
from editing.models.formats.checkpoints import find_generator, read_generator
from tests.editing.models.formats.test_nvidia import random_state
from tests.editing.models.generators.test_generator import GOLDEN, close, read_reference

Arrays = dict[str, np.ndarray]
NAMES = ("dnnlib", "dnnlib.tflib", "dnnlib.tflib.network")


def to_tensorflow(state: dict[str, torch.Tensor], orig: bool = False) -> Arrays:
    """NVIDIA's PyTorch names and layouts -> TensorFlow's (reference/formats.md, section 1.8)."""
    found = {}
    sizes = [int(k.split(".")[1][1:]) for k in state if k.endswith("conv1.weight")]
    for name, tensor in state.items():
        array = tensor.numpy()
        part, *path = name.split(".")
        if part == "mapping":
            if path == ["w_avg"]:
                found["dlatent_avg"] = array
            else:
                layer = path[0].replace("embed", "LabelEmbed").replace("fc", "Dense")
                found[f"mapping/{layer}/{path[1]}"] = array.T if array.ndim == 2 else array
            continue
        r = int(path[0][1:])
        if path[1] == "const":
            found["synthesis/4x4/Const/const"] = array[None]
        if len(path) < 3 or path[-1] == "resample_filter":
            continue
        if path[-1] == "noise_const":
            k = 2 * int(np.log2(r)) - (5 if path[1] == "conv0" else 4)
            found[f"synthesis/noise{k}"] = array[None, None]
            continue
        layer = {"conv0": "Conv0_up", "conv1": "Conv1", "torgb": "ToRGB", "skip": "Skip"}[path[1]]
        layer = "Conv" if (r, layer) == (4, "Conv1") else layer
        if path[2:] == ["weight"]:
            array = array.transpose(2, 3, 1, 0)
            array = array[::-1, ::-1] if layer in ("Conv0_up", "Skip") else array
        elif path[2:] == ["affine", "weight"]:
            array = array.T
        elif path[2:] == ["affine", "bias"]:
            array = array - np.float32(1)
        variable = "_".join(path[2:]).replace("affine_", "mod_")
        place = f"{r}x{r}/{layer}"
        if orig and layer == "ToRGB":
            place = f"ToRGB_lod{int(np.log2(max(sizes) // r))}"
        found[f"synthesis/{place}/{variable}"] = array
    return found


def forge(variables: Arrays, protocol: int, options: Any = None, version: int = 4) -> bytes:
    """The tuple of three networks, of a class that exists only while it is pickled."""
    fakes = {name: types.ModuleType(name) for name in NAMES}
    network = type("Network", (), {"__module__": NAMES[2], "__qualname__": "Network"})
    fakes[NAMES[2]].Network = network  # type: ignore[attr-defined]

    def make(part: str) -> Any:
        inside = {k: v for k, v in variables.items() if k.startswith(part)}
        own = inside if part else {k: v for k, v in inside.items() if "/" not in k}
        parts = {} if part else {name: make(f"{name}/") for name in ("mapping", "synthesis")}
        made = network()
        made.__dict__ = {
            "version": version,
            "name": "Gs",
            "static_kwargs": options or {},
            "components": parts,
            "build_module_src": "import os",
            "build_func_name": "G_main",
            "variables": [(k.removeprefix(part), np.array(v)) for k, v in own.items()],
        }
        return made

    sys.modules.update(fakes)
    try:
        buffer = io.BytesIO()
        pickle.dump((make(""), make(""), make("")), buffer, protocol)
        return buffer.getvalue()
    finally:
        for name in NAMES:
            del sys.modules[name]


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_golden_network_in_the_container_of_tensorflow(tmp_path: Path, protocol: int) -> None:
    if not GOLDEN.is_file():
        pytest.skip("the golden data (../shared/golden) is not beside this checkout")
    state, expected = read_reference(GOLDEN)
    data = forge(to_tensorflow(state), protocol, {"conv_clamp": 256, "randomize_noise": True})
    (tmp_path / "g.pkl").write_bytes(data)
    generator = read_generator(tmp_path / "g.pkl")
    ws = generator.mapping(expected["z"])
    assert close(ws, expected["ws_psi1"])
    assert close(generator.mapping(expected["z"], None, 0.7), expected["ws_psi0.7"])
    assert close(generator.synthesis(ws), expected["img_const"])
    for name, style in generator.styles(ws).items():
        assert close(style, expected[f"style/{name}"]), name


@pytest.mark.parametrize("architecture", ["skip", "resnet", "orig"])
@pytest.mark.parametrize("c_dim", [0, 3])
def test_every_weight_arrives(tmp_path: Path, architecture: str, c_dim: int) -> None:
    config, state = random_state(architecture=architecture, conv_clamp=None, c_dim=c_dim)
    data = forge(to_tensorflow(state, architecture == "orig"), 4)
    (tmp_path / "g.pkl").write_bytes(data)
    found = find_generator(tmp_path / "g.pkl")
    assert found.system == "NVIDIA TensorFlow" and found.config == config
    loaded = read_generator(tmp_path / "g.pkl").state_dict()
    assert loaded.keys() == state.keys()
    for name, tensor in state.items():
        assert torch.allclose(loaded[name], tensor, rtol=0, atol=1e-6), name


def test_other_networks_are_refused(tmp_path: Path) -> None:
    _, state = random_state()
    path, arrays = tmp_path / "g.pkl", to_tensorflow(state)
    path.write_bytes(forge(arrays, 4, version=3))
    with pytest.raises(UnsafeFile, match="StyleGAN1"):
        read_generator(path)
    del arrays["synthesis/8x8/Conv1/bias"]
    path.write_bytes(forge(arrays, 4))
    with pytest.raises(UnsafeFile, match=r"b8.conv1.bias is missing"):
        read_generator(path)
    path.write_bytes(forge({**arrays, "synthesis/8x8/Conv1/bias": np.array("x")}, 4))
    with pytest.raises(UnsafeFile):
        read_generator(path)
