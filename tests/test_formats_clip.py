"""CLIP: OpenAI's state dict and TorchScript archive, Hugging Face folders, others' safetensors.

Names as in openai/CLIP d05afc4, clip/model.py, and transformers, models/clip/modeling_clip.py.
"""

import json
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from editing.conversion import convert
from editing.domains import open_domain
from editing.errors import UnsafeFile, UnsupportedFile
from editing.formats.clip import find_clip
from editing.formats.contents import read_content
from editing.formats.pickles import refusing
from editing.generator import Generator
from editing.inspection import inspect_file
from tests.conftest import write_tiny_domain
from tests.text_domain import write_tiny_clip

State = dict[str, Tensor]
WIDTH, LAYERS, PATCH, SIDE = 128, 2, 8, 16  # two heads of 64
TEXT, WORDS, CONTEXT, JOINT = 64, 30, 6, 24


pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")


def make_state() -> State:
    """OpenAI's names and shapes."""
    rng = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=rng) * 0.3

    state = {
        "visual.class_embedding": draw(WIDTH),
        "visual.positional_embedding": draw((SIDE // PATCH) ** 2 + 1, WIDTH),
        "visual.proj": draw(WIDTH, JOINT),
        "visual.conv1.weight": draw(WIDTH, 3, PATCH, PATCH),
        "text_projection": draw(TEXT, JOINT),
        "positional_embedding": draw(CONTEXT, TEXT),
        "token_embedding.weight": draw(WORDS, TEXT),
        "logit_scale": torch.tensor(2.0),
    }
    for name, width in (("visual.ln_pre", WIDTH), ("visual.ln_post", WIDTH), ("ln_final", TEXT)):
        state |= {f"{name}.weight": 1 + draw(width), f"{name}.bias": draw(width)}
    for prefix, width in (("visual.transformer", WIDTH), ("transformer", TEXT)):
        for i in range(LAYERS):
            name = f"{prefix}.resblocks.{i}"
            state |= {
                f"{name}.attn.in_proj_weight": draw(3 * width, width),
                f"{name}.attn.in_proj_bias": draw(3 * width),
                f"{name}.attn.out_proj.weight": draw(width, width),
                f"{name}.attn.out_proj.bias": draw(width),
                f"{name}.mlp.c_fc.weight": draw(4 * width, width),
                f"{name}.mlp.c_fc.bias": draw(4 * width),
                f"{name}.mlp.c_proj.weight": draw(width, 4 * width),
                f"{name}.mlp.c_proj.bias": draw(width),
            }
            for norm in ("ln_1", "ln_2"):
                state[f"{name}.{norm}.weight"] = 1 + draw(width)
                state[f"{name}.{norm}.bias"] = draw(width)
    return state


def normed(state: State, name: str, x: Tensor) -> Tensor:
    variance, mean = torch.var_mean(x, -1, unbiased=False, keepdim=True)
    x = (x - mean) / (variance + 1e-5).sqrt()
    return x * state[f"{name}.weight"] + state[f"{name}.bias"]


def block(state: State, name: str, x: Tensor, causal: bool) -> Tensor:
    """x [N, T, C]: attention with heads of 64 numbers, then the quick GELU."""
    n, count, width = x.shape
    y = normed(state, f"{name}.ln_1", x)
    y = y @ state[f"{name}.attn.in_proj_weight"].T + state[f"{name}.attn.in_proj_bias"]
    q, k, v = (part.reshape(n, count, -1, 64).transpose(1, 2) for part in y.split(width, dim=-1))
    scores = q @ k.transpose(2, 3) / 8
    if causal:
        scores = scores.masked_fill(torch.ones(count, count).triu(1).bool(), -torch.inf)
    y = (scores.softmax(-1) @ v).transpose(1, 2).reshape(n, count, width)
    x = x + y @ state[f"{name}.attn.out_proj.weight"].T + state[f"{name}.attn.out_proj.bias"]
    y = normed(state, f"{name}.ln_2", x)
    y = y @ state[f"{name}.mlp.c_fc.weight"].T + state[f"{name}.mlp.c_fc.bias"]
    y = y * torch.sigmoid(1.702 * y)
    return x + y @ state[f"{name}.mlp.c_proj.weight"].T + state[f"{name}.mlp.c_proj.bias"]


def see(state: State, pixels: Tensor) -> Tensor:
    x = F.conv2d(pixels, state["visual.conv1.weight"], stride=PATCH).flatten(2).transpose(1, 2)
    first = state["visual.class_embedding"].expand(len(x), 1, -1)
    x = torch.cat([first, x], 1) + state["visual.positional_embedding"]
    x = normed(state, "visual.ln_pre", x)
    for i in range(LAYERS):
        x = block(state, f"visual.transformer.resblocks.{i}", x, causal=False)
    return normed(state, "visual.ln_post", x[:, 0]) @ state["visual.proj"]


def read_text(state: State, tokens: Tensor) -> Tensor:
    """The last word of the vocabulary ends a text."""
    x = state["token_embedding.weight"][tokens] + state["positional_embedding"]
    for i in range(LAYERS):
        x = block(state, f"transformer.resblocks.{i}", x, causal=True)
    x = normed(state, "ln_final", x)
    return x[torch.arange(len(x)), tokens.argmax(1)] @ state["text_projection"]


class Holder(nn.Module):
    """A module with the parameters of a state dict, for ``torch.jit``."""

    def __init__(self, state: State) -> None:
        super().__init__()
        children: dict[str, State] = {}
        for name, tensor in state.items():
            head, _, rest = name.partition(".")
            if rest:
                children.setdefault(head, {})[rest] = tensor
            else:
                self.register_parameter(head, nn.Parameter(tensor))
        for name, part in children.items():
            self.add_module(name, Holder(part))

    def forward(self, x: Tensor) -> Tensor:
        return x


@pytest.mark.parametrize("form", ["state dict", "TorchScript"])
def test_openais_files(tmp_path: Path, form: str) -> None:
    state = make_state()
    if form == "TorchScript":
        torch.jit.trace(Holder(state), torch.zeros(1)).save(str(tmp_path / "ViT.pt"))
    else:
        sizes = {"input_resolution": SIDE, "context_length": CONTEXT, "vocab_size": WORDS}
        torch.save({**state, **{k: torch.tensor(v) for k, v in sizes.items()}}, tmp_path / "ViT.pt")
    (found,) = inspect_file(tmp_path / "ViT.pt")
    assert (found.kind, found.system) == ("text_image_model", "OpenAI CLIP")
    assert (found.facts["resolution"], found.facts["width"]) == (SIDE, JOINT)
    assert found.missing == ("tokenizer",)
    convert([found], tmp_path / "ViT.pt", tmp_path / "domain")

    from transformers import CLIPModel

    model = CLIPModel.from_pretrained(tmp_path / "domain" / "clip", dtype=torch.float32).eval()
    pixels = torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    tokens = torch.tensor([[WORDS - 2, 3, 5, WORDS - 1, 0, 0], [WORDS - 2, 1, WORDS - 1, 0, 0, 0]])
    with torch.no_grad():
        seen = model.visual_projection(model.vision_model(pixel_values=pixels).pooler_output)
        said = model.text_projection(model.text_model(input_ids=tokens).pooler_output)
    assert torch.allclose(seen, see(state, pixels), atol=1e-4, rtol=1e-4)
    assert torch.allclose(said, read_text(state, tokens), atol=1e-4, rtol=1e-4)
    assert abs(float(model.logit_scale.detach()) - 2) < 1e-6


@pytest.mark.parametrize("old", [True, False])
def test_hugging_face_folders(tmp_path: Path, old: bool) -> None:
    torch.save(make_state(), tmp_path / "ViT.pt")
    convert(inspect_file(tmp_path / "ViT.pt"), tmp_path / "ViT.pt", tmp_path / "domain")
    folder = tmp_path / "domain" / "clip"
    (folder / "vocab.json").write_text("{}")
    assert inspect_file(folder)[0].missing == ("tokenizer",)  # one half of it is none
    (folder / "merges.txt").write_text("")
    if old:  # as before safetensors, with a buffer that newer versions leave out
        content = read_content(folder / "model.safetensors")
        state = {name: stored.load() for name, stored in content.items()}
        state["text_model.embeddings.position_ids"] = torch.arange(CONTEXT)[None]
        torch.save(state, folder / "pytorch_model.bin")
        (folder / "model.safetensors").unlink()
    (found,) = inspect_file(folder)
    assert found.system == "Hugging Face CLIP" and not found.missing
    convert([found], folder, tmp_path / "again")
    assert (tmp_path / "again" / "clip" / "vocab.json").read_text() == "{}"
    a = read_content(tmp_path / "again" / "clip" / "model.safetensors")
    assert torch.equal(a["visual_projection.weight"].load(), make_state()["visual.proj"].T)


def test_a_converted_clip_serves_its_domain(tmp_path: Path, tiny_generator: Generator) -> None:
    folder, source = tmp_path / "tiny", tmp_path / "source"
    write_tiny_domain(folder, tiny_generator, networks=False)
    write_tiny_clip(source)
    convert(inspect_file(source), source, folder)
    clip = open_domain(folder).clip
    texts = clip.encode_texts(["a smiling person", "red hair"])
    assert texts.shape == (2, 16) and not torch.allclose(texts[0], texts[1])
    (folder / "clip" / "tokenizer.json").write_text("{}")  # each of its files is checked
    with pytest.raises(UnsafeFile, match="tokenizer.json has the SHA-256"):
        _ = open_domain(folder).clip


@pytest.mark.parametrize("form", ["state dict", "TorchScript"])
def test_a_clip_with_a_resnet_is_named(tmp_path: Path, form: str) -> None:
    """RN50 and its like: a stem of convolutions, four stages, attention in place of pooling."""
    state = {k: v for k, v in make_state().items() if not k.startswith("visual.")}
    state |= {
        "visual.conv1.weight": torch.ones(4, 3, 3, 3),
        "visual.layer1.0.conv1.weight": torch.ones(4, 4, 1, 1),
        "visual.attnpool.positional_embedding": torch.ones(5, 16),
    }
    if form == "TorchScript":
        torch.jit.trace(Holder(state), torch.zeros(1)).save(str(tmp_path / "RN50.pt"))
    else:
        torch.save(state, tmp_path / "RN50.pt")
    with pytest.raises(UnsupportedFile, match="CLIP with a ResNet"):
        inspect_file(tmp_path / "RN50.pt")


def test_other_clips_are_refused(tmp_path: Path) -> None:
    state = make_state()
    for change, message in (
        ({"visual.extra.weight": torch.ones(1)}, "extra.weight is unexpected"),
    ):
        changed = {k: v for k, v in {**state, **change}.items() if v is not None}
        torch.save(changed, tmp_path / "x.pt")
        with pytest.raises(UnsafeFile, match=message):
            inspect_file(tmp_path / "x.pt")
    del state["visual.ln_post.bias"]
    torch.save(state, tmp_path / "x.pt")
    with pytest.raises(UnsafeFile, match="post_layernorm.bias"):
        convert(inspect_file(tmp_path / "x.pt"), tmp_path / "x.pt", tmp_path / "domain")
    assert not (tmp_path / "domain").exists()
    folder = tmp_path / "clip"
    folder.mkdir()
    config: dict[str, Any] = {"model_type": "clip", "text_config": {"num_hidden_layers": 10**9}}
    (folder / "config.json").write_text(json.dumps(config))
    torch.save(make_state(), folder / "pytorch_model.bin")
    with pytest.raises(UnsafeFile, match="1000000000 layers"):
        convert(inspect_file(folder), folder, tmp_path / "domain")
    (folder / "config.json").write_text("[" * 100_000)
    with pytest.raises(UnsafeFile):
        inspect_file(folder)


def safetensors(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def test_safetensors_of_others(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    state = {"a": torch.randn(2, 3), "b": torch.arange(4), "c": torch.randn(()).half()}
    save_file(state, tmp_path / "x.safetensors", {"note": "x"})
    found = read_content(tmp_path / "x.safetensors")
    assert all(torch.equal(found[name].load(), state[name]) for name in state)


@pytest.mark.parametrize(
    "data",
    [
        safetensors(b"{}", length=4 * 2**30),
        safetensors({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, b"1234"),
        safetensors({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, b"1234"),
        safetensors({"a": {"dtype": "F32", "shape": [-2], "data_offsets": [8, 0]}}, b"12345678"),
        safetensors({"a": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 0]}}),
        safetensors({"a": {"dtype": "Q8", "shape": [1], "data_offsets": [0, 1]}}, b"1"),
        safetensors({"a": {"dtype": "F32", "shape": 3}}),
        safetensors({"a": [1]}),
        safetensors(b'{"a":' * 50_000),
        safetensors(b"{nothing}"),
        safetensors(b"{"),
    ],
)
def test_hostile_safetensors(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.safetensors").write_bytes(data)
    with pytest.raises(UnsafeFile):
        inspect_file(tmp_path / "x.safetensors")


def test_programs_in_an_archive_are_not_run(tmp_path: Path) -> None:
    """A TorchScript archive whose code would not even parse is read all the same."""
    import zipfile

    torch.jit.trace(Holder(make_state()), torch.zeros(1)).save(str(tmp_path / "ViT.pt"))
    with (
        zipfile.ZipFile(tmp_path / "ViT.pt") as old,
        zipfile.ZipFile(tmp_path / "x.pt", "w") as new,
    ):
        for member in old.infolist():
            code = member.filename.endswith(".py")
            new.writestr(member.filename, b"import os !!" if code else old.read(member))
    content = read_content(tmp_path / "x.pt")
    with refusing("x.pt"):
        assert find_clip(content).missing == ("tokenizer",)
