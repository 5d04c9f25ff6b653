"""Work that goes to a GPU lent for one call: it takes and gives only what survives a fork."""

import pickle
import sys
from types import SimpleNamespace

import pytest

from tests.helpers.text_domain import write_text_domain
from ui.runtime.zerogpu import home_device, on_gpu
from ui.studio.studio import Studio
from ui.tabs.text.actions import Part, TextDesk


@pytest.fixture
def spaces(monkeypatch):
    """Stands for the package: what goes in or out is pickled, and calls are counted."""
    calls = []

    def gpu(duration):
        def decorate(function):
            def call(*arguments):
                calls.append((function.__name__, duration))
                for item in function(*pickle.loads(pickle.dumps(arguments))):
                    yield pickle.loads(pickle.dumps(item))

            return call

        return decorate

    monkeypatch.setitem(sys.modules, "spaces", SimpleNamespace(GPU=gpu))
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    return calls


def found(desk):
    return [hit.seed for part in desk.search("a smiling person", 9) if not isinstance(part, Part)
            for hit in part]  # fmt: skip


def test_a_search_by_text_finds_the_same_there(tmp_path, spaces, monkeypatch):
    domain = write_text_domain(tmp_path / "studio")
    there = found(TextDesk(Studio(domain)))
    assert spaces == [("seen_seeds", 60)] and len(there) == 9
    monkeypatch.delenv("SPACES_ZERO_GPU")
    assert found(TextDesk(Studio(domain))) == there and len(spaces) == 1


def test_the_studio_itself_stays_on_the_processor_there(spaces, monkeypatch):
    assert home_device("auto") == "cpu" and home_device("cuda") == "cuda"
    monkeypatch.delenv("SPACES_ZERO_GPU")
    assert home_device("auto") == "auto"


def test_without_the_package_nothing_is_decorated(monkeypatch):
    monkeypatch.setitem(sys.modules, "spaces", None)
    assert on_gpu(found) is found
