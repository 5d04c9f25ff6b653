"""What a move changes, measured again."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from editing.directions import rescoring
from editing.directions.direction import Direction, boundary, move
from editing.directions.rescoring import (
    apartness,
    background_change,
    by_row,
    find_layers,
    rescore,
    safe_range,
    trial_ws,
)
from editing.directions.samples import read
from editing.errors import BadInput, UnknownName
from editing.models.domain import Domain


@pytest.fixture
def ws(tiny_domain: Domain) -> Tensor:
    return trial_ws(tiny_domain, 3)


def test_the_table_is_half_the_difference(tiny_domain: Domain, ws: Tensor) -> None:
    smile = boundary(tiny_domain, "smile")
    (effect,) = rescore(tiny_domain, [smile], ws, alpha=2.0)
    up, down = (read(tiny_domain, move(ws, smile, a), tiny_domain.scorer) for a in (2.0, -2.0))
    expected = ((up - down) / 4).mean(0)
    assert list(effect.change) == ["smile", "age", "gender"]
    assert torch.allclose(torch.tensor(list(effect.change.values())), expected, atol=1e-5)
    assert effect.worst("smile", apart=["age"])[0] == "gender"
    with pytest.raises(BadInput, match="rescoring step"):
        next(rescore(tiny_domain, [smile], ws, alpha=0))


def test_nothing_moved_is_nothing_apart(tiny_domain: Domain, ws: Tensor) -> None:
    found = apartness(tiny_domain, ws, ws)
    assert found.identity is not None
    for distance in (found.identity, found.perceptual, found.background):
        assert distance.shape == (3,) and float(distance.abs().max()) < 1e-5


def test_the_background_is_the_upper_corners() -> None:
    a = torch.zeros(2, 3, 64, 64)
    middle, corner = a.clone(), a.clone()
    middle[:, :, :, 8:56] = 1
    corner[0, :, :8, :8] = 1
    assert background_change(a, middle).tolist() == [0, 0]
    assert background_change(a, corner).tolist() == pytest.approx([0.25, 0])


def test_the_range_ends_where_the_reading_stalls(
    tiny_domain: Domain, ws: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reading that follows alpha from -2 to 3 and stays flat beyond."""
    smile = boundary(tiny_domain, "smile")
    monkeypatch.setattr(rescoring, "move", lambda ws, direction, alpha: alpha)
    monkeypatch.setattr(
        rescoring,
        "read",
        lambda domain, alpha, net: torch.full((1, 3), float(min(max(alpha, -2), 3))),
    )
    assert safe_range(tiny_domain, smile, "smile", ws) == (-2.0, 3.0)
    monkeypatch.setattr(
        rescoring,
        "read",
        lambda domain, alpha, net: torch.full((1, 3), -float(min(max(alpha, -2), 3))),
    )
    assert safe_range(tiny_domain, smile, "smile", ws) == (-2.0, 3.0), "a falling reading too"
    with pytest.raises(UnknownName, match="charm"):
        safe_range(tiny_domain, smile, "charm", ws)


class Colours:
    """Reads how red and how green a picture is."""

    outputs = ("smile", "age")

    def __call__(self, img: Tensor) -> Tensor:
        return 10 * img[:, :2].mean((2, 3))


def test_layers_are_searched_at_matched_change(tiny_domain: Domain, ws: Tensor) -> None:
    direction, net = boundary(tiny_domain, "smile"), Colours()
    (effect,) = rescore(tiny_domain, [direction], ws, net, alpha=1.0)
    amount, seen = abs(effect.change["smile"]) / 2, []
    found = find_layers(
        tiny_domain, direction, "smile", ws, amount, net, lambda done, total: seen.append(done)
    )
    assert seen[-1] == len(seen) == 36, "all ranges of 8 rows"
    costs = [choice.cost for choice in found]
    assert costs == sorted(costs)
    whole = next(choice for choice in found if len(choice.layers) == 8)
    change = read(tiny_domain, move(ws, direction, whole.alpha), net) - read(tiny_domain, ws, net)
    assert float(change[:, 0].mean()) == pytest.approx(amount, rel=0.2)
    assert whole.others == pytest.approx(float(change[:, 1].mean().abs()), abs=0.02)
    with pytest.raises(BadInput, match="does not move smile by 1e\\+06"):
        find_layers(tiny_domain, direction, "smile", ws, 1e6, net)


def test_rows_add_up_to_the_rows_there_are(tiny_domain: Domain, ws: Tensor) -> None:
    direction = replace(boundary(tiny_domain, "smile"), layers=(1, 2))
    effects = list(by_row(tiny_domain, direction, ws, 3.0, "smile"))
    assert [effect.row for effect in effects] == list(range(8))
    assert all(effect.picture > 0 and effect.change is not None for effect in effects)
    assert next(by_row(tiny_domain, direction, ws, 3.0, "charm")).change is None
    with pytest.raises(BadInput, match="0 latents"):
        trial_ws(tiny_domain, 0)


def test_directions_of_z_are_refused(tiny_domain: Domain, ws: Tensor) -> None:
    up = Direction("up", torch.nn.functional.normalize(torch.ones(16), dim=0), space="z")
    with pytest.raises(BadInput, match="up is a direction of Z"):
        next(rescore(tiny_domain, [boundary(tiny_domain, "smile"), up], ws))
    with pytest.raises(BadInput, match="up is a direction of Z"):
        next(by_row(tiny_domain, up, ws, 1.0))
    for measure in (find_layers, safe_range):
        with pytest.raises(BadInput, match="up is a direction of Z"):
            measure(tiny_domain, up, "smile", ws)
