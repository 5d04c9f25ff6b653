"""What a move really changes: the rescoring table, safe ranges, layer ranges, row by row.

InterFaceGAN measures a boundary by scoring the moved pictures again (its section 4.3). Here the
same is done for every attribute the scorer knows, with identity and background beside them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from editing.directions.direction import Direction, move
from editing.directions.samples import BATCH, draw, draw_ws, output_of, read
from editing.errors import BadInput
from editing.models.domain import Domain
from editing.models.networks.picture_nets import PictureNet
from editing.pictures.metrics import feature_distance, unit_features

FIRST_SEED = 30_000_000  # of the latents that are edited: not those that boundaries are trained on
PSI = 0.7
ALPHAS = tuple(range(-6, 7))  # steps at which the safe range is looked for
STALLED = 0.25  # of the slope around 0: a step that gains less follows no more
LONGEST = 100.0  # alpha of a search for layers
CORNER = 8  # the background is measured in corners of an eighth of the picture


def check_w(*directions: Direction) -> None:
    """Refuse directions of Z: what is measured here moves ws, and many of them have no z."""
    for direction in directions:
        if direction.space != "w":
            raise BadInput(
                f"{direction.name} is a direction of Z, and only moves in W can be measured here; "
                "take one of W."
            )


@dataclass(frozen=True, eq=False)
class Effect:
    """What one step along a direction changes, mean over some latents."""

    name: str
    change: Mapping[str, float]  # attribute -> change of the reading, in σ of the world
    identity: float | None  # 1 − cosine of the identity network; None = the domain has none
    perceptual: float  # mean squared difference where the domain has no perceptual network
    background: float  # mean |difference| in the top corners, 0..1 of the range of a pixel

    def worst(self, own: str, apart: Sequence[str] = ()) -> tuple[str, float]:
        """The other attribute that changes most, those in ``apart`` left out."""
        others = {n: v for n, v in self.change.items() if n != own and n not in apart}
        name = max(others, key=lambda n: abs(others[n]))
        return name, others[name]


def trial_ws(domain: Domain, count: int, psi: float = PSI) -> Tensor:
    """Latents to try edits on, [count, num_ws, w_dim]: seeds that nothing is trained on."""
    if count < 1:
        raise BadInput(f"{count} latents show nothing; take 1 or more, usually 50.")
    return draw_ws(domain, range(FIRST_SEED, FIRST_SEED + count), psi)


def rescore(
    domain: Domain,
    directions: Sequence[Direction],
    ws: Tensor,
    net: PictureNet | None = None,
    alpha: float = 1.0,
) -> Iterator[Effect]:
    """One ``Effect`` per direction: half the difference between alpha and −alpha, per step.

    Args:
        ws: [N, num_ws, w_dim].
        net: reads the pictures; None = the domain's scorer.

    Raises:
        BadInput: a direction of Z, or an impossible alpha.
    """
    check_w(*directions)
    net = net or domain.scorer
    if not 0 < alpha <= 100:
        raise BadInput(f"A rescoring step of {alpha} is not possible; choose from 0 to 100.")
    for direction in directions:
        up, down = (move(ws, direction, sign * alpha) for sign in (1, -1))
        change = (read(domain, up, net) - read(domain, down, net)).mean(0) / (2 * alpha)
        distances = apartness(domain, ws, up)
        yield Effect(
            direction.name,
            dict(zip(net.outputs, change.tolist(), strict=True)),
            None if distances.identity is None else float(distances.identity.mean()),
            float(distances.perceptual.mean()),
            float(distances.background.mean()),
        )


@dataclass(frozen=True, eq=False)
class Apartness:
    """How far edited pictures are from the unedited ones, [N] each."""

    identity: Tensor | None
    perceptual: Tensor
    background: Tensor


def apartness(domain: Domain, ws: Tensor, moved: Tensor) -> Apartness:
    """Distances between the pictures of two sets of latents [N, num_ws, w_dim]."""
    pairs = zip(torch.split(ws, BATCH), torch.split(moved, BATCH), strict=True)
    parts = [picture_apartness(domain, draw(domain, a), draw(domain, b)) for a, b in pairs]
    identities = [part.identity for part in parts if part.identity is not None]
    return Apartness(
        torch.cat(identities) if identities else None,
        torch.cat([part.perceptual for part in parts]),
        torch.cat([part.background for part in parts]),
    )


@torch.no_grad()
def picture_apartness(domain: Domain, a: Tensor, b: Tensor) -> Apartness:
    """Distances between pictures [N, 3, R, R], on the CPU."""
    identity = None
    if domain.identity is not None:
        cosine = functional.cosine_similarity(domain.identity(a), domain.identity(b))
        identity = (1 - cosine).cpu()
    if "perceptual" in domain.parts:
        taps = [unit_features(domain.perceptual, picture) for picture in (a, b)]
        perceptual = feature_distance(*taps).cpu()
    else:
        perceptual = (a - b).square().mean((1, 2, 3)).cpu()
    return Apartness(identity, perceptual, background_change(a, b).cpu())


def background_change(a: Tensor, b: Tensor) -> Tensor:
    """Mean |difference| of the two top corners, [N], 0..1: what a portrait has behind it."""
    side = max(a.shape[-1] // CORNER, 1)
    change = (a.float() - b.float()).abs()[:, :, :side] / 2
    return torch.cat([change[..., :side], change[..., -side:]], dim=-1).mean((1, 2, 3))


# -- how far


def safe_range(
    domain: Domain,
    direction: Direction,
    attribute: str,
    ws: Tensor,
    net: PictureNet | None = None,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[float, float]:
    """alpha from and to, between which the reading of ``attribute`` follows every step.

    The mean reading over ws is taken at every alpha of ``ALPHAS``; outwards from 0, the range ends
    before the first step that gains less than ``STALLED`` of what the steps around 0 gain.

    Raises:
        BadInput: a direction of Z.
    """
    check_w(direction)
    net = net or domain.scorer
    own = output_of(net, attribute)
    mean = []
    for alpha in ALPHAS:
        mean.append(float(read(domain, move(ws, direction, alpha), net)[:, own].mean()))
        report(len(mean), len(ALPHAS))
    middle = ALPHAS.index(0)
    least = STALLED * (mean[middle + 1] - mean[middle - 1]) / 2
    return (
        float(-reach([mean[middle - i] for i in range(middle + 1)], -least)),
        float(reach(mean[middle:], least)),
    )


def reach(readings: Sequence[float], least: float) -> int:
    """Steps until one changes the reading by less than ``least`` (of its sign); at least 1."""
    for step, (here, there) in enumerate(zip(readings, readings[1:], strict=False)):
        if (there - here) * (1 if least > 0 else -1) < abs(least):
            return max(step, 1)
    return len(readings) - 1


# -- which layers


@dataclass(frozen=True)
class LayerChoice:
    """A range of rows, and what it costs to change the attribute as much as all rows do."""

    layers: tuple[int, ...]
    alpha: float  # that changes the attribute by ``amount``
    cost: float  # identity distance there (perceptual where the domain has no identity network)
    others: float  # root mean square change of the other readings there, in σ


def find_layers(
    domain: Domain,
    direction: Direction,
    attribute: str,
    ws: Tensor,
    amount: float = 1.0,
    net: PictureNet | None = None,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> list[LayerChoice]:
    """Ranges of neighbouring rows that move ``attribute`` by ``amount`` σ, cheapest first.

    All rows stand among them. Ranges that need more than three times the alpha of all rows are
    left out: they hardly carry the attribute.

    Raises:
        BadInput: a direction of Z, or one that does not move the attribute at all.
    """
    check_w(direction)
    search = _Search(domain, direction, attribute, ws, amount, net or domain.scorer)
    num_ws = ws.shape[1]
    whole = tuple(range(num_ws))
    ranges = [tuple(range(a, b)) for a in range(num_ws) for b in range(a + 1, num_ws + 1)]
    limit = 3 * abs(search.alpha(whole))
    if not math.isfinite(limit):
        raise BadInput(
            f"{direction.name} does not move {attribute} by {amount:g} σ, on any layers; "
            "take another direction or a smaller amount."
        )
    found = []
    for index, layers in enumerate(ranges):
        alpha = search.alpha(layers, limit)
        if abs(alpha) <= limit:
            found.append(search.choice(layers, alpha))
        report(index + 1, len(ranges))
    return sorted(found, key=lambda choice: choice.cost)


class _Search:
    """What ``find_layers`` measures again and again."""

    def __init__(
        self,
        domain: Domain,
        direction: Direction,
        attribute: str,
        ws: Tensor,
        amount: float,
        net: PictureNet,
    ) -> None:
        self.domain, self.direction, self.ws, self.amount = domain, direction, ws, amount
        self.net, self.own = net, output_of(net, attribute)
        self.pictures = self._draw(ws)
        self.readings = self._read(self.pictures)

    def _draw(self, ws: Tensor) -> Tensor:
        return torch.cat([draw(self.domain, part) for part in torch.split(ws, BATCH)])

    @torch.no_grad()
    def _read(self, pictures: Tensor) -> Tensor:
        return torch.cat([self.net(part).float() for part in torch.split(pictures, BATCH)])

    def alpha(self, layers: tuple[int, ...], limit: float = LONGEST) -> float:
        """The alpha that changes the attribute by the amount on average (two secant steps)."""
        alpha = 1.0
        for _ in range(2):
            moved = self._draw(move(self.ws, self.direction, alpha, layers))
            got = float((self._read(moved) - self.readings)[:, self.own].mean())
            alpha = alpha * self.amount / got if got else math.inf
            if abs(alpha) > limit:
                return math.inf
        return alpha

    def choice(self, layers: tuple[int, ...], alpha: float) -> LayerChoice:
        """What the range costs at that alpha."""
        moved = self._draw(move(self.ws, self.direction, alpha, layers))
        distances = picture_apartness(self.domain, self.pictures, moved)
        cost = distances.perceptual if distances.identity is None else distances.identity
        change = (self._read(moved) - self.readings).mean(0)
        others = torch.cat([change[: self.own], change[self.own + 1 :]])
        return LayerChoice(layers, alpha, float(cost.mean()), float(others.square().mean().sqrt()))


# -- row by row


@dataclass(frozen=True)
class RowEffect:
    """What a move changes when only one row of ws takes part."""

    row: int
    picture: float  # mean |difference| over the picture, 0..1 of the range of a pixel
    background: float  # the same in the top corners
    change: float | None  # of the attribute's reading, in σ; None = nothing reads it


def by_row(
    domain: Domain, direction: Direction, ws: Tensor, alpha: float, attribute: str = ""
) -> Iterator[RowEffect]:
    """One ``RowEffect`` for every row of ws [N, num_ws, w_dim].

    Raises:
        BadInput: a direction of Z.
    """
    check_w(direction)
    net = domain.scorer if "scorer" in domain.parts else None
    reads = net is not None and attribute in net.outputs
    before = draw(domain, ws)

    def reading(img: Tensor) -> float:
        assert net is not None
        with torch.no_grad():
            return float(net(img)[:, net.outputs.index(attribute)].mean())

    for row in range(ws.shape[1]):
        after = draw(domain, move(ws, direction, alpha, (row,)))
        yield RowEffect(
            row,
            float((after - before).abs().mean() / 2),
            float(background_change(before, after).mean()),
            reading(after) - reading(before) if reads else None,
        )
