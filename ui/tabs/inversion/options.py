"""What the widgets of the Inversion tab say, as options of a search, and back."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from editing.errors import BadInput
from editing.inversion.options import (
    InversionOptions,
    LossWeights,
    options_for,
    parse_start,
    read_options,
    with_setting,
)
from editing.io.codec import parse_yaml
from editing.models.domain import Domain
from editing.pictures.masks import brushed_mask
from ui.studio.exports import read_work

LOSSES = tuple(asdict(LossWeights()))
SEARCH = {  # how the latent is searched: setting -> its words
    "lr": "search.lr",
    "ramp_up": "search.ramp_up",
    "ramp_down": "search.ramp_down",
    "jitter": "search.jitter",
    "stop_at": "search.stop_at",
    "patience": "search.patience",
}
STARTS = ("encoder", "encoder:5", "mean", "random", "random:64", "zeros")
MAX_STEPS = 5_000  # of a stage on the page: nobody else waits for a whole day
MAX_COUNT = 256  # of candidates for a start, or of passes through the encoder


def options_from(
    method: str, space: str, start: str, steps: float, noise: float, tune: float, *numbers: float
) -> InversionOptions:
    """Options of the Advanced panel; a start of "" is the method's own.

    Args:
        numbers: the weights of LOSSES, then the settings of SEARCH.

    Raises:
        EditingError: what does not go together, in a sentence.
    """
    base = options_for(method)
    options = replace(
        base,
        space=space,
        start=start.strip() or None,
        steps=_steps(steps),
        noise=replace(base.noise, steps=_steps(noise)),
        tune=replace(base.tune, steps=_steps(tune)),
        weights=LossWeights(
            **{name: float(w or 0) for name, w in zip(LOSSES, numbers, strict=False)}
        ),
    )
    for name, value in zip(SEARCH, numbers[len(LOSSES) :], strict=True):
        options = with_setting(options, name, float(value or 0))
    return within_limits(options)


def written_options(text: str) -> InversionOptions:
    """Options as a recipe writes them: {"level": "standard", "steps": 100, "tune": {"steps": 50}}.

    Raises:
        BadInput: it is no mapping, or a name or value is wrong.
    """
    settings = parse_yaml(text or "{}", "The settings")
    return within_limits(
        read_options(settings, options_for(settings.take("level", str, "standard")))
    )


def within_limits(options: InversionOptions) -> InversionOptions:
    """The options themselves.

    Raises:
        BadInput: they ask for more than the page gives anybody.
    """
    stages = (options.steps, options.noise.steps, options.tune.steps)
    if max(stages) > MAX_STEPS:
        raise BadInput(f"{max(stages)} steps were asked for; here at most {MAX_STEPS} are taken.")
    count = parse_start(options.start)[1] if options.start else 1
    if count > MAX_COUNT:
        raise BadInput(
            f"A start of {count} tries was asked for; here at most {MAX_COUNT} are made."
        )
    return options


def _steps(value: float | None) -> int:
    return min(max(int(value or 0), 0), MAX_STEPS)


def choices_of(method: str) -> list[Any]:
    """What the widgets show of a method, in the order of ``options_from``'s other arguments."""
    options = options_for(method)
    stages = [options.steps, options.noise.steps, options.tune.steps]
    weights = asdict(options.weights)
    numbers = [*(weights[name] for name in LOSSES), *(getattr(options, name) for name in SEARCH)]
    return [options.space, options.start or "", *stages, *numbers]


def given_from(path: str | Path | None, domain: Domain) -> Tensor | None:
    """The ws of a latent file or exported PNG to start from, [1, num_ws, w_dim].

    Raises:
        BadLatent, BadInput: it is none, or of another generator.
    """
    if path is None:
        return None
    work = read_work(Path(path), domain)
    if work is None:
        raise BadInput(
            f"{Path(path).name} carries no latent to start from; take a latent file (.npz) or a "
            "PNG that was exported here."
        )
    work[0].check(domain.generator, domain.fingerprint, domain.name)
    return work[0].ws


def mask_from(painted: Any, resolution: int) -> Tensor | None:
    """The region brushed in an editor; None where nothing was.

    Raises:
        BadInput: it is only a speck.
    """
    layers: Sequence[Any] = (painted or {}).get("layers") or []
    return brushed_mask([np.asarray(layer) for layer in layers], resolution)
