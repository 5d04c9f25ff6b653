"""Hostile files of this project's own kinds: latents, recipes, sessions."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np

from benchmarks.hostile_bytes import (
    MB,
    Hostile,
    described,
    flat_png,
    npy,
    npy_header,
    object_array,
    shared_tuple,
    zeros_of,
    zipped,
)
from editing.models.latents import FORMAT as LATENT
from ui.studio.session_files import FORMAT as SESSION


def latent(members: Mapping[str, bytes | np.ndarray[Any, Any]], rows: int = 14) -> bytes:
    """A latent file of ``portraits`` with more members, or with others."""
    facts = {"format": LATENT, "space": "w+", "domain": "portraits", "fingerprint": "",
             "source_hash": ""}  # fmt: skip
    arrays = {name: npy(np.array(text)) for name, text in facts.items()}
    arrays["ws"] = npy(np.zeros((1, rows, 256), np.float32))
    arrays |= {k: v if isinstance(v, bytes) else npy(v) for k, v in members.items()}
    return zipped({f"{name}.npy": data for name, data in arrays.items()})


@cache
def bomb(megabytes: int = 240) -> bytes:
    """A quarter of a megabyte that unpacks to ``megabytes`` under a name of the generator's."""
    return latent({"weight_delta/b4.conv1.weight": zeros_of(megabytes)})


def latents() -> Iterator[Hostile]:
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
        "of a shared tuple": {"ws": object_array(shared_tuple())},
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


def recipes() -> Iterator[Hostile]:
    packed = base64.b64encode(bomb()).decode()
    small = base64.b64encode(bomb(50)).decode()
    mask = base64.b64encode(flat_png(12_000)).decode()
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


def sessions() -> Iterator[Hostile]:
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
        "of a photo of 144 million pixels": session(more={"portrait-0.jpg": flat_png(12_000)},
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
