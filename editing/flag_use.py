"""Which flags a mode of a command takes: one that does not apply is refused instead of ignored."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Collection, Iterable, Mapping, Sequence

from editing.errors import BadInput

Takes = Mapping[str, Collection[str]]  # mode -> the flags that only some modes take


def flags_in(arguments: Sequence[str]) -> frozenset[str]:
    """The flags somebody wrote ("--seed"); behind a bare -- there are none."""
    words = list(arguments)
    end = words.index("--") if "--" in words else len(words)
    return frozenset(word.partition("=")[0] for word in words[:end] if word.startswith("--"))


def refuse_idle(args: Namespace, what: str, idle: Iterable[str], way_out: str = "") -> None:
    """Refuse a flag that was given and does nothing here.

    Args:
        args: of the command line; ``typed`` are those given.
        what: for people, what the flag does not apply to ("a seed").
        idle: flags without use here.

    Raises:
        BadInput: names the flag.
    """
    for flag in sorted(set(idle) & _typed(args)):
        raise BadInput(f"{flag} does not apply to {what}; {way_out or 'leave it out'}.")


def _typed(args: Namespace) -> frozenset[str]:
    found: frozenset[str] = getattr(args, "typed", frozenset())  # none where Python calls
    return found


def check_mode(args: Namespace, mode: str, takes: Takes, what: str = "") -> None:
    """``refuse_idle`` of all flags that other modes take and this one does not.

    Args:
        mode: a key of ``takes``.
        what: the mode for people; "--method MODE" and the like.
    """
    known = {flag for flags in takes.values() for flag in flags}
    for flag in sorted((known - set(takes[mode])) & _typed(args)):
        others = " or ".join(sorted(name for name, flags in takes.items() if flag in flags))
        refuse_idle(args, what or mode, [flag], f"it is for {others}")
