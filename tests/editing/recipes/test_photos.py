"""Folders and videos: one folder each, one table, and nothing done twice."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from editing.errors import BadInput, BadPicture
from editing.inversion.invert import InversionOptions
from editing.inversion.options import TuneOptions
from editing.models.domain import Domain
from editing.recipes import batches
from editing.recipes.batches import invert_all
from editing.recipes.photos import Job


@pytest.fixture
def job(tiny_domain: Domain) -> Job:
    return Job(tiny_domain, InversionOptions(steps=1), aligned=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, colour in (("b.png", "red"), ("a.jpg", "blue"), ("a.png", "green")):
        Image.new("RGB", (40, 50), colour).save(folder / name)
    (folder / "notes.txt").write_text("not a photo")
    (folder / ".hidden.png").write_text("not a photo")
    return folder


def table(out: Path) -> list[dict[str, str]]:
    with (out / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def test_every_photo_of_a_folder_gets_a_folder(job, folder, tmp_path):
    batch = invert_all(folder, tmp_path / "out", job)
    rows, failed = batch.rows, batch.failed
    assert [row["name"] for row in rows] == ["a.jpg", "a.png", "b"] and not failed
    for row in rows:
        made = tmp_path / "out" / row["name"]
        assert json.loads((made / "metrics.json").read_text())["psnr"] == row["psnr"]
        assert {path.name for path in made.iterdir()} == {
            "aligned.png", "reconstruction.png", "latent.npz", "metrics.json",
        }  # fmt: skip
    printed = table(tmp_path / "out")
    assert [line["name"] for line in printed] == ["a.jpg", "a.png", "b"]
    assert float(printed[0]["psnr"]) == rows[0]["psnr"] and printed[0]["steps"] == "1"


def test_a_photo_that_cannot_be_used_does_not_stop_the_others(job, folder, tmp_path):
    (folder / "broken.jpg").write_text("not a photo")
    batch = invert_all(folder, tmp_path / "out", job)
    rows, failed = batch.rows, batch.failed
    assert len(rows) == 3 and "not a picture" in failed["broken"]
    assert [line["error"] != "" for line in table(tmp_path / "out")] == [False, False, False, True]
    assert not (tmp_path / "out" / "broken").exists()


def test_a_folder_without_usable_photos_is_refused(job, tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(BadInput, match="photos holds no photo; put pictures"):
        invert_all(tmp_path / "photos", tmp_path / "out", job)
    (tmp_path / "photos" / "broken.jpg").write_text("not a photo")
    with pytest.raises(BadInput, match="not a picture"):
        invert_all(tmp_path / "photos", tmp_path / "out", job)


def test_a_killed_batch_goes_on_with_the_next_photo(job, folder, tmp_path, monkeypatch):
    out, searched = tmp_path / "out", []
    whole = batches.invert_into

    def counting(place, photo, job):
        searched.append(place.name)
        if len(searched) == 2:
            raise KeyboardInterrupt
        return whole(place, photo, job)

    monkeypatch.setattr(batches, "invert_into", counting)
    with pytest.raises(KeyboardInterrupt):
        invert_all(folder, out, job)
    assert [line["name"] for line in table(out)] == ["a.jpg"]
    rows = invert_all(folder, out, job).rows
    assert searched == ["a.jpg", "a.png", "a.png", "b"] and len(rows) == 3

    again = invert_all(folder, out, job).rows
    assert again == rows and len(searched) == 4
    (out / "b" / "metrics.json").write_text("{cut short")
    Image.new("RGB", (40, 50), "white").save(folder / "a.png")  # another photo of the same name
    invert_all(folder, out, job)
    assert searched[4:] == ["a.png", "b"]
    other = Job(job.domain, InversionOptions(steps=2), aligned=False)
    invert_all(folder, out, other)
    assert searched[6:] == ["a.jpg", "a.png", "b"]


def test_every_frame_of_a_video_gets_a_folder(job, tmp_path):
    video = tmp_path / "film.mp4"
    imageio = pytest.importorskip("imageio.v3")
    frames = [np.full((64, 64, 3), shade, np.uint8) for shade in (40, 120, 200)]
    imageio.imwrite(video, np.stack(frames), plugin="FFMPEG", fps=3)
    batch = invert_all(video, tmp_path / "out", job)
    rows, failed = batch.rows, batch.failed
    assert [row["name"] for row in rows] == ["frame_00000", "frame_00001", "frame_00002"]
    aligned = np.asarray(Image.open(tmp_path / "out" / "frame_00001" / "aligned.png"), int)
    assert not failed and np.abs(aligned - 120).max() < 12


def test_frames_that_share_a_tuning_begin_where_their_predecessors_ended(job, tmp_path):
    imageio = pytest.importorskip("imageio.v3")
    frames = [np.full((64, 64, 3), shade, np.uint8) for shade in (40, 120, 200)]
    imageio.imwrite(tmp_path / "film.mp4", np.stack(frames), plugin="FFMPEG", fps=3)
    shared = replace(job, options=replace(job.options, tune=TuneOptions(2)))
    batch = invert_all(tmp_path / "film.mp4", tmp_path / "out", shared, together=True)
    given = [row["made_with"]["given"] for row in batch.rows]
    assert given[0] is None and all(given[1:])
    assert all(row["made_with"]["shared"]["with"] for row in batch.rows)


def test_a_file_that_is_no_video_is_refused(job, tmp_path):
    (tmp_path / "film.mp4").write_text("not a video")
    with pytest.raises(BadPicture, match="not a video"):
        invert_all(tmp_path / "film.mp4", tmp_path / "out", job)
    with pytest.raises(BadPicture, match="does not exist"):
        invert_all(tmp_path / "gone.mp4", tmp_path / "out", job)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41" + bytes(900), "is damaged"),
        (b"\x1aE\xdf\xa3" + bytes(900), "is damaged"),
        (b"RIFF\0\0\0\0AVI LIST" + bytes(900), "is damaged"),
    ],
)
def test_a_damaged_video_is_not_told_to_be_what_it_is(job, tmp_path, data, words):
    (tmp_path / "film.mp4").write_bytes(data)
    with pytest.raises(BadPicture, match=words) as error:
        invert_all(tmp_path / "film.mp4", tmp_path / "out", job)
    assert "use MP4" not in str(error.value)
