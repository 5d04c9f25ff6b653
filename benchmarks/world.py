"""How good the bundled world is, recomputed from the landed files on what none was trained on.

    python -m benchmarks.world                       # the whole table; half an hour on two cores
    python -m benchmarks.world --only readers clip   # parts of it
    python -m benchmarks.world --samples 1000        # quicker, less exact

Renders that are missing are made first, once. Precision and recall need the features of
``python -m training features``, which are not landed.
"""

import argparse

from benchmarks.distribution import read_generator
from benchmarks.likeness import read_identity, read_perceptual
from benchmarks.pairs import read_pairs
from benchmarks.readings import read_boundaries, read_encoder, read_readers
from benchmarks.rows import print_rows
from benchmarks.wording import read_clip
from editing.domains import open_domain

PARTS = {
    "pairs": read_pairs,
    "generator": read_generator,
    "readers": read_readers,
    "encoder": read_encoder,
    "boundaries": read_boundaries,
    "perceptual": read_perceptual,
    "identity": read_identity,
    "clip": read_clip,
}
# Pictures or latents of each part: enough for the last digit that is printed.
COUNTS = {
    "pairs": 100, "generator": 10_000, "readers": 1_000, "encoder": 1_000, "boundaries": 200,
    "perceptual": 1_000, "identity": 2_000, "clip": 1_000,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--samples", type=int, help="at most so many pictures or latents a part")
    args = parser.parse_args()
    domain = open_domain("portraits")
    rows = []
    for part in args.only:
        count = min(COUNTS[part], args.samples or COUNTS[part])
        rows += PARTS[part](domain, count)
    print_rows(rows)


if __name__ == "__main__":
    main()
