"""The benchmark of composites: its regions, pooled numbers and matched strengths."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.out_of_domain import composites, kept_in, measure, overlap, psnr_of, ramps
from benchmarks.out_of_domain_cases import (
    ATTRIBUTES,
    Case,
    Worn,
    attributes,
    changed_factor,
    differs,
    matched,
    saved,
)
from benchmarks.photo_plus_change import photo_plus_change
from editing.edits.stack import Move, render, state_of
from editing.models.domain import Domain, open_domain, open_judge
from tests.conftest import write_tiny_domain


@pytest.fixture(scope="module")
def case(tiny_domain: Domain) -> tuple[Worn, Case]:
    """A generated portrait whose true edit is the generator's own, on the left half alone."""
    state, judge = state_of("seed:5", tiny_domain), open_judge(tiny_domain)
    photo = saved(render(state, tiny_domain))
    truth = saved(render(Move("smile", 2.0).apply(state, tiny_domain), tiny_domain))
    truth[..., 16:] = photo[..., 16:]
    with torch.no_grad():
        wanted = float((judge(truth) - judge(photo))[0, judge.outputs.index("smile")])
    where = torch.zeros(1, 1, 32, 32, dtype=torch.bool)
    where[..., :8, :8] = True
    made = Case("smile", "smile", truth, differs(photo, truth), wanted)
    return Worn("hat", photo, where, (made,)), made


def test_regions_are_dilated_by_two_pixels():
    a = torch.zeros(1, 3, 16, 16)
    b = a.clone()
    b[0, 1, 8, 8] = 0.1
    assert int(differs(a, b).sum()) == 25
    assert not differs(a, a + 6 / 255).any() and differs(a, a + 10 / 255).all()


@given(st.floats(-1, 1), st.sampled_from(sorted(ATTRIBUTES)))
def test_a_changed_factor_stays_in_range_and_changes(value, name):
    factor, sign = ATTRIBUTES[name]
    moved = changed_factor(value, factor, sign)
    assert -1 <= moved <= 1 and abs(moved - value) >= 0.79


def test_only_attributes_with_a_boundary_are_edited(tiny_domain):
    assert attributes(tiny_domain) == ["smile", "age"]


def test_errors_are_pooled_before_they_become_decibels():
    rows = [{"e": [0.0, 100.0]}, {"e": [4.0, 100.0]}]
    assert psnr_of(rows, "e") == pytest.approx(10 * math.log10(4 * 200 / 4))
    assert psnr_of([{"e": [0.0, 5.0]}], "e") == 60 and math.isnan(psnr_of([{"e": [0.0, 0.0]}], "e"))


def test_the_truth_is_perfect_and_the_portrait_itself_is_not(case, tiny_domain):
    worn, real = case
    made = replace(real, wanted=0.5)  # enough to be divided by
    best = measure(made.truth, worn, made, tiny_domain)
    for place in ("inside", "outside", "overall"):
        assert psnr_of([best], f"error_{place}") == 60
        assert best[f"perceptual_{place}"][0] == 0
    assert best["arrived"] == pytest.approx(real.wanted / 0.5, abs=1e-5)
    assert psnr_of([best], "accessory_error") == 60
    still = measure(worn.picture, worn, made, tiny_domain)
    assert still["arrived"] == 0 and still["identity"] == pytest.approx(1, abs=1e-5)
    assert psnr_of([still], "error_inside") < psnr_of([still], "error_outside")


def test_the_strength_is_found_at_which_the_judge_sees_as_much(case, tiny_domain):
    worn, made = case
    state = state_of("seed:5", tiny_domain)
    _, edited = matched(state, made, tiny_domain)
    arrived = measure(edited, worn, made, tiny_domain)["arrived"]
    assert arrived is None or arrived == pytest.approx(1, abs=0.3)


def test_composites_have_masks_that_are_compared(case, tiny_domain):
    worn, made = case
    pictures, facts = composites(worn, made, worn.picture, made.truth, tiny_domain)
    assert set(pictures) == {"photo + (T − I')", "Diff-CAM composite"}
    assert 0 < facts["iou"] <= 1 and facts["iou_difference"] == 1 and facts["misfit"] == 0
    found = ramps(made, worn.picture, worn.picture, made.truth, tiny_domain)
    inside = [found[t][0] for t in found]
    assert inside == sorted(inside) and len(inside) == 6  # a higher threshold keeps more photo


def test_what_is_finished_is_kept_apart_for_other_files(tmp_path, tiny_generator):
    folder = write_tiny_domain(tmp_path / "tiny", tiny_generator)
    first = kept_in(open_domain(folder), "quick")
    assert kept_in(open_domain(folder), "quick") == first != kept_in(open_domain(folder), "best")
    (folder / "scorer.safetensors").write_bytes(b"reads for nobody here")
    assert kept_in(open_domain(folder), "quick") == first
    (folder / "encoder.safetensors").write_bytes(b"another encoder")
    second = kept_in(open_domain(folder), "quick")
    smile = folder / "boundaries" / "smile.safetensors"
    smile.write_bytes((folder / "boundaries" / "age.safetensors").read_bytes())
    third = kept_in(open_domain(folder), "quick")
    with (folder / "domain.yaml").open("a") as file:
        file.write(f"deghosting: {{file: deghosting.safetensors, sha256: {'a' * 64}}}\n")
    assert kept_in(open_domain(folder), "quick") == third, "named, but not there yet"
    (folder / "deghosting.safetensors").write_bytes(b"landed")
    assert len({first, second, third, kept_in(open_domain(folder), "quick")}) == 4


def test_overlap_is_intersection_over_union():
    a, b = torch.tensor([True, True, False]), torch.tensor([False, True, True])
    assert overlap(a, b) == pytest.approx(1 / 3) and overlap(a, a) == 1


def test_the_simple_way_adds_the_change_where_it_is_clear():
    photo, inverted = torch.zeros(1, 3, 64, 64), torch.full((1, 3, 32, 32), -0.4)
    edited = inverted + 0.02
    edited[..., 12:20, 12:20] += 0.6
    picture, mask = photo_plus_change(photo, inverted, edited)
    assert mask[..., 28:36, 28:36].min() == 1 and mask[..., :10, :].max() == 0
    assert (picture[..., 28:36, 28:36] - 0.62).abs().max() < 0.05
    assert torch.equal(picture[..., :10, :], photo[..., :10, :])
