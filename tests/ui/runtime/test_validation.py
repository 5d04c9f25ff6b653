"""Calls and their values: what is refused, and that the sentence names what is wrong."""

import asyncio
import inspect
import math
from types import SimpleNamespace

import gradio as gr
import pytest

from editing.errors import BadInput
from ui.handlers import parameter_names
from ui.locales import say
from ui.runtime.calls import check_call, read_json
from ui.runtime.toasts import polite, toast_html, without_paths
from ui.runtime.validation import attend, check_value, shortly, told
from ui.server.asgi import Refused


def refusal(call, *args, lang="en"):
    with pytest.raises(Refused) as refused:
        call(*args)
    return say(refused.value.key, lang, **refused.value.values)


LEVELS = ["quick", "best"]
FILE = {"path": "/tmp/gradio/x.png", "meta": {"_type": "gradio.FileData"}}


def components():
    with gr.Blocks():
        return {
            "slider": gr.Slider(-3, 3, value=0), "number": gr.Number(1, minimum=0),
            "radio": gr.Radio(LEVELS, value="quick"), "box": gr.Checkbox(),
            "many": gr.CheckboxGroup(LEVELS), "text": gr.Textbox(), "image": gr.Image(),
            "table": gr.Dataframe([["a", 1]]), "free": gr.Dropdown(LEVELS, allow_custom_value=True),
            "files": gr.File(file_count="multiple"), "painting": gr.ImageEditor(),
        }  # fmt: skip


KINDS = components()
BAD = {
    "slider": [None, math.nan, math.inf, 10**500, "3", True, [1], {}, -3.01, 4],
    "number": [math.nan, 10**500, "3", False, [1], -1],
    "radio": ["slow", ["quick"], {"a": 1}, True, 3, None],
    "box": [1, "true", [True], 0.0],
    "many": ["quick", {"quick": 1}, [["quick"]], ["slow"], [None]],
    "text": [["a"], {"a": 1}, True],
    "image": ["x.png", 3, {"path": "x.png"}, {"path": ["x"], "meta": FILE["meta"]}, [FILE]],
    "files": [FILE | {"meta": None}, [FILE, "x"]],
    "table": [None, 3, "x", [[1]], {"headers": 1, "data": 2}],
    "free": [["x"], {}],
    "painting": ["x", 3, {"layers": "x"}, {"background": {"path": "/etc/passwd"}}],
}


@pytest.mark.parametrize(("kind", "value"), [(k, v) for k, vs in BAD.items() for v in vs])
def test_a_wrong_value_is_a_sentence_that_names_its_parameter(kind, value):
    for lang in ("en", "zh"):
        sentence = refusal(check_value, "strength", KINDS[kind], value, None, lang=lang)
        assert sentence.startswith("strength ") and 12 < len(sentence) < 200


@pytest.mark.parametrize(("kind", "value"), [
    ("slider", 3), ("slider", -0.5), ("number", None), ("radio", "best"), ("box", True),
    ("many", []), ("many", LEVELS), ("text", "x" * 9000), ("image", FILE), ("image", None),
    ("files", [FILE]), ("free", "mine"), ("painting", None),
])  # fmt: skip
def test_a_right_value_passes(kind, value):
    assert check_value("strength", KINDS[kind], value, None) == value


def test_nothing_is_what_the_handler_makes_of_it():
    assert check_value("a", KINDS["text"], None, str) == "" and KINDS["text"] is not None
    assert check_value("a", KINDS["text"], None, str | None) is None
    assert check_value("a", KINDS["text"], 5, str) == "5", "a number is a text, too"
    assert check_value("a", KINDS["many"], None, list[str]) == []
    assert check_value("a", KINDS["radio"], None, str | None) is None
    assert "no value" in refusal(check_value, "a", KINDS["radio"], None, str)
    assert check_value("a", KINDS["number"], None, float | None) is None
    assert "no value" in refusal(check_value, "a", KINDS["number"], None, float)
    assert check_value("a", KINDS["slider"], 9, float, False) == 9, "the handler says how far"


def test_a_value_is_never_written_out_whole():
    assert len(shortly("x" * 10**6)) < 80 and len(shortly(["x" * 10**6] * 10)) < 20
    assert shortly(10**5000) == "≈ 10^5000" and shortly("a\u202eb") == "'a[U+202E]b'"


def test_what_an_event_says_is_looked_at_when_it_is_read():
    assert told({"index": 3, "act": "remove"})["index"] == 3
    assert told({"index": [1, 2]})["index"] == [1, 2], "of a table"
    for data in (None, [], "x", 3, {}):
        assert "event_data.index is missing" in refusal(lambda d: told(d)["index"], data)
    for key, value in (("index", "3"), ("index", -1), ("index", True), ("to", 1.5), ("x", "a"),
                       ("y", math.nan), ("act", 3), ("name", None), ("channel", [])):  # fmt: skip
        assert refusal(told, {key: value}).startswith(f"event_data.{key} ")


# -- requests


def page():
    """Blocks with an endpoint, and an action of the page."""
    with gr.Blocks() as blocks:
        state, lang = gr.State(1), gr.Radio(["en", "zh"], value="en")
        number, text = gr.Number(label="n"), gr.Textbox()

        def move(state, lang, number: float, text: str):
            """Moves."""
            return number

        button = gr.Button()
        button.click(move, [state, lang, number, text], [number], api_name="move")
        button.click(lambda x: x, [text], [text], api_name="ui", api_visibility="private")
    return blocks


PAGE = page()


@pytest.mark.parametrize(("path", "asked", "sentence"), [
    ("/gradio_api/call/v2/nothing", {}, "no endpoint 'nothing'"),
    ("/gradio_api/call/v2/ui", {}, "no endpoint 'ui'"),
    ("/gradio_api/call/v2/move", [], "not JSON"),
    ("/gradio_api/call/v2/move", {"number": 1, "text": "", "wings": 1}, "no argument 'wings'"),
    ("/gradio_api/call/v2/move", {"number": 1, "text": "", "wings": 1}, "lang, number, text"),
    ("/gradio_api/call/v2/move", {"number": 1}, "text is missing"),
    ("/gradio_api/call/v2/move/", {"text": "a"}, "number is missing"),
    ("/gradio_api/call/v2/move", {"number": math.nan, "text": ""}, "number is ∞"),
    ("/gradio_api/call/v2/move", {"number": 1, "text": [[{"a": math.inf}]]}, "text is ∞"),
    ("/gradio_api/call/move", {"data": 3}, "data is 3"),
    ("/gradio_api/call/move", {}, "data is None"),
    ("/gradio_api/call/move", {"data": ["en"]}, "takes 3: lang, number, text"),
    ("/gradio_api/call/move", {"data": ["en", math.nan, ""]}, "number is ∞"),
    ("/gradio_api/queue/join", {"data": [], "fn_index": 0}, "has 0 values"),
    ("/gradio_api/queue/join", {"data": [None, "en", math.nan, ""], "fn_index": 0}, "number is"),
    *[("/gradio_api/queue/join", {"data": [], "fn_index": n}, "no endpoint")
      for n in (None, -1, 99, "0", True, [0])],
])  # fmt: skip
def test_a_call_that_cannot_be_is_refused(path, asked, sentence):
    assert sentence in refusal(check_call, PAGE, path, asked)


def test_a_call_that_can_be_passes():
    check_call(PAGE, "/gradio_api/call/v2/move", {"number": 1, "text": ""})
    check_call(PAGE, "/gradio_api/call/v2/move/", {"number": 1, "text": "", "lang": "zh"})
    check_call(PAGE, "/gradio_api/call/move", {"data": ["en", 1, ""]})
    check_call(PAGE, "/gradio_api/queue/join", {"data": [None, "en", 1, "x"], "fn_index": 0})
    check_call(PAGE, "/gradio_api/queue/join", {"data": ["x"], "fn_index": 1})


def test_a_body_is_read_whatever_it_is():
    assert read_json(b'{"a": 1}') == {"a": 1}
    assert read_json(b'{"a": ' + b"1" * 5000 + b"}") == {"a": math.inf}
    for body in (b"", b"{", b"\xff", b"[" * 100_000):
        assert "not JSON" in refusal(read_json, body)


def called(error):
    """The sentence that a client gets when a handler fails with ``error``."""
    blocks = SimpleNamespace(preprocess_data=None)

    async def process_api(block_fn, inputs, **options):
        raise error

    blocks.process_api = process_api
    attend(blocks)
    fn = SimpleNamespace(fn=lambda: 1, api_name="x", name="x", inputs=[])
    with pytest.raises(gr.Error) as failed:
        asyncio.run(blocks.process_api(block_fn=fn, inputs=[]))
    assert not failed.value.print_exception
    return failed.value.message


def test_every_failure_is_a_sentence():
    assert called(BadInput("Take less.")) == "Take less."
    assert called(Refused(422, "manners.none", name="level")) == "level has no value; give it one."
    assert "not your fault" in called(ZeroDivisionError("inside"))
    assert called(gr.Error("as it is")) == "as it is"


def test_an_index_beyond_a_list_is_no_fault_of_the_server():
    class Handlers:
        @polite
        def pick(self, session, lang, event):
            return [1, 2][event._data["index"]]

    for lang, wanted in (("en", "nothing at 9"), ("zh", "9 处")):
        with pytest.raises(gr.Error, match=wanted):
            Handlers().pick(None, lang, gr.EventData(None, told({"index": 9})))


def test_no_sentence_has_a_path_of_the_server(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "files"))
    inside = tmp_path / "files" / "0a1b" / "me.png"
    assert without_paths(f"{inside}: no space left") == "me.png: no space left"
    assert without_paths("'/etc/passwd' is no seed.") == "'/etc/passwd' is no seed.", "as typed"
    own = inspect.getfile(polite)
    assert without_paths(f"File {own} fails.") == "File toasts.py fails."
    assert toast_html("<b>\u202e &") == "&lt;b&gt;[U+202E] &amp;"


def test_any_attribute_has_a_parameter_of_its_own():
    names = ["smile", "mouth open", "mouth-open", "2 faces", "class", "lang", "${x}", "笑"]
    found = parameter_names(names)
    assert len(set(found)) == len(names) and all(name.isidentifier() for name in found)
    assert found[:3] == ["smile", "mouth_open", "mouth_open_"]
