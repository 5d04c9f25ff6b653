"""Domains: a generator and the models that belong to it, each loaded when it is first used.

A domain is a folder with a ``domain.yaml`` (see ``editing.models.domain_yaml``). Files are checked
against their SHA-256 when they are loaded. A user adds a domain by writing such a folder, anywhere.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from editing.errors import BadInput, MissingFile, UnknownName, UnsafeFile
from editing.io.allocator import let_go
from editing.io.downloads import file_hash as file_hash
from editing.io.hub import HubModel, checked
from editing.io.tensors import is_tensor_file
from editing.io.trust import trust_if_possible, trusted
from editing.models.domain_yaml import DESCRIPTION, PARTS, FileEntry, read_description
from editing.models.formats.checkpoints import read_generator, read_net
from editing.models.generators.generator import Generator, fingerprint, load_generator
from editing.models.generators.mapping import one_hot

if TYPE_CHECKING:
    from editing.models.global_directions import GlobalDirections
    from editing.models.networks.clip import TextImageModel
    from editing.models.networks.deghosting import Deghosting
    from editing.models.networks.differential_activation import DifferentialNet
    from editing.models.networks.picture_nets import Encoder, Eye, IdentityNet, PictureNet
    from editing.models.style_statistics import Statistics

WEIGHTS = Path(__file__).parents[2] / "weights"


class Domain:
    """What ``domain.yaml`` says, and the models behind it as lazily loaded properties.

    A domain is read only and may be shared between threads.
    """

    def __init__(
        self,
        folder: Path,
        facts: Mapping[str, Any],
        device: torch.device,
        label: int | None = None,
    ) -> None:
        self.folder = folder
        self.device = device
        self.name: str = facts["name"]
        self.title: str = facts["title"] or self.name
        self.resolution: int = facts["resolution"]
        self.family: str = facts["family"]
        self.alignment: str | None = facts["alignment"]
        given = facts.get("label") if label is None else label
        self.label: int = given or 0  # the class of a generator with classes
        self._labelled = given is not None
        self.parts: dict[str, FileEntry] = {p: facts[p] for p in PARTS if facts[p] is not None}
        self.hub_clip: HubModel | None = facts["hub_clip"]  # a text_image_model of the hub
        self.reach: float | None = facts["reach"]  # perceptual, of 95 % of held-out inversions
        self.boundaries: dict[str, FileEntry] = facts["boundaries"]  # by attribute

    @property
    def entries(self) -> dict[str, FileEntry]:
        """Every part and every boundary ("boundary smile")."""
        return self.parts | {f"boundary {name}": e for name, e in self.boundaries.items()}

    @property
    def missing(self) -> dict[str, FileEntry]:
        """The entries of which a file is not there."""
        return {name: e for name, e in self.entries.items() if not self.is_present(e)}

    def is_present(self, entry: FileEntry) -> bool:
        """Whether its files are there (not whether they are whole)."""
        return all((self.folder / member.file).is_file() for member in entry.members)

    def bytes_of(self, *parts: str) -> int:
        """What the files of parts that are there take on the disk."""
        files = [m.file for part in parts if part in self.parts for m in self.parts[part].members]
        paths = [self.folder / file for file in files]
        return sum(path.stat().st_size for path in paths if path.is_file())

    def path_of(self, entry: FileEntry) -> Path:
        """The path of a file (or folder) whose contents are what ``domain.yaml`` promises.

        Where it promises nothing, the first file found is trusted from there on.

        Raises:
            MissingFile: it is not there.
            UnsafeFile: its SHA-256 is another.
        """
        for member in entry.members:
            path = self.folder / member.file
            if not path.is_file():
                raise MissingFile(f"The domain {self.name} has no {path}; {self._way_to(entry)}.")
            found, wanted = file_hash(path), self.expected(member)
            if wanted is None:
                trust_if_possible(self.folder, member.file, found, path.stat().st_size)
            elif found != wanted:
                raise UnsafeFile(
                    f"{path} has the SHA-256 {found[:12]}... instead of {wanted[:12]}..., so it "
                    f"is damaged or another file; {self._way_to(entry)}."
                )
        return self.folder / entry.file

    def expected(self, entry: FileEntry) -> str | None:
        """The SHA-256 a file must have; None where any is taken, and then kept."""
        return entry.sha256 or trusted(self.folder, entry.file)

    def _way_to(self, entry: FileEntry) -> str:
        if not any(member.urls for member in entry.members):
            return f"get it again ({entry.source or 'from the place the domain came from'})"
        name = next((n for n, known in self.entries.items() if known == entry), "")
        size = f", {entry.bytes / 1e6:.0f} MB" if entry.bytes else ""
        return (
            f"get it with 'python -m editing weights fetch {self.name} {name.split(' ')[-1]}'"
            f"{size} (licence: {entry.licence or 'not stated'})"
        )

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
        """From our own file or one of another system, whichever lies there."""
        path = self.part("generator")
        with torch.inference_mode(False):  # whoever asks first, weights must serve autograd later
            if is_tensor_file(path):
                generator = load_generator(path, self.device)
            else:
                generator = read_generator(path).to(self.device)
        for key, said, found in (
            ("resolution", self.resolution, generator.img_resolution),
            ("family", self.family, generator.family),
        ):
            if said != found:
                raise BadInput(
                    f"{self.folder / DESCRIPTION} says {said}{' px' * (key == 'resolution')}, but "
                    f"the generator makes {found}{' px' * (key == 'resolution')}; "
                    f"correct the {key} there."
                )
        if self._labelled:
            one_hot(self.label, generator.c_dim)  # refuses a class that there is not
        generator.mapping.usual_class = self.label
        return generator

    @cached_property
    def fingerprint(self) -> str:
        """Of the generator; latents and recipes carry it."""
        return fingerprint(self.generator)

    @cached_property
    def encoder(self) -> "Encoder":
        net: Encoder = self._net("encoder")
        return net

    @cached_property
    def scorer(self) -> "PictureNet":
        net: PictureNet = self._net("scorer")
        return net

    @cached_property
    def perceptual(self) -> "Eye":
        net: Eye = self._net("perceptual")
        return net

    @cached_property
    def identity(self) -> "IdentityNet | None":
        """None where the domain has none; its distance is then not shown."""
        return self._net("identity") if "identity" in self.parts else None

    @cached_property
    def differential(self) -> "DifferentialNet":
        """Where edits along the domain's own directions show."""
        path = self.part("differential")
        from editing.models.networks.differential_activation import load_differential

        with torch.inference_mode(False):
            return load_differential(path, self.device)

    @cached_property
    def deghosting(self) -> "Deghosting":
        """Draws over the ghosts of composites."""
        path = self.part("deghosting")
        from editing.models.networks.deghosting import load_deghosting

        with torch.inference_mode(False):
            return load_deghosting(path, self.device)

    @cached_property
    def clip(self) -> "TextImageModel":
        """Pictures and texts in one space.

        Raises:
            MissingFile: the domain has no text-image model, or it has not been fetched.
        """
        model = self.hub_clip
        folder = checked(model, self.folder) if model else self.part("text_image_model")
        from editing.models.networks.clip import load_text_image_model

        with torch.inference_mode(False):
            return load_text_image_model(folder, self.device, model.name if model else None)

    @cached_property
    def statistics(self) -> "Statistics":
        """Mean and deviation of every style channel, measured on this very generator.

        Raises:
            MissingFile: the domain has none.
            BadInput: they are another generator's.
        """
        path = self.part("statistics")
        from editing.models.formats.styleclip import read_statistics
        from editing.models.style_statistics import load_statistics

        ours = is_tensor_file(path)
        statistics = load_statistics(path) if ours else read_statistics(path)
        statistics.check(self.generator, self.fingerprint, self.name)
        return statistics

    @cached_property
    def global_directions(self) -> "GlobalDirections":
        """What every style channel does to an embedding of this domain's text-image model.

        Raises:
            MissingFile: the domain has none.
            BadInput: it is of another generator or text-image model.
        """
        path = self.part("global_directions")
        from editing.models.generators.layers import style_widths
        from editing.models.global_directions import load_global_directions

        table = load_global_directions(path)
        clips = {self.clip.fingerprint: self.clip.width}
        if self.hub_clip:
            clips[self.hub_clip.name] = self.clip.width
        table.check(style_widths(self.generator), self.fingerprint, clips, self.name)
        return table

    def _net(self, name: str) -> Any:
        """From our own file or one of another system, whichever lies there."""
        path = self.part(name)
        from editing.models.networks.picture_nets import load_picture_net

        with torch.inference_mode(False):
            if path.is_file() and is_tensor_file(path):
                return load_picture_net(path, self.device, name)
            part, net = read_net(path)
            if part != name:
                raise UnsafeFile(f"{path} holds a network of the kind {part}, not {name}.")
            return net.to(self.device)

    def encode(self, img: Tensor) -> Tensor:
        """The encoder's guess: pictures [N, 3, R, R] in [-1, 1] -> ws [N, num_ws, w_dim]."""
        ws: Tensor = self.encoder.encode(img.to(self.device), self.generator)
        if not torch.is_grad_enabled():  # a gradient goes through it once more
            let_go(self.encoder)
        return ws


def open_judge(domain: Domain) -> "PictureNet":
    """The judge: a second scorer that only ``score``, benchmarks and tests may ask.

    An edit that is measured by the network that made it proves nothing. So the judge is no
    property of the domain, and a test holds that nothing else in the app mentions this function.
    """
    net: PictureNet = domain._net("judge")
    return net


def open_domain(
    name: str | Path,
    device: str | None = None,
    root: Path | str | None = None,
    label: int | None = None,
) -> Domain:
    """Open a domain by name (a folder under ``root``, default weights/) or by path.

    Args:
        device: "cpu" (default), "cuda", "mps", or "auto" for the fastest there is.
        label: the class it draws, where its generator has classes; None = as domain.yaml says.

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
    return Domain(folder, read_description(folder / DESCRIPTION), find_device(device), label)


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
