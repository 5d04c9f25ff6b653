"""Latents: seeds, truncation, and the latent file.

A latent file (.npz, no pickled objects) describes itself: array, space, domain and generator
fingerprint beside it, so that one from another world is refused with a sentence instead of drawing
nonsense. Keys: ``format``, ``space``, ``domain``, ``fingerprint``, ``ws`` [1, num_ws, w_dim];
where present ``s_delta/LAYER``, ``noise/LAYER``, ``weight_delta/PARAMETER``, ``quad`` [4, 2],
``source_hash``, and ``left_out/FIELD``, the hash of a field too large to travel along. Arrays are
float32, or int8 with their scales under ``scales/FIELD/NAME`` where ``editing.io.quantization``
made them.
"""

import hashlib
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor

from editing.errors import BadInput, BadLatent, MissingFile, reason_of, shown
from editing.io.allowances import Allowance, check_shape
from editing.io.archives import UNREADABLE, open_archive
from editing.io.images import write_atomically
from editing.io.quantization import pack, unpack
from editing.models.generators.generator import Generator
from editing.models.generators.generator import truncate as truncate

DEFAULT_PSI = 0.7
MAX_PSI = 2.0  # beyond, pictures only burn out
MAX_CUTOFF = 64  # rows of ws
MAX_SEED = 2**32 - 1  # of NumPy's legacy generator
FORMAT = "latent-studio latent 1"
SPACES = ("w", "w+")
TENSOR_FIELDS = ("s_delta", "noise", "weight_delta")
TEXTS = ("format", "domain", "fingerprint", "space", "source_hash")
TENSORS = ("ws", *(f"{name}/" for name in TENSOR_FIELDS))
GROUPS = (*TENSORS[1:], "scales/", "left_out/")
# How files of latents end; only .npz are ours, the others are converted first.
SUFFIXES = (".npz", ".npy", ".pt", ".pth", ".pkl")
MAX_BYTES = 512 * 2**20  # unpacked; see Allowance for what of that is
MAX_WORDS = 4096  # bytes of a text in it, or of the quad

CONVERT = (
    "if it holds latents of another system, write them as latent files with 'python -m editing "
    "weights convert FILE --out DIR'"
)

Tensors = Mapping[str, Tensor]
Array = np.ndarray[Any, Any]


def sample_z(seeds: Sequence[int], z_dim: int) -> Tensor:
    """One z per seed, [N, z_dim], from NumPy's legacy stream, as published seed numbers mean it.

    Raises:
        BadInput: a seed outside 0..2³²-1.
    """
    for seed in seeds:
        if not 0 <= seed <= MAX_SEED:
            raise BadInput(f"The seed {seed} is not possible; choose from 0 to {MAX_SEED}.")
    rows = [np.random.RandomState(seed).standard_normal(z_dim) for seed in seeds]
    return torch.from_numpy(np.array(rows, np.float32).reshape(len(rows), z_dim))


@dataclass(frozen=True)
class SeedSpec:
    """A portrait never photographed: ``seed:123``, and ``@0.5`` psi, ``#2`` class, ``/8`` cutoff.

    cutoff: only so many rows of ws are truncated, and edits come before that; None = all rows, and
        edits come after, which is the same for a row that is not truncated.
    label: of its class, where the generator has some; None = the domain's.
    """

    seed: int
    psi: float = DEFAULT_PSI
    cutoff: int | None = None
    label: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.seed <= MAX_SEED:
            raise BadInput(f"The seed {self.seed} is not possible; choose from 0 to {MAX_SEED}.")
        if not (math.isfinite(self.psi) and abs(self.psi) <= MAX_PSI):
            raise BadInput(
                f"A truncation psi of {self.psi} is not possible; "
                f"choose from {-MAX_PSI} to {MAX_PSI}, such as {DEFAULT_PSI}."
            )
        if self.cutoff is not None and not 0 <= self.cutoff <= MAX_CUTOFF:
            raise BadInput(
                f"A truncation of the first {self.cutoff} rows is not possible; choose from 0 to "
                f"{MAX_CUTOFF}, such as 8."
            )

    def __str__(self) -> str:
        psi = "" if self.psi == DEFAULT_PSI else f"@{self.psi!r}"
        label = "" if self.label is None else f"#{self.label}"
        cutoff = "" if self.cutoff is None else f"/{self.cutoff}"
        return f"seed:{self.seed}{psi}{label}{cutoff}"


def parse_seed(text: str) -> SeedSpec | None:
    """'seed:123@0.5#2/8' -> SeedSpec(123, 0.5, 8, 2); None for what does not begin with 'seed:'.

    Raises:
        BadInput: it begins so and goes on wrongly.
    """
    if not text.startswith("seed:"):
        return None
    match = re.fullmatch(
        r"seed:([0-9]{1,10})(?:@([-+0-9.eE]+))?(?:#([0-9]{1,6}))?(?:/([0-9]{1,3}))?", text
    )
    try:
        if match:
            psi = DEFAULT_PSI if match[2] is None else float(match[2])
            label, cutoff = (None if each is None else int(each) for each in match.groups()[2:])
            return SeedSpec(int(match[1]), psi, cutoff, label)
    except ValueError:
        pass
    raise BadInput(
        f"{shown(text)} is no seed; write seed:123, seed:123@0.5 for another psi, or "
        "seed:123@0.5/8 to truncate only the first 8 rows."
    )


@dataclass(frozen=True, eq=False)
class Latent:
    """A point in the latent space of one generator, with what belongs to it."""

    ws: Tensor  # [1, num_ws, w_dim] float32, already truncated
    domain: str = ""
    fingerprint: str = ""  # of the generator; see generator.fingerprint
    space: str = "w+"  # "w": all rows are equal
    s_delta: Tensors = field(default_factory=dict)  # layer -> [C], added to the styles
    noise: Tensors = field(default_factory=dict)  # layer -> [R, R], instead of the stored maps
    weight_delta: Tensors = field(default_factory=dict)  # parameter -> its change
    quad: tuple[tuple[float, float], ...] | None = None  # where the photo was cut out
    source_hash: str = ""  # SHA-256 of the photo file
    left_out: Mapping[str, str] = field(default_factory=dict)  # field -> hash of its tensors

    def __post_init__(self) -> None:
        if self.space not in SPACES:
            raise BadLatent(
                f"The latent is of the space {shown(self.space)}; only {' and '.join(SPACES)} can "
                "be edited, so map it to W first."
            )
        if self.ws.ndim != 3 or len(self.ws) != 1:
            raise BadLatent(
                f"The latent has the shape {list(self.ws.shape)}; one latent is "
                "[1, num_ws, w_dim], so take a single one."
            )
        fields = [getattr(self, name).values() for name in TENSOR_FIELDS]
        if not all(map(_is_finite, [self.ws, *(t for f in fields for t in f)])):
            raise BadLatent("The latent holds values that are not finite; make it again.")

    def _members(self) -> Iterator[tuple[str, Tensor]]:
        """Its tensors under their names in a latent file."""
        yield "ws", self.ws
        for group in TENSOR_FIELDS:
            for name, tensor in getattr(self, group).items():
                yield f"{group}/{name}", tensor

    def check(self, generator: Generator, fingerprint: str, domain: str) -> None:
        """Refuse to be drawn by a generator it does not belong to.

        Raises:
            BadLatent: says what the latent is and what was expected.
        """
        for member, tensor in self._members():
            own, shape = generator.latent_shapes, tuple(tensor.shape)
            check_shape(member, shape, own, self.domain, domain)
        if self.fingerprint and self.fingerprint != fingerprint:
            raise BadLatent(
                f"The latent belongs to the generator {self.fingerprint} of "
                f"{self.domain or 'an unnamed domain'}, but {domain} has {fingerprint}; open it "
                "with its own domain, or invert the photo again."
            )
        if self.left_out:
            raise BadLatent(
                f"The latent's {' and '.join(self.left_out)} were too large to travel in the "
                "picture; pass the latent file that was saved beside it with --latent."
            )


def save_latent(path: str | Path, latent: Latent) -> None:
    """Write a latent file, whole or not at all.

    Raises:
        CannotWrite: folder or disk refuse.
    """
    data = latent_to_bytes(latent)
    write_atomically(path, lambda file: file.write(data))


def latent_to_bytes(latent: Latent) -> bytes:
    """The contents of a latent file."""
    arrays: dict[str, Any] = {
        "format": np.array(FORMAT),
        "space": np.array(latent.space),
        "domain": np.array(latent.domain),
        "fingerprint": np.array(latent.fingerprint),
        "source_hash": np.array(latent.source_hash),
        "ws": _to_numpy(latent.ws),
    }
    if latent.quad is not None:
        arrays["quad"] = np.array(latent.quad, np.float64)
    for name in TENSOR_FIELDS:
        arrays |= _to_arrays(name, getattr(latent, name))
    for name, digest in latent.left_out.items():
        arrays[f"left_out/{name}"] = np.array(digest)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def is_latent_file(text: str) -> bool:
    """Whether a source is meant as a file of latents, ours or another system's."""
    return text.lower().endswith(SUFFIXES)


def load_latent(path: str | Path, allowance: Allowance | None = None) -> Latent:
    """Read a latent file; see ``Latent.check`` for whether it fits a generator.

    Args:
        allowance: as of ``latent_from_bytes``.

    Raises:
        MissingFile: there is no such file.
        BadLatent: it is not a latent file, or its contents are not a latent.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFile(f"{path} is missing; check the path of the latent file.")
    if path.suffix.lower() in SUFFIXES[1:]:
        raise BadLatent(f"{path} is no latent file of this program; {CONVERT}.")
    return latent_from_bytes(path.read_bytes(), str(path), allowance)


def latent_from_bytes(
    data: bytes, name: str = "The data", allowance: Allowance | None = None
) -> Latent:
    """The inverse of ``latent_to_bytes``; ``name`` is what messages call it.

    Args:
        allowance: of the request, which all of its latents take from; a fresh one by default.

    Raises:
        BadLatent: it is not a latent file, its contents are not a latent, or not one that the
            allowance has room for.
    """
    allowance = allowance or Allowance()
    digest = hashlib.sha256(data).digest()
    if digest not in allowance.known:
        allowance.known[digest] = _unpacked(data, name, allowance)
    latent: Latent = allowance.known[digest]
    return latent


def _unpacked(data: bytes, name: str, allowance: Allowance) -> Latent:
    try:
        arrays = _read_npz(data, name, allowance)
    except UNREADABLE as error:
        raise BadLatent(
            f"{name} is not a readable latent file ({reason_of(error)}); pass an .npz that was "
            "saved here."
        ) from error
    if str(arrays.get("format")) != FORMAT or "ws" not in arrays:
        raise BadLatent(f"{name} is an .npz but no latent file of this program; {CONVERT}.")
    groups: dict[str, dict[str, Any]] = {
        group: {
            key.partition("/")[2]: arrays.pop(key)
            for key in list(arrays)
            if key.startswith(f"{group}/")
        }
        for group in (*TENSOR_FIELDS, "left_out")
    }
    try:
        fields: dict[str, Any] = {
            key: str(arrays[key]) for key in ("domain", "fingerprint", "space", "source_hash")
        }
        for group in TENSOR_FIELDS:
            scales = {key: arrays.get(f"scales/{group}/{key}") for key in groups[group]}
            fields[group] = {
                key: _to_tensor(groups[group].pop(key), scales[key]) for key in list(groups[group])
            }
        fields["left_out"] = {key: str(value) for key, value in groups["left_out"].items()}
        fields["quad"] = _to_quad(arrays["quad"]) if "quad" in arrays else None
        return Latent(_to_tensor(arrays["ws"]), **fields)
    except (KeyError, TypeError, ValueError) as error:
        reason = reason_of(error)
        raise BadLatent(f"{name} is a damaged latent file ({reason}); save it again.") from error


def _is_finite(tensor: Tensor) -> bool:
    """Whether all of it is; without a copy of what may be large."""
    return not tensor.numel() or all(math.isfinite(each) for each in tensor.aminmax())


def tensors_hash(tensors: Tensors) -> str:
    """SHA-256 over names, shapes and float32 bytes."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        values = _to_numpy(tensor)
        digest.update(f"{name}{list(values.shape)}".encode() + values.tobytes())
    return digest.hexdigest()


def _read_npz(data: bytes, name: str, allowance: Allowance) -> dict[str, Any]:
    """The arrays of a latent file; each is unpacked only if its header says that it may be."""
    with open_archive(data, MAX_BYTES) as archive:
        members = {each.filename.removesuffix(".npy"): each for each in archive.infolist()}
        found: dict[str, Any] = {}
        for key in sorted(members, key=lambda key: key not in TEXTS):  # where it is from, first
            if key in (*TEXTS, "ws", "quad") or key.startswith(GROUPS):
                with archive.open(members[key]) as file:
                    shape, fortran, dtype = _header(file, key)
                    if key.startswith(TENSORS):
                        made_in = str(found.get("domain", ""))
                        allowance.take(name, key, shape, dtype.itemsize, made_in)
                    elif key.startswith("scales/"):
                        allowance.take_bytes(name, 4 * math.prod(shape))
                    elif math.prod(shape) * dtype.itemsize > MAX_WORDS:
                        raise ValueError(f"{shown(key)} has more than {MAX_WORDS} bytes")
                    found[key] = _values(file, key, shape, fortran, dtype)
    return found


def _header(file: IO[bytes], key: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, order and type of an array that is not read yet.

    Raises:
        ValueError: it is none, or of objects.
    """
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError(f"{shown(key)} is of an unknown version")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype.kind not in "fiuU" or not all(0 <= size < 2**40 for size in shape):
        raise ValueError(f"{shown(key)} is of an impossible kind or shape")
    return shape, fortran, dtype


def _values(
    file: IO[bytes], key: str, shape: tuple[int, ...], fortran: bool, dtype: np.dtype[Any]
) -> Array:
    """What follows a header.

    Raises:
        ValueError: it is cut short.
    """
    size = math.prod(shape) * dtype.itemsize
    data = file.read(size)
    if len(data) != size:
        raise ValueError(f"{shown(key)} is cut short")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")


def _to_numpy(tensor: Tensor) -> np.ndarray[Any, np.dtype[np.float32]]:
    return tensor.detach().to("cpu", torch.float32).contiguous().numpy()


def _to_arrays(field: str, tensors: Tensors) -> dict[str, Any]:
    """The arrays of one field, in few bits where it was rounded to few levels."""
    arrays: dict[str, Any] = {}
    for key, tensor in tensors.items():
        packed = pack(tensor.detach().to("cpu", torch.float32))
        arrays[f"{field}/{key}"] = packed[0] if packed else _to_numpy(tensor)
        if packed:
            arrays[f"scales/{field}/{key}"] = packed[1]
    return arrays


def field_bytes(field: str, tensors: Tensors) -> int:
    """Bytes that one of TENSOR_FIELDS takes in a latent file."""
    if not tensors:
        return 0
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **_to_arrays(field, tensors))
    return len(buffer.getvalue())


def completed(latent: Latent, whole: Latent) -> Latent:
    """A latent with what was too large to travel along, taken from the file saved beside it.

    Raises:
        BadLatent: that file is of another portrait, or lacks it too.
    """
    found = {}
    for name, digest in latent.left_out.items():
        tensors = getattr(whole, name, None)
        if not tensors or tensors_hash(tensors) != digest:
            raise BadLatent(
                f"The latent file does not hold the {name.replace('_', ' ')} that belongs to this "
                "picture (its hash is another); pass the file that was saved beside it."
            )
        found[name] = tensors
    return replace(latent, left_out={}, **found)


def _to_tensor(array: np.ndarray[Any, Any], scales: np.ndarray[Any, Any] | None = None) -> Tensor:
    if scales is not None:
        return unpack(array, scales)
    if array.dtype.kind != "f":
        raise ValueError(f"an array of {array.dtype} where numbers belong")
    return torch.from_numpy(array.astype(np.float32))


def _to_quad(array: np.ndarray[Any, Any]) -> tuple[tuple[float, float], ...]:
    if array.shape != (4, 2):
        raise ValueError(f"a quad of the shape {list(array.shape)}")
    return tuple((float(x), float(y)) for x, y in array)
