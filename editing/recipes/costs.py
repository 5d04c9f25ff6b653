"""Cost of edits, walks, figures and recipes: passes of the generator, and numbers held.

Known from their values alone, before anything is drawn, so that a server can refuse what would take
too long. One *draw* is one picture at the generator's own size; what else takes time is counted in
draws, too: a step of a search is a pass forwards and one back, which takes as long as two passes
forwards. Moves along directions and channels only add vectors, and count as nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from editing.animation.paths import Keyframes, Reenactment
from editing.animation.random_paths import Metropolis
from editing.animation.walk import EVEN_SAMPLES, Walk
from editing.edits.mix_edits import Crossover, Morph, Other, Patch, Transfer
from editing.edits.stack import Edit, EditStack, EditState
from editing.figures.figure import Figure
from editing.figures.grids import Grid
from editing.inversion.options import InversionOptions, parse_start
from editing.models.latents import Latent
from editing.recipes.recipe import Recipe
from editing.text.edit import TextEdit

STEP = 3.0  # draws of a search's step
TEXT, GRADIENT = 1.0, 12.0  # draws of a text that is looked up in a table; that is searched
TRIED = 2.0  # states that a Metropolis walk draws for each frame, about


@dataclass(frozen=True)
class Cost:
    """What something takes."""

    draws: float = 0.0  # pictures at the generator's size
    floats: int = 0  # numbers of the portraits inside it, which are held while it is drawn

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.draws + other.draws, self.floats + other.floats)


NOTHING, PICTURE = Cost(), Cost(1.0)


def total(costs: Iterable[Cost]) -> Cost:
    """All of them, one after the other."""
    return sum(costs, NOTHING)


def times(cost: Cost, count: float) -> Cost:
    """The same work ``count`` times; what is held is held once."""
    return Cost(cost.draws * count, cost.floats)


# -- one picture


def edit_cost(edit: Edit) -> Cost:
    """What an edit adds to a picture."""
    others = total(map(other_cost, others_of(edit)))
    if isinstance(edit, Patch):  # whose activations it takes is drawn for it
        return others + PICTURE
    if isinstance(edit, TextEdit) and edit.change is None:
        return others + Cost(TEXT if edit.method == "global" else GRADIENT)
    return others


def others_of(edit: Edit) -> tuple[Other, ...]:
    """The portraits inside an edit."""
    if isinstance(edit, Crossover | Morph):
        return (edit.other,)
    if isinstance(edit, Transfer):
        return (edit.before, edit.after)
    return (edit.other,) if isinstance(edit, Patch) and edit.other else ()


def other_cost(other: Other) -> Cost:
    """A portrait inside an edit or a walk; that of a seed is a pass of the mapping only."""
    return NOTHING if other.latent is None else Cost(0.0, latent_floats(other.latent))


def latent_floats(latent: Latent) -> int:
    """Numbers of a latent: rows, channels, noise maps and weights."""
    fields = (latent.s_delta, latent.noise, latent.weight_delta)
    tensors = [latent.ws, *(tensor for each in fields for tensor in each.values())]
    return sum(tensor.numel() for tensor in tensors)


def stack_cost(stack: EditStack) -> Cost:
    """A picture with these edits; those that are off are held all the same."""
    found = PICTURE
    for entry in stack.entries:
        cost = edit_cost(entry.edit)
        found += cost if entry.on else Cost(0.0, cost.floats)
    return found


def state_cost(state: EditState) -> Cost:
    """A picture of a state whose edits were applied already."""
    return Cost(1.0 + len(state.regions))


# -- many pictures


def search_cost(options: InversionOptions) -> Cost:
    """A search: the tries for its start, and its steps."""
    return Cost(parse_start(options.effective_start)[1] + STEP * options.total)


def walk_cost(walk: Walk, frame: Cost) -> Cost:
    """A film whose single picture takes ``frame``."""
    each = TRIED if isinstance(walk.way, Metropolis) else 1.0
    count = walk.frames * each + 2 * EVEN_SAMPLES * walk.even
    along = walk.way.through if isinstance(walk.way, Keyframes) else ()
    along = walk.way.drivers if isinstance(walk.way, Reenactment) else along
    return times(frame, count) + total(map(other_cost, along))


def grid_cost(grid: Grid, picture: Cost) -> Cost:
    """A sheet whose portrait takes ``picture``; every cell has one more edit."""
    cells = [entry for row in grid.entries for entry in row]
    return times(picture, len(cells)) + total(edit_cost(entry.edit) for entry in cells)


def figure_cost(figure: Figure, picture: Cost) -> Cost:
    """A figure: the inversions of its rows, and a search of strength for each of its pictures."""
    searches = total(search_cost(options) for options in figure.options)
    tries = Cost(picture.draws * figure.matched) if not figure.strengths else NOTHING
    return searches + times(picture, figure.cells) + tries


def recipe_cost(recipe: Recipe) -> Cost:
    """All that a recipe makes: its inversion, and its picture, film, sheet or figure."""
    picture = stack_cost(recipe.stack)
    made = picture
    if recipe.walk is not None:
        made = walk_cost(recipe.walk, picture)
    elif recipe.grid is not None:
        made = grid_cost(recipe.grid, picture)
    elif recipe.figure is not None:
        made = figure_cost(recipe.figure, picture)
    if recipe.inversion is None or recipe.source.kind == "seed":
        return made
    return search_cost(recipe.inversion.options) + made
