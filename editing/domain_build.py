"""Any readable generator becomes a domain: what can be measured without labels, and two sheets.

    generator.safetensors    the weights, in our own format
    statistics.safetensors   StyleSpace: mean and deviation of every channel
    components.safetensors   W: its mean, and its principal components with their deviations
    boundaries/sefa_*        directions found without labels (SeFa), for coarse, middle, fine layers
    contact.png              seeds
    directions.png           what each direction does
    domain.yaml              all of this; the folder is a domain from the first step on

Every step leaves a whole file and is skipped where that file is there, so a build that was cut off
goes on. Pictures, the long part, are kept one by one in ``.build`` until the sheets are made.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from editing.descriptions import ALIGNMENTS, DESCRIPTION, describe_file, write_description
from editing.directions import save_direction
from editing.domains import Domain, open_domain
from editing.downloads import file_hash
from editing.edits import Move, render, state_of
from editing.errors import BadInput, EditingError, MissingFile, UnknownName
from editing.formats.checkpoints import read_generator
from editing.generator import Generator, load_generator, save_generator
from editing.hub import HubModel
from editing.images import save_png, to_pil, write_atomically
from editing.latents import SeedSpec
from editing.layers import layer_groups
from editing.mapping import one_hot
from editing.samples import moments
from editing.sheets import sheet
from editing.statistics import load_statistics, measure_statistics, save_statistics
from editing.tensors import is_tensor_file, write_tensors
from editing.unsupervised import sefa

COMPONENTS_FORMAT = "latent-studio components 1"
COMPONENTS = 80  # GANSpace's default
PER_GROUP = 3  # SeFa directions of each group of layers
ALPHAS = (-3.0, -1.5, 0.0, 1.5, 3.0)  # of directions.png, in standard deviations of n·w
SHOWN = "seed:0"  # whom directions.png shows
CELL = 128  # pixels of a picture on a sheet
COLUMNS = 8
SCRATCH = ".build"
NOTE = "build.json"  # in SCRATCH: which checkpoint this is

Say = Callable[[str], None]
Job = tuple[str, "Move | None"]  # a picture: whom, and moved how


@dataclass(frozen=True)
class BuildOptions:
    """What a build can be told."""

    title: str = ""
    alignment: str | None = None  # "ffhq" where photos are to be cropped like FFHQ's
    licence: str = "that of its checkpoint"
    pictures: int = 48  # on contact.png
    clip: str = ""  # a text-image model of the Hugging Face hub, for edits by text
    label: int | None = None  # of a generator with classes: which one the domain draws; None = 0

    def __post_init__(self) -> None:
        if self.clip:
            HubModel.parse(self.clip)
        if self.alignment not in ALIGNMENTS:
            raise UnknownName.among("alignment", self.alignment, ["ffhq"])


@dataclass(frozen=True)
class Step:
    """Where a build is: pictures drawn of all, and the seconds left as the last ones suggest."""

    done: int
    total: int
    left: float


def build_domain(
    checkpoint: Path, out: Path, options: BuildOptions, say: Say = lambda text: None
) -> Iterator[Step]:
    """Build the domain ``out`` from a generator's file; yields after every picture.

    Raises:
        MissingFile, UnsafeFile: the checkpoint is not there or not readable.
        BadInput: a class that it does not have, or ``out`` is another domain.
        CannotWrite: folder or disk refuse.
    """
    if not re.fullmatch(r"[\w.-]+", out.resolve().name):
        raise BadInput(f"The folder {out.name!r} gives no name; use letters, digits, - and _.")
    _claim(checkpoint, out, options.label or 0)
    say(f"Reading {checkpoint}.")
    try:
        generator = _place_generator(checkpoint, out, options.label)
    except EditingError:
        _disclaim(out)
        raise
    _describe(out, options, checkpoint, generator)
    domain = open_domain(out)
    _measure(domain, say)
    _find_directions(domain, say)
    _describe(out, options, checkpoint, domain.generator)
    domain = open_domain(out)
    yield from _draw_sheets(domain, options, say)
    shutil.rmtree(out / SCRATCH, ignore_errors=True)


def _claim(checkpoint: Path, out: Path, label: int) -> None:
    """Make ``out`` this checkpoint's, or refuse where it is something else."""
    if not checkpoint.is_file():
        raise MissingFile(f"{checkpoint} is missing; check the path of the checkpoint.")
    found = file_hash(checkpoint)
    note = out / SCRATCH / NOTE
    if note.is_file():
        begun = json.loads(note.read_text(encoding="utf-8"))
        if (begun.get("sha256"), begun.get("class", 0)) != (found, label):
            raise BadInput(
                f"{out} is being built from another checkpoint or for another class; choose "
                f"another folder, or delete {out / SCRATCH} to begin anew."
            )
        return
    if (out / DESCRIPTION).exists():
        raise BadInput(f"{out} is a domain already; choose another folder.")
    for left in ("generator", "statistics", "components"):  # of a build that was begun anew
        (out / f"{left}.safetensors").unlink(missing_ok=True)
    text = json.dumps({"checkpoint": checkpoint.name, "sha256": found, "class": label})
    write_atomically(note, lambda file: file.write(text.encode()))


def _disclaim(out: Path) -> None:
    """Leave nothing of a checkpoint that is none."""
    shutil.rmtree(out / SCRATCH, ignore_errors=True)
    with suppress(OSError):  # something else is in it
        out.rmdir()


def _place_generator(checkpoint: Path, out: Path, label: int | None) -> Generator:
    path = out / "generator.safetensors"
    if path.is_file():
        return load_generator(path)
    own = is_tensor_file(checkpoint)
    generator = load_generator(checkpoint) if own else read_generator(checkpoint)
    if label is not None:
        one_hot(label, generator.c_dim)  # refuses a class that there is not
    save_generator(path, generator)
    return generator


def _describe(out: Path, options: BuildOptions, checkpoint: Path, generator: Generator) -> None:
    """domain.yaml of what is there so far."""

    def entry(file: str) -> dict[str, object] | None:
        facts = {"licence": options.licence, "source": f"domain build {checkpoint.name}"}
        return describe_file(out, file, **facts) if (out / file).is_file() else None

    boundaries = sorted((out / "boundaries").glob("*.safetensors"))
    facts: dict[str, Any] = {
        "name": out.resolve().name,
        "title": options.title or out.resolve().name,
        "resolution": generator.img_resolution,
        "family": generator.family,
        "alignment": options.alignment,
        **({"class": options.label or 0} if generator.c_dim else {}),
        "generator": entry("generator.safetensors"),
        "boundaries": {path.stem: entry(f"boundaries/{path.name}") for path in boundaries},
        "components": entry("components.safetensors"),
        "statistics": entry("statistics.safetensors"),
    }
    if options.clip:
        facts["text_image_model"] = options.clip
    write_description(out, facts)


def _measure(domain: Domain, say: Say) -> None:
    path = domain.folder / "statistics.safetensors"
    if not path.is_file() or load_statistics(path).fingerprint != domain.fingerprint:
        say("Measuring the styles.")
        save_statistics(path, measure_statistics(domain.generator))
    path = domain.folder / "components.safetensors"
    if not path.is_file():
        say("Measuring W.")
        w = moments(domain)
        deviations, vectors = w.axes()
        tensors = {
            "mean": w.mean,
            "std": deviations[:COMPONENTS].float(),
            "comp": vectors[:, :COMPONENTS].T.float(),
        }
        write_tensors(path, tensors, COMPONENTS_FORMAT, {"fingerprint": domain.fingerprint})


def _find_directions(domain: Domain, say: Say) -> None:
    groups = layer_groups(domain.generator)
    count = min(PER_GROUP, domain.generator.w_dim)
    folder = domain.folder / "boundaries"
    if len(list(folder.glob("sefa_*.safetensors"))) == count * len(groups):
        return
    say("Factorising the styles (SeFa).")
    for group, rows in groups.items():
        for i, direction in enumerate(sefa(domain, rows, count), 1):
            save_direction(folder / f"sefa_{group}_{i}.safetensors", direction, domain.family)


# -- pictures


def _draw_sheets(domain: Domain, options: BuildOptions, say: Say) -> Iterator[Step]:
    seeds = [SeedSpec(seed) for seed in range(options.pictures)]
    names = list(domain.boundaries)
    jobs: dict[str, Job] = {f"seed{spec.seed}": (str(spec), None) for spec in seeds}
    jobs |= {_cell(name, a): (SHOWN, Move(name, a)) for name in names for a in ALPHAS}
    yield from _draw(domain, jobs, say)
    scratch = domain.folder / SCRATCH
    columns = [""] * min(COLUMNS, len(seeds))
    cells = [_read(scratch, f"seed{spec.seed}") for spec in seeds]
    save_png(domain.folder / "contact.png", sheet(cells, columns))
    cells = [_read(scratch, _cell(name, alpha)) for name in names for alpha in ALPHAS]
    if cells:
        titles = [f"{alpha:+g} σ" if alpha else "0" for alpha in ALPHAS]
        save_png(domain.folder / "directions.png", sheet(cells, titles, names))


def _cell(name: str, alpha: float) -> str:
    return f"{name}{alpha:+g}" if alpha else "middle"


def _picture(domain: Domain, source: str, move: Move | None) -> Image.Image:
    state = state_of(source, domain)
    picture = to_pil(render(move.apply(state, domain) if move else state, domain))
    return picture.resize((CELL, CELL), Image.Resampling.LANCZOS)


def _draw(domain: Domain, jobs: dict[str, Job], say: Say) -> Iterator[Step]:
    """The pictures that are not there yet; the first ones tell how long the rest takes."""
    scratch = domain.folder / SCRATCH
    missing = {name: job for name, job in jobs.items() if not (scratch / f"{name}.png").is_file()}
    spent: list[float] = []
    for done, (name, job) in enumerate(missing.items(), 1):
        began = time.perf_counter()
        save_png(scratch / f"{name}.png", _picture(domain, *job))
        spent.append(time.perf_counter() - began)
        each = sorted(spent)[len(spent) // 2]
        left = each * (len(missing) - done)
        if done == 2:  # the very first is slower than the others
            minutes = f"{left / 60:.0f} minutes" if left > 90 else f"{left:.0f} seconds"
            say(f"One picture takes {each:.2f} s; the other {len(missing) - 2} about {minutes}.")
        yield Step(len(jobs) - len(missing) + done, len(jobs), left)


def _read(scratch: Path, name: str) -> Image.Image:
    with Image.open(scratch / f"{name}.png") as picture:
        return picture.convert("RGB")
