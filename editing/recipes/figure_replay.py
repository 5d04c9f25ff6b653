"""Figures drawn and written, and drawn again from their recipes."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from editing.errors import BadRecipe
from editing.figures.figure import Drawn, drawing, edit_name, number
from editing.io.images import check_writable, write_atomically
from editing.models.domain import Domain
from editing.models.latents import Latent, load_latent
from editing.models.states import state_of
from editing.pictures.alignment import Photo, open_photo
from editing.recipes.figure_files import beside, figure_files
from editing.recipes.photos import source_of
from editing.recipes.recipe import Recipe, made_here
from editing.recipes.replay import check_generator, threads

Report = Callable[[int, int], object]  # (done, total)
Facts = dict[str, Any]
USUAL_LEVEL = "standard"  # of a photo whose recipe names no inversion


def drawn_figure(
    recipe: Recipe, subject: Latent | str | Tensor, domain: Domain, report: Report
) -> Drawn:
    """Draw a recipe's figure of a seed, a latent or an aligned picture, with the recipe's threads.

    Raises:
        EditingError: as ``figures.drawing``.
    """
    with threads(recipe.threads):
        work = figure_drawing(recipe, subject, domain)
        while True:
            try:
                report(*next(work))
            except StopIteration as end:
                found: Drawn = end.value
                return found


def figure_drawing(
    recipe: Recipe, subject: Latent | str | Tensor, domain: Domain
) -> Generator[tuple[int, int], None, Drawn]:
    """``figures.drawing`` of what a recipe says."""
    assert recipe.figure is not None
    start = subject if isinstance(subject, Tensor) else state_of(subject, domain)
    return drawing(recipe.figure, start, domain, recipe.stack)


def write_figure(
    target: Path,
    recipe: Recipe,
    subject: Latent | str | Tensor,
    domain: Domain,
    report: Report = lambda done, total: None,
) -> Facts:
    """Draw a figure and write its files; returns what JSON says of it.

    Args:
        target: folder and name, without an ending.

    Raises:
        CannotWrite: before anything is drawn.
    """
    check_writable(target.with_name(f"{target.name}.pdf"))
    drawn = drawn_figure(recipe, subject, domain, report)
    latent = subject if isinstance(subject, Latent) else None
    files = figure_files(target.name, drawn, recipe, domain.family, latent)
    for name, data in files.items():
        _write(target.with_name(name), data)
    paths = [str(target.with_name(name)) for name in files]
    return {"paths": paths, "cells": figure_facts(drawn), "notes": missed(drawn)}


def _write(path: Path, data: bytes) -> None:
    write_atomically(path, lambda file: file.write(data))


def redraw(
    path: Path,
    recipe: Recipe,
    domain: Domain,
    out: Path,
    latent: Latent | None = None,
    photo: str | Path | None = None,
    report: Report = lambda done, total: None,
) -> Facts:
    """Draw the figure of a recipe file again, into ``out``, or apply it to another photo.

    The strengths in the recipe are used, so that the pixels are the same; for another portrait
    they are searched anew.

    Raises:
        BadRecipe: a photo or a latent is needed, or the recipe is of another generator.
    """
    check_generator(recipe, domain)
    recipe, subject = _subject(path, recipe, domain, latent, photo)
    target = beside(out / path.name, "png").with_suffix("")
    if out.resolve() == path.parent.resolve():  # never over the figure that is redrawn
        target = target.with_name(f"{target.name}-replay")
    whole = made_here(recipe, domain)
    facts = write_figure(target, whole, subject, domain, report)
    if recipe.torch not in ("", str(torch.__version__)):
        changed = f"Made with torch {recipe.torch}, here is {torch.__version__}; pixels may differ."
        facts["notes"] = [changed, *facts["notes"]]
    return facts


def _subject(
    path: Path, recipe: Recipe, domain: Domain, latent: Latent | None, photo: str | Path | None
) -> tuple[Recipe, Latent | str | Tensor]:
    """What the figure is of, and the recipe that says so."""
    assert recipe.figure is not None
    size = domain.generator.img_resolution
    if photo is not None:
        cut = open_photo(photo, recipe.source.aligned)
        if cut.sha256 != recipe.source.sha256 or not recipe.figure.inversions:
            recipe = for_photo(recipe, cut)
        return recipe, cut.at(size)
    kept = beside(path, "latent.npz")
    if latent is None and recipe.source.kind != "seed" and kept.is_file():
        latent = load_latent(kept)
    if latent is not None:
        latent.check(domain.generator, domain.fingerprint, domain.name)
        return recipe, latent
    if recipe.source.kind == "seed":
        return recipe, recipe.source.name
    kept = beside(path, "photo.png")
    if recipe.source.kind == "photo" and kept.is_file():
        return recipe, open_photo(kept, aligned=False).at(size)
    raise BadRecipe(
        f"The figure is of the {recipe.source.kind} {recipe.source.name or '(any)'}, and neither "
        f"{kept.name} nor a latent lies beside the recipe; pass it with --photo or --latent."
    )


def for_photo(recipe: Recipe, photo: Photo) -> Recipe:
    """A figure's recipe, applied to another photo."""
    assert recipe.figure is not None
    level = recipe.inversion.options.level if recipe.inversion else USUAL_LEVEL
    inversions = recipe.figure.inversions or (level,)
    figure = replace(recipe.figure, inversions=inversions, strengths=())
    return replace(recipe, source=source_of(photo), figure=figure, inversion=None)


# -- what is said of it


def figure_facts(drawn: Drawn) -> list[Facts]:
    """Every picture's numbers, row by row."""
    names = drawn.figure.inversions or (None,)
    return [
        {
            "inversion": name,
            "edit": edit_name(column.edit) if column else None,
            "attribute": column.attribute if column else None,
            "asked": column.amount if column else None,
            "change": cell.change,
            "alpha": cell.alpha,
            "reached": cell.reached(column) if column else None,
            "psnr": cell.psnr,
            "perceptual": cell.perceptual,
            "identity": cell.identity,
        }
        for name, row in zip(names, drawn.rows, strict=True)
        for column, cell in zip((None, *drawn.figure.columns), row, strict=True)
    ]


def missed(drawn: Drawn) -> list[str]:
    """A sentence for every edit that could not reach its amount."""
    names = drawn.figure.inversions or ("the portrait",)
    return [
        f"{edit_name(column.edit)} moves {column.attribute} of {name} by "
        f"{number(cell.change, '+.2f')} σ, not by {column.amount:+g}."
        for name, row in zip(names, drawn.rows, strict=True)
        for column, cell in zip(drawn.figure.columns, row[1:], strict=True)
        if not cell.reached(column)
    ]
