"""A full disk, simulated: every door says so in a sentence, without a path."""

import errno

import gradio as gr
import httpx
import pytest
from gradio import route_utils
from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image

from tests.helpers.studio_domain import served, write_studio_domain
from ui.locales import LANGUAGES, say
from ui.runtime.toasts import polite
from ui.server import folders as room


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device", "/srv/secret/file")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def url(tmp_path_factory, folder):
    domain = write_studio_domain(tmp_path_factory.mktemp("domain") / "studio")
    with served(domain, folder) as address:
        yield address


@pytest.fixture
def client(url):
    return Client(url, verbose=False, analytics_enabled=False, httpx_kwargs={"timeout": 120})


class Handlers:
    @polite
    def act(self, session, lang):
        full()

    @polite
    def stream(self, session, lang):
        yield full()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_handler_that_cannot_write(lang):
    for act in (Handlers().act, lambda *given: list(Handlers().stream(*given))):
        with pytest.raises(gr.Error) as refused:
            act(None, lang)
        assert refused.value.message == say("guard.full", lang)


def test_other_trouble_with_files_is_still_reported():
    class Broken:
        @polite
        def act(self, session, lang):
            raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(gr.Error, match="not your fault"):
        Broken().act(None, "en")


def test_a_picture_that_gradio_cannot_store(client, monkeypatch):
    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(AppError, match="disk is full") as refused:
        client.predict(seeds="1", api_name="/generate")
    assert "/srv" not in str(refused.value)
    monkeypatch.undo()
    assert client.predict(seeds="1", api_name="/generate"), "afterwards it goes on"


def upload(url, language="en"):
    return httpx.post(
        f"{url}gradio_api/upload", files={"files": ("a.png", b"x" * 1000)},
        headers={"accept-language": language}, timeout=60,
    )  # fmt: skip


def test_an_upload_that_cannot_be_stored(url, folder, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(route_utils, "NamedTemporaryFile", full)
        refused = upload(url)
    assert refused.status_code == 507 and refused.text == say("guard.full", "en")
    with monkeypatch.context() as patch:
        patch.setattr(room.shutil, "disk_usage", lambda _: type("", (), {"free": room.SPARE}))
        refused = upload(url, "zh-CN")
    assert refused.status_code == 507 and refused.text == say("guard.full", "zh")
    assert upload(url).status_code == 200
