"""Pictures: the round trip, hostile files, and writing whole or not at all."""

from __future__ import annotations

import errno
import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from editing.errors import BadPicture, CannotWrite, EditingError
from editing.io import images


@pytest.fixture
def photo() -> Image.Image:
    """A picture without symmetry: a red corner on a gradient."""
    y, x = np.mgrid[0:48, 0:64]
    pixels = np.stack([x * 4, y * 5, 255 - x * 2 - y], axis=-1).astype(np.uint8)
    pixels[:12, :16] = (250, 10, 10)
    return Image.fromarray(pixels)


def save(picture: Image.Image, path: Path, **options: object) -> Path:
    picture.save(path, **options)
    return path


def one_sentence(error: pytest.ExceptionInfo[EditingError]) -> str:
    text = str(error.value)
    assert text and "\n" not in text and text.endswith(".")
    return text


def gradient_16_bit() -> np.ndarray:
    return np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)


def png_bomb(path: Path, side: int) -> Path:
    """A valid PNG header for side x side pixels and next to no data."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    row = zlib.compress(b"\0" * (side // 8 + 1))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", row) + chunk(b"IEND", b"")
    )
    return path


def test_every_byte_survives_the_round_trip():
    pixels = np.arange(256 * 3, dtype=np.uint8).reshape(16, 16, 3)
    tensor = images.to_tensor(pixels)
    assert tensor.shape == (1, 3, 16, 16) and tensor.dtype == torch.float32
    assert tensor.min() == -1 and tensor.max() == 1
    assert np.array_equal(images.to_uint8(tensor)[0], pixels)


def test_to_uint8_clamps_truncates_and_survives_nan():
    values = torch.tensor([-9.0, -1.0, 0.0, 1.0, 9.0, float("nan")]).expand(1, 3, 1, 6)
    assert images.to_uint8(values)[0, 0, :, 0].tolist() == [0, 0, 128, 255, 255, 128]


def test_to_tensor_resizes_to_a_square(photo):
    assert images.to_tensor(photo, 32).shape == (1, 3, 32, 32)


def test_grid_places_pictures_row_by_row():
    cells = torch.stack([torch.full((3, 2, 4), value) for value in (0.1, 0.2, 0.3)])
    sheet = images.grid(cells, rows=2, cols=2)
    assert sheet.shape == (1, 3, 4, 8)
    assert sheet[0, 0, 0, 0] == cells[0, 0, 0, 0] and sheet[0, 0, 0, 4] == cells[1, 0, 0, 0]
    assert sheet[0, 0, 2, 0] == cells[2, 0, 0, 0] and sheet[0, 0, 2, 4] == 1
    assert images.grid(cells, cols=3).shape == (1, 3, 2, 12)
    assert images.grid(cells).shape == (1, 3, 4, 8)
    with pytest.raises(ValueError, match="3 pictures"):
        images.grid(cells, rows=1, cols=2)


def test_plain_picture_is_read_as_it_is(photo, tmp_path):
    read = images.load_picture(save(photo, tmp_path / "photo.png"))
    assert read.mode == "RGB" and not read.info
    assert np.array_equal(np.asarray(read), np.asarray(photo))


def test_binary_files_are_read_like_paths(photo):
    buffer = io.BytesIO()
    photo.save(buffer, format="PNG")
    buffer.seek(0)
    assert images.load_picture(buffer).size == photo.size


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_comes_out_upright(photo, tmp_path, orientation):
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    stored = photo.transpose(undo[orientation]) if orientation > 1 else photo
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(stored, tmp_path / "photo.png", exif=exif)
    assert np.array_equal(np.asarray(images.load_picture(path)), np.asarray(photo))


def test_broken_exif_does_not_cost_the_photo(photo, tmp_path):
    path = save(photo, tmp_path / "photo.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xffgarbage")
    assert images.load_picture(path).size == photo.size


def test_cmyk_becomes_rgb(photo, tmp_path):
    read = images.load_picture(save(photo.convert("CMYK"), tmp_path / "photo.jpg", quality=95))
    assert read.mode == "RGB"
    assert np.abs(np.asarray(read, int) - np.asarray(photo, int)).mean() < 8


def test_16_bit_grey_keeps_its_range(tmp_path):
    path = save(Image.fromarray(gradient_16_bit()), tmp_path / "grey.png")
    read = np.asarray(images.load_picture(path))
    assert read.min() == 0 and read.max() == 255 and 120 < read.mean() < 135


def test_float_grey_in_unit_range_keeps_its_range(tmp_path):
    values = (gradient_16_bit() / 65535).astype(np.float32)
    read = np.asarray(images.load_picture(save(Image.fromarray(values), tmp_path / "grey.tiff")))
    assert read.min() == 0 and read.max() == 255


def test_transparency_becomes_white(photo, tmp_path):
    rgba = photo.convert("RGBA")
    rgba.paste((0, 0, 0, 0), (0, 0, 16, 12))
    read = images.load_picture(save(rgba, tmp_path / "cut.png"))
    assert read.getpixel((3, 3)) == (255, 255, 255)
    assert read.getpixel((40, 40)) == photo.getpixel((40, 40))


def test_palette_with_a_transparent_colour(photo, tmp_path):
    palette = photo.quantize(16)
    path = save(palette, tmp_path / "palette.gif", transparency=palette.getpixel((3, 3)))
    assert images.load_picture(path).getpixel((3, 3)) == (255, 255, 255)


def test_embedded_colour_profile_is_applied_and_a_broken_one_ignored(photo, tmp_path):
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    same = images.load_picture(save(photo, tmp_path / "srgb.png", icc_profile=lab))
    broken = images.load_picture(save(photo, tmp_path / "broken.png", icc_profile=b"no profile"))
    assert np.abs(np.asarray(same, int) - np.asarray(photo, int)).max() <= 1
    assert np.array_equal(np.asarray(broken), np.asarray(photo))


def test_hostile_files_get_one_sentence(photo, tmp_path):
    jpeg = save(photo.resize((300, 300)), tmp_path / "whole.jpg").read_bytes()
    frames = [photo.quantize(8), photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT).quantize(8)]
    contents = {
        "notes.jpg": (b"Dear diary, this is text.", "not a picture"),
        "cut.jpg": (jpeg[: len(jpeg) // 2], "damaged or cut short"),
        "empty.png": (b"", "0 bytes"),
        "phone.heic": (b"\0\0\0\x24ftypheic\0\0\0\0mif1heic" + bytes(64), "HEIC"),
        "head.png": (b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", "is a PNG, but damaged"),
        "script.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n", "not a picture"),
        "drawing.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"),
    }
    for name, (data, words) in contents.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(BadPicture, match=words) as error:
            images.load_picture(tmp_path / name)
        assert name in one_sentence(error)

    moving = save(frames[0], tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(BadPicture, match="several frames") as error:
        images.load_picture(moving)
    one_sentence(error)


def test_sizes_out_of_range_name_size_and_limit(tmp_path):
    with pytest.raises(BadPicture, match=r"1×1 pixels; .* at least 32") as error:
        images.load_picture(save(Image.new("RGB", (1, 1)), tmp_path / "dot.png"))
    one_sentence(error)
    for side, size in ((20_000, "400 million"), (12_000, "12000×12000"), (9_000, "9000×9000")):
        with pytest.raises(BadPicture, match=rf"{size} pixels; at most 64 million") as error:
            images.load_picture(png_bomb(tmp_path / "bomb.png", side))
        one_sentence(error)
    with pytest.raises(BadPicture, match="at most 0.001 million"):
        images.load_picture(save(Image.new("L", (40, 40)), tmp_path / "a.png"), max_pixels=1000)


def test_paths_that_are_no_files(tmp_path):
    for path, words in ((tmp_path / "no.jpg", "does not exist"), (tmp_path, "is a folder"),
                        (Path("/dev/null"), "ordinary file")):  # fmt: skip
        with pytest.raises(BadPicture, match=words) as error:
            images.load_picture(path)
        assert str(path) in one_sentence(error)


def test_a_file_that_may_not_be_read(photo, tmp_path, monkeypatch):
    path = save(photo, tmp_path / "mine.png")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # tests may run as root, whom no mode bits stop
    with pytest.raises(BadPicture, match="cannot be read: Permission denied"):
        images.load_picture(path)


def test_png_text_of_any_length_and_script_returns(tmp_path):
    text = {"latent-studio:recipe": "名前: smile\nα = 2", "latent-studio:latent": "Ab+/" * 500_000}
    picture = torch.rand(1, 3, 32, 32) * 2 - 1
    path = tmp_path / "new" / "folder" / "out.png"
    images.save_png(path, picture, text)
    assert images.read_png_text(path, tuple(text)) == text
    assert np.array_equal(np.asarray(images.load_picture(path)), images.to_uint8(picture)[0])
    assert [p.name for p in path.parent.iterdir()] == ["out.png"]


def test_png_text_of_other_files_is_empty_and_damage_is_named(photo, tmp_path):
    assert images.read_png_text(save(photo, tmp_path / "photo.jpg"), ("key",)) == {}
    assert images.read_png_text(save(photo, tmp_path / "plain.png"), ("key",)) == {}
    data = images.encode_png(photo, {"key": "value" * 50})
    (tmp_path / "cut.png").write_bytes(data[:200])
    with pytest.raises(BadPicture):
        images.read_png_text(tmp_path / "cut.png", ("key",))
    with pytest.raises(BadPicture, match="does not exist"):
        images.read_png_text(tmp_path / "none.png", ("key",))


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "out.bin"
    path.write_bytes(b"old")

    def full(file):
        file.write(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(CannotWrite, match="No space left on device") as error:
        images.write_atomically(path, full)
    one_sentence(error)

    def broken(file):
        file.write(b"half of it")
        raise KeyError("a fault of ours")

    with pytest.raises(KeyError):
        images.write_atomically(path, broken)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_a_disk_that_is_full_only_when_flushed(tmp_path, monkeypatch):
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CannotWrite, match="free some space"):
        images.write_atomically(tmp_path / "out.bin", lambda file: file.write(b"data"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_devices_and_folders_are_never_replaced(tmp_path):
    for path in (Path("/dev/full"), tmp_path):
        with pytest.raises(CannotWrite, match="not an ordinary file") as error:
            images.write_atomically(path, lambda file: file.write(b"data"))
        one_sentence(error)
    assert not Path("/dev/full").is_file() and Path("/dev/full").exists()


def test_a_trial_write_leaves_nothing_behind(tmp_path):
    images.check_writable(tmp_path / "new" / "out.png")
    assert (tmp_path / "new").is_dir() and not list((tmp_path / "new").iterdir())
    (tmp_path / "old.png").write_bytes(b"old")
    images.check_writable(tmp_path / "old.png")
    assert (tmp_path / "old.png").read_bytes() == b"old"
    with pytest.raises(CannotWrite):
        images.check_writable(tmp_path / "old.png" / "out.png")


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    folders = [tmp_path / "file"]  # a file where a folder should be
    folders += [locked] if os.geteuid() != 0 else []
    folders += [Path("/proc/1")] if Path("/proc/1").exists() else []
    for folder in folders:
        with pytest.raises(CannotWrite, match="cannot be written") as error:
            images.write_atomically(folder / "out.png", lambda file: file.write(b"data"))
        assert str(folder / "out.png") in one_sentence(error)


def tiff(values, photometric, kind=1, extra=()):
    """An uncompressed TIFF of [H, W] or [H, W, C]; kind as of tag 339."""
    height, width, *rest = values.shape
    samples, bits, data = (rest or [1])[0], values.dtype.itemsize * 8, values.tobytes()
    tags = {256: width, 257: height, 258: [bits] * samples, 259: 1, 262: photometric,
            273: 0, 277: samples, 278: height, 279: len(data), 338: list(extra),
            339: [kind] * samples}  # fmt: skip
    tags = {tag: value for tag, value in tags.items() if value != []}
    start = 8 + 2 + 12 * len(tags) + 4
    beside = b""
    entries = []
    for tag, value in tags.items():
        many = value if isinstance(value, list) else [value]
        packed = struct.pack(f"<{len(many)}{'H' if isinstance(value, list) else 'I'}", *many)
        if len(packed) > 4:
            packed, beside = struct.pack("<I", start + len(beside)), beside + packed
        code = 3 if isinstance(value, list) else 4
        entries.append((tag, code, len(many), packed.ljust(4, b"\0")))
    place = struct.pack("<I", start + len(beside))
    body = b"".join(
        struct.pack("<HHI", tag, code, count) + (place if tag == 273 else packed)
        for tag, code, count, packed in entries
    )
    head = b"II*\0" + struct.pack("<IH", 8, len(tags))
    return head + body + bytes(4) + beside + data


RAMP = np.linspace(0, 1, 64 * 64).reshape(64, 64)


@pytest.mark.parametrize(
    ("values", "photometric", "kind"),
    [
        ((1 - RAMP) * 65535, 0, "<u2"), (RAMP * 65535, 1, "<u2"), ((1 - RAMP) * 255, 0, "u1"),
        (1 - RAMP, 0, "<f4"), (RAMP, 1, "<f4"), (RAMP * (2**32 - 1), 1, "<u4"),
    ],
)  # fmt: skip
def test_greys_mean_what_the_tiff_says(values, photometric, kind):
    data = tiff(values.round(4).astype(kind), photometric, 3 if kind == "<f4" else 1)
    read = np.asarray(images.load_picture(io.BytesIO(data), name="scan.tif"), np.float32)
    assert np.abs(read[..., 0] - RAMP * 255).max() < 2


@pytest.mark.parametrize(
    ("values", "photometric", "kind", "extra", "words"),
    [
        (np.stack([RAMP * 65535] * 2, -1).astype("<u2"), 1, 1, [2], "2 channels of 16-bit numbers"),
        (np.stack([RAMP] * 3, -1).astype("<f4"), 2, 3, [], "3 channels of 32-bit floating point"),
    ],
)
def test_tiffs_that_are_not_read_are_named(values, photometric, kind, extra, words):
    data = tiff(values, photometric, kind, extra)
    with pytest.raises(BadPicture, match=f"is a TIFF with {words}") as error:
        images.load_picture(io.BytesIO(data), name="scan.tif")
    one_sentence(error)


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevm", b"hevs"])
def test_every_brand_of_heic_is_named(brand):
    data = b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0mif1heic" + bytes(64)
    with pytest.raises(BadPicture, match="is HEIC: export it as JPEG"):
        images.load_picture(io.BytesIO(data), name="me.jpg")


def png_with(photo, *chunks):
    data = images.encode_png(photo)
    more = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    return data[:33] + more + data[33:]


def test_long_texts_and_profiles_do_not_cost_the_picture(photo):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain = np.asarray(images.load_picture(io.BytesIO(images.encode_png(photo))))
    for chunk in (
        (b"zTXt", b"a\0\0" + zlib.compress(bytes(20_000_000))),
        (b"iTXt", b"a\0\1\0\0\0" + zlib.compress(b"x" * 3_000_000)),
        (b"tEXt", b"a\0" + b"x" * 3_000_000),
        (b"iCCP", b"p\0\0" + zlib.compress(srgb + bytes(3_000_000))),
        (b"iCCP", b"p\0\0" + zlib.compress(bytes(50_000_000))),
    ):
        data = png_with(photo, chunk)
        read = np.asarray(images.load_picture(io.BytesIO(data)), np.int16)
        assert np.abs(read - plain).max() <= 1
        assert images.read_png_text(io.BytesIO(data), ("other",)) == {}


def test_a_text_that_is_asked_for_has_an_end(photo):
    packed = (b"zTXt", b"a\0\0" + zlib.compress(bytes(40_000_000), 9))
    with pytest.raises(BadPicture, match="the PNG has a damaged text a .*more than"):
        images.read_png_text(io.BytesIO(png_with(photo, packed)), ("a",))
    small = (b"zTXt", b"a\0\0" + zlib.compress("né".encode("latin-1")))
    assert images.read_png_text(io.BytesIO(png_with(photo, small)), ("a",)) == {"a": "né"}


def test_a_wide_profile_is_used_however_long_it_is(photo):
    """Display-P3-like primaries, in a profile that Pillow itself would refuse."""
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = lab.replace(b"rXYZ", b"tmp1").replace(b"bXYZ", b"rXYZ").replace(b"tmp1", b"bXYZ")
    data = png_with(photo, (b"iCCP", b"p\0\0" + zlib.compress(swapped + bytes(2_000_000))))
    plain = np.asarray(images.load_picture(io.BytesIO(images.encode_png(photo))), np.int16)
    read = np.asarray(images.load_picture(io.BytesIO(data)), np.int16)
    assert np.abs(read[..., 0] - plain[..., 2]).mean() < np.abs(read[..., 0] - plain[..., 0]).mean()
