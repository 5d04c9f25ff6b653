"""Text-image models: pictures and texts as vectors in one space (CLIP, Radford et al. 2021).

Any CLIP in the ``transformers`` layout: the small bilingual one of the bundled domain, or a model
of the Hugging Face hub. A model says which words of a text it does not know; a text of which it
understands nothing is refused.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from editing.errors import BadInput, MissingFile, UnsafeFile
from editing.hub import TOKENIZERS, lacks_tokenizer

if TYPE_CHECKING:
    from transformers import BatchEncoding, CLIPModel, PreTrainedTokenizerBase

MAX_CHARACTERS = 2_000
WORDS_FILE = "words.json"  # what the model understands, for people: language -> words
NEEDED = " or ".join(" and ".join(files) for files in TOKENIZERS)
# OpenAI's preprocessing, where a model brings none.
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
# Known, but nothing to go by.
FUNCTION_WORDS = frozenset(
    "a an the of in on at with without and or from to by for is are has have her his their she he "
    "they it its this that here there no 一 个 位 名 的 了 着 是 在 有 和 与 人".split()
)
# Known and neutral: what every picture shows anyway.
SUBJECTS = frozenset(
    "person people someone human individual face portrait photo photograph picture image 人物 脸 "
    "面部 肖像 照片 图片".split()
)
SUGGESTED = 10  # words that a refusal lists
ALIKE = {
    "zh": 0.3,
    "en": 0.6,
}  # how much of two words must be the same, 0 to 1


def clean_text(text: str) -> str:
    """Mojibake repaired (ftfy), blanks joined.

    Raises:
        BadInput: nothing is left, or it is far too long.
    """
    import ftfy

    if len(text) > MAX_CHARACTERS:
        raise BadInput(
            f"The text has {len(text)} characters; the limit is {MAX_CHARACTERS}: say less."
        )
    cleaned = " ".join(ftfy.fix_text(text).split())
    if not cleaned:
        raise BadInput("The text is empty; write what the picture should show.")
    return cleaned


class TextImageModel:
    """A CLIP with its tokenizer and its way of looking at pictures; read only.

    Args:
        understands: language -> the words it was taught, where a list of them exists.
    """

    def __init__(
        self,
        model: CLIPModel,
        tokenizer: PreTrainedTokenizerBase,
        mean: Sequence[float] = MEAN,
        std: Sequence[float] = STD,
        understands: dict[str, list[str]] | None = None,
        name: str = "The text-image model",
    ) -> None:
        self.model = model.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self.understands = understands or {}
        self.name = name
        self._tokenizing = threading.Lock()  # a call with padding changes it for all others
        self._mean = torch.tensor(mean).view(3, 1, 1).to(self.device)
        self._std = torch.tensor(std).view(3, 1, 1).to(self.device)

    @property
    def device(self) -> torch.device:
        device: torch.device = self.model.device
        return device

    @property
    def width(self) -> int:
        """Of the common space."""
        return int(self.model.config.projection_dim)

    @property
    def resolution(self) -> int:
        """Pixels a side that it looks at."""
        return int(self.model.config.vision_config.image_size)

    @property
    def context(self) -> int:
        """Tokens that a text may have, its start and end included."""
        return int(self.model.config.text_config.max_position_embeddings)

    @cached_property
    def fingerprint(self) -> str:
        """Of its weights; tables measured with it carry it."""
        return weights_fingerprint(self.model)

    def encode_pictures(self, img: Tensor) -> Tensor:
        """Pictures [N, 3, H, W] in [-1, 1], any size -> unit vectors [N, width]; differentiable."""
        side = self.resolution
        img = img.to(self.device)
        if img.shape[-2:] != (side, side):
            img = F.interpolate(img, (side, side), mode="bicubic", antialias=True)
        pixels = ((img + 1) / 2 - self._mean) / self._std
        seen = self.model.vision_model(pixel_values=pixels).pooler_output
        return F.normalize(self.model.visual_projection(seen).float(), dim=1)

    @torch.no_grad()
    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """Texts -> unit vectors [N, width].

        Raises:
            BadInput: a text is empty, too long, or made of unknown words only.
        """
        cleaned = [self.check_text(text) for text in texts]
        tokens = self._tokens(cleaned, padding=True, return_tensors="pt").to(self.device)
        read = self.model.text_model(
            input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
        ).pooler_output
        return F.normalize(self.model.text_projection(read).float(), dim=1)

    def check_text(self, text: str) -> str:
        """The cleaned text.

        Raises:
            BadInput: it is empty, too long, or made of unknown words only.
        """
        cleaned = clean_text(text)
        count = len(self._tokens(cleaned)["input_ids"])
        if count > self.context:
            raise BadInput(
                f"The text has {count} tokens; {self.name} reads at most {self.context}: say less."
            )
        self._check_words(cleaned, FUNCTION_WORDS)
        return cleaned

    def check_target(self, text: str) -> str:
        """The cleaned text of what is wanted, of which a known word must say something.

        Raises:
            BadInput: as ``check_text``, or what it knows of the text is what every picture shows:
                the edit would be of words that nobody meant.
        """
        cleaned = self.check_text(text)
        self._check_words(cleaned, FUNCTION_WORDS | SUBJECTS)
        return cleaned

    def _check_words(self, text: str, empty: frozenset[str]) -> None:
        """Refuse unknown words beside which there are none but ``empty`` ones."""
        known, unknown = self._split(text)
        if not unknown or any(word not in empty for word in known):
            return
        said = " ".join(dict.fromkeys(unknown))
        raise BadInput(f"{self.name} knows no word of {said[:200]!r}; {self._way_out(unknown)}.")

    def _tokens(self, texts: str | list[str], **how: Any) -> BatchEncoding:
        with self._tokenizing:
            return self.tokenizer(texts, **how)

    def unknown_words(self, text: str) -> tuple[str, ...]:
        """The words of a text that tell the model nothing, as they are written, each once."""
        return tuple(dict.fromkeys(self._split(clean_text(text))[1]))

    def _way_out(self, unknown: Sequence[str]) -> str:
        """The known words nearest to unknown ones, or some of those it understands."""
        if not self.understands:
            return "write it in English"
        ranked = zip_longest(*(self._nearest(word) for word in dict.fromkeys(unknown)))
        near = list(dict.fromkeys(word for same in ranked for word in same if word))
        if near:
            return f"the nearest words it understands: {', '.join(near[:SUGGESTED])}"
        language = "zh" if any(map(has_han, unknown)) else "en"
        words = self.understands.get(language) or next(iter(self.understands.values()))
        some = words[:: max(len(words) // SUGGESTED, 1)][:SUGGESTED]
        return f"it understands {len(words)} words such as: {', '.join(some)}"

    def _nearest(self, word: str) -> list[str]:
        language = "zh" if has_han(word) else "en"
        words = [each for each in self.understands.get(language, []) if each not in FUNCTION_WORDS]
        return difflib.get_close_matches(word.lower()[:40], words, 3, ALIKE[language])

    def _split(self, text: str) -> tuple[list[str], list[str]]:
        """Known and unknown words; neighbouring unknown Chinese characters make one word."""
        unknown_id = self.tokenizer.unk_token_id
        if unknown_id is None or self.tokenizer.unk_token == self.tokenizer.eos_token:
            words = text.split()  # a tokenizer of bytes knows everything; its model knows English
            return [w for w in words if is_latin(w)], [w for w in words if not is_latin(w)]
        encoded = self._tokens(text, add_special_tokens=False, return_offsets_mapping=True)
        known, unknown, end = list[str](), list[str](), -1
        for token, (first, last) in zip(
            encoded["input_ids"], encoded["offset_mapping"], strict=True
        ):
            word = text[first:last]
            if token != unknown_id:
                known.append(word.lower())
            elif unknown and first == end and has_han(word):
                unknown[-1] += word
            else:
                unknown.append(word)
            end = last if token == unknown_id else -1
        return known, unknown


def has_han(text: str) -> bool:
    """Whether there is a Chinese character in it."""
    return any("\u4e00" <= c <= "\u9fff" for c in text)


def is_latin(word: str) -> bool:
    """Whether every letter of it is Latin, and nothing in it is an emoji."""
    return all(
        "LATIN" in unicodedata.name(c, "") if c.isalpha() else unicodedata.category(c) != "So"
        for c in word
    )


def weights_fingerprint(model: CLIPModel) -> str:
    """16 hexadecimal digits of what a model's weights are, whichever file they came in.

    Numbers count as float16 holds them, in which OpenAI published its own: files of the same model
    in float32 and in float16, under OpenAI's names or those of ``transformers``, give the same.
    """
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.cpu().half().float().numpy().tobytes())
    return digest.hexdigest()[:16]


def read_weights_fingerprint(folder: Path | str) -> str:
    """``weights_fingerprint`` of a folder in the ``transformers`` layout, tokenizer or none.

    Raises:
        MissingFile, UnsafeFile: as ``load_text_image_model``.
    """
    return weights_fingerprint(_load_weights(folder, True))


def _load_weights(source: Path | str, safetensors: bool) -> CLIPModel:
    from transformers import CLIPConfig, CLIPModel

    here = {"local_files_only": True, "trust_remote_code": False}  # None would ask on stdin
    with _loading(source):
        config = CLIPConfig.from_pretrained(source, **here)
        model: CLIPModel = CLIPModel.from_pretrained(
            source, config=config, dtype=torch.float32,
            use_safetensors=True if safetensors else None, **here,
        )  # fmt: skip
        return model


@contextmanager
def _loading(source: Path | str) -> Iterator[None]:
    """Around what reads a folder of a CLIP; what goes wrong becomes one of our errors."""
    try:
        yield
    except OSError as error:
        reason = " ".join(str(error).split())[:200]
        raise MissingFile(f"{source} is no whole CLIP ({reason}); make it again.") from error
    except Exception as error:  # whatever a foreign configuration breaks
        raise UnsafeFile(
            f"The text-image model {source} is no usable CLIP ({type(error).__name__}: "
            f"{str(error)[:200]}); name another in domain.yaml."
        ) from error


def load_text_image_model(
    source: Path | str, device: str | torch.device = "cpu", name: str | None = None
) -> TextImageModel:
    """A folder in the ``transformers`` layout.

    Args:
        name: of a model of the hub, whose weights may also be a ``pytorch_model.bin`` (which
            transformers reads as data alone); None = a folder of a domain, of safetensors only.

    Raises:
        MissingFile: it is not there, or without a tokenizer.
        UnsafeFile: what is there is no CLIP.
    """
    if not Path(source).is_dir():
        raise MissingFile(f"{source} is missing; check the path or fetch the domain's files again.")
    if lacks_tokenizer(Path(source)):  # transformers would make one that knows no word
        raise MissingFile(
            f"{source} has no tokenizer, so no text can be read; put {NEEDED} of the model beside "
            "its weights."
        )
    from transformers import AutoTokenizer
    from transformers.models.auto.image_processing_auto import get_image_processor_config

    model = _load_weights(source, safetensors=name is None)
    with _loading(source):
        tokenizer = AutoTokenizer.from_pretrained(
            source, local_files_only=True, trust_remote_code=False
        )
        looks = get_image_processor_config(source, local_files_only=True)
        words = Path(source) / WORDS_FILE
        understands = json.loads(words.read_text(encoding="utf-8")) if words.is_file() else {}
    return TextImageModel(
        model.to(device),
        tokenizer,
        looks.get("image_mean", MEAN),
        looks.get("image_std", STD),
        understands,
        name or "The bundled text-image model",
    )
