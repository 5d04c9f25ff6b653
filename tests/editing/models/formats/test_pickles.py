"""Foreign files cannot run code, exhaust memory or crash: a corpus of hostile ones, and mutations.

Every hostile pickle tries to create a canary file, which must not exist afterwards.
"""

import argparse
import io
import itertools
import os
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import hostile_pickles
from editing.errors import UnsafeFile
from editing.models.formats.containers.numpy_files import (
    KNOWN,
    open_mapped,
    plain,
    read_npy,
    read_npz,
)
from editing.models.formats.containers.pickles import Budget, Refused, read_pickle, refusing
from editing.models.formats.containers.torch_files import (
    StoredTensor,
    attributes,
    nested_stream,
    read_torch,
)

REAL = Path(__file__).parents[5] / "shared" / "golden" / "real"


def unpickle(data: bytes) -> Any:
    return plain(read_pickle(io.BytesIO(data), KNOWN))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_data_comes_back_as_it_was(protocol: int) -> None:
    shared = [1, 2]
    data = {
        "numbers": [0, -1, 255, 70000, 2**40, -(2**70), 1.5, True, False, None],
        "texts": ["", "é", "多", b"", b"bytes"],
        "tuples": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)],
        "shared": [shared, shared],
        "set": {"a", "b"},
        "ordered": OrderedDict(a=1),
        7: {},
    }
    found = unpickle(pickle.dumps(data, protocol))
    assert found == data and found["shared"][0] is not None


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("dtype", ["float32", ">f8", "float16", "int64", "bool", "uint8"])
def test_arrays_in_pickles(protocol: int, dtype: str) -> None:
    array = np.arange(12).reshape(3, 4).astype(dtype)
    found = unpickle(pickle.dumps([array, array.T, array[:0], array.sum(), array[0, 1]], protocol))
    assert found[0].dtype == array.dtype and np.array_equal(found[0], array)
    assert np.array_equal(found[1], array.T) and found[2].shape == (0, 4)
    assert found[3] == array.sum() and found[4] == array[0, 1]


class Calls:
    """Pickles as a call."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = function, args

    def __reduce__(self) -> Any:
        return self.call


def nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


def amplified() -> bytes:
    """OrderedDict(x) of one long list, thousands of times over."""
    head = b"\x80\x02ccollections\nOrderedDict\nq\x00]q\x01(" + b"(K\x00K\x00t" * 20000 + b"e"
    return head + b"0(" + b"h\x00h\x01\x85R" * 20000 + b"l."


def hostile(canary: Path) -> dict[str, bytes]:
    touch = f"open({str(canary)!r}, 'w').close()"
    command = f"touch {canary}"
    by_name = (b"\x80\x02cos\nsystem\n", b"\x80\x02cposix\nsystem\n", b"\x80\x02cnt\nsystem\n")
    text = command.encode()
    return {
        "os.system": pickle.dumps(Calls(os.system, command)),
        **{
            f"by name {i}": head + b"X" + struct.pack("<I", len(text)) + text + b"\x85R."
            for i, head in enumerate(by_name)
        },
        "eval": pickle.dumps(Calls(eval, touch)),
        "exec": pickle.dumps({"a": [Calls(exec, touch)]}),
        "getattr": pickle.dumps(Calls(getattr, "", "format")),
        "protocol 0": b"cos\nsystem\n(S'" + text + b"'\ntR.",
        "inst": b"(S'" + text + b"'\nios\nsystem\n.",
        "obj": b"(cos\nsystem\nS'" + text + b"'\no.",
        "dotted name": b"\x80\x04\x8c\x07numpy.c\x8c\x0cndarray.load\x93.",
        "extension": b"\x80\x02\x82\x01.",
        "calls data": b"\x80\x02]K\x01\x85R.",
        "calls a shape": b"\x80\x02cnumpy\nndarray\n)R.",
        "200 deep": pickle.dumps(nested(200)),
        "100000 deep": b"]" * 100000 + b"a" * 99999 + b".",
        "100000 tuples": b")" + b"\x85" * 100000 + b".",
        "contains itself": b"]q\x00h\x00a.",
        "too long": b"(" + b"]" * 1_000_000 + b"l.",
        "huge memo index": b"\x80\x02]r\xff\xff\xff\x7f" + b"h\x01.",
        "huge text": b"\x80\x04\x8d" + struct.pack("<Q", 2**60) + b"abc.",
        "huge bytes": b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b"abc.",
        "negative length": b"\x80\x02\x8b" + struct.pack("<i", -1) + b".",
        "many digits": b"I" + b"9" * 1_000_000 + b"\n.",
        "amplified": amplified(),
        "bytearray of a number": pickle.dumps(Calls(bytearray, 2**40)),
        "huge array": pickle.dumps(Calls(np.zeros, 2**40)),
        "colliding keys": pickle.dumps({i * (2**61 - 1): 0 for i in range(1, 100)}),
        "empty": b"",
        "cut short": pickle.dumps(list(range(1000)))[:-500],
        "underflow": b"\x80\x02\x87.",
        "no mark": b"\x80\x02t.",
        "text": b"<html>Quota exceeded</html>",
    }


@pytest.mark.parametrize("name", hostile(Path("canary")))
def test_hostile_pickles_are_refused_with_a_sentence(name: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    with pytest.raises(UnsafeFile) as refusal, refusing("bad.pkl"):
        unpickle(hostile(canary)[name])
    message = str(refusal.value)
    assert message.startswith("bad.pkl cannot be read") and len(message.splitlines()) == 1
    assert not canary.exists()


def test_a_payload_inside_a_tensor_is_refused(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    payload = pickle.dumps(Calls(os.system, f"touch {canary}"))
    known = {**KNOWN, "torch.storage._load_from_bytes": nested_stream(Budget())}
    data = pickle.dumps(Calls(torch.storage._load_from_bytes, payload))
    with pytest.raises(Refused, match="system"):
        read_pickle(io.BytesIO(data), known)
    magic = pickle.dumps(0x1950A86A20F9469CFC6C) + pickle.dumps(1001) + pickle.dumps({})
    data = pickle.dumps(Calls(torch.storage._load_from_bytes, magic + payload))
    with pytest.raises(Refused, match="system"):
        read_pickle(io.BytesIO(data), known)
    assert not canary.exists()


def tensors() -> dict[str, Any]:
    base = torch.arange(24.0).reshape(4, 6)
    return {
        "whole": base,
        "turned": base.t(),
        "part": base[1:3, 2:4],
        "number": torch.tensor(2.5),
        "none": torch.empty(0, 3),
        "half": torch.nn.Parameter(torch.randn(5).half()),
        "bfloat16": torch.randn(3).bfloat16(),
        "counts": torch.arange(5),
    }


@pytest.mark.parametrize("zipped", [True, False])
def test_torch_files(tmp_path: Path, zipped: bool) -> None:
    path, expected = tmp_path / "any.name", tensors()
    content = {"state": expected, "args": argparse.Namespace(size=32, path=None), "step": 7}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    found = read_torch(path)
    assert found["step"] == 7 and attributes(found["args"]) == {"size": 32, "path": None}
    for name, tensor in expected.items():
        stored = found["state"][name]
        assert isinstance(stored, StoredTensor) and stored.shape == tuple(tensor.shape)
        assert stored.load().dtype == tensor.dtype and torch.equal(stored.load(), tensor), name


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("keep", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_truncated_torch_files_are_refused(tmp_path: Path, zipped: bool, keep: float) -> None:
    path = tmp_path / "x.pt"
    torch.save(tensors(), path, _use_new_zipfile_serialization=zipped)
    path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])
    with pytest.raises(UnsafeFile), refusing(path):
        read_torch(path)


def legacy(sizes: Sequence[int], order: Sequence[int]) -> bytes:
    """A legacy stream of float tensors whose numbers lie in this order; torch's is by address."""
    buffer = io.BytesIO()

    class Pickler(pickle.Pickler):
        def persistent_id(self, value: Any) -> Any:
            if not isinstance(value, torch.storage.UntypedStorage):
                return None
            key = str(keys[value.data_ptr()])
            return ("storage", torch.FloatStorage, key, "cpu", value.nbytes() // 4, None)

    def forged(tensor: torch.Tensor) -> Any:
        args = (tensor.untyped_storage(), 0, tuple(tensor.shape), (1,), False, OrderedDict())
        return Calls(torch._utils._rebuild_tensor_v2, *args)

    tensors = [torch.arange(float(size)) for size in sizes]
    keys = {t.untyped_storage().data_ptr(): i for i, t in enumerate(tensors)}
    for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
        pickle.dump(value, buffer, 2)
    Pickler(buffer, 2).dump([forged(tensor) for tensor in tensors])
    pickle.dump([str(i) for i in order], buffer, 2)
    for i in order:
        buffer.write(struct.pack("<q", sizes[i]) + tensors[i].numpy().tobytes())
    return buffer.getvalue()


@pytest.mark.parametrize("order", [*itertools.permutations(range(3))])
def test_legacy_files_end_where_their_last_tensor_does(
    tmp_path: Path, order: tuple[int, ...]
) -> None:
    path, data = tmp_path / "x.pt", legacy((5, 0, 2), order)
    path.write_bytes(data)
    found = read_torch(path)
    assert [stored.load().tolist() for stored in found] == [[0, 1, 2, 3, 4], [], [0, 1]]
    numbers = 3 * 8 + 7 * 4
    for cut in range(1, numbers):
        path.write_bytes(data[:-cut])
        with pytest.raises(UnsafeFile), refusing(path):
            read_torch(path)
    path.write_bytes(data + b"\0")
    with pytest.raises(UnsafeFile, match="behind its end"), refusing(path):
        read_torch(path)


def test_compressed_and_overlapping_archives_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/data.pkl", pickle.dumps(1))
        archive.writestr("x/data/0", bytes(8 * 2**20))
    with pytest.raises(UnsafeFile, match="unpack to"), refusing(path):
        read_torch(path)
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", bytes(16 * 2**20))
    with pytest.raises(UnsafeFile, match="unpack to"), refusing(path):
        read_npz(path)


@pytest.mark.parametrize(
    "size, stride, offset",
    [((1000,), (1,), 0), ((2, 2), (80, 1), 3), ((2**39, 2**39), (0, 0), 0), ((4,), (-1,), 0)],
)
def test_tensors_stay_within_their_data(
    tmp_path: Path, size: Any, stride: Any, offset: int
) -> None:
    class Forged:
        def __reduce__(self) -> Any:
            args = (torch.zeros(10).untyped_storage(), offset, size, stride, False, OrderedDict())
            return torch._utils._rebuild_tensor_v2, args

    path = tmp_path / "x.pt"
    torch.save({"x": Forged()}, path)
    with pytest.raises(UnsafeFile, match="tensor of"), refusing(path):
        read_torch(path)


def read_npy_file(path: Path) -> Any:
    return read_npy(open_mapped(path), path.stat().st_size)


def test_npy_files(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    for array in (np.eye(3), np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.float16(3)):
        np.save(path, array)
        assert np.array_equal(read_npy_file(path), array)
    content = {"boundary": np.ones((1, 14, 8), np.float32), "meta_data": {"layers": [1, 2]}}
    np.save(path, np.array(content, object), allow_pickle=True)
    found = read_npy_file(path)
    assert found["meta_data"] == {"layers": [1, 2]} and found["boundary"].shape == (1, 14, 8)


def test_hostile_npy_files_are_refused(tmp_path: Path) -> None:
    path, canary = tmp_path / "x.npy", tmp_path / "canary"
    np.save(path, np.array(Calls(os.system, f"touch {canary}"), object), allow_pickle=True)
    with pytest.raises(UnsafeFile, match="system"), refusing(path):
        read_npy_file(path)
    np.save(path, np.eye(4))
    whole = path.read_bytes()
    for data in (whole[:-1], whole.replace(b"(4, 4)", b"(9**9,)"), b"", whole[:20]):
        path.write_bytes(data)
        with pytest.raises(UnsafeFile), refusing(path):
            read_npy_file(path)
    assert not canary.exists()


def mutated(data: bytes, changes: list[tuple[int, int]]) -> bytes:
    found = bytearray(data)
    for place, value in changes:
        found[place % len(found)] = value
    return bytes(found)


CHANGES = st.lists(st.tuples(st.integers(0, 2**20), st.integers(0, 255)), min_size=1, max_size=6)
VALID = pickle.dumps({"a": np.ones((2, 3), np.float32), "b": [1, "x", (None, 2.5)]}, 2)


@given(CHANGES)
@settings(max_examples=300, deadline=None)
def test_mutated_pickles_are_refused_or_read(changes: list[tuple[int, int]]) -> None:
    try:
        with refusing("x.pkl"):
            found = unpickle(mutated(VALID, changes))
    except UnsafeFile as error:
        assert "x.pkl" in str(error)
    else:
        assert not callable(found), "plain data, nothing that could be run"


@given(CHANGES, st.booleans())
@settings(max_examples=150, deadline=None)
def test_mutated_torch_files_are_refused_or_read(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], zipped: bool
) -> None:
    path = tmp_path_factory.mktemp("mutated") / "x.pt"
    buffer = io.BytesIO()
    torch.save({"a": torch.ones(2, 3)}, buffer, _use_new_zipfile_serialization=zipped)
    path.write_bytes(mutated(buffer.getvalue(), changes))
    try:
        with refusing(path):
            found = read_torch(path)
            for value in found.values():
                if isinstance(value, StoredTensor):
                    assert value.load().shape == value.shape
    except UnsafeFile:
        pass


@pytest.mark.skipif(not REAL.is_dir(), reason="no golden data (../shared/golden) beside this")
def test_real_files() -> None:
    assert read_torch(REAL / "e4e_interfacegan_smile.pt").shape == (1, 512)
    pca = read_torch(REAL / "e4e_ganspace_ffhq_pca.pt")
    norms = pca["comp"].load().reshape(80, 512).norm(dim=1)
    assert torch.allclose(norms, torch.ones(80), atol=1e-4)
    assert read_npy_file(REAL / "interfacegan_stylegan_ffhq_smile_w_boundary.npy").shape == (1, 512)
    boundary = read_npy_file(REAL / "idinvert_ffhq256_expression.npy")
    assert boundary["meta_data"]["manipulate_layers"] == [2, 3, 4, 5]
    means, stds = plain(read_pickle(open_mapped(REAL / "styleclip_ffhq_S_mean_std"), KNOWN))
    assert sum(map(len, means)) == sum(map(len, stds)) == 9088


def doubled(levels: int = 40) -> bytes:
    """A pickle of a tuple that holds itself twice, ``levels`` deep, without its end."""
    levels_of = (b"q%c0h%c" % (n, n) + b"h%c\x86" % n for n in range(levels))
    return b"\x80\x04K\x01" + b"".join(levels_of)


@pytest.mark.parametrize(
    "end",
    [
        b".",  # in itself
        b"\x8c\x01x\x93.",  # as a module's name
        b"\x8c\x05numpyq\xf00q\xf10h\xf0h\xf1\x93.",  # as a global's
        b"cnumpy\ndtype\nq\xf00q\xf10h\xf0h\xf1\x85R.",  # as a type's
        b"c_codecs\nencode\nq\xf00q\xf10h\xf0\x8c\x01xh\xf1\x86R.",  # as an encoding
        b"q\xf10}h\xf1K\x01s.",  # as a key
        b"q\xf10cnumpy.core.multiarray\n_reconstruct\n)R(K\x01h\xf1h\xf1\x89h\xf1tb.",  # a shape
    ],
)
def test_what_unfolds_is_refused_before_it_is_walked_or_named(end: bytes) -> None:
    with pytest.raises(UnsafeFile) as refused, refusing("x.pkl"):
        unpickle(doubled() + end)
    assert len(str(refused.value)) < 300


def test_shared_parts_count_whole_every_time() -> None:
    text = b"X" + struct.pack("<I", 2**20) + b"x" * 2**20
    shared = b"\x80\x02" + text + b"q\x000(" + b"h\x00" * 300 + b"l."
    with pytest.raises(Refused, match="unfolds"):
        read_pickle(io.BytesIO(shared), {})
    found = read_pickle(io.BytesIO(shared), {}, Budget.of(300 * 2**20))
    assert len(found) == 300 and found[0] is found[-1]
    late = b"\x80\x02]q\x000](" + b"h\x00" * 100 + b"eq\x01h\x00(" + b"K\x01" * 10_000 + b"e0."
    with pytest.raises(Refused, match="unfolds"):  # the list grows after it was referred to
        read_pickle(io.BytesIO(late), {})


def test_plain_keeps_shared_parts_shared() -> None:
    array = np.arange(3.0)
    found = unpickle(pickle.dumps([array, [array], {"a": array}], 2))
    assert found[0] is found[1][0] is found[2]["a"]


def test_tensors_over_one_storage_count_each(tmp_path: Path) -> None:
    """A thousand tensors of a file of 4 MB would be four gigabytes."""
    whole = torch.zeros(2**20)
    torch.save({f"t{n}": whole[:] for n in range(1000)}, tmp_path / "x.pt")
    with pytest.raises(UnsafeFile, match="unfolds"), refusing(tmp_path):
        read_torch(tmp_path / "x.pt")
    torch.save({f"t{n}": whole[n : n + 9] for n in range(1000)}, tmp_path / "y.pt")
    assert len(read_torch(tmp_path / "y.pt")) == 1000


@pytest.mark.parametrize("count", range(4))
def test_every_opcode_is_refused_or_read(count: int) -> None:
    """Shared, nested, huge, truncated: a sentence, or data that is plain."""
    for name, data in list(hostile_pickles.pickles())[count::4]:
        try:
            with refusing("x.pkl"):
                found = unpickle(data)
        except UnsafeFile as error:
            assert len(str(error)) < 400, name
        else:
            assert not callable(found), name
