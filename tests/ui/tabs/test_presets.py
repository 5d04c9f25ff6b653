"""The Presets tab without a browser: cards, what a run does to a session, what is refused."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from editing.edits.stack import Move
from editing.errors import BadInput, BadRecipe, UnknownName
from editing.recipes.presets import PRESETS, list_presets
from editing.recipes.recipe import read_export
from tests.helpers.studio_domain import write_studio_domain
from ui.panels.refresh import Display
from ui.studio.session import Session
from ui.studio.studio import Studio
from ui.tabs.inversion.events import InversionHandlers
from ui.tabs.mixing.actions import MixingDesk
from ui.tabs.presets.actions import PresetDesk
from ui.tabs.presets.events import PresetHandlers
from ui.tabs.presets.layout import GROUPS, card_values
from ui.tabs.walk.events import WalkHandlers
from ui.tabs.walk.layout import NAMES, TIME
from ui.tabs.walk.options import Asked, asked_of, way_of

MINE = {
    "smile": "{edits: [{move: smile, alpha: 1.5}], source: {kind: seed, name: 'seed:3@0.5'}}",
    "embed": "{edits: [{move: age, alpha: 1.0}], source: {kind: photo, name: astronaut.jpg},"
    " inversion: {level: quick, steps: 2, mask: [0.2, 0.2, 0.8, 0.8], into: {name: 'seed:5'}}}",
    "sheet": "{edits: [], grid: {columns: [{alpha: 0}, {alpha: 2}], rows: [{move: smile}]}}",
    "walk": "{edits: [], walk: {kind: random, along: smile, reach: 2.0, frames: 6},"
    " film: {kind: .gif}}",
    "wings": "edits: [{move: wings, alpha: 1}]",
    "broken": "edits: [",
    "escape": "{edits: [], source: {kind: photo, name: ../x.jpg}}",
}
ASKING = SimpleNamespace(session_hash="somebody")


@pytest.fixture(scope="module")
def handlers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PresetHandlers]:
    folder = tmp_path_factory.mktemp("presets")
    for name, text in MINE.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    shutil.copy(PRESETS / "astronaut.jpg", folder)
    studio = Studio(write_studio_domain(tmp_path_factory.mktemp("domain") / "studio"))
    display = Display(studio)
    walks = WalkHandlers(MixingDesk(studio), display)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("files")))
        inversion = InversionHandlers(studio, display)
        yield PresetHandlers(PresetDesk(studio, folder), inversion, walks, display)


@pytest.fixture
def session(handlers: PresetHandlers) -> Session:
    return handlers.studio.start(handlers.studio.open_seed(1), {"age": 1.0})


def test_cards_say_what_is_lacking_and_leave_out_what_is_broken(handlers: PresetHandlers) -> None:
    cards = {card["name"]: card for card in card_values(handlers.desk.shown, "all", "en")}
    assert set(cards) == {"smile", "embed", "sheet", "walk", "wings"}
    assert "no direction 'wings'" in cards["wings"]["lacks"] and not cards["smile"]["lacks"]
    assert list(cards)[-1] == "wings", "what works comes first"
    chinese = {card["name"]: card for card in card_values(handlers.desk.shown, "all", "zh")}
    assert "没有方向 wings" in chinese["wings"]["lacks"]


def test_cards_of_the_bundled_presets_come_in_groups_and_languages(
    handlers: PresetHandlers,
) -> None:
    desk = PresetDesk(handlers.studio)
    assert len(desk.shown) == len(list(list_presets()))
    found = {group: card_values(desk.shown, group, "zh") for group in GROUPS}
    assert all(0 < len(found[group]) < len(found["all"]) for group in GROUPS[1:])
    assert {"微笑", "语义扩散"} <= {card["title"] for card in found["all"]}
    assert all(card["src"].startswith("data:image/jpeg") for card in found["walk"])


def test_a_preset_goes_on_top_or_brings_its_own_portrait(
    handlers: PresetHandlers, session: Session
) -> None:
    preset = handlers.desk.find("smile")
    applied = handlers.desk.place(session, preset, published=False)
    assert [e.edit.attribute for e in applied.now.stack.entries] == ["age", "smile"]
    assert applied.now.portrait is session.now.portrait
    published = handlers.desk.place(session, preset, published=True)
    assert published.now.portrait.source.name == "seed:3@0.5"
    assert [e.edit for e in published.now.stack.entries] == [Move("smile", 1.5)]
    back = published.go(published.position - 2)
    assert back.now.portrait is session.now.portrait, "undo brings the visitor's own back"


def test_what_cannot_run_is_refused(handlers: PresetHandlers, session: Session) -> None:
    with pytest.raises(BadInput, match="needs a photo"):
        handlers.desk.place(session, handlers.desk.find("embed"), published=False)
    with pytest.raises(BadRecipe, match="no direction 'wings'"):
        handlers.desk.find("wings")
    for name in ("nothing", "../presets/smile", "/etc/passwd"):
        with pytest.raises(UnknownName):
            handlers.desk.find(name)
    with pytest.raises(gr.Error, match="There is no preset"):
        handlers.run_preset(session, "en", ASKING, "nothing")


def last(work: Any) -> Any:
    return list(work)[-1]


def test_an_inversion_runs_and_says_how_it_was_found(
    handlers: PresetHandlers, session: Session
) -> None:
    session, status, path = handlers.run_preset(session, "en", ASKING, "embed", True)
    assert status["kind"] == "photo" and [e["label"] for e in status["edits"]] == ["Age +1"]
    found = session.now.portrait.inversion
    assert found is not None and found.options.steps == 2 and found.mask
    assert found.into is not None and found.into.name == "seed:5"
    exported = read_export(path)
    assert exported is not None and exported[0].inversion is not None
    assert exported[0].inversion.mask == found.mask


def test_a_sheet_and_a_film_are_made(handlers: PresetHandlers, session: Session) -> None:
    _, status, path = handlers.run_preset(session, "en", ASKING, "sheet")
    exported = read_export(path)
    assert exported is not None and exported[0].grid is not None
    assert [e["label"] for e in status["edits"]] == ["Age +1"], "a sheet leaves the edits alone"
    assert Path(handlers.run_preset(session, "en", ASKING, "walk")[2]).suffix == ".gif"


@pytest.mark.parametrize("name", ["sheet", "walk"])
def test_what_was_made_is_shown_and_can_be_downloaded(
    name: str, handlers: PresetHandlers, session: Session
) -> None:
    _, _, film, still, file, _ = last(handlers.make(session, "en", ASKING, {"name": name}))
    shown = still if "value" in still and still["value"] else film
    path = shown.pop("value")  # as Gradio does, one widget after the other
    assert file.pop("value") == path and Path(path).is_file()


def test_an_edit_needs_no_second_event(handlers: PresetHandlers, session: Session) -> None:
    plan = {"name": "smile", "published": False}
    assert last(handlers.invert(session, "en", ASKING, plan))[0] is None
    assert "done" in last(handlers.make(session, "en", ASKING, plan))[1]
    assert "完成" in last(handlers.make(session, "zh", ASKING, plan))[1]
    assert last(handlers.make(session, "en", ASKING, None)) == (gr.skip(),) * 6


def test_a_grid_or_film_waits_for_a_search_only(handlers: PresetHandlers) -> None:
    for name, search in (("smile", False), ("walk", False), ("embed", True)):
        plan = {"name": name, "published": True}
        assert handlers.at_once(plan) == (None if search else plan)
        assert handlers.afterwards(plan) == (plan if search else None)
    assert handlers.at_once(None) is handlers.afterwards(None) is None


def test_the_walk_tab_is_filled_with_what_runs(handlers: PresetHandlers) -> None:
    values = handlers.fill_walk({"name": "walk", "published": True})
    assert len(values) == 1 + len(NAMES) + len(TIME) and values[0] == "random"
    filled = dict(zip(NAMES, values[1:], strict=False))
    assert filled["reach"]["value"] == 2.0 and filled["attribute"]["value"] == "smile"
    assert filled["reach"]["visible"] and not filled["segments"]["visible"]
    assert handlers.fill_walk({"name": "smile", "published": True})[0] == gr.skip()


@pytest.mark.parametrize(
    "name", [p.name for p in list_presets() if p.kind == "walk" and "truncation" not in p.name]
)
def test_the_walk_tab_can_say_the_bundled_walks(name: str) -> None:
    recipe = next(p.recipe for p in list_presets() if p.name == name)
    assert recipe.walk is not None
    asked = asked_of(recipe.walk, recipe.look)
    assert asked is not None
    settings = {key: asked.settings.get(key) for key in NAMES}
    way = way_of(replace(asked, settings=settings), {}, ())
    if asked.kind == "keyframes":
        assert [o.name for o in way.through] == [o.name for o in recipe.walk.way.through]
    else:
        assert way == recipe.walk.way
    assert isinstance(asked, Asked) and asked.time["frames"] == recipe.walk.frames


def test_presets_are_listed_for_programs(handlers: PresetHandlers, session: Session) -> None:
    listed = {each["name"]: each for each in handlers.list_presets(session, "en")}
    assert listed["walk"]["kind"] == "walk" and listed["wings"]["lacks"]
