"""How long one picture takes, and how many pictures a second a training step makes.

    python -m benchmarks.synthesis [--domain portraits] [--threads 2] [--training]

Without a domain the bundled shape with random weights is measured: 128 px, channels
192,192,160,128,64,32, w_dim 256. Times are the median of 50 pictures, batch 1.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from editing.models.domain import open_domain
from editing.models.generators.generator import Generator, GeneratorConfig

TRAINING = ((16, 64), (32, 64), (64, 32), (128, 16))  # resolution, batch


def milliseconds(work: Callable[[], object], repeats: int) -> float:
    """Median time of ``work`` after three rounds of warming up."""
    times = []
    for _ in range(repeats + 3):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times[3:]) * 1e3


def measure_pictures(generator: Generator) -> None:
    ws = generator.mapping.w_avg.expand(1, generator.num_ws, -1)
    for name, reduced in (("fp32", False), ("bf16", True)):

        def draw(reduced: bool = reduced) -> None:
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=reduced):
                generator.synthesis(ws)

        print(f"picture  {generator.img_resolution:4} px  {name}  {milliseconds(draw, 50):7.1f} ms")


def measure_training(generator: Generator) -> None:
    generator.requires_grad_(True)
    for resolution, batch in TRAINING:
        if resolution > generator.img_resolution:
            continue
        ws = torch.randn(batch, generator.num_ws, generator.w_dim)

        def step(ws: torch.Tensor = ws, resolution: int = resolution) -> None:
            with torch.autocast("cpu", torch.bfloat16):
                img = generator.synthesis(ws, "random", max_resolution=resolution)
            torch.autograd.backward(img.square().mean())
            generator.zero_grad()

        per_second = batch / milliseconds(step, 5) * 1e3
        print(f"training {resolution:4} px  bf16  {per_second:7.0f} pictures/s, batch {batch}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--domain", help="measure this domain's generator")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--training", action="store_true", help="also forward and backward")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.domain:
        generator = open_domain(options.domain).generator
    else:
        generator = Generator(GeneratorConfig(z_dim=256, w_dim=256)).requires_grad_(False)
    measure_pictures(generator)
    if options.training:
        measure_training(generator)


if __name__ == "__main__":
    main()
