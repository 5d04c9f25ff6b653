"""Prompt templates: StyleCLIP's direction of a text, and what is refused."""

from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F

from editing.errors import BadInput
from editing.models.networks import prompts as module
from editing.models.networks.clip import TextImageModel, load_text_image_model
from editing.models.networks.prompts import (
    LISTS,
    SLOT,
    encode_text,
    neutral_for,
    parse_templates,
    templates_for,
    text_direction,
    unknown_words,
)
from tests.helpers.text_domain import write_tiny_clip

OWN = ("a photo of {}", "a portrait: {}")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TextImageModel]:
    folder = tmp_path_factory.mktemp("clip")
    write_tiny_clip(folder)
    yield load_text_image_model(folder)


def test_a_text_is_the_mean_of_its_sentences(clip: TextImageModel) -> None:
    one, other = clip.encode_texts(["a photo of a face", "a portrait: a face"])
    wanted = F.normalize(one + other, dim=0)
    torch.testing.assert_close(encode_text(clip, "a face", OWN), wanted, rtol=1e-4, atol=1e-5)


def test_the_direction_leads_from_neutral_to_target(clip: TextImageModel) -> None:
    a, b = (encode_text(clip, text, OWN) for text in ("a face", "red hair"))
    dt = text_direction(clip, "a face", "red hair", OWN)
    torch.testing.assert_close(dt, F.normalize(b - a, dim=0))
    torch.testing.assert_close(text_direction(clip, "red hair", "a face", OWN), -dt)


def test_equal_texts_are_refused(clip: TextImageModel) -> None:
    with pytest.raises(BadInput, match="both 'a face'"):
        text_direction(clip, "a  face", "a face")
    with pytest.raises(BadInput, match="mean the same"):
        text_direction(clip, "a face", "A FACE!")


def test_templates_that_a_model_cannot_read_are_left_out(clip: TextImageModel) -> None:
    used = templates_for(clip, "a face")
    assert "a photo of {}" in used and SLOT in used
    assert not [t for t in used if "selfie" in t], "selfie is no word of this model"
    assert all("{}" in t and not t.isascii() for t in templates_for(clip, "老年人") if t != SLOT)
    assert templates_for(clip, "a face", ["my {}"]) == ("my {}",)


def test_a_list_of_ones_own(clip: TextImageModel) -> None:
    assert parse_templates(["a {}", "", " a {} ", "the {}"]) == ("a {}", "the {}")
    for wrong in (
        ["no slot"],
        ["{} and {}"],
        ["{}" + "x" * 300],
        [f"{i} {{}}" for i in range(101)],
    ):
        with pytest.raises(BadInput):
            parse_templates(wrong)
    for lists in LISTS.values():
        for templates in lists.values():
            assert parse_templates(templates) == templates


def test_neutral_texts_follow_the_language_and_unknown_words_are_named(
    clip: TextImageModel,
) -> None:
    assert neutral_for("an old man") == "a person" and neutral_for("老年人") == "人"
    assert unknown_words(clip, "a zebra face", "zebra, a smiling lion") == ("zebra", "lion")


def test_only_the_latest_texts_are_remembered(
    clip: TextImageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 3)
    first = encode_text(clip, "a face", OWN)
    for text in ("red hair", "an old man", "a young woman"):
        encode_text(clip, text, OWN)
        assert encode_text(clip, "a face", OWN) is first, "what is asked for again stays"
    assert len(module._encoded[clip]) == 3
    encode_text(clip, "red hair", OWN)
    assert ("an old man", OWN) not in module._encoded[clip]
