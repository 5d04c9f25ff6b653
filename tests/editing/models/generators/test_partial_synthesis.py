"""Drawing on from any layer gives the picture that drawing it whole gives."""

import pytest
import torch

from editing.errors import BadInput
from editing.models.generators.generator import Generator, GeneratorConfig
from editing.models.generators.partial_synthesis import Layers
from editing.models.generators.stylegan1 import StyleGAN1Config
from editing.models.generators.stylegan3 import StyleGAN3Config
from tests.conftest import make_tiny_generator


def generators() -> dict[str, Generator]:
    small = {"z_dim": 8, "w_dim": 8, "num_mapping_layers": 2}
    skip = {"img_resolution": 16, "channels": (6, 5, 4), **small}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        found = {
            "skip": make_tiny_generator(32),
            "resnet": Generator(GeneratorConfig(architecture="resnet", **skip)),
            "orig": Generator(GeneratorConfig(architecture="orig", use_noise=False, **skip)),
            "stylegan1": Generator(StyleGAN1Config(img_resolution=16, channels=(6, 5, 4), **small)),
            "stylegan3": Generator(StyleGAN3Config(16, (8, 8, 6, 6, 3), margin_size=4, **small)),
        }
    return {name: g.eval().requires_grad_(False) for name, g in found.items()}


GENERATORS = generators()


@pytest.mark.parametrize("name", GENERATORS)
def test_drawn_on_from_any_layer(name: str) -> None:
    generator = GENERATORS[name]
    rng = torch.Generator().manual_seed(1)
    ws = torch.randn(1, generator.num_ws, generator.w_dim, generator=rng)
    styles, layers = generator.styles(ws), Layers(generator)
    whole = generator.synthesis(styles)
    assert layers.names == tuple(styles)
    for layer in layers.names:
        canvas = layers.until(layer, styles)
        torch.testing.assert_close(layers.draw(styles, layer, canvas), whole)
    middle, late = layers.names[2], layers.names[-2]
    canvas = layers.until(late, styles, middle, layers.until(middle, styles))
    torch.testing.assert_close(layers.draw(styles, late, canvas), whole)


def test_many_pictures_go_on_from_one_canvas() -> None:
    generator = GENERATORS["skip"]
    styles = generator.styles(generator.mapping.w_avg.expand(1, generator.num_ws, -1))
    layers, layer = Layers(generator), "b16.conv0"
    rows = styles[layer].repeat(3, 1)
    rows[1, 0] += 1
    rows[2, 1] -= 1
    many = {name: style.expand(3, -1) for name, style in styles.items()} | {layer: rows}
    drawn = layers.draw(many, layer, layers.until(layer, styles).expanded(3))
    torch.testing.assert_close(drawn, generator.synthesis(many), rtol=1e-4, atol=1e-5)


def test_a_recolouring_is_added_to_the_picture() -> None:
    generator = GENERATORS["skip"]
    styles = generator.styles(generator.mapping.w_avg.expand(1, generator.num_ws, -1))
    layers = Layers(generator)
    whole = layers.draw(styles)
    for layer in ("b4.torgb", "b16.torgb", "b32.torgb"):
        rows = styles[layer].repeat(2, 1)
        rows[1] += 0.5
        many = {name: style.expand(2, -1) for name, style in styles.items()} | {layer: rows}
        found = layers.recoloured(layer, rows, styles[layer], layers.until(layer, styles), whole)
        torch.testing.assert_close(found, generator.synthesis(many), rtol=1e-4, atol=1e-5)
        assert layers.is_recolouring(layer) and not layers.is_recolouring("b4.conv1")
    assert not Layers(GENERATORS["resnet"]).is_recolouring("b16.torgb")


def test_smaller_pictures_are_those_of_their_block() -> None:
    generator = GENERATORS["skip"]
    styles = generator.styles(generator.mapping.w_avg.expand(1, generator.num_ws, -1))
    layers = Layers(generator, 16)
    torch.testing.assert_close(layers.draw(styles), generator.synthesis(styles, max_resolution=16))
    assert all(int(name[1:].partition(".")[0]) <= 16 for name in layers.names)
    for name in ("resnet", "stylegan1"):
        with pytest.raises(BadInput, match="leave the resolution out"):
            Layers(GENERATORS[name], 8)
