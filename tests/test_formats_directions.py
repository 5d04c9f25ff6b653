"""Directions of six systems: what they say, and that moving along them is their own formula.

Layouts as in genforce/interfacegan 8da3fc0, boundaries/; genforce/idinvert_pytorch ce866b0,
boundaries/stylegan_ffhq256/; omertov/encoder4editing 99ea505, editings/; harskish/ganspace 5a704c4,
decomposition.py; rosinality/stylegan2-pytorch bef283a, closed_form_factorization.py; and
HaoruiSong622/Editing-Out-of-Domain, as reference/formats.md, section 8 has it.
"""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from editing.directions import (
    absolute,
    boundary,
    check_fits,
    load_direction,
    move,
    read_directions,
    save_direction,
)
from editing.domains import Domain
from editing.errors import BadInput, UnsafeFile
from tests.test_formats_pickles import REAL, Calls

RNG = np.random.default_rng(0)
NUM_WS, W = 8, 16


def units(*shape: int) -> Any:
    array = RNG.standard_normal(shape)
    return array / np.linalg.norm(array, axis=-1, keepdims=True)


def latents(count: int = 2) -> Any:
    return RNG.standard_normal((count, NUM_WS, W))


def moved(path: Path, x: Any, alpha: float, **facts: Any) -> Any:
    (direction,) = read_directions(path, **facts)
    return move(torch.from_numpy(x), direction, alpha).numpy()


@pytest.mark.parametrize(
    "stem, space", [("stylegan_ffhq_age_w_boundary", "w"), ("stylegan_ffhq_age_boundary", "z")]
)
def test_interfacegan(tmp_path: Path, stem: str, space: str) -> None:
    n, path = units(1, W), tmp_path / f"{stem}.npy"
    np.save(path, n)
    (direction,) = read_directions(path)
    found = (direction.name, direction.family, direction.space, direction.step, direction.layers)
    assert found == ("age", "stylegan1", space, 1.0, None)
    if space == "w":
        x = latents()
        assert np.abs(moved(path, x, -2.5) - (x - 2.5 * n)).max() < 1e-6
        flat = torch.from_numpy(x[:1, :1])  # [1, 1, D]: the signed distance, as for 2-D codes
        expected = x[0, 0] + (1.5 - x[0, 0] @ n[0]) * n[0]
        assert np.abs(absolute(flat, direction, 1.5).numpy()[0, 0] - expected).max() < 1e-6


def test_conditioned_boundaries_keep_their_name(tmp_path: Path) -> None:
    np.save(tmp_path / "stylegan_ffhq_age_c_gender_boundary.npy", units(1, W))
    (direction,) = read_directions(tmp_path / "stylegan_ffhq_age_c_gender_boundary.npy")
    assert (direction.name, direction.space) == ("age_c_gender", "z")


def test_a_bare_boundary_needs_its_family(tmp_path: Path) -> None:
    np.save(tmp_path / "boundary.npy", units(1, W).astype(np.float32))
    with pytest.raises(BadInput, match="--family"):
        read_directions(tmp_path / "boundary.npy")
    (direction,) = read_directions(tmp_path / "boundary.npy", "stylegan3", "w")
    assert (direction.family, direction.name) == ("stylegan3", "boundary")


def test_idinvert(tmp_path: Path) -> None:
    path, n, x = tmp_path / "age.npy", units(1, NUM_WS, W).astype(np.float32), latents()
    content = {"boundary": n, "meta_data": {"manipulate_layers": [1, 2, 5]}}
    np.save(path, np.array(content, object), allow_pickle=True)
    (direction,) = read_directions(path)
    assert (direction.family, direction.layers) == ("stylegan1", (1, 2, 5))
    mask = np.isin(np.arange(NUM_WS), [1, 2, 5])[:, None]
    assert np.abs(moved(path, x, 3.0) - (x + 3.0 * mask * n)).max() < 1e-6


@pytest.mark.parametrize("rows", [1, NUM_WS])
def test_e4e_and_pti(tmp_path: Path, rows: int) -> None:
    n, x = torch.from_numpy(units(rows, W)).float(), latents()
    torch.save(n, tmp_path / "pose.pt")
    assert np.abs(moved(tmp_path / "pose.pt", x, 2.0) - (x + 2.0 * n.numpy())).max() < 1e-6


def test_tensors_that_were_saved_on_a_gpu(tmp_path: Path) -> None:
    """e4e's pose.pt; the device stands in torch's persistent id."""

    class Elsewhere(pickle.Pickler):
        def persistent_id(self, value: Any) -> Any:
            if isinstance(value, torch.storage.UntypedStorage):
                return ("storage", torch.FloatStorage, "0", "cuda:0", value.nbytes() // 4, None)
            return None

    n = torch.from_numpy(units(NUM_WS, W)).float()
    storage = n.untyped_storage()
    with (tmp_path / "pose.pt").open("wb") as file:
        for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
            pickle.dump(value, file, 2)
        args = (storage, 0, (NUM_WS, W), (W, 1), False, {})
        Elsewhere(file, 2).dump(Calls(torch._utils._rebuild_tensor_v2, *args))
        pickle.dump(["0"], file, 2)
        file.write((NUM_WS * W).to_bytes(8, "little") + n.numpy().tobytes())
    (direction,) = read_directions(tmp_path / "pose.pt")
    assert torch.allclose(direction.vector, n, atol=1e-6) and direction.family == "stylegan2"


@pytest.mark.parametrize("published", [True, False])
def test_ganspace(tmp_path: Path, published: bool) -> None:
    comp, mean = units(5, W).astype(np.float32), RNG.standard_normal(W).astype(np.float32)
    std = np.array([3.0, 2.0, 1.5, 1.0, 0.5], np.float32)
    if published:
        path = tmp_path / "stylegan2-ffhq_style_ipca_c80_n300000_w.npz"
        np.savez(path, lat_comp=comp[:, None], lat_mean=mean[None, None], lat_stdev=std,
                 act_comp=comp[:, None], act_mean=mean[None, None], act_stdev=std,
                 var_ratio=std, random_stdevs=std)  # fmt: skip
    else:
        path = tmp_path / "pca.pt"
        arrays = {"mean": mean[None], "comp": comp[:, None], "std": std}
        torch.save({k: torch.from_numpy(v) for k, v in arrays.items()}, path)
    found = read_directions(path)
    assert len(found) == 5 and found[0].family == "stylegan2"
    x = latents()
    relative = move(torch.from_numpy(x), found[1], 2.0).numpy()
    assert np.abs(relative - (x + 2.0 * std[1] * comp[1])).max() < 1e-5
    # Set to a coordinate: every row by its own, or e4e's edit, which reads row 0 for all of them.
    rows = slice(None) if published else slice(0, 1)
    coordinate = ((x[:, rows] - mean) @ comp[2] / std[2])[..., None]
    expected = x + (5.0 - coordinate) * std[2] * comp[2]
    set_to = absolute(torch.from_numpy(x), found[2], 5.0).numpy()
    assert np.abs(set_to - expected).max() < 1e-4
    save_direction(tmp_path / "kept.safetensors", found[2])
    again = load_direction(tmp_path / "kept.safetensors")
    assert np.abs(absolute(torch.from_numpy(x), again, 5.0).numpy() - expected).max() < 1e-4


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("length", [0.22, 0.94, 3.0])
def test_a_stored_length_is_data(tmp_path: Path, dtype: Any, length: float) -> None:
    """Puzer's and Kashin's, Editing-Out-of-Domain's: alpha adds alpha · file, row by row."""
    raw, x = (units(NUM_WS, W) * length).astype(dtype), latents()
    np.save(tmp_path / "smile.npy", raw)
    with pytest.raises(BadInput, match="does not say its family and space"):
        read_directions(tmp_path / "smile.npy")
    (direction,) = read_directions(tmp_path / "smile.npy", "stylegan2", "w")
    assert direction.length == pytest.approx(length) and direction.step == 1
    change = moved(tmp_path / "smile.npy", x, 20.0, family="stylegan2", space="w") - x
    assert np.abs(change - 20 * raw).max() < 2e-5 * length
    torch.save(torch.from_numpy(raw), tmp_path / "smile.pt")
    change = moved(tmp_path / "smile.pt", x, 20.0, family="stylegan1", space="w") - x
    assert np.abs(change - 20 * raw).max() < 2e-5 * length


def test_rows_of_their_own_lengths(tmp_path: Path) -> None:
    raw, x = RNG.standard_normal((NUM_WS, W)) * RNG.uniform(0.1, 1, (NUM_WS, 1)), latents()
    raw[[2, 5]] = 0
    np.save(tmp_path / "Smiling.npy", raw)
    (direction,) = read_directions(tmp_path / "Smiling.npy", "stylegan2", "w")
    assert direction.layers == (0, 1, 3, 4, 6, 7)
    change = move(torch.from_numpy(x), direction, 20.0, range(NUM_WS)).numpy() - x
    assert np.abs(change - 20 * raw).max() < 1e-4 and not change[:, [2, 5]].any()
    kept = tmp_path / "kept.safetensors"
    save_direction(kept, direction)
    again = move(torch.from_numpy(x), load_direction(kept), 20.0).numpy() - x
    assert np.abs(again - 20 * raw).max() < 1e-4


def test_absolute_moves_do_not_count_a_stored_length(tmp_path: Path) -> None:
    n = units(W)
    np.save(tmp_path / "age.npy", 3.0 * n)
    (direction,) = read_directions(tmp_path / "age.npy", "stylegan2", "w")
    x = torch.from_numpy(latents())
    reached = absolute(x, direction, 1.5).numpy() @ n
    assert np.abs(reached - 1.5).max() < 1e-5


def test_what_the_caller_says_wins_and_is_said(tmp_path: Path) -> None:
    path = tmp_path / "stylegan_ffhq_age_boundary.npy"
    np.save(path, units(1, W))
    (direction,) = read_directions(path, "stylegan2", "w")
    assert (direction.family, direction.space) == ("stylegan2", "w")
    assert len(direction.meta["notes"]) == 2 and "stylegan1" in direction.meta["notes"][0]
    with pytest.raises(BadInput, match="no family 'pggan'"):
        read_directions(path, "pggan", "w")


def test_tables_and_packs_of_directions(tmp_path: Path) -> None:
    table = units(31, W)
    np.save(tmp_path / "table.npy", table)
    found = read_directions(tmp_path / "table.npy", "stylegan2", "w")
    assert [d.name for d in found[:2]] == ["table 0", "table 1"] and len(found) == 31
    np.savez(tmp_path / "pack.npz", smile=table[:1], age=table[1:2])
    found = read_directions(tmp_path / "pack.npz", "stylegan2", "w")
    assert [d.name for d in found] == ["smile", "age"]
    assert np.abs(found[1].vector.numpy() - table[1]).max() < 1e-6


def test_rosinality_factors_are_columns(tmp_path: Path) -> None:
    vectors = np.linalg.qr(RNG.standard_normal((W, W)))[0].astype(np.float32)
    torch.save({"ckpt": "g.pt", "eigvec": torch.from_numpy(vectors)}, tmp_path / "factor.pt")
    found = read_directions(tmp_path / "factor.pt")
    assert len(found) == W and found[3].family == "stylegan2"
    assert np.abs(found[3].vector.numpy() - vectors[:, 3]).max() < 1e-6


def test_directions_of_others_are_refused(tmp_path: Path, tiny_domain: Domain) -> None:
    for array, message in (
        (units(1, W), "stylegan1, but the domain tiny is stylegan2"),
        (units(1, 2 * W), None),
    ):
        np.save(tmp_path / "stylegan_ffhq_age_w_boundary.npy", array)
        (direction,) = read_directions(tmp_path / "stylegan_ffhq_age_w_boundary.npy")
        with pytest.raises(BadInput, match=message):
            check_fits(direction, tiny_domain)
    torch.save(torch.from_numpy(units(1, 2 * W)).float(), tmp_path / "smile.pt")
    (direction,) = read_directions(tmp_path / "smile.pt")
    with pytest.raises(BadInput, match=r"\[32\], but the domain tiny needs \[16\] or \[8, 16\]"):
        check_fits(direction, tiny_domain)
    assert boundary(tiny_domain, "smile").family is None


@pytest.mark.parametrize(
    "content, message",
    [
        ({"boundary": np.ones((2, 3, W)), "meta_data": {}}, "boundary is"),
        ({"boundary": np.zeros((1, 3, W)), "meta_data": {}}, "zero"),
        ({"boundary": np.ones((1, 3, W)), "meta_data": {"manipulate_layers": [3]}}, "layers"),
        ({"eigvec": np.ones(4)}, "not a matrix"),
        ({"eigvec": "x"}, "numbers belong"),
        ({"comp": np.ones((2, W)), "mean": np.ones(W), "std": np.zeros(2)}, "do not fit"),
        ({"unknown": 1}, "holds no directions"),
        (np.full((1, W), np.nan), "holds no directions"),
        (np.ones((100, 200, W)), "holds no directions"),
    ],
)
def test_damaged_files_are_refused(tmp_path: Path, content: Any, message: str) -> None:
    np.save(tmp_path / "x.npy", np.array(content, object if isinstance(content, dict) else None))
    with pytest.raises(UnsafeFile, match=message):
        read_directions(tmp_path / "x.npy")


@pytest.mark.skipif(not REAL.is_dir(), reason="no golden data (../shared/golden) beside this")
def test_real_files() -> None:
    found = {path.name: read_directions(path) for path in sorted(REAL.glob("*.[np][pt]*"))}
    kinds = {name: (d[0].family, d[0].space, len(d)) for name, d in found.items()}
    assert kinds == {
        "e4e_ganspace_ffhq_pca.pt": ("stylegan2", "w", 80),
        "e4e_interfacegan_smile.pt": ("stylegan2", "w", 1),
        "idinvert_ffhq256_expression.npy": ("stylegan1", "w", 1),
        "interfacegan_stylegan_ffhq_smile_w_boundary.npy": ("stylegan1", "w", 1),
    }
    assert found["idinvert_ffhq256_expression.npy"][0].layers == (2, 3, 4, 5)


@pytest.mark.skipif(not REAL.is_dir(), reason="no golden data (../shared/golden) beside this")
def test_e4es_own_edit_with_its_own_file() -> None:
    """omertov/encoder4editing 99ea505, editings/ganspace.py: (pc 54, rows 7 to 8, strength 20)."""
    from editing.formats.contents import read_content

    path = REAL / "e4e_ganspace_ffhq_pca.pt"
    pca = {name: stored.load().double() for name, stored in read_content(path).items()}
    rng = torch.Generator().manual_seed(0)
    ws = pca["mean"] + 2 * torch.randn(3, 18, 512, generator=rng, dtype=torch.float64)
    for pc, start, end, strength in ((54, 7, 9, 20.0), (46, 4, 5, -6.0), (0, 0, 18, 3.0)):
        axis = pca["comp"][pc].reshape(-1)
        coordinate = (ws[:, 0] - pca["mean"]) @ axis / pca["std"][pc]
        change = (strength - coordinate)[:, None] * axis * pca["std"][pc]
        expected = ws.clone()
        expected[:, start:end] += change[:, None]
        found = absolute(ws, read_directions(path)[pc], strength, layers=range(start, end))
        assert (found - expected).abs().max() < 1e-5


def test_a_foreign_file_moves_and_replays(
    tmp_path: Path, tiny_domain: Domain, capsys: pytest.CaptureFixture[str]
) -> None:
    """``edit --move FILE=ALPHA``, and the exported PNG draws the same picture again."""
    from editing.cli import main

    np.save(tmp_path / "Smiling.npy", RNG.standard_normal((NUM_WS, W)))
    file, out = tmp_path / "Smiling.npy", tmp_path / "x.png"
    words = ["--domain", str(tiny_domain.folder), "--out"]
    assert main(["edit", "seed:1", "--move", f"{file}=20", *words, str(out)]) == 0
    assert main(["run", str(out), *words, str(tmp_path / "again")]) == 0, capsys.readouterr().err
    from editing.images import load_picture

    pictures = [np.asarray(load_picture(p)) for p in (out, tmp_path / "again" / "x.png")]
    assert np.array_equal(*pictures)
    assert main(["edit", "seed:1", "--move", "smile=0", *words, str(out)]) == 0
    assert not np.array_equal(np.asarray(load_picture(out)), pictures[0])
