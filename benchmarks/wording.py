"""The text-image model: captions find their pictures, prompts tell attributes apart."""

import numpy as np
import torch
from torch import Tensor

from benchmarks.rows import Row, held_out, read
from editing.models.domain import Domain
from editing.models.networks.clip import TextImageModel
from training.captions import LANGUAGES, Language, attributes_named, caption, hidden
from training.dataset import VISIBLE, Z_DIM, Renders, seeds_to_z
from training.factors import INDEX, MIN_SEEN, NAMES, SEEN_ON, LatentWorld, shown
from training.prompts import HELD_OUT_PROMPTS, PROMPTS
from training.train_identity import auc

AMONG = 100
NAMED = 6  # attributes that a caption must name at least
ATTRIBUTES = (
    "smile", "age", "gender", "pose", "eyeglasses", "mouth_open", "skin_tone", "hair_lightness",
    "hair_length", "hair_curl", "fringe", "baldness", "beard", "lip_colour", "eye_colour",
    "glasses_shape", "background_hue", "background_lightness", "light_direction", "clothes_hue",
)  # fmt: skip


def rich_caption(
    factors: Tensor, seed: int, language: Language, visible: dict[str, float]
) -> tuple[str, dict[str, str]]:
    """A caption that names at least ``NAMED`` attributes, and what it names."""
    dice = seed * 100
    while len(attributes_named(factors, dice, visible)) < NAMED:
        dice += 1
    return caption(factors, dice, language, visible), attributes_named(factors, dice, visible)


def read_retrieval(model: TextImageModel, renders: Renders) -> list[Row]:
    """Among every hundred renders: does a caption find its picture, a picture its caption?"""
    factors = LatentWorld(Z_DIM).factors(seeds_to_z(renders.seeds))
    pictures = read(Pictures(model), renders.pictures)
    rows = []
    for language in LANGUAGES:
        said = [
            rich_caption(f, int(seed), language, dict(zip(VISIBLE, v.tolist(), strict=True)))
            for f, seed, v in zip(factors, renders.seeds, renders.visible, strict=True)
        ]
        texts = torch.cat([model.encode_texts([t for t, _ in said[i : i + AMONG]])
                           for i in range(0, len(said), AMONG)])  # fmt: skip
        hits: dict[tuple[str, int], list[float]] = {}
        for i in range(0, len(said) - AMONG + 1, AMONG):
            part = slice(i, i + AMONG)
            names = [named for _, named in said[part]]
            equal = torch.tensor([[a == b for b in names] for a in names])
            scores = texts[part] @ pictures[part].T
            for way, s in (("caption to picture", scores), ("picture to caption", scores.T)):
                for k in (1, 5):
                    top = s.topk(k, dim=1).indices
                    hits.setdefault((way, k), []).append(
                        equal.gather(1, top).any(1).float().mean().item()
                    )
        for way in ("caption to picture", "picture to caption"):
            first, five = (float(np.mean(hits[way, k])) for k in (1, 5))
            rows.append(Row("small CLIP", f"{way}, {language}, top-1 / top-5",
                            f"{first:.3f} / {five:.3f}", ">= 0.6 / >= 0.9",
                            first >= 0.6 and five >= 0.9))  # fmt: skip
    return rows


class Pictures(torch.nn.Module):
    """The picture tower, as a network that ``read`` can run."""

    def __init__(self, model: TextImageModel) -> None:
        super().__init__()
        self.encode = model.encode_pictures

    def forward(self, img: Tensor) -> Tensor:
        return self.encode(img)


def extremes(name: str, factors: Tensor, visible: Tensor) -> tuple[Tensor, Tensor]:
    """Which renders are clearly the one and clearly the other (quartiles; on and off), [N] each.

    Only where the feature shows and nothing else hides it.
    """
    values = shown(factors)[:, INDEX[name]]
    seen = torch.tensor([not hidden(name, dict(zip(NAMES, f, strict=True)))
                         for f in factors.tolist()])  # fmt: skip
    if name == "beard":  # that a woman is shaven is hidden from captions alone
        seen = torch.ones_like(seen)
    if name in SEEN_ON:
        seen &= visible[:, VISIBLE.index(SEEN_ON[name])] >= MIN_SEEN
    low, high = values[seen].quantile(0.25), values[seen].quantile(0.75)
    if name == "eyeglasses":
        low, high = torch.tensor(-0.9), torch.tensor(0.9)
    return (values >= high) & seen, (values <= low) & seen


def tell_apart(
    model: TextImageModel, pictures: Tensor, prompts: tuple[str, str], ends: tuple[Tensor, Tensor]
) -> tuple[float, float]:
    """Share of pictures nearer to their own prompt (mean of both ends), and AUC."""
    positive, negative = model.encode_texts(prompts)
    score = pictures @ (positive - negative)
    high, low = ends
    accuracy = ((score[high] > 0).float().mean() + (score[low] < 0).float().mean()) / 2
    kept = high | low
    return accuracy.item(), auc(score[kept], high[kept])


def read_prompts(model: TextImageModel, renders: Renders) -> list[Row]:
    """Zero-shot attributes in both languages, then the words kept out of sentences."""
    factors = LatentWorld(Z_DIM).factors(seeds_to_z(renders.seeds))
    pictures = read(Pictures(model), renders.pictures)
    ends = {name: extremes(name, factors, renders.visible) for name in NAMES}
    rows = []
    for language in LANGUAGES:
        asked = {
            name: (PROMPTS[language][name].positive, PROMPTS[language][name].negative)
            for name in ATTRIBUTES
        }
        found = {n: tell_apart(model, pictures, p, ends[n]) for n, p in asked.items()}
        rows += _rows(f"{len(ATTRIBUTES)} attributes, {language}", found, 0.92)
        unseen = {
            p.word: tell_apart(model, pictures, (p.positive, p.negative), ends[p.factor])
            for p in HELD_OUT_PROMPTS[language]
        }
        rows += _rows(f"unseen synonyms, {language}", unseen, 0.85)
    return rows


def _rows(measure: str, found: dict[str, tuple[float, float]], wanted: float) -> list[Row]:
    accuracy, area = (float(np.mean([pair[i] for pair in found.values()])) for i in (0, 1))
    weakest = sorted(found, key=lambda name: found[name][0])[:5]
    listed = ", ".join(f"{name} {found[name][0]:.2f}" for name in weakest)
    return [
        Row("small CLIP", f"zero-shot {measure}, mean accuracy / AUC",
            f"{accuracy:.3f} / {area:.3f}", f">= {wanted}", accuracy >= wanted),
        Row("small CLIP", "weakest of them", listed),
    ]  # fmt: skip


def read_clip(domain: Domain, count: int) -> list[Row]:
    if not (domain.hub_clip or "text_image_model" in domain.parts):
        return [Row("small CLIP", "retrieval and zero-shot", "no such model", "", False)]
    renders = held_out(count)
    return read_retrieval(domain.clip, renders) + read_prompts(domain.clip, renders)
