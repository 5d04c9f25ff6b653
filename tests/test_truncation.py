"""Truncation after the edits, of some rows, as genforce's interfacegan and idinvert have it.

genforce/interfacegan 8da3fc0, models/stylegan_generator.py: w of W is moved first, then the first 8
layers are pulled towards the mean by 0.7.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from editing.cli import main
from editing.directions import Direction
from editing.domains import Domain
from editing.edits import EditStack, Entry, Move, render, state_of
from editing.errors import BadInput
from editing.latents import SeedSpec, parse_seed, sample_z
from editing.mixing import between
from editing.recipes import Source, make_recipe, recipe_from_yaml, recipe_to_yaml
from editing.replays import replay
from tests.test_generator import close

CUTOFF, PSI = 3, 0.7


@pytest.fixture
def up() -> Direction:
    vector = torch.randn(16, generator=torch.Generator().manual_seed(4))
    return Direction("up", vector / vector.norm())


def theirs(domain: Domain, seed: int, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """The makers' picture: map, change, truncate the first rows, draw."""
    generator = domain.generator
    w = change(generator.mapping(sample_z([seed], generator.z_dim))[:, 0])
    ws = w[:, None].repeat(1, generator.num_ws, 1)
    mean = generator.mapping.w_avg
    ws[:, :CUTOFF] = mean + (ws[:, :CUTOFF] - mean) * PSI
    return generator.synthesis(ws)


@pytest.mark.parametrize("absolute", [False, True])
def test_the_makers_picture(tiny_domain: Domain, up: Direction, absolute: bool) -> None:
    def change(w: torch.Tensor) -> torch.Tensor:
        return w + (2.0 - w @ up.vector * absolute)[:, None] * up.vector

    state = state_of(f"seed:5@{PSI}/{CUTOFF}", tiny_domain)
    assert (render(state, tiny_domain) - theirs(tiny_domain, 5, lambda w: w)).abs().max() < 1e-5
    moved = Move("up", 2.0, absolute=absolute, own=(up,)).apply(state, tiny_domain)
    expected = theirs(tiny_domain, 5, change)
    assert (render(moved, tiny_domain) - expected).abs().max() < 1e-5
    before = Move("up", 2.0, absolute=absolute, own=(up,)).apply(
        state_of("seed:5", tiny_domain), tiny_domain
    )
    assert (render(before, tiny_domain) - expected).abs().max() > 1e-3, "all rows, and first"


def test_rows_that_do_not_move_stay_bit_equal(tiny_domain: Domain, up: Direction) -> None:
    state = state_of(f"seed:5/{CUTOFF}", tiny_domain)
    moved = Move("up", 2.0, (1, 6), own=(up,)).apply(state, tiny_domain)
    still = [row for row in range(tiny_domain.generator.num_ws) if row not in (1, 6)]
    assert torch.equal(moved.ws[:, still], state.ws[:, still])
    lengths = (moved.ws - state.ws)[0, [1, 6]].norm(dim=1)
    assert torch.allclose(lengths, torch.tensor([2.0 * PSI, 2.0]), atol=1e-5)


def test_a_move_in_z_is_truncated_alike(tiny_domain: Domain) -> None:
    vector = torch.randn(12, generator=torch.Generator().manual_seed(4))
    up = Direction("up", vector / vector.norm(), space="z")
    state = state_of(f"seed:5/{CUTOFF}", tiny_domain)
    moved = Move("up", 1.5, own=(up,)).apply(state, tiny_domain)
    assert state.z is not None
    mapping = tiny_domain.generator.mapping
    assert close(moved.ws, mapping(state.z + 1.5 * up.vector, None, PSI, CUTOFF))


def test_a_psi_of_zero_moves_only_what_is_free(tiny_domain: Domain, up: Direction) -> None:
    state = state_of(f"seed:5@0/{CUTOFF}", tiny_domain)
    moved = Move("up", 2.0, own=(up,)).apply(state, tiny_domain)
    assert torch.equal(moved.ws[:, :CUTOFF], state.ws[:, :CUTOFF])
    assert moved.ws.isfinite().all() and not torch.equal(moved.ws, state.ws)


def test_it_travels_in_recipes_and_morphs(tiny_domain: Domain, up: Direction) -> None:
    name = f"seed:5/{CUTOFF}"
    stack = EditStack((Entry(Move("up", 2.0, own=(up,))),))
    recipe = make_recipe(tiny_domain, Source("seed", name), stack)
    again = replay(recipe_from_yaml(recipe_to_yaml(recipe)), tiny_domain)
    state = state_of(name, tiny_domain)
    assert torch.equal(again.edited.ws, stack.apply(state, tiny_domain).ws)
    other = state_of(f"seed:6/{CUTOFF}", tiny_domain)
    for t, end in ((0.0, state), (1.0, other)):
        found = between(state, other, t, tiny_domain, "z")
        assert close(found.ws, end.ws) and found.cutoff == CUTOFF


def test_seeds_say_it(tiny_domain: Domain) -> None:
    specs = {"seed:5/8": SeedSpec(5, cutoff=8), "seed:5@0.5/0#2": SeedSpec(5, 0.5, 2, 0)}
    for text, spec in specs.items():
        assert parse_seed(text) == spec and str(spec) == text
    for text, message in (
        ("seed:5/65", "first 65 rows"),
        ("seed:5/9", "truncates 9 rows, but tiny has 8"),
        ("seed:5/", "seed:123@0.5/8"),
        ("seed:5/-1", "is no seed"),
    ):
        with pytest.raises(BadInput, match=message):
            state_of(text, tiny_domain)
    with pytest.raises(BadInput, match="first -1 rows"):
        replace(SeedSpec(1), cutoff=-1)


def test_the_commands(
    tiny_domain: Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    domain = ["--domain", str(tiny_domain.folder)]
    flag = ["--truncation-cutoff", str(CUTOFF)]
    assert main(["generate", "--seeds", "5", "--out", "g", *flag, *domain]) == 0
    edit = ["edit", "--move", "smile=2", *domain]
    assert main([*edit, "seed:5", "--out", "a.png", *flag]) == 0
    assert main([*edit, f"seed:5/{CUTOFF}", "--out", "b.png"]) == 0
    assert main([*edit, "g/seed0005.png", "--out", "c.png"]) == 0, "its recipe knows the cutoff"
    pictures = [Path(name).read_bytes() for name in ("a.png", "b.png", "c.png")]
    assert pictures[0] == pictures[1] == pictures[2]
    capsys.readouterr()
    for source, value, message in (
        ("g/seed0005.png", "3", "is for seeds"),
        ("seed:5/4", "3", "is for seeds"),
        ("seed:5", "three", "needs a whole number from 0 to 64"),
    ):
        assert main([*edit, source, "--out", "x.png", "--truncation-cutoff", value]) == 2
        assert message in capsys.readouterr().err
    assert not Path("x.png").exists()
