"""What a domain lacks: announced, fetched, trusted on first use, verified; and the commands."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from editing.cli import main as cli
from editing.errors import BadInput, CannotFetch, MissingFile, UnknownName, UnsafeFile
from editing.io import trust
from editing.io.http import Patience
from editing.io.trust import LOCK, trusted
from editing.models.domain import Domain, open_domain
from editing.models.domain_yaml import describe_file, read_description, write_description
from editing.models.fetching import bring, plan, verify
from editing.models.formats.checkpoints import read_generator
from tests.conftest import make_tiny_generator
from tests.helpers.file_server import FileServer, Served, serving
from tests.helpers.nvidia_files import stylegan2_file

QUICK = Patience(first=2.0, answer=2.0, stall=1.0, pauses=(0.0,), longest_pause=0.0)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HF_ENDPOINT", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving() as running:
        yield running


@pytest.fixture
def remote_domain(tmp_path: Path, server: FileServer) -> Domain:
    """A domain none of whose files is here: one with a SHA-256, one without, and a folder."""
    generator = make_tiny_generator()
    made = tmp_path / "made"
    made.mkdir()
    (made / "tiny.pkl").write_bytes(stylegan2_file(generator.state_dict(), None, 4))
    server.files["tiny.pkl"] = Served((made / "tiny.pkl").read_bytes())
    server.files["a.bin"] = Served(b"a" * 1000)
    server.files["b.bin"] = Served(b"b" * 2000)
    server.files["smile"] = Served(b"smile")
    known = describe_file(made, "tiny.pkl", licence="CC BY-NC", citation="Somebody 2020")
    known |= {"file": "fetched/tiny.pkl", "url": server.url("tiny.pkl")}
    folder = tmp_path / "remote"
    write_description(
        folder,
        {
            "resolution": 32,
            "generator": known,
            "identity": {"file": "fetched/id.bin", "url": server.url("a.bin")},
            "perceptual": {
                "file": "fetched/lpips",
                "licence": "BSD",
                "files": [
                    {"file": "fetched/lpips/a", "url": server.url("a.bin"), "size": 1000},
                    {"file": "fetched/lpips/b", "url": server.url("b.bin"), "licence": "MIT"},
                ],
            },
            "boundaries": {"smile": {"file": "fetched/smile", "url": server.url("smile")}},
        },
    )
    return open_domain(folder)


def fetch_all(domain: Domain, *names: str) -> None:
    for file in plan(domain, names).files:
        bring(domain, file, patience=QUICK)


def test_the_announcement_names_bytes_and_licences(remote_domain: Domain) -> None:
    wanted = plan(remote_domain)
    text = wanted.announcement()
    known = wanted.files[0].entry.size or 0
    assert wanted.bytes == known + 1000
    assert f"{wanted.bytes / 1e3:.1f} kB and 3 of a size that its server says" in text
    assert "tiny.pkl" in text and "licence: CC BY-NC" in text and "from 127.0.0.1" in text
    assert "perceptual: a, 1.0 kB, from 127.0.0.1, licence: BSD" in text  # the folder's
    assert "perceptual: b, size not known before, from 127.0.0.1, licence: MIT" in text
    assert "smile" in text and "licence: not stated, ask its authors" in text


@pytest.mark.parametrize(
    "names, files",
    [
        (["generator"], ["fetched/tiny.pkl"]),
        (["boundaries"], ["fetched/smile"]),
        (["smile"], ["fetched/smile"]),
        (["perceptual"], ["fetched/lpips/a", "fetched/lpips/b"]),
    ],
)
def test_parts_are_chosen_by_name(
    remote_domain: Domain, names: list[str], files: list[str]
) -> None:
    assert [file.entry.file for file in plan(remote_domain, names).files] == files


def test_unknown_parts_are_listed(remote_domain: Domain) -> None:
    with pytest.raises(UnknownName, match="'nose'; choose from generator, .*smile, boundaries"):
        plan(remote_domain, ["nose"])


def test_a_missing_part_says_how_to_get_it(remote_domain: Domain) -> None:
    with pytest.raises(
        MissingFile, match=r"weights fetch remote generator', 0 MB \(licence: CC BY-NC\)"
    ):
        _ = remote_domain.generator
    with pytest.raises(MissingFile, match=r"weights fetch remote smile' \(licence: not stated\)"):
        remote_domain.path_of(remote_domain.boundaries["smile"])


def test_a_fetched_generator_of_another_system_draws(remote_domain: Domain) -> None:
    fetch_all(remote_domain, "generator")
    expected = read_generator(remote_domain.folder.parent / "made" / "tiny.pkl")
    z = torch.randn(1, 12)
    assert torch.equal(remote_domain.generator(z), expected(z))
    assert trusted(remote_domain.folder, "fetched/tiny.pkl") is None  # its SHA-256 was known


def test_a_family_that_is_not_the_generators_is_noticed(remote_domain: Domain) -> None:
    fetch_all(remote_domain, "generator")
    path = remote_domain.folder / "domain.yaml"
    facts = yaml.safe_load(path.read_text())
    write_description(remote_domain.folder, facts | {"family": "stylegan3"})
    with pytest.raises(BadInput, match="says stylegan3, but .* makes stylegan2; correct the fam"):
        _ = open_domain(remote_domain.folder).generator


def test_trust_on_first_use(remote_domain: Domain, server: FileServer) -> None:
    fetch_all(remote_domain)
    assert not remote_domain.missing and remote_domain.is_present(remote_domain.parts["perceptual"])
    first = trusted(remote_domain.folder, "fetched/id.bin")
    assert first is not None and verify(remote_domain)["fetched/id.bin"] == "ok"
    path = remote_domain.folder / "fetched" / "id.bin"
    path.unlink()
    server.files["a.bin"].data = b"c" * 1000  # replaced at its source
    with pytest.raises(CannotFetch, match="instead of"):
        fetch_all(remote_domain, "identity")
    path.write_bytes(b"c" * 1000)  # or here
    with pytest.raises(UnsafeFile, match="damaged or another file"):
        remote_domain.part("identity")
    assert verify(remote_domain)["fetched/id.bin"] == "damaged"
    (remote_domain.folder / LOCK).unlink()  # whoever wants the new one says so
    assert remote_domain.part("identity") == path
    assert trusted(remote_domain.folder, "fetched/id.bin") not in (None, first)


def test_files_put_there_by_hand_are_trusted_when_first_used(remote_domain: Domain) -> None:
    path = remote_domain.folder / "fetched" / "id.bin"
    path.parent.mkdir()
    path.write_bytes(b"mine")
    assert verify(remote_domain)["fetched/id.bin"] == "unknown"
    remote_domain.part("identity")
    assert verify(remote_domain)["fetched/id.bin"] == "ok"
    path.write_bytes(b"other")
    with pytest.raises(UnsafeFile):
        remote_domain.part("identity")


def test_a_folder_is_checked_file_by_file(remote_domain: Domain) -> None:
    fetch_all(remote_domain, "perceptual")
    folder = remote_domain.part("perceptual")
    assert sorted(path.name for path in folder.iterdir()) == ["a", "b"]
    (folder / "b").write_bytes(b"x")
    with pytest.raises(UnsafeFile, match=r"lpips/b has"):
        remote_domain.part("perceptual")
    (folder / "b").unlink()
    with pytest.raises(MissingFile):
        remote_domain.part("perceptual")


def test_a_damaged_lock_is_refused(remote_domain: Domain) -> None:
    (remote_domain.folder / LOCK).write_text("files: {x: {size: many}}")
    with pytest.raises(BadInput, match="domain.lock"):
        verify(remote_domain)
    (remote_domain.folder / LOCK).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="domain.lock is no text; delete it"):
        verify(remote_domain)


def test_whoever_trusts_at_the_same_time_is_not_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = trust._read

    def slow(folder: Path) -> Any:  # as where the disk is slow between reading and writing
        found = read(folder)
        time.sleep(0.02)
        return found

    monkeypatch.setattr(trust, "_read", slow)
    names = [f"file{number}" for number in range(6)]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda name: trust.trust(tmp_path, name, "0" * 64, 1), names))
    assert sorted(read(tmp_path)) == names


@pytest.mark.parametrize(
    "entry, sentence",
    [
        ({"file": "x"}, "lacks sha256"),
        ({"file": "x", "url": "file:///etc/passwd"}, "no address to download from"),
        ({"file": "x", "url": "https://a/b", "mirrors": ["/etc/passwd"]}, "no address"),
        ({"file": "x", "url": 3}, "it needs text"),
        ({"file": "x", "url": "https://a/b", "sha256": "12"}, "64 hexadecimal digits"),
        ({"file": "x", "files": [{"file": "y/z", "url": "https://a/b"}]}, "lie in its folder x"),
        ({"file": "x", "size": 3, "files": [{"file": "x/z", "url": "https://a/b"}]}, "of its own"),
        (
            {"file": "x", "url": "https://a/b", "files": [{"file": "x/z", "url": "https://a/b"}]},
            "write them into the entry of each of its files",
        ),
        ({"file": "../x", "url": "https://a/b"}, "outside its folder"),
        ({"file": "x", "files": [{"file": "x/../../z", "url": "https://a/b"}]}, "outside its"),
    ],
)
def test_wrong_entries_are_refused(tmp_path: Path, entry: dict[str, Any], sentence: str) -> None:
    path = write_description(tmp_path, {"resolution": 32, "generator": entry})
    with pytest.raises((BadInput, UnsafeFile), match=sentence):
        read_description(path)


@pytest.mark.parametrize("name", ["..", ".", "...", "a/b", "a b", ""])
def test_names_that_are_no_folders_are_refused(tmp_path: Path, name: str) -> None:
    entry = {"file": "x", "url": "https://a/b"}
    facts = {"name": name, "resolution": 32, "generator": entry}
    with pytest.raises(BadInput, match="letters, digits, - and _"):
        read_description(write_description(tmp_path, facts))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def run(*arguments: str) -> tuple[int, str, str]:
        code = cli.main(["weights", *arguments])
        return (code, *capsys.readouterr())

    return run


def test_fetching_from_the_command_line(remote_domain: Domain, run: Any) -> None:
    folder = str(remote_domain.folder)
    code, out, err = run("fetch", folder, "--json")
    facts = json.loads(out.splitlines()[-1])
    assert code == 0 and facts["fetched"][0]["file"] == "fetched/tiny.pkl"
    assert err.startswith("remote: ") and "licence: CC BY-NC" in err
    code, out, _ = run("fetch", folder)
    assert code == 0 and "has all its files" in out
    code, out, _ = run("verify", folder, "--json")
    assert code == 0 and set(json.loads(out)["files"].values()) == {"ok"}
    (remote_domain.folder / "fetched" / "smile").write_bytes(b"frown")
    code, out, err = run("verify", folder)
    assert code == 2 and not out and "fetched/smile of remote are not what they should be" in err


def test_one_dead_link_does_not_stop_the_others(
    remote_domain: Domain, server: FileServer, run: Any
) -> None:
    del server.files["tiny.pkl"]
    code, out, err = run("fetch", str(remote_domain.folder))
    assert code == 2 and not out
    assert "refuses with HTTP 404" in err and "4 files have arrived and 1 have not" in err
    assert list(remote_domain.missing) == ["generator"]


def test_listing_says_what_is_here_and_where_the_rest_is(run: Any) -> None:
    code, out, _ = run("list")
    assert code == 0 and "portraits: Portraits" in out
    code, out, _ = run("list", "--json")
    assert {"name", "files", "present"} <= json.loads(out)["domains"][0].keys()


def test_shipped_descriptions_name_a_licence_and_a_source_for_every_file() -> None:
    for path in (Path(__file__).parents[3] / "weights").glob("*/domain.yaml"):
        domain = open_domain(path)
        for name, entry in domain.entries.items():
            for member in entry.members:
                assert member.licence and (member.source or member.urls), f"{path}: {name}"
                if member.urls:
                    assert member.file.startswith("fetched/"), f"git would see {member.file}"
