"""Out-of-domain edits against the true edited picture, which the renderer can draw.

    python -m benchmarks.out_of_domain [--count 200] [--slow 40] [--level quick]

Portraits wear accessories that the generator never saw; seven attributes of each are edited, alpha
by bisection to the change that the judge sees in the truth. Tables: distances inside and outside
the truly changed region, masks against it, the misfit beyond which edits look wrong, and a sheet of
a real photograph. What is finished is kept in outputs/benchmarks/out_of_domain, keyed by generator,
level and the other files that decide it, and read back at the next start.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.browser import print_table
from benchmarks.out_of_domain_cases import (
    ATTRIBUTES,
    Case,
    Worn,
    attributes,
    differs,
    matched,
    portraits,
    saved,
)
from benchmarks.photo_plus_change import photo_plus_change
from editing.edits.out_of_domain import (
    Blend,
    activation,
    fuse,
    has_deghosting,
    misfit_limit,
    photo_edited,
    shaped,
)
from editing.edits.stack import EditState, Move, render
from editing.inversion.invert import METHODS, invert
from editing.io.images import grid, save_png, write_atomically
from editing.models.domain import Domain, file_hash, open_domain, open_judge
from editing.pictures.alignment import open_photo
from editing.pictures.metrics import identity, readings, unit_features

OUT = Path("outputs/benchmarks/out_of_domain")
CAP = 60.0  # dB
PLACES = ("inside", "outside", "overall")
SLOW = {  # inversions that only some portraits get
    "W+ long + edit": replace(METHODS["standard"], steps=500),
    "PTI + edit": replace(METHODS["pti"], steps=300, tune=replace(METHODS["pti"].tune, steps=250)),
}
PLAIN, CHANGE, FUSED, DEGHOSTED = (
    "inversion + edit", "photo + (T − I')", "Diff-CAM composite", "composite + detail, deghosting"
)  # fmt: skip
THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
PHOTO_EDITS = {"smile": 2.0, "eyeglasses": 3.0, "age": 2.0}
DECIDING = ("encoder", "perceptual", "identity", "judge", "differential", "deghosting")
Facts = dict[str, Any]


# -- one portrait


def run(worn: Worn, domain: Domain, level: str, slow: bool) -> list[Facts]:
    """What is measured of one portrait: a dict per attribute and method."""
    found = []
    states = {PLAIN: inverted(worn.picture, domain, METHODS[level])}
    if slow:
        states |= {n: inverted(worn.picture, domain, options) for n, options in SLOW.items()}
    for base, state in states.items():
        before = saved(render(state, domain))
        for case in worn.cases:
            alpha, edited = matched(state, case, domain)
            results, facts = {base: edited}, {}
            if base == PLAIN:
                more, facts = composites(worn, case, before, edited, domain)
                results |= more
            for method, picture in results.items():
                measured = measure(picture, worn, case, domain)
                row = {"method": method, "attribute": case.attribute, "alpha": alpha}
                found.append({**row, "accessory": worn.accessory, **facts, **measured})
    return found


def inverted(picture: Tensor, domain: Domain, options: Any) -> EditState:
    *_, last = invert(picture, domain, options)
    return EditState(**vars(last.point))


def composites(
    worn: Worn, case: Case, before: Tensor, edited: Tensor, domain: Domain
) -> tuple[dict[str, Tensor], Facts]:
    """The pictures of the ways to composite, and how good their mask is."""
    photo = worn.picture
    began = time.perf_counter()
    made = photo_edited(photo, before, edited, domain, (case.factor,), Blend(deghost="mask"))
    seconds = time.perf_counter() - began
    added, plain = photo_plus_change(photo, before, edited)
    pictures = {CHANGE: saved(added), FUSED: saved(made.fused)}
    if has_deghosting(domain):
        pictures[DEGHOSTED] = saved(made.picture)
    return pictures, {
        "iou": overlap(made.mask > 0.5, case.region),
        "iou_difference": overlap(differs(before, edited), case.region),
        "iou_old": overlap(plain > 0.5, case.region),
        "misfit": made.misfit,
        "seconds": seconds,
        "ramps": ramps(case, photo, before, edited, domain),
    }


@torch.no_grad()
def ramps(case: Case, photo: Tensor, before: Tensor, edited: Tensor, domain: Domain) -> Facts:
    """Squared errors of composites inside and outside, by threshold: what is kept, what is lost."""
    where, inside = activation(domain, before, edited, (case.factor,)), case.region.float()
    found = {}
    for threshold in THRESHOLDS:
        mask = shaped(where, Blend(threshold=threshold), photo.shape[-1])
        error = (fuse(photo, edited, mask) - case.truth).square().mean(1, keepdim=True)
        sums = [error * inside, inside, error * (1 - inside), 1 - inside]
        found[str(threshold)] = [float(each.sum()) for each in sums]
    return found


def overlap(a: Tensor, b: Tensor) -> float:
    """Intersection over union of two bool masks."""
    return float((a & b).sum() / (a | b).sum().clamp_min(1))


@torch.no_grad()
def measure(picture: Tensor, worn: Worn, case: Case, domain: Domain) -> Facts:
    """Sums that can be pooled: squared error and perceptual distance by place, and readings."""
    judge, factor = open_judge(domain), case.factor
    inside = case.region.float()
    weights = {"inside": inside, "outside": 1 - inside, "overall": torch.ones_like(inside)}
    error = (picture - case.truth).square().mean(1, keepdim=True)
    facts: Facts = {}
    for place, weight in weights.items():
        facts[f"error_{place}"] = [float((error * weight).sum()), float(weight.sum())]
        facts[f"perceptual_{place}"] = perceptual_sums(picture, case.truth, weight, domain)
    worn_error = error[worn.where]
    facts["accessory_error"] = [float(worn_error.sum()), float(worn_error.numel())]
    own = judge.outputs.index(factor)
    change = float(judge(picture)[0, own] - judge(worn.picture)[0, own])
    facts["arrived"] = change / case.wanted if abs(case.wanted) > 0.1 else None
    facts["identity"] = identity(domain, picture, worn.picture)
    return facts


def perceptual_sums(a: Tensor, b: Tensor, weight: Tensor, domain: Domain) -> list[float]:
    """[sum, weight] of the perceptual distance where ``weight`` [1, 1, R, R] is, mean of taps."""
    total, seen = 0.0, 0.0
    pairs = list(
        zip(unit_features(domain.perceptual, a), unit_features(domain.perceptual, b), strict=True)
    )
    for x, y in pairs:
        apart = (x - y).square().sum(1, keepdim=True)
        share = functional.adaptive_avg_pool2d(weight, apart.shape[-1])
        total += float((apart * share).sum() / apart.numel()) / len(pairs)
        seen += float(share.mean()) / len(pairs)
    return [total, seen]


# -- tables


def psnr_of(rows: Sequence[Facts], key: str) -> float:
    """PSNR from pooled mean squared error, capped at 60 dB; nan where there was nothing."""
    error, count = (sum(row[key][i] for row in rows) for i in (0, 1))
    if not count:
        return math.nan
    return min(10 * math.log10(4 * count / error), CAP) if error else CAP


def mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else math.nan


def method_table(rows: Sequence[Facts]) -> None:
    by_method: dict[str, list[Facts]] = defaultdict(list)
    for row in rows:
        by_method[row["method"]].append(row)
    table = []
    for method in (PLAIN, CHANGE, FUSED, DEGHOSTED, *SLOW):
        found = by_method.get(method, [])
        if not found:
            continue
        cells = [f"{psnr_of(found, f'error_{place}'):.2f}" for place in PLACES]
        for place in PLACES:
            total, seen = (sum(row[f"perceptual_{place}"][i] for row in found) for i in (0, 1))
            cells.append(f"{total / max(seen, 1e-9):.4f}")
        cells.append(f"{mean([row['identity'] for row in found]):.3f}")
        cells.append(f"{mean([row['arrived'] for row in found]):.2f}")
        cells.append(f"{psnr_of(found, 'accessory_error'):.2f}")
        table.append([method, str(len(found)), *cells])
    header = ["method", "edits", *(f"PSNR {p}" for p in PLACES),
              *(f"perc. {p}" for p in PLACES), "identity", "arrived", "accessory dB"]  # fmt: skip
    print_table(header, table)
    outside = {row[0]: float(row[3]) for row in table}
    only = [outside[m] for m in (PLAIN, *SLOW) if m in outside]
    for method in (FUSED, DEGHOSTED):
        if method in outside:
            gain = outside[method] - max(only)
            print(f"outside, {method}: {gain:+.2f} dB to the best inversion alone (goal +6)")
    inside = {row[0]: float(row[5]) for row in table}
    if DEGHOSTED in inside:
        better = inside[DEGHOSTED] < inside[FUSED]
        print(f"deghosting is {'better' if better else 'NOT better'} inside, perceptually (goal)")


def mask_table(rows: Sequence[Facts]) -> None:
    table = []
    for attribute in ATTRIBUTES:
        found = [r for r in rows if r["method"] == FUSED and r["attribute"] == attribute]
        if found:
            keys = ("iou", "iou_difference", "iou_old")
            cells = [f"{mean([row[key] for row in found]):.3f}" for key in keys]
            table.append([attribute, str(len(found)), *cells])
    print("\nMasks: intersection over union with the truly changed region")
    print_table(["attribute", "edits", "M > 0.5", "|T − I'| > 4/255", "ramped difference"], table)


def ramp_table(rows: Sequence[Facts]) -> None:
    """PSNR of composites by the threshold of their masks."""
    found = [row["ramps"] for row in rows if row["method"] == FUSED]
    table = []
    for threshold in THRESHOLDS:
        sums = [sum(each[str(threshold)][i] for each in found) for i in range(4)]
        pairs = [{"error": sums[:2]}], [{"error": sums[2:]}]
        table.append([f"{threshold:g}", *(f"{psnr_of(pair, 'error'):.2f}" for pair in pairs)])
    print("\nComposites by the threshold of M (the default is "
          f"{Blend().threshold:g}, softness {Blend().softness:g})")  # fmt: skip
    print_table(["threshold", "PSNR inside", "PSNR outside"], table)


def misfit_table(rows: Sequence[Facts], domain: Domain) -> None:
    """How wrong edits are, by the misfit inside their masks."""
    found = sorted((r for r in rows if r["method"] == FUSED), key=lambda row: row["misfit"])
    limit, table = misfit_limit(domain), []
    for i in range(4):
        part = found[len(found) * i // 4 : len(found) * (i + 1) // 4]
        if part:
            ends = f"{part[0]['misfit']:.3f} to {part[-1]['misfit']:.3f}"
            table.append([ends, str(len(part)), f"{psnr_of(part, 'error_inside'):.2f}"])
    print(f"\nMisfit of I' inside M, in quarters; the warning comes above {limit:.3f}")
    print_table(["misfit", "edits", "PSNR inside"], table)
    warned = sum(row["misfit"] > limit for row in found)
    seconds = sorted(row["seconds"] for row in found)
    print(
        f"warned: {warned} of {len(found)}; one composite with deghosting: median "
        f"{seconds[len(seconds) // 2]:.2f} s (goal 1 s) on {torch.get_num_threads()} threads"
    )


# -- a real photograph


@torch.no_grad()
def photograph(domain: Domain, level: str, sheet: Path) -> Iterator[str]:
    """Lines on the astronaut; I, I', T, M, F and result of every edit go to ``sheet``."""
    import skimage

    cut = open_photo(Path(skimage.__file__).parent / "data" / "astronaut.png")
    size, judge = domain.generator.img_resolution, open_judge(domain)
    state = inverted(cut.at(size), domain, METHODS[level])
    photo, before, cells = cut.at(512), saved(render(state, domain)), []
    first = readings(judge, cut.at(size))
    for name, alpha in PHOTO_EDITS.items():
        edited = saved(render(Move(name, alpha).apply(state, domain), domain))
        made = photo_edited(photo, before, edited, domain, (name,))
        small = functional.interpolate(made.picture, (size, size), mode="area")
        change = readings(judge, small)[name] - first[name]
        outside = (made.picture - photo).abs().amax(1, keepdim=True)[made.mask == 0]
        yield (
            f"{name} {alpha:+.1f}: judge {change:+.2f} σ in the photo, misfit {made.misfit:.3f}, "
            f"{100 * float((made.mask == 0).float().mean()):.0f} % of the photo untouched "
            f"(largest change there {float(outside.max()) if outside.numel() else 0:.4f})"
        )
        shown = made.mask.expand(-1, 3, -1, -1) * 2 - 1
        parts = (photo, before, edited, shown, made.fused, made.picture)
        cells += [functional.interpolate(part, (256, 256), mode="bilinear") for part in parts]
    save_png(sheet, grid(torch.cat(cells), rows=len(PHOTO_EDITS), cols=6))
    yield f"contact sheet: {sheet}"


def kept_in(domain: Domain, level: str) -> Path:
    """The folder of what is finished: another one for every set of files that it came from."""
    digest = hashlib.sha256()
    for name, entry in sorted(domain.entries.items()):
        if (name in DECIDING or name.startswith("boundary ")) and domain.is_present(entry):
            digest.update(f"{name} {file_hash(domain.folder / entry.file)}\n".encode())
    return OUT / f"{domain.fingerprint}-{level}-{digest.hexdigest()[:8]}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--domain", default="portraits")
    parser.add_argument("--count", type=int, default=200, help="portraits")
    parser.add_argument("--slow", type=int, default=40, help="of them also by long W+ and PTI")
    parser.add_argument("--level", default="quick", choices=list(METHODS), help="of inversion")
    parser.add_argument("--photo-level", default="best", choices=list(METHODS), help="the photo's")
    parser.add_argument("--only", choices=["tables", "photo"])
    args = parser.parse_args()
    domain = open_domain(args.domain)
    folder = kept_in(domain, args.level)
    rows: list[Facts] = []
    for name in sorted(set(ATTRIBUTES) - set(attributes(domain))):
        print(f"{name}: the domain has no boundary for it, so it is left out")
    if args.only != "photo":
        slow = {i for i in range(args.count) if i < args.slow}
        paths = {i: folder / f"{i}{'-slow' * (i in slow)}.json" for i in range(args.count)}
        known = {i for i, path in paths.items() if path.is_file()}
        for number, worn in portraits(args.count, domain, known.__contains__):
            data = json.dumps(run(worn, domain, args.level, number in slow)).encode()
            write_atomically(paths[number], lambda file, data=data: file.write(data))
            print(f"portrait {number + 1} of {args.count}", flush=True)
        for path in paths.values():
            rows += json.loads(path.read_text())
        tables(rows, domain)
    if args.only != "tables":
        print("\nThe astronaut")
        for line in photograph(domain, args.photo_level, folder / "astronaut.png"):
            print(line)


def tables(rows: Sequence[Mapping[str, Any]], domain: Domain) -> None:
    found = [dict(row) for row in rows]
    method_table(found)
    mask_table(found)
    ramp_table(found)
    misfit_table(found, domain)


if __name__ == "__main__":
    main()
