"""The workshop: shelf, variants, training, measuring; on the tiny domain, without widgets."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
import torch

from editing.directions.direction import Direction, boundary, load_direction
from editing.directions.rescoring import rescore, trial_ws
from editing.edits.stack import ChannelMove, Move
from editing.errors import BadInput, EditingError, UnsafeFile
from tests.helpers.studio_domain import write_studio_domain
from ui.components.html import safe_css
from ui.panels.refresh import Display
from ui.studio.session import Session, strengths
from ui.studio.studio import Studio
from ui.studio.views import heat_map
from ui.tabs.boundaries.actions import METHODS, TRIALS, Workshop
from ui.tabs.boundaries.events import WorkshopHandlers
from ui.tabs.boundaries.sliders import FIRST
from ui.tabs.boundaries.training import MAX_SCORED, PICKS, Step, Training
from ui.tabs.boundaries.widgets import heat_html, margins_svg, rows_html, trained_html


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(Studio(write_studio_domain(tmp_path_factory.mktemp("domain") / "studio")))


@pytest.fixture
def session(workshop: Workshop) -> Session:
    return workshop.studio.start(workshop.studio.open_seed(7))


def mine(name: str = "mine", seed: int = 0, width: int = 16) -> Direction:
    vector = torch.randn(width, generator=torch.Generator().manual_seed(seed))
    return Direction(name, vector / vector.norm(), step=0.7)


def test_the_shelf_keeps_names_apart(workshop: Workshop, session: Session) -> None:
    for _ in range(2):
        session = workshop.keep(session, mine())
    session = workshop.keep(session, mine("smile"))
    assert [d.name for d in session.shelf] == ["mine", "mine (2)", "smile (2)"]
    assert session.own == "smile (2)"
    session = workshop.remove(session, "mine (2)")
    assert [d.name for d in session.shelf] == ["mine", "smile (2)"] and session.own == "smile (2)"


def test_an_own_direction_moves_and_outlives_the_shelf(
    workshop: Workshop, session: Session
) -> None:
    session = workshop.keep(session, mine())
    moved = workshop.studio.move(session, {"mine": 1.5})
    assert strengths(moved.now.stack, ["mine"]) == [1.5]
    assert not np.array_equal(moved.now.after, session.now.after)
    emptied = workshop.studio.move(workshop.remove(moved, "mine"), {"smile": 1.0})
    edit = emptied.now.stack.entries[0].edit
    assert isinstance(edit, Move) and edit.own[0].name == "mine", "the edit carries it"
    flipped = workshop.flip(session, "mine")
    assert torch.equal(flipped.shelf[0].vector, -mine().vector)


def test_a_flip_turns_the_edits_round_too(workshop: Workshop, session: Session) -> None:
    session = workshop.keep(workshop.keep(session, mine()), mine("other", 1))
    moved = workshop.studio.move(session, {"mine": 1.5, "other": 1.0, "smile": 1.0})
    flipped = workshop.flip(moved, "mine")
    own = [entry.edit.own for entry in flipped.now.stack.entries]
    assert torch.equal(own[0][0].vector, -mine().vector)
    assert torch.equal(own[1][0].vector, mine("other", 1).vector) and not own[2]
    assert strengths(flipped.now.stack, ["mine"]) == [1.5]
    straight = workshop.studio.move(session, {"mine": -1.5, "other": 1.0, "smile": 1.0})
    assert np.array_equal(flipped.now.after, straight.now.after)
    assert Display(workshop.studio).status(flipped)["history"][-1] == "Mine flipped"
    assert workshop.flip(session, "mine").now is session.now, "no edit of it, no step"
    assert workshop.flip(session, "gone") is session


def test_the_name_of_a_direction_that_an_edit_carries_is_taken(
    workshop: Workshop, session: Session
) -> None:
    moved = workshop.studio.move(workshop.keep(session, mine()), {"mine": 1.0})
    again = workshop.keep(workshop.remove(moved, "mine"), mine(seed=1))
    assert again.own == "mine (2)"
    both = workshop.studio.move(again, {"mine (2)": 1.0})
    vectors = [entry.edit.own[0].vector for entry in both.now.stack.entries]
    assert torch.equal(vectors[1], mine(seed=1).vector) and not torch.equal(*vectors)
    undone = moved.go(0)  # its edits can come back
    assert workshop.keep(workshop.remove(undone, "mine"), mine(seed=1)).own == "mine (2)"


def test_own_directions_can_be_held_still(workshop: Workshop, session: Session) -> None:
    studio = workshop.studio
    session = studio.move(workshop.keep(session, mine()), {"smile": 2.0})
    held = studio.set_details(session, ["coarse", "middle"], ["mine"])
    edit = held.now.stack.entries[0].edit
    assert isinstance(edit, Move)
    assert abs(float(edit.direction(workshop.domain).vector @ mine().vector)) < 1e-5


def test_a_strength_may_be_a_distance(workshop: Workshop, session: Session) -> None:
    studio, domain = workshop.studio, workshop.domain
    n = boundary(domain, "smile").vector

    def distance(session: Session) -> float:
        state = session.now.stack.apply(session.now.portrait.state, domain)
        return float(state.ws[0, 0] @ n)

    there = studio.set_absolute(studio.move(session, {"smile": 1.25}), True)
    assert distance(there) == pytest.approx(1.25, abs=1e-4)
    zero = studio.move(there, {"smile": 0.0})
    assert distance(zero) == pytest.approx(0.0, abs=1e-4), "on the boundary, not gone"
    assert Display(studio).chips(zero, "en")["items"][-1]["label"] == "Smile = +0"
    relative = studio.set_absolute(there, False)
    assert not studio.move(relative, {"smile": 0.0}).now.stack.entries
    with pytest.raises(BadInput, match="chip of an edit first"):
        studio.set_absolute(replace(there, selected=None), True)


def test_rows_and_strengths_of_the_selected_edit(workshop: Workshop, session: Session) -> None:
    studio = workshop.studio
    moved = studio.move(session, {"smile": 2.0})
    listed = studio.set_rows(moved, "0-1*0.5,4")
    edit = studio.selected_move(listed)
    assert edit is not None and (edit.layers, edit.strengths) == ((0, 1, 4), (0.5, 0.5, 1.0))
    assert studio.rows_text(listed) == "0-1*0.5,4"
    given = studio.set_details(listed, studio.details(listed)[1], ["age"])
    edit = studio.selected_move(given)
    assert edit is not None and edit.strengths == (0.5, 0.5, 1.0), "conditions leave the rows alone"
    coarse = studio.set_details(given, ["coarse"], ["age"])
    assert studio.rows_text(coarse) == "0-2"
    for wrong in ("7-3", "99", "a"):
        with pytest.raises(BadInput):
            studio.set_rows(moved, wrong)


def test_files_go_out_and_come_back(workshop: Workshop, session: Session, tmp_path: Path) -> None:
    session = workshop.keep(session, mine())
    name, data = workshop.exported(session, "mine")
    (tmp_path / name).write_bytes(data)
    assert torch.equal(load_direction(tmp_path / name).vector, mine().vector)
    again = workshop.imported(session, tmp_path / name)
    assert again.own == "mine (2)"
    (tmp_path / "no.safetensors").write_text("no")
    with pytest.raises(UnsafeFile):
        workshop.imported(session, tmp_path / "no.safetensors")
    from editing.directions.direction import save_direction

    save_direction(tmp_path / "wide.safetensors", mine("wide", width=512))
    with pytest.raises(BadInput, match="needs .16."):
        workshop.imported(session, tmp_path / "wide.safetensors")


@pytest.mark.parametrize("method", METHODS)
def test_every_method_shows_strips(workshop: Workshop, session: Session, method: str) -> None:
    what = {"sefa": "coarse", "basis": "3", "channels": "smile"}.get(method, "")
    found = list(workshop.explore(session, method, what, 2))
    assert len(found) == 2 and all(len(each.pictures) == 5 for each in found)
    others = list(workshop.explore(session, method, what, 2, first=2))
    assert others[0].edit != found[0].edit
    if method == "channels":
        edit = found[0].edit
        assert isinstance(edit, ChannelMove)
        moved = workshop.add_channel(session, replace(edit, alpha=5.0))
        assert moved.now.label.key == "history.channel" and moved.can_undo


def test_variants_move_together(workshop: Workshop, session: Session) -> None:
    *steps, axes = workshop.subspace("smile")
    assert all(isinstance(step, Step) for step in steps) and isinstance(axes, list)
    for axis in axes:
        session = workshop.keep(session, axis)
    moved = workshop.pad(session, ["smile 2", "smile 3"], (1.0, -2.0))
    assert strengths(moved.now.stack, ["smile 2", "smile 3"]) == [1.0, -2.0]
    held = workshop.variant(moved, "smile", "age", 2.0)
    edit = held.now.stack.entries[-1].edit
    assert isinstance(edit, Move) and edit.given == ("age",)


def test_training_from_readings_goes_on_where_it_stopped(
    workshop: Workshop, session: Session
) -> None:
    wanted = Training("mine", "reading", "smile", count=40)
    work = workshop.school.train(wanted)
    next(work), next(work)  # stopped here
    steps = list(workshop.school.train(wanted))
    assert [step.done for step in steps[:-1]] == [16, 24, 32]
    direction = steps[-1].direction
    assert direction is not None and direction.name == "mine" and direction.safe_range


def test_training_from_pictures_and_labels(workshop: Workshop, tmp_path: Path) -> None:
    shown = workshop.school.candidates(0)
    assert len(shown) == PICKS and shown[0][1].startswith("data:image")
    assert not {seed for seed, _ in shown} & {seed for seed, _ in workshop.school.candidates(1)}
    picks = {seed: (1 if index % 2 else -1) for index, (seed, _) in enumerate(shown[:8])}
    *_, last = workshop.school.train(Training("mine", "pictures", picks=picks, count=40))
    assert last.direction is not None and last.direction.meta["picked"]
    with pytest.raises(BadInput, match="picked as more"):
        list(workshop.school.train(Training("mine", "pictures", picks={1: 1})))
    path = tmp_path / "labels.csv"
    path.write_text("\n".join(f"{n},{n % 3}" for n in range(20)) + "\n21,")
    *_, last = workshop.school.train(Training("mine", "labels", labels=str(path)))
    assert last.direction is not None and "1 rows" in last.notes[0]
    path.write_text("\n".join(f"file{n}.npz,{n % 3}" for n in range(20)))
    with pytest.raises(BadInput, match="is no seed"):
        list(workshop.school.train(Training("mine", "labels", labels=str(path))))
    for wrong in (Training(" "), Training("x", "labels")):
        with pytest.raises(BadInput):
            list(workshop.school.train(wrong))


def test_measures(workshop: Workshop, session: Session) -> None:
    found = workshop.rescoring(workshop.keep(session, mine()), ["age"])
    effects = [effect for effect in found if effect]
    assert [effect.name for effect in effects] == ["smile", "age", "gender", "mine"]
    assert len(list(workshop.rows(session, "smile", 2.0))) == 8
    *steps, sheet = workshop.sweep(session, "smile", "age", -1, 1, 3)
    assert len(steps) == 9 and not isinstance(sheet, Step)
    with pytest.raises(BadInput, match="renderer"):
        workshop.twin(session)
    handlers = WorkshopHandlers(workshop, Display(workshop.studio))
    for ends in ((None, 3), (-3, None), (float("nan"), 3), (-3, float("inf"))):
        with pytest.raises(gr.Error, match="needs two strengths"):
            next(handlers.sweep(session, "en", "smile", None, *ends, 3))


def test_directions_of_z_are_left_out_of_a_rescoring(workshop: Workshop, session: Session) -> None:
    shelf = (replace(mine("of z", width=12), space="z"),)
    work = workshop.rescoring(replace(session, shelf=shelf), ["age"])
    assert [effect.name for effect in work if effect] == ["smile", "age", "gender"]


class PlainTruth:
    """A world whose renderer paints its smile reading as grey."""

    names = ("smile",)

    def draw(self, readings):
        return torch.full((1, 3, 32, 32), float(np.tanh(readings["smile"])))


def test_the_twin_changes_only_what_was_moved(workshop: Workshop, session: Session) -> None:
    asked = Workshop(workshop.studio, PlainTruth())
    with pytest.raises(BadInput, match="Move an attribute"):
        asked.twin(session)
    twin = asked.twin(workshop.studio.move(session, {"smile": 3.0}))
    assert np.array_equal(twin.difference, heat_map(twin.before, twin.after))
    older = asked.studio.move(session, {"age": 3.0})
    with pytest.raises(BadInput, match="Move an attribute"):
        asked.twin(older)


def test_what_is_drawn_says_what_it_shows(workshop: Workshop, session: Session) -> None:
    effects = [effect for effect in workshop.rescoring(session, []) if effect]
    table = heat_html(effects, "en")
    assert (
        table.count('class="own"') == 3 and "Smile" in table and "微笑" in heat_html(effects, "zh")
    )
    direction = replace(
        mine("<b>"),
        meta={
            "validation": {"accuracy": 0.9, "auc": 0.95},
            "all": {"accuracy": 0.8, "auc": None},
            "margins": {"edges": [0, 1, 2], "less": [3, 0], "more": [0, 4]},
            "range": [-2, 3],
        },
    )
    text = trained_html(direction, {"<i>": 0.5}, "en")
    assert "90 %" in text and "AUC 0.95" in text and "-2 to 3" in text
    assert "<i>" not in text and "&lt;i&gt;" in text
    assert margins_svg(None, "en") == ""
    assert rows_html(list(workshop.rows(session, "smile", 1.0)), "zh").count("<tr>") == 9
    assert "--safe-from:0;--safe-to:0.75" in safe_css({"slider-smile": (-9, 1.5)}, 3)


def test_bars_show_the_classics_and_what_moved_most(workshop: Workshop, session: Session) -> None:
    measured = workshop.studio.measure(workshop.studio.move(session, {"smile": 3.0}))
    assert set(measured.moved) == {"smile", "age", "gender"} and measured.background > 0
    assert FIRST == 5


def test_sliders_hold_what_a_recipe_brought(workshop: Workshop, session: Session) -> None:
    """A slider beyond its end makes Gradio refuse every release of any of them."""
    display = Display(workshop.studio)
    far = workshop.studio.move(session, {"age": -4.2, "smile": 1.0})
    smile, age, *_ = display.sliders(far)
    assert (smile["value"], smile["minimum"], smile["maximum"]) == (1.0, -3, 3)
    assert (age["value"], age["minimum"], age["maximum"]) == (-4.2, -5, 5)
    back = display.sliders(workshop.studio.move(far, {"age": 1.0}))
    assert (back[1]["minimum"], back[1]["maximum"]) == (-3, 3)


def test_the_own_slider_is_as_long_as_its_direction_and_marked(
    workshop: Workshop, session: Session
) -> None:
    handlers = WorkshopHandlers(workshop, Display(workshop.studio))
    ranged = replace(mine("ranged"), meta={"range": [-2.0, 4.0]})
    session = workshop.keep(workshop.keep(session, mine()), ranged)
    *_, slider, marks = handlers.display.sliders(session)
    assert (slider["minimum"], slider["maximum"]) == (-5, 5)
    assert "#slider-own {--safe-from:0.3;--safe-to:0.9}" in marks
    chosen, slider, marks = handlers.choose(session, "en", "mine")
    assert slider["maximum"] == 6 and "slider-own" not in marks and chosen.own == "mine"
    far = workshop.studio.move(chosen, {"mine": 7.5})
    assert handlers.display.sliders(far)[-2]["maximum"] == 8


def test_a_strength_beyond_the_limit_is_said(workshop: Workshop, session: Session) -> None:
    display, shown = Display(workshop.studio), workshop.studio.move(session, {"smile": 1e9})
    sentence = "smile=1e+09 is beyond the limit of this direction"
    assert sentence in display.status(shown)["notes"][0] and not display.status(session)["notes"]
    for lang, part in (("en", sentence), ("zh", "超出此方向的极限，实际使用")):
        assert any(part in str(each) for each in display.show(shown, lang, "compare"))
        assert not any(part in str(each) for each in display.show(session, lang, "compare"))


def test_drags_show_the_mask_and_refuse_nothing(workshop: Workshop, session: Session) -> None:
    handlers = WorkshopHandlers(workshop, Display(workshop.studio))
    session = workshop.keep(workshop.keep(session, mine("other", 1)), mine())
    event = SimpleNamespace(_data={"x": 0.5, "y": -0.5})

    def drags(session: Session, look: str):
        return [
            handlers.display.preview(session, look, {"smile": 2.0}),
            handlers.preview_own(session, look, 2.0),
            handlers.pad_drag(session, "en", look, ["mine", "other"], event),
        ]

    plain, masked = drags(session, "compare"), drags(session, "mask")
    for (before, after), (picture, reached) in zip(
        (canvas for canvas, _ in plain), (canvas for canvas, _ in masked), strict=True
    ):
        assert np.array_equal(after, picture), "the edit, and beside it where it is"
        assert not np.array_equal(reached, picture) and not np.array_equal(before, after)
    stuck = replace(session, next_given=("gender", "nobody"))  # no such attribute to hold still
    with pytest.raises(EditingError):
        workshop.studio.preview(stuck, {"smile": 2.0})
    for drag in drags(stuck, "compare"):
        assert all(each == gr.skip() for each in drag), "a release says why, not every frame"


def asked(stop_after: int | None, handlers: WorkshopHandlers, session: Session, name: str = ""):
    """What a training on the page yields, stopped after so many steps."""
    request, yielded = SimpleNamespace(session_hash="me"), []
    work = handlers.train(
        session, "en", name, "reading", "age", "", "", None, {}, 32, request
    )  # fmt: skip
    for number, each in enumerate(work):
        yielded.append(each)
        if number == stop_after:
            handlers.stop_training(request)
    return yielded


def test_a_stopped_training_leaves_no_direction_and_a_whole_one_needs_no_name(
    workshop: Workshop, session: Session
) -> None:
    handlers = WorkshopHandlers(Workshop(workshop.studio), Display(workshop.studio))
    for step in (0, 0):
        *_, (found, text) = asked(step, handlers, session)
        assert found is None and "Stopped" in text
        assert handlers.shelve(session, "en", found)[0] is session
    *steps, (found, _) = asked(None, handlers, session)
    assert all(early is None for early, _ in steps)
    meanwhile = workshop.studio.move(session, {"smile": 1.0})
    kept, status = handlers.shelve(meanwhile, "en", found)
    assert [direction.name for direction in kept.shelf] == ["age (2)"], "named after its reading"
    assert kept.now is meanwhile.now and status["strengths"]["smile"] == 1.0, "edits stay"


def test_variants_are_put_beside_what_was_done_meanwhile(
    workshop: Workshop, session: Session
) -> None:
    handlers = WorkshopHandlers(workshop, Display(workshop.studio))
    *steps, (found, _) = handlers.find_variants(session, "en", "smile")
    assert all(early is None and "progress" in text for early, text in steps)
    meanwhile = workshop.studio.move(workshop.keep(session, mine()), {"mine": 1.0})
    kept, _, pad, names = handlers.shelve_variants(meanwhile, "en", found)
    assert kept.now is meanwhile.now and kept.shelf[0].name == "mine" and len(kept.shelf) == 4
    assert names == [direction.name for direction in kept.shelf[2:]] and pad["visible"]


def test_long_searches_on_the_page_leave_the_session_alone(workshop: Workshop) -> None:
    """A private event of the long lane would bring back the session that it began with."""
    from ui.page import build_app

    app = build_app(workshop.domain)
    states = {out for fn in app.fns.values() if fn.api_name == "undo" for out in fn.outputs[:1]}
    long = [fn for fn in app.fns.values() if fn.concurrency_id == "long" and fn.fn]
    private = [fn for fn in long if fn.api_visibility == "private"]
    assert long and private and states
    assert not [fn.fn.__name__ for fn in private if states & set(fn.outputs)]


def test_rescoring_in_small_steps_is_rescoring(workshop: Workshop, session: Session) -> None:
    """The lane is free between the steps, and the means are those over all latents."""
    found = list(workshop.rescoring(session, []))
    effects = [effect for effect in found if effect]
    assert len(found) > 3 * len(effects)
    direction = boundary(workshop.domain, "smile")
    whole = next(rescore(workshop.domain, [direction], trial_ws(workshop.domain, TRIALS)))
    assert effects[0].change["age"] == pytest.approx(whole.change["age"], abs=1e-4)
    assert effects[0].perceptual == pytest.approx(whole.perceptual, rel=1e-3)


def test_few_texts_are_remembered(workshop: Workshop, session: Session) -> None:
    own = Workshop(workshop.studio)
    score = own.domain.scorer
    for number in range(MAX_SCORED + 3):
        list(own.school._sampled((f"less {number}", "more"), score, 8, score.outputs))
    assert len(own.school._scored) == MAX_SCORED and ("less 0", "more") not in own.school._scored
