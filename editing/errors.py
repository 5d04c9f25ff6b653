"""Every refusal a person can meet, as one small tree.

    EditingError            catch this one: its message is a sentence for the user
    ├── BadInput            a value out of range or malformed
    │   └── UnknownName     a name that is not in a list; the message gives the list
    ├── BadPicture          a file that is not a usable picture
    ├── BadLatent           a latent of the wrong space, shape or generator
    ├── BadRecipe           a recipe that cannot be read or replayed
    ├── NoFace              no face where one is needed
    ├── MissingFile         a file that is not there
    ├── UnsafeFile          a file that is not what it claims, or could run code
    │   ├── DamagedFile     a file that is cut short, or whose parts do not fit each other
    │   └── UnsupportedFile a file that is sound, but of a kind or design that is not read here
    ├── CannotFetch         a file that cannot be downloaded
    └── CannotWrite         a full disk or a folder that refuses writing

Each message names the value, the limit and the way out; ``shown`` is how it names a value,
and ``reason_of`` how it names what another library said.
"""

import reprlib
from collections.abc import Iterable
from typing import Any

MOST_SHOWN = 80  # characters of a value in a sentence


class _Short(reprlib.Repr):
    """Texts of values from files: a few entries of a few levels, whatever is in them.

    ``repr`` of a small file's tuple of tuples of itself would take more than there is of memory.
    """

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxstring, self.maxother = 2, MOST_SHOWN, MOST_SHOWN
        self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdict = 4

    def repr_int(self, x: int, level: int) -> str:
        return repr(x) if x.bit_length() <= 128 else f"<a number of {x.bit_length()} bits>"

    def repr_bytes(self, x: bytes, level: int) -> str:
        return repr(x[:20]) if len(x) <= 20 else f"<{len(x)} bytes>"

    repr_bytearray = repr_bytes  # type: ignore[assignment]

    def repr_instance(self, x: Any, level: int) -> str:
        plain = x is None or isinstance(x, bool | float)
        return repr(x) if plain else f"<{type(x).__name__}>"

    repr_bool = repr_instance


def shown(value: object) -> str:
    """A value as a sentence may name it: on one line, of at most some MOST_SHOWN characters."""
    text = _Short().repr(value)
    return text if len(text) <= MOST_SHOWN + 2 else f"{text[:MOST_SHOWN]}..."


def reason_of(error: BaseException) -> str:
    """What an error of another library says, short and on one line."""
    return " ".join(str(error).split())[:200] or type(error).__name__


class EditingError(Exception):
    """Base of all refusals; ``str(error)`` is one sentence that can be shown as it is."""


class BadInput(EditingError):
    """A value out of range or malformed."""


class UnknownName(BadInput):
    """A name that is not in a list."""

    @classmethod
    def among(cls, kind: str, name: object, known: Iterable[str]) -> "UnknownName":
        """The error for ``name``, listing the ``known`` names of this ``kind``."""
        choices = ", ".join(known) or "(there are none)"
        return cls(f"There is no {kind} {shown(name)}; choose from {choices}.")


class BadPicture(EditingError):
    """A file that is not a usable picture."""


class BadLatent(EditingError):
    """A latent of the wrong space, shape or generator."""


class BadRecipe(EditingError):
    """A recipe that cannot be read or replayed."""


class NoFace(EditingError):
    """No face where one is needed."""


class MissingFile(EditingError):
    """A file that is not there."""


class UnsafeFile(EditingError):
    """A file that is not what it claims to be, or that could run code."""


class DamagedFile(UnsafeFile):
    """A file that is cut short, or whose parts do not fit each other."""


class UnsupportedFile(UnsafeFile):
    """A file that is sound, but of a kind or design that is not read here."""


class CannotFetch(EditingError):
    """A file that cannot be downloaded: no network, or no source that gives the right file."""


class CannotWrite(EditingError):
    """A full disk or a folder that refuses writing."""
