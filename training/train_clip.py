"""Train the small bilingual CLIP: portraits and what people say of them, in one space.

A caption is true of every picture that shows what it names, not of its own alone: the contrastive
loss counts all pictures of a batch that a caption fits as right. Beside it, one linear reader on
the common space reads the factors from pictures (all that show) and from captions (those named),
which teaches both towers the same directions from the first step. The reader is thrown away.
Resumable::

    python -m training.train_clip
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from editing.images import write_atomically
from editing.text_image import clean_text
from training.captions import BANDS, LANGUAGES, attributes_named, caption, sayable
from training.dataset import CACHE, VISIBLE, Z_DIM, Renders, load_renders, seeds_to_z
from training.factors import NAMES, NUM_FACTORS, LatentWorld
from training.loop import Loop, Plan, parser
from training.precision import autocast, keep_pages
from training.prompts import HELD_OUT_PROMPTS, PROMPTS
from training.train_readers import OUT, augment, labels_of
from training.vocabulary import END, PAD, SPECIAL, START, make_tokenizer, save_tokenizer, words_of

if TYPE_CHECKING:
    from transformers import CLIPModel

FOLDER = OUT / "clip"
PLAN = Plan("clip", pictures=300_000, batch=64, learning_rate=1.2e-3, seed=41)
CAPTIONS = 4  # per picture and language
CONTEXT = 96  # tokens
WIDTH = 128  # of the common space
PIXELS = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}  # pictures in [-1, 1]
BAND_NUMBER = {(name, band): i for name, bands in BANDS.items() for i, (*_, band) in
               enumerate(bands)} | {("grey_hair", "white"): 7}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Captions:
    """Captions of cached renders, and what they name."""

    texts: list[list[list[str]]]  # picture -> caption -> language
    named: Tensor  # int8 [N, CAPTIONS, F]: number of the band, -1 where a factor goes unnamed
    shown: Tensor  # int8 [N, F]: the band that could be said of the picture, -1 for none


def numbers(said: dict[str, str]) -> list[int]:
    """Factor -> band, as band numbers [F]."""
    return [BAND_NUMBER[name, said[name]] if name in said else -1 for name in NAMES]


def describe(seeds: np.ndarray, pixels: np.ndarray) -> Captions:
    """Captions of the pictures of these seeds [N] with these visible features [N, V]."""
    torch.set_num_threads(1)
    factors = LatentWorld(Z_DIM).factors(seeds_to_z(seeds))
    texts, named, shown = [], [], []
    for seed, f, row in zip(seeds, factors, pixels, strict=True):
        visible = dict(zip(VISIBLE, row.tolist(), strict=True))
        shown.append(numbers(sayable(f, visible)))
        dice = [int(seed) * CAPTIONS + k for k in range(CAPTIONS)]
        texts.append([[clean_text(caption(f, d, language, visible)) for language in LANGUAGES]
                      for d in dice])  # fmt: skip
        named.append([numbers(attributes_named(f, d, visible)) for d in dice])
    return Captions(texts, torch.tensor(named).char(), torch.tensor(shown).char())


def load_captions(split: str, renders: Renders, part: int = 500) -> Captions:
    """The captions of a split's first pictures, from the cache where it has them.

    They depend on factors and visibility alone; delete ``captions-*`` there after a change of
    words.
    """
    path = CACHE / f"captions-{split}-{len(renders.seeds)}.npz"
    if not path.exists():
        parts = range(part, len(renders.seeds), part)
        seeds = np.split(renders.seeds, parts)
        pixels = np.split(renders.visible.numpy(), parts)
        with ProcessPoolExecutor(2, get_context("spawn")) as pool:  # forks of torch stand still
            found = list(pool.map(describe, seeds, pixels))
        texts = json.dumps([t for piece in found for t in piece.texts], ensure_ascii=False)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        with temporary.open("wb") as file:
            np.savez(
                file,
                texts=np.frombuffer(texts.encode(), np.uint8),
                named=torch.cat([piece.named for piece in found]).numpy(),
                shown=torch.cat([piece.shown for piece in found]).numpy(),
            )
        temporary.rename(path)
    with np.load(path) as data:
        named, shown = torch.from_numpy(data["named"]), torch.from_numpy(data["shown"])
        return Captions(json.loads(data["texts"].tobytes()), named, shown)


def all_texts(captions: Captions) -> list[str]:
    return [text for picture in captions.texts for both in picture for text in both]


def vocabulary(captions: Captions) -> list[str]:
    """Every word of captions and prompts."""
    prompts = [p for language in LANGUAGES for p in PROMPTS[language].values()]
    asked = [text for p in prompts for text in (p.neutral, p.positive, p.negative)]
    asked += [p.positive for language in LANGUAGES for p in HELD_OUT_PROMPTS[language]]
    return words_of([*all_texts(captions), *asked])


def make_model(num_words: int) -> CLIPModel:
    """Untrained: a ViT of 0.1 GMAC over patches of 16 at 128 px, and a text tower."""
    from transformers import CLIPConfig, CLIPModel

    text = {
        "vocab_size": num_words + len(SPECIAL), "hidden_size": 128, "intermediate_size": 512,
        "num_hidden_layers": 3, "num_attention_heads": 4, "max_position_embeddings": CONTEXT,
        "pad_token_id": SPECIAL.index(PAD), "bos_token_id": SPECIAL.index(START),
        "eos_token_id": SPECIAL.index(END), "hidden_act": "gelu",
    }  # fmt: skip
    vision = {
        "image_size": 128, "patch_size": 16, "hidden_size": 160, "intermediate_size": 640,
        "num_hidden_layers": 4, "num_attention_heads": 4, "hidden_act": "gelu",
    }  # fmt: skip
    return CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=WIDTH))


class Teacher(nn.Module):
    """The CLIP, and the reader that helps it learn."""

    def __init__(self, num_words: int) -> None:
        super().__init__()
        self.clip = make_model(num_words)
        self.reader = nn.Linear(WIDTH, NUM_FACTORS)

    def see(self, pictures: Tensor) -> Tensor:
        """[N, 3, 128, 128] in [-1, 1] -> [N, WIDTH], not normalised."""
        seen = self.clip.vision_model(pixel_values=pictures).pooler_output
        return self.clip.visual_projection(seen)

    def read(self, tokens: Tensor) -> Tensor:
        """[N, T] padded with 0 -> [N, WIDTH], not normalised."""
        mask = (tokens != SPECIAL.index(PAD)).long()
        read = self.clip.text_model(input_ids=tokens, attention_mask=mask).pooler_output
        return self.clip.text_projection(read)


def fits(named: Tensor, shown: Tensor) -> Tensor:
    """Captions' bands [M, F] and pictures' [N, F] -> whether the caption is true of it, [M, N]."""
    return ((named[:, None] == shown[None]) | (named[:, None] < 0)).all(2)


def contrastive_loss(logits: Tensor, right: Tensor) -> Tensor:
    """Mean of -log(share of the softmax that falls on right ones), rows and columns with any."""
    loss = logits.new_zeros(())
    for scores, truth in ((logits, right), (logits.T, right.T)):
        kept = truth.any(1)
        hits = scores.masked_fill(~truth, -torch.inf).logsumexp(1)
        loss = loss + (scores.logsumexp(1) - hits)[kept].mean()
    return loss / 2


class Data:
    """Pictures, their readings, and their captions as padded tokens."""

    def __init__(self, split: str) -> None:
        self.renders = load_renders(split, 128)
        self.captions = load_captions(split, self.renders)
        self.labels, self.seen = labels_of(self.renders)
        self.words = vocabulary(self.captions)
        tokenizer = make_tokenizer(self.words)
        coded = tokenizer.encode_batch_fast(all_texts(self.captions))
        longest = max(len(text.ids) for text in coded)
        assert longest <= CONTEXT, f"a caption has {longest} tokens, the model reads {CONTEXT}"
        tokens = torch.zeros(len(coded), longest, dtype=torch.int16)
        for row, text in zip(tokens, coded, strict=True):
            row[: len(text.ids)] = torch.tensor(text.ids)
        self.tokens = tokens.view(len(self.labels), CAPTIONS, len(LANGUAGES), longest)


def train(device: str, minutes: float, folder: Path) -> tuple[Teacher, list[str], bool]:
    """The teacher as far as it came, its words, and whether the training is complete."""
    torch.manual_seed(PLAN.seed)
    data = Data("train")
    teacher = Teacher(len(data.words)).to(device).train()
    decayed = [p for p in teacher.parameters() if p.ndim >= 2]
    others = [p for p in teacher.parameters() if p.ndim < 2]
    optimiser = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}],
        betas=(0.9, 0.98),
    )
    loop = Loop(PLAN, {"teacher": teacher, "optimiser": optimiser}, folder, device, minutes)
    for rng in loop:
        pick = torch.randint(len(data.labels), [PLAN.batch], generator=rng)
        which = torch.randint(CAPTIONS, [PLAN.batch], generator=rng)
        language = torch.randint(len(LANGUAGES), [PLAN.batch], generator=rng)
        pictures = augment(data.renders.pictures[pick].to(device).float() / 127.5 - 1, rng)
        tokens = data.tokens[pick, which, language].long().to(device)
        tokens = tokens[:, : int((tokens != 0).sum(1).max())]
        named = data.captions.named[pick, which]
        right = fits(named, data.captions.shown[pick])
        with autocast(device):
            seen, read = teacher.see(pictures), teacher.read(tokens)
        seen, read = seen.float(), read.float()
        scale = teacher.clip.logit_scale.exp().clamp_max(60)
        logits = scale * F.normalize(read, dim=1) @ F.normalize(seen, dim=1).T
        match = contrastive_loss(logits, right.to(device))
        wanted = data.labels[pick].to(device)
        picture_error = F.smooth_l1_loss(teacher.reader(seen), wanted, reduction="none", beta=0.5)
        looks = (picture_error * data.seen[pick].to(device)).mean()
        says = (named >= 0).float().to(device)
        text_error = F.smooth_l1_loss(teacher.reader(read), wanted, reduction="none", beta=0.5)
        words = (text_error * says).sum() / says.sum().clamp_min(1)
        help_ = 4.0 * (1 - loop.t) + 0.5
        loss = match + help_ * (looks + 0.5 * words)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(teacher.parameters(), 1.0)
        optimiser.step()
        loop.report(match=match, looks=looks, words=words, scale=scale)
    return teacher.eval(), data.words, loop.finished


def export(model: CLIPModel, words: Sequence[str], folder: Path = FOLDER) -> None:
    """Write the ``transformers`` folder, weights at half precision."""
    from safetensors.torch import save

    folder.mkdir(parents=True, exist_ok=True)
    model.config.architectures = ["CLIPModel"]
    (folder / "config.json").write_text(model.config.to_json_string(use_diff=True))
    (folder / "preprocessor_config.json").write_text(json.dumps(PIXELS))
    save_tokenizer(folder, list(words), CONTEXT)
    tensors = {
        name: t.detach().cpu().half().contiguous() if t.is_floating_point() else t.cpu()
        for name, t in model.state_dict().items()
    }
    data = save(tensors, {"format": "pt"})
    write_atomically(folder / "model.safetensors", lambda file: file.write(data))


def main() -> None:
    args = parser(__doc__).parse_args()
    keep_pages()
    folder = args.state or CACHE / "clip-state"
    teacher, words, finished = train(args.device, args.minutes, folder)
    if not finished:
        print(json.dumps({"net": "clip", "stopped": "the same command goes on"}))
        return
    export(teacher.clip, words)
    print(json.dumps({"net": "clip", "words": len(words), "file": str(FOLDER)}))


if __name__ == "__main__":
    main()
