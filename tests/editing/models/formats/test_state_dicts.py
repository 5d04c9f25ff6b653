"""State dicts of NVIDIA's networks without their container: the golden networks, saved so.

Names as in NVlabs/stylegan3 c233a91, training/networks_stylegan2.py and networks_stylegan3.py;
saved so by yuval-alaluf/stylegan3-editing 36ce2b4, models/stylegan3/model.py.
"""

from pathlib import Path

import pytest
import torch

from editing.errors import UnsafeFile
from editing.models.formats.checkpoints import find_generator, read_generator
from tests.editing.models.formats.test_rosinality import random_state
from tests.editing.models.generators.test_generator import GOLDEN, close, read_reference
from tests.editing.models.generators.test_stylegan3 import golden


@pytest.mark.parametrize("kind", ["t", "r"])
@pytest.mark.parametrize("key", ["state_dict", None])
def test_stylegan3(tmp_path: Path, kind: str, key: str | None) -> None:
    state, expected = golden(kind)
    if key is None:  # of a batch of pictures that were turned, as SG3-editing leaves it
        state["synthesis.input.transform"] = torch.ones(2, 3, 3)
    torch.save({key: state} if key else state, tmp_path / "g.pt")
    found = find_generator(tmp_path / "g.pt")
    assert (found.config.num_critical, found.config.radial_filters) == (2, kind == "r")
    generator = read_generator(tmp_path / "g.pt")
    ws = generator.mapping(expected["z"])
    assert close(ws, expected["ws_psi1"])
    assert close(generator.synthesis(ws), expected["img_batch2"])


def test_stylegan2(tmp_path: Path) -> None:
    if not GOLDEN.is_file():
        pytest.skip("the golden data (../shared/golden) is not beside this checkout")
    state, expected = read_reference(GOLDEN)
    torch.save(state, tmp_path / "g.pt")
    generator = read_generator(tmp_path / "g.pt")
    assert find_generator(tmp_path / "g.pt").system == "NVIDIA StyleGAN2 state dict"
    assert close(generator.synthesis(generator.mapping(expected["z"])), expected["img_const"])


def test_a_missing_mean_is_estimated(tmp_path: Path) -> None:
    _, state = random_state()
    del state["mapping.w_avg"]
    torch.save(state, tmp_path / "g.pt")
    assert find_generator(tmp_path / "g.pt").missing == ("mapping.w_avg",)
    assert float(read_generator(tmp_path / "g.pt").mapping.w_avg.abs().max()) > 0


def test_other_designs_are_refused(tmp_path: Path) -> None:
    state, _ = golden("t")
    wrong = {name.replace("L2_", "L2_1"): tensor for name, tensor in state.items()}
    torch.save(wrong, tmp_path / "g.pt")
    with pytest.raises(UnsafeFile, match="other bands"):
        read_generator(tmp_path / "g.pt")
    torch.save({k: v for k, v in state.items() if ".L3_" not in k}, tmp_path / "g.pt")
    with pytest.raises(UnsafeFile, match="lacks layers"):
        read_generator(tmp_path / "g.pt")
