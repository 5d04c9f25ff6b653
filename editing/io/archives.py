"""ZIP archives from strangers, opened within limits that hold before anything is unpacked."""

import io
import struct
import zipfile
import zlib

MAX_DIRECTORY = 2**18  # bytes that list the members; some 3,000 of them
END, ZIP64 = b"PK\x05\x06", b"PK\x06\x07"
END_SIZE, COMMENT = 22, 2**16  # of the record at the end, and of the comment that may follow it
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
    _check_directory(data)
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


def _check_directory(data: bytes) -> None:
    """Refuse a list of members that would take long to read: zipfile reads all of it at once."""
    at = data.rfind(END, max(len(data) - END_SIZE - COMMENT, 0))
    if at < 0 or len(data) < at + END_SIZE:
        raise zipfile.BadZipFile("it is no ZIP archive, or it is cut short")
    (size,) = struct.unpack_from("<I", data, at + 12)
    if size > MAX_DIRECTORY or data[max(at - 20, 0) : at].startswith(ZIP64):
        raise ValueError(f"its list of members has {size} bytes, the limit is {MAX_DIRECTORY}")
