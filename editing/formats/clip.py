"""CLIP: a Hugging Face folder, or OpenAI's state dict or TorchScript archive, which is not run.

Everything becomes the layout of ``transformers``: its names, and a config.json beside the weights.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from editing.errors import MissingFile
from editing.formats.contents import read_content
from editing.formats.foreign import Weight, Weights, stored
from editing.formats.pickles import Inert, Refused, Unsupported
from editing.formats.torch_files import StoredTensor
from editing.hub import lacks_tokenizer

SCRIPTED = "__torch__."
WEIGHTS = ("model.safetensors", "pytorch_model.bin")  # of a folder, the first that is there
CONFIG = "config.json"
TOKENIZER = ("tokenizer.json", "vocab.json", "merges.txt", "tokenizer_config.json",
             "special_tokens_map.json", "preprocessor_config.json")  # fmt: skip
MAX_TEXT = 16 * 2**20  # bytes of one of these
HEAD = 64  # width of an attention head in all of OpenAI's
NAMES = {  # OpenAI's -> transformers'
    "visual.class_embedding": "vision_model.embeddings.class_embedding",
    "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight",
    "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
    "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
    "positional_embedding": "text_model.embeddings.position_embedding.weight",
    "visual.proj": "visual_projection.weight",
    "text_projection": "text_projection.weight",
    "logit_scale": "logit_scale",
}
NORMS = {"visual.ln_pre": "vision_model.pre_layrnorm", "visual.ln_post":
         "vision_model.post_layernorm", "ln_final": "text_model.final_layer_norm"}  # fmt: skip
BLOCK = re.compile(r"(visual\.)?transformer\.resblocks\.(\d{1,3})\.(.+)\.(\w+)")
PARTS = {"ln_1": "layer_norm1", "ln_2": "layer_norm2", "mlp.c_fc": "mlp.fc1",
         "mlp.c_proj": "mlp.fc2", "attn.out_proj": "self_attn.out_proj"}  # fmt: skip
SPARE = ("input_resolution", "context_length", "vocab_size")


@dataclass(frozen=True, eq=False)
class ForeignClip:
    """A CLIP of another system, under the names of ``transformers``."""

    system: str
    config: dict[str, Any]  # of transformers' CLIPConfig
    weights: Weights
    texts: Mapping[str, Path]  # tokenizer and preprocessor files that come with it
    missing: tuple[str, ...] = ()


def find_clip(content: Any) -> ForeignClip | None:
    """OpenAI's CLIP in what ``read_content`` gave; None if it is another kind of file.

    Raises:
        Refused: it is such a file, but not a vision transformer, or layers are missing.
    """
    if isinstance(content, Inert) and content.kind.startswith(SCRIPTED):
        content = _script_state(content)
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not {"text_projection", "visual.conv1.weight"} <= set(state):
        return None
    if "visual.class_embedding" not in state:
        raise Unsupported("it is a CLIP with a ResNet; those with a vision transformer are read")
    weights: Weights = {}
    for name, value in state.items():
        if name not in SPARE and isinstance(value, StoredTensor):
            for ours, weight in _renamed(str(name), stored(value)):
                weights[ours] = weight
    return ForeignClip("OpenAI CLIP", _config(weights), weights, {}, ("tokenizer",))


def _script_state(root: Inert) -> dict[str, Any]:
    """The tensors of a scripted module's attributes, as a state dict names them."""
    found, waiting = {}, [("", root)]
    while waiting:
        prefix, module = waiting.pop()
        for name, value in (module.state or {}).items():
            if isinstance(value, Inert):
                waiting.append((f"{prefix}{name}.", value))
            else:
                found[f"{prefix}{name}"] = value
    return found


def _renamed(name: str, weight: Weight) -> list[tuple[str, Weight]]:
    """transformers' name (or three: queries, keys and values) and weight of OpenAI's."""
    if name in NAMES:
        turned = name in ("visual.proj", "text_projection")
        return [(NAMES[name], _transposed(weight) if turned else weight)]
    layer, _, kind = name.rpartition(".")
    if layer in NORMS:
        return [(f"{NORMS[layer]}.{kind}", weight)]
    match = BLOCK.fullmatch(name)
    if match is None:
        raise Refused(f"{name[:80]} is unexpected")
    block = f"{'vision' if match[1] else 'text'}_model.encoder.layers.{match[2]}"
    if match[3] in PARTS:
        return [(f"{block}.{PARTS[match[3]]}.{match[4]}", weight)]
    if match[3] == "attn" and match[4] in ("in_proj_weight", "in_proj_bias"):
        kind = match[4].removeprefix("in_proj_")
        return [
            (f"{block}.self_attn.{part}_proj.{kind}", _third(weight, i))
            for i, part in enumerate("qkv")
        ]
    raise Refused(f"{name[:80]} is unexpected")


def _transposed(weight: Weight) -> Weight:
    return Weight(weight.shape[::-1], lambda: weight.load().t().contiguous(), weight.dtype)


def _third(weight: Weight, index: int) -> Weight:
    size = weight.shape[0] // 3
    shape = (size, *weight.shape[1:])
    part = slice(index * size, (index + 1) * size)
    return Weight(shape, lambda: weight.load()[part].clone(), weight.dtype)


def _config(weights: Weights) -> dict[str, Any]:
    """What shapes say; the rest is the same in all of OpenAI's."""
    width, _, patch, _ = weights[NAMES["visual.conv1.weight"]].shape
    places = weights[NAMES["visual.positional_embedding"]].shape[0]
    vocabulary, text_width = weights[NAMES["token_embedding.weight"]].shape

    def depth(model: str) -> int:
        blocks = (f"{model}_model.encoder.layers.{i}.layer_norm1.weight" for i in range(200))
        return sum(name in weights for name in blocks)

    def common(model: str, size: int) -> dict[str, Any]:
        inner = weights[f"{model}_model.encoder.layers.0.mlp.fc1.weight"].shape[0]
        return {
            "hidden_size": size,
            "intermediate_size": inner,
            "hidden_act": "quick_gelu",
            "num_attention_heads": max(1, size // HEAD),
            "num_hidden_layers": depth(model),
        }

    projected = weights["visual_projection.weight"].shape[0]
    side = patch * int((places - 1) ** 0.5)
    vision = {**common("vision", width), "patch_size": patch, "image_size": side}
    text = {
        **common("text", text_width),
        "vocab_size": vocabulary,
        "max_position_embeddings": weights[NAMES["positional_embedding"]].shape[0],
        "bos_token_id": vocabulary - 2,
        "eos_token_id": vocabulary - 1,
    }
    for part in (vision, text):
        part["projection_dim"] = projected
    return {"model_type": "clip", "architectures": ["CLIPModel"], "projection_dim": projected,
            "text_config": text, "vision_config": vision}  # fmt: skip


def find_clip_folder(folder: Path) -> ForeignClip | None:
    """The CLIP of a Hugging Face folder; None if it holds another model.

    Raises:
        MissingFile: its weights are not there.
        UnsafeFile: they are damaged.
    """
    config = read_json(folder / CONFIG) if (folder / CONFIG).is_file() else None
    if not isinstance(config, dict) or config.get("model_type") != "clip":
        return None
    path = next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)
    if path is None:
        raise MissingFile(f"{folder} has no {' or '.join(WEIGHTS)}; fetch the model again.")
    state = read_content(path)
    if not isinstance(state, dict):
        return None
    weights = {str(k): stored(v) for k, v in state.items() if not str(k).endswith("position_ids")}
    texts = {name: folder / name for name in TOKENIZER if (folder / name).is_file()}
    missing = ("tokenizer",) if lacks_tokenizer(folder) else ()
    return ForeignClip("Hugging Face CLIP", config, weights, texts, missing)


def read_json(path: Path) -> Any:
    """A JSON file of bounded size.

    Raises:
        Refused: it is too large or damaged.
    """
    if path.stat().st_size > MAX_TEXT:
        raise Refused(f"{path.name} is {path.stat().st_size} bytes long")
    return json.loads(path.read_text(encoding="utf-8"))
