"""The page in Chinese: every tab opened, every box unfolded, and no English word of ours left."""

import re

import pytest

from tests.browser.test_page import browser, visit  # noqa: F401  (fixtures)
from tests.helpers.studio_domain import served
from tests.helpers.text_domain import write_text_domain
from ui.locales import MESSAGES

pytestmark = pytest.mark.browser
SAID = """() => {
  const said = new Set();
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const parent = walk.currentNode.parentElement;
    const foreign = parent.closest('script, style, #file, td:first-child'); // names of files
    if (!foreign) said.add(walk.currentNode.textContent.trim());
  }
  for (const element of document.querySelectorAll('[title], [placeholder], [aria-label], [alt]'))
    // Gradio's own words: of its buttons, and the value of a checkbox
    if (!element.matches('button[aria-label]:not([data-act]), input[type=checkbox]'))
      for (const name of ['title', 'placeholder', 'aria-label', 'alt'])
        said.add((element.getAttribute(name) || '').trim());
  for (const input of document.querySelectorAll('input[type=text], input[role], textarea'))
    said.add(input.value.trim());
  return [...said].filter(Boolean);
}"""
UNFOLD = """() => {
  const folded = [...document.querySelectorAll('button.label-wrap:not(.open)')];
  const shown = folded.filter((button) => button.offsetParent);
  shown.forEach((button) => button.click());
  return shown.length;
}"""


@pytest.fixture(scope="module")
def domain(tmp_path_factory):
    return write_text_domain(tmp_path_factory.mktemp("domain") / "studio")


@pytest.fixture(scope="module")
def url(browser, domain, tmp_path_factory):  # noqa: F811
    with served(domain, tmp_path_factory.mktemp("files")) as address:
        yield address


def english() -> re.Pattern[str]:
    """Any whole sentence of the table in English, whatever fills its {names}."""
    own = {text: re.split(r"\{\w+\}", text) for text, _ in MESSAGES.values()}
    worded = [parts for parts in own.values() if re.search("[a-z]{3}", "".join(parts))]
    filled = ("[^\u4e00-\u9fff]+?".join(map(re.escape, parts)) for parts in worded)
    return re.compile("|".join(filled))


def left_in_english(page) -> list[str]:
    pattern = english()
    return sorted({text for text in page.evaluate(SAID) if pattern.fullmatch(text)})


def test_every_tab_is_chinese(visit):  # noqa: F811
    page = visit(locale="zh-CN")
    page.wait_for_selector("#tagline >> text=拖入一张照片")
    page.wait_for_function("document.documentElement.lang === 'zh-CN'")
    tabs = page.locator("button[role=tab]:visible")
    assert tabs.count() >= 5
    left = {}
    for number in range(tabs.count()):
        tabs.nth(number).click()
        name = tabs.nth(number).inner_text()
        for _ in range(4):  # boxes hold boxes
            page.wait_for_timeout(600)
            if not page.evaluate(UNFOLD):
                break
        left[name] = left_in_english(page)
    assert not any(left.values()), "\n".join(f"{name}: {said}" for name, said in left.items())


def test_toasts_are_chinese(visit, tmp_path):  # noqa: F811
    (tmp_path / "text.png").write_bytes(b"hello")
    page = visit(locale="zh-CN")
    page.wait_for_selector("#tagline >> text=拖入一张照片")
    page.set_input_files("#photo input[type=file]", str(tmp_path / "text.png"))
    page.wait_for_selector(".toast-body >> text=无法读取这张图片")
    title = "getComputedStyle(document.querySelector('.toast-title'), '::after').content"
    assert page.evaluate(title) == '"未完成"'
