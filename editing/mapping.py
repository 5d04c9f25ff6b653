"""From z to ws, the same in every StyleGAN, and what every synthesis does with what it is given.

Maths: Karras et al., "A Style-Based Generator Architecture" (2019), sections 2 and 4.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

import torch
from torch import Tensor, nn

from editing.errors import BadInput
from editing.networks import FullyConnected, normalize_2nd_moment

Styles = dict[str, Tensor]
Touch = Callable[[str, Tensor], Tensor]  # a layer's name and what it gives -> what goes on
NOISE_MODES = ("const", "random", "none")
CHANNELS = {1: "grey", 3: "RGB", 4: "RGB with alpha"}  # of pictures


class MappingConfig(Protocol):
    """What a family's config says about its mapping."""

    @property
    def z_dim(self) -> int: ...
    @property
    def c_dim(self) -> int: ...
    @property
    def w_dim(self) -> int: ...
    @property
    def num_ws(self) -> int: ...
    @property
    def num_mapping_layers(self) -> int: ...
    @property
    def mapping_lr_multiplier(self) -> float: ...


def truncate(ws: Tensor, w_avg: Tensor, psi: float, cutoff: int | None = None) -> Tensor:
    """Pull latents towards the mean: w_avg + psi·(ws − w_avg).

    Args:
        ws: [N, num_ws, w_dim].
        w_avg: mean of W, [w_dim], or of W+, [num_ws, w_dim].
        psi: 1 keeps ``ws`` exactly, 0 gives ``w_avg``.
        cutoff: only the first rows are pulled (None = all).
    """
    if psi == 1:
        return ws
    head = (w_avg if w_avg.ndim == 1 else w_avg[:cutoff]).lerp(ws[:, :cutoff], psi)
    return torch.cat([head, ws[:, head.shape[1] :]], dim=1)


def one_hot(label: int, classes: int, count: int = 1) -> Tensor:
    """The label of a class for ``count`` latents, [count, classes].

    Raises:
        BadInput: there is no such class.
    """
    if not 0 <= label < classes:
        raise BadInput(
            f"There is no class {label}; this generator has "
            + (f"the classes 0 to {classes - 1}." if classes else "no classes, so leave it out.")
        )
    labels = torch.zeros(count, classes)
    labels[:, label] = 1
    return labels


class MappingNetwork(nn.Module):
    """z -> w, broadcast to ws and truncated towards the mean ``w_avg``.

    Where the generator has classes and nobody names one, it is ``usual_class``.
    """

    w_avg: Tensor
    usual_class: int = 0

    def __init__(self, config: MappingConfig) -> None:
        super().__init__()
        self.config = config
        width = config.z_dim
        if config.c_dim:
            self.embed = FullyConnected(config.c_dim, config.w_dim)
            width += config.w_dim
        for i in range(config.num_mapping_layers):
            layer = FullyConnected(width, config.w_dim, "lrelu", config.mapping_lr_multiplier)
            self.add_module(f"fc{i}", layer)
            width = config.w_dim
        self.register_buffer("w_avg", torch.zeros(config.w_dim))

    def forward(
        self,
        z: Tensor,
        c: Tensor | None = None,
        truncation_psi: float = 1.0,
        truncation_cutoff: int | None = None,
    ) -> Tensor:
        """Map z [N, z_dim] and labels c [N, c_dim] to ws [N, num_ws, w_dim].

        Without labels all are of ``usual_class``.
        Truncation is w_avg + psi·(w − w_avg) on the first ``truncation_cutoff`` rows (None = all).
        """
        x = normalize_2nd_moment(z.float())
        if self.config.c_dim:
            if c is None:
                c = one_hot(self.usual_class, self.config.c_dim, len(x)).to(x)
            x = torch.cat([x, normalize_2nd_moment(self.embed(c.float()))], dim=1)
        for i in range(self.config.num_mapping_layers):
            x = self.get_submodule(f"fc{i}")(x)
        ws = x[:, None].repeat(1, self.config.num_ws, 1)
        return truncate(ws, self.w_avg, truncation_psi, truncation_cutoff)


def shifted(styles: Mapping[str, Tensor], s_delta: Mapping[str, Tensor]) -> Styles:
    """styles + s_delta; layers that ``s_delta`` does not name stay as they are."""
    for name, delta in s_delta.items():
        if name not in styles or delta.shape[-1:] != styles[name].shape[-1:]:
            raise BadInput(
                f"The style change {name!r} of shape {list(delta.shape)} does not fit this "
                f"generator; it has {', '.join(styles)}."
            )
    return {k: style + s_delta[k] if k in s_delta else style for k, style in styles.items()}


def check_ws(ws: Tensor, config: MappingConfig) -> None:
    """Refuse ws of another shape than [N, num_ws, w_dim].

    Raises:
        BadInput: says both shapes.
    """
    if ws.ndim != 3 or ws.shape[1:] != (config.num_ws, config.w_dim):
        raise BadInput(
            f"ws of shape {list(ws.shape)} do not fit this generator; "
            f"it takes [N, {config.num_ws}, {config.w_dim}]."
        )


def check_noise_mode(mode: str) -> None:
    """Refuse what is none of NOISE_MODES."""
    if mode not in NOISE_MODES:
        raise BadInput(f"There is no noise mode {mode!r}; choose from {NOISE_MODES}.")


def noise_map(
    stored: Tensor, mode: str, given: Tensor | None, count: int, rng: torch.Generator | None
) -> Tensor | None:
    """The noise of one layer: ``given``, or what the mode says; None = none.

    Args:
        stored: the layer's own map [R, R], for "const".
        count: new maps for "random", [count, 1, R, R].
    """
    if given is not None:
        return given
    if mode == "random":
        return torch.randn([count, 1, *stored.shape], generator=rng, device=stored.device)
    return stored if mode == "const" else None


def check_channels(count: int) -> None:
    """Refuse pictures that are none of CHANNELS.

    Raises:
        BadInput: says how many channels, and which are known.
    """
    if count not in CHANNELS:
        raise BadInput(
            f"Pictures of {count} channels are not known here; a generator may draw "
            f"{', '.join(f'{n} ({kind})' for n, kind in CHANNELS.items())}."
        )


def in_rgb(img: Tensor) -> Tensor:
    """Pictures of 1, 3 or 4 channels [N, C, R, R] as everybody sees them, [N, 3, R, R].

    Grey has three equal channels; what is transparent is white, on which both the picture and its
    opacity are clamped as a PNG would store them.
    """
    if img.shape[1] == 1:
        return img.expand(-1, 3, -1, -1)
    if img.shape[1] == 4:
        opacity = (img[:, 3:].clamp(-1, 1) + 1) / 2
        return 1 + (img[:, :3].clamp(-1, 1) - 1) * opacity
    return img


def untouched(name: str, x: Tensor) -> Tensor:
    """A ``Touch`` that changes nothing."""
    return x
