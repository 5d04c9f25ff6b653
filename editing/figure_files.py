"""A figure as files: PDF and PNG for people, LaTeX and BibTeX for the paper, a recipe to redraw it.

NAME.png, NAME.pdf      the pictures with what was measured beneath each
NAME.tex, NAME.bib      the same numbers as a table; the methods that were used
NAME.recipe.yaml        ``python -m editing run`` draws the same pixels again, with
NAME.photo.png          the aligned photo where one was inverted, or
NAME.latent.npz         the latent of a portrait that is no seed
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from editing.citations import bibtex, cited
from editing.figures import Cell, Column, Drawn, edit_name, number, table_rows
from editing.images import encode_png
from editing.latents import Latent, latent_to_bytes
from editing.latex import latex_table
from editing.lettering import can_write
from editing.recipes import Recipe, recipe_to_yaml
from editing.sheets import sheet

SHOWN = 512  # pixels that a picture has at least, by whole multiples: its own pixels stay
FONT = 21  # of words below pictures of that size
DPI = 300
CAPTION = (
    "Every edit is brought to the same change of its attribute, as the scorer reads it. "
    "Inversions (edit none) are compared with the photo, edits with the unedited picture of their "
    "row; identity 1 is the same person, perceptual 0 no difference."
)


def figure_files(
    name: str,
    drawn: Drawn,
    recipe: Recipe,
    family: str,
    latent: Latent | None = None,
) -> dict[str, bytes]:
    """File name -> contents, in the order in which people want them.

    Args:
        recipe: of the portrait; what was found for the figure goes into it.
        family: of the generator.
        latent: of a portrait that is no seed and was not inverted here.
    """
    picture = figure_picture(drawn)
    keys = cited(drawn.figure, family)
    files = {
        f"{name}.pdf": _pdf(picture, name),
        f"{name}.png": encode_png(picture),
        f"{name}.tex": _latex(name, drawn, keys).encode(),
        f"{name}.bib": bibtex(keys).encode(),
        f"{name}.recipe.yaml": recipe_to_yaml(replace(recipe, figure=drawn.figure)).encode(),
    }
    if drawn.source is not None and recipe.source.kind == "photo":
        files[f"{name}.photo.png"] = encode_png(Image.fromarray(drawn.source))
    if latent is not None:
        files[f"{name}.latent.npz"] = latent_to_bytes(latent)
    return files


def beside(recipe: Path, what: str) -> Path:
    """The file that was written with a recipe, such as NAME.photo.png."""
    return recipe.with_name(f"{recipe.name.removesuffix('.yaml').removesuffix('.recipe')}.{what}")


def _pdf(picture: Image.Image, title: str) -> bytes:
    """One page, as large as the picture is at ``DPI``."""
    file = io.BytesIO()
    picture.save(file, "PDF", resolution=DPI, quality=100, subsampling=0, title=title)
    return file.getvalue()


def _latex(name: str, drawn: Drawn, keys: Sequence[str]) -> str:
    head = (
        f"% \\usepackage{{booktabs,graphicx}}\n% \\includegraphics[width=\\linewidth]{{{name}.pdf}}"
        f"\n% \\cite{{{','.join(keys)}}}\n"
    )
    return head + latex_table(table_rows(drawn), CAPTION)


# -- the picture


def figure_picture(drawn: Drawn) -> Image.Image:
    """The pictures as a grid, with what was measured beneath each."""
    figure = drawn.figure
    columns = [heading(column, number) for number, column in enumerate(figure.columns, 1)]
    source = [_Shown(drawn.source, ())] if drawn.source is not None else []
    heads = [*(["source"] * len(source)), figure.inversions and "inversion" or "unedited", *columns]
    cells: list[_Shown] = []
    for index, row in enumerate(drawn.rows):
        cells += source if index == 0 else [_Shown(None, ())] * len(source)
        cells.append(_Shown(row[0].pixels, _unedited(row[0]) if source else ()))
        for column, cell in zip(figure.columns, row[1:], strict=True):
            cells.append(_Shown(cell.pixels, _edited(cell, column)))
    side = math.ceil(SHOWN / drawn.size) * drawn.size
    pictures = [_enlarged(cell.pixels, side) for cell in cells]
    size = round(FONT * side / SHOWN)
    return sheet(pictures, heads, figure.inversions, [cell.words for cell in cells], size)


class _Shown:
    """A picture (or an empty place) and the words beneath it."""

    def __init__(self, pixels: Any | None, words: Sequence[str]) -> None:
        self.pixels, self.words = pixels, words


def heading(column: Column, index: int) -> str:
    """What stands above an edit; a text that no font here can write gets a number."""
    name, wanted = edit_name(column.edit), f"{column.attribute.replace('_', ' ')}"
    name = name.replace("“", '"').replace("”", '"').replace("_", " ")
    if not can_write(name):
        name = f"text {index}"
    amount = f"{column.amount:+g}"
    return f"{name} {amount}" if name == wanted else f"{name}: {wanted} {amount}"


def _unedited(cell: Cell) -> tuple[str, ...]:
    return (_near(cell),)


def _edited(cell: Cell, column: Column) -> tuple[str, ...]:
    change, alpha = number(cell.change, "+.2f"), number(cell.alpha, ".2f")
    name = column.attribute.replace("_", " ")
    said = f"{name} {change}   alpha {alpha}"
    if not cell.reached(column):
        said = f"reaches only {said}"
    return said, _near(cell)


def _near(cell: Cell) -> str:
    parts = (
        ("PSNR", cell.psnr, ".1f"),
        ("perceptual", cell.perceptual, ".3f"),
        ("identity", cell.identity, ".2f"),
    )
    return "  ".join(f"{name} {number(value, form)}" for name, value, form in parts).replace(
        "–", "-"
    )


def _enlarged(pixels: Any | None, side: int) -> Image.Image:
    if pixels is None:
        return Image.new("RGB", (side, side), (255, 255, 255))
    return Image.fromarray(pixels).resize((side, side), Image.Resampling.NEAREST)
