"""Inversions as a visitor meets them: through the running app, and on a real photo."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.inversion_measures import descriptor_distance, editability, likeness
from benchmarks.inversion_pictures import held_out_renders
from benchmarks.pictures import jpeg
from editing.directions.direction import boundary
from editing.edits.out_of_domain import photo_edited
from editing.edits.stack import EditState, Move, render, state_of
from editing.inversion.invert import InversionOptions, invert
from editing.io.images import save_png, to_pil, write_atomically
from editing.models.domain import Domain, open_judge
from editing.models.latents import load_latent
from editing.pictures.alignment import open_photo
from editing.pictures.contact_sheets import sheet as sheet_of
from editing.pictures.metrics import psnr, readings

ATTRIBUTES = ("smile", "eyeglasses", "age")
USUAL_RANGE = (-4.0, 4.0)  # alpha, where a boundary's safe range was not measured
CELL = 256  # pixels of a picture on the contact sheet
STILL = 0.02  # a mask below this means that nothing was edited there


def in_the_app(
    domain: Domain, level: str, count: int, alphas: Mapping[str, float]
) -> list[dict[str, Any]]:
    """Open held-out renders in the app, invert each at ``level``, download what was found."""
    from gradio_client import Client, handle_file

    from ui.page import build_app
    from ui.runtime.scheduler import share_cores
    from ui.theme import launch_options

    share_cores(domain.resolution)
    app = build_app(domain)
    _, url, _ = app.launch(prevent_thread_lock=True, **launch_options())
    found = []
    try:
        client = Client(url, verbose=False)
        with tempfile.TemporaryDirectory() as folder:
            for target in held_out_renders(count, domain.generator.img_resolution):
                path = Path(folder) / "render.png"
                save_png(path, target)
                client.predict(photo=handle_file(path), api_name="/crop_photo")
                began = time.perf_counter()
                client.predict(level=level, api_name="/invert")
                seconds = time.perf_counter() - began
                latent = load_latent(client.predict(kind="latent", api_name="/download"))
                state = state_of(latent, domain)
                edits = asdict(editability(state, domain, alphas))
                measures = likeness(state, domain, target)
                found.append({**measures, "seconds": seconds, "edits": edits})
    finally:
        app.close(verbose=False)
    return found


@torch.no_grad()
def edited_photo(domain: Domain, options: InversionOptions, to: Path) -> Iterator[str]:
    """Lines of what came of the astronaut; the contact sheet goes to ``to``."""
    import skimage

    photo = open_photo(Path(skimage.__file__).parent / "data" / "astronaut.png")
    size = domain.generator.img_resolution
    target = photo.at(size)
    *_, last = invert(target, domain, options)
    state = EditState(**vars(last.point))
    inverted = render(state, domain)
    yield f"reconstruction {psnr(inverted, target):.2f} dB (≥ 28), {last.seconds:.0f} s"
    judge = open_judge(domain)
    large = photo.at(512)
    cells, heads = [large, enlarged(inverted)], ["photo, and its inversion"]
    before = readings(judge, inverted)
    for name in ATTRIBUTES:
        sign = -1.0 if before[name] > 0.5 else 1.0
        low, high = boundary(domain, name).safe_range or USUAL_RANGE
        alpha = (high if sign > 0 else low) / 2
        edited = render(Move(name, alpha).apply(state, domain), domain)
        made = photo_edited(large, inverted, edited, domain, (name,))
        result, mask = made.picture, made.mask
        change = sign * (readings(judge, edited)[name] - before[name])
        in_photo = readings(judge, shrunk(result, size))[name] - readings(judge, target)[name]
        still = (result - large).abs().mean(1, keepdim=True)[mask < STILL].mean() * 127.5
        distance = descriptor_distance(large, result)
        apart = "no face found" if distance is None else f"{distance:.2f} (≤ 0.6)"
        yield (
            f"{name} {alpha:+.1f}: judge {change:+.2f} σ in the portrait, "
            f"{sign * in_photo:+.2f} σ in the photo (≥ 1), descriptor {apart}, "
            f"untouched {float(still):.2f}/255 (≤ 2)"
        )
        cells += [result, enlarged(edited)]
        heads.append(f"{name} {alpha:+.1f}")
    pictures = [to_pil(shrunk(cell, CELL)) for cell in (*cells[::2], *cells[1::2])]
    data = jpeg(sheet_of(pictures, heads, ["in the photo", "portrait"]))
    write_atomically(to, lambda file: file.write(data))
    yield f"contact sheet: {to}"


def enlarged(img: Tensor, size: int = 512) -> Tensor:
    whole = torch.nn.functional.interpolate(img, (size, size), mode="bicubic", antialias=True)
    return whole.clamp(-1, 1)


def shrunk(img: Tensor, size: int) -> Tensor:
    return torch.nn.functional.interpolate(img, (size, size), mode="area")
