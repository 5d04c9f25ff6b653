"""The panel of files to fetch, against a server on 127.0.0.1; and what opens where they lack."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import app
from editing.errors import BadInput, CannotFetch, MissingFile
from editing.models import domain as domains
from editing.models.domain import Domain, open_domain
from editing.models.domain_yaml import write_description
from tests.helpers.file_server import FileServer, Served, serving
from ui import page
from ui.panels.model_downloads import WeightsHandlers, about_html
from ui.runtime.model_downloads import Fetcher

PAGE = b"<!DOCTYPE html><title>Google Drive - Quota exceeded</title>Too many users have viewed"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    for flag in ("HF_ENDPOINT", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(flag, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as running:
        running.files["g"] = Served(b"g" * 30_000)
        running.files["e"] = Served(b"e" * 20_000)
        yield running


@pytest.fixture
def far(server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Domain:
    """A world outside weights/, of which nothing is here."""
    monkeypatch.setattr(domains, "WEIGHTS", tmp_path / "weights")
    entries = {
        part: {"file": f"fetched/{file}", "url": server.url(file), "licence": "MIT"}
        for part, file in {"generator": "g", "encoder": "e"}.items()
    }
    facts = {"name": "far", "title": "Far away", "resolution": 32, **entries}
    return open_domain(write_description(tmp_path / "far", facts).parent)


def test_all_that_lacks_is_brought_and_told(far: Domain) -> None:
    fetcher = Fetcher(far)
    before = about_html(fetcher, "far", "en")
    assert "Far away is not here yet: generator, encoder missing" in before
    assert "2 to download, whose size the server says" in before
    steps = list(WeightsHandlers(fetcher).fetch("far", "en"))
    assert "generator: file 1 of 2" in steps[0][0]
    assert any("encoder: file 2 of 2 · 20.0 kB" in step[0] for step in steps)
    assert "python app.py --domain far" in steps[-1][0] and not far.missing
    assert "Everything that can be fetched is here" in steps[-1][1]


def test_where_the_files_lie_is_told_to_the_owner_alone(far: Domain) -> None:
    assert str(far.folder) in about_html(Fetcher(far, allowed=True), "far", "en")
    told = about_html(Fetcher(far, allowed=False), "far", "en")
    assert str(far.folder) not in told and "far/fetched" in told


def test_every_file_that_did_not_come_is_named(far: Domain, server: FileServer) -> None:
    server.files["g"] = Served(PAGE, kind="text/html")
    del server.files["e"]
    with pytest.raises(CannotFetch, match=r"quota.*HTTP 404"):
        list(Fetcher(far).fetch("far"))
    last = list(WeightsHandlers(Fetcher(far)).fetch("far", "zh"))[-1]
    assert "无法下载" in last[0] and not list((far.folder / "fetched").iterdir())


def test_a_stop_keeps_what_has_arrived(far: Domain, server: FileServer) -> None:
    server.files["g"] = Served(b"g" * 30_000, drip=0.0003)
    fetcher = Fetcher(far)
    steps = fetcher.fetch("far")
    while next(steps).done < 100:
        pass
    fetcher.stop()
    assert list(steps) == [] or "generator" in far.missing
    part = far.folder / "fetched" / "g.part"
    assert 0 < part.stat().st_size < 30_000
    server.files["g"].drip = 0.0
    list(fetcher.fetch("far"))
    assert not far.missing and server.files["g"].asked[-1].startswith("bytes=")


def test_visitors_from_elsewhere_download_nothing(far: Domain) -> None:
    with pytest.raises(BadInput, match="Only whoever runs this server"):
        next(Fetcher(far, allowed=False).fetch("far"))


@pytest.mark.parametrize(
    ("flags", "own"),
    [([], True), (["--host", "0.0.0.0"], False), (["--share"], False), (["--host", "::1"], True)],
)
def test_a_world_without_files_gives_way_to_the_bundled_one(
    far: Domain, monkeypatch: Any, capsys: Any, flags: list[str], own: bool
) -> None:
    bundled = SimpleNamespace(name="portraits", resolution=32)

    def build(domain: Any, lang: str, truth: Any, fetcher: Fetcher, links: Any) -> Any:
        if domain is not bundled:
            return domain.generator  # which is missing
        return fetcher

    def named(name: str, device: str | None = None) -> Any:
        return bundled if name == "portraits" else far

    monkeypatch.delenv("GRADIO_SERVER_NAME", raising=False)
    monkeypatch.setattr(page, "build_app", build)
    monkeypatch.setattr(domains, "open_domain", named)
    fetcher: Any = app.build_page(app.parse(["--domain", "far", *flags]))
    assert fetcher.wanted is far and fetcher.allowed is own
    said = capsys.readouterr().err
    assert "weights fetch far generator" in said and "opens on portraits" in said
    monkeypatch.setattr(bundled, "generator", None, raising=False)
    assert app.build_page(app.parse([])).wanted is None


def test_the_bundled_world_has_nothing_to_give_way_to(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(*_: Any) -> Any:
        raise MissingFile("generator.safetensors is missing; get it again.")

    monkeypatch.setattr(page, "build_app", build)
    assert app.main([]) == 2
