"""Open a foreign file, whatever its name ends in: data and tensors, still in the file.

What comes out is plain data with ``StoredTensor``, ``PickledArray`` and ``Inert`` in it; the
readers beside this module recognise it by its keys.
"""

import mmap
import re
import zipfile
from pathlib import Path
from typing import Any

from editing.errors import MissingFile
from editing.formats.arrays import open_mapped, read_npy, read_npz
from editing.formats.pickles import (
    Budget,
    Damaged,
    Unsupported,
    inert,
    read_pickle,
    refusing,
    to_dict,
)
from editing.formats.safetensors_files import read_header
from editing.formats.torch_files import KNOWN, MAGIC, nested_stream, read_archive, read_stream

PERSISTENT = "torch_utils.persistence._reconstruct_persistent_obj"
NETWORK = "dnnlib.tflib.network.Network"
MODULES = {PERSISTENT: inert(PERSISTENT)}  # NVIDIA's; PTI saves them in torch files
PICTURES = (b"\x89PN", b"\xff\xd8\xff", b"GIF", b"RIF")  # PNG, JPEG, GIF, WebP
PAGES = (b"<!do", b"<htm", b"<!DO", b"<HTM", b"<hea", b"<?xm")


TEXT = 512  # bytes that tell whether it is text


def read_content(path: Path | str) -> Any:
    """What a file of another system holds.

    Raises:
        MissingFile: there is no such file.
        UnsafeFile: it is damaged, of no known format, or more than data.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFile(f"{path} is missing; check the path of the file.")
    with refusing(path):
        return _read(path)


def _read(path: Path) -> Any:
    file = open_mapped(path)
    head = file[:6]
    if head[:3] in PICTURES:
        raise Unsupported("it is a picture")
    if head[:4] in PAGES:
        raise Damaged("it is a web page, not the file behind it")
    if head[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(path) as archive:
            arrays = all(name.endswith(".npy") for name in archive.namelist())
        return read_npz(path) if arrays else read_archive(path, MODULES)
    if head == b"\x93NUMPY":
        return read_npy(file, len(file))
    if file[5:9] == b"\0\0\0{":  # the length of a header, below 2**40, and its JSON
        return read_header(path)[1]
    if _is_text(file[:TEXT]):
        raise Unsupported("it is text; numbers are read from .npy, .npz, .pt or .pkl")
    budget = Budget.of(len(file))
    known = {
        **KNOWN,
        **MODULES,
        NETWORK: inert(NETWORK),
        "dnnlib.util.EasyDict": to_dict,
        "dnnlib.EasyDict": to_dict,
        "torch.storage._load_from_bytes": nested_stream(budget),
    }
    found = read_pickle(file, known, budget)
    if found == MAGIC:
        file.seek(0)
        return read_stream(file, budget, MODULES)
    if hasattr(mmap, "MADV_DONTNEED"):
        file.madvise(mmap.MADV_DONTNEED)  # all is read; pages of the map would count as memory
    return found


def _is_text(head: bytes) -> bool:
    """Whether it begins like a table or another text; pickles of protocol 0 are text, too."""
    try:
        text = head.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    first = text.split("\n", 1)[0]
    plain = all(letter.isprintable() or letter in "\r\n\t" for letter in text)
    return (
        plain and bool(re.match(r"\s*[-+\w.\"#{\[]", first)) and bool(re.search(r"[,;\t ]", first))
    )
