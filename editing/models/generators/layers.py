"""Rows of ws by the resolution they act on: coarse 4-8, middle 16-32, fine from 64 pixels.

A row belongs to the layer it modulates. StyleGAN2 has one convolution at 4 px and two at every
other resolution, and one more row for the last ToRGB, so num_ws = 2·log2(R) − 2 and the groups are
0-2, 3-6 and the rest, whatever the size. StyleGAN1 has two rows at 4 px: 0-3, 4-7 and the rest. In
StyleGAN3 the first row places the input and the others rise geometrically in frequency; the finest
wave that a layer lets pass tells its resolution: 0-3, 4-6 and the rest at 1024 px.
"""

import math
from collections.abc import Sequence

import torch

from editing.errors import BadInput
from editing.models.generators.generator import Generator, SynthesisNetwork
from editing.models.generators.stylegan1 import StyleGAN1Config
from editing.models.generators.stylegan3 import StyleGAN3Config, bands

MAX_ROWS = 64  # no generator has more; a recipe is read before its domain is known
MAX_STRENGTH = 10.0  # of one layer
STYLE_FROM = 64  # pixels: rows up to here are content, finer ones style (Abdal et al. 2019)
GROUPS = {"coarse": (4, 16), "middle": (16, 64), "fine": (64, 2**30)}  # pixels, from - to below


def layer_resolution(row: int, num_ws: int) -> int:
    """Pixels of the convolution that ``row`` of StyleGAN2's ``num_ws`` modulates: 4, 8, 8, ..."""
    img_resolution = 2 << (num_ws // 2)
    return min(4 << ((row + 1) // 2), img_resolution)


def layer_resolutions(generator: Generator) -> tuple[float, ...]:
    """Pixels that every row of ws acts on, in any family."""
    config, rows = generator.config, range(generator.num_ws)
    if isinstance(config, StyleGAN1Config):
        return tuple(4 << (row // 2) for row in rows)
    if isinstance(config, StyleGAN3Config):
        return (4, *(2 * band.cutoff for band in bands(config)))
    return tuple(layer_resolution(row, generator.num_ws) for row in rows)


def style_widths(generator: Generator) -> dict[str, int]:
    """Channels of every layer of styles, in order."""
    with torch.no_grad():
        styles = generator.styles(generator.mapping.w_avg.expand(1, generator.num_ws, -1))
    return {name: style.shape[1] for name, style in styles.items()}


def layer_groups(generator: Generator) -> dict[str, tuple[int, ...]]:
    """Rows of each group, for this generator; groups it has no row for are left out."""
    return _grouped(layer_resolutions(generator))


def rows_by_layer(generator: Generator) -> dict[str, int]:
    """The row of ws that every layer of the styles reads, in the order of the layers.

    A ToRGB of StyleGAN2 reads the row of the next block's first convolution.
    """
    synthesis = generator.synthesis
    if not isinstance(synthesis, SynthesisNetwork):
        blank = torch.zeros(
            1, generator.num_ws, generator.w_dim, device=generator.mapping.w_avg.device
        )
        return {name: row for row, name in enumerate(generator.styles(blank))}
    rows: dict[str, int] = {}
    row = 0
    for resolution, block in synthesis.blocks().items():
        for name in block.layers():
            rows[f"b{resolution}.{name}"] = row
            row += 1
        if block.torgb is not None:
            rows[f"b{resolution}.torgb"] = row
    return rows


def style_rows(generator: Generator) -> tuple[int, ...]:
    """What a style gives in Image2StyleGAN's style transfer: the rows finer than 64 pixels."""
    sizes = layer_resolutions(generator)
    return tuple(row for row, size in enumerate(sizes) if size > STYLE_FROM)


def groups_of(num_ws: int) -> dict[str, tuple[int, ...]]:
    """``layer_groups`` of a StyleGAN2 with this number of rows."""
    return _grouped([layer_resolution(row, num_ws) for row in range(num_ws)])


def _grouped(resolutions: Sequence[float]) -> dict[str, tuple[int, ...]]:
    groups = {
        name: tuple(row for row, size in enumerate(resolutions) if low <= size < high)
        for name, (low, high) in GROUPS.items()
    }
    return {name: rows for name, rows in groups.items() if rows}


def parse_layers(text: str, rows_of: Generator | int) -> tuple[int, ...]:
    """'coarse', 'all', '0-3,7' or a mixture of them -> sorted rows.

    Args:
        rows_of: the generator, or the number of rows of a StyleGAN2.

    Raises:
        BadInput: a part that is neither a group nor rows from 0 to num_ws - 1.
    """
    if isinstance(rows_of, int):
        num_ws, groups = rows_of, groups_of(rows_of)
    else:
        num_ws, groups = rows_of.num_ws, layer_groups(rows_of)
    groups = {"all": tuple(range(num_ws)), **groups}
    rows: set[int] = set()
    for part in text.split(","):
        part = part.strip()
        if part in groups:
            rows.update(groups[part])
            continue
        first, dash, last = part.partition("-")
        last = last if dash else first
        if not all(end.isascii() and end.isdigit() for end in (first, last)):
            raise BadInput(
                f"{part!r} is no layer; use rows such as 0-3,7 or one of {', '.join(groups)}."
            )
        if not int(first) <= int(last) < num_ws:
            raise BadInput(
                f"The layers {part!r} do not exist in this order; rows go from 0 to {num_ws - 1}."
            )
        rows.update(range(int(first), int(last) + 1))
    return tuple(sorted(rows))


def parse_strengths(
    text: str, rows_of: Generator | int
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """'0-3*0.5,7' -> ((0, 1, 2, 3, 7), (0.5, 0.5, 0.5, 0.5, 1)); () where all strengths are 1.

    Raises:
        BadInput: no such layers, or a strength that is no number from -10 to 10.
    """
    strengths: dict[int, float] = {}
    for part in text.split(","):
        layers, star, factor = part.partition("*")
        try:
            value = float(factor) if star else 1.0
        except ValueError:
            value = math.nan
        if not abs(value) <= MAX_STRENGTH:
            raise BadInput(
                f"The layer strength {factor!r} is not possible; write a number up to "
                f"{MAX_STRENGTH:g} after the *, such as 0-3*0.5."
            )
        strengths |= dict.fromkeys(parse_layers(layers, rows_of), value)
    rows = tuple(sorted(strengths))
    factors = tuple(strengths[row] for row in rows)
    return rows, () if all(factor == 1 for factor in factors) else factors


def format_strengths(rows: tuple[int, ...], strengths: tuple[float, ...]) -> str:
    """The inverse of ``parse_strengths``."""
    if not strengths:
        return format_layers(rows)
    parts = [(row, value) for row, value in sorted(zip(rows, strengths, strict=True))]
    runs: list[tuple[list[int], float]] = []
    for row, value in parts:
        if runs and runs[-1][1] == value:
            runs[-1][0].append(row)
        else:
            runs.append(([row], value))
    texts = [(format_layers(tuple(run)), value) for run, value in runs]
    starred = [(part, value) for text, value in texts for part in text.split(",")]
    return ",".join(part if value == 1 else f"{part}*{value:g}" for part, value in starred)


def format_layers(rows: tuple[int, ...]) -> str:
    """(0, 1, 2, 7) -> '0-2,7': the shortest text that ``parse_layers`` reads back."""
    runs: list[list[int]] = []
    for row in sorted(set(rows)):
        if runs and row == runs[-1][1] + 1:
            runs[-1][1] = row
        else:
            runs.append([row, row])
    return ",".join(f"{a}" if a == b else f"{a}-{b}" for a, b in runs)
