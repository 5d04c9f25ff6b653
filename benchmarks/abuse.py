"""Everything that strangers may try, against a fresh server: one table.

    python -m benchmarks.abuse [--only files,api,load] [--domain portraits] [--small]

Every part has a server of its own, with the settings that strangers get, and yields rows: tried,
refused, crashed, hung, leaked. Wanted are zeros in the last three; the exit code says so.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.abuse_rows import Row, Target
from benchmarks.browser import print_table, served

PARTS = ("files", "api", "load")  # modules benchmarks.abuse_PART with rows(target)
HEADER = ("what", "tried", "refused", "crashed", "hung", "leaked", "note")


def rows(part: str, domain: str, small: bool) -> Iterator[Row]:
    """The rows of one part against a server of its own."""
    module = importlib.import_module(f"benchmarks.abuse_{part}")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        with served(domain, Path(folder)) as (url, pid):
            yield from module.rows(Target(url, pid, Path(folder), domain, small))


def cells(row: Row) -> list[str]:
    numbers = (row.tried, row.refused, row.crashed, row.hung, row.leaked)
    return [row.name, *map(str, numbers), row.note]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas between")
    parser.add_argument("--domain", default="portraits")
    parser.add_argument("--small", action="store_true", help="a few cases of every kind")
    options = parser.parse_args(arguments)
    found: list[Row] = []
    for part in options.only.split(","):
        if importlib.util.find_spec(f"benchmarks.abuse_{part}") is None:
            print(f"There is no part {part}; choose from {', '.join(PARTS)}.", file=sys.stderr)
            return 2
        for row in rows(part, options.domain, options.small):
            print(" ".join(cells(row)), file=sys.stderr, flush=True)
            found.append(row)
    print_table(HEADER, [cells(row) for row in found])
    return 1 if any(row.crashed or row.hung or row.leaked for row in found) else 0


if __name__ == "__main__":
    sys.exit(main())
