"""The Text tab without widgets: edits on the stack, their report, grids, searches; and its page."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest

from editing.edits.stack import EditState, Move
from editing.errors import BadInput
from editing.models.domain import Domain
from editing.text.edit import TextEdit
from editing.text.optimization import DescentOptions
from tests.helpers.studio_domain import write_studio_domain
from tests.helpers.text_domain import write_text_domain
from ui.page import build_app
from ui.panels.refresh import Display
from ui.studio.session import Session
from ui.studio.studio import Studio
from ui.tabs.text.actions import Part, TextDesk
from ui.tabs.text.events import TextHandlers
from ui.tabs.text.widgets import report_value

WANTED = TextEdit("a smiling person", 6.0, "a person")
VALUES = ["a person", "a smiling person", 6.0, True, 0.1, None, [], [], "jacobian", ""]


@pytest.fixture(scope="module")
def domain(tmp_path_factory: pytest.TempPathFactory) -> Domain:
    return write_text_domain(tmp_path_factory.mktemp("domain") / "studio")


@pytest.fixture(scope="module")
def desk(domain: Domain) -> TextDesk:
    return TextDesk(Studio(domain))


@pytest.fixture
def session(desk: TextDesk) -> Session:
    return desk.studio.start(desk.studio.open_seed(7), {"smile": 1.0})


def edits(session: Session) -> list[Any]:
    return [entry.edit for entry in session.now.stack.entries]


def test_the_same_texts_change_the_edit_others_begin_one(desk: TextDesk, session: Session) -> None:
    once = desk.apply(session, WANTED)
    assert isinstance(edits(once)[0], Move) and edits(once)[1].target == WANTED.target
    assert not np.array_equal(once.now.after, session.now.after)
    twice = desk.apply(once, TextEdit("a smiling person", -2.0, "a person"))
    assert len(edits(twice)) == 2 and edits(twice)[1].alpha == -2.0
    other = desk.apply(twice, TextEdit("an old man", 3.0, "a person"))
    assert [edit.target for edit in edits(other)[1:]] == ["a smiling person", "an old man"]
    assert desk.apply(other, TextEdit("an old man", 3.0, "a person")) is other
    assert other.now.label.key == "history.text"
    assert desk.edit(desk.studio.act(other, "toggle", 2)) == edits(other)[1], "off: the one below"


HAND = [False, 0.05, None, [], ["coarse", "middle", "fine"], "jacobian", ""]
MANY = [False, 0.1, 5, ["smile"], ["coarse", "fine"], "jacobian", "a photo of {}\nart of {}"]


@pytest.mark.parametrize("values", [VALUES[3:], HAND, MANY])
def test_undo_brings_the_whole_text_edit_back(
    desk: TextDesk, session: Session, values: list[Any]
) -> None:
    """What the widgets ask for after a way back makes the very edit that is there."""
    h = TextHandlers(desk, Display(desk.studio))
    made, _ = h.apply(session, "en", *VALUES[:3], *values)
    neutral, target, alpha, auto, beta, *rest = h.sync(made, "en")
    assert auto is values[0] and rest[0] == values[2], "who chose the channels"
    again, _ = h.apply(made, "en", neutral, target, alpha["value"], auto, beta, *rest)
    assert again is made


def test_the_way_back_runs_no_clip_among_the_quick_actions(domain: Domain) -> None:
    handlers = {fn.fn.__name__: fn for fn in build_app(domain).fns.values() if fn.fn}
    assert handlers["sync"].concurrency_id == "interactive" and len(handlers["sync"].outputs) == 10
    assert handlers["explain"].concurrency_id == "long"


def test_a_drag_shows_what_a_release_makes(desk: TextDesk, session: Session) -> None:
    view = desk.preview(session, WANTED)
    made = desk.apply(session, WANTED)
    exact = desk.studio.view(made).after
    small = desk.studio.preview_stack(made, made.now.stack).after
    assert np.array_equal(view.after, small) and exact.shape[0] > small.shape[0]


def test_gradients_let_others_pass_and_are_asked_once(
    desk: TextDesk, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    lanes, passed = desk.studio.lanes, []
    let_pass = lanes.let_pass
    monkeypatch.setattr(lanes, "let_pass", lambda *told: (passed.append(told), let_pass()))
    wanted = TextEdit("a bald man", 2.0, "a person", method="jacobian")
    desk.preview(session, wanted)
    assert len(passed) >= 2, "between the parts of what takes long"
    passed.clear()
    desk.preview(session, replace(wanted, alpha=3.0))
    assert not passed


def test_without_a_table_gradients_come_before_the_quick_actions(
    domain: Domain, desk: TextDesk, session: Session
) -> None:
    h = TextHandlers(desk, Display(desk.studio))
    values = ["a person", "a person with red hair", *VALUES[2:]]
    assert h.preview(session, "compare", *values) == (gr.skip(), gr.skip()), "not asked yet"
    h.ask(session, "en", *values)
    (before, after), _ = h.preview(session, "compare", *values)
    assert (before != after).any()
    wired = [fn for fn in build_app(domain).fns.values() if fn.name == "ask"]
    assert wired and all(fn.concurrency_id == "long" for fn in wired)


def test_the_report_says_which_channels_and_how_far(desk: TextDesk, session: Session) -> None:
    assert desk.report(session) is None
    made = desk.apply(session, WANTED)
    report = desk.report(made)
    assert report is not None and report.channels == sum(report.by_layer.values()) >= 8
    assert report.top[0][1] == pytest.approx(1.0, abs=0.01) or report.top[0][1] == pytest.approx(
        -1.0, abs=0.01
    )
    assert report.asked is not None and -1 <= report.asked <= 1 and set(report.moved)
    low, high = desk.safe(made) or (0, 0)
    assert -12 <= low < 0 < high <= 12
    for lang in ("en", "zh"):
        value = report_value(report, ["b4.conv1", "b8.conv0"], desk.total, lang)
        assert str(report.channels) in value["line"] and value["channels"][0]["width"] == "100"
    view = desk.alone(made, str(report.top[0][0]))
    assert not np.array_equal(view.after, desk.studio.view(made).after)
    for wrong in ("b4.conv1:999", "nonsense", "b4.conv1:-1"):
        with pytest.raises(BadInput, match="does not move"):
            desk.alone(made, wrong)


def test_a_grid_of_strengths_and_thresholds(desk: TextDesk, session: Session) -> None:
    *parts, last = desk.grid(session, WANTED)
    assert all(isinstance(part, Part) for part in parts) and last.sheet is not None
    assert last.sheet.width > 5 * 32 and parts[-1].done == parts[-1].total


@pytest.mark.parametrize(("neutral", "changes"), [("", True), ("an old man", False)])
def test_a_grid_changes_the_edit_of_the_same_texts_only(
    desk: TextDesk, session: Session, monkeypatch: pytest.MonkeyPatch, neutral: str, changes: bool
) -> None:
    drawn = []

    def cells(domain: Domain, state: EditState, *_: Any) -> Iterator[Any]:
        drawn.append(state)
        return iter(())

    monkeypatch.setattr("ui.tabs.text.actions.grid_cells", cells)
    monkeypatch.setattr("ui.tabs.text.actions.grid_sheet", lambda *_: None)
    made = desk.apply(session, WANTED)
    list(desk.grid(made, replace(WANTED, neutral=neutral)))
    assert (not drawn[0].s_delta) == changes


@pytest.mark.parametrize("space", ["w+", "s"])
def test_an_optimisation_becomes_an_edit(desk: TextDesk, session: Session, space: str) -> None:
    options = DescentOptions(space, 4)
    *_, step = desk.optimise(session, "a smiling person", "", options)
    assert step.done
    made = desk.optimised(session, step.find(), "a smiling person")
    assert isinstance(edits(made)[-1], Move if space == "w+" else TextEdit)
    assert not np.array_equal(made.now.after, session.now.after)
    further = desk.apply(made, WANTED)
    assert edits(further)[:-1] == edits(made), "the sliders leave what was searched alone"


def test_what_was_optimised_joins_the_edits_made_meanwhile(
    desk: TextDesk, session: Session
) -> None:
    h, request = TextHandlers(desk, Display(desk.studio)), SimpleNamespace(session_hash="me")
    asked = (session, "en", "compare", request, "", "a smiling person", "w+", 3, 0.008, 0.05)
    *steps, (found, *_) = h.optimise(*asked)
    assert all(early is None for early, *_ in steps)
    meanwhile = desk.studio.move(session, {"age": 1.0})
    placed, _ = h.place(meanwhile, "en", found)
    assert edits(placed)[:-1] == edits(meanwhile) and placed.moments[:-1] == meanwhile.moments
    other = desk.studio.replace(session, desk.studio.open_seed(8))
    assert h.place(other, "en", found)[0] is other, "another portrait is left alone"
    work = h.optimise(*asked)
    next(work)
    h.stop(request)
    stopped = list(work)
    assert len(stopped) <= 2 and stopped[-1][0] is not None, "the best so far is kept"


def test_a_search_finds_portraits(desk: TextDesk) -> None:
    *parts, hits = desk.search("an old man", 40)
    assert isinstance(hits, list) and len(hits) == 12 == len({hit.seed for hit in hits})
    assert isinstance(parts[-1], Part) and parts[-1].done == 40


def test_handlers_translate(desk: TextDesk, session: Session) -> None:
    h = TextHandlers(desk, Display(desk.studio))
    assert h.sync(session, "en") == (gr.skip(),) * 10, "no edit, nothing to show"
    made, status = h.apply(session, "en", *VALUES)
    assert [edit["label"] for edit in status["edits"]][-1] == "“a smiling person” +6"
    by_hand, _ = h.apply_beta(session, "en", *[*VALUES[:4], 0.05, *VALUES[5:]])
    assert h.desk.edit(by_hand).beta == 0.05
    counted = [*VALUES[:4], 0.05, 3, *VALUES[6:]]
    many, _ = h.apply_beta(session, "en", *counted)
    assert h.desk.edit(many) == h.desk.edit(by_hand), "beta by hand, though a number was set"
    picture, _, auto, count = h.preview_beta(session, "compare", *counted)
    assert np.array_equal(picture[1], desk.preview(session, h.desk.edit(by_hand)).after)
    assert auto is False and count is None
    drawn = h.preview(session, "mask", *VALUES)[0]
    assert np.array_equal(drawn[0], h.preview(session, "compare", *VALUES)[0][1])
    assert not np.array_equal(*drawn), "where the edit is"
    with pytest.raises(Exception, match="no text yet"):
        h.apply(session, "en", "a person", "  ", *VALUES[2:])
    with pytest.raises(Exception, match="No channel reaches"):
        h.apply_beta(session, "en", *[*VALUES[:4], 5.0, *VALUES[5:]])
    assert len(h.preview(session, "compare", "a person", "", *VALUES[2:])) == 2, "quietly nothing"
    report, mark, beta = h.explain(made, "zh")
    assert "text-channels" in report and "--safe-from" in mark and isinstance(beta, float)
    neutral, target, alpha = h.sync(made, "en")[:3]
    assert (neutral, target, alpha["value"], alpha["maximum"]) == ("", "a smiling person", 6, 10)
    far = h.sync(desk.apply(session, replace(WANTED, alpha=-12.5)), "en")[2]
    assert (far["value"], far["minimum"], far["maximum"]) == (-12.5, -13, 13), "it holds what is"
    assert h.accept("an old man", "a person")[0] == "an old man"
    assert "{}" in h.fill_in("portraits")("zh")
    prompts = [h.relabel(lang)[0] for lang in ("en", "zh")]
    assert prompts[0] != prompts[1] and prompts[0].count("<button") == prompts[1].count("<button")


def test_without_a_text_image_model_there_is_a_sentence(tmp_path: Path) -> None:
    from ui.components.localized import Words
    from ui.tabs.text.layout import build_text_tab

    desk = TextDesk(Studio(write_studio_domain(tmp_path / "studio")))
    assert not desk.available
    desk.warm_up()
    with gr.Blocks():
        assert build_text_tab(Words(), desk, ["smile"]) is None


def test_the_page_offers_it(domain: Domain) -> None:
    from ui.page import build_app

    app = build_app(domain)
    names = {getattr(fn, "api_name", None) for fn in app.fns.values()}
    assert {"text", "text_grid", "text_optimise", "text_search"} <= names


def test_the_page_says_when_the_models_are_there(
    domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = TextDesk(Studio(domain))
    handlers = TextHandlers(desk, Display(desk.studio))
    assert desk.is_light, "a small one is loaded before anybody asks"
    assert not handlers.loading()[0]["visible"], "nobody has asked yet"
    release = threading.Event()
    monkeypatch.setattr(desk, "_load", release.wait)
    hint, timer = handlers.begin()
    assert hint["visible"] and timer.active
    monkeypatch.undo()
    release.set()
    assert desk.ready.wait(60)
    hint, timer = handlers.loading()
    assert not hint["visible"] and not timer.active
