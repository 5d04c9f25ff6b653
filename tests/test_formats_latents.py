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

from editing.errors import UnsafeFile
from editing.formats.contents import read_content
from editing.formats.directions import find_directions
from editing.formats.latents import ForeignLatents, find_latents
from editing.formats.pickles import refusing

RNG = np.random.default_rng(0)
WS = RNG.standard_normal((3, 18, 32)).astype(np.float32) * 3


def read(path: Path) -> ForeignLatents | None:
    content = read_content(path)
    with refusing(path):
        assert find_directions(content, path.stem) is None
        return find_latents(content)


@pytest.mark.parametrize(
    "array, shape",
    [
        (WS[0], (1, 18, 32)),  # Puzer-style
        (WS[:1], (1, 18, 32)),  # StyleGAN_LatentEditor, PTI
        (WS, (3, 18, 32)),  # StyleCLIP, idinvert
        (np.repeat(WS[:, 0], 40, axis=0), (120, 1, 32)),  # StyleCLIP's W.npy
        (WS[0, :1], (1, 1, 32)),
        (WS.astype(np.float64), (3, 18, 32)),
    ],
)
@pytest.mark.parametrize("torch_file", [True, False])
def test_arrays(tmp_path: Path, array: Any, shape: tuple[int, ...], torch_file: bool) -> None:
    path = tmp_path / "latents"
    if torch_file:
        torch.save(torch.from_numpy(array), path)
    else:
        with path.open("wb") as file:
            np.save(file, array)
    found = read(path)
    assert found is not None and found.ws is not None and found.ws.shape == shape
    assert np.allclose(found.ws.reshape(-1), array.reshape(-1)) and found.ws.dtype == np.float32


def test_nvidias_projector(tmp_path: Path) -> None:
    np.savez(tmp_path / "projected_w.npz", w=WS[:1])
    found = read(tmp_path / "projected_w.npz")
    assert found is not None and found.system == "NVIDIA projector"
    assert np.array_equal(found.ws, WS[:1])


def test_latents_by_file_name(tmp_path: Path) -> None:
    steps = {"a.jpg": [WS[0], WS[1]], "b.jpg": [WS[2], WS[0]]}
    np.save(tmp_path / "latents.npy", np.array(steps, object), allow_pickle=True)
    found = read(tmp_path / "latents.npy")
    assert found is not None and (found.system, found.names) == ("ReStyle", ("a.jpg", "b.jpg"))
    assert np.array_equal(found.ws, WS[[1, 0]])  # the last of its steps
    noise = [torch.zeros(1, 1, 4, 4)]
    content = {
        f"{i}.png": {"img": torch.zeros(3, 4, 4), "latent": torch.from_numpy(WS[i]), "noise": noise}
        for i in range(2)
    }
    torch.save(content, tmp_path / "projected.pt")
    found = read(tmp_path / "projected.pt")
    assert found is not None and found.system == "rosinality" and np.array_equal(found.ws, WS[:2])


@pytest.mark.parametrize("named", [True, False])
def test_lists_of_styles(tmp_path: Path, named: bool) -> None:
    styles = [RNG.standard_normal((2, c)).astype(np.float32) for c in (8, 8, 8, 6, 6)]
    content: Any = [[f"G/{i}/add:0" for i in range(5)], styles] if named else styles
    (tmp_path / "S").write_bytes(pickle.dumps(content))
    found = read(tmp_path / "S")
    assert found is not None and found.ws is None and found.count == 2
    assert all(np.array_equal(a, b) for a, b in zip(found.styles, styles, strict=True))
    torch.save([torch.from_numpy(s[:1]) for s in styles], tmp_path / "S.pt")
    found = read(tmp_path / "S.pt")
    assert found is not None and found.count == 1


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
