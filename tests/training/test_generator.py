"""The generator's trainer: it learns pairs, survives a kill, and its losses are what they say."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from pytest import MonkeyPatch
from torch import Tensor

from editing.models.generators.generator import GeneratorConfig, load_generator
from training.dataset import Z_DIM, Renders
from training.discriminator import Discriminator, minibatch_stddev
from training.state import load_state, save_state
from training.texture import ROOTS, WINDOWS, amplitudes, texture_loss
from training.train_generator import NOISE_LEAST, NOISE_START, Stage, Trainer, paired_loss

CONFIG = GeneratorConfig(
    img_resolution=16,
    z_dim=Z_DIM,
    w_dim=16,
    num_mapping_layers=2,
    mapping_lr_multiplier=1.0,
    channels=(12, 10, 8),
)
PAIRED = Stage("paired", 16, 320, 16, (4e-3, 4e-3))
ADVERSARIAL = Stage("adversarial", 16, 64, 16, (5e-4, 5e-4), (4.0, 1.0), (0.25, 0.5))
FOREVER = float("inf")


@pytest.fixture
def renders() -> Renders:
    """Flat pictures whose colour is decided by z, at twice the trained size."""
    seeds = np.arange(64)
    colour = torch.linspace(40, 220, 64).byte().view(64, 1, 1, 1)
    return Renders(seeds, colour.expand(64, 3, 32, 32).contiguous(), torch.ones(64, 9))


def test_paired_training_comes_nearer_to_the_pictures(renders: Renders, tmp_path: Path) -> None:
    trainer = Trainer("cpu", CONFIG, tmp_path)
    z, target = next(trainer.batches(renders, PAIRED))
    before = trainer.paired_step(PAIRED, z, target)["error"]
    assert trainer.run(PAIRED, renders, FOREVER)
    assert trainer.paired_step(PAIRED, z, target)["error"] < 0.85 * before


def test_a_killed_training_goes_on_where_it_stopped(renders: Renders, tmp_path: Path) -> None:
    first = Trainer("cpu", CONFIG, tmp_path)
    assert not first.run(PAIRED, renders, 0.0)
    first.done["paired"] = 160
    first.save()
    second = Trainer("cpu", CONFIG, tmp_path)
    second.load()
    assert second.done == {"paired": 160}
    for name, part in first.parts().items():
        kept, loaded = tensors(part.state_dict()), tensors(second.parts()[name].state_dict())
        assert len(kept) == len(loaded)
        assert all(torch.allclose(a, b, rtol=1e-2) for a, b in zip(kept, loaded, strict=True)), name
    assert second.run(PAIRED, renders, FOREVER) and second.done["paired"] == 320


def test_a_state_is_whole_or_the_one_before(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr("training.state.PART_SIZE", 2_000)
    save_state(tmp_path, {"weights": torch.arange(2_000.0)})
    assert len(list(tmp_path.glob("part-*"))) > 2
    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        save_state(tmp_path, {"weights": torch.zeros(2_000)})
    state = load_state(tmp_path)
    assert state is not None and torch.equal(state["weights"], torch.arange(2_000.0))


def killed(*_: object) -> None:
    raise KeyboardInterrupt


def tensors(state: object) -> list[torch.Tensor]:
    """All tensors within a state dict, in order."""
    if isinstance(state, torch.Tensor):
        return [state]
    if isinstance(state, dict):
        return [t for value in state.values() for t in tensors(value)]
    return [t for value in state for t in tensors(value)] if isinstance(state, list) else []


def test_the_adversarial_phase_wakes_the_noise_and_moves_both_networks(
    renders: Renders, tmp_path: Path
) -> None:
    trainer = Trainer("cpu", CONFIG, tmp_path)
    assert float(trainer.generator.synthesis.b8.conv0.noise_strength.detach()) == 0.0
    start = [p.clone() for p in trainer.discriminator.parameters()]
    assert trainer.run(ADVERSARIAL, renders, FOREVER)
    strength = float(trainer.generator.synthesis.b8.conv0.noise_strength.detach())
    assert abs(strength - NOISE_START) < 0.02
    moved = zip(start, trainer.discriminator.parameters(), strict=True)
    assert all(not torch.equal(a, b) for a, b in moved)


def test_export_is_the_average_with_its_mean_latent(renders: Renders, tmp_path: Path) -> None:
    trainer = Trainer("cpu", CONFIG, tmp_path)
    trainer.export(tmp_path / "g.safetensors")
    generator = load_generator(tmp_path / "g.safetensors")
    ws = generator.mapping(torch.randn(4000, Z_DIM, generator=torch.Generator().manual_seed(3)))
    assert torch.allclose(ws[:, 0].mean(dim=0), generator.mapping.w_avg, atol=0.06)


def test_a_wrong_mouth_costs_more_than_a_wrong_wall() -> None:
    truth = torch.zeros(1, 3, 64, 64)
    mouth, wall = truth.clone(), truth.clone()
    mouth[..., 44:48, 30:34] = 0.5
    wall[..., 2:6, 2:6] = 0.5
    assert float(paired_loss(mouth, truth)) > 4 * float(paired_loss(wall, truth))


def stripes(shift: int) -> Tensor:
    """Strands four pixels wide, [1, 3, 128, 128], from another place each."""
    place = (torch.arange(128.0) + shift) * (2 * math.pi / 4)
    return place.sin().expand(1, 3, 128, 128)


def test_texture_loss_forgives_a_strand_its_place_and_not_its_blur() -> None:
    truth, moved = stripes(0), stripes(1)
    blurred = torch.zeros_like(truth)  # the mean of all places
    assert float(texture_loss(truth, truth)) == 0
    assert float(texture_loss(moved, truth)) < 0.2 * float(texture_loss(blurred, truth))
    assert float(paired_loss(moved, truth)) > float(paired_loss(blurred, truth))


def test_texture_loss_tells_few_sharp_edges_from_many_soft_ones() -> None:
    few, many = torch.zeros(2, 1, 3, 128, 128)
    few[..., ::16] = 1.0
    many[..., ::4] = 0.5  # four times as many lines of half the height: the same energy
    answers = [float(part[0, 0].mean()) for picture in (few, many) for part in amplitudes(picture)]
    wide = WINDOWS.index(24) * len(ROOTS)
    assert answers[wide + 1] > 1.2 * answers[len(answers) // 2 + wide + 1]  # the fourth power


def test_beside_a_texture_loss_the_noise_stays_awake() -> None:
    trainer = Trainer("cpu", replace(CONFIG, img_resolution=64, channels=(8, 8, 8, 8, 8)))
    named = trainer.generator.named_parameters()
    strengths = {name: value for name, value in named if name.endswith("noise_strength")}
    for value in strengths.values():
        torch.nn.init.constant_(value, -0.001)
    trainer.keep_awake()
    for name, value in strengths.items():
        assert value.item() == pytest.approx(NOISE_LEAST if ".b64." in name else -0.001)


def test_a_landed_generator_can_be_gone_on_from(tmp_path: Path) -> None:
    first = Trainer("cpu", CONFIG, tmp_path)
    first.export(tmp_path / "g.safetensors")
    second = Trainer("cpu", CONFIG, tmp_path)
    second.adopt(tmp_path / "g.safetensors")
    assert second.done and "adversarial-256" not in second.done
    landed = load_generator(tmp_path / "g.safetensors").state_dict()
    assert all(torch.equal(v, landed[k]) for k, v in second.ema.state_dict().items())


def test_paired_loss_is_zero_only_for_equal_pictures_and_counts_bands_twice(
    monkeypatch: MonkeyPatch,
) -> None:
    a = torch.rand(2, 3, 16, 16)
    assert float(paired_loss(a, a)) == 0.0
    flat = torch.full_like(a, 0.5)
    monkeypatch.setattr(
        "training.train_generator.feature_weights", lambda side: torch.ones(side, side)
    )
    assert float(paired_loss(flat, flat - 0.1)) == pytest.approx(0.1, abs=1e-5)
    checker = (torch.arange(16)[:, None] + torch.arange(16)) % 2 * 0.2 - 0.1
    assert float(paired_loss(flat + checker, flat)) == pytest.approx(0.3, abs=1e-5)


def test_minibatch_stddev_tells_equal_pictures_from_different_ones() -> None:
    same = torch.ones(4, 2, 4, 4)
    mixed = torch.randn(4, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    assert float(minibatch_stddev(same)[:, -1].max()) < 1e-3
    assert float(minibatch_stddev(mixed)[:, -1].min()) > 0.3


def test_the_discriminator_gives_one_logit_per_picture() -> None:
    assert Discriminator((8, 6, 4))(torch.zeros(5, 3, 16, 16)).shape == (5,)
