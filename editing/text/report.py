"""What a text edit has done: its channels, whether CLIP got what was asked, what else moved.

And around it: the same edit over strengths and thresholds on one sheet, and how far it may go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from PIL import Image
from torch import Tensor

from editing.directions.rescoring import STALLED, reach
from editing.directions.stylespace import Channel, statistics_of
from editing.edits.stack import preview, render
from editing.errors import BadInput
from editing.io.images import to_pil
from editing.models.domain import Domain
from editing.models.networks.prompts import neutral_for, unknown_words
from editing.models.states import EditState
from editing.pictures.contact_sheets import MAX_CELLS, sheet
from editing.pictures.metrics import readings
from editing.text.edit import TextEdit, beta_for, count_at, relevance, wanted_direction

ALPHAS = (-6.0, -3.0, 0.0, 3.0, 6.0)  # of a grid
COUNTS = (0.3, 1.0, 3.0, 10.0)  # times the automatic number of channels: the rows of a grid
FARTHEST, STRIDE = 12, 2  # steps of alpha at which the safe range is looked for
SHOWN = 200  # channels of a report


@dataclass(frozen=True, eq=False)
class Report:
    """A text edit, explained.

    asked: cosine of the way the texts point and the way the picture's embedding went; 1 = CLIP got
        exactly what was asked; None where the domain has no text-image model.
    gained: how far the embedding went that way.
    moved: attribute -> change of the scorer's reading, in σ.
    """

    channels: int
    beta: float | None
    by_layer: Mapping[str, int]  # channels that take part
    top: tuple[tuple[Channel, float], ...]  # strongest first, in σ for alpha = 1
    asked: float | None
    gained: float | None
    moved: Mapping[str, float]
    unknown: tuple[str, ...]  # words of the texts that tell the model nothing

    @property
    def notes(self) -> list[str]:
        """Sentences on what a person should know."""
        if not self.unknown:
            return []
        words = ", ".join(map(repr, self.unknown))
        return [f"The text-image model does not know {words}; the rest of the text was used."]


def explain(domain: Domain, edit: TextEdit, before: Tensor, after: Tensor) -> Report:
    """Explain a resolved edit by the pictures [1, 3, R, R] without and with it."""
    if edit.change is None:
        raise BadInput("The text edit has not been found yet; resolve it for a domain first.")
    std = statistics_of(domain).std
    weights = [
        (Channel(layer, index), step / max(float(std[layer][index]), 1e-12))
        for layer, at, by in edit.change.layers
        for index, step in zip(at, by, strict=True)
    ]
    weights.sort(key=lambda item: -abs(item[1]))
    asked = gained = None
    unknown: tuple[str, ...] = ()
    if "text_image_model" in domain.parts or domain.hub_clip:
        asked, gained = achieved(domain, edit, before, after)
        unknown = unknown_words(domain.clip, edit.neutral or neutral_for(edit.target), edit.target)
    moved = dict[str, float]()
    if "scorer" in domain.parts:
        then, now = (readings(domain.scorer, img) for img in (before, after))
        moved = {name: now[name] - then[name] for name in now}
    return Report(
        edit.change.num_channels,
        edit.beta,
        {layer: len(at) for layer, at, _ in edit.change.layers},
        tuple(weights[:SHOWN]),
        asked,
        gained,
        moved,
        unknown,
    )


@torch.no_grad()
def achieved(
    domain: Domain, edit: TextEdit, before: Tensor, after: Tensor
) -> tuple[float | None, float]:
    """(cosine of Δt and ΔE, ΔE · Δt/‖Δt‖) of two pictures; no cosine where nothing moved.

    For a negative alpha the opposite was asked for.
    """
    dt = wanted_direction(domain, edit)
    a, b = (domain.clip.encode_pictures(img.clamp(-1, 1))[0] for img in (before, after))
    way = b - a
    sign = -1.0 if edit.alpha < 0 else 1.0
    length = float(way.norm())
    return (sign * float(way @ dt) / length if length > 1e-6 else None), float(way @ dt)


# -- many strengths and thresholds


def grid_betas(domain: Domain, edit: TextEdit) -> list[float]:
    """Thresholds worth comparing: few channels, as many as are chosen by themselves, and more."""
    own = replace(edit, beta=None, channels=None, change=None).resolved(domain)
    assert own.change is not None
    r = relevance(domain, edit)
    most = count_at(r, 0.0)
    counts = {min(max(round(own.change.num_channels * c), 1), most) for c in COUNTS}
    return [beta_for(r, count) for count in sorted(counts)]


def grid_cells(
    domain: Domain,
    state: EditState,
    edit: TextEdit,
    alphas: Sequence[float] = ALPHAS,
    betas: Sequence[float] = (),
) -> Iterator[Image.Image]:
    """One canonical picture per strength (columns) and threshold (rows; () = ``grid_betas``).

    Raises:
        BadInput: no strengths, too many pictures, or a threshold that no channel passes.
    """
    betas = betas or grid_betas(domain, edit)
    if not 0 < len(alphas) * len(betas) <= MAX_CELLS:
        raise BadInput(
            f"A grid of {len(betas)} x {len(alphas)} pictures is not possible; take 1 to "
            f"{MAX_CELLS}."
        )
    for beta in betas:
        found = replace(edit, beta=beta, channels=None, change=None).resolved(domain)
        for alpha in alphas:
            yield to_pil(render(replace(found, alpha=alpha).apply(state, domain), domain))


def grid_sheet(
    cells: Sequence[Image.Image], alphas: Sequence[float], betas: Sequence[float]
) -> Image.Image:
    """The pictures of ``grid_cells`` on one sheet, with their numbers."""
    columns = [f"alpha {alpha:+g}" for alpha in alphas]
    return sheet(cells, columns, [f"beta {beta:.3f}" for beta in betas])


def follow(domain: Domain, state: EditState, edit: TextEdit) -> Iterator[float]:
    """How far previews of an edit go the way of its texts, one strength after the other.

    From −``FARTHEST`` to ``FARTHEST``, ``STRIDE`` apart; for ``safe_alphas``.
    """
    dt = wanted_direction(domain, edit)
    for step in range(-FARTHEST, FARTHEST + 1, STRIDE):
        img = preview(replace(edit, alpha=float(step)).apply(state, domain), domain).float()
        with torch.no_grad():
            seen = float(domain.clip.encode_pictures(img.clamp(-1, 1))[0] @ dt)
        yield seen


def safe_alphas(seen: Sequence[float]) -> tuple[float, float]:
    """alpha from and to, between which a portrait follows the text with every step.

    Outwards from 0, the range ends before the first step that gains less than a quarter of what the
    steps around 0 gain.

    Args:
        seen: what ``follow`` gives.
    """
    middle = len(seen) // 2
    least = STALLED * (seen[middle + 1] - seen[middle - 1]) / 2
    back = [seen[middle - i] for i in range(middle + 1)]
    return float(-STRIDE * reach(back, -least)), float(STRIDE * reach(seen[middle:], least))
