"""A model of the Hugging Face hub: one revision of it, whole, in the hub's own cache, and checked.

``owner/name@REVISION`` pins a commit. Without one, the commit that is fetched first is kept from
then on. Every file is held to the SHA-256 that ``domain.lock`` has of it, like any other file of a
domain that was trusted when it was first seen.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from editing.errors import BadInput, CannotFetch, MissingFile, UnsafeFile
from editing.io.downloads import file_hash
from editing.io.http import HUB, hub_cache, offline
from editing.io.trust import trust_all, trusted, trusted_url

PATIENCE = 9.0  # seconds for the hub's first answer
CONFIG = "config.json"
WEIGHTS = ("model.safetensors", "pytorch_model.bin")  # the first that is there
TOKENIZERS = (("tokenizer.json",), ("vocab.json", "merges.txt"))  # any of these makes one
TEXTS = ("*.json", "*.txt")


@dataclass(frozen=True)
class HubModel:
    """A model by name, at a commit or as it was when it was first fetched."""

    name: str
    revision: str | None = None

    @classmethod
    def parse(cls, text: str) -> HubModel:
        """'owner/name' or 'owner/name@REVISION'.

        Raises:
            BadInput: it is neither.
        """
        match = re.fullmatch(r"([\w.-]+/[\w.-]+)(?:@([0-9a-f]{7,40}))?", text)
        if not match or ".." in text:
            raise BadInput(
                f"{text[:80]!r} is no model of the Hugging Face hub; write owner/name, or "
                "owner/name@REVISION with a commit's hexadecimal digits."
            )
        return cls(match[1], match[2])

    def file(self, name: str) -> str:
        """What ``domain.lock`` calls one of its files."""
        return f"{self.name}/{name}"

    def pinned(self, folder: Path) -> str | None:
        """The commit that a domain's folder holds it to; None = none yet."""
        if self.revision:
            return self.revision
        found = re.search(r"/resolve/([0-9a-f]+)/", trusted_url(folder, self.file(CONFIG)))
        return found[1] if found else None


def cached(model: HubModel, folder: Path) -> Path | None:
    """Its files in the hub's cache on this machine; None where one that is needed is not there."""
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(
        model.name, CONFIG, cache_dir=hub_cache(), revision=model.pinned(folder)
    )
    if not isinstance(path, str):
        return None
    place = Path(path).parent
    whole = any((place / file).is_file() for file in WEIGHTS) and not lacks_tokenizer(place)
    return place if whole else None


def lacks_tokenizer(place: Path) -> bool:
    """Whether a folder has none of the files that make a tokenizer."""
    return not any(all((place / file).is_file() for file in files) for files in TOKENIZERS)


def states(model: HubModel, folder: Path) -> dict[str, str]:
    """File -> "ok", "unknown" (nothing to compare with) or "damaged"; {} where it is missing."""
    place = cached(model, folder)
    return {model.file(f.name): _state(model, folder, f) for f in _files(place)} if place else {}


def _state(model: HubModel, folder: Path, file: Path) -> str:
    wanted = trusted(folder, model.file(file.name))
    return "unknown" if wanted is None else "ok" if file_hash(file) == wanted else "damaged"


def _files(place: Path) -> list[Path]:
    return sorted(file for file in place.iterdir() if file.suffix in (".json", ".txt")
                  or file.name in WEIGHTS)  # fmt: skip


def checked(model: HubModel, folder: Path) -> Path:
    """The folder of its files, each what it was when it was first seen.

    Raises:
        MissingFile: it is not in the hub's cache, or not whole.
        UnsafeFile: a file is another than before.
    """
    place = cached(model, folder)
    if place is None:
        raise MissingFile(
            f"The text-image model {model.name} is not in the hub's cache on this machine; get it "
            "with 'python -m editing weights fetch' and the domain's name."
        )
    for name, state in states(model, folder).items():
        if state == "damaged":
            raise UnsafeFile(
                f"{name} in the cache of the Hugging Face hub is another file than when it was "
                "first used; remove the model there and fetch it again."
            )
    _trust(model, folder, place)
    return place


def fetch(model: HubModel, folder: Path) -> Path:
    """Bring it into the hub's cache; returns the folder of its files.

    Raises:
        CannotFetch: offline, or the hub does not answer, refuses, or gives another file than
            before or than it says.
    """
    if flag := offline():
        raise CannotFetch(
            f"{model.name} is not in the hub's cache and {flag} is set, so nothing is downloaded."
        )
    from huggingface_hub import HfApi, snapshot_download

    try:
        api = HfApi(endpoint=os.environ.get("HF_ENDPOINT") or HUB)
        revision = model.pinned(folder)
        info = _within(
            PATIENCE, lambda: api.model_info(model.name, revision=revision, files_metadata=True)
        )
        said = {file.rfilename: getattr(file.lfs, "sha256", None) for file in info.siblings or ()}
        weights = next((name for name in WEIGHTS if name in said), WEIGHTS[0])
        place = Path(
            snapshot_download(
                model.name, revision=info.sha, allow_patterns=[*TEXTS, weights],
                cache_dir=hub_cache(), endpoint=api.endpoint,
            )
        )  # fmt: skip
    except Exception as error:  # the client raises what its transports raise
        reason = " ".join(str(error).split())[:200]
        raise CannotFetch(
            f"{model.name} cannot be fetched from the Hugging Face hub "
            f"({reason or type(error).__name__}); try again when online, or set HF_ENDPOINT to a "
            "mirror."
        ) from error
    for file in _files(place):
        wanted = (trusted(folder, model.file(file.name)), said.get(file.name))
        _check(model, file, [sha256 for sha256 in wanted if sha256])
    _trust(model, folder, place)
    return place


def _check(model: HubModel, file: Path, wanted: Sequence[str]) -> None:
    if wanted and any(sha256 != file_hash(file) for sha256 in wanted):
        file.resolve().unlink(missing_ok=True)  # so that the next fetch brings it anew
        raise CannotFetch(
            f"{model.file(file.name)} of the Hugging Face hub is damaged or another file than "
            "before; fetch it again, or delete its entry from domain.lock to accept the new one."
        )


def _trust(model: HubModel, folder: Path, place: Path) -> None:
    """Note every file that was not known yet, with the commit it is of."""
    url = f"{HUB}/{model.name}/resolve/{place.name}"
    new = [file for file in _files(place) if trusted(folder, model.file(file.name)) is None]
    trust_all(
        folder,
        {
            model.file(file.name): {
                "sha256": file_hash(file), "size": file.stat().st_size, "url": f"{url}/{file.name}"
            }
            for file in new
        },
    )  # fmt: skip


def _within(seconds: float, work: Callable[[], Any]) -> Any:
    """The result of ``work``, or TimeoutError; a dead network blocks longer than it promises."""
    done: list[Any] = []

    def run() -> None:
        try:
            done.append(work())
        except Exception as error:
            done.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if not done:
        raise TimeoutError(f"no answer within {seconds:.0f} s")
    if isinstance(done[0], Exception):
        raise done[0]
    return done[0]
