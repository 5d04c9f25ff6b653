"""Mixing, measured: who gives what by layer group, and whether an expression arrives.

    python -m benchmarks.mixing [--pairs 100] [--triples 50] [--quick]

The judge reads; renders and seeds are of nobody that was trained on. The renderer gives two
pictures of one person, neutral and smiling; the encoder's guesses of them are w2 and w3.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.rows import Row, print_rows
from editing.directions import boundary
from editing.domains import Domain, open_domain, open_judge
from editing.edits import EditState, render, state_of
from editing.layers import layer_groups
from editing.mixing import crossover, row_strengths, transfer
from editing.progress import bar
from training.factors import INDEX
from training.persons import PICTURES, person_factors, person_traits
from training.renderer import render as draw_person

FIRST_SEED = 60_000  # of portraits
FIRST_PERSON = 900_000  # of rendered people
COARSE, FINE = ("pose",), ("hair_lightness", "skin_tone", "background_lightness")
NEUTRAL, SMILING = -0.6, 0.9  # factor of a smile
ALONG = ("smile", "mouth_open", "teeth")
ARRIVED = 0.5  # share of what the other person's smile changed, and at least this many σ
FALSE_ACCEPTS = 1e-3
PEOPLE = 200  # whose pairs set the threshold


def who_gives_what(domain: Domain, pairs: int) -> list[Row]:
    """How often a reading of a mix is nearer to the portrait that gave the layers."""
    judge, groups = open_judge(domain), layer_groups(domain.generator)
    names = list(judge.outputs)
    wins = {name: 0 for name in (*COARSE, *FINE)}
    for number in bar(range(pairs), "pairs"):
        a, b = (state_of(f"seed:{FIRST_SEED + 2 * number + i}", domain) for i in (0, 1))
        readings = [judge(render(state, domain).clamp(-1, 1))[0] for state in (a, b)]
        for group, attributes in (("coarse", COARSE), ("fine", FINE)):
            shares = row_strengths(domain.generator, groups[group], ())
            mixed = judge(render(crossover(a, b, shares, domain), domain).clamp(-1, 1))[0]
            for name in attributes:
                own, given = (abs(float(mixed[i] - r[i])) for r in readings
                              for i in [names.index(name)])  # fmt: skip
                wins[name] += given < own
    return [
        Row("coarse" if name in COARSE else "fine", f"{name} follows its layers",
            f"{won / pairs:.0%}", ">= 80%", won / pairs >= 0.8)
        for name, won in wins.items()
    ]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Triple:
    """w1, and another picture of somebody before and after."""

    portrait: EditState
    before: EditState
    after: EditState


def triples(domain: Domain, count: int, cross: bool) -> Iterator[Triple]:
    """w1 neutral; w2 neutral and w3 smiling: of w1's own person, or each of another one."""
    for number in range(count):
        people = [number, number + count, number + 2 * count] if cross else [number] * 3
        made = [
            rendered(domain, person, smile, day)
            for person, smile, day in zip(
                people, (NEUTRAL, NEUTRAL, SMILING), (0, 1, 1), strict=True
            )
        ]
        yield Triple(*made)


def rendered(domain: Domain, person: int, smile: float, day: int) -> EditState:
    """The encoder's guess of a rendered person."""
    seed = (FIRST_PERSON + person) * PICTURES + day
    factors = person_factors([seed])
    factors[:, INDEX["smile"]] = smile
    size = domain.generator.img_resolution
    drawn = draw_person(factors, [seed], size, compiled=True, traits=person_traits([seed]))
    return EditState(domain.encode(drawn.pictures))


@torch.no_grad()
def expression(domain: Domain, count: int, people: int) -> list[Row]:
    """Whether the smile arrives, and the person stays."""
    judge, threshold = open_judge(domain), verification_threshold(domain, people)
    smile = judge.outputs.index("smile")
    along = [boundary(domain, name) for name in ALONG if name in domain.boundaries]
    rows = [Row("identity", f"threshold at {FALSE_ACCEPTS:g} false accepts", f"{threshold:.3f}")]
    found: dict[tuple[str, str], list[tuple[bool, float]]] = {}
    for who in ("same", "cross"):
        for triple in bar(triples(domain, count, who == "cross"), who, count):
            pictures = [picture(domain, s) for s in (triple.portrait, triple.before, triple.after)]
            at, before, after = (float(judge(img)[0, smile]) for img in pictures)
            for how, directions in (("plain", ()), ("projected", along)):
                state = transfer(triple.portrait, triple.before, triple.after, domain,
                                 along=directions)  # fmt: skip
                img = picture(domain, state)
                gained = float(judge(img)[0, smile]) - at
                arrived = gained >= max(ARRIVED * (after - before), ARRIVED)
                found.setdefault((who, how), []).append(
                    (arrived, same_person(domain, pictures[0], img))
                )
    for (who, how), results in found.items():
        share = sum(arrived for arrived, _ in results) / len(results)
        known = [cosine for _, cosine in results]
        kept = sum(cosine > threshold for cosine in known) / len(known)
        name = f"{who} person, {how}"
        wanted = (">= 90%", share >= 0.9) if how == "plain" else ("–", None)
        rows.append(Row(name, "smile arrives", f"{share:.0%}", *wanted))
        asked = (">= 95%", kept >= 0.95) if who == "same" else ("–", None)
        mean = sum(known) / len(known)
        rows.append(Row(name, "stays above the threshold", f"{kept:.0%} (mean {mean:.3f})", *asked))
    means = {how: sum(c for _, c in found["cross", how]) / count for how in ("plain", "projected")}
    better = means["projected"] > means["plain"]
    rows.append(Row("cross person", "identity, projected − plain",
                    f"{means['projected'] - means['plain']:+.3f}", "> 0", better))  # fmt: skip
    return rows


def verification_threshold(domain: Domain, people: int) -> float:
    """The cosine that one in a thousand pairs of different people exceeds."""
    net = domain.identity
    assert net is not None
    seeds = [(FIRST_PERSON + 10_000 + person) * PICTURES for person in range(people)]
    size = domain.generator.img_resolution
    parts = [
        net(
            draw_person(
                person_factors([seed]), [seed], size, compiled=True, traits=person_traits([seed])
            ).pictures
        )
        for seed in bar(seeds, "threshold")
    ]
    embeddings = torch.nn.functional.normalize(torch.cat(parts), dim=1)
    cosines = embeddings @ embeddings.T
    above = cosines[torch.triu(torch.ones_like(cosines), 1) > 0]
    return float(above.quantile(1 - FALSE_ACCEPTS))


def picture(domain: Domain, state: EditState) -> Tensor:
    """The canonical picture, clamped."""
    return render(state, domain).clamp(-1, 1)


def same_person(domain: Domain, a: Tensor, b: Tensor) -> float:
    """Cosine of the identity network's embeddings."""
    assert domain.identity is not None
    cosine = torch.nn.functional.cosine_similarity(domain.identity(a), domain.identity(b))
    return float(cosine)


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--domain", default="portraits")
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--triples", type=int, default=50)
    parser.add_argument("--quick", action="store_true", help="two of each, to see that it runs")
    args = parser.parse_args()
    domain = open_domain(args.domain)
    pairs, count, people = (2, 2, 8) if args.quick else (args.pairs, args.triples, PEOPLE)
    print_rows([*who_gives_what(domain, pairs), *expression(domain, count, people)])


if __name__ == "__main__":
    main()
