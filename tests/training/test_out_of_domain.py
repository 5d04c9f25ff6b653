"""Trainers for out-of-domain edits: they learn, survive a kill, and write what a domain loads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from torch import Tensor

from editing.directions.direction import boundary, load_direction, move, save_direction
from editing.models.domain import Domain, open_domain
from editing.models.generators.generator import Generator
from editing.models.networks.deghosting import (
    Deghosting,
    config_for,
    load_deghosting,
    save_deghosting,
)
from editing.models.networks.differential_activation import (
    DifferentialConfig,
    DifferentialNet,
    load_differential,
    save_differential,
)
from tests.conftest import ATTRIBUTES, describe, write_tiny_domain
from training import train_deghosting, train_differential
from training.loop import Plan
from training.train_deghosting import ghosts, training_mask
from training.train_differential import accuracy, calibrate, measure_misfit, sample_ws, steps_of

CONFIG = DifferentialConfig(ATTRIBUTES, 32, (8, 12), (12, 12))
PLAN = Plan("differential", pictures=480, batch=16, learning_rate=6e-3, seed=1)
ROWS = {"smile": (0, 1), "age": (2, 3, 4), "gender": (5, 6, 7)}  # so that they look different


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tiny_generator: Generator) -> Path:
    folder = write_tiny_domain(tmp_path_factory.mktemp("weights") / "tiny", tiny_generator)
    facts = yaml.safe_load((folder / "domain.yaml").read_text())
    for name, rows in ROWS.items():
        path = folder / "boundaries" / f"{name}.safetensors"
        save_direction(path, replace(load_direction(path), layers=rows, step=2.0))
        facts["boundaries"][name] = describe(folder, f"boundaries/{name}.safetensors")
    (folder / "domain.yaml").write_text(yaml.safe_dump(facts))
    return folder


@pytest.fixture(scope="module")
def trained(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> DifferentialNet:
    domain = open_domain(folder)
    loop = train_differential.train(domain, CONFIG, PLAN, tmp_path_factory.mktemp("state"))
    net = loop.parts["net"]
    assert loop.finished and isinstance(net, DifferentialNet)
    return net.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def domain(folder: Path, trained: DifferentialNet) -> Domain:
    """The tiny domain with its differential module."""
    calibrate(trained, open_domain(folder), 4)
    save_differential(folder / "differential.safetensors", trained)
    facts = yaml.safe_load((folder / "domain.yaml").read_text())
    facts["differential"] = describe(folder, "differential.safetensors")
    (folder / "domain.yaml").write_text(yaml.safe_dump(facts))
    return open_domain(folder)


def renders(count: int, side: int) -> Tensor:
    rng = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, 3, side, side), generator=rng, dtype=torch.uint8)


def test_steps_are_what_a_move_of_one_adds(domain):
    ws = sample_ws(domain, 3, torch.Generator().manual_seed(0))
    for name, step in zip(ATTRIBUTES, steps_of(domain, ATTRIBUTES), strict=True):
        torch.testing.assert_close(ws + step, move(ws, boundary(domain, name), 1.0))


def test_it_learns_to_tell_directions_apart(domain, trained):
    assert accuracy(trained, domain, 64)["right"] > 0.5  # chance is a third


def test_the_references_are_peaks_at_half_a_step(domain, trained):
    assert (trained.reference > 0).all()
    kept = load_differential(domain.folder / "differential.safetensors")
    torch.testing.assert_close(kept.reference, trained.reference, rtol=2e-3, atol=0)
    ws = sample_ws(domain, 16, torch.Generator().manual_seed(5))
    step = steps_of(domain, ATTRIBUTES)[0]

    def draw(latents: Tensor) -> Tensor:
        with torch.no_grad():
            return domain.generator.synthesis(latents).clamp(-1, 1)

    before, names = draw(ws), ["smile"] * 16
    masks = [trained.activation(before, draw(ws + a * step), names) for a in (0.01, 2.0)]
    assert masks[0].amax((1, 2, 3)).median() < 0.2 and masks[1].amax((1, 2, 3)).median() > 0.99


def test_the_misfit_is_what_inversions_reach(domain, trained):
    before = float(trained.misfit)
    limit = measure_misfit(trained, domain, renders(6, 32))
    assert limit == pytest.approx(float(trained.misfit)) and 0 < limit < 1 and limit != before


def test_a_killed_training_goes_on(domain, tmp_path):
    train_differential.train(domain, CONFIG, PLAN, tmp_path, minutes=0)
    short = Plan("differential", pictures=32, batch=16, learning_rate=1e-3, seed=1)
    first = train_differential.train(domain, CONFIG, short, tmp_path)
    again = train_differential.train(domain, CONFIG, short, tmp_path)
    assert first.done == again.done == 32
    a, b = (loop.parts["net"].state_dict() for loop in (first, again))
    for name in a:
        torch.testing.assert_close(a[name], b[name], rtol=1e-2, atol=1e-3)


def test_training_masks_hold_ghosts_only():
    mask = torch.linspace(0, 1, 11)
    assert training_mask(mask).max() <= 0.5
    torch.testing.assert_close(training_mask(mask)[:6], mask[:6])
    torch.testing.assert_close(training_mask(mask)[6:], 1 - mask[6:])


def test_deghosting_learns_to_undo_ghosts(domain, tmp_path):
    config = config_for(domain.generator, 32, (12, 12, 12, 12), domain.fingerprint)
    flat = (torch.arange(8).view(8, 1, 1, 1) * 30).byte().expand(8, 3, 32, 32).contiguous()
    plan = Plan("deghosting", pictures=160, batch=8, learning_rate=4e-3, seed=1)
    loop = train_deghosting.train(domain, config, plan, flat, tmp_path)
    net = loop.parts["net"]
    assert loop.finished and isinstance(net, Deghosting)
    measured = train_deghosting.measure(net.eval(), domain, flat)
    assert measured["psnr_without"] > measured["psnr_ghosts"] + 0.2
    again = train_deghosting.train(domain, config, plan, flat, tmp_path)
    assert again.done == loop.done


def test_an_untrained_network_changes_nothing_and_a_saved_one_is_the_same(domain, tmp_path):
    config = config_for(domain.generator, 16, (6, 6, 6), domain.fingerprint)
    net = Deghosting(config).eval()
    steps = steps_of(domain, ATTRIBUTES)
    clean = renders(2, 16).float() / 127.5 - 1
    with torch.no_grad():
        fused = ghosts(domain, steps, clean, torch.Generator().manual_seed(1))
        assert not torch.equal(fused, clean)
        made = train_deghosting.answers(net, domain, fused)
    assert torch.equal(made, fused)
    save_deghosting(tmp_path / "net.safetensors", net)
    assert load_deghosting(tmp_path / "net.safetensors").config == config
