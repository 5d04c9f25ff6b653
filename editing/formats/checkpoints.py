"""Any file of networks -> our networks, whoever wrote it."""

from pathlib import Path
from typing import Any

from editing.errors import UnsafeFile
from editing.features import Net
from editing.formats import (
    bare,
    encoders,
    nvidia,
    picture_nets,
    rosinality,
    sefa,
    stylegan1,
    tensorflow,
)
from editing.formats.contents import read_content
from editing.formats.designs import unsupported_design
from editing.formats.foreign import Foreign, ForeignNet, build, build_net
from editing.formats.pickles import Unsupported, recognising
from editing.generator import Generator

GENERATORS = (
    nvidia.find_generator,
    rosinality.find_generator,
    tensorflow.find_generator,
    stylegan1.find_generator,
    sefa.find_generator,
    encoders.find_generator,
    bare.find_generator,
)
NETS = (encoders.find_net, picture_nets.find_net)


def generator_in(content: Any) -> Foreign | None:
    """The generator of what ``read_content`` gave, its weights not yet read.

    Raises:
        Refused and others that ``refusing`` catches.
    """
    if design := unsupported_design(content):
        raise Unsupported(f"it is {design}")
    return next((found for reader in GENERATORS if (found := reader(content))), None)


def net_in(content: Any) -> ForeignNet | None:
    """The encoder, perceptual or identity network, as ``generator_in``."""
    return next((found for reader in NETS if (found := reader(content))), None)


def find_generator(path: Path | str) -> Foreign:
    """What generator a file holds, its weights not yet read.

    Raises:
        MissingFile: there is no such file.
        UnsafeFile: it is damaged, more than data, or holds no generator that is known here.
    """
    content = read_content(path)
    with recognising(path):
        found = generator_in(content)
    if found is None:
        raise UnsafeFile(
            f"{path} can be read, but holds no generator that is known here; "
            "pass a checkpoint of NVIDIA, rosinality, genforce or idinvert."
        )
    return found


def read_generator(path: Path | str) -> Generator:
    """The generator of a foreign file: float32, on the CPU, frozen, eval mode.

    Raises:
        MissingFile, UnsafeFile: as ``find_generator``; also weights that do not fit.
    """
    foreign = find_generator(path)
    with recognising(path):
        return build(foreign)


def read_net(path: Path | str) -> tuple[str, Net]:
    """The network that reads pictures of a foreign file, and as which part of a domain it serves.

    Of a folder, the one of its files together: VGG16, and the weights LPIPS puts on its channels.

    Raises:
        MissingFile, UnsafeFile: as ``read_generator``.
    """
    path = Path(path)
    paths = sorted(path.iterdir()) if path.is_dir() else [path]
    contents = [read_content(one) for one in paths]
    with recognising(path):
        found = next((net for content in contents if (net := net_in(content))), None)
        linear = next(
            (ws for content in contents if (ws := picture_nets.lpips_weights(content))), None
        )
        if found is not None:
            found = picture_nets.with_lpips(found, linear) if linear else found
            return found.part, build_net(found)
    raise UnsafeFile(
        f"{path} can be read, but holds no encoder, perceptual or identity network that is known "
        "here; pass one of pSp, e4e, ReStyle, idinvert, VGG16, LPIPS or ArcFace."
    )
