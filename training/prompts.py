"""Questions for zero-shot tests of a text-image model: prompt pairs per attribute, two languages.

``PROMPTS[language][factor]`` holds a neutral prompt and one for either end of the factor.
``HELD_OUT_PROMPTS`` ask for a word that captions only ever use in lists of keywords
(``captions.HELD_OUT``) inside the sentence form of these prompts, where captions never use it.
"""

from __future__ import annotations

from dataclasses import dataclass

from training.captions import Language


@dataclass(frozen=True)
class Prompts:
    """What to compare a picture with; positive is the factor's positive end."""

    neutral: str
    positive: str
    negative: str


@dataclass(frozen=True)
class HeldOut:
    """A word in a form it was never trained in, and the factor that tells whether it is true."""

    word: str
    factor: str
    positive: str
    negative: str


NEUTRAL: dict[Language, str] = {"en": "a photo of a person", "zh": "一张人物的照片"}

# Factor -> what follows "a photo of" at its positive and its negative end.
ENGLISH: dict[str, tuple[str, str]] = {
    "smile": ("a person smiling broadly", "a person frowning"),
    "age": ("an old person", "a young person"),
    "gender": ("a man", "a woman"),
    "pose": ("a person turned to the right", "a person turned to the left"),
    "eyeglasses": ("a person wearing glasses", "a person with no glasses"),
    "pitch": ("a person looking up", "a person looking down"),
    "mouth_open": ("a person with an open mouth", "a person with a closed mouth"),
    "teeth": ("a person showing teeth", "a person with sealed lips"),
    "eye_openness": ("a person with wide open eyes", "a person with narrowed eyes"),
    "brow_height": ("a person with raised eyebrows", "a person with low eyebrows"),
    "brow_angle": ("a person with angry eyebrows", "a person with sad eyebrows"),
    "face_width": ("a person with a wide face", "a person with a narrow face"),
    "jaw_width": ("a person with a square jaw", "a person with a pointed chin"),
    "nose_size": ("a person with a large nose", "a person with a small nose"),
    "skin_tone": ("a person with dark skin", "a person with fair skin"),
    "hair_lightness": ("a person with blond hair", "a person with black hair"),
    "hair_redness": ("a person with red hair", "a person with brown hair"),
    "grey_hair": ("a person with grey hair", "a person with brown hair"),
    "hair_length": ("a person with long hair", "a person with short hair"),
    "hair_curl": ("a person with curly hair", "a person with straight hair"),
    "fringe": ("a person with a fringe", "a person with an open forehead"),
    "baldness": ("a person with a bald head", "a person with thick hair"),
    "beard": ("a person with a beard", "a person with a clean-shaven face"),
    "lip_colour": ("a person with red lips", "a person with pale lips"),
    "lip_fullness": ("a person with full lips", "a person with thin lips"),
    "eye_colour": ("a person with blue eyes", "a person with brown eyes"),
    "eye_size": ("a person with large eyes", "a person with small eyes"),
    "glasses_shape": ("a person wearing square glasses", "a person wearing round glasses"),
    "background_hue": (
        "a person in front of an orange background",
        "a person in front of a blue background",
    ),
    "background_lightness": (
        "a person in front of a light background",
        "a person in front of a dark background",
    ),
    "light_direction": ("a person, lit from the right", "a person, lit from the left"),
    "clothes_hue": ("a person dressed in a red sweater", "a person dressed in a blue sweater"),
    "clothes_lightness": (
        "a person dressed in a light sweater",
        "a person dressed in a dark sweater",
    ),
}
# The same for "一张……的照片".
CHINESE: dict[str, tuple[str, str]] = {
    "smile": ("笑得很开心的人", "一脸不高兴的人"),
    "age": ("老年人", "年轻人"),
    "gender": ("男士", "女士"),
    "pose": ("脸转向右边的人", "脸转向左边的人"),
    "eyeglasses": ("戴着眼镜的人", "脸上没有眼镜的人"),
    "pitch": ("抬着头的人", "低着头的人"),
    "mouth_open": ("张着嘴的人", "闭着嘴的人"),
    "teeth": ("露出牙齿的人", "双唇紧闭的人"),
    "eye_openness": ("睁大眼睛的人", "眯着眼睛的人"),
    "brow_height": ("扬着眉毛的人", "眉毛压得很低的人"),
    "brow_angle": ("眉毛倒竖的人", "八字眉的人"),
    "face_width": ("脸很宽的人", "脸很窄的人"),
    "jaw_width": ("下巴方正的人", "下巴尖尖的人"),
    "nose_size": ("鼻子很大的人", "鼻子小巧的人"),
    "skin_tone": ("皮肤黝黑的人", "皮肤白皙的人"),
    "hair_lightness": ("留着金色的头发的人", "留着黑色的头发的人"),
    "hair_redness": ("留着红色的头发的人", "留着棕色的头发的人"),
    "grey_hair": ("留着灰色的头发的人", "留着棕色的头发的人"),
    "hair_length": ("留着长发的人", "留着短发的人"),
    "hair_curl": ("留着卷发的人", "留着直发的人"),
    "fringe": ("留着刘海的人", "露出额头的人"),
    "baldness": ("剃着光头的人", "留着浓密的头发的人"),
    "beard": ("留着胡子的人", "没有胡子的人"),
    "lip_colour": ("嘴唇鲜红的人", "嘴唇苍白的人"),
    "lip_fullness": ("长着厚嘴唇的人", "长着薄嘴唇的人"),
    "eye_colour": ("有一双蓝色的眼睛的人", "有一双棕色的眼睛的人"),
    "eye_size": ("有一双大眼睛的人", "有一双小眼睛的人"),
    "glasses_shape": ("戴着方框眼镜的人", "戴着圆框眼镜的人"),
    "background_hue": ("身后是橙色的背景的人", "身后是蓝色的背景的人"),
    "background_lightness": ("身后是明亮的背景的人", "身后是昏暗的背景的人"),
    "light_direction": ("右侧受光的人", "左侧受光的人"),
    "clothes_hue": ("穿着红色的毛衣的人", "穿着蓝色的毛衣的人"),
    "clothes_lightness": ("穿着浅色的毛衣的人", "穿着深色的毛衣的人"),
}


def in_english(subject: str) -> str:
    return f"a photo of {subject}"


def in_chinese(subject: str) -> str:
    return f"一张{subject}的照片"


PROMPTS: dict[Language, dict[str, Prompts]] = {
    "en": {
        factor: Prompts(NEUTRAL["en"], in_english(high), in_english(low))
        for factor, (high, low) in ENGLISH.items()
    },
    "zh": {
        factor: Prompts(NEUTRAL["zh"], in_chinese(high), in_chinese(low))
        for factor, (high, low) in CHINESE.items()
    },
}

HELD_OUT_PROMPTS: dict[Language, tuple[HeldOut, ...]] = {
    "en": tuple(
        HeldOut(word, factor, in_english(subject), PROMPTS["en"][factor].negative)
        for word, factor, subject in (
            ("spectacles", "eyeglasses", "a person wearing spectacles"),
            ("grinning", "smile", "a grinning person"),
            ("elderly", "age", "an elderly person"),
            ("blonde", "hair_lightness", "a person with blonde hair"),
            ("bearded", "beard", "a bearded person"),
        )
    ),
    "zh": tuple(
        HeldOut(word, factor, in_chinese(subject), PROMPTS["zh"][factor].negative)
        for word, factor, subject in (
            ("戴眼镜", "eyeglasses", "戴眼镜的人"),
            ("微笑", "smile", "微笑的人"),
            ("老人", "age", "老人"),
        )
    ),
}
