"""The algebra of mixing, on a tiny generator and on portraits that carry everything they can."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from editing.directions.direction import boundary
from editing.edits.mixing import (
    SPACES,
    between,
    crossover,
    exchange,
    grained,
    projected,
    row_strengths,
    slerp,
    transfer,
)
from editing.edits.stack import EditState, render, state_of
from editing.errors import BadInput
from editing.inversion.pivotal_tuning import tuned_parameters
from editing.models.domain import Domain
from editing.models.generators.generator import Generator
from editing.models.generators.layers import layer_groups, rows_by_layer, style_rows
from editing.models.generators.noise_maps import noise_maps
from editing.models.generators.stylegan1 import StyleGAN1Config
from editing.models.generators.stylegan3 import StyleGAN3Config
from tests.conftest import make_tiny_generator


def loaded(seed: int, domain: Domain) -> EditState:
    """A portrait with rows of its own, style offsets, noise maps and tuned weights."""
    rng = torch.Generator().manual_seed(seed)

    def like(tensor: Tensor, scale: float) -> Tensor:
        return scale * torch.randn(tensor.shape, generator=rng)

    state = state_of(f"seed:{seed}", domain)
    styles = domain.generator.styles(state.ws)
    return replace(
        state,
        ws=state.ws + like(state.ws, 0.3),
        s_delta={name: like(style[0], 0.1) for name, style in styles.items()},
        noise={name: like(each, 1.0) for name, each in noise_maps(domain.generator).items()},
        weight_delta={n: like(p, 0.02) for n, p in tuned_parameters(domain.generator).items()},
    )


@pytest.fixture(scope="module")
def pair(tiny_domain: Domain) -> tuple[EditState, EditState]:
    return loaded(1, tiny_domain), loaded(2, tiny_domain)


def same(a: EditState, b: EditState) -> bool:
    fields = ("s_delta", "noise", "weight_delta")
    return torch.equal(a.ws, b.ws) and all(
        getattr(a, name).keys() == getattr(b, name).keys()
        and all(torch.equal(v, getattr(b, name)[k]) for k, v in getattr(a, name).items())
        for name in fields
    )


SHARES = st.lists(st.floats(0, 1), min_size=8, max_size=8)


@given(shares=SHARES)
@settings(max_examples=25, deadline=None)
def test_mix_of_one_is_the_one(shares: list[float], tiny_domain: Domain) -> None:
    a = loaded(1, tiny_domain)
    mixed = crossover(a, a, shares, tiny_domain)
    assert torch.equal(mixed.ws, a.ws)
    assert torch.allclose(render(mixed, tiny_domain), render(a, tiny_domain), atol=1e-4)


def test_rows_come_whole_and_others_stay(
    pair: tuple[EditState, EditState], tiny_domain: Domain
) -> None:
    a, b = pair
    rows = layer_groups(tiny_domain.generator)["coarse"]
    shares = row_strengths(tiny_domain.generator, rows, ())
    mixed, of = crossover(a, b, shares, tiny_domain), rows_by_layer(tiny_domain.generator)
    for row in range(a.ws.shape[1]):
        assert torch.equal(mixed.ws[:, row], (b if row in rows else a).ws[:, row])
    for field in ("s_delta", "noise"):
        for name, tensor in getattr(mixed, field).items():
            owner = b if of[name] in rows else a
            assert torch.equal(tensor, getattr(owner, field)[name]), (field, name)
    for name, change in mixed.weight_delta.items():
        owner = b if of[name.rpartition(".")[0]] in rows else a
        assert torch.equal(change, owner.weight_delta[name])


def test_all_or_nothing_draws_the_one_or_the_other(
    pair: tuple[EditState, EditState], tiny_domain: Domain
) -> None:
    a, b = pair
    for share, owner in ((0.0, a), (1.0, b)):
        mixed = crossover(a, b, [share] * 8, tiny_domain)
        assert same(mixed, owner)
        assert torch.equal(render(mixed, tiny_domain), render(owner, tiny_domain))


def test_plain_portraits_mix_with_tuned_ones(tiny_domain: Domain) -> None:
    plain, tuned = state_of("seed:3", tiny_domain), loaded(4, tiny_domain)
    half = crossover(plain, tuned, [0.5] * 8, tiny_domain)
    for name, change in tuned.weight_delta.items():
        assert torch.allclose(half.weight_delta[name], change / 2)
    for name, stored in noise_maps(tiny_domain.generator).items():
        assert torch.allclose(half.noise[name], slerp(stored, tuned.noise[name], 0.5), atol=1e-6)
    assert render(half, tiny_domain).isfinite().all()
    kept = crossover(plain, tuned, [0.0] * 8, tiny_domain)
    assert not kept.weight_delta and not kept.noise, "what is not taken leaves nothing behind"


def test_exchange_gives_both(pair: tuple[EditState, EditState], tiny_domain: Domain) -> None:
    a, b = pair
    shares = [0.0, 0.3, 1.0, 0.0, 0.5, 0.0, 0.0, 1.0]
    one, two = exchange(a, b, shares, tiny_domain)
    assert torch.allclose(one.ws + two.ws, a.ws + b.ws, atol=1e-5)
    assert torch.equal(one.ws[:, 2], b.ws[:, 2]) and torch.equal(two.ws[:, 2], a.ws[:, 2])


@pytest.mark.parametrize("space", SPACES)
def test_morphs_end_exactly(
    space: str, pair: tuple[EditState, EditState], tiny_domain: Domain
) -> None:
    a, b = pair
    assert same(between(a, b, 0, tiny_domain, space), a)
    assert same(between(a, b, 1, tiny_domain, space), b)
    steps = [between(a, b, t, tiny_domain, space) for t in (0.001, 0.5, 0.999)]
    pictures = [render(state, tiny_domain) for state in steps]
    near = (pictures[0] - render(a, tiny_domain)).abs().mean()
    assert near < 0.05 * (pictures[0] - pictures[2]).abs().mean(), "it leaves its start slowly"


def test_a_way_through_styles_is_the_way_through_w_plus(
    pair: tuple[EditState, EditState], tiny_domain: Domain
) -> None:
    a, b = pair
    s, w = (render(between(a, b, 0.3, tiny_domain, space), tiny_domain) for space in ("s", "w+"))
    assert torch.allclose(s, w, atol=1e-3)


def test_a_way_through_w_lies_in_w_at_its_middle(
    pair: tuple[EditState, EditState], tiny_domain: Domain
) -> None:
    middle = between(*pair, 0.5, tiny_domain, "w").ws
    assert torch.allclose(middle, middle[:, :1].expand_as(middle), atol=1e-5)


def test_a_way_through_z_keeps_its_length(tiny_domain: Domain) -> None:
    a, b = state_of("seed:1", tiny_domain), state_of("seed:2", tiny_domain)
    middle = between(a, b, 0.5, tiny_domain, "z").z
    assert middle is not None and a.z is not None and b.z is not None
    assert torch.isclose(middle.norm(), (a.z.norm() + b.z.norm()) / 2, rtol=1e-4)
    latent = replace(b, z=None)
    with pytest.raises(BadInput, match="z is known"):
        between(a, latent, 0.5, tiny_domain, "z")


def test_transfer_between_the_same_changes_nothing(
    pair: tuple[EditState, EditState], tiny_domain: Domain
) -> None:
    a, b = pair
    assert same(transfer(a, b, b, tiny_domain), a)
    moved = transfer(a, b, loaded(5, tiny_domain), tiny_domain, 0.7, rows=(1, 2))
    assert torch.equal(moved.ws[:, 3:], a.ws[:, 3:]) and torch.equal(moved.ws[:, 0], a.ws[:, 0])
    assert not torch.equal(moved.ws[:, 1:3], a.ws[:, 1:3])
    back = transfer(moved, b, loaded(5, tiny_domain), tiny_domain, -0.7, rows=(1, 2))
    assert torch.allclose(back.ws, a.ws, atol=1e-5)


def test_transfer_takes_style_offsets_along(tiny_domain: Domain) -> None:
    a, b, c = (loaded(seed, tiny_domain) for seed in (1, 2, 3))
    moved = transfer(a, b, c, tiny_domain, 0.5)
    for name in a.s_delta:
        expected = a.s_delta[name] + 0.5 * (c.s_delta[name] - b.s_delta[name])
        assert torch.allclose(moved.s_delta[name], expected, atol=1e-6)


def test_projected_transfer_moves_along_the_boundaries_alone(tiny_domain: Domain) -> None:
    a, b, c = (state_of(f"seed:{seed}", tiny_domain) for seed in (1, 2, 3))
    smile, age = boundary(tiny_domain, "smile"), boundary(tiny_domain, "age")
    change = transfer(a, b, c, tiny_domain, along=[smile]).ws - a.ws
    n = smile.vector
    assert torch.allclose(change, (change @ n)[..., None] * n, atol=1e-5)
    assert torch.allclose(change @ n, (c.ws - b.ws) @ n, atol=1e-4)
    part = projected(c.ws - b.ws, [smile, age])
    assert torch.allclose(projected(part, [smile, age]), part, atol=1e-5)
    rest = (c.ws - b.ws) - part
    assert (rest @ n).abs().max() < 1e-4 and (rest @ age.vector).abs().max() < 1e-4


def test_grain_changes_the_layers_named_and_nothing_else(tiny_domain: Domain) -> None:
    state, generator = state_of("seed:1", tiny_domain), tiny_domain.generator
    ones = [1.0] * generator.num_ws
    assert not grained(state, None, ones, tiny_domain).noise, "strength 1 of what is there"
    one, again = (grained(state, 7, ones, tiny_domain) for _ in range(2))
    other = grained(state, 8, ones, tiny_domain)
    for name in one.noise:
        assert torch.equal(one.noise[name], again.noise[name])
        assert not torch.equal(one.noise[name], other.noise[name])
    quiet = grained(state, None, [0.0] * generator.num_ws, tiny_domain)
    assert all(not each.any() for each in quiet.noise.values())
    assert torch.equal(one.ws, state.ws)


def test_slerp_of_one_is_the_one() -> None:
    x = torch.randn(8, 8, generator=torch.Generator().manual_seed(0))
    for t in (0.0, 0.3, 1.0):
        assert torch.allclose(slerp(x, x, t), x, atol=1e-6)
    y = torch.randn(8, 8, generator=torch.Generator().manual_seed(1))
    assert torch.equal(slerp(x, y, 0), x) and torch.equal(slerp(x, y, 1), y)
    plain = torch.lerp(x, y, 0.5).norm()
    assert slerp(x, y, 0.5).norm() > 1.2 * plain, "noise keeps its strength on the way"


@pytest.mark.parametrize(
    "wrong", [[0.5] * 7, [0.5] * 7 + [1.6], [0.5] * 7 + [-0.6], [float("nan")] * 8]
)
def test_shares_that_do_not_fit(
    wrong: list[float], pair: tuple[EditState, EditState], tiny_domain: Domain
) -> None:
    with pytest.raises(BadInput, match="from 0 to 1"):
        crossover(*pair, wrong, tiny_domain)


def test_portraits_of_two_generators(
    pair: tuple[EditState, EditState], tiny_domain: Domain
) -> None:
    stranger = EditState(torch.zeros(1, 10, 16))
    for call in (
        lambda: crossover(pair[0], stranger, [0.5] * 8, tiny_domain),
        lambda: transfer(pair[0], stranger, pair[1], tiny_domain),
        lambda: between(pair[0], stranger, 0.5, tiny_domain),
    ):
        with pytest.raises(BadInput, match="two generators"):
            call()


@pytest.mark.parametrize(
    "generator",
    [
        make_tiny_generator(64),
        Generator(StyleGAN1Config(32, (4, 4, 4, 4), z_dim=8, w_dim=8)),
        Generator(StyleGAN3Config(32, (4,) * 7, z_dim=8, w_dim=8)),
    ],
    ids=["stylegan2", "stylegan1", "stylegan3"],
)
def test_every_layer_reads_the_row_it_is_said_to(generator: Generator) -> None:
    ws = torch.zeros(1, generator.num_ws, generator.w_dim)
    plain = generator.styles(ws)
    rows = rows_by_layer(generator)
    assert list(rows) == list(plain) and rows.get("input", 0) == 0
    for row in range(generator.num_ws):
        moved = ws.clone()
        moved[:, row] = 1.0
        styles = generator.styles(moved)
        changed = {name for name in plain if not torch.equal(styles[name], plain[name])}
        expected = {name for name, own in rows.items() if own == row}
        assert changed == expected - {"input"}, "an untrained input reads nothing"
    assert set(style_rows(generator)) <= set(layer_groups(generator).get("fine", ()))
