"""Archives from strangers: what is within the limits opens, the rest is refused unopened."""

import io
import struct
import zipfile

import pytest

from editing.io.archives import MAX_DIRECTORY, open_archive


def archive_of(members: dict[str, bytes], **options: object) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, **options) as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_what_is_within_the_limits_opens() -> None:
    with open_archive(archive_of({"a": b"1", "b": b"22"}), 3) as archive:
        assert archive.read("b") == b"22"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "no ZIP"),
        (b"PK\x05\x06", "no ZIP"),
        (b"no archive at all", "no ZIP"),
        (archive_of({"zeros": bytes(4001)}), "unpacks to 4001"),
        (archive_of({str(i): b"" for i in range(11)}), "11 members"),
    ],
)
def test_limits(data: bytes, sentence: str) -> None:
    with pytest.raises((ValueError, zipfile.BadZipFile), match=sentence):
        open_archive(data, 4000, 10)


def test_two_members_of_one_name_are_refused() -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("a", b"1")
            archive.writestr("a", b"2")
    with pytest.raises(ValueError, match="two members"):
        open_archive(buffer.getvalue(), 4000)


def test_a_long_list_of_members_is_not_even_read() -> None:
    data = bytearray(archive_of({"a": b"1"}))
    struct.pack_into("<I", data, len(data) - 22 + 12, MAX_DIRECTORY + 1)
    with pytest.raises(ValueError, match="list of members"):
        open_archive(bytes(data), 4000)


def test_a_member_cannot_unpack_to_more_than_it_says() -> None:
    data = bytearray(archive_of({"a": bytes(10_000)}))
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.find(mark) + place, 100)  # bytes unpacked, a lie
    with open_archive(bytes(data), 4000) as archive:
        with pytest.raises(zipfile.BadZipFile):
            archive.read("a")
