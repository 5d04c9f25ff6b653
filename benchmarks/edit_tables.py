"""How good a way of editing is: matched amounts, what else moves, and the distance to the truth.

Shared by ``benchmarks.directions`` (our own methods) and ``benchmarks.open_bench`` (anybody's).
Everything is judged by the judge, on latents that nothing was trained on.
"""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from editing.directions.rescoring import background_change
from editing.edits.stack import latent_of, render, state_of
from editing.figures.latex import latex_table
from editing.models.domain import Domain, open_judge
from editing.models.latents import Latent, SeedSpec
from editing.pictures.metrics import feature_distance, unit_features
from training.factors import COUPLINGS, NAMES, coupling_matrix
from training.twin import RenderedTruth

FIRST_SEED = 50_000_000  # latents that nothing was trained or tuned on
PSI = 0.7
AMOUNT = 1.0  # σ of the judge that every method is brought to
TRIES = 3  # secant steps towards it
LONGEST = 8.0  # times the amount asked for: beyond, the method does not carry the attribute
CORRELATED = 0.05  # of the unit normals: below, the world does not couple two factors

Edit = Callable[[Domain, Latent, str, float], Latent]


@dataclass(frozen=True)
class Row:
    """One method on one attribute, at ``AMOUNT`` σ of change; means over the latents."""

    method: str
    attribute: str
    amount: float  # what the method was asked for; nan where it cannot move the attribute
    change: float  # of the attribute, in σ of the judge
    others: float  # root mean square change of all other readings
    uncoupled: float  # the largest mean change of one that the world does not couple, in σ
    worst: str  # its name
    identity: float  # 1 − cosine; nan where the domain has no identity network
    perceptual: float
    background: float  # mean change of a pixel behind the portrait, 0..1
    twin_readings: float  # distance to the truth in the judge's readings, σ
    twin_pixels: float  # |edit's change − true change| / |true change|, absolute values
    milliseconds: float  # of one edit, without drawing


def latents(domain: Domain, count: int) -> list[Latent]:
    """Latents of seeds that nothing was trained on."""
    seeds = range(FIRST_SEED, FIRST_SEED + count)
    return [latent_of(state_of(SeedSpec(seed, PSI), domain), domain) for seed in seeds]


def apart(attribute: str) -> list[str]:
    """The factors that the world neither couples nor correlates with this one."""
    matrix = coupling_matrix()
    row = (matrix @ matrix.T)[NAMES.index(attribute)]
    listed = {pair for cause, effect, _ in COUPLINGS for pair in ((cause, effect), (effect, cause))}
    return [
        name
        for name, value in zip(NAMES, row.tolist(), strict=True)
        if abs(value) < CORRELATED and (attribute, name) not in listed and name != attribute
    ]


@torch.no_grad()
def pictures(domain: Domain, of: Iterable[Latent]) -> Tensor:
    """The canonical pictures of latents, [N, 3, R, R] in [-1, 1]."""
    drawn = [render(state_of(latent, domain), domain) for latent in of]
    return torch.cat(drawn).clamp(-1, 1)


@dataclass(frozen=True, eq=False)
class Ground:
    """The unedited latents, their pictures and readings, and the truth about them."""

    latents: list[Latent]
    pictures: Tensor
    readings: Tensor  # of the judge, [N, F]
    as_read: list[dict[str, float]]  # of the scorer, which the twins are drawn from
    truth: RenderedTruth | None


@torch.no_grad()
def ground(domain: Domain, count: int) -> Ground:
    """What every method starts from."""
    before = latents(domain, count)
    drawn = pictures(domain, before)
    scored = domain.scorer(drawn)
    names = domain.scorer.outputs
    as_read = [dict(zip(names, row, strict=True)) for row in scored.tolist()]
    truth = RenderedTruth(domain.resolution, compiled=True) if domain.name == "portraits" else None
    return Ground(before, drawn, open_judge(domain)(drawn), as_read, truth)


@torch.no_grad()
def measure(domain: Domain, edit: Edit, method: str, attribute: str, base: Ground) -> Row:
    """One row: the amount is searched that changes the judge's reading by ``AMOUNT`` on average."""
    judge = open_judge(domain)
    own = judge.outputs.index(attribute)
    amount, best = AMOUNT, None
    for _ in range(TRIES):
        began = time.perf_counter()
        edited = [edit(domain, latent, attribute, amount) for latent in base.latents]
        seconds = (time.perf_counter() - began) / len(edited)
        after = pictures(domain, edited)
        change = judge(after) - base.readings
        got = float(change[:, own].mean())
        if best is None or abs(got - AMOUNT) < abs(best[3] - AMOUNT):
            best = (amount, after, change, got, seconds)
        if got <= 0.02 or amount * AMOUNT / got > LONGEST or abs(got - AMOUNT) < 0.02:
            break
        amount *= AMOUNT / got
    assert best is not None
    amount, after, change, got, seconds = best
    carried = abs(got - AMOUNT) < 0.3 * AMOUNT
    others = torch.cat([change[:, :own], change[:, own + 1 :]], dim=1)
    known = [name for name in apart(attribute) if name in judge.outputs]
    uncoupled = {name: float(change[:, judge.outputs.index(name)].mean()) for name in known}
    worst = max(uncoupled, key=lambda name: abs(uncoupled[name]), default="–")
    twin = twin_distance(domain, attribute, base, after, change)
    return Row(
        method,
        attribute,
        amount if carried else math.nan,
        got,
        float(others.square().mean().sqrt()),
        uncoupled.get(worst, math.nan),
        worst,
        _identity(domain, base.pictures, after),
        _perceptual(domain, base.pictures, after),
        float(background_change(base.pictures, after).mean()),
        *twin,
        1000 * seconds,
    )


def twin_distance(
    domain: Domain, attribute: str, base: Ground, after: Tensor, change: Tensor
) -> tuple[float, float]:
    """Distance of the edits' changes to the renderer's own: (in readings, in pixels).

    For every latent the renderer draws the readings of its picture, once as they are and once with
    the attribute ``AMOUNT`` σ higher; what that changes is what the edit should have changed.
    """
    if base.truth is None or attribute not in base.truth.names:
        return math.nan, math.nan
    judge = open_judge(domain)
    in_readings, in_pixels = [], []
    for index, readings in enumerate(base.as_read):
        wanted = {**readings, attribute: readings[attribute] + AMOUNT}
        twins = torch.cat([base.truth.draw(readings), base.truth.draw(wanted)])
        true = judge(twins)
        in_readings.append((change[index] - (true[1] - true[0])).square().mean().sqrt())
        should = twins[1] - twins[0]
        did = after[index] - base.pictures[index]
        in_pixels.append((did - should).abs().mean() / should.abs().mean().clamp_min(1e-4))
    return float(torch.stack(in_readings).mean()), float(torch.stack(in_pixels).median())


def _identity(domain: Domain, a: Tensor, b: Tensor) -> float:
    if domain.identity is None:
        return math.nan
    return float(1 - functional.cosine_similarity(domain.identity(a), domain.identity(b)).mean())


def _perceptual(domain: Domain, a: Tensor, b: Tensor) -> float:
    pairs = zip(torch.split(a, 25), torch.split(b, 25), strict=True)
    distances = [
        feature_distance(unit_features(domain.perceptual, x), unit_features(domain.perceptual, y))
        for x, y in pairs
    ]
    return float(torch.cat(distances).mean())


# -- tables


def cells(row: object) -> dict[str, str]:
    """A dataclass as words: floats with three digits, nan as a dash."""
    found = {}
    for field in fields(row):  # type: ignore[arg-type]
        value = getattr(row, field.name)
        if isinstance(value, float):
            value = "–" if math.isnan(value) else f"{value:.3f}"
        found[field.name] = str(value)
    return found


def print_rows(title: str, rows: Sequence[Mapping[str, str]]) -> None:
    """A table on stdout."""
    from benchmarks.browser import print_table

    print(f"\n{title}")
    if rows:
        header = [name.replace("_", " ") for name in rows[0]]
        print_table(header, [list(row.values()) for row in rows])


def write_csv(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_latex(path: Path, rows: Sequence[Mapping[str, str]], caption: str) -> None:
    """A booktabs table."""
    path.write_text(latex_table(rows, caption), encoding="utf-8")
