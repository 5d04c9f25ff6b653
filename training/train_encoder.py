"""Train the encoder: a picture -> ws minus w_avg, robust enough to be shown real photographs.

First it learns the latents of renders (the world pairs them) and of generated pictures, then the
pictures themselves through the generator. Its inputs are roughened far beyond what the world
contains, so that a photograph is read as the nearest portrait. Resumable::

    python -m training.train_encoder
"""

from __future__ import annotations

import argparse
import json
import math
import time

import torch
import torch.nn.functional as F
from torch import Tensor

from editing.features import PictureNet, PictureNetConfig, save_picture_net
from editing.generator import Generator, load_generator
from training.dataset import CACHE, load_renders, seeds_to_z
from training.features import FEATURES
from training.pair_losses import feature_weights, paired_loss, shrink, shrink_labels
from training.precision import autocast, keep_pages
from training.state import load_state, save_state
from training.train_generator import OUT as GENERATOR
from training.train_readers import OUT, augment

STATE = CACHE / "encoder-state"
LATENT_PICTURES, PICTURE_PICTURES = 70_000, 6_000  # per phase
BATCH = {True: 64, False: 16}
PICTURE_SIDE = 64  # pixels at which the second phase compares pictures


def roughen(pictures: Tensor, rng: torch.Generator) -> Tensor:
    """Make pictures [N, 3, R, R] look as little like renders as photographs do.

    Strong colour casts and contrast, another background seen through at the borders, smooth
    shadows, blur and noise; faces stay where they are.
    """
    n, _, side, _ = pictures.shape

    def draw(*shape: int) -> Tensor:
        return torch.rand(shape, generator=rng).to(pictures)

    gain = 1 + (draw(n, 3, 1, 1) * 2 - 1) * 0.22
    contrast = 0.75 + 0.6 * draw(n, 1, 1, 1)
    bent = pictures * gain * contrast + (draw(n, 3, 1, 1) * 2 - 1) * 0.12
    clouds = F.interpolate(
        torch.randn(n, 3, 5, 5, generator=rng).to(pictures), side, mode="bicubic"
    )
    bent = bent + 0.22 * draw(n, 1, 1, 1) * clouds
    axis = torch.linspace(-1, 1, side, device=pictures.device)
    border = (axis.abs() ** 2)[None, :] * 0.9 + (axis.clamp_max(0) ** 2)[:, None] * 0.9
    other = F.interpolate(torch.rand(n, 3, 9, 9, generator=rng).to(pictures) * 2 - 1, side)
    veil = (border.clamp(0, 1) ** 3)[None, None] * (draw(n, 1, 1, 1) < 0.4)
    bent = torch.lerp(bent, other, veil)
    small = F.avg_pool2d(bent, 4)
    blurred = F.interpolate(small, side, mode="bilinear", align_corners=False)
    bent = torch.lerp(bent, blurred, (draw(n, 1, 1, 1) < 0.25).float() * draw(n, 1, 1, 1))
    noise = torch.randn(n, 1, side, side, generator=rng).to(bent)
    return bent + 0.10 * draw(n, 1, 1, 1) * noise


class Trainer:
    def __init__(self, device: str) -> None:
        torch.manual_seed(31)
        self.device = torch.device(device)
        self.generator: Generator = load_generator(GENERATOR, device)
        rows, width = self.generator.num_ws, self.generator.w_dim
        config = PictureNetConfig(
            "residual", 128, (24, 48, 96, 160, 192), (), rows * width, grid=4, hidden=384
        )
        self.net = PictureNet(config).to(self.device, memory_format=torch.channels_last)
        self.optimiser = torch.optim.AdamW(self.net.parameters(), weight_decay=0.01)
        self.done = 0
        with torch.no_grad():
            w = self.generator.mapping(seeds_to_z(range(4_000)).to(self.device))[:, 0]
            self.spread = (w - w.mean(0)).square().mean().sqrt()

    def save(self) -> None:
        nets = {"net": self.net.state_dict(), "optimiser": self.optimiser.state_dict()}
        save_state(STATE, nets | {"done": self.done})

    def load(self) -> None:
        """Go on from the saved state, if there is one."""
        state = load_state(STATE, self.device)
        if state is None:
            return
        self.net.load_state_dict(state["net"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.done = state["done"]

    def encode(self, pictures: Tensor) -> Tensor:
        with autocast(self.device):
            deviation = self.net(pictures.contiguous(memory_format=torch.channels_last))
        deviation = deviation.float().view(len(pictures), self.generator.num_ws, -1)
        return self.generator.mapping.w_avg + deviation * self.spread

    def latent_loss(self, ws: Tensor, wanted: Tensor) -> Tensor:
        return F.smooth_l1_loss(ws / self.spread, wanted / self.spread, beta=0.5)

    def picture_loss(self, ws: Tensor, clean: Tensor, labels: Tensor) -> Tensor:
        with autocast(self.device):
            drawn = self.generator.synthesis(ws, "const", max_resolution=PICTURE_SIDE)
        counts = feature_weights(shrink_labels(labels, PICTURE_SIDE), len(FEATURES))
        return paired_loss(drawn, shrink(clean, PICTURE_SIDE), counts)

    def run(self) -> None:
        renders = load_renders("train", 128)
        latents = seeds_to_z(renders.seeds)
        total = LATENT_PICTURES + PICTURE_PICTURES
        rng = torch.Generator().manual_seed(31 + self.done)
        reported = time.monotonic()
        self.net.train()
        while self.done < total:
            first = self.done < LATENT_PICTURES
            batch = BATCH[first]
            t = (
                self.done / LATENT_PICTURES
                if first
                else (self.done - LATENT_PICTURES) / PICTURE_PICTURES
            )
            top = 2e-3 if first else 4e-4
            for group in self.optimiser.param_groups:
                group["lr"] = top * min(1, 0.05 + 30 * t) * (0.55 + 0.45 * math.cos(math.pi * t))
            pick = torch.randint(len(latents), [batch], generator=rng)
            with torch.no_grad():
                wanted = self.generator.mapping(latents[pick].to(self.device))
                clean = renders.pictures[pick].to(self.device).float() / 127.5 - 1
                rough = torch.rand(batch, generator=rng).to(self.device) < 0.5
                shown = augment(clean, rng, 0.6)
                shown = torch.where(rough[:, None, None, None], roughen(clean, rng), shown)
            ws = self.encode(shown)
            loss = self.latent_loss(ws, wanted)
            if not first:
                loss = 0.5 * loss + self.picture_loss(
                    ws, clean, renders.labels[pick].to(self.device)
                )
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            self.optimiser.step()
            self.done += batch
            if time.monotonic() - reported > 20:
                print(
                    json.dumps(
                        {"net": "encoder", "done": self.done, "loss": round(loss.item(), 4)}
                    ),
                    flush=True,
                )
                self.save()
                reported = time.monotonic()
        self.save()

    @torch.no_grad()
    def export(self) -> None:
        """Write the encoder; its last layer takes over the scale of W."""
        net = self.net.cpu().eval()
        net.head[-1].weight.mul_(self.spread.cpu())
        net.head[-1].bias.mul_(self.spread.cpu())
        save_picture_net(OUT / "encoder.safetensors", net)

    @torch.no_grad()
    def psnr(self) -> dict[str, float]:
        """Held-out renders through W+ and through the mean latent, in dB."""
        self.net.eval()
        renders = load_renders("held_out", self.generator.img_resolution, 500)
        clean = renders.pictures.to(self.device).float() / 127.5 - 1
        mean = self.generator.mapping.w_avg.expand(1, self.generator.num_ws, -1)

        def score(drawn: Tensor) -> float:
            error = (drawn.clamp(-1, 1) - clean).square().mean(dim=(1, 2, 3))
            return (10 * (4 / error).log10()).mean().item()

        drawn = torch.cat([self.generator.synthesis(self.encode(c)) for c in clean.split(50)])
        return {"psnr": score(drawn), "psnr_mean_latent": score(self.generator.synthesis(mean))}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()
    keep_pages()
    trainer = Trainer(args.device)
    trainer.load()
    trainer.run()
    print(json.dumps({"net": "encoder"} | {k: round(v, 2) for k, v in trainer.psnr().items()}))
    trainer.export()


if __name__ == "__main__":
    main()
