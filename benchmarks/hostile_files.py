"""Some four hundred hostile files of every kind that is read here, made from nothing.

    python -m benchmarks.hostile_files FOLDER      # writes them, to be looked at

Each is a few bytes to a few megabytes, and would take a thread, the memory or the machine from a
reader that believes it. None may be read: see ``abuse_files`` for what is asked of every door.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import hostile_foreign as foreign
from benchmarks import hostile_pictures as pictured
from benchmarks import hostile_works as works
from benchmarks.hostile_bytes import Hostile as Hostile

KINDS = (foreign.pickles, foreign.arrays, foreign.torch, foreign.tensors, works.latents,
         works.recipes, works.sessions, pictured.pictures)  # fmt: skip
DOORS = ("foreign", "direction", "latent", "recipe", "session", "picture", "export")
SMALL_OF_KIND = 4  # files of every door in a small corpus


def corpus(small: bool = False) -> list[Hostile]:
    """All of them; of a ``small`` corpus some of every door, spread over the kinds."""
    found = [each for kind in KINDS for each in kind()]
    assert len({each.file for each in found}) == len(found), "two files of one name"
    if not small:
        return found
    by_door = [[each for each in found if each.door == door] for door in DOORS]
    return [each for group in by_door for each in group[:: max(len(group) // SMALL_OF_KIND, 1)]]


def write(folder: Path, files: Sequence[Hostile]) -> None:
    """Every file under its own name."""
    folder.mkdir(parents=True, exist_ok=True)
    for each in files:
        (folder / each.file).write_bytes(each.data)


if __name__ == "__main__":
    write(Path(sys.argv[1]), found := corpus())
    print(f"{len(found)} files in {sys.argv[1]}.")
