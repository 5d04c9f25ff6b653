"""Files of other systems through the command line: said what they are, and made a domain."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from editing.channels import statistics_of
from editing.cli import main
from editing.directions import boundary, read_directions
from editing.domains import open_domain
from editing.edits import render, state_of
from editing.features import load_picture_net
from editing.generator import Generator, save_generator
from editing.global_directions import load_global_directions
from editing.images import load_picture, to_tensor
from editing.latents import load_latent
from editing.metrics import perceptual_distance
from tests.conftest import make_tiny_generator
from tests.nvidia_files import stylegan2_file
from tests.test_formats_encoders import checkpoint
from tests.test_formats_picture_nets import lpips, make_linear, make_vgg, pictures
from tests.test_formats_rosinality import to_rosinality

RNG = np.random.default_rng(1)
CHANNELS = [12, 12, 12, 10, 10, 10, 8, 8, 8, 6, 6]  # styles of the tiny generator


def run(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    """One command that succeeds; its JSON."""
    assert main([*map(str, words), "--json"]) == 0, capsys.readouterr().err
    found: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return found


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """The sentence of a command that is refused."""
    assert main([*map(str, words)]) == 2
    message = capsys.readouterr().err
    assert len(message.splitlines()) == 1 and message.count("; ") <= 1, "one sentence, not nested"
    return message


@pytest.fixture
def generator() -> Generator:
    return make_tiny_generator()


@pytest.fixture
def domain(tmp_path: Path, generator: Generator, capsys: pytest.CaptureFixture[str]) -> Path:
    """The tiny generator as a checkpoint of rosinality, converted."""
    state = generator.state_dict()
    content = {"g_ema": to_rosinality(state), "latent_avg": state["mapping.w_avg"]}
    torch.save(content, tmp_path / "g.pt")
    assert run(capsys, "weights", "convert", tmp_path / "g.pt", "--out", tmp_path / "d")["domain"]
    return tmp_path / "d"


def test_a_generator_becomes_a_domain(
    tmp_path: Path, domain: Path, generator: Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    (found,) = run(capsys, "weights", "inspect", tmp_path / "g.pt")["holds"]
    assert (found["kind"], found["system"], found["family"]) == (
        "generator",
        "rosinality",
        "stylegan2",
    )
    assert (found["resolution"], found["w_dim"], found["num_ws"]) == (32, 16, 8)
    opened = open_domain(domain)
    assert (opened.name, opened.family, opened.resolution) == ("d", "stylegan2", 32)
    state = state_of("seed:3", opened)
    assert torch.allclose(render(state, opened), generator.synthesis(state.ws), atol=1e-5)
    out = tmp_path / "pictures"
    assert (
        len(run(capsys, "generate", "--seeds", "0-1", "--domain", domain, "--out", out)["paths"])
        == 2
    )
    assert "another folder" in refused(
        capsys, "weights", "convert", tmp_path / "g.pt", "--out", domain
    )


def test_a_domain_may_name_foreign_files(tmp_path: Path, generator: Generator) -> None:
    """domain.yaml names the downloads themselves: nothing needs to be converted first."""
    import yaml

    from editing.descriptions import describe_file

    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "g.pkl").write_bytes(stylegan2_file(generator.state_dict(), None, 4))
    torch.save(make_vgg(), folder / "vgg.pth")
    n = torch.nn.functional.normalize(
        torch.randn(1, 16, generator=torch.Generator().manual_seed(1))
    )
    torch.save(n, folder / "smile.pt")
    styles = [RNG.random(c).astype(np.float32) for c in CHANNELS]
    (folder / "S_mean_std").write_bytes(pickle.dumps([styles, styles], 3))
    facts = {
        "resolution": 32,
        "generator": describe_file(folder, "g.pkl"),
        "perceptual": describe_file(folder, "vgg.pth"),
        "statistics": describe_file(folder, "S_mean_std"),
        "encoder": describe_file(folder, "vgg.pth"),
        "boundaries": {"smile": describe_file(folder, "smile.pt")},
    }
    (folder / "domain.yaml").write_text(yaml.safe_dump(facts))
    domain = open_domain(folder)
    assert domain.generator.config.mapping_lr_multiplier == 0.01
    assert torch.allclose(boundary(domain, "smile").vector, n[0])
    assert len(domain.perceptual.features(pictures()[0])) == 5
    assert domain.statistics.num_channels == sum(CHANNELS)
    assert statistics_of(domain) is domain.statistics, "a file of StyleCLIP serves edits, too"
    with pytest.raises(Exception, match="perceptual, not encoder"):
        domain.encoder  # noqa: B018


def test_an_encoder_brings_its_generator(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save(checkpoint("e4e"), tmp_path / "e.pt")
    kinds = [f["kind"] for f in run(capsys, "weights", "inspect", tmp_path / "e.pt")["holds"]]
    assert kinds == ["generator", "encoder"]
    run(capsys, "weights", "convert", tmp_path / "e.pt", "--out", tmp_path / "d")
    domain = open_domain(tmp_path / "d")
    ws = domain.encode(torch.zeros(1, 3, 64, 64))
    assert ws.shape == (1, 8, 8) and bool(ws.isfinite().all())


@pytest.mark.parametrize("kind", ["psp", "e4e"])
def test_photos_begin_where_a_converted_encoder_reads_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    """Generator and encoder from files of their own; the guess is the start of an inversion."""
    content = checkpoint(kind)
    decoder = {k.removeprefix("decoder."): v for k, v in content["state_dict"].items()
               if k.startswith("decoder.")}  # fmt: skip
    torch.save({"g_ema": decoder, "latent_avg": content["latent_avg"].mean(0)}, tmp_path / "g.pt")
    torch.save(content, tmp_path / "e.pt")
    for name in ("g.pt", "e.pt"):
        run(capsys, "weights", "convert", tmp_path / name, "--out", tmp_path / "d")
    domain = open_domain(tmp_path / "d")
    Image.fromarray(RNG.integers(0, 255, (32, 32, 3), np.uint8)).save(tmp_path / "photo.png")
    facts = run(capsys, "invert", tmp_path / "photo.png", "--no-align", "--steps", "0",
                "--domain", tmp_path / "d", "--out", tmp_path / "me")  # fmt: skip
    photo = to_tensor(load_picture(tmp_path / "me" / "aligned.png"))
    found = load_latent(tmp_path / "me" / "latent.npz").ws
    assert torch.allclose(found, domain.encode(photo), atol=1e-5)
    assert (found - content["latent_avg"]).abs().max() > 0.1, "the encoder has said something"
    assert facts["psnr"] and facts["perceptual"] is None
    assert any(note.startswith("This domain has no perceptual network") for note in facts["notes"])


def test_a_generator_alone_inverts_photos(
    tmp_path: Path, domain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(RNG.integers(0, 255, (32, 32, 3), np.uint8)).save(tmp_path / "photo.png")
    command = ("invert", tmp_path / "photo.png", "--no-align", "--level", "quick", "--steps", "4",
               "--domain", domain, "--out", tmp_path / "me")  # fmt: skip
    facts = run(capsys, *command)
    assert any("mean of W" in note for note in facts["notes"]) and facts["steps"] == 4
    assert "has no encoder" in refused(capsys, *command, "--start", "encoder")


def test_an_encoder_for_another_generator_is_refused(
    tmp_path: Path, domain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save(checkpoint("psp"), tmp_path / "e.pt")
    before = (domain / "domain.yaml").read_text()
    message = refused(capsys, "weights", "convert", tmp_path / "e.pt", "--out", domain)
    assert "8 rows of 8 numbers" in message
    assert (domain / "domain.yaml").read_text() == before
    assert not (domain / "encoder.safetensors").exists()


def test_a_direction_becomes_a_boundary(
    tmp_path: Path, domain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    n = RNG.standard_normal((1, 16))
    np.save(tmp_path / "boundary.npy", n / np.linalg.norm(n))
    convert = ("weights", "convert", tmp_path / "boundary.npy", "--out", domain, "--name", "smile")
    assert "--family" in refused(capsys, *convert)
    assert "is for stylegan1" in refused(capsys, *convert, "--family", "stylegan1", "--space", "w")
    run(capsys, *convert, "--family", "stylegan2", "--space", "w")
    direction = boundary(open_domain(domain), "smile")
    assert direction.step == 1 and direction.family == "stylegan2"
    out = tmp_path / "x.png"
    run(capsys, "edit", "seed:1", "--move", "smile=2", "--domain", domain, "--out", out)
    assert out.is_file()


def test_a_folder_that_cannot_be_written(
    tmp_path: Path, domain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    message = refused(
        capsys, "weights", "convert", tmp_path / "g.pt", "--out", tmp_path / "file" / "d"
    )
    assert "cannot be read safely" not in message and "file" in message


def test_many_directions_become_files(
    tmp_path: Path, domain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vectors = np.linalg.qr(RNG.standard_normal((16, 16)))[0].astype(np.float32)
    torch.save({"ckpt": "x", "eigvec": torch.from_numpy(vectors)}, tmp_path / "factor.pt")
    paths = run(capsys, "weights", "convert", tmp_path / "factor.pt", "--out", domain)["paths"]
    (found,) = read_directions(domain / "directions" / "factor_3.safetensors")
    assert len(paths) == 17 and np.abs(found.vector.numpy() - vectors[:, 3]).max() < 1e-6
    assert not open_domain(domain).boundaries


def test_latents(
    tmp_path: Path, domain: Path, generator: Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    ws = RNG.standard_normal((2, 8, 16)).astype(np.float32)
    np.save(tmp_path / "codes.npy", ws)
    run(capsys, "weights", "convert", tmp_path / "codes.npy", "--out", domain)
    latent = load_latent(domain / "latents" / "codes-0001.npz")
    assert np.array_equal(latent.ws.numpy(), ws[1:]) and latent.domain == "d"
    np.save(tmp_path / "long.npy", RNG.standard_normal((1, 18, 16)).astype(np.float32))
    message = refused(capsys, "weights", "convert", tmp_path / "long.npy", "--out", domain)
    assert "[1, 18, 16]" in message and "d takes [8, 16]" in message and "of d" not in message
    np.save(tmp_path / "w.npy", ws[:1, 0] * 3)
    run(capsys, "weights", "convert", tmp_path / "w.npy", "--out", domain)
    assert load_latent(domain / "latents" / "w.npz").space == "w"


def test_latents_of_z_are_mapped(
    tmp_path: Path, domain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = open_domain(domain)
    z = RNG.standard_normal((2, opened.generator.z_dim)).astype(np.float32)
    np.save(tmp_path / "z.npy", z)
    convert = ("weights", "convert", tmp_path / "z.npy", "--out", domain)
    assert "say --space z" in refused(capsys, *convert)
    facts = run(capsys, *convert, "--space", "z")
    expected = opened.generator.mapping(torch.from_numpy(z))
    latent = load_latent(domain / "latents" / "z-0001.npz")
    assert torch.allclose(latent.ws, expected[1:], atol=1e-6) and latent.space == "w"
    assert facts["notes"] == ["Mapped from Z with psi 1."]
    run(capsys, *convert, "--space", "z", "--psi", "0.7", "--name", "calm")
    calm = load_latent(domain / "latents" / "calm-0000.npz")
    near = opened.generator.mapping(torch.from_numpy(z[:1]), truncation_psi=0.7)
    assert torch.allclose(calm.ws, near, atol=1e-6)


def test_a_domain_may_be_at_hand(
    tmp_path: Path, domain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Latents of a domain, written elsewhere; two readings are both said."""
    np.save(tmp_path / "people.npy", RNG.standard_normal((5, 16)).astype(np.float32))
    convert = ("weights", "convert", tmp_path / "people.npy", "--out", tmp_path / "out")
    assert "--space w or --space w+" in refused(capsys, *convert)
    facts = run(capsys, *convert, "--domain", domain)
    assert len(facts["paths"]) == 5 and not facts["domain"] and not facts["missing"]
    assert load_latent(tmp_path / "out" / "latents" / "people-0004.npz").domain == "d"
    np.save(tmp_path / "rows.npy", RNG.standard_normal((8, 16)).astype(np.float32))
    convert = ("weights", "convert", tmp_path / "rows.npy", "--out", domain)
    assert "leave --domain out" in refused(capsys, *convert, "--domain", domain)
    facts = run(capsys, *convert)
    assert len(facts["paths"]) == 2 and "8 latents of W, say --space w" in facts["notes"][0]
    assert len(run(capsys, *convert, "--space", "w")["paths"]) == 9


def test_nothing_is_written_over(
    tmp_path: Path, domain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """PTI calls every pivot 0.pt, and somebody else's smile is not the domain's."""
    for person in ("anna", "ben"):
        (tmp_path / person).mkdir()
        pivot = torch.randn(1, 8, 16, generator=torch.Generator().manual_seed(len(person)))
        torch.save(pivot, tmp_path / person / "0.pt")
    first = ("weights", "convert", tmp_path / "anna" / "0.pt", "--out", domain)
    run(capsys, *first)
    kept = (domain / "latents" / "0.npz").read_bytes()
    second = ("weights", "convert", tmp_path / "ben" / "0.pt", "--out", domain)
    assert "has a latents/0.npz already" in refused(capsys, *second)
    assert (domain / "latents" / "0.npz").read_bytes() == kept
    run(capsys, *first)  # the same again is nothing new
    run(capsys, *second, "--name", "ben")
    assert not torch.equal(
        load_latent(domain / "latents" / "ben.npz").ws, load_latent(domain / "latents/0.npz").ws
    )
    said = ("--name", "smile", "--family", "stylegan2", "--space", "w")
    for name in ("ours", "theirs"):
        n = RNG.standard_normal((1, 16))
        np.save(tmp_path / f"{name}.npy", n / np.linalg.norm(n))
    convert = ("weights", "convert", tmp_path / "ours.npy", "--out", domain)
    run(capsys, *convert, *said)
    before = boundary(open_domain(domain), "smile").vector
    message = refused(capsys, "weights", "convert", tmp_path / "theirs.npy", "--out", domain, *said)
    assert "boundaries/smile.safetensors already" in message and "--name" in message
    assert torch.equal(boundary(open_domain(domain), "smile").vector, before)
    run(capsys, *convert, *said)


def test_a_part_from_elsewhere_keeps_its_place(
    tmp_path: Path, domain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A boundary that domain.yaml has under another file name."""
    import yaml

    said = ("--name", "smile", "--family", "stylegan2", "--space", "w")
    n = RNG.standard_normal((1, 16))
    np.save(tmp_path / "n.npy", n / np.linalg.norm(n))
    run(capsys, "weights", "convert", tmp_path / "n.npy", "--out", domain, *said)
    facts = yaml.safe_load((domain / "domain.yaml").read_text())
    (domain / "boundaries/smile.safetensors").rename(domain / "own.safetensors")
    facts["boundaries"]["smile"]["file"] = "own.safetensors"
    (domain / "domain.yaml").write_text(yaml.safe_dump(facts))
    message = refused(capsys, "weights", "convert", tmp_path / "n.npy", "--out", domain, *said)
    assert "has its own smile in own.safetensors" in message


def test_flags_that_do_not_apply_are_refused(
    tmp_path: Path, domain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "w.npy", RNG.standard_normal((1, 16)).astype(np.float32) * 3)
    n = RNG.standard_normal((1, 16))
    np.save(tmp_path / "n.npy", n / np.linalg.norm(n))
    for file, flag, value in (
        ("g.pt", "--name", "x"),
        ("g.pt", "--space", "w"),
        ("w.npy", "--family", "stylegan2"),
        ("w.npy", "--psi", "0.5"),
        ("w.npy", "--class", "1"),
        ("n.npy", "--array", "w"),
        ("n.npy", "--psi", "1"),
    ):
        message = refused(
            capsys, "weights", "convert", tmp_path / file, "--out", tmp_path / "o", flag, value
        )
        assert message.startswith(f"{flag} does not apply to"), message


def test_an_array_that_could_be_either_is_asked_about(
    tmp_path: Path, domain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    n = RNG.standard_normal((8, 16)).astype(np.float32)
    np.save(tmp_path / "short.npy", 0.3 * n / np.linalg.norm(n, axis=1, keepdims=True))
    kinds = [f["kind"] for f in run(capsys, "weights", "inspect", tmp_path / "short.npy")["holds"]]
    assert kinds == ["directions", "latents"]
    convert = ("weights", "convert", tmp_path / "short.npy", "--out", domain)
    assert "--as directions or --as latents" in refused(capsys, *convert)
    assert "no kind of array 'x'" in refused(capsys, *convert, "--as", "x")
    run(capsys, *convert, "--as", "latents")
    assert (domain / "latents" / "short.npz").is_file()
    run(capsys, *convert, "--family", "stylegan2", "--space", "w")
    direction = boundary(open_domain(domain), "short")
    assert direction.length == pytest.approx(0.3) and "notes" not in direction.meta


def test_lists_of_styles_draw_the_same_picture(
    tmp_path: Path, domain: Path, generator: Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    ws = torch.randn(1, 8, 16, generator=torch.Generator().manual_seed(4))
    styles = [style.numpy() for style in generator.styles(ws).values()]
    (tmp_path / "s.pkl").write_bytes(pickle.dumps(styles))
    assert "convert it" in refused(
        capsys, "weights", "convert", tmp_path / "s.pkl", "--out", tmp_path / "new"
    )
    run(capsys, "weights", "convert", tmp_path / "s.pkl", "--out", domain)
    latent, opened = load_latent(domain / "latents" / "s.npz"), open_domain(domain)
    drawn = render(state_of(latent, opened), opened)
    assert torch.allclose(drawn, generator.synthesis(ws), atol=1e-4)
    (tmp_path / "s.pkl").write_bytes(pickle.dumps(styles[:-1]))
    assert "channels" in refused(capsys, "weights", "convert", tmp_path / "s.pkl", "--out", domain)


def test_statistics_and_tables(
    tmp_path: Path, domain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    styles = [RNG.random(c).astype(np.float32) for c in CHANNELS]
    (tmp_path / "S_mean_std").write_bytes(pickle.dumps([styles, styles], 3))
    run(capsys, "weights", "convert", tmp_path / "S_mean_std", "--out", domain)
    assert open_domain(domain).statistics.num_channels == sum(CHANNELS)
    table = RNG.standard_normal((12 + 12 + 10 + 10 + 8 + 8 + 6, 256)).astype(np.float32)
    np.save(tmp_path / "fs3.npy", table / np.linalg.norm(table, axis=1, keepdims=True))
    run(capsys, "weights", "convert", tmp_path / "fs3.npy", "--out", domain)
    found = load_global_directions(open_domain(domain).part("global_directions"))
    assert list(found.rows)[:2] == ["b4.conv1", "b8.conv0"] and found.num_channels == len(table)
    (tmp_path / "S_mean_std").write_bytes(pickle.dumps([styles[:8], styles[:8]], 3))
    assert "channels" in refused(
        capsys, "weights", "convert", tmp_path / "S_mean_std", "--out", domain
    )


def test_lpips_weights_join_their_vgg16(
    tmp_path: Path, domain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save(make_vgg(), tmp_path / "vgg16.pth")
    torch.save(make_linear(), tmp_path / "vgg.pth")
    convert = ("weights", "convert", tmp_path / "vgg.pth", "--out", domain)
    assert "vgg16 into" in refused(capsys, *convert)
    run(capsys, "weights", "convert", tmp_path / "vgg16.pth", "--out", domain)
    run(capsys, *convert)
    net, (a, b) = open_domain(domain).perceptual, pictures()
    expected = lpips(make_vgg(), make_linear(), a, b)
    assert torch.allclose(perceptual_distance(net, a, b), expected, rtol=1e-4, atol=0)
    assert load_picture_net(domain / "perceptual.safetensors", part="perceptual").config.lpips


def test_parts_that_came_before_their_generator_join_it(
    tmp_path: Path, generator: Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    out, n = tmp_path / "d", torch.nn.functional.normalize(torch.ones(1, 16))
    torch.save(make_vgg(), tmp_path / "vgg16.pth")
    torch.save(n, tmp_path / "smile.pt")
    content = checkpoint("e4e")["state_dict"]  # of another generator
    alone = {k: v for k, v in content.items() if k.startswith("encoder.")}
    torch.save({"state_dict": alone}, tmp_path / "e.pt")
    state = generator.state_dict()
    torch.save({"g_ema": to_rosinality(state), "latent_avg": state["mapping.w_avg"]},
               tmp_path / "g.pt")  # fmt: skip
    for name in ("vgg16.pth", "smile.pt", "e.pt"):
        assert not run(capsys, "weights", "convert", tmp_path / name, "--out", out)["domain"]
    found = run(capsys, "weights", "convert", tmp_path / "g.pt", "--out", out)
    domain = open_domain(out)
    assert set(domain.parts) == {"generator", "perceptual"} and set(domain.boundaries) == {"smile"}
    assert len(found["left_out"]) == 1 and "makes 8 rows of 8" in found["left_out"][0]
    (whole,) = run(capsys, "weights", "inspect", out)["holds"]
    assert whole["kind"] == "domain" and whole["boundaries"] == ["smile"]
    assert "domain of Latent Studio already" in refused(
        capsys, "weights", "convert", out, "--out", tmp_path / "e"
    )


def test_a_part_alone_is_no_domain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save(make_vgg(), tmp_path / "vgg16.pth")
    report = run(capsys, "weights", "convert", tmp_path / "vgg16.pth", "--out", tmp_path / "parts")
    assert not report["domain"] and (tmp_path / "parts" / "perceptual.safetensors").is_file()
    assert not (tmp_path / "parts" / "domain.yaml").exists()


def test_files_of_ours_are_known_and_left_alone(
    tmp_path: Path, generator: Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    save_generator(tmp_path / "g.safetensors", generator)
    (found,) = run(capsys, "weights", "inspect", tmp_path / "g.safetensors")["holds"]
    assert found["kind"] == "generator 1" and found["system"] == "Latent Studio"
    convert = ("weights", "convert", tmp_path / "g.safetensors", "--out", tmp_path / "d")
    assert "nothing to convert" in refused(capsys, *convert)


def test_what_is_not_known_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inspect = ("weights", "inspect")
    assert "missing" in refused(capsys, *inspect, tmp_path / "none.pt")
    torch.save({"weight": torch.ones(3)}, tmp_path / "x.pt")
    assert "nothing that is known" in refused(capsys, *inspect, tmp_path / "x.pt")
    (tmp_path / "x.pt").write_bytes(b"<!DOCTYPE html><title>Sign in</title>")
    assert "web page" in refused(capsys, *inspect, tmp_path / "x.pt")
    assert "nothing that is known" in refused(capsys, *inspect, tmp_path)
