"""The generator against two references, and the algebra of mapping, styles and synthesis."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from editing.errors import BadInput, MissingFile, UnsafeFile
from editing.generator import (
    Generator,
    GeneratorConfig,
    channels_for,
    fingerprint,
    load_generator,
    save_generator,
)
from editing.tensors import write_tensors
from tests.stylegan2_reference import CONFIG, FIXTURE, make_state, synthesis

GOLDEN = Path(__file__).parents[2] / "shared" / "golden" / "stylegan2_reference_32px.npz"
Arrays = dict[str, Tensor]


def read_reference(path: Path) -> tuple[Arrays, Arrays]:
    """State dict and reference results of an .npz of the golden layout."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: torch.from_numpy(file[name]) for name in file.files}
    results = {name[3:]: array for name, array in arrays.items() if name.startswith("io/")}
    return {k: v for k, v in arrays.items() if not k.startswith("io/")}, results


def close(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a, b, rtol=0, atol=1e-4)


@pytest.fixture(scope="module")
def golden() -> tuple[Generator, Arrays]:
    if not GOLDEN.is_file():
        pytest.skip("the golden data (../shared/golden) is not beside this checkout")
    state, results = read_reference(GOLDEN)
    config = GeneratorConfig(
        img_resolution=32,
        z_dim=48,
        w_dim=64,
        num_mapping_layers=3,
        channels=channels_for(32, channel_base=1024, channel_max=64),
        conv_clamp=256,
    )
    generator = Generator(config)
    generator.load_state_dict(state, strict=True)
    return generator.eval().requires_grad_(False), results


def test_golden_mapping(golden: tuple[Generator, Arrays]) -> None:
    generator, expected = golden
    z = expected["z"]
    seeds = [int(seed) for seed in expected["seeds"]]
    drawn = np.stack([np.random.RandomState(s).randn(48) for s in seeds])
    assert close(z, torch.from_numpy(drawn).float())
    assert close(generator.mapping(z), expected["ws_psi1"])
    assert close(generator.mapping(z, truncation_psi=0.7), expected["ws_psi0.7"])
    cut = generator.mapping(z, truncation_psi=0.5, truncation_cutoff=4)
    assert close(cut, expected["ws_psi0.5_cutoff4"])


def test_golden_styles(golden: tuple[Generator, Arrays]) -> None:
    generator, expected = golden
    styles = generator.styles(expected["ws_psi1"])
    assert set(styles) == {k[6:] for k in expected if k.startswith("style/")}
    for name, style in styles.items():
        assert close(style, expected[f"style/{name}"]), name


@pytest.mark.parametrize("mode", ["const", "none"])
def test_golden_pictures(golden: tuple[Generator, Arrays], mode: str) -> None:
    generator, expected = golden
    ws = expected["ws_psi1"]
    mixed = torch.cat([torch.cat([ws[:1, :3], ws[1:2, 3:]], dim=1), ws[1:]])
    assert close(mixed, expected["ws_mixed"])
    assert close(generator.synthesis(ws, mode), expected[f"img_{mode}"])
    assert close(generator.synthesis(mixed, mode), expected[f"img_mixed_{mode}"])
    assert close(generator.synthesis(generator.styles(ws), mode), expected[f"img_{mode}"])


@pytest.fixture(scope="module")
def small() -> tuple[Generator, Arrays]:
    """Our own reference: a NumPy StyleGAN2 written another way (tests/stylegan2_reference.py)."""
    state, results = read_reference(FIXTURE)
    generator = Generator(GeneratorConfig(**CONFIG))
    generator.load_state_dict(state, strict=True)
    return generator.eval().requires_grad_(False), results


def test_reference_mapping(small: tuple[Generator, Arrays]) -> None:
    generator, expected = small
    assert close(generator.mapping(expected["z"])[:, 0], expected["w"])


@pytest.mark.parametrize("mode", ["const", "none"])
def test_reference_pictures(small: tuple[Generator, Arrays], mode: str) -> None:
    generator, expected = small
    assert close(generator.synthesis(expected["ws"], mode), expected[f"img_{mode}"])


@pytest.mark.parametrize("architecture", ["skip", "resnet", "orig"])
def test_architectures(architecture: str) -> None:
    config = GeneratorConfig(**{**CONFIG, "architecture": architecture})
    state = make_state(config, seed=1)
    generator = Generator(config).requires_grad_(False)
    generator.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()})
    ws = generator.mapping(torch.randn(1, config.z_dim, generator=torch.Generator().manual_seed(2)))
    exact = {name: values.astype(np.float64) for name, values in state.items()}
    expected = synthesis(exact, ws[0].double().numpy(), "const", config.conv_clamp)
    assert close(generator.synthesis(ws)[0], torch.from_numpy(expected).float())
    if architecture != "skip":
        with pytest.raises(BadInput, match="no picture at 8 px"):
            generator.synthesis(ws, max_resolution=8)


def test_truncation_goes_from_the_mean_to_the_latent(small: tuple[Generator, Arrays]) -> None:
    generator, expected = small
    z = expected["z"]
    ws = generator.mapping(z)
    assert torch.equal(generator.mapping(z, truncation_psi=1.0), ws)
    mean = generator.mapping(z, truncation_psi=0.0)
    assert torch.equal(mean, generator.mapping.w_avg.expand_as(mean))
    cut = generator.mapping(z, truncation_psi=0.3, truncation_cutoff=2)
    assert torch.equal(cut[:, 2:], ws[:, 2:]) and not torch.equal(cut[:, :2], ws[:, :2])


def test_styles_are_a_detour_that_changes_nothing(small: tuple[Generator, Arrays]) -> None:
    generator, expected = small
    ws = expected["ws"]
    assert torch.equal(generator.synthesis(generator.styles(ws)), generator.synthesis(ws))


def test_noise_maps(small: tuple[Generator, Arrays]) -> None:
    generator, expected = small
    ws = expected["ws"]
    const = generator.synthesis(ws)
    buffers = dict(generator.synthesis.named_buffers())
    stored = {k[:-12]: v for k, v in buffers.items() if k.endswith(".noise_const")}
    assert torch.equal(generator.synthesis(ws, "none", noise=stored), const)
    changed = generator.synthesis(ws, noise={"b16.conv1": torch.zeros(16, 16)})
    assert not torch.equal(changed, const)
    twice = [
        generator.synthesis(ws, "random", rng=torch.Generator().manual_seed(3)) for _ in range(2)
    ]
    assert torch.equal(*twice) and not torch.equal(twice[0], const)


def test_max_resolution_stops_at_a_skip_output(small: tuple[Generator, Arrays]) -> None:
    generator, expected = small
    picture = generator.synthesis(expected["ws"], max_resolution=8)
    assert picture.shape == (2, 3, 8, 8)
    with pytest.raises(BadInput, match="12 px"):
        generator.synthesis(expected["ws"], max_resolution=12)


def test_bf16_preview_is_close_and_stays_float32(small: tuple[Generator, Arrays]) -> None:
    generator, expected = small
    exact = generator.synthesis(expected["ws"])
    with torch.autocast("cpu", torch.bfloat16):
        preview = generator.synthesis(expected["ws"])
    assert preview.dtype == torch.float32
    assert (preview - exact).abs().max() < 0.05 * exact.abs().max()


def test_every_parameter_learns_under_autocast() -> None:
    generator = Generator(GeneratorConfig(**CONFIG))
    with torch.autocast("cpu", torch.bfloat16):
        ws = generator.mapping(torch.randn(4, generator.z_dim))
        loss = generator.synthesis(ws, "random").square().mean()
    loss.backward()
    for name, parameter in generator.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_class_labels_enter_the_mapping() -> None:
    generator = Generator(GeneratorConfig(**{**CONFIG, "c_dim": 3}))
    z, labels = torch.randn(3, generator.z_dim), torch.eye(3)
    assert generator.mapping(z[:1].expand(3, -1), labels).unique(dim=0).shape[0] == 3
    assert torch.equal(generator.mapping(z), generator.mapping(z, labels[:1].expand(3, -1)))
    generator.mapping.usual_class = 2
    assert torch.equal(generator.mapping(z), generator.mapping(z, labels[2:].expand(3, -1)))
    generator.mapping.usual_class = 3
    with pytest.raises(BadInput, match="the classes 0 to 2"):
        generator.mapping(z)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"img_resolution": 24}, "24"),
        ({"channels": (8, 8)}, "2 channel counts"),
        ({"architecture": "dense"}, "'dense'"),
        ({"img_channels": 2}, "2 channels"),
    ],
)
def test_impossible_configs_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        GeneratorConfig(**{**CONFIG, **changes})


def test_wrong_ws_are_refused(small: tuple[Generator, Arrays]) -> None:
    with pytest.raises(BadInput, match=r"\[N, 6, 8\]"):
        small[0].synthesis(torch.zeros(1, 5, 8))


def test_nvidia_widths() -> None:
    widths = (512, 512, 512, 512, 512, 256, 128, 64, 32)
    assert channels_for(1024) == widths
    assert GeneratorConfig(img_resolution=1024, channels=widths).num_ws == 18


@pytest.mark.parametrize("half", [False, True])
def test_files_keep_the_generator(
    small: tuple[Generator, Arrays], tmp_path: Path, half: bool
) -> None:
    generator, expected = small
    save_generator(tmp_path / "g.safetensors", generator, half)
    loaded = load_generator(tmp_path / "g.safetensors")
    assert loaded.config == generator.config
    assert (fingerprint(loaded) == fingerprint(generator)) is not half
    again = loaded.synthesis(expected["ws"])
    assert torch.allclose(again, generator.synthesis(expected["ws"]), atol=0.05 if half else 0)
    assert fingerprint(load_generator(tmp_path / "g.safetensors")) == fingerprint(loaded)


def test_fingerprint_notices_one_weight(small: tuple[Generator, Arrays]) -> None:
    before = fingerprint(small[0])
    other = Generator(small[0].config)
    other.load_state_dict(small[0].state_dict())
    assert fingerprint(other) == before and len(before) == 16
    other.synthesis.b4.const.data[0, 0, 0] += 1e-3
    assert fingerprint(other) != before


def test_wrong_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match="absent"):
        load_generator(tmp_path / "absent.safetensors")
    (tmp_path / "page.safetensors").write_text("<html>not found</html>")
    with pytest.raises(UnsafeFile, match="not a whole safetensors"):
        load_generator(tmp_path / "page.safetensors")
    write_tensors(tmp_path / "d.safetensors", {"x": torch.ones(2)}, "a direction", {})
    with pytest.raises(UnsafeFile, match="'a direction'"):
        load_generator(tmp_path / "d.safetensors")
