"""StyleGAN1 in four layouts, drawn by their makers' formulae here.

Names and shapes as in:
    sefa: genforce/sefa 0d16060, models/stylegan_generator.py
    interfacegan: genforce/interfacegan 8da3fc0, models/stylegan_generator_model.py (golden results
        of it: tests/editing/models/generators/test_stylegan1.py)
    idinvert: genforce/idinvert_pytorch ce866b0, models/stylegan_generator_network.py
    StyleGAN_LatentEditor: pacifinapacific/StyleGAN_LatentEditor, weight_convert.py and
        models/stylegan1.py, as reference/formats.md, section 6 has them
"""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from editing.errors import UnsafeFile
from editing.models.formats.checkpoints import find_generator, read_generator
from tests.editing.models.generators.test_generator import close

State = dict[str, Tensor]
CHANNELS = (6, 5, 4, 4, 4, 3)  # 4 to 128 px, where upsampling and convolution become one
ROWS = 2 * len(CHANNELS)
Z, HIDDEN, W, DEPTH = 5, 7, 6, 2


def sefa_name(layer: int, part: str) -> str:
    names = {"noise": "apply_noise.noise", "strength": "apply_noise.weight"}
    return f"synthesis.layer{layer}.{names.get(part, part)}"


def editor_name(layer: int, part: str) -> str:
    size, second = 4 << layer // 2, layer % 2
    block = f"g_synthesis.blocks.{size}x{size}"
    if part == "const" or (part == "bias" and layer == 0):
        return f"{block}.{part}"
    if part in ("weight", "bias"):
        return f"{block}.{('conv' if size == 4 else 'conv1') if second else 'conv0_up'}.{part}"
    names = {"strength": "top_epi.noise.weight", "noise": "none"}
    names |= {f"style.{kind}": f"style_mod.lin.{kind}" for kind in ("weight", "bias")}
    return f"{block}.epi{second + 1}.{names[part]}"


def make_state(name_of: Callable[[int, str], str], prefix: str, output: str) -> State:
    """Names and shapes of reference/formats.md, sections 2.4, 2.5 and 6."""
    rng = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=rng)

    state = {name_of(0, "const"): draw(1, CHANNELS[0], 4, 4)}
    widths = [Z, HIDDEN, W]
    for i in range(DEPTH):
        state[f"{prefix}.dense{i}.weight"] = draw(widths[i + 1], widths[i]) * 100
        state[f"{prefix}.dense{i}.bias"] = draw(widths[i + 1]) * 30
    for i in range(ROWS):
        width = CHANNELS[i // 2]
        if i:
            state[name_of(i, "weight")] = draw(width, CHANNELS[(i - 1) // 2], 3, 3)
        state[name_of(i, "bias")] = draw(width)
        state[name_of(i, "strength")] = draw(width)
        state[name_of(i, "style.weight")] = draw(2 * width, W)
        state[name_of(i, "style.bias")] = draw(2 * width)
    state[f"{output}.weight"] = draw(3, CHANNELS[-1], 1, 1)
    state[f"{output}.bias"] = draw(3)
    return state


def lrelu(x: Tensor) -> Tensor:
    return torch.where(x < 0, 0.2 * x, x)


def mapped(state: State, prefix: str, z: Tensor) -> Tensor:
    x = z / (z.square().mean(1, keepdim=True) + 1e-8).sqrt()
    for i in range(DEPTH):
        gain = (2 / x.shape[1]) ** 0.5 * 0.01
        x = lrelu(
            x @ state[f"{prefix}.dense{i}.weight"].T * gain
            + state[f"{prefix}.dense{i}.bias"] * 0.01
        )
    return x


def upsampled(x: Tensor, weight: Tensor) -> Tensor:
    """Twice the size: nearest and convolve below 128 px, one transposed convolution from there."""
    if x.shape[2] < 64:
        x = F.conv2d(x.repeat_interleave(2, 2).repeat_interleave(2, 3), weight, padding=1)
    else:
        wide = sum(F.pad(weight, (1 - a, a, 1 - b, b)) for a in (0, 1) for b in (0, 1))
        x = F.conv_transpose2d(x, wide.transpose(0, 1), stride=2, padding=1)
    taps = torch.tensor([0.25, 0.5, 0.25])
    kernel = torch.outer(taps, taps).expand(x.shape[1], 1, 3, 3)
    return F.conv2d(x, kernel, padding=1, groups=x.shape[1])


def drawn(
    state: State, name_of: Callable[[int, str], str], output: str, ws: Tensor, epsilon: float
) -> Tensor:
    """ws [N, rows, W] -> pictures; noise where it is stored."""
    x = state[name_of(0, "const")].expand(len(ws), -1, -1, -1)
    for i in range(ROWS):
        if i:
            weight = state[name_of(i, "weight")]
            weight = weight * (2 / weight[0].numel()) ** 0.5
            x = F.conv2d(x, weight, padding=1) if i % 2 else upsampled(x, weight)
        if name_of(i, "noise") in state:
            x = x + state[name_of(i, "noise")] * state[name_of(i, "strength")][:, None, None]
        x = lrelu(x + state[name_of(i, "bias")][:, None, None])
        variance, mean = torch.var_mean(x, (2, 3), unbiased=False, keepdim=True)
        x = (x - mean) / (variance + epsilon).sqrt()
        style = ws[:, i] @ state[name_of(i, "style.weight")].T / W**0.5
        style = style + state[name_of(i, "style.bias")]
        scale, shift = style[:, :, None, None].split(x.shape[1], dim=1)
        x = x * (scale + 1) + shift
    weight = state[f"{output}.weight"] / CHANNELS[-1] ** 0.5
    return F.conv2d(x, weight, state[f"{output}.bias"])


def check(path: Path, state: State, name_of: Callable[[int, str], str], prefix: str, output: str,
          epsilon: float, noise_mode: str) -> None:  # fmt: skip
    generator = read_generator(path)
    assert generator.family == "stylegan1" and generator.num_ws == ROWS
    z = torch.randn(2, Z, generator=torch.Generator().manual_seed(1))
    assert close(generator.mapping(z), mapped(state, prefix, z)[:, None].expand(-1, ROWS, -1))
    ws = torch.randn(2, ROWS, W, generator=torch.Generator().manual_seed(2))
    expected = drawn(state, name_of, output, ws, epsilon)
    difference = (generator.synthesis(ws, noise_mode) - expected).abs().max()
    assert difference < 1e-4 * expected.abs().max()


def test_sefas_layout(tmp_path: Path) -> None:
    last = f"synthesis.output{len(CHANNELS) - 1}"
    state = make_state(sefa_name, "mapping", last)
    state |= {
        sefa_name(i, "noise"): torch.randn(1, 1, 4 << i // 2, 4 << i // 2) for i in range(ROWS)
    }
    spare = {
        "synthesis.lod": torch.zeros(()),
        "synthesis.layer2.blur.kernel": torch.ones(5, 1, 3, 3),
        "synthesis.output0.weight": torch.ones(3, 6, 1, 1),
        "synthesis.output0.bias": torch.ones(3),
        "truncation.w_avg": torch.ones(W),
    }
    torch.save({"generator_smooth": {**state, **spare}}, tmp_path / "g.pth")
    found = find_generator(tmp_path / "g.pth")
    assert (found.system, found.missing, found.config.fused_from) == ("genforce", (), 128)
    check(tmp_path / "g.pth", state, sefa_name, "mapping", last, 1e-8, "const")


def named_epilogue(dense: str) -> Callable[[int, str], str]:
    """The names of interfacegan and idinvert, whose dense layers are called otherwise."""

    def name_of(layer: int, part: str) -> str:
        names = {
            "const": "const" if dense == "fc" else "first_layer",
            "bias": "epilogue.bias",
            "noise": "epilogue.apply_noise.noise",
            "strength": "epilogue.apply_noise.weight",
            "style.weight": f"epilogue.style_mod.dense.{dense}.weight",
            "style.bias": "epilogue.style_mod.dense.wscale.bias",
            "weight": "weight" if layer == ROWS - 2 else "conv.weight",  # fused at 128 px
        }
        return f"synthesis.layer{layer}.{names[part]}"

    return name_of


def as_saved(state: State, dense: str) -> State:
    """A state of ``make_state`` as interfacegan and idinvert save it."""
    last, theirs = f"synthesis.output{len(CHANNELS) - 1}", {}
    for name, tensor in state.items():
        name = name.replace(f"{last}.weight", f"{last}.conv.weight")
        if name.startswith("mapping"):
            name = name.replace(".weight", f".{dense}.weight").replace(".bias", ".wscale.bias")
        fused = name == f"synthesis.layer{ROWS - 2}.weight"
        theirs[name] = tensor.permute(2, 3, 1, 0) if fused else tensor
    return theirs


@pytest.mark.parametrize("rows_of_mean", [1, ROWS])
def test_idinverts_layout(tmp_path: Path, rows_of_mean: int) -> None:
    """Every row has a w of its own, the picture ends in a tanh; one mean [W] serves all rows.

    (genforce's later repository keeps a mean per row: genforce/genforce 197feee,
    models/stylegan_generator.py.)
    """
    last, name_of = f"synthesis.output{len(CHANNELS) - 1}", named_epilogue("fc")
    state = make_state(name_of, "mapping", last)
    dense = f"mapping.dense{DEPTH - 1}"
    state[f"{dense}.weight"] = state[f"{dense}.weight"].repeat(ROWS, 1) * torch.linspace(
        0.5, 1.5, ROWS * W
    ).unsqueeze(1)
    state[f"{dense}.bias"] = state[f"{dense}.bias"].repeat(ROWS)
    mean = torch.randn(rows_of_mean * W, generator=torch.Generator().manual_seed(3))
    more = {"truncation.w_avg": mean, "truncation.truncation": torch.ones(1, ROWS, 1)}
    torch.save(as_saved(state, "fc") | more, tmp_path / "g.pth")
    found = find_generator(tmp_path / "g.pth")
    assert found.system == "idinvert" and found.config.fused_from == 128
    generator = read_generator(tmp_path / "g.pth")
    z = torch.randn(2, Z, generator=torch.Generator().manual_seed(1))
    rows = mapped(state, "mapping", z).reshape(2, ROWS, W)
    assert close(generator.mapping(z), rows)
    truncated, mean = rows.clone(), mean.reshape(-1, W).expand(ROWS, W)
    truncated[:, :8] = mean[:8] + (rows[:, :8] - mean[:8]) * 0.7
    assert close(generator.mapping(z, None, 0.7, 8), truncated)
    ws = torch.randn(2, ROWS, W, generator=torch.Generator().manual_seed(2))
    expected = drawn(state, name_of, last, ws, 1e-8).tanh()
    assert close(generator.synthesis(ws, "none"), expected)


def test_interfacegans_layout(tmp_path: Path) -> None:
    last, name_of = f"synthesis.output{len(CHANNELS) - 1}", named_epilogue("linear")
    state = make_state(name_of, "mapping", last)
    mean = {"truncation.w_avg": torch.ones(W)}
    torch.save(as_saved(state, "linear") | mean, tmp_path / "g.pth")
    found = find_generator(tmp_path / "g.pth")
    assert (found.system, found.config.final_tanh) == ("genforce", False)
    check(tmp_path / "g.pth", state, name_of, "mapping", last, 1e-8, "none")


def test_a_mean_of_another_width_is_named(tmp_path: Path) -> None:
    state = make_state(named_epilogue("linear"), "mapping", f"synthesis.output{len(CHANNELS) - 1}")
    mean = {"truncation.w_avg": torch.ones(W + 1)}
    torch.save(as_saved(state, "linear") | mean, tmp_path / "g.pth")
    with pytest.raises(UnsafeFile, match=f"w_avg has {W + 1} numbers, where {W}"):
        read_generator(tmp_path / "g.pth")


def test_latent_editors_layout(tmp_path: Path) -> None:
    state = make_state(editor_name, "g_mapping", "g_synthesis.torgb")
    kernels = {
        f"g_synthesis.blocks.{8 << k}x{8 << k}.conv0_up.intermediate.kernel": torch.ones(1, 1, 3, 3)
        for k in range(len(CHANNELS) - 1)
    }
    torch.save({**state, **kernels}, tmp_path / "g.pt")
    found = find_generator(tmp_path / "g.pt")
    assert found.system == "StyleGAN_LatentEditor"
    assert found.missing == ("noise maps", "mapping.w_avg")
    output = "g_synthesis.torgb"
    check(tmp_path / "g.pt", state, editor_name, "g_mapping", output, 1e-5, "none")


@pytest.mark.parametrize("part", ["weight", "style.bias", "strength"])
def test_what_is_missing_or_unknown_is_named(tmp_path: Path, part: str) -> None:
    state = make_state(editor_name, "g_mapping", "g_synthesis.torgb")
    torch.save({k: v for k, v in state.items() if k != editor_name(3, part)}, tmp_path / "g.pt")
    with pytest.raises(UnsafeFile, match="layer3.* is missing"):
        read_generator(tmp_path / "g.pt")
    torch.save({**state, "g_synthesis.extra": torch.ones(1)}, tmp_path / "g.pt")
    with pytest.raises(UnsafeFile, match="extra is unexpected"):
        read_generator(tmp_path / "g.pt")
