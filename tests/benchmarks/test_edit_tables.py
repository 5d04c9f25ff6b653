"""The open bench's measures on the tiny domain, and its files."""

import csv
import math
from pathlib import Path

import pytest

from benchmarks.edit_tables import apart, cells, ground, latents, measure, write_csv, write_latex
from editing.edits.stack import EditStack, Entry, Move, latent_of, state_of
from editing.models.domain import Domain
from editing.models.latents import Latent


def by_boundary(domain: Domain, latent: Latent, attribute: str, amount: float) -> Latent:
    stack = EditStack((Entry(Move(attribute, amount)),))
    return latent_of(stack.apply(state_of(latent, domain), domain), domain)


def test_coupled_factors_are_not_apart() -> None:
    assert not {"beard", "baldness", "hair_length"} & set(apart("gender"))
    assert {"pose", "smile"} <= set(apart("gender")) and "gender" not in apart("gender")
    assert "nose_size" not in apart("age") and "teeth" not in apart("smile")


def test_a_row_says_what_the_edit_did(tiny_domain: Domain) -> None:
    base = ground(tiny_domain, 2)
    assert len(base.latents) == len(latents(tiny_domain, 2)) == 2 and base.truth is None
    still = measure(tiny_domain, lambda d, latent, a, s: latent, "none", "smile", base)
    assert still.change == pytest.approx(0, abs=1e-6) and math.isnan(still.amount)
    assert still.perceptual == pytest.approx(0, abs=1e-6) and still.background == 0
    row = measure(tiny_domain, by_boundary, "plain", "smile", base)
    assert row.perceptual > 0 and row.milliseconds > 0 and row.worst in ("age", "gender", "–")


def test_tables_are_written_for_papers(tmp_path: Path, tiny_domain: Domain) -> None:
    base = ground(tiny_domain, 1)
    row = cells(measure(tiny_domain, by_boundary, "50 % & more", "smile", base))
    write_csv(tmp_path / "t.csv", [row])
    assert next(csv.DictReader((tmp_path / "t.csv").open()))["method"] == "50 % & more"
    write_latex(tmp_path / "t.tex", [row], "A_b")
    text = (tmp_path / "t.tex").read_text()
    assert r"50 \% \& more" in text and r"\caption{A\_b}" in text and text.count(r"\\") == 2
