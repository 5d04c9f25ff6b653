"""What every trainer of a small network shares: schedule, time limit, reports, resumption."""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from training.state import compact, load_state, save_state

REPORT_EVERY = 20  # seconds
SAVE_EVERY = 60  # seconds


@dataclass(frozen=True)
class Plan:
    """How long a network is trained, and how fast it learns."""

    name: str
    pictures: int
    batch: int
    learning_rate: float
    seed: int


def warm_cosine(t: float) -> float:
    """Learning-rate factor at t in 0..1 of the training: a short ramp, then half a cosine."""
    return min(1.0, 0.05 + 30 * t) * (0.5 + 0.5 * math.cos(math.pi * t))


class Loop:
    """Iterates over the steps that are left, each with its random numbers.

    Killed at any moment, the same command goes on at most a minute before::

        loop = Loop(plan, {"net": net, "optimiser": optimiser}, folder, device, minutes)
        for rng in loop:
            ...                       # one step of plan.batch pictures
            loop.report(loss=loss)

    Parts are networks and optimisers; all optimisers follow the plan's learning rate.
    """

    def __init__(
        self,
        plan: Plan,
        parts: Mapping[str, nn.Module | torch.optim.Optimizer],
        folder: Path,
        device: str,
        minutes: float = math.inf,
    ) -> None:
        self.plan, self.parts, self.folder = plan, parts, folder
        self.done, self.seconds = 0, 0.0
        self._limit = time.monotonic() + 60 * minutes
        self._losses: dict[str, Tensor | float] = {}
        if state := load_state(folder, device):
            for name, part in parts.items():
                part.load_state_dict(state[name])
            self.done, self.seconds = state["done"], state.get("seconds", 0.0)

    @property
    def finished(self) -> bool:
        return self.done >= self.plan.pictures

    @property
    def t(self) -> float:
        """How much of the training is done, 0..1."""
        return self.done / self.plan.pictures

    def __iter__(self) -> Iterator[torch.Generator]:
        reported = saved = last = time.monotonic()
        while not self.finished and last < self._limit:
            rate = self.plan.learning_rate * warm_cosine(self.t)
            for part in self.parts.values():
                if isinstance(part, torch.optim.Optimizer):
                    for group in part.param_groups:
                        group["lr"] = rate
            yield torch.Generator().manual_seed(self.plan.seed * 1_000_003 + self.done)
            self.done += self.plan.batch
            now = time.monotonic()
            self.seconds += now - last
            last = now
            if now - reported > REPORT_EVERY:
                self._print()
                reported = now
            if now - saved > SAVE_EVERY:
                self.save()
                saved = now
        self._print()
        self.save()

    def report(self, **losses: Tensor | float) -> None:
        """What this step's losses are; printed now and then."""
        self._losses = losses

    def _print(self) -> None:
        line: dict[str, Any] = {"net": self.plan.name, "done": self.done}
        line |= {
            name: round(float(torch.as_tensor(value).detach()), 4)
            for name, value in self._losses.items()
        }
        print(json.dumps(line | {"minutes": round(self.seconds / 60, 1)}), flush=True)

    def save(self) -> None:
        state: dict[str, Any] = {
            name: compact(
                part.state_dict(), torch.float16 if isinstance(part, nn.Module) else torch.bfloat16
            )
            for name, part in self.parts.items()
        }
        save_state(self.folder, state | {"done": self.done, "seconds": self.seconds})


def parser(description: str | None) -> argparse.ArgumentParser:
    """The flags of every such trainer."""
    flags = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawTextHelpFormatter
    )
    flags.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    flags.add_argument("--minutes", type=float, default=math.inf, help="stop early, resumably")
    flags.add_argument("--state", type=Path, help="where the training state lies")
    return flags
