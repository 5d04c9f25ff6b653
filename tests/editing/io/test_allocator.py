"""What large pictures and networks take: blocks that are kept, maps that are made again, files."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from editing.errors import UnsafeFile
from editing.inversion.pivotal_tuning import draw
from editing.io import allocator as memory
from editing.io import tensors
from editing.models.generators import generator
from editing.models.generators.generator import Generator
from editing.models.networks.picture_nets import (
    PictureNetConfig,
    load_picture_net,
    make_net,
    save_picture_net,
)

ROOT = Path(__file__).parents[3]
CODE = """
import resource, threading, torch
from editing.io.allocator import keep_large_blocks
assert keep_large_blocks()
torch.set_num_threads(1)
sums = []

def work():
    for _ in range(4):  # each larger than any arena of a thread may grow
        a = torch.full([24, 1024, 1024], 2.0)
        sums.append(float((a * 3).mean()))

threads = [threading.Thread(target=work) for _ in range(2)]
[t.start() for t in threads]
[t.join() for t in threads]
assert sums == [6.0] * 8, sums
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
work()
torch.ones([24, 1024, 1024])
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's own settings")
def test_large_blocks_are_kept_and_serve_every_thread() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, check=True
    )
    pages = 24 * 1024 * 1024 * 4 // 4096  # of one such tensor
    assert int(done.stdout) < 6 * pages  # nine were made; without keeping, each faults anew


def test_what_is_computed_again_gives_the_same_gradient(
    tiny_generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = torch.randn(1, tiny_generator.num_ws, tiny_generator.w_dim)
    weights = {"b8.conv0.weight": 0.1 * torch.randn_like(tiny_generator.synthesis.b8.conv0.weight)}
    calls = []

    def gradient(delta: dict[str, torch.Tensor] | None) -> list[torch.Tensor]:
        leaves = [ws.clone().requires_grad_(), *(w.clone() for w in (delta or {}).values())]
        named = dict(zip(delta or {}, (leaf.requires_grad_() for leaf in leaves[1:]), strict=True))
        draw(tiny_generator, leaves[0], delta=named).square().mean().backward()
        return [leaf.grad for leaf in leaves if leaf.grad is not None]

    for delta in (None, weights):
        whole = gradient(delta)
        with monkeypatch.context() as patch:
            patch.setattr(generator, "LARGE", 1)
            patch.setattr(
                generator, "recomputed", lambda *given: calls.append(1) or memory.recomputed(*given)
            )
            again = gradient(delta)
        assert calls and all(torch.equal(a, b) for a, b in zip(whole, again, strict=True))
        calls.clear()


def test_a_large_network_stays_in_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "net.safetensors"
    net = make_net(PictureNetConfig(resolution=16, channels=(4, 4), num_outputs=3)).eval()
    save_picture_net(path, net, half=False)
    before, img = path.read_bytes(), torch.rand(1, 3, 16, 16)
    monkeypatch.setattr(tensors, "MAPPED", 0)
    found = load_picture_net(path)
    assert found in memory._pages
    expected = net(img)
    assert torch.equal(found(img), expected)
    memory.let_go(found)
    assert torch.equal(found(img), expected), "it is read again"
    with torch.no_grad():
        next(found.parameters()).zero_()
    assert path.read_bytes() == before, "the file is never written to"
    save_picture_net(path, net, half=True)  # would have to be converted
    assert load_picture_net(path) not in memory._pages
    damaged = path.read_bytes()[:-40]
    path.write_bytes(damaged)
    with pytest.raises(UnsafeFile):
        load_picture_net(path)


def test_a_network_that_was_not_mapped_is_left_alone() -> None:
    net = torch.nn.Linear(2, 2)
    before = net.weight.detach().clone()
    memory.let_go(net)
    assert torch.equal(net.weight, before)
