"""NVIDIA's StyleGAN2 files: forged in every protocol and architecture, and the golden network."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from editing.errors import MissingFile, UnsafeFile
from editing.formats.checkpoints import find_generator, read_generator
from editing.generator import GeneratorConfig, fingerprint, load_generator, save_generator
from tests.nvidia_files import (
    dumps,
    forge_module,
    stylegan2_file,
    stylegan2_module,
    their_packages,
)
from tests.stylegan2_reference import CONFIG, make_state, mapping, synthesis
from tests.test_generator import GOLDEN, close, read_reference


def random_state(**changes: Any) -> tuple[GeneratorConfig, dict[str, torch.Tensor]]:
    config = GeneratorConfig(**{**CONFIG, **changes})
    return config, {k: torch.from_numpy(v) for k, v in make_state(config, seed=3).items()}


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_golden_network_in_nvidias_container(tmp_path: Path, protocol: int) -> None:
    if not GOLDEN.is_file():
        pytest.skip("the golden data (../shared/golden) is not beside this checkout")
    state, expected = read_reference(GOLDEN)
    path = tmp_path / "network-snapshot"  # recognised by content, whatever its name ends in
    canary = tmp_path / "canary"
    path.write_bytes(stylegan2_file(state, 256.0, protocol, f"open({str(canary)!r}, 'w')"))
    generator = read_generator(path)
    assert not canary.exists()
    assert generator.config.conv_clamp == 256 and generator.config.mapping_lr_multiplier == 0.01
    ws = generator.mapping(expected["z"])
    assert close(ws, expected["ws_psi1"])
    assert close(generator.mapping(expected["z"], None, 0.7), expected["ws_psi0.7"])
    assert close(generator.synthesis(ws), expected["img_const"])
    for name, style in generator.styles(ws).items():
        assert close(style, expected[f"style/{name}"]), name


@pytest.mark.parametrize("architecture", ["skip", "resnet", "orig"])
@pytest.mark.parametrize("conv_clamp", [None, 2.5])
def test_architectures_and_clamps(
    tmp_path: Path, architecture: str, conv_clamp: float | None
) -> None:
    config, state = random_state(architecture=architecture, conv_clamp=conv_clamp)
    path = tmp_path / "g.pkl"
    path.write_bytes(stylegan2_file(state, conv_clamp, 4))
    generator = read_generator(path)
    assert generator.config == config
    z = np.random.RandomState(7).randn(config.z_dim)
    exact = {name: values.double().numpy() for name, values in state.items()}
    ws = mapping(exact, z, config.num_ws)
    expected = synthesis(exact, ws, "const", conv_clamp or np.inf)
    found = generator.mapping(torch.from_numpy(z)[None].float())
    assert close(found[0], torch.from_numpy(ws).float())
    assert close(generator.synthesis(found)[0], torch.from_numpy(expected).float())


@pytest.mark.parametrize("zipped", [True, False])
def test_whole_modules_in_torch_files(tmp_path: Path, zipped: bool) -> None:
    """PTI saves its tuned generator so: ``torch.save(G)``."""
    config, state = random_state()
    with their_packages():
        module = stylegan2_module(state, config.conv_clamp, "raise SystemExit")
        torch.save(module, tmp_path / "g.pt", _use_new_zipfile_serialization=zipped)
    generator = read_generator(tmp_path / "g.pt")
    assert generator.config == config
    for name, tensor in generator.state_dict().items():
        assert torch.equal(tensor, state[name]), name


def test_conditional_networks_half_precision_and_old_numpy(tmp_path: Path) -> None:
    config, state = random_state(c_dim=3)
    state = {k: v.half() if k.endswith("conv0.weight") else v for k, v in state.items()}
    data = stylegan2_file(state, config.conv_clamp, 3)
    old = data.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")
    (tmp_path / "g.pkl").write_bytes(old)
    generator = read_generator(tmp_path / "g.pkl")
    assert generator.config == config and generator.c_dim == 3
    for name, tensor in generator.state_dict().items():
        assert tensor.dtype == torch.float32 and torch.equal(tensor, state[name].float()), name


def test_a_file_in_our_format_has_the_same_generator(tmp_path: Path) -> None:
    _, state = random_state()
    (tmp_path / "g.pkl").write_bytes(stylegan2_file(state, 2.5, 4))
    generator = read_generator(tmp_path / "g.pkl")
    save_generator(tmp_path / "g.safetensors", generator)
    assert fingerprint(load_generator(tmp_path / "g.safetensors")) == fingerprint(generator)


def test_what_a_file_is_can_be_told_without_its_weights(tmp_path: Path) -> None:
    config, state = random_state()
    (tmp_path / "g.pkl").write_bytes(stylegan2_file(state, 2.5, 4))
    found = find_generator(tmp_path / "g.pkl")
    assert found.system == "NVIDIA PyTorch" and found.config == config


@pytest.mark.parametrize(
    "change, message",
    [
        ({"synthesis.b8.conv0.weight": None}, "b8.conv0.weight is missing"),
        ({"synthesis.b8.conv1.weight": None}, "2 channel counts"),
        ({"synthesis.b8.extra": torch.ones(2)}, "extra is unexpected"),
        ({"mapping.w_avg": torch.ones(3)}, r"w_avg is \[3\]"),
        ({"mapping.w_avg": torch.full([8], torch.nan)}, "not finite"),
    ],
)
def test_networks_that_do_not_fit_are_refused(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    _, state = random_state()
    state = {k: v for k, v in {**state, **change}.items() if v is not None}
    (tmp_path / "g.pkl").write_bytes(stylegan2_file(state, 2.5, 4))
    with pytest.raises(UnsafeFile, match=message):
        read_generator(tmp_path / "g.pkl")


def test_other_files_are_refused_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "g.pkl"
    with pytest.raises(MissingFile, match="missing"):
        read_generator(path)
    path.write_bytes(b"<!DOCTYPE html><title>Quota exceeded</title>")
    with pytest.raises(UnsafeFile, match="web page"):
        read_generator(path)
    path.write_bytes(dumps({"G_ema": forge_module({"a.b": torch.ones(1)}, {})}, 4))
    with pytest.raises(UnsafeFile, match="no StyleGAN2 or StyleGAN3"):
        read_generator(path)
    np.save(path.with_suffix(".npy"), np.ones((1, 512)))
    with pytest.raises(UnsafeFile, match="holds no generator"):
        read_generator(path.with_suffix(".npy"))
    _, state = random_state()
    data = stylegan2_file(state, 2.5, 4)
    for keep in (1, 1000, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:keep])
        with pytest.raises(UnsafeFile):
            read_generator(path)


def test_a_file_with_g_alone(tmp_path: Path) -> None:
    config, state = random_state()
    (tmp_path / "g.pkl").write_bytes(dumps({"G": stylegan2_module(state, 2.5), "D": None}, 4))
    found = find_generator(tmp_path / "g.pkl")
    assert found.config == config and "trained" in found.system
