"""The parts of StyleGAN2 against forms written another way."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from editing.models.generators.ops import (
    LRELU_SLOPE,
    FullyConnected,
    activated,
    called_with,
    demodulation,
    downsample2d,
    make_filter,
    modulated_conv2d,
    normalize_2nd_moment,
    upsample2d,
    upsampling_conv2d,
)

TAPS = [(1.0, 3.0, 3.0, 1.0), (1.0, 1.0), (1.0, 2.0, 1.0), (1.0, 5.0, 10.0, 10.0, 5.0, 1.0)]


def upfirdn(x: Tensor, kernel: Tensor, up: int, before: int, after: int) -> Tensor:
    """Zero insertion, padding and filtering one step after the other."""
    n, c, h, w = x.shape
    zeros = x.new_zeros(n, c, h * up, w * up)
    zeros[:, :, ::up, ::up] = x
    padded = F.pad(zeros, [before, after, before, after])
    flat = padded.reshape(n * c, 1, *padded.shape[2:])
    out = F.conv2d(flat, kernel.flip(0, 1)[None, None])
    return out.reshape(n, c, *out.shape[2:])


def grouped_modulated_conv2d(
    x: Tensor, weight: Tensor, styles: Tensor, demodulate: bool, up: Tensor | None
) -> Tensor:
    """The published fused form: one modulated kernel per sample, run as a grouped convolution."""
    n, (o, i, k, _) = len(x), weight.shape
    w = weight[None] * styles[:, None, :, None, None]  # [N, O, I, K, K]
    if demodulate:
        w = w * (w.square().sum(dim=[2, 3, 4], keepdim=True) + 1e-8).rsqrt()
    x = x.reshape(1, n * i, *x.shape[2:])
    if up is None:
        x = F.conv2d(x, w.reshape(n * o, i, k, k), padding=k // 2, groups=n)
    else:
        w = w.transpose(1, 2).reshape(n * i, o, k, k)
        x = F.conv_transpose2d(x, w, stride=2, groups=n)
        taps = len(up)
        x = upfirdn(x, up * 4, 1, (taps - 1) // 2, (taps - 2) // 2)
    return x.reshape(n, o, *x.shape[2:])


@pytest.mark.parametrize("taps", TAPS)
def test_upsampling_is_zero_insertion_and_low_pass(taps: tuple[float, ...]) -> None:
    x, kernel = torch.randn(2, 3, 5, 7), make_filter(taps)
    before, after = (len(taps) + 1) // 2, (len(taps) - 2) // 2
    expected = upfirdn(x, kernel * 4, 2, before, after)
    assert torch.allclose(upsample2d(x, kernel), expected, atol=1e-6)


@pytest.mark.parametrize("taps", TAPS)
def test_downsampling_is_low_pass_and_every_second_pixel(taps: tuple[float, ...]) -> None:
    x, kernel = torch.randn(2, 3, 6, 8), make_filter(taps)
    full = upfirdn(x, kernel, 1, (len(taps) - 1) // 2, (len(taps) - 2) // 2)
    assert torch.allclose(downsample2d(x, kernel), full[:, :, ::2, ::2], atol=1e-6)


def test_a_constant_survives_both_ways_inside() -> None:
    kernel = make_filter((1, 3, 3, 1))
    flat = torch.full([1, 2, 8, 8], 0.5)
    assert torch.allclose(upsample2d(flat, kernel)[..., 2:-2, 2:-2], torch.tensor(0.5))
    assert torch.allclose(downsample2d(flat, kernel)[..., 1:-1, 1:-1], torch.tensor(0.5))


@pytest.mark.parametrize("taps", TAPS)
def test_upsampling_convolution(taps: tuple[float, ...]) -> None:
    x, weight, kernel = torch.randn(2, 3, 5, 5), torch.randn(4, 3, 3, 3), make_filter(taps)
    ones = torch.ones(2, 3)
    expected = grouped_modulated_conv2d(x, weight, ones, False, kernel)
    assert torch.allclose(upsampling_conv2d(x, weight, kernel), expected, atol=1e-4)


@pytest.mark.parametrize("demodulate", [True, False])
@pytest.mark.parametrize("up", [None, make_filter((1, 3, 3, 1))])
def test_scaled_activations_equal_scaled_weights(demodulate: bool, up: Tensor | None) -> None:
    x, weight, styles = torch.randn(3, 5, 6, 6), torch.randn(4, 5, 3, 3), torch.randn(3, 5)
    expected = grouped_modulated_conv2d(x, weight, styles, demodulate, up)
    actual = modulated_conv2d(x, weight, styles, demodulate, up)
    assert torch.allclose(actual, expected, atol=1e-4)
    doubled = modulated_conv2d(x, weight, styles, demodulate, up, gain=2.0)
    assert torch.allclose(doubled, 2 * expected, atol=2e-4)


def test_styles_and_pictures_stay_float32_under_autocast() -> None:
    dense, styles = FullyConnected(5, 5), torch.randn(2, 5)
    weight, picture, kernel = torch.randn(4, 5, 3, 3), torch.randn(1, 3, 4, 4), make_filter((1, 1))
    exact = [dense(styles), demodulation(weight, styles), upsample2d(picture, kernel)]
    with torch.autocast("cpu", torch.bfloat16):
        again = [dense(styles), demodulation(weight, styles), upsample2d(picture, kernel)]
    for a, b in zip(exact, again, strict=True):
        assert torch.equal(a, b)


def test_learning_rate_multiplier_leaves_the_start_alone() -> None:
    """Stored weights grow as the multiplier shrinks, so outputs keep unit variance."""
    torch.manual_seed(0)
    x = torch.randn(256, 128)
    for multiplier in (1.0, 0.01):
        spread = FullyConnected(128, 64, lr_multiplier=multiplier)(x).std().item()
        assert spread == pytest.approx(1, abs=0.1)


def test_normalised_latents_lie_on_the_sphere() -> None:
    z = normalize_2nd_moment(torch.randn(4, 32) * 7)
    assert torch.allclose(z.norm(dim=1), torch.full([4], 32**0.5), atol=1e-4)


def test_changed_tensors_are_seen_by_this_call_alone() -> None:
    """Others draw with the same module meanwhile; here, within its own forward pass."""

    class Asking(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bias, self.kept = nn.Parameter(torch.zeros(2)), (torch.ones(2), "kept")

        def forward(self, x: Tensor) -> Tensor:
            others.append(float(shared.bias.detach().sum()))
            assert self.kept is shared.kept
            return x + self.bias

    shared, others = Asking(), list[float]()
    found = called_with(shared, {"bias": torch.full([2], 5.0)}, torch.ones(2))
    assert found.tolist() == [6, 6] and others == [0]
    assert called_with(shared, {}, torch.ones(2)).tolist() == [1, 1]


@pytest.mark.parametrize("channels", [16, 64])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_noise_reaches_every_channel_whatever_its_way_in_bfloat16(channels, layout):
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(1, channels, 8, 8, generator=rng).bfloat16().contiguous(memory_format=layout)
    noise = torch.randn(8, 8, generator=rng)
    wanted = F.leaky_relu(x + noise.bfloat16()[None, None], LRELU_SLOPE)
    assert torch.equal(activated(x.clone(memory_format=layout), noise, None), wanted)


def test_noise_in_bfloat16_gets_the_gradient_of_all_channels():
    x = torch.zeros(1, 16, 4, 4, dtype=torch.bfloat16).contiguous(memory_format=torch.channels_last)
    noise = torch.ones(4, 4, requires_grad=True)
    activated(x, noise, None).sum().backward()
    assert torch.equal(noise.grad, torch.full((4, 4), 16.0))
