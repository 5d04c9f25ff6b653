"""Files that a domain lacks: what the page says of them, and one download at a time.

The library plans and downloads (``editing.models.fetching``); here its work runs in a thread, so
that a handler can say how far it is and be told to stop.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from editing.errors import BadInput, CannotFetch, EditingError, MissingFile
from editing.io import hub
from editing.models.domain import Domain, list_domains
from editing.models.fetching import CLIP, Plan, bring, complete, plan
from ui.runtime.throttle import Showing

LOOK_EVERY = 0.1  # seconds between looks whether a download has ended


@dataclass(frozen=True)
class Progress:
    """How far a download is; ``total`` is None until the server has said it."""

    part: str
    done: int
    total: int | None
    number: int  # of this file among ``files``
    files: int


class _Stopped(Exception):
    pass


class Fetcher:
    """Downloads for the whole server; ``allowed`` only where its visitors are its owner."""

    def __init__(self, wanted: Domain | None = None, allowed: bool = True) -> None:
        self.wanted = wanted  # the domain that was asked for and could not be opened
        self.allowed = allowed
        self._busy = threading.Lock()
        self._stop = threading.Event()

    def lacking(self) -> dict[str, Domain]:
        """The domains of which a file is missing, by name; the wanted one first."""
        first = [] if self.wanted is None else [self.wanted]
        found = {domain.name: domain for domain in (*list_domains(), *first)}
        names = sorted(found, key=lambda name: (found[name] not in first, name))
        return {name: found[name] for name in names if not complete(found[name])}

    def plan(self, name: str) -> Plan | None:
        """What would be fetched for a domain; None where nothing can be or need be."""
        domain = self.lacking().get(name)
        try:
            return plan(domain) if domain else None
        except MissingFile:
            return None

    def fetch(self, name: str) -> Iterator[Progress]:
        """Bring everything that ``name`` lacks.

        Raises:
            BadInput: not allowed here, or another download is going on.
            EditingError: from the library; what has arrived is kept.
        """
        if not self.allowed:
            raise BadInput(
                "Only whoever runs this server can download to it: "
                f"python -m editing weights fetch {name}."
            )
        if not self._busy.acquire(blocking=False):
            raise BadInput("A download is going on already; wait for it to end, or stop it.")
        try:
            self._stop.clear()
            yield from self._files(name)
        finally:
            self._stop.set()  # a visitor who has gone leaves no download behind
            self._busy.release()

    def stop(self) -> None:
        """End the download that is going on; what has arrived is kept."""
        self._stop.set()

    def _files(self, name: str) -> Iterator[Progress]:
        domain = self.lacking().get(name)
        wanted = plan(domain) if domain else None
        if domain is None or wanted is None:
            return
        failed: list[EditingError] = []
        for number, file in enumerate(wanted.files, 1):
            box = _Box()
            report = partial(box.report, self._stop)
            try:
                for done, total in _watched(partial(bring, domain, file, report), box):
                    yield Progress(file.part, done, total, number, len(wanted.files))
            except _Stopped:
                return
            except EditingError as error:  # the other files may have better luck
                failed.append(error)
        if wanted.hub:
            yield Progress(CLIP, 0, None, len(wanted.files) + 1, len(wanted.files) + 1)
            try:
                hub.fetch(wanted.hub, domain.folder)
            except EditingError as error:
                failed.append(error)
        if failed:
            raise CannotFetch(" ".join(map(str, failed)))


class _Box:
    """Where a download leaves how far it is."""

    def __init__(self) -> None:
        self.at: tuple[int, int | None] = (0, None)

    def report(self, stop: threading.Event, done: int, total: int | None) -> None:
        self.at = (done, total)
        if stop.is_set():
            raise _Stopped


def _watched(work: Callable[[], object], box: _Box) -> Iterator[tuple[int, int | None]]:
    """Run ``work`` in a thread; yields how far it is, now and then, and at the end."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    showing = Showing()
    while thread.is_alive():
        thread.join(LOOK_EVERY)
        if showing.due():
            with showing.shown():
                yield box.at
    if failed:
        raise failed[0]
    yield box.at
