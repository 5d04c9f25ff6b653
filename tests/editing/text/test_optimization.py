"""CLIP-guided optimisation and latent mappers: they gain on the text, and become edits."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from editing.edits.stack import EditStack, Entry, Move, render, state_of
from editing.errors import BadInput, UnknownName
from editing.models.domain import Domain
from editing.models.networks.prompts import text_direction
from editing.models.states import EditState
from editing.recipes.recipe import Recipe, recipe_from_yaml, recipe_to_yaml
from editing.text import mappers
from editing.text.edit import TextEdit
from editing.text.mappers import (
    MapperOptions,
    TrainedMapper,
    load_mapper,
    save_mapper,
    train_mapper,
)
from editing.text.optimization import DescentOptions, descend, offset_move
from tests.helpers.text_domain import write_text_domain

TARGET = "a smiling person"
FREE = DescentOptions(steps=15, l2=0.0, identity=0.0, lr=0.1)


@pytest.fixture(scope="module")
def domain(tmp_path_factory: pytest.TempPathFactory) -> Domain:
    return write_text_domain(tmp_path_factory.mktemp("domain") / "studio")


@torch.no_grad()
def seen(domain: Domain, state: EditState) -> float:
    """How far the picture is on the way to the text."""
    dt = text_direction(domain.clip, "a person", TARGET)
    return float(domain.clip.encode_pictures(render(state, domain).clamp(-1, 1))[0] @ dt)


@pytest.mark.parametrize("space", ["w+", "s"])
def test_it_gains_on_the_text_and_replays(domain: Domain, space: str) -> None:
    state = state_of("seed:4", domain)
    *steps, last = descend(domain, state, TARGET, "a person", replace(FREE, space=space))
    assert last.done and last.index == 15 and len(steps) == 15
    edit = last.find()
    assert isinstance(edit, Move if space == "w+" else TextEdit)
    after = edit.apply(state, domain)
    assert seen(domain, after) > seen(domain, state) + 0.01
    recipe = recipe_from_yaml(recipe_to_yaml(Recipe(EditStack((Entry(edit),)))))
    again = recipe.stack.apply(state, domain)
    assert torch.equal(render(again, domain), render(after, domain)), "bit-equal"
    assert torch.equal(render(state_of("seed:4", domain), domain), render(state, domain))


def test_it_may_be_left_at_any_step_and_starts_from_the_edited_state(domain: Domain) -> None:
    state = TextEdit("an old man", 5.0).apply(state_of("seed:4", domain), domain)
    work = descend(domain, state, TARGET, options=replace(FREE, space="s"))
    for _ in range(4):
        step = next(work)
    edit = step.find()
    work.close()
    assert set(edit.apply(state, domain).s_delta) >= set(state.s_delta)


def test_weights_hold_it_back_and_rows_stay(domain: Domain) -> None:
    state = state_of("seed:4", domain)
    lengths = []
    for l2 in (0.0, 50.0):
        *_, last = descend(domain, state, TARGET, options=replace(FREE, l2=l2, layers=(1, 2)))
        moved = last.find().apply(state, domain).ws - state.ws
        lengths.append(float(moved.norm()))
        assert float(moved[:, [0, 3]].abs().max()) < 1e-6
    assert lengths[1] < 0.5 * lengths[0]


def test_offsets_are_moves(domain: Domain) -> None:
    state = state_of("seed:1", domain)
    offset = torch.randn(state.ws.shape[1:], generator=torch.Generator().manual_seed(0))
    offset[2] = 0
    moved = offset_move("mine", offset, 0.5).apply(state, domain)
    torch.testing.assert_close(moved.ws, state.ws + 0.5 * offset, rtol=1e-4, atol=1e-5)
    assert torch.equal(moved.ws[:, 2], state.ws[:, 2])


@pytest.mark.parametrize(
    "wrong", [{"space": "z"}, {"steps": 0}, {"lr": float("nan")}, {"l2": -1.0}]
)  # fmt: skip
def test_impossible_searches_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(BadInput):
        DescentOptions(**wrong)  # type: ignore[arg-type]


def test_rows_that_are_not_there_are_refused(domain: Domain) -> None:
    with pytest.raises(BadInput, match="rows go from 0"):
        next(
            descend(
                domain, state_of("seed:0", domain), TARGET, options=DescentOptions(layers=(99,))
            )
        )


# -- mappers


QUICK = MapperOptions(steps=30, batch=2, l2=0.0, identity=0.0, lr=0.02)


@pytest.fixture(scope="module")
def mapper(domain: Domain) -> TrainedMapper:
    *_, last = train_mapper(domain, TARGET, "a person", QUICK)
    assert last.mapper is not None
    return last.mapper


def test_a_mapper_edits_people_it_has_not_seen(domain: Domain, mapper: TrainedMapper) -> None:
    gains = []
    for seed in range(4):
        state = state_of(f"seed:{seed}", domain)
        gains.append(seen(domain, mapper.move(state.ws).apply(state, domain)) - seen(domain, state))
    assert sum(gains) / 4 > 0.01
    still = mapper.move(state.ws, 0.0).apply(state, domain)
    assert torch.equal(still.ws, state.ws)


def test_mappers_come_back_from_their_files(
    domain: Domain, mapper: TrainedMapper, tmp_path: Path
) -> None:
    save_mapper(tmp_path / "m.safetensors", mapper)
    again = load_mapper(tmp_path / "m.safetensors", domain)
    ws = state_of("seed:3", domain).ws
    torch.testing.assert_close(again.net(ws), mapper.net(ws), rtol=1e-2, atol=1e-2)
    assert (again.target, again.neutral) == (TARGET, "a person")
    other = replace(mapper, fingerprint="0" * 16)
    save_mapper(tmp_path / "other.safetensors", other)
    with pytest.raises(BadInput, match="trained on the generator 0000"):
        load_mapper(tmp_path / "other.safetensors", domain)


def test_a_killed_training_goes_on_to_the_same_mapper(
    domain: Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mappers, "SAVE_EVERY", 2)
    few, state = replace(QUICK, steps=6), tmp_path / "state"
    *_, whole = train_mapper(domain, TARGET, "", few)
    work = train_mapper(domain, TARGET, "", few, state)
    for _ in range(5):
        next(work)
    work.close()
    rest = list(train_mapper(domain, TARGET, "", few, state))
    assert rest[0].done == 5 and rest[-1].mapper is not None and whole.mapper is not None
    for name, weight in whole.mapper.net.named_parameters():
        assert torch.equal(weight, rest[-1].mapper.net.get_parameter(name))
    with pytest.raises(BadInput, match="no unfinished training of this"):
        next(train_mapper(domain, "an old man", "", few, state))


def test_only_some_groups_move(domain: Domain) -> None:
    *_, last = train_mapper(domain, TARGET, options=replace(QUICK, steps=2, groups=("coarse",)))
    assert last.mapper is not None
    offset = last.mapper.net(state_of("seed:0", domain).ws)
    assert float(offset[:, :3].abs().max()) > 0 and float(offset[:, 3:].abs().max()) == 0
    with pytest.raises(UnknownName, match="coarse"):
        next(train_mapper(domain, TARGET, options=replace(QUICK, groups=("tiny",))))
