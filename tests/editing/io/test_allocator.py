"""The allocator that keeps large blocks: it still serves every thread."""

import subprocess
import sys
from pathlib import Path

import pytest

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
