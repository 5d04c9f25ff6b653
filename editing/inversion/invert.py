"""A picture's place in the latent space: a start, then descent in latent, noise maps and weights.

Every published way is one ``InversionOptions``: which space, which start, which losses, and how
many steps of which stage. ``invert`` yields after every step, so stopping is not asking for more;
what was stopped goes on from ``Step.memory()`` to the same result.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from editing.errors import BadInput
from editing.inversion.eta import Pace
from editing.inversion.losses import Goal
from editing.inversion.optimizer import Descent, Memory
from editing.inversion.options import LEVELS as LEVELS
from editing.inversion.options import METHODS as METHODS
from editing.inversion.options import InversionOptions as InversionOptions
from editing.inversion.options import LossWeights as LossWeights
from editing.inversion.options import options_for as options_for
from editing.inversion.options import parse_start as parse_start
from editing.inversion.options import with_setting as with_setting
from editing.inversion.stages import (
    MAX_SHARED,
    LatentStage,
    NoiseStage,
    Point,
    Stage,
    TuneStage,
    check_noise,
)
from editing.inversion.starts import in_space, starting_latent
from editing.io.allocator import tidy

if TYPE_CHECKING:
    from editing.models.domain import Domain


@dataclass(frozen=True, eq=False)
class Step:
    """The state after some steps; usable at once."""

    index: int  # steps done, from 0 (the start alone)
    total: int  # steps planned; fewer once a stage has ended early
    stage: str  # "latent", "noise" or "tune"
    losses: Mapping[str, float]  # at this step: each of the losses, and total
    best: float  # lowest total of this stage so far
    done: bool  # nothing follows
    seconds: float  # since the search began
    cost: float  # seconds that this step took
    eta: float  # seconds left, from the steps so far
    find: Callable[[], Point] = field(repr=False)  # makes ``point``
    memory: Callable[[], Memory] = field(repr=False)  # to go on from, until the next step is asked
    notes: tuple[str, ...] = ()  # what a person should know

    @cached_property
    def point(self) -> Point:
        """What belongs to ``best``: latent, noise maps, weight delta; detached."""
        return self.find()

    @property
    def ws(self) -> Tensor:
        """[1, num_ws, w_dim], the latent of ``best``."""
        return self.point.ws


def invert(
    target: Tensor,
    domain: Domain,
    options: InversionOptions = LEVELS["standard"],
    rng: torch.Generator | None = None,
    given: Tensor | None = None,
    mask: Tensor | None = None,
    memory: Memory | None = None,
) -> Iterator[Step]:
    """Search the latent of a picture; yields before the first step and after each.

    Args:
        target: the aligned picture, [1, 3, R, R] in [-1, 1], R the generator's.
        rng: randomness of starts and jitter, on the CPU; a fixed seed by default.
        given: start from these ws [1, num_ws, w_dim] instead of ``options.start``.
        mask: where the picture counts, [1, 1, R, R] in [0, 1]; None = everywhere.
        memory: of the same search, stopped before; it goes on from there.

    Raises:
        BadInput: at once, for a target, start or mask that does not fit; at a step, for a loss
            that is no number.
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
    if mask is not None and mask.shape != (1, 1, size, size):
        raise BadInput(
            f"The mask has the shape {list(mask.shape)}; it needs [1, 1, {size}, {size}]."
        )
    options, notes = fitted(options, domain, given is None)
    if memory is not None and memory["options"] != options:
        raise BadInput(
            "What was stopped was searched with other options; go on with the same, or begin anew."
        )
    goal = partial(Goal, target, domain, options.weights, mask)
    search = Search(domain, options, goal, rng, notes)
    return search.run(lambda: search.latent_stage(given), ("noise", "tune"), memory)


def tune_together(
    targets: Tensor,
    ws: Tensor,
    domain: Domain,
    options: InversionOptions,
    rng: torch.Generator | None = None,
) -> Iterator[Step]:
    """One weight delta for several pictures (targets [N, 3, R, R]) with their own latents ws.

    Raises:
        BadInput: too many pictures, or not as many latents.
    """
    if not 1 <= len(targets) == len(ws) <= MAX_SHARED:
        raise BadInput(
            f"{len(targets)} pictures with {len(ws)} latents cannot share one change of weights; "
            f"pass 1 to {MAX_SHARED} of both."
        )
    options, notes = fitted(options, domain, False)
    goal = partial(Goal, targets, domain, options.weights)
    search = Search(domain, options, goal, rng, notes)
    return search.run(lambda: search.stage("tune", Point(ws.detach().clone())), (), None)


def fitted(
    options: InversionOptions, domain: Domain, starts: bool = True
) -> tuple[InversionOptions, tuple[str, ...]]:
    """The options without what a domain has no network for, and sentences that say so.

    A generator alone is enough: its mean to start from, and pixels to compare.

    Args:
        starts: whether the search has no other start than that of the options.
    """
    notes, weights, tune = list[str](), options.weights, options.tune
    if starts and options.effective_start == "encoder" and not options.start:
        if "encoder" not in domain.parts:
            options = replace(options, start="mean")
            notes.append("This domain has no encoder, so the search began at the mean of W.")
    looks = weights.perceptual or (tune.steps and tune.perceptual)
    if looks and "perceptual" not in domain.parts:
        if weights.perceptual:
            weights = replace(weights, perceptual=0.0, pixel=weights.pixel or 1.0)
        options = replace(options, weights=weights, tune=replace(tune, perceptual=0.0))
        notes.append("This domain has no perceptual network, so pixels alone were compared.")
    return options, tuple(notes)


class Search:
    """Goal, options and clock of one search, from stage to stage.

    Args:
        goal: makes what the latent shall come near, when the first step is asked.
        later_goal: the same of the stages after the latent; None = the latent's own.
    """

    def __init__(
        self,
        domain: Domain,
        options: InversionOptions,
        goal: Callable[[], Goal],
        rng: torch.Generator | None = None,
        notes: tuple[str, ...] = (),
        later_goal: Callable[[], Goal] | None = None,
    ) -> None:
        self.domain, self.options = domain, options
        self.rng = rng or torch.Generator().manual_seed(0)
        self.notes = list(notes)
        self.pace = Pace()
        self._goal, self._later_goal = goal, later_goal

    @cached_property
    def goal(self) -> Goal:
        return self._goal()

    @cached_property
    def later_goal(self) -> Goal:
        return self._later_goal() if self._later_goal else self.goal

    def latent_stage(self, given: Tensor | None, around: Point | None = None) -> Stage:
        """The search of the latent from ``given``, or from where the options say."""
        if given is None:
            start = starting_latent(self.goal, self.options, self.rng)
        else:
            start = in_space(given.to(self.goal.targets), self.options.space)
        return LatentStage(self.goal, self.options, self.rng, start, around)

    def stage(self, name: str, point: Point) -> Stage:
        kind = {"noise": NoiseStage, "tune": TuneStage}[name]
        return kind(self.later_goal, self.options, self.rng, point)

    def later(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the later stages that have steps and can help."""
        wanted = [name for name in names if getattr(self.options, name).steps]
        if "noise" in wanted and (reason := check_noise(self.later_goal, self.options.noise.finer)):
            self.notes.append(reason)
            wanted.remove("noise")
        return tuple(wanted)

    def run(
        self, first: Callable[[], Stage], names: tuple[str, ...], memory: Memory | None
    ) -> Iterator[Step]:
        began = time.perf_counter()
        with torch.inference_mode(False), torch.no_grad():
            names = self.later(names)
            if memory and memory["position"]:
                stage = self.stage(names[memory["position"] - 1], memory["start"])
            else:
                stage = first()
        before, position = 0, 0  # steps of the stages that are over; the stage that runs
        if memory:
            before, position, began = memory["before"], memory["position"], began - memory["spent"]
            self.notes = list(memory["notes"])
        while True:
            tidy(
                self.domain.generator.img_resolution
            )  # after the encoder, or the goal of the stage before
            descent = Descent(stage)
            if memory:
                descent.remember(memory["descent"])
                memory = None
            yield from self.steps(descent, names[position:], before, position, began)
            self.notes += descent.notes
            tidy(self.domain.generator.img_resolution)
            if position == len(names):
                return
            before += descent.index
            with torch.inference_mode(False), torch.no_grad():
                stage = self.stage(names[position], _finder(descent)())
            position += 1

    def steps(
        self, descent: Descent, later: tuple[str, ...], before: int, position: int, began: float
    ) -> Iterator[Step]:
        """The steps of one stage; only the first yields its start, or one that ends there."""
        stage = descent.stage
        to_come = {name: getattr(self.options, name).steps for name in later}
        while not descent.ended:
            clock = time.perf_counter()
            index, losses = descent.step()
            now = time.perf_counter()
            self.pace.note(stage.name, now - clock)
            if not index and position and not descent.ended:
                continue  # the stage before has shown where this one starts
            left = {stage.name: descent.planned - index, **to_come}

            def memory(spent: float = now - began) -> Memory:
                return {
                    "descent": descent.memory(), "position": position, "before": before,
                    "start": getattr(stage, "start", None), "notes": list(self.notes),
                    "spent": spent, "options": self.options,
                }  # fmt: skip

            yield Step(
                index=before + index,
                total=before + descent.planned + sum(to_come.values()),
                stage=stage.name,
                losses=losses,
                best=descent.lowest,
                done=descent.ended and not later,
                seconds=now - began,
                cost=now - clock,
                eta=0.0 if descent.ended and not later else self.pace.seconds(left),
                find=_finder(descent),
                memory=memory,
                notes=(*self.notes, *descent.notes),
            )


def _finder(descent: Descent) -> Callable[[], Point]:
    """Makes the point of the best so far, whatever the descent does afterwards."""
    stage, best = descent.stage, descent.best  # ``best`` is replaced, never changed

    def find() -> Point:
        with torch.inference_mode(False), torch.no_grad():
            found = stage.point(best)
            return replace(
                found,
                ws=found.ws.clone(),
                noise=dict(found.noise),
                weight_delta=dict(found.weight_delta),
            )

    return find
