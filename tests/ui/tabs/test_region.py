"""A region searched on the page: what is previewed, kept and refused."""

# ruff: noqa: F811  (fixtures come from elsewhere and are arguments by name)

from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from editing.edits.local_edits import LOCAL_EDITS
from editing.edits.mix_edits import Morph
from tests.ui.tabs.test_mixing import Asking, desk, session  # noqa: F401  (fixtures)
from ui.locales import say
from ui.panels.refresh import Display
from ui.studio.session import Session
from ui.tabs.mixing.actions import MixingDesk
from ui.tabs.mixing.region import RegionHandlers

REQUEST: Any = Asking()


@pytest.fixture
def regions(desk: MixingDesk) -> RegionHandlers:
    return RegionHandlers(desk, Display(desk.studio))


def painted(colour: tuple[int, int, int] = (255, 255, 255)) -> dict[str, Any]:
    layer = np.zeros((64, 64, 4), np.uint8)
    layer[20:44, 20:44] = (*colour, 255)
    return {"layers": [layer]}


@pytest.mark.parametrize("operation", LOCAL_EDITS)
def test_what_was_searched_is_an_edit(
    operation: str, regions: RegionHandlers, desk: MixingDesk, session: Session
) -> None:
    steps = list(regions.search(session, "en", REQUEST, desk.of_seed(2), painted((200, 0, 0)),
                                operation, "quick"))  # fmt: skip
    found, pair, words = steps[-1]
    assert len(steps) >= 2 and pair[1].shape == (512, 512, 3) and "%" in words
    placed, _ = regions.place(session, "en", found)
    edit = placed.now.stack.entries[-1].edit
    assert isinstance(edit, Morph) and edit.other.name == operation and placed.can_undo
    assert not np.array_equal(placed.now.after, session.now.after)
    weaker = desk.apply(placed, Morph(edit.other, 0.5))
    assert len(weaker.now.stack.entries) == len(placed.now.stack.entries), "it has a strength"
    other = desk.studio.start(desk.studio.open_seed(3))
    assert regions.place(other, "en", found)[0] is other, "it was found for another portrait"


def test_stopping_keeps_the_best(regions: RegionHandlers, session: Session) -> None:
    running = regions.search(session, "en", REQUEST, None, painted(), "inpaint", "best")
    next(running)
    regions.stop(REQUEST)
    *_, (found, _, words) = running
    assert found is not None and "Step" not in words


def test_every_operation_says_what_it_does(regions: RegionHandlers) -> None:
    for operation in ("copy", "move", *LOCAL_EDITS):
        tips = [regions.show(operation, lang)[0] for lang in ("en", "zh")]
        assert tips[0] != tips[1] and all(tips)
    copied, searched = regions.show("copy", "en"), regions.show("style", "en")
    assert [u["visible"] for u in copied[1:]] == [True, True, True, False, True, False, False]
    assert [u["visible"] for u in searched[1:]] == [False, False, False, True, False, True, True]
    assert say("local.diffuse.tip", "en") == regions.show("diffuse", "en")[0]


def test_what_is_refused(regions: RegionHandlers, desk: MixingDesk, session: Session) -> None:
    for mate, brushed, operation, words in (
        (None, painted(), "crossover", "portrait B"),
        (desk.of_seed(2), None, "style", "brush"),
        (desk.of_seed(2), {"layers": [np.zeros((64, 64, 4), np.uint8)]}, "inpaint", "brush"),
    ):
        with pytest.raises(gr.Error, match=words):
            list(regions.search(session, "en", REQUEST, mate, brushed, operation, "quick"))


def test_by_name(regions: RegionHandlers, session: Session, tmp_path: Path) -> None:
    mask = np.zeros((32, 32), np.uint8)
    mask[8:24, 8:24] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    file = {"path": str(tmp_path / "mask.png")}
    found, status = regions.search_whole(session, "en", REQUEST, "inpaint", file)
    assert len(found.now.stack.entries) == 2 and status
    with pytest.raises(gr.Error, match="mask"):
        regions.search_whole(session, "en", REQUEST, "inpaint", None)
    with pytest.raises(gr.Error, match="strokes"):
        regions.search_whole(session, "en", REQUEST, "scribble", file)
