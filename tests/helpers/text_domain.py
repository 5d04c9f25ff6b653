"""A tiny domain whose text-image model is an untrained CLIP that knows a few words."""

from pathlib import Path

import torch
import yaml

from editing.models.domain import Domain, open_domain
from tests.conftest import describe
from tests.helpers.studio_domain import write_studio_domain
from training.train_clip import CONTEXT, export
from training.vocabulary import SPECIAL, words_of

SENTENCES = (
    "a photo of a smiling person with glasses and red hair",
    "a picture, a portrait: an old man, a young woman, a face",
    "一张戴眼镜的人的照片，微笑，老年人",
)


def write_tiny_clip(folder: Path, seed: int = 3) -> None:
    """A CLIP of 32 pixels and 16 dimensions, in the transformers layout."""
    from transformers import CLIPConfig, CLIPModel

    words = words_of(SENTENCES)
    common = {"intermediate_size": 32, "num_attention_heads": 2, "num_hidden_layers": 1}
    text = {
        **common, "hidden_size": 16, "vocab_size": len(words) + len(SPECIAL),
        "max_position_embeddings": CONTEXT, "pad_token_id": 0, "bos_token_id": 2,
        "eos_token_id": 3,
    }  # fmt: skip
    vision = {**common, "hidden_size": 16, "image_size": 32, "patch_size": 8}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=16)
        model = CLIPModel(config)
        for parameter in model.parameters():  # untrained ones hardly differ between pictures
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=0.3)
    export(model, words, folder)


def write_text_domain(folder: Path, clip_seed: int = 3) -> Domain:
    """The tiny studio domain with that CLIP."""
    write_studio_domain(folder)
    write_tiny_clip(folder / "clip", clip_seed)
    facts = yaml.safe_load((folder / "domain.yaml").read_text())
    files = [describe(folder, f"clip/{file.name}") for file in sorted((folder / "clip").iterdir())]
    facts["text_image_model"] = {"file": "clip", "files": files}
    (folder / "domain.yaml").write_text(yaml.safe_dump(facts, sort_keys=False))
    return open_domain(folder)
