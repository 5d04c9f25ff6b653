"""Any generator file -> our generator, whoever wrote it."""

from pathlib import Path

from editing.errors import UnsafeFile
from editing.formats import bare, nvidia, rosinality, sefa, stylegan1, tensorflow
from editing.formats.contents import read_content
from editing.formats.foreign import Foreign, build
from editing.formats.pickles import refusing
from editing.generator import Generator

READERS = (
    nvidia.find_generator,
    rosinality.find_generator,
    tensorflow.find_generator,
    stylegan1.find_generator,
    sefa.find_generator,
    bare.find_generator,
)


def find_generator(path: Path | str) -> Foreign:
    """What generator a file holds, its weights not yet read.

    Raises:
        MissingFile: there is no such file.
        UnsafeFile: it is damaged, more than data, or holds no generator that is known here.
    """
    content = read_content(path)
    with refusing(path):
        for reader in READERS:
            if found := reader(content):
                return found
    raise UnsafeFile(
        f"{path} can be read, but holds no generator that is known here; "
        "pass a checkpoint of NVIDIA, rosinality, genforce or idinvert."
    )


def read_generator(path: Path | str) -> Generator:
    """The generator of a foreign file: float32, on the CPU, frozen, eval mode.

    Raises:
        MissingFile, UnsafeFile: as ``find_generator``; also weights that do not fit.
    """
    foreign = find_generator(path)
    with refusing(path):
        return build(foreign)
