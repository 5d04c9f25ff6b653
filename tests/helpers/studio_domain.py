"""What the app's tests run on: the bundled domain or a tiny one with every part, and a server."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
import yaml

from editing.models.domain import WEIGHTS, Domain, open_domain
from editing.models.networks.picture_nets import PictureNet, PictureNetConfig, save_picture_net
from tests.conftest import ATTRIBUTES, describe, make_tiny_generator, write_tiny_domain

NEEDED = {"generator", "encoder", "scorer", "perceptual"}


def write_studio_domain(folder: Path) -> Domain:
    """A tiny domain with random networks for every part that the app uses."""
    generator = make_tiny_generator()
    write_tiny_domain(folder, generator, "studio")
    outputs = {"encoder": generator.num_ws * generator.w_dim, "perceptual": 1, "identity": 8}
    configs = {
        name: PictureNetConfig(resolution=32, channels=(4, 6, 8), num_outputs=count)
        for name, count in outputs.items()
    }
    configs["scorer"] = PictureNetConfig(
        resolution=32, channels=(4, 6, 8), outputs=ATTRIBUTES, num_outputs=len(ATTRIBUTES)
    )
    facts = yaml.safe_load((folder / "domain.yaml").read_text())
    with torch.random.fork_rng():
        torch.manual_seed(2)
        for name, config in configs.items():
            save_picture_net(folder / f"{name}.safetensors", PictureNet(config).eval())
            facts[name] = describe(folder, f"{name}.safetensors")
    (folder / "domain.yaml").write_text(yaml.safe_dump(facts, sort_keys=False))
    return open_domain(folder)


def best_domain(folder: Path) -> Domain:
    """The bundled domain where its weights are there, else a tiny one written to ``folder``."""
    if (WEIGHTS / "portraits" / "domain.yaml").is_file():
        domain = open_domain("portraits")
        present = {name for name, entry in domain.parts.items() if domain.is_present(entry)}
        if present >= NEEDED and "smile" in domain.boundaries:
            return domain
    return write_studio_domain(folder)


@contextmanager
def served(
    domain: Domain, folder: Path, port: int | None = None, links: Path | None = None
) -> Iterator[str]:
    """The address of the app, serving ``domain`` with its temporary files in ``folder``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder))
        patch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
        from ui.page import build_app
        from ui.studio.links import Links
        from ui.theme import launch_options

        app = build_app(domain, links=Links(links) if links else None)
        _, url, _ = app.launch(prevent_thread_lock=True, server_port=port, **launch_options())
        try:
            yield url
        finally:
            app.close(verbose=False)
