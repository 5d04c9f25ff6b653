"""Trainers of the small networks: losses as defined, loops that resume, words as tokens."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from training.loop import Loop, Plan
from training.train_clip import contrastive_loss, fits
from training.train_features import contrastive_loss as instance_loss
from training.train_features import degrade, features_path, gaussian_blur, make_net, view
from training.train_identity import auc, supervised_contrastive_loss
from training.vocabulary import END, SPECIAL, START, make_tokenizer, taught_words, words_of

PLAN = Plan("tiny", pictures=60, batch=10, learning_rate=0.1, seed=1)


def run(folder: Path, stop_after: int | None = None) -> tuple[Loop, nn.Linear, list[float]]:
    torch.manual_seed(0)
    net = nn.Linear(3, 1)
    optimiser = torch.optim.SGD(net.parameters())
    loop = Loop(PLAN, {"net": net, "optimiser": optimiser}, folder, "cpu")
    draws = []
    for step, rng in enumerate(loop):
        if step == stop_after:
            break
        x = torch.randn(10, 3, generator=rng)
        draws.append(float(x[0, 0]))
        loss = (net(x) - x.sum(1, keepdim=True)).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        loop.report(loss=loss)
    return loop, net, draws


def test_a_stopped_training_goes_on_where_it_was(tmp_path: Path) -> None:
    whole, net, draws = run(tmp_path / "whole")
    assert whole.finished and len(draws) == len(set(draws)) == 6
    first, half, early = run(tmp_path / "parts", stop_after=2)
    assert not first.finished and first.done == 20
    first.save()
    second, resumed, late = run(tmp_path / "parts")
    assert early + late == draws
    assert second.finished
    torch.testing.assert_close(resumed.weight, net.weight, rtol=0, atol=2e-3)  # states are half


def test_a_finished_training_does_nothing(tmp_path: Path) -> None:
    run(tmp_path)
    assert run(tmp_path)[2] == []


def test_no_minutes_no_steps(tmp_path: Path) -> None:
    net = nn.Linear(2, 2)
    assert list(Loop(PLAN, {"net": net}, tmp_path, "cpu", minutes=0)) == []


def test_a_caption_fits_every_picture_that_shows_it() -> None:
    shown = torch.tensor([[0, 2, -1], [0, 1, 1], [1, 2, 1]])
    named = torch.tensor([[0, -1, -1], [-1, 2, 1], [-1, -1, -1], [0, 2, 1]])
    assert fits(named, shown).tolist() == [
        [True, True, False], [False, False, True], [True, True, True], [False, False, False],
    ]  # fmt: skip


def test_one_right_picture_each_is_the_loss_of_clip() -> None:
    logits = torch.randn(5, 5)
    label = torch.arange(5)
    wanted = (F.cross_entropy(logits, label) + F.cross_entropy(logits.T, label)) / 2
    torch.testing.assert_close(contrastive_loss(logits, torch.eye(5, dtype=torch.bool)), wanted)
    assert contrastive_loss(logits, torch.ones(5, 5, dtype=torch.bool)).abs() < 1e-6


def test_identity_loss_falls_as_persons_part() -> None:
    persons = torch.tensor([0, 0, 1, 1])
    apart = torch.tensor([[1.0, 0], [1, 0.1], [0, 1], [0.1, 1]])
    mixed = apart[[0, 2, 1, 3]]
    assert supervised_contrastive_loss(apart, persons) < 0.1
    assert supervised_contrastive_loss(mixed, persons) > 1


def test_auc_counts_ordered_pairs() -> None:
    scores = torch.tensor([0.1, 0.9, 0.4, 0.8, 0.35])
    positive = torch.tensor([False, True, False, True, True])
    assert auc(scores, positive) == pytest.approx(5 / 6)
    assert auc(-scores, positive) == pytest.approx(1 / 6)


def test_blur_keeps_flat_pictures_and_softens_the_rest() -> None:
    flat = torch.full([1, 3, 16, 16], 0.3)
    torch.testing.assert_close(gaussian_blur(flat, 1.0), flat)
    noise = torch.randn(1, 3, 64, 64)
    assert gaussian_blur(noise, 1.0).std() == pytest.approx(0.28, abs=0.03)  # 1 / (2 sqrt(pi))


def test_views_keep_what_degrading_takes() -> None:
    rng = torch.Generator().manual_seed(0)
    pictures = torch.randn(9, 3, 64, 64).clamp(-1, 1)

    def sharpness(x: torch.Tensor) -> torch.Tensor:
        return (x[..., 1:] - x[..., :-1]).square().mean((1, 2, 3))

    moved, worse = view(pictures, rng), degrade(pictures, rng)
    assert moved.shape == worse.shape == pictures.shape
    assert (sharpness(moved) > 0.75 * sharpness(pictures)).all()
    change = sharpness(worse) / sharpness(pictures)
    assert (change[:3] < 0.7).all() and (change[3:6] > 1).all() and (change[6:] < 0.7).all()


def test_degraded_views_are_far() -> None:
    a = torch.eye(4)
    assert instance_loss(a, a, -a) < instance_loss(a, a, a)
    assert features_path(128).name != features_path(256).name
    sides = [make_net(r).features(torch.zeros(1, 3, r, r))[-1].shape[-1] for r in (128, 256)]
    assert sides == [4, 4]


def test_words_become_tokens_and_back() -> None:
    words = words_of(["a red-haired man", "一位女士，红色", "a man"])
    assert words[:2] == ["a", "man"] and "haired" in words and "女" in words and "，" not in words
    tokenizer = make_tokenizer(words)
    coded = tokenizer.encode("A Red man 女龙!")
    assert coded.tokens == [START, "a", "red", "man", "女", "[UNK]", END]
    assert coded.ids[0] == SPECIAL.index(START) and coded.ids[-1] == SPECIAL.index(END)
    assert "a" not in taught_words(words)["en"] and "戴着眼镜" not in taught_words(words)["en"]
