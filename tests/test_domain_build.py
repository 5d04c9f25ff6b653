"""Domains built from checkpoints: whole after a kill, opened by everything else."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from editing import cli, domain_build
from editing.directions import boundary
from editing.domain_build import BuildOptions, build_domain
from editing.domains import open_domain
from editing.edits import Move, render, state_of
from editing.errors import BadInput, MissingFile, UnknownName, UnsafeFile
from editing.formats.checkpoints import read_generator
from editing.generator import Generator, GeneratorConfig, fingerprint
from editing.hub import HubModel
from editing.layers import layer_groups
from editing.tensors import read_tensors
from tests.conftest import make_tiny_generator
from tests.nvidia_files import stylegan2_file

FEW = BuildOptions("Tiny things", pictures=3)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("files") / "tiny.pkl"
    path.write_bytes(stylegan2_file(make_tiny_generator().state_dict(), None, 4))
    return path


@pytest.fixture(autouse=True)
def few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domain_build, "ALPHAS", (-3.0, 0.0, 3.0))


def built(checkpoint: Path, out: Path) -> list[str]:
    said: list[str] = []
    for _ in build_domain(checkpoint, out, FEW, said.append):
        pass
    return said


def test_a_checkpoint_becomes_a_domain(checkpoint: Path, tmp_path: Path) -> None:
    said = built(checkpoint, tmp_path / "things")
    domain = open_domain(tmp_path / "things")
    original = read_generator(checkpoint)
    assert fingerprint(domain.generator) == fingerprint(original)
    assert (domain.name, domain.title, domain.resolution) == ("things", "Tiny things", 32)
    assert not domain.missing and domain.alignment is None
    assert domain.parts["generator"].licence == FEW.licence
    assert domain.statistics.num_channels == sum(
        style.shape[1] for style in original.styles(torch.zeros(1, 8, 16)).values()
    )
    groups = layer_groups(domain.generator)
    assert set(domain.boundaries) == {f"sefa_{group}_{i}" for group in groups for i in (1, 2, 3)}
    assert any("One picture takes" in text and "about" in text for text in said)
    assert not (tmp_path / "things" / ".build").exists()


def test_what_was_found_moves_what_it_says(checkpoint: Path, tmp_path: Path) -> None:
    built(checkpoint, tmp_path / "things")
    domain = open_domain(tmp_path / "things")
    state = state_of("seed:1", domain)
    for name in domain.boundaries:
        direction = boundary(domain, name)
        moved = Move(name, 1.0).apply(state, domain)
        changed = (moved.ws - state.ws).abs().amax(dim=2)[0] > 0
        assert direction.layers == tuple(changed.nonzero().flatten().tolist())
        assert not torch.equal(render(moved, domain), render(state, domain))
    tensors, _ = read_tensors(tmp_path / "things" / "components.safetensors",
                              domain_build.COMPONENTS_FORMAT)  # fmt: skip
    comp, std = tensors["comp"], tensors["std"]
    assert torch.allclose(comp @ comp.T, torch.eye(len(comp)), atol=1e-4)
    w = domain.generator.mapping(torch.randn(4000, 12))[:, 0]
    coordinates = (w - tensors["mean"]) @ comp.T
    assert torch.allclose(coordinates.std(0)[:4], std[:4], rtol=0.15)


def test_the_sheets_show_every_picture(checkpoint: Path, tmp_path: Path) -> None:
    out = tmp_path / "things"
    built(checkpoint, out)
    directions = len(open_domain(out).boundaries)
    with Image.open(out / "contact.png") as contact, Image.open(out / "directions.png") as rows:
        assert contact.width >= 3 * domain_build.CELL and contact.height >= domain_build.CELL
        assert rows.height >= directions * domain_build.CELL


def test_a_build_that_was_cut_off_goes_on(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "things"
    steps = build_domain(checkpoint, out, FEW)
    first = [next(steps).done for _ in range(4)]
    steps.close()
    assert first == [1, 2, 3, 4] and not (out / "contact.png").exists()
    open_domain(out).statistics  # a domain already  # noqa: B018

    def never(*_: object, **__: object) -> Any:
        raise AssertionError("this was done before")

    for name in ("read_generator", "measure_statistics", "sefa", "moments"):
        monkeypatch.setattr(domain_build, name, never)
    assert [step.done for step in build_domain(checkpoint, out, FEW)][0] == 5
    assert (out / "contact.png").is_file() and not (out / ".build").exists()


def test_refusals(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match="gone.pkl is missing"):
        built(tmp_path / "gone.pkl", tmp_path / "out")
    bad = tmp_path / "bad.pkl"
    bad.write_bytes(b"no generator at all")
    with pytest.raises(UnsafeFile, match="bad.pkl"):
        built(bad, tmp_path / "out")
    assert not (tmp_path / "out").exists(), "nothing is left of what is no checkpoint"
    (tmp_path / "out" / ".build").mkdir(parents=True)
    (tmp_path / "out" / ".build" / "build.json").write_text('{"sha256": "another"}')
    with pytest.raises(BadInput, match="built from another checkpoint"):
        built(checkpoint, tmp_path / "out")
    built(checkpoint, tmp_path / "whole")
    with pytest.raises(BadInput, match="is a domain already"):
        built(checkpoint, tmp_path / "whole")
    with pytest.raises(UnknownName, match="'hands'; choose from ffhq"):
        BuildOptions(alignment="hands")
    with pytest.raises(BadInput, match="write owner/name"):
        BuildOptions(clip="../somewhere")
    with pytest.raises(BadInput, match="gives no name"):
        built(checkpoint, tmp_path / "two words")


def test_a_build_goes_on_only_for_its_class(tmp_path: Path) -> None:
    config = GeneratorConfig(8, z_dim=4, c_dim=3, w_dim=4, num_mapping_layers=1, channels=(4, 4))
    path, out = tmp_path / "classes.pkl", tmp_path / "out"
    path.write_bytes(stylegan2_file(Generator(config).state_dict(), None, 4))
    with pytest.raises(BadInput, match="the classes 0 to 2"):
        list(build_domain(path, out, BuildOptions(label=3)))
    assert not out.exists()
    next(build_domain(path, out, BuildOptions(pictures=2, label=1)))
    with pytest.raises(BadInput, match="another class"):
        next(build_domain(path, out, BuildOptions(pictures=2, label=2)))
    list(build_domain(path, out, BuildOptions(pictures=2, label=1)))
    assert open_domain(out).label == 1


def test_building_from_the_command_line(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "made"
    code = cli.main(
        ["domain", "build", str(checkpoint), "--out", str(out), "--alignment", "ffhq",
         "--pictures", "2", "--clip", "openai/clip-vit-base-patch32", "--json"]
    )  # fmt: skip
    facts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert code == 0 and facts["family"] == "stylegan2" and facts["directions"]
    assert open_domain(out).alignment == "ffhq"
    assert open_domain(out).hub_clip == HubModel("openai/clip-vit-base-patch32")
    assert cli.main(["generate", "--seeds", "1", "--out", str(tmp_path), "--domain", str(out)]) == 0
    code = cli.main(["domain", "build", str(checkpoint), "--out", str(out), "--pictures", "none"])
    assert code == 2 and "--pictures" in capsys.readouterr().err
