"""How good the boundaries are, and what else they move: one command, all tables.

    python -m benchmarks.directions [--count 100] [--train 10000] [--only methods] [--out FOLDER]

Boundaries on held-out samples beside InterFaceGAN's published ones, the rescoring, conditions,
layer ranges, pictures picked by hand, every method's distance to the truth twin, and with
``--train`` the time a training takes. Judged by the judge, on latents that nothing was trained on.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import torch

from benchmarks.edit_tables import (
    FIRST_SEED,
    Edit,
    Ground,
    apart,
    cells,
    ground,
    measure,
    print_rows,
    write_csv,
    write_latex,
)
from editing.directions.direction import Direction, boundary
from editing.directions.rescoring import find_layers, rescore, trial_ws
from editing.directions.samples import ScoredSet, draw_ws, joined, read, score_latents
from editing.directions.stylespace import attribute_effects
from editing.directions.svm import auc, from_picks, from_scores
from editing.directions.unsupervised import ganspace, sefa
from editing.edits.stack import ChannelMove, EditStack, Entry, Move, latent_of, state_of
from editing.models.domain import Domain, open_domain, open_judge
from editing.models.latents import Latent
from training.factors import COUPLINGS

CLASSIC = ("smile", "age", "gender", "pose", "eyeglasses")
# InterFaceGAN's own accuracies on PGGAN, validation / all (recalled from its table 1).
PUBLISHED = {"pose": (1.0, 0.903), "smile": (0.969, 0.785), "age": (0.979, 0.753),
             "gender": (0.987, 0.842), "eyeglasses": (0.956, 0.801)}  # fmt: skip
GIVEN = {"age": ("gender", "eyeglasses"), "eyeglasses": ("age",), "beard": ("gender",)}
HELD_OUT = 60_000_000  # seeds of the held-out samples
PICKED = 70_000_000  # seeds of the pictures a simulated visitor picks from
SEARCH = 16  # latents of a search for layers
CANDIDATES = 20  # unsupervised directions among which an attribute's is looked for
CHANNELS = 8  # of an edit by channels
SECTIONS = ("training", "boundaries", "picks", "rescoring", "conditions", "methods")


def held_out(domain: Domain, count: int) -> ScoredSet:
    """Samples nothing was trained on, with the judge's readings."""
    judge = open_judge(domain)
    return joined(list(score_latents(domain, judge, judge.outputs, count, HELD_OUT)))


def boundary_table(domain: Domain, scored: ScoredSet) -> None:
    """AUC of every boundary on held-out samples, by the judge."""
    rows = []
    for name in sorted(domain.boundaries, key=lambda n: (n not in CLASSIC, n)):
        direction = boundary(domain, name)
        scores = scored.score(name)
        positive = scores > np.percentile(scores, [1, 99]).mean()
        area = auc(scored.latents @ direction.vector.cpu().numpy(), positive)
        published = PUBLISHED.get(name)
        low, high = direction.safe_range or (0, 0)
        rows.append(
            {
                "boundary": name,
                "AUC held out": f"{area:.3f}",
                "accuracy validation": f"{direction.meta['validation']['accuracy']:.3f}",
                "accuracy all": f"{direction.meta['all']['accuracy']:.3f}",
                "InterFaceGAN": "{:.3f} / {:.3f}".format(*published) if published else "",
                "safe range": f"{low:g} to {high:g}",
            }
        )
    areas = [float(row["AUC held out"]) for row in rows]
    good = sum(area >= 0.9 for area in areas)
    print_rows(f"Boundaries on {len(scored.seeds)} held-out samples, labels by the judge", rows)
    print(f"{good} of {len(rows)} have AUC >= 0.90, the weakest {min(areas):.3f} (goal 0.80)")


def rescoring_table(domain: Domain, count: int) -> None:
    """The five classics: own change against the worst that the world does not couple."""
    ws, judge, rows = trial_ws(domain, count), open_judge(domain), []
    names = [name for name in CLASSIC if name in domain.boundaries]
    for effect in rescore(domain, [boundary(domain, n) for n in names], ws, judge):
        own = effect.change[effect.name]
        uncoupled = {name: effect.change[name] for name in apart(effect.name)}
        worst = max(uncoupled, key=lambda name: abs(uncoupled[name]))
        rows.append(
            {
                "boundary": effect.name,
                "own, σ": f"{own:+.2f}",
                "worst uncoupled": worst,
                "σ": f"{uncoupled[worst]:+.2f}",
                "ratio (goal 4)": f"{abs(own / uncoupled[worst]):.1f}",
                "renderer's own": f"{abs(renderers_own(domain, effect.name, worst)):.2f}",
                "background": f"{100 * effect.background:.2f} %",
            }
        )
    print_rows(f"Rescoring, one step, {count} latents, by the judge", rows)


@cache
def base_of(domain: Domain, count: int) -> Ground:
    return ground(domain, count)


@torch.no_grad()
def renderers_own(domain: Domain, attribute: str, other: str) -> float:
    """What the judge sees of another factor when the renderer changes this one alone, σ per σ."""
    base, judge = base_of(domain, 24), open_judge(domain)
    if base.truth is None:
        return float("nan")
    change = torch.zeros(len(judge.outputs))
    for readings in base.as_read:
        ends = [{**readings, attribute: readings[attribute] + sign} for sign in (1, -1)]
        up, down = judge(torch.cat([base.truth.draw(each) for each in ends]))
        change += up - down
    return float(change[judge.outputs.index(other)] / change[judge.outputs.index(attribute)])


def condition_table(domain: Domain, count: int) -> None:
    """Unwanted change per σ of wanted change, without and with conditions."""
    ws, judge, rows, falls = trial_ws(domain, count), open_judge(domain), [], []
    for name, given in GIVEN.items():
        if not {name, *given} <= set(domain.boundaries):
            print(f"{name} given {given}: not all of them have a boundary")
            continue
        held = Move(name, 0.0, given=given).direction(domain)
        plain, still = rescore(domain, [boundary(domain, name), held], ws, judge)
        for other in given:
            before, after = (abs(e.change[other] / e.change[name]) for e in (plain, still))
            falls.append(1 - after / before)
            rows.append(
                {
                    "moved": name,
                    "held": other,
                    "unwanted per σ, plain": f"{before:.3f}",
                    "conditioned": f"{after:.3f}",
                    "fall": f"{100 * falls[-1]:.0f} %",
                    "residual": f"{held.meta['residual']:.2f}",
                }
            )
    print_rows("Conditions", rows)
    if falls:
        print(f"mean fall {100 * np.mean(falls):.0f} % (goal 50 %)")


@cache
def best_layers(domain: Domain, attribute: str) -> tuple[int, ...]:
    """The cheapest layers of a boundary, searched with the scorer on latents of their own."""
    ws = trial_ws(domain, SEARCH)
    return find_layers(domain, boundary(domain, attribute), attribute, ws)[0].layers


def picks_table(domain: Domain, scored: ScoredSet, training: ScoredSet) -> None:
    """A simulated visitor picks 8 + 8 of 48 pictures by what the judge reads."""
    judge, rows = open_judge(domain), []
    ws = draw_ws(domain, range(PICKED, PICKED + 48), 0.8)
    seen = read(domain, ws, judge).numpy()
    readings = read(domain, ws, domain.scorer).numpy()
    for name in CLASSIC:
        order = np.argsort(seen[:, judge.outputs.index(name)])
        direction = from_picks(name, training, readings[order[-8:]], readings[order[:8]])
        scores = scored.score(name)
        positive = scores > np.percentile(scores, [1, 99]).mean()
        area = auc(scored.latents @ direction.vector.numpy(), positive)
        meant = max(direction.meta["picked"].items(), key=lambda item: abs(item[1]))[0]
        rows.append({"meant": name, "AUC held out (goal 0.80)": f"{area:.3f}", "taken as": meant})
    print_rows("Trained from 8 + 8 picked pictures", rows)


# -- methods


def moved(latent: Latent, domain: Domain, *edits: Move | ChannelMove) -> Latent:
    """A latent after edits."""
    state = EditStack(tuple(Entry(edit) for edit in edits)).apply(state_of(latent, domain), domain)
    return latent_of(state, domain)


def plain(domain: Domain, latent: Latent, attribute: str, amount: float) -> Latent:
    """InterFaceGAN's boundary."""
    return moved(latent, domain, Move(attribute, amount))


def conditional(domain: Domain, latent: Latent, attribute: str, amount: float) -> Latent:
    """The same, the factors that the world couples to it held still."""
    pairs = [(cause, effect) for cause, effect, _ in COUPLINGS if attribute in (cause, effect)]
    coupled = sorted({name for pair in pairs for name in pair} - {attribute})
    given = tuple(name for name in coupled if name in domain.boundaries)
    return moved(latent, domain, Move(attribute, amount, given=given))


def layered(domain: Domain, latent: Latent, attribute: str, amount: float) -> Latent:
    """The boundary on its best layers."""
    return moved(latent, domain, Move(attribute, amount, best_layers(domain, attribute)))


@cache
def nearest(domain: Domain, method: str, attribute: str) -> Direction:
    """The unsupervised direction that moves an attribute most for what else it moves."""
    found = {"sefa": sefa, "ganspace": ganspace}[method](domain, count=CANDIDATES)
    effects = list(rescore(domain, found, trial_ws(domain, 8)))

    def purity(index: int) -> float:
        change = effects[index].change
        rest = np.sqrt(np.mean([v**2 for n, v in change.items() if n != attribute]))
        return abs(change[attribute]) / (rest + 0.05)

    best = max(range(len(found)), key=purity)
    if effects[best].change[attribute] < 0:
        return replace(found[best], vector=-found[best].vector)
    return found[best]


def unsupervised(method: str) -> Edit:
    def edit(domain: Domain, latent: Latent, attribute: str, amount: float) -> Latent:
        direction = nearest(domain, method, attribute)
        return moved(latent, domain, Move(direction.name, amount, own=(direction,)))

    return edit


@cache
def top_channels(domain: Domain, attribute: str) -> tuple[ChannelMove, ...]:
    """The channels of largest effect, weighted by it; together one σ per unit."""
    *_, effects = attribute_effects(domain, attribute, trial_ws(domain, 12))
    top = effects[:CHANNELS]
    total = sum(effect.change**2 for effect in top)
    return tuple(ChannelMove(e.channel, e.change / total) for e in top)


def by_channels(domain: Domain, latent: Latent, attribute: str, amount: float) -> Latent:
    """StyleSpace channels."""
    edits = [replace(e, alpha=amount * e.alpha) for e in top_channels(domain, attribute)]
    return moved(latent, domain, *edits)


METHODS: dict[str, Edit] = {
    "plain": plain,
    "conditional": conditional,
    "layered": layered,
    "SeFa": unsupervised("sefa"),
    "GANSpace": unsupervised("ganspace"),
    "channels": by_channels,
}


def method_table(domain: Domain, base: Ground, out: Path | None) -> None:
    """Every method on the classics, at one σ of the judge, and its distance to the truth."""
    names = [name for name in CLASSIC if name in domain.boundaries]
    rows = [measure(domain, edit, m, name, base) for name in names for m, edit in METHODS.items()]
    table = [cells(row) for row in rows]
    print_rows(f"Methods at +1 σ of the judge, {len(base.latents)} latents", table)
    costs = {(r.method, r.attribute): r.perceptual if np.isnan(r.identity) else r.identity
             for r in rows}  # fmt: skip
    what = "perceptual" if np.isnan(rows[0].identity) else "identity"
    print(f"\nBest layers against all, {what} distance at +1 σ (goal: 15 % less)")
    for name in names:
        saved = 1 - costs["layered", name] / costs["plain", name]
        layers = best_layers(domain, name)
        print(f"  {name:<12} rows {layers[0]}-{layers[-1]}: {100 * saved:.0f} % less")
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_csv(out / "methods.csv", table)
        write_latex(out / "methods.tex", table, "Editing methods at one sigma of change")


def training_time(domain: Domain, count: int) -> ScoredSet:
    """Score ``count`` samples and train every boundary, timed."""
    began = time.perf_counter()
    net = domain.scorer
    with tempfile.TemporaryDirectory() as folder:
        parts = score_latents(domain, net, net.outputs, count, folder=Path(folder))
        scored = joined(list(parts))
    seconds = time.perf_counter() - began
    began = time.perf_counter()
    from_scores("smile", scored, "smile")
    one = time.perf_counter() - began
    began = time.perf_counter()
    for name in scored.names[:20]:
        from_scores(name, scored, name)
    twenty = time.perf_counter() - began
    print(
        f"\nTraining on {count} samples: {seconds:.0f} s to draw and score, {one:.1f} s for one "
        f"boundary (goal for both 180 s), {twenty:.0f} s for 20 from the same set (goal 240 s); "
        f"{torch.get_num_threads()} threads"
    )
    return scored


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--domain", default="portraits")
    parser.add_argument("--count", type=int, default=100, help="latents that are edited")
    parser.add_argument("--samples", type=int, default=2_000, help="held-out samples")
    parser.add_argument("--train", type=int, default=2_000, help="samples of the timed training")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS)
    parser.add_argument("--out", type=Path, help="folder for CSV and LaTeX")
    args = parser.parse_args()
    domain = open_domain(args.domain)
    print(f"domain {domain.name}, generator {domain.fingerprint}, seeds from {FIRST_SEED}")
    training = cache(lambda: training_time(domain, args.train))
    scored = cache(lambda: held_out(domain, args.samples))
    tables: dict[str, Callable[[], object]] = {
        "training": training,
        "boundaries": lambda: boundary_table(domain, scored()),
        "picks": lambda: picks_table(domain, scored(), training()),
        "rescoring": lambda: rescoring_table(domain, args.count),
        "conditions": lambda: condition_table(domain, args.count),
        "methods": lambda: method_table(domain, base_of(domain, args.count), args.out),
    }
    for section in args.only:
        tables[section]()


if __name__ == "__main__":
    main()
