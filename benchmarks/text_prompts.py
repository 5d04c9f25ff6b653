"""The prompts of ``benchmarks.text_edits`` and ``benchmarks.text_search``; fixed before any run.

Never chosen, worded or left out by how well they do. A change of this file makes new numbers.
"""

from __future__ import annotations

from typing import NamedTuple


class Prompt(NamedTuple):
    """A text edit that is asked for, and what the renderer calls it."""

    neutral: str
    target: str
    attribute: str  # a factor of training.factors
    sign: int  # 1: towards its positive end


EDITS: tuple[Prompt, ...] = (
    Prompt("a person", "a person smiling broadly", "smile", 1),
    Prompt("a person", "a frowning person", "smile", -1),
    Prompt("a person", "an old person", "age", 1),
    Prompt("a person", "a young person", "age", -1),
    Prompt("a person", "a man", "gender", 1),
    Prompt("a person", "a woman", "gender", -1),
    Prompt("a person", "a person wearing glasses", "eyeglasses", 1),
    Prompt("a face", "a face with glasses", "eyeglasses", 1),
    Prompt("a person", "a person with an open mouth", "mouth_open", 1),
    Prompt("a person", "a person with dark skin", "skin_tone", 1),
    Prompt("a person", "a person with blond hair", "hair_lightness", 1),
    Prompt("a person", "a person with black hair", "hair_lightness", -1),
    Prompt("a person", "a person with grey hair", "grey_hair", 1),
    Prompt("a person", "a person with long hair", "hair_length", 1),
    Prompt("a person", "a person with curly hair", "hair_curl", 1),
    Prompt("a person", "a person with a fringe", "fringe", 1),
    Prompt("a person", "a bald person", "baldness", 1),
    Prompt("a person", "a person with a beard", "beard", 1),
    Prompt("a person", "a person with red lips", "lip_colour", 1),
    Prompt("a person", "a person with blue eyes", "eye_colour", 1),
    Prompt("人", "笑得很开心的人", "smile", 1),
    Prompt("人", "老年人", "age", 1),
    Prompt("人", "戴着眼镜的人", "eyeglasses", 1),
    Prompt("人", "留着胡子的人", "beard", 1),
)

SEARCHES: tuple[Prompt, ...] = (
    Prompt("", "a smiling person", "smile", 1),
    Prompt("", "an old person", "age", 1),
    Prompt("", "a woman", "gender", -1),
    Prompt("", "a person wearing glasses", "eyeglasses", 1),
    Prompt("", "a person with blond hair", "hair_lightness", 1),
    Prompt("", "a bald person", "baldness", 1),
    Prompt("", "a person with a beard", "beard", 1),
    Prompt("", "a person with long hair", "hair_length", 1),
    Prompt("", "a person in front of a dark background", "background_lightness", -1),
    Prompt("", "戴着眼镜的人", "eyeglasses", 1),
)
