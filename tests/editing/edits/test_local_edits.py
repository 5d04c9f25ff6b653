"""Local edits: the region follows one picture, the rest stays; what does not count counts not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from editing.edits.local_edits import LOCAL_EDITS, LocalEdit, local_edit, local_options
from editing.edits.stack import EditState, render, state_of
from editing.errors import BadInput, UnknownName
from editing.inversion.invert import Step
from editing.inversion.losses import grams
from editing.inversion.options import NOTHING, InversionOptions, NoiseOptions
from editing.inversion.stages import Point
from editing.models.domain import Domain
from editing.pictures.metrics import unit_features
from tests.editing.edits.test_mixing import loaded

FEW = NoiseOptions(steps=15)


@pytest.fixture(scope="module")
def a(tiny_domain: Domain) -> EditState:
    return state_of("seed:1", tiny_domain)


@pytest.fixture(scope="module")
def pictures(tiny_domain: Domain) -> tuple[Tensor, Tensor]:
    x, y = (render(state_of(seed, tiny_domain), tiny_domain) for seed in ("seed:1", "seed:2"))
    return x.clamp(-1, 1), y.clamp(-1, 1)


def region() -> Tensor:
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 8:24, 8:24] = 1
    return mask


def options_of(operation: str, **changes: object) -> InversionOptions:
    options = replace(local_options(operation), steps=30)
    noise = FEW if options.noise.steps else options.noise
    return replace(options, noise=noise, **changes)  # type: ignore[arg-type]


def found(steps: Iterable[Step], domain: Domain) -> tuple[Step, Tensor]:
    *_, last = steps
    return last, render(EditState(**vars(last.point)), domain)


def apart(a: Tensor, b: Tensor, mask: Tensor) -> float:
    return float((mask * (a - b).square()).sum() / mask.sum())


def test_a_crossover_takes_the_region_and_leaves_the_rest(tiny_domain, a, pictures) -> None:
    x, y = pictures
    inside, outside = region(), 1 - region()
    steps = list(local_edit(LocalEdit("crossover", x, inside, y), Point(a.ws), tiny_domain,
                            options_of("crossover")))  # fmt: skip
    last, img = found(steps, tiny_domain)
    begun = render(EditState(**vars(steps[0].point)), tiny_domain)
    assert {step.stage for step in steps} == {"latent", "noise"} and last.done
    assert apart(img, y, inside) < 0.5 * apart(begun, y, inside)
    assert apart(img, x, outside) < 0.5 * apart(begun, x, outside)
    latent = [step for step in steps if step.stage == "latent"][-1]
    pasted = LocalEdit("crossover", x, inside, y).pasted
    before = render(EditState(**vars(latent.point)), tiny_domain)
    everywhere = torch.ones_like(inside)
    assert apart(img, pasted, everywhere) < apart(before, pasted, everywhere), "noise comes nearer"


@pytest.mark.parametrize("operation", ["inpaint", "style"])
def test_what_is_replaced_does_not_count(operation: str, tiny_domain, a, pictures) -> None:
    x, y = pictures
    other = torch.where(region() > 0, torch.rand_like(x), x)
    # The perceptual network sees a little beyond every place; pixels and styles do not.
    options = options_of(operation, weights=replace(NOTHING, pixel=1.0))
    ends = [
        found(local_edit(LocalEdit(operation, picture, region(), y), Point(a.ws), tiny_domain,
                         options), tiny_domain)[1]
        for picture in (x, other)
    ]  # fmt: skip
    assert torch.equal(*ends)


def test_strokes_move_coarse_rows_alone(tiny_domain, a, pictures) -> None:
    x, _ = pictures
    strokes = torch.where(region() > 0, torch.ones_like(x), x)
    edit = LocalEdit("scribble", x, region(), strokes)
    assert local_options("scribble").finest == 32 and not local_options("crossover").finest
    options = options_of("scribble", finest=8)
    steps = list(local_edit(edit, Point(a.ws), tiny_domain, options))
    last, img = found(steps, tiny_domain)
    assert torch.equal(last.ws[:, 3:], a.ws[:, 3:]), "rows finer than 8 pixels stay"
    assert not torch.equal(last.ws[:, :3], a.ws[:, :3])
    assert apart(img, strokes, region()) < apart(x, strokes, region())


def test_the_style_comes_near_and_the_rest_stays(tiny_domain, a, pictures) -> None:
    x, y = pictures
    net = tiny_domain.perceptual

    def style(img: Tensor) -> list[Tensor]:
        return grams(unit_features(net, img), region())

    def off(img: Tensor) -> float:
        pairs = zip(style(img), style(y), strict=True)
        return sum(float((p - q).square().sum()) for p, q in pairs)

    edit = LocalEdit("style", x, region(), y)
    last, img = found(local_edit(edit, Point(a.ws), tiny_domain, options_of("style")), tiny_domain)
    assert last.stage == "noise"
    assert off(img) < off(x)
    assert apart(img, x, 1 - region()) < apart(img, x, region())


def test_diffusion_looks_at_the_region_alone(tiny_domain, a, pictures) -> None:
    x, y = pictures
    edit = LocalEdit("diffuse", x, region(), y)
    last, img = found(local_edit(edit, Point(a.ws), tiny_domain, options_of("diffuse")),
                      tiny_domain)  # fmt: skip
    assert last.stage == "latent" and not last.point.noise, "the latent alone"
    assert "in_domain" in last.losses
    assert apart(img, y, region()) < apart(x, y, region())


def test_tuned_weights_take_part_and_stay(tiny_domain) -> None:
    tuned = loaded(4, tiny_domain)
    x = render(tuned, tiny_domain)
    start = Point(tuned.ws, tuned.noise, tuned.weight_delta, tuned.s_delta)
    first = next(iter(local_edit(LocalEdit("style", x, region(), x), start, tiny_domain,
                                 options_of("style"))))  # fmt: skip
    assert tuned.weight_delta and first.point.weight_delta.keys() == tuned.weight_delta.keys()
    assert first.losses["pixel"] == pytest.approx(0, abs=1e-3), "the portrait as it is"
    plain = replace(start, weight_delta={})
    other = next(iter(local_edit(LocalEdit("style", x, region(), x), plain, tiny_domain,
                                 options_of("style"))))  # fmt: skip
    assert first.losses["pixel"] < other.losses["pixel"], "searched with them, not without"


@pytest.mark.parametrize("operation", LOCAL_EDITS)
def test_a_stopped_search_goes_on_to_the_same(operation: str, tiny_domain, a, pictures) -> None:
    edit = LocalEdit(operation, pictures[0], region(), pictures[1])
    options = replace(options_of(operation), steps=4)
    whole, img = found(local_edit(edit, Point(a.ws), tiny_domain, options), tiny_domain)
    for step in local_edit(edit, Point(a.ws), tiny_domain, options):
        if step.index == 2:
            memory = step.memory()
            break
    rest = local_edit(edit, Point(a.ws), tiny_domain, options, memory=memory)
    assert torch.equal(found(rest, tiny_domain)[1], img) and whole.done


def test_what_is_refused(tiny_domain, a, pictures) -> None:
    x, y = pictures
    with pytest.raises(UnknownName, match="crossover"):
        LocalEdit("erase", x, region(), y)
    with pytest.raises(BadInput, match="empty"):
        LocalEdit("inpaint", x, torch.zeros(1, 1, 32, 32))
    with pytest.raises(BadInput, match="another picture"):
        LocalEdit("crossover", x, region())
    with pytest.raises(BadInput, match=r"\[1, 3, 32, 32\]"):
        local_edit(LocalEdit("crossover", x, region(), y[..., :16]), Point(a.ws), tiny_domain,
                   options_of("crossover"))  # fmt: skip
    with pytest.raises(UnknownName, match="quick"):
        local_options("inpaint", "idinvert")
