"""StyleGAN3 against the reference results, in NVIDIA's container and in our own files."""

from pathlib import Path

import pytest
import torch

from editing.errors import BadInput, UnsafeFile
from editing.formats.checkpoints import read_generator
from editing.generator import Generator, fingerprint, load_generator, save_generator
from editing.inspection import inspect_file
from editing.stylegan3 import StyleGAN3Config
from tests.nvidia_files import stylegan3_file
from tests.test_generator import GOLDEN, close, read_reference

Arrays = dict[str, torch.Tensor]
FACTS = {"img_resolution": 32, "num_critical": 2, "margin_size": 10, "output_scale": 0.25}


def golden(kind: str) -> tuple[Arrays, Arrays]:
    path = GOLDEN.parent / f"stylegan3_{kind}_reference_32px.npz"
    if not path.is_file():
        pytest.skip("the golden data (../shared/golden) is not beside this checkout")
    return read_reference(path)


@pytest.mark.parametrize("kind", ["t", "r"])
def test_golden_networks_in_nvidias_container(tmp_path: Path, kind: str) -> None:
    state, expected = golden(kind)
    radial = {"conv_kernel": 1, "use_radial_filters": True} if kind == "r" else {}
    (tmp_path / "g").write_bytes(stylegan3_file(state, FACTS, radial))
    generator = read_generator(tmp_path / "g")
    assert generator.family == "stylegan3" and generator.num_ws == 8
    ws = generator.mapping(expected["z"])
    assert close(ws, expected["ws_psi1"])
    assert close(generator.mapping(expected["z"], None, 0.7), expected["ws_psi0.7"])
    assert close(generator.synthesis(ws), expected["img_batch2"])
    one_by_one = torch.cat([generator.synthesis(one[None]) for one in ws])
    assert close(one_by_one, expected["img_batch1"])
    styles = generator.styles(ws)
    assert list(styles)[:2] == ["input", "L0_36_48"] and styles["input"].shape == (2, 4)
    assert torch.equal(generator.synthesis(styles), generator.synthesis(ws))


def test_another_output_scale_is_drawn_with(tmp_path: Path) -> None:
    state, expected = golden("t")
    (tmp_path / "g").write_bytes(stylegan3_file(state, {**FACTS, "output_scale": 1}, {}))
    assert inspect_file(tmp_path / "g")[0].facts["output_scale"] == 1
    generator = read_generator(tmp_path / "g")
    save_generator(tmp_path / "g.safetensors", generator)
    loaded = load_generator(tmp_path / "g.safetensors")
    ws = loaded.mapping(expected["z"])
    assert close(loaded.synthesis(ws), 4 * expected["img_batch2"])


def make_tiny() -> Generator:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = StyleGAN3Config(16, (6, 6, 5, 4, 3), z_dim=5, w_dim=7, num_mapping_layers=1)
        return Generator(config).eval().requires_grad_(False)


def test_our_files_keep_the_family(tmp_path: Path) -> None:
    generator = make_tiny()
    save_generator(tmp_path / "g.safetensors", generator)
    loaded = load_generator(tmp_path / "g.safetensors")
    assert loaded.config == generator.config and loaded.family == "stylegan3"
    assert fingerprint(loaded) == fingerprint(generator)
    ws = generator.mapping(torch.randn(1, 5))
    assert torch.equal(loaded.synthesis(ws), generator.synthesis(ws))


def test_style_changes_and_what_there_is_not() -> None:
    generator = make_tiny()
    ws = generator.mapping(torch.randn(1, 5))
    name = generator.synthesis.layer_names[1]
    styles = generator.styles(ws)
    delta = torch.randn(styles[name].shape[1])
    moved = generator.synthesis(ws, s_delta={name: delta})
    assert torch.equal(moved, generator.synthesis({**styles, name: styles[name] + delta}))
    assert not torch.equal(moved, generator.synthesis(ws))
    with pytest.raises(BadInput, match="no noise"):
        generator.synthesis(ws, max_resolution=8)
    with pytest.raises(BadInput, match=r"\[N, 6, 7\]"):
        generator.synthesis(ws[:, :4])


def test_translation_moves_the_picture() -> None:
    """The paper's point: what the input is moved by, the picture is moved by, up to its rim."""
    generator = make_tiny()
    ws = generator.mapping(torch.randn(1, 5))
    before = generator.synthesis(ws)
    generator.synthesis.input.transform[0, 2] = -2 / 16  # two pixels
    after = generator.synthesis(ws)
    error = (after[..., 4:-4, 6:-4] - before[..., 4:-4, 4:-6]).abs().max()
    assert error < 0.05 * before.abs().max()


def test_impossible_configs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="5 layers"):
        StyleGAN3Config(8, (4, 4, 4, 4, 3))
    with pytest.raises(BadInput, match="margin"):
        StyleGAN3Config(16, (4, 4, 4, 4, 3), margin_size=10**9)
    state = make_tiny().state_dict()
    (tmp_path / "g").write_bytes(stylegan3_file(state, FACTS, {"filter_size": 8}))
    with pytest.raises(UnsafeFile, match="filter_size is 8"):
        read_generator(tmp_path / "g")
