"""中文描述。Chinese captions: words for each band of a factor, and the sentences they go into.

What is named becomes short clauses ("留着一头红色长卷发") that Chinese strings together with
commas, or puts before the person with 的; settings (wall, light) stand at the start or the end.
"""

from __future__ import annotations

from collections.abc import Mapping

from training.chooser import Chooser

Named = Mapping[str, str]  # factor -> band

# With their measure words, so that the list style can drop them.
PEOPLE: dict[tuple[str, str], tuple[str, ...]] = {
    ("", ""): ("一个人", "一位人物", "一个角色"),
    ("", "young"): ("一个年轻人", "一位青年", "一位年轻的人"),
    ("", "middle"): ("一个中年人", "一位人到中年的人"),
    ("", "old"): ("一位老人", "一位长者", "一位年长的人", "一个上了年纪的人", "一位老年人"),
    ("woman", ""): ("一位女士", "一位女性", "一名女子", "一个女人"),
    ("woman", "young"): ("一位年轻女子", "一个姑娘", "一位年轻女士", "一个女孩", "一位少女"),
    ("woman", "middle"): ("一位中年女士", "一位中年妇女", "一名中年女子"),
    ("woman", "old"): ("一位老太太", "一位老奶奶", "一位老妇人", "一位年长的女士", "一位女性老人"),
    ("man", ""): ("一位男士", "一位男性", "一名男子", "一个男人"),
    ("man", "young"): ("一位年轻男子", "一个小伙子", "一名青年男子", "一个男孩", "一位少年"),
    ("man", "middle"): ("一位中年男士", "一位大叔", "一名中年男子"),
    ("man", "old"): ("一位老先生", "一位老爷爷", "一位老大爷", "一位年长的男士", "一位男性老人"),
}
WORDS: dict[tuple[str, str], tuple[str, ...]] = {
    ("hair_lightness", "black"): ("黑色", "乌黑", "漆黑"),
    ("hair_lightness", "dark brown"): ("深棕色", "深褐色", "暗棕色"),
    ("hair_lightness", "brown"): ("棕色", "褐色", "栗色"),
    ("hair_lightness", "light brown"): ("浅棕色", "浅褐色", "蜜色"),
    ("hair_lightness", "blond"): ("金色", "金黄色", "淡金色"),
    ("hair_redness", "red"): ("红色", "姜红色", "红棕色", "火红"),
    ("grey_hair", "grey"): ("灰色", "花白", "灰白"),
    ("grey_hair", "white"): ("白色", "银白", "雪白", "银色"),
    ("hair_volume", "flat"): ("稀薄", "稀疏", "服帖"),
    ("hair_volume", "full"): ("浓密", "蓬松", "厚实"),
    ("eye_colour", "brown"): ("棕色", "褐色", "深色"),
    ("eye_colour", "green"): ("绿色", "碧绿", "榛绿色"),
    ("eye_colour", "blue"): ("蓝色", "湛蓝", "天蓝色"),
    ("eye_size", "small"): ("小眼睛",),
    ("eye_size", "large"): ("大眼睛",),
    ("lip_colour", "pale"): ("苍白", "淡色", "发白"),
    ("lip_colour", "red"): ("红色", "鲜红", "红润", "绯红"),
    ("lip_fullness", "thin"): ("薄嘴唇", "薄唇"),
    ("lip_fullness", "full"): ("厚嘴唇", "厚唇"),
    ("glasses_shape", "round"): ("圆框", "圆形", "圆圆的"),
    ("glasses_shape", "square"): ("方框", "方形", "长方形"),
    ("background_lightness", "dark"): ("昏暗", "暗色", "幽暗"),
    ("background_lightness", "light"): ("明亮", "浅色", "亮色"),
    ("background_hue", "blue"): ("蓝色", "蓝灰色", "偏蓝色"),
    ("background_hue", "teal"): ("青色", "蓝绿色", "青灰色"),
    ("background_hue", "grey"): ("灰色", "中性灰色", "银灰色"),
    ("background_hue", "sand"): ("米色", "沙色", "米黄色"),
    ("background_hue", "orange"): ("橙色", "暖色", "赭石色", "砖橙色"),
    ("clothes_lightness", "dark"): ("深色", "暗色", "颜色很深"),
    ("clothes_lightness", "light"): ("浅色", "淡色", "颜色很浅"),
    ("clothes_hue", "blue"): ("蓝色", "宝蓝色", "钴蓝色"),
    ("clothes_hue", "teal"): ("青色", "蓝绿色", "湖绿色"),
    ("clothes_hue", "purple"): ("紫色", "紫罗兰色", "紫红色"),
    ("clothes_hue", "red"): ("红色", "砖红色", "朱红色"),
}
BLENDS: dict[tuple[str, str], tuple[str, ...]] = {  # one word for hue and lightness of clothes
    ("blue", "dark"): ("藏青色", "深蓝色", "海军蓝"),
    ("blue", "light"): ("浅蓝色", "天蓝色", "淡蓝色"),
    ("teal", "dark"): ("墨绿色", "深青色"),
    ("teal", "light"): ("薄荷绿", "浅青色"),
    ("purple", "dark"): ("深紫色", "茄紫色"),
    ("purple", "light"): ("淡紫色", "薰衣草色"),
    ("red", "dark"): ("酒红色", "暗红色", "深红色"),
    ("red", "light"): ("粉红色", "粉色", "珊瑚色"),
}
LENGTHS = {"short": "短", "medium": "中长", "long": "长"}
CURLS = {"straight": "直发", "wavy": "波浪发", "curly": "卷发"}
CLAUSES: dict[tuple[str, str], tuple[str, ...]] = {
    ("smile", "frown"): ("愁眉苦脸", "撇着嘴", "嘴角下垂", "一脸不高兴"),
    ("smile", "neutral"): ("表情平静", "神情严肃", "面无表情", "神色淡然"),
    ("smile", "smile"): ("面带微笑", "带着笑容", "嘴角上扬", "面带笑意"),
    ("smile", "laugh"): ("笑得很开心", "笑容满面", "开怀大笑", "咧着嘴笑", "喜笑颜开"),
    ("pose", "left"): ("脸转向左边", "面朝左侧", "侧向左边", "看向画面左侧"),
    ("pose", "front"): ("正对镜头", "面朝前方", "正视前方"),
    ("pose", "right"): ("脸转向右边", "面朝右侧", "侧向右边", "看向画面右侧"),
    ("pitch", "down"): ("低着头", "目光向下", "垂着头", "俯视下方"),
    ("pitch", "up"): ("抬着头", "仰着脸", "扬着下巴", "仰望上方"),
    ("mouth_open", "closed"): ("闭着嘴", "双唇紧闭", "嘴巴合拢"),
    ("mouth_open", "open"): ("张着嘴", "嘴巴张开", "张大了嘴"),
    ("teeth", "shown"): ("露出牙齿", "露着白牙", "牙齿外露"),
    ("eye_openness", "narrow"): ("眯着眼睛", "眯缝着眼", "半闭着眼"),
    ("eye_openness", "wide"): ("睁大眼睛", "瞪着眼睛", "双目圆睁"),
    ("brow_height", "low"): ("眉毛压得很低", "眉毛很低", "眉毛低垂"),
    ("brow_height", "high"): ("扬着眉毛", "眉毛挑得很高", "挑着眉"),
    ("brow_angle", "sad"): ("八字眉", "眉毛呈八字", "眉间带着忧愁", "神色哀伤"),
    ("brow_angle", "angry"): ("眉毛倒竖", "横眉怒目", "眉间带着怒气", "神色凶狠"),
    ("face_width", "narrow"): ("脸型瘦长", "脸很窄", "脸庞清瘦"),
    ("face_width", "wide"): ("脸型宽大", "脸很宽", "脸庞圆润"),
    ("jaw_width", "pointed"): ("下巴尖尖", "尖下巴", "下颌尖细"),
    ("jaw_width", "square"): ("下巴方正", "方下巴", "下颌宽厚"),
    ("nose_size", "small"): ("鼻子小巧", "小鼻子", "鼻头小小"),
    ("nose_size", "large"): ("鼻子很大", "大鼻子", "鼻头硕大"),
    ("skin_tone", "fair"): ("皮肤白皙", "肤色很白", "皮肤雪白"),
    ("skin_tone", "light"): ("肤色浅", "皮肤粉嫩", "浅色皮肤"),
    ("skin_tone", "tan"): ("小麦色皮肤", "肤色微黄", "皮肤晒成了古铜色"),
    ("skin_tone", "brown"): ("棕色皮肤", "肤色偏棕", "皮肤呈浅褐色"),
    ("skin_tone", "dark"): ("皮肤黝黑", "深色皮肤", "肤色很深"),
    ("fringe", "open"): ("露出额头", "额头光洁", "没有刘海"),
    ("fringe", "fringe"): ("留着刘海", "刘海遮住额头", "额前有刘海"),
    ("parting", "left"): ("头发左分", "发缝在左边"),
    ("parting", "right"): ("头发右分", "发缝在右边"),
    ("baldness", "receding"): ("头发稀少", "发际线后移", "有些谢顶"),
    ("baldness", "bald"): ("剃着光头", "秃着头", "头顶光秃", "头上没有头发"),
    ("beard", "shaven"): ("没有胡子", "胡子刮得很干净", "下巴光洁"),
    ("beard", "stubble"): ("留着胡茬", "有淡淡的胡茬", "留着短短的胡子"),
    ("beard", "beard"): ("留着胡子", "长着大胡子", "胡须浓密", "满脸胡须"),
    ("eyeglasses", "none"): ("脸上没有眼镜", "鼻梁上没有眼镜", "不戴眼镜", "没戴眼镜"),
}
LIGHT: dict[str, tuple[str, ...]] = {
    "left": ("光从左边照来", "光线来自左侧", "左侧受光"),
    "front": ("光从正面照来", "光线均匀", "正面受光"),
    "right": ("光从右边照来", "光线来自右侧", "右侧受光"),
}
CLOTHES = ("毛衣", "高领衫", "套头衫", "上衣", "衣服")
OPENERS = (
    "这是", "画面中是", "图中是", "照片里是", "画里有", "肖像中是", "镜头前是", "这张照片拍的是",
    "这幅肖像画的是", "这里有",
)  # fmt: skip
FRAMES = (
    "一张{}的照片", "一幅{}的肖像", "一张{}的图片", "一幅{}的画像", "一张{}的头像", "一张{}的特写",
    "{}的肖像画",
)  # fmt: skip


def before_noun(words: list[str]) -> str:
    """Adjectives as they stand before a noun: 红色的, but 浓密的红色, with no second 的."""
    if len(words) > 1 and words[-1].endswith("色"):
        return "".join(f"{word}的" for word in words[:-1]) + words[-1]
    return "".join(f"{word}的" for word in words)


def hair(named: Named, choose: Chooser) -> str:
    """红色的长卷发; empty where nothing is said of the hair."""
    colour = [
        choose(WORDS[factor, named[factor]])
        for factor in ("hair_volume", "hair_lightness", "hair_redness", "grey_hair")
        if factor in named
    ]
    length, curl = named.get("hair_length", ""), named.get("hair_curl", "")
    noun = LENGTHS.get(length, "") + CURLS.get(curl, "发" if length else "头发")
    return before_noun(colour) + noun if colour or length or curl else ""


def eyes(named: Named, choose: Chooser) -> str:
    colour = [choose(WORDS["eye_colour", named["eye_colour"]])] if "eye_colour" in named else []
    size = choose(WORDS["eye_size", named["eye_size"]]) if "eye_size" in named else ""
    return before_noun(colour) + (size or "眼睛") if colour or size else ""


def lips(named: Named, choose: Chooser) -> tuple[str, str]:
    """Clause and keyword: 嘴唇红润, or 长着红色的厚嘴唇; empty where nothing is said of them."""
    colour = [choose(WORDS["lip_colour", named["lip_colour"]])] if "lip_colour" in named else []
    if "lip_fullness" in named:
        words = before_noun(colour) + choose(WORDS["lip_fullness", named["lip_fullness"]])
        return choose(("长着", "有着")) + words, words
    if colour and not colour[0].endswith("色"):
        return f"嘴唇{colour[0]}", f"{colour[0]}的嘴唇"
    return (f"嘴唇是{colour[0]}的", f"{colour[0]}嘴唇") if colour else ("", "")


def tinted(named: Named, choose: Chooser, kind: str) -> str:
    """明亮的蓝色的: lightness and hue of background or clothes."""
    lightness, hue = f"{kind}_lightness", f"{kind}_hue"
    if kind == "clothes" and lightness in named and hue in named and choose.chance(0.5):
        return before_noun([choose(BLENDS[named[hue], named[lightness]])])
    return before_noun(
        [choose(WORDS[factor, named[factor]]) for factor in (lightness, hue) if factor in named]
    )


def features(named: Named, choose: Chooser) -> tuple[list[str], list[str]]:
    """Clauses, and the same as keywords, of all that is named of the person."""
    clauses, tags = [], []

    def say(clause: str, tag: str = "") -> None:
        clauses.append(clause)
        tags.append(tag or clause)

    if words := hair(named, choose):
        say(choose(("留着", "有着", "长着一头", "留着一头", "顶着一头")) + words, words)
    if words := eyes(named, choose):
        say(choose(("有一双", "长着一双", "长着")) + words, words)
    clause, tag = lips(named, choose)
    if clause:
        say(clause, tag)
    for key, options in CLAUSES.items():
        if named.get(key[0]) == key[1]:
            say(choose(options))
    if named.get("eyeglasses") == "on":
        shape = named.get("glasses_shape")
        noun = (choose(WORDS["glasses_shape", shape]) if shape else "") + "眼镜"
        wears = choose(("戴着", "戴着一副", "架着一副", "鼻梁上架着"))
        say(wears + noun, noun if shape else choose(("戴眼镜", "戴着眼镜", "眼镜")))
    if words := tinted(named, choose, "clothes"):
        garment = words + choose(CLOTHES)
        say(choose(("穿着", "身穿", "穿了一件", "身着")) + garment, garment)
    order = choose.shuffled(range(len(clauses)))
    return [clauses[i] for i in order], [tags[i] for i in order]


def wall(named: Named, choose: Chooser) -> str:
    """昏暗的蓝色的; empty where nothing is said of the background."""
    return tinted(named, choose, "background")


def settings(named: Named, choose: Chooser) -> list[str]:
    """Clauses of wall and light."""
    said = []
    if words := wall(named, choose):
        form = choose(
            ("背景是{}墙面", "身后是{}墙壁", "背景为{}墙壁", "后面是{}背景", "身后是{}背景")
        )
        said.append(form.format(words))
    if "light_direction" in named:
        said.append(choose(LIGHT[named["light_direction"]]))
    return said


def person(named: Named, choose: Chooser) -> str:
    return choose(PEOPLE[named.get("gender", ""), named.get("age", "")])


def strip_measure(words: str) -> str:
    """一位老太太 -> 老太太."""
    return words[2:]


def pronoun(named: Named) -> str:
    return {"woman": "她", "man": "他"}.get(named.get("gender", ""), "这个人")


def described(who: str, clauses: list[str]) -> str:
    """Clauses before the noun: 留着长发、戴着眼镜的女士."""
    return f"{'、'.join(clauses).removesuffix('的')}的{who}" if clauses else who


def flowing(named: Named, choose: Chooser) -> str:
    """画面中是一位女士，留着长发，戴着眼镜，背景是……"""
    clauses, _ = features(named, choose)
    return (
        "，".join([choose(OPENERS) + person(named, choose), *clauses, *settings(named, choose)])
        + "。"
    )


def framed(named: Named, choose: Chooser) -> str:
    """一张留着长发、戴着眼镜的女士的照片，背景是……"""
    clauses, _ = features(named, choose)
    split = min(2, len(clauses))
    who = strip_measure(person(named, choose))
    said = [choose(FRAMES).format(described(who, clauses[:split]))]
    if clauses[split:]:
        said.append(pronoun(named) + "，".join(clauses[split:]))
    return "，".join(said + settings(named, choose)) + "。"


def two_sentences(named: Named, choose: Chooser) -> str:
    """这是一位女士。她留着长发，戴着眼镜。背景是……"""
    clauses, _ = features(named, choose)
    said = [choose(OPENERS) + person(named, choose)]
    if clauses:
        said.append(pronoun(named) + "，".join(clauses))
    if scene := settings(named, choose):
        said.append("，".join(scene))
    return "。".join(said) + "。"


def wall_first(named: Named, choose: Chooser) -> str:
    """昏暗的背景前，一位戴着眼镜的女士面朝左侧。"""
    clauses, _ = features(named, choose)
    words = wall(named, choose)
    place = f"{words}{choose(('背景', '墙壁'))}前，" if words else ""
    light = choose(LIGHT[named["light_direction"]]) + "，" if "light_direction" in named else ""
    split = max(0, min(2, len(clauses) - 1))
    who = person(named, choose)
    who = who[:2] + described(strip_measure(who), clauses[:split])
    rest = "，".join(clauses[split:]) or "出现在画面中"
    return f"{place}{light}{who}{rest}。"


TEMPLATES = (flowing, framed, framed, two_sentences, wall_first)


def sentences(named: Named, choose: Chooser) -> str:
    """A caption in whole sentences."""
    return choose.one_of(TEMPLATES)(named, choose)


def keywords(named: Named, choose: Chooser) -> str:
    """A caption as a list: 肖像：年轻女子，长发，戴眼镜."""
    _, tags = features(named, choose)
    start = choose(("肖像：", "关键词：", "标签：", "头像：", ""))
    return start + "，".join(
        [strip_measure(person(named, choose)), *tags, *settings(named, choose)]
    )
