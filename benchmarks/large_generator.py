"""A full-size StyleGAN2, 1024 px: seconds and memory to load it, seconds to draw one picture.

    python -m benchmarks.large_generator [--threads 2] [--repeats 5] [--keep DIR]

A random checkpoint is written in three formats; each is loaded in a process of its own, which is
what a person waits for: the seconds are from the call to the finished generator, SHA-256 not
included; memory is the process's peak above what it had when everything was imported. Drawing is
measured against the plain formulation of the paper (benchmarks/plain_stylegan2.py, the shape of
NVIDIA's own path for CPUs) in one process, the formulations taking turns; bf16 has its deviation
from float32 beside it, as a PSNR over [-1, 1].
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.plain_stylegan2 import synthesis as plain
from editing.io.allocator import keep_large_blocks
from editing.models.generators.generator import (
    Generator,
    GeneratorConfig,
    channels_for,
    save_generator,
)

LOAD = """
import json, re, time
from pathlib import Path
import torch
import editing.models.domain, safetensors.torch
from editing.models.formats.checkpoints import read_generator
from editing.models.generators.generator import load_generator
from editing.io.tensors import is_tensor_file
torch.set_num_threads({threads})
torch.zeros(8).isfinite().all()
def peak():  # of this process; getrusage would count its parent's as well
    return 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
path, before, began, busy = Path({path!r}), peak(), time.perf_counter(), time.process_time()
generator = load_generator(path) if is_tensor_file(path) else read_generator(path)
seconds, busy = time.perf_counter() - began, time.process_time() - busy
assert generator.img_resolution == 1024
print(json.dumps([seconds, busy, peak() - before]))
"""


def random_generator() -> Generator:
    """Config F at 1024 px, with noise and biases that do something."""
    torch.manual_seed(0)
    config = GeneratorConfig(1024, channels=channels_for(1024), conv_clamp=256.0)
    generator = Generator(config)
    for name, parameter in generator.named_parameters():
        if name.endswith(("noise_strength", "conv0.bias", "conv1.bias")):
            torch.nn.init.normal_(parameter, std=0.1)
    with torch.no_grad():
        generator.mapping.w_avg.copy_(generator.mapping(torch.randn(500, 512))[:, 0].mean(0))
    return generator.eval().requires_grad_(False)


def write_files(generator: Generator, folder: Path) -> dict[str, Path]:
    """The same weights in the formats people have them in."""
    from tests.helpers.nvidia_files import stylegan2_file

    files = {
        "our safetensors": folder / "own.safetensors",
        "our safetensors, half": folder / "half.safetensors",
        "NVIDIA's .pkl": folder / "nvidia.pkl",
    }
    save_generator(files["our safetensors"], generator)
    save_generator(files["our safetensors, half"], generator, half=True)
    files["NVIDIA's .pkl"].write_bytes(stylegan2_file(generator.state_dict(), 256.0, 4))
    return files


def measure_loading(files: dict[str, Path], threads: int) -> None:
    print(f"{'load':<24}{'file':>9}{'seconds':>9}{'of CPU':>9}{'memory':>9}")
    for name, path in files.items():
        code = LOAD.format(path=str(path), threads=threads)
        runs = [
            json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True,
                                      check=True, text=True).stdout)
            for _ in range(3)
        ]  # fmt: skip
        seconds, busy = (statistics.median(run[i] for run in runs) for i in (0, 1))
        memory, size = max(run[2] for run in runs), path.stat().st_size
        print(f"{name:<24}{size / 1e6:6.0f} MB{seconds:7.2f} s{busy:7.2f} s{memory / size:7.2f} x")
    print("goals: <= 6 s, <= 3 x the file")


def psnr(a: Tensor, b: Tensor) -> float:
    """Over the range [-1, 1]."""
    return -10 * math.log10(float((a - b).square().mean()) / 4)


def measure_drawing(generator: Generator, repeats: int) -> None:
    ws = generator.mapping(torch.randn(1, 512), truncation_psi=0.7)

    def half() -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return generator.synthesis(ws)

    ways: dict[str, Callable[[], Tensor]] = {
        "plain, fp32": lambda: plain(generator, ws),
        "ours, fp32": lambda: generator.synthesis(ws),
        "ours, bf16": half,
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    pictures: dict[str, Tensor] = {}
    with torch.inference_mode():
        for turn in range(repeats + 1):
            for name, way in ways.items():
                began, busy = time.perf_counter(), time.process_time()
                pictures[name] = way()
                spent = (time.perf_counter() - began, time.process_time() - busy)
                if turn:  # the first warms up
                    times[name].append(spent)
    truth = pictures["plain, fp32"]
    scale = 0.5 / float(truth.std())  # random weights draw far beyond [-1, 1]; photos vary by this
    base = _medians(times["plain, fp32"])
    print(f"\n{'draw one picture':<24}{'seconds':>9}{'faster':>9}{'of CPU':>9}{'faster':>9}")
    for name, found in times.items():
        clock, busy = _medians(found)
        same = pictures[name] is truth
        near = "" if same else f"{psnr(pictures[name] * scale, truth * scale):8.1f} dB to plain"
        print(f"{name:<24}{clock:7.2f} s{base[0] / clock:7.2f} x"
              f"{busy:7.2f} s{base[1] / busy:7.2f} x{near}")  # fmt: skip
    print("goals: ours fp32 >= 1 x; bf16 >= 2.5 x at >= 45 dB")


def _medians(times: list[tuple[float, float]]) -> tuple[float, float]:
    """On the clock, and of CPU."""
    return statistics.median(t[0] for t in times), statistics.median(t[1] for t in times)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--keep", metavar="DIR", help="write the checkpoints here and keep them")
    parser.add_argument("--only", choices=["load", "draw"])
    parser.add_argument("--default-malloc", action="store_true",
                        help="draw with the C library's own settings, as others do")  # fmt: skip
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if not options.default_malloc:
        keep_large_blocks()
    print(f"{options.threads} threads, load of the machine {os.getloadavg()[0]:.1f}\n")
    generator = random_generator()
    if options.only != "draw":
        with tempfile.TemporaryDirectory() as folder:
            place = Path(options.keep or folder)
            place.mkdir(parents=True, exist_ok=True)
            measure_loading(write_files(generator, place), options.threads)
    if options.only != "load":
        measure_drawing(generator, options.repeats)


if __name__ == "__main__":
    main()
