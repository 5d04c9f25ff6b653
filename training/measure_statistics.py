"""Measure the StyleSpace statistics of the bundled generator.

python -m training.measure_statistics
"""

from __future__ import annotations

import json

from editing.models.generators.generator import load_generator
from editing.models.style_statistics import measure_statistics, save_statistics
from training.train_readers import OUT


def main() -> None:
    statistics = measure_statistics(load_generator(OUT / "generator.safetensors"))
    save_statistics(OUT / "statistics.safetensors", statistics)
    facts = {"channels": statistics.num_channels, "samples": statistics.samples}
    print(json.dumps({"statistics": "styles", "psi": statistics.psi} | facts))


if __name__ == "__main__":
    main()
