"""StyleGAN1 against the reference results, and idinvert's variant of it, in genforce's layout."""

from pathlib import Path

import pytest
import torch

from editing.errors import BadInput, UnsafeFile
from editing.models.formats.checkpoints import find_generator, read_generator
from editing.models.generators.generator import (
    Generator,
    fingerprint,
    load_generator,
    save_generator,
)
from editing.models.generators.stylegan1 import StyleGAN1Config
from tests.editing.models.generators.test_generator import GOLDEN, close, read_reference

Arrays = dict[str, torch.Tensor]


def golden() -> tuple[Arrays, Arrays]:
    path = GOLDEN.parent / "stylegan1_reference_128px.npz"
    if not path.is_file():
        pytest.skip("the golden data (../shared/golden) is not beside this checkout")
    return read_reference(path)


@pytest.mark.parametrize("zipped", [True, False])
def test_golden_network(tmp_path: Path, zipped: bool) -> None:
    state, expected = golden()
    torch.save(state, tmp_path / "g", _use_new_zipfile_serialization=zipped)
    found = find_generator(tmp_path / "g")
    assert found.system == "genforce" and not found.missing
    generator = read_generator(tmp_path / "g")
    assert generator.family == "stylegan1" and generator.num_ws == 12
    ws = generator.mapping(expected["z"])
    assert close(ws, expected["w"][:, None].expand(-1, 12, -1))
    cut = generator.mapping(expected["z"], None, 0.7, 8)
    assert close(cut, expected["ws_psi0.7_cutoff8"])
    assert close(generator.synthesis(ws), expected["img_untruncated"])
    assert close(generator.synthesis(cut), expected["img_psi0.7_cutoff8"])
    assert torch.equal(generator.synthesis(generator.styles(ws)), generator.synthesis(ws))


def make_tiny(**changes: object) -> Generator:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        facts = {"z_dim": 5, "w_dim": 6, "num_mapping_layers": 3, "mapping_width": 7, **changes}
        generator = Generator(StyleGAN1Config(16, (5, 4, 3), **facts))  # type: ignore[arg-type]
        for name, tensor in generator.state_dict().items():
            if name.endswith(("bias", "noise_strength", "w_avg")):
                tensor.normal_(std=0.3)
    return generator.eval().requires_grad_(False)


def to_idinvert(generator: Generator) -> Arrays:
    """Our names -> idinvert's (genforce/idinvert_pytorch ce866b0, models/)."""
    epilogue = {
        "noise_strength": "apply_noise.weight",
        "bias": "bias",
        "affine.weight": "style_mod.dense.fc.weight",
        "affine.bias": "style_mod.dense.wscale.bias",
    }
    found = {"synthesis.lod": torch.zeros(())}
    for name, tensor in generator.state_dict().items():
        part, layer, *rest = name.split(".")
        leaf = ".".join(rest)
        if name == "synthesis.const":
            found["synthesis.layer0.const"] = tensor[None]
        elif layer == "output":
            place = "conv.weight" if leaf == "weight" else "bias"
            found[f"synthesis.output{generator.num_ws // 2 - 1}.{place}"] = tensor
        elif layer == "w_avg":
            found["truncation.w_avg"] = tensor.reshape(-1)
        elif part == "mapping":
            dense = layer.replace("fc", "dense")
            if leaf == "weight":
                found[f"mapping.{dense}.fc.weight"] = tensor
            else:
                found[f"mapping.{dense}.wscale.bias"] = tensor * 2**0.5
        elif leaf == "noise_const":
            found[f"synthesis.{layer}.epilogue.apply_noise.noise"] = tensor[None, None]
        elif leaf == "weight":
            found[f"synthesis.{layer}.conv.weight"] = tensor
        else:
            found[f"synthesis.{layer}.epilogue.{epilogue[leaf]}"] = tensor
    return found


def test_idinvert_has_a_latent_per_row_and_a_tanh(tmp_path: Path) -> None:
    generator = make_tiny(maps_to_rows=True, final_tanh=True)
    torch.save(to_idinvert(generator), tmp_path / "g.pth")
    found = find_generator(tmp_path / "g.pth")
    assert found.system == "idinvert" and found.config == generator.config
    loaded = read_generator(tmp_path / "g.pth")
    for name, tensor in generator.state_dict().items():
        assert torch.allclose(loaded.state_dict()[name], tensor, rtol=0, atol=1e-6), name
    z = torch.randn(2, 5, generator=torch.Generator().manual_seed(1))
    ws = loaded.mapping(z)
    assert ws.shape == (2, 6, 6) and not torch.equal(ws[:, 0], ws[:, 1])
    half = loaded.mapping(z, None, 0.5, 2)
    assert close(half[:, :2], (ws[:, :2] + loaded.mapping.w_avg[:2]) / 2)
    assert torch.equal(half[:, 2:], ws[:, 2:])
    assert loaded.synthesis(ws).abs().max() <= 1


def test_a_mean_that_is_missing_is_estimated(tmp_path: Path) -> None:
    for rows in (False, True):
        generator = make_tiny(maps_to_rows=rows, final_tanh=rows)
        state = to_idinvert(generator)
        del state["truncation.w_avg"]
        torch.save(state, tmp_path / "g.pth")
        assert find_generator(tmp_path / "g.pth").missing == ("mapping.w_avg",)
        mean = read_generator(tmp_path / "g.pth").mapping.w_avg
        z = torch.randn(10_000, 5, generator=torch.Generator().manual_seed(1))
        expected = generator.mapping(z).mean(dim=0)
        assert torch.allclose(mean.expand(6, 6), expected, atol=0.05)


def test_our_files_keep_the_family(tmp_path: Path) -> None:
    generator = make_tiny()
    save_generator(tmp_path / "g.safetensors", generator)
    loaded = load_generator(tmp_path / "g.safetensors")
    assert loaded.config == generator.config and fingerprint(loaded) == fingerprint(generator)


def test_noise_and_style_changes() -> None:
    generator = make_tiny()
    ws = generator.mapping(torch.randn(1, 5, generator=torch.Generator().manual_seed(2)))
    layers = generator.synthesis.layers()
    stored = {name: layer.noise_const for name, layer in layers.items()}
    const = generator.synthesis(ws)
    assert torch.equal(generator.synthesis(ws, "none", noise=stored), const)
    twice = [
        generator.synthesis(ws, "random", rng=torch.Generator().manual_seed(3)) for _ in range(2)
    ]
    assert torch.equal(*twice) and not torch.equal(twice[0], const)
    delta = {"layer2": torch.ones(8)}
    assert not torch.equal(generator.synthesis(ws, s_delta=delta), const)
    with pytest.raises(BadInput, match="lower resolutions"):
        generator.synthesis(ws, max_resolution=8)
    with pytest.raises(BadInput, match="noise mode"):
        generator.synthesis(ws, "loud")


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="24 px"):
        StyleGAN1Config(24, (4, 4, 4))
    state = to_idinvert(make_tiny())
    for change, message in (
        ("mapping.dense0.wscale.bias", "fc0.bias is missing"),
        (None, "extra is"),
    ):
        wrong = {k: v for k, v in state.items() if k != change}
        torch.save(wrong if change else {**state, "extra": torch.ones(1)}, tmp_path / "g.pth")
        with pytest.raises(UnsafeFile, match=message):
            read_generator(tmp_path / "g.pth")
