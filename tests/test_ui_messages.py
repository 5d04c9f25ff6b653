"""Every sentence exists in both languages and fits what fills it in."""

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from editing.errors import BadInput, BadPicture, EditingError, NoFace, UnknownName
from ui.messages import MESSAGES, attribute_name, note, preferred_language, refusal, say, tooltips
from ui.polite import MOST, cut_short
from ui.refusal_sentences import REFUSED

# Where the page has more to offer than the library's sentence knows of.
OWN_WORDS = ("error.unexpected", "error.address", "error.NoFace")
UI = Path(__file__).parents[1] / "ui"


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("key", MESSAGES)
def test_both_languages_say_the_same(key):
    english, chinese = MESSAGES[key]
    assert chinese
    if key.startswith("error.") and key not in OWN_WORDS:
        assert english == "", "in English the library's own sentence is shown"
        return
    assert english and fields(english) == fields(chinese)


def test_chinese_is_chinese():
    same = [key for key, (english, chinese) in MESSAGES.items() if english == chinese]
    assert same == []


@pytest.mark.parametrize(
    ("header", "lang"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("zh", "zh"),
        ("zh-Hans-CN", "zh"),
        ("zh-HK;q=0.5, en-GB", "en"),
        ("fr-FR, de;q=0.7", "en"),
        ("fr, zh-TW;q=0.3", "zh"),
        ("", "en"),
        ("en;q=1.2.3, zh;q=x", "en"),
    ],
)
def test_preferred_language(header, lang):
    assert preferred_language(header) == lang


def test_refusals_keep_the_librarys_sentence():
    error = BadPicture("x.jpg is not a picture; use another.")
    assert refusal(error, "en") == str(error)
    assert "无法读取" in refusal(error, "zh")
    assert str(error) in refusal(error, "zh"), "the value and the limit are in the original"
    assert refusal(UnknownName("There is no x."), "zh").startswith(say("error.BadInput", "zh"))
    assert refusal(BadInput("3 is too much."), "zh").startswith(say("error.BadInput", "zh"))


def test_without_a_face_the_page_points_to_its_button():
    error = NoFace("No face was found in x.jpg: use another, or --no-align.")
    for lang in ("en", "zh"):
        shown = refusal(error, lang)
        assert shown == say("error.NoFace", lang) and "--" not in shown


def test_notes():
    faces = "3 faces were found; the largest is used."
    assert note(faces, "zh") == "找到 3 张人脸，使用最大的一张。"
    assert note("something new", "zh") == "something new"
    assert note(faces, "en") == faces


def test_attributes_without_a_message_keep_their_name():
    assert attribute_name("smile", "zh") == "微笑"
    assert attribute_name("hair_length", "zh") == "发长"
    assert attribute_name("wing_span", "zh") == "Wing span"


def test_tooltips_say_why_a_control_is_off():
    tips = tooltips({"undo": "undo", "level-best": "level", "seed": "seed"}, "zh")
    assert tips["undo"] == ["撤销上一步", "还没有可撤销的操作"]
    assert tips["level-best"][1] == "搜索正在进行，请先停止"
    assert tips["seed"][0] == tips["seed"][1]


def test_no_message_is_left_over():
    files = [path for path in UI.glob("*.py") if not path.stem.endswith("messages")]
    files.append(UI.parent / "app.py")
    sources = [path.read_text(encoding="utf-8") for path in files]
    used = set(re.findall(r"""["']([\w.]+)["']""", "".join(sources)))
    made = ("attribute.", "ends.", "error.", "layers.", "level.", "stack.")  # by name
    made += ("fit.", "keep.", "loss.", "stage.", "view.")
    made += ("offer.",)
    made += ("local.", "mix.", "presets.", "slot.", "walk.")
    made += ("explore.", "own.", "region.", "surgery.", "sweep.", "train.", "truth.")
    left = [key for key in MESSAGES if key not in used and not key.startswith(made)]
    assert [key for key in left if not key.endswith((".tip", ".none"))] == []


def kinds_of(error: type[Exception]) -> list[type[Exception]]:
    return [error, *(kind for child in error.__subclasses__() for kind in kinds_of(child))]


@pytest.mark.parametrize("kind", kinds_of(EditingError)[1:])
def test_every_refusal_begins_in_chinese(kind):
    shown = refusal(kind("The value 3 is too much; take 2."), "zh")
    assert re.match("[\u4e00-\u9fff]", shown), shown


def raised_sentences() -> Iterator[str]:
    """What the code raises, with 7 for whatever is filled in."""
    for path in (*UI.glob("*.py"), *(UI.parent / "editing").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
                parts = getattr(node.exc.args[0], "values", [node.exc.args[0]])
                yield "".join(str(getattr(part, "value", "7")) if isinstance(part, ast.Constant)
                              else "7" for part in parts)  # fmt: skip


def test_every_refusal_in_chinese_is_one_that_is_raised():
    sentences = list(raised_sentences())
    left = [pattern for pattern, _ in REFUSED if not any(re.search(pattern, s) for s in sentences)]
    assert left == []


@pytest.mark.parametrize(("pattern", "chinese"), REFUSED)
def test_it_fills_in_what_its_pattern_finds(pattern, chinese):
    assert re.search("[\u4e00-\u9fff]", chinese)
    assert all(int(each) < re.compile(pattern).groups for each in fields(chinese))


def test_known_refusals_are_wholly_chinese():
    error = BadInput("The seed -1 is not possible; choose from 0 to 4294967295.")
    assert refusal(error, "zh") == "种子 -1 不可用：请选择 0 到 4294967295。"
    assert refusal(error, "en") == str(error)


def test_a_long_list_does_not_fill_the_page():
    listed = f"There is no word 'x'; it understands: {', '.join(f'word{n}' for n in range(700))}."
    shown = cut_short(listed)
    assert len(shown) <= MOST + 2 and shown.endswith(", …") and listed.startswith(shown[:-2])
    assert cut_short("x" * 1000) == "x" * MOST + " …"
    assert cut_short("A sentence.") == "A sentence."
