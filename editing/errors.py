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

Each message names the value, the limit and the way out.
"""

from collections.abc import Iterable


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
        return cls(f"There is no {kind} {name!r}; choose from {choices}.")


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
