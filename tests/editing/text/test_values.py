"""Text edits survive the way through a recipe, bit for bit."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from editing.edits.registry import entry_from
from editing.edits.stack import EditStack, Entry
from editing.errors import BadInput, BadRecipe
from editing.io.codec import Settings
from editing.recipes.recipe import Recipe, recipe_from_yaml, recipe_to_yaml
from editing.text.edit import StyleChange, TextEdit

CHANGE = StyleChange((("b4.conv1", (0, 7), (0.25, -1.5)), ("b16.conv0", (3,), (2.0**-30,))))
EDITS = [
    TextEdit("a smiling face", 4.0),
    TextEdit("老年人", -2.5, "人", 0.12, None, "global", ("age", "a man"), (0, 1, 4)),
    TextEdit("x", 1.0, channels=30, templates=("a {}", "the {}"), change=CHANGE),
]


def through(entry: Entry) -> Entry:
    stack = recipe_from_yaml(recipe_to_yaml(Recipe(EditStack((entry,))))).stack
    return stack.entries[0]


@pytest.mark.parametrize("edit", EDITS)
def test_text_edits_come_back(edit: TextEdit) -> None:
    for on in (True, False):
        assert through(Entry(edit, on)) == Entry(edit, on)


@given(st.lists(st.floats(-50, 50, width=32), min_size=1, max_size=30))
def test_every_float_comes_back_exactly(values: list[float]) -> None:
    change = StyleChange((("b8.conv1", tuple(range(len(values))), tuple(values)),))
    edit = through(Entry(TextEdit("x", 1.0, change=change))).edit
    assert isinstance(edit, TextEdit) and edit.change is not None
    (_, _, found), (_, _, wanted) = edit.change.layers[0], change.layers[0]
    assert torch.equal(torch.tensor(found), torch.tensor(wanted))


@pytest.mark.parametrize(
    "wrong",
    [{"alpha": "much"}, {"channels": {"b4.conv1": "7"}}, {"channels": {"b4.conv1": "x*1"}},
     {"channels": {"b4.conv1": "1*nan"}}, {"channels": {"b4.conv1": None}}, {"layers": "a"},
     {"count": 0}, {"alpha": 1e9}, {"surprise": 1}],
)  # fmt: skip
def test_what_is_wrong_is_refused(wrong: dict[str, object]) -> None:
    values = {"text": "a face", "alpha": 1.0, **wrong}
    with pytest.raises((BadRecipe, BadInput)):
        entry_from(Settings(values, "edit 1", BadRecipe))


@pytest.mark.parametrize("step", ["1e38", "-1000001", "1e7"])
def test_a_step_that_leads_nowhere_names_the_limit(step: str) -> None:
    values = {"text": "a face", "alpha": 1.0, "channels": {"b4.conv1": f"0*{step}"}}
    with pytest.raises(BadRecipe, match="from -1,000,000 to 1,000,000"):
        entry_from(Settings(values, "edit 1", BadRecipe))
