"""Captions: true, grammatical, deterministic; held-out words stay out of sentences."""

import re

import numpy as np
import pytest
import torch

from training import captions_chinese, captions_english
from training.captions import (
    BANDS,
    FEWEST,
    HELD_OUT,
    LANGUAGES,
    MOST,
    Language,
    attributes_named,
    caption,
    english_words,
    sayable,
)
from training.chooser import Chooser
from training.factors import INDEX, NAMES, NUM_FACTORS, SHOWN_FROM, sample_factors
from training.prompts import HELD_OUT_PROMPTS, PROMPTS

COUNT = 700
ENDS = {"en": ".", "zh": "。"}


@pytest.fixture(scope="module")
def people() -> torch.Tensor:
    return sample_factors(list(range(COUNT)))


@pytest.fixture(scope="module")
def captions(people: torch.Tensor) -> dict[Language, list[str]]:
    return {
        language: [caption(people[i], i, language) for i in range(COUNT)] for language in LANGUAGES
    }


def test_same_seed_same_words(people: torch.Tensor) -> None:
    for language in LANGUAGES:
        assert caption(people[0], 5, language) == caption(people[0], 5, language)
        assert len({caption(people[0], seed, language) for seed in range(20)}) > 15


def test_vocabulary_is_rich(captions: dict[Language, list[str]]) -> None:
    assert len(english_words(captions["en"])) >= 400
    assert len(set("".join(captions["zh"]))) >= 200


def test_one_to_ten_things_are_said_and_all_are_true(people: torch.Tensor) -> None:
    counts = set()
    for seed in range(200):
        named = attributes_named(people[seed], seed)
        truth = sayable(people[seed])
        assert named.items() <= truth.items()
        counts.add(len(named))
    assert min(counts) >= FEWEST and max(counts) <= MOST and len(counts) == MOST - FEWEST + 1


def test_bands_lie_apart_and_above_what_shows() -> None:
    assert BANDS.keys() <= set(NAMES) and len(BANDS) >= 30
    for name, bands in BANDS.items():
        edges = [edge for low, high, _ in bands for edge in (low, high)]
        assert edges == sorted(edges) and -1 <= edges[0] and edges[-1] <= 1, name
        floor = SHOWN_FROM.get(name, -1)
        assert all(low >= floor or high <= floor for low, high, _ in bands), name


def test_what_is_hidden_goes_unsaid() -> None:
    factors = torch.full([NUM_FACTORS], 0.9)
    said = sayable(factors)
    assert said["baldness"] == "bald"
    assert not said.keys() & {"hair_length", "hair_curl", "fringe", "hair_lightness", "jaw_width"}
    factors[INDEX["eyeglasses"]] = -1
    assert "glasses_shape" not in sayable(factors)
    factors[INDEX["eyeglasses"]] = 1
    assert "glasses_shape" in sayable(factors)
    assert "glasses_shape" not in sayable(factors, visible={"eyeglasses": 3})


@pytest.mark.parametrize("grammar", [captions_english, captions_chinese])
def test_every_band_has_words(grammar: object, people: torch.Tensor) -> None:
    for name, bands in BANDS.items():
        for _, _, band in bands:
            named = {name: band} | ({"eyeglasses": "on"} if name == "glasses_shape" else {})
            for seed in range(2):
                choose = Chooser(np.random.RandomState(seed))
                plain = Chooser(np.random.RandomState(seed))
                assert grammar.sentences(named, choose) != grammar.sentences({}, plain), named


def test_held_out_words_are_said_in_lists_only(captions: dict[Language, list[str]]) -> None:
    for language, words in HELD_OUT.items():
        sentences = [text for text in captions[language] if text.endswith(ENDS[language])]
        lists = [text for text in captions[language] if not text.endswith(ENDS[language])]
        assert 0.15 * COUNT < len(lists) < 0.45 * COUNT
        for word in words:
            assert not [text for text in sentences if word in text], word
            assert [text for text in lists if word in text], word


def test_english_reads_as_english(captions: dict[Language, list[str]]) -> None:
    for text in captions["en"]:
        assert text.isascii(), text
        assert not re.search(r"  | ,|,,|\.\.|\ba [aeiou]|\ban [^aeiou]|\*|\band and\b", text), text
        if text.endswith("."):
            assert all(part[0].isupper() for part in text.split(". ")), text
        assert not re.search(r"\b[Tt]hey (is|has)\b|\b([Hh]er|[Hh]is|[Tt]heir) \w+s is\b", text), (
            text
        )


def test_chinese_reads_as_chinese(captions: dict[Language, list[str]]) -> None:
    for text in captions["zh"]:
        assert re.fullmatch(r"[\u4e00-\u9fff，。、：]+", text), text
        assert not re.search(r"的的|，，|。。|，。|、，|一一|位位", text), text


def test_prompts_ask_in_known_words(captions: dict[Language, list[str]]) -> None:
    """All but the held-out words are in captions; those are in no sentence."""
    assert PROMPTS["en"].keys() == PROMPTS["zh"].keys() and len(PROMPTS["en"]) >= 20
    for language in LANGUAGES:
        prompts = [*PROMPTS[language].values()]
        texts = [text for p in prompts for text in (p.neutral, p.positive, p.negative)]
        assert all(len({p.neutral, p.positive, p.negative}) == 3 for p in prompts)
        assert not [t for t in texts for word in HELD_OUT[language] if word in t]
        if language == "en":
            assert english_words(texts) <= english_words(captions["en"])
        else:
            assert set("".join(texts)) <= set("".join(captions["zh"]))


def test_held_out_prompts_ask_for_each_word() -> None:
    for language in LANGUAGES:
        assert tuple(p.word for p in HELD_OUT_PROMPTS[language]) == HELD_OUT[language]
        for prompt in HELD_OUT_PROMPTS[language]:
            assert prompt.word in prompt.positive and prompt.word not in prompt.negative
            assert prompt.factor in PROMPTS[language]
