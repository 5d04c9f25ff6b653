"""The variants of an attribute."""

import pytest
import torch

from editing.domains import Domain
from editing.errors import BadInput, UnknownName
from editing.rescoring import trial_ws
from editing.subspaces import looks, paired_differences, subspace_of


def test_axes_are_the_common_part_and_its_variants(tiny_domain: Domain) -> None:
    rng = torch.Generator().manual_seed(0)
    basis = torch.linalg.qr(torch.randn(16, 16, generator=rng))[0]
    amounts = torch.randn(60, 3, generator=rng) * torch.tensor([0.1, 1.0, 0.4])
    differences = 5 * basis[0] + amounts @ basis[:3]
    first, second, third = subspace_of(tiny_domain, "smile", differences, 3)
    assert float(first.vector @ basis[0]) > 0.98
    assert abs(float(second.vector @ basis[1])) > 0.95
    assert abs(float(third.vector @ basis[2])) > 0.9
    gram = torch.stack([a.vector for a in (first, second, third)])
    assert torch.allclose(gram @ gram.T, torch.eye(3), atol=1e-4)
    assert first.meta["share"] > second.meta["share"] > third.meta["share"]
    assert [a.name for a in (first, second, third)] == ["smile 1", "smile 2", "smile 3"]


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
