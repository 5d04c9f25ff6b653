"""The small CLIP's tokenizer: English words, Chinese characters, and nothing else.

One token per word, so that a word that was never taught is known to be unknown. Case, punctuation
and hyphens do not count; digits and symbols make words of their own.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from editing.models.networks.clip import FUNCTION_WORDS, WORDS_FILE, has_han
from training import captions_chinese

PAD, UNKNOWN, START, END = "[PAD]", "[UNK]", "[BOS]", "[EOS]"
SPECIAL = (PAD, UNKNOWN, START, END)  # their ids are 0 to 3; no 2 for the end, see CLIPTextConfig


def make_tokenizer(words: Iterable[str]) -> Tokenizer:
    """The tokenizer of these words, in the order of their ids after ``SPECIAL``."""
    vocabulary = {word: i for i, word in enumerate((*SPECIAL, *words))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFKC(),
            normalizers.Lowercase(),
            normalizers.Replace(Regex(r"[\p{P}]"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\p{Han}|\p{So}"), behavior="isolated"),
            pre_tokenizers.WhitespaceSplit(),
        ]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}",
        special_tokens=[(START, vocabulary[START]), (END, vocabulary[END])],
    )
    return tokenizer


def words_of(texts: Iterable[str]) -> list[str]:
    """The words and characters of texts, the most frequent first."""
    splitter = make_tokenizer(())
    counts: Counter[str] = Counter()
    for text in texts:
        normal = splitter.normalizer.normalize_str(text)
        counts.update(word for word, _ in splitter.pre_tokenizer.pre_tokenize_str(normal))
    return [word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]


def taught_words(words: Iterable[str]) -> dict[str, list[str]]:
    """What to show people: every English word but the articles, and the Chinese expressions."""
    english = sorted(w for w in words if not has_han(w) and w not in FUNCTION_WORDS)
    tables = (captions_chinese.PEOPLE, captions_chinese.WORDS, captions_chinese.CLAUSES)
    chinese = [entry for table in tables for entries in table.values() for entry in entries]
    people = {entry for entries in captions_chinese.PEOPLE.values() for entry in entries}
    said = [captions_chinese.strip_measure(e) if e in people else e for e in chinese]
    return {"en": english, "zh": [*dict.fromkeys([*said, "眼镜", *captions_chinese.CLOTHES])]}


def save_tokenizer(folder: Path, words: list[str], context: int) -> None:
    """Write ``tokenizer.json``, its configuration and the list of words for people."""
    make_tokenizer(words).save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": PAD, "unk_token": UNKNOWN, "bos_token": START, "eos_token": END,
        "model_max_length": context,
    }  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1))
    taught = json.dumps(taught_words(words), ensure_ascii=False, indent=1)
    (folder / WORDS_FILE).write_text(taught, encoding="utf-8")
