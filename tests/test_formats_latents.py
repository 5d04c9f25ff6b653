"""Latents of other systems, in every form they come in.

Layouts as in NVlabs/stylegan2-ada-pytorch d72cc7d, projector.py; rosinality/stylegan2-pytorch
bef283a, projector.py; orpatashnik/StyleCLIP f87a47f, global_directions/; danielroich/PTI da94d59,
training/coaches/; yuval-alaluf/hyperstyle a723c73, scripts/inference.py.
"""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from editing.errors import BadInput, BadLatent, UnsafeFile
from editing.formats.contents import read_content
from editing.formats.directions import find_directions
from editing.formats.latent_shapes import Codes, Sizes, read_codes
from editing.formats.latents import ForeignLatents, find_latents
from editing.formats.pickles import refusing

RNG = np.random.default_rng(0)
WS = RNG.standard_normal((3, 18, 32)).astype(np.float32) * 3


def read(path: Path) -> ForeignLatents | None:
    content = read_content(path)
    with refusing(path):
        assert find_directions(content, path.stem) is None
        return find_latents(content)


def codes(path: Path, **facts: Any) -> Codes:
    found = read(path)
    assert found is not None and not found.styles
    return read_codes(path.name, found.arrays, **facts)


HERE = Sizes("here", 18, 32, 24)
ROUND = Sizes("round", 18, 32, 32)  # z is as wide as w


@pytest.mark.parametrize(
    "array, shape",
    [
        (WS[0], (1, 18, 32)),  # Puzer-style
        (WS[:1], (1, 18, 32)),  # StyleGAN_LatentEditor, PTI
        (WS[:1, None], (1, 18, 32)),
        (WS, (3, 18, 32)),  # StyleCLIP, idinvert
        (WS.reshape(3, -1), (3, 18, 32)),
        (WS[0].reshape(-1), (1, 18, 32)),
        (WS.reshape(3, 1, 18, 32), (3, 18, 32)),
        (np.repeat(WS[:, 0], 40, axis=0), (120, 1, 32)),  # StyleCLIP's W.npy
        (WS[0, :10], (10, 1, 32)),  # InterFaceGAN's w.npy
        (WS[0, :1], (1, 1, 32)),
        (WS[0, 0], (1, 1, 32)),
        (WS[:, :1], (3, 1, 32)),
        (np.repeat(WS[:, :1], 18, axis=1), (3, 1, 32)),  # rows that are all equal are of W
        (WS.astype(np.float64), (3, 18, 32)),
    ],
)
@pytest.mark.parametrize("wrapped", ["torch", "npy", "dict", "list", "npz"])
def test_the_array_that_fits(
    tmp_path: Path, array: Any, shape: tuple[int, ...], wrapped: str
) -> None:
    path = tmp_path / "latents"
    tensor = torch.from_numpy(array)
    with path.open("wb") as file:
        if wrapped == "npy":
            np.save(file, array)
        elif wrapped == "npz":
            np.savez(file, latent=array, losses=np.ones(40, np.float32), z=WS[0, :1, :24])
        else:
            torch.save(
                {"torch": tensor, "dict": {"latent": tensor, "step": 3}, "list": [tensor]}[wrapped],
                file,
            )
    found = codes(path, sizes=HERE)
    assert found.values.shape == shape and found.values.dtype == np.float32
    rows = shape[0] * shape[1] * shape[2]
    assert np.allclose(found.values.reshape(-1)[:32], array.reshape(-1)[:32])
    assert rows == array.size or found.space == "w"
    assert found.space == ("w" if shape[1] == 1 else "w+")


def test_where_two_readings_fit_both_are_said(tmp_path: Path) -> None:
    path = tmp_path / "people.npy"
    np.save(path, WS[0])
    taken = codes(path, sizes=HERE)
    assert taken.values.shape == (1, 18, 32) and "18 latents of W, say --space w" in taken.notes[0]
    people = codes(path, sizes=HERE, space="w")
    assert people.values.shape == (18, 1, 32) and not people.notes
    np.save(path, WS[0, :10])
    taken = codes(path, sizes=ROUND)
    assert taken.space == "w" and "say --space z" in taken.notes[0]
    assert codes(path, sizes=ROUND, space="z").space == "z"
    with pytest.raises(BadInput, match=r"--space w or --space w\+"):
        codes(path)
    np.savez(tmp_path / "two.npz", w=WS[:1], w_plus=WS[1:2])
    taken = codes(tmp_path / "two.npz", sizes=HERE)
    assert np.array_equal(taken.values, WS[:1]) and "--array" in taken.notes[0]
    other = codes(tmp_path / "two.npz", sizes=HERE, key="w_plus")
    assert np.array_equal(other.values, WS[1:2]) and not other.notes


def test_latents_of_z(tmp_path: Path) -> None:
    np.save(tmp_path / "z.npy", WS[0, :10, :24])
    with pytest.raises(BadLatent, match="say --space z"):
        codes(tmp_path / "z.npy", sizes=HERE)
    with pytest.raises(BadInput, match="--domain"):
        codes(tmp_path / "z.npy", space="z")
    assert codes(tmp_path / "z.npy", sizes=HERE, space="z").values.shape == (10, 1, 24)


def test_what_does_not_fit_says_both_shapes(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", WS[:1, :14])
    with pytest.raises(BadLatent, match=r"\[1, 14, 32\].*here takes \[18, 32\]"):
        codes(tmp_path / "x.npy", sizes=HERE)
    np.save(tmp_path / "x.npy", WS)
    with pytest.raises(BadLatent, match="rows of x.npy differ"):
        codes(tmp_path / "x.npy", sizes=HERE, space="w")
    with pytest.raises(BadInput, match="space of latents 'wplus'"):
        codes(tmp_path / "x.npy", sizes=HERE, space="wplus")
    with pytest.raises(BadInput, match="no array in x.npy 'y'"):
        codes(tmp_path / "x.npy", sizes=HERE, key="y")


def test_nvidias_projector(tmp_path: Path) -> None:
    np.savez(tmp_path / "projected_w.npz", w=WS[:1])
    found = read(tmp_path / "projected_w.npz")
    assert found is not None and found.system == "NVIDIA projector"
    assert np.array_equal(found.arrays[""], WS[:1])


def test_latents_by_file_name(tmp_path: Path) -> None:
    steps = {"a.jpg": [WS[0], WS[1]], "b.jpg": [WS[2], WS[0]]}
    np.save(tmp_path / "latents.npy", np.array(steps, object), allow_pickle=True)
    found = read(tmp_path / "latents.npy")
    assert found is not None and (found.system, found.names) == ("ReStyle", ("a.jpg", "b.jpg"))
    assert np.array_equal(found.arrays[""], WS[[1, 0]])  # the last of its steps
    noise = [torch.zeros(1, 1, 4, 4)]
    content = {
        f"{i}.png": {"img": torch.zeros(3, 4, 4), "latent": torch.from_numpy(WS[i]), "noise": noise}
        for i in range(2)
    }
    torch.save(content, tmp_path / "projected.pt")
    found = read(tmp_path / "projected.pt")
    assert found is not None and found.system == "rosinality"
    assert np.array_equal(found.arrays[""], WS[:2])


@pytest.mark.parametrize("named", [True, False])
def test_lists_of_styles(tmp_path: Path, named: bool) -> None:
    styles = [RNG.standard_normal((2, c)).astype(np.float32) for c in (8, 8, 8, 6, 6)]
    content: Any = [[f"G/{i}/add:0" for i in range(5)], styles] if named else styles
    (tmp_path / "S").write_bytes(pickle.dumps(content))
    found = read(tmp_path / "S")
    assert found is not None and not found.arrays and len(found.styles[0]) == 2
    assert all(np.array_equal(a, b) for a, b in zip(found.styles, styles, strict=True))
    torch.save([torch.from_numpy(s[:1]) for s in styles], tmp_path / "S.pt")
    found = read(tmp_path / "S.pt")
    assert found is not None and len(found.styles[0]) == 1


def test_what_is_no_latent(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    for array in (np.arange(36).reshape(18, 2), np.ones((2, 100, 32)), np.ones(3)):
        np.save(path, array)
        assert read(path) is None
    np.save(path, np.full((18, 32), np.nan, np.float32))
    with pytest.raises(UnsafeFile, match="not finite"):
        read(path)
    (tmp_path / "S").write_bytes(pickle.dumps([np.ones((k + 1, 4)) for k in range(5)]))
    with pytest.raises(UnsafeFile, match="one row of numbers"):
        read(tmp_path / "S")
