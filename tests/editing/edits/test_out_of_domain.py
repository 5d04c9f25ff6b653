"""Composites: strength 0 is the photo, outside the mask the photo stays bit by bit, and so on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from editing.directions.stylespace import Channel
from editing.edits import out_of_domain
from editing.edits.out_of_domain import (
    NO_DEGHOSTING,
    UNCHANGED,
    Blend,
    activation,
    difference,
    edit_names,
    enlarged,
    fuse,
    has_deghosting,
    located,
    misfit_inside,
    photo_edited,
    shaped,
    with_detail,
)
from editing.edits.stack import ChannelMove, EditStack, Entry, Move, render, state_of
from editing.errors import BadInput, BadPicture
from editing.io.images import encode_png, to_tensor, to_uint8
from editing.models.domain import Domain, open_domain
from editing.models.generators.generator import Generator
from editing.models.networks.deghosting import Deghosting, config_for, save_deghosting
from editing.models.networks.differential_activation import (
    DifferentialConfig,
    DifferentialNet,
    save_differential,
)
from editing.pictures.alignment import Alignment
from editing.pictures.paste_back import paste_back
from tests.conftest import ATTRIBUTES, describe, write_tiny_domain

SIDE, FULL = 32, 96


@pytest.fixture(scope="module")
def whole_domain(tmp_path_factory: pytest.TempPathFactory, tiny_generator: Generator) -> Domain:
    """The tiny domain with (random) networks for out-of-domain edits."""
    folder = write_tiny_domain(tmp_path_factory.mktemp("weights") / "tiny", tiny_generator)
    bare = open_domain(folder)
    with torch.random.fork_rng():
        torch.manual_seed(7)
        config = DifferentialConfig(ATTRIBUTES[:2], 32, (6, 8), (8, 8))
        net = DifferentialNet(config)
        net.reference.fill_(0.05)
        save_differential(folder / "differential.safetensors", net)
        deghosting = Deghosting(config_for(bare.generator, 16, (8, 8, 6), bare.fingerprint))
        torch.nn.init.normal_(deghosting.last.weight, std=0.2)
        save_deghosting(folder / "deghosting.safetensors", deghosting)
    facts = yaml.safe_load((folder / "domain.yaml").read_text())
    for part in ("differential", "deghosting"):
        facts[part] = describe(folder, f"{part}.safetensors")
    (folder / "domain.yaml").write_text(yaml.safe_dump(facts))
    return open_domain(folder)


def pictures(domain: Domain, *edits: object, seed: int = 3) -> tuple[Tensor, Tensor]:
    """An inversion I' and its edit T, as saved."""
    state = state_of(f"seed:{seed}", domain)
    edited = EditStack(tuple(Entry(edit) for edit in edits)).apply(state, domain)  # type: ignore[arg-type]
    before, after = (to_tensor(to_uint8(render(s, domain))[0]) for s in (state, edited))
    return before, after


@pytest.fixture
def photo() -> Tensor:
    """Noise, as it comes from a file: whatever is resampled shows."""
    pixels = np.random.RandomState(0).randint(0, 256, (FULL, FULL, 3), dtype=np.uint8)
    return to_tensor(pixels)


def test_strength_zero_returns_the_photo_bit_by_bit_and_says_so(whole_domain, photo):
    inverted, edited = pictures(whole_domain, Move("smile", 0.0))
    white = painted_png(255)
    made = photo_edited(photo, inverted, edited, whole_domain, ("smile",), Blend(brush=white))
    assert torch.equal(made.picture, photo) and torch.equal(made.fused, photo)
    assert made.mask.max() == 0 and made.notes == (UNCHANGED,)


@pytest.mark.parametrize("deghost", ["off", "mask"])
def test_outside_the_mask_the_photo_stays_bit_by_bit_after_rounding(whole_domain, photo, deghost):
    inverted, edited = pictures(whole_domain, Move("smile", 3.0))
    blend = Blend(threshold=0.5, softness=0.2, deghost=deghost)
    made = photo_edited(photo, inverted, edited, whole_domain, ("smile",), blend)
    outside = (made.mask == 0).expand_as(photo)
    assert outside.any() and (~outside).any()
    saved, wanted = to_uint8(made.picture), to_uint8(photo)
    untouched = outside[0].permute(1, 2, 0).numpy()
    assert np.array_equal(saved[0][untouched], wanted[0][untouched])
    assert not np.array_equal(saved, wanted)


def test_lost_detail_comes_back_where_the_edit_leaves_it(photo):
    inverted, mask = torch.zeros(1, 3, 32, 32), torch.zeros(1, 1, FULL, FULL)
    edited = inverted.clone()
    edited[..., 16:] = 0.9  # changed: what was there before is not what belongs there
    mask[..., FULL // 4 :] = 1
    fused = fuse(photo, enlarged(edited, FULL), mask)
    made = with_detail(fused, photo, inverted, edited, mask)
    unmasked, still, changed = (
        slice(FULL // 4),
        slice(FULL // 4, FULL // 3),
        slice(-FULL // 4, None),
    )
    assert torch.equal(made[..., unmasked], photo[..., unmasked])
    torch.testing.assert_close(made[..., still], photo[..., still], atol=1e-3, rtol=0)
    torch.testing.assert_close(made[..., changed], fused[..., changed], atol=1e-3, rtol=0)


def test_deghosting_everywhere_is_only_for_those_who_ask(whole_domain, photo):
    inverted, edited = pictures(whole_domain, Move("smile", 3.0))
    blend = Blend(threshold=0.5, softness=0.2, deghost="all")
    made = photo_edited(photo, inverted, edited, whole_domain, ("smile",), blend)
    outside = (made.mask == 0).expand_as(photo)
    assert not torch.equal(made.picture[outside], photo[outside])
    assert torch.equal(made.fused[outside], photo[outside])


def test_the_composite_is_the_published_formula(photo):
    rng = torch.Generator().manual_seed(1)
    edited = torch.rand(1, 3, FULL, FULL, generator=rng) * 2 - 1
    mask = torch.rand(1, 1, FULL, FULL, generator=rng)
    torch.testing.assert_close(fuse(photo, edited, mask), mask * edited + (1 - mask) * photo)
    assert torch.equal(fuse(photo, edited, torch.zeros_like(mask)), photo)
    torch.testing.assert_close(fuse(photo, edited, torch.ones_like(mask)), edited)


def test_the_mask_goes_to_nothing_continuously(whole_domain):
    state = state_of("seed:3", whole_domain)

    def mask_at(alpha: float) -> Tensor:
        inverted = render(state, whole_domain).clamp(-1, 1)
        edited = render(Move("smile", alpha).apply(state, whole_domain), whole_domain)
        where = activation(whole_domain, inverted, edited.clamp(-1, 1), ("smile",))
        return shaped(where, Blend(threshold=0.0), FULL)

    masks = [mask_at(0.02 * 2**-i) for i in range(10)]
    peaks = [float(mask.max()) for mask in masks]
    assert peaks[0] > 0 and peaks[-1] < 0.1 * peaks[0] and mask_at(0.0).max() == 0
    assert peaks == sorted(peaks, reverse=True)
    near = [(mask_at(1.0) - mask_at(1.0 + step)).abs().max() for step in (0.02, 0.002)]
    assert near[1] < 0.3 * near[0] + 1e-3


def test_a_known_edit_is_found_near_its_activation_and_any_other_by_difference(whole_domain):
    inverted, edited = pictures(whole_domain, Move("smile", 2.0))
    by_net = located(whole_domain.differential, whole_domain, inverted, edited, ["smile"])
    by_difference = difference(whole_domain, inverted, edited)
    assert torch.equal(activation(whole_domain, inverted, edited, ("smile",)), by_net)
    for names in (("gender",), ("TextEdit",), ()):
        assert torch.equal(activation(whole_domain, inverted, edited, names), by_difference)
    both = activation(whole_domain, inverted, edited, ("smile", "TextEdit"))
    assert both.shape == by_net.shape and bool((both >= by_net - 1e-6).all())


def test_what_changed_far_from_the_activation_is_left_out(whole_domain, monkeypatch):
    inverted, edited = pictures(whole_domain, Move("smile", 2.0))
    everywhere = difference(whole_domain, inverted, edited)
    where = torch.zeros(1, 1, 16, 16)
    where[..., :4, :] = 1.0
    net = whole_domain.differential
    monkeypatch.setattr(net, "activation", lambda *_: where)
    found = located(net, whole_domain, inverted, edited, ["smile"])
    side = found.shape[-1]
    assert everywhere[..., side // 2 :, :].max() > 0
    assert found[..., 3 * side // 4 :, :].max() == 0 and found[..., : side // 4, :].max() > 0


def test_a_flat_map_falls_back_to_the_difference(whole_domain, monkeypatch):
    inverted, edited = pictures(whole_domain, Move("smile", 2.0))
    flat = torch.zeros(1, 1, 16, 16)
    monkeypatch.setattr(whole_domain.differential, "activation", lambda *_: flat)
    found = activation(whole_domain, inverted, edited, ("smile",))
    assert torch.equal(found, difference(whole_domain, inverted, edited)) and found.max() > 0


def test_without_a_perceptual_network_pixels_are_compared(tmp_path, tiny_generator, photo):
    bare = open_domain(write_tiny_domain(tmp_path, tiny_generator, networks=False))
    inverted = torch.full((1, 3, SIDE, SIDE), -0.4)
    edited = inverted.clone()
    edited[..., 12:20, 12:20] += 0.8
    made = photo_edited(photo, inverted, edited, bare)
    assert made.mask[..., 45:51, 45:51].min() > 0.9 and made.mask[..., :20, :].max() == 0
    assert made.notes[-1] == NO_DEGHOSTING and torch.equal(made.picture, made.fused)


def test_without_deghosting_the_fused_picture_is_given_and_that_is_said(tiny_domain, photo):
    inverted, edited = pictures(tiny_domain, Move("smile", 3.0))
    made = photo_edited(photo, inverted, edited, tiny_domain, ("smile",))
    assert NO_DEGHOSTING in made.notes and torch.equal(made.picture, made.fused)
    made = photo_edited(photo, inverted, edited, tiny_domain, ("smile",), Blend(deghost="off"))
    assert NO_DEGHOSTING not in made.notes


def test_deghosting_of_another_generator_is_not_used(whole_domain, monkeypatch):
    assert has_deghosting(whole_domain)
    monkeypatch.setitem(whole_domain.__dict__, "fingerprint", "another")
    assert not has_deghosting(whole_domain)


@given(st.floats(0, 1), st.floats(0.01, 1), st.floats(0, 1))
@settings(max_examples=25, deadline=None)
def test_masks_stay_within_their_range(threshold, softness, level):
    mask = shaped(torch.full((1, 1, 8, 8), level), Blend(threshold, softness), 32)
    assert 0 <= mask.min() and mask.max() <= 1
    if level <= threshold:
        assert mask.max() == 0
    if level >= threshold + softness:
        assert mask.min() > 0.99


def painted_png(left: int, right: int = 128) -> bytes:
    pixels = np.full((64, 64), right, np.uint8)
    pixels[:, :32] = left
    return encode_png(Image.fromarray(pixels))


def test_the_brush_adds_and_takes_away_and_leaves_the_rest(whole_domain):
    where = torch.full((1, 1, 16, 16), 0.25)
    plain = shaped(where, Blend(), FULL)
    for value, wanted in ((255, 1.0), (0, 0.0)):
        mask = shaped(where, Blend(brush=painted_png(value)), FULL)
        assert (mask[..., :30] - wanted).abs().max() < 0.02
        torch.testing.assert_close(mask[..., 66:], plain[..., 66:])
    with pytest.raises(BadPicture, match="painted correction"):
        shaped(where, Blend(brush=b"no picture"), FULL)


def test_the_misfit_counts_inside_the_mask_alone_and_is_warned_of(whole_domain, photo):
    inverted, mask = torch.zeros(1, 3, SIDE, SIDE), torch.zeros(1, 1, FULL, FULL)
    half = torch.zeros_like(photo)
    half[..., :48] = 0.5
    mask[..., 54:] = 1
    assert misfit_inside(half, inverted, mask) < 0.02
    assert misfit_inside(half, inverted, mask.flip(-1)) == pytest.approx(0.25, abs=0.01)
    inverted, edited = pictures(whole_domain, Move("smile", 3.0))
    made = photo_edited(photo, inverted, edited, whole_domain, ("smile",))
    assert made.misfit > 0.12 and "may look wrong" in made.notes[0]
    itself = photo_edited(inverted, inverted, edited, whole_domain, ("smile",))
    assert itself.misfit == 0 and not itself.notes


def test_a_larger_photo_keeps_its_own_detail(whole_domain, photo):
    inverted, edited = pictures(whole_domain, Move("smile", 3.0))
    blend = Blend(deghost="mask", threshold=0.3)
    made = photo_edited(photo, inverted, edited, whole_domain, ("smile",), blend)
    assert made.picture.shape == photo.shape and made.mask.shape == (1, 1, FULL, FULL)
    change = made.picture - made.fused  # of deghosting: no finer than what it sees
    inner = (made.mask > 0.3)[..., 1:, 1:] & (made.mask > 0.3)[..., :-1, :-1]
    steps = (change[..., 1:, 1:] - change[..., :-1, :-1]).abs()[inner.expand(1, 3, -1, -1)]
    assert change.abs().max() > 0 and steps.mean() < 0.5 * (photo[..., 1:] - photo[..., :-1]).std()


def test_a_result_goes_back_into_the_whole_photo(whole_domain):
    pixels = np.random.RandomState(4).randint(0, 256, (160, 160, 3), dtype=np.uint8)
    quad = np.array([[31.5, 31.5], [31.5, 127.5], [127.5, 127.5], [127.5, 31.5]])
    aligned = to_tensor(pixels[32:128, 32:128])
    inverted, edited = pictures(whole_domain, Move("smile", 3.0))
    blend = Blend(threshold=0.5, softness=0.2)
    made = photo_edited(aligned, inverted, edited, whole_domain, ("smile",), blend)
    whole = paste_back(Image.fromarray(pixels), Alignment(quad), aligned, made.picture)
    back = np.asarray(whole)
    assert np.array_equal(back[:32], pixels[:32]) and not np.array_equal(back, pixels)
    inside = (made.mask[0, 0] > 0.9).numpy()[16:80, 16:80]
    changed = (back != pixels).any(2)[48:112, 48:112]
    assert changed[inside].mean() > 0.9


def test_pictures_that_do_not_belong_together_are_refused(whole_domain, photo):
    inverted, edited = pictures(whole_domain, Move("smile", 1.0))
    for wrong in (
        (photo, inverted, edited[..., :16]),
        (photo[..., :50], inverted, edited),
        (photo[..., :16, :16], inverted, edited),
        (photo, inverted[..., :20], edited[..., :20]),
    ):
        with pytest.raises(BadInput, match="do not belong together"):
            photo_edited(*wrong, whole_domain)


def test_values_out_of_range_are_refused():
    for field, value in {"threshold": -0.1, "softness": 0.0, "deghost": "some"}.items():
        with pytest.raises(BadInput, match=field):
            Blend(**{field: value})
    with pytest.raises(BadInput, match="may have"):
        Blend(brush=b"x" * 70_000)
    assert replace(Blend(), deghost="off") == out_of_domain.without_deghosting(Blend())


def test_edits_that_do_nothing_have_no_name():
    stack = EditStack(
        (
            Entry(Move("smile", 1.0)),
            Entry(Move("age", 1.0), on=False),
            Entry(Move("gender", 0.0)),
            Entry(ChannelMove(Channel("b8.conv1", 2), 3.0)),
            Entry(Move("gender", 0.0, absolute=True)),  # to the boundary: 0 is a place
        )
    )
    assert edit_names(stack) == ("smile", "ChannelMove", "gender")


def test_the_networks_are_parts_like_any_other(whole_domain, tmp_path: Path):
    assert {"differential", "deghosting"} <= set(whole_domain.parts)
    assert whole_domain.differential.config.directions == ATTRIBUTES[:2]
    assert whole_domain.deghosting.config.resolution == 16
