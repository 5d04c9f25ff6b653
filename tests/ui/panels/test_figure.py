"""The figure panel: what is asked becomes files, and refusals are sentences."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from editing.cli.edit import find_recipe
from editing.models.domain import Domain
from editing.recipes.figure_replay import redraw
from ui.locales.figures import FIGURE_MESSAGES
from ui.panels.figure import MOST, FigureHandlers
from ui.studio.session import Session
from ui.studio.studio import Studio

VISITOR: Any = SimpleNamespace(session_hash="a")
NO_TEXT, NOT_OWN = "", False


@pytest.fixture(scope="module")
def handlers(tiny_domain: Domain) -> FigureHandlers:
    return FigureHandlers(Studio(tiny_domain))


@pytest.fixture
def session(handlers: FigureHandlers) -> Session:
    return handlers.studio.start(handlers.studio.open_seed(1))


def drawn(handlers: FigureHandlers, session: Session, *asked: Any) -> dict[str, Path]:
    *_, last = handlers.draw(session, "en", VISITOR, *asked)
    return {Path(path).name.partition(".")[2]: Path(path) for path in last[2]["value"]}


def test_the_files_of_a_seed_redraw_it(
    handlers: FigureHandlers, session: Session, tmp_path: Path
) -> None:
    session = handlers.studio.move(session, {"age": 1.0})
    files = drawn(handlers, session, ["smile"], NO_TEXT, True, [], 0.1)
    assert set(files) == {"pdf", "png", "tex", "bib", "recipe.yaml"}
    assert "age" in files["tex"].read_text() and "smile" in files["tex"].read_text()
    recipe = find_recipe(str(files["recipe.yaml"]))[1]
    redraw(files["recipe.yaml"], recipe, handlers.studio.domain, tmp_path)
    assert (tmp_path / files["png"].name).read_bytes() == files["png"].read_bytes()


def test_a_photo_is_inverted_or_drawn_as_found(
    handlers: FigureHandlers, session: Session, tmp_path: Path
) -> None:
    pixels = np.random.RandomState(0).randint(0, 256, (90, 90, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "me.png")
    photo = handlers.studio.open_photo(tmp_path / "me.png", crop=True)
    session = handlers.studio.replace(session, photo)
    files = drawn(handlers, session, ["smile"], NO_TEXT, NOT_OWN, ["encoder"], 0.1)
    assert "photo.png" in files and "latent.npz" not in files
    files = drawn(handlers, session, ["smile"], NO_TEXT, NOT_OWN, [], 0.1)
    assert "latent.npz" in files and "photo.png" not in files


@pytest.mark.parametrize(
    "asked, words",
    [
        (([], NO_TEXT, True, [], 1.0), "without edits"),
        ((["smile"], NO_TEXT, NOT_OWN, ["magic"], 1.0), "magic"),
        ((["smile"], NO_TEXT, NOT_OWN, [], 0.0), "cannot be compared"),
        ((["smile"] * (MOST + 1), NO_TEXT, NOT_OWN, [], 1.0), f"at most {MOST}"),
        ((["smile"] * 10_000, NO_TEXT, NOT_OWN, [], 1.0), "10001 pictures"),
    ],
)
def test_refusals(
    handlers: FigureHandlers, session: Session, asked: tuple[Any, ...], words: str
) -> None:
    with pytest.raises(gr.Error, match=words):
        next(handlers.draw(session, "en", VISITOR, *asked))


def test_it_stops_when_told(handlers: FigureHandlers, session: Session) -> None:
    steps = handlers.draw(session, "zh", VISITOR, ["smile"], NO_TEXT, NOT_OWN, [], 0.3)
    next(steps)
    handlers.stop(VISITOR)
    *_, last = steps
    assert FIGURE_MESSAGES["figure.stopped"][1] in last[0]
