"""The same people again: what stays of a person stays, the rest is as in the world."""

import numpy as np
import torch

from training.dataset import SPLITS, factors_of, traits_of
from training.factors import INDEX, NAMES, TRAITS, sample_factors
from training.persons import (
    CHANGING,
    CHANGING_TRAITS,
    PICTURES,
    person_factors,
    person_of,
    person_traits,
)

FIRST = SPLITS["persons"]
SEEDS = range(FIRST, FIRST + 200 * PICTURES)


def test_a_persons_pictures_are_neighbours() -> None:
    assert FIRST % PICTURES == 0 and SPLITS["held_out_persons"] % PICTURES == 0
    assert np.array_equal(person_of(SEEDS), np.repeat(np.unique(person_of(SEEDS)), PICTURES))


def test_pictures_of_a_person_share_what_does_not_change() -> None:
    factors = person_factors(SEEDS).view(200, PICTURES, -1)
    spread = factors.std(1).mean(0)
    for name in NAMES:
        if name in CHANGING:
            assert spread[INDEX[name]] > 0.1, name
        else:
            assert spread[INDEX[name]] == 0, name
    assert factors[:, 0].std(0).min() > 0.2  # and people differ in everything


def test_hair_and_beard_of_a_person_stay_as_they_grow() -> None:
    spread = person_traits(SEEDS).view(200, PICTURES, -1).std(1).mean(0)
    for name, moved in zip(TRAITS, spread, strict=True):
        assert (moved > 0.1) if name in CHANGING_TRAITS else (moved == 0), name


def test_they_are_people_of_the_world() -> None:
    people, world = person_factors(SEEDS), sample_factors(list(range(2_000)))
    assert (people.mean(0) - world.mean(0)).abs().max() < 0.12
    assert (torch.corrcoef(people.T) - torch.corrcoef(world.T)).abs().max() < 0.25


def test_the_splits_of_persons_are_made_of_them() -> None:
    seeds = range(FIRST, FIRST + 4)
    assert torch.equal(factors_of("persons", seeds), person_factors(seeds))
    assert not torch.equal(factors_of("train", seeds), person_factors(seeds))
    assert torch.equal(traits_of("persons", seeds), person_traits(seeds))
