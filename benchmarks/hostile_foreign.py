"""Hostile files of other systems: pickles, arrays, torch files, safetensors."""

from __future__ import annotations

import gzip
import json
import pickle
import struct
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from benchmarks.hostile_bytes import (
    MB,
    Hostile,
    described,
    npy,
    npy_header,
    object_array,
    safetensors,
    shared_tuple,
    zipped,
)
from benchmarks.hostile_pickles import pickles as all_pickles


def pickles() -> Iterator[Hostile]:
    for name, data in all_pickles():
        yield Hostile(f"pickle {name}", ".pkl", data, "foreign")
    yield Hostile("gzip of a pickle", ".gz", gzip.compress(shared_tuple()), "foreign")
    yield Hostile("gzip bomb", ".pkl.gz", gzip.compress(bytes(64 * MB)), "foreign")


def arrays() -> Iterator[Hostile]:
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
    yield Hostile("npy of a shared tuple", ".npy", object_array(shared_tuple()), "foreign")
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


def torch() -> Iterator[Hostile]:
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


def directions() -> Iterator[Hostile]:
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


def tensors() -> Iterator[Hostile]:
    one = {"dtype": "F32", "shape": [MB], "data_offsets": [0, 4 * MB]}
    yield from directions()
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
