"""SeFa and GANSpace against their formulae, and surgery on directions."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from editing.directions.direction import Direction, absolute, move
from editing.directions.samples import draw_ws, moments
from editing.directions.unsupervised import (
    added,
    axis,
    flipped,
    ganspace,
    random_basis,
    rotated,
    sefa,
    without_rows,
)
from editing.errors import BadInput
from editing.models.domain import Domain


def test_sefa_is_the_published_formula(tiny_domain: Domain) -> None:
    synthesis = tiny_domain.generator.synthesis
    layers = [synthesis.b4.conv1, synthesis.b8.conv0, synthesis.b8.conv1]  # rows 0, 1, 2
    columns = torch.cat([(a := layer.affine).weight.T * a.weight_gain for layer in layers], dim=1)
    columns = columns / columns.norm(dim=0, keepdim=True)
    values, vectors = np.linalg.eigh((columns @ columns.T).double().numpy())
    found = sefa(tiny_domain, (0, 1, 2), 4)
    for i, direction in enumerate(found):
        assert direction.meta["eigenvalue"] == pytest.approx(values[-1 - i], rel=1e-4)
        cosine = direction.vector.double().numpy() @ vectors[:, -1 - i]
        assert abs(cosine) == pytest.approx(1, abs=1e-4)
        assert direction.layers == (0, 1, 2)
    eigenvalues = [direction.meta["eigenvalue"] for direction in found]
    assert eigenvalues == sorted(eigenvalues, reverse=True)


def test_the_last_row_is_torgbs(tiny_domain: Domain) -> None:
    assert sefa(tiny_domain, (tiny_domain.generator.num_ws - 1,), 1)[0].vector.norm() > 0
    with pytest.raises(BadInput, match="rows 0 to 7"):
        sefa(tiny_domain, (8,))
    with pytest.raises(BadInput, match="1 to 16"):
        sefa(tiny_domain, count=17)


def test_ganspace_is_pca_of_w(tiny_domain: Domain) -> None:
    found = ganspace(tiny_domain, 3, samples=2500)
    w = draw_ws(tiny_domain, range(20_000_000, 20_002_500))[:, 0].double().numpy()
    _, values, axes = np.linalg.svd(w - w.mean(0), full_matrices=False)
    for i, component in enumerate(found):
        assert abs(component.vector.double().numpy() @ axes[i]) == pytest.approx(1, abs=1e-3)
        assert component.step == pytest.approx(values[i] / math.sqrt(len(w)), rel=1e-3)
    shares = [component.meta["share"] for component in found]
    assert shares == sorted(shares, reverse=True) and sum(shares) < 1


def test_ganspaces_absolute_edit_sets_the_coordinate(tiny_domain: Domain) -> None:
    component = ganspace(tiny_domain, 1, samples=1000)[0]
    ws = draw_ws(tiny_domain, range(5))
    mean = draw_ws(tiny_domain, range(20_000_000, 20_001_000))[:, 0].mean(0)
    there = absolute(ws, component, -2.0)
    coordinate = (there - mean) @ component.vector / component.step
    assert torch.allclose(coordinate, torch.tensor(-2.0), atol=1e-3)


def test_a_random_basis_is_orthonormal_and_repeats(tiny_domain: Domain) -> None:
    vectors = torch.stack([random_basis(tiny_domain, 3, i).vector for i in range(16)])
    assert torch.allclose(vectors @ vectors.T, torch.eye(16), atol=1e-5)
    assert torch.equal(random_basis(tiny_domain, 3, 5).vector, vectors[5])
    assert not torch.allclose(random_basis(tiny_domain, 4, 5).vector, vectors[5])
    with pytest.raises(BadInput, match="0 to 15"):
        random_basis(tiny_domain, 3, 16)


def test_a_step_along_an_axis_is_one_standard_deviation(tiny_domain: Domain) -> None:
    direction = axis(tiny_domain, 4)
    assert direction.step == pytest.approx(float(moments(tiny_domain).covariance[4, 4].sqrt()))
    with pytest.raises(BadInput, match="no coordinate -1"):
        axis(tiny_domain, -1)


def test_rotation_keeps_length_and_angle() -> None:
    a, b = Direction("a", torch.eye(8)[0]), Direction("b", torch.ones(8) / math.sqrt(8))
    half = rotated(a, b, 30)
    assert float(half.vector @ a.vector) == pytest.approx(math.cos(math.radians(30)), abs=1e-5)
    assert float(half.vector @ b.vector) > float(a.vector @ b.vector)
    assert torch.allclose(rotated(a, b, 0).vector, a.vector, atol=1e-6)
    with pytest.raises(BadInput, match="one line"):
        rotated(a, flipped(a), 30)


def test_a_turned_direction_keeps_rows_and_strengths_and_counts_deviations() -> None:
    covariance = torch.diag(torch.linspace(4, 0.5, 8).square())
    a = Direction("a", torch.eye(8)[0], (0, 2), step=4.0, strengths=(1.0, 1.0, 0.5, 1.0),
                  family="stylegan2")  # fmt: skip
    turned = rotated(a, Direction("b", torch.eye(8)[7], step=0.5), 90, covariance)
    assert (turned.layers, turned.strengths, turned.family) == (a.layers, a.strengths, a.family)
    assert turned.step == pytest.approx(0.5), "one deviation along where it points now"
    imported = replace(a, step=1.0)
    assert rotated(imported, Direction("b", torch.eye(8)[7]), 90, covariance).step == 1.0


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (Direction("a", torch.eye(8)[0], step=2.0), Direction("b", torch.eye(8)[1], step=0.5)),
        (Direction("a", torch.eye(8)[0], (0, 2)), Direction("b", torch.eye(8)[1], (2, 3))),
        (
            Direction("a", torch.eye(8)[0], strengths=(1.0, 0.5, 0.0, 1.0)),
            Direction("b", torch.eye(8)[:4], step=3.0),
        ),
    ],
    ids=["steps", "layers", "strengths"],
)
def test_one_step_of_a_sum_is_a_step_of_each(a: Direction, b: Direction) -> None:
    ws = torch.randn(2, 4, 8, generator=torch.Generator().manual_seed(0))
    both = added(a, b, 1.5, 4)
    for alpha in (1.0, -2.0):
        one_by_one = move(move(ws, a, alpha), b, 1.5 * alpha)
        assert torch.allclose(move(ws, both, alpha), one_by_one, atol=1e-5)
    assert torch.equal(move(ws, both, 1.0)[:, 1], ws[:, 1]) or both.layers is None


def test_addition_and_what_cancels_out() -> None:
    a, b = Direction("a", torch.eye(8)[0]), Direction("b", torch.eye(8)[1])
    assert torch.allclose(added(a, b, 1, 4).vector[:2], torch.full((2,), 0.5**0.5))
    with pytest.raises(BadInput, match="points nowhere"):
        added(a, a, -1, 4)
    with pytest.raises(BadInput, match="do not fit"):
        added(a, Direction("c", torch.eye(4)[0]), 1, 4)
    z = added(replace(a, space="z", step=2.0), replace(b, space="z"), 1, 4)
    assert torch.allclose(z.step * z.vector[:2], torch.tensor([2.0, 1.0])) and z.space == "z"


def test_rows_are_zeroed() -> None:
    a = Direction("a", torch.eye(8)[0])
    assert without_rows(a, (0, 1), 6).layers == (2, 3, 4, 5)
    with pytest.raises(BadInput, match="no row"):
        without_rows(a, range(6), 6)


def test_flipping_turns_the_range_and_the_origin() -> None:
    a = Direction("a", torch.eye(8)[0], meta={"range": [-2.0, 4.0]}, origin=0.5)
    other = flipped(a)
    assert other.safe_range == (-4.0, 2.0) and other.origin == -0.5
    ws = torch.randn(1, 6, 8)
    assert torch.allclose(absolute(ws, a, 1.0), absolute(ws, other, -1.0), atol=1e-5)


def test_flipping_turns_what_is_known_of_both_sides() -> None:
    sides = {"edges": [-1.0, 0.0, 2.0], "less": [3, 1], "more": [0, 4]}
    a = Direction("a", torch.eye(8)[0], meta={"margins": sides, "picked": {"smile": 0.5}})
    other = flipped(a)
    assert other.meta["margins"] == {"edges": [-2.0, 0.0, 1.0], "less": [4, 0], "more": [1, 3]}
    assert other.meta["picked"] == {"smile": -0.5}
    assert flipped(other).meta == a.meta and a.meta["margins"] is sides
