"""A CLIP and its table: known by what the weights are, whichever file they came in."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from editing.clip_files import OPENAI_WORDS, TABLE
from editing.conversion import convert
from editing.conversion_target import Target
from editing.descriptions import describe_file, write_description
from editing.domains import Domain, open_domain
from editing.errors import BadInput, MissingFile
from editing.fetching import plan
from editing.generator import Generator
from editing.inspection import inspect_file
from editing.layers import style_widths
from editing.text_image import read_weights_fingerprint
from tests.conftest import write_tiny_domain
from tests.test_formats_clip import TEXT, WIDTH, WORDS, Holder, State, make_state

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
SPACE = 256  # numbers of an embedding


def write_clip(path: Path, space: int = SPACE, words: int = WORDS) -> State:
    """OpenAI's state dict, as they publish it: half of it in float16."""
    rng = torch.Generator().manual_seed(5)
    state = make_state() | {
        "visual.proj": torch.randn(WIDTH, space, generator=rng),
        "text_projection": torch.randn(TEXT, space, generator=rng),
        "token_embedding.weight": torch.randn(words, TEXT, generator=rng),
    }
    state = {k: v.half() if v.ndim > 1 else v for k, v in state.items()}
    torch.save(state, path)
    return state


def write_table(path: Path, generator: Generator, space: int = SPACE) -> None:
    """StyleCLIP's fs3.npy: a unit vector for every channel of the convolutions."""
    widths = style_widths(generator)
    count = sum(width for name, width in widths.items() if not name.endswith("torgb"))
    rows = np.random.default_rng(0).standard_normal((count, space))
    np.save(path, (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32))


def write_tokenizer(folder: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = ["[PAD]", "[UNK]", "a", "person", "smiling", *"fghijklmnopqrstuvwxyzABCDEFGHIJ"]
    words = [*words[: WORDS - 2], "<|startoftext|>", "<|endoftext|>"]
    known = {word: i for i, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(known, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))


def converted(source: Path, folder: Path) -> Target:
    return convert(inspect_file(source), source, folder)


@pytest.fixture
def domain(tmp_path: Path, tiny_generator: Generator) -> Domain:
    write_tiny_domain(tmp_path / "tiny", tiny_generator, networks=False)
    write_table(tmp_path / "fs3.npy", tiny_generator)
    return open_domain(tmp_path / "tiny")


def test_every_file_of_the_same_weights_is_the_same_clip(tmp_path: Path) -> None:
    state = write_clip(tmp_path / "half.pt")
    torch.save({k: v.float() for k, v in state.items()}, tmp_path / "whole.pt")
    torch.jit.trace(Holder(state), torch.zeros(1)).save(str(tmp_path / "scripted.pt"))
    for name in ("half", "whole", "scripted"):
        converted(tmp_path / f"{name}.pt", tmp_path / name)
    converted(tmp_path / "whole" / "clip", tmp_path / "again")  # transformers' own layout
    found = {read_weights_fingerprint(tmp_path / name / "clip")
             for name in ("half", "whole", "scripted", "again")}  # fmt: skip
    assert len(found) == 1
    state["visual.ln_post.bias"] = state["visual.ln_post.bias"] + 1
    torch.save(state, tmp_path / "other.pt")
    converted(tmp_path / "other.pt", tmp_path / "other")
    assert read_weights_fingerprint(tmp_path / "other" / "clip") not in found


@pytest.mark.parametrize("order", [("fs3.npy", "ViT.pt"), ("ViT.pt", "fs3.npy")])
def test_styleclips_own_pair_works(tmp_path: Path, domain: Domain, order: tuple[str, str]) -> None:
    write_clip(tmp_path / "ViT.pt")
    first = converted(tmp_path / order[0], domain.folder)
    second = converted(tmp_path / order[1], domain.folder)
    assert not any("held to" in note for note in first.notes)
    assert any("held to the one of this domain" in note for note in second.notes)
    assert any("patches of 8" in note for note in second.notes)  # not the published ViT-B/32
    write_tokenizer(domain.folder / "clip")
    opened = open_domain(domain.folder)
    table = opened.global_directions
    assert table.clip == opened.clip.fingerprint == read_weights_fingerprint(
        domain.folder / "clip"
    )  # fmt: skip


def test_another_clip_of_the_same_width_is_noticed(tmp_path: Path, domain: Domain) -> None:
    write_clip(tmp_path / "ViT.pt")
    converted(tmp_path / "ViT.pt", domain.folder)
    converted(tmp_path / "fs3.npy", domain.folder)
    other = write_clip(tmp_path / "other.pt")
    torch.save({k: v * 1.1 for k, v in other.items()}, tmp_path / "other.pt")
    with pytest.raises(BadInput, match="model.safetensors already, which is not made of other.pt"):
        converted(tmp_path / "other.pt", domain.folder)
    converted(tmp_path / "other.pt", tmp_path / "other")
    for file in (tmp_path / "other" / "clip").iterdir():  # by hand, description and all
        file.replace(domain.folder / "clip" / file.name)
    write_tokenizer(domain.folder / "clip")
    facts = yaml.safe_load((domain.folder / "domain.yaml").read_text())
    files = [describe_file(domain.folder, f"clip/{p.name}")
             for p in sorted((domain.folder / "clip").iterdir())]  # fmt: skip
    write_description(domain.folder, facts | {"text_image_model": {"file": "clip", "files": files}})
    with pytest.raises(BadInput, match="measured with the text-image model"):
        _ = open_domain(domain.folder).global_directions


@pytest.mark.parametrize("order", [("fs3.npy", "ViT.pt"), ("ViT.pt", "fs3.npy")])
def test_a_table_of_another_width_is_refused_at_once(
    tmp_path: Path, domain: Domain, order: tuple[str, str]
) -> None:
    write_clip(tmp_path / "ViT.pt", 384)
    converted(tmp_path / order[0], domain.folder)
    with pytest.raises(BadInput, match="rows of 256 numbers.* works with 384"):
        converted(tmp_path / order[1], domain.folder)


def test_a_tokenizer_that_is_not_there_is_named_and_fetched(tmp_path: Path, domain: Domain) -> None:
    write_clip(tmp_path / "ViT.pt", words=OPENAI_WORDS)
    target = converted(tmp_path / "ViT.pt", domain.folder)
    assert any("weights fetch" in note and "text_image_model" in note for note in target.notes)
    opened = open_domain(domain.folder)
    with pytest.raises(MissingFile, match="tokenizer.json; get it with .*weights fetch"):
        _ = opened.clip
    (missing,) = plan(opened, ["text_image_model"]).files
    assert missing.entry.file == "clip/tokenizer.json" and missing.entry.licence == "MIT"
    assert missing.entry.urls[0].endswith("/tokenizer.json") and missing.entry.sha256 is None


def test_without_a_known_tokenizer_no_text_is_read(tmp_path: Path, domain: Domain) -> None:
    """Such a model once took all texts for the same one."""
    write_clip(tmp_path / "ViT.pt")
    converted(tmp_path / "ViT.pt", domain.folder)
    with pytest.raises(MissingFile, match="no tokenizer.*tokenizer.json or vocab.json and merges"):
        _ = open_domain(domain.folder).clip


def test_a_table_without_a_clip_waits_for_one(tmp_path: Path, domain: Domain) -> None:
    converted(tmp_path / "fs3.npy", domain.folder)
    assert open_domain(domain.folder).parts["global_directions"].file == TABLE
