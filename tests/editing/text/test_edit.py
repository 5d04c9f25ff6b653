"""Text edits: StyleCLIP's formulae on small arrays, what may take part, what stays, replay."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
import yaml
from hypothesis import given
from hypothesis import strategies as st

from editing.directions.direction import boundary
from editing.directions.stylespace import base_ws, statistics_of
from editing.edits.stack import preview, render, state_of
from editing.errors import BadInput, EditingError, MissingFile
from editing.models.domain import Domain, open_domain
from editing.models.generators.layers import rows_by_layer, style_widths
from editing.models.networks.prompts import text_direction
from editing.text import gradients as text_gradients
from editing.text.edit import (
    StyleChange,
    TextEdit,
    auto_count,
    beta_for,
    by_table,
    count_at,
    is_known,
    kept_channels,
    relevance,
    sparse,
    step_of,
    without,
)
from editing.text.gradients import reading_gradient
from editing.text.table import TableOptions, build_file, latents_at_once
from tests.conftest import describe
from tests.helpers.text_domain import write_text_domain

TARGET = "a smiling person with red hair"


def with_table(domain: Domain) -> Domain:
    """The domain with a table in its folder."""
    path = domain.folder / "global_directions.safetensors"
    list(build_file(domain, TableOptions(samples=1, base="mean"), path))
    facts = yaml.safe_load((domain.folder / "domain.yaml").read_text())
    facts["global_directions"] = describe(domain.folder, path.name)
    (domain.folder / "domain.yaml").write_text(yaml.safe_dump(facts, sort_keys=False))
    return open_domain(domain.folder)


@pytest.fixture(scope="module")
def domain(tmp_path_factory: pytest.TempPathFactory) -> Domain:
    return with_table(write_text_domain(tmp_path_factory.mktemp("domain") / "studio"))


# -- the formulae (Patashnik et al. 2021, section 6), by hand


ROWS = {"a": torch.tensor([[1.0, 0.0], [0.0, 1.0]]), "b": torch.tensor([[-0.6, 0.8]])}
DT = torch.tensor([0.8, 0.6])
STD = {"a": torch.tensor([2.0, 3.0]), "b": torch.tensor([5.0])}


def test_relevance_threshold_and_step_by_hand() -> None:
    r = by_table(ROWS, DT)
    torch.testing.assert_close(r["a"], torch.tensor([0.8, 0.6]))
    torch.testing.assert_close(r["b"], torch.tensor([0.0]), atol=1e-6, rtol=0)
    kept = kept_channels(r, 0.7)
    torch.testing.assert_close(kept["a"], torch.tensor([1.0, 0.0]))
    both = step_of(kept_channels(r, 0.5), STD)
    torch.testing.assert_close(both.tensors({"a": 2, "b": 1})["a"], torch.tensor([2.0, 2.25]))
    assert both.num_channels == 2 and count_at(r, 0.5) == 2 and count_at(r, 0.7) == 1


def test_beta_keeps_what_it_is_said_to_keep() -> None:
    r = {"a": torch.tensor([0.5, -0.4, 0.1]), "b": torch.tensor([0.3])}
    for count in range(1, 5):
        assert count_at(r, beta_for(r, count)) == count
    kept = kept_channels(r, 0.3)
    torch.testing.assert_close(kept["a"], torch.tensor([1.0, -0.8, 0.0]))


def test_no_channel_above_beta_names_one_that_works() -> None:
    r = {"a": torch.linspace(-0.2, 0.4, 40)}
    with pytest.raises(
        BadInput, match=r"strongest has 0\.400; beta 0\.\d+ would let (\d+)"
    ) as told:
        kept_channels(r, 5)
    beta = float(str(told.value).split("; beta ")[1].split(" ")[0])
    assert count_at(r, beta) == int(str(told.value).split("let ")[1].split(" ")[0]) >= 8
    with pytest.raises(BadInput, match="allow other layers"):
        kept_channels({"a": torch.zeros(3)}, 0.1)


@given(st.lists(st.tuples(st.integers(0, 30), st.floats(-9, 9, width=32)), max_size=20))
def test_sparse_changes_are_the_dense_ones(values: list[tuple[int, float]]) -> None:
    dense = {"a": torch.zeros(31), "b": torch.zeros(31)}
    for at, by in values:
        dense["b"][at] = by
    again = sparse(dense).tensors({"a": 31, "b": 31})
    torch.testing.assert_close(again.get("b", torch.zeros(31)), dense["b"], rtol=0, atol=0)
    assert "a" not in again


def test_what_is_held_does_not_follow_to_first_order() -> None:
    rng = torch.Generator().manual_seed(0)
    weights = {"a": torch.randn(9, generator=rng), "b": torch.randn(4, generator=rng)}
    weights["a"][3] = 0
    held = [{k: torch.randn(len(v), generator=rng) for k, v in weights.items()} for _ in range(2)]
    left = without(weights, held)
    for each in held:
        assert abs(sum(float(left[k] @ each[k]) for k in left)) < 1e-5
    assert left["a"][3] == 0 and max(float(v.abs().max()) for v in left.values()) == 1
    with pytest.raises(BadInput, match="Nothing is left"):
        without(weights, [weights])


# -- on a domain


def test_an_edit_adds_alpha_times_its_change(domain: Domain) -> None:
    edit = TextEdit(TARGET, 3.0, "a person", beta=0.0).resolved(domain)
    rows = domain.global_directions.rows
    r = torch.cat(list(by_table(rows, text_direction(domain.clip, "a person", TARGET)).values()))
    state = edit.apply(state_of("seed:7", domain), domain)
    std = statistics_of(domain).std
    whole = torch.cat([state.s_delta[layer] / std[layer] for layer in rows])
    torch.testing.assert_close(whole, 3 * r / r.abs().max(), rtol=1e-4, atol=1e-4)
    twice = edit.apply(state, domain)
    for layer, delta in state.s_delta.items():
        torch.testing.assert_close(twice.s_delta[layer], 2 * delta)
    assert torch.equal(twice.ws, state.ws)


def test_alpha_zero_changes_nothing(domain: Domain) -> None:
    state = state_of("seed:7", domain)
    edited = TextEdit(TARGET, 0.0).apply(state, domain)
    assert torch.equal(render(edited, domain), render(state, domain))
    moved = TextEdit(TARGET, 5.0).apply(state, domain)
    assert not torch.equal(preview(moved, domain), preview(state, domain))


def test_a_resolved_edit_needs_no_model(domain: Domain, tmp_path: Path) -> None:
    edit = TextEdit(TARGET, 2.0).resolved(domain)
    assert edit.neutral == "a person" and edit.method == "global" and edit.beta is not None
    bare = open_domain(domain.folder)
    bare.parts.pop("text_image_model"), bare.parts.pop("global_directions")
    states = [edit.apply(state_of("seed:3", where), where) for where in (domain, bare)]
    assert torch.equal(*(render(state, domain) for state in states)), "bit-equal"
    with pytest.raises(MissingFile, match="no text image model"):
        TextEdit(TARGET, 2.0).apply(state_of("seed:3", bare), bare)


def test_channels_of_some_layers_only(domain: Domain) -> None:
    edit = TextEdit(TARGET, 2.0, layers=(1, 2), beta=0.0).resolved(domain)
    assert edit.change is not None
    row_of = rows_by_layer(domain.generator)
    assert {row_of[layer] for layer, _, _ in edit.change.layers} == {1, 2}


def test_a_number_of_channels_instead_of_beta(domain: Domain) -> None:
    for count in (1, 5, 20):
        edit = TextEdit(TARGET, 2.0, channels=count).resolved(domain)
        assert edit.change is not None and edit.change.num_channels == count
    auto = TextEdit(TARGET, 2.0).resolved(domain)
    total = sum(style_widths(domain.generator)[layer] for layer in domain.global_directions.rows)
    assert auto.change is not None
    assert 8 <= auto.change.num_channels <= max(8, round(0.03 * total))


def test_an_automatic_beta_takes_few_channels_where_few_matter() -> None:
    background = 0.05 * torch.randn(4_000, generator=torch.Generator().manual_seed(0))
    few, some, many = (background.clone() for _ in range(3))
    few[:4] += 0.8
    some[:40] += 0.6
    many[:1_000] += 0.4
    counts = [auto_count({"b4.conv1": r[:500], "b8.conv0": r[500:]}) for r in (few, some, many)]
    assert counts[0] == 20 and 60 <= counts[1] <= 100 and counts[2] == 120
    assert auto_count({"b4.conv1": torch.tensor([0.0, 0.5, 0.0])}) == 1


def test_kept_attributes_do_not_follow_to_first_order(domain: Domain) -> None:
    plain, held = (
        TextEdit(TARGET, 1.0, beta=0.0, keep=keep).resolved(domain) for keep in ((), ("age",))
    )
    gradient, std = reading_gradient(domain, "age"), statistics_of(domain).std
    moved = []
    for edit in (plain, held):
        assert edit.change is not None
        dense = edit.change.tensors(style_widths(domain.generator))
        moved.append(sum(float(dense[k] / std[k].clamp_min(1e-12) @ gradient[k]) for k in dense))
    assert abs(moved[1]) < 1e-4 * max(1, abs(moved[0])) or abs(moved[1]) < 1e-6


def test_a_boundary_that_stands_in_for_a_reading_keeps_to_its_rows(
    domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = replace(boundary(domain, "age"), layers=(0,))
    monkeypatch.setattr(text_gradients, "boundary", lambda *_: own)
    found = text_gradients._boundary_step(domain, "age")
    moved = {layer for layer, values in found.items() if bool(values.abs().max() > 1e-6)}
    assert moved == {layer for layer, row in rows_by_layer(domain.generator).items() if row == 0}


def test_fewer_latents_are_taken_together_the_larger_they_are(domain: Domain) -> None:
    assert [latents_at_once(size) for size in (32, 256, 512, 1024, 2048)] == [4, 4, 4, 1, 1]
    assert [len(ws) for ws in text_gradients._samples(domain, 1024)] == [1] * 8
    assert [len(ws) for ws in text_gradients._samples(domain, 32)] == [4, 4]


def test_kept_texts_are_projected_out(domain: Domain) -> None:
    clip = domain.clip
    other = text_direction(clip, "a person", "an old man")
    held = relevance(domain, TextEdit(TARGET, 1.0, "a person", keep=("an old man",)))
    dt = text_direction(clip, "a person", TARGET)
    wanted = by_table(domain.global_directions.rows, F.normalize(dt - (dt @ other) * other, dim=0))
    for layer, values in wanted.items():
        torch.testing.assert_close(held[layer], values, rtol=1e-3, atol=1e-4)
    with pytest.raises(BadInput, match="say the same"):
        relevance(domain, TextEdit(TARGET, 1.0, "a person", keep=(TARGET,)))


def test_without_a_table_gradients_say_what_is_relevant(domain: Domain) -> None:
    edit, reports = TextEdit(TARGET, 1.0, "a person", method="jacobian"), list[tuple[int, int]]()
    assert not is_known(domain, edit)
    r = relevance(domain, edit, lambda *report: reports.append(report))
    assert reports and is_known(domain, edit) and reports[-1][0] == reports[-1][1]
    dt, layer = text_direction(domain.clip, "a person", TARGET), "b16.conv0"
    ws = base_ws(domain, 8, 0.7, 5)
    styles = {k: v.detach().requires_grad_() for k, v in domain.generator.styles(ws).items()}
    read = domain.clip.encode_pictures(domain.generator.synthesis(styles))
    slope = torch.autograd.grad((read @ dt).sum(), styles[layer], retain_graph=True)[0].mean(0)
    axes = [torch.autograd.grad(read[:, i].sum(), styles[layer], retain_graph=True)[0]
            for i in range(read.shape[1])]  # fmt: skip
    length = torch.stack(axes).square().sum(0).mean(0).sqrt()
    exact = slope / length
    assert float(F.cosine_similarity(exact, r[layer], dim=0)) > 0.9
    assert all(float(values.abs().max()) <= 1 for values in r.values())
    change = replace(edit, beta=0.0).resolved(domain).change
    assert change is not None
    moved, std = change.tensors(style_widths(domain.generator))[layer], statistics_of(domain).std
    steepest = slope * std[layer].square()  # per σ, in units of S
    assert float(F.cosine_similarity(moved, steepest, dim=0)) > 0.999
    assert not any(name.endswith("torgb") for name in r)


def test_tables_of_something_else_are_refused(domain: Domain, tmp_path: Path) -> None:
    other = with_table(write_text_domain(tmp_path / "clip", clip_seed=9))
    (other.folder / "domain.yaml").rename(tmp_path / "kept")
    facts = yaml.safe_load((tmp_path / "kept").read_text())
    table = (domain.folder / "global_directions.safetensors").read_bytes()
    (other.folder / "global_directions.safetensors").write_bytes(table)
    facts["global_directions"] = describe(other.folder, "global_directions.safetensors")
    (other.folder / "domain.yaml").write_text(yaml.safe_dump(facts))
    with pytest.raises(BadInput, match="with the text-image model .*statistics build"):
        _ = open_domain(other.folder).global_directions
    with pytest.raises(BadInput, match="measured on the generator"):
        domain.global_directions.check(
            style_widths(domain.generator), "0" * 16, {domain.clip.fingerprint: 16}, "x"
        )


@pytest.mark.parametrize(
    "wrong", [{"alpha": float("nan")}, {"alpha": 1e9}, {"beta": -1.0}, {"beta": float("inf")},
              {"channels": 0}]
)  # fmt: skip
def test_impossible_values_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(BadInput, match="choose"):
        TextEdit(**{"target": TARGET, "alpha": 1.0, **wrong})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "target, says",
    [("", "empty"), ("x" * 10_000, "limit is"), ("😀", "knows no word"), ("a person", "both"),
     ("Grüße aus Köln", "knows no word")],
)  # fmt: skip
def test_texts_that_say_nothing_are_refused(domain: Domain, target: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        TextEdit(target, 1.0).resolved(domain)


@given(st.text(max_size=40))
def test_any_text_edits_or_is_refused_in_a_sentence(domain: Domain, text: str) -> None:
    try:
        edit = TextEdit(text, 1.0, "a face").resolved(domain)
        assert edit.change is not None and edit.change.num_channels > 0
    except EditingError as refusal:
        assert str(refusal).endswith(".")


def test_a_change_of_another_generator_is_refused(domain: Domain) -> None:
    change = StyleChange((("b4.conv1", (999,), (1.0,)),))
    with pytest.raises(BadInput, match="channel 999 of b4.conv1"):
        TextEdit("x", 1.0, change=change).apply(state_of("seed:0", domain), domain)
