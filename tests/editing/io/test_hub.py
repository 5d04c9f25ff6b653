"""Models of the Hugging Face hub: pinned, whole, and the same files as before."""

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from editing.errors import BadInput, CannotFetch, MissingFile, UnsafeFile
from editing.io import hub
from editing.io.hub import HubModel
from editing.io.trust import LOCK, trusted
from editing.models.domain import Domain, open_domain
from editing.models.domain_yaml import DESCRIPTION, read_description
from editing.models.fetching import complete, plan, verify
from editing.models.generators.generator import Generator
from tests.conftest import write_tiny_domain

NAME = "org/clip"
FIRST, SECOND = "a" * 40, "b" * 40
FILES = {"config.json": b"{}", "tokenizer.json": b"{}", "pytorch_model.bin": b"weights"}


class Hub:
    """Stands for the hub and its client: commits, the files of each, and what was asked."""

    def __init__(self, cache: Path) -> None:
        self.cache, self.head = cache, FIRST
        self.commits = {FIRST: dict(FILES), SECOND: {**FILES, "pytorch_model.bin": b"others"}}
        self.said = "of the file"  # the SHA-256 that the hub says of its weights

    def model_info(self, name: str, revision: str | None, files_metadata: bool) -> Any:
        assert name == NAME and files_metadata
        sha = revision or self.head
        siblings = []
        for file, data in self.commits[sha].items():
            digest = hashlib.sha256(data).hexdigest() if self.said == "of the file" else self.said
            lfs = SimpleNamespace(sha256=digest) if file.endswith(".bin") else None
            siblings.append(SimpleNamespace(rfilename=file, lfs=lfs))
        return SimpleNamespace(sha=sha, siblings=siblings)

    def snapshot(self, name: str, revision: str, **_: Any) -> str:
        folder = self.cache / f"models--{name.replace('/', '--')}"
        (folder / "refs").mkdir(parents=True, exist_ok=True)
        (folder / "refs" / "main").write_text(self.head)
        place = folder / "snapshots" / revision
        place.mkdir(parents=True, exist_ok=True)
        for file, data in self.commits[revision].items():
            (place / file).write_bytes(data)
        return str(place)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    for flag in ("HF_ENDPOINT", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(flag, raising=False)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    huggingface_hub = pytest.importorskip("huggingface_hub")
    server = Hub(tmp_path / "cache")
    monkeypatch.setattr(
        huggingface_hub.HfApi, "model_info", lambda self, *a, **k: server.model_info(*a, **k)
    )
    monkeypatch.setattr(huggingface_hub, "snapshot_download", server.snapshot)
    return server


def fetched(folder: Path, revision: str | None = None) -> Path:
    return hub.fetch(HubModel(NAME, revision), folder)


def test_the_first_commit_is_kept_when_the_hub_goes_on(server: Hub, tmp_path: Path) -> None:
    folder = tmp_path / "domain"
    assert fetched(folder).name == FIRST
    assert trusted(folder, f"{NAME}/pytorch_model.bin") == hashlib.sha256(b"weights").hexdigest()
    server.head = SECOND
    assert fetched(folder).name == FIRST and hub.checked(HubModel(NAME), folder).name == FIRST
    assert fetched(tmp_path / "another domain").name == SECOND


def test_a_commit_that_is_written_down_is_the_one_fetched(server: Hub, tmp_path: Path) -> None:
    model = HubModel.parse(f"{NAME}@{SECOND}")
    assert hub.fetch(model, tmp_path).name == SECOND
    assert (hub.checked(model, tmp_path) / "pytorch_model.bin").read_bytes() == b"others"
    assert hub.cached(HubModel(NAME, FIRST), tmp_path) is None


def test_a_file_that_changed_in_the_cache_is_noticed(server: Hub, tmp_path: Path) -> None:
    place = fetched(tmp_path)
    assert set(hub.states(HubModel(NAME), tmp_path).values()) == {"ok"}
    (place / "tokenizer.json").write_bytes(b"{ }")
    assert hub.states(HubModel(NAME), tmp_path)[f"{NAME}/tokenizer.json"] == "damaged"
    with pytest.raises(UnsafeFile, match="org/clip/tokenizer.json .* another file"):
        hub.checked(HubModel(NAME), tmp_path)
    server.commits[FIRST]["tokenizer.json"] = b"[ ]"  # or at its source
    with pytest.raises(CannotFetch, match="another file than before"):
        fetched(tmp_path)


def test_weights_other_than_the_hub_says_are_not_kept(server: Hub, tmp_path: Path) -> None:
    server.said = "0" * 64
    with pytest.raises(CannotFetch, match="pytorch_model.bin of the Hugging Face hub is damaged"):
        fetched(tmp_path)
    assert hub.cached(HubModel(NAME), tmp_path) is None and not (tmp_path / LOCK).exists()


@pytest.mark.parametrize("gone", FILES)
def test_half_a_model_is_missing(server: Hub, tmp_path: Path, gone: str) -> None:
    (fetched(tmp_path) / gone).unlink()
    assert hub.cached(HubModel(NAME), tmp_path) is None
    with pytest.raises(MissingFile, match="org/clip is not in the hub's cache.* weights fetch"):
        hub.checked(HubModel(NAME), tmp_path)


def test_offline_is_a_sentence(server: Hub, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(CannotFetch, match="org/clip is not in the hub's cache and HF_HUB_OFFLINE"):
        fetched(tmp_path)


def test_a_dead_hub_is_a_sentence(server: Hub, tmp_path: Path) -> None:
    server.head = "c" * 40  # no such commit
    with pytest.raises(CannotFetch, match="HF_ENDPOINT to a mirror"):
        fetched(tmp_path)


def domain_of(folder: Path, generator: Generator, text: str) -> Domain:
    write_tiny_domain(folder, generator, networks=False)
    facts = yaml.safe_load((folder / DESCRIPTION).read_text())
    (folder / DESCRIPTION).write_text(yaml.safe_dump({**facts, "text_image_model": text}))
    return open_domain(folder)


def test_a_domain_lacks_it_until_it_is_whole(
    server: Hub, tmp_path: Path, tiny_generator: Generator
) -> None:
    domain = domain_of(tmp_path / "tiny", tiny_generator, NAME)
    assert not domain.missing and not complete(domain)
    assert verify(domain)[NAME] == "missing"
    wanted = plan(domain)
    assert wanted.hub == HubModel(NAME) and "org/clip of the Hugging Face hub" in str(
        wanted.announcement()
    )
    hub.fetch(HubModel(NAME), domain.folder)
    assert complete(domain) and plan(domain).hub is None
    assert verify(domain)[f"{NAME}/pytorch_model.bin"] == "ok"


@pytest.mark.parametrize(
    "text", ["clip", "org/../clip", "org/clip@main", "org/clip/file", "https://a/b", "org/clip@"]
)
def test_texts_that_name_no_model(tmp_path: Path, tiny_generator: Generator, text: str) -> None:
    with pytest.raises(BadInput, match="is no model of the Hugging Face hub"):
        domain_of(tmp_path / "tiny", tiny_generator, text)


def test_shipped_descriptions_pin_a_commit() -> None:
    for path in (Path(__file__).parents[3] / "weights").glob("*/domain.yaml"):
        clip = read_description(path)["hub_clip"]
        assert clip is None or len(clip.revision or "") == 40, path
