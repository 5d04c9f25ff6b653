"""Walks, measured: how much of a film is movement, and how long it takes.

    python -m benchmarks.walks motion [--seeds 4]
    python -m benchmarks.walks speed [--frames 150]
    python -m benchmarks.walks large [--frames 8]

``motion``: a sweep of pose and of smile beside a pixel cross-fade of its ends, and beside the
renderer's own frames of the same change, by one estimator. ``speed``: a film beside its synthesis
alone, in the library and in the running app. ``large``: the same at 1024 px with random weights.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.rows import Row, print_rows
from editing.animation.encoder import Pixels, feed
from editing.animation.film import Look, Projector, make_film
from editing.animation.motion import cross_fade, motion_of
from editing.animation.paths import Circle, Key, Timeline, Track
from editing.animation.walk import Walk
from editing.directions.direction import boundary
from editing.edits.stack import Move, render, state_of
from editing.io.images import to_uint8
from editing.io.progress import bar
from editing.models.domain import Domain, open_domain
from editing.models.generators.generator import Generator, GeneratorConfig, channels_for
from editing.pictures.metrics import readings
from training.twin import RenderedTruth

FIRST_SEED = 70_000
SWEPT = ("pose", "smile")  # each over the range in which it follows its boundary
FRAMES = 24  # of a sweep whose motion is measured


def sweep(name: str, low: float, high: float, frames: int) -> Walk:
    keys = (Key(0.0, low), Key(1.0, high))
    return Walk(Timeline((Track(Move(name, 0.0), keys),)), frames)


def film(domain: Domain, seed: int, name: str, frames: int) -> list[Pixels]:
    low, high = boundary(domain, name).safe_range or (-1.5, 1.5)
    walk = sweep(name, low, high, frames)
    source = state_of(f"seed:{seed}", domain)
    return [to_uint8(render(state, domain))[0] for state in walk.states(source, domain)]


@torch.no_grad()
def rendered(domain: Domain, frames: Sequence[Pixels], name: str) -> list[Pixels]:
    """The renderer's frames from the first frame's reading of the attribute to the last one's."""

    def read(pixels: Pixels) -> dict[str, float]:
        img = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
        return readings(domain.scorer, img)

    first, last = read(frames[0]), read(frames[-1])
    truth = RenderedTruth(domain.generator.img_resolution, compiled=True)
    made = []
    for t in np.linspace(0, 1, len(frames)):
        value = first[name] + float(t) * (last[name] - first[name])
        made.append(to_uint8(truth.draw({**first, name: value}))[0])
    return made


def motion(domain: Domain, seeds: int, frames: int = FRAMES) -> list[Row]:
    """Mean motion shares over portraits."""
    rows = []
    for name in SWEPT:
        shares: dict[str, list[float]] = {"walk": [], "cross-fade": [], "renderer": []}
        for number in bar(range(seeds), name):
            made = film(domain, FIRST_SEED + number, name, frames)
            films = {"walk": made, "cross-fade": cross_fade(made[0], made[-1], frames),
                     "renderer": rendered(domain, made, name)}  # fmt: skip
            for kind, pictures in films.items():
                shares[kind].append(motion_of(pictures).share)
        mean = {kind: float(np.mean(values)) for kind, values in shares.items()}
        fade, truth = max(mean["cross-fade"], 1e-9), mean["renderer"]
        rows += [
            Row(name, "motion share, walk / cross-fade / renderer",
                " / ".join(f"{mean[kind]:.2f}" for kind in mean)),
            Row(name, "walk : cross-fade", f"{mean['walk'] / fade:.2f}", ">= 2",
                mean["walk"] >= 2 * mean["cross-fade"]),
            Row(name, "walk : renderer", f"{mean['walk'] / truth:.2f}", ">= 0.5",
                mean["walk"] >= 0.5 * truth),
        ]  # fmt: skip
    return rows


def speed(domain: Domain, frames: int) -> list[Row]:
    """A film, its frames alone, and the same film in the running app."""
    source, walk = state_of(f"seed:{FIRST_SEED}", domain), Walk(Circle(), frames)
    for state in Walk(Circle(), 3).states(source, domain):
        render(state, domain)
    began = time.perf_counter()
    for state in walk.states(source, domain):
        to_uint8(render(state, domain))
    alone = time.perf_counter() - began
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        make_film(Path(folder) / "walk.mp4", Projector(walk, source, domain, Look()))
        filmed = time.perf_counter() - began
    app = in_the_app(domain, frames)
    return [
        Row("library", f"{frames} frames, synthesis alone", f"{alone:.2f} s"),
        Row("library", f"{frames} frames to .mp4", f"{filmed:.2f} s ({filmed / alone:.2f} x)"),
        Row("app", f"{frames} frames to .mp4", f"{app:.2f} s", "<= 4 s", app <= 4),
    ]


def in_the_app(domain: Domain, frames: int) -> float:
    """Seconds from the request to the film."""
    from gradio_client import Client

    from ui.page import build_app
    from ui.runtime.scheduler import share_cores
    from ui.theme import launch_options

    share_cores(domain.resolution)
    app = build_app(domain)
    _, url, _ = app.launch(prevent_thread_lock=True, **launch_options())
    try:
        client = Client(url, verbose=False)
        seconds = []
        for count in (5, frames):  # once to warm up
            began = time.perf_counter()
            size = domain.generator.img_resolution
            client.predict(**walk_arguments(count, size), api_name="/walk")
            seconds.append(time.perf_counter() - began)
        return seconds[-1]
    finally:
        app.close(verbose=False)


def walk_arguments(frames: int, size: int) -> dict[str, object]:
    """A circle, as the Walk tab would ask for it; what is left out is as on the page."""
    return {"kind": "loop", "frames": frames, "ping_pong": False, "size": size}


def large(frames: int, resolution: int = 1024) -> list[Row]:
    """Random weights in the published shape: what encoding adds to synthesis."""
    config = GeneratorConfig(resolution, channels=channels_for(resolution))
    generator = Generator(config).eval().requires_grad_(False)
    zs = torch.randn(frames, config.z_dim, generator=torch.Generator().manual_seed(0))

    def drawn() -> list[float]:
        seconds = []
        for z in zs:
            began = time.perf_counter()
            with torch.no_grad():
                to_uint8(generator(z[None], truncation_psi=0.7))
            seconds.append(time.perf_counter() - began)
        return seconds

    drawn()
    alone = sum(drawn())

    def pictures() -> Iterator[Pixels]:
        for z in zs:
            with torch.no_grad():
                yield to_uint8(generator(z[None], truncation_psi=0.7))[0]

    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        for _ in feed(Path(folder) / "walk.mp4", pictures(), 30.0, frames):
            pass
        filmed = time.perf_counter() - began
    ratio = filmed / alone
    return [Row(f"{resolution} px", f"{frames} frames to .mp4 : synthesis alone", f"{ratio:.3f}",
                "<= 1.1", ratio <= 1.1)]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("motion", "speed", "large"))
    parser.add_argument("--domain", default="portraits")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--frames", type=int, default=0)
    args = parser.parse_args()
    if args.what == "large":
        print_rows(large(args.frames or 8))
        return
    domain = open_domain(args.domain)
    if args.what == "motion":
        print_rows(motion(domain, args.seeds, args.frames or FRAMES))
    else:
        print_rows(speed(domain, args.frames or 150))


if __name__ == "__main__":
    main()
