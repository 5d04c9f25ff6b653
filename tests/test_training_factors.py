"""The world's factors: bounded, correlated as written down, and as the docs say."""

from pathlib import Path

import numpy as np
import pytest
import torch

from training.factors import (
    COUPLINGS,
    FACTORS,
    INDEX,
    MIRRORED,
    NAMES,
    NUM_FACTORS,
    NUM_TRAITS,
    SEEN_ON,
    SHOWN_FROM,
    LatentWorld,
    bound,
    couple,
    coupling_matrix,
    coupling_table,
    factor_table,
    sample_factors,
    shown,
    to_sigma,
)

WORLD = Path(__file__).parents[1] / "docs" / "world.md"


@pytest.fixture(scope="module")
def normals() -> torch.Tensor:
    """Correlated normals of many persons."""
    e = np.random.RandomState(0).randn(40_000, NUM_FACTORS)
    return couple(torch.from_numpy(e).float())


def test_names_are_known_wherever_they_are_used() -> None:
    assert len(set(NAMES)) == NUM_FACTORS >= 26
    used = {*SHOWN_FROM, *SEEN_ON, *MIRRORED, *(n for c, e, _ in COUPLINGS for n in (c, e))}
    assert used <= set(NAMES)
    assert all(factor.low != factor.high for factor in FACTORS)


def test_factors_are_bounded() -> None:
    wild = torch.linspace(-50, 50, 101)[:, None].expand(-1, NUM_FACTORS)
    assert bound(wild).abs().max() <= 1
    assert sample_factors([0, 1, 2]).abs().max() <= 1


def test_every_factor_comes_from_a_unit_normal(normals: torch.Tensor) -> None:
    assert normals.mean(0).abs().max() < 0.03
    assert (normals.std(0) - 1).abs().max() < 0.03


def test_couplings_are_what_is_written(normals: torch.Tensor) -> None:
    """Regressing each effect on its causes gives the list's weights; the rest is uncorrelated."""
    for effect in {effect for _, effect, _ in COUPLINGS}:
        causes = [(cause, weight) for cause, e, weight in COUPLINGS if e == effect]
        x = normals[:, [INDEX[cause] for cause, _ in causes]]
        fitted = torch.linalg.lstsq(x, normals[:, INDEX[effect]][:, None]).solution[:, 0]
        written = torch.tensor([weight for _, weight in causes])
        assert (fitted - written).abs().max() < 0.04, effect
    expected = coupling_matrix() @ coupling_matrix().T
    assert (torch.corrcoef(normals.T) - expected).abs().max() < 0.03


def test_glasses_are_on_or_off_for_nearly_everybody(normals: torch.Tensor) -> None:
    glasses = bound(normals)[:, INDEX["eyeglasses"]]
    assert (glasses.abs() > 0.9).float().mean() > 0.9
    assert 0.2 < (glasses > 0).float().mean() < 0.5


def test_latent_world_uses_the_direction_of_z_alone() -> None:
    world, z = LatentWorld(64), torch.randn(8, 64, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(world.factors(z), world.factors(3 * z), atol=1e-5)
    assert torch.equal(world.factors(z), LatentWorld(64).factors(z))
    assert torch.allclose(world.axes.T @ world.axes, torch.eye(NUM_FACTORS), atol=1e-5)


def test_traits_come_from_axes_of_z_that_no_factor_uses() -> None:
    world, z = LatentWorld(64), torch.randn(4_000, 64, generator=torch.Generator().manual_seed(1))
    traits = world.traits(z)
    assert traits.shape == (4_000, NUM_TRAITS) and traits.abs().max() <= 1
    assert torch.allclose(traits, world.traits(3 * z), atol=1e-5)
    assert (world.axes.T @ world.trait_axes).abs().max() < 1e-5
    both = torch.cat([traits, world.factors(z)], 1)
    across = torch.corrcoef(both.T)[:NUM_TRAITS]
    across[:, :NUM_TRAITS] -= torch.eye(NUM_TRAITS)
    assert across.abs().max() < 0.08


def test_what_does_not_show_reads_alike() -> None:
    bare, barer = torch.zeros(1, NUM_FACTORS), torch.zeros(1, NUM_FACTORS)
    bare[:, INDEX["beard"]], barer[:, INDEX["beard"]] = -0.3, -0.9
    assert torch.equal(shown(bare), shown(barer))
    assert torch.equal(to_sigma(bare), to_sigma(barer))


def test_docs_hold_the_tables_of_the_code() -> None:
    text = WORLD.read_text(encoding="utf-8")
    for table in (factor_table(), coupling_table()):
        assert table in text, "docs/world.md is out of date: run python -m training.factors"
