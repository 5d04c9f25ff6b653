"""Training a direction in the app: from a reading, two texts, a CSV, or pictures that were picked.

An iterator of steps, each of which takes the long lane for a moment only. Scores of sampled latents
are kept between visitors: they say nothing of anybody but the model.
"""

from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from editing.directions.direction import Direction
from editing.directions.rescoring import safe_range, trial_ws
from editing.directions.samples import (
    FIRST_SEED,
    Score,
    ScoredSet,
    draw,
    draw_ws,
    joined,
    score_latents,
    text_score,
)
from editing.directions.svm import from_scores, read_labels
from editing.errors import BadInput
from editing.io.images import to_uint8
from editing.models.latents import parse_seed
from editing.recipes.boundary_sources import from_labels, from_pictures
from ui.components.widgets import data_uri
from ui.studio.studio import Studio

BLOCK = 8  # latents scored in one step of the long lane
PICKS = 24  # pictures on one page of the gallery
FIRST_PICK = 40_000_000  # their seeds: nobody's favourites, and nothing is trained on them
PICK_PSI = 0.8
RANGE_LATENTS = 4
MAX_SCORED = 6  # the readings, and visitors' texts, whose scores are remembered
SOURCES = ("reading", "pictures", "labels", "text")


@dataclass(frozen=True)
class Training:
    """What to train a direction from."""

    name: str
    source: str = "reading"  # one of SOURCES
    reading: str = ""
    texts: tuple[str, str] = ("", "")
    labels: str = ""  # path of a CSV
    picks: Mapping[int, int] = field(default_factory=dict)  # seed -> 1 (more) or -1 (less)
    count: int = 2_000  # latents


@dataclass(frozen=True, eq=False)
class Step:
    """How far some long work is, and in the end what came of it."""

    done: int
    total: int
    direction: Direction | None = None
    notes: tuple[str, ...] = ()


class School:
    """Bound to one studio; ``readings`` are what its scorer reads."""

    def __init__(self, studio: Studio, readings: tuple[str, ...]) -> None:
        self.studio, self.domain, self.readings = studio, studio.domain, readings
        self._scored: OrderedDict[tuple[str, ...], dict[int, ScoredSet]] = OrderedDict()

    def candidates(self, page: int) -> list[tuple[int, str]]:
        """Seeds and pictures of one page of the gallery."""
        seeds = range(FIRST_PICK + page * PICKS, FIRST_PICK + (page + 1) * PICKS)
        found = []
        for first in range(0, PICKS, BLOCK):
            some = seeds[first : first + BLOCK]
            with self.studio.lanes.interactive():
                pictures = to_uint8(draw(self.domain, draw_ws(self.domain, some, PICK_PSI)))
            found += [(seed, data_uri(p, 76)) for seed, p in zip(some, pictures, strict=True)]
        return found

    def train(self, wanted: Training) -> Iterator[Step]:
        """Train a direction; the last step has it.

        Raises:
            BadInput: whatever is missing or wrong about the wish.
        """
        if not wanted.name.strip():
            raise BadInput("The direction needs a name; write one.")
        wanted = replace(wanted, name=wanted.name.strip()[:40])
        trainers: dict[str, Callable[[Training], Iterator[Step]]] = {
            "reading": self._train_reading,
            "text": self._train_text,
            "labels": self._train_labels,
            "pictures": self._train_pictures,
        }
        yield from trainers[wanted.source](wanted)

    def _train_reading(self, wanted: Training) -> Iterator[Step]:
        parts = yield from self._sampled(self.readings, self.domain.scorer, wanted.count)
        direction = from_scores(wanted.reading, joined(parts), wanted.reading)
        yield self._finished(direction, wanted, wanted.reading)

    def _train_text(self, wanted: Training) -> Iterator[Step]:
        score = text_score(self.domain, *wanted.texts)
        parts = yield from self._sampled(wanted.texts, score, wanted.count, ("text",))
        yield self._finished(from_scores(wanted.name, joined(parts), "text"), wanted)

    def _train_labels(self, wanted: Training) -> Iterator[Step]:
        if not wanted.labels:
            raise BadInput("There are no labels yet; upload a CSV of seeds and scores.")
        labels = read_labels(wanted.labels, "The CSV")
        wrong = next((s for s in labels.sources if parse_seed_or_none(s) is None), None)
        if wrong is not None:
            raise BadInput(f"{wrong[:60]!r} is no seed; in the app, label seeds such as seed:12.")
        direction = from_labels(wanted.name, labels, self.domain)
        yield replace(self._finished(direction, wanted), notes=labels.notes)

    def _train_pictures(self, wanted: Training) -> Iterator[Step]:
        sides = [[seed for seed, side in wanted.picks.items() if side == s] for s in (1, -1)]
        if min(map(len, sides)) < 2:
            raise BadInput(
                f"{len(sides[0])} pictures are picked as more and {len(sides[1])} as less; "
                "pick at least 2 of each, better eight."
            )
        scored = None
        if self.readings:
            parts = yield from self._sampled(self.readings, self.domain.scorer, wanted.count)
            scored = joined(parts)
        more, less = (draw_ws(self.domain, seeds, PICK_PSI) for seeds in sides)
        direction = from_pictures(wanted.name, more, less, self.domain, scored)
        yield self._finished(direction, wanted)

    def _sampled(
        self, key: Sequence[str], score: Score, count: int, names: Sequence[str] = ()
    ) -> Generator[Step, None, list[ScoredSet]]:
        """Steps; returns the scored parts. What an earlier run has scored is not scored again."""
        kept = self._scored.setdefault(tuple(key), {})
        self._scored.move_to_end(tuple(key))
        while len(self._scored) > MAX_SCORED:
            self._scored.popitem(last=False)
        parts = []
        for first in range(FIRST_SEED, FIRST_SEED + count, BLOCK):
            if first not in kept:
                work = score_latents(self.domain, score, names or key, BLOCK, first, batch=BLOCK)
                kept[first] = joined(list(self.studio.lanes.steps(work)))
                yield Step(first - FIRST_SEED, count)
            parts.append(kept[first])
        return parts

    def _finished(self, direction: Direction, wanted: Training, reading: str = "") -> Step:
        if reading in self.readings:
            ws = trial_ws(self.domain, RANGE_LATENTS)
            lanes = self.studio.lanes
            found = lanes.long(
                lambda: safe_range(self.domain, direction, reading, ws, report=lanes.let_pass)
            )
            direction = replace(direction, meta={**direction.meta, "range": list(found)})
        named = replace(direction, name=wanted.name)
        return Step(wanted.count, wanted.count, named)


def parse_seed_or_none(text: str) -> object:
    """The seed in a text, or None where it is another kind of source."""
    return parse_seed(text) if text.startswith("seed:") else None
