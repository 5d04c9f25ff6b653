"""StyleCLIP's statistics and tables, and SG3-editing's.

Layouts as in orpatashnik/StyleCLIP f87a47f, global_directions/GetCode.py and SingleChannel.py;
yuval-alaluf/stylegan3-editing 36ce2b4, editing/styleclip_global_directions/preprocess/.
"""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from editing.errors import BadInput, UnsafeFile
from editing.models.formats.containers.contents import read_content
from editing.models.formats.containers.pickles import refusing
from editing.models.formats.directions import find_directions
from editing.models.formats.latents import find_latents
from editing.models.formats.styleclip import (
    find_statistics,
    find_table,
    layer_names,
    read_statistics,
)
from editing.models.generators.generator import Generator, GeneratorConfig, channels_for
from editing.models.global_directions import (
    GlobalDirections,
    load_global_directions,
    save_global_directions,
    split_table,
)
from tests.editing.models.formats.test_pickles import REAL

RNG = np.random.default_rng(0)


def make_widths(resolution: int) -> dict[str, int]:
    with torch.device("meta"):
        generator = Generator(GeneratorConfig(resolution, channels=channels_for(resolution)))
    biases = {
        k: t for k, t in generator.synthesis.state_dict().items() if k.endswith("affine.bias")
    }
    return {name.removesuffix(".affine.bias"): len(bias) for name, bias in biases.items()}


def test_layers_are_named_as_the_generators() -> None:
    """1024 px: 26 layers, 9088 channels, 6048 of them of convolutions (formats.md, section 3.1)."""
    widths = make_widths(1024)
    assert list(widths) == layer_names(26) and sum(widths.values()) == 9088
    assert sum(w for name, w in widths.items() if "torgb" not in name) == 6048


def test_statistics(tmp_path: Path) -> None:
    parts = [[RNG.random(c).astype(np.float32) for c in (8, 8, 8, 6, 6)] for _ in range(2)]
    (tmp_path / "S_mean_std").write_bytes(pickle.dumps(parts, 3))
    found = read_statistics(tmp_path / "S_mean_std")
    assert list(found.mean) == ["b4.conv1", "b4.torgb", "b8.conv0", "b8.conv1", "b8.torgb"]
    assert np.array_equal(found.std["b8.conv1"].numpy(), parts[1][3])
    for wrong, message in (
        ([parts[0][:4], parts[1][:4]], "4 means"),
        ([parts[0], parts[1][::-1]], "different channels"),
        ([parts[0], [-p for p in parts[1]]], "below zero"),
        ([[p * np.nan for p in parts[0]], parts[1]], "not finite"),
        ([1, 2], "no statistics"),
    ):
        (tmp_path / "S_mean_std").write_bytes(pickle.dumps(wrong, 3))
        with pytest.raises(UnsafeFile, match=message):
            read_statistics(tmp_path / "S_mean_std")


def test_statistics_of_stylegan3(tmp_path: Path) -> None:
    names = {"input": 4, "L0_36_8": 8, "L1_36_8": 8}
    transform = {"theta": 0.0, "x": 0.0, "y": 0.0}
    parts = [{n: torch.rand(c) for n, c in names.items()} for _ in range(2)]
    torch.save([transform, *parts], tmp_path / "s_stats.pt")
    (tmp_path / "s_stats").write_bytes(pickle.dumps([transform, *parts]))
    for name in ("s_stats", "s_stats.pt"):
        content = read_content(tmp_path / name)
        found = find_statistics(content)
        assert found is not None and found.family == "stylegan3"
        assert torch.equal(found.statistics.std["L1_36_8"], parts[1]["L1_36_8"])


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("rows, last", [(5376, "b128.conv1"), (6048, "b1024.conv1")])
def test_tables(tmp_path: Path, dtype: str, rows: int, last: str) -> None:
    table = RNG.standard_normal((rows, 256)).astype(np.float32)
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    table[7] = np.nan  # as where a channel changes no pixel
    np.save(tmp_path / "fs3.npy", table.astype(dtype))
    content = read_content(tmp_path / "fs3.npy")
    found = find_table(content)
    assert found is not None and found.empty == 1 and not found.rows[7].any()
    assert find_directions(content, "fs3") is None
    split = split_table(torch.from_numpy(found.rows), make_widths(1024))
    if rows == 6048:
        assert list(split)[-1] == last and len(split) == 17
    else:
        assert sum(map(len, split.values())) == 5376 and len(split) == 11
    assert not any("torgb" in name for name in split)
    assert np.abs(split["b4.conv1"][5].numpy() - table[5]).max() < 1e-3
    with pytest.raises(BadInput, match="rows"):
        split_table(torch.from_numpy(found.rows[:-1]), make_widths(1024))


def test_our_file_of_a_table(tmp_path: Path) -> None:
    rows = {"b4.conv1": torch.eye(4), "b8.conv0": torch.eye(4)[:2]}
    save_global_directions(tmp_path / "t.safetensors", GlobalDirections(rows, "a clip", "f"))
    found = load_global_directions(tmp_path / "t.safetensors")
    assert (found.clip, found.fingerprint, found.num_channels) == ("a clip", "f", 6)
    assert all(torch.equal(found.rows[name], rows[name]) for name in rows)
    with pytest.raises(BadInput, match="2 widths"):
        GlobalDirections({"a": torch.eye(4), "b": torch.eye(3)})


@pytest.mark.skipif(not REAL.is_dir(), reason="no golden data (../shared/golden) beside this")
def test_the_real_file() -> None:
    path = REAL / "styleclip_ffhq_S_mean_std"
    found = read_statistics(path)
    assert {name: len(mean) for name, mean in found.mean.items()} == make_widths(1024)
    stds = {name: float(std.mean()) for name, std in found.std.items()}
    for name, std in stds.items():  # formats.md, section 3.2
        low, high = (0.12, 0.41) if "torgb" in name else (1.04, 2.36)
        assert low - 0.01 < std < high + 0.01, name
    content: Any = read_content(path)
    with refusing(path):
        assert find_latents(content) is None
