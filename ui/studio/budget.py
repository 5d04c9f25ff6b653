"""What one request may cost on a server that others wait for, and the sentences that refuse more.

The library says what work takes before it begins (``editing.recipes.costs``); here is how much of
it a visitor gets. Large pictures get fewer draws, but never fewer than an honest session needs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from editing.animation.film import Projector
from editing.edits.stack import EditStack, EditState
from editing.errors import BadInput
from editing.figures.figure import Figure
from editing.inversion.options import InversionOptions
from editing.recipes.costs import (
    Cost,
    figure_cost,
    recipe_cost,
    search_cost,
    stack_cost,
    state_cost,
    times,
    total,
    walk_cost,
)
from editing.recipes.recipe import Recipe

MOST_FLOATS = 2**26  # numbers of the portraits inside the edits of one request: 256 MB


class TooCostly(BadInput):
    """Work that would keep a server from everybody else."""


@dataclass(frozen=True)
class Budget:
    """Draws that one request of a generator of ``resolution`` pixels may take."""

    resolution: int

    @property
    def picture(self) -> int:
        """Of a portrait: some seconds."""
        return self._most(4e6, 16, 64)

    @property
    def history(self) -> int:
        """Of a session's steps together: fifty plain ones at any size."""
        return self._most(16e6, 64, 256)

    @property
    def long(self) -> int:
        """Of a search, a film or a figure, which take turns: the level "best" at any size."""
        return self._most(800e6, 6_000, 12_000)

    def _most(self, pixels: float, low: int, high: int) -> int:
        return int(min(max(pixels / self.resolution**2, low), high))

    # -- each raises TooCostly

    def check_stack(self, stack: EditStack) -> None:
        """The edits of one portrait."""
        what = f"These {len(stack.entries)} edits take"
        self._check(stack_cost(stack), self.picture, what, "fewer regions and texts")

    def check_steps(self, stacks: Sequence[EditStack]) -> None:
        """The steps of a session, each of which is drawn."""
        for stack in stacks:
            self.check_stack(stack)
        what = f"The {len(stacks)} steps of this session take"
        self._check(total(map(stack_cost, stacks)), self.history, what, "a session of fewer steps")

    def check_recipe(self, recipe: Recipe) -> None:
        """A recipe, with the search it begins with."""
        self.check_stack(recipe.stack)
        self._check(recipe_cost(recipe), self.long, "This recipe takes", "fewer steps")

    def check_search(self, options: InversionOptions) -> None:
        """A search of a latent."""
        what = f"A search of {options.total} steps takes"
        self._check(search_cost(options), self.long, what, "fewer steps")

    def check_film(self, projector: Projector) -> None:
        """A walk of a portrait with its edits."""
        cost = walk_cost(projector.walk, state_cost(projector.source))
        what = f"A film of {projector.walk.frames} frames takes"
        self._check(cost, self.long, what, "fewer frames or fewer regions")

    def check_pictures(self, count: int, state: EditState) -> None:
        """Many pictures of a portrait with its edits."""
        cost = times(state_cost(state), count)
        what = f"A sheet of {count} pictures takes"
        self._check(cost, self.long, what, "fewer pictures or fewer regions")

    def check_figure(self, figure: Figure) -> None:
        """A figure of the portrait."""
        what = f"A figure of {figure.cells} pictures takes"
        self._check(figure_cost(figure, Cost(1.0)), self.long, what, "fewer inversions or edits")

    def _check(self, cost: Cost, most: int, what: str, fewer: str) -> None:
        if cost.draws > most:
            raise TooCostly(
                f"{what} {cost.draws:,.0f} pictures of {self.resolution} px to draw, and here one "
                f"request gets {most:,}; take {fewer}, or use the command line."
            )
        if cost.floats > MOST_FLOATS:
            raise TooCostly(
                f"The portraits inside these edits hold {cost.floats / 2**18:,.0f} MB, and here "
                f"one request gets {MOST_FLOATS / 2**18:,.0f}; take fewer of them, or use the "
                "command line."
            )
