"""The FFHQ frame: its geometry, its inverse, and faces found in a real photograph."""

from __future__ import annotations

from importlib.machinery import ModuleSpec

import numpy as np
import pytest
from PIL import Image

from editing.errors import MissingFile, NoFace
from editing.pictures import alignment
from editing.pictures.alignment import (
    Alignment,
    align,
    align_face,
    centre_crop,
    ffhq_quad,
    find_faces,
)


@pytest.fixture(scope="module")
def astronaut() -> Image.Image:
    data = pytest.importorskip("skimage.data")
    return Image.fromarray(data.astronaut())


@pytest.fixture(scope="module")
def quad(astronaut) -> np.ndarray:
    return align_face(astronaut, 64)[1].quad


def landmarks(eye_left, eye_right, mouth) -> np.ndarray:
    points = np.zeros((68, 2))
    points[36:42], points[42:48] = eye_left, eye_right
    points[48], points[54] = np.subtract(mouth, (40, 0)), np.add(mouth, (40, 0))
    return points


def corners_after(photo: Image.Image, side: int = 64) -> np.ndarray:
    return align_face(photo, side)[1].quad


def difference(a: Image.Image, b: Image.Image) -> float:
    return float(np.abs(np.asarray(a, float) - np.asarray(b, float)).mean())


def test_quad_of_the_published_example():
    quad = ffhq_quad(landmarks((400, 480), (620, 480), (510, 700)))
    assert np.allclose(quad, [(70, 62), (70, 942), (950, 942), (950, 62)])


def test_long_faces_are_framed_by_eyes_to_mouth():
    quad = ffhq_quad(landmarks((450, 480), (550, 480), (500, 780)))
    assert np.isclose(np.hypot(*(quad[3] - quad[0])), 2 * 1.8 * 300)


def test_the_frame_turns_with_the_head():
    points = landmarks((400, 480), (620, 480), (510, 700))
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    assert np.allclose(ffhq_quad(points @ turn.T), ffhq_quad(points) @ turn.T)


def test_points_that_coincide_give_no_frame():
    with pytest.raises(NoFace):
        ffhq_quad(np.ones((68, 2)))


def test_pixels_map_to_the_photo_and_back():
    here = Alignment(np.array([(10.0, 20), (4, 100), (84, 106), (90, 26)]))
    points = np.random.default_rng(0).uniform(-20, 80, (5, 7, 2))
    assert np.allclose(here.to_aligned(here.to_photo(points, 64), 64), points)
    edges = here.to_photo([(-0.5, -0.5), (63.5, 63.5)], 64)  # the outer corners of the pixels
    assert np.allclose(edges, [(10, 20), (84, 106)])


def test_a_mark_in_the_photo_lands_where_the_map_says(astronaut, quad):
    here = Alignment(quad)
    spot = np.array([230.0, 150.0])
    marked = np.array(astronaut)
    marked[147:154, 227:234] = (0, 255, 0)
    resolution = 128
    change = np.asarray(align(Image.fromarray(marked), quad, resolution), float) - np.asarray(
        align(astronaut, quad, resolution), float
    )
    weight = np.abs(change).sum(-1)
    y, x = (float((weight * axis).sum() / weight.sum()) for axis in np.mgrid[:128, :128])
    assert np.allclose((x, y), here.to_aligned(spot, resolution), atol=0.3)


def test_a_square_inside_the_photo_is_a_plain_crop():
    values = np.random.default_rng(1).integers(0, 255, (30, 30, 3)).astype(np.uint8)
    photo = Image.fromarray(values).resize((300, 300), Image.Resampling.BICUBIC)
    quad = np.array([(99.5, 79.5), (99.5, 207.5), (227.5, 207.5), (227.5, 79.5)])
    crop = photo.crop((100, 80, 228, 208)).resize((64, 64), Image.Resampling.LANCZOS)
    assert difference(align(photo, quad, 64), crop) < 1


@pytest.mark.parametrize("resolution", [16, 64, 256])
def test_past_the_edges_the_photo_is_continued_smoothly(astronaut, quad, resolution):
    left, top = quad.min(0).astype(int) + 40  # cut away the frame's upper left part
    moved = quad - (left, top)
    cut = astronaut.crop((left, top, 400, 400))
    aligned = np.asarray(align(cut, moved, resolution), float)
    assert aligned.shape == (resolution, resolution, 3)
    corner = aligned[: resolution // 8, : resolution // 8]
    assert corner.mean() > 20 and corner.std(axis=(0, 1)).max() < 40  # no black, no hard edge
    whole = np.asarray(align(astronaut, quad, resolution), float)
    lower = slice(resolution * 3 // 4, None)
    assert np.abs(aligned - whole)[lower, lower].mean() < 3  # the seen part is as before


def test_a_frame_outside_the_photo_is_refused(astronaut, quad):
    with pytest.raises(NoFace, match="outside the photo"):
        align(astronaut, quad + 5000, 64)


def test_eyes_and_mouth_land_on_ffhq_places(astronaut):
    aligned, info = align_face(astronaut, 256)
    face = find_faces(aligned)[0]
    left, right = face.landmarks[36:42].mean(0), face.landmarks[42:48].mean(0)
    assert aligned.size == (256, 256) and info.found and not info.notes
    assert abs(left[1] - right[1]) < 4
    assert np.allclose((left + right) / 2, (128, 117), atol=6)  # FFHQ: eyes a little above half


@pytest.mark.parametrize("degrees", [-30, -15, 20, 40])
def test_tilted_heads_come_out_upright(astronaut, degrees):
    turned = astronaut.rotate(degrees, expand=True, resample=Image.Resampling.BICUBIC)
    assert difference(align_face(turned, 64)[0], align_face(astronaut, 64)[0]) < 12


def test_the_frame_follows_size_and_mirroring(astronaut, quad):
    size = np.hypot(*(quad[3] - quad[0]))
    for factor in (0.35, 4):
        side = round(512 * factor)
        scaled = corners_after(astronaut.resize((side, side), Image.Resampling.LANCZOS))
        assert np.allclose((scaled + 0.5) / factor - 0.5, quad, atol=0.03 * size)
    mirrored = corners_after(astronaut.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    mirrored[:, 0] = 511 - mirrored[:, 0]
    assert np.allclose(mirrored[[3, 2, 1, 0]], quad, atol=0.03 * size)


def test_of_several_faces_the_largest_is_used_and_said(astronaut, quad):
    group = Image.new("RGB", (1024, 512), "grey")
    group.paste(astronaut.resize((400, 400)), (560, 50))
    group.paste(astronaut, (0, 0))
    _, info = align_face(group, 64)
    assert info.notes == ("2 faces were found; the largest is used.",)
    assert np.allclose(info.quad, quad, atol=6)


@pytest.mark.parametrize("turned", [90, 180, 270])
def test_a_photo_on_its_side_is_turned_and_that_is_said(astronaut, quad, turned):
    lying = astronaut.transpose(getattr(Image.Transpose, f"ROTATE_{turned}"))
    face, info = align_face(lying, 64)
    upright, plain = align_face(astronaut, 64)
    assert np.abs(np.asarray(face, np.int16) - np.asarray(upright, np.int16)).mean() < 1
    assert info.notes == (
        f"The photo does not stand upright; the face was turned by {360 - turned}°.",
    )
    assert plain.notes == ()


def test_no_face_says_what_to_upload():
    gradient = Image.fromarray(np.tile(np.arange(200, dtype=np.uint8), (150, 1))).convert("RGB")
    with pytest.raises(NoFace, match="coffee.jpg.*well-lit photo.*centre crop") as error:
        align_face(gradient, 64, "coffee.jpg")
    assert "\n" not in str(error.value)


def test_centre_crop_goes_on_without_a_face():
    photo = Image.new("RGB", (300, 200), "red")
    photo.paste("blue", (50, 0, 250, 200))
    crop, info = centre_crop(photo, 32)
    assert not info.found and info.notes and crop.size == (32, 32)
    assert (np.asarray(crop) == (0, 0, 255)).all()
    assert np.allclose(info.quad, [(49.5, -0.5), (49.5, 199.5), (249.5, 199.5), (249.5, -0.5)])
    assert np.allclose(info.to_photo((15.5, 15.5), 32), (149.5, 99.5))


def test_a_missing_landmark_model_names_the_way_out(monkeypatch, tmp_path):
    monkeypatch.setattr(alignment, "find_spec", lambda name: ModuleSpec(name, None))
    alignment._models.cache_clear()
    with pytest.raises(MissingFile, match="pip install face_recognition_models"):
        find_faces(Image.new("RGB", (64, 64)))
    alignment._models.cache_clear()
