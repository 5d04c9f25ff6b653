"""What a person may choose about an inversion: spaces, starts, losses, stages, named methods.

``METHODS`` holds three levels (quick, standard, best) and the published methods, each a value of
``InversionOptions``; single settings are changed by dotted names such as ``loss.pixel``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, TypeVar

from editing.errors import BadInput, UnknownName
from editing.io.codec import Settings
from editing.io.quantization import KNOWN_LEVELS

SPACES = ("z", "w", "w+")
STARTS = ("encoder", "mean", "zeros", "random")
COUNTED_STARTS = ("encoder", "random")  # those that take a number, as in "random:64"
MAX_STEPS = 100_000
MAX_COUNT = 10_000  # of candidates, or of passes through the encoder

Options = TypeVar("Options")


@dataclass(frozen=True)
class LossWeights:
    """Weights of the losses that find the latent; 0 leaves one out."""

    pixel: float = 1.0  # mean squared difference, [-1, 1] scale
    l1: float = 0.0  # mean absolute difference, the same scale
    perceptual: float = 1.0  # metrics.perceptual_distance
    vgg: float = 0.0  # Image2StyleGAN's: squared difference of four VGG16 maps, 256 px
    ms_ssim: float = 0.0  # 1 − MS-SSIM
    style: float = 0.0  # squared difference of the Gram matrices of the perceptual maps
    identity: float = 0.0  # 1 − cosine of the identity network's embeddings
    in_domain: float = 0.0  # mean (ws − encoder(picture))², in variances of W (idinvert)
    mean: float = 0.0  # mean (ws − w_avg)², in variances of W
    prior: float = 0.03  # of the rows' mean: squared whitened coordinate, mean over w_dim
    spread: float = 0.05  # of the rows' deviation from it, the same; W+ alone has any
    noise: float = 1e5  # of joint noise maps: their autocorrelation (StyleGAN2 projector)

    def __post_init__(self) -> None:
        _check_numbers(self, "loss.", low=0)


@dataclass(frozen=True)
class NoiseOptions:
    """The noise maps, searched after the latent with the latent held (Image2StyleGAN++)."""

    steps: int = 0
    lr: float = 0.002  # Adam's, of what the maps add to the activations; faster holds edits back
    finer: int = 4  # pixels of the smallest map that moves; coarse ones would hold back edits

    def __post_init__(self) -> None:
        _check_steps("noise.steps", self.steps)
        _check_numbers(self, "noise.", positive=("lr",))


@dataclass(frozen=True)
class TuneOptions:
    """The generator's own weights, tuned around the latent (PTI, Roich et al. 2021)."""

    steps: int = 0
    lr: float = 3e-3  # Adam's; weights have standard deviation 1
    pixel: float = 10.0  # weights of its two losses
    perceptual: float = 1.0
    locality: float = 0.0  # weight of both for latents nearby, which shall look as before
    levels: int = 7  # a weight's change is one of ± this many steps and 0; 0 = stored in full

    def __post_init__(self) -> None:
        _check_steps("tune.steps", self.steps)
        _check_numbers(self, "tune.", low=0, positive=("lr",))
        if self.levels not in (0, *KNOWN_LEVELS):
            raise BadInput(
                f"tune.levels is {self.levels}; choose one of {KNOWN_LEVELS}, smallest files "
                "first, or 0 to store the change in full."
            )


@dataclass(frozen=True)
class InversionOptions:
    """How far and where to search; the defaults are the level "standard"."""

    level: str = "standard"  # the name in METHODS that the rest was taken from
    space: str = "w+"  # one of SPACES
    start: str | None = None  # STARTS, "encoder:N", "random:N"; None = encoder, random:64 in z
    steps: int = 200  # of the search of the latent; 0 = the start alone
    lr: float = 0.2  # Adam's, in standard deviations of W (of Z in space z)
    ramp_up: float = 0.05  # share of the steps in which the rate rises
    ramp_down: float = 0.25  # share of the steps in which it falls
    jitter: float = 0.0  # noise on the latent, in standard deviations; gone after 3/4 of the steps
    half: float = 0.5  # share of the steps that draw at half size, where the generator can
    finest: int = 0  # pixels of the finest rows that move in W+; 0 = all (a layer mask)
    joint_noise: bool = False  # noise maps move with the latent, regularised (StyleGAN2 projector)
    stop_at: float = 0.0  # dB: a stage ends where the picture is this near; 0 = never
    patience: int = 0  # a stage ends after this many steps without gain; 0 = never
    weights: LossWeights = field(default_factory=LossWeights)
    noise: NoiseOptions = field(default_factory=NoiseOptions)
    tune: TuneOptions = field(default_factory=TuneOptions)

    def __post_init__(self) -> None:
        if self.space not in SPACES:
            raise UnknownName.among("space", self.space, SPACES)
        _check_steps("steps", self.steps)
        if not (math.isfinite(self.lr) and self.lr > 0):
            raise BadInput(f"A learning rate of {self.lr} is not possible; use 0.2, for example.")
        _check_numbers(self, "", low=0)
        if self.half > 1:
            raise BadInput(f"half is {self.half}; it is a share of the steps, from 0 to 1.")
        if self.start is not None:
            name, _ = parse_start(self.start)
            if self.space == "z" and name in ("encoder", "mean"):
                raise BadInput(
                    f"The start {name!r} is a point of W, which has no z; "
                    "use 'random:64' or 'zeros', or another space."
                )

    @property
    def effective_start(self) -> str:
        """``start``, or what None stands for."""
        return self.start or ("random:64" if self.space == "z" else "encoder")

    @property
    def total(self) -> int:
        """Steps of all stages."""
        return self.steps + self.noise.steps + self.tune.steps


def _check_steps(name: str, steps: int) -> None:
    if not 0 <= steps <= MAX_STEPS:
        asked = f"{steps} steps were" if name == "steps" else f"{steps} of {name} were"
        raise BadInput(f"{asked} asked for; choose from 0 to {MAX_STEPS}.")


def _check_numbers(
    options: Any, prefix: str, low: float = 0.0, positive: tuple[str, ...] = ()
) -> None:
    """Every number of a dataclass is finite and not below ``low``."""
    for each in fields(options):
        value = getattr(options, each.name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if not (math.isfinite(value) and value >= low) or (each.name in positive and value == 0):
            above = "above 0" if each.name in positive else f"from {low:g} upwards"
            raise BadInput(f"{prefix}{each.name} is {value}; it must be a number {above}.")


def parse_start(text: str) -> tuple[str, int]:
    """'encoder' -> ('encoder', 1), 'random:64' -> ('random', 64).

    Raises:
        BadInput: an unknown start, or a count that is not a number from 1 to MAX_COUNT.
    """
    name, colon, count = text.partition(":")
    if name not in STARTS or (colon and name not in COUNTED_STARTS):
        raise UnknownName.among("start", text, (*STARTS, "encoder:N", "random:N"))
    if not colon:
        return name, 1
    if not (count.isascii() and count.isdigit() and 1 <= int(count) <= MAX_COUNT):
        raise BadInput(
            f"The start {text!r} needs a count from 1 to {MAX_COUNT}, such as '{name}:64'."
        )
    return name, int(count)


# -- levels and published methods

NOTHING = LossWeights(**{each.name: 0.0 for each in fields(LossWeights)})
PIXEL_PERCEPTUAL = replace(NOTHING, pixel=1.0, perceptual=1.0)

# Few steps of noise: a photo's own detail comes with them, but the more of it the maps hold, the
# less of an edit arrives, and the rest is speckled.
LEVELS: Mapping[str, InversionOptions] = {
    "quick": InversionOptions("quick", steps=40, lr=0.25),
    "standard": InversionOptions(
        "standard", steps=200, lr=0.2, noise=NoiseOptions(steps=12, finer=128)
    ),
    "best": InversionOptions(
        "best",
        steps=500,
        lr=0.15,
        noise=NoiseOptions(steps=16, finer=64),
        tune=TuneOptions(steps=550, lr=1e-3, pixel=50.0),
    ),
}


def _published(name: str, **options: Any) -> InversionOptions:
    """A method as it was published: every step at full size."""
    return InversionOptions(name, **{"half": 0.0, **options})


# Learning rates are the papers' where the unit is; theirs are of W itself, ours of its spread.
METHODS: Mapping[str, InversionOptions] = {
    **LEVELS,
    "encoder": InversionOptions("encoder", steps=0),
    "restyle": InversionOptions("restyle", start="encoder:5", steps=0),
    "w": _published("w", space="w", start="mean", steps=500, weights=PIXEL_PERCEPTUAL),
    "image2stylegan": _published(
        "image2stylegan", start="mean", steps=500, weights=PIXEL_PERCEPTUAL
    ),
    "image2stylegan++": _published(
        "image2stylegan++", start="mean", steps=500, weights=PIXEL_PERCEPTUAL,
        noise=NoiseOptions(steps=300),
    ),
    "idinvert": _published(
        "idinvert", steps=100, lr=0.1, ramp_up=0.0, ramp_down=0.0,
        weights=replace(PIXEL_PERCEPTUAL, in_domain=2.0),
    ),
    "projector": _published(
        "projector", space="w", start="mean", steps=1000, jitter=0.05, joint_noise=True,
        weights=replace(NOTHING, perceptual=1.0, noise=1e5),
    ),
    "pti": _published(
        "pti", space="w", start="mean", steps=450, jitter=0.05, weights=PIXEL_PERCEPTUAL,
        tune=TuneOptions(steps=350, pixel=1.0),
    ),
}  # fmt: skip


def options_for(level: str = "standard", **changes: Any) -> InversionOptions:
    """A level or method with some fields replaced.

    Raises:
        UnknownName: there is no such level.
        BadInput: a replaced value is out of range.
    """
    if level not in METHODS:
        raise UnknownName.among("level", level, METHODS)
    return replace(METHODS[level], **changes)


# -- single settings by name

PREFIXES = {"weights": "loss", "noise": "noise", "tune": "tune"}  # field -> how people say it


def setting_names(options: InversionOptions) -> dict[str, tuple[str, ...]]:
    """'loss.pixel' -> ('weights', 'pixel') for every number that can be set."""
    names: dict[str, tuple[str, ...]] = {}
    for each in fields(options):
        value = getattr(options, each.name)
        if is_dataclass(value):
            inner = PREFIXES[each.name]
            names |= {f"{inner}.{sub.name}": (each.name, sub.name) for sub in fields(value)}
        elif isinstance(value, bool | int | float):
            names[each.name] = (each.name,)
    return names


def with_setting(options: InversionOptions, name: str, value: float) -> InversionOptions:
    """Change one setting by its dotted name, such as ``loss.pixel`` or ``tune.lr``.

    Raises:
        UnknownName: the known names are listed.
        BadInput: the value is out of range, or no whole number where one is needed.
    """
    known = setting_names(options)
    if name not in known:
        raise UnknownName.among("setting", name, known)
    *outer, last = known[name]
    holder = getattr(options, outer[0]) if outer else options
    old = getattr(holder, last)
    if isinstance(old, int) and value != int(value):
        raise BadInput(f"{name} is {value}; it must be a whole number, such as {int(old)}.")
    changed = replace(holder, **{last: type(old)(value)})
    if not outer:
        return changed
    inner: dict[str, Any] = {outer[0]: changed}
    return replace(options, **inner)


def read_options(settings: Settings, default: Options) -> Options:
    """Options as ``asdict`` wrote them into YAML; what is absent stays as in ``default``.

    The caller's own keys must be taken out before; the rest is refused.
    """
    changes: dict[str, Any] = {}
    for each in fields(default):  # type: ignore[arg-type]
        value = getattr(default, each.name)
        if is_dataclass(value):
            part = settings.part(each.name)
            changes[each.name] = read_options(part, value) if part else value
        else:
            changes[each.name] = settings.take(
                each.name, str if value is None else type(value), value
            )
    settings.end()
    return replace(default, **changes)  # type: ignore[type-var]
