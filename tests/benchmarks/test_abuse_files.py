"""Hostile files through commands, readers and uploads: the abuse benchmark, small."""

from pathlib import Path

import pytest

from benchmarks import abuse, abuse_files
from benchmarks.abuse_files import Count, End, commanded, uploaded
from benchmarks.abuse_rows import Row, Target
from benchmarks.browser import served
from benchmarks.hostile_files import DOORS, Hostile, corpus
from tests.helpers.studio_domain import write_studio_domain


@pytest.fixture(scope="module")
def files() -> list[Hostile]:
    return corpus(small=True)


@pytest.fixture(scope="module")
def domain(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("domain") / "studio"
    write_studio_domain(folder)
    return str(folder)


def test_the_corpus_is_large_and_of_every_kind(files: list[Hostile]) -> None:
    whole = corpus()
    assert len(whole) > 400 and {each.door for each in whole} == set(DOORS)
    assert {each.door for each in files} == set(DOORS) and len(files) < 80
    assert len({each.data for each in whole}) > 0.9 * len(whole), "they are not all the same"
    assert max(len(each.data) for each in whole) < 32 * 2**20, "each can be uploaded"


def test_commands_refuse_them_soon_and_small(
    files: list[Hostile], domain: str, tmp_path: Path
) -> None:
    for row in commanded(files, tmp_path, domain):
        assert row.tried and not (row.crashed or row.hung or row.leaked), row


def test_a_server_refuses_them_while_others_are_answered(
    files: list[Hostile], domain: str, tmp_path: Path
) -> None:
    with served(domain, tmp_path) as (url, pid):
        for row in uploaded(files, Target(url, pid, tmp_path, domain, small=True)):
            assert row.tried and not (row.crashed or row.hung), row
            assert row.name.startswith("upload") or not row.leaked, row


def test_what_is_wrong_is_counted() -> None:
    """The benchmark itself: a reader that dies, hangs, swells or reads is noticed."""

    def swells() -> int:
        bytearray(b"x") * 2**29
        return 2

    def dies() -> int:
        raise ValueError("not caught")

    ends = {name: abuse_files._alone(act) for name, act in
            {"swells": swells, "dies": dies, "reads": lambda: 0}.items()}  # fmt: skip
    assert ends["dies"].end == "crashed" and "not caught" in ends["dies"].text
    assert ends["reads"].end == "read"
    assert ends["swells"].megabytes - ends["reads"].megabytes > 400
    slow, fine = End("d", "refused", seconds=2.5), End("e", "refused")
    row = Count("x", [ends["dies"], ends["reads"], slow, fine]).row()
    assert (row.tried, row.refused, row.crashed, row.hung) == (4, 1, 2, 1)


def test_the_table_says_whether_all_is_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for leaked, code in ((0, 0), (1, 1)):
        monkeypatch.setattr(abuse, "rows", lambda *_, n=leaked: [Row("a", 3, 3, 0, 0, n, "why")])
        assert abuse.main(["--only", "files"]) == code
        assert "tried" in (said := capsys.readouterr().out) and "why" in said
    assert abuse.main(["--only", "none"]) == 2
