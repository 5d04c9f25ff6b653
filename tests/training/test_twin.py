"""The truth twin: readings become the portrait they were read from."""

import torch

from training.factors import NAMES, sample_factors, to_sigma
from training.renderer import render
from training.twin import SEED, RenderedTruth, factors_of


def test_readings_go_back_to_factors() -> None:
    factors = sample_factors(list(range(20)))
    assert torch.allclose(to_sigma(factors_of(to_sigma(factors))), to_sigma(factors), atol=1e-4)


def test_the_twin_is_drawn_by_the_renderer() -> None:
    factors = sample_factors([3])
    readings = dict(zip(NAMES, to_sigma(factors)[0].tolist(), strict=True))
    truth = RenderedTruth(32)
    drawn = truth.draw(readings)
    assert drawn.shape == (1, 3, 32, 32)
    expected = render(factors_of(to_sigma(factors)), [SEED], 32).pictures
    assert torch.allclose(drawn, expected, atol=1e-3)
    older = truth.draw({**readings, "age": readings["age"] + 2})
    assert float((older - drawn).abs().mean()) > 1e-3
    assert truth.draw({}).isfinite().all(), "missing readings are the world's mean"
