"""Train the bundled generator: every latent z has its render, drawn at 128 px first, then at 256.

The world pairs latents and pictures, so the generator learns from pairs: feature by feature, as a
frozen scorer and the perceptual network see them, and as the scorer reads them. Beside the colours
it says what each pixel shows, which is left out of the file. Killed at any moment, the same
command goes on where it stopped; where there is no state, from the landed one::

    python -m training.train_generator            # train and write weights/portraits
    python -m training.train_generator --export   # only write what has been reached
    python -m training.train_generator --land     # write the landed state, training/state
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn

from editing.features import load_picture_net
from editing.generator import Generator, GeneratorConfig, load_generator, save_generator
from training.dataset import CACHE, Z_DIM, open_renders, seeds_to_z
from training.factors import INDEX, NUM_FACTORS, NUM_TRAITS, LatentWorld
from training.features import FEATURES
from training.mapping_start import start_mapping, step_direction, told_error
from training.pair_losses import (
    Watchers,
    feature_weights,
    label_loss,
    paired_loss,
)
from training.pairs import Batch, Pairs, Source
from training.precision import autocast, keep_pages
from training.state import compact, load_state, save_state
from training.transplant import change_mapping, take_over

STATE = CACHE / "generator-state"
LANDED = Path(__file__).parent / "state"
WEIGHTS = Path(__file__).parent.parent / "weights" / "portraits"
OUT = WEIGHTS / "generator.safetensors"
CONFIG = GeneratorConfig(
    img_resolution=256,
    z_dim=Z_DIM,
    w_dim=256,
    num_mapping_layers=4,
    mapping_lr_multiplier=1.0,
    channels=(256, 256, 192, 160, 96, 32, 16),
)
EMA_HALF_LIFE = 4_000  # pictures
TOLD_BATCH = 256  # fresh latents per step, whose factors a linear reader of W tells
HALF_WORN = 0.4  # glasses count as worn down to this part of their step in W
WARM_STEPS = 50
REPORT_EVERY, SAVE_EVERY = 60, 120  # seconds


@dataclass(frozen=True)
class Stage:
    """One phase of the training."""

    name: str
    resolution: int
    pictures: int
    batch: int
    learning_rate: tuple[float, float]  # at its start and end
    features: float = 1.0  # weight of how networks see the picture
    reading: float = 1.0  # of what the scorer reads otherwise
    labels: float = 0.3  # of what each pixel is said to show
    told: float = 0.5  # of what a linear reader of W misses


STAGES: tuple[Stage, ...] = (
    Stage("pairs-128", 128, 80_000, 8, (2e-3, 5e-4)),
    Stage("pairs-256", 256, 250_000, 8, (1e-3, 1e-5)),
)


def with_labels(config: GeneratorConfig) -> GeneratorConfig:
    """The config of the generator while it is trained: beside the colours, one map per feature."""
    return replace(config, img_channels=config.img_channels + len(FEATURES))


def without_labels(generator: Generator, config: GeneratorConfig) -> Generator:
    """A generator of ``config`` that draws the colours alone."""
    plain = Generator(config)
    wanted = plain.state_dict()
    state = {
        key: value[: len(wanted[key])] if ".torgb." in key and ".affine." not in key else value
        for key, value in generator.state_dict().items()
    }
    plain.load_state_dict(state)
    return plain


class Trainer:
    """Networks, optimiser and progress; everything that a kill must not lose."""

    def __init__(
        self,
        device: str,
        config: GeneratorConfig = CONFIG,
        folder: Path = STATE,
        watchers: Watchers | None = None,
    ) -> None:
        torch.manual_seed(0)
        self.device, self.config, self.folder = torch.device(device), config, folder
        self.watchers = watchers  # who look at pairs; None = no stage asks for them
        self.world = LatentWorld(config.z_dim)
        last = torch.channels_last
        self.generator = Generator(with_labels(config)).to(self.device, memory_format=last)
        self.ema = copy.deepcopy(self.generator).requires_grad_(False)
        self.reader = nn.Linear(config.w_dim, NUM_FACTORS + NUM_TRAITS).to(self.device)
        learnt = [*self.generator.parameters(), *self.reader.parameters()]
        self.optimiser = torch.optim.Adam(learnt, betas=(0.9, 0.99))
        self.done: dict[str, int] = {}  # pictures per stage
        self.seconds: dict[str, float] = {}

    def parts(self) -> dict[str, nn.Module | torch.optim.Optimizer]:
        return {
            "generator": self.generator,
            "ema": self.ema,
            "reader": self.reader,
            "optimiser": self.optimiser,
        }

    def begin(self, landed: Path = OUT) -> None:
        """A mapping that tells every factor, and the synthesis of a file where there is one.

        Its noise sleeps: pairs are drawn without.
        """
        told = start_mapping(self.generator.mapping, self.reader, self.world)
        if landed.is_file():
            known = load_generator(landed)
            change_mapping(known, self.generator.mapping)
            take_over(self.generator, known.state_dict())
            for name, value in self.generator.named_parameters():
                if name.endswith("noise_strength"):
                    nn.init.zeros_(value)
        self.ema.load_state_dict(self.generator.state_dict())
        print(json.dumps({"begun": "mapping fitted", "told": round(told, 4)}), flush=True)

    def save(self) -> None:
        """Networks and moments at two bytes a number."""
        state = {
            name: compact(
                part.state_dict(), torch.float16 if isinstance(part, nn.Module) else torch.bfloat16
            )
            for name, part in self.parts().items()
        }
        save_state(self.folder, state | {"done": self.done, "seconds": self.seconds})

    def load(self, landed: Path = LANDED) -> bool:
        """Go on from the folder's state, else from the landed one; whether there was either.

        The landed one has no moments: the optimiser begins anew, warming up.
        """
        state = load_state(self.folder, self.device) or load_state(landed, self.device)
        if state is None:
            return False
        self.done, self.seconds = state["done"], state["seconds"]
        self.generator.load_state_dict(state.get("generator", state["ema"]))
        self.ema.load_state_dict(state["ema"])
        self.reader.load_state_dict(state["reader"])
        if "optimiser" in state:
            self.optimiser.load_state_dict(state["optimiser"])
        return True

    def land(self, folder: Path = LANDED) -> None:
        """Write what another checkout needs to go on: the average and the reader."""
        nets = {"ema": self.ema.state_dict(), "reader": self.reader.state_dict()}
        facts = {"done": self.done, "seconds": self.seconds}
        save_state(folder, compact(nets, torch.float16) | facts)

    def update_ema(self, batch: int) -> None:
        keep = 0.5 ** (batch / EMA_HALF_LIFE)
        with torch.no_grad():
            for old, new in zip(self.ema.parameters(), self.generator.parameters(), strict=True):
                old.lerp_(new, 1 - keep)

    def half_worn(self, ws: Tensor, rng: torch.Generator) -> Tensor:
        """Bring half of the people [N, num_ws, w_dim] nearer to the step of their glasses in W.

        Glasses are worn or not, but truncation and edits go through what lies between, where no
        pair is: there they would be drawn half. So both sides are drawn whole almost to the middle.
        """
        index = INDEX["eyeglasses"]
        with torch.no_grad():
            worn = self.reader(ws[:, 0])[:, index]
            part = HALF_WORN + (1 - HALF_WORN) * torch.rand(len(ws), generator=rng)
            part[::2] = 1
            back = (worn * (1 - part.to(worn)))[:, None] * step_direction(self.reader, index)
        return ws - back[:, None]

    def step(self, stage: Stage, batch: Batch, rng: torch.Generator) -> dict[str, float]:
        """Draw the batch's people, and learn from their renders."""
        with autocast(self.device):
            ws = self.half_worn(self.generator.mapping(batch.z), rng)
            drawn = self.generator.synthesis(ws, "none", max_resolution=stage.resolution)
        colours = self.config.img_channels
        picture, logits = drawn[:, :colours].float(), drawn[:, colours:].float()
        counts = feature_weights(batch.labels, len(FEATURES))
        fresh = torch.randn(TOLD_BATCH, self.config.z_dim, generator=rng).to(self.device)
        losses = {
            "paired": (1.0, paired_loss(picture, batch.pictures, counts)),
            "labels": (stage.labels, label_loss(logits, batch.labels, counts)),
            "told": (
                stage.told,
                told_error(self.generator.mapping, self.reader, self.world, fresh),
            ),
        }
        if self.watchers and (stage.features or stage.reading):
            with autocast(self.device):
                seen = self.watchers(picture, batch.pictures, batch.readable)
            losses |= {
                "features": (stage.features, seen.features),
                "reading": (stage.reading, seen.reading),
            }
        self.optimiser.zero_grad(set_to_none=True)
        sum(weight * loss for weight, loss in losses.values()).backward()
        self.optimiser.step()
        error = (picture.detach() - batch.pictures).abs().mean()
        return {name: loss.item() for name, (_, loss) in losses.items()} | {"error": error.item()}

    def steps_taken(self) -> int:
        """Steps that the optimiser's moments have seen."""
        return max((int(each["step"]) for each in self.optimiser.state.values()), default=0)

    def run(self, stage: Stage, source: Callable[[], Source], until: float) -> bool:
        """Train one stage; False when the clock (``until``, time.monotonic) ran out first.

        Args:
            source: opens the renders there are; asked again now and then, as they may grow.
        """
        done = self.done.setdefault(stage.name, 0)
        rng = torch.Generator().manual_seed(done + stage.resolution)
        pairs = Pairs(source())
        warm = self.steps_taken()
        started = reported = saved = time.monotonic()
        before = self.seconds.get(stage.name, 0.0)
        means = Means()
        while done < stage.pictures and time.monotonic() < until:
            t = done / stage.pictures
            rate = stage.learning_rate[0] * (stage.learning_rate[1] / stage.learning_rate[0]) ** t
            for group in self.optimiser.param_groups:
                group["lr"] = rate * min(1.0, 0.1 + warm / WARM_STEPS)
            batch = pairs.batch(stage.batch, stage.resolution, rng, self.device)
            means.add(self.step(stage, batch, rng))
            self.update_ema(stage.batch)
            warm, done = warm + 1, done + stage.batch
            self.done[stage.name] = done
            now = time.monotonic()
            self.seconds[stage.name] = before + now - started
            if now - reported > REPORT_EVERY:
                speed = round(means.count * stage.batch / (now - reported), 1)
                facts = {"stage": stage.name, "done": done, "per_second": speed}
                print(json.dumps(facts | means.taken()), flush=True)
                reported = now
            if now - saved > SAVE_EVERY:
                self.save()
                self.sheet(stage)
                grown = source()
                pairs, saved = pairs if len(grown) == pairs.total else Pairs(grown), now
        self.save()
        self.sheet(stage)
        return done >= stage.pictures

    @torch.no_grad()
    def sheet(self, stage: Stage, count: int = 32) -> None:
        """Draw seeds 0.. at psi 1 with the averaged generator."""
        ws = self.ema.mapping(seeds_to_z(range(count)).to(self.device))
        drawn = self.ema.synthesis(ws, "none", max_resolution=stage.resolution)
        drawn = drawn[:, : self.config.img_channels].cpu()
        rows = [torch.cat(list(drawn[i : i + 8]), dim=2) for i in range(0, count, 8)]
        picture = ((torch.cat(rows, dim=1) + 1) * 127.5).clamp(0, 255).byte().permute(1, 2, 0)
        Image.fromarray(picture.numpy()).save(self.folder / f"sheet-{stage.name}.png")

    @torch.no_grad()
    def export(self, path: Path = OUT) -> None:
        """Write the averaged generator, its mean latent set from 10,000 samples."""
        final = without_labels(self.ema.cpu(), self.config)
        final.mapping.w_avg.copy_(final.mapping(seeds_to_z(range(10_000)))[:, 0].mean(dim=0))
        path.parent.mkdir(parents=True, exist_ok=True)
        save_generator(path, final, half=True)


class Means:
    """Means of losses since they were last taken."""

    def __init__(self) -> None:
        self.count, self.sums = 0, dict[str, float]()

    def add(self, losses: dict[str, float]) -> None:
        self.count += 1
        self.sums = {name: self.sums.get(name, 0.0) + loss for name, loss in losses.items()}

    def taken(self) -> dict[str, float]:
        means = {name: round(total / self.count, 4) for name, total in self.sums.items()}
        self.count, self.sums = 0, {}
        return means


def open_watchers(device: str) -> Watchers:
    """The landed scorer and perceptual network; the judge has no part in training."""
    scorer, perceptual = (
        load_picture_net(WEIGHTS / f"{name}.safetensors", device).to(
            memory_format=torch.channels_last
        )
        for name in ("scorer", "perceptual")
    )
    return Watchers(scorer, perceptual)


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
        "--start",
        type=Path,
        default=OUT,
        help="no state: the generator whose synthesis is taken over",
    )
    parser.add_argument("--export", action="store_true", help="only write the generator reached")
    parser.add_argument("--land", action="store_true", help="only write the state to go on from")
    args = parser.parse_args()
    keep_pages()
    trainer = Trainer(args.device, folder=args.state, watchers=open_watchers(args.device))
    known = trainer.load()
    if args.export or args.land:
        if not known:
            raise SystemExit(f"there is no state in {args.state} or {LANDED}: train first")
        trainer.land() if args.land else trainer.export()
        return
    if not known:
        trainer.begin(args.start)
    until = time.monotonic() + 60 * args.minutes
    for stage in STAGES:
        if trainer.done.get(stage.name, 0) >= stage.pictures:
            continue
        if not trainer.run(stage, lambda: open_renders("train", 256), until):
            return
    trainer.export()


if __name__ == "__main__":
    main()
