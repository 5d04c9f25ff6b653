"""Train the bundled generator: paired and progressive, then sharpened.

The world gives every latent z its picture, so the synthesis network is first taught pairs at 16,
32, 64, ... px through its skip outputs. What is chance in a picture is taught by its textures'
amplitudes then; with a GPU a discriminator can follow. Killed at any moment, the same command
goes on where it stopped::

    python -m training.train_generator            # train and write weights/portraits
    python -m training.train_generator --export   # only write what has been reached
"""

from __future__ import annotations

import argparse
import copy
import functools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from editing.models.generators.generator import (
    Generator,
    GeneratorConfig,
    load_generator,
    save_generator,
)
from training.dataset import CACHE, Z_DIM, Renders, load_renders, seeds_to_z
from training.discriminator import Discriminator
from training.factors import NUM_FACTORS, LatentWorld, to_sigma
from training.state import compact, load_state, save_state
from training.texture import texture_loss

STATE = CACHE / "generator-state"
OUT = Path(__file__).parent.parent / "weights" / "portraits" / "generator.safetensors"
CONFIG = GeneratorConfig(
    img_resolution=256,
    z_dim=Z_DIM,
    w_dim=256,
    num_mapping_layers=4,
    mapping_lr_multiplier=1.0,
    channels=(192, 192, 160, 128, 64, 32, 16),
)
EMA_HALF_LIFE = 4_000  # pictures
D_LEARNING_RATE = 2e-3
R1_EVERY, R1_GAMMA = 16, 1.0
FACTOR_BATCH, FACTOR_WEIGHT = 256, 0.5
FINE = 0.15  # weight of the paired loss's finest bands beside a texture loss
NOISE_START = 0.01  # noise strength given to every layer when it is first drawn at random
NOISE_LEAST = 0.012  # beside a texture loss, in layers of NOISY pixels and more
NOISY = 64


@dataclass(frozen=True)
class Stage:
    """One phase of the training."""

    name: str
    resolution: int
    pictures: int
    batch: int
    learning_rate: tuple[float, float]  # at its start and end
    paired: tuple[float, float] = (1.0, 1.0)  # weight of the paired loss, start and end
    adversarial: tuple[float, float] = (0.0, 0.0)
    texture: float = 0.0  # weight of that loss; with it noise is drawn, and strands may stray

    @property
    def is_adversarial(self) -> bool:
        return self.adversarial != (0.0, 0.0)


STAGES: tuple[Stage, ...] = (
    Stage("paired-16", 16, 70_000, 64, (4e-3, 4e-3)),
    Stage("paired-32", 32, 50_000, 64, (3.5e-3, 3.5e-3)),
    Stage("paired-64", 64, 50_000, 32, (3e-3, 2.5e-3)),
    Stage("paired-128", 128, 40_000, 16, (2.5e-3, 1e-3)),
    Stage("features-64", 64, 50_000, 16, (2e-3, 3e-4)),
    Stage("features-128", 128, 38_000, 16, (1.5e-3, 2e-4)),
    Stage("refine-64", 64, 90_000, 16, (2e-3, 6e-4)),
    Stage("refine-128", 128, 80_000, 16, (1.2e-3, 2e-4)),
    Stage("paired-256", 256, 50_000, 16, (1.5e-3, 2e-4)),
    Stage("texture-256", 256, 45_000, 16, (1e-3, 1.5e-4), texture=8.0),
    Stage("sharp-256", 256, 24_000, 16, (1.2e-3, 1e-4), texture=16.0),
)
# Two cores are too slow for it at 256 px: a discriminator needs tens of thousands of updates.
ADVERSARIAL = Stage("adversarial-256", 256, 400_000, 16, (1e-3, 1.5e-4), (4.0, 0.5), (0.5, 1.0))


def shrink(pictures: Tensor, resolution: int) -> Tensor:
    """Area-average [N, 3, R, R] down to ``resolution``."""
    return (
        F.adaptive_avg_pool2d(pictures, resolution)
        if pictures.shape[-1] != resolution
        else pictures
    )


@functools.cache
def feature_weights(resolution: int) -> Tensor:
    """Where an aligned picture shows eyes and mouth, [R, R]: a small part that people look at.

    1 elsewhere, up to 7 on the features, whose places the FFHQ frame fixes.
    """
    place = (torch.arange(resolution) + 0.5) / resolution
    v, u = torch.meshgrid(place, place, indexing="ij")
    weights = torch.ones_like(u)
    for x, y, wide, high in (
        (0.375, 0.47, 0.07, 0.05),
        (0.625, 0.47, 0.07, 0.05),
        (0.5, 0.72, 0.12, 0.08),
    ):
        weights = weights + 6 * torch.exp(-(((u - x) / wide) ** 2) - ((v - y) / high) ** 2)
    return weights.clamp_max(7.0)


def paired_loss(drawn: Tensor, target: Tensor, levels: int = 4, fine: float = 1.0) -> Tensor:
    """L1 plus twice the L1 of the Laplacian pyramid's bands (Bojanowski et al. 2018).

    Eyes and mouth count more (``feature_weights``), the two finest bands ``fine`` times as much.
    """
    difference = (drawn - target) * feature_weights(drawn.shape[-1]).to(drawn)
    loss = difference.abs().mean()
    for level in range(levels):
        if difference.shape[-1] <= 8:
            break
        small = F.avg_pool2d(difference, 2)
        band = difference - F.interpolate(
            small, scale_factor=2, mode="bilinear", align_corners=False
        )
        loss = loss + 2 * (fine if level < 2 else 1.0) * band.abs().mean()
        difference = small
    return loss


class Trainer:
    """Networks, optimisers and progress; everything that a kill must not lose."""

    def __init__(self, device: str, config: GeneratorConfig = CONFIG, folder: Path = STATE) -> None:
        torch.manual_seed(0)
        self.device, self.folder = torch.device(device), folder
        last = torch.channels_last
        self.generator = Generator(config).to(self.device, memory_format=last)
        self.ema = copy.deepcopy(self.generator).requires_grad_(False)
        self.discriminator = Discriminator(config.channels).to(self.device, memory_format=last)
        self.world = LatentWorld(config.z_dim)
        self.reader = nn.Linear(config.w_dim, NUM_FACTORS).to(self.device)
        learnt = [*self.generator.parameters(), *self.reader.parameters()]
        self.optimiser = torch.optim.Adam(learnt, betas=(0.9, 0.99))
        self.d_optimiser = torch.optim.Adam(self.discriminator.parameters(), betas=(0.0, 0.99))
        self.done: dict[str, int] = {}  # pictures per stage
        self.seconds: dict[str, float] = {}

    def parts(self) -> dict[str, nn.Module | torch.optim.Optimizer]:
        return {
            "generator": self.generator,
            "ema": self.ema,
            "discriminator": self.discriminator,
            "reader": self.reader,
            "optimiser": self.optimiser,
            "d_optimiser": self.d_optimiser,
        }

    def save(self) -> None:
        """Networks and moments at two bytes a number: some 40 MB in three parts."""
        state = {
            name: compact(
                part.state_dict(), torch.float16 if isinstance(part, nn.Module) else torch.bfloat16
            )
            for name, part in self.parts().items()
        }
        save_state(self.folder, state | {"done": self.done, "seconds": self.seconds})

    def load(self) -> None:
        """Go on from the folder's state, if there is one."""
        state = load_state(self.folder, self.device)
        if state is None:
            return
        self.done, self.seconds = state["done"], state["seconds"]
        if len(state["ema"]) < len(self.ema.state_dict()):
            self.grow(state)
            return
        for name, part in self.parts().items():
            part.load_state_dict(state[name])

    def grow(self, state: dict[str, Any]) -> None:
        """Go on from a generator of fewer pixels: at first the picture is the old one, enlarged.

        The new blocks begin at random and draw nothing yet, their skip outputs being zero. The
        optimisers and the discriminator begin anew.
        """
        self.reader.load_state_dict(state["reader"])
        for name in ("generator", "ema"):
            network = self.parts()[name]
            fresh = set(network.load_state_dict(state[name], strict=False).missing_keys)
            for key, value in network.named_parameters():
                if key in fresh and ".torgb." in key and ".affine." not in key:
                    nn.init.zeros_(value)

    def adopt(self, path: Path = OUT) -> None:
        """Begin from a landed generator, all phases but the adversarial one counted as done."""
        weights = load_generator(path).state_dict()
        self.generator.load_state_dict(weights)
        self.ema.load_state_dict(weights)
        self.done = {stage.name: stage.pictures for stage in STAGES}

    def autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16)

    def update_ema(self, batch: int) -> None:
        keep = 0.5 ** (batch / EMA_HALF_LIFE)
        with torch.no_grad():
            for old, new in zip(self.ema.parameters(), self.generator.parameters(), strict=True):
                old.lerp_(new, 1 - keep)

    def batches(self, renders: Renders, stage: Stage) -> Iterator[tuple[Tensor, Tensor]]:
        """Endless (z, picture) pairs; the order depends on what has been done."""
        latents = seeds_to_z(renders.seeds)
        rng = torch.Generator().manual_seed(self.done.get(stage.name, 0) + stage.resolution)
        while True:
            pick = torch.randint(len(latents), [stage.batch], generator=rng)
            pictures = renders.pictures[pick].to(self.device).float() / 127.5 - 1
            pictures = shrink(pictures, stage.resolution)
            yield (
                latents[pick].to(self.device),
                pictures.contiguous(memory_format=torch.channels_last),
            )

    def factor_loss(self) -> Tensor:
        """How badly a linear reader of W tells the factors of fresh latents (mean square, sigma²).

        A brow's angle moves a hundred pixels of a picture: the paired loss alone left the mapping
        deaf to such factors for hundreds of thousands of pictures. The pairing knows them, so the
        mapping is told; 0.5 times this joins the paired loss.
        """
        z = torch.randn(FACTOR_BATCH, self.world.axes.shape[0], device=self.device)
        told = self.reader(self.generator.mapping(z)[:, 0])
        return (told - to_sigma(self.world.factors(z))).square().mean()

    def paired_step(self, stage: Stage, z: Tensor, target: Tensor) -> dict[str, float]:
        with self.autocast():
            ws = self.generator.mapping(z)
            noise = "random" if stage.texture else "none"
            drawn = self.generator.synthesis(ws, noise, max_resolution=stage.resolution)
        drawn, factors = drawn.float(), self.factor_loss()
        loss = paired_loss(drawn, target, fine=FINE if stage.texture else 1.0)
        told = {"paired": loss.item(), "factors": factors.item()}
        if stage.texture:
            texture = texture_loss(drawn, target)
            loss = loss + stage.texture * texture
            told["texture"] = texture.item()
        self.optimiser.zero_grad(set_to_none=True)
        (loss + FACTOR_WEIGHT * factors).backward()
        self.optimiser.step()
        if stage.texture:
            self.keep_awake()
        error = (drawn.detach() - target).abs().mean()
        return told | {"error": error.item()}

    def adversarial_step(
        self, stage: Stage, z: Tensor, target: Tensor, step: int, t: float
    ) -> dict[str, float]:
        """Generator, then discriminator; R1 (Mescheder et al. 2018) every R1_EVERY steps."""
        paired = stage.paired[0] + (stage.paired[1] - stage.paired[0]) * t
        adversarial = stage.adversarial[0] + (stage.adversarial[1] - stage.adversarial[0]) * t
        with self.autocast():
            ws = self.generator.mapping(z)
            drawn = self.generator.synthesis(ws, "random")
            self.discriminator.requires_grad_(False)
            logits = self.discriminator(drawn)
        loss_paired = paired_loss(drawn, target)
        loss_adversarial = F.softplus(-logits).mean()
        kept = paired * (loss_paired + FACTOR_WEIGHT * self.factor_loss())
        self.optimiser.zero_grad(set_to_none=True)
        (kept + adversarial * loss_adversarial).backward()
        self.optimiser.step()
        self.discriminator.requires_grad_(True)
        with self.autocast():
            fake = self.discriminator(drawn.detach())
            real = self.discriminator(target)
        loss_d = F.softplus(fake).mean() + F.softplus(-real).mean()
        self.d_optimiser.zero_grad(set_to_none=True)
        loss_d.backward()
        if step % R1_EVERY == 0:
            shown = target.detach().requires_grad_(True)
            (slope,) = torch.autograd.grad(
                self.discriminator(shown).sum(), shown, create_graph=True
            )
            penalty = slope.square().sum(dim=(1, 2, 3)).mean()
            (penalty * (R1_GAMMA / 2 * R1_EVERY)).backward()
        self.d_optimiser.step()
        return {
            "paired": loss_paired.item(),
            "adversarial": loss_adversarial.item(),
            "d": loss_d.item(),
            "real": real.mean().item(),
            "fake": fake.mean().item(),
        }

    def wake_noise(self) -> None:
        """Wake the noise inputs that sleep."""
        with torch.no_grad():
            for network in (self.generator, self.ema):
                for name, value in network.named_parameters():
                    if name.endswith("noise_strength") and not value.any():
                        value.fill_(NOISE_START)

    @torch.no_grad()
    def keep_awake(self) -> None:
        """Hold the noise of fine layers, which pairs would put to sleep: chance costs them."""
        for name, value in self.generator.named_parameters():
            if name.endswith("noise_strength") and int(name.split(".")[1][1:]) >= NOISY:
                value.copy_(value.abs().clamp(min=NOISE_LEAST))  # noise has no sign

    def run(self, stage: Stage, renders: Renders, until: float) -> bool:
        """Train one stage; False when the clock (``until``, time.monotonic) ran out first."""
        done = self.done.setdefault(stage.name, 0)
        if (stage.is_adversarial or stage.texture) and not done:
            self.wake_noise()
        for group in self.d_optimiser.param_groups:
            group["lr"] = D_LEARNING_RATE
        started, reported, saved = time.monotonic(), time.monotonic(), time.monotonic()
        before = self.seconds.get(stage.name, 0.0)
        sums: dict[str, float] = {}
        count = 0
        for z, target in self.batches(renders, stage):
            if done >= stage.pictures or time.monotonic() > until:
                break
            t = done / stage.pictures
            warm = min(1.0, 0.1 + done / (50 * stage.batch))
            rate = stage.learning_rate[0] * (stage.learning_rate[1] / stage.learning_rate[0]) ** t
            for group in self.optimiser.param_groups:
                group["lr"] = rate * warm
            if stage.is_adversarial:
                losses = self.adversarial_step(stage, z, target, done // stage.batch, t)
            else:
                losses = self.paired_step(stage, z, target)
            self.update_ema(stage.batch)
            done += stage.batch
            self.done[stage.name] = done
            count += 1
            sums = {k: sums.get(k, 0.0) + v for k, v in losses.items()}
            now = time.monotonic()
            if now - reported > 20:
                self.seconds[stage.name] = before + now - started
                mean = {k: round(v / count, 4) for k, v in sums.items()}
                speed = round(count * stage.batch / (now - reported), 1)
                print(
                    json.dumps({"stage": stage.name, "done": done, "per_second": speed} | mean),
                    flush=True,
                )
                sums, count, reported = {}, 0, now
            if now - saved > 120:
                self.save()
                self.sheet(stage)
                saved = now
        self.seconds[stage.name] = before + time.monotonic() - started
        self.save()
        self.sheet(stage)
        return done >= stage.pictures

    @torch.no_grad()
    def sheet(self, stage: Stage, count: int = 32) -> None:
        """Draw seeds 0.. at psi 1 with the averaged generator."""
        ws = self.ema.mapping(seeds_to_z(range(count)).to(self.device))
        drawn = self.ema.synthesis(ws, max_resolution=stage.resolution).cpu()
        rows = [torch.cat(list(drawn[i : i + 8]), dim=2) for i in range(0, count, 8)]
        picture = ((torch.cat(rows, dim=1) + 1) * 127.5).clamp(0, 255).byte().permute(1, 2, 0)
        Image.fromarray(picture.numpy()).save(self.folder / f"sheet-{stage.name}.png")

    @torch.no_grad()
    def export(self, path: Path = OUT) -> None:
        """Write the averaged generator, its mean latent set from 10,000 samples."""
        final = copy.deepcopy(self.ema).cpu()
        final.mapping.w_avg.copy_(final.mapping(seeds_to_z(range(10_000)))[:, 0].mean(dim=0))
        path.parent.mkdir(parents=True, exist_ok=True)
        save_generator(path, final, half=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument(
        "--minutes", type=float, default=1e9, help="stop (resumably) after this long"
    )
    parser.add_argument("--state", type=Path, default=STATE, help="folder of the resumable state")
    parser.add_argument(
        "--adopt", action="store_true", help="no state: go on from the landed generator"
    )
    parser.add_argument("--adversarial", action="store_true", help="with a GPU: that phase, too")
    parser.add_argument("--export", action="store_true", help="only write the generator reached")
    args = parser.parse_args()
    trainer = Trainer(args.device, folder=args.state)
    trainer.load()
    if args.adopt and not trainer.done:
        trainer.adopt()
    if not args.export:
        until = time.monotonic() + 60 * args.minutes
        for stage in (*STAGES, ADVERSARIAL) if args.adversarial else STAGES:
            if trainer.done.get(stage.name, 0) >= stage.pictures:
                continue
            if not trainer.run(stage, load_renders("train", max(128, stage.resolution)), until):
                return
    trainer.export()


if __name__ == "__main__":
    main()
