"""Adam on the leaves of one stage, a step at a time: keeps the best, ends early, survives a stop.

Gradient modes are set inside each step, never held across two: the caller may go on from another
thread, and in a mode of its own.
"""

from __future__ import annotations

import copy
import math
from typing import Any

import torch

from editing.errors import BadInput
from editing.inversion.schedules import Plateau, ramp
from editing.inversion.stages import Leaves, Stage
from editing.io.allocator import tidy

Memory = dict[str, Any]  # everything a descent needs to go on exactly where it stood


class Descent:
    """One stage being optimised; ``index`` steps are done."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.index, self.ended = stage, 0, False
        self.lowest, self.best_index = math.inf, -1
        self.phase = stage.phase(0)
        self.halved = False
        self.notes: list[str] = []
        self.plateau = Plateau(stage.options.patience)
        for leaf in stage.leaves.values():
            leaf.requires_grad_()
        self.best = self._copied()
        self._reset()

    def _reset(self) -> None:
        groups = [
            {"params": [leaf], "lr": 0.0, "base": self.stage.rate(name)}
            for name, leaf in self.stage.leaves.items()
        ]
        self.optimiser = torch.optim.Adam(groups, betas=(0.9, 0.999))

    def _copied(self) -> Leaves:
        return {name: leaf.detach().clone() for name, leaf in self.stage.leaves.items()}

    @property
    def planned(self) -> int:
        """Steps of this stage, as far as is known: fewer once it has ended early."""
        return self.index if self.ended else self.stage.steps

    def step(self) -> tuple[int, dict[str, float]]:
        """Read the losses of the leaves, then move them unless this was the last reading.

        Returns:
            How many steps the leaves had behind them when they were read, and their losses.

        Raises:
            BadInput: the loss is no number, and was none at half the learning rate either.
        """
        stage, index = self.stage, self.index
        last = index >= stage.steps
        with torch.inference_mode(False), torch.set_grad_enabled(not last):
            self.optimiser.zero_grad()
            losses = self._read(index, backward=not last)
        total = losses["total"]
        if not math.isfinite(total):
            self._recover(index)
            return index, losses
        if stage.phase(index) != self.phase:
            self.phase, self.lowest = stage.phase(index), math.inf
            tidy(stage.generator.img_resolution)
            self.plateau = Plateau(stage.options.patience)
        with torch.inference_mode(False), torch.no_grad():
            if total < self.lowest:
                self.best, self.lowest, self.best_index = self._copied(), total, index
            self.ended = self._early(losses) or last
            if last and stage.options.stop_at and not self.notes:
                self.notes.append(
                    f"The stage {stage.name!r} did not reach {stage.options.stop_at:g} dB."
                )
            if not self.ended:
                self._move(index)
                self.index += 1
        return index, losses

    def _read(self, index: int, backward: bool) -> dict[str, float]:
        seen: dict[str, float] = {}
        for share, losses in self.stage.losses(index):
            if backward and losses["total"].requires_grad:
                torch.autograd.backward(share * losses["total"].mean())
            for name, value in losses.items():
                mean = float(value.detach().mean())
                seen[name] = seen.get(name, 0.0) + (mean if name == "locality" else share * mean)
        return {name: seen[name] for name in sorted(seen, key=lambda name: name == "total")}

    def _move(self, index: int) -> None:
        options = self.stage.options
        scale = ramp(index, self.stage.steps, options.ramp_up, options.ramp_down)
        for group in self.optimiser.param_groups:
            group["lr"] = group["base"] * scale * (0.5 if self.halved else 1.0)
        self.optimiser.step()
        self.stage.settle()

    def _early(self, losses: dict[str, float]) -> bool:
        options = self.stage.options
        if self.phase != self.stage.phase(self.stage.steps):
            return False  # what is read at half size or with noise is not near yet
        if options.stop_at and losses["pixel"] <= 4 / 10 ** (options.stop_at / 10):
            self.notes.append(f"The stage {self.stage.name!r} reached {options.stop_at:g} dB.")
            return True
        if self.plateau.reached(losses["total"]):
            self.notes.append(
                f"The stage {self.stage.name!r} ended at step {self.index}: "
                f"no gain in {options.patience} steps."
            )
            return True
        return False

    def _recover(self, index: int) -> None:
        """After a loss that is no number: once more from the best, at half the rate."""
        if self.best_index < 0:
            raise BadInput(
                "The loss of the start is no number; choose another start, or smaller weights."
            )
        if self.halved and self.best_index == 0:
            raise BadInput(
                f"The loss became no number at step {index} of the stage {self.stage.name!r}, and "
                f"again at half the learning rate; set a rate below {self._rate():g}."
            )
        if self.halved or index >= self.stage.steps:
            self.ended = True
            self.notes.append(
                f"The stage {self.stage.name!r} became unstable at step {index}; its best is kept."
            )
            return
        self.halved, self.index = True, index + 1
        with torch.inference_mode(False), torch.no_grad():
            for name, leaf in self.stage.leaves.items():
                leaf.copy_(self.best[name])
            self._reset()

    def _rate(self) -> float:
        options = self.stage.options
        rates = {"noise": options.noise.lr, "tune": options.tune.lr}
        return rates.get(self.stage.name, options.lr) / 2

    # -- stopping and going on

    KEPT = ("index", "ended", "lowest", "best_index", "halved", "notes", "plateau", "best", "phase")

    def memory(self) -> Memory:
        """A copy of everything that decides how it goes on."""
        own = {name: getattr(self, name) for name in self.KEPT}
        leaves = {name: leaf.detach() for name, leaf in self.stage.leaves.items()}
        chance = self.stage.rng.get_state()
        own["kept"] = self.stage.kept
        whole = {**own, "leaves": leaves, "adam": self.optimiser.state_dict(), "chance": chance}
        return copy.deepcopy(whole)

    def remember(self, memory: Memory) -> None:
        """Go on where ``memory`` was taken, to the same result as without the stop."""
        memory = copy.deepcopy(memory)
        for name in self.KEPT:
            setattr(self, name, memory[name])
        self.stage.kept = memory["kept"]
        with torch.inference_mode(False), torch.no_grad():
            for name, leaf in self.stage.leaves.items():
                leaf.copy_(memory["leaves"][name])
            self.optimiser.load_state_dict(memory["adam"])
        self.stage.rng.set_state(memory["chance"])
