"""The variants of an attribute."""

import pytest
import torch

from editing.directions.direction import boundary
from editing.directions.rescoring import trial_ws
from editing.directions.samples import moments
from editing.directions.subspaces import looks, paired_differences, subspace_of, unrelated
from editing.errors import BadInput, UnknownName
from editing.models.domain import Domain


def test_axes_are_the_common_part_and_its_variants(tiny_domain: Domain) -> None:
    values, axes = torch.linalg.eigh(moments(tiny_domain).covariance)
    top = (axes * values.sqrt())[:, -3:].flip(1).T  # three axes of W, a deviation long each
    rng = torch.Generator().manual_seed(0)
    amounts = torch.randn(60, 3, generator=rng) * torch.tensor([0.1, 1.0, 0.4])
    differences = (torch.tensor([5.0, 0, 0]) + amounts) @ top
    first, second, third = subspace_of(tiny_domain, "smile", differences, 3)
    for found, axis, close in zip((first, second, third), top, (0.98, 0.95, 0.9), strict=True):
        assert abs(float(found.vector @ axis / axis.norm())) > close
        assert found.step == pytest.approx(float(axis.norm()), rel=0.2)
    assert first.meta["share"] > second.meta["share"] > third.meta["share"]
    assert [a.name for a in (first, second, third)] == ["smile 1", "smile 2", "smile 3"]


def test_no_axis_moves_what_is_elsewhere(tiny_domain: Domain) -> None:
    others = [boundary(tiny_domain, name) for name in ("age", "gender")]
    differences = torch.randn(40, 16, generator=torch.Generator().manual_seed(0))
    root = moments(tiny_domain).covariance
    for axis in subspace_of(tiny_domain, "smile", differences @ root, 3, others):
        assert all(abs(float(axis.vector @ other.vector)) < 1e-3 for other in others)
    named = {each.name for each in unrelated(tiny_domain, "smile", trial_ws(tiny_domain, 2))}
    assert named <= {"age", "gender"}, "an attribute is where it is itself"


def test_pairs_differ_in_the_attribute(tiny_domain: Domain) -> None:
    ws = trial_ws(tiny_domain, 6)
    differences = torch.stack(list(paired_differences(tiny_domain, "smile", ws)))
    assert differences.shape == (6, 16)
    ends = [w[:, 0] + sign * differences / 2 for w in [ws] for sign in (1, -1)]
    more, less = (
        tiny_domain.scorer(tiny_domain.generator.synthesis(w[:, None].repeat(1, 8, 1)))[:, 0]
        for w in ends
    )
    assert bool((more >= less - 1e-5).all()) and bool((more > less).float().mean() > 0.5)


def test_what_a_subspace_needs(tiny_domain: Domain) -> None:
    with pytest.raises(UnknownName, match="charm"):
        next(paired_differences(tiny_domain, "charm", trial_ws(tiny_domain, 1)))
    with pytest.raises(BadInput, match="too few"):
        subspace_of(tiny_domain, "smile", torch.randn(3, 16), 3)
    with pytest.raises(BadInput, match="9 axes"):
        subspace_of(tiny_domain, "smile", torch.randn(30, 16), 9)
    axes = subspace_of(tiny_domain, "smile", torch.randn(30, 16), 2)
    assert all("smile" in look for look in looks(tiny_domain, axes, trial_ws(tiny_domain, 2)))
