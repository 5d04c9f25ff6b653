"""No file can run code, hang or eat the machine, whatever reader it reaches.

All hostile files go through ``inspect_file``, which asks every reader, in one process that may take
512 MB above what torch takes; each would leave a canary if anything in it ran.
"""

import io
import json
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from editing.errors import DamagedFile, EditingError, UnsafeFile, UnsupportedFile
from editing.formats.clip import ForeignClip
from editing.formats.directions import ForeignDirections
from editing.formats.foreign import Foreign, ForeignNet, build, build_net
from editing.formats.latents import ForeignLatents
from editing.formats.pickles import refusing
from editing.formats.styleclip import ForeignStatistics, ForeignTable
from editing.inspection import inspect_file
from tests.nvidia_files import stylegan2_file
from tests.test_formats_clip import make_state as make_clip
from tests.test_formats_clip import safetensors
from tests.test_formats_encoders import make_idinvert
from tests.test_formats_pickles import Calls, hostile, legacy, mutated
from tests.test_formats_rosinality import random_state, to_rosinality
from tests.test_formats_sefa import make_state as make_sefa

MEGABYTE = 2**20
RNG = np.random.default_rng(0)


def saved(content: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def npy(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def packed(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def forged(args: tuple[Any, ...]) -> bytes:
    return saved({"state_dict": {"x": Calls(torch._utils._rebuild_tensor_v2, *args)}})


def corpus(canary: Path) -> dict[str, bytes]:
    """Hostile files by what is wrong with them."""
    head = b"".join(pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, {}))
    payload = pickle.dumps(Calls(os.system, f"touch {canary}"))
    storage, hooks = torch.zeros(10).untyped_storage(), {}
    deep = {"x": {}}
    for _ in range(200):
        deep = {"x": deep}
    whole = saved({"g_ema": to_rosinality(random_state()[1])})
    zeros = npy(np.zeros(16 * MEGABYTE, np.float32))
    found = {f"pickle: {name}": data for name, data in hostile(canary).items()}
    found |= {
        "payload in a .npy": npy(np.array(Calls(os.system, f"touch {canary}"), object)),
        "payload in an .npz": packed({"w.npy": npy(np.array(Calls(eval, "1"), object))}),
        "payload in a torch archive": packed({"x/data.pkl": payload, "x/version": b"3"}),
        "payload in a legacy torch file": head + payload,
        "payload behind a legacy torch file": legacy((2,), (0,)) + payload,
        "payload in a nested tensor": pickle.dumps(
            {"G_ema": Calls(torch.storage._load_from_bytes, payload)}
        ),
        "payload in TorchScript": packed(
            {"x/data.pkl": b"\x80\x02c__torch__.os\nsystem\nX\x02\x00\x00\x00ls\x85R."}
        ),
        "payload in idinvert's dict": npy(
            np.array({"boundary": Calls(os.system, f"touch {canary}"), "meta_data": {}}, object)
        ),
        "zip bomb .npz": packed({"w.npy": zeros}, zipfile.ZIP_DEFLATED),
        "zip bomb .pt": packed(
            {"x/data.pkl": pickle.dumps(1), "x/data/0": zeros}, zipfile.ZIP_DEFLATED
        ),
        "nested 200 deep": saved(deep),
        "a tensor beyond its storage": forged((storage, 0, (1000,), (1,), False, hooks)),
        "a tensor of 2**78 numbers": forged((storage, 0, (2**39, 2**39), (0, 0), False, hooks)),
        "a tensor repeated": forged((storage, 0, (10**9,), (0,), False, hooks)),
        "a .npy that claims 2**40 bytes": npy(np.zeros(4)).replace(
            b"(4,), }" + b" " * 10, b"(99999999999,), }"
        ),
        "a .npy header that is a program": npy(np.zeros(4)).replace(b"'<f8'", b"id(1)"),
        "a .npy of strings": npy(np.array(["x" * 100] * 10)),
        "a 4 GB safetensors header": safetensors(b"{}", length=4 * 2**30),
        "a safetensors header of brackets": safetensors(b"[" * MEGABYTE),
        "truncated": whole[: len(whole) // 2],
        "truncated by a byte": whole[:-1],
        "archives in archives": packed({"x/data.pkl": packed({"x/data.pkl": payload})}),
        "two data.pkl": packed({"a/data.pkl": payload, "b/data.pkl": payload}),
        "a web page": b"<!DOCTYPE html><title>Google Drive - Quota exceeded</title>",
        "nothing": b"",
        "noise": RNG.bytes(4096),
    }
    return found


CHECK = """
import json, resource, sys, time
import torch
from pathlib import Path
import editing.inspection
from editing.errors import DamagedFile, EditingError, UnsafeFile, UnsupportedFile
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before, found = peak(), {}
for path in sorted(Path(sys.argv[1]).iterdir()):
    began = time.process_time()
    try:
        editing.inspection.inspect_file(path)
        sentence = ""
    except EditingError as error:
        sentence = str(error)
    found[path.name] = [sentence, time.process_time() - began]
print(json.dumps({"files": found, "megabytes": peak() - before}))
"""


def test_hostile_files_are_refused_soon_and_small(tmp_path: Path) -> None:
    folder, canary = tmp_path / "files", tmp_path / "canary"
    folder.mkdir()
    names = {}
    for i, (name, data) in enumerate(corpus(canary).items()):
        names[f"{i:03d}"] = name
        (folder / f"{i:03d}").write_bytes(data)
    run = subprocess.run(
        [sys.executable, "-c", CHECK, str(folder)],
        cwd=Path(__file__).parents[1], capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]
    report = json.loads(run.stdout)
    assert len(report["files"]) == len(names) and not canary.exists()
    for file, (sentence, seconds) in report["files"].items():
        assert sentence and len(sentence.splitlines()) == 1, f"{names[file]} was read"
        assert seconds < 2, f"{names[file]} took {seconds:.1f} s of CPU"
    assert report["megabytes"] < 512


def styles() -> list[Any]:
    return [RNG.random(c).astype(np.float32) for c in (8, 8, 8, 6, 6)]


def unit_rows(*shape: int) -> Any:
    array = RNG.standard_normal(shape)
    return array / np.linalg.norm(array, axis=-1, keepdims=True)


def valid_files() -> dict[str, tuple[str, bytes]]:
    """A small valid file of every kind: file name, and contents."""
    boundary = {"boundary": unit_rows(1, 4, 8), "meta_data": {"manipulate_layers": [1]}}
    pca = {"mean": torch.zeros(1, 8), "comp": torch.eye(8)[:2, None], "std": torch.ones(2)}
    _, state = random_state()
    return {
        "nvidia": ("g.pkl", stylegan2_file(state, 2.5, 4)),
        "rosinality": ("g.pt", saved({"g_ema": to_rosinality(state)})),
        "sefa": ("g.pth", saved({"generator_smooth": make_sefa()})),
        "idinvert encoder": ("e.pth", saved(make_idinvert(True))),
        "clip": ("c.pt", saved({k: v.half() for k, v in make_clip().items()})),
        "interfacegan": ("stylegan_ffhq_age_w_boundary.npy", npy(unit_rows(1, 16))),
        "idinvert": ("age.npy", npy(np.array(boundary, object))),
        "e4e": ("smile.pt", saved(torch.from_numpy(unit_rows(1, 8)).float())),
        "ganspace": ("pca.pt", saved(pca)),
        "out of domain": ("Smiling.npy", npy(RNG.standard_normal((6, 8)))),
        "factor": ("factor.pt", saved({"ckpt": "x", "eigvec": torch.eye(8)})),
        "latents": ("x.npy", npy(RNG.standard_normal((2, 6, 8)).astype(np.float32) * 9)),
        "projected_w": ("w.npz", npz(w=RNG.standard_normal((1, 6, 8)) * 9)),
        "styles": ("S", pickle.dumps(styles())),
        "statistics": ("S_mean_std", pickle.dumps([styles(), styles()], 3)),
        "table": ("fs3.npy", npy(unit_rows(64, 256).astype(np.float16))),
        "legacy": ("smile.pt", saved(torch.eye(8)[:1], _use_new_zipfile_serialization=False)),
        "safetensors": (
            "c.safetensors",
            safetensors(
                {"w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}, bytes(24)
            ),
        ),
    }


def loaded(thing: Any) -> list[tuple[tuple[int, ...], torch.Tensor]]:
    """Declared shape and tensor of everything that a finding promises.

    Raises:
        Refused: it does not hold what it promised.
    """
    if isinstance(thing, Foreign | ForeignNet):
        net = build(thing) if isinstance(thing, Foreign) else build_net(thing)
        tensors = net.state_dict()
        weights = {k: w for k, w in thing.weights.items() if k in tensors}
        return [(weight.shape, tensors[name]) for name, weight in weights.items()]
    if isinstance(thing, ForeignClip):
        return [(weight.shape, weight.load()) for weight in thing.weights.values()]
    arrays: list[Any] = []
    if isinstance(thing, ForeignDirections):
        arrays = [one.vector for one in thing.directions]
    elif isinstance(thing, ForeignLatents):
        arrays = [*thing.arrays.values(), *thing.styles]
    elif isinstance(thing, ForeignStatistics):
        statistics = thing.statistics
        return [(tuple(t.shape), t) for p in (statistics.mean, statistics.std) for t in p.values()]
    elif isinstance(thing, ForeignTable):
        arrays = [thing.rows]
    return [(array.shape, torch.from_numpy(np.ascontiguousarray(array))) for array in arrays]


FILES = valid_files()
PLACES = st.integers(0, 3000) | st.integers(0, 2**20)  # what describes the tensors, and they
CHANGES = st.lists(st.tuples(PLACES, st.integers(0, 255)), min_size=1, max_size=8)


@pytest.mark.parametrize("kind", FILES)
@given(changes=CHANGES, keep=st.floats(0.5, 1) | st.just(1.0))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_mutated_files_are_refused_or_read(
    tmp_path: Path, kind: str, changes: list[tuple[int, int]], keep: float
) -> None:
    """Finite tensors of the declared shapes, or a sentence; never anything else."""
    name, data = FILES[kind]
    path = tmp_path / name
    path.write_bytes(mutated(data, changes)[: max(1, int(keep * len(data)))])
    try:
        for finding in inspect_file(path):
            json.dumps({**finding.facts, "missing": finding.missing})
            with refusing(path):
                for shape, tensor in loaded(finding.thing):
                    assert tuple(tensor.shape) == tuple(shape)
                    if not isinstance(finding.thing, ForeignClip):
                        assert bool(tensor.isfinite().all())
    except EditingError as error:
        assert len(str(error).splitlines()) == 1


@pytest.mark.parametrize("kind", FILES)
def test_the_files_that_are_mutated_are_valid(tmp_path: Path, kind: str) -> None:
    name, data = FILES[kind]
    (tmp_path / name).write_bytes(data)
    if kind == "safetensors":  # tensors of nobody
        with pytest.raises(EditingError, match="nothing that is known"):
            inspect_file(tmp_path / name)
        return
    finding, *others = inspect_file(tmp_path / name)
    assert not others or {finding.kind, others[0].kind} == {"directions", "latents"}
    assert loaded(finding.thing)


def test_every_kind_of_refusal_has_its_own_sentence(tmp_path: Path) -> None:
    """Damage, harm, a format and a design that are not read: not one sentence for all."""
    path, state = tmp_path / "x.pt", {"convs.0.conv.modulation.weight": torch.ones(2, 2)}
    whole = saved({"g_ema": state})
    for data, kind, words in (
        (whole[: len(whole) // 2], DamagedFile, "damaged or cut short"),
        (b"", DamagedFile, "it is empty"),
        (b"<!DOCTYPE html><title>Sign in</title>", DamagedFile, "web page"),
        (pickle.dumps(Calls(os.system, "true")), UnsafeFile, "cannot be read safely"),
        (b"0.1,0.2,0.3\n0.4,0.5,0.6\n", UnsupportedFile, "it is text"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), UnsupportedFile, "it is a picture"),
        (whole, UnsupportedFile, "not supported here"),
    ):
        path.write_bytes(data)
        with pytest.raises(UnsafeFile, match=words) as refusal:
            inspect_file(path)
        assert type(refusal.value) is kind, words
        assert len(str(refusal.value).splitlines()) == 1


def test_our_own_errors_are_not_called_unsafe(tmp_path: Path) -> None:
    """A layout that nobody foresaw: what happened is said, and that the file may be sound."""
    content = {"boundary": torch.ones(1, 3, 8), "meta_data": {"manipulate_layers": ["no"]}}
    torch.save(content, tmp_path / "x.pt")
    with pytest.raises(UnsupportedFile, match="its layout is not known: ValueError"):
        inspect_file(tmp_path / "x.pt")
