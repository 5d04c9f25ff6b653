"""The folder of a domain that files of other systems are converted into: what is written where.

Nothing is written over what an import did not make: a file that is there stays, and is the same
import made again, or the import is refused.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from editing.clip_files import absent_files
from editing.descriptions import describe_file
from editing.domains import Domain
from editing.errors import BadInput
from editing.formats.pickles import refusing
from editing.formats.safetensors_files import read_header
from editing.formats.torch_files import StoredTensor
from editing.tensors import is_tensor_file

CONVERTED = "converted from"  # begins the source of every part that was imported
Writer = Callable[[Path], None]


@dataclass(frozen=True)
class Said:
    """What somebody says of a file that does not say it itself, or says otherwise."""

    name: str | None = None  # what directions or latents are called, instead of their file
    family: str | None = None  # of directions
    space: str | None = None  # of directions: w or z; of latents: w, w+ or z
    array: str | None = None  # which array of a file holds the latents
    psi: float = 1.0  # with which z is mapped


@dataclass
class Target:
    """The folder that is written to, its domain if it is one, and what becomes of domain.yaml."""

    folder: Path
    source: Path
    said: Said = Said()
    domain: Domain | None = None  # whose part the files become
    at_hand: Domain | None = None  # whose generator tells what shapes mean
    facts: dict[str, Any] = field(default_factory=dict)  # of domain.yaml, changed
    written: list[Path] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)  # sentences on what does not fit
    used: list[str] = field(default_factory=list)  # kinds of what was written
    notes: list[str] = field(default_factory=list)  # on how the file was read

    def put(self, file: str, write: Writer, way_out: str = "") -> Path:
        """Write one file of the folder; see ``put_all``."""
        return self.put_all([(file, write)], way_out)[0]

    def put_all(self, files: Sequence[tuple[str, Writer]], way_out: str = "") -> list[Path]:
        """Write files of the folder, all or none; those there already with these contents stay.

        Args:
            files: names in the folder, and what writes each to a path.
            way_out: what messages advise where a file is there with other contents.

        Raises:
            BadInput: a file is there, and was not made of this source.
            CannotWrite: folder or disk refuse.
        """
        advice = way_out or "choose another folder, or take the old file away first"
        paths = [self.folder / file for file, _ in files]
        waiting = []
        for path, (file, write) in zip(paths, files, strict=True):
            if not path.exists():
                waiting.append((path, write))
            elif not _made_again(path, write):
                raise BadInput(
                    f"{self.folder} has a {file} already, which is not made of "
                    f"{self.source.name}; {advice}."
                )
        for path, write in waiting:
            write(path)
        return paths

    def add(self, part: str, file: str) -> None:
        """Note a file, or a folder of files, as a part ("boundary NAME" for one direction)."""
        path, source = self.folder / file, {"source": f"{CONVERTED} {self.source.name}"}
        self.written.append(path)
        if self.domain is None and "generator" not in self.facts and part != "generator":
            return
        if path.is_dir():
            names = sorted(f"{file}/{one.name}" for one in path.iterdir() if one.is_file())
            files = [describe_file(self.folder, name) for name in names]
            entry: dict[str, Any] = {
                "file": file, **source, "files": [*files, *absent_files(path, file)]
            }  # fmt: skip
        else:
            entry = describe_file(self.folder, file, **source)
        kind, _, name = part.partition(" ")
        if kind == "boundary":
            self.facts.setdefault("boundaries", {})
            self.facts["boundaries"] = {**(self.facts["boundaries"] or {}), name: entry}
        else:
            self.facts[part] = entry

    def check_free(self, part: str, file: str) -> None:
        """Refuse to take the place of a part that the domain has from elsewhere.

        Raises:
            BadInput: names the part and its file.
        """
        if self.domain is None:
            return
        kind, _, name = part.partition(" ")
        known = self.domain.boundaries if kind == "boundary" else self.domain.parts
        entry = known.get(name if kind == "boundary" else part)
        if entry is not None and entry.file != file:
            advice = "give another --name" if name else "choose another folder"
            raise BadInput(
                f"{self.domain.name} has its own {name or part.replace('_', ' ')} in {entry.file}; "
                f"{advice}."
            )


def _made_again(path: Path, write: Writer) -> bool:
    """Whether ``write`` would write what is at ``path`` already."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".convert-") as folder:
        new = Path(folder) / path.name
        write(new)
        return _same(path, new)


def _same(a: Path, b: Path) -> bool:
    """Whether two files hold the same, whatever dates and order of keys they were packed with."""
    if a.read_bytes() == b.read_bytes():
        return True
    if is_tensor_file(a) and is_tensor_file(b):
        with refusing(a):
            (header, ours), (other, theirs) = read_header(a), read_header(b)
            return header == other and _equal(ours, theirs, _same_numbers)
    if a.suffix == b.suffix == ".npz":
        try:
            with np.load(a) as one, np.load(b) as two:
                return _equal(dict(one), dict(two), np.array_equal)
        except (OSError, ValueError):  # what is there is none of ours
            return False
    return False


def _same_numbers(a: StoredTensor, b: StoredTensor) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and torch.equal(a.load(), b.load())


def _equal(a: dict[str, Any], b: dict[str, Any], equal: Callable[[Any, Any], bool]) -> bool:
    return a.keys() == b.keys() and all(equal(value, b[key]) for key, value in a.items())
