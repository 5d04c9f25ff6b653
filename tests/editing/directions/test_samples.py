"""Scored samples: the same in any batch, kept, resumed, refused."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from editing.directions import samples
from editing.directions.samples import draw_ws, joined, moments, output_of, read, score_latents
from editing.errors import BadInput, UnknownName
from editing.models.domain import Domain


def brightness(img: Tensor) -> Tensor:
    return img.mean((1, 2, 3))[:, None]


def test_moments_are_those_of_the_mapping(tiny_domain: Domain) -> None:
    found = moments(tiny_domain)
    w = draw_ws(tiny_domain, range(3000))[:, 0]
    assert torch.allclose(found.mean, w.mean(0), atol=0.1)
    assert torch.allclose(found.covariance.diag(), w.var(0), rtol=0.2)
    assert moments(tiny_domain) is found


def test_parts_and_batches_do_not_matter(tiny_domain: Domain) -> None:
    many = joined(list(score_latents(tiny_domain, brightness, ["b"], 11, batch=3)))
    few = joined(list(score_latents(tiny_domain, brightness, ["b"], 11, batch=16)))
    assert np.array_equal(many.seeds, few.seeds) and len(many.seeds) == 11
    assert np.allclose(many.scores, few.scores, atol=1e-2)  # bf16 previews
    z = torch.from_numpy(many.z(tiny_domain.generator.z_dim))
    assert np.allclose(tiny_domain.generator.mapping(z)[:, 0], many.latents, atol=1e-5)


def test_a_killed_run_goes_on_where_it_was(
    tiny_domain: Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "PART", 4)
    calls = []

    def counted(img: Tensor) -> Tensor:
        calls.append(len(img))
        return brightness(img)

    work = score_latents(tiny_domain, counted, ["b"], 12, folder=tmp_path, batch=4)
    first = [next(work), next(work)]  # killed after the second: the first part is on disk
    del work
    again = joined(list(score_latents(tiny_domain, counted, ["b"], 12, folder=tmp_path, batch=4)))
    assert sum(calls) == 8 + 8, "the first four were not scored again"
    assert np.array_equal(again.scores[:8], joined(first).scores)
    (tmp_path / "scores-20000000-4.safetensors").write_bytes(b"cut")
    assert len(joined(list(score_latents(tiny_domain, counted, ["b"], 12, folder=tmp_path))).seeds)
    with pytest.raises(BadInput, match="other attributes"):
        list(score_latents(tiny_domain, counted, ["c"], 12, folder=tmp_path))


def test_scores_are_those_of_one_scorer(tiny_domain: Domain, tmp_path: Path) -> None:
    """Its names may be the same after it was trained anew; its readings are not."""
    scorer = tiny_domain.scorer
    first = list(score_latents(tiny_domain, scorer, scorer.outputs, 4, folder=tmp_path))
    again = list(score_latents(tiny_domain, scorer, scorer.outputs, 4, folder=tmp_path))
    assert np.array_equal(joined(first).scores, joined(again).scores)
    other = copy.deepcopy(scorer)
    next(other.parameters()).data += 0.1
    with pytest.raises(BadInput, match="another scorer"):
        list(score_latents(tiny_domain, other, other.outputs, 4, folder=tmp_path))
    texts = {"scorer": "less, more", "folder": tmp_path / "text"}
    list(score_latents(tiny_domain, brightness, ["text"], 4, **texts))
    with pytest.raises(BadInput, match="another scorer"):
        texts["scorer"] = "more, less"
        list(score_latents(tiny_domain, brightness, ["text"], 4, **texts))


def test_wrong_wishes(tiny_domain: Domain) -> None:
    with pytest.raises(BadInput, match="0 latents"):
        list(score_latents(tiny_domain, brightness, ["b"], 0))
    with pytest.raises(BadInput, match="No latents"):
        joined([])
    with pytest.raises(UnknownName, match="choose from smile"):
        output_of(tiny_domain.scorer, "charm")


def test_reading_is_the_nets_own(tiny_domain: Domain) -> None:
    ws = draw_ws(tiny_domain, [1, 2, 3])
    assert torch.equal(
        read(tiny_domain, ws, brightness, batch=2), read(tiny_domain, ws, brightness, batch=2)
    )
    assert read(tiny_domain, ws, tiny_domain.scorer).shape == (3, 3)
