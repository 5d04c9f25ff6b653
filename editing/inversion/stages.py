"""What an inversion searches in, one stage after the other: latent, noise maps, weights.

A stage owns its *leaves*, the tensors an optimiser moves, and says which ``Point`` they stand for
and what its loss is. ``optimizer.Descent`` moves any of them in the same way.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from editing.inversion.losses import Goal
from editing.inversion.options import NOTHING, InversionOptions
from editing.inversion.pivotal_tuning import draw, nearby, rounded, tuned_parameters
from editing.inversion.schedules import jitter
from editing.models.domain import has_fast_bf16
from editing.models.generators.generator import GeneratorConfig
from editing.models.generators.layers import layer_resolutions
from editing.models.generators.noise_maps import (
    autocorrelation,
    noise_maps,
    noise_strengths,
    whiten_,
)

Leaves = dict[str, Tensor]
CHUNK = 4  # pictures drawn at once when weights are tuned for several
SMALLEST_WHOLE = 64  # pixels of a generator from which half size is worth it
REFRESH = 10  # steps between measurements of how half size differs
MAX_SHARED = 64  # pictures of one change of weights


@dataclass(frozen=True, eq=False)
class Point:
    """Where a search stands: everything that draws the picture."""

    ws: Tensor  # [N, num_ws, w_dim]
    noise: Mapping[str, Tensor] = field(default_factory=dict)  # layer -> [R, R]
    weight_delta: Mapping[str, Tensor] = field(default_factory=dict)  # parameter -> its change
    s_delta: Mapping[str, Tensor] = field(default_factory=dict)  # layer -> [C], never searched


class Stage(ABC):
    """One part of a search."""

    name: str
    steps: int
    lr: float  # Adam's, in the leaves' own units
    leaves: Leaves

    def __init__(self, goal: Goal, options: InversionOptions, rng: torch.Generator) -> None:
        self.goal, self.options, self.rng = goal, options, rng
        self.kept: dict[str, Tensor] = {}  # what else decides how the stage goes on
        self.generator = goal.domain.generator

    @abstractmethod
    def point(self, leaves: Leaves) -> Point:
        """What the leaves stand for; differentiable."""

    @abstractmethod
    def losses(self, index: int) -> Iterator[tuple[float, dict[str, Tensor]]]:
        """Losses of the leaves as (share, named losses [N] with "total"); the shares sum to 1."""

    def draw(self, point: Point, side: int | None = None) -> Tensor:
        """The pictures of a point, at ``side`` pixels where that is less than the whole."""
        return draw(self.generator, point.ws, point.noise, point.weight_delta, side, point.s_delta)

    def phase(self, index: int) -> int:
        """Losses of different phases are not to be compared."""
        return 0

    def watched(self, goal: Goal, img: Tensor) -> dict[str, Tensor]:
        """The pixels' loss, which says how near a picture is, where that ends a stage."""
        return {"pixel": goal.pixel(img.detach())} if self.options.stop_at else {}

    def settle(self) -> None:
        """Bring the leaves back to where they belong after a step; called without gradients."""
        return  # most belong anywhere

    def rate(self, name: str) -> float:
        """Learning rate of one leaf."""
        return self.lr


class LatentStage(Stage):
    """z on its sphere, one row of W, or all of W+; with them the noise maps where asked for.

    The first steps may draw at half size, which takes less than half the time. A generator's
    picture at half size is not its whole picture halved; what lies between the two is measured
    every few steps and added to the halved target.
    """

    name = "latent"

    def __init__(
        self,
        goal: Goal,
        options: InversionOptions,
        rng: torch.Generator,
        start: Tensor,
        around: Point | None = None,
    ) -> None:
        """``around``: noise maps and weights that the latent is searched with, as they are."""
        super().__init__(goal, options, rng)
        self.around = around or Point(start)
        self.steps = options.steps
        self.unit = 1.0 if options.space == "z" else goal.whitening.w_std
        self.lr = options.lr * self.unit
        self.leaves = {"latent": start.detach().clone()}
        if options.joint_noise:
            self.leaves |= {k: v.clone() for k, v in noise_maps(self.generator).items()}
        self.fast = has_fast_bf16(start.device.type)
        self.near = goal.quick()
        self.held = self._held(start) if options.finest and options.space == "w+" else []
        self.halves = round(options.half * self.steps) if self._can_halve() else 0
        self.halved: Goal | None = None  # the goal at half size, made from ``kept``

    def _can_halve(self) -> bool:
        config, weights = self.generator.config, self.options.weights
        layered = isinstance(config, GeneratorConfig) and config.architecture == "skip"
        whole = (weights.vgg, weights.ms_ssim, weights.identity, weights.in_domain, weights.style)
        small = not any(whole) and not self.goal.also
        return layered and config.img_resolution >= SMALLEST_WHOLE and small

    def _held(self, start: Tensor) -> list[tuple[int, Tensor]]:
        """Rows that do not move, and where they are."""
        finest, sizes = self.options.finest, layer_resolutions(self.generator)
        return [(row, start[:, row].clone()) for row, size in enumerate(sizes) if size > finest]

    def phase(self, index: int) -> int:
        """0 to 2: at half size or with noise on the latent, a reading is of another picture."""
        return int(index >= self.halves) + int(not self.shift(index))

    def shift(self, index: int) -> float:
        """How far noise moves the latent at a step, in its own units."""
        return self.unit * jitter(index, max(self.steps, 1), self.options.jitter)

    def rate(self, name: str) -> float:
        return self.lr if name == "latent" else self.options.lr

    def rows(self, latent: Tensor) -> Tensor:
        if self.options.space != "z":
            return latent
        mapped: Tensor = self.generator.mapping(latent)
        return mapped[:, :1]

    def point(self, leaves: Leaves) -> Point:
        ws = self.rows(leaves["latent"]).expand(-1, self.generator.num_ws, -1)
        maps = {name: leaf for name, leaf in leaves.items() if name != "latent"}
        return replace(self.around, ws=ws, noise={**self.around.noise, **maps})

    def losses(self, index: int) -> Iterator[tuple[float, dict[str, Tensor]]]:
        leaves, weights = self.leaves, self.options.weights
        if length := self.shift(index):
            latent = leaves["latent"]
            shift = torch.randn(latent.shape, generator=self.rng).to(latent.device)
            leaves = {**leaves, "latent": latent + shift * length}
        rows = self.rows(leaves["latent"])
        point = self.point(leaves)
        half = index < self.halves
        goal = self._half_goal(index) if half else self.near
        side = goal.targets.shape[-1] if half else None
        with torch.autocast(rows.device.type, torch.bfloat16, enabled=self.fast):
            img = self.draw(point, side)
        losses = {**self.watched(goal, img), **goal.losses(img, rows)}
        if self.options.joint_noise and point.noise and weights.noise:
            losses["noise"] = autocorrelation(point.noise)[None]
            losses["total"] = losses["total"] + weights.noise * losses["noise"]
        yield 1.0, losses

    def _half_goal(self, index: int) -> Goal:
        """The goal at half size, as the generator would draw it there."""
        goal = self.goal
        if index % REFRESH == 0 or "between" not in self.kept:
            with torch.no_grad():
                point = self.point(self.leaves)
                whole = self.draw(point)
                side = whole.shape[-1] // 2
                small = self.draw(point, side)
                self.kept["between"] = small - halved(whole)
            self.halved = None
        if self.halved is None:
            mask = None if goal.mask is None else halved(goal.mask)
            target = halved(goal.targets) + self.kept["between"]
            self.halved = Goal(target, goal.domain, self.options.weights, mask, fast=True)
        return self.halved

    def settle(self) -> None:
        if self.options.space == "z":  # the mapping reads a direction: length would only slow Adam
            z = self.leaves["latent"]
            z *= (z.shape[1] / z.square().sum(1, keepdim=True).clamp(min=1e-12)).sqrt()
        whiten_({name: leaf for name, leaf in self.leaves.items() if name != "latent"})
        for row, place in self.held:
            self.leaves["latent"][:, row] = place


def halved(picture: Tensor) -> Tensor:
    """[N, C, R, R] -> [N, C, R/2, R/2], the mean of every four pixels."""
    return torch.nn.functional.avg_pool2d(picture, 2)


class _After(Stage):
    """A stage that begins where another has ended; outside the mask nothing shall change."""

    def __init__(
        self, goal: Goal, options: InversionOptions, rng: torch.Generator, start: Point
    ) -> None:
        super().__init__(goal, options, rng)
        self.start = start
        self.before = None
        if goal.mask is not None:
            with torch.no_grad():
                self.before = self.draw(start)

    def keep(self, img: Tensor, rows: slice) -> Tensor:
        """Mean squared change outside the mask, [N]."""
        if self.before is None or self.goal.mask is None:
            return img.sum((1, 2, 3)) * 0
        return ((1 - self.goal.mask) * (img - self.before[rows])).square().mean((1, 2, 3))


class NoiseStage(_After):
    """The noise maps, for the pixels alone (Abdal et al. 2020): the latent holds still.

    A leaf is what a map adds to the activations, so that one learning rate suits every layer,
    however strong its noise is.
    """

    name = "noise"

    def __init__(
        self, goal: Goal, options: InversionOptions, rng: torch.Generator, start: Point
    ) -> None:
        super().__init__(goal, options, rng, start)
        self.steps, self.lr = options.noise.steps, options.noise.lr
        self.maps = {**noise_maps(self.generator), **start.noise}
        self.strengths = {
            name: strength
            for name, strength in noise_strengths(self.generator).items()
            if self.maps[name].shape[-1] >= options.noise.finer
        }
        self.leaves = {name: torch.zeros_like(self.maps[name]) for name in self.strengths}

    def point(self, leaves: Leaves) -> Point:
        found = {
            name: self.maps[name] + leaf / self.strengths[name] for name, leaf in leaves.items()
        }
        return replace(self.start, noise={**self.start.noise, **found})

    def losses(self, index: int) -> Iterator[tuple[float, dict[str, Tensor]]]:
        point = self.point(self.leaves)
        img = self.draw(point)
        losses = {"pixel": self.goal.pixel(img)}
        losses["total"] = losses["pixel"] + self.keep(img, slice(None))
        yield 1.0, losses


class TuneStage(_After):
    """The weights, for one picture or for several at once."""

    name = "tune"

    def __init__(
        self, goal: Goal, options: InversionOptions, rng: torch.Generator, start: Point
    ) -> None:
        super().__init__(goal, options, rng, start)
        self.steps, self.lr = options.tune.steps, options.tune.lr
        parameters = tuned_parameters(self.generator)
        self.leaves = {name: torch.zeros_like(each) for name, each in parameters.items()}
        self.weights = replace(
            NOTHING, pixel=options.tune.pixel, perceptual=options.tune.perceptual
        )
        count = len(start.ws)
        self.parts = [slice(i, min(i + CHUNK, count)) for i in range(0, count, CHUNK)]
        self.goals = [
            Goal(goal.targets[rows], goal.domain, self.weights, goal.mask) for rows in self.parts
        ]

    def point(self, leaves: Leaves) -> Point:
        return replace(self.start, weight_delta=rounded(leaves, self.options.tune.levels))

    def losses(self, index: int) -> Iterator[tuple[float, dict[str, Tensor]]]:
        for rows, goal in zip(self.parts, self.goals, strict=True):
            ws, delta = self.start.ws[rows], self.point(self.leaves).weight_delta
            share = len(ws) / len(self.start.ws)
            img = draw(self.generator, ws, self.start.noise, delta)
            losses = {**self.watched(goal, img), **goal.losses(img)}
            losses["total"] = losses["total"] + self.keep(img, rows)
            if self.options.tune.locality and rows.start == 0:
                losses["locality"] = self.locality(delta)
                weighted = self.options.tune.locality * losses["locality"]
                losses["total"] = losses["total"] + weighted / share
            yield share, losses

    def locality(self, delta: Mapping[str, Tensor]) -> Tensor:
        """How much a latent nearby looks other than before, [1]."""
        with torch.no_grad():
            ws = nearby(self.generator, self.start.ws, self.rng)
            before = draw(self.generator, ws)
        goal = Goal(before, self.goal.domain, self.weights)
        total: Tensor = goal.losses(draw(self.generator, ws, None, delta))["total"]
        return total


def check_noise(goal: Goal, finer: int) -> str:
    """Why the noise stage cannot help here, as a sentence; "" where it can."""
    generator = goal.domain.generator
    if any(noise_maps(generator)[name].shape[-1] >= finer for name in noise_strengths(generator)):
        return ""
    return (
        f"This generator's noise inputs are off from {finer} pixels up, so the stage of noise maps "
        "was left out."
    )
