"""ZIP archives from strangers, opened within limits that hold before anything is unpacked."""

import io
import struct
import zipfile
import zlib
from typing import Any

MAX_DIRECTORY = 2**18  # bytes that list the members; some 3,000 of them
END, ZIP64, ZIP64_END = b"PK\x05\x06", b"PK\x06\x07", b"PK\x06\x06"
END_SIZE, COMMENT = 22, 2**16  # of the record at the end, and of the comment that may follow it
LOCATOR_SIZE, RECORD_SIZE = 20, 56  # of the two records that stand before it in large archives
# What reading a damaged or hostile archive raises.
UNREADABLE = (ValueError, OSError, EOFError, MemoryError, RuntimeError, zipfile.BadZipFile,
              zlib.error)  # fmt: skip


def open_archive(data: bytes, most: int, members: int = 4096) -> zipfile.ZipFile:
    """An archive of at most so many ``members`` that unpack to at most ``most`` bytes.

    Members are read by name and never written anywhere, so no path in them can matter. What one
    unpacks to is what its header says: reading stops there.

    Raises:
        ValueError, zipfile.BadZipFile: it is no archive, breaks a limit, is encrypted, or has two
            members of one name.
    """
    check_directory(data, MAX_DIRECTORY)
    archive = zipfile.ZipFile(io.BytesIO(data))
    found = archive.infolist()
    if len(found) > members:
        raise ValueError(f"it has {len(found)} members, the limit is {members}")
    unpacked = sum(member.file_size for member in found)
    if unpacked > most:
        raise ValueError(f"it unpacks to {unpacked} bytes, the limit is {most}")
    if len({member.filename for member in found}) < len(found):
        raise ValueError("it has two members of one name")
    if any(member.flag_bits & 1 for member in found):
        raise ValueError("it is encrypted")
    return archive


def check_directory(data: Any, most: int) -> None:
    """Refuse a list of members that would take long to read: zipfile reads all of it at once.

    Args:
        data: the archive, as bytes or mapped.
        most: bytes that the list may have.

    Raises:
        ValueError, zipfile.BadZipFile: it has more, or it is no archive.
    """
    at = data.rfind(END, max(len(data) - END_SIZE - COMMENT, 0))
    if at < 0 or len(data) < at + END_SIZE:
        raise zipfile.BadZipFile("it is no ZIP archive, or it is cut short")
    (size,) = struct.unpack_from("<I", data, at + 12)
    if at >= LOCATOR_SIZE and data[at - LOCATOR_SIZE : at].startswith(ZIP64):
        where = at - LOCATOR_SIZE - RECORD_SIZE  # where zipfile looks, whatever the locator says
        if where < 0 or data[where : where + 4] != ZIP64_END:
            raise zipfile.BadZipFile("it is no ZIP archive, or it is cut short")
        (size,) = struct.unpack_from("<Q", data, where + 40)
    if size > most:
        raise ValueError(f"its list of members has {size} bytes, the limit is {most}")
