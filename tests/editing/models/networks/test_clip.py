"""CLIPs: unit vectors, words they know and do not know, files they come from."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
import yaml
from hypothesis import given
from hypothesis import strategies as st

from editing.errors import BadInput, EditingError, MissingFile, UnsafeFile
from editing.models.domain import open_domain
from editing.models.generators.generator import Generator
from editing.models.networks.clip import (
    SUGGESTED,
    TextImageModel,
    clean_text,
    load_text_image_model,
)
from tests.conftest import describe, write_tiny_domain
from training.train_clip import CONTEXT, export, make_model
from training.vocabulary import words_of

TAUGHT = ["a photo of a smiling person, with red hair", "一位戴着眼镜的女士，面带微笑。"]


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained bilingual CLIP that knows the words of TAUGHT."""
    folder = tmp_path_factory.mktemp("clip")
    with torch.random.fork_rng():
        torch.manual_seed(3)
        words = words_of(TAUGHT)
        export(make_model(len(words)), words, folder)
    return folder


@pytest.fixture(scope="session")
def clip(clip_folder: Path) -> TextImageModel:
    return load_text_image_model(clip_folder)


def test_pictures_and_texts_become_unit_vectors(clip: TextImageModel) -> None:
    pictures = clip.encode_pictures(torch.rand(2, 3, 40, 40) * 2 - 1)
    texts = clip.encode_texts(TAUGHT)
    assert pictures.shape == texts.shape == (2, clip.width)
    for vectors in (pictures, texts):
        torch.testing.assert_close(vectors.norm(dim=1), torch.ones(2))


def test_it_is_what_transformers_computes(clip: TextImageModel) -> None:
    picture = torch.rand(1, 3, 128, 128) * 2 - 1
    tokens = clip.tokenizer([TAUGHT[0]], return_tensors="pt")
    with torch.no_grad():
        out = clip.model(**tokens, pixel_values=picture)  # mean and deviation 0.5: [-1, 1]
        torch.testing.assert_close(clip.encode_pictures(picture), F.normalize(out.image_embeds))
        torch.testing.assert_close(clip.encode_texts(TAUGHT[:1]), F.normalize(out.text_embeds))


def test_neighbours_in_a_batch_change_nothing(clip: TextImageModel) -> None:
    alone = clip.encode_texts(["red hair"])
    together = clip.encode_texts(["red hair", TAUGHT[0]])[:1]
    torch.testing.assert_close(alone, together, rtol=1e-4, atol=1e-5)


def test_visitors_may_write_at_the_same_time(
    clip: TextImageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Padding, which batches need, is set on a tokenizer that all threads share."""
    tokenizer, inside, most = clip.tokenizer, list[int](), list[int]()

    class Watched:
        def __getattr__(self, name: str) -> Any:
            return getattr(tokenizer, name)

        def __call__(self, *texts: Any, **how: Any) -> Any:
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.002)
            inside.pop()
            return tokenizer(*texts, **how)

    expected = clip.encode_texts([TAUGHT[0], "red hair"])
    monkeypatch.setattr(clip, "tokenizer", Watched())
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: clip.encode_texts([TAUGHT[0], "red hair"]), range(8)):
            torch.testing.assert_close(found, expected)
    assert max(most) == 1


def test_case_punctuation_and_hyphens_do_not_count(clip: TextImageModel) -> None:
    one, other = clip.encode_texts(["A photo, of red hair!", "a photo of red-hair"])
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_pictures_can_be_descended(clip: TextImageModel) -> None:
    picture = torch.zeros(1, 3, 32, 32, requires_grad=True)
    clip.encode_pictures(picture)[0, 0].backward()
    assert picture.grad is not None and picture.grad.abs().sum() > 0


@pytest.mark.parametrize(
    "text, unknown",
    [
        ("a smiling person", ()),
        ("a smiling astronaut on Mars", ("astronaut", "on", "Mars")),
        ("red zebra and red zebra", ("zebra", "and")),
        ("一位戴着皇冠的女士", ("皇冠",)),
        ("red hair 😀", ("😀",)),
        ("cafÃ© hair", ("café",)),  # mojibake is repaired before it is reported
    ],
)
def test_unknown_words_are_named(clip: TextImageModel, text: str, unknown: tuple[str, ...]) -> None:
    assert clip.unknown_words(text) == unknown
    assert clip.check_text(text) == clean_text(text)


@pytest.mark.parametrize("text", ["zebra astronaut", "a zebra of the moon", "一个骑龙的", "😀"])
def test_a_text_of_unknown_words_is_refused_with_the_known(clip: TextImageModel, text: str) -> None:
    with pytest.raises(BadInput, match="knows no word of .* it understands") as refusal:
        clip.encode_texts([text])
    assert len(str(refusal.value)) < 300 and str(refusal.value).count(",") <= SUGGESTED


@pytest.mark.parametrize(
    "text, meant",
    [
        ("wiht a hiar", "hair"),
        ("a person wiht hiar", "hair"),
        ("a persn wiht hiar", "hair"),
        ("a smilling person", "smiling"),
    ],
)
def test_a_misspelt_word_is_not_left_out(clip: TextImageModel, text: str, meant: str) -> None:
    """What is left would say nothing, and would make an edit that nobody asked for."""
    with pytest.raises(BadInput, match=f"the nearest words it understands: .*{meant}"):
        clip.check_target(text)
    assert clip.check_target("a smiling person wiht hiar"), "what it knows says something"


@pytest.mark.parametrize("text, reason", [("", "empty"), (" \n ", "empty"), ("a " * 5_000, "limit"),
                                          ("red " * 120, f"at most {CONTEXT}")])  # fmt: skip
def test_empty_and_endless_texts_are_refused(clip: TextImageModel, text: str, reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        clip.encode_texts([text])


@given(st.text(max_size=60))
def test_any_text_is_encoded_or_refused_in_a_sentence(clip: TextImageModel, text: str) -> None:
    try:
        assert torch.isfinite(clip.encode_texts([text])).all()
    except EditingError as refusal:
        assert str(refusal).endswith(".")


def test_damaged_and_missing_folders_are_refused(tmp_path: Path, clip_folder: Path) -> None:
    with pytest.raises(MissingFile):
        load_text_image_model(tmp_path / "nowhere")
    with pytest.raises(MissingFile):
        load_text_image_model(tmp_path)  # an empty folder
    for file in clip_folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1_000])
    with pytest.raises(UnsafeFile, match="no usable CLIP"):
        load_text_image_model(tmp_path)


def test_the_fingerprint_is_of_the_weights(clip: TextImageModel, clip_folder: Path) -> None:
    again = load_text_image_model(clip_folder)
    assert again.fingerprint == clip.fingerprint and len(clip.fingerprint) == 16
    again.model.logit_scale.data += 1
    del again.fingerprint
    assert again.fingerprint != clip.fingerprint


def test_a_domain_has_one(tmp_path: Path, clip_folder: Path, tiny_generator: Generator) -> None:
    folder = write_tiny_domain(tmp_path / "tiny", tiny_generator)
    with pytest.raises(MissingFile, match="has no text image model"):
        _ = open_domain(folder).clip
    (folder / "clip").mkdir()
    for file in clip_folder.iterdir():
        (folder / "clip" / file.name).write_bytes(file.read_bytes())
    files = [describe(folder, f"clip/{file.name}") for file in clip_folder.iterdir()]
    description = (folder / "domain.yaml").read_text()
    whole = yaml.safe_dump({"text_image_model": {"file": "clip", "files": files}})
    (folder / "domain.yaml").write_text(description + whole)
    assert open_domain(folder).clip.unknown_words("red zebra") == ("zebra",)
    (folder / "clip" / "words.json").write_text("{}")  # every file of the folder is checked
    with pytest.raises(UnsafeFile, match="words.json has the SHA-256"):
        _ = open_domain(folder).clip
    # One line replaces it; nothing is fetched unasked.
    (folder / "domain.yaml").write_text(description + "text_image_model: nobody/no-such-clip\n")
    with pytest.raises(MissingFile, match="no-such-clip is not in the hub's cache.* weights fetch"):
        _ = open_domain(folder).clip
