"""Latent mappers: small networks that move any latent so that its picture shows a text.

(Patashnik et al. 2021, "StyleCLIP", section 5.) One network of four layers for each of the coarse,
middle and fine rows of ws; trained once per text, on samples of the generator alone:

    loss = 1 − E(G(w + M(w))) · Δt/‖Δt‖ + λ_l2 ‖M(w)‖² + λ_id (1 − cos identity)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from editing.domains import Domain
from editing.edits import Move
from editing.errors import BadInput, EditingError, UnknownName, UnsafeFile
from editing.generator import Generator
from editing.latents import DEFAULT_PSI
from editing.layers import layer_groups
from editing.mapping import truncate
from editing.networks import FullyConnected
from editing.samples import draw
from editing.templates import neutral_for
from editing.tensors import read_tensors, write_tensors
from editing.text import TextEdit, wanted_direction
from editing.text_descent import offset_move
from editing.whitening import whitening

FORMAT, UNFINISHED = "latent-studio latent mapper 1", "latent-studio unfinished mapper 1"
DEPTH = 4
SAVE_EVERY = 20  # steps


@dataclass(frozen=True)
class MapperOptions:
    """How to train.

    groups: rows that move: some of coarse, middle, fine; () = all.
    l2: weight of the squared change in standard deviations of W, per row and entry.
    identity: weight of the identity loss, where the domain has such a network.
    """

    steps: int = 300
    batch: int = 4
    lr: float = 2e-3
    l2: float = 0.8
    identity: float = 0.1
    groups: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        if not (1 <= self.steps <= 100_000 and 1 <= self.batch <= 64):
            raise BadInput(
                f"{self.steps} steps of {self.batch} are not possible; use 1 to 100000 of 1 to 64."
            )
        if not (0 < self.lr <= 1 and 0 <= self.l2 <= 1000 and 0 <= self.identity <= 1000):
            raise BadInput(
                f"lr {self.lr}, l2 {self.l2}, identity {self.identity}: use 0.002, 0.8, 0.1."
            )


class LatentMapper(nn.Module):
    """ws [N, num_ws, w_dim] -> what to add to them, of the same shape.

    Args:
        groups: name -> rows that its network moves; other rows stay.
        w_avg, w_std: where W lies and how wide, so that the networks see about N(0, 1).
    """

    w_avg: Tensor
    w_std: Tensor

    def __init__(
        self, groups: dict[str, tuple[int, ...]], w_dim: int, w_avg: Tensor, w_std: float
    ) -> None:
        super().__init__()
        self.groups = groups
        for name in groups:
            layers = [FullyConnected(w_dim, w_dim, "lrelu") for _ in range(DEPTH - 1)]
            last = FullyConnected(w_dim, w_dim)
            nn.init.zeros_(last.weight)  # nothing moves at first
            self.add_module(name, nn.Sequential(*layers, last))
        self.register_buffer("w_avg", w_avg.clone())
        self.register_buffer("w_std", torch.tensor(w_std))

    def forward(self, ws: Tensor) -> Tensor:
        offset = torch.zeros_like(ws)
        seen = (ws - self.w_avg) / self.w_std
        for name, rows in self.groups.items():
            offset[:, list(rows)] = self.get_submodule(name)(seen[:, list(rows)]) * self.w_std
        return offset


@dataclass(frozen=True, eq=False)
class TrainedMapper:
    """A mapper and what it is for."""

    net: LatentMapper
    target: str
    neutral: str
    fingerprint: str  # of the generator

    def move(self, ws: Tensor, alpha: float = 1.0) -> Move:
        """What it does to one latent [1, num_ws, w_dim], as an edit of the stack."""
        with torch.no_grad(), torch.inference_mode(False):
            offset = self.net(ws.detach().to(self.net.w_avg.device).clone())[0]
        return offset_move(self.target, offset, alpha)


@dataclass(frozen=True, eq=False)
class TrainingStep:
    """How far a training is; the last one has the mapper."""

    done: int
    total: int
    losses: dict[str, float]
    mapper: TrainedMapper | None = None


def new_mapper(generator: Generator, groups: Sequence[str] = (), seed: int = 0) -> LatentMapper:
    """An untrained mapper for a generator.

    Raises:
        UnknownName: a group that it does not have.
    """
    known = layer_groups(generator)
    for name in groups:
        if name not in known:
            raise UnknownName.among("group of layers", name, known)
    chosen = {name: rows for name, rows in known.items() if name in (groups or known)}
    w_avg = generator.mapping.w_avg.detach()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = LatentMapper(chosen, generator.w_dim, w_avg, whitening(generator).w_std)
    return net.to(w_avg.device)


def train_mapper(
    domain: Domain,
    target: str,
    neutral: str = "",
    options: MapperOptions = MapperOptions(),
    state: Path | None = None,
) -> Iterator[TrainingStep]:
    """Train a mapper for a text; yields after every step, at last with it.

    Args:
        state: kept every few steps; a training that finds one there goes on with it. The caller
            removes it once the mapper is kept.

    Raises:
        BadInput: texts that cannot be told apart or read, or a state of another training.
        MissingFile: the domain has no text-image model.
    """
    neutral = neutral or neutral_for(target)
    dt = wanted_direction(domain, TextEdit(target, 1.0, neutral))
    with torch.inference_mode(False):
        net = new_mapper(domain.generator, options.groups, options.seed)
        optimiser = torch.optim.Adam(net.parameters(), lr=options.lr, betas=(0.9, 0.99))
    facts = {"generator": domain.fingerprint, "clip": domain.clip.fingerprint, "target": target,
             "neutral": neutral, "groups": list(net.groups), "batch": options.batch,
             "lr": options.lr, "l2": options.l2, "identity": options.identity,
             "seed": options.seed}  # fmt: skip
    done = _restore(net, optimiser, state, facts) if state is not None and state.is_file() else 0
    while done < options.steps:
        losses = _step(domain, net, optimiser, dt, options, done)
        done += 1
        if state is not None and (done % SAVE_EVERY == 0 or done == options.steps):
            write_tensors(state, _tensors(net, optimiser), UNFINISHED, {**facts, "done": done})
        yield TrainingStep(done, options.steps, losses)
    trained = TrainedMapper(net.eval().requires_grad_(False), target, neutral, domain.fingerprint)
    yield TrainingStep(done, options.steps, {}, trained)


def _step(
    domain: Domain,
    net: LatentMapper,
    optimiser: torch.optim.Optimizer,
    dt: Tensor,
    options: MapperOptions,
    number: int,
) -> dict[str, float]:
    ws = _samples(domain, options.batch, options.seed + 1 + number)
    with torch.inference_mode(False), torch.enable_grad():
        offset = net(ws)
        img = domain.generator.synthesis(ws + offset)
        losses = {
            "text": 1 - (domain.clip.encode_pictures(img) @ dt).mean(),
            "l2": (offset / net.w_std).square().mean(),
        }
        total = losses["text"] + options.l2 * losses["l2"]
        if domain.identity is not None and options.identity:
            with torch.no_grad():
                before = domain.identity(draw(domain, ws, fast=False))
            same = F.cosine_similarity(domain.identity(img), before).mean()
            losses["identity"] = 1 - same
            total = total + options.identity * losses["identity"]
        optimiser.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return {name: float(value.detach()) for name, value in losses.items()}


@torch.no_grad()
def _samples(domain: Domain, count: int, seed: int) -> Tensor:
    """ws of one step, [count, num_ws, w_dim]; another seed, other people."""
    generator = domain.generator
    z = np.random.RandomState(seed).randn(count, generator.z_dim).astype(np.float32)
    with torch.inference_mode(False):
        latents = torch.from_numpy(z).to(domain.device)
        ws: Tensor = generator.mapping(latents)
        return truncate(ws, generator.mapping.w_avg, DEFAULT_PSI)


def _tensors(net: LatentMapper, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Weights, and Adam's two moments of each."""
    found: dict[str, Tensor] = {f"net.{name}": p for name, p in net.named_parameters()}
    for name, parameter in net.named_parameters():
        for key in ("exp_avg", "exp_avg_sq", "step"):
            found[f"{key}.{name}"] = optimiser.state[parameter][key]
    return found


def _restore(
    net: LatentMapper, optimiser: torch.optim.Optimizer, state: Path, facts: dict[str, object]
) -> int:
    try:
        tensors, found = read_tensors(state, UNFINISHED)
        done = int(found.pop("done"))
        if found != facts:
            raise BadInput("")
        with torch.inference_mode(False), torch.no_grad():
            for name, parameter in net.named_parameters():
                parameter.copy_(tensors[f"net.{name}"])
                optimiser.state[parameter] = {
                    key: tensors[f"{key}.{name}"].to(parameter if key != "step" else "cpu")
                    for key in ("step", "exp_avg", "exp_avg_sq")
                }
    except (EditingError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise BadInput(
            f"{state} is no unfinished training of this mapper; delete it to begin anew."
        ) from error
    return done


def save_mapper(path: Path | str, mapper: TrainedMapper) -> None:
    """Write a safetensors file, weights as float16.

    Raises:
        CannotWrite: folder or disk refuse.
    """
    facts = {"target": mapper.target, "neutral": mapper.neutral,
             "fingerprint": mapper.fingerprint, "groups": list(mapper.net.groups)}  # fmt: skip
    write_tensors(path, dict(mapper.net.named_parameters()), FORMAT, facts, half=True)


def load_mapper(path: Path | str, domain: Domain) -> TrainedMapper:
    """Read a file of ``save_mapper``.

    Raises:
        MissingFile, UnsafeFile: it is not there, or no mapper.
        BadInput: it was trained on another generator.
    """
    tensors, facts = read_tensors(path, FORMAT)
    if facts.get("fingerprint") != domain.fingerprint:
        raise BadInput(
            f"{path} was trained on the generator {facts.get('fingerprint')}, but {domain.name} "
            f"has {domain.fingerprint}; train one for it with 'mapper train'."
        )
    try:
        with torch.inference_mode(False):
            net = new_mapper(domain.generator, tuple(facts["groups"]))
            net.load_state_dict({**tensors, "w_avg": net.w_avg, "w_std": net.w_std})
        texts = str(facts["target"]), str(facts["neutral"])
    except (KeyError, TypeError, RuntimeError) as error:
        raise UnsafeFile(f"{path} is damaged; train the mapper again.") from error
    return TrainedMapper(net.eval().requires_grad_(False), *texts, domain.fingerprint)
