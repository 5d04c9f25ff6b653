"""What many tests share: a tiny generator, and a tiny domain around it."""

import pytest
import torch

from editing.generator import Generator, GeneratorConfig

torch.set_num_threads(2)  # what the pictures of a test run are drawn with, whatever the machine


def make_tiny_generator(img_resolution: int = 32, seed: int = 0) -> Generator:
    """A random StyleGAN2 of a few thousand weights whose noise and biases do something."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        config = GeneratorConfig(
            img_resolution=img_resolution,
            z_dim=12,
            w_dim=16,
            num_mapping_layers=2,
            mapping_lr_multiplier=1.0,
            channels=(12, 10, 8, 6, 4, 4)[: img_resolution.bit_length() - 2],
        )
        generator = Generator(config)
        for name, parameter in generator.named_parameters():
            if name.endswith(("noise_strength", "conv0.bias", "conv1.bias")):
                torch.nn.init.normal_(parameter, std=0.2)
        with torch.no_grad():
            mean = generator.mapping(torch.randn(256, 12))[:, 0].mean(0)
        generator.mapping.w_avg.copy_(mean)
    return generator.eval().requires_grad_(False)


@pytest.fixture(scope="session")
def tiny_generator() -> Generator:
    """32 px, read only: every test gets the same one."""
    return make_tiny_generator()
