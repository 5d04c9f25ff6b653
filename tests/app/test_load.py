"""The abuse benchmark of load, small, against the app as a process of its own."""

import sys

import pytest

from benchmarks import abuse_load
from benchmarks.abuse_load import FORMS, part
from benchmarks.abuse_tally import MB, Tally
from tests.helpers.studio_domain import write_studio_domain

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it looks at the server in /proc")


@pytest.fixture(scope="module")
def arena(tmp_path_factory):
    domain = write_studio_domain(tmp_path_factory.mktemp("domain") / "studio")
    folder = tmp_path_factory.mktemp("server")
    with abuse_load.arena_of(str(domain.folder), folder) as found:
        yield found
    log = (folder / "log").read_text()
    assert "Traceback" not in log, log
    left = [path for path in found.files.rglob("*") if path.is_file()]
    assert not left, "everything went with the process"


def clean(row: Tally) -> Tally:
    assert not row.problems and not row.crashed and not row.hung and not row.leaked, row
    return row


def test_uploads_that_break_off_leave_nothing(arena):
    clean(abuse_load.broken_uploads(arena, 6, 3 * MB))


def test_every_odd_form_is_answered_with_a_sentence(arena):
    row = clean(abuse_load.odd_uploads(arena))
    assert row.refused >= 8


def test_links_that_are_none(arena):
    row = clean(abuse_load.odd_links(arena))
    assert row.refused == row.tried


def test_one_address_has_a_share_of_the_links(arena):
    row = clean(abuse_load.many_links(arena))
    assert row.note == "20 links"


@pytest.mark.parametrize("abuse", ["costly_links", "costly_sessions", "costly_searches"])
def test_what_costs_too_much_is_refused(arena, abuse):
    row = clean(getattr(abuse_load, abuse)(arena))
    assert row.refused == row.tried >= 2


def test_four_searches_of_one_address_keep_nobody_out(arena):
    row = clean(abuse_load.long_places(arena))
    assert row.refused == 0 and row.tried == 4


def test_searches_end_when_their_clients_go(arena):
    clean(abuse_load.those_who_leave(arena))


def test_a_client_cannot_say_that_it_is_another_address(arena):
    """X-Forwarded-For counts only where a proxy was configured."""
    me = arena.visitor("many")
    me.call("crop_photo", photo=abuse_load.photo_of(me))
    for number in range(25):
        me.web.headers["x-forwarded-for"] = f"203.0.113.{number}"
        me.call("move", age=0.05 * (number + 1))
        abuse_load.share(me)
    assert len(list(arena.links.glob("*.studio"))) <= 20


def test_a_row_knows_a_sentence_from_a_crash():
    row = Tally("said")
    for said in ("", "None", "500: Internal Server Error", "It is not your fault at all"):
        row.judge(said)
    row.judge("These 200 edits take 201 pictures to draw.")
    assert (row.crashed, row.refused) == (4, 1) and len(row.problems) == 4
    assert part(FORMS[0]).startswith(b"--b\r\n")
