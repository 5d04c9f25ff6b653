"""Inversion: better with every level, usable at every step, indifferent to the caller's modes."""

from __future__ import annotations

import itertools
import threading
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from editing import inversion
from editing.errors import BadInput, UnknownName
from editing.generator import Generator, GeneratorConfig
from editing.inversion import InversionOptions, LossWeights, invert, options_for, parse_start


class Eyes(nn.Module):
    """The smallest network with the interface of a PictureNet."""

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
        generator=generator, perceptual=Eyes().requires_grad_(False), encode=lambda img: near
    )


@pytest.fixture(scope="module")
def target(domain) -> Tensor:
    z = torch.randn(1, 16, generator=torch.Generator().manual_seed(7))
    return domain.generator.synthesis(domain.generator.mapping(z))


def loss(domain, target: Tensor, ws: Tensor) -> float:
    return float((domain.generator.synthesis(ws) - target).square().mean())


SHORT = InversionOptions(steps=30)


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


def test_a_step_too_far_stops_with_the_best(domain, target):
    steps = list(invert(target, domain, InversionOptions(steps=50, lr=1e30)))
    assert len(steps) < 50 and torch.isfinite(steps[-1].ws).all()


def test_losses_are_named_and_add_up(domain, target):
    weights = LossWeights(pixel=2.0, perceptual=0.5, prior=0.1, spread=0.2)
    step = list(invert(target, domain, InversionOptions(steps=3, weights=weights)))[-1]
    assert list(step.losses) == ["pixel", "perceptual", "prior", "spread", "total"]
    total = sum(getattr(weights, name) * step.losses[name] for name in list(step.losses)[:-1])
    assert step.losses["total"] == pytest.approx(total, rel=1e-5)
    in_w = next(invert(target, domain, InversionOptions(space="w", weights=weights)))
    assert "spread" not in in_w.losses


def test_a_loss_of_weight_0_is_left_out(domain, target):
    alone = SimpleNamespace(generator=domain.generator, encode=domain.encode)  # no perceptual net
    options = InversionOptions(steps=1, weights=LossWeights(perceptual=0))
    assert "perceptual" not in list(invert(target, alone, options))[-1].losses
    nothing = InversionOptions(steps=2, weights=LossWeights(0, 0, 0, 0))
    assert list(invert(target, alone, nothing))[-1].losses == {"total": 0}


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
    def start(count: int, seed: int = 0) -> inversion.Step:
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
    white = inversion.whitening(domain.generator)

    def strangeness(prior: float, spread: float) -> tuple[float, float]:
        options = InversionOptions(steps=60, weights=LossWeights(prior=prior, spread=spread))
        rows = white(list(invert(photo, domain, options))[-1].ws)
        middle = rows.mean(1, keepdim=True)
        return float(middle.square().mean()), float((rows - middle).square().mean())

    free, held = strangeness(0, 0), strangeness(1, 1)
    assert held[0] < 0.7 * free[0] and held[0] < 1
    assert held[1] < 0.5 * free[1]


def test_whitened_samples_have_unit_variance(domain):
    white = inversion.whitening(domain.generator)
    samples = domain.generator.mapping(torch.randn(4000, 16))[:, 0]
    assert white(samples).square().mean() == pytest.approx(1, abs=0.1)
    assert inversion.whitening(domain.generator) is white


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
    assert list(inversion.LEVELS) == ["quick", "standard", "best"]
    quick, standard, best = inversion.LEVELS.values()
    assert quick.steps <= 50 and quick.steps < standard.steps < best.steps
    assert options_for("quick", steps=3, space="w").steps == 3
    changed = inversion.with_setting(standard, "loss.pixel", 4.0)
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
        (lambda: inversion.with_setting(SHORT, "loss.lpips", 1), UnknownName, "loss.perceptual"),
        (lambda: parse_start("middle"), UnknownName, "encoder, mean, zeros, random, random:N"),
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
