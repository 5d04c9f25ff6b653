"""Every preset can be read, says what it is, and names only what its domain has."""

from pathlib import Path

import pytest

from editing.commands import find_recipe
from editing.domains import open_domain
from editing.edits import Move
from editing.presets import PRESETS
from editing.recipes import load_recipe

FILES = sorted(PRESETS.glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_preset_is_whole(path: Path) -> None:
    recipe = load_recipe(path)
    assert recipe.title and recipe.description and recipe.tags and recipe.citation
    assert not recipe.fingerprint, "it shall fit whatever the generator becomes"
    assert find_recipe(path.stem)[1].title == recipe.title
    domain = open_domain(recipe.domain)
    for entry in recipe.stack.entries:
        if isinstance(entry.edit, Move):
            own = {direction.name for direction in entry.edit.own}
            named = {entry.edit.attribute, *entry.edit.given} - own
            assert named <= set(domain.boundaries), path.name


def test_a_smile_without_teeth_holds_the_teeth_still() -> None:
    (entry,) = find_recipe("smile-without-teeth")[1].stack.entries
    assert isinstance(entry.edit, Move)
    assert entry.edit.attribute == "smile" and entry.edit.given == ("teeth",)
