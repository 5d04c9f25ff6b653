"""Keep what the model cannot draw: the switch, corrections by hand, what the page says of it."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from editing.edits.out_of_domain import NO_DEGHOSTING, UNCHANGED, USUAL
from editing.errors import BadInput
from editing.io.images import load_picture
from editing.models.domain import Domain
from editing.recipes.recipe import read_export
from ui.panels.out_of_domain import correction_of, parts_html
from ui.panels.refresh import pairs
from ui.studio.session import Session
from ui.studio.studio import Studio


@pytest.fixture(scope="module")
def studio(tiny_domain: Domain) -> Studio:
    return Studio(tiny_domain)


@pytest.fixture
def session(studio: Studio, tmp_path: Path) -> Session:
    """A photo of noise, opened, with a smile."""
    pixels = np.random.RandomState(0).randint(0, 256, (90, 90, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    opened = studio.start(studio.open_photo(tmp_path / "photo.png", crop=True))
    return studio.move(opened, {"smile": 3.0})


def layer(colour: int, columns: slice) -> np.ndarray:
    painted = np.zeros((64, 64, 4), np.uint8)
    painted[:, columns] = (colour, colour, colour, 255)
    return painted


def test_the_six_pictures_are_there(studio, session):
    view = studio.view(session)
    assert list(view.parts) == ["photo", "inverted", "edited", "mask", "fused", "result"]
    assert view.edited is view.parts["result"] and view.photo is view.parts["photo"]
    outside = view.mask[0, 0].numpy() == 0
    assert np.array_equal(view.edited[outside], view.photo[outside])
    assert (view.edited != view.photo).any() and NO_DEGHOSTING in view.notes
    html = parts_html(view.parts, view.misfit, view.notes, "zh")
    assert html.count("<figure>") == 6 and "没有训练去残影网络" in html and "%" in html


def test_without_an_edit_the_photo_is_shown_and_that_is_said(studio, session):
    view = studio.view(studio.reset(session))
    assert view.notes == (UNCHANGED,) and np.array_equal(view.edited, view.photo)
    assert "编辑没有改变" in parts_html(view.parts, view.misfit, view.notes, "zh")


def test_switched_off_there_is_one_outcome(studio, session):
    off = studio.keep(session, False, 0.1, 0.3, "mask")
    view = studio.view(off)
    assert view.edited is None and not view.parts and view.misfit is None
    assert pairs(view)[1] is None
    assert studio.view(off, mask=True).mask is not None, "its reach can be seen all the same"


def test_threshold_and_softness_change_the_mask(studio, session):
    areas = [
        float(studio.view(studio.keep(session, True, t, s, "off")).mask.mean())
        for t, s in ((0.0, 0.05), (0.1, 0.3), (0.6, 0.3))
    ]
    assert areas == sorted(areas, reverse=True) and areas[0] > areas[-1]
    with pytest.raises(BadInput, match="threshold"):
        studio.keep(session, True, 2.0, 0.3, "off")
    with pytest.raises(BadInput, match="deghost"):
        studio.keep(session, True, 0.1, 0.3, "maybe")


def test_what_is_painted_corrects_the_mask_until_another_portrait_is_opened(studio, session):
    brush = correction_of({"layers": [layer(255, slice(0, 20)), layer(0, slice(44, 64))]})
    grey = np.asarray(load_picture(io.BytesIO(brush)))[..., 0]
    assert (grey[:, :38] == 255).all() and (grey[:, 90:] == 0).all() and (grey[:, 64] == 128).all()
    painted = studio.correct(session, brush)
    mask = studio.view(painted).mask
    assert mask[..., :130].min() > 0.9 and mask[..., -140:].max() < 0.1
    assert studio.replace(painted, session.now.portrait).blend.brush == b""


@pytest.mark.parametrize("painted", [None, {}, {"layers": []}, {"layers": [np.zeros((8, 8, 4))]}])
def test_nothing_painted_is_no_correction(painted):
    assert correction_of(painted) == b""


def test_a_downloaded_photo_is_what_is_shown_and_says_how(studio, session, tmp_path):
    chosen = studio.keep(session, True, 0.2, 0.5, "off")
    name, data = studio.export(chosen, "photo")
    (tmp_path / name).write_bytes(data)
    saved = np.asarray(load_picture(tmp_path / name))
    assert np.array_equal(saved, studio.view(chosen).edited)
    recipe, _ = read_export(tmp_path / name)
    assert recipe.output.blend == chosen.blend != USUAL
