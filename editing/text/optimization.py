"""CLIP-guided optimisation: a latent, or styles, moved until a CLIP sees a text in the picture.

    loss = 1 − E(G(w + δ)) · Δt/‖Δt‖ + λ_l2 ‖δ‖² + λ_id (1 − cos identity)

(Patashnik et al. 2021, "StyleCLIP", section 4, whose loss looks at the target text alone; the way
from the neutral text leaves out what both say.) What is found becomes an edit like any other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from editing.directions.direction import Direction
from editing.directions.stylespace import statistics_of
from editing.edits.stack import Move, drawn, render
from editing.errors import BadInput, UnknownName
from editing.inversion.losses import Goal
from editing.inversion.optimizer import Descent
from editing.inversion.options import NOTHING, InversionOptions
from editing.inversion.stages import Leaves, Point, Stage
from editing.models.domain import Domain, has_fast_bf16
from editing.models.generators.layers import rows_by_layer
from editing.models.networks.prompts import neutral_for
from editing.models.states import EditState
from editing.models.whitening import whitening
from editing.text.edit import TextEdit, sparse, step_of, wanted_direction
from editing.text.table import default_layers

SPACES = ("w+", "s")
MAX_STEPS = 2_000
CROP = 0.12  # of the side, that a second look may leave out: what both see is no accident of pixels
SMALLEST = 1e-3  # σ: channels that moved less stay where they were


@dataclass(frozen=True)
class DescentOptions:
    """How to search.

    space: one of ``SPACES``.
    lr: Adam's, in standard deviations (of W, or of each channel).
    l2: weight of the squared length of the change in standard deviations, per row of ws.
    identity: weight of 1 − cosine of the identity network, where the domain has one.
    layers: rows of ws that may move; None = all.
    """

    space: str = "w+"
    steps: int = 60
    lr: float = 0.05
    l2: float = 0.008
    identity: float = 0.05
    layers: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.space not in SPACES:
            raise UnknownName.among("space", self.space, SPACES)
        if not 1 <= self.steps <= MAX_STEPS:
            raise BadInput(f"{self.steps} steps are not possible; choose from 1 to {MAX_STEPS}.")
        if not (0 < self.lr <= 10 and 0 <= self.l2 <= 1000 and 0 <= self.identity <= 1000):
            raise BadInput(
                f"lr {self.lr}, l2 {self.l2} and identity {self.identity} are not possible; use "
                "positive numbers such as 0.05, 0.008 and 0.05."
            )


@dataclass(frozen=True, eq=False)
class DescentStep:
    """Where a search stands; usable at once."""

    index: int
    total: int
    losses: Mapping[str, float]
    left: float  # seconds
    find: Callable[[], Move | TextEdit] = field(repr=False)  # the best so far, as an edit
    done: bool = False


def descend(
    domain: Domain,
    state: EditState,
    target: str,
    neutral: str = "",
    options: DescentOptions = DescentOptions(),
    seed: int = 0,
) -> Iterator[DescentStep]:
    """Search a change of ``state`` that shows the text; yields after every step.

    Not asking for more ends the search; the edit of the last step is the best so far.

    Raises:
        BadInput: texts that cannot be told apart or read, rows that do not exist.
        MissingFile: the domain has no text-image model.
    """
    edit = TextEdit(target, 1.0, neutral or neutral_for(target), method="optimize")
    stage = TextStage(domain, state, edit, options, torch.Generator().manual_seed(seed))
    descent, began = Descent(stage), time.monotonic()
    while not descent.ended:
        index, losses = descent.step()
        each = (time.monotonic() - began) / (index + 1)
        yield DescentStep(
            index,
            options.steps,
            losses,
            each * (options.steps - index),
            lambda: stage.edit(descent.best),
            descent.ended,
        )


class TextStage(Stage):
    """The change of a latent or of styles, in standard deviations."""

    name = "text"

    def __init__(
        self,
        domain: Domain,
        state: EditState,
        edit: TextEdit,
        options: DescentOptions,
        rng: torch.Generator,
    ) -> None:
        identity = options.identity if "identity" in domain.parts else 0.0
        weights = replace(NOTHING, identity=identity)
        search = InversionOptions("text", steps=options.steps, lr=options.lr, weights=weights)
        state = replace(state, composites=())
        goal = Goal(render(state, domain).clamp(-1, 1), domain, weights)
        super().__init__(goal, search, rng)
        self.domain, self.edit_of, self.own = domain, edit, options
        self.steps, self.lr = options.steps, options.lr
        self.dt = wanted_direction(domain, edit)
        ws = state.ws.detach().to(domain.device).clone()
        self.state = replace(state, ws=ws)
        rows = range(ws.shape[1]) if options.layers is None else options.layers
        if not all(0 <= row < ws.shape[1] for row in rows):
            raise BadInput(
                f"The layers {list(rows)} do not all exist; rows go from 0 to {ws.shape[1] - 1}."
            )
        self.leaves: Leaves
        if options.space == "w+":
            self.unit = whitening(domain.generator).w_std
            self.moving = torch.zeros(1, ws.shape[1], 1, device=ws.device)
            self.moving[:, list(rows)] = 1
            self.leaves = {"ws": torch.zeros_like(ws)}
        else:
            row_of = rows_by_layer(domain.generator)
            names = [name for name in default_layers(domain) if row_of[name] in rows]
            self.std = {n: statistics_of(domain).std[n].to(domain.device) for n in names}
            self.leaves = {name: torch.zeros_like(std) for name, std in self.std.items()}

    def moved(self, leaves: Leaves) -> EditState:
        """The state that the leaves stand for; differentiable."""
        if "ws" in leaves:
            step = leaves["ws"] * self.moving * self.unit
            return replace(self.state, ws=self.state.ws + step)
        s_delta = dict(self.state.s_delta)
        for layer, leaf in leaves.items():
            step = leaf * self.std[layer]
            s_delta[layer] = step + s_delta[layer].to(step) if layer in s_delta else step
        return replace(self.state, s_delta=s_delta)

    def point(self, leaves: Leaves) -> Point:
        return Point(self.moved(leaves).ws)

    def losses(self, index: int) -> Iterator[tuple[float, dict[str, Tensor]]]:
        kind = self.dt.device.type
        with torch.autocast(kind, torch.bfloat16, enabled=has_fast_bf16(kind)):
            img = drawn(self.moved(self.leaves), self.domain).float()
        clip = self.domain.clip
        looks = [clip.encode_pictures(look) for look in (img, self._cropped(img))]
        text = 1 - torch.stack([look @ self.dt for look in looks]).mean(0)
        parts = self.leaves.values()
        square = torch.stack([leaf.square().sum() for leaf in parts]).sum()[None]
        l2 = square / self.domain.generator.num_ws
        losses = {"text": text, "l2": l2, **self.goal.picture_losses(img)}
        total = text + self.own.l2 * l2
        if "identity" in losses:
            total = total + self.own.identity * losses["identity"]
        yield 1.0, {**losses, "total": total}

    def _cropped(self, img: Tensor) -> Tensor:
        side = img.shape[-1]
        most = max(int(CROP * side), 1)
        left, top, less = torch.randint(0, most + 1, (3,), generator=self.rng).tolist()
        size = side - max(less, left, top)
        return img[..., top : top + size, left : left + size]

    def edit(self, leaves: Leaves) -> Move | TextEdit:
        """The change as an edit of the stack."""
        if "ws" in leaves:
            return offset_move(self.edit_of.target, (leaves["ws"] * self.moving * self.unit)[0])
        weights = {
            layer: torch.where(leaf.abs() >= SMALLEST, leaf, 0).detach().cpu()
            for layer, leaf in leaves.items()
        }
        std = {layer: values.cpu() for layer, values in self.std.items()}
        return replace(self.edit_of, change=sparse({}) if not weights else step_of(weights, std))


def offset_move(name: str, offset: Tensor, alpha: float = 1.0) -> Move:
    """The move that adds ``offset`` [num_ws, w_dim] to ws when alpha is 1."""
    offset = offset.detach().float().cpu()
    lengths = offset.norm(dim=1)
    still = lengths < 1e-9  # rows that stay need some unit vector
    vectors = offset / lengths.clamp_min(1e-9)[:, None]
    vectors[still] = torch.nn.functional.one_hot(torch.tensor(0), offset.shape[1]).float()
    strengths = tuple(torch.where(still, 0, lengths).tolist())
    return Move(name, alpha, own=(Direction(name, vectors, strengths=strengths),))
