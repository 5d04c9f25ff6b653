"""pSp, e4e, ReStyle, W encoders and idinvert's: random networks of their layouts, by formulae.

Names as in eladrich/pixel2style2pixel 5cfff38, models/encoders/psp_encoders.py and
training/coach.py; omertov/encoder4editing 99ea505, the same files; yuval-alaluf/hyperstyle a723c73,
models/encoders/e4e.py; genforce/idinvert_pytorch ce866b0, models/stylegan_encoder_network.py.
"""

import argparse
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from editing.conversion import convert
from editing.errors import BadInput, UnsafeFile
from editing.features import load_picture_net, save_picture_net
from editing.formats.checkpoints import find_generator, read_generator, read_net
from editing.generator import Generator, GeneratorConfig
from editing.inspection import inspect_file
from tests.irse_reference import WIDTHS, Draw, State, head, head_state, normed, trunk, trunk_state
from tests.test_formats_rosinality import to_rosinality
from tests.test_generator import close

ROWS, W = 8, 8  # 32 px


def make_generator(num_ws: int = ROWS) -> Generator:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        channels = (5, 4, 4, 3, 3)[: num_ws // 2]
        config = GeneratorConfig(2 << num_ws // 2, 6, 0, W, 2, channels=channels)
        generator = Generator(config)
    return generator.eval().requires_grad_(False)


def make_encoder(kind: str) -> State:
    """Names and shapes of reference/formats.md, section 9.2."""
    draw = Draw(seed=1)
    trunk_state(draw, 6 if kind.startswith("restyle") else 3)
    if kind == "w":
        draw.normal("linear.weight", W, WIDTHS[-1])
        draw.normal("linear.bias", W)
        return draw.state
    if not kind.startswith("restyle"):
        for name, inputs in (("latlayer1", WIDTHS[-2]), ("latlayer2", WIDTHS[-3])):
            draw.normal(f"{name}.weight", WIDTHS[-1], inputs, 1, 1)
            draw.normal(f"{name}.bias", WIDTHS[-1], gain=0.2)
    for i in range(ROWS):
        deep = 4 if kind.startswith("restyle") or i < 3 else 5 if i < 7 else 6
        head_state(draw, f"styles.{i}", W, deep)
    return draw.state


def codes(state: State, x: Tensor, kind: str) -> Tensor:
    """What the encoder adds to its start, [N, ROWS, W]."""
    _, c1, c2, c3 = trunk(state, x)
    if kind == "w":
        w = c3.mean((2, 3)) @ state["linear.weight"].T / WIDTHS[-1] ** 0.5 + state["linear.bias"]
        return w[:, None].expand(-1, ROWS, -1)
    maps = [c3] * ROWS
    if not kind.startswith("restyle"):
        p2 = lateral(state, "latlayer1", c3, c2)
        p1 = lateral(state, "latlayer2", p2, c1)
        maps = [c3 if i < 3 else p2 if i < 7 else p1 for i in range(ROWS)]
    rows = [head(state, f"styles.{i}", maps[i]) for i in range(ROWS)]
    if kind in ("e4e", "restyle-e4e"):
        rows = [rows[0], *(rows[0] + row for row in rows[1:])]
    return torch.stack(rows, 1)


def lateral(state: State, name: str, small: Tensor, large: Tensor) -> Tensor:
    small = F.interpolate(small, large.shape[-2:], mode="bilinear", align_corners=True)
    return small + F.conv2d(large, state[f"{name}.weight"], state[f"{name}.bias"])


OPTIONS: dict[str, dict[str, Any]] = {
    "psp": {
        "encoder_type": "GradualStyleEncoder",
        "output_size": 32,
        "start_from_latent_avg": True,
    },
    "e4e": {"encoder_type": "Encoder4Editing", "stylegan_size": 32, "start_from_latent_avg": True},
    "restyle": {"encoder_type": "BackboneEncoder", "output_size": 32, "n_iters_per_batch": 2},
    "restyle-e4e": {"encoder_type": "ProgressiveBackboneEncoder", "n_iters_per_batch": 3},
    "w": {"encoder_type": "WEncoder", "output_size": 32},
}


def checkpoint(kind: str) -> dict[str, Any]:
    generator = make_generator()
    state = {f"encoder.{k}": v for k, v in make_encoder(kind).items()}
    decoder = to_rosinality(generator.state_dict())
    state |= {f"decoder.{name}": tensor for name, tensor in decoder.items()}
    mean = torch.randn(ROWS, W, generator=torch.Generator().manual_seed(5))
    mean = mean[:1] if kind == "w" else mean
    return {"state_dict": state, "latent_avg": mean, "opts": OPTIONS[kind]}


@pytest.mark.parametrize("kind", list(OPTIONS))
def test_guesses_follow_the_formulae(tmp_path: Path, kind: str) -> None:
    content = checkpoint(kind)
    torch.save(content, tmp_path / "e.pt")
    found = find_generator(tmp_path / "e.pt")
    assert found.config.img_resolution == 32 and not found.missing
    generator = read_generator(tmp_path / "e.pt")
    mean = content["latent_avg"].expand(ROWS, W)
    assert close(generator.mapping.w_avg, mean.mean(0))
    part, net = read_net(tmp_path / "e.pt")
    assert part == "encoder"
    save_picture_net(tmp_path / "encoder.safetensors", net, half=False)
    encoder = load_picture_net(tmp_path / "encoder.safetensors", part="encoder")
    img = torch.rand(1, 3, 256, 256, generator=torch.Generator().manual_seed(2)) * 2 - 1
    state = make_encoder(kind)
    expected = mean[None]
    if kind.startswith("restyle"):
        for _ in range(OPTIONS[kind]["n_iters_per_batch"]):
            drawn = generator.synthesis(expected)
            seen = torch.cat([img, F.adaptive_avg_pool2d(drawn, 256)], 1)
            expected = expected + codes(state, seen, kind)
    else:
        expected = expected + codes(state, img, kind)
    ws = encoder.encode(img, generator)
    assert (ws - expected).abs().max() < 1e-4 * expected.abs().max()


def test_old_and_training_checkpoints(tmp_path: Path) -> None:
    content = checkpoint("psp")
    content |= {"opts": argparse.Namespace(start_from_latent_avg=False), "global_step": 7,
                "optimizer": {"state": {}}, "best_val_loss": 0.1}  # fmt: skip
    torch.save(content, tmp_path / "e.pt")
    encoder = read_net(tmp_path / "e.pt")[1]
    assert not encoder.latent_avg.any() and not encoder.config.offsets
    counts = [k for k in content["state_dict"] if k.endswith("num_batches_tracked")]
    for name in counts:
        del content["state_dict"][name]
    del content["latent_avg"]
    alone = {k: v for k, v in content["state_dict"].items() if k.startswith("encoder.")}
    torch.save({"state_dict": alone}, tmp_path / "e.pt")
    assert read_net(tmp_path / "e.pt")[1].config.num_ws == ROWS
    with pytest.raises(UnsafeFile, match="no generator"):
        find_generator(tmp_path / "e.pt")


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    content = checkpoint("psp")
    torch.save(content, tmp_path / "e.pt")
    encoder = read_net(tmp_path / "e.pt")[1]
    with pytest.raises(BadInput, match="8 rows of 8"):
        encoder.encode(torch.zeros(1, 3, 256, 256), make_generator(10))
    for change, message in (
        ({"latent_avg": torch.zeros(3, W)}, "latent_avg is"),
        ({"opts": {"encoder_type": "BackboneEncoderUsingLastLayerIntoWPlus"}}, "not known"),
        ({"state_dict": {"encoder.conv1.weight": torch.ones(1), "encoder.styles.0.linear.weight":
                         torch.ones(2, 2)}}, "another trunk"),
    ):  # fmt: skip
        torch.save({**content, **change}, tmp_path / "e.pt")
        with pytest.raises(UnsafeFile, match=message):
            read_net(tmp_path / "e.pt")
    broken = {k: v for k, v in content["state_dict"].items() if k != "encoder.latlayer2.bias"}
    torch.save({**content, "state_dict": broken}, tmp_path / "e.pt")
    with pytest.raises(UnsafeFile, match="latlayer2.bias is missing"):
        read_net(tmp_path / "e.pt")


IDINVERT = (6, 8, 8, 8)  # 32 px: the last of five blocks is dense


def make_idinvert(normalised: bool) -> State:
    """Names and shapes of reference/formats.md, section 2.5."""
    draw, before = Draw(seed=4), 3
    for i, width in enumerate(IDINVERT):
        name, hidden = f"block{i}", min(before, width)
        if i == 0 or before != width:
            size = 3 if i == 0 else 1
            draw.normal(f"{name}.conv.weight", width, before, size, size)
            norms = [("bn", width)]
        else:
            norms = []
        if i:
            draw.normal(f"{name}.conv1.weight", hidden, before, 3, 3)
            draw.normal(f"{name}.wscale1.bias", hidden, gain=0.3)
            draw.normal(f"{name}.conv2.weight", width, hidden, 3, 3)
            draw.normal(f"{name}.wscale2.bias", width, gain=0.3)
            norms += [("bn1", hidden), ("bn2", width)]
        for norm, channels in norms if normalised else ():
            draw.norm(f"{name}.{norm}.bn", channels)
        before = width
    draw.normal("block4.fc.weight", ROWS * W, 16 * before, gain=10)
    if normalised:
        draw.norm("block4.bn.bn", ROWS * W)
    return draw.state


def idinvert(state: State, x: Tensor, normalised: bool) -> Tensor:
    def done(name: str, y: Tensor) -> Tensor:
        y = normed(state, f"{name}.bn", y) if normalised else y
        return torch.where(y < 0, 0.2 * y, y)

    for i in range(len(IDINVERT)):
        name = f"block{i}"
        if i == 0:
            x = done(f"{name}.bn", F.conv2d(x, state[f"{name}.conv.weight"], padding=1))
            continue
        x = F.avg_pool2d(x, 2)
        around = x
        if f"{name}.conv.weight" in state:
            around = done(f"{name}.bn", F.conv2d(x, state[f"{name}.conv.weight"]))
        for k in (1, 2):
            x = F.conv2d(x, state[f"{name}.conv{k}.weight"], padding=1)
            x = done(f"{name}.bn{k}", x + state[f"{name}.wscale{k}.bias"][:, None, None])
        x = x + around
    x = x.flatten(1)
    x = x @ state["block4.fc.weight"].T / x.shape[1] ** 0.5
    x = normed(state, "block4.bn.bn", x) if normalised else x
    return x.reshape(-1, ROWS, W)


@pytest.mark.parametrize("normalised", [True, False])
def test_idinverts_encoder(tmp_path: Path, normalised: bool) -> None:
    state = make_idinvert(normalised)
    torch.save(state, tmp_path / "e.pth")
    encoder = read_net(tmp_path / "e.pth")[1]
    img = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(2)) * 2 - 1
    expected = idinvert(state, img, normalised)
    assert close(encoder.encode(img, make_generator()), expected)
    larger = F.interpolate(img, scale_factor=4.0, mode="nearest")
    small = F.interpolate(larger, (32, 32), mode="bilinear", antialias=True)
    assert close(encoder.encode(larger, make_generator()), idinvert(state, small, normalised))
    with pytest.raises(BadInput, match="use the encoder trained for it"):
        encoder.encode(img, make_generator(10))
    del state["block4.fc.weight"]
    torch.save(state, tmp_path / "e.pth")
    with pytest.raises(UnsafeFile, match="last block"):
        read_net(tmp_path / "e.pth")


@pytest.mark.parametrize(("prefix", "name"), [("mapper", "StyleCLIP's mapper"),
                                              ("hypernet", "HyperStyle's hypernetwork"),
                                              ("extra", "extra")])  # fmt: skip
def test_what_is_not_read_is_said(tmp_path: Path, prefix: str, name: str) -> None:
    """orpatashnik/StyleCLIP f87a47f, mapper/training/coach.py; yuval-alaluf/hyperstyle a723c73."""
    content = checkpoint("psp")
    state = {k: v for k, v in content["state_dict"].items() if k.startswith("decoder.")}
    state |= {f"{prefix}.course_mapping.mapping.{i}.weight": torch.ones(4, 4) for i in range(3)}
    torch.save({"state_dict": state, "opts": {"work_in_stylespace": False}}, tmp_path / "m.pt")
    (found,) = inspect_file(tmp_path / "m.pt")
    assert found.kind == "generator" and found.unread == (f"{name} (3 tensors)",)
    target = convert([found], tmp_path / "m.pt", tmp_path / "domain")
    assert any(name in note and "Not read" in note for note in target.notes)
    torch.save(content, tmp_path / "e.pt")
    assert not any(found.unread for found in inspect_file(tmp_path / "e.pt"))
