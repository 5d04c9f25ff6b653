"""What readers of networks return, and how a network is made of it."""

import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from editing.features import Net, NetConfig, make_net
from editing.formats.pickles import Damaged, Refused, Unsupported
from editing.formats.torch_files import StoredTensor
from editing.generator import Config, Generator, GeneratorConfig
from editing.stylegan3 import StyleGAN3Config

RESOLUTIONS = tuple(2**i for i in range(2, 13))
TAPS = (1.0, 3.0, 3.0, 1.0)
FILTERED = re.compile(r"(synthesis\.b\d+)(\.conv[01]|\.skip)?")
MEAN = "mapping.w_avg"
MEAN_SAMPLES = 10_000


@dataclass(frozen=True, eq=False)
class Weight:
    """A tensor that is read when it is asked for."""

    shape: tuple[int, ...]
    load: Callable[[], Tensor]
    dtype: torch.dtype = torch.float32  # of what ``load`` gives, where that is written as it is


Weights = dict[str, Weight]


@dataclass(frozen=True, eq=False)
class Foreign:
    """A generator in a file of another system, its weights under our names and not yet read."""

    system: str  # who wrote it, for people
    config: Config
    weights: Weights
    missing: tuple[str, ...] = ()  # what the file lacks and is made up here, for people


@dataclass(frozen=True, eq=False)
class ForeignNet:
    """A network that reads pictures, in a file of another system; as ``Foreign``."""

    system: str
    part: str  # of a domain: encoder, perceptual, identity
    config: NetConfig
    weights: Weights
    missing: tuple[str, ...] = ()


def stored(value: Any) -> Weight:
    """A tensor of a torch file as a weight."""
    if not isinstance(value, StoredTensor):
        raise Refused(f"it has a {type(value).__name__} where a tensor belongs")
    return Weight(value.shape, value.load, value.dtype)


def reshaped(weight: Weight, *shape: int) -> Weight:
    """The same numbers in another shape; -1 is not possible."""
    return Weight(shape, lambda: weight.load().reshape(shape))


def mean_row(mean: Weight) -> Weight:
    """The mean of W [w_dim] where a file has one, or one for every row."""
    width = mean.shape[-1] if mean.shape else 1
    return Weight((width,), lambda: mean.load().float().reshape(-1, width).mean(0))


def placed(
    state: Mapping[Any, Any], place: Callable[[str], str | None], spare: re.Pattern[str]
) -> Weights:
    """The tensors of a state dict under our names.

    Args:
        place: their name -> ours; None = it has none here.
        spare: names that may be without one of ours.

    Raises:
        Refused: a name that is neither.
    """
    weights: Weights = {}
    for name, value in state.items():
        ours = place(str(name))
        if ours is None and not spare.fullmatch(str(name)):
            raise Refused(f"{str(name)[:80]} is unexpected")
        if ours is not None:
            weights[ours] = stored(value)
    return weights


def complete_noise(weights: Weights, sizes: Mapping[str, int]) -> list[str]:
    """A noise map [R, R] for every layer of ``sizes``; returns what had to be made up."""
    names = {f"{layer}.noise_const": size for layer, size in sizes.items()}
    absent = [name for name in names if name not in weights]
    for name, size in names.items():
        if name in absent:
            weights[name] = made_up_noise(name, size)
        else:
            weights[name] = reshaped(weights[name], *weights[name].shape[-2:])
    return ["noise maps"] if absent else []


def made_up_noise(name: str, resolution: int) -> Weight:
    """A noise map for a file without: the same one whenever this layer is read."""

    def load() -> Tensor:
        rng = torch.Generator().manual_seed(zlib.crc32(name.encode()))
        return torch.randn(resolution, resolution, generator=rng)

    return Weight((resolution, resolution), load)


def add_filters(weights: Weights, kernel: Tensor) -> None:
    """The low-pass filter [T, T], a constant elsewhere, in every place where NVIDIA stores it."""
    found = (FILTERED.match(name) for name in list(weights))
    for layer in {match[i] for match in found if match for i in (0, 1)}:
        shape = (int(kernel.shape[0]), int(kernel.shape[1]))
        weights[f"{layer}.resample_filter"] = Weight(shape, kernel.clone)


def build(foreign: Foreign) -> Generator:
    """The generator: float32, frozen, eval mode.

    Raises:
        Refused: weights are missing, left over, of another shape or not finite.
    """
    with torch.device("meta"):  # no random weights that are thrown away at once
        generator = Generator(foreign.config)
    absent = MEAN in foreign.missing
    weights = dict(foreign.weights)
    if absent:
        shape = tuple(generator.mapping.w_avg.shape)
        weights[MEAN] = Weight(shape, lambda: torch.zeros(shape))
    _fill(generator, weights)
    if absent:
        generator.mapping.w_avg.copy_(_mean(generator))
    return generator


def build_net(foreign: ForeignNet) -> Net:
    """The network: float32, frozen, eval mode.

    Raises:
        Refused: as ``build``.
    """
    net, weights = _empty_net(foreign)
    _fill(net, weights)
    return net


def net_weights(foreign: ForeignNet) -> Weights:
    """The weights of ``build_net``, none of them read yet, under the names of our network.

    Each raises ``Damaged`` where its numbers are not finite, when it is read.

    Raises:
        Refused: weights are missing, left over or of another shape.
    """
    return _fitting(*_empty_net(foreign))


def _empty_net(foreign: ForeignNet) -> tuple[Net, Weights]:
    with torch.device("meta"):
        net = make_net(foreign.config)
    counts = {name for name, _ in net.named_buffers() if name.endswith("num_batches_tracked")}
    weights = {k: v for k, v in foreign.weights.items() if k not in counts}  # says nothing here
    return net, {**weights, **{name: Weight((), lambda: torch.zeros(())) for name in counts}}


def _fitting(module: nn.Module, weights: Weights) -> Weights:
    """Weights for a module whose tensors are on no device yet, as float32."""
    shapes = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    for name in sorted(map(str, shapes.keys() ^ weights.keys())):
        raise Refused(f"{name[:80]} is {'missing' if name in shapes else 'unexpected'}")
    for name, weight in weights.items():
        if weight.shape != shapes[name]:
            raise Refused(f"{name} is {list(weight.shape)}, where {list(shapes[name])} belongs")
    return {name: Weight(weights[name].shape, _finite(name, weights[name])) for name in shapes}


def _finite(name: str, weight: Weight) -> Callable[[], Tensor]:
    def load() -> Tensor:
        tensor = weight.load().float()
        if not bool(tensor.isfinite().all()):
            raise Damaged(f"{name} has numbers that are not finite")
        return tensor

    return load


def _fill(module: nn.Module, weights: Weights) -> None:
    """Put weights into a module whose tensors are on no device yet."""
    state = {name: weight.load() for name, weight in _fitting(module, weights).items()}
    module.load_state_dict(state, assign=True)
    module.eval().requires_grad_(False)


def _mean(generator: Generator) -> Tensor:
    """The mean of W over MEAN_SAMPLES z, all classes alike; shaped as w_avg."""
    rng = torch.Generator().manual_seed(0)
    z = torch.randn(MEAN_SAMPLES, generator.z_dim, generator=rng)
    classes = torch.arange(MEAN_SAMPLES) % max(generator.c_dim, 1)
    labels = functional.one_hot(classes, generator.c_dim) if generator.c_dim else None
    ws: Tensor = generator.mapping(z, labels)
    rows = ws.mean(dim=0)
    return rows if generator.mapping.w_avg.ndim == 2 else rows[0]


def stylegan2_config(
    weights: Mapping[str, Weight], mapping_lr_multiplier: float = 0.01, conv_clamp: Any = None
) -> GeneratorConfig:
    """The config that shapes under NVIDIA's names (formats of StyleGAN2) imply.

    Raises:
        Refused: a layer without which nothing can be said is missing.
    """
    known = [r for r in RESOLUTIONS if f"synthesis.b{r}.conv1.weight" in weights]
    depth = sum(f"mapping.fc{i}.weight" in weights for i in range(64))
    if not known or not depth:
        raise Refused("it lacks the layers of a StyleGAN2 generator")
    check_square(weights.get("synthesis.b4.const"))
    last = f"synthesis.b{known[-1]}"
    c_dim = width = 0
    if "mapping.embed.weight" in weights:
        width, c_dim = weights["mapping.embed.weight"].shape
    taps = weights[f"{last}.resample_filter"].load().float().sum(0)
    standard = torch.tensor(TAPS) / sum(TAPS)
    usual = taps.shape == standard.shape and torch.allclose(taps, standard, atol=1e-4)
    architecture = "resnet" if f"{last}.skip.weight" in weights else "orig"
    return GeneratorConfig(
        img_resolution=known[-1],
        z_dim=weights["mapping.fc0.weight"].shape[1] - width,
        c_dim=c_dim,
        w_dim=weights[f"mapping.fc{depth - 1}.weight"].shape[0],
        num_mapping_layers=depth,
        mapping_lr_multiplier=float(mapping_lr_multiplier),
        channels=tuple(weights[f"synthesis.b{r}.conv1.weight"].shape[0] for r in known),
        img_channels=weights[f"{last}.torgb.weight"].shape[0],
        conv_clamp=None if conv_clamp is None else float(conv_clamp),
        architecture="skip" if "synthesis.b4.torgb.weight" in weights else architecture,
        resample_filter=TAPS if usual else tuple(taps.tolist()),
        use_noise=f"{last}.conv1.noise_const" in weights,
    )


def check_square(const: Weight | None) -> None:
    """Refuse a generator that begins with another grid than 4 x 4.

    Raises:
        Unsupported: says the grid.
    """
    if const is not None and const.shape[-2:] != (4, 4):
        height, width = const.shape[-2:]
        raise Unsupported(
            f"it begins with {height} x {width} places, so it draws no squares; only generators of "
            "square pictures, which begin with 4 x 4, are known"
        )


def stylegan3_config(
    weights: Mapping[str, Weight], names: list[str], **facts: Any
) -> StyleGAN3Config:
    """The config that shapes imply; ``names`` of the layers in order, ``facts`` shapes do not tell.

    Raises:
        KeyError: a layer is missing.
    """
    first = f"synthesis.{names[0]}"
    down = weights.get(f"{first}.down_filter")
    embedded, c_dim = 0, 0
    if "mapping.embed.weight" in weights:
        embedded, c_dim = weights["mapping.embed.weight"].shape
    return StyleGAN3Config(
        channels=tuple(weights[f"synthesis.{name}.weight"].shape[0] for name in names),
        z_dim=weights["mapping.fc0.weight"].shape[1] - embedded,
        c_dim=c_dim,
        w_dim=weights[f"{first}.affine.weight"].shape[1],
        num_mapping_layers=sum(f"mapping.fc{i}.weight" in weights for i in range(64)),
        conv_kernel=weights[f"{first}.weight"].shape[2],
        radial_filters=down is not None and len(down.shape) == 2,
        **facts,
    )
