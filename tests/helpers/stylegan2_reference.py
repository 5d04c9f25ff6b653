"""StyleGAN2 a second time, in plain NumPy: one sample at a time, weights modulated as published.

It shares no code and no shortcut with ``editing``: the convolution weights are scaled and
demodulated per sample, upsampling inserts zeros, filters run tap by tap, everything in float64.
``python -m tests.helpers.stylegan2_reference`` writes tests/data/stylegan2_reference_16px.npz anew.
"""

from pathlib import Path

import numpy as np

Array = np.ndarray
FIXTURE = Path(__file__).parents[1] / "data" / "stylegan2_reference_16px.npz"
CONFIG = {
    "img_resolution": 16,
    "z_dim": 6,
    "w_dim": 8,
    "num_mapping_layers": 2,
    "channels": (10, 7, 5),
    "conv_clamp": 2.5,
}


def lrelu(x: Array) -> Array:
    return np.where(x < 0, 0.2 * x, x) * np.sqrt(2)


def correlate(x: Array, weight: Array) -> Array:
    """'valid' correlation of x [I, H, W] with weight [O, I, K, K], tap by tap."""
    k = weight.shape[2]
    height, width = x.shape[1] - k + 1, x.shape[2] - k + 1
    out = np.zeros((weight.shape[0], height, width))
    for dy in range(k):
        for dx in range(k):
            patch = x[:, dy : dy + height, dx : dx + width]
            out += np.einsum("oi,ihw->ohw", weight[:, :, dy, dx], patch)
    return out


def pad(x: Array, before: int, after: int) -> Array:
    return np.pad(x, [(0, 0), (before, after), (before, after)])


def insert_zeros(x: Array) -> Array:
    out = np.zeros((x.shape[0], 2 * x.shape[1], 2 * x.shape[2]))
    out[:, ::2, ::2] = x
    return out


def low_pass(x: Array, kernel: Array) -> Array:
    """Filter each channel alone; the kernel is symmetric."""
    return np.concatenate([correlate(c[None], kernel[None, None]) for c in x])


def mapping(state: dict[str, Array], z: Array, rows: int) -> Array:
    """One z [z_dim] -> ws [rows, w_dim]."""
    x = z / np.sqrt(np.mean(z**2) + 1e-8)
    i = 0
    while (name := f"mapping.fc{i}") + ".weight" in state:
        weight, bias = state[name + ".weight"], state[name + ".bias"]
        x = lrelu(weight @ x * 0.01 / np.sqrt(len(x)) + bias * 0.01)
        i += 1
    return np.tile(x, (rows, 1))


def affine(state: dict[str, Array], name: str, w: Array) -> Array:
    return state[name + ".affine.weight"] @ w / np.sqrt(len(w)) + state[name + ".affine.bias"]


def convolution(
    state: dict[str, Array], name: str, x: Array, w: Array, noise_mode: str, clamp: float
) -> Array:
    weight = state[name + ".weight"] * affine(state, name, w)[None, :, None, None]
    weight = weight / np.sqrt((weight**2).sum(axis=(1, 2, 3), keepdims=True) + 1e-8)
    if name.endswith("conv0"):
        flipped = weight[:, :, ::-1, ::-1]
        x = correlate(pad(insert_zeros(x), 2, 1), flipped)  # [O, 2H + 1, 2W + 1]
        x = low_pass(pad(x, 1, 1), state[name + ".resample_filter"] * 4)
    else:
        x = correlate(pad(x, 1, 1), weight)
    if noise_mode == "const":
        x = x + state[name + ".noise_const"] * state[name + ".noise_strength"]
    return np.clip(lrelu(x + state[name + ".bias"][:, None, None]), -clamp, clamp)


def to_rgb(state: dict[str, Array], name: str, x: Array, w: Array, clamp: float) -> Array:
    style = affine(state, name, w) / np.sqrt(x.shape[0])
    y = correlate(x, state[name + ".weight"] * style[None, :, None, None])
    return np.clip(y + state[name + ".bias"][:, None, None], -clamp, clamp)


def synthesis(state: dict[str, Array], ws: Array, noise_mode: str, clamp: float) -> Array:
    """One ws [rows, w_dim] -> picture [3, R, R]."""
    x = state["synthesis.b4.const"]
    x = convolution(state, "synthesis.b4.conv1", x, ws[0], noise_mode, clamp)
    img = None
    if "synthesis.b4.torgb.weight" in state:
        img = to_rgb(state, "synthesis.b4.torgb", x, ws[1], clamp)
    row, resolution = 1, 8
    while (block := f"synthesis.b{resolution}") + ".conv0.weight" in state:
        before = x
        x = convolution(state, block + ".conv0", x, ws[row], noise_mode, clamp)
        x = convolution(state, block + ".conv1", x, ws[row + 1], noise_mode, clamp)
        kernel = state[block + ".resample_filter"] * 4
        if block + ".skip.weight" in state:
            weight = state[block + ".skip.weight"] / np.sqrt(len(before))
            around = low_pass(pad(insert_zeros(correlate(before, weight)), 2, 1), kernel)
            x = (x + around) / np.sqrt(2)
        if img is not None:
            img = low_pass(pad(insert_zeros(img), 2, 1), kernel)
        if block + ".torgb.weight" in state:
            rgb = to_rgb(state, block + ".torgb", x, ws[row + 2], clamp)
            img = rgb if img is None else img + rgb
        row, resolution = row + 2, resolution * 2
    return img


def make_state(config, seed: int) -> dict[str, Array]:
    """Random weights for a config; what starts at zero or one, and would hide mistakes, too."""
    import torch

    from editing.models.generators.generator import Generator

    torch.manual_seed(seed)
    shapes = {k: v.numpy() for k, v in Generator(config).state_dict().items()}
    rng = np.random.default_rng(seed)
    state = {k: v.astype(np.float32) for k, v in shapes.items()}
    for name in state:
        if name.endswith(("bias", "noise_strength", "w_avg")):
            change = rng.normal(0, 0.3, state[name].shape).astype(np.float32)
            state[name] = np.asarray(state[name] + change)
    return state


def write_fixture() -> None:
    from editing.models.generators.generator import GeneratorConfig

    state = make_state(GeneratorConfig(**CONFIG), seed=5)
    exact = {k: v.astype(np.float64) for k, v in state.items()}
    rows, clamp = 2 * len(CONFIG["channels"]), CONFIG["conv_clamp"]
    z = np.stack([np.random.RandomState(seed).randn(CONFIG["z_dim"]) for seed in (0, 85)])
    ws = np.stack([mapping(exact, one, rows) for one in z])
    ws[0, 2:] = ws[1, 2:]  # rows differ, so that a wrong row order shows
    results = {"z": z, "ws": ws, "w": np.stack([mapping(exact, one, 1)[0] for one in z])}
    for mode in ("const", "none"):
        images = [synthesis(exact, one, mode, clamp) for one in ws]
        results[f"img_{mode}"] = np.stack(images)
    results = {f"io/{k}": v.astype(np.float32) for k, v in results.items()}
    np.savez_compressed(FIXTURE, **state, **results)


if __name__ == "__main__":
    write_fixture()
