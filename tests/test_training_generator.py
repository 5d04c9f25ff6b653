"""The generator's trainer: it learns pairs, survives a kill, and can be gone on from elsewhere."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from pytest import MonkeyPatch
from torch import Tensor, nn

from editing.generator import Generator, GeneratorConfig, load_generator, save_generator
from training import train_generator
from training.dataset import VISIBLE, Z_DIM, near_glasses_threshold
from training.discriminator import Discriminator, minibatch_stddev
from training.factors import INDEX, NUM_FACTORS, NUM_TRAITS, LatentWorld
from training.features import FEATURES
from training.mapping_start import start_mapping, step_direction, told, told_error
from training.pairs import Pairs
from training.state import load_state, save_state
from training.train_generator import Stage, Trainer, without_labels
from training.transplant import change_mapping, take_over

CONFIG = GeneratorConfig(
    img_resolution=16,
    z_dim=Z_DIM,
    w_dim=16,
    num_mapping_layers=2,
    mapping_lr_multiplier=1.0,
    channels=(12, 10, 8),
)
STAGE = Stage("pairs", 16, 320, 16, (4e-3, 4e-3))
FOREVER = float("inf")


class Flat:
    """Flat pictures of 32 px whose colour and label are decided by the person."""

    def __init__(self, people: int = 64) -> None:
        self.seeds = np.arange(people)
        self.visible = torch.full([people, len(VISIBLE)], 99.0)

    def __len__(self) -> int:
        return len(self.seeds)

    def take(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        place = torch.tensor(indices).float() / 64
        colour = (40 + 180 * place).byte().view(-1, 1, 1, 1)
        label = (place * len(FEATURES)).byte().view(-1, 1, 1)
        return colour.expand(-1, 3, 32, 32), label.expand(-1, 32, 32)


def trained(folder: Path, source: Callable[[], Flat] = Flat) -> Trainer:
    trainer = Trainer("cpu", CONFIG, folder)
    assert trainer.run(STAGE, source, FOREVER)
    return trainer


def test_training_comes_nearer_to_the_pictures_and_says_what_they_show(tmp_path: Path) -> None:
    trainer = Trainer("cpu", CONFIG, tmp_path)
    rng = torch.Generator().manual_seed(1)
    batch = Pairs(Flat()).batch(16, 16, rng, trainer.device)
    before = trainer.step(STAGE, batch, rng)
    assert trainer.run(STAGE, Flat, FOREVER)
    after = trainer.step(STAGE, batch, rng)
    assert after["error"] < 0.85 * before["error"]
    assert after["labels"] < before["labels"]


def test_a_killed_training_goes_on_where_it_stopped(tmp_path: Path) -> None:
    first = Trainer("cpu", CONFIG, tmp_path)
    assert not first.run(STAGE, Flat, 0.0)
    first.done["pairs"] = 160
    first.save()
    second = Trainer("cpu", CONFIG, tmp_path)
    assert second.load(tmp_path / "none")
    assert second.done == {"pairs": 160}
    for name, part in first.parts().items():
        kept, loaded = tensors(part.state_dict()), tensors(second.parts()[name].state_dict())
        assert len(kept) == len(loaded)
        assert all(torch.allclose(a, b, rtol=1e-2) for a, b in zip(kept, loaded, strict=True)), name
    assert second.run(STAGE, Flat, FOREVER) and second.done["pairs"] == 320


def test_without_a_state_the_landed_one_is_gone_on_from(tmp_path: Path) -> None:
    first = trained(tmp_path / "first")
    first.done["pairs"] = 160
    first.land(tmp_path / "landed")
    landed = sum(path.stat().st_size for path in (tmp_path / "landed").iterdir())
    whole = sum(path.stat().st_size for path in (tmp_path / "first").glob("part-*"))
    assert landed < 0.4 * whole
    second = Trainer("cpu", CONFIG, tmp_path / "second")
    assert second.load(tmp_path / "landed")
    assert second.done == {"pairs": 160} and second.steps_taken() == 0
    for a, b in zip(first.ema.parameters(), second.generator.parameters(), strict=True):
        assert torch.allclose(a, b, rtol=1e-2, atol=1e-3)
    assert second.run(STAGE, Flat, FOREVER)
    third = Trainer("cpu", CONFIG, tmp_path / "second")  # its own state comes first from now on
    assert third.load(tmp_path / "landed") and third.done == {"pairs": 320}


def test_nothing_to_go_on_from(tmp_path: Path) -> None:
    assert not Trainer("cpu", CONFIG, tmp_path / "a").load(tmp_path / "b")


def test_renders_that_come_later_are_learnt_too(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr(train_generator, "SAVE_EVERY", 0)
    people = iter([20, *[40] * 30])
    opened = []

    def source() -> Flat:
        opened.append(Flat(next(people)))
        return opened[-1]

    totals = []
    batch = Pairs.batch

    def spied(self: Pairs, *args: object) -> object:
        totals.append(self.total)
        return batch(self, *args)

    monkeypatch.setattr(Pairs, "batch", spied)
    trained(tmp_path, source)
    assert totals[0] == 20 and totals[-1] == 40


def test_who_stands_on_the_glasses_threshold_is_in_no_pair() -> None:
    pairs = Pairs(Flat(400))
    factors = LatentWorld(Z_DIM).factors(pairs.latents[pairs.kept])
    assert 300 < len(pairs.kept) < 400
    assert not near_glasses_threshold(factors).any()


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


def test_export_is_the_average_with_its_mean_latent_and_draws_colours_alone(
    tmp_path: Path,
) -> None:
    trainer = Trainer("cpu", CONFIG, tmp_path)
    trainer.export(tmp_path / "g.safetensors")
    generator = load_generator(tmp_path / "g.safetensors")
    assert generator.config == CONFIG
    ws = generator.mapping(torch.randn(4000, Z_DIM, generator=torch.Generator().manual_seed(3)))
    assert torch.allclose(ws[:, 0].mean(dim=0), generator.mapping.w_avg, atol=0.06)
    whole = trainer.ema.synthesis(ws[:2], "none")
    assert whole.shape[1] == 3 + len(FEATURES)
    assert torch.allclose(generator.synthesis(ws[:2], "none"), whole[:, :3], atol=0.02)


def test_a_generator_without_labels_is_the_same_picture() -> None:
    trainer = Trainer("cpu", CONFIG)
    plain = without_labels(trainer.generator, CONFIG)
    ws = torch.randn(2, CONFIG.num_ws, CONFIG.w_dim)
    whole = trainer.generator.synthesis(ws, "none")
    assert torch.allclose(plain.synthesis(ws, "none"), whole[:, :3], atol=1e-5)


@pytest.fixture(scope="module")
def mapping() -> tuple[Generator, nn.Linear, LatentWorld]:
    """A small mapping whose start has been fitted for a while."""
    torch.manual_seed(0)
    world = LatentWorld(Z_DIM)
    generator = Generator(replace(CONFIG, w_dim=128))
    reader = nn.Linear(128, NUM_FACTORS + NUM_TRAITS)
    start_mapping(generator.mapping, reader, world, steps=300)
    return generator, reader, world


def test_the_mapping_starts_with_every_factor_and_a_step_for_glasses(
    mapping: tuple[Generator, nn.Linear, LatentWorld],
) -> None:
    generator, reader, world = mapping
    z = torch.randn(2_000, Z_DIM, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        wrong = (reader(generator.mapping(z)[:, 0]) - told(world, z)).square().mean(0)
        plain = Generator(replace(CONFIG, w_dim=128))
        unread = told_error(plain.mapping, reader, world, z)
    assert float(wrong.mean()) < 0.12 < 0.5 < float(unread)
    assert float(wrong[INDEX["eyeglasses"]]) < 0.25  # of a ramp's 0.4


def test_a_step_direction_moves_what_is_read_of_one_thing_alone(
    mapping: tuple[Generator, nn.Linear, LatentWorld],
) -> None:
    _, reader, _ = mapping
    index = INDEX["eyeglasses"]
    change = reader.weight @ step_direction(reader, index)
    wanted = torch.zeros(NUM_FACTORS + NUM_TRAITS)
    wanted[index] = 1
    assert torch.allclose(change, wanted, atol=1e-3)


def test_half_of_the_people_come_nearer_to_their_glasses_step_and_never_cross_it(
    tmp_path: Path,
) -> None:
    trainer = Trainer("cpu", replace(CONFIG, w_dim=64), tmp_path)
    rng = torch.Generator().manual_seed(0)
    ws = torch.randn(40, 1, 64, generator=rng).expand(-1, trainer.config.num_ws, -1)
    index = INDEX["eyeglasses"]
    before = trainer.reader(ws[:, 0])[:, index]
    after = trainer.reader(trainer.half_worn(ws, rng)[:, 0])[:, index]
    part = (after / before).detach()
    assert torch.allclose(part[::2], torch.ones(20), atol=1e-3)
    assert 0.39 < float(part[1::2].min()) < 0.6 and float(part.max()) < 1.001


def test_minibatch_stddev_tells_equal_pictures_from_different_ones() -> None:
    same = torch.ones(4, 2, 4, 4)
    mixed = torch.randn(4, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    assert float(minibatch_stddev(same)[:, -1].max()) < 1e-3
    assert float(minibatch_stddev(mixed)[:, -1].min()) > 0.3


def test_the_discriminator_gives_one_logit_per_picture() -> None:
    assert Discriminator((8, 6, 4))(torch.zeros(5, 3, 16, 16)).shape == (5,)


def test_a_landed_synthesis_is_taken_over_by_a_new_mapping_and_more_channels(
    tmp_path: Path,
) -> None:
    torch.manual_seed(0)
    landed = Generator(replace(CONFIG, w_dim=96))
    world, reader = LatentWorld(Z_DIM), nn.Linear(96, NUM_FACTORS + NUM_TRAITS)
    start_mapping(landed.mapping, reader, world, steps=100)
    save_generator(tmp_path / "g.safetensors", landed)
    wide = replace(CONFIG, w_dim=96, channels=(16, 16, 8))
    trainer = Trainer("cpu", wide, tmp_path)
    trainer.begin(tmp_path / "g.safetensors")
    z = torch.randn(50, Z_DIM, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        before = landed.synthesis(landed.mapping(z), "none")
        after = trainer.ema.synthesis(trainer.ema.mapping(z), "none")
    assert not after[:, 3:].any()  # says nothing yet
    explained = 1 - (after[:, :3] - before).square().mean() / before.var(0).mean()
    assert float(explained) > 0.7


def test_take_over_keeps_the_picture_of_the_same_latent() -> None:
    torch.manual_seed(0)
    small, large = Generator(CONFIG), Generator(replace(CONFIG, channels=(16, 12, 9)))
    take_over(large, small.state_dict())
    ws = torch.randn(3, CONFIG.num_ws, CONFIG.w_dim)
    assert torch.allclose(small.synthesis(ws, "none"), large.synthesis(ws, "none"), atol=1e-4)


def test_a_changed_mapping_of_the_same_world_keeps_the_picture() -> None:
    torch.manual_seed(0)
    first = Generator(replace(CONFIG, num_mapping_layers=1))
    other = Generator(replace(CONFIG, num_mapping_layers=1))
    other.mapping.load_state_dict(first.mapping.state_dict())
    z = torch.randn(4, Z_DIM)
    before = first(z, noise_mode="none")
    change_mapping(first, other.mapping)
    assert torch.allclose(first(z, noise_mode="none"), before, atol=0.1)
