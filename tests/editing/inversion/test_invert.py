"""Inversion: better with every level, usable at every step, indifferent to the caller's modes."""

from __future__ import annotations

import copy
import itertools
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from editing.errors import BadInput, UnknownName
from editing.inversion.invert import InversionOptions, LossWeights, Step, invert, tune_together
from editing.inversion.losses import Goal
from editing.inversion.optimizer import Descent
from editing.inversion.options import (
    LEVELS,
    METHODS,
    NOTHING,
    NoiseOptions,
    TuneOptions,
    options_for,
    parse_start,
    with_setting,
)
from editing.inversion.pivotal_tuning import draw
from editing.inversion.stages import LatentStage
from editing.inversion.starts import starting_latent
from editing.models.generators.generator import Generator, GeneratorConfig
from editing.models.whitening import whitening
from tests.conftest import make_tiny_generator


class Eyes(nn.Module):
    """The smallest network with the interface of a PictureNet."""

    tap_scales = None

    def __init__(self) -> None:
        super().__init__()
        rng = torch.Generator().manual_seed(0)
        self.conv = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, generator=rng) * 0.3

    def features(self, img: Tensor) -> list[Tensor]:
        return [self.conv(img).relu()]


@pytest.fixture(scope="module")
def domain() -> SimpleNamespace:
    torch.manual_seed(0)
    config = GeneratorConfig(
        img_resolution=16, z_dim=16, w_dim=16, num_mapping_layers=2, mapping_lr_multiplier=1,
        channels=(16, 16, 16),
    )  # fmt: skip
    generator = Generator(config).eval().requires_grad_(False)
    z = torch.randn(1000, 16)
    generator.mapping.w_avg.copy_(generator.mapping(z)[:, 0].mean(0))
    near = generator.mapping(torch.randn(1, 16))
    return SimpleNamespace(
        generator=generator, perceptual=Eyes().requires_grad_(False), encode=lambda img: near,
        parts={"encoder", "perceptual"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def target(domain) -> Tensor:
    z = torch.randn(1, 16, generator=torch.Generator().manual_seed(7))
    return domain.generator.synthesis(domain.generator.mapping(z))


def loss(domain, target: Tensor, ws: Tensor) -> float:
    return float((domain.generator.synthesis(ws) - target).square().mean())


SHORT = InversionOptions(steps=30)
PIXELS = replace(NOTHING, pixel=1.0)


@pytest.mark.parametrize("space", ["z", "w", "w+"])
def test_searching_a_drawn_picture_lowers_the_loss(domain, target, space):
    steps = list(invert(target, domain, InversionOptions(space=space, steps=30)))
    assert [step.index for step in steps] == list(range(31)) and steps[-1].done
    assert all(step.total == 30 for step in steps)
    assert loss(domain, target, steps[-1].ws) < 0.7 * loss(domain, target, steps[0].ws)
    if space != "w+":
        assert torch.equal(steps[-1].ws, steps[-1].ws[:, :1].expand_as(steps[-1].ws))


def test_the_best_so_far_is_kept_and_never_worsens(domain, target):
    wild = InversionOptions(steps=20, lr=3.0)
    steps = list(invert(target, domain, wild))
    bests = [step.best for step in steps]
    assert bests == sorted(bests, reverse=True)
    assert bests[-1] == min(step.losses["total"] for step in steps)


def test_a_loss_that_is_no_number_halves_the_rate_once_then_says_so(domain, target):
    steps = []
    with pytest.raises(BadInput, match="no number at step 3 .* half the learning rate.*below"):
        for step in invert(target, domain, InversionOptions(steps=50, lr=1e30)):
            steps.append(step)
    assert len(steps) < 5 and torch.isfinite(steps[-1].ws).all()


def test_one_bad_step_is_forgiven(domain, target, monkeypatch):
    """The search goes on from its best, at half the rate, and comes as near as any."""
    whole = LatentStage.losses

    def spoilt(self, index):
        for share, losses in whole(self, index):
            yield share, {"total": losses["total"] * (float("nan") if index == 9 else 1)}

    monkeypatch.setattr(LatentStage, "losses", spoilt)
    steps = list(invert(target, domain, SHORT))
    assert steps[-1].done and steps[-1].best < 0.7 * steps[0].best
    monkeypatch.undo()


def test_unstable_after_some_gain_keeps_the_best(domain, target, monkeypatch):
    whole = LatentStage.losses

    def spoilt(self, index):
        for share, losses in whole(self, index):
            yield share, {"total": losses["total"] * (float("nan") if index > 9 else 1)}

    monkeypatch.setattr(LatentStage, "losses", spoilt)
    last = list(invert(target, domain, SHORT))[-1]
    assert last.done and "unstable" in last.notes[0] and torch.isfinite(last.ws).all()


def test_losses_are_named_and_add_up(domain, target):
    weights = LossWeights(pixel=2.0, perceptual=0.5, prior=0.1, spread=0.2)
    step = list(invert(target, domain, InversionOptions(steps=3, weights=weights)))[-1]
    assert list(step.losses) == ["pixel", "perceptual", "prior", "spread", "total"]
    total = sum(getattr(weights, name) * step.losses[name] for name in list(step.losses)[:-1])
    assert step.losses["total"] == pytest.approx(total, rel=1e-5)
    in_w = next(invert(target, domain, InversionOptions(space="w", weights=weights)))
    assert "spread" not in in_w.losses


def test_a_loss_of_weight_0_is_left_out(domain, target):
    alone = SimpleNamespace(generator=domain.generator, encode=domain.encode, parts={"encoder"})
    options = InversionOptions(steps=1, weights=LossWeights(perceptual=0))
    assert "perceptual" not in list(invert(target, alone, options))[-1].losses
    nothing = InversionOptions(steps=2, weights=NOTHING)
    assert list(invert(target, alone, nothing))[-1].losses == {"total": 0}


def test_a_generator_alone_inverts_by_its_pixels(domain, target):
    """As a domain built from a checkpoint: no encoder, no perceptual network, and it says so."""
    alone = SimpleNamespace(generator=domain.generator, parts=set())
    steps = list(invert(target, alone, replace(SHORT, tune=TuneOptions(3))))
    assert torch.equal(steps[0].ws[0], domain.generator.mapping.w_avg.expand_as(steps[0].ws[0]))
    assert loss(domain, target, steps[30].ws) < 0.7 * loss(domain, target, steps[0].ws)
    assert "mean of W" in steps[-1].notes[0] and "pixels alone" in steps[-1].notes[1]
    blind = replace(NOTHING, perceptual=1.0)  # the StyleGAN2 projector's
    last = list(invert(target, alone, replace(SHORT, weights=blind)))[-1]
    assert last.losses["pixel"] < 0.7 * steps[0].losses["pixel"]
    stopped = invert(target, alone, SHORT)
    memory = [next(stopped) for _ in range(5)][-1].memory()
    assert next(invert(target, alone, SHORT, memory=memory)).index == 5


def test_no_steps_is_the_start_alone(domain, target):
    (step,) = invert(target, domain, InversionOptions(steps=0))
    assert step.done and step.eta == 0
    assert torch.equal(step.ws, domain.encode(target))


def test_every_start_begins_where_it_says(domain, target):
    def start(name: str, space: str = "w+") -> Tensor:
        return next(invert(target, domain, InversionOptions(space=space, start=name))).ws

    w_avg = domain.generator.mapping.w_avg
    assert torch.equal(start("mean"), w_avg.expand(1, domain.generator.num_ws, -1))
    assert not start("zeros").any() and not start("zeros", "w").any()
    assert torch.equal(start("encoder"), domain.encode(target))
    z = torch.zeros(1, 16)
    assert torch.equal(start("zeros", "z"), domain.generator.mapping(z))


@pytest.mark.parametrize("space", ["z", "w", "w+"])
def test_more_random_candidates_start_closer_and_seeds_repeat(domain, target, space):
    def start(count: int, seed: int = 0) -> Step:
        rng = torch.Generator().manual_seed(seed)
        options = InversionOptions(space=space, start=f"random:{count}")
        return next(invert(target, domain, options, rng))

    one, many = start(1), start(30)
    assert many.best < one.best
    assert torch.equal(one.ws, start(1).ws) and not torch.equal(one.ws, start(1, seed=1).ws)


def test_a_given_latent_is_the_start(domain, target):
    given = domain.generator.mapping(torch.randn(1, 16)) + 0.1 * torch.randn(1, 6, 16)
    assert torch.equal(next(invert(target, domain, given=given)).ws, given)
    flat = next(invert(target, domain, InversionOptions(space="w"), given=given)).ws
    assert torch.allclose(flat, given.mean(1, keepdim=True).expand_as(given))


def test_the_same_search_gives_the_same_latent(domain, target):
    first, second = (list(invert(target, domain, SHORT))[-1].ws for _ in range(2))
    assert torch.equal(first, second)


def test_prior_and_spread_keep_the_latent_in_the_world(domain):
    photo = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(3)) * 2 - 1
    white = whitening(domain.generator)

    def strangeness(prior: float, spread: float) -> tuple[float, float]:
        options = InversionOptions(steps=60, weights=LossWeights(prior=prior, spread=spread))
        rows = white(list(invert(photo, domain, options))[-1].ws)
        middle = rows.mean(1, keepdim=True)
        return float(middle.square().mean()), float((rows - middle).square().mean())

    free, held = strangeness(0, 0), strangeness(1, 1)
    assert held[0] < 0.7 * free[0] and held[0] < 1
    assert held[1] < 0.5 * free[1]


def test_whitened_samples_have_unit_variance(domain):
    white = whitening(domain.generator)
    samples = domain.generator.mapping(torch.randn(4000, 16))[:, 0]
    assert white(samples).square().mean() == pytest.approx(1, abs=0.1)
    assert whitening(domain.generator) is white


def test_steps_may_be_asked_for_from_anywhere(domain, target):
    """Gradio advances a generator from several threads, some of them without gradients."""
    expected = [step.losses["total"] for step in invert(target, domain, SHORT)]
    steps, seen = invert(target, domain, SHORT), []

    def advance(mode: object) -> None:
        with mode:
            before = torch.is_grad_enabled()
            seen.append(next(steps))
            assert torch.is_grad_enabled() == before

    modes = itertools.cycle([torch.no_grad, torch.inference_mode, torch.enable_grad])
    for _ in expected:
        thread = threading.Thread(target=advance, args=[next(modes)()])
        thread.start()
        thread.join()
    assert [step.losses["total"] for step in seen] == expected
    assert not any(step.ws.requires_grad for step in seen)


def test_stopping_is_not_asking_for_more(domain, target):
    steps = invert(target, domain, SHORT)
    last = [next(steps) for _ in range(5)][-1]
    steps.close()
    assert last.ws.shape == (1, 6, 16) and last.eta > 0 and last.seconds > 0


def test_levels_are_ordered_presets_and_flags_override_them():
    assert list(LEVELS) == ["quick", "standard", "best"]
    quick, standard, best = LEVELS.values()
    assert quick.steps <= 50 and quick.steps < standard.steps < best.steps
    assert options_for("quick", steps=3, space="w").steps == 3
    changed = with_setting(standard, "loss.pixel", 4.0)
    assert changed.weights.pixel == 4 and changed.weights.prior == standard.weights.prior


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: options_for("fast"), UnknownName, "quick, standard, best"),
        (lambda: InversionOptions(space="s"), UnknownName, "z, w, w+"),
        (lambda: InversionOptions(steps=-1), BadInput, "-1 steps.*0 to"),
        (lambda: InversionOptions(lr=float("nan")), BadInput, "learning rate of nan"),
        (lambda: LossWeights(pixel=-1), BadInput, "loss.pixel is -1"),
        (lambda: LossWeights(prior=float("inf")), BadInput, "loss.prior is inf"),
        (lambda: with_setting(SHORT, "loss.lpips", 1), UnknownName, "loss.perceptual"),
        (
            lambda: parse_start("middle"),
            UnknownName,
            "encoder, mean, zeros, random, encoder:N, random:N",
        ),
        (lambda: parse_start("mean:4"), UnknownName, "mean:4"),
        (lambda: parse_start("random:0"), BadInput, "count from 1"),
        (lambda: parse_start("random:x"), BadInput, "random:x"),
        (lambda: InversionOptions(space="z", start="encoder"), BadInput, "no z"),
    ],
)
def test_bad_options_are_refused_in_a_sentence(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_pictures_and_latents_that_do_not_fit_are_refused_at_once(domain, target):
    with pytest.raises(BadInput, match=r"\[1, 3, 16, 16\]"):
        invert(target[..., :8], domain)
    with pytest.raises(BadInput, match=r"\[1, 6, 16\]"):
        invert(target, domain, given=torch.zeros(1, 5, 16))
    with pytest.raises(BadInput, match="no z to start from"):
        invert(target, domain, InversionOptions(space="z"), given=torch.zeros(1, 6, 16))


# -- stages


@pytest.fixture(scope="module")
def noisy(domain) -> SimpleNamespace:
    """The same domain with noise inputs that do something."""
    generator = copy.deepcopy(domain.generator)
    for name, parameter in generator.synthesis.named_parameters():
        if name.endswith("noise_strength"):
            parameter.fill_(0.1)
    return SimpleNamespace(**{**vars(domain), "generator": generator})


THREE = InversionOptions(steps=15, noise=NoiseOptions(15, lr=0.02), tune=TuneOptions(25, lr=5e-3))


def nearness(domain, target: Tensor, step: Step) -> float:
    point = step.point
    img = draw(domain.generator, point.ws, point.noise, point.weight_delta)
    return float((img - target).square().mean())


def test_each_stage_comes_nearer_than_the_one_before(noisy):
    photo = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(3)) * 2 - 1
    steps = list(invert(photo, noisy, THREE))
    assert [step.index for step in steps] == list(range(56))
    assert [step.stage for step in steps] == ["latent"] * 16 + ["noise"] * 15 + ["tune"] * 25
    assert all(step.total == 55 for step in steps) and [s.done for s in steps].count(True) == 1
    ends = [nearness(noisy, photo, steps[i]) for i in (15, 30, 55)]
    assert ends[0] > ends[1] > ends[2]
    assert steps[15].point.noise == {} and steps[30].point.weight_delta == {}
    assert torch.equal(steps[55].ws, steps[15].ws)
    assert torch.equal(steps[55].point.noise["b16.conv1"], steps[30].point.noise["b16.conv1"])


def test_coarse_noise_maps_hold_still_where_asked(noisy, target):
    options = InversionOptions(steps=2, noise=NoiseOptions(3, finer=16))
    last = list(invert(target, noisy, options))[-1]
    assert last.stage == "noise" and set(last.point.noise) == {"b16.conv0", "b16.conv1"}
    none = list(invert(target, noisy, replace(options, noise=NoiseOptions(3, finer=32))))[-1]
    assert none.stage == "latent" and "left out" in none.notes[0]


def test_a_generator_without_noise_says_so_and_goes_on(domain, target):
    last = list(invert(target, domain, THREE))[-1]
    assert last.done and last.total == 40 and last.point.noise == {}
    assert "noise inputs are off" in last.notes[0]


@pytest.mark.parametrize("stopped", [0, 7, 15, 22, 40])
def test_what_was_stopped_goes_on_to_the_same_result(noisy, target, stopped):
    options = replace(THREE, jitter=0.05, start="random:4")
    whole = list(invert(target, noisy, options))
    steps = invert(target, noisy, options)
    memory = [next(steps) for _ in range(stopped + 1)][-1].memory()
    steps.close()
    later = list(invert(target, noisy, options, memory=memory))
    assert later[0].index == stopped + 1 and len(later) + stopped + 1 == len(whole)
    assert [s.losses for s in later] == [s.losses for s in whole[stopped + 1 :]]
    one, other = whole[-1].point, later[-1].point
    assert torch.equal(one.ws, other.ws)
    for name in one.weight_delta:
        assert torch.equal(one.weight_delta[name], other.weight_delta[name])
    with pytest.raises(BadInput, match="other options"):
        invert(target, noisy, THREE, memory=memory)


@settings(max_examples=25, deadline=None)
@given(stop=st.integers(0, 55))
def test_a_stop_at_any_step_leaves_something_to_draw(noisy, target, stop):
    steps = invert(target, noisy, THREE)
    last = [next(steps) for _ in range(stop + 1)][-1]
    steps.close()
    point = last.point
    img = draw(noisy.generator, point.ws, point.noise, point.weight_delta)
    assert torch.isfinite(img).all() and not point.ws.requires_grad


def test_the_found_point_is_the_best_of_its_step_whatever_follows(noisy, target):
    steps = list(invert(target, noisy, THREE))
    for step in (steps[3], steps[20], steps[50]):
        assert nearness(noisy, target, step) < 4 and torch.isfinite(step.ws).all()
    tune = steps[50]
    found = draw(noisy.generator, tune.ws, tune.point.noise, tune.point.weight_delta)
    goal = Goal(target, noisy, replace(NOTHING, pixel=THREE.tune.pixel, perceptual=1.0))
    assert float(goal.losses(found)["total"]) == pytest.approx(tune.best, rel=1e-3)


def test_z_stays_on_its_sphere(domain, target):
    options = InversionOptions(space="z", start="random:4", steps=10)
    goal = Goal(target, domain, options.weights)
    rng = torch.Generator().manual_seed(0)
    stage = LatentStage(goal, options, rng, starting_latent(goal, options, rng))
    descent = Descent(stage)
    while not descent.ended:
        descent.step()
    assert float(stage.leaves["latent"].detach().square().mean()) == pytest.approx(1, rel=1e-5)


def test_joint_noise_is_kept_white(noisy, target):
    options = InversionOptions(steps=8, joint_noise=True, weights=LossWeights(noise=1e5))
    last = list(invert(target, noisy, options))[-1]
    assert "noise" in last.losses
    for each in last.point.noise.values():
        assert abs(float(each.mean())) < 1e-4
        assert float(each.square().mean()) == pytest.approx(1, rel=1e-3)


def test_a_region_counts_alone(domain, target):
    """What lies outside the mask changes nothing about the search."""
    mask = torch.zeros(1, 1, 16, 16)
    mask[..., 4:12, 4:12] = 1
    other = torch.where(mask > 0, target, torch.rand_like(target))
    options = InversionOptions(start="mean", steps=10, weights=replace(NOTHING, pixel=1.0))
    first, second = (list(invert(t, domain, options, mask=mask))[-1] for t in (target, other))
    whole = list(invert(other, domain, options))[-1]

    def inside(step: Step) -> float:
        return float((mask * (domain.generator.synthesis(step.ws) - target)).square().mean())

    assert first.losses["pixel"] == pytest.approx(second.losses["pixel"], rel=1e-4)
    assert inside(second) < inside(whole)


def test_outside_the_region_noise_and_weights_keep_the_picture(noisy, target):
    mask = torch.zeros(1, 1, 16, 16)
    mask[..., :, :8] = 1
    options = replace(THREE, tune=TuneOptions(40, lr=5e-3))
    steps = list(invert(torch.rand_like(target) * 2 - 1, noisy, options, mask=mask))
    before = draw(noisy.generator, steps[15].ws)
    after = draw(noisy.generator, steps[-1].ws, steps[-1].point.noise, steps[-1].point.weight_delta)
    change = (after - before).square().mean(1)
    assert float(change[..., 10:].mean()) < 0.2 * float(change[..., :6].mean())


def test_stopping_early_at_a_nearness_or_a_plateau(domain, target):
    near = InversionOptions(steps=200, stop_at=16)
    last = list(invert(target, domain, near))[-1]
    assert last.done and last.index < 200 and last.total == last.index
    assert "reached 16 dB" in last.notes[0] and last.losses["pixel"] <= 0.1005
    patient = InversionOptions(steps=200, lr=1e-9, patience=5)
    last = list(invert(target, domain, patient))[-1]
    assert last.index == 5 and "no gain in 5 steps" in last.notes[0]


def test_a_nearness_reached_at_once_ends_the_search(domain, target):
    """The last stage may be near enough before its first step; it still says that all is done."""
    near = InversionOptions(steps=200, stop_at=16, tune=TuneOptions(10))
    steps = list(invert(target, domain, near))
    assert [step.done for step in steps].count(True) == 1 and steps[-1].done
    assert steps[-1].index == steps[-1].total == steps[-2].index and steps[-1].eta == 0
    assert "'tune' reached 16 dB" in steps[-1].notes[-1]


def test_a_nearness_counts_pixels_though_no_loss_does(domain, target):
    blind = replace(NOTHING, perceptual=1.0)
    last = list(invert(target, domain, InversionOptions(steps=200, stop_at=16, weights=blind)))[-1]
    assert last.index < 200 and "reached 16 dB" in last.notes[0]
    assert last.losses["pixel"] <= 0.1005
    assert last.losses["total"] == pytest.approx(last.losses["perceptual"])


def test_noise_on_the_latent_does_not_choose_the_best(domain, target):
    """A lucky shift is no gain: the picture of the best is as near as its loss says."""
    still = InversionOptions(steps=20, start="mean", lr=1e-9, jitter=0.5, weights=PIXELS)
    steps = list(invert(target, domain, still))
    lucky = min(step.losses["total"] for step in steps[:15])
    assert steps[-1].best == pytest.approx(loss(domain, target, steps[-1].ws), rel=1e-3)
    assert steps[-1].best > lucky


def test_a_nearness_that_cannot_be_reached_is_said(domain, target):
    last = list(invert(target, domain, InversionOptions(steps=5, stop_at=99)))[-1]
    assert last.done and last.index == 5 and "did not reach 99 dB" in last.notes[-1]


def test_the_encoder_reads_its_own_picture_again(domain, target):
    """With a perfect encoder the first pass is already the latent."""
    latent = domain.generator.mapping(
        torch.randn(1, 16, generator=torch.Generator().manual_seed(9))
    )
    drawn = domain.generator.synthesis(latent)
    off = 0.1 * torch.randn(latent.shape, generator=torch.Generator().manual_seed(1))
    known = {id(drawn): latent}

    def biased(img: Tensor) -> Tensor:  # reads everything a constant amount away
        near = torch.linalg.vector_norm(img - drawn) < 1e-4
        return (latent if near else known.get(id(img), latent + 0.5 * off)) + off

    world = SimpleNamespace(**{**vars(domain), "encode": biased})
    one = next(invert(drawn, world, InversionOptions(start="encoder", steps=0)))
    five = next(invert(drawn, world, InversionOptions(start="encoder:5", steps=0)))
    assert loss(domain, drawn, five.ws) < loss(domain, drawn, one.ws)


def test_one_change_of_weights_for_several_pictures(domain):
    rng = torch.Generator().manual_seed(5)
    photos = torch.rand(5, 3, 16, 16, generator=rng) * 2 - 1
    ws = domain.generator.mapping(torch.randn(5, 16, generator=rng))
    options = InversionOptions(tune=TuneOptions(30, lr=5e-3))
    steps = list(tune_together(photos, ws, domain, options))
    delta = steps[-1].point.weight_delta
    before, after = draw(domain.generator, ws), draw(domain.generator, ws, None, delta)
    gains = (before - photos).square().mean((1, 2, 3)) - (after - photos).square().mean((1, 2, 3))
    assert bool((gains > 0).all()) and torch.equal(steps[-1].ws, ws)
    with pytest.raises(BadInput, match="cannot share"):
        tune_together(photos, ws[:3], domain, options)


def test_every_picture_counts_the_same_however_they_are_drawn(domain, monkeypatch):
    """Five pictures are drawn four and one at a time; that one shall not count less or more."""
    rng = torch.Generator().manual_seed(5)
    photos = torch.rand(5, 3, 16, 16, generator=rng) * 2 - 1
    ws = domain.generator.mapping(torch.randn(5, 16, generator=rng))
    options = InversionOptions(tune=TuneOptions(3, lr=1e-3, locality=2.0, levels=0))
    ends = []
    for chunk in (4, 5):
        monkeypatch.setattr("editing.inversion.stages.CHUNK", chunk)
        ends.append(list(tune_together(photos, ws, domain, options))[-1])
    in_parts, at_once = (end.point.weight_delta for end in ends)
    for name in at_once:
        assert torch.allclose(in_parts[name], at_once[name], atol=1e-6), name


def test_locality_holds_what_is_nearby(domain, target):
    photo = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(3)) * 2 - 1
    far = domain.generator.mapping(torch.randn(8, 16, generator=torch.Generator().manual_seed(8)))
    before = draw(domain.generator, far)

    def drift(locality: float) -> float:
        tune = TuneOptions(60, lr=5e-3, locality=locality)
        last = list(invert(photo, domain, InversionOptions(steps=5, tune=tune)))[-1]
        return float(
            (draw(domain.generator, far, None, last.point.weight_delta) - before).square().mean()
        )

    assert drift(3.0) < 0.8 * drift(0.0)


def test_the_weights_themselves_never_change(domain, target):
    before = {k: v.clone() for k, v in domain.generator.state_dict().items()}
    list(invert(target, domain, InversionOptions(steps=3, tune=TuneOptions(5))))
    assert all(torch.equal(before[k], v) for k, v in domain.generator.state_dict().items())


def test_every_published_method_runs(noisy, target):
    for name, method in METHODS.items():
        short = replace(
            method, steps=min(method.steps, 3),
            noise=replace(method.noise, steps=min(method.noise.steps, 2), finer=4),
            tune=replace(method.tune, steps=min(method.tune.steps, 2)),
        )  # fmt: skip
        steps = list(invert(target, noisy, short))
        assert steps[-1].done and steps[-1].index == short.total, name


# -- half size


@pytest.fixture(scope="module")
def large() -> SimpleNamespace:
    generator = make_tiny_generator(64)
    return SimpleNamespace(
        generator=generator, perceptual=Eyes().requires_grad_(False), parts={"perceptual"}
    )


HALF = InversionOptions(start="mean", steps=24, half=0.5)


def test_half_size_comes_as_near_as_whole_steps(large):
    target = large.generator(torch.randn(1, 12, generator=torch.Generator().manual_seed(4)))
    first = nearness(large, target, next(invert(target, large, HALF)))
    half = nearness(large, target, list(invert(target, large, HALF))[-1])
    whole = nearness(large, target, list(invert(target, large, replace(HALF, half=0.0)))[-1])
    assert half < 0.7 * first and half < 1.5 * whole


def test_a_search_stopped_at_half_size_goes_on_to_the_same_result(large):
    target = large.generator(torch.randn(1, 12, generator=torch.Generator().manual_seed(4)))
    whole = list(invert(target, large, HALF))
    steps = invert(target, large, HALF)
    memory = [next(steps) for _ in range(6)][-1].memory()
    later = list(invert(target, large, HALF, memory=memory))
    assert torch.equal(later[-1].ws, whole[-1].ws)


def test_half_size_is_left_out_where_a_loss_needs_the_whole(large):
    goal = Goal(torch.zeros(1, 3, 64, 64), large, HALF.weights)
    rng, start = torch.Generator(), large.generator.mapping.w_avg.expand(1, 10, -1)
    assert LatentStage(goal, HALF, rng, start).halves == 12
    structure = replace(HALF, weights=LossWeights(ms_ssim=1.0))
    assert LatentStage(goal, structure, rng, start).halves == 0
