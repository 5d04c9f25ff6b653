"""Work that outlives a reload, a restart, a browser: as a person meets it."""

# ruff: noqa: F811  (fixtures come from elsewhere and are arguments by name)

import base64
import socket
from pathlib import Path

import pytest

from editing.models.latents import save_latent
from editing.models.states import latent_of, state_of
from tests.browser.test_page import (  # noqa: F401  (browser and domain are fixtures)
    PATIENCE,
    browser,
    chips,
    domain,
    history,
    wait_for_history,
)
from tests.helpers.studio_domain import served

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def url(browser, domain, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    with served(domain, folder, links=folder / "links") as address:
        yield address


def opened(context, address: str):
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    ready(page)
    return page


def ready(page) -> None:
    page.wait_for_selector("#canvas img")
    page.wait_for_function("!document.querySelector('#undo').disabled")
    page.wait_for_timeout(500)


def set_number(page, name: str, value: float) -> None:
    page.locator(f"#slider-{name} input[type=number]").fill(str(value))
    page.keyboard.press("Enter")


def is_kept(page) -> None:
    """Wait until the browser has what was done last."""
    page.wait_for_function("localStorage.getItem('latent-studio.work')")
    page.wait_for_timeout(1500)


def drop(page, path: Path, name: str) -> None:
    drop_bytes(page, path.read_bytes(), name)


def drop_bytes(page, contents: bytes, name: str) -> None:
    data = base64.b64encode(contents).decode()
    page.evaluate(
        """([data, name]) => {
        const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
        const files = new DataTransfer();
        files.items.add(new File([bytes], name));
        const options = {dataTransfer: files, bubbles: true, cancelable: true};
        document.querySelector('#canvas').dispatchEvent(new DragEvent('drop', options));
    }""",
        [data, name],
    )


def test_a_visit_without_work_is_offered_nothing(browser, url):
    context = browser.new_context()
    page = opened(context, url)
    page.reload()
    ready(page)
    assert not page.locator("#offer").is_visible()
    context.close()


def test_work_is_offered_after_a_reload_and_comes_back(browser, url):
    context = browser.new_context()
    page = opened(context, url)
    set_number(page, "age", 1)
    wait_for_history(page, 3)
    is_kept(page)
    page.reload()
    ready(page)
    assert page.locator("#offer").is_visible() and len(history(page)) == 2
    page.click("#offer-take")
    wait_for_history(page, 3)
    assert chips(page) == ["Smile +1", "Age +1"] and not page.locator("#offer").is_visible()
    page.click("#undo")
    page.wait_for_function("document.querySelectorAll('#stack .chip').length === 1")
    page.reload()
    ready(page)
    page.click("#offer-leave")
    page.reload()
    ready(page)
    assert not page.locator("#offer").is_visible(), "forgotten"
    context.close()


def test_a_server_that_was_restarted_finds_the_work_in_the_browser(
    browser, domain, tmp_path_factory
):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = browser.new_context()
    with served(domain, tmp_path_factory.mktemp("before"), port) as address:
        page = opened(context, address)
        set_number(page, "gender", 2)
        wait_for_history(page, 3)
        is_kept(page)
    set_number(page, "age", 1)  # nobody is there to hear it
    page.wait_for_selector(".toast-body")
    with served(domain, tmp_path_factory.mktemp("after"), port):
        page.wait_for_selector("#offer-take", state="visible")  # the page has come back by itself
        ready(page)
        page.click("#offer-take")
        wait_for_history(page, 3)
        assert chips(page) == ["Smile +1", "Gender +2"]
        set_number(page, "age", 1)
        wait_for_history(page, 4)
    context.close()


def test_a_session_file_is_dropped_anywhere(browser, url, tmp_path):
    context = browser.new_context(accept_downloads=True)
    page = opened(context, url)
    set_number(page, "age", -1)
    wait_for_history(page, 3)
    page.click("#more > button.label-wrap")
    with page.expect_download() as download:
        page.click("#download-session")
    saved = tmp_path / download.value.suggested_filename
    download.value.save_as(saved)
    assert saved.suffix == ".studio"
    other = opened(browser.new_context(), url)
    drop(other, saved, saved.name)
    wait_for_history(other, 3)
    assert chips(other) == ["Smile +1", "Age -1"]
    hostile = tmp_path / "hostile.studio"
    hostile.write_bytes(b"PK\x03\x04 no session")
    drop(other, hostile, hostile.name)
    other.wait_for_selector(".toast-body >> text=hostile.studio is not a readable session file")
    assert chips(other) == ["Smile +1", "Age -1"], "the session goes on"
    other.context.close()
    context.close()


LINK = "#share-link :is(textarea, input)"


def made_link(page) -> str:
    """A link to what the page shows."""
    page.click("#share > button.label-wrap")
    page.click("#share-make")
    page.wait_for_function("(box) => document.querySelector(box).value.includes('?')", arg=LINK)
    return page.input_value(LINK)


def test_a_link_leads_to_the_same_face_in_a_session_of_its_own(browser, url):
    context = browser.new_context()
    page = opened(context, url)
    set_number(page, "gender", 1.5)
    wait_for_history(page, 3)
    link = made_link(page)
    assert link.startswith(f"{url}?recipe=")
    other = opened(browser.new_context(), link)
    other.wait_for_function("document.querySelectorAll('#stack .chip').length === 2")
    assert chips(other) == ["Smile +1", "Gender +1.5"] and other.url == url
    set_number(other, "age", 1)
    wait_for_history(other, 3)
    assert chips(page) == ["Smile +1", "Gender +1.5"], "nobody sees what the other does"
    other.context.close()
    context.close()


def test_a_link_to_kept_work_is_deleted_by_its_button(browser, url, domain, tmp_path):
    latent = tmp_path / "face.npz"
    save_latent(latent, latent_of(state_of("seed:5", domain), domain))
    page = opened(browser.new_context(), url)
    drop(page, latent, latent.name)
    page.wait_for_function("document.querySelectorAll('#stack .chip').length === 0")
    link = made_link(page)
    assert link.startswith(f"{url}?work=")
    other = opened(browser.new_context(), link)
    other.wait_for_function("document.querySelectorAll('#stack .chip').length === 0")
    other.context.close()
    page.click("#share-delete")
    page.wait_for_selector(".toast-body >> text=The link leads nowhere any more.")
    assert page.input_value(LINK) == ""
    late = opened(browser.new_context(), link)
    late.wait_for_selector(".toast-body >> text=There is no work under this link")
    assert len(chips(late)) == 1, "the page is as any visitor's"
    late.context.close()
    chinese = opened(browser.new_context(locale="zh-CN"), link)
    chinese.wait_for_selector(".toast-body >> text=此链接已失效")
    chinese.context.close()
    page.context.close()


def test_pin_and_compare(browser, url):
    context = browser.new_context()
    page = opened(context, url)
    page.click("#pin")
    page.wait_for_selector("#history .strip-item.pinned")
    assert page.inner_text("#pin") == "Unpin"
    set_number(page, "age", 2)
    wait_for_history(page, 3)
    page.wait_for_function("document.querySelector('#canvas').innerText.includes('| now')")
    page.click("#pin")
    page.wait_for_function("!document.querySelector('#history .strip-item.pinned')")
    page.click("#against input")
    page.click("text=with 1 · start")
    page.wait_for_selector("#history .strip-item.pinned >> nth=0")
    context.close()
