"""Latent Studio's library: every algorithm, no user interface.

The names below serve most notebooks, each imported when it is first used; everything else is
imported from its room (``from editing.directions.unsupervised import sefa``)::

    from editing import Move, open_domain, render, save_png, state_of

    portraits = open_domain("portraits")
    state = Move("smile", 2.0).apply(state_of("seed:7", portraits), portraits)
    save_png("smile.png", render(state, portraits))
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from editing.edits.stack import EditStack, Move, render
    from editing.inversion.invert import invert
    from editing.io.images import load_picture, save_png
    from editing.models.domain import open_domain
    from editing.models.states import state_of
    from editing.recipes.recipe import Recipe
    from editing.text.edit import TextEdit

_HOMES = {
    "EditStack": "editing.edits.stack",
    "Move": "editing.edits.stack",
    "Recipe": "editing.recipes.recipe",
    "TextEdit": "editing.text.edit",
    "invert": "editing.inversion.invert",
    "load_picture": "editing.io.images",
    "open_domain": "editing.models.domain",
    "render": "editing.edits.stack",
    "save_png": "editing.io.images",
    "state_of": "editing.models.states",
}
__all__ = [
    "EditStack", "Move", "Recipe", "TextEdit", "invert", "load_picture", "open_domain", "render",
    "save_png", "state_of",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """A public name from its room (PEP 562): importing the package alone needs no torch."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
