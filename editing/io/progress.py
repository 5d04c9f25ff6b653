"""Progress bars on stderr, for commands that take a while."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any


def bar(work: Iterable[Any], name: str, total: int | None = None) -> Any:
    """The items of ``work``, counted in a progress bar."""
    from tqdm import tqdm

    return tqdm(work, desc=name, total=total, leave=False, disable=None)


@contextmanager
def reported(name: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar for work that reports (done, total)."""
    from tqdm import tqdm

    with tqdm(desc=name, leave=False, disable=None) as shown:

        def report(done: int, total: int) -> None:
            shown.total = total
            shown.update(done - shown.n)

        yield report
