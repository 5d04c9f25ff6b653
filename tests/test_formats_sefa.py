"""genforce/sefa's StyleGAN2: a random network in their layout, drawn by their formulae here.

Names as in genforce/sefa 0d16060, models/stylegan2_generator.py (and genforce/genforce 197feee).
"""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from editing.errors import UnsafeFile
from editing.formats.checkpoints import find_generator, read_generator
from tests.test_generator import close

State = dict[str, Tensor]
CHANNELS = (7, 6, 5)  # 4, 8, 16 px
Z, W, DEPTH = 5, 6, 2


def make_state() -> State:
    """Names and shapes of reference/formats.md, section 2.5."""
    rng = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=rng)

    state = {"truncation.w_avg": draw(W), "synthesis.early_layer.const": draw(1, CHANNELS[0], 4, 4)}
    for i in range(DEPTH):
        state[f"mapping.dense{i}.weight"] = draw(W, Z if i == 0 else W) * 100
        state[f"mapping.dense{i}.bias"] = draw(W) * 30
    for i in range(2 * len(CHANNELS) - 1):
        block = (i + 1) // 2
        inputs, size = CHANNELS[i // 2], 4 << block
        name = f"synthesis.layer{i}"
        state |= {
            f"{name}.weight": draw(CHANNELS[block], inputs, 3, 3),
            f"{name}.bias": draw(CHANNELS[block]),
            f"{name}.style.weight": draw(inputs, W),
            f"{name}.style.bias": draw(inputs),
            f"{name}.noise_strength": draw(),
            f"{name}.noise": draw(1, 1, size, size),
        }
        if i % 2:
            state[f"{name}.filter.kernel"] = blur()[None, None]
    for k, width in enumerate(CHANNELS):
        name = f"synthesis.output{k}"
        state |= {
            f"{name}.weight": draw(3, width, 1, 1),
            f"{name}.bias": draw(3),
            f"{name}.style.weight": draw(width, W),
            f"{name}.style.bias": draw(width),
        }
    return state | {"synthesis.upsample.kernel": blur()[None, None]}


def blur() -> Tensor:
    taps = torch.tensor([1.0, 3, 3, 1])
    return torch.outer(taps, taps) / 16


def filtered(x: Tensor, before: int, after: int) -> Tensor:
    n, c, h, w = x.shape
    x = F.pad(x.reshape(n * c, 1, h, w), (before, after, before, after))
    x = F.conv2d(x, blur()[None, None])
    return x.reshape(n, c, x.shape[2], x.shape[3])


def lrelu(x: Tensor) -> Tensor:
    return torch.where(x < 0, 0.2 * x, x) * 2**0.5


def mapped(state: State, z: Tensor) -> Tensor:
    x = z / (z.square().mean(1, keepdim=True) + 1e-8).sqrt()
    for i in range(DEPTH):
        weight, bias = state[f"mapping.dense{i}.weight"], state[f"mapping.dense{i}.bias"]
        x = lrelu(x @ weight.T * (0.01 / x.shape[1] ** 0.5) + bias * 0.01)
    return x


def modulated(state: State, name: str, w: Tensor) -> Tensor:
    """Kernel scaled by style, and the style's one is not stored. [O, I, K, K] for one w."""
    weight = state[f"{name}.weight"]
    weight = weight / weight[0].numel() ** 0.5
    style = state[f"{name}.style.weight"] @ w / W**0.5 + state[f"{name}.style.bias"] + 1
    return weight * style[None, :, None, None]


def drawn(state: State, ws: Tensor) -> Tensor:
    """One ws [rows, W] -> [1, 3, 16, 16]."""
    x, image = state["synthesis.early_layer.const"], None
    for i in range(2 * len(CHANNELS) - 1):
        name = f"synthesis.layer{i}"
        weight = modulated(state, name, ws[i])
        weight = weight / (weight.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        if i % 2:  # up: transposed convolution with the kernel turned by 180 degrees
            weight = weight.flip(2, 3).transpose(0, 1)
            x = filtered(F.conv_transpose2d(x, weight, stride=2), 1, 1)
        else:
            x = F.conv2d(x, weight, padding=1)
        x = x + state[f"{name}.noise"] * state[f"{name}.noise_strength"]
        x = lrelu(x + state[f"{name}.bias"][:, None, None])
        if i % 2 == 0:
            name = f"synthesis.output{i // 2}"
            rgb = (
                F.conv2d(x, modulated(state, name, ws[i + 1]))
                + state[f"{name}.bias"][:, None, None]
            )
            if image is not None:
                n, c, h, w = image.shape
                wide = torch.zeros(n, c, 2 * h, 2 * w)
                wide[:, :, ::2, ::2] = image
                rgb = rgb + filtered(wide, 2, 1)
            image = rgb
    return image


@pytest.mark.parametrize("key", ["generator_smooth", "generator", None])
def test_pictures_follow_the_formulae(tmp_path: Path, key: str | None) -> None:
    state = make_state()
    content = state if key is None else {key: state}
    if key == "generator_smooth":
        content["generator"] = {name: tensor * 0 for name, tensor in state.items()}
    torch.save(content, tmp_path / "g.pth")
    found = find_generator(tmp_path / "g.pth")
    assert found.system == "genforce" and found.config.channels == CHANNELS and not found.missing
    generator = read_generator(tmp_path / "g.pth")
    z = torch.randn(2, Z, generator=torch.Generator().manual_seed(1))
    w = mapped(state, z)
    assert close(generator.mapping(z), w[:, None].expand(-1, 6, -1))
    half = generator.mapping(z, None, 0.5)
    assert close(half[:, 0], (w + state["truncation.w_avg"]) / 2)
    ws = torch.randn(2, 6, W, generator=torch.Generator().manual_seed(2))
    expected = torch.cat([drawn(state, one) for one in ws])
    assert close(generator.synthesis(ws), expected)
    style = generator.styles(ws)["b8.conv0"]
    weight, bias = state["synthesis.layer1.style.weight"], state["synthesis.layer1.style.bias"]
    assert close(style, ws[:, 1] @ weight.T / W**0.5 + bias + 1)


def test_what_is_missing_is_made_up_or_named(tmp_path: Path) -> None:
    state = make_state()
    kept = {k: v for k, v in state.items() if not k.endswith((".noise", "w_avg"))}
    torch.save(kept, tmp_path / "g.pth")
    assert find_generator(tmp_path / "g.pth").missing == ("mapping.w_avg", "noise maps")
    ws = torch.randn(1, 6, W)
    plain, whole = read_generator(tmp_path / "g.pth"), tmp_path / "whole.pth"
    torch.save(state, whole)
    assert close(plain.synthesis(ws, "none"), read_generator(whole).synthesis(ws, "none"))
    for name in ("synthesis.layer2.style.bias", "mapping.dense1.bias"):
        torch.save({k: v for k, v in state.items() if k != name}, tmp_path / "g.pth")
        with pytest.raises(UnsafeFile, match="is missing"):
            read_generator(tmp_path / "g.pth")
    torch.save({**state, "mapping.label_weight": torch.ones(3, Z)}, tmp_path / "g.pth")
    with pytest.raises(UnsafeFile, match="label_weight is unexpected"):
        read_generator(tmp_path / "g.pth")


def test_genforces_training_checkpoints(tmp_path: Path) -> None:
    """genforce/genforce 197feee, runners/base_runner.py: the running average is drawn with."""
    state = make_state()
    trained = {name: torch.zeros_like(tensor) for name, tensor in state.items()}
    others = {"discriminator": {"input0.weight": torch.ones(3)}, "generator": trained}
    checkpoint = {
        "models": {**others, "generator_smooth": state},
        "running_metadata": {"iter": 3, "seen_img": 96},
        "optimizers": {"generator": {"state": {}, "param_groups": []}},
        "learning_rates": {},
    }
    torch.save(checkpoint, tmp_path / "checkpoint.pth")
    found = find_generator(tmp_path / "checkpoint.pth")
    assert found.system == "genforce" and not found.missing
    generator = read_generator(tmp_path / "checkpoint.pth")
    ws = torch.randn(1, generator.num_ws, W, generator=torch.Generator().manual_seed(2))
    assert close(generator.synthesis(ws), drawn(state, ws[0]))
