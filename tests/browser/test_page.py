"""The app as a person meets it: Debian's Chromium, driven by Playwright.

Skipped where there is no Chromium, unless LATENT_STUDIO_BROWSER_LOG names a file (as in .ci/run):
then its absence is a failure, and every test that ran is noted in that file.
"""

import os
import shutil
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from editing.io.images import to_uint8
from editing.recipes.recipe import read_export
from editing.recipes.replay import replay
from tests.helpers.studio_domain import best_domain, served
from ui.studio.examples import photograph

pytestmark = pytest.mark.browser
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync",
         "--disable-component-update", "--no-first-run"]  # fmt: skip
LOG = os.environ.get("LATENT_STUDIO_BROWSER_LOG")
PATIENCE = 60_000  # milliseconds; only failures take that long


@pytest.fixture(scope="module")
def browser():
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        if LOG:
            pytest.fail("The browser tests are required, and there is no chromium on the PATH.")
        pytest.skip("there is no chromium on the PATH (on Debian: apt install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def domain(tmp_path_factory):
    return best_domain(tmp_path_factory.mktemp("domain") / "studio")


@pytest.fixture(scope="module")
def url(browser, domain, tmp_path_factory) -> Iterator[str]:
    with served(domain, tmp_path_factory.mktemp("files")) as address:
        yield address


@pytest.fixture
def visit(browser, url, request):
    """Opens the page in a browser of its own; afterwards nothing may have gone wrong in it."""
    contexts, problems = [], []

    def visit(locale: str = "en-US", width: int = 1366, height: int = 768, known=None):
        context = known or browser.new_context(
            viewport={"width": width, "height": height}, locale=locale, accept_downloads=True
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: problems.append(f"page error: {error}"))
        page.on("console", lambda m: m.type == "error" and problems.append(f"console: {m.text}"))
        page.on("request", lambda r: leaves(r.url) and problems.append(f"request: {r.url}"))
        page.goto(url)
        page.wait_for_selector("#canvas img")
        page.wait_for_function("!document.querySelector('#undo').disabled")
        page.wait_for_timeout(500)  # until the page has told the server its language
        return page

    def leaves(address: str) -> bool:
        return not address.startswith((url, "data:", "blob:"))

    yield visit
    for context in contexts:
        context.close()
    assert problems == []
    if LOG:
        with open(LOG, "a", encoding="utf-8") as log:
            log.write(f"{request.node.name}\n")


def pictures(page, where: str = "#canvas") -> list[str]:
    return page.eval_on_selector_all(f"{where} img", "all => all.map((image) => image.src)")


def history(page) -> list[str]:
    return page.eval_on_selector_all("#history .strip-item", "all => all.map((e) => e.title)")


def chips(page) -> list[str]:
    return page.eval_on_selector_all("#stack .chip-name", "all => all.map((e) => e.innerText)")


def wait_for_history(page, length: int) -> None:
    page.wait_for_function(
        "(n) => document.querySelectorAll('#history .strip-item').length === n", arg=length
    )


def wait_for_change(page, before: list[str], where: str = "#canvas") -> None:
    page.wait_for_function(
        "([where, before]) => [...document.querySelectorAll(where + ' img')].map((e) => e.src)"
        ".join() !== before.join()",
        arg=[where, before],
    )


def grab(page, name: str, to: float) -> None:
    """Press the mouse on a slider and pull it to a fraction of its track; does not let go."""
    box = page.locator(f"#slider-{name} input[type=range]").bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * to, y, steps=6)


def upload(page, path) -> None:
    page.set_input_files("#photo input[type=file]", str(path))


def wait_for_inversion(page) -> None:
    page.wait_for_function(
        "document.querySelector('#history .current')?.title === 'inverted'"
        " && document.querySelector('#metrics b')"
    )


def test_the_first_sight(visit):
    page = visit()
    assert page.title() == "Latent Studio"
    assert page.inner_text("#tagline").strip() == "Drop a photo, or move a slider."
    assert page.input_value("#slider-smile input[type=number]") == "1"
    assert chips(page) == ["Smile +1"] and history(page) == ["start", "Smile +1"]
    before, after = pictures(page)
    assert before != after, "the example is already edited"
    names = page.eval_on_selector_all("button[role=tab]", "all => all.map((e) => e.innerText)")
    assert names[:2] == ["Inversion", "Boundaries"]
    assert page.get_attribute("#redo", "title") == "Nothing was undone"


def test_dragging_changes_the_picture_before_letting_go(visit):
    page = visit()
    before = pictures(page)
    grab(page, "age", 0.8)
    wait_for_change(page, before)
    assert len(history(page)) == 2, "nothing is committed while dragging"
    page.mouse.up()
    wait_for_history(page, 3)
    assert chips(page)[1].startswith("Age +1.")
    page.click("#undo")
    page.wait_for_function("document.querySelectorAll('#stack .chip').length === 1")
    page.wait_for_function("document.querySelector('#slider-age input[type=number]').value === '0'")
    page.click("#redo")
    page.wait_for_function("document.querySelectorAll('#stack .chip').length === 2")


def test_the_keyboard_commits_too(visit):
    page = visit()
    page.focus("#slider-gender input[type=range]")
    page.keyboard.press("ArrowRight")
    wait_for_history(page, 3)
    assert chips(page)[1].startswith("Gender +0.05")


def test_a_run_of_arrow_keys_is_one_edit_that_ends_where_they_do(visit):
    page = visit()
    page.focus("#slider-age input[type=range]")
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('#history .current')?.title === 'Age +0.6'")
    page.wait_for_timeout(1000)
    assert chips(page) == ["Smile +1", "Age +0.6"]
    page.keyboard.press("Control+z")
    page.wait_for_function("document.querySelectorAll('#stack .chip').length === 1")
    page.keyboard.press("Control+Shift+z")
    page.wait_for_function("document.querySelectorAll('#stack .chip').length === 2")


def test_a_number_that_is_typed_counts_on_enter_and_stays_within_the_slider(visit):
    page = visit()
    number = page.locator("#slider-gender input[type=number]")
    number.fill("1.5")
    page.keyboard.press("Enter")
    wait_for_history(page, 3)
    assert chips(page)[1] == "Gender +1.5"
    number.fill("99")
    page.keyboard.press("Tab")
    wait_for_history(page, 4)
    assert number.input_value() == "3"
    number.fill("")
    page.keyboard.press("Tab")
    page.wait_for_function(
        "document.querySelector('#slider-gender input[type=number]').value === '3'"
    )


def test_every_click_counts(visit):
    page = visit()
    for name in ("age", "gender", "pose"):
        page.locator(f"#slider-{name} input[type=number]").fill("1")
        page.keyboard.press("Enter")
    wait_for_history(page, 5)
    for _ in range(3):
        page.click("#undo")
    page.wait_for_function("document.querySelectorAll('#stack .chip').length === 1")
    assert "Smile" in page.inner_text("#stack .chip")


def test_edits_are_switched_off_and_removed(visit):
    page = visit()
    page.click("#stack [data-act=toggle]")
    wait_for_history(page, 3)
    first, second = pictures(page)
    page.wait_for_selector("#stack .chip.off")
    assert page.input_value("#slider-smile input[type=number]") == "0"
    page.click("#stack [data-act=remove]")
    page.wait_for_selector("#stack .chips-empty")
    assert history(page)[2:] == ["Smile off", "Smile removed"]
    page.click("#history .strip-item >> nth=1")
    page.wait_for_selector("#stack .chip:not(.off)")


def test_a_photo_from_upload_to_download(visit, domain, tmp_path):
    page = visit()
    upload(page, photograph())
    wait_for_inversion(page)
    assert history(page)[2:] == ["guess", "inverted"]
    assert page.locator("#outcome").is_visible(), "two outcomes, side by side"
    world, photo = pictures(page), pictures(page, "#outcome")
    grab(page, "smile", 0.75)
    wait_for_change(page, world)
    wait_for_change(page, photo, "#outcome")
    page.mouse.up()
    wait_for_history(page, 5)
    with page.expect_download() as download:
        page.click("#download")
    saved = tmp_path / download.value.suggested_filename
    download.value.save_as(saved)
    recipe, latent = read_export(saved)
    assert recipe.source.kind == "photo" and len(recipe.stack.entries) == 1
    with Image.open(saved) as picture:
        again = to_uint8(replay(recipe, domain, latent).img)[0]
        assert np.array_equal(np.asarray(picture), again)
    with page.expect_file_chooser() as chooser:
        page.click("#open")
    chooser.value.set_files(saved)
    wait_for_history(page, 6)
    assert len(chips(page)) == 1, "it comes back with its edits"


def test_stopping_keeps_the_best_so_far(visit):
    page = visit()
    page.click("#examples .strip-item >> nth=-1")
    wait_for_inversion(page)
    page.click("button[role=tab] >> nth=0")
    page.click("#level-best")
    page.wait_for_function("document.querySelector('#progress').innerText.includes('left')")
    page.click("#stop")
    page.wait_for_selector("#level-quick:not([disabled])")
    assert "the best so far is kept" in page.inner_text("#progress")
    assert page.is_disabled("#stop")
    page.wait_for_function(  # taken over, unless the quick portrait was nearer to the photo
        "document.querySelectorAll('#history .strip-item').length === 5"
        " || document.querySelector('.toast-body')?.innerText.includes('nearer')"
    )


def test_refusals_are_toasts_and_the_session_goes_on(visit, tmp_path):
    (tmp_path / "text.png").write_bytes(b"hello")
    Image.new("RGB", (300, 300), "green").save(tmp_path / "meadow.png")
    page = visit()
    upload(page, tmp_path / "text.png")
    page.wait_for_selector(".toast-body >> text=text.png is not a picture")
    page.wait_for_timeout(1000)  # after the toast the box is emptied, which would take a new one
    page.wait_for_selector("#photo input[type=file]", state="attached")
    upload(page, tmp_path / "meadow.png")
    page.wait_for_selector(".toast-body >> text=No face was found")
    page.wait_for_selector("#crop", state="visible")
    page.click("#crop")
    wait_for_history(page, 4)
    page.wait_for_selector("#crop", state="hidden")
    assert not page.is_disabled("#undo"), "what was there before can be gone back to"


def test_a_picture_can_be_pasted_anywhere(visit):
    page = visit()
    page.evaluate("""async () => {
        const shown = document.querySelector('#examples .strip-item:last-child img').src;
        const file = new File([await (await fetch(shown)).blob()], 'me.jpg', {type: 'image/jpeg'});
        const data = new DataTransfer();
        data.items.add(file);
        const options = {clipboardData: data, bubbles: true, cancelable: true};
        document.body.dispatchEvent(new ClipboardEvent('paste', options));
    }""")
    page.wait_for_function("document.querySelector('#metrics').innerText.includes('Looking for')")
    page.wait_for_function("document.querySelectorAll('#history .strip-item').length > 2"
                           " || document.querySelector('#crop')?.offsetParent")  # fmt: skip
    opened, offered = page.locator("#history .strip-item").count() > 2, page.is_visible("#crop")
    assert opened != offered, "opened, or its centre is offered"


def test_a_training_stops_and_leaves_nothing(visit):
    page = visit()
    page.click("#train > button.label-wrap")
    assert page.is_disabled("#train-stop")
    page.click("#train-run")
    page.click("#train-stop")
    page.wait_for_selector("#train-result >> text=Stopped")
    page.wait_for_selector("#train-stop:disabled", state="attached")
    assert page.is_enabled("#train-run")
    assert not page.locator("#shelf").is_visible()


def test_all_words_follow_the_language(visit):
    page = visit()
    page.click("#explore > button.label-wrap")
    page.click("#language label >> nth=1")
    page.wait_for_function("document.querySelector('#explore-what input').value === '所有层'")
    page.click("button[role=tab] >> nth=0")
    page.wait_for_selector("text=在上方拖入照片")
    assert page.inner_text("#undo") == "撤销"


def test_chinese_is_a_first_language(visit):
    page = visit()
    page.click("#language label >> nth=1")
    page.wait_for_selector("#tagline >> text=拖入一张照片")
    assert page.inner_text("#undo") == "撤销"
    page.wait_for_function("document.documentElement.lang === 'zh-CN'")
    page.wait_for_function("document.querySelector('#stack .chip-name').innerText === '微笑 +1'")
    page.wait_for_function("document.querySelector('#undo').title === '撤销上一步'")
    again = visit(known=page.context)
    again.wait_for_selector("#tagline >> text=拖入一张照片")
    other = visit(locale="zh-CN")
    other.wait_for_selector("#tagline >> text=拖入一张照片")


def test_on_a_phone_a_slider_is_on_the_first_screen(visit):
    page = visit(width=360, height=740)
    box = page.locator("#slider-smile").bounding_box()
    assert box["y"] + box["height"] < 740
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_on_a_phone_the_picture_stays_in_sight(visit):
    page = visit(width=390, height=844)
    last = page.locator("#sliders input[type=range]").last
    last.scroll_into_view_if_needed()
    box, picture = last.bounding_box(), page.locator("#canvas img").first.bounding_box()
    assert picture["y"] > -5 and picture["y"] + picture["height"] < box["y"] + 5
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, "nothing sticks out"
