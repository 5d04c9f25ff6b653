"""The table of global directions: its formula, the published defect, kills, and the Jacobian."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from editing.directions.stylespace import base_ws, statistics_of
from editing.errors import BadInput, CannotWrite, UnknownName
from editing.models.domain import Domain
from editing.models.global_directions import GlobalDirections, load_global_directions
from editing.text import table as table_build
from editing.text.table import TableOptions, build_file, build_table, default_layers
from tests.helpers.text_domain import write_text_domain

FEW = TableOptions(samples=2)
SOME = replace(FEW, layers=("b4.conv1", "b4.torgb", "b8.conv1", "b32.conv0", "b32.torgb"))


@pytest.fixture(scope="module")
def domain(tmp_path_factory: pytest.TempPathFactory) -> Domain:
    return write_text_domain(tmp_path_factory.mktemp("domain") / "studio")


def built(domain: Domain, options: TableOptions, state: Path | None = None) -> GlobalDirections:
    *_, last = build_table(domain, options, state)
    assert last.table is not None and last.done == last.total
    return last.table


@torch.no_grad()
def by_the_book(domain: Domain, options: TableOptions) -> dict[str, torch.Tensor]:
    """The published loop: channel after channel, sample after sample, whole pictures."""
    statistics, rows = statistics_of(domain), {}
    codes = domain.generator.styles(base_ws(domain, options.samples, options.psi, options.seed))
    if options.base == "mean":
        codes = {name: mean[None] for name, mean in statistics.mean.items()}
    codes = {name: style.clone() for name, style in codes.items()}
    for layer in options.layers or default_layers(domain):
        rows[layer] = torch.zeros(codes[layer].shape[1], domain.clip.width)
        for channel in range(codes[layer].shape[1]):
            kept = codes[layer].clone()
            mean, std = statistics.mean[layer][channel], statistics.std[layer][channel]
            seen = []
            for sign in (1, -1):
                codes[layer][:, channel] = mean + sign * options.k * std
                img = domain.generator.synthesis(codes).clamp(-1, 1)
                seen.append(domain.clip.encode_pictures(img))
            codes[layer] = kept
            if options.inherit:
                codes[layer][:, channel] = mean
            rows[layer][channel] = F.normalize(F.normalize(seen[0] - seen[1], dim=1).mean(0), dim=0)
    return rows


@pytest.mark.parametrize(
    "options", [SOME, replace(SOME, inherit=True), replace(SOME, base="mean"), replace(SOME, k=2.0)]
)
def test_it_is_the_published_formula(domain: Domain, options: TableOptions) -> None:
    table, wanted = built(domain, options), by_the_book(domain, options)
    assert list(table.rows) == list(wanted)
    for layer, rows in wanted.items():
        torch.testing.assert_close(table.rows[layer], rows, rtol=1e-3, atol=1e-3)


def test_the_published_defect_changes_later_layers(domain: Domain) -> None:
    whole, defect = built(domain, SOME), built(domain, replace(SOME, inherit=True))
    first, last = next(iter(whole.rows)), list(whole.rows)[-1]
    torch.testing.assert_close(whole.rows[first][0], defect.rows[first][0])
    assert not torch.allclose(whole.rows[last], defect.rows[last], atol=1e-2)


def test_rows_are_unit_vectors_and_say_how_they_were_made(domain: Domain) -> None:
    table = built(domain, FEW)
    for rows in table.rows.values():
        torch.testing.assert_close(rows.norm(dim=1), torch.ones(len(rows)))
    assert table.clip == domain.clip.fingerprint and table.fingerprint == domain.fingerprint
    assert table.made["samples"] == 2 and table.made["k"] == 5.0
    assert tuple(table.rows) == default_layers(domain)


def test_a_killed_build_goes_on_to_the_same_table(
    domain: Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_build, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(table_build, "PIXELS", 1 << 14)  # smaller pieces
    jacobian = TableOptions(samples=3, method="jacobian")
    for options in (SOME, replace(SOME, inherit=True), jacobian):
        state = tmp_path / f"{options.method}-{options.inherit}"
        whole = built(domain, options)
        for _ in range(2):
            work = build_table(domain, options, state)
            for _ in range(7):
                killed_at = next(work).done
            work.close()
        assert next(build_table(domain, options, state)).done == killed_at + 1
        again = built(domain, options, state)
        for layer, rows in whole.rows.items():
            assert torch.equal(again.rows[layer], rows)


def test_states_of_something_else_are_refused(
    domain: Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_build, "SAVE_EVERY", 0.0)
    state = tmp_path / "state"
    next(build_table(domain, FEW, state))
    with pytest.raises(BadInput, match="other settings .k."):
        next(build_table(domain, replace(FEW, k=3.0), state))
    other = write_text_domain(tmp_path / "other", clip_seed=4)
    with pytest.raises(BadInput, match="other settings .clip."):
        next(build_table(other, FEW, state))
    state.write_bytes(state.read_bytes()[:200])
    with pytest.raises(BadInput, match="delete it"):
        next(build_table(domain, FEW, state))


def test_a_full_disk_says_so_and_keeps_what_was_there(
    domain: Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "table.safetensors"
    list(build_file(domain, FEW, path))
    assert (
        load_global_directions(path).num_channels and not path.with_suffix(".unfinished").exists()
    )
    assert [file.name for file in tmp_path.iterdir()] == [path.name], "no state is left"
    before = path.read_bytes()

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(CannotWrite, match="No space left"):
        list(build_file(domain, replace(FEW, k=3.0), path))
    assert path.read_bytes() == before


def test_the_jacobian_is_the_limit_of_small_steps(domain: Domain) -> None:
    statistics, layer = statistics_of(domain), "b16.conv1"
    options = TableOptions(samples=3, layers=(layer,), method="jacobian")
    table = built(domain, options)
    with torch.no_grad():
        styles = domain.generator.styles(base_ws(domain, 3, options.psi, options.seed))
        for channel in range(4):
            seen = []
            for sign in (1, -1):
                moved = {name: style.clone() for name, style in styles.items()}
                moved[layer][:, channel] += sign * 0.02 * statistics.std[layer][channel]
                seen.append(domain.clip.encode_pictures(domain.generator.synthesis(moved)))
            row = F.normalize(F.normalize(seen[0] - seen[1], dim=1).mean(0), dim=0)
            assert float(row @ table.rows[layer][channel]) > 0.99


def test_approximations_stay_near(domain: Domain) -> None:
    whole = torch.cat(list(built(domain, SOME).rows.values()))
    half = torch.cat(list(built(domain, replace(SOME, half=True)).rows.values()))
    assert float((whole * half).sum(1).mean()) > 0.9
    coarse = ("b4.conv1", "b8.conv0")
    small = built(domain, replace(FEW, max_resolution=16, layers=coarse))
    assert tuple(small.rows) == coarse


@pytest.mark.parametrize(
    "wrong",
    [{"samples": 0}, {"k": 0.0}, {"k": float("nan")}, {"base": "median"}, {"method": "guess"},
     {"method": "jacobian", "inherit": True}],
)  # fmt: skip
def test_impossible_options_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        TableOptions(**wrong)  # type: ignore[arg-type]


def test_layers_that_are_not_there_are_refused(domain: Domain) -> None:
    with pytest.raises(UnknownName, match="b4.conv1"):
        next(build_table(domain, TableOptions(layers=("b2.conv1",))))
    with pytest.raises(BadInput, match="beyond 8 px"):
        next(build_table(domain, TableOptions(layers=("b32.conv1",), max_resolution=8)))
