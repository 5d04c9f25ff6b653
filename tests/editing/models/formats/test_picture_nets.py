"""VGG16, LPIPS and ArcFace under their public names, by formulae with plain tensor operations.

Names as in torchvision, models/vgg.py; richzhang/PerceptualSimilarity 082bb24, lpips/lpips.py and
lpips/weights/; TreB1eN/InsightFace_Pytorch, as omertov/encoder4editing 99ea505 has it in
models/encoders/model_irse.py.
"""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from editing.conversion.inspect import inspect_file
from editing.errors import UnsafeFile, UnsupportedFile
from editing.models.formats import picture_nets
from editing.models.formats.checkpoints import read_net
from editing.models.formats.foreign import Weight
from editing.models.networks.picture_nets import load_picture_net, save_picture_net
from editing.pictures.metrics import perceptual, perceptual_distance
from tests.editing.models.generators.test_generator import close
from tests.helpers.irse_reference import WIDTHS, Draw, State, normed, trunk, trunk_state

PLACES = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))  # torchvision's vgg16
CHANNELS = (4, 5, 6, 6, 7)


def make_vgg() -> State:
    draw, before = Draw(seed=1), 3
    for places, width in zip(PLACES, CHANNELS, strict=True):
        for place in places:
            draw.normal(f"features.{place}.weight", width, before, 3, 3, gain=1.4)
            draw.normal(f"features.{place}.bias", width, gain=0.3)
            before = width
    draw.normal("classifier.0.weight", 2, 3)
    draw.normal("classifier.0.bias", 2)
    return draw.state


def make_linear() -> State:
    rng = torch.Generator().manual_seed(2)
    return {
        f"lin{i}.model.1.weight": torch.rand(1, width, 1, 1, generator=rng)
        for i, width in enumerate(CHANNELS)
    }


def vgg_maps(state: State, img: Tensor) -> list[Tensor]:
    """LPIPS's scaling of [-1, 1], then the maps at the end of every size."""
    shift = torch.tensor([-0.030, -0.088, -0.188])[:, None, None]
    scale = torch.tensor([0.458, 0.448, 0.450])[:, None, None]
    x, found = (img - shift) / scale, []
    for places in PLACES:
        if found:
            x = F.max_pool2d(x, 2)
        for place in places:
            weight, bias = state[f"features.{place}.weight"], state[f"features.{place}.bias"]
            x = F.conv2d(x, weight, bias, padding=1).clamp(min=0)
        found.append(x)
    return found


def lpips(state: State, linear: State, a: Tensor, b: Tensor) -> Tensor:
    total = torch.zeros(len(a))
    for i, (x, y) in enumerate(zip(vgg_maps(state, a), vgg_maps(state, b), strict=True)):
        x, y = (m / (m.square().sum(1, keepdim=True).sqrt() + 1e-10) for m in (x, y))
        weight = linear[f"lin{i}.model.1.weight"][0]
        total += ((x - y).square() * weight).sum(1).mean((1, 2))
    return total


def pictures() -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(3)
    a, b = (torch.rand(2, 3, 32, 32, generator=rng) * 2 - 1 for _ in range(2))
    return a, b


def test_vgg16(tmp_path: Path) -> None:
    state = make_vgg()
    torch.save(state, tmp_path / "vgg.pth")
    part, net = read_net(tmp_path / "vgg.pth")
    assert part == "perceptual" and net.tap_scales is None
    save_picture_net(tmp_path / "p.safetensors", net, half=False)
    net = load_picture_net(tmp_path / "p.safetensors", part="perceptual")
    img = pictures()[0]
    for found, expected in zip(net.features(img), vgg_maps(state, img), strict=True):
        assert close(found, expected)
    early = list(net.maps(img, taps=(0, 2)))  # Image2StyleGAN's conv1_1 and conv1_2
    assert len(early) == 2 and close(early[1], vgg_maps(state, img)[0])


def test_lpips_is_exact(tmp_path: Path) -> None:
    state, linear = make_vgg(), make_linear()
    names = {f"net.slice{k + 1}.{p}": p for k, places in enumerate(PLACES) for p in places}
    whole = {
        f"{theirs}.{kind}": state[f"features.{place}.{kind}"]
        for theirs, place in names.items()
        for kind in ("weight", "bias")
    }
    torch.save({**whole, **linear, "scaling_layer.shift": torch.zeros(1, 3, 1, 1)}, tmp_path / "l")
    part, net = read_net(tmp_path / "l")
    a, b = pictures()
    assert part == "perceptual" and net.config.lpips
    distance = perceptual_distance(net, a, b)
    assert torch.allclose(distance, lpips(state, linear, a, b), rtol=1e-4, atol=0)
    assert not perceptual_distance(net, a, a).any()


def test_lpips_in_two_files(tmp_path: Path) -> None:
    """As torchvision and the authors of LPIPS give them: in one folder, in any order."""
    state, linear, folder = make_vgg(), make_linear(), tmp_path / "lpips"
    folder.mkdir()
    torch.save(state, folder / "vgg16-397923af.pth")
    torch.save(linear, folder / "vgg.pth")
    part, net = read_net(folder)
    a, b = pictures()
    assert part == "perceptual"
    distance = perceptual_distance(net, a, b)
    assert torch.allclose(distance, lpips(state, linear, a, b), rtol=1e-4, atol=0)
    torch.save({k: v[:, :3] for k, v in linear.items()}, folder / "vgg.pth")
    with pytest.raises(UnsafeFile, match="not for its VGG16"):
        read_net(folder)


def make_arcface(size: int) -> State:
    draw = Draw(seed=6)
    trunk_state(draw, 3)
    draw.norm("output_layer.0", WIDTHS[-1])
    draw.normal("output_layer.3.weight", 12, WIDTHS[-1] * size**2)
    draw.normal("output_layer.3.bias", 12)
    draw.norm("output_layer.4", 12)
    return draw.state


def test_arcface(tmp_path: Path) -> None:
    state = make_arcface(7)
    torch.save(state, tmp_path / "id.pth")
    part, net = read_net(tmp_path / "id.pth")
    assert part == "identity"
    img = torch.rand(1, 3, 256, 256, generator=torch.Generator().manual_seed(2)) * 2 - 1
    face = F.adaptive_avg_pool2d(img[:, :, 35:223, 32:220], 112)
    x = normed(state, "output_layer.0", trunk(state, face)[-1]).flatten(1)
    x = x @ state["output_layer.3.weight"].T + state["output_layer.3.bias"]
    x = normed(state, "output_layer.4", x)
    assert close(net(img), x / x.norm(dim=1, keepdim=True))


def test_networks_serve_only_as_what_they_are(tmp_path: Path) -> None:
    torch.save(make_vgg(), tmp_path / "vgg.pth")
    _, net = read_net(tmp_path / "vgg.pth")
    save_picture_net(tmp_path / "p.safetensors", net)
    with pytest.raises(UnsafeFile, match="cannot serve as encoder"):
        load_picture_net(tmp_path / "p.safetensors", part="encoder")


def test_other_networks_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    vgg19 = {**make_vgg(), "features.30.weight": torch.ones(7, 7, 3, 3)}
    vgg19 = {k: v for k, v in vgg19.items() if not k.startswith("features.28.")}
    for state, message in (
        (vgg19, "of torchvision.s, vgg16 is read"),
        ({k: v for k, v in make_vgg().items() if k != "features.7.bias"}, "7.bias is missing"),
        ({**make_vgg(), "lin1.model.1.weight": torch.ones(1, 5, 1, 1)}, "five linear layers"),
        ({**make_arcface(7), "extra": torch.ones(1)}, "extra is unexpected"),
        ({"weight": torch.ones(3)}, "no encoder, perceptual or identity"),
    ):
        torch.save(state, path)
        with pytest.raises(UnsafeFile, match=message):
            read_net(path)


def test_the_first_version_of_lpips_sees_pictures_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """lpips/weights/v0.0/vgg.pth, known by its numbers: its network has no scaling layer."""
    state, linear = make_vgg(), make_linear()
    weights = {f"lpips{k[3]}": Weight(v.shape, v.clone) for k, v in linear.items()}
    monkeypatch.setattr(picture_nets, "UNSCALED", picture_nets.weights_digest(weights))
    torch.save({**state, **linear}, tmp_path / "l.pth")
    net = read_net(tmp_path / "l.pth")[1]
    save_picture_net(tmp_path / "p.safetensors", net, half=False)
    net = load_picture_net(tmp_path / "p.safetensors", part="perceptual")
    a, b = pictures()
    shift = torch.tensor([-0.030, -0.088, -0.188])[:, None, None]
    scale = torch.tensor([0.458, 0.448, 0.450])[:, None, None]
    expected = lpips(state, linear, a * scale + shift, b * scale + shift)  # undoes the scaling
    assert close(perceptual_distance(net, a, b), expected)
    other = {k: v * 2 for k, v in linear.items()}
    torch.save({**state, **other}, tmp_path / "l.pth")
    assert read_net(tmp_path / "l.pth")[1].config.scaled


@pytest.mark.parametrize(
    ("name", "channels"),
    [("AlexNet", (64, 192, 384, 256, 256)), ("SqueezeNet", (64, 128, 256, 384, 384, 512, 512))],
)
def test_lpips_of_other_networks_is_named(
    tmp_path: Path, name: str, channels: tuple[int, ...]
) -> None:
    linear = {f"lin{i}.model.1.weight": torch.ones(1, c, 1, 1) for i, c in enumerate(channels)}
    torch.save(linear, tmp_path / "lin.pth")
    with pytest.raises(UnsupportedFile, match=f"LPIPS weights are for {name}"):
        inspect_file(tmp_path / "lin.pth")
    first = {"AlexNet": (64, 3, 11, 11), "SqueezeNet": (64, 3, 3, 3)}[name]
    trunk = {"features.0.weight": torch.ones(first), "features.0.bias": torch.ones(64),
             "features.3.squeeze.weight" if name == "SqueezeNet" else "features.3.weight":
             torch.ones(16, 64, 1, 1)}  # fmt: skip
    torch.save(trunk, tmp_path / "trunk.pth")
    with pytest.raises(UnsupportedFile, match=f"it is {name}; of torchvision's, vgg16"):
        inspect_file(tmp_path / "trunk.pth")


def test_lpips_in_strips_is_lpips(tmp_path: Path) -> None:
    """Measured strip by strip, with rows left over at every size."""
    torch.save({**make_vgg(), **make_linear()}, tmp_path / "l.pth")
    net = read_net(tmp_path / "l.pth")[1]
    rng = torch.Generator().manual_seed(6)
    a, b = (torch.rand(1, 3, 150, 70, generator=rng) * 2 - 1 for _ in range(2))
    domain = SimpleNamespace(parts={"perceptual"}, perceptual=net)
    found, whole = perceptual(domain, a, b), float(perceptual_distance(net, a, b))
    assert found is not None and abs(found - whole) < 1e-6 * whole
    maps: dict[int, list[Tensor]] = {}
    for tap, strip in net.strips(a):
        maps.setdefault(tap, []).append(strip)
    for tap, expected in enumerate(net.features(a)):
        assert len(maps[0]) == 3 and close(torch.cat(maps[tap], dim=2), expected)
