"""Moves and boundary training: the algebra."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from editing.cli.arguments import parse_direction
from editing.directions.conditions import condition
from editing.directions.direction import (
    FORMAT,
    Direction,
    absolute,
    boundary,
    load_direction,
    move,
    save_direction,
)
from editing.directions.direction import unit as make_unit
from editing.directions.svm import train_boundary
from editing.errors import BadInput, MissingFile, UnknownName, UnsafeFile
from editing.io.tensors import write_tensors
from editing.models.domain import Domain


def unit(*shape: int, seed: int = 0) -> Tensor:
    vector = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    return vector / vector.norm(dim=-1, keepdim=True)


@pytest.fixture
def ws() -> Tensor:
    return torch.randn(2, 6, 8, generator=torch.Generator().manual_seed(9))


@pytest.fixture(params=[(8,), (6, 8)], ids=["one vector", "one per row"])
def smile(request: pytest.FixtureRequest) -> Direction:
    return Direction("smile", unit(*request.param), step=0.5)


def test_alpha_zero_changes_nothing(ws: Tensor, smile: Direction) -> None:
    assert torch.equal(move(ws, smile, 0.0), ws)


def test_there_and_back(ws: Tensor, smile: Direction) -> None:
    assert torch.allclose(move(move(ws, smile, 3.0), smile, -3.0), ws, atol=1e-5)


def test_alpha_counts_steps(ws: Tensor, smile: Direction) -> None:
    distance = (move(ws, smile, 3.0) - ws).norm(dim=-1)
    assert torch.allclose(distance, torch.tensor(1.5), atol=1e-5)


def test_other_rows_stay_bit_equal(ws: Tensor, smile: Direction) -> None:
    for moved in (move(ws, smile, 2.0, layers=(1, 4)), absolute(ws, smile, 2.0, layers=(1, 4))):
        assert torch.equal(moved[:, [0, 2, 3, 5]], ws[:, [0, 2, 3, 5]])
        assert not torch.isclose(moved[:, [1, 4]], ws[:, [1, 4]]).all()
    own = replace(smile, layers=(0,))
    assert torch.equal(move(ws, own, 2.0)[:, 1:], ws[:, 1:])


def test_nothing_is_changed_in_place(ws: Tensor, smile: Direction) -> None:
    before = ws.clone()
    move(ws, smile, 2.0)
    absolute(ws, smile, 2.0)
    assert torch.equal(ws, before)


def test_absolute_ends_at_the_distance(ws: Tensor, smile: Direction) -> None:
    there = absolute(ws, smile, -1.25)
    assert torch.allclose((there * smile.vector).sum(-1), torch.tensor(-1.25), atol=1e-5)
    assert torch.allclose(absolute(there, smile, -1.25), there, atol=1e-5)


def test_wrong_layers_and_sizes(ws: Tensor, smile: Direction) -> None:
    with pytest.raises(BadInput, match="0 to 5"):
        move(ws, smile, 1.0, layers=(6,))
    with pytest.raises(BadInput, match="this generator"):
        move(ws, Direction("age", unit(512)), 1.0)


@pytest.mark.parametrize("vector", [torch.ones(8), torch.zeros(8), unit(1, 2, 3)])
def test_only_unit_vectors(vector: Tensor) -> None:
    with pytest.raises(BadInput, match="unit vectors"):
        Direction("smile", vector)


def test_files_keep_everything(tmp_path: Path, smile: Direction) -> None:
    direction = replace(smile, layers=(0, 3), meta={"auc": 0.5, "names": ["a"]})
    save_direction(tmp_path / "smile.safetensors", direction)
    loaded = load_direction(tmp_path / "smile.safetensors")
    assert torch.equal(loaded.vector, direction.vector)
    for name in ("name", "layers", "step", "space", "meta"):
        assert getattr(loaded, name) == getattr(direction, name)


def test_wrong_files(tmp_path: Path) -> None:
    with pytest.raises(MissingFile):
        load_direction(tmp_path / "absent")
    (tmp_path / "text").write_text("no")
    with pytest.raises(UnsafeFile):
        load_direction(tmp_path / "text")
    format = "latent-studio direction 1"
    write_tensors(tmp_path / "empty", {"vector": unit(8)}, format, {"name": "x"})
    with pytest.raises(BadInput, match="damaged"):
        load_direction(tmp_path / "empty")


@pytest.mark.parametrize(
    ("meta", "says"),
    [
        ({"range": "abc"}, "safe range 'abc'"),
        ({"range": [1.0]}, "safe range"),
        ({"range": [3.0, -3.0]}, "the lower first"),
        ({"range": [-3.0, float("inf")]}, "safe range"),
        ({"range": ["-3", "3"]}, "safe range"),
        ({"residual": "little"}, "residual 'little'"),
        ({"residual": None}, "residual"),
        ({"residual": float("nan")}, "residual"),
    ],
)
def test_facts_of_others_are_checked_when_a_file_is_read(
    tmp_path: Path, meta: dict[str, object], says: str
) -> None:
    path = tmp_path / "foreign.safetensors"
    facts = {"name": "x", "layers": None, "step": 1.0, "space": "w", "meta": meta}
    write_tensors(path, {"vector": unit(8)}, FORMAT, facts)
    with pytest.raises(BadInput, match=says):
        load_direction(path)


def test_a_domain_knows_its_boundaries(tiny_domain: Domain) -> None:
    direction = boundary(tiny_domain, "smile")
    assert direction.step == 0.5 and boundary(tiny_domain, "smile") is direction
    with pytest.raises(UnknownName, match="'beauty'; choose from smile, age, gender"):
        boundary(tiny_domain, "beauty")


def world(n: int = 4000, noise: float = 0.1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Latents whose score is their coordinate along a known normal, plus noise."""
    rng = np.random.default_rng(3)
    truth = rng.standard_normal(12)
    truth /= np.linalg.norm(truth)
    latents = rng.standard_normal((n, 12)).astype(np.float32) * 2
    scores = latents @ truth + noise * rng.standard_normal(n)
    return latents, scores.astype(np.float32), truth


def test_training_finds_the_normal() -> None:
    latents, scores, truth = world()
    direction = train_boundary("smile", latents, scores, np.random.default_rng(0))
    assert float(direction.vector @ torch.from_numpy(truth).float()) > 0.97
    assert direction.step == pytest.approx(2.0, rel=0.05)
    meta = direction.meta
    assert meta["extremes"] == 1000 and meta["latents"] == 4000
    assert meta["validation"]["accuracy"] > 0.98 and meta["validation"]["auc"] > 0.99
    assert 0.9 < meta["all"]["accuracy"] <= 1


def test_positive_is_more_score() -> None:
    latents, scores, truth = world()
    direction = train_boundary("smile", latents, -scores, np.random.default_rng(0))
    assert float(direction.vector @ torch.from_numpy(truth).float()) < -0.97


def test_training_repeats_itself_and_saves(tmp_path: Path) -> None:
    latents, scores, _ = world(400, noise=1.0)
    once, twice = (
        train_boundary("smile", latents, scores[:, None], np.random.default_rng(5))
        for _ in range(2)
    )
    assert torch.equal(once.vector, twice.vector) and once.meta == twice.meta
    assert once.meta["extremes"] == 200
    save_direction(tmp_path / "smile", once)
    assert load_direction(tmp_path / "smile").meta == once.meta


def test_training_refuses_what_cannot_be_learnt() -> None:
    latents, scores, _ = world(100)
    rng = np.random.default_rng(0)
    with pytest.raises(BadInput, match="nothing tells"):
        train_boundary("smile", latents, np.ones(100, np.float32), rng)
    with pytest.raises(BadInput, match="N scores"):
        train_boundary("smile", latents, scores[:50], rng)
    scores[0] = np.nan
    with pytest.raises(BadInput, match="not finite"):
        train_boundary("smile", latents, scores, rng)


def test_each_layer_has_a_strength_of_its_own(ws: Tensor, smile: Direction) -> None:
    moved = move(ws, smile, 2.0, layers=(1, 4), strengths=(1.0, 0.5))
    whole = move(ws, smile, 2.0, layers=(1, 4))
    assert torch.allclose(moved[:, 1], whole[:, 1])
    assert torch.allclose(moved[:, 4] - ws[:, 4], (whole[:, 4] - ws[:, 4]) / 2, atol=1e-6)
    with pytest.raises(BadInput, match="1 strengths were given for 2 layers"):
        move(ws, smile, 2.0, layers=(1, 4), strengths=(1.0,))


def test_interfacegans_formulae_hold_in_double_precision() -> None:
    rng = np.random.default_rng(1)
    boundary_file = rng.standard_normal((1, 512))
    boundary_file /= np.linalg.norm(boundary_file)
    code = rng.standard_normal((1, 512))
    n = Direction("smile", torch.from_numpy(boundary_file[0]))  # imported: step 1
    for length in (-3.0, 0.7, 3.0):
        steps = code + (length - code @ boundary_file.T) * boundary_file  # 2-D code: absolute
        ws = torch.from_numpy(code)[:, None].repeat(1, 18, 1)
        assert np.abs(absolute(ws, n, length)[:, 0].numpy() - steps).max() < 1e-6
        relative = code[:, None] + length * boundary_file  # 3-D code: relative
        assert np.abs(move(ws, n, length)[:, :1].numpy() - relative).max() < 1e-6


def test_idinverts_layerwise_formula_holds_in_double_precision() -> None:
    rng = np.random.default_rng(2)
    b = rng.standard_normal((14, 512))
    b /= np.linalg.norm(b, axis=1, keepdims=True)
    x, layers, strength = rng.standard_normal((1, 14, 512)), (2, 3, 4, 5), rng.random(14)
    expected = x.copy()
    for k in layers:
        expected[:, k] += 1.7 * strength[k] * b[k]
    direction = Direction("expression", torch.from_numpy(b), layers=layers)
    chosen = tuple(float(strength[k]) for k in layers)
    moved = move(torch.from_numpy(x), direction, 1.7, layers, chosen)
    assert np.abs(moved.numpy() - expected).max() < 1e-6


def test_absolute_goes_as_far_as_its_strengths_say(ws: Tensor, smile: Direction) -> None:
    """A direction's own strengths count: 1 ends there, 0.5 half way, 0 stays."""
    graded = replace(smile, strengths=(1.0, 0.5, 0.0, 1.0, 1.0, 1.0))
    there, before = absolute(ws, graded, 3.0), (ws * smile.vector).sum(-1)
    reached = (there * smile.vector).sum(-1)
    assert torch.allclose(reached[:, 0], torch.tensor(3.0), atol=1e-5)
    assert torch.allclose(reached[:, 1], (before[:, 1] + 3.0) / 2, atol=1e-5)
    assert torch.equal(there[:, 2], ws[:, 2])


def test_a_file_says_for_which_family_it_was_made(tmp_path: Path, tiny_domain: Domain) -> None:
    direction = boundary(tiny_domain, "smile")
    save_direction(tmp_path / "own.safetensors", direction, tiny_domain.family)
    assert parse_direction(str(tmp_path / "own.safetensors"), tiny_domain).family == "stylegan2"
    save_direction(tmp_path / "other.safetensors", direction, "stylegan1")
    with pytest.raises(BadInput, match="for stylegan1, but the domain tiny is stylegan2"):
        parse_direction(str(tmp_path / "other.safetensors"), tiny_domain)
    save_direction(tmp_path / "kept.safetensors", replace(direction, family="x"), "stylegan1")
    assert load_direction(tmp_path / "kept.safetensors").family == "x"


def test_an_origin_makes_absolute_a_coordinate_in_steps(ws: Tensor) -> None:
    n, mean = unit(8), 0.3
    component = Direction("pca", n, step=2.0, origin=mean)
    there = absolute(ws, component, 1.5)
    assert torch.allclose((there @ n - mean) / 2.0, torch.tensor(1.5), atol=1e-5)


def test_spaces_do_not_mix() -> None:
    smile = Direction("smile", unit(8), space="z")
    with pytest.raises(BadInput, match="same space"):
        condition(smile, [Direction("age", unit(8, seed=1))])
    with pytest.raises(BadInput, match="space"):
        Direction("smile", unit(6, 8), space="z")
    with pytest.raises(BadInput, match="space"):
        Direction("smile", unit(8), space="q")


def test_vectors_that_point_nowhere() -> None:
    for vector in (torch.zeros(8), torch.full((8,), float("nan")), torch.full((8,), torch.inf)):
        with pytest.raises(BadInput, match="zero or not finite"):
            make_unit("smile", vector)
    assert float(make_unit("smile", torch.full((8,), 3.0)).vector.norm()) == pytest.approx(1)
