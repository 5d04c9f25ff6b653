"""What a text edit has done, how far it may go, and which thresholds are worth a look."""

from pathlib import Path

import pytest
import torch

from editing.directions.samples import draw, draw_ws
from editing.edits.stack import render, state_of
from editing.errors import BadInput
from editing.models.domain import Domain
from editing.models.latents import save_latent
from editing.models.networks.prompts import text_direction
from editing.models.states import latent_of
from editing.text.edit import TextEdit, count_at, relevance
from editing.text.report import achieved, explain, grid_betas, grid_cells, safe_alphas
from editing.text.search import latent_files, rank, see_latents, see_seeds
from tests.helpers.text_domain import write_text_domain

EDIT = TextEdit("a smiling person", 5.0, "a person")


@pytest.fixture(scope="module")
def domain(tmp_path_factory: pytest.TempPathFactory) -> Domain:
    return write_text_domain(tmp_path_factory.mktemp("domain") / "studio")


@pytest.mark.parametrize(
    ("seen", "wanted"),
    [
        ([float(i) for i in range(-6, 7)], (-12.0, 12.0)),
        ([min(float(i), 2.0) for i in range(-6, 7)], (-12.0, 4.0)),
        ([max(min(float(i), 3.0), -1.0) for i in range(-6, 7)], (-2.0, 6.0)),
        ([-float(i) for i in range(-6, 7)], (-12.0, 12.0)),
    ],
)
def test_the_safe_range_ends_where_a_step_gains_nothing(
    seen: list[float], wanted: tuple[float, float]
) -> None:
    assert safe_alphas(seen) == wanted


def test_thresholds_from_few_channels_to_many(domain: Domain) -> None:
    betas, r = grid_betas(domain, EDIT), relevance(domain, EDIT)
    counts = [count_at(r, beta) for beta in betas]
    assert counts == sorted(set(counts)) and len(counts) >= 2
    cells = list(grid_cells(domain, state_of("seed:1", domain), EDIT, (0.0, 4.0), betas[:1]))
    assert len(cells) == 2 and cells[0].tobytes() != cells[1].tobytes()
    with pytest.raises(BadInput, match="is not possible"):
        next(grid_cells(domain, state_of("seed:1", domain), EDIT, (), betas))


def test_asked_and_gained_are_of_the_pictures(domain: Domain) -> None:
    edit, state = EDIT.resolved(domain), state_of("seed:1", domain)
    before, after = render(state, domain), render(edit.apply(state, domain), domain)
    asked, gained = achieved(domain, edit, before, after)
    dt = text_direction(domain.clip, "a person", "a smiling person")
    a, b = (domain.clip.encode_pictures(img.clamp(-1, 1))[0] for img in (before, after))
    assert gained == pytest.approx(float((b - a) @ dt), abs=1e-5)
    assert asked == pytest.approx(gained / float((b - a).norm()), abs=1e-4)
    assert achieved(domain, edit, before, before)[0] is None
    report = explain(domain, edit, before, after)
    assert report.channels == edit.change.num_channels if edit.change else False
    assert report.notes == [] and abs(report.top[0][1]) == pytest.approx(1, abs=1e-3)
    odd = TextEdit("a smiling zebra person", 5.0, "a person").resolved(domain)
    assert "'zebra'" in explain(domain, odd, before, after).notes[0]
    with pytest.raises(BadInput, match="resolve"):
        explain(domain, EDIT, before, after)


def test_seeds_are_ranked_by_their_pictures(domain: Domain) -> None:
    seen = list(see_seeds(domain, range(20)))
    hits = rank(domain, "an old man", seen, top=20)
    dt = text_direction(domain.clip, "a person", "an old man")
    with torch.no_grad():
        wanted = domain.clip.encode_pictures(draw(domain, draw_ws(domain, range(20), 0.7))) @ dt
    order = [f"seed:{i}" for i in wanted.argsort(descending=True).tolist()]
    assert [hit.name.partition("@")[0] for hit in hits] == order
    again = rank(domain, "an old man", see_seeds(domain, [3, 50]), top=2)
    assert {hit.name.partition("@")[0] for hit in again} == {"seed:3", "seed:50"}
    with pytest.raises(BadInput, match="ask for 1"):
        rank(domain, "an old man", seen, top=0)


def test_latent_files_are_ranked_with_their_edits(domain: Domain, tmp_path: Path) -> None:
    state = state_of("seed:5", domain)
    save_latent(tmp_path / "plain.npz", latent_of(state, domain))
    moved = EDIT.resolved(domain).apply(state, domain)
    save_latent(tmp_path / "edited.npz", latent_of(moved, domain))
    hits = rank(domain, "a smiling person", see_latents(domain, latent_files(tmp_path)))
    assert len(hits) == 2 and hits[0].score != hits[1].score
