"""Domains: a generator and the models that belong to it, each loaded when it is first used.

A domain is a folder with a ``domain.yaml``::

    name: portraits                 # how commands and files call it
    title: Portraits                # how people call it
    resolution: 128                 # pixels
    family: stylegan2
    alignment: ffhq                 # how photos are cropped; null = not at all
    generator:                      # every file: these five; only file and sha256 are needed
      file: generator.safetensors   # inside the folder
      sha256: 6b86b273...
      size: 8123456                 # bytes
      licence: MIT
      source: python -m training generator
    encoder: {file: ...}            # picture -> ws minus w_avg, [N, num_ws · w_dim] or [N, w_dim]
    scorer: {file: ...}             # picture -> attributes, in σ of the world
    judge: {file: ...}              # the same, trained apart; see open_judge
    perceptual: {file: ...}         # picture -> feature maps
    identity: {file: ...}           # picture -> embedding
    text_image_model:               # the weights of a CLIP folder in the transformers layout,
      file: clip/model.safetensors  # or a model of the Hugging Face hub in one line:
      sha256: ...                   #   text_image_model: openai/clip-vit-base-patch32
    boundaries:                     # attribute -> direction file
      smile: {file: boundaries/smile.safetensors, sha256: ...}
    statistics: {file: ...}         # StyleSpace: mean and deviation of every channel
    global_directions: null

Every part but the generator may be null. Files are checked against their SHA-256 when they are
loaded. A user adds a domain by writing such a folder, anywhere.
"""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from editing.errors import BadInput, MissingFile, UnknownName, UnsafeFile
from editing.generator import FAMILIES, Generator, fingerprint, load_generator
from editing.settings import Settings, parse_yaml

if TYPE_CHECKING:
    from editing.features import PictureNet
    from editing.statistics import Statistics
    from editing.text_image import TextImageModel

WEIGHTS = Path(__file__).parents[1] / "weights"
DESCRIPTION = "domain.yaml"
ALIGNMENTS = ("ffhq", None)
PARTS = (
    "generator", "encoder", "scorer", "judge", "perceptual", "identity",
    "text_image_model", "statistics", "global_directions",
)  # fmt: skip


@dataclass(frozen=True)
class FileEntry:
    """One file of a domain."""

    file: str  # relative to the domain's folder
    sha256: str
    size: int | None = None  # bytes
    licence: str = ""
    source: str = ""  # where it comes from, or the command that makes it


class Domain:
    """What ``domain.yaml`` says, and the models behind it as lazily loaded properties.

    A domain is read only and may be shared between threads.
    """

    def __init__(self, folder: Path, facts: Mapping[str, Any], device: torch.device) -> None:
        self.folder = folder
        self.device = device
        self.name: str = facts["name"]
        self.title: str = facts["title"] or self.name
        self.resolution: int = facts["resolution"]
        self.family: str = facts["family"]
        self.alignment: str | None = facts["alignment"]
        self.parts: dict[str, FileEntry] = {p: facts[p] for p in PARTS if facts[p] is not None}
        self.hub_clip: str | None = facts["hub_clip"]  # text_image_model where it is on the hub
        self.boundaries: dict[str, FileEntry] = facts["boundaries"]  # by attribute

    def is_present(self, entry: FileEntry) -> bool:
        """Whether the file is there (not whether it is whole)."""
        return (self.folder / entry.file).is_file()

    def path_of(self, entry: FileEntry) -> Path:
        """The path of a file whose contents are what ``domain.yaml`` promises.

        Raises:
            MissingFile: it is not there.
            UnsafeFile: its SHA-256 is another.
        """
        path = self.folder / entry.file
        if not path.is_file():
            raise MissingFile(f"The domain {self.name} has no {path}; {_way_to(entry)}.")
        found = file_hash(path)
        if found != entry.sha256:
            raise UnsafeFile(
                f"{path} has the SHA-256 {found[:12]}... instead of {entry.sha256[:12]}..., so it "
                f"is damaged or another file; {_way_to(entry)}."
            )
        return path

    def part(self, name: str) -> Path:
        """The checked path of a part such as "statistics".

        Raises:
            MissingFile: the domain has no such part, or its file is not there.
            UnsafeFile: its SHA-256 is another.
        """
        if name not in self.parts:
            raise MissingFile(
                f"The domain {self.name} has no {name.replace('_', ' ')}; "
                f"name a file for it in {self.folder / DESCRIPTION}, or use another domain."
            )
        return self.path_of(self.parts[name])

    @cached_property
    def generator(self) -> Generator:
        with torch.inference_mode(False):  # whoever asks first, weights must serve autograd later
            generator = load_generator(self.part("generator"), self.device)
        if generator.img_resolution != self.resolution:
            raise BadInput(
                f"{self.folder / DESCRIPTION} says {self.resolution} px, but the generator makes "
                f"{generator.img_resolution} px; correct the resolution there."
            )
        return generator

    @cached_property
    def fingerprint(self) -> str:
        """Of the generator; latents and recipes carry it."""
        return fingerprint(self.generator)

    @cached_property
    def encoder(self) -> "PictureNet":
        return self._net("encoder")

    @cached_property
    def scorer(self) -> "PictureNet":
        return self._net("scorer")

    @cached_property
    def perceptual(self) -> "PictureNet":
        return self._net("perceptual")

    @cached_property
    def identity(self) -> "PictureNet | None":
        """None where the domain has none; its distance is then not shown."""
        return self._net("identity") if "identity" in self.parts else None

    @cached_property
    def clip(self) -> "TextImageModel":
        """Pictures and texts in one space.

        Raises:
            MissingFile: the domain has no text-image model, or the hub cannot be reached.
        """
        source = self.hub_clip or self.part("text_image_model").parent
        from editing.text_image import load_text_image_model

        with torch.inference_mode(False):
            return load_text_image_model(source, self.device)

    @cached_property
    def statistics(self) -> "Statistics":
        """Mean and deviation of every style channel, measured on this very generator.

        Raises:
            MissingFile: the domain has none.
            BadInput: they are another generator's.
        """
        path = self.part("statistics")
        from editing.statistics import load_statistics

        statistics = load_statistics(path)
        statistics.check(self.generator, self.fingerprint, self.name)
        return statistics

    def _net(self, name: str) -> "PictureNet":
        path = self.part(name)
        from editing.features import load_picture_net

        with torch.inference_mode(False):
            return load_picture_net(path, self.device)

    def encode(self, img: Tensor) -> Tensor:
        """The encoder's guess: pictures [N, 3, R, R] in [-1, 1] -> ws [N, num_ws, w_dim]."""
        rows, width = self.generator.num_ws, self.generator.w_dim
        deviation = self.encoder(img.to(self.device)).reshape(len(img), -1, width)
        ws: Tensor = self.generator.mapping.w_avg + deviation.expand(-1, rows, -1)
        return ws


def open_judge(domain: Domain) -> "PictureNet":
    """The judge: a second scorer that only ``score``, benchmarks and tests may ask.

    An edit that is measured by the network that made it proves nothing. So the judge is no
    property of the domain, and a test holds that nothing else in the app mentions this function.
    """
    return domain._net("judge")


def open_domain(
    name: str | Path, device: str | None = None, root: Path | str | None = None
) -> Domain:
    """Open a domain by name (a folder under ``root``, default weights/) or by path.

    Args:
        device: "cpu" (default), "cuda", "mps", or "auto" for the fastest there is.

    Raises:
        UnknownName: there is no such domain; the message lists those there are.
        BadInput: its domain.yaml is wrong, or there is no such device.
    """
    root = Path(root) if root is not None else WEIGHTS
    known = domain_names(root)
    folder = root / name if str(name) in known else Path(name)
    if folder.name == DESCRIPTION:
        folder = folder.parent
    if not (folder / DESCRIPTION).is_file():
        raise UnknownName.among("domain", str(name), known)
    return Domain(folder, read_description(folder / DESCRIPTION), find_device(device))


def list_domains(device: str | None = None, root: Path | str | None = None) -> list[Domain]:
    """All domains under ``root`` (default weights/), none of their files loaded."""
    root = Path(root) if root is not None else WEIGHTS
    return [open_domain(name, device, root) for name in domain_names(root)]


def domain_names(root: Path) -> list[str]:
    """Folders of ``root`` that hold a domain.yaml."""
    return sorted(path.parent.name for path in root.glob(f"*/{DESCRIPTION}"))


def find_device(name: str | None) -> torch.device:
    """A torch device by name; None is "cpu", "auto" the fastest there is.

    Raises:
        BadInput: this machine has none of this kind.
    """
    present = {"cpu": True, "cuda": torch.cuda.is_available(),
               "mps": torch.backends.mps.is_available()}  # fmt: skip
    if name == "auto":
        name = next(kind for kind in ("cuda", "mps", "cpu") if present[kind])
    kind, _, index = (name or "cpu").partition(":")
    there = [kind for kind, found in present.items() if found]
    if kind not in there or not re.fullmatch(r"(0|[1-9][0-9]?)?", index):
        raise BadInput(f"There is no device {name!r} here; choose from {', '.join(there)}.")
    if kind == "cuda" and index and int(index) >= torch.cuda.device_count():
        raise BadInput(f"There is no {name}; this machine has {torch.cuda.device_count()} GPUs.")
    return torch.device(name or "cpu")


def has_fast_bf16(kind: str) -> bool:
    """Whether bf16 is faster than float32 on this kind of device."""
    if kind == "cpu":
        supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
        return bool(supported and supported())
    return kind == "cuda" and torch.cuda.is_bf16_supported()
