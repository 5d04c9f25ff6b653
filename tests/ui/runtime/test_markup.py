"""HTML is made in one place, which escapes every text and which nothing passes by."""

import ast
import asyncio
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest

from ui.components.html import safe_css
from ui.components.widgets import chips_html, strip_html
from ui.runtime.markup import (
    TEMPLATE,
    Html,
    checked,
    css_name,
    html_box,
    joined,
    only_html,
    tag,
    visible,
)
from ui.tabs.boundaries.widgets import pad_html, picks_html, strips_html
from ui.tabs.presets.layout import cards_html
from ui.tabs.text.widgets import report_html

UI = Path(__file__).parents[3] / "ui"
HOSTILE = "${run()} {{x}} \\ ` ' \" & <img src=x onerror=run()></p><script>run()</script>"
PICTURE = "data:image/jpeg;base64,AAAA"


class Seen(HTMLParser):
    """The elements, attributes and texts that a browser would find."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: dict[str, list[str | None]] = {}
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, []).append(value)

    def handle_data(self, data):
        self.text += data


def test_a_text_is_shown_as_it_is():
    seen = Seen(tag("p", HOSTILE, title=HOSTILE, data_name=HOSTILE))
    assert seen.tags == ["p"] and seen.text == HOSTILE
    assert seen.attributes == {"title": [HOSTILE], "data-name": [HOSTILE]}


def test_parts_are_nested_joined_and_left_out():
    assert joined("a<", tag("b", 2), None, ["c", [tag("i")]]) == "a&lt;<b>2</b>c<i></i>"
    off = tag("img", src=PICTURE, alt="", hidden=True, title=None, draggable=False)
    assert off == f'<img src="{PICTURE}" alt="" hidden>'


def test_marks_that_turn_a_text_around_are_written_out():
    assert visible("a\u202egnp.exe\u2066\x00\u200f") == "a[U+202E]gnp.exe[U+2066][U+0000][U+200F]"
    assert visible("שלום 笑 é\n\tx") == "שלום 笑 é\n\tx", "letters and lines stay"


@pytest.mark.parametrize("name", ["onclick", "OnError", "srcdoc", "href", "x y", "a=b"])
def test_attributes_that_run_are_not_drawn(name):
    with pytest.raises(ValueError, match="no attribute"):
        tag("p", **{name: "1"})


@pytest.mark.parametrize("name", ["script", "SCRIPT", "p onclick=x", "", "a><b"])
def test_elements_that_run_are_not_drawn(name):
    with pytest.raises(ValueError, match="no element"):
        tag(name)


@pytest.mark.parametrize(
    "source",
    ["http://x.org/a.png", "javascript:x", "data:image/svg+xml;base64,AA", "data:text/html,"],
)
def test_pictures_are_data_of_their_own(source):
    with pytest.raises(ValueError, match="data URI"):
        tag("img", src=source)


def test_every_widget_shows_texts_literally():
    words = {key: HOSTILE for key in ("tip", "toggle", "remove", "empty")}
    items = [{"label": HOSTILE, "on": False, "current": True}]
    channel = {"name": HOSTILE, "weight": HOSTILE, "width": "5", "side": "more"}
    layer = {"name": HOSTILE, "title": HOSTILE, "height": "5"}
    card = dict.fromkeys(
        ("name", "title", "text", "citation", "paper", "alt", "apply", "publish"), HOSTILE
    )
    drawn = [
        chips_html({"items": items, **words}),
        chips_html({"items": [], **words}),
        strip_html([{"src": PICTURE, "title": HOSTILE, "current": True}]),
        pad_html(HOSTILE, HOSTILE, HOSTILE),
        picks_html([{"src": PICTURE, "side": "more", "word": HOSTILE}]),
        strips_html([{"name": HOSTILE, "note": HOSTILE, "pictures": [PICTURE]}], HOSTILE),
        report_html({"line": HOSTILE, "asked": HOSTILE, "unknown": HOSTILE, "tip": HOSTILE,
                     "layers": [layer], "channels": [channel]}),
        cards_html([{**card, "src": PICTURE, "lacks": ""}, {**card, "src": "", "lacks": HOSTILE}]),
    ]  # fmt: skip
    for html in drawn:
        seen = Seen(html)
        assert isinstance(html, Html) and not {"script", "p/"} & set(seen.tags)
        assert not any(name.startswith("on") for name in seen.attributes)
        shown = [seen.text, *(str(v) for values in seen.attributes.values() for v in values)]
        assert any(HOSTILE in each for each in shown), html


def test_a_name_in_a_style_sheet_ends_no_rule():
    name = "slider-x}</style><script>run()</script>{"
    html = safe_css({name: (-1.0, 1.0)}, 3.0)
    assert Seen(html).tags == ["style"] and html.count("}") == 1 and html.count("{") == 1
    assert css_name("slider-smile_2") == "slider-smile_2"


def test_an_html_component_takes_html_alone():
    with gr.Blocks():
        box = html_box(tag("p", "x"))
        assert box.html_template == TEMPLATE == gr.HTML().html_template
        for value in ("<b>x</b>", {"items": []}, ["x"], 3):
            with pytest.raises(TypeError, match="ui.runtime.markup"):
                html_box(value)
    for fine in ("", None, gr.skip(), gr.update(visible=True), gr.update(value=joined("x"))):
        assert checked(fine) is fine
    with pytest.raises(TypeError):
        checked(gr.update(value="<b>x</b>"))


def test_no_handler_gets_past_that():
    with gr.Blocks() as blocks:
        box, text = html_box(), gr.Textbox()
    given = []

    async def usual(block_fn, predictions, state):
        given.append(predictions)

    blocks.postprocess_data = usual
    only_html(blocks)
    one, two = SimpleNamespace(outputs=[box]), SimpleNamespace(outputs=[text, box])

    def answer(block_fn, predictions):
        asyncio.run(blocks.postprocess_data(block_fn, predictions, None))

    answer(one, joined("x"))
    answer(two, ("<b>", tag("b", "x")))
    answer(two, gr.skip())
    for block_fn, predictions in ((one, "<b>"), (two, ("x", "<b>")), (one, gr.update(value="x"))):
        with pytest.raises(TypeError):
            answer(block_fn, predictions)
    assert len(given) == 3


def calls(tree: ast.AST):
    """(name of what is called, the call) of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


@pytest.mark.parametrize("path", sorted(UI.rglob("*.py")), ids=lambda path: path.name)
def test_no_module_makes_html_by_another_way(path):
    """Components and Html come from ``markup``; Markdown is HTML, too, and shows messages alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if path.name == "markup.py":
        return
    for name, call in calls(tree):
        words = {keyword.arg for keyword in call.keywords}
        templates = words & {"html_template", "css_template", "js_on_load", "server_functions"}
        assert not templates, f"{name} has a template of its own"
        assert name.rpartition(".")[2] not in ("Html", "HTML", "Markdown"), name
        if name.endswith(".make") and ast.unparse(call.args[0]) in ("gr.HTML", "gr.Markdown"):
            assert ast.unparse(call.args[0]) == "gr.Markdown"
            (shown,) = call.args[1].values
            keys = [node for node in ast.walk(shown) if isinstance(node, ast.Constant)]
            assert keys and all(isinstance(key.value, str) for key in keys), ast.unparse(shown)
            assert not any(isinstance(node, ast.Call | ast.Lambda) for node in ast.walk(shown))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            assert "innerHTML" not in node.value and "insertAdjacentHTML" not in node.value


def test_no_script_of_ours_writes_html():
    for path in UI.glob("*.js"):
        text = path.read_text(encoding="utf-8")
        for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert way not in text, f"{path.name}: {way}"
