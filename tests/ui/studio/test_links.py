"""Links: what fits into an address, what the server keeps, and for how long."""

import base64
import os
import time
import zlib

import pytest

from editing.errors import BadInput, BadRecipe, EditingError, MissingFile
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
    assert len(name) == 32 and name != store.keep(b"data"), "128 bits of chance"
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


def test_limits(tmp_path, monkeypatch):
    store = Links(tmp_path)
    with pytest.raises(BadInput, match="may stand for"):
        store.keep(bytes(MAX_BYTES + 1))
    monkeypatch.setattr(links, "MAX_FILES", 2)
    store.keep(b"1"), store.keep(b"2")
    with pytest.raises(BadInput, match="keeps 2 links"):
        store.keep(b"3")


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
