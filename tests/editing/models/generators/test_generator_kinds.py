"""Generators of grey or transparent pictures, and of classes: one rule at every door."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from editing.cli.main import main
from editing.directions.samples import moments
from editing.edits.stack import Move, render, state_of
from editing.io.images import load_picture
from editing.models.domain import Domain, open_domain
from editing.models.generators.generator import Generator, GeneratorConfig
from editing.models.generators.mapping import in_rgb, one_hot
from editing.models.latents import SeedSpec, load_latent, parse_seed, sample_z
from editing.models.whitening import whitening
from editing.recipes.recipe import read_export
from tests.editing.conversion.test_convert import refused, run
from tests.helpers.nvidia_files import stylegan2_file


def made(tmp_path: Path, **changes: Any) -> tuple[Generator, Path]:
    """A tiny generator of NVIDIA's as a file, and the domain it is converted into."""
    config = GeneratorConfig(
        **{"img_resolution": 32, "z_dim": 6, "w_dim": 8, "num_mapping_layers": 2,
           "channels": (12, 12, 10, 8), **changes}
    )  # fmt: skip
    torch.manual_seed(3)
    generator = Generator(config).eval().requires_grad_(False)
    for name, tensor in generator.state_dict().items():
        if name.endswith("noise_strength") or name == "mapping.w_avg":
            tensor.normal_().mul_(0.1)
    (tmp_path / "g.pkl").write_bytes(stylegan2_file(generator.state_dict(), None, 4))
    assert main(["weights", "convert", str(tmp_path / "g.pkl"), "--out", str(tmp_path / "d")]) == 0
    return generator, tmp_path / "d"


def test_what_one_and_four_channels_look_like() -> None:
    grey = torch.rand(2, 1, 4, 4)
    assert torch.equal(in_rgb(grey), grey.repeat(1, 3, 1, 1))
    colours = torch.rand(1, 3, 4, 4)
    assert torch.equal(in_rgb(colours), colours)
    clear, solid = torch.full([1, 1, 4, 4], -1.5), torch.full([1, 1, 4, 4], 1.5)
    assert torch.equal(in_rgb(torch.cat([colours, clear], 1)), torch.ones(1, 3, 4, 4)), "white"
    assert torch.allclose(in_rgb(torch.cat([colours, solid], 1)), colours)
    half = in_rgb(torch.cat([-torch.ones(1, 3, 4, 4), torch.zeros(1, 1, 4, 4)], 1))
    assert torch.allclose(half, torch.zeros(1, 3, 4, 4)), "black, half of it through which is white"


@pytest.mark.parametrize("channels", [1, 4])
def test_grey_and_transparent_generators_serve_everywhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], channels: int
) -> None:
    generator, folder = made(tmp_path, img_channels=channels)
    domain = open_domain(folder)
    img = render(state_of("seed:1", domain), domain)
    assert img.shape == (1, 3, 32, 32)
    run(capsys, "generate", "--seeds", "1-2", "--grid", "1x2", "--domain", folder,
        "--out", tmp_path)  # fmt: skip
    drawn = np.asarray(load_picture(tmp_path / "seed0001.png"))
    assert drawn.shape == (32, 32, 3)
    if channels == 1:
        assert np.array_equal(drawn[..., 0], drawn[..., 1])
    Image.fromarray(drawn).convert("L").resize((48, 48)).save(tmp_path / "photo.png")
    facts = run(capsys, "invert", tmp_path / "photo.png", "--no-align", "--level", "quick",
                "--steps", "3", "--domain", folder, "--out", tmp_path / "me")  # fmt: skip
    assert facts["psnr"] > 0
    run(capsys, "domain", "build", tmp_path / "g.pkl", "--pictures", "1", "--out", tmp_path / "b")
    built = open_domain(tmp_path / "b")
    assert torch.allclose(render(state_of("seed:1", built), built), img, atol=1e-5)
    name = next(iter(built.boundaries))
    run(capsys, "edit", "seed:1", "--move", f"{name}=2", "--domain", tmp_path / "b",
        "--out", tmp_path / "x.png")  # fmt: skip


def test_a_class_can_be_chosen_everywhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generator, folder = made(tmp_path, c_dim=3)
    z = sample_z([5], generator.z_dim)
    truth = [
        generator.synthesis(generator.mapping(z, one_hot(k, 3), truncation_psi=0.7))
        for k in range(3)
    ]
    domain = open_domain(folder)
    assert torch.allclose(render(state_of("seed:5", domain), domain), truth[0], atol=1e-4)
    for k in range(3):
        drawn = render(state_of(f"seed:5#{k}", domain), domain)
        assert torch.allclose(drawn, truth[k], atol=1e-4), "a class per seed"
        other = open_domain(folder, label=k)
        assert torch.allclose(render(state_of("seed:5", other), other), truth[k], atol=1e-4)
    assert not torch.allclose(truth[1], truth[2], atol=0.05)
    out = tmp_path / "two"
    run(capsys, "generate", "--seeds", "5", "--class", "2", "--domain", folder, "--out", out)
    export = read_export(out / "seed0005.png")
    assert export is not None and export[0].source.name == "seed:5#2"
    run(capsys, "run", out / "seed0005.png", "--domain", folder, "--out", tmp_path / "again")
    pictures = [
        np.asarray(load_picture(p)) for p in (out / "seed0005.png", tmp_path / "again/seed0005.png")
    ]
    assert np.array_equal(*pictures), "replayed without saying the class again"
    for text, message in (("seed:5#3", "classes 0 to 2"), ("seed:5#x", "is no seed")):
        assert message in refused(capsys, "edit", text, "--move", "b8.conv1:1=1", "--domain",
                                  folder, "--out", tmp_path / "x.png")  # fmt: skip
    assert "the classes 0 to 2" in refused(
        capsys, "generate", "--seeds", "1", "--class", "7", "--domain", folder, "--out", out
    )


def test_a_domain_has_a_class(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    generator, folder = made(tmp_path, c_dim=3)
    out = tmp_path / "b"
    run(capsys, "domain", "build", tmp_path / "g.pkl", "--pictures", "1", "--class", "1",
        "--out", out)  # fmt: skip
    domain = open_domain(out)
    assert domain.label == 1
    z = torch.randn(4000, generator.z_dim, generator=torch.Generator().manual_seed(1))
    w = generator.mapping(z, one_hot(1, 3, len(z)))[:, 0]
    assert torch.allclose(moments(domain).mean, w.mean(0), atol=0.1), "measured on that class"
    assert whitening(domain.generator).matrix.isfinite().all()
    state = state_of("seed:2", domain)
    moved = Move(next(iter(domain.boundaries)), 1.0).apply(state, domain)
    assert not torch.equal(moved.ws, state.ws)
    for command in (
        ("invert", tmp_path / "b/contact.png", "--no-align", "--space", "z", "--start", "random:2",
         "--steps", "2", "--out", tmp_path / "me"),
        ("morph", "seed:1", "seed:2#2", "--frames", "3", "--out", tmp_path / "m.gif"),
        ("edit", "seed:1", "--move", f"{next(iter(domain.boundaries))}=1", "--out",
         tmp_path / "e.png"),
    ):  # fmt: skip
        run(capsys, *command, "--domain", out)
    assert load_latent(tmp_path / "me" / "latent.npz").fingerprint == domain.fingerprint


def test_a_generator_without_classes_refuses_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, folder = made(tmp_path)
    capsys.readouterr()
    for words in (["--class", "0"], []):
        source = "1" if words else "1#0"
        command = ("edit", f"seed:{source}", "--move", "b8.conv1:1=1", "--domain", folder,
                   "--out", tmp_path / "x.png", *words)  # fmt: skip
        assert "no classes" in refused(capsys, *command)


def test_a_seed_names_its_class() -> None:
    spec = parse_seed("seed:12@0.5#3")
    assert spec == SeedSpec(12, 0.5, label=3) and str(spec) == "seed:12@0.5#3"
    assert str(SeedSpec(12, label=0)) == "seed:12#0" and str(SeedSpec(12)) == "seed:12"


def test_the_page_has_a_chooser_for_classes(tmp_path: Path) -> None:
    from ui.page import build_app
    from ui.studio.studio import Studio

    _, folder = made(tmp_path, c_dim=3)
    domain = open_domain(folder)
    portrait = Studio(domain).open_seed(5, label=2)
    assert portrait.source.name == "seed:5#2" and portrait.state.label == 2
    assert torch.equal(portrait.state.ws, state_of("seed:5#2", domain).ws)
    blocks = [getattr(block, "elem_id", None) for block in build_app(domain).blocks.values()]
    assert "class" in blocks


def test_the_smallest_pictures_are_read_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A portrait of 16 pixels is inverted, edited again and replayed."""
    _, folder = made(tmp_path, img_resolution=16, channels=(12, 12, 10), img_channels=1)
    here = ("--domain", folder)
    run(capsys, "generate", "--seeds", "1", *here, "--out", tmp_path)
    picture = tmp_path / "seed0001.png"
    facts = run(capsys, "invert", picture, "--no-align", "--steps", "30", *here,
                "--out", tmp_path / "me")  # fmt: skip
    start = run(capsys, "invert", picture, "--no-align", "--steps", "0", *here,
                "--out", tmp_path / "begun")  # fmt: skip
    assert facts["psnr"] > start["psnr"]
    run(capsys, "edit", picture, "--move", "b8.conv1:1=3", *here, "--out", tmp_path / "e.png")
    run(capsys, "run", tmp_path / "e.png", *here, "--out", tmp_path / "again")
    pictures = [np.asarray(Image.open(p)) for p in (tmp_path / "e.png", tmp_path / "again/e.png")]
    assert np.array_equal(*pictures) and pictures[0].shape == (16, 16, 3)
    Image.new("RGB", (7, 7)).save(tmp_path / "tiny.png")
    message = refused(capsys, "invert", tmp_path / "tiny.png", "--no-align", *here, "--out", "x")
    assert "at least 8" in message


def test_a_page_without_classes_has_none(tiny_domain: Domain) -> None:
    from ui.page import build_app

    blocks = [getattr(block, "elem_id", None) for block in build_app(tiny_domain).blocks.values()]
    assert "seed" in blocks and "class" not in blocks
