"""A picture's latent: an encoder's guess, then descent in W+, W or Z.

    loss = pixel·MSE + perceptual·LPIPS-like + prior·|mean row|² + spread·|rows − mean row|²

The first two pull the picture towards the target (Abdal et al. 2019, Image2StyleGAN); the others
keep the latent where the generator has been trained. W is not Gaussian, but undoing the mapping's
last leaky ReLU nearly makes it so (Wulff & Torralba 2020; Zhu et al. 2020, P_N space): prior is
the mean squared coordinate in that whitened space, 1 for a typical sample. Samples have equal rows,
so spread, their mean squared deviation there, is 0 (Tov et al. 2021, e4e: close to W means
editable). They make a real photo a person of the domain's world instead of a patchwork with a lower
pixel error that no edit suits.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch.nn import functional

from editing.errors import BadInput, UnknownName
from editing.metrics import feature_distance, unit_features

if TYPE_CHECKING:
    from editing.domains import Domain
    from editing.generator import Generator

SPACES = ("z", "w", "w+")
STARTS = ("encoder", "mean", "zeros", "random")
MAX_STEPS = 100_000
MAX_CANDIDATES = 10_000  # of a random start
CANDIDATE_BATCH = 8
LEAK = 5.0  # undoes the leaky ReLU (slope 0.2) at the end of the mapping
STATISTICS_SAMPLES = 10_000
EIGENVALUE_FLOOR = 1e-2  # of the mean variance: directions W hardly uses count as this wide


@dataclass(frozen=True)
class LossWeights:
    """Weights of the losses; 0 leaves one out."""

    pixel: float = 1.0  # mean squared difference, [-1, 1] scale
    perceptual: float = 1.0  # metrics.perceptual_distance
    prior: float = 0.03  # of the rows' mean: squared whitened coordinate, mean over w_dim
    spread: float = 0.05  # of the rows' deviation from it, the same; W+ alone has any

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not (math.isfinite(value) and value >= 0):
                raise BadInput(
                    f"loss.{name} is {value}; a loss weight must be a number from 0 upwards."
                )


@dataclass(frozen=True)
class InversionOptions:
    """How far and where to search; ``LEVELS`` holds the three presets."""

    level: str = "standard"  # the preset that the rest was taken from
    space: str = "w+"  # one of SPACES
    start: str | None = None  # one of STARTS or "random:N"; None = encoder, or random:64 in z
    steps: int = 200  # optimisation steps; 0 = the start alone
    lr: float = 0.2  # Adam's, in standard deviations of W (of Z in space z)
    weights: LossWeights = field(default_factory=LossWeights)

    def __post_init__(self) -> None:
        if self.space not in SPACES:
            raise UnknownName.among("space", self.space, SPACES)
        if not 0 <= self.steps <= MAX_STEPS:
            raise BadInput(f"{self.steps} steps were asked for; choose from 0 to {MAX_STEPS}.")
        if not (math.isfinite(self.lr) and self.lr > 0):
            raise BadInput(f"A learning rate of {self.lr} is not possible; use 0.2, for example.")
        if self.start is not None:
            name, _ = parse_start(self.start)
            if self.space == "z" and name in ("encoder", "mean"):
                raise BadInput(
                    f"The start {name!r} is a point of W, which has no z; "
                    "use 'random:64' or 'zeros', or another space."
                )

    @property
    def effective_start(self) -> str:
        """``start``, or what None stands for."""
        return self.start or ("random:64" if self.space == "z" else "encoder")


LEVELS: Mapping[str, InversionOptions] = {
    "quick": InversionOptions("quick", steps=40, lr=0.25),
    "standard": InversionOptions("standard", steps=200, lr=0.2),
    "best": InversionOptions("best", steps=1000, lr=0.1),
}


def options_for(level: str = "standard", **changes: Any) -> InversionOptions:
    """A preset with some fields replaced.

    Raises:
        UnknownName: there is no such level.
        BadInput: a replaced value is out of range.
    """
    if level not in LEVELS:
        raise UnknownName.among("level", level, LEVELS)
    return replace(LEVELS[level], **changes)


def with_setting(options: InversionOptions, name: str, value: float) -> InversionOptions:
    """Change one setting by its dotted name, such as ``loss.pixel``.

    Raises:
        UnknownName: the known names are listed.
    """
    known = [f"loss.{loss}" for loss in asdict(options.weights)]
    if name not in known:
        raise UnknownName.among("setting", name, known)
    weights = replace(options.weights, **{name.removeprefix("loss."): value})
    return replace(options, weights=weights)


def parse_start(text: str) -> tuple[str, int]:
    """'encoder' -> ('encoder', 1), 'random:64' -> ('random', 64).

    Raises:
        BadInput: an unknown start, or a count that is not a number from 1 to MAX_CANDIDATES.
    """
    name, colon, count = text.partition(":")
    if name not in STARTS or (colon and name != "random"):
        raise UnknownName.among("start", text, (*STARTS, "random:N"))
    if not colon:
        return name, 1
    if not (count.isascii() and count.isdigit() and 1 <= int(count) <= MAX_CANDIDATES):
        raise BadInput(
            f"The start {text!r} needs a count from 1 to {MAX_CANDIDATES}, such as 'random:64'."
        )
    return name, int(count)


@dataclass(frozen=True, eq=False)
class Step:
    """The state after some steps; usable at once, so stopping is simply not asking for more."""

    index: int  # steps done, from 0 (the start alone)
    total: int
    losses: Mapping[str, float]  # of the picture at this step: each of the losses, and total
    best: float  # lowest total so far
    ws: Tensor  # [1, num_ws, w_dim], the latent of ``best``; detached
    seconds: float  # since the search began
    eta: float  # seconds left, from the steps so far

    @property
    def done(self) -> bool:
        return self.index == self.total


@dataclass(frozen=True, eq=False)
class Whitening:
    """W as a Gaussian: coordinates of unit variance along the principal axes of P space."""

    mean: Tensor  # [w_dim], in P space
    matrix: Tensor  # [w_dim, w_dim]: P space minus mean -> coordinates
    w_std: float  # root mean square deviation of one entry of w

    def __call__(self, ws: Tensor) -> Tensor:
        """ws [..., w_dim] -> coordinates of the same shape, about N(0, 1) for samples."""
        return (functional.leaky_relu(ws, LEAK) - self.mean) @ self.matrix


_whitenings: WeakKeyDictionary[Generator, Whitening] = WeakKeyDictionary()


def whitening(generator: Generator) -> Whitening:
    """Measured on fixed samples of the mapping; kept as long as the generator is."""
    if generator not in _whitenings:
        with torch.no_grad():
            _whitenings[generator] = _measure_whitening(generator)
    return _whitenings[generator]


def _measure_whitening(generator: Generator) -> Whitening:
    device = generator.mapping.w_avg.device
    rng = torch.Generator().manual_seed(0)
    z = torch.randn(STATISTICS_SAMPLES, generator.z_dim, generator=rng).to(device)
    w = generator.mapping(z, _no_label(generator, len(z)))[:, 0]
    p = functional.leaky_relu(w, LEAK)
    mean = p.mean(0)
    variances, axes = torch.linalg.eigh(torch.cov((p - mean).T).double())
    floor = EIGENVALUE_FLOOR * variances.mean().clamp(min=1e-12)
    matrix = axes / variances.clamp(min=floor).sqrt()
    return Whitening(mean, matrix.float(), float((w - w.mean(0)).square().mean().sqrt()))


def _no_label(generator: Generator, count: int) -> Tensor | None:
    if not generator.c_dim:
        return None
    return torch.zeros(count, generator.c_dim, device=generator.mapping.w_avg.device)


def invert(
    target: Tensor,
    domain: Domain,
    options: InversionOptions = LEVELS["standard"],
    rng: torch.Generator | None = None,
    given: Tensor | None = None,
) -> Iterator[Step]:
    """Search the latent of a picture; yields before the first step and after each.

    Args:
        target: the aligned picture, [1, 3, R, R] in [-1, 1], R the generator's.
        rng: randomness of a random start, on the CPU; a fixed seed by default.
        given: start from these ws [1, num_ws, w_dim] instead of ``options.start``.

    Raises:
        BadInput: at once, for a target or start that does not fit.
        MissingFile: at the first step, where the domain lacks a model that is needed.
    """
    generator = domain.generator
    size = generator.img_resolution
    if target.shape != (1, 3, size, size):
        raise BadInput(
            f"The picture has the shape {list(target.shape)}; inversion takes [1, 3, {size}, "
            f"{size}], so resize it first."
        )
    if given is not None and given.shape != (1, generator.num_ws, generator.w_dim):
        raise BadInput(
            f"The latent to start from has the shape {list(given.shape)}; "
            f"this domain needs [1, {generator.num_ws}, {generator.w_dim}]."
        )
    if given is not None and options.space == "z":
        raise BadInput("A latent of W has no z to start from; use the space w or w+.")
    return _search(target, domain, options, rng, given)


class _Problem:
    """Target, generator and losses; parameters are z [1, z_dim], w [1, 1, w_dim] or ws."""

    def __init__(self, target: Tensor, domain: Domain, options: InversionOptions) -> None:
        self.domain, self.generator, self.options = domain, domain.generator, options
        self.device = self.generator.mapping.w_avg.device
        self.target = target.detach().to(self.device, torch.float32, copy=True)
        self.whitening = whitening(self.generator)
        needed = options.weights.perceptual > 0
        self.features = unit_features(domain.perceptual, self.target) if needed else []

    def ws(self, parameters: Tensor) -> Tensor:
        if self.options.space == "z":
            label = _no_label(self.generator, len(parameters))
            mapped: Tensor = self.generator.mapping(parameters, label)
            return mapped
        return parameters.expand(-1, self.generator.num_ws, -1)

    def losses(self, ws: Tensor) -> dict[str, Tensor]:
        """Weighted sum under "total" and each loss unweighted, [N]; unused losses are absent."""
        weights = self.options.weights
        img = self.generator.synthesis(ws)
        losses = {}
        if weights.pixel:
            losses["pixel"] = (img - self.target).square().mean((1, 2, 3))
        if weights.perceptual:
            features = unit_features(self.domain.perceptual, img)
            losses["perceptual"] = feature_distance(features, self.features)
        white = self.whitening(ws)
        middle = white.mean(1, keepdim=True)
        if weights.prior:
            losses["prior"] = middle.square().mean((1, 2))
        if weights.spread and self.options.space == "w+":
            losses["spread"] = (white - middle).square().mean((1, 2))
        total = [getattr(weights, name) * value for name, value in losses.items()]
        losses["total"] = torch.stack(total).sum(0) if total else ws.sum((1, 2)) * 0
        return losses

    @property
    def step_size(self) -> float:
        """Adam's learning rate in the parameters' own units."""
        scale = 1.0 if self.options.space == "z" else self.whitening.w_std
        return self.options.lr * scale

    def start(self, rng: torch.Generator | None, given: Tensor | None) -> Tensor:
        generator, space = self.generator, self.options.space
        name, count = parse_start(self.options.effective_start)
        if given is None and name == "random":
            return self.best_of(count, rng or torch.Generator().manual_seed(0))
        if space == "z":
            return torch.zeros(1, generator.z_dim, device=self.device)
        if given is None and name == "encoder":
            given = self.domain.encode(self.target)
        if given is None:
            given = torch.zeros(1, generator.num_ws, generator.w_dim, device=self.device)
            given = given + generator.mapping.w_avg if name == "mean" else given
        given = given.to(self.device, torch.float32)
        return given if space == "w+" else given.mean(1, keepdim=True)

    def best_of(self, count: int, rng: torch.Generator) -> Tensor:
        """The one of ``count`` random latents whose picture has the lowest loss."""
        best, lowest = torch.empty(0), math.inf
        for first in range(0, count, CANDIDATE_BATCH):
            size = min(CANDIDATE_BATCH, count - first)
            z = torch.randn(size, self.generator.z_dim, generator=rng).to(self.device)
            label = _no_label(self.generator, size)
            ws = self.generator.mapping(z, label)
            totals = self.losses(ws)["total"]
            index = int(totals.argmin())
            if float(totals[index]) < lowest:
                lowest = float(totals[index])
                rows = {"z": z, "w": ws[:, :1], "w+": ws}[self.options.space]
                best = rows[index : index + 1].clone()
        return best


def _search(
    target: Tensor,
    domain: Domain,
    options: InversionOptions,
    rng: torch.Generator | None,
    given: Tensor | None,
) -> Iterator[Step]:
    """Adam with the StyleGAN2 projector's ramps.

    Gradient modes are set inside each step, never held across a yield: the caller may resume from
    another thread, and in a mode of its own.
    """
    began = time.perf_counter()
    with torch.inference_mode(False), torch.no_grad():
        problem = _Problem(target, domain, options)
        parameters = problem.start(rng, given).detach().clone().requires_grad_()
        optimiser = torch.optim.Adam([parameters], lr=problem.step_size, betas=(0.9, 0.999))
        best, lowest = parameters.detach().clone(), math.inf
    prepared = time.perf_counter()
    for index in range(options.steps + 1):
        last = index == options.steps
        with torch.inference_mode(False), torch.set_grad_enabled(not last):
            losses = problem.losses(problem.ws(parameters))
            total = float(losses["total"].detach())
            if total < lowest:
                best, lowest = parameters.detach().clone(), total
            if not last:
                optimiser.param_groups[0]["lr"] = problem.step_size * ramp(index, options.steps)
                optimiser.zero_grad()
                torch.autograd.backward(losses["total"])
                optimiser.step()
            ws = problem.ws(best).detach().clone()
        now = time.perf_counter()
        yield Step(
            index=index,
            total=options.steps,
            losses={name: float(value.detach()) for name, value in losses.items()},
            best=lowest,
            ws=ws,
            seconds=now - began,
            eta=(now - prepared) / (index + 1) * (options.steps - index),
        )
        if not math.isfinite(total):  # a step too far: nothing better can follow
            return


def ramp(index: int, steps: int) -> float:
    """The projector's schedule: up over the first 5 % of the steps, cosine down from 75 %."""
    t = (index + 0.5) / steps
    down = 0.5 - 0.5 * math.cos(math.pi * min(1.0, (1 - t) / 0.25))
    return down * min(1.0, t / 0.05)
