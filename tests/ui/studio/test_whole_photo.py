"""The whole photo: kept, pasted back into, and bit-equal where the face is not."""

import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from editing.errors import BadInput
from editing.io.images import load_picture, to_uint8
from editing.recipes.recipe import read_export
from editing.recipes.replay import replay
from tests.helpers.studio_domain import write_studio_domain
from ui.panels.refresh import pairs
from ui.studio import exports as files
from ui.studio.session import SCREEN
from ui.studio.studio import Studio


@pytest.fixture(scope="module")
def studio(tmp_path_factory) -> Studio:
    return Studio(write_studio_domain(tmp_path_factory.mktemp("domain") / "studio"))


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "me.png"
    small = np.random.RandomState(1).randint(0, 255, (6, 6, 3), np.uint8)
    Image.fromarray(small).resize((900, 300), Image.Resampling.BICUBIC).save(path)
    return path


@pytest.fixture
def session(studio, photo):
    start = studio.start(studio.open_seed(7))
    opened = studio.replace(start, studio.open_photo(photo, crop=True), photo)
    return studio.move(opened, {"smile": 3.0, "age": 2.0})


def test_outside_of_the_face_the_photo_stays_bit_by_bit(studio, session, photo):
    name, data = studio.export(session, "pasted")
    assert name == "me-edited-pasted.png"
    pasted, original = np.asarray(load_picture(io.BytesIO(data))), np.asarray(load_picture(photo))
    assert pasted.shape == original.shape == (300, 900, 3)
    assert (pasted != original).any(), "the edit is in it"
    assert np.array_equal(pasted[:, :298], original[:, :298])  # the centre is 300..600
    assert np.array_equal(pasted[:, 602:], original[:, 602:])


@pytest.mark.parametrize("keep", [True, False])
def test_its_recipe_replays_to_the_same_pixels(studio, session, photo, tmp_path, keep):
    path = tmp_path / "pasted.png"
    path.write_bytes(studio.export(replace(session, keep=keep), "pasted")[1])
    recipe, latent = read_export(path)
    assert recipe.output.pasted
    again = to_uint8(replay(recipe, studio.domain, latent, photo).img)[0]
    assert np.array_equal(again, np.asarray(load_picture(path)))


def test_the_canvas_shows_the_whole_photo(studio, session):
    view = studio.view(session)
    (before, after), outcome = pairs(view, "whole")
    assert before.shape == after.shape == (240, SCREEN, 3), "small enough for the screen"
    assert (before != after).any() and outcome is None
    preview = studio.preview(session, {"smile": 1.0, "age": 2.0})
    assert pairs(preview, "whole")[0][1].shape == after.shape
    seed = studio.view(session.go(0))
    assert seed.paste is None and pairs(seed, "whole")[0][0].shape == (512, 512, 3)


def test_a_photo_that_did_not_come_along_is_asked_for(studio, session):
    with pytest.raises(BadInput, match="drop it once more"):
        studio.export(replace(session, whole=None), "pasted")
    with pytest.raises(BadInput, match="drop it once more"):
        studio.export(session.go(0), "pasted")


def test_everything_in_one_archive(studio, session):
    name, data = studio.export(session, "zip")
    assert name == "me-edited.zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        assert archive.read("me-edited.png") == studio.export(session, "png")[1]
    ends = (".png", "-photo.png", "-pasted.png", ".npz", ".yaml")
    assert names == [f"me-edited{end}" for end in ends]
    _, data = studio.export(session.go(0), "zip")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == ["seed-7.png", "seed-7.npz", "seed-7.yaml"]


def test_unknown_kinds_are_refused(studio, session):
    with pytest.raises(BadInput, match="no download"):
        studio.export(session, "../x")
    assert "pasted" in files.KINDS


def test_a_photo_opened_from_a_file_comes_back_with_all_of_it(studio, session, photo, tmp_path):
    path = tmp_path / "work.studio"
    path.write_bytes(studio.export(session, "session")[1])
    fresh = studio.start(studio.open_seed(1))
    back, _ = studio.open_session(fresh, path)
    assert studio.view(back).edited is not None and studio.view(back).paste is None
    whole = studio.reunite(back, photo)
    assert studio.view(whole).paste is not None
    assert studio.export(whole, "pasted")[1] == studio.export(session, "pasted")[1]


def test_comparing_with_another_state(studio, session):
    first = session.compare(0)
    assert np.array_equal(studio.view(first).before[::64, ::64].shape, (8, 8, 3))
    assert not np.array_equal(studio.view(first).before, studio.view(session).before)
    same = session.compare(session.position)
    shown, measured = studio.view(same), studio.measure(same)
    assert np.array_equal(shown.before, shown.after)
    assert measured.identity == pytest.approx(1, abs=1e-5)
    assert np.array_equal(shown.photo, studio.view(session).photo), "the photo stays the photo"
    assert session.compare(99).against is None and same.compare(None).against is None
    other = studio.replace(same, studio.open_seed(2))
    assert other.against is None, "another portrait begins without"
