"""Links: what fits into an address, what the server keeps, and for how long."""

import base64
import errno
import os
import time
import zlib
from dataclasses import replace

import pytest

from editing.errors import BadInput, BadRecipe, CannotWrite, EditingError, MissingFile
from tests.helpers.studio_domain import write_studio_domain
from ui.studio import links
from ui.studio.links import DAYS, MAX_BYTES, Links, parse_query, recipe_of_query, work_query
from ui.studio.studio import Studio


@pytest.fixture(scope="module")
def studio(tmp_path_factory) -> Studio:
    return Studio(write_studio_domain(tmp_path_factory.mktemp("domain") / "studio"))


def test_an_invented_person_fits_into_the_address(studio):
    session = studio.start(studio.open_seed(7, psi=0.5))
    session = studio.set_details(studio.move(session, {"smile": 1.5}), ["coarse"], ["age"])
    query = studio.link(session, None)
    assert len(query) < 600 and query.isascii() and " " not in query
    fresh = studio.start(studio.open_seed(1))
    for address in (query, f"?{query}", f"http://127.0.0.1:7860/?__theme=dark&{query}"):
        opened, _ = studio.open_link(fresh, address, None)
        assert opened.now.stack == session.now.stack
        assert (opened.now.after == session.now.after).all()
        assert len(opened.moments) == 2 and opened.now.portrait.source.name == "seed:7@0.5"


def packed(text: str) -> str:
    return base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")


@pytest.mark.parametrize(
    "value",
    ["", "x", "ÄÖ", "../../etc/passwd", "A" * 9000, packed("edits: []")[:-4],
     packed("a: " + "x" * 300_000), packed("edits: [{move: smile, alpha: 1e999}]"),
     packed("edits: !!python/name:os.system"), packed("edits: []\nsurprise: 1"),
     packed("edits: [" + "{move: smile, alpha: 1}, " * 201 + "]"),
     packed("edits: []\nsource: {kind: photo, name: ../../etc/passwd}")],
)  # fmt: skip
def test_hostile_addresses_are_refused(value):
    with pytest.raises(BadRecipe):
        recipe_of_query(value)


def test_what_does_not_fit_is_told(studio, monkeypatch):
    monkeypatch.setattr(links, "MAX_QUERY", 50)
    session = studio.move(studio.start(studio.open_seed(7)), {"smile": 1.5})
    with pytest.raises(BadInput, match="save the session file"):
        studio.link(session, None)


def test_the_server_keeps_and_deletes(tmp_path):
    store = Links(tmp_path / "links")
    name = store.keep(b"data")
    assert len(name) == 32 and name != store.keep(b"other data"), "128 bits"
    assert store.keep(b"data") == name and len(list(store.folder.iterdir())) == 2
    assert parse_query(f"https://x.org/?{work_query(name)}") == ("work", name)
    assert store.find(name).read_bytes() == b"data"
    store.delete(name)
    with pytest.raises(MissingFile, match=f"older than {DAYS} days"):
        store.find(name)
    with pytest.raises(MissingFile):
        store.delete(name)


def test_a_week_is_a_week(tmp_path):
    store = Links(tmp_path)
    old, young = store.keep(b"old"), store.keep(b"young")
    for name, days in ((old, DAYS + 0.1), (young, DAYS - 0.1)):
        then = time.time() - days * 24 * 3600
        os.utime(store.find(name), (then, then))
    assert store.find(young).read_bytes() == b"young"
    assert len(list(tmp_path.iterdir())) == 1, "the old file is gone from the disk"


@pytest.mark.parametrize(
    "name",
    ["", "..", "../../secret", "/etc/passwd", "A" * 32, "0" * 31, "*" * 32, "0" * 32 + "\n", "%2e"],
)
def test_names_with_path_characters_lead_nowhere(tmp_path, name):
    (tmp_path / "secret.studio").write_bytes(b"secret")
    store = Links(tmp_path / "links")
    for act in (store.find, store.delete):
        with pytest.raises(MissingFile):
            act(name)
    assert (tmp_path / "secret.studio").exists()


def test_what_is_too_large_for_a_link(tmp_path):
    with pytest.raises(BadInput, match="may stand for"):
        Links(tmp_path).keep(bytes(MAX_BYTES + 1))


def kept(store, data: bytes, address: str, age: float) -> str:
    """A link that was made so many seconds ago."""
    name = store.keep(data, address)
    then = time.time() - age
    os.utime(store.find(name), (then, then))
    return name


def is_there(store, name: str) -> bool:
    try:
        return store.find(name).is_file()
    except MissingFile:
        return False


def test_an_address_has_a_share_and_its_own_oldest_goes(tmp_path, monkeypatch):
    monkeypatch.setattr(links, "SHARE", 3)
    store = Links(tmp_path)
    other = kept(store, b"of somebody else", "10.0.0.2", 1000)
    own = [kept(store, bytes([n]), "10.0.0.1", 100 - n) for n in range(4)]
    assert [is_there(store, name) for name in own] == [False, True, True, True]
    again = store.keep(bytes([1]), "10.0.0.1")
    assert again == own[1] and is_there(store, own[2]), "the same work takes no more of it"
    store.keep(b"new", "10.0.0.1")
    assert is_there(store, own[1]) and not is_there(store, own[2]), "its week began anew"
    assert is_there(store, other)


def test_a_full_folder_takes_from_whoever_has_most(tmp_path, monkeypatch):
    monkeypatch.setattr(links, "MAX_FILES", 4)
    store = Links(tmp_path)
    other = kept(store, b"of somebody else", "10.0.0.2", 1000)
    flood = [kept(store, bytes([n]), "10.0.0.1", 100 - n) for n in range(3)]
    third = store.keep(b"of a third", "10.0.0.3")
    assert is_there(store, other) and is_there(store, third)
    assert [is_there(store, name) for name in flood] == [False, True, True]
    monkeypatch.setattr(links, "MAX_TOTAL", 40)
    store.keep(bytes(20), "10.0.0.3")
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 40


def test_a_full_disk_is_told_without_a_path(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CannotWrite, match="disk is full") as refused:
        Links(tmp_path).keep(b"data")
    assert str(tmp_path) not in str(refused.value) and not list(tmp_path.iterdir())


def test_links_of_earlier_versions_are_found(tmp_path):
    (tmp_path / f"{'a' * 32}.studio").write_bytes(b"data")
    assert Links(tmp_path).find("a" * 32).read_bytes() == b"data"


def test_an_address_of_many_fields_is_a_sentence():
    with pytest.raises(BadInput, match="20 fields"):
        parse_query("?" + "&".join(f"a{n}=1" for n in range(50)) + "&work=" + "0" * 32)


def test_the_same_work_is_the_same_link(studio, tmp_path, monkeypatch):
    store, names = Links(tmp_path), []
    for year in (2024, 2031):
        monkeypatch.setattr(time, "localtime", lambda *_, y=year: time.struct_time((y,) + (1,) * 8))
        session = studio.start(replace(studio.open_seed(3), kind="latent"))
        names.append(studio.link(studio.move(session, {"smile": 1.5}), store, "10.0.0.1"))
    assert names[0] == names[1] and len(list(tmp_path.iterdir())) == 1
    assert studio.link(studio.move(session, {"smile": 1.0}), store) != names[0]


def test_a_photo_is_kept_only_where_the_server_was_told_so(studio, tmp_path):
    import numpy as np
    from PIL import Image

    path = tmp_path / "me.png"
    small = np.random.RandomState(1).randint(0, 255, (6, 6, 3), np.uint8)
    Image.fromarray(small).resize((96, 80), Image.Resampling.BICUBIC).save(path)
    session = studio.start(studio.open_seed(1))
    session = studio.replace(session, studio.open_photo(path, crop=True), path)
    with pytest.raises(BadInput, match="keeps no photos"):
        studio.link(session, None)
    store = Links(tmp_path / "links")
    query = studio.link(session, store)
    opened, complete = studio.open_link(studio.start(studio.open_seed(2)), query, store)
    assert complete and opened.now.portrait.photo is not None
    assert len(opened.moments) == 1, "of the history only what is shown"
    with pytest.raises(EditingError, match="no work under this link"):
        studio.open_link(session, query, None)
