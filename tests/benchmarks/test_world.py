"""What the table of the world is computed with: coverage, gaps, spectra, distortions, extremes."""

import pytest
import torch

from benchmarks.distribution import coverage, largest_gap, top_octave
from benchmarks.likeness import DISTORTIONS, distort, squared_error
from benchmarks.readings import as_jpeg
from benchmarks.rows import to_bytes, to_float
from benchmarks.wording import ATTRIBUTES, extremes
from training.dataset import VISIBLE
from training.factors import INDEX, sample_factors
from training.prompts import PROMPTS
from training.train_features import gaussian_blur


def test_coverage_is_whole_for_the_same_and_nil_for_the_far() -> None:
    rng = torch.Generator().manual_seed(0)
    points, more = torch.randn(2, 300, 4, generator=rng)
    assert coverage(points, points) == 1
    assert coverage(points + 100, points) == 0
    assert 0.7 < coverage(more, points) < 1
    assert coverage(more * 0.1, points) > coverage(points, more * 0.1)  # precise, but no variety


def test_gap_is_the_largest_difference_of_shares() -> None:
    a, b = torch.tensor([1.0, 2, 3, 4]), torch.tensor([3.0, 4, 5, 6])
    assert largest_gap(a, a) == 0
    assert largest_gap(a, b) == pytest.approx(0.5)
    assert largest_gap(a, b + 10) == 1


def test_blur_empties_the_top_octave() -> None:
    rng = torch.Generator().manual_seed(0)
    noise = torch.rand(4, 3, 64, 64, generator=rng) * 2 - 1
    soft = to_bytes(gaussian_blur(noise, 1.0))
    assert top_octave(soft) < 0.1 * top_octave(to_bytes(noise))


def test_bytes_and_floats_are_one() -> None:
    pictures = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    assert torch.equal(to_bytes(to_float(pictures)), pictures)
    smooth = pictures.expand(2, 3, 16, 16)
    assert (as_jpeg(smooth).float() - smooth.float()).abs().mean() < 4


@pytest.mark.parametrize("kind", list(DISTORTIONS))
def test_distortions_have_the_error_asked_for(kind: str) -> None:
    picture = gaussian_blur(torch.rand(1, 3, 64, 64) * 2 - 1, 1.5)
    found = distort(picture, kind, 0.003)
    assert found is not None
    assert squared_error(found[0], picture) == pytest.approx(0.003, rel=0.1)
    assert distort(picture, kind, 50.0) is None  # no distortion is that strong


def test_extremes_are_quartiles_of_what_shows() -> None:
    factors = sample_factors(list(range(400)))
    visible = torch.full([400, len(VISIBLE)], 100.0)
    assert len(ATTRIBUTES) == len(set(ATTRIBUTES)) == 20 and set(ATTRIBUTES) <= set(PROMPTS["en"])
    for name in ATTRIBUTES:
        high, low = extremes(name, factors, visible)
        assert high.sum() >= 10 and low.sum() >= 10 and not (high & low).any(), name
        assert factors[high, INDEX[name]].min() > factors[low, INDEX[name]].max(), name
    visible[:200, VISIBLE.index("hair")] = 0  # nobody sees the curls of these
    high, low = extremes("hair_curl", factors, visible)
    assert not (high | low)[:200].any() and high[200:].any()
