"""Rebuild the bundled domain: ``python -m training all [--from STAGE]``, or one stage by name.

Every stage is a resumable command of its own; a stage started here runs with its defaults, and
``all`` runs it and everything that depends on it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from training.precision import ALLOCATION

OUT = Path(__file__).parent.parent / "weights" / "portraits"

# Stage -> commands, in the order in which they depend on each other.
STAGES: dict[str, tuple[tuple[str, ...], ...]] = {
    "renders": (
        ("training.dataset", "--split", "train", "--count", "15000"),
        ("training.dataset", "--split", "judge", "--count", "10000"),
        ("training.dataset", "--split", "held_out", "--count", "10000"),
        ("training.dataset", "--split", "persons", "--resolution", "64", "--count", "24000"),
        ("training.dataset", "--split", "held_out_persons", "--resolution", "64",
         "--count", "2000"),
    ),
    "generator": (("training.train_generator",),),
    "scorer": (("training.train_readers", "scorer"),),
    "judge": (("training.train_readers", "judge"),),
    "encoder": (("training.train_encoder",),),
    "boundaries": (("training.train_boundaries",),),
    "differential": (("training.train_differential",),),
    "statistics": (("training.measure_statistics",),),
    "perceptual": (("training.train_perceptual",),),
    "deghosting": (("training.train_deghosting",),),  # its loss asks the perceptual network
    "identity": (("training.train_identity",),),
    "clip": (("training.train_clip",),),
    "global_directions": (("training.measure_global_directions",),),
    # What benchmarks/world.py measures in; not landed:
    "features": (("training.train_features", "--resolution", "256"),),
    "domain": (),
    "pictures": (("editing", "presets", "thumbnails"), ("benchmarks.pictures",)),
}  # fmt: skip


def describe_domain() -> None:
    """Write weights/portraits/domain.yaml from the files that lie there."""
    from editing.descriptions import describe_file, write_description
    from editing.generator import load_generator

    def entry(file: str, stage: str) -> dict[str, object] | None:
        facts = {"licence": "MIT", "source": f"python -m training {stage}"}
        if (OUT / file).is_dir():
            names = sorted(path.name for path in (OUT / file).iterdir())
            files = [describe_file(OUT, f"{file}/{name}") for name in names]
            return {"file": file, **facts, "files": files}
        return describe_file(OUT, file, **facts) if (OUT / file).exists() else None

    boundaries = sorted((OUT / "boundaries").glob("*.safetensors"))
    facts = {
        "name": "portraits",
        "title": "Portraits",
        "resolution": load_generator(OUT / "generator.safetensors").img_resolution,
        "family": "stylegan2",
        "alignment": "ffhq",
        **{
            part: entry(f"{part}.safetensors", part)
            for part in ("generator", "encoder", "scorer", "judge")
        },
        "perceptual": entry("perceptual.safetensors", "perceptual")
        or entry("scorer.safetensors", "scorer"),
        "identity": entry("identity.safetensors", "identity"),
        "text_image_model": entry("clip", "clip"),
        "boundaries": {p.stem: entry(f"boundaries/{p.name}", "boundaries") for p in boundaries},
        "statistics": entry("statistics.safetensors", "statistics"),
        "differential": entry("differential.safetensors", "differential"),
        "deghosting": entry("deghosting.safetensors", "deghosting"),
        "global_directions": entry("global_directions.safetensors", "global_directions"),
    }
    write_description(OUT, facts)


def run(stage: str) -> None:
    for command in STAGES[stage]:
        print(f"== {stage}: python -m {' '.join(command)}", flush=True)
        subprocess.run([sys.executable, "-m", *command], check=True, env=os.environ | ALLOCATION)
    if stage not in ("renders", "generator"):
        describe_domain()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("stage", choices=["all", *STAGES])
    parser.add_argument("--from", dest="first", choices=list(STAGES), default="renders")
    args = parser.parse_args()
    names = list(STAGES)
    for stage in names[names.index(args.first) :] if args.stage == "all" else [args.stage]:
        run(stage)


if __name__ == "__main__":
    main()
