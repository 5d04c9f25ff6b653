"""The bundled domain as people meet it, held against the world it was trained on.

The judge reads the edits: it was trained apart from the scorer that made the boundaries.
"""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from editing.__main__ import main
from editing.directions.direction import boundary
from editing.edits.stack import EditStack, Move, render, state_of
from editing.models.domain import WEIGHTS, Domain, open_domain, open_judge
from editing.models.latents import sample_z
from editing.pictures.metrics import readings

pytestmark = pytest.mark.skipif(
    not (WEIGHTS / "portraits" / "domain.yaml").is_file(), reason="the bundled domain is not there"
)
ATTRIBUTES = ("smile", "age", "gender", "pose", "eyeglasses")
SEEDS = range(60_000, 60_004)  # never trained on


@pytest.fixture(scope="module")
def portraits() -> Domain:
    return open_domain("portraits")


def drawn(domain: Domain, seed: int, *moves: Move) -> Tensor:
    """The canonical picture of a seed after these moves."""
    stack = EditStack()
    for move in moves:
        stack = stack.add(move)
    return render(stack.apply(state_of(f"seed:{seed}", domain), domain), domain)


def test_the_generator_draws_what_the_world_would(portraits: Domain) -> None:
    """A latent's picture is nearer to the render of its factors than to any other render."""
    from training.factors import LatentWorld
    from training.renderer import render as render_world

    z = sample_z(SEEDS, portraits.generator.z_dim)
    factors = LatentWorld(portraits.generator.z_dim).factors(z)
    truth = render_world(factors, list(SEEDS), portraits.resolution, 1).pictures
    with torch.no_grad():
        pictures = portraits.generator.synthesis(portraits.generator.mapping(z))
    error = (pictures[:, None] - truth[None]).abs().mean(dim=(2, 3, 4))  # [drawn, rendered]
    assert torch.equal(error.argmin(dim=1), torch.arange(len(z)))
    assert float(error.diagonal().max()) < 0.2


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_a_move_changes_what_it_says_both_ways(portraits: Domain, attribute: str) -> None:
    judge = open_judge(portraits)

    def read(alpha: float) -> float:
        moves = [Move(attribute, alpha)] if alpha else []
        values = [readings(judge, drawn(portraits, s, *moves))[attribute] for s in SEEDS]
        return sum(values) / len(values)

    low, middle, high = read(-2.0), read(0.0), read(2.0)
    assert low < middle < high
    assert high - low > 1.0  # sigma of the world


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_boundaries_say_how_good_they_are(portraits: Domain, attribute: str) -> None:
    direction = boundary(portraits, attribute)
    assert float(direction.vector.norm()) == pytest.approx(1.0, abs=1e-4)
    assert direction.step > 0
    assert direction.meta["validation"]["accuracy"] > 0.9


def test_an_edited_smile_scores_higher_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = {}
    for alpha in ("+2", "-2"):
        out = tmp_path / f"smile{alpha}.png"
        assert main(["edit", "seed:60001", "--move", f"smile={alpha}", "--out", str(out)]) == 0
        capsys.readouterr()
        assert main(["score", str(out), "--json"]) == 0
        line = capsys.readouterr().out.strip().splitlines()[-1]
        scores[alpha] = json.loads(line)["attributes"]["smile"]
    assert scores["+2"] > scores["-2"] + 1.0


def test_the_files_are_small_enough_to_bundle(portraits: Domain) -> None:
    sizes = [path.stat().st_size for path in portraits.folder.rglob("*") if path.is_file()]
    assert max(sizes) <= 12 << 20 and sum(sizes) <= 40 << 20
