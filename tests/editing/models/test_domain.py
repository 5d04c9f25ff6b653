"""domain.yaml, checked files, devices, and the judge that nobody may ask."""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml

from editing.directions.direction import boundary
from editing.errors import BadInput, EditingError, MissingFile, UnknownName, UnsafeFile
from editing.models.domain import (
    Domain,
    find_device,
    list_domains,
    open_domain,
    open_judge,
)
from editing.models.domain_yaml import read_description
from editing.models.generators.generator import Generator, fingerprint
from editing.models.networks.picture_nets import PictureNet, PictureNetConfig
from tests.conftest import ATTRIBUTES, write_tiny_domain

ROOT = Path(__file__).parents[3]
Edit = Callable[[dict], object]


@pytest.fixture
def weights(tmp_path: Path, tiny_generator: Generator) -> Path:
    write_tiny_domain(tmp_path / "tiny", tiny_generator)
    (tmp_path / "leftover").mkdir()
    return tmp_path


def edit_description(weights: Path, edit: Edit) -> Path:
    path = weights / "tiny" / "domain.yaml"
    facts = yaml.safe_load(path.read_text())
    edit(facts)
    path.write_text(yaml.safe_dump(facts))
    return path


def test_opening_by_name_and_by_path(weights: Path, tiny_generator: Generator) -> None:
    for domain in (
        open_domain("tiny", root=weights),
        open_domain(weights / "tiny"),
        open_domain(weights / "tiny" / "domain.yaml"),
    ):
        assert (domain.name, domain.resolution, domain.alignment) == ("tiny", 32, "ffhq")
        assert domain.fingerprint == fingerprint(tiny_generator)
    assert list(domain.boundaries) == ["smile", "age", "gender"]
    assert [domain.name for domain in list_domains(root=weights)] == ["tiny"]


def test_unknown_domains_list_the_known(weights: Path) -> None:
    with pytest.raises(UnknownName, match="'cats'; choose from tiny"):
        open_domain("cats", root=weights)
    with pytest.raises(UnknownName, match="leftover"):
        open_domain(weights / "leftover", root=weights)


def test_nothing_is_loaded_before_it_is_used(weights: Path) -> None:
    for file in (weights / "tiny").rglob("*.safetensors"):
        file.unlink()
    domain = open_domain("tiny", root=weights)
    assert not domain.is_present(domain.parts["generator"])
    with pytest.raises(MissingFile, match="tiny has no .*generator.safetensors; get it again"):
        _ = domain.generator


def test_a_changed_file_is_refused(weights: Path) -> None:
    path = weights / "tiny" / "generator.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(UnsafeFile, match="SHA-256.*instead of.*damaged"):
        _ = open_domain("tiny", root=weights).generator


def test_missing_parts_say_what_to_do(tmp_path: Path, tiny_generator: Generator) -> None:
    domain = open_domain(write_tiny_domain(tmp_path / "bare", tiny_generator, networks=False))
    assert domain.identity is None
    for ask in (lambda: domain.scorer, lambda: domain.encoder, lambda: open_judge(domain)):
        with pytest.raises(MissingFile, match="name a file for it in"):
            ask()
    with pytest.raises(MissingFile, match="has no global directions"):
        domain.part("global_directions")


def test_a_wrong_resolution_is_noticed(weights: Path) -> None:
    edit_description(weights, lambda facts: facts.update(resolution=64))
    with pytest.raises(BadInput, match="64 px.*32 px"):
        _ = open_domain("tiny", root=weights).generator


@pytest.mark.parametrize(
    "edit",
    [
        lambda facts: facts.update(name="../up"),
        lambda facts: facts.update(family="stylegan9"),
        lambda facts: facts.update(alignment="hands"),
        lambda facts: facts.update(resolution="large"),
        lambda facts: facts.update(generator=None),
        lambda facts: facts.update(scorer="scorer.safetensors"),
        lambda facts: facts.update(boundaries=["smile"]),
        lambda facts: facts.update(extra=1),
        lambda facts: facts["generator"].update(sha256="abc"),
        lambda facts: facts["generator"].update(colour="red"),
        lambda facts: facts["generator"].update(file="../generator.safetensors"),
        lambda facts: facts["generator"].update(file="/etc/passwd"),
        lambda facts: facts["generator"].update(file="a/../../b"),
        lambda facts: facts["generator"].update(file="."),
    ],
)
def test_wrong_descriptions_are_refused(weights: Path, edit: Edit) -> None:
    path = edit_description(weights, edit)
    with pytest.raises(EditingError, match="domain.yaml"):
        read_description(path)


@pytest.mark.parametrize("text", ["", "- a list", "a: [", "!!python/object:os.system x", "\x00"])
def test_unreadable_descriptions_are_refused(weights: Path, text: str) -> None:
    (weights / "tiny" / "domain.yaml").write_text(text)
    with pytest.raises(BadInput, match="domain.yaml"):
        open_domain("tiny", root=weights)


def test_networks_are_loaded_by_name(tiny_domain: Domain) -> None:
    img = torch.zeros(1, 3, 32, 32)
    assert tiny_domain.scorer.outputs == open_judge(tiny_domain).outputs == ATTRIBUTES
    assert tiny_domain.scorer(img).shape == (1, 3)
    assert tiny_domain.identity is not None and tiny_domain.identity(img).shape == (1, 8)
    assert len(tiny_domain.perceptual.features(img)) == 2
    assert tiny_domain.encode(img).shape == (1, 8, 16)


def test_what_is_loaded_under_inference_mode_still_learns(tiny_domain: Domain) -> None:
    domain = open_domain(tiny_domain.folder)
    with torch.inference_mode():
        n = boundary(domain, "smile").vector
        _ = domain.generator, domain.scorer
    ws = (domain.generator.mapping.w_avg + n).repeat(1, 8, 1).requires_grad_()
    torch.autograd.backward(domain.scorer(domain.generator.synthesis(ws)).sum())
    assert ws.grad is not None and bool(ws.grad.abs().sum() > 0)


def test_devices() -> None:
    assert find_device(None) == find_device("cpu") == torch.device("cpu")
    assert find_device("auto").type in ("cpu", "cuda", "mps")
    for name in ("tpu", "cpu:x", "cuda:99"):
        with pytest.raises(BadInput, match="There is no"):
            find_device(name)


def test_encoding_adds_to_the_mean(tiny_domain: Domain, monkeypatch: pytest.MonkeyPatch) -> None:
    generator, img = tiny_domain.generator, torch.zeros(2, 3, 32, 32)
    for width in (generator.num_ws * generator.w_dim, generator.w_dim):
        domain = open_domain(tiny_domain.folder)
        net = PictureNet(PictureNetConfig(channels=(2, 2), num_outputs=width))
        monkeypatch.setattr(net, "forward", lambda _, n=width: torch.ones(2, n))
        monkeypatch.setitem(domain.__dict__, "encoder", net)
        ws = domain.encode(img)
        assert ws.shape == (2, generator.num_ws, generator.w_dim)
        assert torch.allclose(ws, (generator.mapping.w_avg + 1).expand_as(ws))


def test_only_score_may_ask_the_judge() -> None:
    """Nothing in editing/ or ui/ names the judge but its door, and the command behind ``score``."""
    found = set()
    for path in [*(ROOT / "editing").rglob("*.py"), *(ROOT / "ui").rglob("*.py")]:
        for place in ast.parse(path.read_text(encoding="utf-8")).body:
            names = {name for node in ast.walk(place) for name in _names(node)}
            if any("judge" in name.lower() for name in names):
                kind = getattr(place, "name", type(place).__name__)
                found.add((path.relative_to(ROOT).as_posix(), kind))
    door = {
        ("editing/models/domain.py", "open_judge"),
        ("editing/models/domain_yaml.py", "Assign"),
    }  # PARTS
    command = {("editing/cli/edit.py", "ImportFrom"), ("editing/cli/edit.py", "readings_of")}
    assert found - door <= command


def _names(node: ast.AST) -> list[str]:
    """Identifiers of a node, and strings that are exactly one word (keys, not prose)."""
    named = [getattr(node, field, None) for field in ("id", "attr", "name", "arg", "module")]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        named.append(node.value if node.value.isidentifier() else None)
    return [name for name in named if isinstance(name, str)]
