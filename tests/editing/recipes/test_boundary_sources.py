"""Boundaries from labels and picked portraits: steps of W itself, whatever was labelled."""

from pathlib import Path

import pytest
import torch

from editing.directions.samples import draw_ws, moments
from editing.directions.svm import Labels
from editing.errors import BadInput
from editing.models.domain import Domain
from editing.models.latents import load_latent, save_latent
from editing.models.states import latent_of, state_of
from editing.recipes import boundary_sources
from editing.recipes.boundary_sources import from_labels, from_pictures

LABELS = Labels(tuple(f"seed:{n}" for n in range(40)), tuple(float(n % 2) for n in range(40)))


def test_a_step_is_one_deviation_of_w_though_the_labelled_ones_are_truncated(
    tiny_domain: Domain,
) -> None:
    found = from_labels("odd", LABELS, tiny_domain)
    w = draw_ws(tiny_domain, range(3000))[:, 0]
    assert found.step == pytest.approx(float((w @ found.vector).std()), rel=0.05)


def test_latent_files_are_labelled_too_but_have_no_z(tiny_domain: Domain, tmp_path: Path) -> None:
    path = tmp_path / "one.npz"
    save_latent(path, latent_of(state_of("seed:41", tiny_domain), tiny_domain))
    labels = Labels((*LABELS.sources, str(path)), (*LABELS.scores, 1.0))
    assert from_labels("odd", labels, tiny_domain).meta["latents"] == 41
    assert from_labels("odd", LABELS, tiny_domain, "z").space == "z"
    with pytest.raises(BadInput, match="z is not known"):
        from_labels("odd", labels, tiny_domain, "z")


def test_many_labels_are_mapped_together_and_mean_what_each_alone_does(
    tiny_domain: Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "one.npz"
    save_latent(path, latent_of(state_of("seed:41", tiny_domain), tiny_domain))
    sources = [f"seed:{n}" + "@0.4" * (n % 3 == 0) for n in range(50)]
    sources.insert(7, str(path))
    seen, batches = [], []
    train, draw = boundary_sources.train_boundary, boundary_sources.draw_ws
    monkeypatch.setattr(boundary_sources, "TOGETHER", 16)
    monkeypatch.setattr(
        boundary_sources, "train_boundary", lambda *a: (seen.append(a[1]), train(*a))[1]
    )
    monkeypatch.setattr(
        boundary_sources, "draw_ws", lambda *a: (batches.append(len(a[1])), draw(*a))[1]
    )
    from_labels("odd", Labels(tuple(sources), tuple(float(n % 2) for n in range(51))), tiny_domain)
    alone = [
        state_of(load_latent(s) if s.endswith("npz") else s, tiny_domain).ws[0, 0] for s in sources
    ]
    torch.testing.assert_close(torch.from_numpy(seen[0]), torch.stack(alone))
    assert sorted(batches) == [1, 1, 16, 16, 16], "17 at psi 0.4 and 33 at 0.7"


def test_picked_portraits_need_no_scorer(tiny_domain: Domain) -> None:
    more, less = draw_ws(tiny_domain, range(8)), draw_ws(tiny_domain, range(8, 16))
    found = from_pictures("mine", more, less, tiny_domain)
    difference = (more.mean(0) - less.mean(0))[0]
    assert float(found.vector @ difference) > 0 and found.meta["latents"] == 16
    covariance = moments(tiny_domain).covariance
    assert found.step == pytest.approx(float((found.vector @ covariance @ found.vector).sqrt()))
    assert torch.isfinite(found.vector).all()
