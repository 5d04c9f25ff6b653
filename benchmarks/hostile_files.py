"""Some four hundred hostile files of every kind that is read here, made from nothing.

    python -m benchmarks.hostile_files FOLDER      # writes them, to be looked at

Each is a few bytes to a few megabytes, and would take a thread, the memory or the machine from a
reader that believes it. None may be read: see ``abuse_files`` for what is asked of every door.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import pickle
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.hostile_pickles import pickles
from editing.latents import FORMAT as LATENT
from editing.recipes import LATENT_KEY, RECIPE_KEY
from ui.session_files import FORMAT as SESSION

MB = 2**20
DOORS = ("foreign", "direction", "latent", "recipe", "session", "picture", "export")
SMALL_OF_KIND = 4  # files of every door in a small corpus


@dataclass(frozen=True)
class Hostile:
    """One file, and through which door it is brought in."""

    name: str
    suffix: str
    data: bytes
    door: str  # of DOORS

    @property
    def file(self) -> str:
        """A file name that says what it is."""
        stem = "".join(c if c.isalnum() else "-" for c in self.name.lower())
        return f"{self.door}-{stem}{self.suffix}"


def corpus(small: bool = False) -> list[Hostile]:
    """All of them; of a ``small`` corpus some of every door, spread over the kinds."""
    kinds = (_pickles, _arrays, _torch, _tensors, _latents, _recipes, _sessions, _pictures)
    found = [each for kind in kinds for each in kind()]
    assert len({each.file for each in found}) == len(found), "two files of one name"
    if not small:
        return found
    by_door = [[each for each in found if each.door == door] for door in DOORS]
    return [each for group in by_door for each in group[:: max(len(group) // SMALL_OF_KIND, 1)]]


def shared_tuple(levels: int = 40) -> bytes:
    """A pickle of a tuple that unfolds to 2^levels entries."""
    value = b"".join(b"q" + bytes([n]) + b"0h" + bytes([n]) * 1 + b"h" + bytes([n]) + b"\x86"
                     for n in range(levels))  # fmt: skip
    return b"\x80\x02K\x01" + value + b"."


# -- pickles and arrays


def _pickles() -> Iterator[Hostile]:
    for name, data in pickles():
        yield Hostile(f"pickle {name}", ".pkl", data, "foreign")
    yield Hostile("gzip of a pickle", ".gz", gzip.compress(shared_tuple()), "foreign")
    yield Hostile("gzip bomb", ".pkl.gz", gzip.compress(bytes(64 * MB)), "foreign")


def npy(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def npy_header(text: str, version: bytes = b"\1\0") -> bytes:
    """A .npy that is nothing but its header."""
    length = struct.pack("<H" if version == b"\1\0" else "<I", len(text) + 1)
    return b"\x93NUMPY" + version + length + text.encode() + b"\n"


def described(shape: str, dtype: str = "'<f4'") -> str:
    return f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}"


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def _object_array(inner: bytes) -> bytes:
    """A .npy of one object, which this pickle is."""
    return npy_header(described("()", "'|O'")) + inner


def _arrays() -> Iterator[Hostile]:
    headers = {
        "claims a petabyte": described("(1000000000000,)"),
        "claims a negative shape": described("(-1, -1)"),
        "has a shape of shapes": described("((1, 2), 3)"),
        "has a thousand axes": described("(" + "1," * 1000 + ")"),
        "has a billion fields in one": described("(1,)", "('<f4', (1000000000,))"),
        "is a program": described("(1,)", "__import__('os').getpid()"),
        "is nested": "(" * 300 + ")" * 300,
        "is a number": "9" * 9000,
        "has names": described("(4,)", "[('a', '<f4'), ('b', '|O')]"),
        "has a text of gigabytes": described("()", "'<U1000000000'"),
    }
    for name, header in headers.items():
        yield Hostile(f"npy header {name}", ".npy", npy_header(header), "foreign")
    yield Hostile("npy header of 60 kB", ".npy", npy_header(" " * 60_000), "foreign")
    yield Hostile("npy header of 8 MB", ".npy", npy_header(" " * 8 * MB, b"\2\0"), "foreign")
    yield Hostile("npy of version 9", ".npy", npy_header(described("()"), b"\x09\0"), "foreign")
    yield Hostile("npy of a shared tuple", ".npy", _object_array(shared_tuple()), "foreign")
    whole = npy(np.ones((14, 256), np.float32))
    yield Hostile("npy cut short", ".npy", whole[:-1], "foreign")
    zeros = npy(np.zeros(64 * MB // 4, np.float32))
    yield Hostile("npz bomb", ".npz", zipped({"w.npy": zeros}), "foreign")
    yield Hostile("npz of many bombs", ".npz",
                  zipped({f"w{n}.npy": zeros[: 8 * MB] for n in range(32)}), "foreign")  # fmt: skip
    inner = zipped({"w.npy": npy(np.zeros(4))})
    yield Hostile("npz in npz", ".npz", zipped({"w.npy": inner}), "foreign")
    many = zipped({f"{n}.npy": b"" for n in range(60_000)}, zipfile.ZIP_STORED)
    yield Hostile("npz of 60000 members", ".npz", many, "foreign")
    yield Hostile("npz cut short", ".npz", inner[:-30], "foreign")


# -- torch files and safetensors


def _archive(pickled: bytes, data: Mapping[str, bytes] = {}) -> bytes:  # noqa: B006
    """A zip archive as torch writes it, with these storages."""
    parts = {f"x/data/{key}": value for key, value in data.items()}
    return zipped({"x/data.pkl": pickled, "x/version": b"3\n", **parts}, zipfile.ZIP_STORED)


def _tensors_of(storage: int, count: int) -> bytes:
    """A pickle of ``count`` tensors over the whole of one storage of ``storage`` floats."""
    number = struct.pack("<i", storage)
    one = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\1\0\0\x000X\3\0\0\0cpuJ" + number + b"tQ"
    tensor = (b"ctorch._utils\n_rebuild_tensor_v2\n(h\0K\0J" + number + b"\x85K\1\x85\x89"
              b"ccollections\nOrderedDict\n)RtR")  # fmt: skip
    names = (b"X\4\0\0\0" + f"{n:04d}".encode() for n in range(count))
    return b"\x80\x02" + one + b"q\x000}(" + b"".join(name + tensor for name in names) + b"u."


def _torch() -> Iterator[Hostile]:
    floats = 4 * MB
    sharing = _archive(_tensors_of(floats // 4, 1000), {"0": bytes(floats)})
    doubled = shared_tuple()[2:-1]
    files = {
        "of a shared tuple": _archive(shared_tuple()),
        "of a thousand tensors over one storage": sharing,
        "whose storage has a shared name": _archive(
            b"\x80\x02(X\x07\0\0\0storagectorch\nFloatStorage\n" + doubled + b"X\3\0\0\0cpuK\1tQ."
        ),
        "whose persistent id is shared": _archive(b"\x80\x02" + doubled + b"Q."),
        "whose tensor has a shared shape": _archive(
            b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(K\0K\0" + doubled + b"K\1\x85\x89}tR."
        ),
        "without its storage": _archive(_tensors_of(4, 1)),
        "with a storage cut short": _archive(_tensors_of(4, 1), {"0": bytes(8)}),
        "of a pickle of nothing": _archive(b""),
        "compressed": zipped({"x/data.pkl": pickle.dumps(1), "x/data/0": bytes(32 * MB)}),
        "of two pickles": zipped({"a/data.pkl": b"N.", "b/data.pkl": b"N."}, zipfile.ZIP_STORED),
        "of another byte order": zipped({"x/data.pkl": b"N.", "x/byteorder": b"big"}, 0),
        "of 60000 members": zipped({f"x/data/{n}": b"" for n in range(60_000)} | {
            "x/data.pkl": shared_tuple()}, zipfile.ZIP_STORED),
    }  # fmt: skip
    for name, data in files.items():
        yield Hostile(f"torch {name}", ".pt", data, "foreign")
    head = b"".join(pickle.dumps(each, 2) for each in (0x1950A86A20F9469CFC6C, 1001, {}))
    old = {
        "of a shared tuple": head + shared_tuple(),
        "with shared keys": head + b"N." + shared_tuple(),
        "cut short": head,
        "with one number too many": head + b"N.]." + b"\0",
    }
    for name, data in old.items():
        yield Hostile(f"old torch {name}", ".pth", data, "foreign")


def safetensors(header: bytes, data: bytes = b"", length: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def _directions() -> Iterator[Hostile]:
    """Files of this project's own directions, of which only the description is wrong."""
    facts = {"name": "x", "layers": None, "step": 1.0, "space": "w", "meta": {}}
    vector = {"vector": {"dtype": "F32", "shape": [256], "data_offsets": [0, 1024]}}
    wrong: dict[str, Any] = {
        "deep": "[" * 200_000,
        "a number": "9" * 100_000,
        "a list": "[1, 2]",
        "endless layers": json.dumps({**facts, "layers": [float("inf")]}),
        "many layers": json.dumps({**facts, "layers": list(range(200_000))}),
        "a step of digits": json.dumps({**facts, "step": "9" * 100_000}),
        "a step beyond floats": json.dumps(facts).replace("1.0", "1" + "0" * 400),
        "a space of a megabyte": json.dumps({**facts, "space": "w" * MB}),
        "a range of lists": json.dumps({**facts, "meta": {"range": [[1] * 9] * 9}}),
        "strengths of texts": json.dumps({**facts, "strengths": ["x" * MB]}),
    }
    for name, text in wrong.items():
        about = {"format": "latent-studio direction 1", "metadata": text}
        header = json.dumps({"__metadata__": about, **vector}).encode()
        data = safetensors(header, bytes(1020) + struct.pack("<f", 1))
        yield Hostile(f"direction of {name}", ".safetensors", data, "direction")


def _tensors() -> Iterator[Hostile]:
    one = {"dtype": "F32", "shape": [MB], "data_offsets": [0, 4 * MB]}
    yield from _directions()
    headers: dict[str, Any] = {
        "overlapping": {f"t{n}": one for n in range(1000)},
        "of another shape": {"t": {**one, "shape": [2**40, 2**40]}},
        "with a negative shape": {"t": {**one, "shape": [-1, -4]}},
        "that end before they begin": {"t": {**one, "data_offsets": [4 * MB, 0]}},
        "of an unknown type": {"t": {**one, "dtype": "X9"}},
        "that are lists": {"t": [1, 2, 3]},
        "that are a list": [1, 2, 3],
        "with names of a megabyte": {"x" * MB: {**one, "dtype": "X9"}},
    }
    for name, header in headers.items():
        data = safetensors(json.dumps(header).encode(), bytes(4 * MB))
        yield Hostile(f"safetensors {name}", ".safetensors", data, "foreign")
    raw = {
        "of brackets": safetensors(b'{"a":' + b"[" * MB),
        "of 7 million lists": safetensors(b'{"a":[' + b"[]," * (7 * MB) + b"[]]}"),
        "of digits": safetensors(b'{"a":' + b"9" * MB + b"}"),
        "that claim an exabyte": safetensors(b"{}", length=2**60),
        "that claim four gigabytes": safetensors(b"{}", length=4 * 2**30),
        "that are no text": safetensors(b"{" + b"\xff" * 1000),
        "cut short": safetensors(b'{"t": {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}}'),
    }
    for name, data in raw.items():
        yield Hostile(f"safetensors {name}", ".safetensors", data, "foreign")


# -- latents


def latent(members: Mapping[str, bytes | np.ndarray[Any, Any]], rows: int = 14) -> bytes:
    """A latent file of ``portraits`` with more members, or with others."""
    facts = {"format": LATENT, "space": "w+", "domain": "portraits", "fingerprint": "",
             "source_hash": ""}  # fmt: skip
    arrays = {name: npy(np.array(text)) for name, text in facts.items()}
    arrays["ws"] = npy(np.zeros((1, rows, 256), np.float32))
    arrays |= {k: v if isinstance(v, bytes) else npy(v) for k, v in members.items()}
    return zipped({f"{name}.npy": data for name, data in arrays.items()})


def zeros_of(megabytes: int, dtype: str = "<f4") -> np.ndarray[Any, Any]:
    return np.zeros(megabytes * MB // np.dtype(dtype).itemsize, dtype)


@cache
def bomb(megabytes: int = 240) -> bytes:
    """A quarter of a megabyte that unpacks to ``megabytes`` under a name of the generator's."""
    return latent({"weight_delta/b4.conv1.weight": zeros_of(megabytes)})


def _latents() -> Iterator[Hostile]:
    weight, scales = "weight_delta/b4.conv1.weight", "scales/weight_delta/b4.conv1.weight"
    members: dict[str, bytes | Mapping[str, bytes | np.ndarray[Any, Any]]] = {
        "of 240 MB": bomb(),
        "of 60 MB in bytes": {weight: zeros_of(60, "|i1"), scales: np.float32(0)},
        "of 180 MB in doubles": {weight: zeros_of(180, "<f8")},
        "of a large noise map": {"noise/b4.conv1": np.zeros((4096, 4096), np.float32)},
        "of a large style": {"s_delta/b4.conv1": zeros_of(64)},
        "of a thousand layers": {f"noise/x{n}": np.zeros(4096, np.float32) for n in range(1000)},
        "of an unknown layer": {"noise/b9999.conv1": np.zeros((4, 4), np.float32)},
        "of an unknown weight": {"weight_delta/mapping.fc0": zeros_of(1)},
        "of scales of 200 MB": {weight: zeros_of(1, "|i1"), scales: zeros_of(200)},
        "of a ws of 100 MB": {"ws": np.zeros((1, 100_000, 256), np.float32)},
        "of ten thousand latents": {"ws": np.zeros((10_000, 14, 256), np.float32)},
        "of no latent": {"ws": np.zeros((0, 14, 256), np.float32)},
        "of texts for numbers": {"ws": np.array("text")},
        "of objects": {"ws": npy(np.array([{}], object))},
        "of a shared tuple": {"ws": _object_array(shared_tuple())},
        "that claims a petabyte": {"ws": npy_header(described("(1, 1000000, 1000000000)"))},
        "of a negative shape": {"ws": npy_header(described("(1, -14, -256)"))},
        "of a domain of 40 MB": {"domain": np.array("x" * (10 * MB))},
        "of a quad of 64 MB": {"quad": np.zeros((4, 2, MB), np.float64)},
        "that is not finite": {"ws": np.full((1, 14, 256), np.nan, np.float32)},
        "of a quad of texts": {"quad": np.array([["a", "b"]] * 4)},
        "of fifty axes": {"noise/b4.conv1": np.zeros((1,) * 50, np.float32)},
        "of a header of 60 kB": {"ws": npy_header(" " * 60_000)},
    }
    for name, more in members.items():
        data = more if isinstance(more, bytes) else latent(more)
        yield Hostile(f"latent {name}", ".npz", data, "latent")
    whole = latent({})
    for name, data in _damaged_zips(whole).items():
        yield Hostile(f"latent {name}", ".npz", data, "latent")
    yield Hostile("latent of 18 rows", ".npz", latent({}, rows=18), "latent")


def _damaged_zips(whole: bytes) -> dict[str, bytes]:
    end = whole.rfind(b"PK\5\6")

    def changed(at: int, *values: int) -> bytes:
        data = bytearray(whole)
        data[at : at + len(values)] = bytes(values)
        return bytes(data)

    first = whole.find(b"PK\1\2")
    return {
        "empty": b"",
        "cut at a half": whole[: len(whole) // 2],
        "cut by a byte": whole[:-1],
        "with a list of 4 GB": changed(end + 12, 0xFF, 0xFF, 0xFF, 0xFF),
        "with a list elsewhere": changed(end + 16, 0xFF, 0xFF, 0xFF, 0x7F),
        "encrypted": changed(first + 8, 1, 0),
        "packed in an unknown way": changed(first + 10, 99, 0),
        "that claims 4 GB": changed(first + 24, 0xFF, 0xFF, 0xFF, 0xFF),
        "with a damaged member": changed(60, 0xFF, 0xFF, 0xFF, 0xFF),
        "of 5000 members": zipped({f"{n}.npy": b"" for n in range(5000)}),
        "that is a text": b"not an archive " * 100,
        "in a comment": b"PK\5\6" + bytes(18),
    }


# -- recipes


def _recipes() -> Iterator[Hostile]:
    packed = base64.b64encode(bomb()).decode()
    small = base64.b64encode(bomb(50)).decode()
    mask = base64.b64encode(_flat_png(12_000)).decode()
    texts = {
        "aliases": "a: &a [x, x]\nb: &b [*a, *a]\nedits: [*b]",
        "merged keys": "a: &a {x: 1}\nedits:\n- {<<: [*a, *a]}",
        "brackets": "edits: " + "[" * 100_000,
        "braces": "edits: " + "{a: " * 50_000,
        "deep block": "\n".join(" " * n + "a:" for n in range(2_000)),
        "a million values": "edits: [" + "1," * 1_000_000 + "]",
        "a million mappings": "edits: [" + "{}," * 500_000 + "]",
        "a million keys": "\n".join(f"k{n}: 1" for n in range(400_000)),
        "sixties": "threads: 1" + ":1" * 100_000,
        "sixties with a point": "threads: 1" + ":1" * 100_000 + ".5",
        "a number of a megabyte": "threads: " + "9" * MB,
        "a hexadecimal megabyte": "threads: 0x" + "f" * MB,
        "underscores": "threads: 1" + "_" * MB,
        "nine megabytes": "title: " + "x" * (9 * MB),
        "empty lines": "\n" * (7 * MB),
        "comments": "#\n" * (3 * MB),
        "documents": "---\n" * 300_000,
        "an object": "!!python/object/apply:os.system ['true']",
        "a name": "edits: !!python/name:os.system",
        "an unknown tag": "edits: !" + "x" * 100_000 + " []",
        "a time": "title: 2001-01-01T00:00:00." + "1" * 100_000,
        "a wrong time": "title: 9999-99-99",
        "a key of lists": "? [[1], [2]]\n: 1",
        "a set": "edits: !!set {a, b}",
        "pairs": "edits: !!pairs [a: 1]",
        "binary": "edits: !!binary " + "A" * MB,
        "broken binary": "edits: !!binary '%%%'",
        "control signs": "edits: \x00\x01",
        "surrogates": 'title: "\\uD800"\nedits: 1',
        "a latent of 240 MB": "edits: [{cross: {name: a, latent: " + packed + "}}]",
        "a latent of 50 MB that is cut ever shorter": "edits: [" + ", ".join(
            [f"{{cross: {{name: a, latent: {small[:-n or None]}}}}}" for n in range(20)]) + "]",
        "a latent that is none": "edits: [{cross: {name: a, latent: '%%%'}}]",
        "a mask of 144 million pixels":
            f"edits: [{{patch: copy, from: {{name: 'seed:1'}}, mask: {mask}}}]",
        "a brush of 144 million pixels":
            f"edits: []\noutput: {{outcome: photo, out_of_domain: {{brush: {mask}}}}}",
        "a direction of odd rows":
            "edits: [{move: a, alpha: 1, own: [{name: a, vector: AAAA, rows: 3}]}]",
        "infinity": "edits: [{move: smile, alpha: .inf}]",
        "a walk without end": "edits: []\nwalk: {kind: loop, frames: 1000000000}",
        "an unknown key": "edits: []\n" + "x" * 100_000 + ": 1",
        "nothing": "",
        "no text": "\xff\xfe",
    }  # fmt: skip
    for name, text in texts.items():
        data = text.encode("latin-1" if name == "no text" else "utf-8", "surrogatepass")
        yield Hostile(f"recipe of {name}", ".yaml", data, "recipe")


# -- sessions


def session(
    portraits: int = 1,
    moments: int = 1,
    more: Mapping[str, bytes] = {},
    facts: str = "",  # noqa: B006
) -> bytes:
    """A session file; ``more`` replaces members."""
    kinds = ", ".join(["{kind: latent}"] * portraits)
    steps = ", ".join(["{portrait: 0}"] * moments)
    text = facts or (
        f"{{format: {SESSION}, domain: portraits, fingerprint: '', position: 0, "
        f"portraits: [{kinds}], moments: [{steps}]}}"
    )
    members = {"session.yaml": text.encode()}
    members |= {f"portrait-{n}.npz": latent({}) for n in range(portraits)}
    members |= {f"moment-{n}.yaml": b"edits: []" for n in range(moments)}
    return zipped({**members, **more})


def _sessions() -> Iterator[Hostile]:
    half, large = bomb(50), bomb()
    crossed = f"edits: [{{cross: {{name: a, latent: {base64.b64encode(half).decode()}}}}}]".encode()
    laughs = b"a: &a [x, x]\nb: [*a, *a]"
    files = {
        "of 24 bombs": session(24, 1, {f"portrait-{n}.npz": large for n in range(24)}),
        "of 24 portraits of 50 MB": session(24, 1, {
            f"portrait-{n}.npz": half + bytes(n) for n in range(24)}),
        "of a hundred steps with a latent": session(1, 100, {
            f"moment-{n}.yaml": crossed + b"\n" * n for n in range(100)}),
        "of a hundred steps of 8 MB": session(1, 100, {
            f"moment-{n}.yaml": b"\n" * (8 * MB) for n in range(16)}),
        "of ten thousand steps": session(1, 10_000),
        "of aliases": session(facts=laughs.decode()),
        "of a step of aliases": session(more={"moment-0.yaml": laughs}),
        "of brackets": session(facts="[" * 100_000),
        "without portraits": session(0, 1),
        "of a member of 200 MB": session(more={"x": zeros_of(200).tobytes()}),
        "of members nobody knows": session(more={"../../x": b"x"}),
        "of a photo of 144 million pixels": session(more={"portrait-0.jpg": _flat_png(12_000)},
            facts=f"{{format: {SESSION}, domain: portraits, fingerprint: '', position: 0, "
            "portraits: [{kind: photo, photo: true}], moments: [{portrait: 0}]}"),
        "whose position is far": session(facts=f"{{format: {SESSION}, domain: portraits, "
            "fingerprint: '', position: 99999999999999999999, portraits: [{kind: latent}], "
            "moments: [{portrait: 0}]}"),
        "of sixties": session(facts="position: 1" + ":1" * 100_000),
    }  # fmt: skip
    for name, data in files.items():
        yield Hostile(f"session {name}", ".studio", data, "session")
    for name, data in _damaged_zips(session()).items():
        yield Hostile(f"session {name}", ".studio", data, "session")


# -- pictures


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@cache
def _flat_png(side: int) -> bytes:
    """A few kilobytes of a picture of one grey."""
    rows = zlib.compress((b"\0" + bytes(side)) * side, 9)
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def with_chunks(*more: bytes) -> bytes:
    """A small PNG with more chunks behind its header."""
    data = _flat_png(64)
    return data[:33] + b"".join(more) + data[33:]


def _itxt(key: str, text: bytes, packed: bool = True) -> bytes:
    body = zlib.compress(text, 9) if packed else text
    return chunk(b"iTXt", key.encode() + b"\0" + (b"\1" if packed else b"\0") + b"\0\0\0" + body)


def _exports() -> Iterator[Hostile]:
    fine = _itxt(RECIPE_KEY, b"edits: []")
    packed = base64.b64encode(bomb())
    files = {
        "with a recipe of 64 MB": with_chunks(_itxt(RECIPE_KEY, bytes(64 * MB)), fine),
        "with a latent of 64 MB": with_chunks(fine, _itxt(LATENT_KEY, b"A" * (64 * MB))),
        "with a latent bomb": with_chunks(fine, _itxt(LATENT_KEY, packed)),
        "with a recipe of aliases": with_chunks(
            _itxt(RECIPE_KEY, b"a: &a [x]\nb: *a"), _itxt(LATENT_KEY, b"x")),
        "with a recipe of brackets": with_chunks(
            _itxt(RECIPE_KEY, b"[" * MB), _itxt(LATENT_KEY, b"x")),
        "with a latent that is none": with_chunks(fine, _itxt(LATENT_KEY, b"%%%", packed=False)),
        "with a text that is none": with_chunks(
            _itxt(RECIPE_KEY, b"\xff" * 100), _itxt(LATENT_KEY, b"x")),
        "with a cut text": with_chunks(
            chunk(b"zTXt", RECIPE_KEY.encode() + b"\0\0" + zlib.compress(bytes(999))[:9]),
            _itxt(LATENT_KEY, b"x")),
        "with a hidden bomb": with_chunks(
            chunk(b"zTXt", RECIPE_KEY.encode() + b"\0\0" + zlib.compress(bytes(64 * MB), 9)),
            _itxt(LATENT_KEY, b"x")),
    }  # fmt: skip
    for name, data in files.items():
        yield Hostile(f"png {name}", ".png", data, "export")


def _pictures() -> Iterator[Hostile]:
    yield from _exports()
    whole = _flat_png(64)
    tiff, jpeg, gif = (_encoded(kind) for kind in ("tiff", "jpeg", "gif"))
    huge = struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 2, 0, 0, 0)
    files = {
        "png of 144 million pixels": (".png", _flat_png(12_000)),
        "png that claims 2^62 pixels": (".png", whole[:8] + chunk(b"IHDR", huge) + whole[33:]),
        "png cut short": (".png", whole[: len(whole) - 30]),
        "png of its head": (".png", whole[:20]),
        "png without pixels": (".png", whole[:33] + chunk(b"IEND", b"")),
        "png with a wrong checksum": (".png", whole[:40] + b"\xff\xff" + whole[42:]),
        "png with a chunk of 2 GB": (".png", whole[:33] + b"\x7f\xff\xff\xffzTXt" + whole[33:]),
        "png of a million chunks": (".png", whole[:33] + chunk(b"tEXt", b"a\0b") * 400_000),
        "png of one pixel": (".png", _flat_png(1)),
        "jpeg cut short": (".jpg", jpeg[: len(jpeg) // 2]),
        "jpeg of its head": (".jpg", jpeg[:20]),
        "jpeg that claims 2^32 pixels": (".jpg", _sized_jpeg(jpeg)),
        "gif of frames": (".gif", _animated()),
        "gif cut short": (".gif", gif[:20]),
        "gif that claims 2^32 pixels": (".gif", gif[:6] + b"\xff" * 4 + gif[10:]),
        "tiff cut short": (".tif", tiff[: len(tiff) // 2]),
        "tiff that refers to itself": (".tif", b"II*\0\x08\0\0\0\0\0\x08\0\0\0"),
        "tiff of 65535 tags": (".tif", b"II*\0\x08\0\0\0\xff\xff" + bytes(1000)),
        "bmp that claims 2^60 pixels": (".bmp", b"BM" + bytes(12) + struct.pack(
            "<IiiHHIIiiII", 40, 2**30, 2**30, 1, 24, 0, 0, 0, 0, 0, 0)),
        "webp cut short": (".webp", b"RIFF\xff\xff\xff\x7fWEBPVP8 "),
        "avif of its head": (".avif", b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf"),
        "heic": (".heic", b"\0\0\0\x18ftypheis\0\0\0\0mif1heic" + bytes(64)),
        "eps": (".eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n"),
        "svg bomb": (".svg", b"<!DOCTYPE s [<!ENTITY a 'x'><!ENTITY b '&a;&a;'>]><s>&b;</s>"),
        "film": (".mp4", b"\0\0\0\x20ftypisom" + bytes(200)),
        "page": (".jpg", b"<!DOCTYPE html><script>alert(1)</script>"),
        "nothing": (".jpg", b""),
    }  # fmt: skip
    for name, (suffix, data) in files.items():
        yield Hostile(f"picture {name}", suffix, data, "picture")


def _encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((96, 96), 60).convert("L").save(buffer, kind)
    return buffer.getvalue()


def _sized_jpeg(jpeg: bytes) -> bytes:
    at = jpeg.index(b"\xff\xc0") + 5  # height and width of the frame
    return jpeg[:at] + b"\xff\xff\xff\xff" + jpeg[at + 4 :]


def _animated() -> bytes:
    buffer = io.BytesIO()
    frames = [Image.new("L", (64, 64), shade) for shade in range(0, 250, 5)]
    frames[0].save(buffer, "gif", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def write(folder: Path, files: Sequence[Hostile]) -> None:
    """Every file under its own name."""
    folder.mkdir(parents=True, exist_ok=True)
    for each in files:
        (folder / each.file).write_bytes(each.data)


if __name__ == "__main__":
    write(Path(sys.argv[1]), found := corpus())
    print(f"{len(found)} files in {sys.argv[1]}.")
