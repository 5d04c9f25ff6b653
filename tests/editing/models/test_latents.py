"""Seeds, truncation and latent files."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from editing.errors import BadInput, BadLatent, MissingFile
from editing.io.allowances import Allowance
from editing.models.generators.generator import Generator, fingerprint
from editing.models.latents import (
    Latent,
    SeedSpec,
    latent_from_bytes,
    latent_to_bytes,
    load_latent,
    parse_seed,
    sample_z,
    save_latent,
    tensors_hash,
    truncate,
)


def test_seeds_are_numpys_legacy_stream() -> None:
    expected = np.random.RandomState(85).randn(1, 512).astype(np.float32)
    assert np.array_equal(sample_z([85], 512).numpy(), expected)


def test_a_seed_does_not_depend_on_its_batch() -> None:
    assert torch.equal(sample_z([3, 4, 5], 16)[1], sample_z([4], 16)[0])


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_impossible_seeds(seed: int) -> None:
    with pytest.raises(BadInput, match=str(seed)):
        sample_z([seed], 4)
    with pytest.raises(BadInput, match=str(seed)):
        SeedSpec(seed)


def test_truncation() -> None:
    ws, mean = torch.randn(2, 6, 8), torch.randn(8)
    assert truncate(ws, mean, 1.0) is ws
    assert torch.equal(truncate(ws, mean, 0.0), mean.expand_as(ws))
    half = truncate(ws, mean, 0.5, cutoff=2)
    assert torch.equal(half[:, 2:], ws[:, 2:])
    assert torch.allclose(half[:, :2], (ws[:, :2] + mean) / 2, atol=1e-6)


def test_seed_texts() -> None:
    assert parse_seed("seed:123") == SeedSpec(123, 0.7)
    assert parse_seed("seed:123@0.5") == SeedSpec(123, 0.5)
    assert parse_seed("seed:0@-1") == SeedSpec(0, -1.0)
    assert parse_seed("photo.jpg") is None
    assert str(SeedSpec(5)) == "seed:5" and str(SeedSpec(5, 1.0)) == "seed:5@1.0"


@pytest.mark.parametrize(
    "text", ["seed:", "seed:x", "seed:1@", "seed:1@x", "seed:-1", "seed:1@nan", "seed:1@1e999",
             "seed:99999999999", "seed:1 ", "seed:1@3", "seed:4294967296"],
)  # fmt: skip
def test_bad_seed_texts(text: str) -> None:
    with pytest.raises(BadInput):
        parse_seed(text)


@given(st.integers(0, 2**32 - 1), st.floats(-2, 2))
def test_seed_texts_are_read_back(seed: int, psi: float) -> None:
    spec = SeedSpec(seed, psi)
    assert parse_seed(str(spec)) == spec


def full_latent(generator: Generator) -> Latent:
    return Latent(
        ws=generator.mapping(sample_z([1], generator.z_dim)),
        domain="tiny",
        fingerprint=fingerprint(generator),
        space="w",
        s_delta={"b8.conv0": torch.randn(12)},
        noise={"b4.conv1": torch.randn(4, 4)},
        weight_delta={"b4.conv1.weight": torch.randn(12, 12, 3, 3)},
        quad=((0.0, 0.5), (0.0, 9.0), (9.0, 9.0), (9.0, 0.25)),
        source_hash="ab" * 32,
    )


def test_files_keep_everything(tiny_generator: Generator, tmp_path: Path) -> None:
    latent = replace(full_latent(tiny_generator), left_out={"noise": "cd" * 32})
    save_latent(tmp_path / "latent.npz", latent)
    loaded = load_latent(tmp_path / "latent.npz")
    assert torch.equal(loaded.ws, latent.ws)
    for name in ("s_delta", "noise", "weight_delta"):
        before, after = getattr(latent, name), getattr(loaded, name)
        assert set(before) == set(after)
        assert all(torch.equal(before[key], after[key]) for key in before)
    for name in ("domain", "fingerprint", "space", "quad", "source_hash", "left_out"):
        assert getattr(loaded, name) == getattr(latent, name)


def test_check_says_what_was_expected(tiny_generator: Generator) -> None:
    latent, own = full_latent(tiny_generator), fingerprint(tiny_generator)
    latent.check(tiny_generator, own, "tiny")
    replace(latent, fingerprint="").check(tiny_generator, own, "tiny")
    with pytest.raises(BadLatent, match=f"(?s){own}.*tiny"):
        latent.check(tiny_generator, "0123456789abcdef", "other")
    wrong = replace(latent, ws=torch.zeros(1, 18, 512))
    with pytest.raises(BadLatent, match=r"\[1, 18, 512\].*\[1, 8, 16\]"):
        wrong.check(tiny_generator, own, "tiny")
    with pytest.raises(BadLatent, match="noise were too large"):
        replace(latent, left_out={"noise": "cd"}).check(tiny_generator, own, "tiny")


@pytest.mark.parametrize(
    "changes", [{"space": "z"}, {"ws": torch.zeros(2, 8, 16)}, {"ws": torch.zeros(8, 16)},
                {"ws": torch.full([1, 8, 16], torch.nan)},
                {"noise": {"a": torch.tensor(torch.inf)}}],
)  # fmt: skip
def test_impossible_latents(changes: dict[str, object]) -> None:
    with pytest.raises(BadLatent):
        Latent(**{"ws": torch.zeros(1, 8, 16), **changes})


def test_hostile_files(tiny_generator: Generator, tmp_path: Path) -> None:
    with pytest.raises(MissingFile):
        load_latent(tmp_path / "absent.npz")
    whole = latent_to_bytes(full_latent(tiny_generator))
    pickled, other, huge = io.BytesIO(), io.BytesIO(), io.BytesIO()
    np.savez(pickled, format=np.array("latent-studio latent 1"), ws=np.array([{}], dtype=object))
    np.savez(other, w=np.zeros((1, 18, 512)))
    with zipfile.ZipFile(huge, "w") as archive:
        header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 99999, 99999), }"
        header = header.ljust(117) + b"\n"
        size = len(header).to_bytes(2, "little")
        archive.writestr("ws.npy", b"\x93NUMPY\x01\x00" + size + header)
    for data in (b"", b"text", whole[:500], pickled.getvalue(), other.getvalue(), huge.getvalue()):
        with pytest.raises(BadLatent, match="the file is "):
            latent_from_bytes(data, "the file")


def test_wrong_types_inside(tiny_generator: Generator) -> None:
    buffer = io.BytesIO()
    latent = {"format": np.array("latent-studio latent 1"), "ws": np.array("text")}
    np.savez(buffer, **latent)
    with pytest.raises(BadLatent, match="damaged"):
        latent_from_bytes(buffer.getvalue())


def test_hash_notices_names_and_values() -> None:
    a, b = {"x": torch.zeros(2)}, {"y": torch.zeros(2)}
    assert tensors_hash(a) == tensors_hash({"x": torch.zeros(2)})
    assert len({tensors_hash(t) for t in (a, b, {"x": torch.ones(2)}, {})}) == 4


def test_a_member_that_cannot_be_unpacked_is_refused() -> None:
    """zlib's own error is none of those that zipfile and NumPy raise."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ws.npy", bytes(10_000))
    with zipfile.ZipFile(buffer) as archive:
        member = archive.getinfo("ws.npy")
    start = member.header_offset + 30 + len(member.filename)
    data = bytearray(buffer.getvalue())
    data[start : start + 4] = b"\xff" * 4
    with pytest.raises(BadLatent, match="not a readable latent file"):
        latent_from_bytes(bytes(data))


def packed(latent: Latent, **more: np.ndarray) -> bytes:
    """A latent file with further members."""
    buffer = io.BytesIO(latent_to_bytes(latent))
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, array in more.items():
            data = io.BytesIO()
            np.save(data, array)
            archive.writestr(f"{name}.npy", data.getvalue())
    return buffer.getvalue()


def test_what_a_file_unpacks_to_is_known_before(tiny_generator: Generator) -> None:
    plain, large = Latent(torch.zeros(1, 8, 16), "tiny"), np.zeros(50 * 2**20, np.float32)
    for more in (
        {"weight_delta/b4.conv1.weight": large},
        {"weight_delta/x": large.astype(np.int8), "scales/weight_delta/x": np.float32(1)},
        {"noise/b4.conv1": large},
        {"weight_delta/x": np.zeros(9, np.int8), "scales/weight_delta/x": large},
    ):
        with pytest.raises(BadLatent, match="more than 160 MB, the limit for one file"):
            latent_from_bytes(packed(plain, **more))
    with pytest.raises(BadLatent, match="more than 4096 bytes"):
        latent_from_bytes(packed(plain, quad=np.zeros((4, 2, 10_000))))


def test_a_generator_unpacks_only_what_it_has_a_place_for(tiny_generator: Generator) -> None:
    allowance = Allowance(tiny_generator.latent_shapes, "tiny")
    latent_from_bytes(latent_to_bytes(full_latent(tiny_generator)), allowance=allowance)
    plain, number = Latent(torch.zeros(1, 8, 16), "other"), np.zeros((3, 3), np.float32)
    for name, wanted in {
        "noise/b4.conv1": r"\[3, 3\] \(of 'other'\); the domain tiny needs \[4, 4\]",
        "noise/b99.conv1": "tiny has none of that name",
        "weight_delta/mapping.fc0.weight": "tiny has none of that name",
        "s_delta/b8.conv0": r"tiny needs \[12\]",
    }.items():
        with pytest.raises(BadLatent, match=wanted):
            latent_from_bytes(packed(plain, **{name: number}), allowance=allowance)
        fresh = latent_from_bytes(packed(plain, **{name: number}))
        with pytest.raises(BadLatent, match=wanted):
            fresh.check(tiny_generator, "", "tiny")


def test_all_latents_of_one_request_share_what_is_left() -> None:
    allowance = Allowance(left=5 * 4 * 128)
    files = [latent_to_bytes(Latent(torch.full((1, 8, 16), float(n)))) for n in range(6)]
    first = latent_from_bytes(files[0], allowance=allowance)
    assert latent_from_bytes(files[0], allowance=allowance) is first, "the same file costs nothing"
    for data in files[1:5]:
        latent_from_bytes(data, allowance=allowance)
    with pytest.raises(BadLatent, match="with the latents beside it"):
        latent_from_bytes(files[5], "portrait-5.npz", allowance)
