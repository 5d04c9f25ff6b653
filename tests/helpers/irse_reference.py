"""Random checkpoints of IR-SE50 networks under their public names, and their forward passes.

Plain tensor operations on the state dict; nothing of ``editing`` is used.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

State = dict[str, Tensor]
STAGES = (3, 4, 14, 3)
WIDTHS = (16, 16, 32, 32, 48)


class Draw:
    """Random tensors, each of a size that keeps activations near one."""

    def __init__(self, seed: int) -> None:
        self.rng = torch.Generator().manual_seed(seed)
        self.state: State = {}

    def normal(self, name: str, *shape: int, gain: float = 1.0) -> None:
        fan = max(1, torch.Size(shape[1:]).numel())
        self.state[name] = torch.randn(shape, generator=self.rng) * gain / fan**0.5

    def norm(self, name: str, width: int) -> None:
        def around_one() -> Tensor:
            return torch.rand(width, generator=self.rng) + 0.5

        self.state |= {
            f"{name}.weight": around_one(),
            f"{name}.bias": torch.randn(width, generator=self.rng) * 0.2,
            f"{name}.running_mean": torch.randn(width, generator=self.rng) * 0.2,
            f"{name}.running_var": around_one(),
            f"{name}.num_batches_tracked": torch.tensor(7),
        }

    def slopes(self, name: str, width: int) -> None:
        self.state[f"{name}.weight"] = torch.rand(width, generator=self.rng) * 0.5


def trunk_state(draw: Draw, inputs: int) -> None:
    draw.normal("input_layer.0.weight", WIDTHS[0], inputs, 3, 3)
    draw.norm("input_layer.1", WIDTHS[0])
    draw.slopes("input_layer.2", WIDTHS[0])
    unit, before = 0, WIDTHS[0]
    for width, count in zip(WIDTHS[1:], STAGES, strict=True):
        for _ in range(count):
            name = f"body.{unit}"
            if before != width:
                draw.normal(f"{name}.shortcut_layer.0.weight", width, before, 1, 1)
                draw.norm(f"{name}.shortcut_layer.1", width)
            draw.norm(f"{name}.res_layer.0", before)
            draw.normal(f"{name}.res_layer.1.weight", width, before, 3, 3)
            draw.slopes(f"{name}.res_layer.2", width)
            draw.normal(f"{name}.res_layer.3.weight", width, width, 3, 3)
            draw.norm(f"{name}.res_layer.4", width)
            draw.normal(f"{name}.res_layer.5.fc1.weight", width // 16, width, 1, 1)
            draw.normal(f"{name}.res_layer.5.fc2.weight", width, width // 16, 1, 1)
            unit, before = unit + 1, width


def head_state(draw: Draw, name: str, w_dim: int, convolutions: int) -> None:
    for i in range(convolutions):
        inputs = WIDTHS[-1] if i == 0 else w_dim
        draw.normal(f"{name}.convs.{2 * i}.weight", w_dim, inputs, 3, 3)
        draw.normal(f"{name}.convs.{2 * i}.bias", w_dim, gain=0.2)
    draw.normal(f"{name}.linear.weight", w_dim, w_dim, gain=w_dim**0.5)
    draw.normal(f"{name}.linear.bias", w_dim, gain=0.2)


def normed(state: State, name: str, x: Tensor) -> Tensor:
    shape = (1, -1) + (1,) * (x.ndim - 2)
    mean, var = state[f"{name}.running_mean"], state[f"{name}.running_var"]
    x = (x - mean.reshape(shape)) / (var.reshape(shape) + 1e-5).sqrt()
    return x * state[f"{name}.weight"].reshape(shape) + state[f"{name}.bias"].reshape(shape)


def sloped(state: State, name: str, x: Tensor) -> Tensor:
    return torch.where(x < 0, x * state[f"{name}.weight"][:, None, None], x)


def trunk(state: State, x: Tensor) -> list[Tensor]:
    """The maps after every stage."""
    x = F.conv2d(x, state["input_layer.0.weight"], padding=1)
    x = sloped(state, "input_layer.2", normed(state, "input_layer.1", x))
    unit, found = 0, []
    for count in STAGES:
        for i in range(count):
            name, stride = f"body.{unit}", 2 if i == 0 else 1
            around = x[:, :, ::stride, ::stride]
            if f"{name}.shortcut_layer.0.weight" in state:
                weight = state[f"{name}.shortcut_layer.0.weight"]
                around = normed(
                    state, f"{name}.shortcut_layer.1", F.conv2d(x, weight, stride=stride)
                )
            y = normed(state, f"{name}.res_layer.0", x)
            y = F.conv2d(y, state[f"{name}.res_layer.1.weight"], padding=1)
            y = sloped(state, f"{name}.res_layer.2", y)
            y = F.conv2d(y, state[f"{name}.res_layer.3.weight"], padding=1, stride=stride)
            y = normed(state, f"{name}.res_layer.4", y)
            means = y.mean((2, 3))
            first, second = (state[f"{name}.res_layer.5.fc{k}.weight"][:, :, 0, 0] for k in (1, 2))
            weights = torch.sigmoid((means @ first.T).clamp(min=0) @ second.T)
            x = y * weights[:, :, None, None] + around
            unit += 1
        found.append(x)
    return found


def head(state: State, name: str, x: Tensor) -> Tensor:
    i = 0
    while f"{name}.convs.{i}.weight" in state:
        x = F.conv2d(x, state[f"{name}.convs.{i}.weight"], stride=2, padding=1)
        x = x + state[f"{name}.convs.{i}.bias"][:, None, None]
        x = torch.where(x < 0, 0.01 * x, x)
        i += 2
    x = x[:, :, 0, 0]
    return x @ state[f"{name}.linear.weight"].T / x.shape[1] ** 0.5 + state[f"{name}.linear.bias"]
