"""English captions: the words for each band of a factor, and the sentences they go into.

What is named becomes nouns ("long red hair"), doings ("looking up") and settings ("before a dark
wall"); a template strings them together. Words that only stand before a noun begin with "*".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from training.chooser import Chooser

Named = Mapping[str, str]  # factor -> band

PEOPLE: dict[tuple[str, str], tuple[str, ...]] = {
    ("", ""): ("person", "human being", "individual", "character", "figure", "face"),
    ("", "young"): ("young person", "youngster", "youthful individual", "fresh-faced person"),
    ("", "middle"): ("middle-aged person", "mature person", "grown-up in midlife"),
    ("", "old"): ("old person", "elderly person", "senior", "pensioner", "aged individual"),
    ("woman", ""): ("woman", "lady", "female person", "female character"),
    ("woman", "young"): ("young woman", "young lady", "girl", "youthful woman"),
    ("woman", "middle"): ("middle-aged woman", "mature lady", "woman in her forties"),
    ("woman", "old"): ("old woman", "elderly woman", "elderly lady", "aged lady", "grandmother",
                       "granny", "senior woman", "woman in her seventies"),
    ("man", ""): ("man", "gentleman", "guy", "fellow", "male person"),
    ("man", "young"): ("young man", "lad", "boy", "youthful man", "young fellow"),
    ("man", "middle"): ("middle-aged man", "mature gentleman", "man in his forties"),
    ("man", "old"): ("old man", "elderly man", "elderly gentleman", "aged gentleman",
                     "grandfather", "grandpa", "senior man", "man in his seventies"),
}  # fmt: skip
ADJECTIVES: dict[tuple[str, str], tuple[str, ...]] = {
    ("hair_volume", "flat"): ("flat", "thin", "fine", "limp", "sparse"),
    ("hair_volume", "full"): ("full", "thick", "voluminous", "bushy", "dense", "abundant"),
    ("hair_length", "short"): ("short", "cropped", "close-cut", "trimmed", "clipped"),
    ("hair_length", "medium"): ("medium-length", "chin-length", "jaw-length", "bobbed"),
    ("hair_length", "long"): ("long", "flowing", "shoulder-length", "lengthy"),
    ("hair_curl", "straight"): ("straight", "sleek", "smooth", "uncurled"),
    ("hair_curl", "wavy"): ("wavy", "rippling", "gently waved", "undulating"),
    ("hair_curl", "curly"): ("curly", "frizzy", "ringleted", "tightly curled", "permed"),
    ("hair_lightness", "black"): ("black", "jet-black", "raven", "ebony"),
    ("hair_lightness", "dark brown"): ("dark brown", "deep brown", "espresso-coloured"),
    ("hair_lightness", "brown"): ("brown", "brunette", "chestnut", "hazelnut-coloured"),
    ("hair_lightness", "light brown"): ("light brown", "caramel", "golden brown", "honey-coloured"),
    ("hair_lightness", "blond"): ("blond", "blonde", "fair", "golden", "yellow", "flaxen"),
    ("hair_redness", "red"): ("red", "ginger", "copper", "auburn", "fiery", "russet"),
    ("grey_hair", "grey"): ("grey", "gray", "greying", "ash-grey", "steel-grey"),
    ("grey_hair", "white"): ("white", "silver", "snowy", "silvery", "frosty"),
    ("eye_size", "small"): ("small", "little", "tiny", "beady"),
    ("eye_size", "large"): ("large", "big", "huge", "*doe-like"),
    ("eye_openness", "narrow"): ("narrowed", "half-closed", "squinting", "sleepy"),
    ("eye_openness", "wide"): ("wide open", "wide", "startled", "alert"),
    ("eye_colour", "brown"): ("brown", "dark", "chocolate-brown", "coffee-coloured"),
    ("eye_colour", "green"): ("green", "hazel", "olive-green", "emerald"),
    ("eye_colour", "blue"): ("blue", "azure", "sky-blue", "cornflower-blue"),
    ("brow_height", "low"): ("low", "lowered", "heavy", "overhanging"),
    ("brow_height", "high"): ("raised", "high", "lifted", "arched"),
    ("brow_angle", "sad"): ("sad", "worried", "drooping", "anxious", "sorrowful"),
    ("brow_angle", "angry"): ("angry", "stern", "slanting", "fierce", "grim"),
    ("face_width", "narrow"): ("narrow", "slim", "thin", "slender", "lean"),
    ("face_width", "wide"): ("wide", "broad", "chubby", "full-cheeked"),
    ("jaw_width", "pointed"): ("pointed", "tapering", "delicate", "narrow"),
    ("jaw_width", "square"): ("square", "strong", "angular", "sturdy", "chiselled"),
    ("nose_size", "small"): ("small", "*button", "dainty", "little", "petite"),
    ("nose_size", "large"): ("large", "big", "prominent", "bulky", "sizeable"),
    ("skin_tone", "fair"): ("fair", "very light", "pale", "porcelain", "ivory"),
    ("skin_tone", "light"): ("light", "peachy", "rosy", "creamy"),
    ("skin_tone", "tan"): ("tanned", "sun-kissed", "bronzed", "golden"),
    ("skin_tone", "brown"): ("brown", "light brown", "tawny", "cinnamon-coloured"),
    ("skin_tone", "dark"): ("dark", "dark brown", "deep brown", "mahogany"),
    ("lip_colour", "pale"): ("pale", "colourless", "unpainted", "bloodless"),
    ("lip_colour", "red"): ("red", "crimson", "scarlet", "cherry-red", "ruby"),
    ("lip_fullness", "thin"): ("thin", "narrow", "slight"),
    ("lip_fullness", "full"): ("full", "plump", "thick", "luscious"),
    ("glasses_shape", "round"): ("round", "circular", "round-rimmed"),
    ("glasses_shape", "square"): ("square", "rectangular", "boxy", "angular"),
    ("background_lightness", "dark"): ("dark", "dim", "shadowy", "gloomy", "murky"),
    ("background_lightness", "light"): ("light", "bright", "pale", "luminous"),
    ("background_hue", "blue"): ("blue", "bluish", "steel-blue"),
    ("background_hue", "teal"): ("teal", "blue-green", "greenish"),
    ("background_hue", "grey"): ("grey", "gray", "neutral", "greyish"),
    ("background_hue", "sand"): ("beige", "sandy", "cream-coloured", "sand-coloured"),
    ("background_hue", "orange"): ("orange", "warm", "terracotta", "rust-coloured", "earthy"),
    ("clothes_lightness", "dark"): ("dark", "sombre", "deep-toned"),
    ("clothes_lightness", "light"): ("light", "pale", "pastel"),
    ("clothes_hue", "blue"): ("blue", "denim-blue", "cobalt"),
    ("clothes_hue", "teal"): ("teal", "sea-green", "turquoise"),
    ("clothes_hue", "purple"): ("purple", "violet", "mauve"),
    ("clothes_hue", "red"): ("red", "reddish", "brick-red"),
}
BLENDS: dict[tuple[str, str], tuple[str, ...]] = {  # one word for hue and lightness of clothes
    ("blue", "dark"): ("navy", "navy-blue", "midnight-blue", "indigo"),
    ("blue", "light"): ("sky-blue", "baby-blue", "powder-blue"),
    ("teal", "dark"): ("petrol-coloured", "bottle-green", "pine-green"),
    ("teal", "light"): ("mint-green", "aquamarine", "minty"),
    ("purple", "dark"): ("plum-coloured", "aubergine", "grape-coloured"),
    ("purple", "light"): ("lilac", "lavender", "orchid"),
    ("red", "dark"): ("maroon", "burgundy", "wine-red"),
    ("red", "light"): ("pink", "salmon", "coral", "rose-coloured"),
}
NOUNS: dict[str, tuple[str, ...]] = {
    "hair": ("hair", "hair", "hair", "locks", "tresses"),
    "eyes": ("eyes",),
    "eyebrows": ("eyebrows", "brows"),
    "face": ("face", "visage"),
    "jaw": ("jaw", "jawline", "chin"),
    "nose": ("nose",),
    "skin": ("skin", "complexion"),
    "lips": ("lips",),
    "glasses": ("glasses", "eyeglasses", "spectacles", "eyewear"),
    "background": ("background", "backdrop", "wall"),
    "clothes": ("sweater", "pullover", "jumper", "turtleneck", "top"),
}
# What may stand right before the person: "a smiling woman", "a grey-haired man".
BEFORE_PERSON: dict[tuple[str, str], tuple[str, ...]] = {
    ("smile", "frown"): ("frowning", "scowling", "sullen", "unhappy", "sad"),
    ("smile", "neutral"): ("serious", "calm", "composed"),
    ("smile", "smile"): ("smiling", "friendly", "gently smiling"),
    ("smile", "laugh"): ("broadly smiling", "laughing", "grinning", "beaming", "happy", "cheerful"),
    ("baldness", "bald"): ("bald", "bald-headed", "hairless"),
    ("baldness", "receding"): ("balding",),
    ("beard", "shaven"): ("clean-shaven", "beardless"),
    ("beard", "stubble"): ("stubbly", "unshaven"),
    ("beard", "beard"): ("bearded", "bewhiskered"),
    ("eyeglasses", "on"): ("bespectacled",),
    ("hair_lightness", "black"): ("black-haired", "raven-haired"),
    ("hair_lightness", "blond"): ("blond", "fair-haired", "golden-haired"),
    ("hair_redness", "red"): ("red-haired", "ginger"),
    ("grey_hair", "grey"): ("grey-haired", "gray-haired"),
    ("grey_hair", "white"): ("white-haired", "silver-haired"),
    ("hair_length", "short"): ("short-haired",),
    ("hair_length", "long"): ("long-haired",),
    ("hair_curl", "curly"): ("curly-haired", "curly-headed"),
    ("eye_colour", "blue"): ("blue-eyed",),
    ("eye_colour", "green"): ("green-eyed",),
    ("eye_colour", "brown"): ("brown-eyed",),
    ("skin_tone", "dark"): ("dark-skinned",),
    ("skin_tone", "fair"): ("fair-skinned", "pale"),
}
PLURAL = {"locks", "tresses", "eyes", "eyebrows", "brows", "lips", "glasses", "eyeglasses",
          "spectacles"}  # fmt: skip
UNCOUNTED = PLURAL | {"hair", "skin", "eyewear"}
# What the adjectives of which factors describe, in English order.
GROUPS: dict[str, tuple[str, ...]] = {
    "hair": ("hair_volume", "hair_length", "hair_curl", "hair_lightness", "hair_redness",
             "grey_hair"),
    "eyes": ("eye_size", "eye_openness", "eye_colour"),
    "eyebrows": ("brow_height", "brow_angle"),
    "face": ("face_width",),
    "jaw": ("jaw_width",),
    "nose": ("nose_size",),
    "skin": ("skin_tone",),
    "lips": ("lip_fullness", "lip_colour"),
}  # fmt: skip
FIXED: dict[tuple[str, str], tuple[str, ...]] = {
    ("smile", "frown"): ("a frown", "a sullen expression", "a downturned mouth", "a glum look"),
    ("smile", "neutral"): ("a neutral expression", "a calm face", "a blank look"),
    ("smile", "smile"): ("a smile", "a friendly smile", "a faint smile", "a gentle smile"),
    ("smile", "laugh"): ("a broad smile", "a big smile", "a happy face", "a cheerful expression"),
    ("fringe", "open"): ("a bare forehead", "an open forehead", "a high forehead"),
    ("fringe", "fringe"): ("a fringe", "bangs", "hair falling over the forehead"),
    ("parting", "left"): ("a parting on the left", "hair parted at the left side"),
    ("parting", "right"): ("a parting on the right", "hair parted at the right side"),
    ("baldness", "receding"): (
        "a receding hairline",
        "thinning hair",
        "hair loss",
        "a balding crown",
    ),
    ("baldness", "bald"): ("a bald head", "no hair on top", "a shiny scalp", "a hairless crown"),
    ("beard", "shaven"): ("no beard", "a clean-shaven face", "a beardless chin"),
    ("beard", "stubble"): ("stubble", "a light beard", "a stubbly chin", "a five-o'clock shadow"),
    ("beard", "beard"): ("a beard", "a full beard", "a thick beard", "whiskers", "facial hair"),
    ("mouth_open", "closed"): ("a closed mouth", "a shut mouth", "sealed lips"),
    ("mouth_open", "open"): ("an open mouth", "a gaping mouth", "parted lips"),
    ("teeth", "shown"): ("visible teeth", "white teeth on show", "a toothy mouth"),
    ("eyeglasses", "none"): ("no glasses", "no eyewear", "eyes free of glasses"),
}
DOINGS: dict[tuple[str, str], tuple[str, ...]] = {
    ("smile", "frown"): ("frowning", "scowling", "sulking", "looking unhappy"),
    ("smile", "neutral"): ("keeping a straight face", "looking serious", "looking composed"),
    ("smile", "smile"): ("smiling", "smiling gently", "smiling slightly", "looking pleased"),
    ("smile", "laugh"): (
        "smiling broadly",
        "grinning",
        "beaming",
        "laughing",
        "looking happy",
        "looking delighted",
    ),
    ("pose", "left"): ("turned to the left", "facing left", "looking towards the left"),
    ("pose", "front"): ("facing the camera", "looking straight ahead", "facing forward"),
    ("pose", "right"): ("turned to the right", "facing right", "looking towards the right"),
    ("pitch", "down"): ("looking down", "bowing the head", "gazing downwards", "lowering the chin"),
    ("pitch", "up"): ("looking up", "raising the chin", "gazing upwards", "tilting the head back"),
    ("teeth", "shown"): ("showing teeth", "baring the teeth"),
    ("brow_height", "high"): ("raising the eyebrows", "lifting the brows"),
    ("eye_openness", "narrow"): ("squinting", "narrowing the eyes"),
    ("eye_openness", "wide"): ("staring", "opening the eyes wide"),
    ("mouth_open", "open"): ("opening the mouth", "speaking"),
}
LIGHT: dict[str, tuple[str, ...]] = {
    "left": ("lit from the left", "with light coming from the left", "illuminated from the left"),
    "front": ("lit from the front", "under frontal light", "evenly lit"),
    "right": (
        "lit from the right",
        "with light coming from the right",
        "illuminated from the right",
    ),
}
OPENERS = (
    "a portrait of", "a photo of", "a picture of", "an image of", "a headshot of", "a close-up of",
    "a studio portrait of", "a rendering of", "a drawing of", "an illustration of", "a snapshot of",
    "a 3D avatar of", "a photograph of", "a cartoon portrait of", "a digital painting of",
)  # fmt: skip


def article(phrase: str) -> str:
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"


def join(items: list[str]) -> str:
    """a, b and c."""
    return " and ".join(filter(None, [", ".join(items[:-1]), items[-1]]))


def sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


@dataclass(frozen=True)
class Thing:
    """A noun with adjectives, or a fixed phrase (no noun)."""

    adjectives: tuple[str, ...]
    noun: str
    fixed: str = ""

    def phrase(self, with_article: bool = True) -> str:
        if self.fixed:
            return self.fixed if with_article else bare(self.fixed)
        words = " ".join([a.lstrip("*") for a in self.adjectives] + [self.noun])
        return words if self.noun in UNCOUNTED or not with_article else article(words)

    def clause(self, owner: str) -> str:
        """ "her hair is long and red"; empty where it cannot be said so."""
        if self.fixed or not self.adjectives or any(a[0] == "*" for a in self.adjectives):
            return ""
        verb = "are" if self.noun in PLURAL else "is"
        return f"{owner} {self.noun} {verb} {join(list(self.adjectives))}"


def bare(phrase: str) -> str:
    """Without its article."""
    return phrase.removeprefix("a ").removeprefix("an ")


@dataclass(frozen=True)
class Parts:
    """What a caption has to say, in random order within each kind."""

    person: str
    pronoun: str
    owner: str
    plural: bool
    things: list[Thing]
    doings: list[str]
    settings: list[str]

    @property
    def is_(self) -> str:
        return "are" if self.plural else "is"

    @property
    def has(self) -> str:
        return "have" if self.plural else "has"


def adjective(named: Named, choose: Chooser, factor: str) -> str:
    return choose(ADJECTIVES[factor, named[factor]])


def coloured(named: Named, choose: Chooser, kind: str) -> list[str]:
    """Lightness and hue of background or clothes."""
    lightness, hue = f"{kind}_lightness", f"{kind}_hue"
    if kind == "clothes" and lightness in named and hue in named and choose.chance(0.5):
        return [choose(BLENDS[named[hue], named[lightness]])]
    return [adjective(named, choose, factor) for factor in (lightness, hue) if factor in named]


def gather(named: Named, choose: Chooser) -> Parts:
    """Words for everything named."""
    things, doings, settings = [], [], []
    rest = dict(named)
    gender = rest.pop("gender", "")
    person = choose(PEOPLE[gender, rest.pop("age", "")])
    shaped = "glasses_shape" in rest  # "bespectacled" has no room for it
    fitting = [
        k for k in rest.items() if k in BEFORE_PERSON and (k[0] != "eyeglasses" or not shaped)
    ]
    if fitting and choose.chance(0.3):
        key = choose.one_of(fitting)
        person = f"{choose(BEFORE_PERSON[key])} {person}"
        del rest[key[0]]
    for factor in ("smile", "pose", "pitch", "teeth", "brow_height", "eye_openness", "mouth_open"):
        key = (factor, rest.get(factor, ""))
        only = factor in ("pose", "pitch")
        if key in DOINGS and (only or choose.chance(0.6 if factor == "smile" else 0.3)):
            doings.append(choose(DOINGS[key]))
            del rest[factor]
    for noun, factors in GROUPS.items():
        adjectives = [adjective(rest, choose, factor) for factor in factors if factor in rest]
        if adjectives:
            things.append(Thing(tuple(adjectives), choose(NOUNS[noun])))
    for key in FIXED:
        if rest.get(key[0]) == key[1]:
            things.append(Thing((), "", choose(FIXED[key])))
    if rest.get("eyeglasses") == "on":
        shape = [adjective(rest, choose, "glasses_shape")] if "glasses_shape" in rest else []
        glasses = Thing(tuple(shape), choose(NOUNS["glasses"]))
        if choose.chance(0.5):
            doings.append(f"wearing {glasses.phrase()}")
        else:
            things.append(glasses)
    if colours := coloured(rest, choose, "clothes"):
        verb = choose(("wearing", "dressed in", "clad in"))
        doings.append(f"{verb} {Thing(tuple(colours), choose(NOUNS['clothes'])).phrase()}")
    if colours := coloured(rest, choose, "background"):
        place = choose(("in front of", "before", "against", "set against"))
        wall = Thing(tuple(colours), choose(NOUNS["background"])).phrase()
        settings.append(f"{place} {wall}")
    if "light_direction" in rest:
        settings.append(choose(LIGHT[rest["light_direction"]]))
    pronouns = {"woman": ("she", "her"), "man": ("he", "his"), "": ("they", "their")}
    return Parts(
        person,
        *pronouns[gender],
        plural=not gender,
        things=choose.shuffled(things),
        doings=choose.shuffled(doings),
        settings=settings,
    )


def one_breath(p: Parts, choose: Chooser) -> str:
    """A portrait of a woman looking up, with long hair, in front of a wall."""
    chunks = [f"{choose(OPENERS)} {article(p.person)}"]
    features = f"with {join([t.phrase() for t in p.things])}" if p.things else ""
    if p.doings:
        chunks[0] += f" {join(p.doings)}"
        chunks += [features] if features else []
    elif features:
        chunks[0] += f" {features}"
    return sentence(", ".join(chunks + p.settings))


def step_by_step(p: Parts, choose: Chooser) -> str:
    """A photo of a man. He has a beard. He is looking up. ..."""
    start = choose(("here is", "this is", "we see", "the picture shows", "there is", *OPENERS))
    said = [sentence(f"{start} {article(p.person)}")]
    if p.things:
        said.append(sentence(f"{p.pronoun} {p.has} {join([t.phrase() for t in p.things])}"))
    if p.doings:
        said.append(sentence(f"{p.pronoun} {p.is_} {join(p.doings)}"))
    if p.settings:
        verb = choose(("appears", "is seen", "is shown", "has been painted"))
        said.append(sentence(f"the {p.person.split(' in ')[0]} {verb} {join(p.settings)}"))
    return " ".join(said)


def possessive(p: Parts, choose: Chooser) -> str:
    """A man is smiling. His hair is grey, and his eyes are blue."""
    clauses = [clause for t in p.things if (clause := t.clause(p.owner))]
    others = [t.phrase() for t in p.things if not t.clause(p.owner)]
    start = choose(("here is", "meet", "look at", "you can see", "imagine", "notice"))
    first = f"{start} {article(p.person)}"
    first += f" with {join(others)}" if others else ""
    first += f", {join(p.doings)}" if p.doings else ""
    said = [sentence(first)]
    if clauses:
        said.append(sentence(join(clauses)))
    if p.settings:
        said.append(sentence(f"{p.pronoun} {p.is_} shown {join(p.settings)}"))
    return " ".join(said)


def statement(p: Parts, choose: Chooser) -> str:
    """A woman with long hair is looking up in front of a wall."""
    subject = article(p.person)
    if p.things:
        subject += f" with {join([t.phrase() for t in p.things])}"
    verb = (
        f"is {join(p.doings)}"
        if p.doings
        else choose(("poses", "appears", "is portrayed", "is depicted"))
    )
    return sentence(", ".join([f"{subject} {verb}", *p.settings]))


def setting_first(p: Parts, choose: Chooser) -> str:
    """In front of a dark wall, a man with a beard is smiling."""
    if not p.settings:
        return statement(p, choose)
    rest = statement(Parts(**(vars(p) | {"settings": []})), choose)
    return sentence(f"{', '.join(p.settings)}, {rest[0].lower()}{rest[1:-1]}")


TEMPLATES = (one_breath, one_breath, step_by_step, possessive, statement, setting_first)


def sentences(named: Named, choose: Chooser) -> str:
    """A caption in whole sentences."""
    parts = gather(named, choose)
    return choose.one_of(TEMPLATES)(parts, choose)


def keywords(named: Named, choose: Chooser) -> str:
    """A caption as a list: "portrait: young woman, long hair, looking up"."""
    p = gather(named, choose)
    tags = [t.phrase(with_article=False) for t in p.things] + p.doings + p.settings
    if named.get("beard") == "beard" and choose.chance(0.4):
        tags.append("bearded")
    start = choose(("portrait: ", "keywords: ", "tags: ", "avatar: ", ""))
    return start + ", ".join([p.person, *choose.shuffled(tags)])
