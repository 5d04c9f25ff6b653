"""How good text edits are: every prompt, every method, beside the boundary, at equal change.

    python -m benchmarks.text_edits [--count 50] [--optimised 5] [--prompts 24] [--out FOLDER]

The prompts are those of ``benchmarks.text_prompts``. Portraits are held-out latents that lack the
attribute and have room for it in the world; each is moved, by bisection of alpha, until the scorer
reads 1.5 σ more. Then the judge reads what really changed. Search by text follows.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.edit_tables import apart, cells, print_rows, write_csv, write_latex
from benchmarks.text_prompts import EDITS, SEARCHES, Prompt
from editing.directions.direction import boundary, move
from editing.directions.samples import draw, draw_ws, read
from editing.edits.stack import Move
from editing.errors import BadInput
from editing.figures.matching import bisection, settled
from editing.models.domain import Domain, open_domain, open_judge
from editing.models.generators.layers import style_widths
from editing.models.latents import Latent
from editing.models.states import state_of
from editing.text.edit import TextEdit, best_method
from editing.text.optimization import DescentOptions, descend
from editing.text.search import rank, see_seeds
from training.factors import NAMES, world_spread

FIRST_SEED = 80_000_000  # latents that nothing was trained or tuned on
PSI = 0.7
AMOUNT = 1.5  # σ of the scorer that every portrait is moved by
REACHED = 0.15  # σ that a portrait may miss that by
MOST_ALPHA = 20.0
LOOKED_AT = 40  # times the count: latents among which those that lack the attribute are
BATCH = 10
HIT = 0.5  # σ of the judge from which a found portrait shows what was searched for
SEEDS, TOP = 1_000, 10

Change = Callable[[Tensor, Tensor], Tensor]  # ws [N, ...], alphas [N] -> pictures [N, 3, R, R]


@dataclass(frozen=True)
class Row:
    """One method on one prompt."""

    prompt: str
    method: str
    portraits: int
    reached: float  # share of them that the scorer reads AMOUNT in
    right_way: float  # share whose attribute the judge sees move the right way
    change: float  # of the attribute, in σ of the judge, mean
    others: float  # |change| of what the world does not couple to it, in σ, mean
    worst: str  # the one of them that moves most, on average
    worst_change: float
    identity: float  # 1 − cosine
    alpha: float  # median
    channels: float


def portraits(domain: Domain, prompt: Prompt, count: int) -> Tensor:
    """ws of held-out latents that lack the attribute, and have room for ``AMOUNT`` in the world."""
    own = domain.scorer.outputs.index(prompt.attribute)
    seeds = range(FIRST_SEED, FIRST_SEED + LOOKED_AT * count)
    mean, std = world_spread()
    factor = NAMES.index(prompt.attribute)
    room = (1 - prompt.sign * float(mean[factor])) / float(std[factor]) - AMOUNT
    found: list[Tensor] = []
    for start in range(0, len(seeds), 50):
        ws = draw_ws(domain, seeds[start : start + 50], PSI)
        level = prompt.sign * read(domain, ws, domain.scorer)[:, own]
        found += list(ws[(level < 0) & (level < room)])
        if len(found) >= count:
            break
    if not found:
        raise BadInput(f"No portrait lacks {prompt.attribute}; look at more latents.")
    return torch.stack(found[:count])


def by_styles(domain: Domain, edit: TextEdit) -> Change:
    """A text edit with another alpha for every portrait."""
    assert edit.change is not None
    steps = edit.change.tensors(style_widths(domain.generator))

    @torch.no_grad()
    def change(ws: Tensor, alphas: Tensor) -> Tensor:
        s_delta = {layer: alphas[:, None] * step for layer, step in steps.items()}
        return domain.generator.synthesis(ws, s_delta=s_delta).clamp(-1, 1)

    return change


def by_boundary(domain: Domain, attribute: str, sign: int) -> Change:
    """InterFaceGAN's move along the boundary of the same attribute."""
    direction = boundary(domain, attribute)

    def change(ws: Tensor, alphas: Tensor) -> Tensor:
        pairs = zip(torch.split(ws, 1), alphas.tolist(), strict=True)
        moved = torch.cat([move(w, direction, sign * alpha) for w, alpha in pairs])
        return draw(domain, moved, fast=False)

    return change


def by_search(domain: Domain, prompt: Prompt, ws: Tensor, steps: int) -> Change:
    """A search for every portrait, of which alpha times is taken."""
    offsets = []
    for w in torch.split(ws, 1):
        state = state_of(Latent(w.cpu(), domain.name, domain.fingerprint, "w+"), domain)
        options = DescentOptions(steps=steps)
        for step in descend(domain, state, prompt.target, prompt.neutral, options):
            found = step.find
        edit = found()
        assert isinstance(edit, Move)
        offsets.append(edit.apply(state, domain).ws - state.ws)
    whole, known = torch.cat(offsets), {tuple(w[0, :4].tolist()): i for i, w in enumerate(ws)}

    def change(some: Tensor, alphas: Tensor) -> Tensor:
        at = [known[tuple(w[0, :4].tolist())] for w in some]
        return draw(domain, some + alphas[:, None, None] * whole[at], fast=False)

    return change


@torch.no_grad()
def matched(domain: Domain, prompt: Prompt, ws: Tensor, change: Change) -> Tensor:
    """alpha [N] for which the scorer reads ``AMOUNT`` more in each portrait, by bisection."""
    own = domain.scorer.outputs.index(prompt.attribute)
    found = []
    for some in torch.split(ws, BATCH):
        before = domain.scorer(draw(domain, some, fast=False))[:, own]

        def gain(alphas: Tensor, some: Tensor = some, before: Tensor = before) -> Tensor:
            gained = domain.scorer(change(some, alphas))[:, own] - before
            return prompt.sign * gained.cpu()

        found.append(settled(bisection(AMOUNT, MOST_ALPHA, count=len(some)), gain))
    return torch.cat(found)


@torch.no_grad()
def measure(
    domain: Domain, prompt: Prompt, method: str, ws: Tensor, change: Change, channels: float
) -> Row:
    """One row of the table."""
    judge, scorer = open_judge(domain), domain.scorer
    own, scored = judge.outputs.index(prompt.attribute), scorer.outputs.index(prompt.attribute)
    alphas = matched(domain, prompt, ws, change)
    moved, gained, identity = [], [], []
    for some, alpha in zip(torch.split(ws, BATCH), torch.split(alphas, BATCH), strict=True):
        before, after = draw(domain, some, fast=False), change(some, alpha)
        moved.append((judge(after) - judge(before)).cpu())
        gained.append(prompt.sign * (scorer(after) - scorer(before))[:, scored].cpu())
        if domain.identity is not None:
            cosine = functional.cosine_similarity(domain.identity(after), domain.identity(before))
            identity.append(1 - cosine.cpu())
    judged, gain = torch.cat(moved), torch.cat(gained)
    wanted = prompt.sign * judged[:, own]
    names = [name for name in apart(prompt.attribute) if name in judge.outputs]
    others = judged[:, [judge.outputs.index(name) for name in names]]
    worst = int(others.mean(0).abs().argmax())
    return Row(
        prompt.target,
        method,
        len(ws),
        float(((gain - AMOUNT).abs() < REACHED).float().mean()),
        float((wanted > 0).float().mean()),
        float(wanted.mean()),
        float(others.abs().mean()),
        names[worst],
        float(others.mean(0)[worst]),
        float(torch.cat(identity).mean()) if identity else math.nan,
        float(alphas.median()),
        channels,
    )


def rows_of(domain: Domain, prompt: Prompt, count: int, searched: int, steps: int) -> list[Row]:
    """Every method on one prompt."""
    ws, rows = portraits(domain, prompt, count), []
    methods = ("global", "jacobian") if best_method(domain) == "global" else ("jacobian",)
    for method in methods:
        edit = TextEdit(prompt.target, 1.0, prompt.neutral, method=method).resolved(domain)
        assert edit.change is not None
        change = by_styles(domain, edit)
        rows.append(measure(domain, prompt, method, ws, change, edit.change.num_channels))
    if searched:
        few = ws[:searched]
        change = by_search(domain, prompt, few, steps)
        rows.append(measure(domain, prompt, "optimise", few, change, math.nan))
    if prompt.attribute in domain.boundaries:
        change = by_boundary(domain, prompt.attribute, prompt.sign)
        rows.append(measure(domain, prompt, "boundary", ws, change, math.nan))
    return rows


def summary(rows: Sequence[Row]) -> None:
    """Means over the prompts, beside what is wanted."""
    table = []
    for method in dict.fromkeys(row.method for row in rows):
        own = [row for row in rows if row.method == method]

        def mean(name: str, own: list[Row] = own) -> float:
            return sum(getattr(row, name) for row in own) / len(own)

        table.append(
            {
                "method": method,
                "prompts": str(len(own)),
                "right way (90 %)": f"{100 * mean('right_way'):.0f} %",
                "change (1 σ)": f"{mean('change'):.2f} σ",
                "others (0.25 σ)": f"{mean('others'):.2f} σ",
                "reached": f"{100 * mean('reached'):.0f} %",
                "identity": f"{mean('identity'):.3f}",
            }
        )
    print_rows(f"Means over the prompts at +{AMOUNT} σ of the scorer, read by the judge", table)


@torch.no_grad()
def search_table(domain: Domain, seeds: int) -> None:
    """Precision of the first ten, by the judge."""
    judge, table, precisions = open_judge(domain), [], []
    seen = list(see_seeds(domain, range(FIRST_SEED, FIRST_SEED + seeds), PSI))
    everything = torch.cat([
        judge(draw(domain, draw_ws(domain, [seed_of(name) for name in names], PSI))).cpu()
        for names, _ in seen
    ])  # fmt: skip
    for prompt in SEARCHES:
        hits = rank(domain, prompt.target, seen, top=TOP)
        own = judge.outputs.index(prompt.attribute)
        at = [seed_of(hit.name) - FIRST_SEED for hit in hits]
        shows = prompt.sign * everything[:, own] > HIT
        precisions.append(float(shows[at].float().mean()))
        table.append(
            {
                "search": prompt.target,
                "precision (0.8)": f"{precisions[-1]:.2f}",
                "of all seeds": f"{float(shows.float().mean()):.2f}",
            }
        )
    print_rows(f"First {TOP} of {seeds} seeds, {HIT} σ of the judge or more", table)
    print(f"mean precision {sum(precisions) / len(precisions):.2f} (goal 0.80)")


def seed_of(name: str) -> int:
    return int(name.partition(":")[2].partition("@")[0])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--domain", default="portraits")
    parser.add_argument("--count", type=int, default=50, help="portraits per prompt")
    parser.add_argument("--prompts", type=int, default=len(EDITS), help="the first so many")
    parser.add_argument("--optimised", type=int, default=5, help="portraits that are searched for")
    parser.add_argument("--steps", type=int, default=60, help="of such a search")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="looked through by a search")
    parser.add_argument("--out", type=Path, help="folder for CSV and LaTeX")
    args = parser.parse_args()
    domain = open_domain(args.domain)
    print(f"domain {domain.name}, generator {domain.fingerprint}, CLIP {domain.clip.fingerprint}")
    rows: list[Row] = []
    for prompt in EDITS[: args.prompts]:
        rows += rows_of(domain, prompt, args.count, args.optimised, args.steps)
        print(f"{prompt.target}: done", flush=True)
    table = [cells(row) for row in rows]
    print_rows(f"Text edits at +{AMOUNT} σ of the scorer, read by the judge", table)
    summary(rows)
    search_table(domain, args.seeds)
    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)
        write_csv(args.out / "text_edits.csv", table)
        write_latex(args.out / "text_edits.tex", table, "Text edits at matched change")


if __name__ == "__main__":
    main()
