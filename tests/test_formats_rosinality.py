"""rosinality's files: the golden network and random ones, in every form they come in.

Names as in rosinality/stylegan2-pytorch bef283a, model.py, train.py and convert_weight.py.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from editing.errors import UnsafeFile, UnsupportedFile
from editing.formats.checkpoints import find_generator, read_generator
from editing.generator import Generator, GeneratorConfig
from editing.inspection import inspect_file
from tests.stylegan2_reference import CONFIG, make_state
from tests.test_generator import GOLDEN, close, read_reference


def to_rosinality(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """NVIDIA's names and shapes -> rosinality's (reference/formats.md, section 2.2)."""
    found = {"input.input": state["synthesis.b4.const"][None]}
    i = 0
    while f"mapping.fc{i}.weight" in state:
        for kind in ("weight", "bias"):
            found[f"style.{i + 1}.{kind}"] = state[f"mapping.fc{i}.{kind}"]
        i += 1
    resolution, noise = 4, 0
    while f"synthesis.b{resolution}.conv1.weight" in state:
        k = resolution.bit_length() - 4
        block = f"synthesis.b{resolution}"
        names = [(f"{block}.conv1", "conv1" if k < 0 else f"convs.{2 * k + 1}")]
        if k >= 0:
            names.insert(0, (f"{block}.conv0", f"convs.{2 * k}"))
            kernel = state[f"{block}.resample_filter"] * 4
            found[f"convs.{2 * k}.conv.blur.kernel"] = kernel
            found[f"to_rgbs.{k}.upsample.kernel"] = kernel
        for ours, theirs in names:
            found[f"{theirs}.conv.weight"] = state[f"{ours}.weight"][None]
            found[f"{theirs}.noise.weight"] = state[f"{ours}.noise_strength"].reshape(1)
            found[f"{theirs}.activate.bias"] = state[f"{ours}.bias"]
            found[f"noises.noise_{noise}"] = state[f"{ours}.noise_const"][None, None]
            noise += 1
        rgb = "to_rgb1" if k < 0 else f"to_rgbs.{k}"
        found[f"{rgb}.conv.weight"] = state[f"{block}.torgb.weight"][None]
        found[f"{rgb}.bias"] = state[f"{block}.torgb.bias"].reshape(1, 3, 1, 1)
        for ours, theirs in [*names, (f"{block}.torgb", rgb)]:
            for kind in ("weight", "bias"):
                modulation = state[f"{ours}.affine.{kind}"]
                found[f"{theirs}.conv.modulation.{kind}"] = modulation
        resolution *= 2
    return found


def random_state(**changes: Any) -> tuple[GeneratorConfig, dict[str, Tensor]]:
    config = GeneratorConfig(**{**CONFIG, "conv_clamp": None, **changes})
    return config, {k: torch.from_numpy(v) for k, v in make_state(config, seed=4).items()}


@pytest.mark.parametrize("zipped", [True, False])
def test_converted_checkpoints(tmp_path: Path, zipped: bool) -> None:
    config, state = random_state()
    content = {"g_ema": to_rosinality(state), "latent_avg": state["mapping.w_avg"]}
    torch.save(content, tmp_path / "g", _use_new_zipfile_serialization=zipped)
    generator = read_generator(tmp_path / "g")
    assert generator.config == config and not find_generator(tmp_path / "g").missing
    found = generator.state_dict()
    assert found.keys() == state.keys()
    for name, tensor in state.items():
        assert torch.allclose(found[name], tensor, rtol=0, atol=1e-7), name


def test_golden_network_in_rosinalitys_layout(tmp_path: Path) -> None:
    if not GOLDEN.is_file():
        pytest.skip("the golden data (../shared/golden) is not beside this checkout")
    state, expected = read_reference(GOLDEN)
    content = {"g_ema": to_rosinality(state), "latent_avg": state["mapping.w_avg"]}
    torch.save(content, tmp_path / "g.pt")
    generator = read_generator(tmp_path / "g.pt")
    ws = generator.mapping(expected["z"])
    assert close(ws, expected["ws_psi1"])
    assert close(generator.mapping(expected["z"], None, 0.7), expected["ws_psi0.7"])
    assert close(generator.synthesis(ws), expected["img_const"])
    for name, style in generator.styles(ws).items():
        assert close(style, expected[f"style/{name}"]), name


def test_training_checkpoints_have_no_mean_but_a_namespace(tmp_path: Path) -> None:
    config, state = random_state()
    g_ema = to_rosinality(state)
    optimiser = torch.optim.Adam([torch.nn.Parameter(torch.ones(3))])
    content = {
        "g": g_ema,
        "d": {"final_linear.1.weight": torch.ones(1, 2)},
        "g_ema": g_ema,
        "g_optim": optimiser.state_dict(),
        "args": argparse.Namespace(size=16, path="x", mixing=0.9, local_rank=0),
        "ada_aug_p": 0.0,
    }
    torch.save(content, tmp_path / "g.pt")
    assert find_generator(tmp_path / "g.pt").missing == ("mapping.w_avg",)
    generator = read_generator(tmp_path / "g.pt")
    z = torch.from_numpy(np.random.RandomState(1).randn(4000, config.z_dim)).float()
    mean = generator.mapping(z)[:, 0].mean(dim=0)
    assert torch.allclose(generator.mapping.w_avg, mean, atol=0.02)
    assert torch.equal(read_generator(tmp_path / "g.pt").mapping.w_avg, generator.mapping.w_avg)


def test_old_checkpoints_have_no_noise_maps(tmp_path: Path) -> None:
    config, state = random_state()
    g_ema = {k: v for k, v in to_rosinality(state).items() if "noises" not in k}
    g_ema = {k: v for k, v in g_ema.items() if not k.endswith("kernel")}
    torch.save({"g_ema": g_ema, "latent_avg": state["mapping.w_avg"]}, tmp_path / "g.pt")
    assert find_generator(tmp_path / "g.pt").missing == ("noise maps",)
    generator = read_generator(tmp_path / "g.pt")
    plain = Generator(config)
    plain.load_state_dict(state)
    ws = torch.randn(1, config.num_ws, config.w_dim)
    assert close(generator.synthesis(ws, "none"), plain.synthesis(ws, "none"))
    again = read_generator(tmp_path / "g.pt").synthesis(ws)
    assert torch.equal(generator.synthesis(ws), again)


@pytest.mark.parametrize("name", ["conv1.conv.weight", "convs.2.activate.bias", "style.1.bias"])
def test_what_is_missing_is_named(tmp_path: Path, name: str) -> None:
    _, state = random_state()
    g_ema = to_rosinality(state)
    del g_ema[name]
    torch.save({"g_ema": g_ema}, tmp_path / "g.pt")
    with pytest.raises(UnsafeFile, match=name):
        read_generator(tmp_path / "g.pt")


def test_what_is_unknown_is_named(tmp_path: Path) -> None:
    _, state = random_state()
    torch.save({"g_ema": {**to_rosinality(state), "extra": torch.ones(1)}}, tmp_path / "g.pt")
    with pytest.raises(UnsafeFile, match="extra is unexpected"):
        read_generator(tmp_path / "g.pt")


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda state: {"g": state, "d": {}, "g_optim": {}},
        lambda state: {"g_ema": {f"module.{k}": v for k, v in state.items()}},
        lambda state: {f"generator.{k}": v for k, v in state.items()},
        lambda state: {"state_dict": {f"generator_ema.{k}": v for k, v in state.items()}},
        lambda state: {"params_ema": state},
    ],
)
def test_other_wrappings(tmp_path: Path, wrapped: Any) -> None:
    config, state = random_state()
    torch.save(wrapped(to_rosinality(state)), tmp_path / "g.pt")
    generator, plain = read_generator(tmp_path / "g.pt"), Generator(config)
    plain.load_state_dict(state)
    ws = torch.randn(1, config.num_ws, config.w_dim)
    assert close(generator.synthesis(ws), plain.synthesis(ws))


def test_the_running_average_is_drawn_with_and_else_said(tmp_path: Path) -> None:
    _, state = random_state()
    g_ema = to_rosinality(state)
    other = {k: v + 1 for k, v in g_ema.items()}
    torch.save({"g": other, "g_ema": g_ema}, tmp_path / "g.pt")
    assert find_generator(tmp_path / "g.pt").system == "rosinality"
    assert torch.equal(
        read_generator(tmp_path / "g.pt").synthesis.b4.const, g_ema["input.input"][0]
    )
    torch.save({"g": other}, tmp_path / "g.pt")
    assert "trained" in find_generator(tmp_path / "g.pt").system


def test_a_mean_for_every_row(tmp_path: Path) -> None:
    config, state = random_state()
    rows = state["mapping.w_avg"].repeat(config.num_ws, 1)
    torch.save({"g_ema": to_rosinality(state), "latent_avg": rows}, tmp_path / "g.pt")
    assert torch.allclose(read_generator(tmp_path / "g.pt").mapping.w_avg, rows[0])


def test_other_designs_are_named(tmp_path: Path) -> None:
    _, state = random_state()
    for name, told in (
        ("to_rgbs.0.iwt.ll", "SWAGAN"),
        ("style_mapping.1.weight", "mmgeneration"),
        ("final_linear.0.weight", "discriminator"),
    ):
        torch.save({"g_ema": {**to_rosinality(state), name: torch.ones(2, 2)}}, tmp_path / "g.pt")
        with pytest.raises(UnsupportedFile, match=told) as refusal:
            read_generator(tmp_path / "g.pt")
        assert "safe" not in str(refusal.value)


def test_pictures_that_are_no_squares_are_refused_by_inspect_already(tmp_path: Path) -> None:
    """As forks have them that begin with a grid of 4 x 8 places."""
    state = to_rosinality(random_state()[1])
    state["input.input"] = state["input.input"].repeat(1, 1, 1, 2)
    torch.save({"g_ema": state}, tmp_path / "wide.pt")
    with pytest.raises(UnsupportedFile, match="begins with 4 x 8 places"):
        inspect_file(tmp_path / "wide.pt")
