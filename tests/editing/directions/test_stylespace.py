"""Channels of StyleSpace: effects by gradient, moves in σ."""

import pytest
import torch

from editing.directions.rescoring import trial_ws
from editing.directions.stylespace import (
    Channel,
    attribute_effects,
    delta,
    parse_channel,
    region_effects,
    statistics_of,
)
from editing.edits.stack import ChannelMove, render, state_of
from editing.errors import BadInput, UnknownName
from editing.models.domain import Domain


def test_an_effect_is_the_derivative_of_the_reading(tiny_domain: Domain) -> None:
    ws = trial_ws(tiny_domain, 2)
    *_, effects = attribute_effects(tiny_domain, "smile", ws)
    top = effects[0]
    std = statistics_of(tiny_domain).std[top.channel.layer]
    slopes = []
    for w in torch.split(ws, 1):
        readings = []
        for sign in (1, -1):
            styles = tiny_domain.generator.styles(w)
            moved = styles[top.channel.layer].clone()
            moved[:, top.channel.index] += sign * 0.01 * std[top.channel.index]
            img = tiny_domain.generator.synthesis({**styles, top.channel.layer: moved})
            readings.append(float(tiny_domain.scorer(img)[0, 0]))
        slopes.append((readings[0] - readings[1]) / 0.02)
    assert top.change == pytest.approx(sum(slopes) / 2, rel=0.05)
    assert [abs(e.change) for e in effects] == sorted(
        (abs(e.change) for e in effects), reverse=True
    )
    assert 0 < sum(e.share for e in effects) <= 1.001


def test_regions_are_where_a_channel_acts(tiny_domain: Domain) -> None:
    ws, rng = trial_ws(tiny_domain, 1), torch.Generator().manual_seed(0)
    *_, whole = region_effects(tiny_domain, (0, 0, 1, 1), ws, rng)
    assert whole[0].change > 0 and whole[0].share == pytest.approx(1, abs=1e-4)
    *_, corner = region_effects(tiny_domain, (0, 0, 0.2, 0.2), ws, rng)
    assert sum(effect.share for effect in corner[:50]) / 50 < 0.6
    for wrong in ((0.5, 0, 0.2, 1), (0, 0, 1, 1.2), (0, 0.3, 1, 0.3)):
        with pytest.raises(BadInput, match="no rectangle"):
            next(region_effects(tiny_domain, wrong, ws, rng))
    with pytest.raises(UnknownName, match="charm"):
        next(attribute_effects(tiny_domain, "charm", ws))


def test_a_channel_moves_by_standard_deviations(tiny_domain: Domain) -> None:
    channel = parse_channel("b16.conv0:3", tiny_domain)
    assert channel == Channel("b16.conv0", 3) and str(channel) == "b16.conv0:3"
    change = delta(tiny_domain, channel, 2.0)
    std = statistics_of(tiny_domain).std["b16.conv0"]
    assert change[3] == pytest.approx(2 * float(std[3])) and change.count_nonzero() == 1
    state = state_of("seed:1", tiny_domain)
    once = ChannelMove(channel, 5.0).apply(state, tiny_domain)
    assert torch.equal(once.ws, state.ws)
    assert not torch.equal(render(once, tiny_domain), render(state, tiny_domain))
    back = ChannelMove(channel, -5.0).apply(once, tiny_domain)
    assert torch.allclose(render(back, tiny_domain), render(state, tiny_domain), atol=1e-5)


@pytest.mark.parametrize("text", ["b16.conv0", "b99.conv0:1", "b16.conv0:x", "b16.conv0:-1", ""])
def test_no_channels(text: str, tiny_domain: Domain) -> None:
    with pytest.raises(BadInput, match="is no channel"):
        parse_channel(text, tiny_domain)


def test_channels_and_strengths_that_do_not_exist(tiny_domain: Domain) -> None:
    with pytest.raises(BadInput, match="choose from 0 to"):
        parse_channel("b16.conv0:999", tiny_domain)
    for alpha in (float("nan"), 1e9):
        with pytest.raises(BadInput, match="usually -10 to 10"):
            ChannelMove(Channel("b16.conv0", 1), alpha)
