"""Prompt templates: where in the common space of pictures and texts a change of words points.

(Patashnik et al. 2021, "StyleCLIP", section 6.) A text is put into many sentences, and the mean of
their embeddings stands for it: what the sentences have in common is the text.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import Tensor

from editing.errors import BadInput
from editing.models.networks.clip import TextImageModel, clean_text, has_han

SLOT = "{}"
MOST, LONGEST = 100, 200  # templates, and characters of one
BATCH = 32  # sentences encoded at once
NEUTRAL = {"en": "a person", "zh": "人"}  # what a target is compared with, where nothing is said
REMEMBERED = 256  # texts per model
SAME = 1e-3  # texts nearer than this mean the same

PORTRAITS: dict[str, tuple[str, ...]] = {
    "en": (
        "{}",
        "a photo of {}",
        "a picture of {}",
        "a portrait of {}",
        "a headshot of {}",
        "an image of {}",
        "a photograph of {}",
        "a studio portrait of {}",
        "a bright photo of {}",
        "a dark photo of {}",
        "a close portrait of {}",
        "a front photo of {}",
        "a colour portrait of {}",
        "a small picture of {}",
        "a large picture of {}",
        "a digital portrait of {}",
        "a rendering of {}",
        "a cartoon of {}",
        "an avatar of {}",
        "a 3d image of {}",
        "this portrait shows {}",
        "the photo shows {}",
        "a passport photo of {}",
        "a selfie of {}",
    ),
    "zh": (
        "{}",
        "一张{}的照片",
        "一张{}的图片",
        "一张{}的肖像",
        "一幅{}的肖像",
        "一张{}的头像",
        "{}的正面照",
        "照片里是{}",
        "图像中有{}",
        "一位{}",
    ),
}
GENERAL: dict[str, tuple[str, ...]] = {
    "en": (
        "{}",
        "a photo of {}",
        "a picture of {}",
        "an image of {}",
        "a photograph of {}",
        "a snapshot of {}",
        "a close-up of {}",
        "a bright photo of {}",
        "a dark photo of {}",
        "a blurry photo of {}",
        "a sharp photo of {}",
        "a cropped photo of {}",
        "a photo of {} from the side",
        "a photo of {} from the front",
        "a small picture of {}",
        "a large picture of {}",
        "a colour photo of {}",
        "a grey photo of {}",
        "an old picture of {}",
        "a drawing of {}",
        "a painting of {}",
        "an illustration of {}",
        "a cartoon of {}",
        "a rendering of {}",
        "a model of {}",
        "the picture shows {}",
    ),
    "zh": PORTRAITS["zh"],
}
LISTS = {"portraits": PORTRAITS, "general": GENERAL}


def language_of(text: str) -> str:
    """ "zh" for a text with a Chinese character, else "en"."""
    return "zh" if has_han(text) else "en"


def neutral_for(target: str) -> str:
    """What to compare a target with, in its language, where nobody says."""
    return NEUTRAL[language_of(target)]


def parse_templates(lines: Iterable[str]) -> tuple[str, ...]:
    """One template per line, each with one {}; empty lines do not count.

    Raises:
        BadInput: a line without {}, or too many or too long ones.
    """
    found = tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))
    for template in found:
        if template.count(SLOT) != 1 or len(template) > LONGEST:
            raise BadInput(
                f"The template {template[:60]!r} needs exactly one {{}} and at most {LONGEST} "
                "characters; write it like 'a photo of {}'."
            )
    if len(found) > MOST:
        raise BadInput(f"{len(found)} templates are too many; the limit is {MOST}.")
    return found


def templates_for(clip: TextImageModel, text: str, own: Sequence[str] = ()) -> tuple[str, ...]:
    """The templates a text goes through: one's own, or the portrait list of its language.

    Of that list, templates with words that the model does not know are left out.
    """
    if own:
        return tuple(own)
    listed = PORTRAITS[language_of(text)]
    return tuple(t for t in listed if t == SLOT or not clip.unknown_words(t.replace(SLOT, " ")))


Encoded = OrderedDict[tuple[str, tuple[str, ...]], Tensor]  # (text, templates) -> [d]
_encoded: WeakKeyDictionary[TextImageModel, Encoded] = WeakKeyDictionary()
_keeping = threading.Lock()


@torch.no_grad()
def encode_text(clip: TextImageModel, text: str, templates: Sequence[str] = ()) -> Tensor:
    """The mean embedding of a text in its templates, a unit vector [d]; kept for the next time.

    Raises:
        BadInput: the text is empty, too long, or made of unknown words only.
    """
    text = clip.check_text(text)
    used = templates_for(clip, text, templates)
    kept = _encoded.setdefault(clip, OrderedDict())
    if (found := kept.get((text, used))) is None:
        sentences = [template.replace(SLOT, text) for template in used]
        parts = [sentences[i : i + BATCH] for i in range(0, len(sentences), BATCH)]
        with torch.inference_mode(False):  # whoever asks first, it must serve autograd later
            encoded = torch.cat([clip.encode_texts(part) for part in parts])
            found = F.normalize(encoded.mean(0), dim=0)
    with _keeping:  # others may ask at the same time
        kept[text, used] = found
        kept.move_to_end((text, used))
        while len(kept) > REMEMBERED:
            kept.popitem(last=False)
    return found


def text_direction(
    clip: TextImageModel, neutral: str, target: str, templates: Sequence[str] = ()
) -> Tensor:
    """Δt/‖Δt‖ with Δt = t_target − t_neutral, [d] (StyleCLIP's GetDt).

    Raises:
        BadInput: a text that cannot be read, a target of which nothing but what every picture shows
            is known, or two that mean the same to this model.
    """
    if clean_text(neutral) == clean_text(target):
        raise BadInput(
            f"The neutral and the target text are both {clean_text(target)!r}; say in the target "
            "what should change."
        )
    clip.check_target(target)
    change = encode_text(clip, target, templates) - encode_text(clip, neutral, templates)
    if float(change.norm()) < SAME:
        raise BadInput(
            f"{neutral!r} and {target!r} mean the same to {clip.name}; write two that differ."
        )
    return F.normalize(change, dim=0)


def unknown_words(clip: TextImageModel, *texts: str) -> tuple[str, ...]:
    """The words of texts that tell the model nothing, each once."""
    return tuple(dict.fromkeys(word for text in texts for word in clip.unknown_words(text)))
