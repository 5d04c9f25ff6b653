"""YAML read strictly."""

import pytest

from editing.errors import BadInput, BadRecipe
from editing.io.codec import Settings, parse_yaml


def test_values_are_taken_by_kind() -> None:
    settings = parse_yaml("{a: text, b: 2, c: 3, d: true, e: [x, y], f: {g: 1}, n: null}", "it")
    assert settings.take("a", str) == "text"
    assert settings.take("b", int) == 2 and settings.take("c", float) == 3.0
    assert settings.need("d", bool) is True
    assert settings.texts("e") == ("x", "y") and settings.texts("absent") == ()
    part = settings.part("f")
    assert part is not None and part.take("g", int) == 1
    assert settings.take("n", str, "default") == "default" and settings.part("m") is None
    settings.end()


def test_named_parts() -> None:
    found = parse_yaml("boundaries: {smile: {file: a}, age: null}", "it").named_parts("boundaries")
    assert list(found) == ["smile", "age"] and found["age"] is None


@pytest.mark.parametrize(
    "text, kind, message",
    [("a: 2", str, "a: 2; it needs text"), ("a: yes", int, "a whole number"),
     ("a: x", float, "a number"), ("a: 1", bool, "true or false"), ("a: b", list, "a list"),
     ("b: 1", str, "lacks a"), ("a: null", str, "lacks a")],
)  # fmt: skip
def test_wrong_values_are_named(text: str, kind: type, message: str) -> None:
    with pytest.raises(BadInput, match=f"recipe.yaml .*{message}"):
        parse_yaml(text, "recipe.yaml").need("a", kind)


def test_unknown_keys_list_the_known() -> None:
    settings = parse_yaml("{alpha: 1, aplha: 2}", "edit 1", BadRecipe)
    settings.take("alpha", int)
    with pytest.raises(BadRecipe, match="edit 1 has the unknown key 'aplha'; known are alpha"):
        settings.end()


@pytest.mark.parametrize(
    "text", ["a: [", "- 1", "text", "", "!!python/object/apply:os.getcwd []", "\x00", "a: !!int x",
             "[" * 100_000, "a: " + "x" * 2**23],
)  # fmt: skip
def test_hostile_texts(text: str) -> None:
    with pytest.raises(BadInput, match="it"):
        parse_yaml(text, "it")


def test_a_text_cannot_stand_for_more_than_it_says() -> None:
    laughs = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]"
    merged = "a: &a {x: 1}\nb: {<<: [*a, *a]}"
    for text in (laughs, merged):
        with pytest.raises(BadInput, match="aliases"):
            parse_yaml(text, "it")
    with pytest.raises(BadInput, match="more than 100000 values"):
        parse_yaml("a: [" + "1," * 100_000 + "]", "it")


def test_numbers_that_are_no_numbers() -> None:
    for text in ("a: 1" + "0" * 400, "a: 1" + "0" * 5000):
        with pytest.raises(BadInput, match="it"):
            parse_yaml(text, "it").take("a", float)


def test_all_texts() -> None:
    assert parse_yaml("{a: x, b: y}", "it").all_texts() == {"a": "x", "b": "y"}
    with pytest.raises(BadInput, match="names and texts"):
        parse_yaml("{a: [x]}", "it").all_texts()


def test_lists_of_mappings() -> None:
    parts = parse_yaml("edits: [{a: 1}, {a: 2}]", "it").parts("edits")
    assert [part.take("a", int) for part in parts] == [1, 2]
    with pytest.raises(BadInput, match="edits 2 of it"):
        Settings({"edits": [{}, 3]}, "it").parts("edits")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1" + ":1" * 100_000, "a number of 200001 characters"),
        ("a: 1" + ":1" * 100_000 + ".5", "a number of"),
        ("a: 0x" + "f" * 100_000, "a number of"),
        ("a: {" * 60 + "}" * 60, "nested more than 50 deep"),
        ("? [[1], [2]]\n: 1", "YAML"),
        ("a: 9999-99-99", "YAML"),
    ],
)
def test_values_that_cost_more_than_they_say(text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        parse_yaml(text, "it")


def test_a_long_value_is_named_in_short() -> None:
    for text in ("a: [" + "[x, x], " * 10_000 + "]", "a: " + "x" * 1_000_000):
        with pytest.raises(BadInput) as refused:
            parse_yaml(text, "it").take("a", int)
        assert len(str(refused.value)) < 200
