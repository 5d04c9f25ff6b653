"""Measures the table of global directions: what every style channel does to a CLIP embedding.

Each channel is put k standard deviations above and below its mean, and the difference of the two
embeddings is its direction (Patashnik et al. 2021, "StyleCLIP", section 6):

    Δ_c = E(G(s, s_c = μ_c + kσ_c)) − E(G(s, s_c = μ_c − kσ_c)),    row c = mean of Δ_c/‖Δ_c‖

"perturbation" draws these pictures, on from the first layer that changes and many at a time;
"jacobian" takes the derivative instead, by one pass backwards per dimension of the embedding for
all channels at once. A build writes down how far it is, and goes on there after a kill.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from editing.directions.stylespace import base_ws, gradients, statistics_of
from editing.errors import BadInput, EditingError, UnknownName
from editing.io.tensors import read_tensors, write_tensors
from editing.models.domain import Domain
from editing.models.generators.layers import style_widths
from editing.models.generators.partial_synthesis import Canvas, Layers
from editing.models.global_directions import GlobalDirections, save_global_directions
from editing.models.style_statistics import PSI, SEED

FORMAT = "latent-studio unfinished global directions 1"
METHODS = ("perturbation", "jacobian")
BASES = ("samples", "mean")
FINEST = 256  # pixels of the finest layers that are measured unless others are named
PIXELS = 1 << 20  # drawn at once
TOGETHER = 4  # samples with gradients, as far as PIXELS allow
NOTHING = 1e-6  # length of a change that is none
SAVE_EVERY = 15.0  # seconds


@dataclass(frozen=True)
class TableOptions:
    """How a table is measured.

    samples: latents; with the base "mean" there is one picture to start from, and they are unused.
    k: standard deviations up and down (5 for FFHQ and the like, 10 for other worlds).
    psi, seed: of the samples; those of StyleCLIP's first latents.
    layers: of the styles, by name; () = ``default_layers``.
    base: "samples": every sample with one channel moved; "mean": all channels at their mean.
    method: one of ``METHODS``.
    half: draw and look in bf16 (approximate).
    max_resolution: draw no larger than this (approximate); None = the whole picture.
    inherit: channels that were measured stay at their mean for all later ones, as in the published
        script, whose copy of the styles is shallow; for comparison with published tables.
    """

    samples: int = 32
    k: float = 5.0
    psi: float = PSI
    seed: int = SEED
    layers: tuple[str, ...] = ()
    base: str = "samples"
    method: str = "perturbation"
    half: bool = False
    max_resolution: int | None = None
    inherit: bool = False

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise UnknownName.among("method", self.method, METHODS)
        if self.base not in BASES:
            raise UnknownName.among("base", self.base, BASES)
        if not 1 <= self.samples <= 10_000:
            raise BadInput(f"{self.samples} samples are not possible; choose from 1 to 10000.")
        if not 0 < self.k <= 100:
            raise BadInput(f"k of {self.k} is not possible; choose from 0 to 100, usually 5.")
        if self.method == "jacobian" and (self.inherit or self.base == "mean"):
            raise BadInput("The Jacobian is taken at samples as they are; leave base and defect.")


@dataclass(frozen=True, eq=False)
class Progress:
    """How far a build is; the last one has the table."""

    done: int
    total: int
    left: float  # seconds, as the last ones suggest
    table: GlobalDirections | None = None


def default_layers(domain: Domain) -> tuple[str, ...]:
    """All convolutions up to ``FINEST`` pixels, as StyleCLIP; but StyleGAN3's Fourier input.

    ToRGB would win every text that names a colour, by tinting the whole picture.
    """
    names = (name for name in style_widths(domain.generator) if name != "input")
    convolutions = (name for name in names if not name.endswith("torgb"))
    return tuple(n for n in convolutions if not n.startswith("b") or _size(n) <= FINEST)


def _size(name: str) -> int:
    return int(name.partition(".")[0][1:])


def latents_at_once(size: int) -> int:
    """How many pictures of ``size`` pixels a side are drawn together with gradients."""
    return max(min(PIXELS // size**2, TOGETHER), 1)


class _Measurement(ABC):
    """What both methods share: the channels, the samples and the sums so far."""

    total: int  # pieces

    def __init__(self, domain: Domain, options: TableOptions) -> None:
        self.domain, self.options, self.clip = domain, options, domain.clip
        widths = style_widths(domain.generator)
        chosen = options.layers or default_layers(domain)
        for name in chosen:
            if name not in widths:
                raise UnknownName.among("layer of styles", name, widths)
        self.widths = {name: width for name, width in widths.items() if name in chosen}
        self.layers = Layers(domain.generator, options.max_resolution)
        if beyond := [name for name in self.widths if name not in self.layers.names]:
            raise BadInput(
                f"The layer {beyond[0]} draws beyond {options.max_resolution} px; name coarser "
                "layers or a larger resolution."
            )
        statistics = statistics_of(domain)
        self.mean, self.std = (
            {name: t.to(domain.device) for name, t in part.items()}
            for part in (statistics.mean, statistics.std)
        )
        self.first, start = dict[str, int](), 0
        for name, width in self.widths.items():
            self.first[name] = start
            start += width
        self.sums = torch.zeros(start, self.clip.width)
        self.done = 0

    @abstractmethod
    def advance(self) -> None:
        """One more piece."""

    @property
    def facts(self) -> dict[str, object]:
        """What a state must have in common with this measurement."""
        own = {"generator": self.domain.fingerprint, "clip": self.clip.fingerprint}
        options = {k: list(v) if isinstance(v, tuple) else v
                   for k, v in asdict(self.options).items()}  # fmt: skip
        return {**own, **options, "layers": list(self.widths)}

    def tensors(self) -> dict[str, Tensor]:
        """Everything that decides how it goes on."""
        return {"sums": self.sums}

    def restore(self, tensors: dict[str, Tensor], done: int) -> None:
        self.sums, self.done = tensors["sums"], done

    def add(self, layer: str, start: int, changes: Tensor) -> None:
        """Count changes of embeddings [C, d] of the channels of a layer from ``start``, by way."""
        lengths = changes.norm(dim=1, keepdim=True)
        ways = torch.where(lengths > NOTHING, changes / lengths.clamp_min(NOTHING), 0)
        at = self.first[layer] + start
        self.sums[at : at + len(ways)] += ways.cpu()

    def table(self) -> GlobalDirections:
        rows = F.normalize(self.sums, dim=1)
        parts = dict(zip(self.widths, torch.split(rows, list(self.widths.values())), strict=True))
        made = {k: v for k, v in self.facts.items() if k not in ("generator", "clip", "layers")}
        return GlobalDirections(parts, self.clip.fingerprint, self.domain.fingerprint, made)


class _Perturbation(_Measurement):
    """Two pictures per channel and sample."""

    def __init__(self, domain: Domain, options: TableOptions) -> None:
        super().__init__(domain, options)
        at_once = max(min(PIXELS // (2 * self.layers.size**2), 64), 1)
        self.pieces = [
            (name, start, min(start + at_once, width))
            for name, width in self.widths.items()
            for start in range(0, width, at_once)
        ]
        whole = {name: mean[None] for name, mean in self.mean.items()}
        if options.base == "mean":
            self.samples = [whole]
        else:
            ws = base_ws(domain, options.samples, options.psi, options.seed)
            with torch.no_grad():
                self.samples = [domain.generator.styles(w[None]) for w in ws]
        self.total = len(self.samples) * len(self.pieces)
        self.at: tuple[int, str] = (-1, "")  # sample and layer before which ``canvas`` is
        self.canvas: Canvas | None = None
        self.base: Tensor | None = None  # the picture drawn on from there

    def advance(self) -> None:
        number, piece = divmod(self.done, len(self.pieces))
        layer, start, stop = self.pieces[piece]
        kind, fast = self.domain.device.type, self.options.half
        with torch.inference_mode(False), torch.no_grad():
            with torch.autocast(kind, torch.bfloat16, enabled=fast):
                self._go_to(number, layer)
                seen = self._look(number, layer, start, stop)
            up, down = seen.float().chunk(2)
            self.add(layer, start, up - down)
        self.done += 1

    def _go_to(self, number: int, layer: str) -> None:
        """Bring the canvas of a sample to before a layer."""
        if self.at == (number, layer):
            return
        passed = self.samples[number]
        if self.options.inherit:
            passed = passed | {name: self.mean[name][None] for name in self.widths}
        known = (self.at[1], self.canvas) if self.at[0] == number else ("", None)
        self.canvas, self.at = self.layers.until(layer, passed, *known), (number, layer)
        self.base = None

    def _base(self, number: int) -> Tensor:
        """The picture of a sample, drawn on from the canvas with its own styles."""
        if self.base is None:
            self.base = self.layers.draw(self.samples[number], self.at[1], self.canvas)
        return self.base

    def _look(self, number: int, layer: str, start: int, stop: int) -> Tensor:
        """Embeddings [2C, d] with the channels at their mean plus, then minus, k deviations."""
        assert self.canvas is not None
        own, channels = self.samples[number], torch.arange(start, stop)
        rows = own[layer].repeat(2 * len(channels), 1)
        if self.options.inherit:
            earlier = torch.arange(rows.shape[1])[None] < channels.repeat(2)[:, None]
            rows = torch.where(earlier.to(rows.device), self.mean[layer], rows)
        step = self.options.k * self.std[layer][start:stop]
        middle = self.mean[layer][start:stop]
        at = torch.arange(len(rows))
        rows[at, channels.repeat(2)] = torch.cat([middle + step, middle - step])
        if self.layers.is_recolouring(layer):
            img = self.layers.recoloured(layer, rows, own[layer], self.canvas, self._base(number))
        else:
            styles = {n: s.expand(len(rows), -1) for n, s in own.items()} | {layer: rows}
            img = self.layers.draw(styles, layer, self.canvas.expanded(len(rows)))
        return self.clip.encode_pictures(img.float().clamp(-1, 1))


class _Jacobian(_Measurement):
    """One pass backwards per dimension of the embedding, for some samples at a time."""

    def __init__(self, domain: Domain, options: TableOptions) -> None:
        super().__init__(domain, options)
        at_once = latents_at_once(self.layers.size)
        ws = base_ws(domain, options.samples, options.psi, options.seed)
        self.parts = [ws[i : i + at_once] for i in range(0, len(ws), at_once)]
        self.total = len(self.parts) * self.clip.width
        self.partial = self._empty(0)
        self.found: Iterator[dict[str, Tensor]] | None = None

    def _empty(self, part: int) -> Tensor:
        return torch.zeros(len(self.parts[part]), len(self.sums), self.clip.width)

    def advance(self) -> None:
        part, dimension = divmod(self.done, self.clip.width)
        if self.found is None:  # the first of some samples, or gone on with
            size = None if self.options.max_resolution is None else self.layers.size
            axes = torch.eye(self.clip.width, device=self.domain.device)[dimension:]
            self.found = gradients(
                self.domain, self.parts[part], self.clip.encode_pictures, axes, self.options.half,
                size,
            )  # fmt: skip
        gradient = next(self.found)
        own = torch.cat([gradient[name] for name in self.widths], dim=1)
        self.partial[:, :, dimension] = own.cpu()
        self.done += 1
        if dimension + 1 == self.clip.width:
            self._finish(part)

    def _finish(self, part: int) -> None:
        """Count these samples, and begin with the next ones."""
        std = torch.cat([self.std[name] for name in self.widths]).cpu()
        for changes in self.partial * (2 * self.options.k * std[:, None]):
            for name, width in self.widths.items():
                start = self.first[name]
                self.add(name, 0, changes[start : start + width])
        self.found = None
        if part + 1 < len(self.parts):
            self.partial = self._empty(part + 1)

    def tensors(self) -> dict[str, Tensor]:
        return {"sums": self.sums, "partial": self.partial}

    def restore(self, tensors: dict[str, Tensor], done: int) -> None:
        super().restore(tensors, done)
        self.partial, self.found = tensors["partial"], None


def build_table(
    domain: Domain, options: TableOptions = TableOptions(), state: Path | None = None
) -> Iterator[Progress]:
    """Measure the table; yields after every piece, at last with the table.

    Args:
        state: where it is written down how far the build is; one that is found there goes on, to
            the same table. The caller removes it once the table is kept.

    Raises:
        MissingFile: the domain has no text-image model.
        BadInput: options that this domain cannot do, or a state of another measurement.
        CannotWrite: folder or disk refuse; what was measured until the last writing is kept.
    """
    work = {"perturbation": _Perturbation, "jacobian": _Jacobian}[options.method](domain, options)
    if state is not None and state.is_file():
        _restore(work, state)
    began, saved, before = time.monotonic(), time.monotonic(), work.done
    while work.done < work.total:
        work.advance()
        now = time.monotonic()
        if state is not None and (now - saved > SAVE_EVERY or work.done == work.total):
            write_tensors(state, work.tensors(), FORMAT, {**work.facts, "done": work.done})
            saved = time.monotonic()
        each = (now - began) / max(work.done - before, 1)
        yield Progress(work.done, work.total, each * (work.total - work.done))
    yield Progress(work.total, work.total, 0.0, work.table())


def _restore(work: _Measurement, state: Path) -> None:
    try:
        tensors, facts = read_tensors(state, FORMAT)
    except EditingError as error:
        raise BadInput(f"{state} is no unfinished table; delete it to begin anew.") from error
    done = facts.pop("done", None)
    if facts != work.facts:
        different = [key for key in work.facts if facts.get(key) != work.facts[key]]
        raise BadInput(
            f"{state} is an unfinished table of other settings ({', '.join(different)}); use those "
            "or delete it to begin anew."
        )
    wanted = work.tensors()
    fits = tensors.keys() == wanted.keys() and tensors["sums"].shape == wanted["sums"].shape
    if not fits or type(done) is not int or not 0 <= done <= work.total:
        raise BadInput(f"{state} is damaged; delete it to begin anew.")
    work.restore(tensors, done)


def build_file(
    domain: Domain, options: TableOptions, path: Path, state: Path | None = None
) -> Iterator[Progress]:
    """``build_table``, written to ``path`` in the end; ``state`` lies beside it unless said."""
    state = state or path.with_name(f".{path.stem}.unfinished")
    for progress in build_table(domain, options, state):
        if progress.table is not None:
            save_global_directions(path, progress.table)
            state.unlink(missing_ok=True)
        yield progress
