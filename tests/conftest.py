"""What many tests share: a tiny generator, and a tiny domain around it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import yaml

from editing.directions.direction import Direction, save_direction
from editing.models.domain import Domain, file_hash, open_domain
from editing.models.generators.generator import Generator, GeneratorConfig, save_generator
from editing.models.networks.picture_nets import PictureNet, PictureNetConfig, save_picture_net

ATTRIBUTES = ("smile", "age", "gender")
torch.set_num_threads(1)  # tiny networks gain nothing from more, and tests share the machine


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


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the app learns about this machine is not mixed with what tests teach it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATENT_STUDIO_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def tiny_generator() -> Generator:
    """32 px, read only: every test gets the same one."""
    return make_tiny_generator()


def write_tiny_domain(folder: Path, generator: Generator, networks: bool = True) -> Path:
    """A domain folder around a generator: three boundaries, and untrained networks that read."""
    rng = torch.Generator().manual_seed(1)
    save_generator(folder / "generator.safetensors", generator)
    for attribute in ATTRIBUTES:
        vector = torch.nn.functional.normalize(torch.randn(generator.w_dim, generator=rng), dim=0)
        direction = Direction(attribute, vector, step=0.5)
        save_direction(folder / "boundaries" / f"{attribute}.safetensors", direction)
    parts = ["generator"]
    if networks:
        parts += write_tiny_networks(folder, generator)
    facts = {
        "name": "tiny",
        "title": "Tiny",
        "resolution": generator.img_resolution,
        "family": "stylegan2",
        "alignment": "ffhq",
        **{part: describe(folder, f"{part}.safetensors") for part in parts},
        "boundaries": {a: describe(folder, f"boundaries/{a}.safetensors") for a in ATTRIBUTES},
    }
    (folder / "domain.yaml").write_text(yaml.safe_dump(facts, sort_keys=False))
    return folder


def write_tiny_networks(folder: Path, generator: Generator) -> list[str]:
    """The parts that read pictures; returns their names."""
    outputs = {"encoder": generator.num_ws * generator.w_dim, "perceptual": 1, "identity": 8}
    with torch.random.fork_rng():
        torch.manual_seed(2)
        for part, count in {"scorer": 3, "judge": 3, **outputs}.items():
            config = PictureNetConfig(
                kind="plain" if part == "judge" else "residual",
                resolution=32,
                channels=(4, 6),
                outputs=ATTRIBUTES if part in ("scorer", "judge") else (),
                num_outputs=count,
            )
            save_picture_net(folder / f"{part}.safetensors", PictureNet(config))
    return ["scorer", "judge", *outputs]


def describe(folder: Path, file: str) -> dict[str, object]:
    """A file's entry in domain.yaml."""
    path = folder / file
    return {"file": file, "sha256": file_hash(path), "size": path.stat().st_size}


@pytest.fixture(scope="session")
def tiny_domain(tmp_path_factory: pytest.TempPathFactory, tiny_generator: Generator) -> Domain:
    """The tiny generator as a whole domain: boundaries smile, age, gender; networks; read only."""
    folder = write_tiny_domain(tmp_path_factory.mktemp("weights") / "tiny", tiny_generator)
    return open_domain(folder)
