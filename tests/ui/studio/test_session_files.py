"""Session files: what comes back, and what is refused."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from editing.errors import BadLatent, EditingError
from tests.helpers.studio_domain import write_studio_domain
from ui.studio.session import MAX_MOMENTS, Session, strengths
from ui.studio.session_files import LIGHT_MOMENTS, MOST_SAVED, session_bytes
from ui.studio.studio import Studio


@pytest.fixture(scope="module")
def studio(tmp_path_factory) -> Studio:
    return Studio(write_studio_domain(tmp_path_factory.mktemp("domain") / "studio"))


@pytest.fixture(scope="module")
def photo(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "me.png"
    small = np.random.RandomState(1).randint(0, 255, (6, 6, 3), np.uint8)
    Image.fromarray(small).resize((96, 80), Image.Resampling.BICUBIC).save(path)
    return path


@pytest.fixture
def session(studio, photo) -> Session:
    """A seed, then a photo, with edits on both; one step undone."""
    session = studio.move(studio.start(studio.open_seed(7)), {"smile": 1.0})
    session = studio.replace(session, studio.open_photo(photo, crop=True), photo)
    session = studio.move(session, {"age": -1.5})
    session = studio.set_details(session, ["coarse"], ["smile"])
    session = studio.move(session, {"age": 2.0})
    return session.go(session.position - 1)


def saved(session, studio, folder, **options) -> Path:
    path = folder / "work.studio"
    path.write_bytes(session_bytes(session, studio.domain, **options))
    return path


def test_a_session_comes_back_whole(studio, session, tmp_path):
    fresh = studio.start(studio.open_seed(1))
    back, whole = studio.open_session(fresh, saved(session, studio, tmp_path))
    assert whole and back.position == session.position
    assert [m.label for m in back.moments] == [
        replace(m.label, values={k: str(v) for k, v in m.label.values.items()})
        for m in session.moments
    ]
    for then, now in zip(session.moments, back.moments, strict=True):
        assert np.array_equal(then.after, now.after), "bit-equal pictures"
        assert then.stack == now.stack and then.portrait.source == now.portrait.source
        assert then.portrait.kind == now.portrait.kind
    photo, before = back.now.portrait.photo, session.now.portrait.photo
    assert photo.shape == before.shape
    assert np.abs(photo.astype(int) - before).mean() < 4, "the aligned photo, as a JPEG"
    assert back.now.portrait.fit is not None
    assert back.moments[0].portrait.state.z is not None, "a seed knows its z again"
    redone = back.go(back.position + 1)
    assert strengths(redone.now.stack, ["age"]) == [2.0]
    assert studio.view(redone).edited is not None, "both outcomes are there"


def test_opening_says_how_many_steps_are_drawn(studio, session, tmp_path):
    drawn = []

    def watched(steps):
        for step in steps:
            drawn.append((step, len(steps)))
            yield step

    back, _ = studio.open_session(session, saved(session, studio, tmp_path), watched)
    assert [total for _, total in drawn] == [len(back.moments)] * len(back.moments)


def test_what_was_tuned_travels_unless_the_file_is_light(studio, session, tmp_path):
    portrait = session.now.portrait
    name, parameter = next(iter(studio.domain.generator.synthesis.named_parameters()))
    delta = {name: torch.full_like(parameter, 0.25)}
    tuned = replace(portrait, state=replace(portrait.state, weight_delta=delta))
    tuned = replace(tuned, before=studio.draw(tuned.state))
    session = studio.adopt(session, replace(tuned, inversion=None))
    whole, complete = studio.open_session(session, saved(session, studio, tmp_path))
    assert complete and torch.equal(whole.now.portrait.state.weight_delta[name], delta[name])
    light, complete = studio.open_session(session, saved(session, studio, tmp_path, light=True))
    assert not complete and not light.now.portrait.state.weight_delta
    assert light.now.stack == session.now.stack


@pytest.mark.parametrize(("position", "then"), [(0, 0), (10, 1), (99, 49)])
def test_a_longer_file_of_an_earlier_version_opens_around_its_present_step(
    studio, tmp_path, position, then
):
    first = studio.start(studio.open_seed(7))
    moved = [studio.move(first, {"smile": (n + 1) / 100}).now for n in range(MOST_SAVED - 1)]
    long = replace(first, moments=(first.now, *moved), position=position)
    opened, _ = studio.open_session(first, saved(long, studio, tmp_path))
    assert len(opened.moments) == MAX_MOMENTS and opened.position == then
    assert opened.now.stack == long.now.stack
    assert not opened.moments[0].stack.entries, "the start stays"
    again, _ = studio.open_session(first, saved(opened.go(0), studio, tmp_path))
    assert again.now.stack == first.now.stack


@pytest.mark.parametrize("position", [0, 20, MAX_MOMENTS - 1])
def test_a_light_file_keeps_the_steps_around_the_present_one(studio, tmp_path, position):
    session = studio.move(studio.start(studio.open_seed(7)), {"smile": 1.0})
    while len(session.moments) < MAX_MOMENTS:
        session = session.add(replace(session.now))
    session = session.go(position)
    light, _ = studio.open_session(session, saved(session, studio, tmp_path, light=True))
    assert len(light.moments) == LIGHT_MOMENTS
    assert np.array_equal(light.now.after, session.now.after)
    assert light.can_undo == session.can_undo and light.can_redo == session.can_redo


def changed(
    path: Path, member: str, data: bytes | None, old: bytes = b"", new: bytes = b""
) -> Path:
    """The archive with one member replaced, added, left out (None) or changed in a place."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    if old:
        assert old in members[member]
        data = members[member].replace(old, new)
    members.pop(member, None)
    if data is not None:
        members[member] = data
    other = path.with_name("other.studio")
    with zipfile.ZipFile(other, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return other


def bomb() -> bytes:
    buffer = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(buffer, "png")
    return buffer.getvalue()


def wide() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 40)).save(buffer, "jpeg")
    return buffer.getvalue()


FACTS = "session.yaml"
HOSTILE = [
    (FACTS, None, b"", b"", "no session file"),
    (FACTS, b"- 1", b"", b"", "needs names and values"),
    (FACTS, b"\xff\xfe", b"", b"", "no UTF-8"),
    (FACTS, b"a: !!python/object/apply:os.system [id]", b"", b"", "not readable YAML"),
    (FACTS, b"a: &a [1]\nb: *a", b"", b"", "aliases"),
    (FACTS, None, b"session 1", b"session 2", "is not of the format"),
    (FACTS, None, b"position: 4", b"position: 99", "stands at step 99"),
    (FACTS, None, b"position: 4", b"position: -1", "stands at step -1"),
    (FACTS, None, b"position: 4", b"position: 1" + b"0" * 5000, "not readable YAML"),
    (FACTS, None, b"position: 4", b"position: 1e999", "needs a whole number"),
    (FACTS, None, b"keep: true", b"keep: true\nextra: 1", "unknown key 'extra'"),
    (FACTS, None, b"- portrait: 0", b"- portrait: 7", "portrait 7"),
    (FACTS, None, b"kind: photo", b"kind: ../../etc", "is of the kind"),
    (FACTS, None, b"alpha: 1.0", b"alpha: .inf", "cannot be shown"),
    (FACTS, None, b"key: history.start", b"key: history.mixed", "cannot be shown"),
    (FACTS, None, b"key: history.start", b"key: no.such", "cannot be shown"),
    (FACTS, None, b"attribute: smile", b"attribute: " + b"x" * 300, "cannot be shown"),
    (FACTS, None, b"key: history.start", b"words: {a: [1]}", "names and texts"),
    ("../../escaped.txt", b"x", b"", b"", "which no session file has"),
    ("/etc/passwd", b"x", b"", b"", "which no session file has"),
    ("portrait-0.npz", None, b"", b"", "lacks portrait-0.npz"),
    ("portrait-0.npz", b"no archive", b"", b"", "not a readable latent file"),
    ("portrait-0.jpg", b"hello", b"", b"", "not a picture"),
    ("portrait-0.jpg", bomb(), b"", b"", "pixels"),
    ("portrait-0.jpg", wide(), b"", b"", "is square"),
    ("moment-0.yaml", None, b"", b"", "lacks moment-0.yaml"),
    ("moment-0.yaml", b"edits: [{move: smile, alpha: .nan}]", b"", b"", "is not possible"),
    ("moment-0.yaml", b"edits: [{move: smile, alpha: 1" + b"0" * 400 + b"}]", b"", b"", "a number"),
    ("moment-0.yaml", b"edits: [" + 201 * b"{move: age, alpha: 1}, " + b"]", b"", b"", "201 edits"),
    ("moment-0.yaml", b"edits: [{move: ../smile, alpha: 1}]", b"", b"", "smile"),
    ("moment-0.yaml", b"{edits: [], source: {kind: seed, name: 'seed:-1'}}", b"", b"", "seed"),
]  # fmt: skip


@pytest.mark.parametrize("member, data, old, new, sentence", HOSTILE)
def test_hostile_files_are_refused(studio, session, tmp_path, member, data, old, new, sentence):
    path = changed(saved(session, studio, tmp_path), member, data, old, new)
    with pytest.raises(EditingError, match=sentence) as refused:
        studio.open_session(session, path)
    assert len(str(refused.value)) < 500 and "\n" not in str(refused.value)


@pytest.mark.parametrize("data", [b"", b"PK", b"hello", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_archive_is_refused(studio, session, tmp_path, data):
    path = tmp_path / "odd.studio"
    path.write_bytes(data)
    with pytest.raises(EditingError, match=r"odd.studio is not a readable session file"):
        studio.open_session(session, path)


def test_a_bomb_is_refused_unopened(studio, session, tmp_path):
    path = tmp_path / "bomb.studio"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("session.yaml", "w", force_zip64=True) as member:
            for _ in range(200):
                member.write(bytes(2**20))
    assert path.stat().st_size < 2**20
    with pytest.raises(EditingError, match="unpacks to"):
        studio.open_session(session, path)


def test_another_generators_session_is_refused(studio, session, tmp_path):
    path = changed(saved(session, studio, tmp_path), FACTS, None,
                   studio.domain.fingerprint.encode(), b"f" * 16)  # fmt: skip
    with pytest.raises(EditingError, match="was made in the domain"):
        studio.open_session(session, path)


def test_a_latent_of_another_shape_is_refused(studio, session, tmp_path):
    from editing.models.latents import Latent, latent_to_bytes

    data = latent_to_bytes(Latent(torch.zeros(1, 3, 5)))
    path = changed(saved(session, studio, tmp_path), "portrait-0.npz", data)
    with pytest.raises(BadLatent, match="shape"):
        studio.open_session(session, path)


def test_bombs_are_refused_before_they_are_unpacked(studio, session, tmp_path):
    """24 latents of a quarter of a megabyte that would take gigabytes."""
    domain = studio.domain
    members = members_of(saved(session, studio, tmp_path))
    large = next(name for name in domain.generator.latent_shapes if name.startswith("weight_delta"))
    for name in (large, "weight_delta/none"):
        data = io.BytesIO(members["portrait-0.npz"])
        with (
            zipfile.ZipFile(data, "a", zipfile.ZIP_DEFLATED) as archive,
            archive.open(f"{name}.npy", "w", force_zip64=True) as member,
        ):
            np.lib.format.write_array(member, np.zeros(60 * 2**20, np.float32))
        path = tmp_path / "bomb.studio"
        write_members(path, {**members, "portrait-0.npz": data.getvalue()})
        with pytest.raises(BadLatent, match="needs|none of that name"):
            studio.open_session(session, path)


def test_tuned_weights_stay_behind_where_they_could_not_be_opened_again(
    studio, session, tmp_path, monkeypatch
):
    """The present portrait keeps them, the oldest do not; what was saved can be opened."""
    shapes = studio.domain.generator.latent_shapes
    name = next(name for name in shapes if name.startswith("weight_delta/"))
    delta = {name.removeprefix("weight_delta/"): torch.full(shapes[name], 0.001)}
    tuned = [replace(m.portrait, state=replace(m.portrait.state, weight_delta=delta))
             for m in session.moments]  # fmt: skip
    moments = tuple(replace(m, portrait=p) for m, p in zip(session.moments, tuned, strict=True))
    session = replace(session, moments=moments)
    one = 4 * (
        delta[name.removeprefix("weight_delta/")].numel() + session.now.portrait.state.ws.numel()
    )
    monkeypatch.setattr("ui.studio.session_files.MOST", 2 * one)
    path = saved(session, studio, tmp_path)
    back, whole = studio.open_session(studio.start(studio.open_seed(1)), path)
    assert not whole and back.now.portrait.state.weight_delta
    kept = [bool(m.portrait.state.weight_delta) for m in back.moments]
    assert kept.count(True) == 2


def members_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_members(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
