"""Text edits: from two texts to the style channels that carry the difference, and how far they go.

(Patashnik et al. 2021, "StyleCLIP", section 6.) With Δt the way from the neutral to the target text
and a row of the table for what channel c does to an embedding,

    r_c = row_c · Δt/‖Δt‖,    kept where |r_c| ≥ β,    s_c += α · σ_c · r_c / max|r_kept|

so alpha is in σ of the strongest channel, and beta only says which channels take part. Without a
table the same r comes from the gradient of E(picture) · Δt, one pass backwards per sample; how far
a channel of those moves is that gradient itself then, the steepest way there is with them: r alone
also moves channels far that hardly show.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import Tensor

from editing.directions.conditions import NOTHING, minus_span
from editing.directions.direction import MAX_ALPHA
from editing.directions.stylespace import statistics_of
from editing.errors import BadInput, UnknownName
from editing.models.domain import Domain
from editing.models.generators.layers import rows_by_layer, style_widths
from editing.models.networks.prompts import neutral_for, text_direction
from editing.models.states import EditState
from editing.text.gradients import Report, by_gradient, reading_gradient, unheard

METHODS = ("global", "jacobian")
FEWEST, COLOURS, STRUCTURE = 8, 0.005, 0.03  # channels of an automatic beta: at least, shares
REMEMBERED = 64  # relevances per domain
ByLayer = Mapping[str, Tensor]  # layer -> [C]
Asked = tuple[dict[str, Tensor], dict[str, Tensor]]  # r, gain: layer -> [C] each


@dataclass(frozen=True)
class StyleChange:
    """A step in StyleSpace: (layer, channels, by how much in units of S), layer by layer."""

    layers: tuple[tuple[str, tuple[int, ...], tuple[float, ...]], ...]

    @property
    def num_channels(self) -> int:
        return sum(len(at) for _, at, _ in self.layers)

    def tensors(self, widths: Mapping[str, int]) -> dict[str, Tensor]:
        """Dense, layer -> [C], for a generator with these ``widths``.

        Raises:
            BadInput: it has no such channels.
        """
        dense = {}
        for layer, at, by in self.layers:
            if max(at, default=0) >= widths.get(layer, 0):
                raise BadInput(
                    f"The text edit moves channel {max(at, default=0)} of {layer}, which this "
                    "generator does not have; make the edit anew for it."
                )
            dense[layer] = torch.zeros(widths[layer])
            dense[layer][list(at)] = torch.tensor(by)
        return dense


def sparse(change: ByLayer) -> StyleChange:
    """The channels of a change layer -> [C] that are not zero."""
    found = []
    for layer, values in change.items():
        at = values.nonzero()[:, 0].tolist()
        if at:
            found.append((layer, tuple(at), tuple(values[at].tolist())))
    return StyleChange(tuple(found))


@dataclass(frozen=True)
class TextEdit:
    """Move the style channels that a text asks for.

    target, neutral: what the picture should show, and what it is compared with; "" = "a person".
    alpha: in σ of the strongest channel.
    beta: least |r| of a channel that takes part; None = chosen by ``auto_count``.
    channels: this many instead.
    method: one of ``METHODS``; "" = the table where the domain has one. Others only have a change.
    keep: attributes and texts that should stay.
    layers: rows of ws whose channels may take part; None = all.
    templates: of prompts; () = those for portraits.
    change: what all this comes to, for alpha = 1; an edit that has it needs no model to be applied.
    """

    target: str
    alpha: float
    neutral: str = ""
    beta: float | None = None
    channels: int | None = None
    method: str = ""
    keep: tuple[str, ...] = ()
    layers: tuple[int, ...] | None = None
    templates: tuple[str, ...] = ()
    change: StyleChange | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.alpha) and abs(self.alpha) <= MAX_ALPHA):
            raise BadInput(
                f"alpha {self.alpha} is not possible; choose a strength from {-MAX_ALPHA:g} to "
                f"{MAX_ALPHA:g}, usually -10 to 10."
            )
        if self.beta is not None and not (math.isfinite(self.beta) and self.beta >= 0):
            raise BadInput(f"beta {self.beta} is not possible; choose 0 to 1, or auto.")
        if self.channels is not None and self.channels < 1:
            raise BadInput(f"{self.channels} channels show nothing; choose 1 or more.")

    def resolved(self, domain: Domain) -> TextEdit:
        """The edit with its change, and with the texts, method and beta that led to it.

        Raises:
            BadInput: texts that cannot be told apart or read, or no channel passes.
            MissingFile: the domain has no text-image model.
        """
        if self.change is not None:
            return self
        found = replace(
            self,
            neutral=self.neutral or neutral_for(self.target),
            method=self.method or best_method(domain),
        )
        r, gain = _asked(domain, found)
        count = self.channels or (auto_count(r) if self.beta is None else None)
        beta = beta_for(r, count) if count else (self.beta or 0.0)
        kept = shares_of(gain, kept_channels(r, beta))
        held = [reading_gradient(domain, name) for name in self.keep if is_attribute(domain, name)]
        weights = without(kept, held) if held else kept
        return replace(found, beta=beta, change=step_of(weights, statistics_of(domain).std))

    def apply(self, state: EditState, domain: Domain) -> EditState:
        """The state with alpha times the change added to its s_delta.

        Raises:
            BadInput: a channel that the generator does not have, or as ``resolved``.
        """
        change = self.resolved(domain).change
        assert change is not None
        s_delta = dict(state.s_delta)
        for layer, step in change.tensors(style_widths(domain.generator)).items():
            by, before = self.alpha * step, s_delta.get(layer)
            s_delta[layer] = by.to(domain.device) if before is None else before + by.to(before)
        return replace(state, s_delta=s_delta)


def best_method(domain: Domain) -> str:
    """The table, where the domain has one."""
    entry = domain.parts.get("global_directions")
    return "global" if entry is not None and domain.is_present(entry) else "jacobian"


# -- how much of what each channel does is asked for


def relevance(domain: Domain, edit: TextEdit, report: Report = unheard) -> dict[str, Tensor]:
    """r, layer -> [C] in -1..1, zero in layers that may not take part.

    Args:
        report: told (done, total) after every piece of the gradients that are asked without a
            table; the first time there are two rounds.
    """
    return _asked(domain, edit, report)[0]


def is_known(domain: Domain, edit: TextEdit) -> bool:
    """Whether ``relevance`` has been asked already, and answers at once."""
    return _key(domain, edit) in _relevances.get(domain, ())


def _key(domain: Domain, edit: TextEdit) -> tuple[object, ...]:
    """What relevance depends on."""
    texts = tuple(name for name in edit.keep if not is_attribute(domain, name))
    neutral = edit.neutral or neutral_for(edit.target)
    return (edit.target, neutral, edit.method or best_method(domain), texts, edit.templates)


def _asked(domain: Domain, edit: TextEdit, report: Report = unheard) -> Asked:
    """r, and how far each channel moves if it takes part; kept for the next time."""
    key = _key(domain, edit)
    known = _relevances.setdefault(domain, OrderedDict())
    if (found := known.get(key)) is None:
        with torch.inference_mode(False):
            dt = wanted_direction(domain, edit)
            found = _relevance(domain, edit.method or best_method(domain), dt, report)
    with _keeping:  # others may ask at the same time
        known[key] = found
        known.move_to_end(key)
        while len(known) > REMEMBERED:
            known.popitem(last=False)
    r, gain = found
    return _on_rows(r, edit.layers, rows_by_layer(domain.generator)), gain


_relevances: WeakKeyDictionary[Domain, OrderedDict[tuple[object, ...], Asked]] = WeakKeyDictionary()
_keeping = threading.Lock()


def wanted_direction(domain: Domain, edit: TextEdit) -> Tensor:
    """The way from the neutral to the target text, without that to the texts to keep, [d].

    Raises:
        BadInput: they cannot be told apart.
    """
    neutral = edit.neutral or neutral_for(edit.target)
    dt = text_direction(domain.clip, neutral, edit.target, edit.templates)
    texts = [name for name in edit.keep if not is_attribute(domain, name)]
    if not texts:
        return dt
    others = [text_direction(domain.clip, neutral, text, edit.templates) for text in texts]
    left = minus_span(dt[None], torch.stack(others)[None])[0]
    if float(left.norm()) < NOTHING:
        raise BadInput(
            f"{edit.target!r} cannot change while {', '.join(map(repr, texts))} stay: they say the "
            "same; keep fewer of them."
        )
    return F.normalize(left, dim=0)


def is_attribute(domain: Domain, name: str) -> bool:
    """Whether what is to be kept is an attribute of the domain; else it is a text."""
    read = "scorer" in domain.parts and name in domain.scorer.outputs
    return name in domain.boundaries or read


def _relevance(domain: Domain, method: str, dt: Tensor, report: Report) -> Asked:
    if method == "global":
        r = by_table(domain.global_directions.rows, dt)
        return r, r
    if method != "jacobian":
        raise UnknownName.among("method", method, METHODS)
    return by_gradient(domain, dt, report)


def by_table(rows: Mapping[str, Tensor], dt: Tensor) -> dict[str, Tensor]:
    """r = row · dt for every channel of the table."""
    return {layer: values @ dt.to(values) for layer, values in rows.items()}


def _on_rows(
    r: Mapping[str, Tensor], rows: Sequence[int] | None, row_of: Mapping[str, int]
) -> dict[str, Tensor]:
    if rows is None:
        return dict(r)
    return {
        layer: values if row_of[layer] in rows else torch.zeros_like(values)
        for layer, values in r.items()
    }


# -- which channels take part


def auto_count(r: ByLayer) -> int:
    """How many channels an edit takes that nobody chose beta for.

    A colour is in few channels, a shape in many (StyleCLIP's own advice). Over how many a relevance
    is spread says its effective number (Σr⁴)²/Σr⁸; twice that is taken, from max(8, 0.5 %) to 3 %
    of all.
    """
    flat = torch.cat(list(r.values())).double()
    few, many = (max(FEWEST, round(share * len(flat))) for share in (COLOURS, STRUCTURE))
    spread = float(flat.pow(4).sum() ** 2 / flat.pow(8).sum().clamp_min(1e-300))
    count = min(max(round(2 * spread), few), many)
    return min(count, int((flat != 0).sum()) or 1)


def beta_for(r: ByLayer, count: int) -> float:
    """The largest beta that lets ``count`` channels through."""
    flat = torch.cat(list(r.values())).abs()
    return float(flat.topk(min(count, len(flat))).values[-1])


def kept_channels(r: ByLayer, beta: float) -> dict[str, Tensor]:
    """r with zeros where |r| < beta, divided by the largest |r|.

    Raises:
        BadInput: none is left; says which beta would leave some.
    """
    strongest = beta_for(r, 1)
    if not (strongest > 0 and beta <= strongest):
        if strongest <= 0:
            raise BadInput("No channel has anything to do with this text; allow other layers.")
        wider = math.floor(1000 * beta_for(r, 2 * FEWEST)) / 1000
        raise BadInput(
            f"No channel reaches beta {beta:g}: the strongest has {strongest:.3f}; beta "
            f"{wider:g} would let {count_at(r, wider)} channels through."
        )
    return {
        layer: torch.where(values.abs() >= beta, values, 0) / strongest
        for layer, values in r.items()
    }


def shares_of(gain: ByLayer, kept: ByLayer) -> dict[str, Tensor]:
    """How far each of the kept channels moves, the farthest by 1."""
    taken = {layer: torch.where(values != 0, gain[layer], 0) for layer, values in kept.items()}
    farthest = max(float(values.abs().max()) for values in taken.values())
    return {layer: values / farthest for layer, values in taken.items()}


def count_at(r: ByLayer, beta: float) -> int:
    """How many channels pass beta."""
    return sum(int(((values.abs() >= beta) & (values != 0)).sum()) for values in r.values())


def without(weights: ByLayer, held: Sequence[ByLayer]) -> dict[str, Tensor]:
    """The part of a weighting of channels that leaves readings alone, to first order.

    Args:
        weights: layer -> [C], in σ; channels at zero stay there.
        held: gradients of the readings, layer -> [C] per σ.

    Raises:
        BadInput: hardly anything is left.
    """
    flat = torch.cat(list(weights.values()))
    taking = flat != 0
    others = torch.stack([torch.cat([each[layer] for layer in weights])[taking] for each in held])
    lengths = others.norm(dim=1, keepdim=True).clamp_min(1e-12)
    left = minus_span(flat[taking][None], (others / lengths)[None])[0]
    share = float(left.norm() / flat.norm())
    if share < NOTHING:
        raise BadInput(
            f"Nothing is left of this edit while all that is to stay stays (a share of {share:.2g})"
            "; keep less, or let more channels take part with a smaller beta."
        )
    flat = torch.zeros_like(flat).masked_scatter(taking, left / left.abs().max())
    parts = torch.split(flat, [len(values) for values in weights.values()])
    return dict(zip(weights, parts, strict=True))


def step_of(weights: ByLayer, std: ByLayer) -> StyleChange:
    """Weights in σ -> a change in units of S."""
    return sparse({layer: values * std[layer].to(values) for layer, values in weights.items()})
