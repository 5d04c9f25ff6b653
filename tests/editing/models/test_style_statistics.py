"""StyleSpace statistics: measured as defined, kept by files, refused for another generator."""

from pathlib import Path

import numpy as np
import pytest
import torch

from editing.directions.stylespace import statistics_of
from editing.errors import BadInput, MissingFile, UnsafeFile
from editing.models.domain import Domain, open_domain
from editing.models.generators.generator import Generator, fingerprint
from editing.models.style_statistics import (
    Statistics,
    load_statistics,
    measure_statistics,
    save_statistics,
)
from tests.conftest import describe, make_tiny_generator, write_tiny_domain


def test_they_are_mean_and_deviation_of_the_styles(tiny_generator: Generator) -> None:
    found = measure_statistics(tiny_generator, samples=1_500, psi=0.7, seed=5)
    z = torch.from_numpy(np.random.RandomState(5).randn(1_500, 12)).float()
    styles = tiny_generator.styles(tiny_generator.mapping(z, truncation_psi=0.7))
    assert list(found.mean) == list(styles)
    for name, style in styles.items():
        torch.testing.assert_close(found.mean[name], style.mean(0), rtol=0, atol=1e-4)
        torch.testing.assert_close(found.std[name], style.std(0, correction=0), rtol=0, atol=1e-4)
    assert found.num_channels == sum(style.shape[1] for style in styles.values())
    assert (found.samples, found.psi) == (1_500, 0.7)


def test_truncation_scales_deviations_alone(tiny_generator: Generator) -> None:
    full, half = (measure_statistics(tiny_generator, 200, psi) for psi in (1.0, 0.5))
    for name in full.mean:
        torch.testing.assert_close(half.std[name], full.std[name] / 2, rtol=1e-3, atol=1e-5)


def test_one_sample_is_refused(tiny_generator: Generator) -> None:
    with pytest.raises(BadInput, match="1 samples have no spread"):
        measure_statistics(tiny_generator, 1)


def test_files_keep_them(tmp_path: Path, tiny_generator: Generator) -> None:
    path = tmp_path / "statistics.safetensors"
    written = measure_statistics(tiny_generator, 50)
    save_statistics(path, written)
    read = load_statistics(path)
    assert list(read.mean) == list(written.mean)
    assert all(torch.equal(read.std[name], written.std[name]) for name in written.std)
    assert read.fingerprint == fingerprint(tiny_generator) and read.samples == 50


def test_damaged_files_are_refused(tmp_path: Path, tiny_generator: Generator) -> None:
    path = tmp_path / "statistics.safetensors"
    save_statistics(path, measure_statistics(tiny_generator, 50))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UnsafeFile):
        load_statistics(path)


def test_ill_fitting_parts_are_refused() -> None:
    with pytest.raises(BadInput, match="do not fit"):
        Statistics({"b4.conv1": torch.zeros(3)}, {"b4.conv1": torch.zeros(4)})


def test_another_generator_is_refused(tiny_generator: Generator) -> None:
    found = measure_statistics(tiny_generator, 50)
    found.check(tiny_generator, fingerprint(tiny_generator), "tiny")
    other = make_tiny_generator(seed=1)
    with pytest.raises(BadInput, match="were measured on the generator"):
        found.check(other, fingerprint(other), "other")
    Statistics(found.mean, found.std).check(other, fingerprint(other), "other")  # does not say
    smaller = make_tiny_generator(16)
    with pytest.raises(BadInput, match="are of layers with .* channels"):
        found.check(smaller, fingerprint(smaller), "smaller")


def test_a_domain_checks_its_own(
    tmp_path: Path, tiny_domain: Domain, tiny_generator: Generator
) -> None:
    with pytest.raises(MissingFile, match="has no statistics"):
        _ = tiny_domain.statistics
    folder = write_tiny_domain(tmp_path / "tiny", tiny_generator)
    save_statistics(folder / "statistics.safetensors", measure_statistics(tiny_generator, 50))
    entry = describe(folder, "statistics.safetensors")
    with (folder / "domain.yaml").open("a") as file:
        file.write(f"statistics: {{file: {entry['file']}, sha256: {entry['sha256']}}}\n")
    domain = open_domain(folder)
    assert domain.statistics.samples == 50 and statistics_of(domain) is domain.statistics
