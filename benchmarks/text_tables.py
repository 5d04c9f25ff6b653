"""What a table of global directions costs, and how near the cheaper ones come.

    python -m benchmarks.text_tables [--samples 32] [--layers 0-3] [--only NAME ...] [--plain 24]

Every way is built in this run and compared with the exact one: cosine per channel, and how many of
the 50 channels that a prompt finds most relevant are the same (mean over the prompts of
``benchmarks.text_prompts``). The plain loop is timed on a few channels spread over the layers, and
says what it would take for all.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from benchmarks.edit_tables import print_rows
from benchmarks.text_prompts import EDITS
from benchmarks.text_table_plain import plain_rows
from editing.cli.text import style_layers
from editing.models.domain import Domain, open_domain
from editing.models.networks.prompts import text_direction
from editing.text.edit import TextEdit, by_table, relevance
from editing.text.table import TableOptions, build_table, default_layers

TOP = 50


@dataclass(frozen=True, eq=False)
class Built:
    """A way to build, what came of it, and how long it took."""

    name: str
    rows: Mapping[str, Tensor]
    seconds: float


def ways(domain: Domain, samples: int, layers: tuple[str, ...]) -> dict[str, TableOptions]:
    """What is compared, the exact way first."""
    exact = TableOptions(samples=samples, layers=layers)
    small = 1 << (domain.clip.resolution - 1).bit_length()
    half = domain.generator.img_resolution // 2
    size = min(small, half) if small < domain.generator.img_resolution else None
    found = {
        "exact": exact,
        "half precision": replace(exact, half=True),
        "a quarter of the samples": replace(exact, samples=max(samples // 4, 1)),
        "all channels at their mean": replace(exact, base="mean"),
        "jacobian": replace(exact, method="jacobian"),
        "jacobian, a quarter": replace(exact, method="jacobian", samples=max(samples // 4, 1)),
    }
    if size is not None:
        coarse = tuple(n for n in layers or default_layers(domain) if _size(n) <= size)
        found["no larger than CLIP sees"] = replace(exact, max_resolution=size, layers=coarse)
    return found


def _size(name: str) -> int:
    return int(name.partition(".")[0][1:])


def build(domain: Domain, name: str, options: TableOptions) -> Built:
    began = time.perf_counter()
    *_, last = build_table(domain, options)
    assert last.table is not None
    return Built(name, last.table.rows, time.perf_counter() - began)


def cosines(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> Tensor:
    """Cosine of every channel that both have, [C]."""
    return torch.cat([(a[layer] * b[layer]).sum(1) for layer in a if layer in b])


def overlap(domain: Domain, a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> float:
    """Share of the TOP most relevant channels that are the same, mean over the prompts."""
    found = []
    for prompt in EDITS:
        dt = text_direction(domain.clip, prompt.neutral, prompt.target)
        found.append(_same(by_table(a, dt), by_table(b, dt)))
    return sum(found) / len(found)


def _same(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> float:
    layers = [layer for layer in a if layer in b]
    flat = [torch.cat([r[layer] for layer in layers]).abs() for r in (a, b)]
    count = min(TOP, len(flat[0]))
    tops = [set(values.topk(count).indices.tolist()) for values in flat]
    return len(tops[0] & tops[1]) / count


def table_free(domain: Domain, exact: Mapping[str, Tensor]) -> dict[str, str]:
    """One prompt without a table: seconds, the first one and the next."""
    seconds, same = [], []
    for prompt in EDITS[:4]:
        edit = TextEdit(prompt.target, 1.0, prompt.neutral, method="jacobian")
        dt = text_direction(domain.clip, prompt.neutral, prompt.target)
        began = time.perf_counter()
        r = relevance(domain, edit)
        seconds.append(time.perf_counter() - began)
        same.append(_same(r, by_table(exact, dt)))
    text = f"{seconds[0]:.2f} the first prompt, {sum(seconds[1:]) / 3:.2f} each other (goal 2)"
    return {"way": "table-free", "seconds": text, "pace": "", "cosine": "",
            f"top {TOP}": f"{sum(same) / len(same):.2f}"}  # fmt: skip


def plain(domain: Domain, options: TableOptions, count: int) -> float:
    """Seconds the plain loop would take for all channels, from ``count`` of them."""
    layers = options.layers or default_layers(domain)
    widths = {n: len(r) for n, r in build(domain, "", replace(options, base="mean")).rows.items()}
    channels = [(layers[i % len(layers)], i // len(layers)) for i in range(count)]
    began = time.perf_counter()
    plain_rows(domain, channels, 1, options.k, options.psi, options.seed)
    each = (time.perf_counter() - began) / count
    return each * sum(widths.values()) * options.samples


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--domain", default="portraits")
    parser.add_argument("--samples", type=int, default=32)
    parser.add_argument("--layers", default="", help="rows or names (all convolutions)")
    parser.add_argument("--plain", type=int, default=24, help="channels of the plain loop")
    parser.add_argument("--only", nargs="*", default=[], help="ways beside the exact one")
    args = parser.parse_args()
    domain = open_domain(args.domain)
    layers = style_layers(args.layers, domain) if args.layers else ()
    chosen = ways(domain, args.samples, layers)
    print(f"{domain.name}, {args.samples} samples, {torch.get_num_threads()} threads")
    exact = build(domain, "exact", chosen["exact"])
    table = []
    if args.plain:
        seconds = plain(domain, chosen["exact"], args.plain)
        pace, said = f"{exact.seconds / seconds:.2f} x", f"{seconds:.0f} (from {args.plain})"
        row = {"way": "the plain loop", "seconds": said, "pace": pace}
        table.append({**row, "cosine": "", f"top {TOP}": ""})
    for name, options in chosen.items():
        if args.only and name not in ("exact", *args.only):
            continue
        built = exact if name == "exact" else build(domain, name, options)
        table.append(
            {
                "way": name,
                "seconds": f"{built.seconds:.0f}",
                "pace": f"{exact.seconds / built.seconds:.1f} x",
                "cosine": f"{float(cosines(exact.rows, built.rows).mean()):.3f}",
                f"top {TOP}": f"{overlap(domain, exact.rows, built.rows):.2f}",
            }
        )
        print(f"{name}: done", flush=True)
    table.append(table_free(domain, exact.rows))
    print_rows("Tables of global directions; pace beside the exact one", table)


if __name__ == "__main__":
    main()
