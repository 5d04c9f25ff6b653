"""The page by keyboard alone, from its opening to a download."""

# ruff: noqa: F811  (fixtures come from elsewhere and are arguments by name)

import pytest

from tests.browser.test_page import (  # noqa: F401  (fixtures)
    browser,
    chips,
    domain,
    history,
    url,
    visit,
    wait_for_history,
)

pytestmark = pytest.mark.browser
FOCUSED = """() => {
  const it = document.activeElement, style = getComputedStyle(it);
  const label = it.closest('label'), round = label && getComputedStyle(label).outlineStyle;
  const seen = [style.outlineStyle, round].some((line) => line && line !== 'none');
  return {
    name: it.getAttribute('aria-label') || it.innerText?.trim() || it.id,
    seen: seen || style.boxShadow !== 'none' || it === document.body,
  };
}"""
STOPS = 90  # more than the page has


def tab_to(page, name: str, back: bool = False) -> None:
    """Press Tab until an element is reached; each on the way shows that it has the focus."""
    for _ in range(STOPS):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        focused = page.evaluate(FOCUSED)
        assert focused["seen"], focused["name"]
        if focused["name"] == name:
            return
    raise AssertionError(f"{name} cannot be reached")


def test_the_keyboard_alone_leads_from_an_example_to_a_file(visit):
    page = visit()
    tab_to(page, page.locator("#examples .strip-item >> nth=0").inner_text().strip())
    page.keyboard.press("Enter")
    wait_for_history(page, 3)
    tab_to(page, "range slider for Smile")
    assert page.locator("[role=option]:visible").count() == 0, "lists close behind the focus"
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    wait_for_history(page, 4)
    assert chips(page) == ["Smile +0.2"]
    tab_to(page, "Undo", back=True)
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelectorAll('#stack .chip').length === 0")
    assert len(history(page)) == 4
    tab_to(page, "Download")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename.endswith(".png")


def test_no_element_holds_the_focus(visit):
    page = visit()
    tab_to(page, "Pin")
    tab_to(page, "Remove: Smile +1")
    tab_to(page, "Pin")  # once round the page
    assert page.evaluate(FOCUSED)["name"] == "Pin"
