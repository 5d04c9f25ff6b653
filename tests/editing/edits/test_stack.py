"""States, stacks, undo, and the canonical picture."""

from dataclasses import FrozenInstanceError, dataclass, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from editing.directions.direction import MAX_ALPHA, Direction, boundary
from editing.edits.stack import (
    EditStack,
    EditState,
    Entry,
    History,
    Move,
    latent_of,
    preview,
    render,
    state_of,
)
from editing.errors import BadInput, BadLatent, UnknownName
from editing.models.domain import Domain
from editing.models.latents import latent_from_bytes, latent_to_bytes, sample_z
from tests.conftest import ATTRIBUTES


@pytest.fixture
def state(tiny_domain: Domain) -> EditState:
    return state_of("seed:3", tiny_domain)


def same(a: EditState, b: EditState) -> bool:
    maps = [(a.s_delta, b.s_delta), (a.noise, b.noise), (a.weight_delta, b.weight_delta)]
    return (
        torch.equal(a.ws, b.ws)
        and all(x.keys() == y.keys() for x, y in maps)
        and all(torch.equal(x[key], y[key]) for x, y in maps for key in x)
        and a.composites == b.composites
    )


def test_seeds_become_states(tiny_domain: Domain, state: EditState) -> None:
    generator = tiny_domain.generator
    z = sample_z([3], generator.z_dim)
    assert torch.equal(state.ws, generator.mapping(z, truncation_psi=0.7))
    assert torch.equal(state_of("seed:3@1", tiny_domain).ws, generator.mapping(z))
    with pytest.raises(BadInput, match="photo.jpg"):
        state_of("photo.jpg", tiny_domain)


def test_moves_are_the_formula(tiny_domain: Domain, state: EditState) -> None:
    n = boundary(tiny_domain, "smile")
    moved = Move("smile", 2.0, layers=(1, 2)).apply(state, tiny_domain)
    assert torch.equal(moved.ws[:, 1:3], state.ws[:, 1:3] + 2.0 * n.step * n.vector)
    assert torch.equal(moved.ws[:, 3:], state.ws[:, 3:])
    there = Move("smile", 0.25, absolute=True).apply(state, tiny_domain)
    assert torch.allclose(there.ws @ n.vector, torch.tensor(0.25), atol=1e-5)
    held = Move("smile", 2.0, given=("age",)).apply(state, tiny_domain)
    age = boundary(tiny_domain, "age").vector
    assert torch.allclose(held.ws @ age, state.ws @ age, atol=1e-5)


def test_strength_zero_and_switched_off_change_nothing(
    tiny_domain: Domain, state: EditState
) -> None:
    stack = EditStack((Entry(Move("smile", 0.0)), Entry(Move("age", 3.0), on=False)))
    assert same(stack.apply(state, tiny_domain), state)
    assert same(EditStack().apply(state, tiny_domain), state)


@pytest.mark.parametrize("alpha", [float("nan"), float("inf")])
def test_impossible_strengths(alpha: float) -> None:
    with pytest.raises(BadInput, match="smile="):
        Move("smile", alpha)
    with pytest.raises(BadInput, match="smile="):
        Move("smile", -101.0, absolute=True)


def test_a_strength_beyond_all_limits_ends_at_the_limit(
    tiny_domain: Domain, state: EditState
) -> None:
    far, limit = Move("smile", 1e9), Move("smile", MAX_ALPHA)
    assert same(far.apply(state, tiny_domain), limit.apply(state, tiny_domain))
    assert "smile=1e+09 is beyond" in far.doubts(tiny_domain)[0] and not limit.doubts(tiny_domain)


def test_a_move_is_not_held_still_against_itself(tiny_domain: Domain, state: EditState) -> None:
    alone, own = Move("smile", 2.0, given=("age",)), Move("smile", 2.0, given=("smile", "age"))
    assert same(own.apply(state, tiny_domain), alone.apply(state, tiny_domain))


def test_a_direction_of_z_keeps_to_its_own_rows_and_strengths(
    tiny_domain: Domain, state: EditState
) -> None:
    vector = torch.nn.functional.normalize(torch.arange(1.0, 13.0), dim=0)
    everywhere = Direction("up", vector, space="z")
    graded = replace(everywhere, layers=(2, 3), strengths=(1.0, 1.0, 1.0, 0.5, 1.0, 1.0, 1.0, 1.0))
    for absolute in (False, True):
        whole, some = (
            Move("up", 2.0, absolute=absolute, own=(one,)).apply(state, tiny_domain)
            for one in (everywhere, graded)
        )
        assert some.z is not None and whole.z is not None and torch.equal(some.z, whole.z)
        change = whole.ws - state.ws
        expected = torch.zeros_like(change)
        expected[:, 2], expected[:, 3] = change[:, 2], change[:, 3] / 2
        assert change[:, 2].abs().max() > 1e-3
        torch.testing.assert_close(some.ws - state.ws, expected, atol=1e-5, rtol=1e-4)


def test_impossible_moves(tiny_domain: Domain, state: EditState) -> None:
    with pytest.raises(BadInput, match="2 strengths for 1 layers"):
        Move("smile", 1.0, layers=(3,), strengths=(1.0, 0.5))
    with pytest.raises(UnknownName, match="choose from smile, age, gender"):
        Move("charm", 1.0).apply(state, tiny_domain)
    with pytest.raises(UnknownName, match="choose from smile, age, gender"):
        Move("smile", 1.0, given=("charm",)).apply(state, tiny_domain)
    with pytest.raises(BadInput, match="rows 0 to 7"):
        Move("smile", 1.0, layers=(8,)).apply(state, tiny_domain)


def test_everything_is_immutable(state: EditState) -> None:
    for value, name in (
        (state, "ws"), (Move("smile", 1.0), "alpha"), (EditStack(), "entries"),
        (History(), "past"), (Entry(Move("smile", 1.0)), "on"),
    ):  # fmt: skip
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, None)


moves = st.builds(
    Move,
    st.sampled_from(ATTRIBUTES),
    st.floats(-5, 5),
    st.none() | st.sets(st.integers(0, 7), min_size=1).map(lambda rows: tuple(sorted(rows))),
    st.just(()),
    st.booleans(),
)
stacks = st.lists(st.builds(Entry, moves, st.booleans()), max_size=4).map(
    lambda entries: EditStack(tuple(entries))
)


@given(st.lists(stacks, max_size=8), st.lists(st.sampled_from(["undo", "redo"]), max_size=12))
@settings(deadline=None, max_examples=40)
def test_undo_to_the_start_and_redo_to_the_end_is_bit_equal(
    tiny_domain: Domain, sequence: list[EditStack], wandering: list[str]
) -> None:
    start = state_of("seed:1", tiny_domain)
    history = History()
    for stack in sequence:
        history = history.push(stack)
    end = history.present.apply(start, tiny_domain)
    picture = render(end, tiny_domain)
    for step in wandering:
        history = getattr(history, step)()
    for _ in range(len(sequence) + 1):
        history = history.undo()
    assert same(history.present.apply(start, tiny_domain), start)
    for _ in range(len(sequence) + 1):
        history = history.redo()
    again = history.present.apply(start, tiny_domain)
    assert same(again, end) and torch.equal(render(again, tiny_domain), picture)


def test_a_new_edit_gives_up_what_was_undone() -> None:
    first, second = EditStack().add(Move("smile", 1.0)), EditStack().add(Move("age", 1.0))
    history = History().push(first).undo().push(second)
    assert history.redo() is history and history.undo().present == EditStack()


def test_the_canonical_picture_ignores_its_surroundings(
    tiny_domain: Domain, state: EditState
) -> None:
    expected = tiny_domain.generator.synthesis(state.ws)
    assert torch.equal(render(state, tiny_domain), expected)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(render(state, tiny_domain), expected)
    shown = preview(state, tiny_domain)
    assert shown.dtype == torch.float32 and shown.shape == expected.shape
    assert (shown - expected).abs().mean() < 0.02 * expected.abs().max()


def test_one_picture_at_a_time(tiny_domain: Domain, state: EditState) -> None:
    with pytest.raises(BadInput, match="2 latents"):
        render(EditState(state.ws.expand(2, -1, -1)), tiny_domain)


def test_every_field_of_the_state_is_drawn(tiny_domain: Domain, state: EditState) -> None:
    generator = tiny_domain.generator
    styles = generator.styles(state.ws)
    shift = torch.randn(styles["b8.conv0"].shape[1])
    moved = {**styles, "b8.conv0": styles["b8.conv0"] + shift}
    changed = replace(state, s_delta={"b8.conv0": shift})
    assert torch.equal(render(changed, tiny_domain), generator.synthesis(moved))

    quiet = {"b16.conv1": torch.zeros(16, 16)}
    changed = replace(state, noise=quiet)
    expected = generator.synthesis(state.ws, noise=quiet)
    assert torch.equal(render(changed, tiny_domain), expected)

    name = "b32.torgb.bias"
    changed = replace(state, weight_delta={name: torch.full([3], 0.25)})
    assert torch.allclose(
        render(changed, tiny_domain), render(state, tiny_domain) + 0.25, atol=1e-5
    )
    changed = replace(state, weight_delta={"b8.conv0.affine.bias": shift})
    assert not torch.equal(render(changed, tiny_domain), render(state, tiny_domain))

    changed = replace(state, composites=(Darker(0.5), Darker(0.5)))
    assert torch.equal(render(changed, tiny_domain), render(state, tiny_domain) * 0.25)


@dataclass(frozen=True)
class Darker:
    factor: float

    def apply(self, img: Tensor, domain: Domain) -> Tensor:
        return img * self.factor


@pytest.mark.parametrize(
    "changes", [{"s_delta": {"b8.conv9": torch.zeros(12)}},
                {"s_delta": {"b8.conv0": torch.zeros(5)}},
                {"weight_delta": {"b8.x": torch.zeros(1)}},
                {"weight_delta": {"b4.const": torch.zeros(3)}}],
)  # fmt: skip
def test_changes_of_another_generator_are_refused(
    tiny_domain: Domain, state: EditState, changes: dict[str, dict[str, Tensor]]
) -> None:
    with pytest.raises(BadInput, match="does not fit this generator"):
        render(replace(state, **changes), tiny_domain)


def test_latents_and_states_are_the_same_thing(tiny_domain: Domain, state: EditState) -> None:
    full = replace(
        EditStack().add(Move("age", 1.5, layers=(0, 1))).apply(state, tiny_domain),
        s_delta={"b8.conv0": torch.ones(12)},
        noise={"b4.conv1": torch.zeros(4, 4)},
        weight_delta={"b32.torgb.bias": torch.ones(3)},
    )
    assert latent_of(state, tiny_domain).space == "w" and latent_of(full, tiny_domain).space == "w+"
    latent = latent_from_bytes(latent_to_bytes(latent_of(full, tiny_domain, source_hash="ab")))
    assert same(state_of(latent, tiny_domain), full)
    assert latent.source_hash == "ab" and latent.domain == "tiny"
    with pytest.raises(BadLatent):
        state_of(replace(latent, fingerprint="0" * 16), tiny_domain)
