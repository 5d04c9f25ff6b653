"""The canvas in a browser: zoom and the line between before and after, by every way there is."""

# ruff: noqa: F811  (fixtures come from elsewhere and are arguments by name)

import pytest

from tests.browser.test_page import (  # noqa: F401  (fixtures)
    browser,
    domain,
    pictures,
    url,
    visit,
    wait_for_change,
)

pytestmark = pytest.mark.browser
SCALE = "new DOMMatrix(document.querySelector('#canvas img').style.transform).a"
LINE = "new DOMMatrix(document.querySelector('#canvas .outer').style.transform).e"


def scaled(page, compared: str) -> float:
    page.wait_for_function(f"{SCALE} {compared}")
    page.wait_for_timeout(300)  # it glides to where it goes
    return page.evaluate(SCALE)


def middle(page) -> tuple[float, float]:
    box = page.locator("#canvas .slider-wrap").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_zoom_outlives_edits_and_other_views(visit):
    page = visit()
    page.mouse.move(*middle(page))
    page.mouse.wheel(0, -120)
    scale = scaled(page, "> 1.1")
    before = pictures(page)
    page.locator("#slider-smile input[type=number]").fill("3")
    page.keyboard.press("Enter")
    wait_for_change(page, before)
    page.wait_for_timeout(2000)  # the last picture, and not only the preview
    assert page.evaluate(SCALE) == scale
    before = pictures(page)
    page.click("#look >> text=difference")
    wait_for_change(page, before)
    page.wait_for_timeout(500)
    assert page.evaluate(SCALE) == scale
    page.get_by_role("button", name="Show the whole picture again").click()
    assert scaled(page, "=== 1") == 1


def test_keys_zoom_and_move_the_line(visit):
    page = visit()
    assert "Zoom with the wheel" in page.get_attribute("#canvas", "aria-label")
    page.focus("#canvas")
    at = page.evaluate(LINE)
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(f"{LINE} < {at} - 10")
    for key, compared in (("+", "> 1.1"), ("+", "> 1.3"), ("-", "< 1.2"), ("0", "=== 1")):
        page.keyboard.press(key)
        scaled(page, compared)


def test_fingers_scroll_the_page_past_it_and_zoom(visit):
    page = visit(width=360, height=740)
    fingers = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": n} for n, (x, y) in enumerate(points)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    x, y = middle(page)
    x -= 60  # beside the line
    touch("touchStart", (x, y))
    for step in range(1, 10):
        touch("touchMove", (x, y - 10 * step))
    touch("touchEnd")
    page.wait_for_function("scrollY > 30")
    x, y = middle(page)
    touch("touchStart", (x - 20, y))
    touch("touchStart", (x - 20, y), (x + 20, y))
    for step in range(1, 6):
        touch("touchMove", (x - 20 - 5 * step, y), (x + 20 + 5 * step, y))
    touch("touchEnd")
    assert scaled(page, "> 1.5") <= 8, "and no farther than a wheel"
