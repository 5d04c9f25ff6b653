"""All boundaries at once, and the correction that frees them of each other."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from editing.directions.direction import unit
from editing.directions.rescoring import Effect
from editing.directions.samples import ScoredSet, draw_ws
from editing.directions.training import ALLOWED, freed, train_all
from editing.models.domain import Domain


def test_what_should_not_move_much_is_held_to_its_share() -> None:
    """A linear world: reading i changes by i-th row · move."""
    readers = torch.tensor([[1.0, 0.3, 0.2], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    names = ("smile", "pose", "teeth")
    normals = {n: unit(n, torch.eye(3)[i] + 0.4 * torch.eye(3)[1] * (i == 0), step=1.5)
               for i, n in enumerate(names)}  # fmt: skip

    def effect(n: str, vector: torch.Tensor) -> Effect:
        change = dict(zip(names, (readers @ vector).tolist(), strict=True))
        return Effect(n, change, None, 0.0, 0.0)

    effects = {n: effect(n, d.step * d.vector) for n, d in normals.items()}
    found = freed(normals["smile"], normals, effects, {"smile", "pose"})
    change = effect("smile", found.vector).change
    plain = effects["smile"].change
    assert abs(plain["pose"]) > 2 * ALLOWED * plain["smile"]
    assert change["smile"] > 0.9
    assert change["pose"] / change["smile"] == pytest.approx(ALLOWED, rel=0.15)
    calm = {**effects, "smile": replace(effects["smile"], change={**plain, "pose": 0.1})}
    kept = freed(normals["smile"], normals, calm, {"smile", "pose"})
    assert torch.allclose(kept.vector, normals["smile"].vector, atol=1e-6)
    assert float(found.vector.norm()) == pytest.approx(1)
    untouched = freed(normals["smile"], normals, effects, set())
    assert torch.allclose(untouched.vector, normals["smile"].vector, atol=1e-6)


def test_every_score_gets_a_finished_boundary(tiny_domain: Domain) -> None:
    seeds = np.arange(60)
    latents = draw_ws(tiny_domain, seeds.tolist())[:, 0].numpy()
    scores = latents[:, :3] + 0.1
    scored = ScoredSet(("smile", "age", "gender"), seeds, latents, scores)
    found = list(train_all(tiny_domain, scored))
    assert [direction.name for direction in found] == ["smile", "age", "gender"]
    for direction in found:
        assert direction.safe_range and direction.meta["corrected"]["auc"] > 0.5
        spread = (latents @ direction.vector.numpy()).std()
        assert direction.step == pytest.approx(spread, rel=0.4)
